//! The thread that writes: it owns the recorder, journals every block, and keeps the campaign's ledger up to date.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use capture::{Gauge, Pace};
use conntrack::Detail;
use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, TryRecvError, after};
use recorder::{Block, Condition, Recorder, SourceEntry, Span};
use wire::Nanos;

use super::outlet::LostRows;
use super::pulse::Pulse;
use crate::host_clock::{HostClock, seconds};
use crate::{clock, ledger};

/// The recorder wants to hear the time this often.
const TICK: Duration = Duration::from_millis(50);

/// How often ledgers are brought up to date and losses are looked for.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// The scribe's end of the queue of blocks.
pub(super) struct Queue {
    /// What the producers give.
    pub(super) blocks: Receiver<Block>,
    /// The way back, a queue a producer.
    pub(super) give_back: Vec<Sender<Block>>,
    /// What found no room.
    pub(super) lost: Arc<LostRows>,
}

/// The worker that writes.
pub struct Scribe {
    recorder: Recorder,
    queue: Queue,
    pace: Pace,
    sources: Vec<Watched>,
    stop: Arc<AtomicBool>,
    pulse: Pulse,
    line: Line,
    host: HostClock,
    /// Nothing before its first step.
    looked: Option<Instant>,
    looked_at: Nanos,
}

/// What the scribe says of its recorder, and hears from those who look after it.
#[derive(Clone, Debug, Default)]
pub struct Line(Arc<Mutex<Said>>);

#[derive(Debug, Default)]
struct Said {
    condition: Condition,
    order: Option<Order>,
}

/// Another configuration, and what is to be told of it.
#[derive(Clone, Debug)]
pub struct Order {
    /// The recorder's part of it.
    pub recording: recorder::Config,
    /// What has changed, in words.
    pub sentence: String,
}

impl Line {
    /// How the recorder was a moment ago.
    #[must_use]
    pub fn condition(&self) -> Condition {
        self.said().condition.clone()
    }

    /// Has the recorder go on with another configuration, within a second.
    pub fn order(&self, order: Order) {
        self.said().order = Some(order);
    }

    /// Both are values of their own: also after a panic elsewhere they are as good as any.
    fn said(&self) -> MutexGuard<'_, Said> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A source, and how many of its frames were known to be lost at the last look.
struct Watched {
    name: String,
    gauge: Gauge,
    lost: u64,
}

impl Scribe {
    pub(super) fn new(
        recorder: Recorder,
        queue: Queue,
        pace: Pace,
        sources: Vec<(String, Gauge)>,
        (stop, pulse, line): (Arc<AtomicBool>, Pulse, Line),
    ) -> Self {
        let sources = sources.into_iter().map(|(name, gauge)| Watched { name, gauge, lost: 0 }).collect();
        let (host, looked_at) = (HostClock::read(), clock::time_of_day());
        line.said().condition = recorder.condition();
        Self { recorder, queue, pace, sources, stop, pulse, line, host, looked: None, looked_at }
    }

    /// Writes until every producer has closed its outlet. While no disk takes rows it takes what comes all the same, so that nobody waits for
    /// it, and the recorder counts what it cannot keep as lost. A file can be read again: there it stops the sources.
    pub(super) fn run(mut self) -> Recorder {
        loop {
            let received = if self.recorder.is_full() {
                // The disk is behind; it is given time, and the queue fills up meanwhile.
                let _ = after(TICK).recv();
                None
            } else {
                match self.queue.blocks.recv_timeout(TICK) {
                    Ok(block) => Some(block),
                    Err(RecvTimeoutError::Timeout) => None,
                    Err(RecvTimeoutError::Disconnected) => return self.end(),
                }
            };
            self.conclude(received, clock::now());
        }
    }

