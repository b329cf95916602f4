//! What else there is to say of a connection.

use super::Connections;
use crate::columns::{Column, Value, column};

pub(super) const COLUMNS: &[Column<Connections>] = &[
    column(
        "headers",
        "",
        Value::U8(|r| r.headers),
        "How many of the connection's first headers were recorded up to this row.",
    ),
    column(
        "anomalies",
        "",
        Value::Names(|r, each| r.anomalies.iter().for_each(|anomaly| each(anomaly.as_str()))),
        "Names of the oddities that were seen.",
    ),
    column("mptcp", "", Value::Truth(|r| r.mptcp), "A Multipath TCP option was seen (RFC 8684)."),
    column(
        "tfo",
        "",
        Value::Truth(|r| r.tfo),
        "TCP Fast Open: its option was there, or data came with the SYN (RFC 7413).",
    ),
    column(
        "lost_capture",
        "",
        Value::Truth(|r| r.lost_capture),
        "The capture lost packets during the connection's life, or before it where its first SYN was not seen.",
    ),
];
