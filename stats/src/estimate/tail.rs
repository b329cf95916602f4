//! Heavy tails, by Hill's estimator over a sweep of k and with a lognormal beside it: on lognormal data Hill's estimator finds a "tail
//! index" too, another one for each k, so that no single figure is ever given.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use serde::Serialize;

use super::Estimate;
use super::correlation::Comoments;
use super::special::erfc;

/// The sweep of k. No k beyond a tenth of the sample is used: what lies there is no tail.
const SWEEP: [usize; 8] = [50, 100, 200, 500, 1000, 2000, 5000, 10_000];

/// A tenth of the sample, at most, is its tail.
const TAIL_SHARE: u64 = 10;

/// Hill's estimate from the k largest values (Hill 1975).
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Hill {
    /// How many of the largest values it rests on.
    pub k: usize,
    /// The value below them: the threshold.
    pub threshold: f64,
    /// The tail index α; below 2 the variance would be infinite.
    pub alpha: Estimate,
    /// What the same estimator would find at this threshold, were the sample lognormal with the mean and deviation of its logarithms.
    pub lognormal: Option<f64>,
}

/// The logarithms of a sample as a normal distribution.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Lognormal {
    /// Mean of the natural logarithms.
    pub mu: f64,
    /// Their standard deviation.
    pub sigma: f64,
}

impl Lognormal {
    /// The inverse of the mean excess of the logarithm over that of a threshold: what Hill's estimator tends to.
    #[must_use]
    pub fn hill(&self, threshold: f64) -> Option<f64> {
        let z = (threshold.ln() - self.mu) / self.sigma;
        let density = (-z * z / 2.0).exp() / (2.0 * std::f64::consts::PI).sqrt();
        let above = if z >= 0.0 {
            erfc(z / std::f64::consts::SQRT_2) / 2.0
        } else {
            1.0 - erfc(-z / std::f64::consts::SQRT_2) / 2.0
        };
        let excess = self.sigma * (density / above - z);
        (excess.is_finite() && excess > 0.0).then(|| excess.recip())
    }
}

/// The tail of a sample.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Tail {
    /// How many values the sample has.
    pub values: u64,
    /// The lognormal distribution of the same mean and deviation of logarithms; nothing where the values do not vary.
    pub lognormal: Option<Lognormal>,
    /// Hill's estimates; none of a sample of fewer than 500.
    pub hill: Vec<Hill>,
}

/// Gathers a sample of positive values in memory that does not grow with it: its largest values, and the moments of its logarithms.
#[derive(Clone, Debug, Default)]
pub struct GatherTail {
    /// Bits of the largest values: of positive numbers they have the same order. The smallest of them is on top.
    largest: BinaryHeap<Reverse<u64>>,
    logarithms: Comoments<1>,
}

impl GatherTail {
    /// Adds a value; one that is not positive has no logarithm and does not count.
    pub fn add(&mut self, value: f64) {
        let most = SWEEP.last().map_or(0, |k| k + 1);
        if !(value > 0.0 && value.is_finite()) {
            return;
        }
        self.logarithms.add([value.ln()]);
        self.largest.push(Reverse(value.to_bits()));
        if self.largest.len() > most {
            self.largest.pop();
        }
    }

    /// The tail.
    #[must_use]
    pub fn tail(self) -> Tail {
        let values = self.logarithms.n();
        let sigma = self.logarithms.variance(0).sqrt();
        let lognormal = (sigma > 0.0).then_some(Lognormal { mu: self.logarithms.mean(0), sigma });
        let largest: Vec<f64> =
            self.largest.into_sorted_vec().into_iter().map(|Reverse(bits)| f64::from_bits(bits)).collect();
        let is_tail = |&k: &usize| k as u64 <= values / TAIL_SHARE;
        Tail {
            values,
            lognormal,
            hill: SWEEP.into_iter().filter(is_tail).filter_map(|k| hill(&largest, k, lognormal)).collect(),
        }
    }
}

/// Hill's estimate from the largest values in descending order; `None` where there are not more than k, or all are equal.
fn hill(largest: &[f64], k: usize, lognormal: Option<Lognormal>) -> Option<Hill> {
    let threshold = *largest.get(k)?;
    let excess = largest[..k].iter().map(|value| (value / threshold).ln()).sum::<f64>() / k as f64;
    let alpha = (excess > 0.0).then(|| excess.recip())?;
    Some(Hill {
        k,
        threshold,
        alpha: Estimate::normal(alpha, alpha / (k as f64).sqrt()),
        lognormal: lognormal.and_then(|lognormal| lognormal.hill(threshold)),
    })
}

#[cfg(test)]
mod tests {
    use super::super::noise::Generator;
    use super::*;

    fn tail(values: impl Iterator<Item = f64>) -> Tail {
        let mut gather = GatherTail::default();
        values.for_each(|value| gather.add(value));
        gather.tail()
    }

    #[test]
    fn the_index_of_a_pareto_tail_is_found_at_every_k() {
        let mut generator = Generator::new(6);
        let found = tail((0..100_000).map(|_| generator.uniform().powf(-1.0 / 1.3)));
        assert_eq!((found.values, found.hill.len()), (100_000, 8));
        for found in found.hill {
            assert!((found.alpha.value - 1.3).abs() < 4.0 * 1.3 / (found.k as f64).sqrt(), "{found:?}");
        }
    }

    #[test]
    fn on_lognormal_data_the_estimates_run_and_the_lognormal_beside_them_runs_along() {
        let mut generator = Generator::new(6);
        let found = tail((0..50_000).map(|_| (2.0 * generator.normal()).exp())).hill;
        // 1.77, 1.21 and 0.85 were seen on such a sample of another size.
        let alphas: Vec<f64> = found.iter().map(|hill| hill.alpha.value).collect();
        assert!(alphas[1] > alphas[4] && alphas[4] > alphas[6], "{alphas:?}");
        for hill in found {
            assert!(hill.alpha.covers(hill.lognormal.unwrap()), "{hill:?}");
        }
    }

    #[test]
    fn equal_few_and_impossible_values_have_no_index() {
        assert!(tail([5.0; 1000].into_iter()).hill.is_empty());
        assert!(tail((1..400).map(f64::from)).hill.is_empty());
        assert_eq!(tail([0.0, -1.0, f64::NAN, f64::INFINITY].into_iter()), Tail::default());
    }
}
