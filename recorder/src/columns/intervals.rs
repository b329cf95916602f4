//! The columns of `intervals`.

use super::{Column, RowFamily, Value, column};
use crate::rows::IntervalRow;

pub(crate) struct Intervals;

impl RowFamily for Intervals {
    type Row<'a> = IntervalRow;

    const THEMES: &'static [&'static [Column<Self>]] = &[COLUMNS];
}

const PACKETS: &str = "packets";

const COLUMNS: &[Column<Intervals>] = &[
    column(
        "ts",
        "ns since 1970-01-01 UTC",
        Value::Instant(|r| r.interval.ts),
        "Start of the bin, a multiple of its width.",
    ),
    column("width", "s", Value::Seconds(|r| r.interval.width), "Width of the bin."),
    column("orig_pkts", PACKETS, Value::U64(|r| r.interval.halves[0].pkts), "TCP packets that originators sent."),
    column(
        "orig_ip_bytes",
        "bytes",
        Value::U64(|r| r.interval.halves[0].ip_bytes),
        "Their IP bytes, headers included.",
    ),
    column(
        "orig_payload_bytes",
        "bytes",
        Value::U64(|r| r.interval.halves[0].payload_bytes),
        "Their TCP payload, retransmissions counted.",
    ),
    column("resp_pkts", PACKETS, Value::U64(|r| r.interval.halves[1].pkts), "TCP packets that responders sent."),
    column(
        "resp_ip_bytes",
        "bytes",
        Value::U64(|r| r.interval.halves[1].ip_bytes),
        "Their IP bytes, headers included.",
    ),
    column(
        "resp_payload_bytes",
        "bytes",
        Value::U64(|r| r.interval.halves[1].payload_bytes),
        "Their TCP payload, retransmissions counted.",
    ),
    column("syn", PACKETS, Value::U64(|r| r.interval.syn), "SYN segments without ACK."),
    column(
        "opened",
        "connections",
        Value::U64(|r| r.interval.opened),
        "Connections whose first packet lies in the bin.",
    ),
    column(
        "closed",
        "connections",
        Value::U64(|r| r.interval.closed),
        "Connections that ended in the bin, for whatever reason.",
    ),
    column(
        "live",
        "connections",
        Value::U64OrNull(|r| r.live),
        "Connections open at the end of the bin: all that opened less all that closed; missing in a row whose counters came late and add to an earlier row of the same bin.",
    ),
    column("udp", PACKETS, Value::U64(|r| r.interval.other.udp), "UDP packets."),
    column("icmp", PACKETS, Value::U64(|r| r.interval.other.icmp), "ICMP packets."),
    column("icmp6", PACKETS, Value::U64(|r| r.interval.other.icmp6), "ICMPv6 packets."),
    column("other_ip", PACKETS, Value::U64(|r| r.interval.other.other_ip), "IP packets of other protocols."),
    column("non_ip", "frames", Value::U64(|r| r.interval.other.non_ip), "Frames that are not IP."),
    column(
        "rejected",
        "frames",
        Value::U64(|r| r.interval.other.rejected),
        "Frames that could not be used, for the reasons that the ledger names.",
    ),
    column("lost", "frames", Value::U64(|r| r.interval.lost), "Frames that the capture lost."),
];
