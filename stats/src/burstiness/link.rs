//! The figures of one hour of the link.

use serde::Serialize;

use super::alpha::GatherAlpha;
use super::instants::{Gaps, GatherInstants};
use super::series::Hour;
use crate::estimate::dispersion::{self, Dispersion};
use crate::estimate::excess::{self, Excess};
use crate::estimate::hurst::Hurst;
use crate::estimate::{aggregate, mean, variance};
use crate::summary::{Instant, Seconds};

/// Blocks of the detrended index of dispersion are this many times the scale, where the hour is long enough.
const BLOCK: usize = 100;

/// Arrivals stay this long in the infinite server group of the peakedness, s.
const HOLDING: f64 = 1.0;

/// The bins of the decomposition into alpha and beta traffic, s (Sarvotham, Riedi and Baraniuk 2001).
const ALPHA_BIN: f64 = 0.5;

/// Alpha traffic is what comes in bins that exceed the mean by so many standard deviations.
const ALPHA_DEVIATIONS: f64 = 3.0;

/// What the user wants to know.
#[derive(Clone, Debug, PartialEq)]
pub struct Options {
    /// Time scales of peaks and dispersion, s. Each is rounded to whole bins, one at least; those that come to the same are one.
    pub scales: Vec<f64>,
    /// IP bit/s that the link can carry, both directions together.
    pub capacity: Option<f64>,
    /// A bin over this share of the capacity belongs to a micro-burst.
    pub over: f64,
}

/// One hour, or the part of it that was recorded.
#[derive(Debug, Serialize)]
pub struct HourReport {
    /// When its first bin began.
    pub ts: Instant,
    /// How much of it was recorded.
    pub recorded_s: Seconds,
    /// Frames lost in it. With any, every figure is that of what was left.
    pub lost: u64,
    /// Bins in which some were lost.
    pub lossy_bins: u64,
    /// TCP packets.
    pub packets: SeriesReport,
    /// IP bytes of TCP.
    pub bytes: SeriesReport,
    /// Connections that began.
    pub openings: SeriesReport,
    /// From one such beginning to the next.
    pub opening_gaps: Gaps,
    /// From one close to the next.
    pub closing_gaps: Gaps,
    /// Bins of about half a second (`alpha_bin_s`) over the mean by three standard deviations, in IP bytes: alpha traffic. Nothing of fewer than twenty
    /// such bins.
    pub alpha: Option<Excess>,
    /// Bins over a share of the capacity; nothing where the capacity was not given.
    pub micro_bursts: Option<Excess>,
}

/// How one series of counts behaves.
#[derive(Debug, Serialize)]
pub struct SeriesReport {
    /// A second, on average.
    pub per_second: f64,
    /// By time scale.
    pub scales: Vec<ScaleReport>,
    /// Peakedness for exponential holding times of a second; nothing of less than ten seconds.
    pub peakedness_1s: Option<f64>,
    /// The memory of the series.
    pub hurst: Hurst,
}

/// One time scale.
#[derive(Debug, Serialize)]
pub struct ScaleReport {
    /// Its length.
    pub scale_s: Seconds,
    /// Whole intervals of that length in the hour; with fewer than twenty there is no figure.
    pub intervals: usize,
    /// The busiest interval of that length over the mean one.
    pub peak_to_mean: Option<f64>,
    /// Index of dispersion for counts.
    pub dispersion: Option<Dispersion>,
}

