//! The summary for people: aligned, with units, at most 100 columns wide.

use std::collections::BTreeMap;

use recorder::State;

use super::{About, Connections, Halves, Instant, Networks, Oddities, Peak, Rates, Seconds, Spread, Spreads, Summary};
use crate::page::Page;
use crate::services;
use crate::text::{bit_rate, bytes, count, duration, instant, share};

/// Zeek's states in words, the most ordinary first.
pub const STATES: [(&str, &str); 13] = [
    ("SF", "opened and closed normally"),
    ("S1", "opened, not closed"),
    ("S2", "opened, only the originator closed"),
    ("S3", "opened, only the responder closed"),
    ("RSTO", "opened, reset by the originator"),
    ("RSTR", "reset by the responder"),
    ("REJ", "refused"),
    ("S0", "no answer to the SYN"),
    ("RSTOS0", "SYN then RST, no answer seen"),
    ("RSTRH", "SYN-ACK then RST, no SYN seen"),
    ("SH", "SYN then FIN, no answer seen"),
    ("SHR", "SYN-ACK then FIN, no SYN seen"),
    ("OTH", "no SYN seen: already there"),
];

/// What ends a connection, in words.
pub const REASONS: [(&str, &str); 7] = [
    ("fin", "both FINs acknowledged"),
    ("rst", "a RST"),
    ("reused", "a new connection on the same addresses and ports"),
    ("attempt_timeout", "nothing answered the SYN"),
    ("idle_timeout", "silence"),
    ("evicted", "the table was full"),
    ("campaign_end", "nothing: still open at the end"),
];

/// Renders a summary.
pub fn render(summary: &Summary) -> String {
    let mut page = Page::default();
    about(&mut page, summary);
    packets(&mut page, summary);
    // What a lossy capture shows is less than what passed, and each section that counts packets says so.
    let note = if summary.ledger.dropped.total() > 0 { " (lower bounds, see Losses)" } else { "" };
    connections(&mut page, &summary.connections, note);
    traffic(&mut page, summary, note);
    spreads(&mut page, &summary.spreads);
    rates(&mut page, &summary.rates, note);
    ports(&mut page, summary);
    networks(&mut page, summary);
    losses(&mut page, &summary.losses);
    page.text
}

fn about(page: &mut Page, summary: &Summary) {
    let campaign = &summary.campaign;
    page.line(&format!("Campaign {}", campaign.path));
    let named = [("site", &campaign.site), ("link", &campaign.link)];
    let place = named.iter().filter(|(_, name)| !name.is_empty()).map(|(what, name)| format!("{what} {name}"));
    let place = place.collect::<Vec<_>>().join(", ");
    if !place.is_empty() {
        page.fact("Where", &place);
    }
    page.fact("When", &period(campaign));
    for (i, source) in summary.sources.iter().enumerate() {
        page.fact(if i == 0 { "Sources" } else { "" }, &source.name);
    }
    let commit = if campaign.commit.is_empty() { String::new() } else { format!(" ({})", campaign.commit) };
    let host = if campaign.host.is_empty() { String::new() } else { format!(" on {}", campaign.host) };
    let end = campaign.ended_by.map_or(String::new(), |why| format!(": {why}"));
    page.fact("Recorded", &format!("by version {}{commit}{host}; {}{end}", campaign.version, campaign.state));
    if !campaign.clock_source.is_empty() {
        page.fact("Clock", &campaign.clock_source);
    }
    let addresses = match campaign.anonymisation.as_str() {
        "none" | "" => "as captured, not anonymised",
        level => level,
    };
    page.fact("Addresses", addresses);
}

/// From when to when, in words.
pub fn period(campaign: &About) -> String {
    match (campaign.start, campaign.end, campaign.duration_s) {
        (Some(Instant(start)), Some(Instant(end)), Some(Seconds(seconds))) => {
            let recorded = campaign.recorded_s.map_or(seconds, |Seconds(recorded)| recorded);
            // Bins of the base series are no sharper.
            let of_which = if recorded < 0.999 * seconds - 1.0 {
                format!(", {} recorded", duration(recorded))
            } else {
                String::new()
            };
            format!("{} to {} UTC ({}{of_which})", instant(start, 3), instant(end, 3), duration(seconds))
        }
        _ => "no packet was seen".to_owned(),
    }
}

