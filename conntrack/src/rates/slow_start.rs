//! Where slow start ends: at the first sign of a loss, or a second after the first data.

use serde::{Deserialize, Serialize};
use wire::Nanos;

use super::Arrival;
use crate::moment::Moment;

/// Slow start lasts no longer than this, ns.
const LONGEST: i64 = Nanos::PER_SECOND;

/// The end of a direction's slow start.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(super) struct SlowStart {
    end: Moment,
    unique: u64,
}

impl Default for SlowStart {
    fn default() -> Self {
        Self { end: Moment::NEVER, unique: 0 }
    }
}

impl SlowStart {
    /// Takes in a segment after the one at `first`; `unique` distinct bytes were seen before it.
    pub(super) fn add(&mut self, arrival: Arrival, first: Nanos, unique: u64) {
        if self.end.came() {
            return;
        }
        if arrival.ts.since(first) > LONGEST {
            self.end.set(first.plus(LONGEST));
            self.unique = unique;
        } else if arrival.again {
            self.end.set(arrival.ts);
            self.unique = unique.saturating_add(arrival.fresh);
        }
    }

    /// When it ended, and how many distinct bytes were seen until then, that instant included.
    pub(super) fn end(&self) -> Option<(Nanos, u64)> {
        self.end.get().map(|end| (end, self.unique))
    }
}
