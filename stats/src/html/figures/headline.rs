//! The figures that one asks for first.

use super::super::Data;
use super::super::words::{counted, length, percent, share};
use crate::summary::Seconds;
use crate::text::{bit_rate, bytes, count, duration, instant};

/// Name, value and basis of each.
pub fn headline(data: &Data) -> Vec<[String; 3]> {
    let summary = &data.summary;
    let connections = &summary.connections;
    let tile = |name: &str, value: String, basis: String| [name.to_owned(), value, basis];
    let by = |reason: &str| connections.by_close_reason.get(reason).copied().unwrap_or(0);
    let ended = by("fin") + by("rst");
    let mut tiles = vec![
        tile(
            "Connections",
            count(connections.total),
            format!("{} over IPv6", percent(share(connections.ipv6, connections.total))),
        ),
        tile(
            "Ended by FIN or RST",
            percent(share(ended, connections.total)),
            format!("{} by FINs, {} by RST", count(by("fin")), count(by("rst"))),
        ),
        tile(
            "TCP packets",
            count(summary.traffic.packets.total()),
            counted(summary.ledger.offered, "frame") + " offered",
        ),
        tile(
            "IP bytes of TCP",
            bytes(summary.traffic.ip_bytes.total()),
            format!("{} of them distinct payload", bytes(summary.traffic.unique_bytes.total())),
        ),
    ];
    tiles.extend(speed(data));
    if let Some(spread) = summary.spreads.duration {
        let words = format!("{} whole; nine in ten within {}", count(spread.n), duration(spread.p90.0));
        tiles.push(tile("Median duration", duration(spread.p50.0), words));
    }
    if let Some(spread) = summary.spreads.handshake_rtt {
        let words = format!("{} handshakes; nine in ten within {}", count(spread.n), duration(spread.p90.0));
        tiles.push(tile("Median handshake RTT", duration(spread.p50.0), words));
    }
    tiles
}

fn speed(data: &Data) -> Vec<[String; 3]> {
    let rates = &data.summary.rates;
    let lasted = data.summary.campaign.duration_s.map_or(0.0, |Seconds(seconds)| seconds);
    let mean = rates.mean_bits_per_second.map(|rate| {
        ["Mean throughput".to_owned(), bit_rate(rate), format!("IP bytes of TCP over {}", duration(lasted))]
    });
    let peak = rates.peak.map(|peak| {
        let when = instant(peak.ts.0, 0);
        let name = format!("Busiest {}", length(peak.width_s.0));
        [name, bit_rate(peak.bits_per_second), format!("{when} UTC")]
    });
    mean.into_iter().chain(peak).collect()
}
