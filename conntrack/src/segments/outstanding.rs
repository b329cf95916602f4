//! Segments that wait for their acknowledgment, so that it makes a round-trip sample.
//!
//! Karn's rule (Karn, Partridge 1987): no sample from a segment that was sent again, nor from one above it, since its acknowledgment
//! may have waited for the lower one. The sender's stream is in order, so a retransmission takes away all entries from its left
//! edge up. Only the acknowledgment that ends exactly where a segment ends measures it: another may have been caused by a later one.
//!
//! The memory is bounded. Where more segments are under way than fit, a sample of them is kept, chosen by a hash of where they end, so that
//! no rhythm of acknowledgments (every second segment, say) can miss all of them.

use serde::{Deserialize, Serialize};
use wire::Nanos;

/// Segments kept; a power of two.
const ROOM: usize = 16;

/// Room at first, which doubles; a power of two.
const FEWEST: usize = 2;

/// Beyond one segment in 2^20 there is nothing to measure.
const MAX_LEVEL: u8 = 20;

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Outstanding {
    /// A ring, ascending. It has room for as many as were ever under way at once.
    ring: Vec<Sent>,
    first: u8,
    len: u8,
    /// One segment in 2^level is kept.
    level: u8,
}

/// A segment: where it ends, and when it was sent.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Sent {
    end: i64,
    ts: Nanos,
}

impl Outstanding {
    pub(crate) const fn new() -> Self {
        Self { ring: Vec::new(), first: 0, len: 0, level: 0 }
    }

    /// Whether the ring is one.
    pub(crate) fn is_sound(&self) -> bool {
        let room = self.ring.len();
        let is_ring = room == 0 || room.is_power_of_two() && (FEWEST..=ROOM).contains(&room);
        let is_within = usize::from(self.len) <= room && usize::from(self.first) < room.max(1);
        is_ring && is_within && self.level <= MAX_LEVEL
    }

    const fn slot(&self, n: u8) -> usize {
        (self.first as usize + n as usize) & self.ring.len().wrapping_sub(1)
    }

    fn at(&self, n: u8) -> Option<Sent> {
        if n < self.len { self.ring.get(self.slot(n)).copied() } else { None }
    }

    fn last_end(&self) -> Option<i64> {
        self.at(self.len.checked_sub(1)?).map(|sent| sent.end)
    }

    /// A segment that ends at `end` was sent.
    pub(crate) fn push(&mut self, end: i64, ts: Nanos) {
        if !is_chosen(end, self.level) || self.last_end().is_some_and(|last| last >= end) {
            return;
        }
        if usize::from(self.len) == self.ring.len() && self.ring.len() < ROOM {
            self.grow();
        }
        while usize::from(self.len) == ROOM {
            if self.level == MAX_LEVEL {
                return;
            }
            self.level += 1;
            self.thin();
            if !is_chosen(end, self.level) {
                return;
            }
        }
        self.append(Sent { end, ts });
    }

    fn append(&mut self, sent: Sent) {
        let slot = self.slot(self.len);
        self.ring[slot] = sent;
        self.len += 1;
    }

    /// Doubles the room, within the bound.
    #[cold]
    fn grow(&mut self) {
        let room = (self.ring.len() * 2).clamp(FEWEST, ROOM);
        self.ring.rotate_left(usize::from(self.first));
        self.first = 0;
        self.ring.reserve_exact(room - self.ring.len());
        self.ring.resize(room, Sent { end: 0, ts: Nanos(0) });
    }

    /// Keeps those that its level chooses.
    fn thin(&mut self) {
        let all = std::mem::take(&mut self.len);
        for n in 0..all {
            let sent = self.ring[self.slot(n)];
            if is_chosen(sent.end, self.level) {
                self.append(sent);
            }
        }
    }

    /// Everything up to `ack` was acknowledged. Returns when the segment that ends there was sent.
    pub(crate) fn acknowledge(&mut self, ack: i64) -> Option<Nanos> {
        let mut sent = None;
        while let Some(lowest) = self.at(0).filter(|lowest| lowest.end <= ack) {
            sent = (lowest.end == ack).then_some(lowest.ts);
            self.first = self.slot(1) as u8;
            self.len -= 1;
        }
        if usize::from(self.len) <= ROOM / 4 {
            self.level = self.level.saturating_sub(1);
        }
        sent
    }

    /// What begins at `start` was sent again.
    pub(crate) fn resent(&mut self, start: i64) {
        while self.last_end().is_some_and(|end| end > start) {
            self.len -= 1;
        }
    }

    /// Reads what the next segment or acknowledgment needs, so that it is in the cache then.
    pub(crate) fn touch(&self) -> u64 {
        let next = self.ring.get(self.slot(self.len)).map_or(0, |sent| sent.end);
        next.unsigned_abs() ^ self.at(0).map_or(0, |lowest| lowest.end.unsigned_abs())
    }

    /// An instant before which the byte before `end` was sent, if it is known.
    pub(crate) fn sent_before(&self, end: i64) -> Option<Nanos> {
        (0..self.len).filter_map(|n| self.at(n)).find(|sent| sent.end >= end).map(|sent| sent.ts)
    }
}

/// Whether a segment that ends at `end` is among the one in 2^level.
const fn is_chosen(end: i64, level: u8) -> bool {
    // The multiplier of Fibonacci hashing: 2^64 divided by the golden ratio.
    level == 0 || (end as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (64 - level as u32) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_acknowledgment_of_a_segments_end_measures_it() {
        let mut outstanding = Outstanding::new();
        outstanding.push(101, Nanos(1));
        outstanding.push(201, Nanos(2));
        outstanding.push(301, Nanos(3));
        assert_eq!(outstanding.acknowledge(201), Some(Nanos(2)));
        assert_eq!(outstanding.acknowledge(250), None);
        assert_eq!(outstanding.acknowledge(301), Some(Nanos(3)));
        assert_eq!(outstanding.acknowledge(301), None);
    }

    #[test]
    fn what_was_sent_again_and_all_above_it_is_ambiguous() {
        let mut outstanding = Outstanding::new();
        outstanding.push(101, Nanos(1));
        outstanding.push(201, Nanos(2));
        outstanding.push(301, Nanos(3));
        outstanding.resent(101);
        outstanding.push(401, Nanos(9));
        assert_eq!(outstanding.acknowledge(101), Some(Nanos(1)));
        assert_eq!(outstanding.acknowledge(301), None);
        assert_eq!(outstanding.acknowledge(401), Some(Nanos(9)));
    }

    #[test]
    fn acknowledgments_of_every_second_segment_of_a_large_window_still_make_samples() {
        let window = 40_000;
        for phase in [0, 1] {
            let mut outstanding = Outstanding::new();
            let mut samples = 0;
            for n in 1..=200_000i64 {
                outstanding.push(n * 1448, Nanos(n));
                let acked = n - window;
                if acked > 0
                    && n % 2 == phase
                    && let Some(sent) = outstanding.acknowledge(acked * 1448)
                {
                    assert_eq!(sent, Nanos(acked), "the segment that ends there");
                    samples += 1;
                }
            }
            assert!(samples > 10, "{samples} where every second one from the {phase}th is acknowledged");
        }
    }
}
