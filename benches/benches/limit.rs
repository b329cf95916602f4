//! What a packet costs, and what it would cost at least on this machine, measured in the same run, so that each figure is a ratio.
//!
//!     cargo bench -p benches --bench limit [-- FLOWS...]     default: 10000 100000 1000000
//!
//! The limit: observations of two cache lines are read one after another, each is hashed, found in an index and counted in an entry of one
//! or two cache lines, in random order of flows, sixteen together so that their misses overlap. The tracker: the same index, and all that it
//! measures. Times are the thread's CPU time; other work on the machine takes caches away from both.

use std::alloc::System;
use std::hint::black_box;

use benches::track::{Tracker, observations};
use benches::traffic::{Side, Traffic};
use hashbrown::HashTable;
use rustix::time::{ClockId, clock_gettime};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};
use wire::Observation;

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// Packets that are measured, and how many of them are made at a time.
const PACKETS: usize = 2_000_000;
const CHUNK: usize = 100_000;

fn main() {
    let flows: Vec<usize> = std::env::args().skip(1).filter_map(|argument| argument.parse().ok()).collect();
    let flows = if flows.is_empty() { vec![10_000, 100_000, 1_000_000] } else { flows };
    println!("ns a packet, one thread, flows in random order");
    println!(
        "{:>10} {:>12} {:>14} {:>15} {:>9} {:>7} {:>12} {:>14}",
        "flows", "read alone", "64-byte entry", "128-byte entry", "tracker", "ratio", "bytes/flow", "allocs/1000"
    );
    for flows in flows {
        let mut packets = Packets::of(flows);
        let read = time(&mut packets, |observations| observations.iter().map(|one| u64::from(one.hash)).sum());
        let mut one_line = Entries::<Line>::of(&packets.first);
        let one_line = time(&mut packets, |observations| one_line.count(observations));
        let mut two_lines = Entries::<TwoLines>::of(&packets.first);
        let two_lines = time(&mut packets, |observations| two_lines.count(observations));
        let held = Region::new(ALLOCATOR);
        let mut tracker = Tracker::new(0);
        tracker.take(&packets.first);
        let change = held.change();
        let bytes = change.bytes_allocated.saturating_sub(change.bytes_deallocated) / flows;
        let mut allocations = 0;
        let tracked = time(&mut packets, |observations| {
            let region = Region::new(ALLOCATOR);
            tracker.take(observations);
            let change = region.change();
            allocations += change.allocations + change.reallocations;
            0
        });
        let (ratio, allocations) = (tracked / two_lines, allocations * 1000 / PACKETS);
        println!(
            "{flows:>10} {read:>12.1} {one_line:>14.1} {two_lines:>15.1} {tracked:>9.1} {ratio:>7.1} {bytes:>12} {allocations:>14}"
        );
    }
}

/// Flows, and packets of them in random order.
struct Packets {
    traffic: Traffic,
    /// Those that opened the flows.
    first: Vec<Observation>,
    random: u64,
}

impl Packets {
    fn of(flows: usize) -> Self {
        let mut traffic = Traffic::of(flows);
        for flow in 0..flows {
            traffic.open(flow);
            traffic.ask(flow, 2);
        }
        let first = observations(&traffic.take());
        Self { traffic, first, random: 1 }
    }

    /// The next packets: a segment or its acknowledgment, of any flow.
    fn next(&mut self) -> Vec<Observation> {
        for _ in 0..CHUNK {
            self.random = self.random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let flow = (((self.random >> 32) * self.traffic.connections() as u64) >> 32) as usize;
            if (self.random >> 31) & 1 == 0 {
                self.traffic.data(flow, Side::Server, 1448);
            } else {
                self.traffic.acknowledge(flow, Side::Client, 0);
            }
        }
        observations(&self.traffic.take())
    }
}

/// CPU time of this thread, ns.
fn cpu_time() -> i64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.tv_sec * 1_000_000_000 + time.tv_nsec
}

