//! Round trips.

use conntrack::Record;

use super::Connections;
use crate::columns::{Column, Value, column};

pub(super) const COLUMNS: &[Column<Connections>] = &[
    column(
        "syn_rtt",
        "s",
        Value::SecondsOrNull(|r| r.syn_rtt),
        "From the SYN to the SYN-ACK: the half between the tap and the responder.",
    ),
    column(
        "ack_rtt",
        "s",
        Value::SecondsOrNull(|r| r.ack_rtt),
        "From the SYN-ACK to its acknowledgment: the half between the tap and the originator.",
    ),
    column(
        "handshake_rtt",
        "s",
        Value::SecondsOrNull(|r| handshake_rtt(r)),
        "syn_rtt and ack_rtt together; missing where either is.",
    ),
];

fn handshake_rtt(row: &Record) -> Option<i64> {
    Some(row.syn_rtt?.saturating_add(row.ack_rtt?))
}
