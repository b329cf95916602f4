//! Throughput for people.

use super::gather::{Direction, Group};
use super::{By, Throughput};
use crate::page::Page;
use crate::summary::Spread;
use crate::text::{bit_rate, count, duration, share};

/// Renders the report.
pub fn render(report: &Throughput) -> String {
    let mut page = Page::default();
    page.line(&format!("Throughput of the connections of {}", report.campaign));
    report.standing.sentences().for_each(|sentence| page.fact("!", &sentence));
    page.fact("Basis", "whole lives of connections whose opening was seen, each direction with payload by itself");
    page.fact(
        "Left out",
        &format!("data phases under {}: over so short a time a rate says nothing", duration(report.shortest_s.0)),
    );
    if report.groups.is_empty() {
        page.line("  No connection was recorded.");
    }
    match report.by {
        By::All => report.groups.iter().for_each(|group| whole(&mut page, group)),
        By::Port | By::Hour | By::Day => groups(&mut page, report),
    }
    page.text
}

fn whole(page: &mut Page, group: &Group) {
    page.section("Connections", &["connections", "share"]);
    page.counted("  All", group.connections, group.connections);
    page.counted("  Their opening was not seen, or never came", group.not_opened, group.connections);
    for (title, side) in [("Originators", &group.orig), ("Responders", &group.resp)] {
        direction(page, title, side);
    }
}

fn direction(page: &mut Page, title: &str, side: &Direction) {
    page.line("");
    let names = ["min", "median", "90 %", "99 %", "max"];
    let title = format!("{title:<34}{:>10}", "directions");
    page.line(&names.iter().fold(title, |line, name| format!("{line}{name:>11}")));
    for (label, spread) in [
        ("  whole connection", side.throughput),
        ("  data phase", side.throughput_established),
        ("  data phase after slow start", side.throughput_after_slow_start),
        ("  on the wire: headers, resent", side.wire_rate),
        ("  busiest 1 s", side.peak_1s),
        ("  busiest 100 ms", side.peak_100ms),
        ("  busiest 10 ms", side.peak_10ms),
    ] {
        quantiles(page, label, spread, bit_rate);
    }
    quantiles(page, "  share outside of the data phase", side.setup_share, |share| format!("{share:.3}"));
    let rated = side.throughput_established.map_or(0, |spread| spread.n);
    page.line(&format!("  under 80 kbit/s in the data phase: {}", share(side.under_80_kbit, rated)));
    page.line(&format!(
        "  left out: {} without payload, {} too short",
        count(side.without_payload),
        count(side.too_short)
    ));
}

fn quantiles(page: &mut Page, label: &str, spread: Option<Spread<f64>>, print: impl Fn(f64) -> String) {
    let Some(spread) = spread else { return page.line(&format!("{label:<34}{:>10}", 0)) };
    let line = format!("{label:<34}{:>10}", count(spread.n));
    let values = [spread.min, spread.p50, spread.p90, spread.p99, spread.max];
    page.line(&values.iter().fold(line, |line, &value| format!("{line}{:>11}", print(value).replace("bit/s", "b/s"))));
}

fn groups(page: &mut Page, report: &Throughput) {
    for (title, side) in [("Originators", 0), ("Responders", 1)] {
        page.line("");
        page.line(&format!(
            "{title:<14}{:>12}{:>12}{:>14}{:>14}{:>14}{:>16}",
            "connections", "directions", "whole, med.", "data, median", "data, 90 %", "under 80 kbit/s"
        ));
        for group in &report.groups {
            let direction = [&group.orig, &group.resp][side];
            let print = |spread: Option<Spread<f64>>, value: fn(Spread<f64>) -> f64| {
                spread.map_or("-".to_owned(), |spread| bit_rate(value(spread)))
            };
            let rated = direction.throughput_established.map_or(0, |spread| spread.n);
            page.line(&format!(
                "  {:<12}{:>12}{:>12}{:>14}{:>14}{:>14}{:>16}",
                group.name,
                count(group.connections),
                count(rated),
                print(direction.throughput, |spread| spread.p50),
                print(direction.throughput_established, |spread| spread.p50),
                print(direction.throughput_established, |spread| spread.p90),
                share(direction.under_80_kbit, rated)
            ));
        }
    }
}
