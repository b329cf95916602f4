//! When things happened.

use super::Connections;
use crate::columns::{Column, Value, column};

/// The unit of an instant.
pub(super) const INSTANT: &str = "ns since 1970-01-01 UTC";

pub(super) const COLUMNS: &[Column<Connections>] = &[
    column("syn_ts", INSTANT, Value::InstantOrNull(|r| r.at.syn), "First SYN of the originator (RFC 9293, 3.5)."),
    column(
        "synack_ts",
        INSTANT,
        Value::InstantOrNull(|r| r.at.synack),
        "First SYN-ACK of the responder (RFC 9293, 3.5).",
    ),
    column(
        "established_ts",
        INSTANT,
        Value::InstantOrNull(|r| r.at.established),
        "The segment that completed the handshake: both SYNs are acknowledged (RFC 9293, 3.5).",
    ),
    column(
        "rst_ts",
        INSTANT,
        Value::InstantOrNull(|r| r.at.rst),
        "First RST that took effect or, where none did, the first RST (RFC 9293, 3.5.2; RFC 5961, 3).",
    ),
    column("last_ts", INSTANT, Value::Instant(|r| r.at.last), "Last packet."),
    column(
        "closed_ts",
        INSTANT,
        Value::InstantOrNull(|r| r.at.closed),
        "The segment that closed the connection: the acknowledgment of the second FIN (RFC 9293, 3.6), or the RST; missing where it stayed open.",
    ),
];

per_direction! {
    "first_data_ts", INSTANT, InstantOrNull(|r, side| r.at.first_data[side]),
        "its first segment with payload.";
    "last_data_ts", INSTANT, InstantOrNull(|r, side| r.at.last_data[side]),
        "its last segment with payload.";
    "fin_ts", INSTANT, InstantOrNull(|r, side| r.at.fin[side]),
        "its FIN (RFC 9293, 3.6): of several at different places the first, unless another is acknowledged.";
}
