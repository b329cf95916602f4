//! Burstiness for people: by time scale, hour by hour, and of the connections; each figure with what it rests on.

use std::fmt::Display;

use super::Burstiness;
use super::connections::{Connections, SHORTEST};
use super::link::{HourReport, ScaleReport, SeriesReport};
use crate::estimate::arrivals::Untested;
use crate::estimate::hurst::Refusal;
use crate::estimate::median;
use crate::estimate::tail::Tail;
use crate::page::Page;
use crate::recorded;
use crate::summary::{Seconds, Spread};
use crate::text::{bit_rate, bytes, count, duration, instant, share, three};

/// Renders the report.
pub fn render(report: &Burstiness) -> String {
    let mut page = Page::default();
    page.line(&format!("Burstiness of {}", report.campaign));
    report.standing.sentences().for_each(|sentence| page.fact("!", &sentence));
    match report.bin_s {
        None => page.line("  Nothing was recorded in the base series."),
        Some(bin) => {
            basis(&mut page, report, bin);
            scales(&mut page, report);
            hours(&mut page, report);
            arrivals(&mut page, report);
            excesses(&mut page, report);
        }
    }
    connections(&mut page, &report.connections);
    page.text
}

fn basis(page: &mut Page, report: &Burstiness, bin: Seconds) {
    let recorded: f64 = report.hours.iter().map(|hour| hour.recorded_s.0).sum();
    let hours = report.hours.len();
    page.fact(
        "Link",
        &format!(
            "table intervals, bins of {}: {} in {hours} {} (UTC), each by itself",
            duration(bin.0),
            duration(recorded),
            if hours == 1 { "hour" } else { "hours" }
        ),
    );
    if report.lost > 0 {
        let lossy: u64 = report.hours.iter().map(|hour| hour.lossy_bins).sum();
        page.fact(
            "!",
            &format!(
                "The capture lost {} frames in {} bins; hours marked * are figures of what was left.",
                count(report.lost),
                count(lossy)
            ),
        );
    }
    recorded::sentence(&report.gaps).iter().for_each(|sentence| page.fact("!", sentence));
    if report.late_rows > 0 {
        page.fact("!", &format!("{} rows came hours after their time and are left out.", count(report.late_rows)));
    }
}

/// How many hours say something, the median and the largest of it.
fn hours_median_largest(values: impl Iterator<Item = f64>) -> [String; 3] {
    let values: Vec<f64> = values.collect();
    let largest = values.iter().copied().max_by(f64::total_cmp);
    [count(values.len() as u64), print(median(&values)), print(largest)]
}

/// The median of what the hours say.
fn median_of(values: impl Iterator<Item = f64>) -> String {
    print(median(&values.collect::<Vec<_>>()))
}

fn print(value: Option<f64>) -> String {
    value.map_or("-".to_owned(), three)
}

fn scales(page: &mut Page, report: &Burstiness) {
    page.line("");
    page.line("By time scale        busiest interval / mean interval              index of dispersion (IDC)");
    page.line("                     IP bytes               packets               packets              openings");
    let of_each = "hours  median largest";
    page.line(&format!("            {of_each:>22}{of_each:>22}{of_each:>22}{of_each:>22}"));
    let Some(first) = report.hours.first() else { return };
    for (at, scale) in first.packets.scales.iter().enumerate() {
        let of = |series: fn(&HourReport) -> &SeriesReport, figure: fn(&ScaleReport) -> Option<f64>| {
            hours_median_largest(report.hours.iter().filter_map(|hour| figure(series(hour).scales.get(at)?)))
        };
        let peak = |scale: &ScaleReport| scale.peak_to_mean;
        let index = |scale: &ScaleReport| scale.dispersion.map(|dispersion| dispersion.detrended);
        let cells = [
            of(|hour| &hour.bytes, peak),
            of(|hour| &hour.packets, peak),
            of(|hour| &hour.packets, index),
            of(|hour| &hour.openings, index),
        ];
        let line = format!("  {:<10}", duration(scale.scale_s.0));
        let cell = |[hours, median, largest]: &[String; 3]| format!("{hours:>6}{median:>8}{largest:>8}");
        page.line(&cells.iter().fold(line, |line, of| line + &cell(of)));
    }
    page.line("  Scales are whole bins. Hours: those that hold twenty intervals of the scale and count something.");
    page.line("  IDC: variance over mean of the counts, freed of level and trend over blocks of 100 intervals or a");
    page.line("  little more; 1 at every scale for a Poisson process.");
}

