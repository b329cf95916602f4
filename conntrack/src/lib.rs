//! What segments mean: a shard's connections, and the TCP machine of both their endpoints.
//!
//! Everything here is pure: no I/O, no clock (time is the time of packets), no thread. What leaves is a value, through a
//! [`Sink`].
#![forbid(unsafe_code)]

mod anomaly;
mod record;
mod sink;

pub use anomaly::{Anomalies, Anomaly};
pub use record::{CloseReason, ConnState, DirectionBy, HalfRecord, History, Instants, Record, TcpState};
pub use sink::{Event, EventKind, Header, Sink};
