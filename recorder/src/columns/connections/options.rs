//! What options and IP headers said.

per_direction! {
    "mss", "bytes", U16OrNull(|r, side| r.halves[side].mss),
        "maximum segment size option of its SYN (RFC 9293, 3.7.1).";
    "wscale", "", U8OrNull(|r, side| r.halves[side].wscale),
        "window scale option of its SYN, a shift, capped at 14 (RFC 7323, 2.3).";
    "sack_ok", "", TruthOrNull(|r, side| r.halves[side].sack_ok),
        "its SYN permitted selective acknowledgments; missing without a SYN (RFC 2018, 2).";
    "tsopt", "", Truth(|r, side| r.halves[side].tsopt),
        "it used the timestamps option (RFC 7323, 3).";
    "ecn", "", Truth(|r, side| r.halves[side].ecn),
        "it set ECN bits: ECE or CWR on its SYN, or a non-zero ECN field (RFC 3168).";
    "ttl_min", "hops", U8OrNull(|r, side| r.halves[side].ttl_min),
        "smallest TTL (RFC 791) or hop limit (RFC 8200) of its packets; missing where it sent none.";
    "ttl_max", "hops", U8OrNull(|r, side| r.halves[side].ttl_max),
        "largest TTL (RFC 791) or hop limit (RFC 8200) of its packets; missing where it sent none.";
    "accecn", "", Truth(|r, side| r.halves[side].accecn),
        "its SYN asked for Accurate ECN or accepted it, or it used the option (RFC 9768).";
    "ce_pkts", "packets", U64(|r, side| r.halves[side].segments.ce_pkts),
        "its packets that a router marked Congestion Experienced before the tap (RFC 3168).";
    "ece_pkts", "packets", U64(|r, side| r.halves[side].segments.ece_pkts),
        "its segments with ECE, SYNs apart (RFC 3168, 6.1.3).";
}
