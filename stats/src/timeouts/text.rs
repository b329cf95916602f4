//! What timeouts would have made, for people.

use super::{Timeout, Timeouts};
use crate::page::Page;
use crate::summary::{Seconds, Spread};
use crate::text::{count, duration, share};

/// Renders the report.
pub fn render(report: &Timeouts) -> String {
    let mut page = Page::default();
    page.line(&format!("What timeouts would have made of the connections of {}", report.campaign));
    report.standing.sentences().for_each(|sentence| page.fact("!", &sentence));
    page.fact("Basis", "first and last packet, number of packets and close of each connection");
    page.fact("Timeout", "ends a flow after so long a silence, and knows nothing of SYN, FIN and RST");
    let all = report.connections;
    let row = |page: &mut Page, label: &str, print: &dyn Fn(&Timeout) -> String| {
        let cells: Vec<String> = report.timeouts.iter().map(print).collect();
        page.row(label, &cells.iter().map(String::as_str).collect::<Vec<_>>());
    };
    page.line("");
    row(&mut page, "Timeout", &|timeout| duration(timeout.timeout_s.0));
    row(&mut page, "  Connections", &|_| count(all));
    for (label, part) in [
        ("  Cut in pieces by a silence, at least *", (|timeout| timeout.split_at_least) as fn(&Timeout) -> u64),
        ("  Cut in pieces by a silence, at most *", |timeout| timeout.split_at_most),
        ("  Taken for more of the one before them", |timeout| timeout.merged),
    ] {
        row(&mut page, label, &|timeout| count(part(timeout)));
        row(&mut page, "    share of all", &|timeout| share(part(timeout), all));
    }
    row(&mut page, "  Ended by FIN or RST, and reported late", &|_| count(report.closed));
    let late = |pick: fn(Spread<Seconds>) -> Seconds| {
        move |timeout: &Timeout| timeout.late.map_or("-".to_owned(), |spread| duration(pick(spread).0))
    };
    row(&mut page, "    later by, median", &late(|spread| spread.p50));
    row(&mut page, "    later by, at most", &late(|spread| spread.max));
    row(&mut page, "    of them waiting in the table, on average", &|timeout| {
        timeout.waiting.map_or("-".to_owned(), |waiting| count(waiting.round() as u64))
    });
    page.line("  * at least: packets further apart than that on average; at most: lives longer than the timeout.");
    page.text
}
