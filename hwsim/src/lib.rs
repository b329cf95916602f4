//! A simulated uplink whose truth is known.
//!
//! A [`scenario::Scenario`] says, as data, who talks to whom. A [`world::World`] runs it on simulated time: [`speaker`]s of TCP
//! exchange segments over [`link`]s, each segment passes the tap once, becomes a [`frame`] there, and is written into the
//! [`truth`] of its connection. Everything follows from one seed, and only live connections are held in memory.
//!
//! What no polite speaker does is written down as a script: [`packetdrill`] turns its lines into frames.
//!
//! This crate never depends on the tracker: what judges it must not share its mistakes.
#![forbid(unsafe_code)]

pub mod arrivals;
pub mod frame;
pub mod link;
pub mod link_truth;
pub mod packetdrill;
pub mod pcap;
pub mod rng;
pub mod scenario;
pub mod speaker;
pub mod truth;
pub mod world;
