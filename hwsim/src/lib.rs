//! A simulated uplink whose truth is known.
//!
//! A [`scenario::Scenario`] says, as data, who talks to whom. A [`world::World`] runs it on simulated time: [`speaker`]s of TCP
//! exchange segments over [`link`]s, each segment passes the tap once, becomes a [`frame`] there, and is written into the
//! [`truth`] of its connection. [`hardware`] captures what passes, as badly as it says; a capture goes into a [`pcap`] file, or
//! straight into the appliance as a [`source`]. Everything follows from one seed, and only live connections are held in memory.
//!
//! What no polite speaker does is written down as a script: [`packetdrill`] turns its lines into frames.
//!
//! This crate never depends on the tracker: what judges it must not share its mistakes.
#![forbid(unsafe_code)]

pub mod arrivals;
pub mod frame;
pub mod hardware;
pub mod link;
pub mod link_truth;
pub mod packetdrill;
pub mod pcap;
pub mod pcapng;
pub mod rng;
pub mod scenario;
pub mod source;
pub mod speaker;
pub mod truth;
pub mod truth_file;
pub mod world;
