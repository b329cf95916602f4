//! When connections begin: a law of arrivals as data, and the process that follows it.
//!
//! Each law is a point process whose rate over long times is known, and whose Hurst parameter is known by theorem, not by estimate:
//!
//! | law | rate at an instant | Hurst parameter of the counts |
//! | --- | --- | --- |
//! | [`Law::Poisson`] | constant | 1/2 |
//! | [`Law::SelfSimilar`] | log-normal, its logarithm fractional Gaussian noise ([`noise`]) | that of the noise |
//! | [`Law::Sessions`] | sessions alive (M/G/∞, Pareto durations) times their pace ([`sessions`]) | (3 - `alpha`) / 2 |
//!
//! A [`Rhythm`] of day and week multiplies the rate of any of them, by thinning: the law runs at the week's peak, and an arrival
//! stays with the probability that its instant has. All of them stream: what is held does not grow with the capture.

mod noise;
mod rhythm;
mod sessions;

use wire::Nanos;

use crate::rng::Rng;

pub use rhythm::Rhythm;

use noise::Noise;
use sessions::Sessions;

/// A process of arrivals, as data.
#[derive(Clone, Copy, Debug)]
pub struct Arrivals {
    /// Arrivals in a second, on average over weeks.
    pub per_second: f64,
    /// How they cluster.
    pub law: Law,
    /// How the rate follows the clock.
    pub rhythm: &'static Rhythm,
}

/// How arrivals cluster.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Law {
    /// Independent of each other.
    Poisson,
    /// Poisson with a rate that is constant for a step and wanders from step to step: exp(`sigma` X - `sigma`²/2) times the mean,
    /// X being fractional Gaussian noise. The exponential has Hermite rank 1, so that it keeps the noise's Hurst parameter
    /// (Taqqu 1975), and its mean is 1.
    SelfSimilar {
        /// Hurst parameter of the noise, above 1/2 and below 1.
        hurst: f64,
        /// Deviation of the rate's logarithm.
        sigma: f64,
        /// Length of a step, s.
        step: f64,
        /// Two to this power is the number of steps after which the noise begins anew, independent of before: the dependence
        /// reaches that far and not farther.
        octaves: u32,
    },
    /// Sessions begin independently of each other, last for a time with a heavy tail, and open connections at an even pace:
    /// arrivals in bursts, of which a few last long.
    Sessions {
        /// Exponent of the durations' Pareto tail, above 1 and below 2.
        alpha: f64,
        /// The shortest session, s.
        shortest: f64,
        /// Connections that a session opens in a second.
        pace: f64,
    },
}

impl Law {
    /// The Hurst parameter of the counts of arrivals, over intervals that are long beside a step or the shortest session.
    #[must_use]
    pub fn hurst(&self) -> f64 {
        match *self {
            Self::Poisson => 0.5,
            Self::SelfSimilar { hurst, .. } => hurst,
            Self::Sessions { alpha, .. } => (3.0 - alpha) / 2.0,
        }
    }
}

/// Arrivals as they happen.
#[derive(Debug)]
pub struct Process {
    rhythm: &'static Rhythm,
    clustered: Clustered,
}

#[derive(Debug)]
enum Clustered {
    Never,
    Poisson { mean_gap: f64 },
    Noise(Noise),
    Sessions(Sessions),
}

impl Process {
    /// The process from `start` on, at `scale` times the rate that `arrivals` tells.
    #[must_use]
    pub fn new(arrivals: &Arrivals, scale: f64, start: Nanos, rng: &mut Rng) -> Self {
        let peak = arrivals.per_second * scale * arrivals.rhythm.peak();
        let clustered = match arrivals.law {
            _ if peak <= 0.0 => Clustered::Never,
            Law::Poisson => Clustered::Poisson { mean_gap: 1.0 / peak },
            Law::SelfSimilar { hurst, sigma, step, octaves } => {
                Clustered::Noise(Noise::new(noise::Shape { hurst, sigma, step, octaves }, peak, start, rng.fork()))
            }
            Law::Sessions { alpha, shortest, pace } => {
                Clustered::Sessions(Sessions::new(sessions::Shape { alpha, shortest, pace }, peak, start, rng.fork()))
            }
        };
        Self { rhythm: arrivals.rhythm, clustered }
    }

    /// The first arrival after `now`, which is the one before it or the beginning; [`Nanos::MAX`] when none ever comes.
    pub fn next(&mut self, mut now: Nanos, rng: &mut Rng) -> Nanos {
        loop {
            now = match &mut self.clustered {
                Clustered::Never => return Nanos::MAX,
                Clustered::Poisson { mean_gap } => now.plus((rng.exponential(*mean_gap) * 1e9) as i64),
                Clustered::Noise(noise) => noise.next(now, rng),
                Clustered::Sessions(sessions) => sessions.next(now, rng),
            };
            if self.rhythm.is_even() || rng.unit() * self.rhythm.peak() < self.rhythm.at(now) {
                return now;
            }
        }
    }
}

#[cfg(test)]
mod tests;
