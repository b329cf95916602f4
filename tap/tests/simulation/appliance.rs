//! The whole appliance in one thread: its workers take turns in an order that follows from the seed.

use std::num::NonZeroU32;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use capture::{DeviceCounters, Frame, Pace, Polled, Progress, Source, SourceError};
use conntrack::Shard;
use hwsim::rng::Rng;
use recorder::{Disk, EndedBy, Manifest, Recorder, RecorderError, Software, Table};
use tap::pipeline::{Ended, Parts, PollerWorker, Scribe, ShardWorker, Workers, producers};
use tap::{clock, run};
use wire::Nanos;

use crate::case::{Case, MOST_PACKETS};

/// Turns of others after which the scribe gets one: its queue must not fill up.
const PATIENCE: u32 = 64;

/// Blocks that the scribe takes in a turn, at most.
const BLOCKS_A_TURN: u32 = 8;

/// A turn takes up to this long, by the time that the workers are told.
const LONGEST_TURN: u64 = 2_000_000;

/// What a campaign came to.
pub struct Recorded {
    /// Rows that were acknowledged, by table.
    pub acknowledged: [u64; Table::COUNT],
    /// The appliance stopped its sources, because the disk had failed.
    pub stopped: bool,
    /// The end of the campaign was written, and the disk never failed.
    pub is_whole: bool,
}

/// Records the case in the directory `root` of `disk`, which may fail. A machine that `has_crashed` does not end the campaign.
///
/// # Errors
/// When the campaign cannot even be begun.
pub fn record(
    case: &Case,
    root: &Path,
    disk: Arc<dyn Disk>,
    has_crashed: &dyn Fn() -> bool,
) -> Result<Recorded, RecorderError> {
    let begun = clock::now();
    let stop = Arc::new(AtomicBool::new(false));
    let parts = parts(case, root, disk)?;
    let pace = parts.pace;
    let ended = Turns::new(case.seed, begun).run(Workers::new(parts, Arc::clone(&stop)));
    let acknowledged = Table::ALL.map(|table| ended.recorder.acknowledged(table));
    let stopped = stop.load(Ordering::Relaxed);
    if has_crashed() {
        return Ok(Recorded { acknowledged, stopped, is_whole: false });
    }
    let ended_by = if stopped { EndedBy::Stop } else { EndedBy::Sources };
    let is_whole =
        run::conclude(ended, ended_by, &run::Start { pace, again: None, lost: Vec::new() }, begun, root).is_ok();
    Ok(Recorded { acknowledged, stopped, is_whole })
}

fn parts(case: &Case, root: &Path, disk: Arc<dyn Disk>) -> Result<Parts, RecorderError> {
    let shards = NonZeroU32::new(case.shards).unwrap_or(NonZeroU32::MIN);
    let mut sources = hwsim::source::open(&case.source()).expect("it writes no truth");
    let pace = if case.hurried { Pace::Live } else { Pace::Patient };
    if case.hurried {
        sources = sources.into_iter().map(|source| Box::new(Hurried(source)) as Box<dyn Source>).collect();
    }
    let recording = recorder::Config {
        producers: producers(sources.len(), shards),
        sync_every: Duration::from_millis(20),
        segment_bytes: case.segment_bytes,
        background: false,
        ..recorder::Config::default()
    };
    let software = Software { version: "0".to_owned(), commit: "simulation".to_owned() };
    let manifest = Manifest::new(software, Nanos::from_secs(1_767_225_600));
    let tracker = conntrack::Config { headers: case.headers, ..conntrack::Config::default() };
    Ok(Parts {
        pace,
        shards: (0..shards.get()).map(|_| Shard::new(tracker.clone())).collect(),
        resumes: false,
        keeping: None,
        capture: capture::Config {
            headers: case.headers > 0,
            seed: case.seed,
            batch: case.batch,
            ring: if case.hurried { 3 } else { MOST_PACKETS as usize },
            ..capture::Config::default()
        },
        mask: None,
        recorder: Recorder::create_on(disk, root, recording, manifest)?,
        sources,
    })
}

/// A device that nobody can keep waiting.
struct Hurried(Box<dyn Source>);

impl Source for Hurried {
    fn name(&self) -> &str {
        self.0.name()
    }

    fn pace(&self) -> Pace {
        Pace::Live
    }

    fn poll(&mut self, visit: &mut dyn FnMut(Frame<'_>)) -> Result<Polled, SourceError> {
        self.0.poll(visit)
    }

    fn device(&mut self) -> DeviceCounters {
        self.0.device()
    }

    fn progress(&self) -> Progress {
        self.0.progress()
    }

    fn stop(&mut self) {
        self.0.stop();
    }
}

/// Whose turn it is.
struct Turns {
    rng: Rng,
    now: Instant,
    /// How many turns the scribe has waited.
    waited: u32,
}

impl Turns {
    fn new(seed: u64, now: Instant) -> Self {
        // Its chance is not that of the world, which begins from the same seed.
        Self { rng: Rng::new(seed ^ 0x7475_726e_7321), now, waited: 0 }
    }

    /// Lets everybody work to the end.
    fn run(mut self, workers: Workers) -> Ended {
        let Workers { pollers, shards, mut scribe, tallies, .. } = workers;
        let mut reports: Vec<_> = pollers.iter().map(|_| None).collect();
        let mut pollers: Vec<Option<PollerWorker>> = pollers.into_iter().map(Some).collect();
        let mut shards: Vec<Option<ShardWorker>> = shards.into_iter().map(Some).collect();
        // Some are slow in some cases: then queues fill.
        let weights: Vec<u64> = (0..=pollers.len() + shards.len()).map(|_| 1 << self.rng.below(5)).collect();
        while self.scribe_goes_on(&mut scribe) {
            match self.next(&weights).checked_sub(1) {
                None => self.waited = PATIENCE,
                Some(at) if at < pollers.len() => {
                    if pollers[at].as_mut().is_some_and(|poller| !poller.step(self.now)) {
                        reports[at] = pollers[at].take().map(|poller| poller.end(self.now));
                    }
                }
                Some(at) => {
                    let shard = &mut shards[at - pollers.len()];
                    if shard.as_mut().is_some_and(|shard| !shard.step(self.now))
                        && let Some(shard) = shard.take()
                    {
                        shard.end();
                    }
                }
            }
        }
        let reports = reports.into_iter().map(|report| report.expect("every poller has ended")).collect();
        Ended { reports, tracked: tallies.tracked(), recorder: scribe.end(), carried: Ok(None) }
    }

    /// Gives the scribe a turn when it has waited long enough; false when nobody will bring it anything any more.
    fn scribe_goes_on(&mut self, scribe: &mut Scribe) -> bool {
        self.now += Duration::from_nanos(self.rng.below(LONGEST_TURN));
        self.waited += 1;
        if self.waited <= PATIENCE {
            return true;
        }
        self.waited = 0;
        (0..BLOCKS_A_TURN).all(|_| scribe.step(self.now))
    }

    /// The next in turn by chance and weight: 0 is the scribe, then come pollers and shards.
    fn next(&mut self, weights: &[u64]) -> usize {
        let mut left = self.rng.below(weights.iter().sum());
        for (at, &weight) in weights.iter().enumerate() {
            if left < weight {
                return at;
            }
            left -= weight;
        }
        0
    }
}
