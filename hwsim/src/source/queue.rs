//! A queue of a simulated device, as a source.

use std::sync::Arc;

use capture::{DeviceCounters, Frame, Pace, Polled, Progress, Source, SourceError};
use wire::LinkType;

use super::simulation::{Batch, Refill, Simulation};

/// A queue and its reader's place in it.
pub(super) struct Queue {
    name: String,
    number: usize,
    simulation: Arc<Simulation>,
    /// Frames taken from the simulation, visited up to `next`.
    batch: Batch,
    next: usize,
    visited: u64,
    /// Losses that lie before the next frame, and have been told.
    dropped: u64,
    /// The tracker was told how far this queue has come, and no frame has been visited since.
    has_promised: bool,
}

impl Queue {
    pub(super) fn new(name: String, number: usize, simulation: Arc<Simulation>) -> Self {
        let batch = Batch::default();
        Self { name, number, simulation, batch, next: 0, visited: 0, dropped: 0, has_promised: false }
    }

    /// Visits the frames up to the next that comes after a loss, which has to be told before it.
    fn visit(&mut self, visit: &mut dyn FnMut(Frame<'_>)) {
        let rest = self.batch.frames.get(self.next..).unwrap_or_default();
        let told = rest.first().map_or(self.dropped, |next| next.dropped);
        let ready = rest.iter().take_while(|frame| frame.dropped == told);
        let mut visited = 0;
        for frame in ready {
            let bytes = self.batch.bytes(frame);
            visit(Frame { ts: frame.ts, link: LinkType::Ethernet, bytes, wire_len: frame.wire_len, vlan: None });
            visited += 1;
        }
        self.dropped = told;
        self.next += visited;
        self.visited += visited as u64;
    }

    fn refill(&mut self) -> Result<Polled, SourceError> {
        self.next = 0;
        let refilled = self.simulation.refill(self.number, &mut self.batch, self.has_promised)?;
        self.has_promised = false;
        Ok(match refilled {
            // They are visited when what was lost before them has been asked for.
            Refill::Frames => Polled::Frames,
            Refill::Nothing(past, dropped) if dropped == self.dropped => {
                self.has_promised = true;
                Polled::Idle { past }
            }
            Refill::Nothing(_, dropped) => {
                // Nothing is promised before this loss has been asked for.
                self.dropped = dropped;
                Polled::Idle { past: None }
            }
            Refill::End => Polled::End,
        })
    }
}

impl Source for Queue {
    fn poll(&mut self, visit: &mut dyn FnMut(Frame<'_>)) -> Result<Polled, SourceError> {
        if self.next < self.batch.frames.len() {
            self.visit(visit);
            return Ok(Polled::Frames);
        }
        self.refill()
    }

    fn device(&mut self) -> DeviceCounters {
        if let Some(next) = self.batch.frames.get(self.next) {
            self.dropped = next.dropped;
        }
        let offered = self.visited + self.dropped;
        DeviceCounters { offered, dropped_device: self.dropped, dropped_kernel: 0 }
    }

    fn progress(&self) -> Progress {
        self.simulation.progress()
    }

    fn stop(&mut self) {
        self.simulation.stop();
    }

    fn pace(&self) -> Pace {
        Pace::Patient
    }

    fn name(&self) -> &str {
        &self.name
    }
}
