//! Series whose Hurst parameter is known, for tests.

use std::f64::consts::PI;

use rustfft::FftPlanner;
use rustfft::num_complex::Complex;

/// Random numbers, the same for the same seed (SplitMix64).
pub struct Generator(u64);

impl Generator {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut x = self.0;
        x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        x ^ (x >> 31)
    }

    /// Between 0 and 1, neither included.
    pub fn uniform(&mut self) -> f64 {
        ((self.next() >> 11) as f64 + 0.5) / (1u64 << 53) as f64
    }

    /// Of mean 0 and variance 1 (Box and Muller).
    pub fn normal(&mut self) -> f64 {
        (-2.0 * self.uniform().ln()).sqrt() * (2.0 * PI * self.uniform()).cos()
    }

    /// Of mean 1.
    pub fn exponential(&mut self) -> f64 {
        -self.uniform().ln()
    }

    /// Counts of a Poisson process of this mean (the sum of a small one's arrivals).
    pub fn poisson(&mut self, mean: f64) -> f64 {
        let mut count = 0.0;
        let mut at = self.exponential();
        while at < mean {
            count += 1.0;
            at += self.exponential();
        }
        count
    }
}

/// `n` values of fractional Gaussian noise of variance 1, exactly (Davies and Harte 1987). `n` is a power of two.
pub fn fractional_gaussian_noise(n: usize, hurst: f64, generator: &mut Generator) -> Vec<f64> {
    let covariance = |lag: usize| {
        let power = |k: f64| k.abs().powf(2.0 * hurst);
        let k = lag as f64;
        0.5 * (power(k + 1.0) - 2.0 * power(k) + power(k - 1.0))
    };
    let mut spectrum: Vec<Complex<f64>> = (0..2 * n).map(|k| Complex::new(covariance(k.min(2 * n - k)), 0.0)).collect();
    let fft = FftPlanner::new().plan_fft_forward(2 * n);
    fft.process(&mut spectrum);
    let mut draws: Vec<Complex<f64>> = spectrum
        .iter()
        .map(|value| {
            let scale = (value.re.max(0.0) / (2 * n) as f64).sqrt();
            Complex::new(generator.normal() * scale, generator.normal() * scale)
        })
        .collect();
    fft.process(&mut draws);
    draws.iter().take(n).map(|value| value.re).collect()
}
