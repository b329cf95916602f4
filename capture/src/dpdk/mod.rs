//! Ports that DPDK drives: the network card's queues in this process' memory, without the kernel.
//!
//! Built only with the cargo feature `dpdk`, against the system's `libdpdk` (21.11 or later); without it [`open`] says how to build it.
//!
//! [`open`] starts DPDK's environment (`eal`), once a process, attaches the device that the source names, and starts a `Port` with a
//! `Queue` for each of its receive queues, which is the [`Source`]. All that is C lies behind `shim.h`: what runs for each frame is inline
//! code in DPDK's headers, and a burst costs two calls, however many frames it has.
//!
//! # The life of a buffer
//! Each queue has a pool of buffers. The device receives into them, a burst lends us those that are full, and after the visit they go back
//! to the pool, before the next burst. So the device runs out of buffers only when all wait for us, and counts what it misses then.
//!
//! # Time
//! Frames are stamped by this host's clock, once a burst. A capture file behind `net_pcap` brings its own instants, in microseconds; such
//! a source is a file in every respect: it waits for the shards, and ends.

#[cfg(feature = "dpdk")]
mod eal;
mod options;
#[cfg(feature = "dpdk")]
mod port;
#[cfg(feature = "dpdk")]
mod queue;
#[cfg(feature = "dpdk")]
mod shim;

pub use options::Options;

use crate::{Source, SourceError};

/// Opens a device: one source a queue.
///
/// # Errors
/// A build without DPDK, no such device or driver, no right, no memory.
#[cfg(feature = "dpdk")]
pub fn open(options: &Options) -> Result<Vec<Box<dyn Source>>, SourceError> {
    use std::sync::Arc;

    eal::start(options)?;
    let port = Arc::new(port::Port::open(options)?);
    let queues = (0..options.queues.get()).map(|number| queue::Queue::new(options, &port, number));
    Ok(queues.map(|queue| Box::new(queue) as Box<dyn Source>).collect())
}

/// Says how to build it.
///
/// # Errors
/// Always: this build has no DPDK.
#[cfg(not(feature = "dpdk"))]
pub fn open(_: &Options) -> Result<Vec<Box<dyn Source>>, SourceError> {
    Err(SourceError::NotBuilt { backend: "dpdk" })
}
