//! What a poller hands to a shard: one packet, fixed-size.

use serde::{Deserialize, Serialize};

use crate::{Nanos, Segment};

/// A segment that was seen at an instant. It is two cache lines and owns nothing: its header bytes lie in the buffer of the
/// batch that carries it.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[repr(C, align(64))]
pub struct Observation {
    /// When the packet was captured.
    pub ts: Nanos,
    /// The latest `ts` that the same source had shown, this packet included. It never runs backwards, so it drives the timers
    /// and orders the merge; the two differ only in a packet that came late.
    pub clock: Nanos,
    /// What the packet said.
    pub segment: Segment,
    /// Hash of the flow key ([`crate::FlowHasher`]).
    pub hash: u32,
    /// Where the header bytes start in the batch's buffer.
    pub headers_at: u32,
    /// How many header bytes there are; 0 when headers are not recorded.
    pub headers_len: u16,
}

const _: () = assert!(size_of::<Observation>() == 128, "an observation is two cache lines");

/// An [`Observation`] with its header bytes, as the tracker takes it.
#[derive(Clone, Copy, Debug)]
pub struct Packet<'a> {
    /// The observation.
    pub observation: &'a Observation,
    /// The innermost IP header with its options or extension headers, then the TCP header with its options: as captured, so
    /// shorter where a snaplen cut them. Empty when headers are not recorded.
    pub headers: &'a [u8],
}
