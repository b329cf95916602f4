//! What each side sent.

per_direction! {
    "pkts", "packets", U64(|r, side| r.halves[side].pkts),
        "packets that it sent.";
    "ip_bytes", "bytes", U64(|r, side| r.halves[side].ip_bytes),
        "IP bytes that it sent, headers included, by the IP headers' lengths.";
    "wire_bytes", "bytes", U64(|r, side| r.halves[side].wire_bytes),
        "payload that it sent as seen, retransmissions counted.";
    "unique_bytes", "bytes", U64(|r, side| r.halves[side].unique_bytes),
        "distinct payload bytes seen of it, in the window or not; the payload of a RST is left out.";
    "syn_pkts", "packets", U64(|r, side| r.halves[side].syn_pkts),
        "its segments with SYN.";
    "fin_pkts", "packets", U64(|r, side| r.halves[side].fin_pkts),
        "its segments with FIN.";
    "rst_pkts", "packets", U64(|r, side| r.halves[side].rst_pkts),
        "its segments with RST.";
}
