//! The logscale diagram, and the Hurst parameter of long-range dependence by wavelets (Abry and Veitch 1998; Veitch and Abry 1999).
//!
//! The logarithm of the mean square detail grows along a line over the octaves at which a process is long-range dependent; its slope α
//! gives H = (α + 1) / 2. The octave at which that begins is found by the goodness of the fit (Veitch, Abry and Taqqu 2003).

use serde::Serialize;

use super::special::{chi_squared_above, digamma, trigamma};
use super::wavelet::{Octave, octaves};
use super::{Estimate, Line, Z95};

/// Details that an octave must have: with fewer the normal approximation of their logarithm fails.
const FEWEST_DETAILS: usize = 4;

/// The first octave that may be fitted. Counts are no wavelet coefficients, though the pyramid begins as if they were, which bends its
/// finest octaves (Veitch, Taqqu and Abry 2000).
const FIRST_OCTAVE: u32 = 3;

/// Octaves of more than n^BANDWIDTH details are not fitted: long-range dependence is what happens at long scales, and short-range
/// dependence or the noise of counting bends the line at shorter ones, too little for the fit to tell and too much for the slope. The
/// local Whittle estimator is bounded in the same way.
const BANDWIDTH: f64 = 0.65;

/// Octaves that a line must rest on.
const FEWEST_OCTAVES: usize = 3;

/// A fit is believed when a worse one would come by chance at least so often.
pub const GOOD_FIT: f64 = 0.05;

/// A point of the logscale diagram.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Point {
    /// The octave: a time scale of 2^j bins.
    pub octave: u32,
    /// How many details it rests on.
    pub details: usize,
    /// Logarithm to base 2 of their mean square, its bias taken off.
    pub energy: Estimate,
    /// Variance of that logarithm.
    #[serde(skip)]
    variance: f64,
}

/// A line through octaves of the diagram.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Fit {
    /// The Hurst parameter.
    pub hurst: Estimate,
    /// First octave.
    pub from: u32,
    /// Last octave.
    pub to: u32,
    /// How often chance alone would fit a straight line worse.
    pub goodness: f64,
    /// Value of the line at octave 0.
    pub intercept: f64,
}

/// The diagram of a series of counts.
#[must_use]
pub fn diagram(series: &[f64]) -> Vec<Point> {
    let usable = |octave: &Octave| octave.n >= FEWEST_DETAILS && octave.energy > 0.0;
    octaves(series).iter().filter(|octave| usable(octave)).map(point).collect()
}

/// Veitch and Abry 1999, equations 9 and 11: mean and variance of the logarithm of a mean of squares of normal variables.
fn point(octave: &Octave) -> Point {
    let half = octave.n as f64 / 2.0;
    let bias = digamma(half) / std::f64::consts::LN_2 - half.log2();
    let variance = trigamma(half) / std::f64::consts::LN_2.powi(2);
    let energy = Estimate::normal(octave.energy.log2() - bias, variance.sqrt());
    Point { octave: octave.j, details: octave.n, energy, variance }
}

/// The Hurst parameter of a series of so many values, from the first octave on from which its diagram is a straight line; where there is
/// none, from those that fit best. `None` of a series too short.
#[must_use]
pub fn fit(values: usize, diagram: &[Point]) -> Option<Fit> {
    let most = (values as f64).powf(BANDWIDTH);
    let is_long = |point: &Point| point.octave >= FIRST_OCTAVE && point.details as f64 <= most;
    let usable: Vec<Point> = diagram.iter().copied().filter(is_long).collect();
    let onsets = 0..(usable.len() + 1).saturating_sub(FEWEST_OCTAVES);
    let fits: Vec<Fit> = onsets.filter_map(|onset| fit_line(&usable[onset..])).collect();
    let good = fits.iter().find(|fit| fit.goodness >= GOOD_FIT);
    good.or_else(|| fits.iter().max_by(|a, b| a.goodness.total_cmp(&b.goodness))).copied()
}

fn fit_line(points: &[Point]) -> Option<Fit> {
    let weighted: Vec<_> = points.iter().map(|p| (f64::from(p.octave), p.energy.value, 1.0 / p.variance)).collect();
    let line = Line::through(&weighted)?;
    let weight: f64 = weighted.iter().map(|p| p.2).sum();
    let middle = weighted.iter().map(|p| p.0 * p.2).sum::<f64>() / weight;
    let spread: f64 = weighted.iter().map(|p| p.2 * (p.0 - middle).powi(2)).sum();
    let misfit: f64 = weighted.iter().map(|p| p.2 * (p.1 - line.at(p.0)).powi(2)).sum();
    let reach = Z95 * spread.sqrt().recip() / 2.0;
    let hurst = f64::midpoint(line.slope, 1.0);
    Some(Fit {
        hurst: Estimate { value: hurst, low: hurst - reach, high: hurst + reach },
        from: points.first()?.octave,
        to: points.last()?.octave,
        goodness: chi_squared_above(misfit, points.len() - 2),
        intercept: line.intercept,
    })
}

#[cfg(test)]
mod tests {
    use super::super::noise::{Generator, fractional_gaussian_noise};
    use super::*;

    #[test]
    fn the_interval_of_confidence_holds_the_truth_as_often_as_it_says() {
        for hurst in [0.5, 0.7, 0.9] {
            let mut generator = Generator::new(7);
            let held = (0..100)
                .filter(|_| {
                    let noise = fractional_gaussian_noise(1 << 12, hurst, &mut generator);
                    fit(noise.len(), &diagram(&noise)).unwrap().hurst.covers(hurst)
                })
                .count();
            assert!(held >= 88, "{held} of 100 at H = {hurst}");
        }
    }

    #[test]
    fn a_linear_trend_and_a_level_do_not_show() {
        let mut generator = Generator::new(3);
        let noise: Vec<f64> = (0..1 << 14).map(|_| generator.normal()).collect();
        let drifting: Vec<f64> = noise.iter().enumerate().map(|(n, value)| value + n as f64 * 1e-3 + 50.0).collect();
        let (still, moved) =
            (fit(noise.len(), &diagram(&noise)).unwrap(), fit(drifting.len(), &diagram(&drifting)).unwrap());
        assert!((still.hurst.value - moved.hurst.value).abs() < 1e-6, "{still:?} {moved:?}");
    }

    #[test]
    fn a_series_too_short_has_no_fit() {
        assert_eq!(fit(20, &diagram(&[1.0; 20])), None);
        assert_eq!(fit(0, &diagram(&[])), None);
    }
}
