//! Abnormal segments, what was sent again, and what else segments tell. `docs/classes.md` defines the classes at length.

use conntrack::SegmentClass::{
    CaptureDuplicate, FastRetransmission, KeepAlive, NetworkDuplicate, OldDuplicate, Reordered, TimeoutRetransmission,
    Unknown, UnnecessaryRetransmission, ZeroWindowProbe,
};

per_direction! {
    "abnormal_pkts", "packets", U64(|r, side| r.halves[side].segments.abnormal_pkts),
        "its segments that have a class, which is the sum of the ten counts of classes (after Mellia, Meo et al. 2008 and Jaiswal et al. 2003; docs/classes.md).";
    "retrans_pkts", "packets", U64(|r, side| r.halves[side].segments.retrans_pkts),
        "data segments that its TCP sent again: rtx_fast, rtx_timeout, rtx_unnecessary, and those of unknown_anomaly that bring bytes seen before (RFC 9293, 3.8.1).";
    "retrans_bytes", "bytes", U64(|r, side| r.halves[side].segments.retrans_bytes),
        "payload of the segments in retrans_pkts that had been seen before; wire_bytes = unique_bytes + retrans_bytes + other_bytes.";
    "other_bytes", "bytes", U64(|r, side| r.halves[side].segments.other_bytes),
        "payload that is neither new nor sent again by its TCP: of duplicates, keep-alives and probes, seen before but outside the window, before the SYN, or with a RST.";
    "dup_capture", "packets", U64(|r, side| r.halves[side].segments.classes.of(CaptureDuplicate)),
        "its segments of any kind that the capture saw twice: equal in all of TCP's header and IP's identification, within 1 ms or its smallest RTT (docs/classes.md); counted in pkts, ip_bytes and wire_bytes, and nowhere else.";
    "keepalives", "packets", U64(|r, side| r.halves[side].segments.classes.of(KeepAlive)),
        "its segments of at most one byte just before its next one, all of which was acknowledged, while the peer's window was open (RFC 9293, 3.8.4).";
    "zero_window_probes", "packets", U64(|r, side| r.halves[side].segments.classes.of(ZeroWindowProbe)),
        "its segments into its peer's closed window of one byte, the first that was not acknowledged, or of none or one just before it (RFC 9293, 3.8.6.1).";
    "old_duplicates", "packets", U64(|r, side| r.halves[side].segments.classes.of(OldDuplicate)),
        "its data segments with a timestamp older than the last that its peer accepted (RFC 7323, 5).";
    "dup_network", "packets", U64(|r, side| r.halves[side].segments.classes.of(NetworkDuplicate)),
        "its data segments that the network delivered twice: IP's identification as before or, without one, the timestamp as before and too soon for an answer (Jaiswal et al. 2003).";
    "rtx_fast", "packets", U64(|r, side| r.halves[side].segments.classes.of(FastRetransmission)),
        "fast retransmissions: asked for by three duplicate acknowledgments or by SACK blocks of more than two segments beyond it and sooner than the retransmission timeout, or in the recovery that one of them began (RFC 5681, 3.2; RFC 6582; RFC 6675, 4).";
    "rtx_timeout", "packets", U64(|r, side| r.halves[side].segments.classes.of(TimeoutRetransmission)),
        "retransmissions no sooner than the timeout after what they repeat and after the last new acknowledgment (RFC 6298, 5.3), mean + 4 sd of the RTT of both halves and at least 100 ms, 500 ms without samples, or in the recovery that one of them began (Mellia, Meo et al. 2008).";
    "rtx_unnecessary", "packets", U64(|r, side| r.halves[side].segments.classes.of(UnnecessaryRetransmission)),
        "retransmissions of what was acknowledged already, sooner than the timeout; the peer's dsacks confirm them (RFC 2883; Mellia, Meo et al. 2008).";
    "reordered", "packets", U64(|r, side| r.halves[side].segments.classes.of(Reordered)),
        "its data segments that were overtaken: they fill a hole sooner than the smallest RTT after it appeared, or their timestamp is older than that of the segment after it (Jaiswal et al. 2003).";
    "unknown_anomaly", "packets", U64(|r, side| r.halves[side].segments.classes.of(Unknown)),
        "its data segments below the next expected byte that fit no class (Mellia, Meo et al. 2008).";
    "dup_acks", "packets", U64(|r, side| r.halves[side].segments.dup_acks),
        "duplicate acknowledgments that it sent (RFC 5681, 2): without data, SYN or FIN, acknowledging the same again with the same window while data was outstanding.";
    "sack_pkts", "packets", U64(|r, side| r.halves[side].segments.sack_pkts),
        "its segments with SACK blocks (RFC 2018).";
    "dsacks", "packets", U64(|r, side| r.halves[side].segments.dsacks),
        "its segments whose first SACK block tells of bytes that it received twice (RFC 2883).";
    "push_pkts", "packets", U64(|r, side| r.halves[side].segments.push_pkts),
        "its segments with PSH (RFC 9293, 3.1).";
    "urgent_pkts", "packets", U64(|r, side| r.halves[side].segments.urgent_pkts),
        "its segments with URG (RFC 9293, 3.1).";
    "segment_max", "bytes", U32(|r, side| r.halves[side].segments.segment_max),
        "largest payload of a segment of it, by the lengths of IP and TCP headers (RFC 9293, 3.1).";
    "in_flight_max", "bytes", U32(|r, side| r.halves[side].segments.in_flight_max),
        "most sequence space that it had sent and that the tap had not yet seen acknowledged, after any of its segments (FlightSize of RFC 5681, 2, as the tap can know it).";
}
