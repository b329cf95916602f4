//! What else there is to say of a connection.

use wire::IcmpCode;

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
        "Names of the oddities that were seen; campaign.json counts the packets that showed each (anomalies).",
    ),
    column(
        "events",
        "rows",
        Value::U32(|r| r.events.recorded),
        "Rows that the connection left in the events table up to this row.",
    ),
    column(
        "events_dropped",
        "events",
        Value::U32(|r| r.events.dropped),
        "Events beyond tracker.events_per_connection, which left no row.",
    ),
    column(
        "icmp_errors",
        "packets",
        Value::U32(|r| r.icmp_errors),
        "ICMP and ICMPv6 errors (RFC 792, RFC 4443) that quote a segment of the connection; they are no packets of it.",
    ),
    column(
        "icmp_type",
        "",
        Value::U8OrNull(|r| r.icmp_last.map(IcmpCode::kind)),
        "Type of the last of those errors; missing without one.",
    ),
    column(
        "icmp_code",
        "",
        Value::U8OrNull(|r| r.icmp_last.map(|last| last.code)),
        "Code of the last of those errors; missing without one.",
    ),
    column("mptcp", "", Value::Truth(|r| r.mptcp), "A Multipath TCP option was seen (RFC 8684)."),
    column(
        "mptcp_subtypes",
        "",
        Value::Names(|r, each| r.mptcp_subtypes.iter().for_each(|subtype| each(subtype.as_str()))),
        "Subtypes of the Multipath TCP options that were seen (RFC 8684, 3); none where headers are not recorded (tracker.headers = 0).",
    ),
    column(
        "mptcp_token",
        "",
        Value::U32OrNull(|r| r.mptcp_token),
        "Token of the MP_JOIN of its SYN, which names the connection that it joins as a subflow (RFC 8684, 3.2); missing without one.",
    ),
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
        "The capture may have lost packets of the connection: it lost some between three seconds before the first SYN and the \
         end of the time for late segments (tracker.timeouts.tombstone; time_wait where its last segments came again), or at any time before \
         where no SYN of the originator was seen.",
    ),
];
