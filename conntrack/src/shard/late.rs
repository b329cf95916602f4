//! What comes after the end of a connection that FINs closed.

use wire::{Direction, Observation};

use super::Shard;
use crate::anomaly::Anomaly;
use crate::sink::Sink;
use crate::straggler::Straggler;
use crate::tcp::{Kind, classify};

impl Shard {
    /// Whether a packet is none of a connection in TIME_WAIT whose tombstone is over: it may be of another one, whose SYN was lost.
    pub(super) fn is_strange(&self, slot: u32, observation: &Observation) -> bool {
        let connection = self.table.get(slot);
        let Some(closed) = connection.closed().filter(|closed| closed.lingers) else { return false };
        let segment = &observation.segment;
        let may_open =
            matches!(classify(segment.flags), Kind::Ack | Kind::Fin | Kind::Rst) && segment.quoted_by.is_none();
        let is_over = observation.clock.since(closed.clock) >= self.config.timeouts.tombstone;
        may_open && is_over && !connection.may_come_late(segment)
    }

    /// The direction of a packet that belongs to a connection in TIME_WAIT, not to the one found. Numbers from elsewhere have opened that
    /// beside it, whose SYN, if there was one, was lost.
    pub(super) fn direction_before(&self, slot: u32, observation: &Observation) -> Option<Direction> {
        let connection = self.table.get(slot);
        let age = observation.clock.since(connection.first_clock);
        let is_beside = connection.is_partial() && age < self.config.timeouts.time_wait;
        let may_be_late = is_beside && classify(observation.segment.flags) != Kind::Bad;
        may_be_late.then(|| self.time_wait.direction_of(observation)).flatten()
    }

    /// Counts a packet of a connection whose row is written.
    pub(super) fn count_straggler(&mut self, from: Direction, observation: &Observation, sink: &mut impl Sink) {
        let straggler = Straggler::of(&observation.segment);
        if straggler == Straggler::BadFlags {
            self.stats.anomalies.add(Anomaly::BadFlags);
        }
        self.stats.stragglers.add(straggler);
        self.series.count(from, &observation.segment, observation.ts, sink);
    }
}
