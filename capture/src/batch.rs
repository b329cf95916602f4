//! What travels through the rings: observations, a hundred or so at a time, with their header bytes.

use wire::{Nanos, Observation, Packet};

/// Observations of one poller for one shard, in order of their `clock`, and the header bytes they point to; and the losses between
/// them. A batch is allocated once and travels to and fro between its poller and its shard.
#[derive(Debug)]
pub(crate) struct Batch {
    observations: Vec<Observation>,
    bytes: Vec<u8>,
    /// In order; at most two at a place.
    losses: Vec<Loss>,
}

/// The capture lost something.
#[derive(Clone, Copy, Debug)]
struct Loss {
    /// The observation that it stands before.
    before: usize,
    /// By when.
    by: Nanos,
}

/// How far a batch was read.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Cursor {
    observation: usize,
    loss: usize,
}

impl Batch {
    /// Bytes of headers that a batch has room for, an observation: IPv6 and TCP with full options are 100, IPv4 and TCP with
    /// timestamps 52.
    const HEADER_BYTES: usize = 104;

    pub(crate) fn new(observations: usize, headers: bool) -> Self {
        let bytes = if headers { observations.saturating_mul(Self::HEADER_BYTES) } else { 0 };
        Self { observations: Vec::with_capacity(observations), bytes: Vec::with_capacity(bytes), losses: Vec::new() }
    }

    /// Whether an observation with so many header bytes still fits. An empty batch takes any, so that no header is too long.
    #[inline]
    pub(crate) fn has_room(&self, headers: usize) -> bool {
        self.observations.is_empty()
            || (self.observations.len() < self.observations.capacity()
                && self.bytes.capacity() - self.bytes.len() >= headers)
    }

    /// Adds an observation; its place in the buffer is written here.
    #[inline]
    pub(crate) fn push(&mut self, observation: Observation, headers: &[u8]) {
        // Neither cast loses anything: `has_room` keeps the buffer near its first capacity, and an IP header chain with its
        // TCP header is shorter than the 65,535 bytes of a datagram, which `get` makes sure of.
        let headers = headers.get(..usize::from(u16::MAX)).unwrap_or(headers);
        let place = (self.bytes.len() as u32, headers.len() as u16);
        self.bytes.extend_from_slice(headers);
        self.observations.push(Observation { headers_at: place.0, headers_len: place.1, ..observation });
    }

    pub(crate) fn clear(&mut self) {
        self.observations.clear();
        self.bytes.clear();
        self.losses.clear();
    }

    /// Adds that something was lost by this time. Of more than two losses at a place, the first and the last say all.
    pub(crate) fn tell_loss(&mut self, by: Nanos) {
        let before = self.observations.len();
        match self.losses.as_mut_slice() {
            [.., last] if last.before == before && last.by == by => {}
            [.., first, last] if first.before == before => last.by = by,
            _ => self.losses.push(Loss { before, by }),
        }
    }

    /// Whether it says nothing.
    pub(crate) fn is_empty(&self) -> bool {
        self.observations.is_empty() && self.losses.is_empty()
    }

    pub(crate) fn observations(&self) -> &[Observation] {
        &self.observations
    }

    /// The clock of the oldest observation or loss.
    pub(crate) fn first_clock(&self) -> Option<Nanos> {
        self.clock_at(Cursor::default())
    }

    /// The loss at `at`, or the observations from there to the next loss that stand before `end` in the merge, by their clock.
    pub(crate) fn run(&self, at: Cursor, is_before_end: impl Fn(Nanos) -> bool) -> Run<'_> {
        let lost_by = self.loss_at(at);
        let next_loss = self.losses.get(at.loss).map_or(self.observations.len(), |loss| loss.before);
        let rest = self.observations.get(at.observation..next_loss).unwrap_or_default();
        let len = rest.partition_point(|observation| is_before_end(observation.clock));
        Run { observations: rest.get(..len).unwrap_or_default(), bytes: &self.bytes, lost_by }
    }

    /// Where the next run begins after this one; `None` when all was read.
    pub(crate) fn after(&self, at: Cursor, run: &Run<'_>) -> Option<Cursor> {
        let next = Cursor {
            observation: at.observation + run.observations.len(),
            loss: at.loss + usize::from(run.lost_by.is_some()),
        };
        self.clock_at(next).map(|_| next)
    }

    /// The clock of the observation or the loss at this place.
    pub(crate) fn clock_at(&self, at: Cursor) -> Option<Nanos> {
        self.loss_at(at).or_else(|| self.observations.get(at.observation).map(|observation| observation.clock))
    }

    fn loss_at(&self, at: Cursor) -> Option<Nanos> {
        self.losses.get(at.loss).filter(|loss| loss.before == at.observation).map(|loss| loss.by)
    }
}

/// Observations of one source that follow each other in the merged order, or a loss between two of them, lent by an [`crate::Inbox`].
#[derive(Clone, Copy, Debug)]
pub struct Run<'a> {
    observations: &'a [Observation],
    bytes: &'a [u8],
    lost_by: Option<Nanos>,
}

impl<'a> Run<'a> {
    /// The capture lost packets, and nobody knows whose. Two such runs tell of a loss: it fell between the one's time and the other's. They
    /// have no observations.
    #[must_use]
    pub const fn lost_by(&self) -> Option<Nanos> {
        self.lost_by
    }

    /// The observations.
    #[must_use]
    pub const fn observations(&self) -> &'a [Observation] {
        self.observations
    }

    /// The observations with their header bytes.
    pub fn packets(&self) -> impl ExactSizeIterator<Item = Packet<'a>> + use<'a> {
        let bytes = self.bytes;
        self.observations.iter().map(move |observation| {
            let start = observation.headers_at as usize;
            let end = start + usize::from(observation.headers_len);
            Packet { observation, headers: bytes.get(start..end).unwrap_or_default() }
        })
    }
}
