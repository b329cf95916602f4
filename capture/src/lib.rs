//! Frames from files and devices, parsed, steered and queued for the shards, with every loss counted where it happens.
//!
//! # The path of a packet
//! 1. A [`Source`] ([`pcap`]: capture files; [`af_packet`], [`af_xdp`], [`dpdk`]: network interfaces) lends each [`Frame`] to its poller for
//!    the time of a visit. [`SourceSpec`] reads what the user typed and opens it.
//! 2. The [`Poller`], a thread a source, parses the frame once ([`wire::parse`]), counts what is not TCP or cannot be used
//!    ([`PollerCounters`]), and chooses the shard by the flow's hash ([`shard_of`]).
//! 3. The [`wire::Observation`], with its header bytes if wanted, goes into a batch, and the batch through a ring to the
//!    shard. A file waits for room; on a live source what finds none is lost, and counted.
//! 4. The shard's [`Inbox`] merges its rings by time, under the watermarks of the pollers, and hands out [`Run`]s.
//!
//! [`Pipeline`] makes the queues; who runs the threads is somebody else's business.

pub mod af_packet;
pub mod af_xdp;
mod batch;
mod bins;
mod config;
mod counters;
pub mod dpdk;
mod error;
mod inbox;
pub mod interface;
mod leap;
mod live;
mod options;
pub mod pcap;
mod pipeline;
mod poller;
mod rings;
mod source;
mod spec;
mod steer;
mod steering;

pub use batch::Run;
pub use config::Config;
pub use counters::{Gauge, PollerCounters, Snapshot};
pub use error::SourceError;
pub use inbox::{Inbox, Received};
pub use pipeline::Pipeline;
pub use poller::{Poller, PollerReport, SeriesNews};
pub use source::{DeviceCounters, Frame, Pace, Polled, Progress, Source};
pub use spec::{SourceSpec, SpecError};
pub use steer::shard_of;
