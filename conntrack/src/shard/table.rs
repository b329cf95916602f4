//! The connections of a shard: a slab, an index over it, and the lists of their timers.

use hashbrown::HashTable;
use wire::{Nanos, Observation};

use super::lists::Lists;
use super::slab::Slab;
use super::timers::Class;
use crate::connection::Connection;

/// Connections by flow key.
#[derive(Debug)]
pub(super) struct Table {
    index: HashTable<u32>,
    connections: Slab<Option<Connection>>,
    waiting: Lists<{ Class::COUNT }>,
}

/// The steering to shards takes the high bits of the 32-bit hash; multiplied by an odd constant (2^64 / golden ratio), its bits
/// reach both ends that the index looks at.
pub(super) fn spread(hash: u32) -> u64 {
    u64::from(hash).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

const VACANT: &str = "a slot in the index or in a list holds a connection";

impl Table {
    pub(super) const fn new() -> Self {
        Self { index: HashTable::new(), connections: Slab::new(), waiting: Lists::new() }
    }

    pub(super) fn len(&self) -> usize {
        self.connections.len()
    }

    /// The slot of the connection that the packet's key names.
    pub(super) fn find(&self, observation: &Observation) -> Option<u32> {
        let key = &observation.segment.key;
        self.index.find(spread(observation.hash), |&slot| self.get(slot).key == *key).copied()
    }

    #[expect(clippy::expect_used, reason = "slots come from the index and the lists, which hold no vacant one")]
    pub(super) fn get(&self, slot: u32) -> &Connection {
        self.connections.get(slot).as_ref().expect(VACANT)
    }

    #[expect(clippy::expect_used, reason = "slots come from the index and the lists, which hold no vacant one")]
    pub(super) fn get_mut(&mut self, slot: u32) -> &mut Connection {
        self.connections.get_mut(slot).as_mut().expect(VACANT)
    }

    pub(super) fn holds(&self, slot: u32) -> bool {
        self.connections.get(slot).is_some()
    }

    /// Every slot, vacant ones too.
    pub(super) fn slots(&self) -> std::ops::Range<u32> {
        self.connections.slots()
    }

    pub(super) fn insert(&mut self, mut connection: Connection) -> u32 {
        let hash = connection.hash;
        let class = Class::of(&connection);
        connection.timer = (class, class.since(&connection));
        let slot = self.connections.insert(Some(connection));
        let Self { index, connections, .. } = self;
        let rehash = |&slot: &u32| connections.get(slot).as_ref().map_or(0, |connection| spread(connection.hash));
        index.insert_unique(spread(hash), slot, rehash);
        self.waiting.push_back(class as usize, slot);
        slot
    }

    pub(super) fn remove(&mut self, slot: u32) -> Option<Connection> {
        let connection = self.connections.get(slot).as_ref()?;
        let list = connection.timer.0;
        if let Ok(entry) = self.index.find_entry(spread(connection.hash), |&at| at == slot) {
            entry.remove();
        }
        self.waiting.remove(list as usize, slot);
        self.connections.remove(slot)
    }

    /// Puts a connection whose state may have changed into the list that it now waits in.
    pub(super) fn requeue(&mut self, slot: u32) {
        let connection = self.get_mut(slot);
        let class = Class::of(connection);
        let list = connection.timer.0;
        if list != class {
            connection.timer = (class, class.since(connection));
            self.waiting.remove(list as usize, slot);
            self.waiting.push_back(class as usize, slot);
        }
    }

    /// Puts every connection anew into the list that it waits in, those that wait longest first.
    pub(super) fn sort_by_waiting(&mut self) {
        let mut slots: Vec<u32> = self.slots().filter(|&slot| self.holds(slot)).collect();
        slots.sort_unstable_by_key(|&slot| (self.get(slot).timer.1, self.get(slot).uid));
        self.waiting = Lists::new();
        for slot in slots {
            self.waiting.push_back(self.get(slot).timer.0 as usize, slot);
        }
    }

    /// How many wait in a list.
    pub(super) fn waiting(&self, class: Class) -> usize {
        self.waiting.len(class as usize)
    }

    /// Whether another than before waits longest in some list, since this was last asked.
    pub(super) const fn take_new_front(&mut self) -> bool {
        self.waiting.take_new_front()
    }

    /// Who waits longest in a list.
    pub(super) fn front(&self, class: Class) -> Option<u32> {
        self.waiting.front(class as usize)
    }

    /// The front of a list, if at `clock` it has stood there for `timeout` ns or longer. A difference, as the expiry itself is one: at the
    /// ends of time, where instants saturate, the two must not disagree.
    pub(super) fn waiting_for(&self, class: Class, timeout: i64, clock: Nanos) -> Option<u32> {
        self.front(class).filter(|&slot| clock.since(self.get(slot).timer.1) >= timeout)
    }

    /// When the front of a list will have stood there for `timeout` ns; [`Nanos::MAX`] where nobody waits.
    pub(super) fn front_until(&self, class: Class, timeout: i64) -> Nanos {
        self.front(class).map_or(Nanos::MAX, |slot| self.get(slot).timer.1.plus(timeout))
    }

    /// Sends the front of a list to its back, because its connection was active meanwhile.
    pub(super) fn wait_again(&mut self, slot: u32) {
        let connection = self.get_mut(slot);
        let class = Class::of(connection);
        let list = connection.timer.0;
        connection.timer = (class, class.since(connection));
        self.waiting.remove(list as usize, slot);
        self.waiting.push_back(class as usize, slot);
    }

    /// The connection that has least left to tell, and among its like the one that waits longest.
    pub(super) fn least_valuable(&self) -> Option<u32> {
        Class::ALL.iter().find_map(|&class| self.front(class))
    }
}
