//! Estimators: numbers from series of counts and from samples, each with its interval of confidence where one exists.
//!
//! Everything here is pure arithmetic on slices. Where the literature has a name for a thing it is used, and the paper stands at the
//! function. `docs/accuracy.md` shows how the estimators fare where the truth is known.
//!
//! | what | where |
//! | --- | --- |
//! | index of dispersion, peak to mean, peakedness | `dispersion` |
//! | logscale diagram, Hurst parameter by wavelets | `wavelet`, `logscale` |
//! | Hurst parameter by the local Whittle estimator; whether the series is stationary | `whittle` |
//! | Hurst parameter by aggregated variance and rescaled range, for comparison | `classic` |
//! | all of them weighed against each other | `hurst` |
//! | Poisson or not | `arrivals` |
//! | tails: Hill, lognormal | `tail` |
//! | correlation of several quantities | `correlation` |
//! | runs of bins over a threshold | `excess` |
//! | durations that a campaign cuts | `survival` |

pub mod arrivals;
pub mod classic;
pub mod correlation;
pub mod dispersion;
pub mod excess;
pub mod hurst;
pub mod logscale;
pub mod special;
pub mod survival;
pub mod tail;
pub mod wavelet;
pub mod whittle;

#[cfg(test)]
mod noise;

use serde::Serialize;

/// An estimate with its interval of confidence of 95 %.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Estimate {
    /// The value.
    pub value: f64,
    /// Lower end of the interval.
    pub low: f64,
    /// Upper end of the interval.
    pub high: f64,
}

/// Standard errors from the middle of a normal distribution to the ends of its central 95 %.
pub const Z95: f64 = 1.959_963_984_540_054;

impl Estimate {
    /// An estimate whose error is normal.
    #[must_use]
    pub fn normal(value: f64, standard_error: f64) -> Self {
        let reach = Z95 * standard_error;
        Self { value, low: value - reach, high: value + reach }
    }

    /// Whether the interval holds this value.
    #[must_use]
    pub fn covers(&self, value: f64) -> bool {
        self.low <= value && value <= self.high
    }
}

/// Arithmetic mean; `None` of nothing.
#[must_use]
pub fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

/// The value that a share of a sample lies below, on the straight lines between its values in order (type 7 of Hyndman and Fan 1996): the median is
/// the middle one, or the mean of the middle two. `None` of nothing.
#[must_use]
pub fn quantile(values: &[f64], share: f64) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let at = sorted.len().checked_sub(1)? as f64 * share.clamp(0.0, 1.0);
    let (low, high) = (sorted.get(at.floor() as usize)?, sorted.get(at.ceil() as usize)?);
    Some(low + (high - low) * at.fract())
}

/// The middle one of some values, or the mean of the middle two; `None` of nothing.
#[must_use]
pub fn median(values: &[f64]) -> Option<f64> {
    quantile(values, 0.5)
}

/// Variance about the mean, divided by n; `None` of nothing.
#[must_use]
pub fn variance(values: &[f64]) -> Option<f64> {
    let mean = mean(values)?;
    Some(values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / values.len() as f64)
}

/// Sums of `factor` neighbours each; an incomplete last group is left out.
#[must_use]
pub fn aggregate(series: &[f64], factor: usize) -> Vec<f64> {
    series.chunks_exact(factor.max(1)).map(|group| group.iter().sum()).collect()
}

/// A straight line through points, by weighted least squares.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Line {
    /// Value at 0.
    pub intercept: f64,
    /// Rise per unit.
    pub slope: f64,
}

impl Line {
    /// Through points `(x, y, weight)`; `None` where they do not determine a line.
    #[must_use]
    pub fn through(points: &[(f64, f64, f64)]) -> Option<Self> {
        let sum = |f: fn(&(f64, f64, f64)) -> f64| points.iter().map(f).sum::<f64>();
        let weight = sum(|p| p.2);
        let (x, y) = (sum(|p| p.0 * p.2) / weight, sum(|p| p.1 * p.2) / weight);
        let spread: f64 = points.iter().map(|p| p.2 * (p.0 - x).powi(2)).sum();
        let slope = points.iter().map(|p| p.2 * (p.0 - x) * (p.1 - y)).sum::<f64>() / spread;
        (slope.is_finite() && spread > 0.0).then_some(Self { intercept: y - slope * x, slope })
    }

    /// Its value at `x`.
    #[must_use]
    pub fn at(&self, x: f64) -> f64 {
        self.intercept + self.slope * x
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_of_an_even_number_of_values_is_the_mean_of_the_middle_two() {
        assert_eq!(
            [&[][..], &[7.0], &[3.0, 1.0], &[9.0, 1.0, 2.0], &[1.0, 8.0, 4.0, 2.0]].map(median),
            [None, Some(7.0), Some(2.0), Some(2.0), Some(3.0)]
        );
        let tens: Vec<f64> = (0..=10).map(|n| f64::from(10 * n)).collect();
        assert_eq!(
            [0.0, 0.1, 0.25, 0.9, 1.0].map(|share| quantile(&tens, share)),
            [0.0, 10.0, 25.0, 90.0, 100.0].map(Some)
        );
    }
}
