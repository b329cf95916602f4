//! Parts of bins into rows of the `intervals` table.

use std::collections::BTreeMap;

use wire::{Interval, Nanos};

use crate::rows::IntervalRow;

/// Adds up the parts of each bin that shards and pollers give, and gives the bin as one row once every producer has passed it.
///
/// `live` runs along: all that opened less all that closed, up to the end of the bin. A part that comes for a bin that was given
/// before becomes a further row for the same bin, without `live`: rows of a bin add up to the truth in any case, and the part
/// counts in `live` from the next bin on. So the sum of a column over all rows never depends on threads or timing.
#[derive(Debug)]
pub struct Aggregator {
    bins: BTreeMap<Nanos, Interval>,
    clocks: Vec<Nanos>,
    /// Bins before this one were given.
    given_to: Nanos,
    live: i64,
}

impl Aggregator {
    /// How far behind the slowest producer's clock a bin waits, ns of packet time: packets that are late by less do not cost a row.
    pub const LAG: i64 = Nanos::PER_SECOND;
    /// How many bins wait at most; the oldest is given when there are more. 17 minutes at the default of 10 ms.
    pub const LIMIT: usize = 100_000;

    /// For parts of `producers` producers, each of which must show its clock before anything is given.
    #[must_use]
    pub fn new(producers: u16) -> Self {
        Self { bins: BTreeMap::new(), clocks: vec![Nanos::MIN; usize::from(producers)], given_to: Nanos::MIN, live: 0 }
    }

    /// So many connections are open before the first bin.
    pub const fn begin_with(&mut self, open: u64) {
        self.live = self.live.saturating_add_unsigned(open);
    }

    /// Adds a part.
    pub fn add(&mut self, part: &Interval) {
        self.bins.entry(part.ts).and_modify(|bin| bin.add(part)).or_insert(*part);
    }

    /// The producer gives no part before `clock` any more; at its end, [`Nanos::MAX`]. An unknown producer counts for nothing.
    pub fn advance(&mut self, producer: u16, clock: Nanos) {
        if let Some(known) = self.clocks.get_mut(usize::from(producer)) {
            *known = clock.max(*known);
        }
    }

    /// The next row that is complete, oldest bin first.
    pub fn take(&mut self) -> Option<IntervalRow> {
        let slowest = self.clocks.iter().copied().min().unwrap_or(Nanos::MAX);
        let (&ts, bin) = self.bins.first_key_value()?;
        let complete = slowest == Nanos::MAX || bin.ts.plus(bin.width).plus(Self::LAG) <= slowest;
        if !complete && self.bins.len() <= Self::LIMIT {
            return None;
        }
        let interval = self.bins.remove(&ts)?;
        self.live += interval.opened as i64 - interval.closed as i64;
        if ts < self.given_to {
            return Some(IntervalRow { interval, live: None });
        }
        self.given_to = ts.plus(interval.width.max(1));
        Some(IntervalRow { interval, live: Some(u64::try_from(self.live).unwrap_or(0)) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(ts: i64, opened: u64, closed: u64) -> Interval {
        Interval { opened, closed, ..Interval::around(Nanos(ts), 10) }
    }

    fn drain(aggregator: &mut Aggregator) -> Vec<(i64, u64, u64, Option<u64>)> {
        std::iter::from_fn(|| aggregator.take())
            .map(|row| (row.interval.ts.0, row.interval.opened, row.interval.closed, row.live))
            .collect()
    }

    #[test]
    fn parts_of_a_bin_add_up_and_wait_for_the_slowest_producer() {
        let mut aggregator = Aggregator::new(2);
        aggregator.add(&part(10, 3, 0));
        aggregator.add(&part(20, 0, 1));
        aggregator.add(&part(10, 1, 1));
        aggregator.advance(0, Nanos(Aggregator::LAG + 20));
        assert_eq!(drain(&mut aggregator), []);
        aggregator.advance(1, Nanos(Aggregator::LAG + 20));
        assert_eq!(drain(&mut aggregator), [(10, 4, 1, Some(3))]);
        aggregator.advance(0, Nanos::MAX);
        aggregator.advance(1, Nanos::MAX);
        assert_eq!(drain(&mut aggregator), [(20, 0, 1, Some(2))]);
    }

    #[test]
    fn a_late_part_becomes_a_further_row_and_counts_in_live_from_then_on() {
        let mut aggregator = Aggregator::new(1);
        aggregator.add(&part(10, 1, 0));
        aggregator.advance(0, Nanos(Aggregator::LAG + 20));
        assert_eq!(drain(&mut aggregator), [(10, 1, 0, Some(1))]);
        aggregator.add(&part(10, 5, 0));
        aggregator.add(&part(20, 0, 1));
        aggregator.advance(0, Nanos::MAX);
        assert_eq!(drain(&mut aggregator), [(10, 5, 0, None), (20, 0, 1, Some(5))]);
    }

    #[test]
    fn a_producer_that_never_shows_its_clock_cannot_fill_the_memory() {
        let mut aggregator = Aggregator::new(2);
        for bin in 0..=Aggregator::LIMIT as i64 {
            aggregator.add(&part(bin * 10, 1, 0));
        }
        assert_eq!(drain(&mut aggregator), [(0, 1, 0, Some(1))]);
    }
}
