//! Fractional Gaussian noise, and arrivals whose rate it drives.
//!
//! The noise is synthesised exactly, by embedding its covariance in a circulant matrix, whose eigenvalues a Fourier transform gives
//! (Davies and Harte 1987; Dietrich and Newsam 1997). A block of 2^n values takes a transform of 2^(n+1), once a block. The transform
//! is written out here: a library's takes whichever instructions the machine has, and does not promise the same bits everywhere.

use core::f64::consts::TAU;

use wire::Nanos;

use crate::rng::Rng;

/// 2^20 steps: a block takes 32 MB while it is made, and 8 MB after.
const MOST_OCTAVES: u32 = 20;

/// The parameters of the law.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shape {
    pub(super) hurst: f64,
    pub(super) sigma: f64,
    pub(super) step: f64,
    pub(super) octaves: u32,
}

/// A rate that wanders, and the arrivals that it makes.
#[derive(Debug)]
pub(super) struct Noise {
    shape: Shape,
    per_second: f64,
    /// The eigenvalues' square roots, kept from block to block.
    roots: Vec<f64>,
    /// The rate in each step that is left of the block, the next at the end.
    rates: Vec<f64>,
    /// The step that runs: its end, and its rate.
    step_end: Nanos,
    rate: f64,
    rng: Rng,
}

impl Noise {
    pub(super) fn new(shape: Shape, per_second: f64, start: Nanos, rng: Rng) -> Self {
        let roots = roots_of_eigenvalues(shape.hurst, shape.octaves.min(MOST_OCTAVES));
        Self { shape, per_second, roots, rates: Vec::new(), step_end: start, rate: 0.0, rng }
    }

    /// The first arrival after `now`.
    pub(super) fn next(&mut self, mut now: Nanos, rng: &mut Rng) -> Nanos {
        loop {
            if self.rate > 0.0 {
                let arrival = now.plus((rng.exponential(1.0 / self.rate) * 1e9) as i64);
                if arrival < self.step_end {
                    return arrival;
                }
            }
            // What has no memory may be drawn anew where the rate changes.
            now = self.step_end;
            self.step();
        }
    }

    fn step(&mut self) {
        if self.rates.is_empty() {
            self.rates = block(&self.roots, &mut self.rng);
            let Shape { sigma, .. } = self.shape;
            for rate in &mut self.rates {
                *rate = self.per_second * libm::exp(sigma * *rate - sigma * sigma / 2.0);
            }
        }
        self.rate = self.rates.pop().unwrap_or(0.0);
        self.step_end = self.step_end.plus(((self.shape.step * 1e9) as i64).max(1));
    }
}

/// Covariance of noise of unit variance, `lag` steps apart.
fn covariance(hurst: f64, lag: f64) -> f64 {
    let power = |lag: f64| libm::pow(libm::fabs(lag), 2.0 * hurst);
    (power(lag + 1.0) - 2.0 * power(lag) + power(lag - 1.0)) / 2.0
}

/// Of the circulant matrix of twice 2^`octaves` rows, each divided by the number of rows.
fn roots_of_eigenvalues(hurst: f64, octaves: u32) -> Vec<f64> {
    let half = 1_usize << octaves;
    let mut values: Vec<Complex> =
        (0..2 * half).map(|at| Complex { re: covariance(hurst, at.min(2 * half - at) as f64), im: 0.0 }).collect();
    transform(&mut values);
    // None is negative for fractional Gaussian noise (Craigmile 2003), but for rounding.
    values.iter().map(|value| libm::sqrt(value.re.max(0.0) / (2 * half) as f64)).collect()
}

/// A block of noise of unit variance.
fn block(roots: &[f64], rng: &mut Rng) -> Vec<f64> {
    let mut values: Vec<Complex> =
        roots.iter().map(|root| Complex { re: root * rng.normal(), im: root * rng.normal() }).collect();
    transform(&mut values);
    values.iter().take(roots.len() / 2).map(|value| value.re).collect()
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct Complex {
    re: f64,
    im: f64,
}

impl Complex {
    fn plus(self, other: Self) -> Self {
        Self { re: self.re + other.re, im: self.im + other.im }
    }

    fn minus(self, other: Self) -> Self {
        Self { re: self.re - other.re, im: self.im - other.im }
    }

    fn times(self, other: Self) -> Self {
        Self { re: self.re * other.re - self.im * other.im, im: self.re * other.im + self.im * other.re }
    }
}

/// The Fourier transform, in place, of a power of two of values (Cooley and Tukey, radix 2).
fn transform(values: &mut [Complex]) {
    let n = values.len();
    if n < 2 {
        return;
    }
    let shift = usize::BITS - n.trailing_zeros();
    for at in 0..n {
        let mirrored = at.reverse_bits() >> shift;
        if at < mirrored {
            values.swap(at, mirrored);
        }
    }
    let turns: Vec<Complex> = (0..n / 2)
        .map(|at| {
            let angle = -TAU * at as f64 / n as f64;
            Complex { re: libm::cos(angle), im: libm::sin(angle) }
        })
        .collect();
    let mut span = 1;
    while span < n {
        for group in values.chunks_exact_mut(2 * span) {
            let (low, high) = group.split_at_mut(span);
            for ((one, other), turn) in low.iter_mut().zip(high).zip(turns.iter().step_by(n / (2 * span))) {
                let turned = other.times(*turn);
                (*one, *other) = (one.plus(turned), one.minus(turned));
            }
        }
        span *= 2;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_transform_is_the_sum_that_defines_it() {
        let mut rng = Rng::new(1);
        let values: Vec<Complex> = (0..16).map(|_| Complex { re: rng.normal(), im: rng.normal() }).collect();
        let mut transformed = values.clone();
        transform(&mut transformed);
        for (at, got) in transformed.iter().enumerate() {
            let sum = values.iter().enumerate().fold(Complex { re: 0.0, im: 0.0 }, |sum, (k, value)| {
                let angle = -TAU * (at * k) as f64 / 16.0;
                sum.plus(value.times(Complex { re: libm::cos(angle), im: libm::sin(angle) }))
            });
            assert!((sum.re - got.re).abs() < 1e-12 && (sum.im - got.im).abs() < 1e-12);
        }
    }

    #[test]
    fn the_noise_has_the_covariance_that_defines_it() {
        for hurst in [0.6, 0.8, 0.9] {
            let roots = roots_of_eigenvalues(hurst, 12);
            let mut rng = Rng::new(2);
            let blocks: Vec<Vec<f64>> = (0..100).map(|_| block(&roots, &mut rng)).collect();
            for lag in [0, 1, 2, 10, 100] {
                let products = blocks.iter().flat_map(|block| block.iter().zip(&block[lag..]).map(|(x, y)| x * y));
                let mean = products.sum::<f64>() / (blocks.len() * (4096 - lag)) as f64;
                let told = covariance(hurst, lag as f64);
                assert!((mean - told).abs() < 0.04, "H {hurst}, lag {lag}: {mean} for {told}");
            }
        }
    }
}
