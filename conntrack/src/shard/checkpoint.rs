//! Connections that outlive the process: one shard saves them, another takes them over.
//!
//! What is saved is the memory of this version of the program, as its types lay it out; who keeps it has to see that nothing else reads it. So
//! beside each connection goes the row that it would leave if it ended now, for a reader of another version. Steering to shards is another in
//! every run: who takes over gives each connection its hash anew, and any number of shards may.
//!
//! A tuple in TIME_WAIT does not know its key any more, only its fingerprint, so every shard takes over all of them.

use serde::{Deserialize, Serialize, Serializer};
use wire::{FlowKey, Nanos};

use super::attempt::Attempt;
use super::time_wait::Entry;
use super::{Class, Shard};
use crate::config::Config;
use crate::connection::Connection;
use crate::record::{CloseReason, Record};
use crate::sink::Sink;

/// Names what [`Saved`] is laid out like: two programs with the same can read each other's. It changes with every change of the tracker.
pub const LAYOUT: &str = env!("CONNTRACK_LAYOUT");

/// A connection, an attempt or a tuple in TIME_WAIT that is being saved. It serialises as what [`Kept`] is read from.
#[derive(Debug)]
pub struct Saved<'a> {
    /// The row that it would leave if it ended now, with what of it was handed over so far; nothing of a tuple in TIME_WAIT, whose row was written.
    pub row: Option<Record>,
    /// Its packets that are not in that row, because it is not decided yet whether they open another connection.
    pub undecided: u64,
    state: State<'a>,
}

/// Serialises as [`Owned`] does.
#[derive(Debug, Serialize)]
enum State<'a> {
    Connection(&'a Connection),
    Attempt(&'a Attempt),
    Tuple(&'a Entry),
}

#[derive(Clone, Debug, Deserialize)]
enum Owned {
    Connection(Box<Connection>),
    Attempt(Attempt),
    Tuple(Entry),
}

impl Serialize for Saved<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.state.serialize(serializer)
    }
}

/// A connection, an attempt or a tuple in TIME_WAIT that was saved.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "Owned")]
pub struct Kept(Owned);

/// What was read cannot have been saved by a shard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no shard of this version has saved this")]
pub struct Unsound;

impl TryFrom<Owned> for Kept {
    type Error = Unsound;

    fn try_from(owned: Owned) -> Result<Self, Unsound> {
        let is_sound = match &owned {
            Owned::Connection(connection) => connection.is_sound(),
            Owned::Attempt(attempt) => attempt.is_sound(),
            Owned::Tuple(_) => true,
        };
        if is_sound { Ok(Self(owned)) } else { Err(Unsound) }
    }
}

impl Kept {
    /// Its key, by which its shard is chosen; nothing of a tuple in TIME_WAIT, which all shards take over.
    #[must_use]
    pub fn key(&self) -> Option<FlowKey> {
        match &self.0 {
            Owned::Connection(connection) => Some(connection.key),
            Owned::Attempt(attempt) => Some(attempt.key()),
            Owned::Tuple(_) => None,
        }
    }

    /// Whether it is a connection that had not ended.
    #[must_use]
    pub fn is_open(&self) -> bool {
        match &self.0 {
            Owned::Connection(connection) => !connection.is_closed(),
            Owned::Attempt(_) => true,
            Owned::Tuple(_) => false,
        }
    }
}

/// A shard that begins with what others have saved.
#[derive(Debug)]
pub struct Heir {
    shard: Shard,
    attempts: Vec<Attempt>,
    tuples: Vec<Entry>,
}

impl Heir {
    /// One that has taken over nothing yet.
    #[must_use]
    pub fn new(config: Config) -> Self {
        Self { shard: Shard::new(config), attempts: Vec::new(), tuples: Vec::new() }
    }

