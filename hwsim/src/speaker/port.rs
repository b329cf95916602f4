//! Where a speaker meets its link.

use wire::Nanos;

use super::segment::{Cause, Codepoint, Segment};
use crate::link::Link;
use crate::rng::Rng;

/// A speaker's access to the link that carries its segments away.
#[derive(Debug)]
pub(super) struct Port<'a> {
    pub(super) link: &'a mut Link,
    pub(super) rng: &'a mut Rng,
    /// Probability that the queue before the link marks a segment that may be marked.
    pub(super) marking: f64,
    /// Segments that were sent again, for whatever cause.
    pub(super) again: &'a mut u64,
}

impl Port<'_> {
    /// When a segment that is handed over now begins to leave.
    pub(super) fn departure(&self, now: Nanos) -> Nanos {
        self.link.departure(now)
    }

    /// Sends a segment; gives the instant at which its last byte has left.
    pub(super) fn send(&mut self, mut segment: Segment, now: Nanos) -> Nanos {
        if segment.ecn == Codepoint::Ect0 && self.rng.chance(self.marking) {
            segment.ecn = Codepoint::Ce;
        }
        *self.again += u64::from(segment.cause != Cause::New);
        self.link.send(segment, now, self.rng)
    }
}
