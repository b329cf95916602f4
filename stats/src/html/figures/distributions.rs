//! How sizes, lengths, rates and round trips are distributed: the share of all that exceeds a value, on logarithmic axes.

use super::super::Data;
use super::super::gather::Distribution;
use super::super::page::{Content, Figure, Table};
use super::super::svg::{Axis, Plot, Scale, Style, Unit, lines as keys};
use super::super::words::{counted, percent, share};
use super::{largest, of_campaign, smallest};
use crate::estimate::tail::Tail;
use crate::text::{bit_rate, bytes, count, duration, three};
use crate::throughput::SLOW;

/// A line of a figure: its name, and its distribution.
type Line<'a> = (String, &'a Distribution);

/// Shares below this are not shown: so few connections say nothing of a shape.
const LEAST: f64 = 1e-7;

/// Sizes.
pub fn sizes(campaigns: &[Data]) -> Figure {
    let lines = lines(campaigns, |data| &data.connections.sizes, ["originators", "responders"]);
    Figure {
        id: "fig-sizes".to_owned(),
        title: "Sizes of connections".to_owned(),
        wide: false,
        content: content("sizes", "payload", Unit::Bytes, &lines),
        reading: "The share of directions that sent more than so many bytes. A straight line over several decades \
            is a heavy tail; one that keeps bending down, a lognormal one. \
                  What sent nothing lies to the left of the axis, which is why a line may begin below 100 %."
            .to_owned(),
        basis: basis(&lines, "distinct payload (unique_bytes) of whole connections, by direction"),
        data: Some(table(&lines, |value| bytes(value as u64))),
    }
}

/// Rates.
pub fn rates(campaigns: &[Data]) -> Figure {
    let lines = lines(campaigns, |data| &data.connections.rates, ["originators", "responders"]);
    let slow = campaigns.iter().map(|data| {
        let group = data.throughput.groups.first();
        let under: u64 = group.map_or(0, |group| group.orig.under_80_kbit + group.resp.under_80_kbit);
        let all: u64 = group.map_or(0, |group| {
            [group.orig.throughput_established, group.resp.throughput_established]
                .iter()
                .flatten()
                .map(|spread| spread.n)
                .sum()
        });
        of_campaign(
            campaigns,
            data,
            &format!(
                "{} of {} directions of all that were seen to open stay under {}",
                percent(share(under, all)),
                count(all),
                bit_rate(SLOW)
            ),
        )
    });
    let slow = slow.collect::<Vec<_>>().join("; ");
    Figure {
        id: "fig-rates".to_owned(),
        title: "Throughput of connections".to_owned(),
        wide: false,
        content: content("rates", "bit/s", Unit::Number, &lines),
        reading: format!(
            "The share of directions that ran faster than so many bit/s in their data phase, from the handshake's \
                end to their last data. {slow}."
        ),
        basis: basis(
            &lines,
            "throughput_established of whole connections, data phases of 100 ms and longer, by direction",
        ),
        data: Some(table(&lines, bit_rate)),
    }
}

/// Round trips.
pub fn round_trips(campaigns: &[Data]) -> Figure {
    let lines = lines(
        campaigns,
        |data| &data.connections.round_trips,
        ["tap to responder and back", "tap to originator and back"],
    );
    Figure {
        id: "fig-rtt".to_owned(),
        title: "Round trips of handshakes".to_owned(),
        wide: false,
        content: content("rtt", "round trip", Unit::Seconds, &lines),
        reading: "The share of handshakes of which that half of the round trip took longer: from SYN to SYN-ACK on \
            the responder's side of the tap, from SYN-ACK to ACK on the originator's. \
                  Steps at round figures are hosts at one distance; steps at 1 s and 3 s are SYNs sent again."
            .to_owned(),
        basis: basis(&lines, "syn_rtt and ack_rtt of all connections that show them"),
        data: Some(table(&lines, duration)),
    }
}