fn hours(page: &mut Page, report: &Burstiness) {
    page.line("");
    page.line("Hour by hour               IP bytes  openings        Hurst parameter by wavelets (95 %)");
    page.line("                                               IP bytes          packets         openings");
    for hour in &report.hours {
        let mark = if hour.lost > 0 { "*" } else { " " };
        let begin = instant(hour.ts.0, 0);
        let line = format!(
            "  {}{mark}{:>14}{:>8}/s",
            begin.get(..16).unwrap_or_default(),
            bit_rate(hour.bytes.per_second * 8.0),
            three(hour.openings.per_second)
        );
        let cells = [&hour.bytes, &hour.packets, &hour.openings].map(memory);
        page.line(&cells.iter().fold(line, |line, cell| format!("{line}{cell:>18}")));
    }
    page.line("  Without memory 0.5, long-range dependent above. Where a figure would mislead, there is none:");
    for refusal in Refusal::ALL {
        page.line(&format!("    {:<13} {refusal}", refusal.label()));
    }
}

fn memory(series: &SeriesReport) -> String {
    let hurst = &series.hurst;
    match (hurst.hurst, hurst.refused) {
        (Some(found), _) => format!("{:.2} ({:.2}-{:.2})", found.value, found.low, found.high),
        (None, Some(refusal)) => refusal.label().to_owned(),
        (None, None) => "-".to_owned(),
    }
}

fn arrivals(page: &mut Page, report: &Burstiness) {
    page.line("");
    page.line("Like a Poisson process      hours   tested      yes  gaps tested  CV of gaps  gaps' correlation");
    for (name, gaps) in [
        ("  openings", report.hours.iter().map(|hour| &hour.opening_gaps).collect::<Vec<_>>()),
        ("  closings", report.hours.iter().map(|hour| &hour.closing_gaps).collect()),
    ] {
        let tests: Vec<_> = gaps.iter().filter_map(|gaps| gaps.test).collect();
        let tested: usize = tests.iter().map(|test| test.gaps).sum();
        let variation = median_of(tests.iter().map(|test| test.variation));
        let correlation = median_of(tests.iter().map(|test| test.correlation));
        let yes = tests.iter().filter(|test| test.poisson).count();
        page.line(&format!(
            "{name:<26}{:>7}{:>9}{yes:>9}{:>13}{variation:>12}{correlation:>19}",
            gaps.len(),
            tests.len(),
            count(tested as u64)
        ));
        let coarse = gaps.iter().filter(|gaps| gaps.refused == Some(Untested::CoarseClock)).count();
        if coarse > 0 {
            page.line(&format!("    {coarse} not tested: the clock is too coarse for so many of them"));
        }
    }
    page.line("  Yes: Anderson and Darling's test does not speak against exponential gaps, and neighbouring gaps do");
    page.line("  not correlate, at 5 % each, over up to 4,096 instants from the hour's beginning. Medians of hours.");
}

fn excesses(page: &mut Page, report: &Burstiness) {
    let bin = report.alpha_bin_s.map_or_else(String::new, |Seconds(bin)| duration(bin));
    let alpha: Vec<_> = report.hours.iter().filter_map(|hour| hour.alpha).collect();
    let micro: Vec<_> = report.hours.iter().filter_map(|hour| hour.micro_bursts).collect();
    page.line("");
    page.line("Excesses of IP bytes           hours         bins     over it         runs  longest run     mean gap");
    for (name, found) in [(format!("  alpha, in bins of {bin}"), alpha), ("  micro-bursts".to_owned(), micro)] {
        if found.is_empty() {
            continue;
        }
        let sum = |part: fn(&crate::estimate::excess::Excess) -> usize| found.iter().map(part).sum::<usize>() as u64;
        let longest = found.iter().map(|excess| excess.longest).max().unwrap_or_default();
        let gap = median_of(found.iter().filter_map(|excess| excess.mean_gap));
        page.line(&format!(
            "{name:<31}{:>5}{:>13}{:>12}{:>13}{:>13}{:>13}",
            found.len(),
            count(sum(|excess| excess.of_bins)),
            count(sum(|excess| excess.bins)),
            count(sum(|excess| excess.runs)),
            format!("{longest} bins"),
            format!("{gap} bins"),
        ));
    }
    page.line("  Alpha: over the hour's mean + 3 standard deviations. Mean gap between runs: median of the hours.");
    page.line("  Micro-bursts need the link's capacity (--capacity).");
}

fn connections(page: &mut Page, connections: &Connections) {
    let whole = connections.total;
    page.line("");
    page.line(&format!("Connections {:>50}{:>16}", count(whole), "share"));
    let censoring = connections.censoring;
    for (label, part) in [
        ("  Whole: from the handshake to a close by FIN, RST or reuse", connections.whole),
        ("  Cut: began before the campaign", censoring.began_before),
        ("  Cut: open at its end", censoring.still_open),
        ("  Cut: given up after a silence", censoring.fell_silent),
        ("  Cut: given up for want of room", censoring.evicted),
    ] {
        page.line(&format!("{label:<62}{:>16}", format!("{}  {:>9}", count(part), share(part, whole))));
    }
    lengths(page, connections);
    tails(page, connections);
    bursts(page, connections);
    correlations(page, connections);
}

