//! The sealers, one a directory, and the segments that wait for them.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::disk::Disk;
use crate::seal::{Job, Removed, Report, SealedSegment, Sealer, Sealing, Survey, Task};
use crate::store::Ended;
use crate::{Config, RecorderError, Retention};

/// What the sealers have to say.
#[derive(Debug, Default)]
pub(super) struct Reports {
    pub sealed: Vec<SealedSegment>,
    pub removed: Vec<Removed>,
    /// Surveys, and the directories that they are of.
    pub surveys: Vec<(usize, Survey)>,
    pub errors: Vec<RecorderError>,
}

/// Seals segments in the directories that they lie in.
pub(super) struct Sealers {
    sealing: Vec<Sealing>,
    /// Ended and not sealed: since when, and where.
    unsealed: BTreeMap<u64, Unsealed>,
    retried: Option<Instant>,
}

struct Unsealed {
    volume: usize,
    task: Task,
    since: Option<Instant>,
    /// It could not be sealed, or its directory did not work.
    is_waiting: bool,
}

impl Sealers {
    pub fn start(disk: &Arc<dyn Disk>, roots: &[PathBuf], config: &Config) -> Result<Self, RecorderError> {
        let start = |root| Sealing::start(Sealer::new(Arc::clone(disk), root, config.parquet_level), config.background);
        let sealing = roots.iter().map(|root| start(root)).collect::<Result<_, _>>()?;
        Ok(Self { sealing, unsealed: BTreeMap::new(), retried: None })
    }

    /// Takes over a segment that has ended, in a directory that `is_sound` or not.
    pub fn take_over(&mut self, ended: Ended, is_sound: bool, now: Option<Instant>) {
        let task = Task { number: ended.number, limit: ended.limit, in_vain: ended.in_vain };
        let unsealed = Unsealed { volume: ended.volume, task, since: now, is_waiting: !is_sound };
        if is_sound {
            self.sealing[ended.volume].give(Job::Seal(task));
        }
        self.unsealed.insert(ended.number, unsealed);
    }

    /// Tries again, every so often, what could not be sealed and lies in a directory that works.
    pub fn retry(&mut self, is_sound: impl Fn(usize) -> bool, now: Instant, every: Duration) {
        if !self.unsealed.values().any(|unsealed| unsealed.is_waiting) {
            self.retried = None;
            return;
        }
        if now.saturating_duration_since(*self.retried.get_or_insert(now)) >= every {
            self.retried = Some(now);
            self.retry_now(is_sound);
        }
    }

    fn retry_now(&mut self, is_sound: impl Fn(usize) -> bool) {
        for unsealed in self.unsealed.values_mut().filter(|unsealed| unsealed.is_waiting && is_sound(unsealed.volume)) {
            unsealed.is_waiting = false;
            self.sealing[unsealed.volume].give(Job::Seal(unsealed.task));
        }
    }

    /// Has the room looked at in a directory, and made where there is too little.
    pub fn tidy(&mut self, volume: usize, retention: Retention) {
        self.sealing[volume].give(Job::Tidy(retention));
    }

    /// What happened since the last call.
    pub fn collect(&mut self) -> Reports {
        let mut all = Reports::default();
        for (volume, sealing) in self.sealing.iter_mut().enumerate() {
            for report in sealing.take() {
                match report {
                    Report::Sealed(task, Ok(sealed)) => {
                        self.unsealed.remove(&task.number);
                        all.sealed.push(sealed);
                    }
                    Report::Sealed(task, Err(error)) => {
                        if let Some(unsealed) = self.unsealed.get_mut(&task.number) {
                            unsealed.is_waiting = true;
                        }
                        all.errors.push(error);
                    }
                    Report::Removed(removed) => all.removed.push(removed),
                    Report::Surveyed(survey) => all.surveys.push((volume, survey)),
                    Report::NoRoom(error) => all.errors.push(error),
                }
            }
        }
        all
    }

    /// Has room made in directories that work, once everything there is sealed, and waits for that.
    pub fn settle(&mut self, is_sound: impl Fn(usize) -> bool, retention: Retention) -> Reports {
        for (_, sealing) in self.sealing.iter_mut().enumerate().filter(|(volume, _)| is_sound(*volume)) {
            sealing.give(Job::Tidy(retention));
            sealing.end();
        }
        self.collect()
    }

    /// Waits for those in directories that work, and tries once more what failed there: there may be room by now.
    pub fn finish(&mut self, is_sound: impl Fn(usize) -> bool) -> Reports {
        for (volume, sealing) in self.sealing.iter_mut().enumerate() {
            if is_sound(volume) {
                sealing.end();
            }
        }
        let mut first = self.collect();
        self.retry_now(is_sound);
        let second = self.collect();
        first.sealed.extend(second.sealed);
        first.removed.extend(second.removed);
        // What was mended needs no word.
        first.errors = second.errors;
        first
    }

    /// How many segments are not sealed, and since when the oldest of them is not.
    pub fn unsealed(&self) -> (u64, Option<Instant>) {
        (self.unsealed.len() as u64, self.unsealed.values().filter_map(|unsealed| unsealed.since).min())
    }
}