/// Lengths, those included that the campaign cut.
pub fn durations(campaigns: &[Data]) -> Figure {
    let single = campaigns.len() == 1;
    let wholes = campaigns
        .iter()
        .filter(|_| single)
        .map(|data| ("whole connections alone".to_owned(), &data.connections.durations));
    let wholes: Vec<Line<'_>> = wholes.collect();
    let lives: Vec<(String, &[crate::estimate::survival::Survivors])> = campaigns
        .iter()
        .map(|data| {
            let name = if single {
                "with those that were cut (Kaplan and Meier, 95 \
                    %)"
                .to_owned()
            } else {
                data.name.clone()
            };
            (name, data.burstiness.connections.lengths.curve.as_slice())
        })
        .collect();
    Figure {
        id: "fig-durations".to_owned(),
        title: "How long connections last".to_owned(),
        wide: false,
        content: lengths(&lives, &wholes),
        reading: "The share of connections that lasted longer. Those that were open at the end, or fell silent, \
            lasted at least as long as they were seen: Kaplan and Meier's estimate counts them, \
                  and where the two lines part, leaving them out would mislead. The band is its interval of \
                  confidence."
            .to_owned(),
        basis: lengths_basis(campaigns),
        data: Some(quantiles(campaigns)),
    }
}

/// Hill's index.
pub fn tails(campaigns: &[Data]) -> Figure {
    let mut table = Table::new(&["tail of", "values", "k", "threshold", "Hill's index (95 %)", "a lognormal's"]);
    for data in campaigns {
        let tails = &data.burstiness.connections.tails;
        let name = |name: &str| of_campaign(campaigns, data, name);
        rows(&mut table, &name("size"), &tails.size, |value| bytes(value as u64));
        rows(&mut table, &name("duration"), &tails.duration, duration);
        rows(&mut table, &name("rate"), &tails.rate, bit_rate);
    }
    let content = if table.rows.is_empty() {
        Content::Refused(
            "There are fewer than 500 whole connections, or all are alike: no tail to speak of.".to_owned(),
        )
    } else {
        Content::Table(table)
    };
    Figure {
        id: "fig-tails".to_owned(),
        title: "Heavy tails?".to_owned(),
        wide: true,
        content: vec![content],
        reading: "Hill's index from the k largest values; below 2 the variance would be infinite. Only an index \
            that stays as k grows, and away from what a lognormal with the same \
                  logarithms would show at the same threshold, speaks for a heavy tail. No single figure is given, \
                  since on lognormal values the estimator finds an index for each k, too."
            .to_owned(),
        basis: "table connections: payload and duration of whole connections, throughput_established of their \
            directions with a data phase of 100 ms or longer."
            .to_owned(),
        data: None,
    }
}

/// The two directions of one campaign, or of several campaigns each direction by itself.
fn lines<'a>(campaigns: &'a [Data], of: fn(&Data) -> &[Distribution; 2], names: [&str; 2]) -> Vec<Line<'a>> {
    let both = |data: &'a Data| {
        of(data).iter().zip(names).map(move |(distribution, name)| (of_campaign(campaigns, data, name), distribution))
    };
    campaigns.iter().flat_map(both).collect()
}

