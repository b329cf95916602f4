//! A simulated device as a source of the appliance, in its process and at the speed of memory.
//!
//! [`open`] gives a source for each queue of the device. One [`Simulation`] lies behind all of them: whichever source has no frames
//! left lets it run a little further, so that it runs as far as it is asked to and no thread is its own. What other queues get
//! meanwhile waits for them in their backlogs, which swap their memory with the source when it comes.
//!
//! # Why no backlog grows for ever, and nobody waits for ever
//! A source of a quiet queue could run the simulation far ahead of a busy one's. It first promises the tracker how far its own queue has
//! come, so that nobody waits for it, and then waits while a backlog is longer than [`CROWDED`], until somebody has taken one. When nobody
//! does for [`PATIENCE`], the tracker itself waits for this source: the clocks of two ports may be that far apart. Then it goes on.
//!
//! A simulation is finite and can wait, as a file can: nothing is lost but what the device loses.

mod options;
mod queue;
mod simulation;

use std::sync::Arc;
use std::time::Duration;

use capture::{Source, SourceError};

pub use options::{Options, OptionsError};
use queue::Queue;
use simulation::Simulation;

/// Frames of a backlog that are too many to add to: some 100 MB of headers in all queues of a large device.
const CROWDED: usize = 1 << 16;

/// How long a source waits for others to take what waits for them.
const PATIENCE: Duration = Duration::from_millis(5);

/// Frames for which the simulation runs at a time, about a millisecond of work.
const FRAMES_A_RUN: u64 = 4096;

/// Opens a simulated device: one source a queue.
///
/// # Errors
/// When the truth cannot be written where it was asked for.
pub fn open(options: &Options) -> Result<Vec<Box<dyn Source>>, SourceError> {
    let simulation = Arc::new(Simulation::new(options)?);
    let hardware = options.hardware();
    let name = format!("sim:{}", options.scenario.name);
    let queue = |number| Queue::new(hardware.queue_name(&name, number), number, Arc::clone(&simulation));
    Ok((0..hardware.queues()).map(|number| Box::new(queue(number)) as Box<dyn Source>).collect())
}

#[cfg(test)]
mod tests;
