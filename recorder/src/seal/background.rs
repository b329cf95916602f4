//! The sealer, in a thread of its own or at once.

use crossbeam_channel::{Receiver, Sender, unbounded};

use super::{SealedSegment, Sealer};
use crate::RecorderError;

/// A segment's number and what came of it.
pub(crate) type SealResult = (u64, Result<SealedSegment, RecorderError>);

/// Seals segments in the order in which they are given.
pub(crate) struct Sealing {
    place: Place,
    results: Vec<SealResult>,
}

enum Place {
    Here(Sealer),
    Thread {
        segments: Sender<u64>,
        results: Receiver<SealResult>,
        handle: std::thread::JoinHandle<Sealer>,
    },
    /// The thread panicked.
    Gone,
}

impl Sealing {
    /// Starts the thread, if one is wanted.
    pub fn start(sealer: Sealer, background: bool) -> Result<Self, RecorderError> {
        let place = if background { Place::spawn(sealer)? } else { Place::Here(sealer) };
        Ok(Self { place, results: Vec::new() })
    }

    /// Seals segment `number`, now or soon.
    pub fn seal(&mut self, number: u64) {
        let result = match &mut self.place {
            Place::Here(sealer) => sealer.seal(number, &[]),
            Place::Thread { segments, .. } if segments.send(number).is_ok() => return,
            Place::Thread { .. } | Place::Gone => Err(RecorderError::Thread { what: "panicked".to_owned() }),
        };
        self.results.push((number, result));
    }

    /// What was sealed, or could not be, since the last call.
    pub fn take(&mut self) -> Vec<SealResult> {
        if let Place::Thread { results, .. } = &self.place {
            self.results.extend(results.try_iter());
        }
        std::mem::take(&mut self.results)
    }

    /// Waits for what is being sealed, and ends the thread; what is given later is sealed at once.
    pub fn end(&mut self) {
        self.place = match std::mem::replace(&mut self.place, Place::Gone) {
            Place::Thread { segments, results, handle } => {
                drop(segments);
                self.results.extend(results.iter());
                handle.join().map_or(Place::Gone, Place::Here)
            }
            place => place,
        };
    }
}

impl Place {
    fn spawn(mut sealer: Sealer) -> Result<Self, RecorderError> {
        let (segments, todo) = unbounded();
        let (done, results) = unbounded();
        let work = move || {
            for number in todo {
                if done.send((number, sealer.seal(number, &[]))).is_err() {
                    break;
                }
            }
            sealer
        };
        let handle = std::thread::Builder::new()
            .name("sealer".to_owned())
            .spawn(work)
            .map_err(|error| RecorderError::Thread { what: format!("could not be started: {error}") })?;
        Ok(Self::Thread { segments, results, handle })
    }
}
