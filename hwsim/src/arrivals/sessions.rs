//! M/G/∞: sessions that begin as a Poisson process and last as Pareto says.
//!
//! The number of sessions alive has the autocovariance of their durations' tail, exactly a power law beyond the shortest duration:
//! rate x shortest^alpha / (alpha - 1) x t^(1 - alpha). That is the law of a process with Hurst parameter (3 - alpha) / 2 (Cox 1984;
//! Parulekar and Makowski 1996). It begins in its stationary state: sessions that are alive at the start have what is left of
//! them drawn from the law of what is left.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use wire::Nanos;

use crate::rng::Rng;

/// The parameters of the law.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shape {
    pub(super) alpha: f64,
    pub(super) shortest: f64,
    pub(super) pace: f64,
}

/// The sessions that are alive.
#[derive(Debug)]
pub(super) struct Sessions {
    shape: Shape,
    /// Seconds between two beginnings, on average.
    mean_gap: f64,
    /// When each ends.
    ends: BinaryHeap<Reverse<Nanos>>,
    next_begin: Nanos,
    rng: Rng,
}

impl Sessions {
    /// Stationary from `start` on, with `per_second` arrivals in a second on average.
    pub(super) fn new(shape: Shape, per_second: f64, start: Nanos, rng: Rng) -> Self {
        let mean_duration = shape.shortest * shape.alpha / (shape.alpha - 1.0);
        let mean_alive = per_second / shape.pace;
        let mut sessions =
            Self { shape, mean_gap: mean_duration / mean_alive, ends: BinaryHeap::new(), next_begin: start, rng };
        sessions.next_begin = sessions.gap_after(start);
        // As many as a Poisson process of rate 1 has points before the mean.
        let mut point = sessions.rng.exponential(1.0);
        while point < mean_alive {
            let left = sessions.left();
            sessions.ends.push(Reverse(start.plus((left * 1e9) as i64)));
            point += sessions.rng.exponential(1.0);
        }
        sessions
    }

    /// The first arrival after `now`.
    pub(super) fn next(&mut self, mut now: Nanos, rng: &mut Rng) -> Nanos {
        loop {
            let change = self.ends.peek().map_or(Nanos::MAX, |Reverse(end)| *end).min(self.next_begin);
            let rate = self.ends.len() as f64 * self.shape.pace;
            if rate > 0.0 {
                let arrival = now.plus((rng.exponential(1.0 / rate) * 1e9) as i64);
                if arrival < change {
                    return arrival;
                }
            }
            // What has no memory may be drawn anew where the rate changes.
            now = change;
            self.turn(change);
        }
    }

    /// A session begins or ends.
    fn turn(&mut self, now: Nanos) {
        if self.next_begin > now {
            self.ends.pop();
            return;
        }
        let duration = self.shape.shortest * libm::pow(1.0 - self.rng.unit(), -1.0 / self.shape.alpha);
        self.ends.push(Reverse(now.plus((duration * 1e9) as i64)));
        self.next_begin = self.gap_after(now);
    }

    fn gap_after(&mut self, now: Nanos) -> Nanos {
        now.plus((self.rng.exponential(self.mean_gap) * 1e9) as i64)
    }

    /// What is left of a session that is found alive, s: its density is the durations' tail over their mean.
    fn left(&mut self) -> f64 {
        let Shape { alpha, shortest, .. } = self.shape;
        if self.rng.chance((alpha - 1.0) / alpha) {
            return shortest * self.rng.unit();
        }
        shortest * libm::pow(1.0 - self.rng.unit(), -1.0 / (alpha - 1.0))
    }
}
