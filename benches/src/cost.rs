//! Runs one case, for its instructions to be counted: `scripts/cost.sh` does that.
//!
//!     cost CASE     prints packets, allocations and bytes held a connection
//!     cost          prints the names of the cases
//!
//! What is to be counted happens inside a function called `measured`, to which callgrind can be told to keep.

use std::alloc::System;
use std::hint::black_box;
use std::process::ExitCode;

use benches::cases::{CASES, Case, Stage};
use benches::track::Tracker;
use benches::traffic::Captured;
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};
use wire::{LinkType, Observation};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// What a case took.
struct Cost {
    packets: usize,
    /// Allocations and reallocations while it was measured.
    allocations: usize,
    /// Bytes that the tracker holds in the end, a connection.
    held: u64,
}

fn main() -> ExitCode {
    let Some(name) = std::env::args().nth(1) else {
        CASES.iter().for_each(|case| println!("{}", case.name));
        return ExitCode::SUCCESS;
    };
    let Some(case) = Case::named(&name) else {
        eprintln!("cost: there is no case {name}; without an argument it lists them");
        return ExitCode::from(2);
    };
    let Cost { packets, allocations, held } = match case.stage {
        Stage::Parse => parse(case),
        Stage::Track(headers) => track(case, headers),
    };
    println!("{packets} {allocations} {held}");
    ExitCode::SUCCESS
}

fn parse(case: &Case) -> Cost {
    let [_, frames] = case.frames();
    let region = Region::new(ALLOCATOR);
    measured(|| frames.iter().for_each(parse_one));
    Cost { packets: frames.len(), allocations: allocations(&region), held: 0 }
}

fn parse_one(frame: &Captured) {
    black_box(&wire::parse(LinkType::Ethernet, black_box(frame.bytes()), frame.wire_len));
}

fn track(case: &Case, headers: u8) -> Cost {
    let [before, observations]: [Vec<Observation>; 2] = case.observations();
    let whole = Region::new(ALLOCATOR);
    let mut tracker = Tracker::new(headers);
    tracker.take(&before);
    let region = Region::new(ALLOCATOR);
    measured(|| tracker.take(&observations));
    let allocations = allocations(&region);
    let change = whole.change();
    let held = change.bytes_allocated.saturating_sub(change.bytes_deallocated) as u64;
    Cost { packets: observations.len(), allocations, held: held.checked_div(tracker.live()).unwrap_or(0) }
}

fn allocations(region: &Region<'_, System>) -> usize {
    let change = region.change();
    change.allocations + change.reallocations
}

/// Where instructions are counted.
#[inline(never)]
fn measured(work: impl FnOnce()) {
    work();
}
