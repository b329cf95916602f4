//! Tuples in TIME_WAIT: what is remembered of a connection that FINs closed, once its row is written (RFC 9293, 3.6.1).
//!
//! A FIN whose acknowledgment was lost behind the tap comes again, later and later. Within the time of the tombstone it finds its
//! connection; afterwards it finds an entry here, is counted by what it is, and opens nothing. Whatever begins with a SYN opens a
//! connection at once, so that a tuple may be used again at any time.
//!
//! An entry has 24 bytes, and its place in the index between 6 and 12:
//! ```text
//! 63 bits  fingerprint of the flow key
//! 1 bit    which end is the originator
//! 8 bytes  when the connection closed, by the source's clock
//! 2 x 4    the number after each end's FIN
//! ```
//! All wait equally long, so the entries lie in a ring in the order in which they expire. Beyond the bound the oldest go first. Of a tuple
//! only the latest connection is found; what is left of those before goes with time.

use std::collections::VecDeque;

use hashbrown::HashTable;
use serde::{Deserialize, Serialize};
use wire::{Direction, End, FlowKey, Nanos, Observation, Segment, SeqNum};
use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::uid::key_bytes;
use crate::connection::Connection;
use crate::straggler::is_of_ended;
use crate::tcp::{Kind, classify};

/// A closed tuple.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(super) struct Entry {
    /// Of the flow key; the lowest bit tells whether the higher end is the originator.
    fingerprint: u64,
    closed: Nanos,
    /// The number after the FIN, of the lower and the higher end of the key.
    ends: [SeqNum; 2],
}

const ORIG_IS_HIGH: u64 = 1;

const _: () = assert!(size_of::<Entry>() == 24, "two and a half to a cache line");

/// The closed tuples of a shard.
#[derive(Debug)]
pub(super) struct TimeWait {
    /// Ordinal numbers of entries, by fingerprint. They wrap; never are there so many at once.
    index: HashTable<u32>,
    entries: VecDeque<Entry>,
    /// The ordinal number of the first entry.
    first: u32,
    salt: u64,
    /// How long an entry is valid, ns.
    timeout: i64,
    max: usize,
}

impl TimeWait {
    /// Room for `max` entries, valid for `timeout` ns. Fingerprints are made under `salt`.
    pub(super) const fn new(salt: u64, timeout: i64, max: usize) -> Self {
        Self { index: HashTable::new(), entries: VecDeque::new(), first: 0, salt, timeout, max }
    }

    /// Remembers a connection that FINs closed; any other does not come in. Returns whether one had to go for it before its time.
    pub(super) fn insert(&mut self, connection: &Connection, clock: Nanos) -> bool {
        self.entry(connection).is_some_and(|entry| self.push(entry, clock))
    }

    /// Remembers a tuple that closed no earlier than those that are there. Returns whether one had to go for it before its time.
    pub(super) fn push(&mut self, entry: Entry, clock: Nanos) -> bool {
        if self.max == 0 || !self.is_valid(&entry, clock) {
            return false;
        }
        let evicts = self.entries.len() >= self.max && self.pop().is_some_and(|oldest| self.is_valid(&oldest, clock));
        let Self { index, entries, first, .. } = self;
        let hash_at = |&at: &u32| at_ordinal(entries, *first, at).map_or(0, Entry::hash);
        if let Ok(before) = index.find_entry(entry.hash(), |at| hash_at(at) == entry.hash()) {
            before.remove();
        }
        let ordinal = first.wrapping_add(entries.len() as u32);
        entries.push_back(entry);
        let hash_at = |&at: &u32| at_ordinal(entries, *first, at).map_or(0, Entry::hash);
        index.insert_unique(entry.hash(), ordinal, hash_at);
        evicts
    }

    /// All that is remembered, the oldest first.
    pub(super) fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.entries.iter()
    }

    /// The direction of a packet that belongs to a connection in TIME_WAIT; `None` if it may open a connection.
    pub(super) fn direction_of(&self, observation: &Observation) -> Option<Direction> {
        let segment = &observation.segment;
        if self.entries.is_empty() || !matches!(classify(segment.flags), Kind::Ack | Kind::Fin | Kind::Rst) {
            return None;
        }
        let fingerprint = fingerprint(&segment.key, self.salt);
        let is_its = |&at: &u32| {
            at_ordinal(&self.entries, self.first, at).is_some_and(|entry| {
                entry.hash() == fingerprint && self.is_valid(entry, observation.clock) && entry.fits(segment)
            })
        };
        let found = self.index.find(fingerprint, is_its)?;
        at_ordinal(&self.entries, self.first, *found).map(|entry| entry.direction_of(segment.sender))
    }

    /// Forgets what has waited long enough at `clock`.
    pub(super) fn expire(&mut self, clock: Nanos) {
        while self.entries.front().is_some_and(|oldest| !self.is_valid(oldest, clock)) {
            self.pop();
        }
    }

    fn entry(&self, connection: &Connection) -> Option<Entry> {
        let closed = connection.closed_by_fins()?;
        let ends = connection.fin_ends()?;
        let orig = if connection.direction_of(End::High) == Direction::Orig { ORIG_IS_HIGH } else { 0 };
        let ends = [End::Low, End::High].map(|end| ends[connection.direction_of(end).index()]);
        let fingerprint = fingerprint(&connection.key, self.salt) | orig;
        Some(Entry { fingerprint, closed: closed.clock, ends })
    }

    fn is_valid(&self, entry: &Entry, clock: Nanos) -> bool {
        clock.since(entry.closed) < self.timeout
    }

    /// Takes out the oldest entry. Returns it if it is the latest of its tuple.
    fn pop(&mut self) -> Option<Entry> {
        let oldest = self.entries.pop_front()?;
        let ordinal = self.first;
        self.first = self.first.wrapping_add(1);
        let found = self.index.find_entry(oldest.hash(), |&at| at == ordinal).ok()?;
        found.remove();
        Some(oldest)
    }
}

fn at_ordinal(entries: &VecDeque<Entry>, first: u32, ordinal: u32) -> Option<&Entry> {
    entries.get(ordinal.wrapping_sub(first) as usize)
}

/// 63 bits that stand for a flow key; the lowest bit is 0. A stranger's key among four million entries has the same as one of them once in
/// 10^12 cases, and would have to fit in its numbers too.
fn fingerprint(key: &FlowKey, salt: u64) -> u64 {
    xxh3_64_with_seed(&key_bytes(key), salt) & !ORIG_IS_HIGH
}

impl Entry {
    /// When the connection closed.
    pub(super) const fn closed(&self) -> Nanos {
        self.closed
    }

    const fn hash(&self) -> u64 {
        self.fingerprint & !ORIG_IS_HIGH
    }

    const fn direction_of(&self, sender: End) -> Direction {
        let orig_is_high = self.fingerprint & ORIG_IS_HIGH != 0;
        match (sender, orig_is_high) {
            (End::High, true) | (End::Low, false) => Direction::Orig,
            (End::High, false) | (End::Low, true) => Direction::Resp,
        }
    }

    fn fits(&self, segment: &Segment) -> bool {
        let [low, high] = self.ends;
        let (mine, theirs) = if segment.sender == End::Low { (low, high) } else { (high, low) };
        is_of_ended(segment, mine, theirs)
    }
}
