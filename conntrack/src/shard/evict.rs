//! What goes when there is no room.

use super::{ATTEMPTS_SHARE, Class, Shard};
use crate::record::CloseReason;
use crate::sink::Sink;

impl Shard {
    /// Keeps the connections that nothing has answered to their share of the table.
    pub(super) fn bound_attempts(&mut self, sink: &mut impl Sink) {
        let most = (self.config.max_connections / ATTEMPTS_SHARE).max(1);
        // The latest stands at the back of its list, behind another at least.
        if self.table.waiting(Class::Attempt) > most
            && let Some(oldest) = self.table.front(Class::Attempt)
        {
            self.evict(oldest, sink);
        }
    }

    /// Makes room.
    pub(super) fn evict(&mut self, slot: u32, sink: &mut impl Sink) {
        // Of a closed one the row is whole, and only what might have come late is not waited for.
        if !self.table.get(slot).is_closed() {
            self.stats.evicted += 1;
            self.series.closed(self.clock, sink);
        }
        self.retire(slot, CloseReason::Evicted, sink);
    }

    /// Makes room among the attempts.
    pub(super) fn evict_attempt(&mut self, sink: &mut impl Sink) {
        let Some(attempt) = self.attempts.pop_oldest() else { return };
        self.stats.evicted += 1;
        self.series.closed(self.clock, sink);
        if self.may_leave_row() {
            self.write_attempt(attempt, CloseReason::Evicted, sink);
        } else {
            self.leave_no_row(u64::from(attempt.syns()));
        }
    }

    /// Whether one more of the attempts that go for another may leave a row in this second, so that a flood of SYNs does not become a flood
    /// of rows.
    pub(super) fn may_leave_row(&mut self) -> bool {
        let second = self.clock.split().0;
        if self.evictions.0 != second {
            self.evictions = (second, 0);
        }
        let may = self.evictions.1 < self.config.evicted_attempts_per_second;
        self.evictions.1 += u32::from(may);
        may
    }

    pub(super) fn leave_no_row(&mut self, packets: u64) {
        self.stats.unrecorded += 1;
        self.stats.unrecorded_packets += packets;
    }
}