    /// Writes the next block, if one is there; false when every producer has closed its outlet, and [`Self::end`] is due.
    #[must_use]
    pub fn step(&mut self, now: Instant) -> bool {
        let received = match self.queue.blocks.try_recv() {
            Ok(block) => Some(block),
            Err(TryRecvError::Empty) => None,
            Err(TryRecvError::Disconnected) => return false,
        };
        self.conclude(received, now);
        true
    }

    /// Brings the ledgers up to date once more, and gives the recorder back.
    #[must_use]
    pub fn end(mut self) -> Recorder {
        self.look();
        self.recorder
    }

    /// What follows a look into the queue.
    fn conclude(&mut self, received: Option<Block>, now: Instant) {
        self.pulse.beat();
        if let Some(block) = received {
            self.write(block);
        }
        if self.recorder.tick(now, clock::time_of_day()).is_err() && self.pace == Pace::Patient {
            self.stop.store(true, Ordering::Relaxed);
        }
        if now.saturating_duration_since(*self.looked.get_or_insert(now)) >= LOOK_EVERY {
            self.looked = Some(now);
            self.look();
        }
    }

    fn write(&mut self, block: Block) {
        // Lost means that the disk failed, which the next tick says.
        let _ = self.recorder.append(&block);
        if let Some(back) = self.queue.give_back.get(usize::from(block.producer)) {
            // Where there is no room for it, or nobody any more to fill it again, it is freed.
            let _ = back.try_send(block);
        }
    }

    /// Brings the ledgers up to date, and records what was lost since the last look.
    fn look(&mut self) {
        let now = clock::time_of_day();
        let (seconds, _) = self.looked_at.split();
        let mut losses = Vec::new();
        let mut entries = Vec::new();
        let mut packets = Span::default();
        for source in &mut self.sources {
            let snapshot = source.gauge.read();
            let (first, last) = (snapshot.counters.first, snapshot.counters.last);
            packets = Span { start: packets.start.into_iter().chain(first).min(), end: packets.end.max(last) };
            let ledger = ledger::so_far(&snapshot.counters, &snapshot.device);
            let lost = ledger.dropped.total();
            // What a source that can wait has lost is written at the end, by the time of its packets.
            if lost > source.lost && self.pace == Pace::Live {
                losses.push(format!("{}: {} frames since second {seconds}", source.name, lost - source.lost));
                source.lost = lost;
            }
            entries.push(SourceEntry { name: source.name.clone(), ledger, ..SourceEntry::default() });
        }
        for (table, rows) in self.queue.lost.take() {
            self.recorder.count_lost(table, rows);
            losses.push(format!(
                "{rows} rows of table {table} since second {seconds}: the disk is slower than they come"
            ));
        }
        let manifest = self.recorder.manifest_mut();
        manifest.sources = entries;
        manifest.packets = packets;
        for detail in losses {
            self.recorder.tell(now, Detail::Lost(detail));
        }
        self.looked_at = now;
        self.look_at_the_clock(now, packets.end);
        self.talk(now);
    }

    /// Records steps of the host's clock, where packets carry its time.
    fn look_at_the_clock(&mut self, now: Nanos, newest: Option<Nanos>) {
        let read = HostClock::read();
        let step = self.host.step(&read);
        self.host = read;
        if let (Some(step), Pace::Live) = (step, self.pace) {
            let packet =
                newest.map_or(String::new(), |newest| format!("; the newest packet is of {}", seconds(newest)));
            self.recorder.tell(now, Detail::ClockStep(format!("{step}{packet}")));
        }
    }

    /// Says how the recorder is, and does what was ordered.
    fn talk(&mut self, now: Nanos) {
        let mut said = self.line.said();
        said.condition = self.recorder.condition();
        let order = said.order.take();
        drop(said);
        if let Some(Order { recording, sentence }) = order {
            self.recorder.reconfigure(recording);
            self.recorder.tell(now, Detail::ConfigChanged(sentence));
        }
        for words in self.recorder.take_words() {
            tracing::warn!("{words}");
        }
    }
}
