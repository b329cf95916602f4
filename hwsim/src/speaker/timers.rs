//! The retransmission timer's value (RFC 6298), and the round trips that it follows from.

/// Before the first sample, ns (RFC 6298, 2.1).
const INITIAL: i64 = 1_000_000_000;
/// The longest, ns: Linux's TCP_RTO_MAX.
const LONGEST: i64 = 120_000_000_000;
/// No more doublings are worth counting: the longest is reached.
const MOST_DOUBLINGS: u8 = 8;

/// A retransmission timeout that follows the round trip.
#[derive(Clone, Debug)]
pub(super) struct Rto {
    /// Smoothed round trip and its variation, ns, once there is a sample.
    smoothed: Option<(i64, i64)>,
    /// The least that is added to the smoothed round trip, ns.
    floor: i64,
    doublings: u8,
    samples: Samples,
}

/// Round trips as a sender measured them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Samples {
    /// How many.
    pub count: u64,
    /// The shortest, ns.
    pub min: i64,
    /// The longest, ns.
    pub max: i64,
    /// All together, ns.
    pub sum: i64,
}

impl Samples {
    /// No sample.
    pub const NONE: Self = Self { count: 0, min: 0, max: 0, sum: 0 };

    /// Adds a round trip, ns.
    pub fn add(&mut self, rtt: i64) {
        self.min = if self.count == 0 { rtt } else { self.min.min(rtt) };
        self.max = self.max.max(rtt);
        self.sum = self.sum.saturating_add(rtt);
        self.count += 1;
    }

    /// Their mean, ns; `None` when there are none.
    #[must_use]
    pub fn mean(&self) -> Option<i64> {
        i64::try_from(self.count).ok().and_then(|count| self.sum.checked_div(count))
    }
}

impl Rto {
    /// A timeout without a sample, which will exceed the smoothed round trip by `floor` (ns) at least.
    pub(super) const fn new(floor: i64) -> Self {
        Self { smoothed: None, floor, doublings: 0, samples: Samples::NONE }
    }

    /// Its value, ns.
    pub(super) fn value(&self) -> i64 {
        let once = self.smoothed.map_or(INITIAL, |(mean, variation)| mean + (4 * variation).max(self.floor));
        (once << self.doublings.min(MOST_DOUBLINGS)).min(LONGEST)
    }

    /// A round trip was measured, ns (RFC 6298, 2.2 and 2.3).
    pub(super) fn sample(&mut self, rtt: i64) {
        self.samples.add(rtt);
        self.smoothed = Some(match self.smoothed {
            None => (rtt, rtt / 2),
            Some((mean, variation)) => (mean + (rtt - mean) / 8, variation + ((mean - rtt).abs() - variation) / 4),
        });
    }

    /// It fired (RFC 6298, 5.5).
    pub(super) const fn back_off(&mut self) {
        self.doublings = self.doublings.saturating_add(1);
    }

    /// Something new was acknowledged.
    pub(super) const fn restore(&mut self) {
        self.doublings = 0;
    }

    pub(super) const fn samples(&self) -> Samples {
        self.samples
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: i64 = 1_000_000;

    #[test]
    fn the_timeout_starts_at_a_second_and_follows_the_round_trip() {
        let mut rto = Rto::new(0);
        assert_eq!(rto.value(), 1000 * MS);
        rto.sample(80 * MS);
        assert_eq!(rto.value(), (80 + 4 * 40) * MS, "RFC 6298, 2.2");
        rto.sample(160 * MS);
        // SRTT 90, RTTVAR 3/4 of 40 and 1/4 of 80.
        assert_eq!(rto.value(), (90 + 4 * 50) * MS, "RFC 6298, 2.3");
        assert_eq!(rto.samples(), Samples { count: 2, min: 80 * MS, max: 160 * MS, sum: 240 * MS });
    }

    #[test]
    fn it_never_falls_below_the_floor_and_doubles_until_something_is_acknowledged() {
        let mut rto = Rto::new(200 * MS);
        for _ in 0..100 {
            rto.sample(10 * MS);
        }
        assert_eq!(rto.value(), 210 * MS);
        rto.back_off();
        rto.back_off();
        assert_eq!(rto.value(), 840 * MS);
        for _ in 0..20 {
            rto.back_off();
        }
        assert!(rto.value() <= LONGEST);
        rto.restore();
        assert_eq!(rto.value(), 210 * MS);
    }
}