fn lengths(page: &mut Page, connections: &Connections) {
    let lengths = &connections.lengths;
    page.line("");
    page.line(&format!(
        "How long connections last: Kaplan and Meier, {} that ended and {} that were cut",
        count(lengths.ended),
        count(lengths.cut)
    ));
    let print = |length: Option<f64>| length.map_or("-".to_owned(), duration);
    for quantile in &lengths.quantiles {
        page.line(&format!(
            "  {:>3.0} % end within {:>14}   (95 %: {} to {})",
            quantile.of * 100.0,
            print(quantile.length),
            print(quantile.low),
            print(quantile.high)
        ));
    }
}

fn tails(page: &mut Page, connections: &Connections) {
    let tails = &connections.tails;
    page.line("");
    let title = "Tails: Hill's index from the k largest";
    page.line(&format!("{title:<43}{:>6}{:>17}{:>18}{:>14}", "k", "threshold", "index (95 %)", "lognormal's"));
    tail(page, "size of whole connections", &tails.size, |value| bytes(value as u64));
    tail(page, "duration of whole connections", &tails.duration, duration);
    tail(page, "rate of directions", &tails.rate, bit_rate);
    page.line("  Only an index that stays as k grows, and away from what a lognormal with the sample's logarithms");
    page.line("  would show at the same threshold, speaks for a heavy tail.");
}

fn tail(page: &mut Page, name: &str, tail: &Tail, print: impl Fn(f64) -> String) {
    let title = format!("  {name}, {}", count(tail.values));
    if tail.hill.is_empty() {
        return page.line(&format!("{title:<48}  too few values, fewer than 500, or all the same"));
    }
    for (at, hill) in tail.hill.iter().enumerate() {
        let label = if at == 0 { title.as_str() } else { "" };
        let index = format!("{} ({}-{})", three(hill.alpha.value), three(hill.alpha.low), three(hill.alpha.high));
        let lognormal = hill.lognormal.map_or("-".to_owned(), three);
        page.line(&format!("{label:<43}{:>6}{:>17}{index:>18}{lognormal:>14}", hill.k, print(hill.threshold)));
    }
}

fn bursts(page: &mut Page, connections: &Connections) {
    let bursts = &connections.bursts;
    page.line("");
    let title = format!("{:<34}{:>12}", "Bursts of directions with payload", "directions");
    page.line(
        &["min", "median", "90 %", "99 %", "max", "mean"].iter().fold(title, |line, name| format!("{line}{name:>9}")),
    );
    quantiles(page, "  trains", bursts.trains.as_ref(), three);
    quantiles(page, "  largest train", bursts.train_bytes_max.as_ref(), bytes);
    quantiles(page, "  mean duration of trains", bursts.train_duration_mean.as_ref(), |Seconds(s)| duration(s));
    quantiles(page, "  largest flight", bursts.flight_bytes_max.as_ref(), bytes);
    quantiles(page, "  CV of packets' gaps", bursts.iat_cv.as_ref(), three);
    quantiles(page, "  peak of 10 ms / mean rate *", bursts.peak_to_mean_10ms.as_ref(), three);
    page.line(&format!("  * of data phases of {} or longer", duration(SHORTEST)));
}

fn quantiles<T: Copy>(page: &mut Page, label: &str, spread: Option<&Spread<T>>, print: impl Fn(T) -> String) {
    let Some(spread) = spread else { return page.line(&format!("{label:<34}{:>12}", 0)) };
    let values = [spread.min, spread.p50, spread.p90, spread.p99, spread.max, spread.mean];
    let line = format!("{label:<34}{:>12}", count(spread.n));
    page.line(&values.iter().fold(line, |line, &value| format!("{line}{:>9}", print(value))));
}

fn correlations(page: &mut Page, connections: &Connections) {
    page.line("");
    let n = connections.correlations.first().map_or(0, |correlation| correlation.n);
    page.line(&format!("Correlation of logarithms, {} directions of whole connections *", count(n)));
    for pair in &connections.correlations {
        let found: &dyn Display = match pair.correlation {
            Some(found) => &format!("{:>6.2}   (95 %: {:.2} to {:.2})", found.value, found.low, found.high),
            None => &"     -   too few",
        };
        page.line(&format!("  {:<26}{found}", format!("{} and {}", pair.a, pair.b)));
    }
}
