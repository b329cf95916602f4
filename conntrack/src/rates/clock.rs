//! The time of a stream of packets, which never runs backwards.

use serde::{Deserialize, Serialize};
use wire::Nanos;

use crate::moment::Moment;

/// A packet that is older than its predecessor by less than this came late, ns; otherwise the clock was set back.
const STEP: i64 = Nanos::PER_SECOND;

/// The latest instant of a stream. A late packet counts at the latest instant before it. Where the clock was set back, time goes
/// on from there, and what lies between counts as no time.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(super) struct Clock {
    latest: Moment,
}

/// A packet's place in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Tick {
    /// The instant that it counts at.
    pub(super) now: Nanos,
    /// Since the packet before, ns; never negative, and 0 for the first.
    pub(super) gap: i64,
    /// The clock was set back just before it.
    pub(super) set_back: bool,
}

impl Default for Clock {
    fn default() -> Self {
        Self { latest: Moment::NEVER }
    }
}

impl Clock {
    /// Moves on to a packet.
    pub(super) fn advance(&mut self, ts: Nanos) -> Tick {
        let latest = self.latest.get().unwrap_or(ts);
        let gap = ts.since(latest);
        let set_back = gap <= -STEP;
        let now = if set_back { ts } else { latest.max(ts) };
        self.latest.set(now);
        Tick { now, gap: gap.max(0), set_back }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_late_packet_counts_at_the_latest_instant_and_a_clock_set_back_starts_anew() {
        let mut clock = Clock::default();
        let second = Nanos::from_secs;
        assert_eq!(clock.advance(second(10)), Tick { now: second(10), gap: 0, set_back: false });
        assert_eq!(clock.advance(second(12)), Tick { now: second(12), gap: 2_000_000_000, set_back: false });
        assert_eq!(clock.advance(second(11).plus(1)), Tick { now: second(12), gap: 0, set_back: false });
        assert_eq!(clock.advance(second(11)), Tick { now: second(11), gap: 0, set_back: true });
        assert_eq!(clock.advance(second(12)), Tick { now: second(12), gap: 1_000_000_000, set_back: false });
    }

    #[test]
    fn the_ends_of_time_do_not_overflow() {
        let mut clock = Clock::default();
        clock.advance(Nanos(i64::MIN + 1));
        assert_eq!(clock.advance(Nanos::MAX).gap, i64::MAX);
        assert!(clock.advance(Nanos(i64::MIN + 1)).set_back);
    }
}
