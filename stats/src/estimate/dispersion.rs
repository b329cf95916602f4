//! How far counts scatter beyond a Poisson process: index of dispersion, peakedness, peak to mean.

use serde::Serialize;

use super::{Line, Z95, aggregate, mean, variance};

/// Intervals of a scale that must be there for their variance or their largest to mean something, in each block.
const FEWEST_GROUPS: usize = 20;

/// The index of dispersion for counts at one time scale: variance over mean of the counts in intervals of that length. A Poisson
/// process has 1 at all scales (Cox and Lewis 1966; Gusella 1991).
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Dispersion {
    /// The time scale in bins.
    pub bins: usize,
    /// How many intervals of that length it rests on.
    pub intervals: usize,
    /// Over the whole series. A drift or a rhythm of the mean inflates it.
    pub raw: f64,
    /// The mean over blocks, each freed of its level and its linear trend; of the same intervals as the raw one.
    pub detrended: f64,
    /// How many blocks.
    pub blocks: usize,
    /// Interval of confidence of 95 % of the detrended index, from how the blocks differ; nothing of fewer than ten of them.
    pub interval: Option<[f64; 2]>,
}

/// The index at the scale of `bins` bins, detrended over as many blocks of at least `block` bins as there is room for, as even as can be, so that every
/// interval lies in one; `None` where a block holds too few intervals of the scale, or where nothing was counted.
#[must_use]
pub fn index_of_dispersion(series: &[f64], bins: usize, block: usize) -> Option<Dispersion> {
    let counts = aggregate(series, bins);
    let level = mean(&counts).filter(|&level| level > 0.0)?;
    let groups = block / bins.max(1);
    if groups < FEWEST_GROUPS || counts.len() < groups {
        return None;
    }
    let intervals = counts.len();
    let raw = variance(&counts)? * intervals as f64 / (intervals - 1) as f64 / level;
    let blocks = even_blocks(&counts, intervals / groups);
    // Each block weighs as much as it is long.
    let spread = |block: &&[f64]| residual_variance(block).map(|spread| spread * block.len() as f64);
    let spreads: Vec<f64> = blocks.iter().filter_map(spread).collect();
    let levels: Vec<f64> = blocks.iter().map(|block| block.iter().sum()).collect();
    let detrended = mean(&spreads)? / mean(&levels)?;
    let interval =
        standard_error(detrended, &spreads, &levels).map(|error| [detrended - Z95 * error, detrended + Z95 * error]);
    Some(Dispersion { bins, intervals, raw, detrended, blocks: spreads.len(), interval })
}

/// All of the counts in so many blocks, whose lengths differ by one at most.
fn even_blocks(counts: &[f64], blocks: usize) -> Vec<&[f64]> {
    let end = |n: usize| n * counts.len() / blocks;
    (0..blocks).filter_map(|n| counts.get(end(n)..end(n + 1))).collect()
}

/// Of a ratio of means over blocks (Cochran 1977, equation 2.46).
fn standard_error(ratio: f64, spreads: &[f64], levels: &[f64]) -> Option<f64> {
    const FEWEST_BLOCKS: usize = 10;
    let blocks = spreads.len() as f64;
    let squares: f64 = spreads.iter().zip(levels).map(|(spread, level)| (spread - ratio * level).powi(2)).sum();
    let error = (squares / (blocks * (blocks - 1.0))).sqrt() / mean(levels)?;
    (spreads.len() >= FEWEST_BLOCKS).then_some(error)
}

/// Variance about the straight line of least squares, with the degrees of freedom that it leaves.
fn residual_variance(counts: &[f64]) -> Option<f64> {
    let points: Vec<(f64, f64, f64)> = counts.iter().enumerate().map(|(n, &count)| (n as f64, count, 1.0)).collect();
    let line = Line::through(&points)?;
    let misfit: f64 = points.iter().map(|p| (p.1 - line.at(p.0)).powi(2)).sum();
    Some(misfit / (counts.len() - 2) as f64)
}

/// The index of dispersion for intervals: the variance of sums of `k` successive intervals between arrivals over that of a Poisson
/// process of the same rate (Sriram and Whitt 1986). `None` with fewer than twenty such sums.
#[must_use]
pub fn index_of_dispersion_for_intervals(gaps: &[f64], k: usize) -> Option<f64> {
    let sums = aggregate(gaps, k);
    let level = mean(gaps).filter(|&level| level > 0.0)?;
    if sums.len() < FEWEST_GROUPS {
        return None;
    }
    let spread = variance(&sums)? * sums.len() as f64 / (sums.len() - 1) as f64;
    Some(spread / (k as f64 * level * level))
}

/// The largest count in `bins` bins over the mean; `None` with fewer than twenty such intervals, and where nothing was counted.
#[must_use]
pub fn peak_to_mean(series: &[f64], bins: usize) -> Option<f64> {
    let counts = aggregate(series, bins);
    let level = mean(&counts).filter(|&level| level > 0.0 && counts.len() >= FEWEST_GROUPS)?;
    counts.into_iter().max_by(f64::total_cmp).map(|peak| peak / level)
}

