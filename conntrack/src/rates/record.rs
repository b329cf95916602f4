//! The measures as they stand in a connection's record.

use serde::{Deserialize, Serialize};
use wire::Nanos;

/// What the rates of one direction are formed from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RatesRecord {
    /// Sum of the gaps between successive packets, ns; a gap is never negative.
    pub gap_sum: u64,
    /// Sum of their squares, ns².
    pub gap_square_sum: u128,
    /// Most unique bytes within 10, 100 and 1000 ms: never more than there were, and at least 8/9 of it.
    pub peaks: [u64; 3],
    /// Trains: runs of at least three segments with payload, each at most 1 s after the one before.
    pub trains: BurstsRecord,
    /// Flights: runs of segments with payload, each at most half the handshake's round trip after the one before.
    pub flights: BurstsRecord,
    /// When slow start ended, and how many unique bytes were seen until then; `None` where it did not.
    pub slow_start: Option<(Nanos, u64)>,
}

/// Runs of segments that follow one another closely.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BurstsRecord {
    /// How many.
    pub count: u64,
    /// Payload of all of them as seen, retransmissions counted.
    pub bytes: u64,
    /// Payload of the largest.
    pub bytes_max: u64,
    /// From the first segment of each to its last, together, ns.
    pub duration: u64,
}
