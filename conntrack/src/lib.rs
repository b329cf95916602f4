//! What segments mean: a shard's connections, and the TCP machine of both their endpoints.
//!
//! Everything here is pure: no I/O, no clock (time is the time of packets), no thread. A [`Shard`] takes packets in and hands
//! rows to a [`Sink`].
//!
//! - `shard/`: which connection a packet belongs to, timers, bounds.
//! - `connection`: one connection; `half`: one of its endpoints; `coverage`: which bytes of a stream were seen.
//! - `rates/`: how fast and how unevenly an endpoint sends.
//! - `segments/`: which segments are abnormal and why, round trips, and what else their comings and goings measure.
//! - `events/`: what is told of a connection while it lives.
//! - `tcp/`: the machine, on one page in `tcp/mod.rs`, its table in `tcp/transitions.rs`.
//! - `zeek/`: the same connection in Zeek's words.
#![forbid(unsafe_code)]

mod anomaly;
mod config;
mod connection;
mod coverage;
mod events;
mod half;
mod handshake;
mod held;
mod measures;
mod moment;
mod names;
mod rates;
mod record;
mod segments;
mod shard;
mod sink;
mod straggler;
mod tcp;
mod zeek;

pub use anomaly::{Anomalies, Anomaly, AnomalyCounts};
pub use config::{Config, Timeouts};
pub use events::{Detail, Event, EventConfig, EventCounts, EventKind, EventLevel, LossPattern};
pub use measures::{ClassCounts, RttRecord, SegmentClass, SegmentsRecord};
pub use rates::{BurstsRecord, RatesRecord};
pub use record::{
    CloseReason, ConnState, DirectionBy, HalfRecord, History, Instants, MultipathSubtype, MultipathSubtypes, Record,
    TcpState,
};
pub use shard::{Heir, Kept, LAYOUT, Saved, Shard, ShardStats, Unsound};
pub use sink::{Header, Sink};
pub use straggler::{Straggler, StragglerCounts};
