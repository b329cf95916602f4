//! Frames that are not TCP: when they come, and how long they wait for the tapped line.

use std::collections::VecDeque;

use wire::{Direction, Nanos};

use super::after;
use crate::frame::{Addressing, Other};
use crate::rng::Rng;

/// What comes, of which flow, and who sends it.
pub(super) type Drawn = (Other, Addressing, Direction);

/// Other traffic, Poisson.
#[derive(Debug)]
pub(super) struct Others {
    pub(super) rng: Rng,
    per_second: f64,
    /// When the next comes.
    next: Nanos,
    /// Those that are being sent over the line or wait for it, by the instants at which they pass the tap.
    waiting: VecDeque<(Nanos, Drawn)>,
}

impl Others {
    pub(super) fn new(per_second: f64, start: Nanos, mut rng: Rng) -> Self {
        Self { next: after(start, per_second, &mut rng), rng, per_second, waiting: VecDeque::new() }
    }

    /// When the next comes, or passes.
    pub(super) fn at(&self) -> Nanos {
        self.waiting.front().map_or(self.next, |(at, _)| self.next.min(*at))
    }

    /// The one that passes the tap now after it has crossed the line, if one does.
    pub(super) fn crossed(&mut self, now: Nanos) -> Option<Drawn> {
        let (at, _) = self.waiting.front()?;
        if *at > now {
            return None;
        }
        self.waiting.pop_front().map(|(_, drawn)| drawn)
    }

    /// One has come; the next follows.
    pub(super) fn advance(&mut self, now: Nanos) {
        self.next = after(now, self.per_second, &mut self.rng);
    }

    /// One passes the tap at this instant.
    pub(super) fn wait(&mut self, until: Nanos, drawn: Drawn) {
        let place = self.waiting.partition_point(|(at, _)| *at <= until);
        self.waiting.insert(place, (until, drawn));
    }

    /// No more come.
    pub(super) fn end(&mut self) {
        self.next = Nanos::MAX;
        self.waiting.clear();
    }
}
