//! The local Whittle estimator of the Hurst parameter (Robinson 1995), and a test whether what it finds is long memory at all or a
//! level that shifts or drifts (Qu 2011).

use std::f64::consts::PI;

use rustfft::FftPlanner;
use rustfft::num_complex::Complex;
use serde::Serialize;

use super::{Estimate, mean};

/// Fewer values than this are no series.
const SHORTEST: usize = 128;

/// The estimator uses the first n^BANDWIDTH frequencies: the low ones, where long memory shows.
const BANDWIDTH: f64 = 0.65;

/// The same of the test (Qu 2011, section 5).
const TEST_BANDWIDTH: f64 = 0.65;

/// Where the estimate is looked for.
const RANGE: (f64, f64) = (0.01, 1.49);

/// What a series says of shifts and drifts of its mean.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Stationarity {
    /// Qu's statistic W.
    pub statistic: f64,
    /// What it exceeds in 5 of 100 series that are stationary, with long memory or without.
    pub critical: f64,
}

impl Stationarity {
    /// Whether the series may be stationary.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.statistic <= self.critical
    }
}

/// The periodogram at the Fourier frequencies 1, 2, ... (radians a value), up to half the length.
#[derive(Clone, Debug)]
pub struct Periodogram {
    n: usize,
    power: Vec<f64>,
}

impl Periodogram {
    /// Of a series; `None` where it is too short, or constant.
    #[must_use]
    pub fn of(series: &[f64]) -> Option<Self> {
        let n = series.len();
        let level = mean(series)?;
        if n < SHORTEST || series.iter().all(|&value| value == series[0]) {
            return None;
        }
        let mut values: Vec<Complex<f64>> = series.iter().map(|value| Complex::new(value - level, 0.0)).collect();
        FftPlanner::new().plan_fft_forward(n).process(&mut values);
        let power = values[1..=n / 2].iter().map(|value| value.norm_sqr() / (2.0 * PI * n as f64)).collect();
        Some(Self { n, power })
    }

    /// The first n^`bandwidth` frequencies with their power.
    fn low(&self, bandwidth: f64) -> impl Iterator<Item = (f64, f64)> + Clone {
        let step = 2.0 * PI / self.n as f64;
        let most = (self.n as f64).powf(bandwidth) as usize;
        self.power.iter().take(most).enumerate().map(move |(k, &power)| ((k + 1) as f64 * step, power))
    }

    /// The Hurst parameter, with the asymptotic standard error 1 / (2 √m) of m frequencies.
    #[must_use]
    pub fn hurst(&self) -> Estimate {
        let frequencies = self.low(BANDWIDTH);
        let used = frequencies.clone().count() as f64;
        Estimate::normal(minimise(frequencies), 0.5 / used.sqrt())
    }

    /// Qu's test against level shifts and smooth trends, with ε = 0.02.
    #[must_use]
    pub fn stationarity(&self) -> Stationarity {
        /// Qu 2011, table 1: 5 % of stationary series exceed it.
        const CRITICAL: f64 = 1.252;
        const EPSILON: f64 = 0.02;
        let frequencies: Vec<(f64, f64)> = self.low(TEST_BANDWIDTH).collect();
        let hurst = minimise(frequencies.iter().copied());
        let count = frequencies.len() as f64;
        let level = frequencies.iter().map(|(at, _)| at.ln()).sum::<f64>() / count;
        let scaled = |&(at, power): &(f64, f64)| power * at.powf(2.0 * hurst - 1.0);
        let scale = frequencies.iter().map(scaled).sum::<f64>() / count;
        let norm = frequencies.iter().map(|(at, _)| (at.ln() - level).powi(2)).sum::<f64>().sqrt();
        let (mut sum, mut statistic) = (0.0, 0.0_f64);
        for (k, frequency) in frequencies.iter().enumerate() {
            sum += (frequency.0.ln() - level) * (scaled(frequency) / scale - 1.0);
            if (k + 1) as f64 >= EPSILON * count {
                statistic = statistic.max(sum.abs() / norm);
            }
        }
        Stationarity { statistic, critical: CRITICAL }
    }
}

/// The H at which the local Whittle likelihood is largest, by golden section; its logarithm is concave.
fn minimise(frequencies: impl Iterator<Item = (f64, f64)> + Clone) -> f64 {
    const GOLDEN: f64 = 0.618_033_988_749_894_8;
    const STEPS: u32 = 48;
    let count = frequencies.clone().count() as f64;
    let level = frequencies.clone().map(|(at, _)| at.ln()).sum::<f64>() / count;
    let cost = |hurst: f64| {
        let power = 2.0 * hurst - 1.0;
        let scale = frequencies.clone().map(|(at, value)| value * (power * at.ln()).exp()).sum::<f64>() / count;
        scale.ln() - power * level
    };
    let (mut low, mut high) = RANGE;
    let (mut left, mut right) = (high - GOLDEN * (high - low), low + GOLDEN * (high - low));
    let (mut at_left, mut at_right) = (cost(left), cost(right));
    for _ in 0..STEPS {
        if at_left < at_right {
            (high, right, at_right) = (right, left, at_left);
            left = high - GOLDEN * (high - low);
            at_left = cost(left);
        } else {
            (low, left, at_left) = (left, right, at_right);
            right = low + GOLDEN * (high - low);
            at_right = cost(right);
        }
    }
    f64::midpoint(low, high)
}

#[cfg(test)]
mod tests {
    use super::super::noise::{Generator, fractional_gaussian_noise};
    use super::*;

    /// How many of fifty series are called stationary, and in how many intervals the truth lies.
    fn fifty(hurst: f64, disturb: impl Fn(usize) -> f64) -> (usize, usize) {
        const LENGTH: usize = 1 << 12;
        let mut generator = Generator::new(11);
        let (mut stationary, mut covered) = (0, 0);
        for _ in 0..50 {
            let noise = fractional_gaussian_noise(LENGTH, hurst, &mut generator);
            let series: Vec<f64> = noise.iter().enumerate().map(|(n, value)| value + disturb(n)).collect();
            let periodogram = Periodogram::of(&series).unwrap();
            stationary += usize::from(periodogram.stationarity().holds());
            covered += usize::from(periodogram.hurst().covers(hurst));
        }
        (stationary, covered)
    }

    #[test]
    fn noise_of_any_memory_is_stationary_and_its_parameter_found() {
        for hurst in [0.5, 0.7, 0.9] {
            let (stationary, covered) = fifty(hurst, |_| 0.0);
            assert!(stationary >= 44, "{stationary} of 50 stationary at H = {hurst}");
            assert!(covered >= 43, "{covered} of 50 covered at H = {hurst}");
        }
    }

    #[test]
    fn a_shift_and_a_drift_of_the_level_are_found_out() {
        let (stationary, _) = fifty(0.5, |n| if n < 2000 { 0.0 } else { 1.0 });
        assert!(stationary <= 5, "{stationary} of 50 with a shift were called stationary");
        let (stationary, _) = fifty(0.5, |n| n as f64 / 2048.0);
        assert!(stationary <= 5, "{stationary} of 50 with a drift were called stationary");
    }

    #[test]
    fn a_short_or_constant_series_has_no_periodogram() {
        assert!(Periodogram::of(&[1.0, 2.0]).is_none());
        assert!(Periodogram::of(&[4.0; 1000]).is_none());
    }
}
