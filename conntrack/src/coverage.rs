//! Which bytes of a stream were seen: the union of its segments, with the holes between them.
//!
//! Positions are 64-bit and relative to the endpoint's initial sequence number, so that the first byte of data stands at 1 and
//! a stream may wrap the 32-bit space as often as it likes (RFC 9293, 3.4). In an ordinary stream there is no hole, and a
//! segment costs two comparisons and no memory.

use serde::{Deserialize, Serialize};

/// Holes remembered at once. A capture of a sane stream has a handful; a stream of nothing but holes must not eat memory.
const MAX_HOLES: usize = 128;

/// A half-open range of positions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Range {
    pub(crate) start: i64,
    pub(crate) end: i64,
}

/// The bytes of one direction that were seen.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Coverage {
    /// Everything that was seen lies in `low..high`.
    low: i64,
    high: i64,
    /// What was not seen in `low..high`: disjoint, not empty, ascending.
    holes: Vec<Range>,
    /// Bytes seen, each once.
    unique: u64,
    /// A hole was forgotten, so `unique` may be too low.
    overflowed: bool,
}

impl Coverage {
    /// Nothing was seen yet; data is expected from `start` on.
    pub(crate) const fn starting_at(start: i64) -> Self {
        Self { low: start, high: start, holes: Vec::new(), unique: 0, overflowed: false }
    }

    /// Distinct bytes seen.
    pub(crate) const fn unique(&self) -> u64 {
        self.unique
    }

    /// The position after the highest byte seen.
    pub(crate) const fn high(&self) -> i64 {
        self.high
    }

    /// Whether more holes were open at once than are remembered.
    pub(crate) const fn overflowed(&self) -> bool {
        self.overflowed
    }

    /// Takes in a segment and returns how many of its bytes are new.
    pub(crate) fn add(&mut self, segment: Range) -> u64 {
        if segment.end <= segment.start {
            return 0;
        }
        if segment.start == self.high {
            self.high = segment.end;
            return self.count(segment.end - segment.start);
        }
        let mut new = self.fill_holes(segment);
        if segment.end > self.high {
            let fresh_from = segment.start.max(self.high);
            if fresh_from > self.high {
                self.open_hole(self.holes.len(), Range { start: self.high, end: fresh_from });
            }
            new += segment.end - fresh_from;
            self.high = segment.end;
        }
        if segment.start < self.low {
            let fresh_to = segment.end.min(self.low);
            if fresh_to < self.low {
                self.open_hole(0, Range { start: fresh_to, end: self.low });
            }
            new += fresh_to - segment.start;
            self.low = segment.start;
        }
        self.count(new)
    }

    /// The holes that lie in `within`, cut to it, ascending; what lies beyond the highest byte seen counts as a hole.
    pub(crate) fn missing(&self, within: Range) -> impl Iterator<Item = Range> {
        let beyond = Range { start: self.high, end: i64::MAX };
        self.holes.iter().copied().chain([beyond]).filter_map(move |hole| {
            let cut = Range { start: hole.start.max(within.start), end: hole.end.min(within.end) };
            (cut.start < cut.end).then_some(cut)
        })
    }

    /// The position up to which everything from `from` on was seen.
    pub(crate) fn contiguous_from(&self, from: i64) -> i64 {
        let first_hole = self.holes.iter().find(|hole| hole.end > from);
        match first_hole {
            Some(hole) => hole.start.max(from),
            None => self.high.max(from),
        }
    }

    fn count(&mut self, bytes: i64) -> u64 {
        let bytes = bytes.unsigned_abs();
        self.unique += bytes;
        bytes
    }

    /// Takes `segment` out of the holes and returns how many bytes it filled.
    fn fill_holes(&mut self, segment: Range) -> i64 {
        let mut filled = 0;
        let mut at = self.holes.partition_point(|hole| hole.end <= segment.start);
        while let Some(&hole) = self.holes.get(at).filter(|hole| hole.start < segment.end) {
            let overlap = Range { start: hole.start.max(segment.start), end: hole.end.min(segment.end) };
            filled += overlap.end - overlap.start;
            let left = Range { start: hole.start, end: overlap.start };
            let right = Range { start: overlap.end, end: hole.end };
            match (left.start < left.end, right.start < right.end) {
                (false, false) => {
                    self.holes.remove(at);
                }
                (true, false) => {
                    self.holes[at] = left;
                    at += 1;
                }
                (false, true) => self.holes[at] = right,
                (true, true) => {
                    self.holes[at] = left;
                    self.open_hole(at + 1, right);
                    break;
                }
            }
        }
        filled
    }

    /// Remembers a hole; where there are too many, the lowest is given up as one that nothing will fill any more.
    fn open_hole(&mut self, at: usize, hole: Range) {
        self.holes.insert(at, hole);
        if self.holes.len() > MAX_HOLES {
            self.holes.remove(0);
            self.overflowed = true;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn range(start: i64, end: i64) -> Range {
        Range { start, end }
    }

    #[test]
    fn bytes_in_order_leave_no_hole() {
        let mut seen = Coverage::starting_at(1);
        assert_eq!(seen.add(range(1, 11)), 10);
        assert_eq!(seen.add(range(11, 21)), 10);
        assert_eq!(seen.missing(range(1, 21)).count(), 0);
        assert_eq!(seen.contiguous_from(1), 21);
    }

    #[test]
    fn a_retransmission_is_not_new_and_a_late_segment_fills_its_hole() {
        let mut seen = Coverage::starting_at(1);
        assert_eq!(seen.add(range(21, 31)), 10);
        assert_eq!(seen.missing(range(1, 31)).collect::<Vec<_>>(), [range(1, 21)]);
        assert_eq!(seen.add(range(21, 31)), 0);
        assert_eq!(seen.add(range(6, 11)), 5);
        assert_eq!(seen.missing(range(1, 40)).collect::<Vec<_>>(), [range(1, 6), range(11, 21), range(31, 40)]);
        assert_eq!(seen.add(range(1, 31)), 15);
        assert_eq!(seen.unique(), 30);
    }

    #[test]
    fn holes_beyond_the_bound_are_forgotten_and_said_so() {
        let mut seen = Coverage::starting_at(0);
        for n in 1..=2 * MAX_HOLES as i64 {
            seen.add(range(n * 10, n * 10 + 1));
        }
        assert!(seen.overflowed());
        assert_eq!(seen.missing(range(0, seen.high())).count(), MAX_HOLES);
    }

    proptest! {
        #[test]
        fn it_agrees_with_a_set_of_bytes(segments in prop::collection::vec((0i64..300, 0i64..40), 0..60)) {
            let mut seen = Coverage::starting_at(100);
            let mut model = BTreeSet::new();
            for (start, len) in segments {
                let before = model.len();
                model.extend(start..start + len);
                prop_assert_eq!(seen.add(range(start, start + len)), (model.len() - before) as u64);
            }
            prop_assert_eq!(seen.unique(), model.len() as u64);
            let missing: Vec<i64> = seen.missing(range(100, 400)).flat_map(|hole| hole.start..hole.end).collect();
            let expected: Vec<i64> = (100..400).filter(|at| !model.contains(at)).collect();
            prop_assert!(missing == expected || model.is_empty() || seen.high() == 100);
            let contiguous = (100..).find(|at| !model.contains(at)).unwrap();
            if model.contains(&100) {
                prop_assert_eq!(seen.contiguous_from(100), contiguous);
            }
        }
    }
}
