//! Chance, reproducibly: the same seed gives the same values on every platform and in every later version.
//!
//! The generator is xoshiro256++ (Blackman and Vigna), seeded through SplitMix64. The distributions are written out here, on the
//! pure-Rust `libm`, because neither a library's sampling nor a platform's logarithm promises the same bits for ever.

use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::{Rng as _, SeedableRng as _};

/// A stream of random numbers.
#[derive(Clone, Debug)]
pub struct Rng(Xoshiro256PlusPlus);

impl Rng {
    /// The stream of `seed`.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(Xoshiro256PlusPlus::seed_from_u64(seed))
    }

    /// A stream of its own for a part of the world, so that one part's draws do not shift another's.
    pub fn fork(&mut self) -> Self {
        Self::new(self.0.next_u64())
    }

    /// Any 64 bits.
    pub fn bits(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// A number in `0..bound` (0 when `bound` is 0). Its bias, below 2^-32 for bounds below 2^32, does not matter here.
    pub fn below(&mut self, bound: u64) -> u64 {
        ((u128::from(self.bits()) * u128::from(bound)) >> 64) as u64
    }

    /// A number in `[0, 1)`.
    pub fn unit(&mut self) -> f64 {
        (self.bits() >> 11) as f64 * (1.0 / (1_u64 << 53) as f64)
    }

    /// True with probability `share`.
    pub fn chance(&mut self, share: f64) -> bool {
        share > 0.0 && self.unit() < share
    }

    /// A draw from the exponential distribution with this mean.
    pub fn exponential(&mut self, mean: f64) -> f64 {
        -mean * libm::log(1.0 - self.unit())
    }

    /// A draw from the standard normal distribution (Box and Muller).
    pub fn normal(&mut self) -> f64 {
        let radius = libm::sqrt(-2.0 * libm::log(1.0 - self.unit()));
        radius * libm::cos(core::f64::consts::TAU * self.unit())
    }

    /// One of `choices`, by weight; `None` when the weights add up to nothing.
    pub fn pick<'a, T>(&mut self, choices: &'a [(u32, T)]) -> Option<&'a T> {
        let total: u64 = choices.iter().map(|(weight, _)| u64::from(*weight)).sum();
        let mut draw = self.below(total);
        choices.iter().find_map(|(weight, choice)| match draw.checked_sub(u64::from(*weight)) {
            Some(rest) => {
                draw = rest;
                None
            }
            None => Some(choice),
        })
    }
}

/// A distribution of a size (bytes, counts) or of a time (seconds), as data.
#[derive(Clone, Copy, Debug)]
pub enum Dist {
    /// Always this.
    Fixed(f64),
    /// Evenly between the two.
    Uniform(f64, f64),
    /// Log-normal: half of the draws lie below `median`; `sigma` is the deviation of the logarithm; cut at `max`.
    LogNormal {
        /// The median.
        median: f64,
        /// Standard deviation of the natural logarithm.
        sigma: f64,
        /// No draw is larger.
        max: f64,
    },
    /// Pareto: heavy-tailed, of infinite variance for `alpha` below 2; cut at `max`.
    Pareto {
        /// No draw is smaller.
        min: f64,
        /// The tail's exponent.
        alpha: f64,
        /// No draw is larger.
        max: f64,
    },
    /// Pareto between two bounds: what lies above `max` is not cut but never drawn, so that nothing piles up there.
    BoundedPareto {
        /// No draw is smaller.
        min: f64,
        /// The tail's exponent.
        alpha: f64,
        /// No draw is larger.
        max: f64,
    },
}

impl Dist {
    /// The exponent of a heavy tail, up to the bound.
    #[must_use]
    pub const fn tail(&self) -> Option<f64> {
        match *self {
            Self::Pareto { alpha, .. } | Self::BoundedPareto { alpha, .. } => Some(alpha),
            Self::Fixed(_) | Self::Uniform(..) | Self::LogNormal { .. } => None,
        }
    }

    /// A draw.
    pub fn sample(&self, rng: &mut Rng) -> f64 {
        match *self {
            Self::Fixed(value) => value,
            Self::Uniform(low, high) => low + (high - low) * rng.unit(),
            Self::LogNormal { median, sigma, max } => (median * libm::exp(sigma * rng.normal())).min(max),
            Self::Pareto { min, alpha, max } => (min * libm::pow(1.0 - rng.unit(), -1.0 / alpha)).min(max),
            Self::BoundedPareto { min, alpha, max } => {
                let beyond = libm::pow(min / max, alpha);
                min * libm::pow(1.0 - rng.unit() * (1.0 - beyond), -1.0 / alpha)
            }
        }
    }

    /// A draw as a whole number, at least 1.
    pub fn count(&self, rng: &mut Rng) -> u64 {
        (self.sample(rng) as u64).max(1)
    }

    /// A draw of seconds, as nanoseconds.
    pub fn nanos(&self, rng: &mut Rng) -> i64 {
        (self.sample(rng) * 1e9) as i64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_gives_these_values_for_ever() {
        let mut rng = Rng::new(1);
        assert_eq!(rng.bits(), 14_971_601_782_005_023_387);
        assert_eq!(rng.below(1000), 747);
        assert_eq!(rng.unit().to_bits(), 4_591_881_053_812_534_000);
    }

    #[test]
    fn draws_have_the_means_of_their_distributions() {
        let mut rng = Rng::new(7);
        let n = 100_000;
        let mut mean = |dist: Dist| (0..n).map(|_| dist.sample(&mut rng)).sum::<f64>() / f64::from(n);
        assert!((mean(Dist::Uniform(2.0, 4.0)) - 3.0).abs() < 0.02);
        assert!((mean(Dist::Pareto { min: 1.0, alpha: 3.0, max: f64::MAX }) - 1.5).abs() < 0.05);
        let log_normal = Dist::LogNormal { median: 10.0, sigma: 0.5, max: f64::MAX };
        assert!((mean(log_normal) - 10.0 * libm::exp(0.125)).abs() < 0.2);
        let exponential = (0..n).map(|_| rng.exponential(5.0)).sum::<f64>() / f64::from(n);
        assert!((exponential - 5.0).abs() < 0.1);
    }

    #[test]
    fn picks_follow_the_weights_and_never_take_a_weight_of_nothing() {
        let mut rng = Rng::new(3);
        let choices = [(3, 'a'), (0, 'b'), (1, 'c')];
        let a = (0..10_000).filter(|_| rng.pick(&choices) == Some(&'a')).count();
        assert!((7300..7700).contains(&a), "{a}");
        assert!((0..1000).all(|_| rng.pick(&choices) != Some(&'b')));
        assert_eq!(rng.pick(&[(0, 'b')]), None);
    }
}
