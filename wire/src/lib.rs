//! Bytes and vocabulary: what a frame says, as values.
//!
//! One pass over a frame ([`parse`]) gives a flat [`Segment`], or says by name why there is none. No I/O, no clock,
//! no allocation and no `unsafe` live here, and no bytes whatsoever make it panic.
#![forbid(unsafe_code)]

mod bytes;
mod flags;
mod icmp;
mod interval;
mod ip;
mod key;
mod link;
mod link_type;
mod nanos;
mod observation;
mod options;
mod outcome;
mod parse;
mod segment;
mod seq;
mod tcp;
mod tunnel;

pub use flags::TcpFlags;
pub use icmp::{IcmpCode, IcmpError};
pub use interval::{Interval, IntervalHalf, OtherTraffic};
pub use key::{Direction, End, Endpoint, Family, FlowHasher, FlowKey};
pub use link_type::LinkType;
pub use nanos::Nanos;
pub use observation::{Observation, Packet};
pub use options::{OptionSet, SackBlock, Timestamps};
pub use outcome::{NotTcp, Outer, Parsed, Reject, TcpFrame, TunnelKind};
pub use parse::parse;
pub use segment::Segment;
pub use seq::SeqNum;
pub use tcp::Multipath;
