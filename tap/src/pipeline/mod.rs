//! Threads, queues and bounds: the one place that knows of them.
//!
//! ```text
//! source ── poller ──┐ rings: batches x ring, a ring per (poller, shard)     ┌── scribe ── journal, sealer
//! source ── poller ──┼──► shard ── outlet ──┐                                │
//!                    └──► shard ── outlet ──┼── one queue of BLOCKS blocks ──┘
//!              (each poller ── outlet) ─────┘
//! ```
//!
//! | queue | bound | from a file | live |
//! | --- | --- | --- | --- |
//! | ring between a poller and a shard | `capture.batch` x `capture.ring` observations | waits | drops, counted in the ledger (`queue`) |
//! | blocks to the scribe | [`BLOCKS`] blocks of 64 KiB | waits | drops, counted in the campaign's losses |
//! | blocks on their way back | [`BLOCKS`] | freed instead | freed instead |
//!
//! The threads end in the order in which packets pass: sources end or are told to stop, pollers close their rings, shards run
//! dry, write every live connection and close their outlets, and the scribe ends with the last outlet.

mod outlet;
mod scribe;

use std::io;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

use capture::{Gauge, Inbox, Pace, Poller, PollerReport, Received, Source};
use conntrack::Shard;
use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};
use recorder::{Block, Recorder};
use serde::Serialize;

use outlet::Outlet;
use scribe::{Queue, Scribe};

/// Blocks that may wait for the scribe: 16 MiB, a second of a busy link's headers.
const BLOCKS: usize = 256;

/// Everything that a pipeline is made of.
pub struct Parts {
    /// Where frames come from; one poller each.
    pub sources: Vec<Box<dyn Source>>,
    /// Whether the sources can be kept waiting.
    pub pace: Pace,
    /// How many shards.
    pub shards: NonZeroU32,
    /// Pollers and rings.
    pub capture: capture::Config,
    /// Each shard.
    pub tracker: conntrack::Config,
    /// Makes the recorder for this many producers of rows.
    pub recorder: Recorder,
}

/// How many producers of rows a pipeline has: what the recorder must be told beforehand.
#[must_use]
pub fn producers(sources: usize, shards: NonZeroU32) -> u16 {
    u16::try_from(sources.saturating_add(shards.get() as usize)).unwrap_or(u16::MAX)
}

/// A shard's figures, for other threads.
#[derive(Debug, Default)]
struct Tally {
    connections: AtomicU64,
    live: AtomicU64,
    late: AtomicU64,
    evicted: AtomicU64,
    unrecorded: AtomicU64,
    icmp_attributed: AtomicU64,
    icmp_unattributed: AtomicU64,
}

/// The figures of a running pipeline.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// Frames delivered, TCP or not.
    pub packets: u64,
    /// Connections begun.
    pub connections: u64,
    /// Connections open.
    pub live: u64,
    /// Frames lost, wherever.
    pub lost: u64,
    /// Bytes read, and bytes there are to read where that is known of every source.
    pub read: (u64, Option<u64>),
}

/// A pipeline at work.
pub struct Running {
    stop: Arc<AtomicBool>,
    gauges: Vec<Gauge>,
    tallies: Vec<Arc<Tally>>,
    /// Disconnected when every thread has ended.
    alive: Receiver<()>,
    pollers: Vec<JoinHandle<PollerReport>>,
    shards: Vec<JoinHandle<()>>,
    scribe: JoinHandle<Recorder>,
}

/// What a pipeline leaves.
pub struct Ended {
    /// One a source, in their order.
    pub reports: Vec<PollerReport>,
    /// What the shards did.
    pub tracked: Tracked,
    /// The recorder, with everything but the end of the campaign in it.
    pub recorder: Recorder,
}

/// What the shards of a pipeline did, together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Tracked {
    /// Connections begun.
    pub connections: u64,
    /// Connections and attempts that went because a bound of the table was reached.
    pub evicted: u64,
    /// Attempts among them that left no row: a flood.
    pub unrecorded: u64,
    /// Packets that came after younger ones had been tracked, because their source was silent for too long.
    pub late: u64,
    /// ICMP errors that told of a connection, and those about one that was not there.
    pub icmp_errors: [u64; 2],
}

