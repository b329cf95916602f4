//! The campaign over time.

use super::super::Data;
use super::super::gather::{Column, Series};
use super::super::page::{Content, Figure, Table};
use super::super::svg::{Axis, Plot, Scale, Style, Unit, lines};
use super::super::words::counted;
use super::{clock, largest, looks, of_campaign, panel, smallest};
use crate::text::{bit_rate, count, duration, instant, three};

/// Bits of a byte.
const BITS: f64 = 8.0;

/// A value of a column a second.
type PerSecond = fn(&Column) -> f64;

/// Throughput by direction.
pub fn throughput(campaigns: &[Data]) -> Figure {
    let values: [PerSecond; 2] = [|column| column.orig_bytes * BITS, |column| column.resp_bytes * BITS];
    let plots = panels(campaigns, "throughput", "IP bit/s", &values);
    let mut figure = simple(
        campaigns,
        ["fig-throughput", "Throughput over time"],
        &looks(["sent by originators", "sent by responders"]),
        plots,
        "Each column's mean. Hatched, here and below: the capture lost frames there, and the figures are of what \
            was left; or nothing was recorded, and there is no line.",
        "IP bytes of TCP, headers included",
    );
    figure.wide = true;
    figure.data = Some(table(campaigns));
    figure
}

/// The busiest bins.
pub fn busiest(campaigns: &[Data]) -> Figure {
    let plot =
        |(at, data): (usize, &Data)| (panel(campaigns, data), busiest_plot(&format!("busiest-{at}"), &data.series));
    simple(
        campaigns,
        ["fig-busiest", "Busiest moments"],
        &looks(["busiest bin of each column", "mean of each column"]),
        campaigns.iter().enumerate().map(plot).collect(),
        "Throughput of both directions on a logarithmic axis: the further the busiest bin of a column stands above \
            its mean, the burstier the traffic.",
        "IP bytes of TCP, headers included",
    )
}

/// Packets.
pub fn packets(campaigns: &[Data]) -> Figure {
    let values: [PerSecond; 1] = [|column| column.packets];
    let plots = panels(campaigns, "packets", "packets/s", &values);
    simple(
        campaigns,
        ["fig-packets", "Packets over time"],
        &looks(["TCP packets, both directions"]),
        plots,
        "Each column's mean. Where packets rise and throughput does not, many small packets pass: scans, floods of \
            SYNs, or bare acknowledgments.",
        "TCP packets",
    )
}

/// Connections that began and ended.
pub fn openings(campaigns: &[Data]) -> Figure {
    let values: [PerSecond; 2] = [|column| column.opened, |column| column.closed];
    let plots = panels(campaigns, "openings", "connections/s", &values);
    simple(
        campaigns,
        ["fig-openings", "Openings and closings over time"],
        &looks(["opened", "closed, for whatever reason"]),
        plots,
        "Each column's mean. A close lies where the FIN, the RST or the timeout fell, so that a spike of openings \
            without one of closings leaves connections open, \
         and unanswered SYNs close when they are given up.",
        "connections whose first packet, or whose end, lies in the column",
    )
}

/// Connections open at once.
pub fn live(campaigns: &[Data]) -> Figure {
    let plots = campaigns.iter().enumerate().map(|(at, data)| (panel(campaigns, data), live_plot(at, &data.series)));
    let plots = plots.collect();
    simple(
        campaigns,
        ["fig-live", "Connections open at once"],
        &looks(["most and fewest in each column"]),
        plots,
        "The band reaches from the fewest to the most connections that were open in a column. Ramps at the \
            campaign's beginning are connections that it had not seen open yet.",
        "all connections that opened less all that closed, at the ends of bins",
    )
}

fn simple(
    campaigns: &[Data],
    [id, title]: [&str; 2],
    names: &[(Style, &str)],
    plots: Vec<(String, String)>,
    reading: &str,
    what: &str,
) -> Figure {
    Figure {
        id: id.to_owned(),
        title: title.to_owned(),
        wide: campaigns.len() > 1,
        content: shown(campaigns, names, plots),
        reading: reading.to_owned(),
        basis: basis(campaigns, what),
        data: None,
    }
}

fn shown(campaigns: &[Data], names: &[(Style, &str)], plots: Vec<(String, String)>) -> Vec<Content> {
    if campaigns.iter().all(|data| data.series.columns.is_empty()) {
        return vec![Content::Refused("The base series is empty.".to_owned())];
    }
    vec![Content::Plots { legend: lines(names), plots }]
}

fn basis(campaigns: &[Data], what: &str) -> String {
    let widths = campaigns.iter().map(|data| {
        let series = &data.series;
        let columns = counted(series.columns.len() as u64, "column");
        let [width, bin] = [series.width, series.bin].map(|nanos| duration(nanos as f64 / 1e9));
        of_campaign(campaigns, data, &format!("{columns} of {width}, bins of {bin}"))
    });
    format!("table intervals, {what}; {}; UTC.", widths.collect::<Vec<_>>().join("; "))
}

fn panels(campaigns: &[Data], id: &str, unit: &str, values: &[PerSecond]) -> Vec<(String, String)> {
    let plot =
        |(at, data): (usize, &Data)| (panel(campaigns, data), means(&format!("{id}-{at}"), unit, &data.series, values));
    campaigns.iter().enumerate().map(plot).collect()
}

fn time_axis(series: &Series) -> Axis {
    let (first, last) = series.extent.unwrap_or((0, 1));
    clock(first as f64, last as f64)
}

