//! The columns of `headers`.

use super::{Column, RowFamily, Value, column};
use crate::rows::HeaderRow;

pub(crate) struct Headers;

impl RowFamily for Headers {
    type Row<'a> = HeaderRow<'a>;

    const THEMES: &'static [&'static [Column<Self>]] = &[COLUMNS];
}

const COLUMNS: &[Column<Headers>] = &[
    column("uid", "", Value::U64(|r| r.header.uid), "The connection the header belongs to."),
    column(
        "n",
        "",
        Value::U8(|r| r.header.n),
        "Position among the connection's recorded headers, from 0, in order of arrival.",
    ),
    column("ts", "ns since 1970-01-01 UTC", Value::Instant(|r| r.header.ts), "When the packet was captured."),
    column("dir", "", Value::Name(|r| r.header.dir.as_str()), "Who sent it: orig or resp."),
    column(
        "wire_len",
        "bytes",
        Value::U32(|r| r.header.wire_len),
        "Length of the IP datagram on the wire, headers included.",
    ),
    column(
        "bytes",
        "",
        Value::Bytes(|r| r.header.bytes),
        "The innermost IP header and the TCP header, options and extension headers included, byte for byte as captured.",
    ),
    column(
        "seq",
        "",
        Value::U32OrNull(|r| r.tcp.seq),
        "Sequence number (RFC 9293, 3.1); missing where the capture cut it off.",
    ),
    column(
        "ack",
        "",
        Value::U32OrNull(|r| r.tcp.ack),
        "Acknowledgment number, significant with ACK; missing where the capture cut it off.",
    ),
    column(
        "flags",
        "",
        Value::U16OrNull(|r| r.tcp.flags),
        "Control bits as a number: FIN 1, SYN 2, RST 4, PSH 8, ACK 16, URG 32, ECE 64, CWR 128, AE 256; missing where the capture cut them off.",
    ),
    column(
        "window",
        "",
        Value::U16OrNull(|r| r.tcp.window),
        "The window field as sent, not scaled; missing where the capture cut it off.",
    ),
    column(
        "payload_len",
        "bytes",
        Value::U32(|r| r.header.payload_len),
        "Payload of the segment on the wire; SYN and FIN are not counted.",
    ),
];
