//! Who talked, when, and how it ended.

use std::fmt::Write;

use conntrack::{CloseReason, Record};
use wire::{Direction, TunnelKind};

use super::Connections;
use super::instants::INSTANT;
use crate::columns::{Column, Value, column};

pub(super) const COLUMNS: &[Column<Connections>] = &[
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
    column("final", "", Value::Truth(|r| r.is_final), "False in an interim row of a connection that goes on."),
    column("partial", "", Value::Truth(|r| r.partial), "The connection began before the capture saw it: no SYN."),
    column(
        "direction_by",
        "",
        Value::Name(|r| r.direction_by.as_str()),
        "How originator and responder were told apart: syn, synack, port (one is well-known, RFC 6335) or first.",
    ),
    column(
        "vlan",
        "",
        Value::U16OrNull(|r| r.vlan),
        "Outermost VLAN identifier (IEEE 802.1Q) of the first packet; missing where it was not tagged.",
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
];

per_direction! {
    "state", "", Name(|r, side| r.halves[side].state.as_str()),
        "state at the end (RFC 9293, 3.3.2).";
}

/// The address of one endpoint, as text.
fn address(row: &Record, of: Direction, text: &mut String) {
    // Writing to a String cannot fail.
    let _ = write!(text, "{}", row.endpoints[of.index()].ip(row.family));
}

/// Nanoseconds from the first packet to the closing one, or to the last where it stayed open.
fn duration(row: &Record) -> i64 {
    row.at.closed.unwrap_or(row.at.last).elapsed_since(row.ts)
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
