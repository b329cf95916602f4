//! The simulation behind the queues of a device.

use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use capture::{Progress, SourceError};
use wire::Nanos;

use super::{CROWDED, FRAMES_A_RUN, Options, PATIENCE};
use crate::frame::Frame;
use crate::hardware::Device;
use crate::pcap::Resolution;
use crate::truth::Truth;
use crate::truth_file::TruthFile;
use crate::world::{Extent, Tap, World};

/// A world, the device that captures it, and what waits for the readers of its queues.
pub(super) struct Simulation {
    state: Mutex<State>,
    /// Somebody has taken a backlog.
    taken: Condvar,
    /// When it begins.
    start: Nanos,
    /// Milliseconds of simulated time that have passed.
    done: AtomicU64,
    /// And that will have at the end, where that is known.
    total: Option<u64>,
}

struct State {
    world: World,
    has_ended: bool,
    captured: Captures,
}

/// The tap's side: what has been captured and not been read.
struct Captures {
    device: Device,
    backlogs: Vec<Batch>,
    truth: Option<TruthFile>,
    truth_path: PathBuf,
    problem: Option<SourceError>,
    /// The instant of the latest frame at the tap.
    now: Nanos,
}

/// Frames of a queue in their order, in one piece of memory.
#[derive(Debug, Default)]
pub(super) struct Batch {
    bytes: Vec<u8>,
    pub(super) frames: Vec<Held>,
}

/// A frame in a batch.
#[derive(Clone, Copy, Debug)]
pub(super) struct Held {
    pub(super) ts: Nanos,
    pub(super) wire_len: u32,
    len: u32,
    start: usize,
    /// Frames that its queue had lost before it.
    pub(super) dropped: u64,
}

/// What a source gets when it asks for more.
pub(super) enum Refill {
    /// Its batch has frames.
    Frames,
    /// There are none for it now. All that came before this instant, by its clock, was in its batches, and it has lost so many frames.
    Nothing(Option<Nanos>, u64),
    /// There never will be any.
    End,
}

impl Batch {
    fn push(&mut self, ts: Nanos, bytes: &[u8], wire_len: u32, dropped: u64) {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(bytes);
        self.frames.push(Held { ts, wire_len, len: bytes.len() as u32, start, dropped });
    }

    pub(super) fn bytes(&self, frame: &Held) -> &[u8] {
        self.bytes.get(frame.start..frame.start + frame.len as usize).unwrap_or_default()
    }

    fn clear(&mut self) {
        self.bytes.clear();
        self.frames.clear();
    }
}

impl Tap for Captures {
    fn frame(&mut self, ts: Nanos, frame: &Frame<'_>) -> io::Result<()> {
        self.now = ts;
        if let Some(captured) = self.device.take(ts, frame)
            && let Some(backlog) = self.backlogs.get_mut(captured.queue)
        {
            let dropped = self.device.counters(captured.queue).dropped();
            backlog.push(captured.ts, captured.bytes, captured.wire_len, dropped);
        }
        Ok(())
    }

    fn over(&mut self, truth: &Truth) -> io::Result<()> {
        if let Some(Err(error)) = self.truth.as_mut().map(|file| file.write(truth)) {
            self.give_up_truth(error);
        }
        Ok(())
    }
}

impl Captures {
    /// The capture goes on without it; who reads the campaign hears of it once.
    fn give_up_truth(&mut self, error: io::Error) {
        self.truth = None;
        self.problem = Some(SourceError::Write { path: self.truth_path.clone(), error });
    }
}