fn packets(page: &mut Page, summary: &Summary) {
    let ledger = &summary.ledger;
    let whole = ledger.offered;
    page.section("Packets", &["frames", "share"]);
    page.counted("  Offered by the sources", whole, whole);
    page.counted("  Lost", ledger.dropped.total(), whole);
    let dropped = ledger.dropped;
    let places =
        [("device", dropped.device), ("kernel", dropped.kernel), ("poller", dropped.poller), ("queue", dropped.queue)];
    for (place, frames) in places.iter().filter(|(_, frames)| *frames > 0) {
        page.counted(format!("    {place}"), *frames, whole);
    }
    page.counted("  TCP, tracked", ledger.tcp, whole);
    oddities(page, &summary.oddities, whole);
    for (title, counts) in [("  Not TCP", &ledger.not_tcp), ("  Rejected", &ledger.rejected)] {
        by_name(page, title, counts, whole);
    }
    match &summary.imbalance {
        None if summary.campaign.state != State::Complete.as_str() => {
            page.line("  These counts are those of the last manifest; the recording did not end in order, so rows may be newer.");
        }
        None => page.line("  The ledger balances: every frame is accounted for."),
        Some(equation) => page.line(&format!("  THE LEDGER DOES NOT BALANCE: {equation}. Please report this.")),
    }
}

/// Those of the TCP packets that say more than that they came.
fn oddities(page: &mut Page, oddities: &Oddities, whole: u64) {
    let named = [
        ("    after the row of their connection", &oddities.stragglers),
        ("    anomalies, by name", &oddities.anomalies),
    ];
    for (title, counts) in named.into_iter().filter(|(_, counts)| counts.values().any(|&packets| packets > 0)) {
        by_name(page, title, counts, whole);
    }
    if oddities.time_wait_evicted > 0 {
        page.row("    Tuples in TIME_WAIT forgotten early", &[&count(oddities.time_wait_evicted)]);
    }
}

/// Counts together, and each of them under its name.
fn by_name(page: &mut Page, title: &str, counts: &BTreeMap<String, u64>, whole: u64) {
    page.counted(title, counts.values().fold(0, |sum: u64, frames| sum.saturating_add(*frames)), whole);
    let depth = title.len() - title.trim_start().len() + 2;
    for (name, frames) in counts.iter().filter(|(_, frames)| **frames > 0) {
        page.counted(format!("{:depth$}{name}", ""), *frames, whole);
    }
}

fn connections(page: &mut Page, connections: &Connections, note: &str) {
    let whole = connections.total;
    page.section(&format!("Connections{note}"), &["connections", "share"]);
    page.counted("  All", whole, whole);
    page.counted("  IPv4", connections.ipv4, whole);
    page.counted("  IPv6", connections.ipv6, whole);
    for (label, part) in [
        ("  In a tunnel", connections.tunnelled),
        ("  Partial: began before the capture", connections.partial),
        ("  Perhaps touched by loss of the capture", connections.lost_capture),
        ("  With anomalies", connections.anomalous),
    ] {
        if part > 0 {
            page.counted(label, part, whole);
        }
    }
    for (name, part) in descending(&connections.by_anomaly) {
        page.counted(format!("    {name}"), part, whole);
    }
    if whole == 0 {
        return;
    }
    page.line("  By state (Zeek's conn_state)");
    for (name, part) in descending(&connections.by_conn_state) {
        page.counted(format!("    {name:<8}{}", explained(&STATES, name)), part, whole);
    }
    page.line("  By what ended them (close_reason)");
    for (name, part) in descending(&connections.by_close_reason) {
        page.counted(format!("    {name:<17}{}", explained(&REASONS, name)), part, whole);
    }
}

/// The words for a name; none for one unknown.
pub fn explained<'a>(words: &[(&str, &'a str)], name: &str) -> &'a str {
    words.iter().find(|(known, _)| *known == name).map_or("", |(_, words)| words)
}

/// The most frequent first; equals by name.
fn descending(counts: &BTreeMap<String, u64>) -> Vec<(&str, u64)> {
    let mut counts = counts.iter().map(|(name, &number)| (name.as_str(), number)).collect::<Vec<_>>();
    counts.sort_by_key(|&(_, number)| std::cmp::Reverse(number));
    counts
}

fn traffic(page: &mut Page, summary: &Summary, note: &str) {
    let traffic = &summary.traffic;
    page.section(&format!("Traffic{note}"), &["originators", "responders", "both"]);
    let row = |page: &mut Page, label: &str, halves: &Halves, print: fn(u64) -> String| {
        page.row(label, &[&print(halves.orig), &print(halves.resp), &print(halves.total())]);
    };
    row(page, "  Packets", &traffic.packets, count);
    row(page, "  IP bytes, headers included", &traffic.ip_bytes, bytes);
    row(page, "  Payload, retransmissions counted", &traffic.wire_bytes, bytes);
    row(page, "  Payload, distinct", &traffic.unique_bytes, bytes);
    page.row("  Acknowledged but never seen", &["", "", &bytes(traffic.missed_bytes)]);
    let headers = &summary.headers;
    let recorded = format!("  Headers recorded of {} connections", count(headers.connections));
    page.row(recorded, &["", "", &count(headers.recorded)]);
}

