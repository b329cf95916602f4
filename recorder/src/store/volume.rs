//! A directory of the campaign, and how it stands with its disk.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::writer::{Done, Job, Writer};
use crate::RecorderError;
use crate::disk::Disk;

/// What an answer of the writer is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Errand {
    /// A segment begins; the one before it on the same directory, if one goes on there, has ended.
    Begin {
        /// Number of the segment.
        number: u64,
        /// Number of its first frame.
        first: u64,
        /// Number of the segment before.
        before: Option<u64>,
    },
    Append,
    /// All frames before this number are durable.
    Sync(u64),
    Manifest,
    Probe,
}

/// A job on its way.
#[derive(Clone, Copy, Debug)]
struct Flight {
    errand: Errand,
    /// In which life of the journal in this directory it was sent.
    epoch: u64,
    /// Nothing before the recorder was told the time.
    sent: Option<Instant>,
}

/// An answer that still matters.
pub(super) struct Answer {
    pub errand: Errand,
    pub done: Done,
}

/// A directory, its writer, and what was asked of it.
pub(super) struct Volume {
    root: PathBuf,
    writer: Writer,
    in_flight: VecDeque<Flight>,
    /// One up whenever the journal leaves the directory: what is said of it afterwards does not count.
    epoch: u64,
    answered: Option<Instant>,
    probed: Option<Instant>,
    /// Why nothing is written to it.
    pub failure: Option<RecorderError>,
}

impl Volume {
    pub fn start(disk: Arc<dyn Disk>, root: &Path, background: bool) -> Result<Self, RecorderError> {
        let writer = Writer::start(disk, root, background)?;
        Ok(Self {
            root: root.to_owned(),
            writer,
            in_flight: VecDeque::new(),
            epoch: 0,
            answered: None,
            probed: None,
            failure: None,
        })
    }

    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Whether the journal may go on here.
    pub const fn works(&self) -> bool {
        self.failure.is_none()
    }

    pub fn send(&mut self, errand: Errand, job: Job, now: Option<Instant>) {
        self.in_flight.push_back(Flight { errand, epoch: self.epoch, sent: now });
        self.writer.send(job);
    }

    /// Whether such an errand is on its way.
    pub fn awaits(&self, is_such: impl Fn(Errand) -> bool) -> bool {
        self.in_flight.iter().any(|flight| is_such(flight.errand))
    }

    /// Whether anything of the journal is on its way.
    pub fn is_busy(&self) -> bool {
        self.in_flight.iter().any(|flight| flight.epoch == self.epoch)
    }

    /// Looks for room, unless it was looked for within `pause`.
    pub fn probe(&mut self, now: Option<Instant>, pause: Duration) {
        let lately = self.probed.zip(now).is_some_and(|(probed, now)| now.saturating_duration_since(probed) < pause);
        if !lately && !self.awaits(|errand| errand == Errand::Probe) {
            self.probed = now;
            self.send(Errand::Probe, Job::Probe, now);
        }
    }

    /// The journal leaves the directory. Gives the beginnings of segments that were not answered, so that these may or may not exist.
    pub fn leave(&mut self) -> Vec<Errand> {
        let epoch = self.epoch;
        self.epoch += 1;
        let of_the_journal = self.in_flight.iter().filter(|flight| flight.epoch == epoch);
        of_the_journal.map(|flight| flight.errand).filter(|errand| matches!(errand, Errand::Begin { .. })).collect()
    }

    /// The next answer. What is said of a journal that has left since is left out.
    pub fn answer(&mut self, now: Option<Instant>) -> Option<Answer> {
        loop {
            let done = self.writer.take()?;
            self.answered = now;
            let flight = self.in_flight.pop_front()?;
            if flight.epoch == self.epoch || matches!(flight.errand, Errand::Manifest | Errand::Probe) {
                return Some(Answer { errand: flight.errand, done });
            }
        }
    }

    /// Waits for an answer; false when none comes for so long.
    pub fn wait(&mut self, at_most: Duration) -> bool {
        self.writer.wait(at_most)
    }

    /// For how long the oldest job has been waiting since the disk showed a sign of life. What was sent before the recorder was told the time
    /// counts from the `first` that it was told.
    pub fn silence(&self, first: Instant, now: Instant) -> Duration {
        let Some(oldest) = self.in_flight.front() else { return Duration::ZERO };
        now.saturating_duration_since(self.answered.max(oldest.sent).unwrap_or(first))
    }
}