    /// Takes over what was saved. `hash` is that of its key ([`wire::FlowHasher`]) in this run.
    pub fn take_over(&mut self, kept: Kept, hash: u32) {
        match kept.0 {
            Owned::Connection(mut connection) => {
                connection.rehash(hash);
                connection.interims = self.shard.interim.passed();
                self.shard.table.insert(*connection);
            }
            Owned::Attempt(mut attempt) => {
                attempt.rehash(hash);
                self.attempts.push(attempt);
            }
            Owned::Tuple(entry) => self.tuples.push(entry),
        }
    }

    /// The shard, as it would stand at `clock`, when the others saved, had it tracked all that itself. Where there is room for fewer
    /// connections, some leave their rows.
    pub fn into_shard(self, clock: Nanos, sink: &mut impl Sink) -> Shard {
        let Self { mut shard, mut attempts, mut tuples } = self;
        shard.table.sort_by_waiting();
        attempts.sort_by_key(Attempt::first);
        attempts.into_iter().for_each(|attempt| shard.attempts.insert(attempt));
        tuples.sort_by_key(Entry::closed);
        for entry in tuples {
            // Of those that find no room most belong to another shard.
            let _ = shard.time_wait.push(entry, clock);
        }
        shard.advance(clock, sink);
        while shard.table.len() > shard.config.max_connections
            && let Some(least_valuable) = shard.table.least_valuable()
        {
            shard.evict(least_valuable, sink);
        }
        while shard.attempts.len() > shard.config.max_attempts {
            shard.evict_attempt(sink);
        }
        shard
    }
}

impl Shard {
    /// Saves everything at `clock`, the latest packet of all sources, and stays as it is. What is due leaves its row as ever.
    pub fn save(&mut self, clock: Nanos, sink: &mut impl Sink, save: &mut impl FnMut(Saved<'_>)) {
        self.advance(clock, sink);
        self.end_what_is_due(sink);
        self.end_walk(sink);
        self.series.flush(sink);
        for slot in self.table.slots().filter(|&slot| self.table.holds(slot)) {
            let connection = self.table.get(slot);
            let undecided = connection.pending.len() as u64;
            let row = connection.row_so_far(self.last_loss);
            save(Saved { row: Some(row), undecided, state: State::Connection(connection) });
        }
        for attempt in self.attempts.iter() {
            let connection = attempt.to_connection(self.config.salt, self.config.headers);
            let row = connection.record(Some(CloseReason::CampaignEnd), self.last_loss);
            save(Saved { row: Some(row), undecided: 0, state: State::Attempt(attempt) });
        }
        for entry in self.time_wait.entries() {
            save(Saved { row: None, undecided: 0, state: State::Tuple(entry) });
        }
    }

    /// Ends the connections whose time is up.
    pub(super) fn end_what_is_due(&mut self, sink: &mut impl Sink) {
        for slot in self.table.slots() {
            if self.table.holds(slot) && self.is_due(slot, self.clock) {
                self.time_out(slot, sink);
            }
        }
    }
}

impl Connection {
    /// The row that it would leave if it ended now, of what has been handed over so far.
    fn row_so_far(&self, last_loss: Nanos) -> Record {
        let mut row = self.record(Some(CloseReason::CampaignEnd), last_loss);
        row.headers = row.headers.saturating_sub(u8::try_from(self.held.len()).unwrap_or(u8::MAX));
        let told = self.log.as_ref().map_or(0, |log| log.told());
        row.events.recorded = told;
        row
    }

    /// Gives it, and the packets that it holds, another hash.
    fn rehash(&mut self, hash: u32) {
        self.hash = hash;
        for held in self.pending.iter_mut().chain(&mut self.held) {
            held.observation.hash = hash;
        }
        self.timer.0 = Class::of(self);
    }

    /// Whether what is used as an index lies within its bounds.
    fn is_sound(&self) -> bool {
        self.held.len() <= usize::from(self.headers) && self.halves.iter().all(crate::half::Half::is_sound)
    }
}