impl Simulation {
    pub(super) fn new(options: &Options) -> Result<Self, SourceError> {
        let hardware = options.hardware();
        let extent = Extent::of(options.scenario, options.connections, options.duration, options.packets);
        let truth_path = options.truth.clone().unwrap_or_default();
        let truth = options.truth.as_deref().map(TruthFile::create).transpose();
        let truth = truth.map_err(|error| SourceError::Write { path: truth_path.clone(), error })?;
        let captured = Captures {
            device: Device::new(hardware, options.seed),
            backlogs: (0..hardware.queues()).map(|_| Batch::default()).collect(),
            truth,
            truth_path,
            problem: None,
            now: Nanos::MIN,
        };
        let world = World::new(options.scenario, options.seed, extent, hardware.snaplen, Resolution::Nanos);
        let state = State { world, has_ended: false, captured };
        let total = extent.end.map(|end| millis(extent.start, end));
        Ok(Self {
            start: extent.start,
            state: Mutex::new(state),
            taken: Condvar::new(),
            done: AtomicU64::new(0),
            total,
        })
    }

    /// Gives a queue what waits for it, in exchange for its last batch. Where nothing does, runs on, unless others have to catch up
    /// first: then a source that `has_promised` waits for them. A queue ends with a promise, because what it lost at the end has no frame
    /// that could tell of it.
    pub(super) fn refill(&self, queue: usize, batch: &mut Batch, has_promised: bool) -> Result<Refill, SourceError> {
        batch.clear();
        let mut state = self.lock();
        if let Some(problem) = state.captured.problem.take() {
            return Err(problem);
        }
        if state.captured.is_empty(queue) && !state.has_ended {
            if state.captured.is_crowded() {
                if !has_promised {
                    return Ok(state.captured.nothing(queue));
                }
                let (waited, wait) = self.taken.wait_timeout(state, PATIENCE).unwrap_or_else(PoisonError::into_inner);
                if !wait.timed_out() {
                    return Ok(waited.captured.nothing(queue));
                }
                state = waited;
            }
            state.run();
            self.done.store(millis(self.start, state.captured.now), Ordering::Relaxed);
        }
        Ok(self.hand_over(&mut state, queue, batch, has_promised))
    }

    fn hand_over(&self, state: &mut State, queue: usize, batch: &mut Batch, has_promised: bool) -> Refill {
        if !state.captured.is_empty(queue) {
            std::mem::swap(&mut state.captured.backlogs[queue], batch);
            self.taken.notify_all();
            return Refill::Frames;
        }
        if state.has_ended && has_promised { Refill::End } else { state.captured.nothing(queue) }
    }

    /// Nothing passes the tap any more; what was captured can still be read.
    pub(super) fn stop(&self) {
        let mut state = self.lock();
        if !state.has_ended {
            let State { world, captured, .. } = &mut *state;
            // What goes wrong with the truth is noted where it is written.
            let _ = world.stop(captured);
            state.end();
        }
    }

    /// How far it has come in simulated time; asked without the lock, which another queue may hold for a run.
    pub(super) fn progress(&self) -> Progress {
        Progress { done: self.done.load(Ordering::Relaxed), total: self.total }
    }

    /// After a panic elsewhere what is there is as good as any: counters, and frames that are whole.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn millis(start: Nanos, now: Nanos) -> u64 {
    now.elapsed_since(start).unsigned_abs() / 1_000_000
}

impl State {
    fn run(&mut self) {
        // The tap itself never fails; what goes wrong with the truth it notes.
        if self.world.run(FRAMES_A_RUN, &mut self.captured).unwrap_or(true) {
            self.end();
        }
    }

    fn end(&mut self) {
        self.has_ended = true;
        if let Some(Err(error)) = self.captured.truth.take().map(TruthFile::finish) {
            self.captured.give_up_truth(error);
        }
    }
}

impl Captures {
    fn is_empty(&self, queue: usize) -> bool {
        self.backlogs.get(queue).is_none_or(|backlog| backlog.frames.is_empty())
    }

    fn is_crowded(&self) -> bool {
        self.backlogs.iter().any(|backlog| backlog.frames.len() >= CROWDED)
    }

    /// How far the queue's own clock has come, and what it has lost until then. A clock that is set back promises nothing: it would
    /// break its word.
    fn nothing(&self, queue: usize) -> Refill {
        Refill::Nothing(self.device.promise(queue, self.now), self.device.counters(queue).dropped())
    }
}
