//! Whether openings come like a Poisson process, and how much comes in excesses.

use super::super::Data;
use super::super::page::{Content, Figure, Table};
use super::super::svg::{Axis, Plot, Scale, Style, Unit, legend};
use super::super::words::{counted, length, percent};
use super::{clock, largest, looks, of_campaign, smallest};
use crate::burstiness::HourReport;
use crate::estimate::arrivals::{Arrivals, CRITICAL, Untested};
use crate::summary::Seconds;
use crate::text::{bytes, count, instant, three};

/// A plot of fewer hours would show less than the table.
const FEWEST: usize = 3;

/// Poisson or not, by hour.
pub fn arrivals(campaigns: &[Data]) -> Figure {
    let mut plots = Vec::new();
    let mut table =
        Table::new(&["hour (UTC)", "openings tested", "A²", "CV of gaps", "gaps' correlation", "like Poisson"]);
    for (at, data) in campaigns.iter().enumerate() {
        let tests = tests(data);
        if tests.len() >= FEWEST {
            let like = tests.iter().filter(|(_, test)| test.poisson).count();
            let words = format!("like a Poisson process in {like} of {}", counted(tests.len() as u64, "hour"));
            plots.push((of_campaign(campaigns, data, &words), plot(&format!("arrivals-{at}"), &tests)));
        }
        for (hour, test) in tests {
            let name = instant(hour.ts.0, 0);
            let verdict = if test.poisson { "yes" } else { "no" };
            table.row([
                of_campaign(campaigns, data, name.get(..16).unwrap_or_default()),
                count(test.gaps as u64),
                three(test.anderson_darling),
                three(test.variation),
                three(test.correlation),
                verdict.to_owned(),
            ]);
        }
    }
    let content = match (plots.is_empty(), table.rows.is_empty()) {
        (false, _) => Content::Plots { legend: legend(&looks(["like a Poisson process", "not"])), plots },
        (true, false) => Content::Table(table.clone()),
        (true, true) => Content::Refused(
            "No hour has the fifty openings that a test needs, by a clock that tells them apart.".to_owned(),
        ),
    };
    Figure {
        id: "fig-arrivals".to_owned(),
        title: "Do openings come like a Poisson process?".to_owned(),
        wide: true,
        content: vec![content],
        reading: "Anderson and Darling's A² of the gaps between openings against exponential gaps: above the rule, \
            chance alone would bring so large a figure in fewer than 5 % of hours. An hour is like a Poisson process \
                  where A² is below it and neighbouring gaps do not correlate, so that about one in ten hours of a \
                  true one fails."
            .to_owned(),
        basis: format!(
            "table connections, first packets of those whose beginning was seen, up to 4,096 from the beginning \
            of each hour, stamps spread over the clock's tick{}.",
            coarse(campaigns)
        ),
        data: Some(table),
    }
}

/// How many hours could not be tested because of the clock.
fn coarse(campaigns: &[Data]) -> String {
    let hours = campaigns.iter().flat_map(|data| &data.burstiness.hours);
    match hours.filter(|hour| hour.opening_gaps.refused == Some(Untested::CoarseClock)).count() {
        0 => String::new(),
        hours => format!("; {} not tested, for the clock is too coarse", counted(hours as u64, "hour")),
    }
}

/// Alpha traffic and micro-bursts.
pub fn excesses(campaigns: &[Data]) -> Figure {
    let mut table =
        Table::new(&["bin over mean + 3 sd", "IP bytes", "connection with the most of it", "its even share"]);
    let mut words = Vec::new();
    for data in campaigns {
        let alpha: Vec<_> = data.burstiness.hours.iter().filter_map(|hour| hour.alpha).collect();
        let bins: usize = alpha.iter().map(|excess| excess.bins).sum();
        let of_bins: usize = alpha.iter().map(|excess| excess.of_bins).sum();
        let longest = alpha.iter().map(|excess| excess.longest).max().unwrap_or(0);
        if let Some(Seconds(bin)) = data.burstiness.alpha_bin_s {
            let sentence = format!(
                "{} of {} bins of {} ({}) exceed their hour's mean by three standard deviations; the longest run is {}",
                count(bins as u64),
                count(of_bins as u64),
                length(bin),
                percent(super::super::words::share(bins as u64, of_bins as u64)),
                length(longest as f64 * bin)
            );
            words.push(of_campaign(campaigns, data, &sentence));
        }
        for bin in &data.burstiness.alpha_bins {
            let who = bin
                .connection
                .as_ref()
                .map_or("none found".to_owned(), |connection| format!("{} {}", connection.uid, connection.ends));
            let share = bin.connection.as_ref().map_or("-".to_owned(), |connection| percent(connection.even_share));
            table.row([of_campaign(campaigns, data, &instant(bin.ts.0, 1)), bytes(bin.bytes), who, share]);
        }
    }
    let content =
        if table.rows.is_empty() { Content::Refused("No bin stands out.".to_owned()) } else { Content::Table(table) };
    Figure {
        id: "fig-alpha".to_owned(),
        title: "Alpha traffic: who makes the bursts".to_owned(),
        wide: true,
        content: vec![content],
        reading: format!(
            "The bins that stand out most, and the connection that can have filled each: had every connection sent \
                evenly between its first packet and its last, its share of the bin would have been so much. \
             Over 100 %, it sent less than its mean just then. A burst that one connection dominates is alpha \
             traffic; one of many small shares is a crowd. {}",
            words.iter().map(|sentence| format!("{sentence}.")).collect::<Vec<_>>().join(" ")
        ),
        basis: "table intervals, IP bytes in bins of half a second (whole bins of the campaign), hour by hour; table connections, ip_bytes over \
            duration (after Sarvotham, Riedi and Baraniuk 2001)."
            .to_owned(),
        data: None,
    }
}

fn tests(data: &Data) -> Vec<(&HourReport, Arrivals)> {
    data.burstiness.hours.iter().filter_map(|hour| Some((hour, hour.opening_gaps.test?))).collect()
}

fn plot(id: &str, tests: &[(&HourReport, Arrivals)]) -> String {
    let ts = |hour: &HourReport| hour.ts.0 as f64 + hour.recorded_s.0 * 0.5e9;
    let statistics = || tests.iter().map(|(_, test)| test.anderson_darling);
    let first = tests.first().map_or(0.0, |(hour, _)| hour.ts.0 as f64);
    let last = tests.last().map_or(1.0, |(hour, _)| hour.ts.0 as f64 + hour.recorded_s.0 * 1e9);
    let low = smallest(statistics()).unwrap_or(1.0).min(CRITICAL / 2.0);
    let axes = [
        clock(first, last),
        Axis::new("A²", Scale::logarithmic(Unit::Number, low, largest(statistics()).max(CRITICAL * 2.0) * 1.2)),
    ];
    let mut plot = Plot::new(id, "Anderson and Darling's statistic by hour", "A point for each hour.", axes);
    for (at, poisson) in [true, false].into_iter().enumerate() {
        let points = tests.iter().filter(|(_, test)| test.poisson == poisson);
        plot.dots(Style(at), points.map(|(hour, test)| (ts(hour), test.anderson_darling)));
    }
    plot.level(CRITICAL, "5 %");
    plot.finish()
}
