//! Where the journal lies: in a directory, or, when its disk fails, fills or hangs, in the next one.
//!
//! Every frame is kept in memory until a disk has acknowledged it. When a write or a sync fails, or is not answered for
//! [`crate::Config::hang`], the segment is over, since nobody knows what the kernel dropped: another one begins, in the next directory that
//! works, with the oldest frame that was not acknowledged. A frame may so lie in two segments; the later one counts, and whoever reads or
//! seals the earlier one stops where the later one begins. So nothing is lost and nothing there twice.
//!
//! The first directory is tried again every [`crate::Config::retry_every`], and taken again when there is room on it. Where no directory works
//! at all, each is tried every second, frames wait in memory up to [`BACKLOG`], and what comes beyond it is refused, which the recorder
//! counts.
//!
//! Each directory has a writer, in a thread of its own, which may hang with its disk; nobody waits for it but [`Store::settle`].

mod backlog;
mod volume;
mod writer;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::disk::{Disk, DiskError};
use crate::journal::{Packed, Preamble};
use crate::{RecorderError, Table};
use backlog::Backlog;
use volume::{Answer, Errand, Volume};
use writer::Job;

/// Bytes of frames that wait for a disk, at most: some seconds of a busy link, so that a disk may hang for as long.
pub const BACKLOG: u64 = 64 << 20;

/// How often a directory is tried when none works.
const PAUSE: Duration = Duration::from_secs(1);

/// A segment that has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ended {
    /// In which directory.
    pub volume: usize,
    /// Its number.
    pub number: u64,
    /// The frame with this number, and those after it, are in another segment.
    pub limit: u64,
    /// Whether it may not exist, because its beginning failed.
    pub in_vain: bool,
}

/// What happened to the disks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum News {
    /// A directory failed: why.
    Failed(String),
    /// The journal goes on in this directory.
    GoesOnIn(PathBuf),
    /// `campaign.json` could not be written there: why.
    NoManifest(String),
}

/// How the store behaves.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Patience {
    /// A disk that does not answer for so long hangs.
    pub hang: Duration,
    /// How often a better directory is tried again.
    pub retry_every: Duration,
}

/// The journal over its directories.
pub(crate) struct Store {
    volumes: Vec<Volume>,
    /// Where the journal is; nothing while no directory works.
    active: Option<usize>,
    /// The last number that a segment was given.
    numbered: u64,
    /// Number of the newest segment that is known to exist.
    newest: u64,
    /// Bytes of its payloads, unpacked.
    raw: u64,
    /// Number of the next frame.
    next: u64,
    backlog: Backlog,
    acknowledged: [u64; Table::COUNT],
    ended: Vec<Ended>,
    news: Vec<News>,
    /// Why the last `campaign.json` was not written everywhere.
    manifest_error: Option<DiskError>,
    patience: Patience,
    first_tick: Option<Instant>,
    now: Option<Instant>,
}

impl Store {
    /// A journal whose newest segment so far is `newest`, in the first of `roots`; its next frame is `next`.
    pub fn start(
        disk: &Arc<dyn Disk>,
        roots: &[PathBuf],
        (newest, next): (u64, u64),
        patience: Patience,
        background: bool,
    ) -> Result<Self, RecorderError> {
        let volumes = roots.iter().map(|root| Volume::start(Arc::clone(disk), root, background));
        Ok(Self {
            volumes: volumes.collect::<Result<_, _>>()?,
            active: None,
            numbered: newest,
            newest,
            raw: 0,
            next,
            backlog: Backlog::default(),
            acknowledged: [0; Table::COUNT],
            ended: Vec::new(),
            news: Vec::new(),
            manifest_error: None,
            patience,
            first_tick: None,
            now: None,
        })
    }

    /// Begins the first segment, in the first directory.
    ///
    /// # Errors
    /// When it cannot be begun there.
    pub fn open(&mut self) -> Result<(), RecorderError> {
        self.begin_in(0, None);
        self.settle();
        match self.volumes[0].failure.take() {
            Some(error) => Err(error),
            None => Ok(()),
        }
    }

    /// Number of the newest segment that exists.
    pub const fn newest(&self) -> u64 {
        self.newest
    }

    /// Bytes of the newest segment's payloads, unpacked.
    pub const fn raw(&self) -> u64 {
        self.raw
    }

    /// Rows that are durable.
    pub const fn acknowledged(&self) -> [u64; Table::COUNT] {
        self.acknowledged
    }

    /// Bytes of frames that are not durable.
    pub const fn waiting(&self) -> usize {
        self.backlog.bytes()
    }

    /// Whether a directory takes frames.
    pub const fn works(&self) -> bool {
        self.active.is_some()
    }

    /// The directory that takes frames.
    pub fn active(&self) -> Option<&Path> {
        self.active.map(|active| self.volumes[active].root())
    }

