//! The sealer, in a thread of its own or at once.

use crossbeam_channel::{Receiver, Sender, unbounded};

use super::{Removed, Retention, SealedSegment, Sealer, Survey, Task};
use crate::RecorderError;

/// What the sealer is to do.
#[derive(Clone, Debug)]
pub(crate) enum Job {
    /// Seal a segment.
    Seal(Task),
    /// Look at the room, and make some where there is too little.
    Tidy(Retention),
}

/// What came of a job.
#[derive(Debug)]
pub(crate) enum Report {
    /// A segment was sealed, or not.
    Sealed(Task, Result<SealedSegment, RecorderError>),
    /// A segment's files were deleted.
    Removed(Removed),
    /// The room as it is.
    Surveyed(Survey),
    /// The room could not be looked at, or not be made.
    NoRoom(RecorderError),
}

/// Does jobs in the order in which they are given.
pub(crate) struct Sealing {
    place: Place,
    reports: Vec<Report>,
}

enum Place {
    Here(Sealer),
    Thread {
        jobs: Sender<Job>,
        reports: Receiver<Report>,
        handle: std::thread::JoinHandle<Sealer>,
    },
    /// The thread panicked.
    Gone,
}

impl Sealing {
    /// Starts the thread, if one is wanted.
    pub fn start(sealer: Sealer, background: bool) -> Result<Self, RecorderError> {
        let place = if background { Place::spawn(sealer)? } else { Place::Here(sealer) };
        Ok(Self { place, reports: Vec::new() })
    }

    /// Does it, now or soon.
    pub fn give(&mut self, job: Job) {
        let job = match &mut self.place {
            Place::Here(sealer) => return sealer.carry_out(job, &mut |report| self.reports.push(report)),
            Place::Thread { jobs, .. } => match jobs.send(job) {
                Ok(()) => return,
                Err(refused) => refused.into_inner(),
            },
            Place::Gone => job,
        };
        let error = RecorderError::Thread { what: "sealing thread panicked".to_owned() };
        self.reports.push(match job {
            Job::Seal(task) => Report::Sealed(task, Err(error)),
            Job::Tidy(_) => Report::NoRoom(error),
        });
    }

    /// What came of jobs since the last call.
    pub fn take(&mut self) -> Vec<Report> {
        if let Place::Thread { reports, .. } = &self.place {
            self.reports.extend(reports.try_iter());
        }
        std::mem::take(&mut self.reports)
    }

    /// Waits for what is being done, and ends the thread; what is given later is done at once.
    pub fn end(&mut self) {
        self.place = match std::mem::replace(&mut self.place, Place::Gone) {
            Place::Thread { jobs, reports, handle } => {
                drop(jobs);
                self.reports.extend(reports.iter());
                handle.join().map_or(Place::Gone, Place::Here)
            }
            place => place,
        };
    }
}

impl Place {
    fn spawn(mut sealer: Sealer) -> Result<Self, RecorderError> {
        let (jobs, todo) = unbounded();
        let (done, reports) = unbounded();
        let work = move || {
            for job in todo {
                // Nobody hears where the recorder is gone; what is sealed is sealed all the same.
                sealer.carry_out(job, &mut |report| drop(done.send(report)));
            }
            sealer
        };
        let handle = std::thread::Builder::new()
            .name("sealer".to_owned())
            .spawn(work)
            .map_err(|error| RecorderError::Thread { what: format!("sealing thread could not be started: {error}") })?;
        Ok(Self::Thread { jobs, reports, handle })
    }
}

impl Sealer {
    fn carry_out(&mut self, job: Job, report: &mut dyn FnMut(Report)) {
        match job {
            Job::Seal(task) => report(Report::Sealed(task, self.seal(task, &[]))),
            Job::Tidy(retention) => {
                if let Err(error) = self.tidy(&retention, report) {
                    report(Report::NoRoom(error));
                }
            }
        }
    }
}
