//! The columns of `connections`.

use std::fmt::Write;

use conntrack::{CloseReason, Record};
use wire::{Direction, TunnelKind};

use super::{Column, RowFamily, Value, column};

pub(crate) struct Connections;

impl RowFamily for Connections {
    type Row<'a> = Record;
}

const INSTANT: &str = "ns since 1970-01-01 UTC";

pub(crate) const COLUMNS: &[Column<Connections>] = &[
    column("ts", INSTANT, Value::Instant(|r| r.ts), "First packet that was seen of the connection."),
    column(
        "uid",
        "",
        Value::U64(|r| r.uid),
        "Number of the connection, unique in the campaign; its interim rows carry the same.",
    ),
    column("orig_h", "", Value::Display(|r, text| address(r, Direction::Orig, text)), "Address of the originator."),
    column("orig_p", "", Value::U16(|r| r.endpoints[0].port), "Port of the originator."),
    column("resp_h", "", Value::Display(|r, text| address(r, Direction::Resp, text)), "Address of the responder."),
    column("resp_p", "", Value::U16(|r| r.endpoints[1].port), "Port of the responder."),
    column(
        "duration",
        "s",
        Value::Seconds(|r| duration(r)),
        "From the first packet to closed_ts, or to the last packet where the connection stayed open; never negative.",
    ),
    column(
        "orig_bytes",
        "bytes",
        Value::U64OrNull(|r| r.halves[0].bytes),
        "Extent of the originator's sequence space, as Zeek counts it; missing where Zeek leaves it unset.",
    ),
    column(
        "resp_bytes",
        "bytes",
        Value::U64OrNull(|r| r.halves[1].bytes),
        "Extent of the responder's sequence space, as Zeek counts it; missing where Zeek leaves it unset.",
    ),
    column(
        "conn_state",
        "",
        Value::Name(|r| r.conn_state.as_str()),
        "Zeek's summary of the connection: S0 S1 SF REJ S2 S3 RSTO RSTR RSTOS0 RSTRH SH SHR OTH.",
    ),
    column(
        "missed_bytes",
        "bytes",
        Value::U64(|r| r.missed_bytes),
        "Bytes that were acknowledged but never seen, both directions, as Zeek counts them.",
    ),
    column(
        "history",
        "",
        Value::Text(|r| r.history.as_str()),
        "Zeek's history: a letter for each kind of segment in order of appearance, capitals for the originator.",
    ),
    column("orig_pkts", "packets", Value::U64(|r| r.halves[0].pkts), "Packets that the originator sent."),
    column(
        "orig_ip_bytes",
        "bytes",
        Value::U64(|r| r.halves[0].ip_bytes),
        "IP bytes that the originator sent, headers included, by the IP headers' lengths.",
    ),
    column("resp_pkts", "packets", Value::U64(|r| r.halves[1].pkts), "Packets that the responder sent."),
    column(
        "resp_ip_bytes",
        "bytes",
        Value::U64(|r| r.halves[1].ip_bytes),
        "IP bytes that the responder sent, headers included, by the IP headers' lengths.",
    ),
    column("final", "", Value::Truth(|r| r.is_final), "False in an interim row of a connection that goes on."),
    column("partial", "", Value::Truth(|r| r.partial), "The connection began before the capture saw it: no SYN."),
    column(
        "direction_by",
        "",
        Value::Name(|r| r.direction_by.as_str()),
        "How originator and responder were told apart: syn, synack, port or first.",
    ),
    column(
        "vlan",
        "",
        Value::U16OrNull(|r| r.vlan),
        "Outermost VLAN identifier of the first packet; missing where it was not tagged.",
    ),
    column(
        "tunnel",
        "",
        Value::NameOrNull(|r| tunnel(r.tunnel)),
        "Tunnel just around the first packet; missing where there was none.",
    ),
    column(
        "close_reason",
        "",
        Value::NameOrNull(|r| r.close_reason.map(CloseReason::as_str)),
        "What ended the connection: fin, rst, reused, attempt_timeout, idle_timeout, evicted or campaign_end; missing in an interim row.",
    ),
    column(
        "rst_by",
        "",
        Value::NameOrNull(|r| r.rst_by.map(Direction::as_str)),
        "Who sent the RST that closed it: orig or resp.",
    ),
    column(
        "orig_state",
        "",
        Value::Name(|r| r.halves[0].state.as_str()),
        "State of the originator at the end (RFC 9293, 3.3.2).",
    ),
    column(
        "resp_state",
        "",
        Value::Name(|r| r.halves[1].state.as_str()),
        "State of the responder at the end (RFC 9293, 3.3.2).",
    ),
    column("syn_ts", INSTANT, Value::InstantOrNull(|r| r.at.syn), "First SYN of the originator."),
    column("synack_ts", INSTANT, Value::InstantOrNull(|r| r.at.synack), "First SYN-ACK of the responder."),
    column(
        "established_ts",
        INSTANT,
        Value::InstantOrNull(|r| r.at.established),
        "The segment that completed the handshake.",
    ),
    column(
        "orig_first_data_ts",
        INSTANT,
        Value::InstantOrNull(|r| r.at.first_data[0]),
        "First segment with payload from the originator.",
    ),
    column(
        "resp_first_data_ts",
        INSTANT,
        Value::InstantOrNull(|r| r.at.first_data[1]),
        "First segment with payload from the responder.",
    ),
    column(
        "orig_last_data_ts",
        INSTANT,
        Value::InstantOrNull(|r| r.at.last_data[0]),
        "Last segment with payload from the originator.",
    ),
    column(
        "resp_last_data_ts",
        INSTANT,
        Value::InstantOrNull(|r| r.at.last_data[1]),
        "Last segment with payload from the responder.",
    ),
    column("orig_fin_ts", INSTANT, Value::InstantOrNull(|r| r.at.fin[0]), "First FIN of the originator."),
    column("resp_fin_ts", INSTANT, Value::InstantOrNull(|r| r.at.fin[1]), "First FIN of the responder."),
    column(
        "rst_ts",
        INSTANT,
        Value::InstantOrNull(|r| r.at.rst),
        "First RST that took effect or, where none did, the first RST.",
    ),
    column("last_ts", INSTANT, Value::Instant(|r| r.at.last), "Last packet."),
    column(
        "closed_ts",
        INSTANT,
        Value::InstantOrNull(|r| r.at.closed),
        "The segment that closed the connection; missing where it stayed open.",
    ),
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
    column(
        "orig_wire_bytes",
        "bytes",
        Value::U64(|r| r.halves[0].wire_bytes),
        "Payload that the originator sent as seen, retransmissions counted.",
    ),
    column(
        "orig_unique_bytes",
        "bytes",
        Value::U64(|r| r.halves[0].unique_bytes),
        "Distinct payload bytes seen from the originator, in the window or not; the payload of a RST is left out.",
    ),
    column("orig_syn_pkts", "packets", Value::U64(|r| r.halves[0].syn_pkts), "Segments with SYN from the originator."),
    column("orig_fin_pkts", "packets", Value::U64(|r| r.halves[0].fin_pkts), "Segments with FIN from the originator."),
    column("orig_rst_pkts", "packets", Value::U64(|r| r.halves[0].rst_pkts), "Segments with RST from the originator."),
    column(
        "orig_window_min",
        "bytes",
        Value::U32OrNull(|r| r.halves[0].window_min),
        "Smallest window that the originator advertised after the handshake; scaled where both SYNs were seen, else as in the header.",
    ),
    column(
        "orig_window_max",
        "bytes",
        Value::U32OrNull(|r| r.halves[0].window_max),
        "Largest window that the originator advertised after the handshake; scaled where both SYNs were seen, else as in the header.",
    ),
    column(
        "orig_mss",
        "bytes",
        Value::U16OrNull(|r| r.halves[0].mss),
        "Maximum segment size option of the originator's SYN.",
    ),
    column(
        "orig_wscale",
        "",
        Value::U8OrNull(|r| r.halves[0].wscale),
        "Window scale option of the originator's SYN, a shift, capped at 14 (RFC 7323, 2.3).",
    ),
    column(
        "orig_sack_ok",
        "",
        Value::TruthOrNull(|r| r.halves[0].sack_ok),
        "The originator's SYN permitted selective acknowledgments; missing without a SYN.",
    ),
    column("orig_tsopt", "", Value::Truth(|r| r.halves[0].tsopt), "The originator used the timestamps option."),
    column(
        "orig_ecn",
        "",
        Value::Truth(|r| r.halves[0].ecn),
        "The originator set ECN bits: ECE or CWR on its SYN, or a non-zero ECN field.",
    ),
    column(
        "orig_ttl_min",
        "hops",
        Value::U8OrNull(|r| r.halves[0].ttl_min),
        "Smallest TTL or hop limit of the originator's packets; missing where it sent none.",
    ),
    column(
        "orig_ttl_max",
        "hops",
        Value::U8OrNull(|r| r.halves[0].ttl_max),
        "Largest TTL or hop limit of the originator's packets; missing where it sent none.",
    ),
    column(
        "resp_wire_bytes",
        "bytes",
        Value::U64(|r| r.halves[1].wire_bytes),
        "Payload that the responder sent as seen, retransmissions counted.",
    ),
    column(
        "resp_unique_bytes",
        "bytes",
        Value::U64(|r| r.halves[1].unique_bytes),
        "Distinct payload bytes seen from the responder, in the window or not; the payload of a RST is left out.",
    ),
    column("resp_syn_pkts", "packets", Value::U64(|r| r.halves[1].syn_pkts), "Segments with SYN from the responder."),
    column("resp_fin_pkts", "packets", Value::U64(|r| r.halves[1].fin_pkts), "Segments with FIN from the responder."),
    column("resp_rst_pkts", "packets", Value::U64(|r| r.halves[1].rst_pkts), "Segments with RST from the responder."),
    column(
        "resp_window_min",
        "bytes",
        Value::U32OrNull(|r| r.halves[1].window_min),
        "Smallest window that the responder advertised after the handshake; scaled where both SYNs were seen, else as in the header.",
    ),
    column(
        "resp_window_max",
        "bytes",
        Value::U32OrNull(|r| r.halves[1].window_max),
        "Largest window that the responder advertised after the handshake; scaled where both SYNs were seen, else as in the header.",
    ),
    column(
        "resp_mss",
        "bytes",
        Value::U16OrNull(|r| r.halves[1].mss),
        "Maximum segment size option of the responder's SYN.",
    ),
    column(
        "resp_wscale",
        "",
        Value::U8OrNull(|r| r.halves[1].wscale),
        "Window scale option of the responder's SYN, a shift, capped at 14 (RFC 7323, 2.3).",
    ),
    column(
        "resp_sack_ok",
        "",
        Value::TruthOrNull(|r| r.halves[1].sack_ok),
        "The responder's SYN permitted selective acknowledgments; missing without a SYN.",
    ),
    column("resp_tsopt", "", Value::Truth(|r| r.halves[1].tsopt), "The responder used the timestamps option."),
    column(
        "resp_ecn",
        "",
        Value::Truth(|r| r.halves[1].ecn),
        "The responder set ECN bits: ECE or CWR on its SYN, or a non-zero ECN field.",
    ),
    column(
        "resp_ttl_min",
        "hops",
        Value::U8OrNull(|r| r.halves[1].ttl_min),
        "Smallest TTL or hop limit of the responder's packets; missing where it sent none.",
    ),
    column(
        "resp_ttl_max",
        "hops",
        Value::U8OrNull(|r| r.halves[1].ttl_max),
        "Largest TTL or hop limit of the responder's packets; missing where it sent none.",
    ),
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
        "The capture lost packets during the connection's life.",
    ),
];

/// The address of one endpoint, as text.
fn address(row: &Record, of: Direction, text: &mut String) {
    // Writing to a String cannot fail.
    let _ = write!(text, "{}", row.endpoints[of.index()].ip(row.family));
}

/// Nanoseconds from the first packet to the closing one, or to the last where it stayed open.
pub(crate) fn duration(row: &Record) -> i64 {
    row.at.closed.unwrap_or(row.at.last).elapsed_since(row.ts)
}

fn handshake_rtt(row: &Record) -> Option<i64> {
    Some(row.syn_rtt?.saturating_add(row.ack_rtt?))
}

/// The name of a tunnel; nothing for no tunnel.
const fn tunnel(kind: TunnelKind) -> Option<&'static str> {
    match kind {
        TunnelKind::None => None,
        TunnelKind::IpInIp => Some("ip_in_ip"),
        TunnelKind::Gre => Some("gre"),
        TunnelKind::Erspan => Some("erspan"),
        TunnelKind::Vxlan => Some("vxlan"),
        TunnelKind::Geneve => Some("geneve"),
        TunnelKind::GtpU => Some("gtp_u"),
        TunnelKind::Teredo => Some("teredo"),
        TunnelKind::L2tp => Some("l2tp"),
    }
}
