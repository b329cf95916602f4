//! What travels through the rings: observations, a hundred or so at a time, with their header bytes.

use wire::{Nanos, Observation, Packet};

/// Observations of one poller for one shard, in order of their `clock`, and the header bytes they point to. A batch is
/// allocated once and travels to and fro between its poller and its shard.
#[derive(Debug)]
pub(crate) struct Batch {
    observations: Vec<Observation>,
    bytes: Vec<u8>,
}

impl Batch {
    /// Bytes of headers that a batch has room for, an observation: IPv6 and TCP with full options are 100, IPv4 and TCP with
    /// timestamps 52.
    const HEADER_BYTES: usize = 104;

    pub(crate) fn new(observations: usize, headers: bool) -> Self {
        let bytes = if headers { observations.saturating_mul(Self::HEADER_BYTES) } else { 0 };
        Self { observations: Vec::with_capacity(observations), bytes: Vec::with_capacity(bytes) }
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
    }

    pub(crate) fn observations(&self) -> &[Observation] {
        &self.observations
    }

    pub(crate) fn len(&self) -> usize {
        self.observations.len()
    }

    /// The clock of the oldest observation.
    pub(crate) fn first_clock(&self) -> Option<Nanos> {
        self.observations.first().map(|first| first.clock)
    }

    /// The observations from `start` on that stand before `end` in the merge, by their clock.
    pub(crate) fn run(&self, start: usize, is_before_end: impl Fn(Nanos) -> bool) -> Run<'_> {
        let rest = self.observations.get(start..).unwrap_or_default();
        let len = rest.partition_point(|observation| is_before_end(observation.clock));
        Run { observations: rest.get(..len).unwrap_or_default(), bytes: &self.bytes }
    }

    /// The clock of the observation at `index`.
    pub(crate) fn clock_at(&self, index: usize) -> Option<Nanos> {
        self.observations.get(index).map(|observation| observation.clock)
    }
}

/// Observations of one source that follow each other in the merged order, lent by an [`crate::Inbox`].
#[derive(Clone, Copy, Debug)]
pub struct Run<'a> {
    observations: &'a [Observation],
    bytes: &'a [u8],
}

impl<'a> Run<'a> {
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
