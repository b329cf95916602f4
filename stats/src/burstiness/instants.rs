//! Instants of a campaign in bounded memory: of each hour those of its beginning, as long a beginning as holds a few thousand.

use std::collections::BTreeMap;

use serde::Serialize;

use super::series::{HOUR, Part};
use crate::estimate::arrivals::{self, Arrivals, Untested};
use crate::estimate::dispersion::index_of_dispersion_for_intervals;
use crate::recorded::Recorded;
use crate::summary::Seconds;

/// Instants kept of an hour. The tests of [`arrivals`] have all the power that anyone could wish for with as many, and their rate changes less
/// within the shorter time that a busy hour needs for them.
const MOST: usize = 4096;

/// Sums of so many gaps have an index of dispersion.
const SUMS: [usize; 3] = [1, 10, 100];

/// How instants followed each other in an hour.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Gaps {
    /// The beginning of the hour that they were taken from.
    pub window_s: Seconds,
    /// Whether they are like a Poisson process; nothing where they cannot tell, and then `refused` says why.
    pub test: Option<Arrivals>,
    /// Why they are not tested.
    pub refused: Option<Untested>,
    /// Index of dispersion for intervals, over sums of so many; those for which there are too few are left out.
    pub dispersion: Vec<IntervalDispersion>,
}

/// Index of dispersion for intervals.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct IntervalDispersion {
    /// Over sums of so many gaps.
    pub gaps: usize,
    /// The index.
    pub index: f64,
}

/// Gathers instants. What is kept does not depend on their order.
#[derive(Debug)]
pub struct GatherInstants<'a> {
    recorded: &'a Recorded,
    hours: BTreeMap<Part, Beginning>,
}

/// The beginning of an hour: a 2^halvings-th of it.
#[derive(Debug, Default)]
struct Beginning {
    halvings: u32,
    kept: Vec<i64>,
}

impl Beginning {
    const fn length(&self) -> i64 {
        HOUR >> self.halvings
    }

    fn add(&mut self, offset: i64) {
        if (0..self.length()).contains(&offset) {
            self.kept.push(offset);
        }
        while self.kept.len() > MOST && self.length() > 1 {
            self.halvings += 1;
            let length = self.length();
            self.kept.retain(|&offset| offset < length);
        }
    }

    fn gaps(mut self, recorded: Seconds) -> Gaps {
        self.kept.sort_unstable();
        let gaps: Vec<f64> = self.kept.windows(2).map(|pair| (pair[1] - pair[0]) as f64 / 1e9).collect();
        let index =
            |sum| index_of_dispersion_for_intervals(&gaps, sum).map(|index| IntervalDispersion { gaps: sum, index });
        let test = arrivals::test(&self.kept);
        Gaps {
            window_s: Seconds(recorded.0.min(self.length() as f64 / 1e9)),
            test: test.ok(),
            refused: test.err(),
            dispersion: SUMS.into_iter().filter_map(index).collect(),
        }
    }
}

impl<'a> GatherInstants<'a> {
    /// Of a campaign that was recorded in these stretches.
    pub const fn new(recorded: &'a Recorded) -> Self {
        Self { recorded, hours: BTreeMap::new() }
    }

    /// Adds an instant. One of which nothing else was recorded is left out.
    pub fn add(&mut self, ts: i64) {
        let Some(part) = Part::holding(self.recorded, ts) else { return };
        let Some(ends) = part.ends(self.recorded) else { return };
        self.hours.entry(part).or_default().add(ts.saturating_sub(ends.first));
    }

    /// Takes out how they followed each other in a part of an hour, of which so much was recorded.
    pub fn take(&mut self, part: Part, recorded: Seconds) -> Gaps {
        self.hours.remove(&part).unwrap_or_default().gaps(recorded)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gathered(instants: impl IntoIterator<Item = i64>) -> Gaps {
        let recorded = Recorded::made_of(&[(HOUR + 100, 2 * HOUR)]);
        let mut gather = GatherInstants::new(&recorded);
        instants.into_iter().for_each(|ts| gather.add(ts));
        gather.take(Part::holding(&recorded, HOUR + 100).unwrap(), Seconds(1800.0))
    }

    #[test]
    fn a_quiet_hour_is_kept_whole_and_a_busy_one_shortened_whatever_the_order() {
        let quiet = gathered((0..1000).map(|n| HOUR + 100 + n * 1_000_000));
        assert_eq!((quiet.window_s, quiet.test.unwrap().gaps), (Seconds(1800.0), 999));
        let busy: Vec<i64> = (0..20_000).map(|n| HOUR + 100 + n * 100_000_000).collect();
        let forwards = gathered(busy.iter().copied());
        assert_eq!((forwards.window_s, forwards.test.unwrap().gaps), (Seconds(225.0), 2249));
        assert_eq!(gathered(busy.into_iter().rev()), forwards);
    }

    #[test]
    fn instants_all_at_once_come_to_an_end() {
        assert_eq!(gathered(std::iter::repeat_n(HOUR + 100, 100)).refused, Some(Untested::CoarseClock));
        assert_eq!(gathered(std::iter::repeat_n(HOUR + 100, 10_000)).test, None);
        assert_eq!(gathered([i64::MIN, i64::MAX, 0]), gathered([]), "what is not of it is left out");
        assert_eq!(gathered([i64::MIN, i64::MAX, 0]).refused, Some(Untested::TooFew));
    }
}
