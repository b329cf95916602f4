//! The half of the round trip between the tap and the side that acknowledges, as who knows the causes can measure it.
//!
//! A sample is the time from the passing of a segment with data or a FIN to that of the first acknowledgment that covers it. An
//! acknowledgment gives at most one, from the last segment that it covers. Segments that their sender sent again, and those that had passed when a
//! lower one was sent again, give none: what acknowledged them is not known (Karn), or was held up by a gap.

use std::collections::VecDeque;

use wire::Nanos;

use crate::link::Fate;
use crate::speaker::{Cause, Samples, Segment};

/// The samples of a direction, and what waits for its acknowledgment.
#[derive(Clone, Debug)]
pub(super) struct HalfRoundTrip {
    /// End position and instant of segments that have passed once.
    waiting: VecDeque<(u64, Nanos)>,
    samples: Samples,
}

impl HalfRoundTrip {
    /// No sample, and nothing that waits.
    pub(super) const NONE: Self = Self { waiting: VecDeque::new(), samples: Samples::NONE };

    /// A segment of this direction passes.
    pub(super) fn pass(&mut self, ts: Nanos, segment: &Segment, fate: Fate) {
        if segment.end() == segment.first_byte() || fate.copied_by.is_some() {
            return;
        }
        if segment.cause != Cause::New {
            self.waiting.retain(|&(end, _)| end <= segment.first_byte());
        } else if self.waiting.back().is_none_or(|&(end, _)| end < segment.end()) {
            self.waiting.push_back((segment.end(), ts));
        }
    }

    /// An acknowledgment of all before `ack` passes the other way.
    pub(super) fn acknowledge(&mut self, ts: Nanos, ack: u64) {
        let mut last = None;
        while let Some(&(_, passed)) = self.waiting.front().filter(|(end, _)| *end <= ack) {
            last = Some(passed);
            self.waiting.pop_front();
        }
        if let Some(passed) = last {
            self.samples.add(ts.elapsed_since(passed));
        }
    }

    pub(super) const fn samples(&self) -> Samples {
        self.samples
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pass(half: &mut HalfRoundTrip, ts: i64, seq: u64, cause: Cause) {
        half.pass(Nanos(ts), &Segment { seq, len: 100, cause, ..Segment::default() }, Fate::default());
    }

    #[test]
    fn an_acknowledgment_gives_a_sample_of_the_last_segment_that_it_covers() {
        let mut half = HalfRoundTrip::NONE;
        pass(&mut half, 10, 1, Cause::New);
        pass(&mut half, 20, 101, Cause::New);
        pass(&mut half, 30, 201, Cause::New);
        half.acknowledge(Nanos(50), 201);
        half.acknowledge(Nanos(60), 201);
        half.acknowledge(Nanos(70), 301);
        assert_eq!(half.samples(), Samples { count: 2, min: 30, max: 40, sum: 70 });
    }

    #[test]
    fn what_is_sent_again_and_what_had_passed_beyond_it_give_none() {
        let mut half = HalfRoundTrip::NONE;
        pass(&mut half, 10, 1, Cause::New);
        pass(&mut half, 20, 101, Cause::New);
        pass(&mut half, 30, 201, Cause::New);
        pass(&mut half, 90, 101, Cause::Fast);
        half.acknowledge(Nanos(100), 301);
        assert_eq!(half.samples(), Samples { count: 1, min: 90, max: 90, sum: 90 });
    }
}