    /// Whether nothing is to be given until a disk has acknowledged some of what waits.
    pub const fn is_full(&self) -> bool {
        self.backlog.bytes() as u64 >= BACKLOG
    }

    /// Why no directory takes frames.
    pub fn failure(&self) -> Option<&RecorderError> {
        if self.works() { None } else { self.volumes.iter().find_map(|volume| volume.failure.as_ref()) }
    }

    /// Whether a directory works: where not, nothing is to be sealed in it.
    pub fn is_sound(&self, volume: usize) -> bool {
        self.volumes.get(volume).is_some_and(Volume::works)
    }

    /// Segments that have ended since the last call.
    pub fn take_ended(&mut self) -> Vec<Ended> {
        std::mem::take(&mut self.ended)
    }

    /// What happened since the last call.
    pub fn take_news(&mut self) -> Vec<News> {
        std::mem::take(&mut self.news)
    }

    /// Takes the next frame.
    pub fn append(&mut self, frame: Packed) {
        self.next = frame.sequence + 1;
        if let Some(active) = self.active {
            self.write(active, &frame);
        }
        self.backlog.push(frame);
    }

    /// Makes what was appended durable, soon.
    pub fn sync(&mut self) {
        let Some(active) = self.active else { return };
        if self.backlog.first().is_some() {
            let (next, now) = (self.next, self.now);
            self.volumes[active].send(Errand::Sync(next), Job::Sync, now);
        }
    }

    /// Ends the newest segment, soon.
    pub fn rotate(&mut self) {
        if let Some(active) = self.active {
            self.begin_in(active, Some(self.numbered));
        }
    }

    /// Another patience from here on.
    pub const fn set_patience(&mut self, patience: Patience) {
        self.patience = patience;
    }

    /// Puts the `campaign.json` that `make` gives for it into every directory that works, soon; where the one before is still on its way, not.
    pub fn write_manifest(&mut self, make: impl Fn(&Path) -> Result<Vec<u8>, DiskError>) {
        self.manifest_error = None;
        for volume in self.volumes.iter_mut().filter(|volume| volume.works()) {
            if volume.awaits(|errand| errand == Errand::Manifest) {
                continue;
            }
            match make(volume.root()) {
                Ok(bytes) => volume.send(Errand::Manifest, Job::Manifest(Arc::from(bytes)), self.now),
                Err(error) => self.manifest_error = Some(error),
            }
        }
    }

    /// Waits until every `campaign.json` is written.
    ///
    /// # Errors
    /// When one of them was not.
    pub fn settle_manifests(&mut self) -> Result<(), RecorderError> {
        self.hear();
        let hang = self.patience.hang;
        let awaits = |volume: &Volume| volume.works() && volume.awaits(|errand| errand == Errand::Manifest);
        while let Some(volume) = self.volumes.iter_mut().find(|volume| awaits(volume)) {
            if !volume.wait(hang) {
                return Err(RecorderError::Hangs { path: volume.root().to_owned(), seconds: hang.as_secs() });
            }
            self.hear();
        }
        self.manifest_error.take().map_or(Ok(()), |error| Err(error.into()))
    }

    /// Why the first directory that does not work does not.
    pub fn take_failure(&mut self) -> Option<RecorderError> {
        self.volumes.iter_mut().find_map(|volume| volume.failure.take())
    }

    /// Hears what the disks have to say at `now`, and sees to those that do not answer.
    pub fn tick(&mut self, now: Instant) {
        self.now = Some(now);
        let first = *self.first_tick.get_or_insert(now);
        self.hear();
        if let Some(active) = self.active {
            let silence = self.volumes[active].silence(first, now);
            if silence >= self.patience.hang {
                let path = self.volumes[active].root().to_owned();
                self.fail(active, RecorderError::Hangs { path, seconds: silence.as_secs() }, None);
            }
        }
        let better = self.active.unwrap_or(self.volumes.len());
        let pause = if self.works() { self.patience.retry_every } else { PAUSE };
        for volume in self.volumes[..better].iter_mut().filter(|volume| !volume.works()) {
            volume.probe(self.now, pause);
        }
        self.hear();
    }

    /// Waits until everything that was asked is answered, or no directory works.
    pub fn settle(&mut self) {
        self.hear();
        while let Some(active) = self.active.filter(|&active| self.volumes[active].is_busy()) {
            if !self.volumes[active].wait(self.patience.hang) {
                let path = self.volumes[active].root().to_owned();
                self.fail(active, RecorderError::Hangs { path, seconds: self.patience.hang.as_secs() }, None);
            }
            self.hear();
        }
    }

    /// Looks once more for a directory with room where none works, makes everything durable, and ends the newest segment.
    pub fn finish(&mut self) {
        if !self.works() {
            self.volumes.iter_mut().for_each(|volume| volume.probe(self.now, Duration::ZERO));
            let hang = self.patience.hang;
            let answers = |volume: &mut Volume| volume.awaits(|errand| errand == Errand::Probe) && volume.wait(hang);
            while !self.works() && self.volumes.iter_mut().any(answers) {
                self.hear();
            }
        }
        self.sync();
        self.settle();
        if let Some(active) = self.active.take() {
            self.volumes[active].leave();
            self.ended.push(Ended { volume: active, number: self.numbered, limit: u64::MAX, in_vain: false });
        }
    }