fn content(id: &str, title: &str, unit: Unit, lines: &[Line<'_>]) -> Vec<Content> {
    let steps = || lines.iter().flat_map(|(_, distribution)| &distribution.steps);
    let Some(least) = smallest(steps().map(|step| step.0)) else {
        return vec![Content::Refused("No connection shows it.".to_owned())];
    };
    let x = Axis::new(title, Scale::logarithmic(unit, least, largest(steps().map(|step| step.0))));
    let low = smallest(steps().map(|step| step.1)).unwrap_or(1.0).max(LEAST);
    let y = Axis::new("share that exceeds it", Scale::logarithmic(Unit::Share, low.min(0.5), 1.0));
    let mut plot =
        Plot::new(id, "Complementary distribution", "Lines that fall from all to the largest value.", [x, y]);
    for (at, (_, distribution)) in lines.iter().enumerate() {
        plot.steps(Style(at), distribution.steps.iter().copied().filter(|step| step.0 > 0.0));
    }
    let names: Vec<(Style, &str)> =
        lines.iter().enumerate().map(|(at, (name, _))| (Style(at), name.as_str())).collect();
    vec![Content::Plots { legend: keys(&names), plots: vec![(String::new(), plot.finish())] }]
}

fn lengths(lives: &[(String, &[crate::estimate::survival::Survivors])], wholes: &[Line<'_>]) -> Vec<Content> {
    let steps = || lives.iter().flat_map(|(_, curve)| curve.iter());
    let Some(least) = smallest(steps().map(|step| step.length)) else {
        return vec![Content::Refused("No connection was seen to open and to end.".to_owned())];
    };
    let most = largest(steps().map(|step| step.length));
    let low = smallest(steps().map(|step| step.share)).unwrap_or(1.0).max(LEAST);
    let x = Axis::new("duration", Scale::logarithmic(Unit::Seconds, least, most));
    let y = Axis::new("share that lasts longer", Scale::logarithmic(Unit::Share, low.min(0.5), 1.0));
    let mut plot =
        Plot::new("durations", "How long connections last", "Lines that fall from all to the longest.", [x, y]);
    for (at, (_, curve)) in lives.iter().enumerate() {
        let steps = thinned(curve);
        let band: Vec<(f64, f64, f64)> =
            steps.iter().filter(|step| step.low > 0.0).map(|step| (step.length, step.low, step.high)).collect();
        plot.band(Style(at), &band);
        plot.steps(Style(at), steps.iter().filter(|step| step.share > 0.0).map(|step| (step.length, step.share)));
    }
    for (at, (_, distribution)) in wholes.iter().enumerate() {
        plot.steps(Style(lives.len() + at), distribution.steps.iter().copied().filter(|step| step.0 > 0.0));
    }
    let names = lives.iter().map(|(name, _)| name).chain(wholes.iter().map(|(name, _)| name));
    let names: Vec<(Style, &str)> = names.enumerate().map(|(at, name)| (Style(at), name.as_str())).collect();
    vec![Content::Plots { legend: keys(&names), plots: vec![(String::new(), plot.finish())] }]
}

/// The steps that an eye can tell from their neighbours.
fn thinned(curve: &[crate::estimate::survival::Survivors]) -> Vec<crate::estimate::survival::Survivors> {
    const STEP: f64 = 0.02;
    let mut kept: Vec<crate::estimate::survival::Survivors> = Vec::new();
    for step in curve {
        let is_near = kept
            .last()
            .is_some_and(|last| step.length < last.length * (1.0 + STEP) && step.share > last.share * (1.0 - STEP));
        if !is_near {
            kept.push(*step);
        }
    }
    kept
}

fn basis(lines: &[Line<'_>], what: &str) -> String {
    let values = lines.iter().map(|(name, distribution)| format!("{name} {}", count(distribution.values)));
    format!("table connections, {what}: {}; values to three digits.", values.collect::<Vec<_>>().join(", "))
}

fn lengths_basis(campaigns: &[Data]) -> String {
    let parts = campaigns.iter().map(|data| {
        let lengths = &data.burstiness.connections.lengths;
        let words = format!("{} ended, {} were cut", count(lengths.ended), count(lengths.cut));
        of_campaign(campaigns, data, &words)
    });
    format!("table connections, those that were seen to open: {}.", parts.collect::<Vec<_>>().join("; "))
}

fn quantiles(campaigns: &[Data]) -> Table {
    let mut table = Table::new(&["share that ends within", "length", "from (95 %)", "to (95 %)"]);
    let print = |length: Option<f64>| length.map_or("-".to_owned(), duration);
    for data in campaigns {
        for quantile in &data.burstiness.connections.lengths.quantiles {
            let name = of_campaign(campaigns, data, &format!("{:.0} %", quantile.of * 100.0));
            table.row([name, print(quantile.length), print(quantile.low), print(quantile.high)]);
        }
    }
    table
}

fn rows(table: &mut Table, name: &str, tail: &Tail, print: impl Fn(f64) -> String) {
    for hill in &tail.hill {
        let index = format!("{} ({} to {})", three(hill.alpha.value), three(hill.alpha.low), three(hill.alpha.high));
        let lognormal = hill.lognormal.map_or("-".to_owned(), three);
        let k = hill.k.to_string();
        table.row([name.to_owned(), counted(tail.values, "value"), k, print(hill.threshold), index, lognormal]);
    }
}

fn table(lines: &[Line<'_>], print: impl Fn(f64) -> String) -> Table {
    /// Rows of a line, about.
    const ROWS: usize = 40;
    let mut table = Table::new(&["line", "value", "share that exceeds it"]);
    for (name, distribution) in lines {
        let every = distribution.steps.len().div_ceil(ROWS).max(1);
        for (value, share) in distribution.steps.iter().step_by(every) {
            table.row([name.clone(), print(*value), percent(*share)]);
        }
    }
    table
}
