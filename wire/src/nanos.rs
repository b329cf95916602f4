//! Packet time.

use serde::{Deserialize, Serialize};

/// An instant: nanoseconds since the Unix epoch, UTC. All time in the tracker is the time of packets, never of a clock.
///
/// The range, 1677 to 2262, is that of a Parquet nanosecond timestamp; arithmetic saturates at its ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Nanos(pub i64);

impl Nanos {
    /// Before every packet.
    pub const MIN: Self = Self(i64::MIN);
    /// After every packet.
    pub const MAX: Self = Self(i64::MAX);
    /// Nanoseconds in a second.
    pub const PER_SECOND: i64 = 1_000_000_000;

    /// An instant or a length of `seconds`, saturating.
    #[must_use]
    pub const fn from_secs(seconds: i64) -> Self {
        Self(seconds.saturating_mul(Self::PER_SECOND))
    }

    /// Nanoseconds from `earlier` to `self`; negative when the clock stepped back between them.
    #[must_use]
    pub const fn since(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0)
    }

    /// Nanoseconds from `earlier` to `self`, or 0 when the clock stepped back between them.
    #[must_use]
    pub const fn elapsed_since(self, earlier: Self) -> i64 {
        let elapsed = self.since(earlier);
        if elapsed < 0 { 0 } else { elapsed }
    }

    /// The instant `nanos` later.
    #[must_use]
    pub const fn plus(self, nanos: i64) -> Self {
        Self(self.0.saturating_add(nanos))
    }

    /// The whole seconds and the nanoseconds (0..1e9) beyond them, rounding towards the past.
    #[must_use]
    pub const fn split(self) -> (i64, u32) {
        (self.0.div_euclid(Self::PER_SECOND), self.0.rem_euclid(Self::PER_SECOND) as u32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_steps_back_gives_no_negative_elapsed_time() {
        assert_eq!(Nanos(5).elapsed_since(Nanos(9)), 0);
        assert_eq!(Nanos(5).since(Nanos(9)), -4);
    }

    #[test]
    fn arithmetic_saturates_at_the_ends_of_time() {
        assert_eq!(Nanos::MAX.plus(1), Nanos::MAX);
        assert_eq!(Nanos::MIN.since(Nanos::MAX), i64::MIN);
        assert_eq!(Nanos::from_secs(i64::MAX), Nanos::MAX);
    }

    #[test]
    fn split_rounds_towards_the_past() {
        assert_eq!(Nanos(-1).split(), (-1, 999_999_999));
        assert_eq!(Nanos(1_500_000_000).split(), (1, 500_000_000));
    }
}