/// Nanoseconds a packet.
fn time(packets: &mut Packets, mut take: impl FnMut(&[Observation]) -> u64) -> f64 {
    let mut nanos = 0;
    for _ in 0..PACKETS / CHUNK {
        let chunk = packets.next();
        let begun = cpu_time();
        black_box(take(&chunk));
        nanos += cpu_time() - begun;
    }
    nanos as f64 / PACKETS as f64
}

/// What is least kept of a flow.
trait Entry: Default {
    fn read(&self) -> u64;
    fn count(&mut self, observation: &Observation);
    fn flow(&self) -> u64;
}

/// An entry of one cache line.
#[derive(Clone, Copy, Default)]
#[repr(align(64))]
struct Line([u64; 8]);

/// An entry of two cache lines.
#[derive(Clone, Copy, Default)]
#[repr(align(128))]
struct TwoLines([Line; 2]);

impl Entry for Line {
    fn read(&self) -> u64 {
        self.0[0]
    }

    fn count(&mut self, observation: &Observation) {
        let segment = &observation.segment;
        self.0[0] = flow(observation);
        self.0[1] += 1;
        self.0[2] += u64::from(segment.ip_len);
        self.0[3] += u64::from(segment.payload_len);
        self.0[4] = observation.ts.0 as u64;
        self.0[5] = (u64::from(segment.seq.0) << 32) | u64::from(segment.ack.0);
        self.0[6] |= u64::from(segment.flags.0);
    }

    fn flow(&self) -> u64 {
        self.0[0]
    }
}

impl Entry for TwoLines {
    fn read(&self) -> u64 {
        self.0[0].read() ^ self.0[1].read()
    }

    fn count(&mut self, observation: &Observation) {
        self.0[0].count(observation);
        self.0[1].0[0] += u64::from(observation.segment.window);
    }

    fn flow(&self) -> u64 {
        self.0[0].flow()
    }
}

/// What tells flows apart here: their 32-bit hashes and ports.
fn flow(observation: &Observation) -> u64 {
    let key = &observation.segment.key;
    let ports = [wire::End::Low, wire::End::High].map(|end| u64::from(key.endpoint(end).port));
    (u64::from(observation.hash) << 32) | (ports[0] << 16) | ports[1]
}

/// Entries with an index over them.
struct Entries<E> {
    index: HashTable<u32>,
    entries: Vec<E>,
}

impl<E: Entry> Entries<E> {
    fn of(first: &[Observation]) -> Self {
        let mut entries = Self { index: HashTable::new(), entries: Vec::new() };
        first.iter().for_each(|observation| entries.add(observation));
        entries
    }

    fn add(&mut self, observation: &Observation) {
        if self.find(observation).is_none() {
            let mut entry = E::default();
            entry.count(observation);
            let slot = self.entries.len() as u32;
            self.entries.push(entry);
            let entries = &self.entries;
            self.index.insert_unique(spread(observation.hash), slot, |&slot| {
                spread((entries[slot as usize].flow() >> 32) as u32)
            });
        }
    }

    fn find(&self, observation: &Observation) -> Option<u32> {
        let flow = flow(observation);
        self.index.find(spread(observation.hash), |&slot| self.entries[slot as usize].flow() == flow).copied()
    }

    fn count(&mut self, observations: &[Observation]) -> u64 {
        let mut read = 0;
        for group in observations.chunks(16) {
            let mut slots = [None; 16];
            for (slot, observation) in slots.iter_mut().zip(group) {
                *slot = self.find(observation);
            }
            for slot in slots.into_iter().flatten() {
                read ^= self.entries[slot as usize].read();
            }
            for (slot, observation) in slots.iter().zip(group) {
                if let Some(entry) = slot.and_then(|slot| self.entries.get_mut(slot as usize)) {
                    entry.count(observation);
                }
            }
        }
        read
    }
}

/// As the tracker spreads hashes.
fn spread(hash: u32) -> u64 {
    u64::from(hash).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}
