//! How a quantity spreads over connections: count, extremes, mean and quantiles.

use hdrhistogram::Histogram;
use serde::Serialize;

use super::exact::Seconds;

/// Gathers values in memory that does not grow with their number: a histogram of three significant digits.
#[derive(Debug)]
pub struct Gather {
    histogram: Histogram<u64>,
    sum: u128,
    min: u64,
    max: u64,
}

/// The spread of a quantity. Count and extremes are exact, the mean is to the unit in which values are kept, quantiles to three significant digits.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Spread<T> {
    /// How many values there are.
    pub n: u64,
    /// The smallest.
    pub min: T,
    /// The median.
    pub p50: T,
    /// Nine in ten are no larger.
    pub p90: T,
    /// 99 in 100 are no larger.
    pub p99: T,
    /// The largest.
    pub max: T,
    /// The arithmetic mean.
    pub mean: T,
}

impl Default for Gather {
    #[expect(clippy::expect_used, reason = "the library refuses more than five digits and nothing else")]
    fn default() -> Self {
        /// Significant digits of the quantiles.
        const DIGITS: u8 = 3;
        let histogram = Histogram::new(DIGITS).expect("three digits are allowed");
        Self { histogram, sum: 0, min: u64::MAX, max: 0 }
    }
}

impl Gather {
    /// Adds a value.
    pub fn add(&mut self, value: u64) {
        // The histogram grows as needed, up to the largest value there is, so that this cannot fail.
        let _ = self.histogram.record(value);
        self.sum += u128::from(value);
        self.min = self.min.min(value);
        self.max = self.max.max(value);
    }

    /// Adds a length of time, kept in nanoseconds.
    pub fn add_seconds(&mut self, seconds: f64) {
        self.add((seconds * 1e9).round() as u64);
    }

    /// Adds a number, kept as a whole number of `unit`s.
    pub fn add_scaled(&mut self, number: f64, unit: f64) {
        self.add((number / unit).round() as u64);
    }

    /// The spread of numbers added in `unit`s; none without values.
    #[must_use]
    pub fn scaled(&self, unit: f64) -> Option<Spread<f64>> {
        self.spread(|units| units as f64 * unit)
    }

    /// The spread of whole numbers; none without values.
    #[must_use]
    pub fn counts(&self) -> Option<Spread<u64>> {
        self.spread(|number| number)
    }

    /// The spread of lengths of time; none without values.
    #[must_use]
    pub fn times(&self) -> Option<Spread<Seconds>> {
        self.spread(|nanos| Seconds(nanos as f64 / 1e9))
    }

    /// Each value that was added, to three significant digits, with how many there are of it, ascending.
    pub fn recorded(&self) -> impl Iterator<Item = (u64, u64)> {
        let within = |value: u64| value.clamp(self.min, self.max);
        self.histogram.iter_recorded().map(move |step| (within(step.value_iterated_to()), step.count_at_value()))
    }

    fn spread<T>(&self, convert: impl Fn(u64) -> T) -> Option<Spread<T>> {
        let n = self.histogram.len();
        let mean = (self.sum + u128::from(n / 2)).checked_div(u128::from(n))? as u64;
        let quantile = |q| convert(self.histogram.value_at_quantile(q).clamp(self.min, self.max));
        Some(Spread {
            n,
            min: convert(self.min),
            p50: quantile(0.5),
            p90: quantile(0.9),
            p99: quantile(0.99),
            max: convert(self.max),
            mean: convert(mean),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn extremes_are_exact_the_mean_is_to_the_unit_and_quantiles_to_three_digits() {
        let mut gather = Gather::default();
        assert_eq!(gather.counts(), None);
        (1..=100_000).for_each(|value| gather.add(value));
        let spread = gather.counts().unwrap();
        assert_eq!((spread.n, spread.min, spread.max, spread.mean), (100_000, 1, 100_000, 50_001), "50,000.5, rounded");
        for (quantile, expected) in [(spread.p50, 50_000_u64), (spread.p90, 90_000), (spread.p99, 99_000)] {
            assert!(quantile.abs_diff(expected) <= expected / 1000, "{quantile} for {expected}");
        }
    }

    #[test]
    fn no_value_is_too_small_or_too_large() {
        let mut gather = Gather::default();
        gather.add(0);
        gather.add(u64::MAX);
        gather.add_seconds(-1.0);
        let spread = gather.counts().unwrap();
        assert_eq!((spread.min, spread.max), (0, u64::MAX));
    }
}
