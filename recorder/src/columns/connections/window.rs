//! Windows.

per_direction! {
    "window_min", "bytes", U32OrNull(|r, side| r.halves[side].window_min),
        "smallest window that it advertised after the handshake; scaled where both SYNs were seen, else as in the header.";
    "window_max", "bytes", U32OrNull(|r, side| r.halves[side].window_max),
        "largest window that it advertised after the handshake; scaled where both SYNs were seen, else as in the header.";
}
