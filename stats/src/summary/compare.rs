//! Two or three campaigns side by side, a column each.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::{About, Connections, Instant, REASONS, STATES, Seconds, Spread, Summary, explained};
use crate::page::Page;
use crate::services;
use crate::text::{bit_rate, bytes, count, duration, instant, share};

/// More campaigns than this do not fit a page.
pub const MOST: usize = 3;

/// Width of the page.
const WIDTH: usize = 100;

/// Renders them.
#[must_use]
pub fn render(summaries: &[Summary]) -> String {
    let mut sheet = Sheet::new(summaries);
    about(&mut sheet);
    packets(&mut sheet);
    connections(&mut sheet);
    traffic(&mut sheet);
    spreads(&mut sheet);
    rates(&mut sheet);
    ports(&mut sheet);
    sheet.page.section("Losses", &[]);
    for summary in summaries {
        let name = name(&summary.campaign);
        if summary.losses.is_empty() {
            sheet.page.fact("", &format!("{name}: none"));
        }
        summary.losses.iter().for_each(|sentence| sheet.page.fact("!", &format!("{name}: {sentence}")));
    }
    sheet.page.text
}

/// A page with a column for each campaign.
struct Sheet<'a> {
    page: Page,
    summaries: &'a [Summary],
    label: usize,
    column: usize,
}

impl<'a> Sheet<'a> {
    fn new(summaries: &'a [Summary]) -> Self {
        let label = if summaries.len() < MOST { 48 } else { 34 };
        let column = (WIDTH - label) / summaries.len().max(1);
        Self { page: Page::default(), summaries, label, column }
    }

    /// A line: a label that is cut where it is too long, and what each campaign has.
    fn row(&mut self, label: &str, cell: impl Fn(&Summary) -> String) {
        let label: String = label.chars().take(self.label - 1).collect();
        let mut line = format!("{label:<width$}", width = self.label);
        for summary in self.summaries {
            line += &format!("{:>width$}", cell(summary), width = self.column);
        }
        self.page.line(&line);
    }

    /// A line of counts with their shares.
    fn counted(&mut self, label: &str, part: impl Fn(&Summary) -> u64, whole: impl Fn(&Summary) -> u64) {
        self.row(label, |summary| format!("{} {:>9}", count(part(summary)), share(part(summary), whole(summary))));
    }

    fn section(&mut self, title: &str) {
        self.page.line("");
        self.page.line(title);
    }
}

/// The last part of a campaign's path.
fn name(campaign: &About) -> String {
    Path::new(&campaign.path).file_name().map_or(campaign.path.clone(), |name| name.to_string_lossy().into_owned())
}

fn about(sheet: &mut Sheet<'_>) {
    let room = sheet.column - 1;
    sheet.row("Campaign", |summary| name(&summary.campaign).chars().take(room).collect());
    let time = |at: Option<Instant>| at.map_or("-".to_owned(), |Instant(nanos)| instant(nanos, 0));
    sheet.row("  First packet (UTC)", |summary| time(summary.campaign.start));
    sheet.row("  Last packet (UTC)", |summary| time(summary.campaign.end));
    sheet.row("  Between them", |summary| summary.campaign.duration_s.map_or("-".to_owned(), |Seconds(s)| duration(s)));
    sheet.row("  Recording", |summary| summary.campaign.state.to_owned());
}

fn packets(sheet: &mut Sheet<'_>) {
    let sum = |counts: &BTreeMap<String, u64>| counts.values().fold(0, |sum: u64, frames| sum.saturating_add(*frames));
    let offered = |summary: &Summary| summary.ledger.offered;
    sheet.section("Packets");
    sheet.counted("  Offered by the sources", offered, offered);
    sheet.counted("  Lost", |summary| summary.ledger.dropped.total(), offered);
    sheet.counted("  TCP, tracked", |summary| summary.ledger.tcp, offered);
    sheet.counted("  Not TCP", |summary| sum(&summary.ledger.not_tcp), offered);
    sheet.counted("  Rejected", |summary| sum(&summary.ledger.rejected), offered);
}

fn connections(sheet: &mut Sheet<'_>) {
    let total = |summary: &Summary| summary.connections.total;
    sheet.section("Connections");
    sheet.counted("  All", total, total);
    sheet.counted("  IPv6", |summary| summary.connections.ipv6, total);
    sheet.counted("  Partial: began before", |summary| summary.connections.partial, total);
    sheet.counted("  Perhaps touched by loss", |summary| summary.connections.lost_capture, total);
    sheet.counted("  With anomalies", |summary| summary.connections.anomalous, total);
    named(sheet, "  By state (conn_state)", &STATES, |connections| &connections.by_conn_state);
    named(sheet, "  By what ended them (close_reason)", &REASONS, |connections| &connections.by_close_reason);
}