fn spreads(page: &mut Page, spreads: &Spreads) {
    page.line("");
    let title = format!("{:<34}{:>12}", "Quantiles", "connections");
    let names = ["min", "median", "90 %", "99 %", "max", "mean"];
    page.line(&names.iter().fold(title, |line, name| format!("{line}{name:>9}")));
    let times = |page: &mut Page, label: &str, spread: &Option<Spread<Seconds>>| {
        quantiles(page, label, spread.as_ref(), |Seconds(seconds)| duration(seconds));
    };
    times(page, "  Duration, whole ones *", &spreads.duration);
    quantiles(page, "  Originator's payload, whole ones", spreads.orig_unique_bytes.as_ref(), bytes);
    quantiles(page, "  Responder's payload, whole ones", spreads.resp_unique_bytes.as_ref(), bytes);
    times(page, "  Handshake RTT", &spreads.handshake_rtt);
    times(page, "    tap to responder (syn_rtt)", &spreads.syn_rtt);
    times(page, "    tap to originator (ack_rtt)", &spreads.ack_rtt);
    page.line("  * seen from the handshake to a close by FIN, RST or reuse; payload is distinct bytes");
}

fn quantiles<T: Copy>(page: &mut Page, label: &str, spread: Option<&Spread<T>>, print: impl Fn(T) -> String) {
    let Some(spread) = spread else {
        return page.line(&format!("{label:<34}{:>12}", 0));
    };
    let line = format!("{label:<34}{:>12}", count(spread.n));
    let values = [spread.min, spread.p50, spread.p90, spread.p99, spread.max, spread.mean];
    page.line(&values.iter().fold(line, |line, &value| format!("{line}{:>9}", print(value))));
}

fn rates(page: &mut Page, rates: &Rates, note: &str) {
    page.section(&format!("Rates of TCP{note}"), &["IP", "packets"]);
    let packets = |rate: f64| format!("{}/s", count(rate.round() as u64));
    match rates.mean_bits_per_second.zip(rates.mean_packets_per_second) {
        Some((bits, rate)) => page.row("  Mean over the time recorded", &[&bit_rate(bits), &packets(rate)]),
        None => page.row("  Mean over the time recorded", &["-", "-"]),
    }
    if let Some(Peak { ts, width_s: Seconds(width), bits_per_second, packets_per_second }) = rates.peak {
        let label = format!("  Busiest {}: {}", duration(width).replace(".00", ""), instant(ts.0, 0));
        page.row(label, &[&bit_rate(bits_per_second), &packets(packets_per_second)]);
    }
}

fn ports(page: &mut Page, summary: &Summary) {
    if summary.responder_ports.is_empty() {
        return;
    }
    page.section("Responders' ports", &["connections", "share", "IP bytes"]);
    let whole = summary.connections.total;
    for port in &summary.responder_ports {
        let columns = [count(port.connections), share(port.connections, whole), bytes(port.ip_bytes)];
        page.row(format!("  {}", services::port(port.port)), &columns.each_ref().map(String::as_str));
    }
}

fn networks(page: &mut Page, summary: &Summary) {
    for (title, networks) in
        [("Originators' networks", &summary.originator_networks), ("Responders' networks", &summary.responder_networks)]
    {
        if !networks.largest.is_empty() {
            named_networks(page, title, networks, summary.traffic.ip_bytes.total());
        }
    }
}

fn named_networks(page: &mut Page, title: &str, networks: &Networks, whole: u64) {
    // Connections are lacking whenever something is: a forgotten network had one.
    let lacks = networks.lacking_connections > 0;
    let known = if lacks { format!("{} or more", count(networks.known)) } else { count(networks.known) };
    page.section(&format!("{title}, of {known}"), &["connections", "IP bytes", "share"]);
    for network in &networks.largest {
        let columns = [count(network.connections), bytes(network.ip_bytes), share(network.ip_bytes, whole)];
        page.row(format!("  {}", network.prefix), &columns.each_ref().map(String::as_str));
    }
    if lacks {
        page.line(&format!(
            "  Too many to keep them all: a figure may lack up to {} and {} connections.",
            bytes(networks.lacking),
            count(networks.lacking_connections)
        ));
    }
}

fn losses(page: &mut Page, losses: &[String]) {
    page.section("Losses", &[]);
    if losses.is_empty() {
        page.line("  None: no packet, no row and no byte of the campaign was lost.");
    }
    for sentence in losses {
        page.fact("!", sentence);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_too_many_networks_their_number_is_a_lower_bound_and_figures_say_what_they_may_lack() {
        let text = |networks: &Networks| {
            let mut page = Page::default();
            named_networks(&mut page, "Networks", networks, 1000);
            page.text
        };
        let all = Networks { known: 65_536, ..Networks::default() };
        assert!(text(&all).contains("Networks, of 65,536  ") && !text(&all).contains("lack"));
        let some = text(&Networks { known: 65_537, lacking: 1500, lacking_connections: 12, ..all });
        assert!(some.contains("Networks, of 65,537 or more "), "{some}");
        assert!(some.contains("may lack up to 1.50 kB and 12 connections"), "{some}");
    }
}