/// Peakedness: variance over mean of how many would be in service at once, had each arrival a server of its own for an exponential time
/// of `holding` bins on average. A Poisson process has 1 (Eckberg 1983). Arrivals are taken to come at the ends of bins. `None` of a
/// series not ten holding times long, or without arrivals.
#[must_use]
pub fn peakedness(series: &[f64], holding: f64) -> Option<f64> {
    const WARM_UP: f64 = 5.0;
    let warm = (WARM_UP * holding) as usize;
    let arrivals = mean(series).filter(|&arrivals| arrivals > 0.0)?;
    if holding <= 0.0 || series.len() < 2 * warm.max(1) {
        return None;
    }
    let stay = (-1.0 / holding).exp();
    let mut expected = arrivals / (1.0 - stay);
    let mut busy = Vec::with_capacity(series.len());
    for count in series {
        expected = expected * stay + count;
        busy.push(expected);
    }
    // Given the arrivals, each is still there with a probability of its own, which adds its own variance.
    let level = arrivals / (1.0 - stay);
    let by_chance = level - arrivals / (1.0 - stay * stay);
    Some((variance(&busy[warm..])? + by_chance) / level)
}

#[cfg(test)]
mod tests {
    use super::super::noise::Generator;
    use super::*;

    fn poisson(n: usize, mean: impl Fn(usize) -> f64) -> Vec<f64> {
        let mut generator = Generator::new(9);
        (0..n).map(|at| generator.poisson(mean(at))).collect()
    }

    #[test]
    fn a_poisson_process_has_an_index_of_one_at_every_scale() {
        let series = poisson(200_000, |_| 3.0);
        for bins in [1, 10, 100] {
            let index = index_of_dispersion(&series, bins, 20_000).unwrap();
            assert!((index.raw - 1.0).abs() < 0.1 && (index.detrended - 1.0).abs() < 0.1, "{index:?}");
        }
        assert!((peakedness(&series, 20.0).unwrap() - 1.0).abs() < 0.05);
    }

    #[test]
    fn a_rhythm_of_the_mean_inflates_the_raw_index_and_not_the_detrended_one() {
        let series = poisson(200_000, |at| 20.0 + 15.0 * (at as f64 / 30_000.0).sin());
        let index = index_of_dispersion(&series, 100, 4000).unwrap();
        assert!(index.raw > 300.0 && (index.detrended - 1.0).abs() < 0.15, "{index:?}");
    }

    #[test]
    fn bursts_show_in_every_measure() {
        // Ten arrivals at once, every tenth bin.
        let series: Vec<f64> = (0..1000).map(|at| if at % 10 == 0 { 10.0 } else { 0.0 }).collect();
        assert!((peak_to_mean(&series, 1).unwrap() - 10.0).abs() < 1e-12);
        assert!((peak_to_mean(&series, 10).unwrap() - 1.0).abs() < 1e-12);
        let index = index_of_dispersion(&series, 1, 1000).unwrap();
        assert!((index.raw - 9.009).abs() < 1e-3, "{index:?}");
        assert!(peakedness(&series, 3.0).unwrap() > 2.0);
    }

    #[test]
    fn what_comes_after_the_last_whole_block_counts_in_both_indices() {
        // An hour at a scale of ten seconds, with openings in its last ten minutes only: 360 intervals, blocks of a hundred.
        let last_minutes: Vec<f64> = (0..360).map(|at| if at < 300 { 0.0 } else { f64::from(at % 2) }).collect();
        let index = index_of_dispersion(&last_minutes, 1, 100).unwrap();
        assert_eq!((index.intervals, index.blocks), (360, 3));
        assert!(index.detrended.is_finite() && index.detrended > 0.0 && index.raw.is_finite(), "{index:?}");
        let series = poisson(199, |at| if at < 100 { 1.0 } else { 50.0 });
        let index = index_of_dispersion(&series, 1, 100).unwrap();
        let level = series.iter().sum::<f64>() / 199.0;
        assert!(
            (index.detrended - residual_variance(&series).unwrap() / level).abs() < 1e-9,
            "one block of all: {index:?}"
        );
        assert!(even_blocks(&series, 3).iter().map(|block| block.len()).eq([66, 66, 67]));
    }

    #[test]
    fn even_gaps_have_no_dispersion_and_exponential_ones_have_one() {
        assert_eq!(index_of_dispersion_for_intervals(&[2.0; 400], 10), Some(0.0));
        let mut generator = Generator::new(1);
        let gaps: Vec<f64> = (0..100_000).map(|_| generator.exponential()).collect();
        let index = index_of_dispersion_for_intervals(&gaps, 10).unwrap();
        assert!((index - 1.0).abs() < 0.05, "{index}");
    }

    #[test]
    fn what_would_mislead_is_left_out() {
        assert_eq!(index_of_dispersion(&[1.0; 10], 1, 10), None);
        assert_eq!(index_of_dispersion(&[0.0; 1000], 1, 100), None);
        assert_eq!(peak_to_mean(&[], 1), None);
        assert_eq!(peak_to_mean(&[1.0; 119], 60), None, "of a single interval");
        assert_eq!(peak_to_mean(&[1.0; 19], 1), None);
        assert_eq!(peak_to_mean(&[1.0; 20], 1), Some(1.0));
        assert_eq!(peakedness(&[1.0; 10], 100.0), None);
    }
}
