//! Whether arrivals come as a Poisson process: exponential gaps that know nothing of each other (Paxson and Floyd 1995, appendix A).

use serde::Serialize;

use super::{Z95, mean};

/// Fewer gaps cannot tell.
const FEWEST: usize = 50;

/// D'Agostino and Stephens 1986, table 4.14: of exponential samples, 5 % have a larger modified A².
pub const CRITICAL: f64 = 1.321;

/// What the gaps between arrivals say.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Arrivals {
    /// How many gaps.
    pub gaps: usize,
    /// Their mean, s.
    pub mean: f64,
    /// Their coefficient of variation; 1 of a Poisson process.
    pub variation: f64,
    /// Anderson and Darling's statistic against the exponential distribution of the same mean, modified for its being estimated (Stephens
    /// 1974: A² (1 + 0.6 / n)).
    pub anderson_darling: f64,
    /// Correlation of neighbouring gaps.
    pub correlation: f64,
    /// Neither test speaks against a Poisson process, at 5 % each.
    pub poisson: bool,
}

/// Tests gaps, in order of time; `None` with fewer than fifty.
#[must_use]
pub fn test(gaps: &[f64]) -> Option<Arrivals> {
    let level = mean(gaps).filter(|&level| level > 0.0 && gaps.len() >= FEWEST)?;
    let spread = super::variance(gaps)?;
    let products: f64 = gaps.windows(2).map(|pair| (pair[0] - level) * (pair[1] - level)).sum();
    let correlation = if spread > 0.0 { products / (spread * gaps.len() as f64) } else { 0.0 };
    let anderson_darling = anderson_darling(gaps, level);
    let independent = correlation.abs() <= Z95 / (gaps.len() as f64).sqrt();
    Some(Arrivals {
        gaps: gaps.len(),
        mean: level,
        variation: spread.sqrt() / level,
        anderson_darling,
        correlation,
        poisson: independent && anderson_darling <= CRITICAL,
    })
}

fn anderson_darling(gaps: &[f64], level: f64) -> f64 {
    let n = gaps.len() as f64;
    let mut sorted = gaps.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    // Two arrivals within the clock's resolution have no gap; the logarithm needs one.
    let below = |gap: f64| (-(-gap / level).exp_m1()).max(f64::MIN_POSITIVE);
    let sum: f64 = sorted
        .iter()
        .zip(sorted.iter().rev())
        .enumerate()
        .map(|(i, (&small, &large))| (2 * i + 1) as f64 * (below(small).ln() - large / level))
        .sum();
    (-n - sum / n) * (1.0 + 0.6 / n)
}

#[cfg(test)]
mod tests {
    use super::super::noise::Generator;
    use super::*;

    #[test]
    fn exponential_gaps_pass_about_as_often_as_the_tests_say() {
        let mut generator = Generator::new(4);
        let passed = (0..200)
            .filter(|_| {
                let gaps: Vec<f64> = (0..500).map(|_| 3.0 * generator.exponential()).collect();
                test(&gaps).unwrap().poisson
            })
            .count();
        assert!((170..=192).contains(&passed), "{passed} of 200");
    }

    #[test]
    fn even_gaps_and_clustered_ones_fail() {
        assert!(!test(&[1.0; 100]).unwrap().poisson);
        let mut generator = Generator::new(4);
        let clustered: Vec<f64> =
            (0..2000).map(|n| generator.exponential() * if n / 100 % 2 == 0 { 1.0 } else { 5.0 }).collect();
        let found = test(&clustered).unwrap();
        assert!(!found.poisson && found.correlation > 0.1 && found.variation > 1.2, "{found:?}");
        assert_eq!(test(&[1.0; 10]), None);
    }
}