/// A thread of the pipeline panicked: a defect of this program.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("a {0} thread failed, which is a defect of this program; what it had written before is in the campaign")]
pub struct ThreadFailed(&'static str);

impl Running {
    /// Starts the threads. Setting `stop` ends the sources, and with them everything else in order.
    ///
    /// # Errors
    /// When a thread cannot be started.
    pub fn start(parts: Parts, stop: Arc<AtomicBool>) -> io::Result<Self> {
        let queues = capture::Pipeline::new(parts.sources, parts.shards, &parts.capture);
        let (in_threads, alive) = bounded(0);
        let mut outlets = Outlets::new(parts.pace);
        let gauges: Vec<Gauge> = queues.pollers.iter().map(Poller::gauge).collect();
        let sources = queues.pollers.iter().map(|poller| (poller.name().to_owned(), poller.gauge())).collect();
        let tallies: Vec<Arc<Tally>> = queues.inboxes.iter().map(|_| Arc::default()).collect();

        let mut shards = Vec::new();
        for (inbox, tally) in queues.inboxes.into_iter().zip(&tallies) {
            let (outlet, tally) = (outlets.open(), Arc::clone(tally));
            let shard = Shard::new(parts.tracker.clone());
            shards.push(spawn("shard", &in_threads, move || track(inbox, shard, outlet, &tally))?);
        }
        let mut pollers = Vec::new();
        for poller in queues.pollers {
            let (outlet, stop) = (outlets.open(), Arc::clone(&stop));
            pollers.push(spawn("poller", &in_threads, move || poll(poller, outlet, &stop))?);
        }
        let scribe = Scribe::new(parts.recorder, outlets.close(), parts.pace, sources, Arc::clone(&stop));
        let scribe = spawn("scribe", &in_threads, move || scribe.run())?;
        Ok(Self { stop, gauges, tallies, alive, pollers, shards, scribe })
    }

    /// Tells the sources to end.
    pub fn stop(&self) {
        self.stop.store(true, Ordering::Relaxed);
    }

    /// Waits for the end, at most this long; says whether it has come.
    #[must_use]
    pub fn has_ended_within(&self, time: Duration) -> bool {
        self.alive.recv_timeout(time) == Err(RecvTimeoutError::Disconnected)
    }

    /// The figures of this moment.
    #[must_use]
    pub fn figures(&self) -> Figures {
        let mut figures = Figures { read: (0, Some(0)), ..Figures::default() };
        for snapshot in self.gauges.iter().map(Gauge::read) {
            figures.packets += snapshot.counters.delivered();
            figures.lost += snapshot.device.dropped() + snapshot.counters.dropped_queue;
            figures.read.0 += snapshot.progress.done;
            figures.read.1 = figures.read.1.zip(snapshot.progress.total).map(|(sum, total)| sum + total);
        }
        for tally in &self.tallies {
            figures.connections += tally.connections.load(Ordering::Relaxed);
            figures.live += tally.live.load(Ordering::Relaxed);
        }
        figures
    }

    /// Waits for every thread, and collects what they leave.
    ///
    /// # Errors
    /// When one of them panicked.
    pub fn join(self) -> Result<Ended, ThreadFailed> {
        let reports = self.pollers.into_iter().map(|thread| thread.join().map_err(|_| ThreadFailed("poller")));
        let reports = reports.collect::<Result<Vec<_>, _>>();
        let shards = self.shards.into_iter().map(|thread| thread.join().map_err(|_| ThreadFailed("shard")));
        let shards = shards.collect::<Result<Vec<()>, _>>();
        let recorder = self.scribe.join().map_err(|_| ThreadFailed("scribe"))?;
        shards?;
        let sum = |figure: fn(&Tally) -> &AtomicU64| {
            self.tallies.iter().map(|tally| figure(tally).load(Ordering::Relaxed)).sum()
        };
        let tracked = Tracked {
            connections: sum(|tally| &tally.connections),
            evicted: sum(|tally| &tally.evicted),
            unrecorded: sum(|tally| &tally.unrecorded),
            late: sum(|tally| &tally.late),
            icmp_errors: [sum(|tally| &tally.icmp_attributed), sum(|tally| &tally.icmp_unattributed)],
        };
        Ok(Ended { reports: reports?, tracked, recorder })
    }
}

/// Makes the producers' ends of the queue to the scribe, and at last the scribe's.
struct Outlets {
    pace: Pace,
    blocks: Sender<Block>,
    queue: Queue,
}

impl Outlets {
    fn new(pace: Pace) -> Self {
        let (blocks, received) = bounded(BLOCKS);
        Self { pace, blocks, queue: Queue { blocks: received, give_back: Vec::new(), lost: Arc::default() } }
    }

    /// The outlet of one more producer; they are numbered from 0.
    fn open(&mut self) -> Outlet {
        let (back, spare) = bounded(BLOCKS);
        let number = u16::try_from(self.queue.give_back.len()).unwrap_or(u16::MAX);
        self.queue.give_back.push(back);
        Outlet::new(number, self.pace, self.blocks.clone(), spare, Arc::clone(&self.queue.lost))
    }

    /// The scribe's end. From here on the queue ends with its last outlet.
    fn close(self) -> Queue {
        self.queue
    }
}

/// A named thread that holds `alive` until it ends, in whatever way.
fn spawn<T: Send + 'static>(
    name: &'static str,
    alive: &Sender<()>,
    work: impl FnOnce() -> T + Send + 'static,
) -> io::Result<JoinHandle<T>> {
    let alive = alive.clone();
    Builder::new().name(name.to_owned()).spawn(move || {
        let _alive = alive;
        work()
    })
}

/// A poller's thread.
fn poll(poller: Poller, mut outlet: Outlet, stop: &AtomicBool) -> PollerReport {
    let report = poller.run(stop, &mut |news| outlet.hear(news));
    outlet.close();
    report
}

/// A shard's thread.
fn track(mut inbox: Inbox, mut shard: Shard, mut outlet: Outlet, tally: &Tally) {
    loop {
        let encoder = outlet.encoder();
        let received = inbox.receive(&mut |run| {
            for packet in run.packets() {
                shard.step(&packet, encoder);
            }
        });
        if received == Received::End {
            break;
        }
        shard.advance(inbox.clock(), outlet.encoder());
        outlet.pass_on(inbox.clock());
        publish(&shard, &inbox, tally);
    }
    shard.finish(inbox.clock(), &mut outlet.at_the_end());
    publish(&shard, &inbox, tally);
    outlet.close();
}

fn publish(shard: &Shard, inbox: &Inbox, tally: &Tally) {
    let stats = shard.stats();
    tally.connections.store(stats.opened, Ordering::Relaxed);
    tally.live.store(stats.live, Ordering::Relaxed);
    tally.late.store(inbox.late(), Ordering::Relaxed);
    tally.evicted.store(stats.evicted, Ordering::Relaxed);
    tally.unrecorded.store(stats.unrecorded, Ordering::Relaxed);
    tally.icmp_attributed.store(stats.icmp_attributed, Ordering::Relaxed);
    tally.icmp_unattributed.store(stats.icmp_unattributed, Ordering::Relaxed);
}
