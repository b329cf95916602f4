//! The Hurst parameter hour by hour, and why most hours have none.

use std::collections::BTreeMap;

use super::super::Data;
use super::super::page::{Content, Figure, Table};
use super::super::svg::{Axis, Plot, Scale, Style, Unit, legend};
use super::super::words::{counted, estimate};
use super::{clock, looks, of_campaign};
use crate::burstiness::{HourReport, SeriesReport};
use crate::estimate::Estimate;
use crate::estimate::hurst::Refusal;
use crate::text::instant;

/// Which series of an hour.
type Pick = fn(&HourReport) -> &SeriesReport;

/// The series, each with its look.
const SERIES: [(&str, Pick); 3] =
    [("IP bytes", |hour| &hour.bytes), ("packets", |hour| &hour.packets), ("openings", |hour| &hour.openings)];

/// A plot of fewer hours would show less than the table.
const FEWEST: usize = 3;

/// Hour by hour.
pub fn hurst(campaigns: &[Data]) -> Figure {
    let mut content = Vec::new();
    let mut plots = Vec::new();
    let mut table = Table::new(&["hour (UTC)", "IP bytes", "packets", "openings"]);
    for (at, data) in campaigns.iter().enumerate() {
        let given = SERIES.iter().map(|(_, pick)| found(data, *pick).len()).sum::<usize>();
        if data.burstiness.hours.len() >= FEWEST && given > 0 {
            let title = of_campaign(
                campaigns,
                data,
                &format!(
                    "{} of three series in {}",
                    counted(given as u64, "estimate"),
                    counted(data.burstiness.hours.len() as u64, "hour")
                ),
            );
            plots.push((title, plot(&format!("hurst-{at}"), data)));
        }
        rows(&mut table, campaigns, data);
    }
    if !plots.is_empty() {
        content.push(Content::Plots { legend: legend(&looks(SERIES.map(|(name, _)| name))), plots });
    }
    content.push(outcomes(campaigns));
    Figure {
        id: "fig-hurst".to_owned(),
        title: "Memory, hour by hour: the Hurst parameter".to_owned(),
        wide: true,
        content,
        reading: "0.5 is traffic without memory; above it, long-range dependence. An hour has a figure only where \
            it is stationary (Qu's test), where the logscale diagram is a straight line at long scales, and where \
                  wavelets and the local Whittle estimator agree: a shift of the level or the rhythm of the day \
                  would pass for memory otherwise. The table counts what became of each hour."
            .to_owned(),
        basis: "table intervals, each hour (UTC) by itself; by wavelets, intervals of 95 % (Abry and Veitch 1998; \
            local Whittle: Robinson 1995; Qu 2011)."
            .to_owned(),
        data: Some(table),
    }
}

/// Hours that have a figure.
fn found(data: &Data, pick: Pick) -> Vec<(f64, Estimate)> {
    let hours = data.burstiness.hours.iter();
    hours.filter_map(|hour| Some((hour.ts.0 as f64 + hour.recorded_s.0 * 0.5e9, pick(hour).hurst.hurst?))).collect()
}

fn plot(id: &str, data: &Data) -> String {
    let hours = &data.burstiness.hours;
    let first = hours.first().map_or(0.0, |hour| hour.ts.0 as f64);
    let last = hours.last().map_or(1.0, |hour| hour.ts.0 as f64 + hour.recorded_s.0 * 1e9);
    let all: Vec<Vec<(f64, Estimate)>> = SERIES.iter().map(|(_, pick)| found(data, *pick)).collect();
    let low = all.iter().flatten().map(|point| point.1.low).fold(0.45, f64::min).max(0.0);
    let high = all.iter().flatten().map(|point| point.1.high).fold(1.0, f64::max).min(1.5);
    let axes = [clock(first, last), Axis::new("H", Scale::linear(Unit::Number, low - 0.02, high + 0.02))];
    let mut plot =
        Plot::new(id, "Hurst parameter by hour", "Points with whiskers for the hours that have a figure.", axes);
    plot.level(0.5, "no memory");
    for (at, points) in all.iter().enumerate() {
        plot.strokes(Style(at), points.iter().map(|(ts, hurst)| (*ts, hurst.low, hurst.high)));
        plot.dots(Style(at), points.iter().map(|(ts, hurst)| (*ts, hurst.value)));
    }
    plot.finish()
}

/// How many hours have a figure, and how many have none for which reason.
fn outcomes(campaigns: &[Data]) -> Content {
    let mut table = Table::new(&["what became of the hours", "IP bytes", "packets", "openings"]);
    for data in campaigns {
        let counts = SERIES.map(|(_, pick)| {
            let mut counts: BTreeMap<Option<&str>, u64> = BTreeMap::new();
            for hour in &data.burstiness.hours {
                *counts.entry(pick(hour).hurst.refused.map(Refusal::label)).or_default() += 1;
            }
            counts
        });
        let row = |label: Option<&str>, words: String| {
            let cells = counts.each_ref().map(|counts| counts.get(&label).copied().unwrap_or(0));
            cells.iter().any(|&hours| hours > 0).then(|| {
                let cells = cells.iter().map(|hours| crate::text::count(*hours));
                std::iter::once(of_campaign(campaigns, data, &words)).chain(cells).collect::<Vec<_>>()
            })
        };
        table.rows.extend(row(None, "a figure".to_owned()));
        let refusals = Refusal::ALL.iter().filter_map(|refusal| {
            row(
                Some(refusal.label()),
                format!(
                    "none: \
            {refusal}"
                ),
            )
        });
        table.rows.extend(refusals);
    }
    if table.rows.is_empty() {
        Content::Refused(
            "The base series is \
        empty."
                .to_owned(),
        )
    } else {
        Content::Table(table)
    }
}

fn rows(table: &mut Table, campaigns: &[Data], data: &Data) {
    for hour in &data.burstiness.hours {
        let name = of_campaign(campaigns, data, instant(hour.ts.0, 0).get(..16).unwrap_or_default());
        let cells = SERIES.map(|(_, pick)| {
            let hurst = &pick(hour).hurst;
            hurst.hurst.map_or_else(|| hurst.refused.map_or("-", Refusal::label).to_owned(), estimate)
        });
        table.row(std::iter::once(name).chain(cells));
    }
}
