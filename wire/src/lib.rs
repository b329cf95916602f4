//! Bytes and vocabulary: what a frame says, as values.
//!
//! One pass over a frame ([`parse`]) gives a flat [`Segment`], or says by name why there is none. No I/O, no clock,
//! no allocation and no `unsafe` live here, and no bytes whatsoever make it panic.
#![forbid(unsafe_code)]

mod flags;
mod interval;
mod key;
mod link;
mod nanos;
mod observation;
mod options;
mod outcome;
mod segment;
mod seq;

pub use flags::TcpFlags;
pub use interval::{Interval, IntervalHalf, OtherTraffic};
pub use key::{Direction, End, Endpoint, Family, FlowHasher, FlowKey};
pub use link::LinkType;
pub use nanos::Nanos;
pub use observation::{Observation, Packet};
pub use options::{OptionSet, SackBlock, Timestamps};
pub use outcome::{NotTcp, Outer, Parsed, Reject, TcpFrame, TunnelKind};
pub use segment::Segment;
pub use seq::SeqNum;
