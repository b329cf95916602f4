//! What is measured of the segments of one endpoint: a part of its row.

use serde::{Deserialize, Serialize};

use crate::names::{counts, names};

names! {
    /// The class of an abnormal segment: why it is not simply the next one. `docs/classes.md` has the rules, in the order in which they
    /// are tried (Mellia, Meo et al. 2008; Jaiswal et al. 2003).
    SegmentClass {
        /// The capture saw one segment twice.
        CaptureDuplicate = "dup_capture",
        /// At most one byte, just before the next, all of which was acknowledged (RFC 9293, 3.8.4).
        KeepAlive = "keepalives",
        /// One byte into a closed window (RFC 9293, 3.8.6.1).
        ZeroWindowProbe = "zero_window_probes",
        /// Older than what was accepted, by its timestamp (RFC 7323, 5).
        OldDuplicate = "old_duplicates",
        /// The network delivered one segment twice.
        NetworkDuplicate = "dup_network",
        /// Sent again after three duplicate acknowledgments (RFC 5681, 3.2), or in the recovery that they began.
        FastRetransmission = "rtx_fast",
        /// Sent again after the retransmission timeout (RFC 6298), or in the recovery that it began.
        TimeoutRetransmission = "rtx_timeout",
        /// Sent again although it was acknowledged.
        UnnecessaryRetransmission = "rtx_unnecessary",
        /// Overtaken by its successor.
        Reordered = "reordered",
        /// None of them.
        Unknown = "unknown_anomaly",
    }
}

counts! {
    /// A count for every class.
    ClassCounts of SegmentClass
}

/// What the segments of one endpoint did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SegmentsRecord {
    /// Segments that have a class.
    pub abnormal_pkts: u64,
    /// How many of each class.
    pub classes: ClassCounts,
    /// Segments that its TCP sent again: fast, on timeout, unnecessarily, and those of unknown cause that bring bytes seen before.
    pub retrans_pkts: u64,
    /// Payload bytes that had been seen before and that its TCP sent again.
    pub retrans_bytes: u64,
    /// Payload bytes that are neither new nor sent again: of duplicates, keep-alives and probes, out of the window, before the SYN, with a
    /// RST. `wire_bytes = unique_bytes + retrans_bytes + other_bytes`.
    pub other_bytes: u64,
    /// Duplicate acknowledgments that it sent (RFC 5681, 2).
    pub dup_acks: u64,
    /// Acknowledgments with SACK blocks that it sent (RFC 2018).
    pub sack_pkts: u64,
    /// Those of them whose first block reports bytes received twice (RFC 2883).
    pub dsacks: u64,
    /// Segments with PSH.
    pub push_pkts: u64,
    /// Segments with URG.
    pub urgent_pkts: u64,
    /// Packets that a router marked Congestion Experienced (RFC 3168).
    pub ce_pkts: u64,
    /// Segments with ECE, the handshake's apart.
    pub ece_pkts: u64,
    /// Largest payload of a segment, bytes.
    pub segment_max: u32,
    /// Most bytes it had sent beyond what the tap had seen acknowledged.
    pub in_flight_max: u32,
    /// How often its window closed.
    pub zero_window_count: u64,
    /// How long it was closed altogether, ns; an episode that is open at the end lasts until then.
    pub zero_window_time: i64,
}

/// Round-trip times between the tap and the peer, from segments of one endpoint to their acknowledgments, ns.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RttRecord {
    /// Samples.
    pub n: u64,
    /// Smallest; `None` without samples, as are the others.
    pub min: Option<i64>,
    /// Mean, rounded.
    pub mean: Option<i64>,
    /// Largest.
    pub max: Option<i64>,
    /// Standard deviation (divisor n - 1), rounded; `None` with fewer than two samples, or where it is not measured.
    pub sd: Option<i64>,
}
