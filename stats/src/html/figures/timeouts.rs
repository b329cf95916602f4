//! What timeouts would have made of the same connections.

use super::super::Data;
use super::super::page::{Content, Figure, Table};
use super::super::svg::{Axis, Plot, Scale, Style, Unit, legend};
use super::super::words::{counted, length, percent, share};
use super::{largest, looks, of_campaign, panel, smallest};
use crate::text::count;
use crate::timeouts::Timeout;

/// The timeouts that have a name, s.
const NAMED: [(f64, &str); 2] = [(64.0, "OC3MON"), (300.0, "Zeek")];

/// The comparison.
pub fn timeouts(campaigns: &[Data]) -> Figure {
    let plots = campaigns.iter().enumerate().filter_map(|(at, data)| Some((panel(campaigns, data), plot(at, data)?)));
    let plots: Vec<(String, String)> = plots.collect();
    let names =
        looks(["cut in pieces by a silence: at least, at most", "taken for more of the connection before them"]);
    let mut content = Vec::new();
    if plots.is_empty() {
        content.push(Content::Refused("No timeout would have changed a connection.".to_owned()));
    } else {
        content.push(Content::Plots { legend: legend(&names), plots });
    }
    content.push(Content::Table(table(campaigns)));
    let total = campaigns.iter().map(|data| data.timeouts.connections).sum();
    Figure {
        id: "fig-timeouts".to_owned(),
        title: "What a timeout would have made of them".to_owned(),
        wide: true,
        content,
        reading: "A tool that ends a flow after a silence, and knows nothing of FIN and RST, cuts long connections \
            in pieces where the timeout is short, and takes several for one where it is long; \
                  those that FIN or RST ended it reports late. The band is what the columns leave open: at least \
                  the connections whose packets are further apart than the timeout on average, at most those that \
                  lasted longer."
            .to_owned(),
        basis: format!(
            "table connections, first and last packet, number of packets and close of \
            {}.",
            counted(total, "connection")
        ),
        data: None,
    }
}

fn plot(at: usize, data: &Data) -> Option<String> {
    let (timeouts, all) = (&data.timeouts.timeouts, data.timeouts.connections);
    let points = |part: fn(&Timeout) -> u64| {
        let of = timeouts.iter().map(move |timeout| (timeout.timeout_s.0, share(part(timeout), all)));
        of.filter(|point| point.1 > 0.0).collect::<Vec<_>>()
    };
    let (least, most, merged) = (points(|t| t.split_at_least), points(|t| t.split_at_most), points(|t| t.merged));
    let values = || least.iter().chain(&most).chain(&merged).map(|point| point.1);
    let low = smallest(values())?;
    let lengths = || timeouts.iter().map(|timeout| timeout.timeout_s.0);
    let axes = [
        Axis::new("timeout", Scale::logarithmic(Unit::Seconds, smallest(lengths())?, largest(lengths()))),
        Axis::new("share of connections", Scale::logarithmic(Unit::Share, low / 1.5, largest(values()) * 1.5)),
    ];
    let mut plot = Plot::new(
        format!("timeouts-{at}"),
        "What timeouts would have made",
        "Shares of connections over the timeout.",
        axes,
    );
    for (seconds, name) in NAMED {
        plot.upright(seconds, name);
    }
    let band = most.iter().map(|&(timeout, high)| {
        let below = least.iter().find(|point| point.0 == timeout).map_or(low / 1.5, |point| point.1);
        (timeout, below, high)
    });
    plot.band(Style(0), &band.collect::<Vec<_>>());
    for (style, line) in [(Style(0), &least), (Style(0), &most), (Style(1), &merged)] {
        plot.line(style, line.iter().copied());
        plot.dots(style, line.iter().copied());
    }
    Some(plot.finish())
}

fn table(campaigns: &[Data]) -> Table {
    let mut table = Table::new(&[
        "timeout",
        "cut, at least",
        "cut, at most",
        "merged",
        "share merged",
        "reported late by, median",
        "at most",
        "waiting on average",
    ]);
    for data in campaigns {
        for timeout in &data.timeouts.timeouts {
            let late = |pick: fn(&crate::summary::Spread<crate::summary::Seconds>) -> f64| {
                timeout.late.as_ref().map_or("-".to_owned(), |spread| length(pick(spread)))
            };
            table.row([
                of_campaign(campaigns, data, &length(timeout.timeout_s.0)),
                count(timeout.split_at_least),
                count(timeout.split_at_most),
                count(timeout.merged),
                percent(share(timeout.merged, data.timeouts.connections)),
                late(|spread| spread.p50.0),
                late(|spread| spread.max.0),
                timeout.waiting.map_or("-".to_owned(), |waiting| count(waiting.round() as u64)),
            ]);
        }
    }
    table
}
