//! The thread that writes: it owns the recorder, journals every block, and keeps the campaign's ledger up to date.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use capture::{Gauge, Pace};
use conntrack::Detail;
use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, TryRecvError};
use recorder::{Block, Recorder, SourceEntry};
use wire::Nanos;

use super::outlet::LostRows;
use crate::{clock, events, ledger};

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
    /// Nothing before its first step.
    looked: Option<Instant>,
    looked_at: Nanos,
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
        stop: Arc<AtomicBool>,
    ) -> Self {
        let sources = sources.into_iter().map(|(name, gauge)| Watched { name, gauge, lost: 0 }).collect();
        Self { recorder, queue, pace, sources, stop, looked: None, looked_at: clock::time_of_day() }
    }

    /// Writes until every producer has closed its outlet. When the disk fails it stops the sources, and takes what still
    /// comes so that nobody waits for it; the recorder counts that as lost.
    pub(super) fn run(mut self) -> Recorder {
        loop {
            let received = match self.queue.blocks.recv_timeout(TICK) {
                Ok(block) => Some(block),
                Err(RecvTimeoutError::Timeout) => None,
                Err(RecvTimeoutError::Disconnected) => return self.end(),
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
        if let Some(block) = received {
            self.write(block);
        }
        if self.recorder.tick(now).is_err() {
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
        for source in &mut self.sources {
            let snapshot = source.gauge.read();
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
        self.recorder.manifest_mut().sources = entries;
        for detail in losses {
            events::write(&mut self.recorder, now, Detail::Lost(detail));
        }
        self.looked_at = now;
    }
}
