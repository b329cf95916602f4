//! One direction of the way between two speakers, in two halves: from the sender to the tap, and from the tap to the receiver.
//!
//! A link keeps the order of what it carries. It delays by a constant and a little jitter, and it may lose a segment on either
//! half: before the tap, so that nobody sees it, or after, so that the tap sees what the receiver never got.

use std::collections::VecDeque;

use wire::Nanos;

use crate::rng::Rng;
use crate::speaker::Segment;

/// What a link does to segments.
#[derive(Clone, Copy, Debug)]
pub struct Nature {
    /// Nanoseconds that a byte takes at the sender: its access rate.
    pub nanos_per_byte: f64,
    /// Delay from the sender to the tap, ns.
    pub to_tap: i64,
    /// Delay from the tap to the receiver, ns.
    pub from_tap: i64,
    /// Largest jitter on each half, ns.
    pub jitter: i64,
    /// Probability that a segment is lost, shared evenly by the halves.
    pub loss: f64,
}

/// A link with the segments that are under way on it.
#[derive(Debug)]
pub struct Link {
    nature: Nature,
    under_way: VecDeque<UnderWay>,
    /// How many, from the front, the tap has seen.
    seen: usize,
    /// When the next segment passes the tap, and when the next that has passed it arrives: kept here, where it is asked for at every
    /// event of the connection.
    at_tap: Nanos,
    arrival: Nanos,
    sender_free: Nanos,
    last_at_tap: Nanos,
    last_arrival: Nanos,
}

#[derive(Debug)]
struct UnderWay {
    segment: Segment,
    /// When it passes the tap, or, once it has, when it arrives.
    at: Nanos,
    lost: bool,
}

impl Link {
    /// An idle link.
    #[must_use]
    pub const fn new(nature: Nature) -> Self {
        Self {
            nature,
            under_way: VecDeque::new(),
            seen: 0,
            at_tap: Nanos::MAX,
            arrival: Nanos::MAX,
            sender_free: Nanos::MIN,
            last_at_tap: Nanos::MIN,
            last_arrival: Nanos::MIN,
        }
    }

    /// When a segment that is handed over now leaves its sender: after those that wait before it.
    #[must_use]
    pub fn departure(&self, now: Nanos) -> Nanos {
        now.max(self.sender_free)
    }

    /// Sends a segment; gives the instant at which its last byte leaves the sender.
    pub fn send(&mut self, segment: Segment, now: Nanos, rng: &mut Rng) -> Nanos {
        const FRAME_OVERHEAD: f64 = 78.0;
        let taken = (f64::from(segment.len) + FRAME_OVERHEAD) * self.nature.nanos_per_byte;
        self.sender_free = self.departure(now).plus(taken as i64);
        if !rng.chance(self.nature.loss / 2.0) {
            let at = later(self.last_at_tap, self.sender_free.plus(self.nature.to_tap), self.jitter(rng));
            self.last_at_tap = at;
            self.under_way.push_back(UnderWay { segment, at, lost: false });
            self.at_tap = self.at_tap.min(at);
        }
        self.sender_free
    }

    /// When the next segment passes the tap.
    #[must_use]
    pub const fn next_at_tap(&self) -> Nanos {
        self.at_tap
    }

    /// When the next segment that has passed the tap arrives.
    #[must_use]
    pub const fn next_arrival(&self) -> Nanos {
        self.arrival
    }

    /// Lets the next segment pass the tap.
    pub fn pass_tap(&mut self, rng: &mut Rng) -> Option<(Nanos, Segment)> {
        let jitter = self.jitter(rng);
        let next = self.under_way.get_mut(self.seen)?;
        let seen_at = next.at;
        next.at = later(self.last_arrival, seen_at.plus(self.nature.from_tap), jitter);
        next.lost = rng.chance(self.nature.loss / 2.0);
        self.last_arrival = next.at;
        self.seen += 1;
        self.arrival = self.arrival.min(self.last_arrival);
        let passed = (seen_at, next.segment);
        self.at_tap = self.under_way.get(self.seen).map_or(Nanos::MAX, |next| next.at);
        Some(passed)
    }

    /// Takes the next segment off the far end; `None` if it got lost after the tap.
    pub fn arrive(&mut self) -> Option<Segment> {
        let arrived = self.under_way.pop_front()?;
        self.seen = self.seen.saturating_sub(1);
        self.arrival =
            if self.seen == 0 { Nanos::MAX } else { self.under_way.front().map_or(Nanos::MAX, |next| next.at) };
        (!arrived.lost).then_some(arrived.segment)
    }

    fn jitter(&self, rng: &mut Rng) -> i64 {
        rng.below(self.nature.jitter.max(0) as u64) as i64
    }
}

/// `at` with jitter, but after `before`: a link keeps the order.
fn later(before: Nanos, at: Nanos, jitter: i64) -> Nanos {
    at.plus(jitter).max(before.plus(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn link(loss: f64) -> Link {
        Link::new(Nature { nanos_per_byte: 8.0, to_tap: 1_000_000, from_tap: 2_000_000, jitter: 50_000, loss })
    }

    #[test]
    fn segments_pass_the_tap_and_arrive_in_the_order_in_which_they_were_sent() {
        let (mut link, mut rng) = (link(0.0), Rng::new(1));
        for seq in 0..100 {
            link.send(Segment { seq, ..Segment::default() }, Nanos(0), &mut rng);
        }
        let mut last = Nanos(0);
        for seq in 0..100 {
            let (ts, segment) = link.pass_tap(&mut rng).unwrap();
            assert!(ts > last && ts >= Nanos(1_000_000));
            assert_eq!(segment.seq, seq);
            last = ts;
        }
        for seq in 0..100 {
            assert_eq!(link.arrive().unwrap().seq, seq);
        }
        assert_eq!((link.next_at_tap(), link.next_arrival()), (Nanos::MAX, Nanos::MAX));
    }

    #[test]
    fn half_of_the_losses_happen_before_the_tap_and_half_after_it() {
        let (mut link, mut rng) = (link(0.2), Rng::new(1));
        for _ in 0..10_000 {
            link.send(Segment::default(), Nanos(0), &mut rng);
        }
        let seen = std::iter::from_fn(|| link.pass_tap(&mut rng)).count();
        let arrived = (0..seen).filter(|_| link.arrive().is_some()).count();
        assert!((8900..9100).contains(&seen), "{seen}");
        assert!((8000..8200).contains(&arrived), "{arrived}");
    }
}