/// A line for each name that any campaign has, in the order of `words`.
fn named(
    sheet: &mut Sheet<'_>,
    title: &str,
    words: &[(&str, &str)],
    counts: fn(&Connections) -> &BTreeMap<String, u64>,
) {
    sheet.page.line(title);
    let names: BTreeSet<&String> =
        sheet.summaries.iter().flat_map(|summary| counts(&summary.connections).keys()).collect();
    let mut names: Vec<&String> = names.into_iter().collect();
    names.sort_by_key(|name| words.iter().position(|(known, _)| known == name));
    for name in names {
        let label = format!("    {name:<8} {}", explained(words, name));
        let part = |summary: &Summary| counts(&summary.connections).get(name).copied().unwrap_or(0);
        sheet.counted(&label, part, |summary| summary.connections.total);
    }
}

fn traffic(sheet: &mut Sheet<'_>) {
    sheet.section("Traffic of TCP, both directions");
    sheet.row("  Packets", |summary| count(summary.traffic.packets.total()));
    sheet.row("  IP bytes, headers included", |summary| bytes(summary.traffic.ip_bytes.total()));
    sheet.row("  Payload, distinct", |summary| bytes(summary.traffic.unique_bytes.total()));
    let again =
        |summary: &Summary| summary.traffic.wire_bytes.total().saturating_sub(summary.traffic.unique_bytes.total());
    sheet.counted("  Payload, sent again", again, |summary| summary.traffic.wire_bytes.total());
    sheet.row("  Acknowledged but never seen", |summary| bytes(summary.traffic.missed_bytes));
}

fn spreads(sheet: &mut Sheet<'_>) {
    fn pair<T: Copy>(spread: Option<&Spread<T>>, print: impl Fn(T) -> String) -> String {
        spread.map_or("-".to_owned(), |spread| format!("{} / {}", print(spread.p50), print(spread.p90)))
    }
    let time = |Seconds(seconds): Seconds| duration(seconds);
    sheet.section("Median / 90 %");
    sheet.row("  Duration, whole ones", |summary| pair(summary.spreads.duration.as_ref(), time));
    sheet.row("  Originator's payload", |summary| pair(summary.spreads.orig_unique_bytes.as_ref(), bytes));
    sheet.row("  Responder's payload", |summary| pair(summary.spreads.resp_unique_bytes.as_ref(), bytes));
    sheet.row("  Handshake RTT", |summary| pair(summary.spreads.handshake_rtt.as_ref(), time));
    sheet.row("    tap to responder", |summary| pair(summary.spreads.syn_rtt.as_ref(), time));
    sheet.row("    tap to originator", |summary| pair(summary.spreads.ack_rtt.as_ref(), time));
}

fn rates(sheet: &mut Sheet<'_>) {
    sheet.section("Rates of TCP");
    sheet.row("  Mean, IP", |summary| summary.rates.mean_bits_per_second.map_or("-".to_owned(), bit_rate));
    sheet.row("  Mean, packets", |summary| {
        summary.rates.mean_packets_per_second.map_or("-".to_owned(), |rate| format!("{}/s", count(rate.round() as u64)))
    });
    let peak = |summary: &Summary| summary.rates.peak.map_or("-".to_owned(), |peak| bit_rate(peak.bits_per_second));
    sheet.row("  Busiest second, IP", peak);
}

/// The ports that are among the first of any campaign.
fn ports(sheet: &mut Sheet<'_>) {
    let of = |summary: &Summary, number: u16| {
        summary.responder_ports.iter().find(|port| port.port == number).map(|port| port.connections)
    };
    let mut numbers: Vec<u16> = Vec::new();
    for port in sheet.summaries.iter().flat_map(|summary| &summary.responder_ports) {
        if !numbers.contains(&port.port) {
            numbers.push(port.port);
        }
    }
    if numbers.is_empty() {
        return;
    }
    sheet.section("Responders' ports: connections");
    for number in numbers {
        sheet.row(&format!("  {}", services::port(number)), |summary| {
            let cell =
                |connections| format!("{} {:>9}", count(connections), share(connections, summary.connections.total));
            of(summary, number).map_or("not among the first".to_owned(), cell)
        });
    }
}
