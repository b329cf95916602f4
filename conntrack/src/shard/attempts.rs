//! The attempts of a shard, oldest first.

use hashbrown::HashTable;
use wire::{Nanos, Observation};

use super::attempt::Attempt;
use super::lists::Lists;
use super::slab::Slab;
use super::table::spread;

/// Attempts by flow key. All wait equally long, so their list is in order of expiry.
#[derive(Debug)]
pub(super) struct Attempts {
    index: HashTable<u32>,
    attempts: Slab<Attempt>,
    by_age: Lists<1>,
}

impl Attempts {
    pub(super) const fn new() -> Self {
        Self { index: HashTable::new(), attempts: Slab::new(), by_age: Lists::new() }
    }

    pub(super) fn len(&self) -> usize {
        self.attempts.len()
    }

    pub(super) fn find(&self, observation: &Observation) -> Option<u32> {
        let key = &observation.segment.key;
        self.index.find(spread(observation.hash), |&slot| self.attempts.get(slot).is_of(key)).copied()
    }

    pub(super) fn get_mut(&mut self, slot: u32) -> &mut Attempt {
        self.attempts.get_mut(slot)
    }

    pub(super) fn insert(&mut self, attempt: Attempt) {
        let slot = self.attempts.insert(attempt);
        let Self { index, attempts, .. } = self;
        index.insert_unique(spread(attempt.hash()), slot, |&slot| spread(attempts.get(slot).hash()));
        self.by_age.push_back(0, slot);
    }

    pub(super) fn remove(&mut self, slot: u32) -> Attempt {
        let hash = self.attempts.get(slot).hash();
        if let Ok(entry) = self.index.find_entry(spread(hash), |&at| at == slot) {
            entry.remove();
        }
        self.by_age.remove(0, slot);
        self.attempts.remove(slot)
    }

    /// All of them, the oldest first.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Attempt> {
        self.by_age.iter(0).map(|slot| self.attempts.get(slot))
    }

    /// Takes out the oldest.
    pub(super) fn pop_oldest(&mut self) -> Option<Attempt> {
        self.by_age.front(0).map(|slot| self.remove(slot))
    }

    /// When the oldest will have waited for `timeout` ns; [`Nanos::MAX`] where there is none.
    pub(super) fn oldest_until(&self, timeout: i64) -> Nanos {
        self.by_age.front(0).map_or(Nanos::MAX, |slot| self.attempts.get(slot).first().plus(timeout))
    }

    /// Takes out the oldest, if at `clock` it has waited for `timeout` ns.
    pub(super) fn pop_due(&mut self, clock: Nanos, timeout: i64) -> Option<Attempt> {
        let is_due = |slot: &u32| clock.since(self.attempts.get(*slot).first()) >= timeout;
        let oldest = self.by_age.front(0).filter(is_due)?;
        Some(self.remove(oldest))
    }
}