/// The middles of all columns with their value a second, in runs of neighbours: 0 where nothing happened, and a break where nothing was recorded.
fn points(series: &Series, value: PerSecond) -> Vec<Vec<(f64, f64)>> {
    let seconds = series.width as f64 / 1e9;
    let middle = |begin: i64| begin as f64 + series.width as f64 / 2.0;
    let mut runs: Vec<Vec<(f64, f64)>> = vec![Vec::new()];
    for (begin, column) in series.all() {
        if !series.is_recorded(begin) {
            runs.push(Vec::new());
        } else if let Some(run) = runs.last_mut() {
            run.push((middle(begin), column.map_or(0.0, value) / seconds));
        }
    }
    runs.retain(|run| !run.is_empty());
    runs
}

/// Positive values of columns, in runs of neighbours: a logarithmic axis has no zero, and no line leads across a silence. Each value reaches from its
/// column's beginning to its end.
fn runs(series: &Series, value: impl Fn(&Column) -> f64) -> Vec<Vec<(f64, f64)>> {
    let mut runs: Vec<Vec<(f64, f64)>> = vec![Vec::new()];
    for (begin, column) in series.all() {
        match column.map(&value).filter(|value| *value > 0.0) {
            Some(value) => {
                let end = begin.saturating_add(series.width);
                runs.last_mut().into_iter().for_each(|run| run.extend([begin, end].map(|at| (at as f64, value))));
            }
            None if runs.last().is_some_and(Vec::is_empty) => {}
            None => runs.push(Vec::new()),
        }
    }
    runs
}

fn means(id: &str, unit: &str, series: &Series, values: &[PerSecond]) -> String {
    let lines: Vec<Vec<Vec<(f64, f64)>>> = values.iter().map(|value| points(series, *value)).collect();
    let most = largest(lines.iter().flatten().flatten().map(|point| point.1));
    let y = Axis::new(unit, Scale::linear(Unit::Number, 0.0, most * 1.05));
    let mut plot =
        Plot::new(id, format!("{unit} over time"), "Lines over the time of the campaign.", [time_axis(series), y]);
    lost(&mut plot, series);
    for (at, runs) in lines.into_iter().enumerate() {
        runs.into_iter().for_each(|run| plot.line(Style(at), run));
    }
    plot.finish()
}

fn busiest_plot(id: &str, series: &Series) -> String {
    let bin = series.bin as f64 / 1e9;
    let seconds = series.width as f64 / 1e9;
    let peaks = runs(series, |column| column.busiest * BITS / bin);
    let means = runs(series, |column| (column.orig_bytes + column.resp_bytes) * BITS / seconds);
    let low = smallest(means.iter().flatten().map(|point| point.1)).unwrap_or(1.0);
    let high = largest(peaks.iter().flatten().map(|point| point.1));
    let y = Axis::new("IP bit/s", Scale::logarithmic(Unit::Number, low, high * 1.2));
    let axes = [time_axis(series), y];
    let mut plot = Plot::new(id, "Busiest bins over time", "The busiest bin of each column above its mean.", axes);
    lost(&mut plot, series);
    peaks.into_iter().for_each(|run| plot.line(Style(0), run));
    means.into_iter().for_each(|run| plot.line(Style(1), run));
    plot.finish()
}

fn live_plot(at: usize, series: &Series) -> String {
    let middle = |begin: i64| begin as f64 + series.width as f64 / 2.0;
    let known = series.all().filter_map(|(begin, column)| Some((middle(begin), column?.live?)));
    let band: Vec<(f64, f64, f64)> = known.map(|(at, live)| (at, live.low, live.high)).collect();
    let y = Scale::linear(Unit::Number, 0.0, largest(band.iter().map(|point| point.2)) * 1.05);
    let axes = [time_axis(series), Axis::new("connections", y)];
    let mut plot =
        Plot::new(format!("live-{at}"), "Connections open at once", "A band over the time of the campaign.", axes);
    lost(&mut plot, series);
    plot.band(Style(0), &band);
    plot.line(Style(0), band.iter().map(|&(at, _, high)| (at, high)));
    plot.finish()
}

/// Marks where the capture lost frames, and where nothing was recorded.
fn lost(plot: &mut Plot, series: &Series) {
    for gap in &series.gaps {
        plot.region(gap.from.0 as f64, gap.to.0 as f64, "Nothing was recorded here");
    }
    for (begin, column) in series.all() {
        let frames = column.map_or(0, |column| column.lost);
        if frames > 0 {
            let end = begin.saturating_add(series.width);
            plot.region(begin as f64, end as f64, &format!("The capture lost {} here", counted(frames, "frame")));
        }
    }
}

fn table(campaigns: &[Data]) -> Table {
    let mut table = Table::new(&[
        "begin (UTC)",
        "originators",
        "responders",
        "busiest bin",
        "packets/s",
        "opened",
        "closed",
        "open at once",
        "frames lost",
    ]);
    for data in campaigns {
        let series = &data.series;
        let (seconds, bin) = (series.width as f64 / 1e9, series.bin as f64 / 1e9);
        for (begin, column) in series.all() {
            let Some(column) = column else { continue };
            table.row([
                of_campaign(campaigns, data, &instant(begin, if series.width < 1_000_000_000 { 2 } else { 0 })),
                bit_rate(column.orig_bytes * BITS / seconds),
                bit_rate(column.resp_bytes * BITS / seconds),
                bit_rate(column.busiest * BITS / bin),
                three(column.packets / seconds),
                count(column.opened as u64),
                count(column.closed as u64),
                column.live.map_or("-".to_owned(), |live| count(live.high as u64)),
                count(column.lost),
            ]);
        }
    }
    table
}
