//! One verdict on the memory of a series, from estimators that fail in different ways.

use std::fmt;

use serde::Serialize;

use super::logscale::{self, Fit, Point};
use super::whittle::{Periodogram, Stationarity};
use super::{Estimate, classic, mean};

/// Estimators that differ by more than this contradict each other.
const AGREEMENT: f64 = 0.1;

/// All that was found out about a series.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Hurst {
    /// How many values the series has.
    pub values: usize,
    /// The Hurst parameter by wavelets; nothing where a figure would mislead, and then `refused` says why.
    pub hurst: Option<Estimate>,
    /// Why there is no figure.
    pub refused: Option<Refusal>,
    /// The line through the logscale diagram.
    pub wavelet: Option<Fit>,
    /// The second opinion.
    pub whittle: Option<Estimate>,
    /// Whether the level shifts or drifts.
    pub stationarity: Option<Stationarity>,
    /// By the variance of aggregates; for comparison only.
    pub aggregated_variance: Option<f64>,
    /// By the rescaled range; for comparison only.
    pub rescaled_range: Option<f64>,
    /// The logscale diagram.
    pub diagram: Vec<Point>,
}

/// Why no Hurst parameter is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Refusal {
    /// Too few values, or nothing happens in them.
    TooShort,
    /// The level of the series shifts or drifts.
    NotStationary,
    /// The logscale diagram is no straight line.
    NoScaling,
    /// The wavelets and the Whittle estimator contradict each other.
    Disagreement,
    /// The Hurst parameter would lie below 0 or above 1: the slope is none that a stationary series can have.
    OutOfRange,
    /// There is long memory, but the independent noise of counting hides how much.
    CountingNoise,
}

impl Refusal {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::TooShort,
        Self::NotStationary,
        Self::NoScaling,
        Self::Disagreement,
        Self::OutOfRange,
        Self::CountingNoise,
    ];

    /// In a word, for tables.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::TooShort => "too short",
            Self::NotStationary => "shifts",
            Self::NoScaling => "not straight",
            Self::Disagreement => "disagreement",
            Self::OutOfRange => "out of range",
            Self::CountingNoise => "noise",
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TooShort => "too few values, or nothing happens in them",
            Self::NotStationary => "the level shifts or drifts (Qu's test, 5 %)",
            Self::NoScaling => "the logscale diagram is no straight line at long scales (chi-squared, 5 %)",
            Self::Disagreement => "wavelets and the local Whittle estimator differ by more than 0.1",
            Self::OutOfRange => "the slope is none that a stationary series can have",
            Self::CountingNoise => "there is memory, but the noise of counting hides how much of it",
        })
    }
}

impl Hurst {
    /// Of a series of counts in equal bins.
    #[must_use]
    pub fn of(series: &[f64]) -> Self {
        let diagram = logscale::diagram(series);
        let wavelet = logscale::fit(series.len(), &diagram);
        let periodogram = Periodogram::of(series);
        let whittle = periodogram.as_ref().map(Periodogram::hurst);
        let stationarity = periodogram.as_ref().map(Periodogram::stationarity);
        let verdict = judge(wavelet, whittle, stationarity).and_then(|found| {
            let hidden = wavelet.is_some_and(|fit| found.low > 0.5 && is_noise(series, &diagram, fit));
            if hidden { Err(Refusal::CountingNoise) } else { Ok(found) }
        });
        Self {
            values: series.len(),
            hurst: verdict.ok(),
            refused: verdict.err(),
            wavelet,
            whittle,
            stationarity,
            aggregated_variance: classic::aggregated_variance(series),
            rescaled_range: classic::rescaled_range(series),
            diagram,
        }
    }
}

fn judge(
    wavelet: Option<Fit>,
    whittle: Option<Estimate>,
    stationarity: Option<Stationarity>,
) -> Result<Estimate, Refusal> {
    let (Some(wavelet), Some(whittle), Some(stationarity)) = (wavelet, whittle, stationarity) else {
        return Err(Refusal::TooShort);
    };
    if !stationarity.holds() {
        return Err(Refusal::NotStationary);
    }
    if wavelet.goodness < logscale::GOOD_FIT {
        return Err(Refusal::NoScaling);
    }
    if (wavelet.hurst.value - whittle.value).abs() > AGREEMENT {
        return Err(Refusal::Disagreement);
    }
    if !(0.0..=1.0).contains(&wavelet.hurst.value) {
        return Err(Refusal::OutOfRange);
    }
    Ok(wavelet.hurst)
}

/// Whether an eighth or more of the variance at the first octave of the line is that of independent arrivals, which is their mean: it bends
/// the line, and the slope falls short of that of the rate.
fn is_noise(counts: &[f64], diagram: &[Point], fit: Fit) -> bool {
    const SHARE: f64 = 8.0;
    let noise = mean(counts).unwrap_or_default();
    let first = diagram.iter().find(|point| point.octave == fit.from);
    first.is_some_and(|point| point.energy.value.exp2() < SHARE * noise)
}

#[cfg(test)]
mod tests {
    use super::super::noise::{Generator, fractional_gaussian_noise};
    use super::*;

    #[test]
    fn noise_of_known_memory_gets_a_figure_and_a_shifting_poisson_process_gets_none() {
        let mut generator = Generator::new(2);
        for hurst in [0.5, 0.7, 0.9] {
            let found = Hurst::of(&fractional_gaussian_noise(1 << 15, hurst, &mut generator));
            assert!((found.hurst.unwrap().value - hurst).abs() < 0.05, "{found:?}");
        }
        let shifting: Vec<f64> =
            (0..1 << 15).map(|n| generator.poisson(if n < 1 << 14 { 10.0 } else { 20.0 })).collect();
        assert_eq!(Hurst::of(&shifting).refused, Some(Refusal::NotStationary));
        assert_eq!(Hurst::of(&[3.0; 10]).refused, Some(Refusal::TooShort));
    }

    #[test]
    fn a_value_that_no_stationary_series_can_have_is_none_though_its_interval_reaches_into_the_range() {
        let stationarity = Some(Stationarity { statistic: 0.5, critical: 1.0 });
        let judged = |value: f64| {
            let hurst = Estimate::normal(value, 0.07);
            let fit = Fit { hurst, from: 4, to: 9, goodness: 0.5, intercept: 0.0 };
            judge(Some(fit), Some(Estimate::normal(value, 0.05)), stationarity)
        };
        assert_eq!(judged(1.12), Err(Refusal::OutOfRange));
        assert_eq!(judged(-0.01), Err(Refusal::OutOfRange));
        assert_eq!(judged(0.97).map(|found| found.value), Ok(0.97));
    }

    #[test]
    fn memory_under_the_noise_of_counting_gets_no_figure_and_above_it_the_right_one() {
        let mut generator = Generator::new(2);
        let mut counted = |mean: f64| {
            let noise = fractional_gaussian_noise(1 << 16, 0.85, &mut generator);
            let rates = noise.iter().map(|value| mean * (0.5 * value - 0.125).exp());
            Hurst::of(&rates.map(|rate| generator.poisson(rate)).collect::<Vec<_>>())
        };
        let few: Vec<Hurst> = (0..3).map(|_| counted(3.0)).collect();
        assert!(few.iter().all(|found| found.hurst.is_none()), "{few:?}");
        assert!(few.iter().any(|found| found.refused == Some(Refusal::CountingNoise)), "{few:?}");
        let many: Vec<Estimate> = (0..3).filter_map(|_| counted(50.0).hurst).collect();
        assert!(!many.is_empty() && many.iter().all(|found| (found.value - 0.85).abs() < 0.08), "{many:?}");
    }
}
