//! Who writes in one directory: in a thread of its own, so that a disk that hangs keeps nobody else waiting, or at once.

use std::collections::VecDeque;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, unbounded};

use crate::RecorderError;
use crate::disk::{Disk, DiskError, DiskFile, OnPath, write_whole};
use crate::journal::{self, Preamble, segment_path};
use crate::manifest;

/// What is to be done, in this order.
#[derive(Clone, Debug)]
pub(crate) enum Job {
    /// Make everything appended durable, and begin another segment. Errors before it are forgiven.
    Begin(Preamble),
    /// Append a frame to the segment.
    Append(Arc<[u8]>),
    /// Make everything appended durable.
    Sync,
    /// Put this in the place of `campaign.json`.
    Manifest(Arc<[u8]>),
    /// See whether there is room to go on.
    Probe,
}

/// What came of a job.
pub(crate) type Done = Result<(), DiskError>;

/// Carries jobs out one after the other, and answers each.
pub(crate) struct Writer {
    place: Place,
    answers: VecDeque<Done>,
}

enum Place {
    Here(Hand),
    Thread { jobs: Sender<Job>, answers: Receiver<Done> },
}

impl Writer {
    /// Starts the thread, if one is wanted.
    pub fn start(disk: Arc<dyn Disk>, root: &Path, background: bool) -> Result<Self, RecorderError> {
        let hand = Hand { disk, root: root.to_owned(), segment: None };
        let place = if background { Place::spawn(hand)? } else { Place::Here(hand) };
        Ok(Self { place, answers: VecDeque::new() })
    }

    /// Does it, now or soon.
    pub fn send(&mut self, job: Job) {
        match &mut self.place {
            Place::Here(hand) => {
                let done = hand.carry_out(job);
                self.answers.push_back(done);
            }
            // The thread only ends with this sender.
            Place::Thread { jobs, .. } => drop(jobs.send(job)),
        }
    }

    /// What came of the oldest job that was not answered, if that is known.
    pub fn take(&mut self) -> Option<Done> {
        if let Place::Thread { answers, .. } = &self.place {
            self.answers.extend(answers.try_iter());
        }
        self.answers.pop_front()
    }

    /// Waits until at least one answer is there, at most this long; false where none came.
    pub fn wait(&mut self, at_most: Duration) -> bool {
        if let (Place::Thread { answers, .. }, true) = (&self.place, self.answers.is_empty()) {
            self.answers.extend(answers.recv_timeout(at_most));
        }
        !self.answers.is_empty()
    }
}

impl Place {
    fn spawn(mut hand: Hand) -> Result<Self, RecorderError> {
        let (jobs, todo) = unbounded();
        let (done, answers) = unbounded();
        let work = move || {
            for job in todo {
                if done.send(hand.carry_out(job)).is_err() {
                    break;
                }
            }
        };
        thread::Builder::new()
            .name("writer".to_owned())
            .spawn(work)
            .map_err(|error| RecorderError::Thread { what: format!("writing thread could not be started: {error}") })?;
        Ok(Self::Thread { jobs, answers })
    }
}

/// Name of the file with which room is looked for.
const PROBE: &str = "probe.tmp";

/// Less room than this is none: some seconds of a busy link's journal.
const PROBE_BYTES: usize = 1 << 20;

/// What writes in the directory.
struct Hand {
    disk: Arc<dyn Disk>,
    root: PathBuf,
    segment: Option<Segment>,
}

struct Segment {
    path: PathBuf,
    file: Box<dyn DiskFile>,
}

impl Hand {
    fn carry_out(&mut self, job: Job) -> Done {
        match job {
            Job::Begin(preamble) => self.begin(preamble),
            Job::Append(bytes) => {
                self.on_segment(|segment| segment.file.write_all(&bytes).on("append to", &segment.path))
            }
            Job::Sync => self.on_segment(|segment| segment.file.sync().on("sync", &segment.path)),
            Job::Manifest(bytes) => write_whole(&*self.disk, &self.root.join(manifest::NAME), &bytes),
            Job::Probe => self.probe(),
        }
    }

    /// Works on the segment. Where that fails the segment is over: nobody knows what the kernel dropped.
    fn on_segment(&mut self, work: impl FnOnce(&mut Segment) -> Done) -> Done {
        let Some(segment) = &mut self.segment else {
            return Err(io::Error::other("the segment failed before")).on("write", &self.root);
        };
        work(segment).inspect_err(|_| self.segment = None)
    }

    /// A segment that exists durably, with nothing but its preamble.
    fn begin(&mut self, preamble: Preamble) -> Done {
        if let Some(mut before) = self.segment.take() {
            before.file.sync().on("sync", &before.path)?;
        }
        let path = segment_path(&self.root, preamble.number);
        let mut file = self.disk.create(&path).on("create", &path)?;
        file.write_all(&preamble.to_bytes()).on("write", &path)?;
        file.sync().on("sync", &path)?;
        let dir = self.root.join(journal::DIRECTORY);
        self.disk.sync_dir(&dir).on("sync", &dir)?;
        self.segment = Some(Segment { path, file });
        Ok(())
    }

    fn probe(&self) -> Done {
        let path = self.root.join(journal::DIRECTORY).join(PROBE);
        let mut file = self.disk.create(&path).on("create", &path)?;
        let written = file.write_all(&vec![0; PROBE_BYTES]).and_then(|()| file.sync()).on("write", &path);
        drop(file);
        let removed = self.disk.remove(&path).on("remove", &path);
        written.and(removed)
    }
}
