//! Windows.

per_direction! {
    "window_min", "bytes", U32OrNull(|r, side| r.halves[side].window_min),
        "smallest window that it advertised after the handshake; scaled where both SYNs were seen, else as in the header (RFC 7323, 2).";
    "window_max", "bytes", U32OrNull(|r, side| r.halves[side].window_max),
        "largest window that it advertised after the handshake; scaled where both SYNs were seen, else as in the header (RFC 7323, 2).";
    "zero_window_count", "episodes", U64(|r, side| r.halves[side].segments.zero_window_count),
        "how often it closed its window (advertised 0), the handshake and RSTs apart (RFC 9293, 3.8.6).";
    "zero_window_time", "s", Seconds(|r, side| r.halves[side].segments.zero_window_time),
        "how long its window was closed altogether; an episode that is open at the end lasts until closed_ts, or the last packet (RFC 9293, 3.8.6).";
}
