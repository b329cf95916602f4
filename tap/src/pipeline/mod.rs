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
//! Each thread is a loop around the step of a worker ([`Workers`]), so that a test can let them take turns in one thread instead.
//! They end in the order in which packets pass: sources end or are told to stop, pollers close their rings, shards run
//! dry, write every live connection, or have the keeper keep it ([`crate::checkpoint`]), and close their outlets, and the scribe ends with
//! the last outlet.

mod outlet;
mod pulse;
mod scribe;
mod workers;

use std::io;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, Builder, JoinHandle};
use std::time::Duration;

use capture::{Gauge, Pace, PollerReport, Snapshot, Source};
use conntrack::{Anomaly, Shard, Straggler};
use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};
use recorder::{Carried, Recorder, RecorderError};
use serde::Serialize;

use crate::anonymise::prefix::PrefixCipher;
use crate::checkpoint::{Keeper, Saver};
pub use pulse::Pulses;
pub use scribe::{Line, Order, Scribe};
pub use workers::{PollerWorker, ShardWorker, Tallies, Workers};

/// Blocks that may wait for the scribe: 16 MiB, a second of a busy link's headers.
pub(crate) const BLOCKS: usize = 256;

/// Everything that a pipeline is made of.
pub struct Parts {
    /// Where frames come from; one poller each.
    pub sources: Vec<Box<dyn Source>>,
    /// Whether the sources can be kept waiting.
    pub pace: Pace,
    /// The trackers, at least one.
    pub shards: Vec<Shard>,
    /// Whether they go on with what an earlier run has kept.
    pub resumes: bool,
    /// What keeps, at the end, what they remember; nothing where they are to write all rows.
    pub keeping: Option<(Saver, Keeper)>,
    /// Pollers and rings.
    pub capture: capture::Config,
    /// What replaces addresses; nothing where they stay as they are.
    pub mask: Option<PrefixCipher>,
    /// Makes the recorder for this many producers of rows.
    pub recorder: Recorder,
}

/// How many producers of rows a pipeline has: what the recorder must be told beforehand.
#[must_use]
pub fn producers(sources: usize, shards: NonZeroU32) -> u16 {
    u16::try_from(sources.saturating_add(shards.get() as usize)).unwrap_or(u16::MAX)
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
    gauges: Vec<(String, Gauge)>,
    tallies: Tallies,
    pulses: Pulses,
    line: Line,
    /// Disconnected when every thread has ended.
    alive: Receiver<()>,
    pollers: Vec<JoinHandle<PollerReport>>,
    shards: Vec<JoinHandle<()>>,
    scribe: JoinHandle<Recorder>,
    keeper: Option<JoinHandle<Result<Option<Carried>, RecorderError>>>,
}

/// What a pipeline leaves.
pub struct Ended {
    /// One a source, in their order.
    pub reports: Vec<PollerReport>,
    /// What the shards did.
    pub tracked: Tracked,
    /// The recorder, with everything but the end of the campaign in it.
    pub recorder: Recorder,
    /// What was kept for the next run, or why it could not be.
    pub carried: Result<Option<Carried>, RecorderError>,
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
    /// Tuples in TIME_WAIT that were forgotten before their time.
    pub time_wait_evicted: u64,
    /// Packets of connections whose rows were written before, in the order of [`Straggler::ALL`].
    #[serde(skip)]
    pub stragglers: [u64; Straggler::ALL.len()],
    /// Packets that showed an anomaly, in the order of [`Anomaly::ALL`].
    #[serde(skip)]
    pub anomalies: [u64; Anomaly::ALL.len()],
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
        let names: Vec<String> = parts.sources.iter().map(|source| source.name().to_owned()).collect();
        let workers = Workers::new(parts, Arc::clone(&stop));
        let Workers { pollers, shards, scribe, keeper, gauges, tallies, pulses, line } = workers;
        let gauges = names.into_iter().zip(gauges).collect();
        let (working, alive) = bounded(0);
        let working = Working { _alive: working, stop: Arc::clone(&stop) };
        let shards = shards.into_iter().map(|worker| spawn("shard", &working, move || worker.run()));
        let shards = shards.collect::<io::Result<_>>()?;
        let pollers = pollers.into_iter().map(|worker| spawn("poller", &working, move || worker.run()));
        let pollers = pollers.collect::<io::Result<_>>()?;
        let scribe = spawn("scribe", &working, move || scribe.run())?;
        let keeper = keeper.map(|keeper| spawn("keeper", &working, move || keeper.run())).transpose()?;
        Ok(Self { stop, gauges, tallies, pulses, line, alive, pollers, shards, scribe, keeper })
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
        for snapshot in self.gauges.iter().map(|(_, gauge)| gauge.read()) {
            figures.packets += snapshot.counters.delivered();
            figures.lost += snapshot.device.dropped() + snapshot.counters.dropped_queue;
            figures.read.0 += snapshot.progress.done;
            figures.read.1 = figures.read.1.zip(snapshot.progress.total).map(|(sum, total)| sum + total);
        }
        (figures.connections, figures.live) = self.tallies.connections();
        figures
    }

    /// Each source by name, as it is.
    #[must_use]
    pub fn sources(&self) -> Vec<(String, Snapshot)> {
        self.gauges.iter().map(|(name, gauge)| (name.clone(), gauge.read())).collect()
    }

    /// What the shards have done so far, and how many connections are open.
    #[must_use]
    pub fn tracked(&self) -> (Tracked, u64) {
        (self.tallies.tracked(), self.tallies.connections().1)
    }

    /// Signs of life.
    #[must_use]
    pub const fn pulses(&self) -> &Pulses {
        &self.pulses
    }

    /// To the scribe.
    #[must_use]
    pub const fn line(&self) -> &Line {
        &self.line
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
        let keeper = self.keeper.map(|thread| thread.join().map_err(|_| ThreadFailed("keeper")));
        let carried = keeper.transpose()?.unwrap_or(Ok(None));
        shards?;
        Ok(Ended { reports: reports?, tracked: self.tallies.tracked(), recorder, carried })
    }
}

/// Held by each thread until it ends, in whatever way.
#[derive(Clone)]
struct Working {
    _alive: Sender<()>,
    stop: Arc<AtomicBool>,
}

impl Drop for Working {
    fn drop(&mut self) {
        // A campaign that lacks a part of its connections, or of its rows, is not worth a week.
        if thread::panicking() {
            self.stop.store(true, Ordering::Relaxed);
        }
    }
}

/// A named thread. Where it panics, it tells the sources to end.
fn spawn<T: Send + 'static>(
    name: &'static str,
    working: &Working,
    work: impl FnOnce() -> T + Send + 'static,
) -> io::Result<JoinHandle<T>> {
    let working = working.clone();
    Builder::new().name(name.to_owned()).spawn(move || {
        let _working = working;
        work()
    })
}