    /// Takes in answers until there are none.
    fn hear(&mut self) {
        while let Some((at, answer)) = self.answer() {
            self.take_in(at, answer);
        }
    }

    fn answer(&mut self) -> Option<(usize, Answer)> {
        (0..).zip(&mut self.volumes).find_map(|(at, volume)| Some((at, volume.answer(self.now)?)))
    }

    fn take_in(&mut self, at: usize, Answer { errand, done }: Answer) {
        match (errand, done) {
            (Errand::Append, Ok(())) | (Errand::Manifest, Ok(())) => {}
            (Errand::Sync(to), Ok(())) => self.acknowledge(to),
            (Errand::Begin { number, first, before }, Ok(())) => {
                self.newest = number;
                // Everything before it was made durable first.
                if let Some(number) = before {
                    self.acknowledge(first);
                    self.ended.push(Ended { volume: at, number, limit: first, in_vain: false });
                }
            }
            (Errand::Manifest, Err(error)) => {
                self.news.push(News::NoManifest(error.to_string()));
                self.manifest_error = Some(error);
            }
            (Errand::Probe, Err(error)) => self.volumes[at].failure = Some(error.into()),
            (Errand::Probe, Ok(())) => self.come_back(at),
            // Of a directory that the journal has left nothing is heard, but this one may have failed a moment ago.
            (errand, Err(error)) if self.active == Some(at) => self.fail(at, error.into(), Some(errand)),
            (_, Err(_)) => {}
        }
    }

    fn acknowledge(&mut self, before: u64) {
        let rows = self.backlog.release(before);
        for (sum, rows) in self.acknowledged.iter_mut().zip(rows) {
            *sum += rows;
        }
    }

    /// The journal leaves a directory that failed at an errand, or by doing nothing.
    fn fail(&mut self, at: usize, error: RecorderError, errand: Option<Errand>) {
        self.news.push(News::Failed(error.to_string()));
        self.volumes[at].failure = Some(error);
        self.leave(at, errand);
        self.active = None;
        match self.volumes.iter().position(Volume::works) {
            Some(next) => self.go_on_in(next),
            None => self.volumes.iter_mut().for_each(|volume| volume.probe(self.now, PAUSE)),
        }
    }

    /// A directory that had failed has room again.
    fn come_back(&mut self, at: usize) {
        self.volumes[at].failure = None;
        match self.active {
            Some(active) if active <= at => {}
            Some(active) => {
                self.leave(active, None);
                self.go_on_in(at);
            }
            None => self.go_on_in(at),
        }
    }

    /// Ends the segment in a directory before the frames that are not durable there, and those whose beginning failed or was not answered.
    fn leave(&mut self, at: usize, failed: Option<Errand>) {
        let limit = self.first_unacknowledged();
        let mut open = Some(self.numbered);
        for errand in failed.into_iter().chain(self.volumes[at].leave()) {
            let Errand::Begin { number, before, .. } = errand else { continue };
            if let Some(before) = before.filter(|_| open.is_some()) {
                self.ended.push(Ended { volume: at, number: before, limit, in_vain: false });
            }
            open = None;
            self.ended.push(Ended { volume: at, number, limit, in_vain: true });
        }
        if let Some(number) = open {
            self.ended.push(Ended { volume: at, number, limit, in_vain: false });
        }
    }

    fn go_on_in(&mut self, at: usize) {
        self.news.push(News::GoesOnIn(self.volumes[at].root().to_owned()));
        self.begin_in(at, None);
    }

    /// Begins the next segment in a directory, where the segment `before` ends with it; where there is none, with all frames that are not
    /// durable.
    fn begin_in(&mut self, at: usize, before: Option<u64>) {
        self.numbered += 1;
        self.raw = 0;
        self.active = Some(at);
        let number = self.numbered;
        let first = if before.is_some() { self.next } else { self.first_unacknowledged() };
        self.volumes[at].send(
            Errand::Begin { number, first, before },
            Job::Begin(Preamble { number, first }),
            self.now,
        );
        if before.is_none() {
            let again: Vec<Packed> = self.backlog.frames().cloned().collect();
            again.iter().for_each(|frame| self.write(at, frame));
            self.sync();
        }
    }

    fn write(&mut self, at: usize, frame: &Packed) {
        self.raw += u64::from(frame.raw);
        self.volumes[at].send(Errand::Append, Job::Append(Arc::clone(&frame.bytes)), self.now);
    }

    fn first_unacknowledged(&self) -> u64 {
        self.backlog.first().unwrap_or(self.next)
    }
}
