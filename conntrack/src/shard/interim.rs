//! Interim rows: how a connection that goes on stood at the latest multiple of the interval that the clock has passed.
//!
//! A row tells of the boundary, whenever it is written: before the connection's next packet, or its end, is taken in, or by a walk over the
//! connections that takes a while, since a hundred thousand rows at once would hold up what comes meanwhile.

use wire::Nanos;

use super::Shard;
use crate::sink::Sink;

/// The walk after a boundary takes the interval divided by this, in packet time.
const WALK_SHARE: i64 = 12;

/// The latest boundary, and how far the walk has come.
#[derive(Debug)]
pub(super) struct Interim {
    /// Ns between boundaries; `None` for no interim rows.
    every: Option<i64>,
    /// The next boundary; [`Nanos::MIN`] before any time is known.
    next: Nanos,
    /// The latest boundary.
    boundary: Nanos,
    /// Boundaries passed.
    passed: u32,
    /// By when the capture had lost packets at the boundary.
    last_loss: Nanos,
    /// The slots that the walk has visited, of those that it visits.
    walked: u32,
    slots: u32,
}

impl Interim {
    pub(super) fn new(every: Option<i64>) -> Self {
        let every = every.filter(|&every| every > 0);
        let next = if every.is_some() { Nanos::MIN } else { Nanos::MAX };
        Self { every, next, boundary: Nanos::MIN, passed: 0, last_loss: Nanos::MIN, walked: 0, slots: 0 }
    }

    /// The number of the latest boundary: a connection that opens now has nothing to tell of it.
    pub(super) const fn passed(&self) -> u32 {
        self.passed
    }

    /// How far the walk should have come at `clock`.
    fn due_at(&self, clock: Nanos) -> u32 {
        let span = self.every.map_or(1, |every| (every / WALK_SHARE).max(1));
        let elapsed = clock.elapsed_since(self.boundary).min(span);
        (i128::from(self.slots) * i128::from(elapsed) / i128::from(span)) as u32
    }
}

impl Shard {
    /// Notes a boundary that time has come to. However far the clock jumped, nothing happened at the boundaries between.
    pub(super) fn pass_boundary(&mut self, clock: Nanos, sink: &mut impl Sink) {
        let Some(every) = self.interim.every else { return };
        if clock < self.interim.next {
            return;
        }
        self.walk_to(self.interim.slots, sink);
        let boundary = self.interim.next;
        let interim = &mut self.interim;
        let next = (i128::from(clock.0.div_euclid(every)) + 1) * i128::from(every);
        interim.next = Nanos(i64::try_from(next).unwrap_or(i64::MAX));
        if boundary == Nanos::MIN {
            return;
        }
        interim.boundary = boundary;
        interim.passed = interim.passed.wrapping_add(1);
        interim.last_loss = self.last_loss;
        (interim.walked, interim.slots) = (0, self.table.slots().end);
    }

    /// Goes on with the walk.
    pub(super) fn walk(&mut self, clock: Nanos, sink: &mut impl Sink) {
        if self.interim.walked < self.interim.slots {
            self.walk_to(self.interim.due_at(clock), sink);
        }
    }

    /// Comes to the end of the walk.
    pub(super) fn end_walk(&mut self, sink: &mut impl Sink) {
        self.walk_to(self.interim.slots, sink);
    }

    fn walk_to(&mut self, end: u32, sink: &mut impl Sink) {
        for slot in self.interim.walked..end {
            if self.table.holds(slot) {
                self.tell_interim(slot, sink);
            }
        }
        self.interim.walked = end.max(self.interim.walked);
    }

    /// Writes the connection's row of the latest boundary, if that is still to be done: to be called before anything changes it. A connection
    /// that went on then and was active since the boundary before leaves one.
    pub(super) fn tell_interim(&mut self, slot: u32, sink: &mut impl Sink) {
        let Interim { boundary, passed, last_loss, .. } = self.interim;
        let connection = self.table.get_mut(slot);
        if connection.interims == passed {
            return;
        }
        connection.interims = passed;
        let active_since = boundary.plus(-self.interim.every.unwrap_or(0));
        let worth_a_row = !connection.is_closed() && !connection.is_attempt() && connection.roles_are_certain();
        if worth_a_row && connection.last_clock >= active_since && !self.is_due(slot, boundary) {
            sink.record(self.table.get(slot).record(None, last_loss));
        }
    }
}
