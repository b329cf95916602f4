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
//! All are valid equally long after their connection closed, but they do not come in the order in which they close: a row may have waited
//! for minutes before it was written. So they lie in spans by when their connection closed, a sixteenth of the time each, and a span that
//! is over gives its memory back whatever lies in the others. Beyond the bound those of the oldest span go first. Of a tuple only the latest
//! connection is found; what is left of those before goes with time.

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

/// Into so many spans the time is divided for which an entry is valid.
const DIVISIONS: i64 = 16;

/// Room for the spans that can hold a valid entry, and as many again, so that what is over need not go at once. A power of two.
const SPANS: usize = 32;

/// How many entries a span can number.
const NUMBERS: u32 = u32::MAX / SPANS as u32;

/// Entries of a span that is over which go at once, so that no packet waits for all of them.
const AT_ONCE: usize = 16;

/// The connections that closed within a span of time.
#[derive(Debug, Default)]
struct Span {
    /// Which one: from `number` to `number + 1` times its width.
    number: i64,
    entries: VecDeque<Entry>,
    /// The ordinal number of the first entry.
    first: u32,
}

/// Where an entry lies: its ordinal number times [`SPANS`], and its span's place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Place(u32);

impl Place {
    const fn new(ordinal: u32, span: usize) -> Self {
        Self(ordinal * SPANS as u32 + span as u32)
    }

    fn entry(self, spans: &[Span; SPANS]) -> Option<&Entry> {
        let span = &spans[self.0 as usize % SPANS];
        span.entries.get((self.0 / SPANS as u32).checked_sub(span.first)? as usize)
    }
}

/// The closed tuples of a shard.
#[derive(Debug)]
pub(super) struct TimeWait {
    /// Places of entries, by fingerprint.
    index: HashTable<Place>,
    /// By the number of a span, as far as there is room.
    spans: [Span; SPANS],
    len: usize,
    /// The place of the oldest span that holds anything, and the last instant of it; [`Nanos::MAX`] where there is none.
    oldest: (usize, Nanos),
    /// How long a span is, ns.
    width: i64,
    salt: u64,
    /// How long an entry is valid, ns.
    timeout: i64,
    max: usize,
}

impl TimeWait {
    /// Room for `max` entries, valid for `timeout` ns. Fingerprints are made under `salt`.
    pub(super) fn new(salt: u64, timeout: i64, max: usize) -> Self {
        Self {
            index: HashTable::new(),
            spans: Default::default(),
            len: 0,
            oldest: (0, Nanos::MAX),
            width: (timeout / DIVISIONS).max(1),
            salt,
            timeout,
            max,
        }
    }

    /// Remembers a connection that FINs closed; any other does not come in. Returns whether one had to go for it before its time.
    pub(super) fn insert(&mut self, connection: &Connection, clock: Nanos) -> bool {
        self.entry(connection).is_some_and(|entry| self.push(entry, clock))
    }

    /// Remembers a tuple. Returns whether one had to go for it before its time.
    pub(super) fn push(&mut self, entry: Entry, clock: Nanos) -> bool {
        if self.max == 0 || !self.is_valid(&entry, clock) {
            return false;
        }
        let oldest = if self.len >= self.max { self.pop(self.oldest.0) } else { None };
        let evicts = oldest.is_some_and(|oldest| self.is_valid(&oldest, clock));
        let Some(place) = self.put(entry) else { return true };
        let Self { index, spans, .. } = self;
        let hash_at = |place: &Place| place.entry(spans).map_or(0, Entry::hash);
        if let Ok(before) = index.find_entry(entry.hash(), |at| *at != place && hash_at(at) == entry.hash()) {
            before.remove();
        }
        index.insert_unique(entry.hash(), place, hash_at);
        evicts
    }

    /// All that is remembered, the oldest span first.
    pub(super) fn entries(&self) -> impl Iterator<Item = &Entry> {
        let mut spans: Vec<&Span> = self.spans.iter().filter(|span| !span.entries.is_empty()).collect();
        spans.sort_unstable_by_key(|span| span.number);
        spans.into_iter().flat_map(|span| &span.entries)
    }

    /// The direction of a packet that belongs to a connection in TIME_WAIT; `None` if it may open a connection. What no connection can begin
    /// with, by its flags, belongs to whatever was there.
    pub(super) fn direction_of(&self, observation: &Observation) -> Option<Direction> {
        let segment = &observation.segment;
        let kind = classify(segment.flags);
        if self.len == 0 || matches!(kind, Kind::Syn | Kind::SynAck) {
            return None;
        }
        let fingerprint = fingerprint(&segment.key, self.salt);
        let is_its = |entry: &Entry| {
            let is_valid = entry.hash() == fingerprint && self.is_valid(entry, observation.clock);
            is_valid && (kind == Kind::Bad || entry.fits(segment))
        };
        let found = self.index.find(fingerprint, |place| place.entry(&self.spans).is_some_and(is_its))?;
        found.entry(&self.spans).map(|entry| entry.direction_of(segment.sender))
    }

    /// Forgets what has waited long enough at `clock`, a few at a time.
    pub(super) fn expire(&mut self, clock: Nanos) {
        for _ in 0..AT_ONCE {
            if clock.since(self.oldest.1) < self.timeout {
                return;
            }
            self.pop(self.oldest.0);
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

    /// Puts an entry into its span; `None` if that is full.
    fn put(&mut self, entry: Entry) -> Option<Place> {
        let number = entry.closed.0.div_euclid(self.width);
        let at = number.rem_euclid(SPANS as i64) as usize;
        // After a leap of the clock there may be something left from long ago.
        while self.spans[at].number != number && !self.spans[at].entries.is_empty() {
            self.pop(at);
        }
        let span = &mut self.spans[at];
        span.number = number;
        let ordinal = span.first.checked_add(u32::try_from(span.entries.len()).ok()?).filter(|&next| next < NUMBERS)?;
        span.entries.push_back(entry);
        self.len += 1;
        if ordinal == span.first {
            self.find_oldest();
        }
        Some(Place::new(ordinal, at))
    }

    /// Takes the first entry out of a span, which then gives back its memory if it is empty. Returns it if it is the latest of its tuple.
    fn pop(&mut self, at: usize) -> Option<Entry> {
        let span = &mut self.spans[at];
        let entry = span.entries.pop_front()?;
        let place = Place::new(span.first, at);
        span.first += 1;
        self.len -= 1;
        if span.entries.is_empty() {
            *span = Span::default();
            self.find_oldest();
        }
        let found = self.index.find_entry(entry.hash(), |&found| found == place).ok()?;
        found.remove();
        Some(entry)
    }

    fn find_oldest(&mut self) {
        let held = self.spans.iter().enumerate().filter(|(_, span)| !span.entries.is_empty());
        let oldest = held.min_by_key(|(_, span)| span.number);
        let end = |span: &Span| span.number.saturating_add(1).saturating_mul(self.width).saturating_sub(1);
        self.oldest = oldest.map_or((0, Nanos::MAX), |(at, span)| (at, Nanos(end(span))));
    }
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
