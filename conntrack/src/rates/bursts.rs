//! Runs of segments with payload that follow one another closely: trains and flights.

use serde::{Deserialize, Serialize};

use super::record::BurstsRecord;

/// Runs of at least `MIN` segments; who adds a segment says whether it begins another run.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Bursts<const MIN: u32> {
    /// Runs that are over.
    over: BurstsRecord,
    /// The run that may go on.
    pkts: u32,
    bytes: u64,
    duration: u64,
}

impl<const MIN: u32> Bursts<MIN> {
    /// Takes in a segment that came `gap` ns after the one before; `apart` says that it begins another run.
    pub(super) fn add(&mut self, gap: i64, apart: bool, payload: u64) {
        if apart {
            *self = Self { over: self.record(), ..Self::default() };
        } else {
            self.duration = self.duration.saturating_add(gap.unsigned_abs());
        }
        self.pkts = self.pkts.saturating_add(1);
        self.bytes = self.bytes.saturating_add(payload);
    }

    /// Reads it, so that it is in the cache.
    pub(super) const fn touch(&self) -> u64 {
        self.bytes
    }

    /// All runs, the one that may go on among them.
    pub(super) fn record(&self) -> BurstsRecord {
        if self.pkts < MIN {
            return self.over;
        }
        BurstsRecord {
            count: self.over.count + 1,
            bytes: self.over.bytes.saturating_add(self.bytes),
            bytes_max: self.over.bytes_max.max(self.bytes),
            duration: self.over.duration.saturating_add(self.duration),
        }
    }
}
