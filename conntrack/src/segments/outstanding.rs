//! Segments that wait for their acknowledgment, so that it makes a round-trip sample.
//!
//! Karn's rule (Karn, Partridge 1987): no sample from a segment that was sent again, nor from one above it, since its acknowledgment
//! may have waited for the lower one. The sender's stream is in order, so a retransmission takes away all entries from its left
//! edge up. Only the acknowledgment that ends exactly where a segment ends measures it: another may have been caused by a later one.
//!
//! The memory is bounded. Where more segments are under way than fit, a sample of them is kept, chosen by a hash of where they end, so that
//! no rhythm of acknowledgments (every second segment, say) can miss all of them.

use wire::Nanos;

/// Segments kept; a power of two.
const ROOM: usize = 16;

/// Beyond one segment in 2^20 there is nothing to measure.
const MAX_LEVEL: u8 = 20;

#[derive(Clone, Debug)]
pub(crate) struct Outstanding {
    /// Where they end, ascending, and when they were sent: rings.
    ends: [i64; ROOM],
    sent: [Nanos; ROOM],
    first: u8,
    len: u8,
    /// One segment in 2^level is kept.
    level: u8,
}

impl Outstanding {
    pub(crate) const fn new() -> Self {
        Self { ends: [0; ROOM], sent: [Nanos(0); ROOM], first: 0, len: 0, level: 0 }
    }

    const fn slot(&self, n: u8) -> usize {
        (self.first as usize + n as usize) % ROOM
    }

    fn last_end(&self) -> Option<i64> {
        Some(self.ends[self.slot(self.len.checked_sub(1)?)])
    }

    /// A segment that ends at `end` was sent.
    pub(crate) fn push(&mut self, end: i64, ts: Nanos) {
        if !is_chosen(end, self.level) || self.last_end().is_some_and(|last| last >= end) {
            return;
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
        let slot = self.slot(self.len);
        self.ends[slot] = end;
        self.sent[slot] = ts;
        self.len += 1;
    }

    /// Keeps those that its level chooses.
    fn thin(&mut self) {
        let all = self.len;
        self.len = 0;
        for n in 0..all {
            let from = self.slot(n);
            if is_chosen(self.ends[from], self.level) {
                let to = self.slot(self.len);
                self.ends[to] = self.ends[from];
                self.sent[to] = self.sent[from];
                self.len += 1;
            }
        }
    }

    /// Everything up to `ack` was acknowledged. Returns when the segment that ends there was sent.
    pub(crate) fn acknowledge(&mut self, ack: i64) -> Option<Nanos> {
        let mut sent = None;
        while self.len > 0 && self.ends[self.slot(0)] <= ack {
            let slot = self.slot(0);
            sent = (self.ends[slot] == ack).then_some(self.sent[slot]);
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

    /// An instant before which the byte before `end` was sent, if it is known.
    pub(crate) fn sent_before(&self, end: i64) -> Option<Nanos> {
        (0..self.len).map(|n| self.slot(n)).find(|&slot| self.ends[slot] >= end).map(|slot| self.sent[slot])
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
        let mut outstanding = Outstanding::new();
        let mut samples = [0u32; 2];
        let window = 40_000;
        for n in 1..=200_000i64 {
            outstanding.push(n * 1448, Nanos(n));
            if n > window && n % 2 == 0 {
                for (odd, count) in samples.iter_mut().enumerate() {
                    let acked = n - window - odd as i64;
                    if odd == 0 && outstanding.acknowledge(acked * 1448).is_some() {
                        *count += 1;
                    }
                }
            }
        }
        assert!(samples[0] > 10, "{samples:?}");
    }
}
