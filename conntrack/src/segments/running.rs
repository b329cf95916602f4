//! Statistics of a stream of numbers in constant memory, without drift.

use serde::{Deserialize, Serialize};

use crate::measures::RttRecord;

/// Count, extremes, mean and variance of round-trip times. Sums of integers are exact, so neither the number of samples nor their order makes a
/// difference; taking them relative to the first keeps squares small. 2^40 samples that differ by 2^40 ns (18 minutes) fit.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Running {
    n: u64,
    first: i64,
    min: i64,
    max: i64,
    /// Sum of differences from the first.
    sum: i128,
    /// Sum of their squares.
    squares: u128,
}

impl Running {
    pub(crate) const fn new() -> Self {
        Self { n: 0, first: 0, min: i64::MAX, max: i64::MIN, sum: 0, squares: 0 }
    }

    /// Takes in a sample.
    pub(crate) fn add(&mut self, sample: i64) {
        if self.n == 0 {
            self.first = sample;
        }
        let distance = u128::from(sample.abs_diff(self.first));
        self.n += 1;
        self.min = self.min.min(sample);
        self.max = self.max.max(sample);
        self.sum += i128::from(sample) - i128::from(self.first);
        self.squares = self.squares.saturating_add(distance * distance);
    }

    /// How many samples there were.
    pub(crate) const fn count(&self) -> u64 {
        self.n
    }

    /// The smallest.
    pub(crate) fn min(&self) -> Option<i64> {
        (self.n > 0).then_some(self.min)
    }

    /// The mean, rounded towards the first sample.
    pub(crate) fn mean(&self) -> Option<i64> {
        let n = i128::from(self.n);
        let offset = self.sum.checked_div(n)?;
        i64::try_from(i128::from(self.first) + offset).ok()
    }

    /// The variance with divisor n - 1; of one sample there is none.
    pub(crate) fn variance(&self) -> Option<f64> {
        let n = u128::from(self.n);
        if n < 2 {
            return None;
        }
        // sum^2 / n = q^2 n + 2 q r + r^2 / n for sum = q n + r: in integers, so that nothing cancels.
        let sum = self.sum.unsigned_abs();
        let (q, r) = (sum / n, sum % n);
        let whole = q.saturating_pow(2).saturating_mul(n).saturating_add(q.saturating_mul(r).saturating_mul(2));
        let fraction = (r as f64) * (r as f64 / n as f64);
        let squares = self.squares.saturating_sub(whole) as f64 - fraction;
        Some(squares.max(0.0) / (n - 1) as f64)
    }

    /// Its part of the row.
    pub(crate) fn record(&self) -> RttRecord {
        RttRecord {
            n: self.n,
            min: self.min(),
            mean: self.mean(),
            max: (self.n > 0).then_some(self.max),
            sd: self.variance().map(|variance| variance.sqrt().round() as i64),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(samples: impl IntoIterator<Item = i64>) -> Running {
        let mut running = Running::new();
        samples.into_iter().for_each(|sample| running.add(sample));
        running
    }

    #[test]
    fn without_samples_there_is_nothing_to_say_and_with_one_no_deviation() {
        assert_eq!(of([]).record(), RttRecord::default());
        let one = of([7]).record();
        assert_eq!((one.n, one.min, one.mean, one.max, one.sd), (1, Some(7), Some(7), Some(7), None));
    }

    #[test]
    fn an_outlier_at_the_start_does_not_blur_the_rest() {
        let mut running = of([3_600_000_000_000]);
        for n in 0..1_000_000 {
            running.add(20_000_000 + n % 2 * 10);
        }
        let n = 1_000_001.0f64;
        let outlier = 3_600_000_000_000.0 - 20_000_005.0;
        let expected = outlier * outlier / n + 25.0 * 1_000_000.0 / (n - 1.0);
        let variance = running.variance().unwrap_or_default();
        assert!((variance / expected - 1.0).abs() < 1e-12, "{variance} {expected}");
        let mean = 20_000_005.0 + outlier / n;
        assert!((running.mean().unwrap_or_default() as f64 - mean).abs() <= 1.0, "{running:?} {mean}");
    }

    #[test]
    fn two_to_the_forty_samples_do_not_drift() {
        let mut running = of([20_000_000]);
        running.add(20_000_010);
        // What 2^40 samples of two values leave behind.
        let half = 1u64 << 39;
        running.n = 2 * half;
        running.sum = i128::from(half) * 10;
        running.squares = u128::from(half) * 100;
        assert_eq!(running.mean(), Some(20_000_005));
        let variance = running.variance().unwrap_or_default();
        assert!((variance - 25.0).abs() < 1e-9, "{variance}");
    }

    proptest! {
        #[test]
        fn it_agrees_with_two_passes_over_any_samples(samples in prop::collection::vec(-1i64..200_000_000_000, 2..50)) {
            let n = samples.len() as f64;
            let mean = samples.iter().map(|&sample| sample as f64).sum::<f64>() / n;
            let variance = samples.iter().map(|&sample| (sample as f64 - mean).powi(2)).sum::<f64>() / (n - 1.0);
            let running = of(samples);
            prop_assert!((running.mean().unwrap_or_default() as f64 - mean).abs() <= 1.0);
            let ours = running.variance().unwrap_or_default();
            prop_assert!((ours - variance).abs() <= 1e-9 * variance.max(1.0));
        }

        #[test]
        fn no_sample_makes_it_panic(samples in prop::collection::vec(any::<i64>(), 0..20)) {
            of(samples).record();
        }
    }
}
