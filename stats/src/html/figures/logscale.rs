//! The logscale diagram of the busiest hour, with its fit.

use super::super::Data;
use super::super::page::{Content, Figure, Table};
use super::super::svg::{Axis, Plot, Scale, Style, Tick, Unit, legend};
use super::super::words::{estimate, length};
use super::of_campaign;
use crate::burstiness::{HourReport, SeriesReport};
use crate::estimate::hurst::Hurst;
use crate::text::{instant, three};

/// Octaves whose time scale stands beneath them.
const EVERY: u32 = 3;

/// Which series of an hour.
type Pick = fn(&HourReport) -> &SeriesReport;

/// The series of which there is a diagram.
const SERIES: [(&str, Pick); 3] =
    [("IP bytes", |hour| &hour.bytes), ("packets", |hour| &hour.packets), ("openings", |hour| &hour.openings)];

/// A diagram for each series of each campaign.
pub fn logscale(campaigns: &[Data]) -> Figure {
    let mut plots = Vec::new();
    let mut table = Table::new(&["diagram", "octave", "time scale", "details", "energy, log2 (95 %)"]);
    for (at, data) in campaigns.iter().enumerate() {
        let (Some(hour), Some(bin)) = (busiest(data), data.burstiness.bin_s) else { continue };
        for (name, pick) in SERIES {
            let hurst = &pick(hour).hurst;
            let name = of_campaign(
                campaigns,
                data,
                &format!("{name}, {}", instant(hour.ts.0, 0).get(..16).unwrap_or_default()),
            );
            if !hurst.diagram.is_empty() {
                let id = format!("logscale-{at}-{}", plots.len());
                plots.push((format!("{name}: {}", verdict(hurst)), plot(&id, hurst, bin.0)));
            }
            rows(&mut table, &name, hurst, bin.0);
        }
    }
    let content = if plots.is_empty() {
        Content::Refused("The campaign is too short for a logscale diagram.".to_owned())
    } else {
        let names = [(Style(0), "energy of the details, 95 %"), (Style(1), "the line fitted, over its octaves")];
        Content::Plots { legend: legend(&names), plots }
    };
    Figure {
        id: "fig-logscale".to_owned(),
        title: "Logscale diagrams of the busiest hour".to_owned(),
        wide: true,
        content: vec![content],
        reading: "The energy of the traffic at each time scale, by wavelets that level and trend do not touch. \
            Level: nothing is remembered. A line that rises to the longest scales is long-range dependence; \
                  its slope gives the Hurst parameter, H = (slope + 1) / 2. Above each diagram stands H with its \
                  interval, or why there is none: a line that is drawn is no claim."
            .to_owned(),
        basis: "table intervals, the hour with the most packets; Daubechies' wavelet of three vanishing moments, \
            intervals of 95 % (Abry and Veitch 1998, Veitch and Abry 1999)."
            .to_owned(),
        data: Some(table),
    }
}

/// The hour with the most packets.
fn busiest(data: &Data) -> Option<&HourReport> {
    let packets = |hour: &HourReport| hour.packets.per_second * hour.recorded_s.0;
    data.burstiness.hours.iter().max_by(|a, b| packets(a).total_cmp(&packets(b)))
}

fn verdict(hurst: &Hurst) -> String {
    match (hurst.hurst, hurst.refused) {
        (Some(found), _) => format!("H = {}", estimate(found)),
        (None, Some(refusal)) => format!("no Hurst parameter: {refusal}"),
        (None, None) => "no Hurst parameter".to_owned(),
    }
}

fn plot(id: &str, hurst: &Hurst, bin: f64) -> String {
    let octaves = || hurst.diagram.iter().map(|point| f64::from(point.octave));
    let first = octaves().fold(f64::INFINITY, f64::min);
    let last = octaves().fold(0.0, f64::max);
    let low = hurst.diagram.iter().map(|point| point.energy.low).fold(f64::INFINITY, f64::min);
    let high = hurst.diagram.iter().map(|point| point.energy.high).fold(f64::NEG_INFINITY, f64::max);
    let tick = |point: &crate::estimate::logscale::Point| Tick {
        value: f64::from(point.octave),
        label: length(bin * f64::from(point.octave).exp2()),
        minor: !point.octave.is_multiple_of(2 * EVERY),
    };
    let ticks = hurst.diagram.iter().filter(|point| point.octave % EVERY == 0).map(tick).collect();
    let x = Axis::with_ticks(
        "time scale: 2 to the octave, in bins",
        Scale::linear(Unit::Number, first - 0.5, last + 0.5),
        ticks,
    );
    let y = Axis::new("log2 energy", Scale::linear(Unit::Number, low - 0.5, high + 0.5));
    let mut plot = Plot::new(id, "Logscale diagram", "Points with whiskers, and the line fitted.", [x, y]);
    let points = || hurst.diagram.iter().map(|point| (f64::from(point.octave), point.energy));
    plot.strokes(Style(0), points().map(|(octave, energy)| (octave, energy.low, energy.high)));
    if let Some(fit) = hurst.wavelet {
        let slope = 2.0 * fit.hurst.value - 1.0;
        let ends = [fit.from, fit.to].map(f64::from);
        plot.line(Style(1), ends.map(|octave| (octave, fit.intercept + slope * octave)));
    }
    plot.dots(Style(0), points().map(|(octave, energy)| (octave, energy.value)));
    plot.finish()
}

fn rows(table: &mut Table, name: &str, hurst: &Hurst, bin: f64) {
    for point in &hurst.diagram {
        let energy =
            format!("{} ({} to {})", three(point.energy.value), three(point.energy.low), three(point.energy.high));
        let scale = length(bin * f64::from(point.octave).exp2());
        table.row([name.to_owned(), point.octave.to_string(), scale, point.details.to_string(), energy]);
    }
}
