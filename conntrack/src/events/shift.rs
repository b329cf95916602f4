//! Whether the round-trip time has moved to another level: a two-sided CUSUM (Page, "Continuous inspection schemes", 1954).
//!
//! What is watched is the smallest of every [`GROUP`] samples, so that it makes no difference whether a receiver delays some of its
//! acknowledgments. The level before is the mean and standard deviation of the first [`LEARNT`] of these values. Each later value is taken as
//! its distance from that mean in standard deviations, and its excess over [`SLACK`] is summed up in either direction, a sum never falling
//! below zero. A sum beyond [`THRESHOLD`] is a shift: the new level is the mean of the values since that sum was last zero, and learning
//! begins again.
//!
//! - Distances are cut at [`FARTHEST`], so that it takes four values at least.
//! - The deviation is taken for no smaller than a twentieth of the mean and [`GRAIN`]: on a steady path the rounding of timestamps alone
//!   would otherwise be significant.
//! - For independent values a false alarm comes once in hundreds of thousands (Siegmund's approximation, 1985, with the slack lessened by the
//!   error of a mean of 16), and a shift of three deviations is noticed after six values. Those of a queue that fills and drains are not
//!   independent; that it does so is then what the shifts tell.

use serde::{Deserialize, Serialize};

/// Samples of which the smallest counts.
const GROUP: u8 = 4;

/// Values that make a level; they bring the error of its mean down to a quarter of a standard deviation.
const LEARNT: u64 = 16;

/// What is tolerated of every value, in standard deviations: shifts of twice as much are found fastest.
const SLACK: f64 = 0.75;

/// The sum that is a shift, in standard deviations.
const THRESHOLD: f64 = 12.0;

/// The farthest that a single value counts, in standard deviations.
const FARTHEST: f64 = 4.0;

/// The finest deviation that is believed, ns: software timestamps jitter by some ten microseconds.
const GRAIN: f64 = 50_000.0;

/// The round-trip time moved, ns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Shifted {
    /// Mean before.
    pub(super) from: i64,
    /// Mean since.
    pub(super) to: i64,
}

/// The detector of one half of the path.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(super) struct Shift {
    /// Of the group that is not complete: how many samples, and the smallest.
    group: (u8, i64),
    level: Level,
    up: Sum,
    down: Sum,
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
enum Level {
    /// Sum of squared distances from the mean, by Welford's recurrence.
    Learning {
        n: u64,
        mean: f64,
        squares: f64,
    },
    Known {
        mean: f64,
        sd: f64,
    },
}

/// The excess in one direction, and the values since it was last zero.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
struct Sum {
    excess: f64,
    values: f64,
    total: f64,
}

impl Sum {
    fn add(&mut self, excess: f64, value: f64) {
        if self.excess + excess <= 0.0 {
            *self = Self::default();
            return;
        }
        self.excess += excess;
        self.values += 1.0;
        self.total += value;
    }

    fn alarm(&self) -> Option<f64> {
        (self.excess > THRESHOLD).then(|| self.total / self.values)
    }
}

impl Level {
    const UNKNOWN: Self = Self::Learning { n: 0, mean: 0.0, squares: 0.0 };

    fn known(mean: f64, sd: f64) -> Self {
        Self::Known { mean, sd: sd.max(mean / 20.0).max(GRAIN) }
    }

    /// Learns from a value.
    fn learn(n: u64, mean: f64, squares: f64, value: f64) -> Self {
        let n = n + 1;
        let distance = value - mean;
        let mean = mean + distance / n as f64;
        let squares = squares + distance * (value - mean);
        if n < LEARNT {
            Self::Learning { n, mean, squares }
        } else {
            Self::known(mean, (squares / (n - 1) as f64).sqrt())
        }
    }
}

impl Shift {
    /// A detector that knows no level yet.
    pub(super) fn new() -> Self {
        Self { group: (0, i64::MAX), level: Level::UNKNOWN, up: Sum::default(), down: Sum::default() }
    }

    /// Takes in a sample, ns.
    pub(super) fn add(&mut self, sample: i64) -> Option<Shifted> {
        let (n, smallest) = (self.group.0 + 1, self.group.1.min(sample));
        if n < GROUP {
            self.group = (n, smallest);
            return None;
        }
        self.group = (0, i64::MAX);
        self.watch(smallest as f64)
    }

