//! When a series runs above a threshold: how often, for how long, and how far apart.

use serde::Serialize;

use super::mean;

/// The runs of bins that exceed a threshold.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Excess {
    /// What is exceeded, in units of the series a bin.
    pub threshold: f64,
    /// Bins of the series.
    pub of_bins: usize,
    /// Bins that exceed it.
    pub bins: usize,
    /// Share of all that the series counts which lies in them.
    pub share: f64,
    /// Runs of such bins.
    pub runs: usize,
    /// Bins of a run, on average; nothing without one.
    pub mean_length: Option<f64>,
    /// Bins of the longest run.
    pub longest: usize,
    /// Bins between two runs, on average; nothing with fewer than two.
    pub mean_gap: Option<f64>,
}

/// Bins over a threshold; `None` where nothing was counted.
#[must_use]
pub fn over(series: &[f64], threshold: f64) -> Option<Excess> {
    let total: f64 = series.iter().sum();
    if total <= 0.0 {
        return None;
    }
    let exceeds = |count: &f64| *count > threshold;
    let stretches: Vec<&[f64]> = series.chunk_by(|a, b| exceeds(a) == exceeds(b)).collect();
    let is_run = |stretch: &[f64]| stretch.first().is_some_and(exceeds);
    let lengths: Vec<f64> = stretches.iter().filter(|s| is_run(s)).map(|run| run.len() as f64).collect();
    let first = stretches.iter().copied().position(is_run);
    let last = stretches.iter().copied().rposition(is_run);
    let between = first.zip(last).and_then(|(first, last)| stretches.get(first..last)).unwrap_or_default();
    let gaps: Vec<f64> = between.iter().filter(|s| !is_run(s)).map(|gap| gap.len() as f64).collect();
    let over = series.iter().filter(|count| exceeds(count));
    Some(Excess {
        threshold,
        of_bins: series.len(),
        bins: over.clone().count(),
        share: over.sum::<f64>() / total,
        runs: lengths.len(),
        mean_length: mean(&lengths),
        longest: lengths.iter().fold(0.0_f64, |most, &length| most.max(length)) as usize,
        mean_gap: mean(&gaps),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_their_lengths_and_the_gaps_between_them_are_counted() {
        let found = over(&[0.0, 5.0, 5.0, 1.0, 2.0, 2.0, 9.0, 0.0], 2.0).unwrap();
        assert_eq!((found.bins, found.runs, found.longest, found.of_bins), (3, 2, 2, 8));
        assert_eq!((found.mean_length, found.mean_gap), (Some(1.5), Some(3.0)));
        assert!((found.share - 19.0 / 24.0).abs() < 1e-12);
    }

    #[test]
    fn a_series_that_never_exceeds_has_no_run_and_one_without_counts_no_answer() {
        let found = over(&[1.0, 1.0], 1.0).unwrap();
        assert_eq!((found.runs, found.mean_length, found.mean_gap), (0, None, None));
        assert_eq!(over(&[3.0], 1.0).unwrap().mean_gap, None);
        assert_eq!(over(&[0.0, 0.0], 1.0), None);
        assert_eq!(over(&[], 1.0), None);
    }
}
