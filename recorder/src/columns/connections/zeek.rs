//! What Zeek would say.

use super::Connections;
use crate::columns::{Column, Value, column};

pub(super) const COLUMNS: &[Column<Connections>] = &[
    column(
        "conn_state",
        "",
        Value::Name(|r| r.conn_state.as_str()),
        "Zeek's summary of the connection: S0 S1 SF REJ S2 S3 RSTO RSTR RSTOS0 RSTRH SH SHR OTH.",
    ),
    column(
        "history",
        "",
        Value::Text(|r| r.history.as_str()),
        "Zeek's history: a letter for each kind of segment in order of appearance, capitals for the originator.",
    ),
    column(
        "missed_bytes",
        "bytes",
        Value::U64(|r| r.missed_bytes),
        "Bytes that were acknowledged but never seen, both directions, as Zeek counts them.",
    ),
];

per_direction! {
    "bytes", "bytes", U64OrNull(|r, side| r.halves[side].bytes),
        "extent of its sequence space, as Zeek counts it; missing where Zeek leaves it unset.";
}
