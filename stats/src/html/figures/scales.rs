//! Burstiness by time scale.

use super::super::Data;
use super::super::page::{Content, Figure, Table};
use super::super::svg::{Axis, Plot, Scale, Style, Unit, legend};
use super::super::words::{counted, length};
use super::{largest, middle, of_campaign, smallest};
use crate::burstiness::{HourReport, ScaleReport, SeriesReport};
use crate::text::three;

/// Which series of an hour.
type Pick = fn(&HourReport) -> &SeriesReport;

/// What of a scale of it.
type Value = fn(&ScaleReport) -> Option<f64>;

/// A value by scale: the median of the hours that have it, and those that a tenth of them lie below and above; how many hours.
struct Line {
    name: String,
    points: Vec<(f64, [f64; 3], usize)>,
}

/// Peak to mean.
pub fn peaks(campaigns: &[Data]) -> Figure {
    let peak: Value = |scale| scale.peak_to_mean;
    let lines = lines(campaigns, &[("IP bytes", |hour| &hour.bytes), ("packets", |hour| &hour.packets)], peak);
    Figure {
        id: "fig-peaks".to_owned(),
        title: "Peaks by time scale".to_owned(),
        wide: false,
        content: content("peaks", "busiest interval / mean interval", &lines, None),
        reading: "How many times the mean the busiest interval of an hour carries, for intervals from the \
            campaign's bin to a minute. Traffic that smooths out falls quickly towards 1; \
                  what stays high at long scales fills any buffer."
            .to_owned(),
        basis: basis(campaigns),
        data: Some(table(&lines)),
    }
}

/// Index of dispersion for counts.
pub fn dispersion(campaigns: &[Data]) -> Figure {
    let index: Value = |scale| scale.dispersion.map(|found| found.detrended);
    let lines = lines(campaigns, &[("packets", |hour| &hour.packets), ("openings", |hour| &hour.openings)], index);
    Figure {
        id: "fig-idc".to_owned(),
        title: "Index of dispersion for counts".to_owned(),
        wide: false,
        content: content("idc", "variance / mean of counts", &lines, Some((1.0, "Poisson"))),
        reading: "A Poisson process has 1 at every scale. An index that goes on growing with the scale shows bursts \
            of bursts; a straight rise on these axes, self-similarity. \
                  Level and trend of each stretch of 100 intervals or a little more are taken off first, for both would inflate it."
            .to_owned(),
        basis: basis(campaigns),
        data: Some(table(&lines)),
    }
}

fn lines(campaigns: &[Data], series: &[(&str, Pick)], value: Value) -> Vec<Line> {
    let of = |data: &Data, name: &str, pick: Pick| {
        let hours = &data.burstiness.hours;
        let scales = hours.first().map_or(0, |hour| pick(hour).scales.len());
        let point = |at: usize| {
            let length = pick(hours.first()?).scales.get(at)?.scale_s.0;
            let values: Vec<f64> = hours.iter().filter_map(|hour| value(pick(hour).scales.get(at)?)).collect();
            Some((length, middle(&values)?, values.len()))
        };
        Line { name: of_campaign(campaigns, data, name), points: (0..scales).filter_map(point).collect() }
    };
    campaigns.iter().flat_map(|data| series.iter().map(move |(name, pick)| of(data, name, *pick))).collect()
}

fn content(id: &str, title: &str, lines: &[Line], rule: Option<(f64, &str)>) -> Vec<Content> {
    let points = || lines.iter().flat_map(|line| &line.points);
    let values = || points().flat_map(|(_, values, _)| values.iter().copied());
    let (Some(shortest), Some(low)) = (smallest(points().map(|point| point.0)), smallest(values())) else {
        return vec![Content::Refused("The campaign is too short, or nothing happens in it.".to_owned())];
    };
    let x =
        Axis::new("time scale", Scale::logarithmic(Unit::Seconds, shortest, largest(points().map(|point| point.0))));
    let low = rule.map_or(low, |(at, _)| low.min(at)) / 1.2;
    let y = Axis::new(title, Scale::logarithmic(Unit::Number, low, largest(values()) * 1.2));
    let mut plot = Plot::new(id, title, "Lines over time scales, with bands over the hours.", [x, y]);
    for (at, line) in lines.iter().enumerate() {
        let band: Vec<(f64, f64, f64)> =
            line.points.iter().map(|&(scale, [low, _, high], _)| (scale, low, high)).collect();
        plot.band(Style(at), &band);
    }
    for (at, line) in lines.iter().enumerate() {
        let middles = || line.points.iter().map(|&(scale, [_, middle, _], _)| (scale, middle));
        plot.line(Style(at), middles());
        plot.dots(Style(at), middles());
    }
    if let Some((at, name)) = rule {
        plot.level(at, name);
    }
    let names: Vec<(Style, &str)> =
        lines.iter().enumerate().map(|(at, line)| (Style(at), line.name.as_str())).collect();
    vec![Content::Plots { legend: legend(&names), plots: vec![(String::new(), plot.finish())] }]
}

fn basis(campaigns: &[Data]) -> String {
    let hours: usize = campaigns.iter().map(|data| data.burstiness.hours.len()).sum();
    format!(
        "table intervals, both directions, {}, each by itself: the line is the median of the hours that hold twenty \
            intervals of the scale, the band holds eight in ten of them.",
        counted(hours as u64, "hour")
    )
}

fn table(lines: &[Line]) -> Table {
    let mut table =
        Table::new(&["series", "time scale", "a tenth of hours below", "median", "a tenth of hours above", "hours"]);
    for line in lines {
        for (scale, [low, middle, high], hours) in &line.points {
            table.row([
                line.name.clone(),
                length(*scale),
                three(*low),
                three(*middle),
                three(*high),
                hours.to_string(),
            ]);
        }
    }
    table
}
