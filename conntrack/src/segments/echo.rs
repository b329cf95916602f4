//! Round trips by timestamps (RFC 7323): from the segment that first carries a timestamp to the acknowledgment that echoes it.
//!
//! An echo tells which transmission is acknowledged, so there are samples where Karn's rule allows none. A receiver echoes the timestamp of the
//! segment that moved its left edge, of the earliest if it answers several at once (RFC 7323, 4.3): so the first segment with a timestamp is the
//! one to time, and only an acknowledgment of something new answers it (4.1). One segment is timed at a time, as one sample a round trip is
//! enough for a second opinion.

use serde::{Deserialize, Serialize};
use wire::{Nanos, SeqNum};

use crate::measures::RttRecord;
use crate::moment::Moment;

/// The round trips of one endpoint's segments by their timestamps.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(super) struct Echoes {
    /// The newest timestamp of a segment that takes sequence space.
    newest: SeqNum,
    /// That of the segment that is timed.
    timed: SeqNum,
    /// When that passed, while its echo is awaited.
    since: Moment,
    n: u64,
    min: i64,
    max: i64,
    /// Of all samples, ns: 292 years fit.
    sum: i64,
}

impl Echoes {
    /// Reads it, so that it is in the cache.
    pub(super) const fn touch(&self) -> u64 {
        self.n
    }

    /// The first segment that carries a timestamp has passed.
    pub(super) fn new(stamp: u32, ts: Nanos) -> Self {
        let stamp = SeqNum(stamp);
        let mut since = Moment::NEVER;
        since.set(ts);
        Self { newest: stamp, timed: stamp, since, n: 0, min: i64::MAX, max: i64::MIN, sum: 0 }
    }

    /// A segment with this timestamp has passed. If it was sent `again`, what is timed so far was lost or waits for it at the receiver.
    pub(super) fn sent(&mut self, stamp: u32, ts: Nanos, again: bool) {
        let stamp = SeqNum(stamp);
        if !stamp.is_after(self.newest) {
            return;
        }
        self.newest = stamp;
        if again || !self.since.came() {
            self.timed = stamp;
            self.since.set(ts);
        }
    }

    /// An acknowledgment of something new echoes this timestamp. One that is newer than the awaited one says that the latter's segment was lost.
    pub(super) fn echoed(&mut self, stamp: u32, ts: Nanos) {
        let Some(since) = self.since.get().filter(|_| !SeqNum(stamp).is_before(self.timed)) else { return };
        self.since = Moment::NEVER;
        let sample = ts.since(since);
        if SeqNum(stamp) == self.timed && sample >= 0 {
            self.n += 1;
            self.min = self.min.min(sample);
            self.max = self.max.max(sample);
            self.sum = self.sum.saturating_add(sample);
        }
    }

    /// Its part of the row.
    pub(super) fn record(&self) -> RttRecord {
        let measured = self.n > 0;
        let n = i64::try_from(self.n).unwrap_or(i64::MAX);
        RttRecord {
            n: self.n,
            min: measured.then_some(self.min),
            mean: self.sum.checked_div(n),
            max: measured.then_some(self.max),
            sd: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn samples(echoes: &Echoes) -> (u64, Option<i64>, Option<i64>) {
        let record = echoes.record();
        (record.n, record.min, record.max)
    }

    #[test]
    fn the_first_segment_with_a_timestamp_is_timed_until_its_echo() {
        let mut echoes = Echoes::new(7, Nanos(10));
        echoes.sent(7, Nanos(11), false);
        echoes.sent(8, Nanos(12), false);
        echoes.echoed(7, Nanos(40));
        echoes.sent(8, Nanos(41), false);
        echoes.echoed(8, Nanos(42));
        assert_eq!(samples(&echoes), (1, Some(30), Some(30)), "the first segment with 8 was not timed");
        echoes.sent(9, Nanos(50), false);
        echoes.echoed(9, Nanos(70));
        assert_eq!(samples(&echoes), (2, Some(20), Some(30)));
        assert_eq!(echoes.record().mean, Some(25));
    }

    #[test]
    fn an_older_echo_answers_something_else_and_a_newer_one_says_that_the_timed_segment_was_lost() {
        let mut echoes = Echoes::new(u32::MAX, Nanos(10));
        echoes.echoed(u32::MAX - 1, Nanos(20));
        echoes.sent(1, Nanos(30), false);
        echoes.echoed(1, Nanos(60));
        assert_eq!(samples(&echoes), (0, None, None));
        echoes.sent(2, Nanos(70), false);
        echoes.echoed(2, Nanos(95));
        assert_eq!(samples(&echoes), (1, Some(25), Some(25)));
    }

    #[test]
    fn a_retransmission_is_timed_anew() {
        let mut echoes = Echoes::new(7, Nanos(10));
        echoes.sent(9, Nanos(400), true);
        echoes.echoed(7, Nanos(410));
        echoes.echoed(9, Nanos(430));
        assert_eq!(samples(&echoes), (1, Some(30), Some(30)));
    }

    #[test]
    fn a_clock_that_steps_back_makes_no_sample() {
        let mut echoes = Echoes::new(7, Nanos(10));
        echoes.echoed(7, Nanos(9));
        assert_eq!(samples(&echoes), (0, None, None));
    }
}
