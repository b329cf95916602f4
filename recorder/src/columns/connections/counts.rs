//! What each side sent.

per_direction! {
    "pkts", "packets", U64(|r, side| r.halves[side].pkts),
        "packets that it sent: segments as captured, copies by the capture too.";
    "ip_bytes", "bytes", U64(|r, side| r.halves[side].ip_bytes),
        "IP bytes that it sent, headers included, by the IP headers' lengths (RFC 791, RFC 8200), not by the frame's.";
    "wire_bytes", "bytes", U64(|r, side| r.halves[side].wire_bytes),
        "payload that it sent as seen, retransmissions counted.";
    "unique_bytes", "bytes", U64(|r, side| r.halves[side].unique_bytes),
        "distinct payload bytes seen of it, in the window or not; the payload of a RST is left out.";
    "missed_bytes", "bytes", U64OrNull(|r, side| r.halves[side].missed_bytes),
        "payload bytes of it that its peer acknowledged and that were never seen, from its SYN on or else from its first segment (gaps in the capture; a FIN that was never seen counts as one); missing where it was never heard.";
    "syn_pkts", "packets", U64(|r, side| r.halves[side].syn_pkts),
        "its segments with SYN (RFC 9293, 3.1).";
    "fin_pkts", "packets", U64(|r, side| r.halves[side].fin_pkts),
        "its segments with FIN (RFC 9293, 3.1).";
    "rst_pkts", "packets", U64(|r, side| r.halves[side].rst_pkts),
        "its segments with RST (RFC 9293, 3.1).";
}