impl HourReport {
    /// Of one hour; takes out the openings and closings that lie in it, and puts its bins of alpha traffic in.
    pub fn of(
        hour: &Hour,
        [openings, closings]: [&mut GatherInstants<'_>; 2],
        alphas: &mut GatherAlpha,
        options: &Options,
    ) -> Self {
        let bin = hour.width as f64 / 1e9;
        let recorded = Seconds(hour.counts.packets.len() as f64 * bin);
        let counts = &hour.counts;
        let [packets, bytes, opened] = side_by_side([&counts.packets, &counts.bytes, &counts.openings], |counts| {
            SeriesReport::of(counts, bin, &options.scales)
        });
        let capacity = options.capacity.map(|bits| bits / 8.0 * bin);
        Self {
            ts: Instant(hour.start),
            recorded_s: recorded,
            lost: hour.lost,
            lossy_bins: hour.lossy_bins,
            packets,
            bytes,
            openings: opened,
            opening_gaps: openings.take(hour.part, recorded),
            closing_gaps: closings.take(hour.part, recorded),
            alpha: alpha(hour, bin, alphas),
            micro_bursts: capacity.and_then(|capacity| excess::over(&hour.counts.bytes, options.over * capacity)),
        }
    }
}

impl SeriesReport {
    fn of(series: &[f64], bin: f64, scales: &[f64]) -> Self {
        let mut sizes: Vec<usize> = Vec::new();
        for size in scales.iter().map(|&length| bins(length, bin)) {
            if !sizes.contains(&size) {
                sizes.push(size);
            }
        }
        let scale = |bins: usize| {
            let block = bins.saturating_mul(BLOCK).min(series.len());
            ScaleReport {
                scale_s: Seconds(bins as f64 * bin),
                intervals: series.len() / bins,
                peak_to_mean: dispersion::peak_to_mean(series, bins),
                dispersion: dispersion::index_of_dispersion(series, bins, block),
            }
        };
        Self {
            per_second: mean(series).unwrap_or_default() / bin,
            scales: sizes.into_iter().map(scale).collect(),
            peakedness_1s: dispersion::peakedness(series, HOLDING / bin),
            hurst: Hurst::of(series),
        }
    }
}

/// The same of several things at once, a thread each: an hour's transforms and estimates take most of a report's time.
fn side_by_side<T: Send, U: Send, const N: usize>(of: [T; N], make: impl Fn(T) -> U + Sync) -> [U; N] {
    std::thread::scope(|scope| {
        let make = &make;
        let made = of.map(|one| scope.spawn(move || make(one)));
        made.map(|thread| thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
    })
}

/// How long the bins of alpha traffic are in a series of bins of `bin` s: half a second, in whole bins.
pub fn alpha_bin(bin: f64) -> Seconds {
    Seconds(bins(ALPHA_BIN, bin) as f64 * bin)
}

fn bins(length: f64, bin: f64) -> usize {
    ((length / bin).round() as usize).max(1)
}

fn alpha(hour: &Hour, bin: f64, alphas: &mut GatherAlpha) -> Option<Excess> {
    /// Fewer bins have no deviation to speak of.
    const FEWEST: usize = 20;
    let bins = bins(ALPHA_BIN, bin);
    let series = aggregate(&hour.counts.bytes, bins);
    let threshold = mean(&series)? + ALPHA_DEVIATIONS * variance(&series)?.sqrt();
    let found = excess::over(&series, threshold).filter(|_| series.len() >= FEWEST)?;
    let length = hour.width.saturating_mul(bins as i64);
    for (at, &bytes) in series.iter().enumerate().filter(|(_, bytes)| **bytes > threshold) {
        alphas.add(hour.start.saturating_add(length.saturating_mul(at as i64)), length, bytes);
    }
    Some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scales_that_come_to_the_same_number_of_bins_are_one_and_each_says_what_it_rests_on() {
        let series: Vec<f64> = (0..600).map(|n| f64::from(n % 3)).collect();
        let report = SeriesReport::of(&series, 0.1, &[0.01, 0.1, 0.14, 1.0, 60.0]);
        let found: Vec<_> = report.scales.iter().map(|scale| (scale.scale_s.0, scale.intervals)).collect();
        assert_eq!(found, [(0.1, 600), (1.0, 60), (60.0, 1)]);
        let longest = report.scales.last().unwrap();
        assert_eq!((longest.peak_to_mean, longest.dispersion), (None, None), "one interval has no peak");
        assert!(report.scales[1].peak_to_mean.is_some() && report.scales[1].dispersion.is_some());
    }

    #[test]
    fn bins_of_alpha_traffic_are_whole_bins_of_the_series() {
        assert_eq!([0.01, 0.2, 0.3, 1.0, 2.0].map(|bin| alpha_bin(bin).0), [0.5, 0.6000000000000001, 0.6, 1.0, 2.0]);
    }
}
