//! The older estimators of the Hurst parameter. Shifts and rhythms of the mean inflate them, so they are shown for comparison only.

use super::{Line, aggregate, mean, variance};

/// Groups that a scale must leave.
const FEWEST_GROUPS: usize = 16;

/// Scales from `first` on, each twice the one before.
fn scales(first: usize, length: usize) -> impl Iterator<Item = usize> {
    std::iter::successors(Some(first), |scale| scale.checked_mul(2))
        .take_while(move |scale| length / scale >= FEWEST_GROUPS)
}

/// By the variance of means over ever longer groups, which falls with a slope of 2H - 2 (Leland et al. 1994).
#[must_use]
pub fn aggregated_variance(series: &[f64]) -> Option<f64> {
    let points: Vec<(f64, f64, f64)> = scales(1, series.len())
        .filter_map(|scale| {
            let spread = variance(&aggregate(series, scale))? / (scale * scale) as f64;
            (spread > 0.0).then(|| ((scale as f64).ln(), spread.ln(), 1.0))
        })
        .collect();
    Line::through(&points).map(|line| 1.0 + line.slope / 2.0)
}

/// By the rescaled range R/S, which grows with a slope of H (Mandelbrot and Wallis 1969).
#[must_use]
pub fn rescaled_range(series: &[f64]) -> Option<f64> {
    const SHORTEST: usize = 16;
    let points: Vec<(f64, f64, f64)> = scales(SHORTEST, series.len())
        .filter_map(|scale| {
            let ranges: Vec<f64> = series.chunks_exact(scale).filter_map(range_over_deviation).collect();
            Some(((scale as f64).ln(), mean(&ranges)?.ln(), 1.0))
        })
        .collect();
    Line::through(&points).map(|line| line.slope)
}

fn range_over_deviation(group: &[f64]) -> Option<f64> {
    let (level, deviation) = (mean(group)?, variance(group)?.sqrt());
    let (mut sum, mut low, mut high) = (0.0, 0.0_f64, 0.0_f64);
    for value in group {
        sum += value - level;
        (low, high) = (low.min(sum), high.max(sum));
    }
    (deviation > 0.0).then(|| (high - low) / deviation)
}

#[cfg(test)]
mod tests {
    use super::super::noise::{Generator, fractional_gaussian_noise};
    use super::*;

    #[test]
    fn they_find_the_parameter_of_clean_noise_roughly() {
        for hurst in [0.5, 0.7, 0.85] {
            let noise = fractional_gaussian_noise(1 << 16, hurst, &mut Generator::new(5));
            let (by_variance, by_range) = (aggregated_variance(&noise).unwrap(), rescaled_range(&noise).unwrap());
            assert!((by_variance - hurst).abs() < 0.06, "{by_variance} for {hurst}");
            assert!((by_range - hurst).abs() < 0.08, "{by_range} for {hurst}");
        }
    }

    #[test]
    fn one_shift_of_the_level_deceives_the_aggregated_variance() {
        let mut generator = Generator::new(5);
        let series: Vec<f64> = (0..1 << 16).map(|n| generator.poisson(if n < 1 << 15 { 10.0 } else { 20.0 })).collect();
        assert!(aggregated_variance(&series).unwrap() > 0.9);
    }
}
