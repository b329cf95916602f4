//! The tracker as the appliance drives it, its rows counted and dropped.

use capture::Run;
use conntrack::{Config, Event, Header, Record, Shard, Sink};
use wire::{FlowHasher, Interval, LinkType, Observation, Packet, Parsed};

use crate::traffic::Captured;

/// How many rows there were.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rows {
    /// Connections.
    pub records: u64,
    /// Headers.
    pub headers: u64,
    /// Events.
    pub events: u64,
    /// Parts of bins.
    pub intervals: u64,
}

impl Sink for Rows {
    fn record(&mut self, _: Record) {
        self.records += 1;
    }

    fn header(&mut self, _: Header<'_>) {
        self.headers += 1;
    }

    fn event(&mut self, _: Event) {
        self.events += 1;
    }

    fn interval(&mut self, _: Interval) {
        self.intervals += 1;
    }
}

/// A shard and what it has handed over.
#[derive(Debug)]
pub struct Tracker {
    shard: Shard,
    rows: Rows,
}

impl Tracker {
    /// One that records this many headers of each connection.
    #[must_use]
    pub fn new(headers: u8) -> Self {
        Self { shard: Shard::new(Config { headers, ..Config::default() }), rows: Rows::default() }
    }

    /// Takes in packets, without header bytes, as a shard of the appliance does.
    #[inline(never)]
    pub fn take(&mut self, observations: &[Observation]) {
        for group in observations.chunks(Shard::GROUP) {
            self.shard.anticipate(group);
            for observation in group {
                self.shard.step(&Packet { observation, headers: &[] }, &mut self.rows);
            }
        }
    }

    /// The same of what comes out of a ring.
    pub fn take_run(&mut self, run: &Run<'_>, sink: &mut impl Sink) {
        let mut packets = run.packets();
        for group in run.observations().chunks(Shard::GROUP) {
            self.shard.anticipate(group);
            packets.by_ref().take(group.len()).for_each(|packet| self.shard.step(&packet, sink));
        }
    }

    /// Ends everything.
    #[must_use]
    pub fn finish(mut self) -> Rows {
        self.shard.finish(wire::Nanos::MAX, &mut self.rows);
        self.rows
    }

    /// Connections and attempts held.
    #[must_use]
    pub fn live(&self) -> u64 {
        self.shard.stats().live
    }
}

/// The observations of frames: what a poller makes of them. A frame that is no TCP makes none.
#[must_use]
pub fn observations(frames: &[Captured]) -> Vec<Observation> {
    let hasher = FlowHasher::new(1);
    frames.iter().filter_map(|frame| observe(frame, &hasher)).collect()
}

fn observe(frame: &Captured, hasher: &FlowHasher) -> Option<Observation> {
    let Parsed::Tcp(tcp) = wire::parse(LinkType::Ethernet, frame.bytes(), frame.wire_len) else { return None };
    let hash = hasher.hash(&tcp.segment.key);
    Some(Observation { ts: frame.ts, clock: frame.ts, segment: tcp.segment, hash, headers_at: 0, headers_len: 0 })
}