    fn watch(&mut self, value: f64) -> Option<Shifted> {
        let (mean, sd) = match self.level {
            Level::Known { mean, sd } => (mean, sd),
            Level::Learning { n, mean, squares } => {
                self.level = Level::learn(n, mean, squares, value);
                return None;
            }
        };
        let distance = ((value - mean) / sd).clamp(-FARTHEST, FARTHEST);
        self.up.add(distance - SLACK, value);
        self.down.add(-distance - SLACK, value);
        let to = self.up.alarm().or_else(|| self.down.alarm())?;
        *self = Self::new();
        Some(Shifted { from: mean.round() as i64, to: to.round() as i64 })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MS: i64 = 1_000_000;

    /// Noise of a standard deviation of about 1, the same every time: sums of twelve uniform numbers.
    fn noise() -> impl Iterator<Item = f64> {
        let mut state = 0x2545_f491_4f6c_dd1d_u64;
        std::iter::repeat_with(move || {
            let uniform = std::iter::repeat_with(|| {
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                (state >> 11) as f64 / (1u64 << 53) as f64
            });
            uniform.take(12).sum::<f64>() - 6.0
        })
    }

    fn samples(mean: i64, sd: i64) -> impl Iterator<Item = i64> {
        noise().map(move |z| mean + (z * sd as f64) as i64)
    }

    /// Samples that make a level.
    const LEARNING: usize = LEARNT as usize * GROUP as usize;

    /// A detector that has learnt such a level.
    fn after(mean: i64, sd: i64) -> Shift {
        let mut shift = Shift::new();
        assert_eq!(samples(mean, sd).take(LEARNING).find_map(|sample| shift.add(sample)), None);
        shift
    }

    #[test]
    fn a_steady_path_never_shifts() {
        let mut shift = after(20 * MS, 2 * MS);
        assert_eq!(samples(20 * MS, 2 * MS).take(200_000).find_map(|sample| shift.add(sample)), None);
    }

    #[test]
    fn a_step_is_told_within_some_samples_with_both_levels() {
        let mut shift = after(20 * MS, 2 * MS);
        for (n, sample) in samples(26 * MS, 2 * MS).enumerate() {
            if let Some(Shifted { from, to }) = shift.add(sample) {
                assert!((12..40).contains(&n), "{n}");
                // The smallest of four lies a deviation below their mean.
                assert!((from - 18 * MS).abs() < MS && (to - 24 * MS).abs() < 2 * MS, "{from} {to}");
                return;
            }
            assert!(n < 80);
        }
    }

    #[test]
    fn a_path_that_returns_shifts_twice() {
        let mut shift = after(20 * MS, 2 * MS);
        let there = samples(80 * MS, 2 * MS).take(200).filter_map(|sample| shift.add(sample)).count();
        let back = samples(20 * MS, 2 * MS).take(200).filter_map(|sample| shift.add(sample)).count();
        assert_eq!((there, back), (1, 1));
    }

    #[test]
    fn acknowledgments_that_are_delayed_more_often_than_before_are_no_shift() {
        let mut shift = after(3 * MS, MS / 10);
        let mut delay = samples(0, MS);
        for (n, sample) in samples(3 * MS, MS / 10).take(20_000).enumerate() {
            let delayed = delay.next().is_some_and(|noise| noise > 0) && n % 3 > 0;
            let sample = if delayed { sample + 40 * MS } else { sample };
            assert_eq!(shift.add(sample), None, "{n}");
        }
    }

    #[test]
    fn the_jitter_of_timestamps_on_a_short_steady_path_is_no_shift() {
        let mut shift = after(100_000, 1000);
        assert_eq!((0..1000).find_map(|n| shift.add(110_000 + n % 20_000)), None);
    }

    proptest! {
        #[test]
        fn any_samples_are_answered(samples in prop::collection::vec(any::<i64>(), 0..400)) {
            let mut shift = Shift::new();
            for sample in samples {
                shift.add(sample);
            }
        }
    }
}
