//! The ledger of a source: where every frame went.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// What became of a source's frames. It balances to the frame:
/// `offered = delivered + dropped`, and `delivered = tcp + not_tcp + rejected`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ledger {
    /// Frames that the device offered.
    pub offered: u64,
    /// Frames that reached the parser's verdict and, when they were TCP, their shard.
    pub delivered: u64,
    /// Frames that were dropped.
    pub dropped: Dropped,
    /// TCP frames that were tracked.
    pub tcp: u64,
    /// Frames that are not TCP, by protocol.
    pub not_tcp: BTreeMap<String, u64>,
    /// Frames that could not be used, by reason ([`wire::Reject`]).
    pub rejected: BTreeMap<String, u64>,
}

/// Frames that were dropped, by place.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dropped {
    /// By the device.
    pub device: u64,
    /// By the kernel's ring.
    pub kernel: u64,
    /// By the poller.
    pub poller: u64,
    /// By a full queue between poller and shard.
    pub queue: u64,
}

impl Dropped {
    /// All of them; saturating, as a hostile manifest may say anything.
    #[must_use]
    pub const fn total(&self) -> u64 {
        self.device.saturating_add(self.kernel).saturating_add(self.poller).saturating_add(self.queue)
    }
}

/// A side of the ledger that does not add up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{equation}: {left} is not {right}")]
pub struct Imbalance {
    /// The equation that does not hold.
    pub equation: &'static str,
    /// Its left side, frames.
    pub left: u64,
    /// Its right side, frames.
    pub right: u64,
}

impl Ledger {
    /// Whether every frame is accounted for.
    ///
    /// # Errors
    /// The first equation that does not hold, with both of its sides.
    pub fn balance(&self) -> Result<(), Imbalance> {
        let check = |equation, left, right| {
            if left == right { Ok(()) } else { Err(Imbalance { equation, left, right }) }
        };
        check("offered = delivered + dropped", self.offered, self.delivered.saturating_add(self.dropped.total()))?;
        let verdicts = self.tcp.saturating_add(sum(&self.not_tcp)).saturating_add(sum(&self.rejected));
        check("delivered = tcp + not_tcp + rejected", self.delivered, verdicts)
    }

    /// Adds the frames of another ledger, of another queue or source.
    pub fn add(&mut self, other: &Self) {
        self.offered = self.offered.saturating_add(other.offered);
        self.delivered = self.delivered.saturating_add(other.delivered);
        self.dropped.device = self.dropped.device.saturating_add(other.dropped.device);
        self.dropped.kernel = self.dropped.kernel.saturating_add(other.dropped.kernel);
        self.dropped.poller = self.dropped.poller.saturating_add(other.dropped.poller);
        self.dropped.queue = self.dropped.queue.saturating_add(other.dropped.queue);
        self.tcp = self.tcp.saturating_add(other.tcp);
        add_counts(&mut self.not_tcp, &other.not_tcp);
        add_counts(&mut self.rejected, &other.rejected);
    }
}

fn sum(counts: &BTreeMap<String, u64>) -> u64 {
    counts.values().fold(0, |total, &count| total.saturating_add(count))
}

fn add_counts(to: &mut BTreeMap<String, u64>, from: &BTreeMap<String, u64>) {
    for (name, &count) in from {
        let sum = to.entry(name.clone()).or_default();
        *sum = sum.saturating_add(count);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn balanced() -> Ledger {
        Ledger {
            offered: 20,
            delivered: 14,
            dropped: Dropped { device: 1, kernel: 2, poller: 0, queue: 3 },
            tcp: 8,
            not_tcp: BTreeMap::from([("udp".to_owned(), 5)]),
            rejected: BTreeMap::from([("bad_ip".to_owned(), 1)]),
        }
    }

    #[test]
    fn a_ledger_balances_to_the_frame_alone_and_added_up() {
        let mut ledger = balanced();
        assert_eq!(ledger.balance(), Ok(()));
        ledger.add(&balanced());
        assert_eq!((ledger.balance(), ledger.offered, ledger.not_tcp["udp"]), (Ok(()), 40, 10));
    }

    #[test]
    fn a_missing_frame_is_found_on_either_side() {
        let lost = Ledger { offered: 21, ..balanced() };
        assert_eq!(lost.balance().unwrap_err().to_string(), "offered = delivered + dropped: 21 is not 20");
        let vanished = Ledger { tcp: 7, ..balanced() };
        assert_eq!(vanished.balance().unwrap_err().to_string(), "delivered = tcp + not_tcp + rejected: 14 is not 13");
    }

    #[test]
    fn a_hostile_ledger_does_not_overflow() {
        let mut ledger =
            Ledger { dropped: Dropped { device: u64::MAX, kernel: 1, ..Dropped::default() }, ..balanced() };
        assert!(ledger.balance().is_err());
        ledger.add(&ledger.clone());
    }
}
