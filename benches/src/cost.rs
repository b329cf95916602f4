//! Runs one case, for its instructions to be counted: `scripts/cost.sh` does that.
//!
//!     cost CASE     prints packets (or rows), allocations, and bytes held a connection (or bytes on disk a row)
//!     cost          prints the names of the cases
//!
//! What is to be counted happens inside a function called `measured`, to which callgrind can be told to keep.

use std::alloc::System;
use std::error::Error;
use std::hint::black_box;
use std::process::ExitCode;

use benches::cases::{CASES, Case, Stage};
use benches::pipe::Pipe;
use benches::store::{Kept, Store, sealed_bytes};
use benches::track::Tracker;
use benches::traffic::Captured;
use recorder::Encoder;
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};
use wire::{LinkType, Observation};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// What a case took.
struct Cost {
    /// Packets, or rows.
    packets: usize,
    /// Allocations and reallocations while it was measured.
    allocations: usize,
    /// Bytes that the tracker holds in the end, a connection; or bytes on disk, a row.
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
    match run(case) {
        Ok(Cost { packets, allocations, held }) => {
            println!("{packets} {allocations} {held}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("cost: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(case: &Case) -> Result<Cost, Box<dyn Error>> {
    Ok(match case.stage {
        Stage::Parse => parse(case),
        Stage::Deliver => deliver(case),
        Stage::Track(headers) => track(case, headers),
        Stage::Whole(headers) => whole(case, headers),
        Stage::RecordConnections => record(case, Kept::connections, "connections")?,
        Stage::RecordHeaders => record(case, Kept::headers, "headers")?,
    })
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

fn deliver(case: &Case) -> Cost {
    let [_, frames] = case.frames();
    let packets = frames.len();
    let pipe = Pipe::of(frames, true);
    let region = Region::new(ALLOCATOR);
    measured(|| {
        pipe.run(&mut |run| {
            run.packets().for_each(|packet| {
                black_box(packet);
            })
        })
    });
    Cost { packets, allocations: allocations(&region), held: 0 }
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

fn whole(case: &Case, headers: u8) -> Cost {
    let [_, frames] = case.frames();
    let packets = frames.len();
    let (pipe, mut tracker, mut encoder) = (Pipe::of(frames, true), Tracker::new(headers), Encoder::new(0));
    let region = Region::new(ALLOCATOR);
    measured(|| {
        pipe.run(&mut |run| {
            tracker.take_run(&run, &mut encoder);
            while let Some(block) = encoder.take() {
                encoder.recycle(block);
            }
        });
    });
    Cost { packets, allocations: allocations(&region), held: 0 }
}

/// Records the rows that `choose` leaves, all of them of `table`.
fn record(case: &Case, choose: fn(Kept) -> Kept, table: &str) -> Result<Cost, Box<dyn Error>> {
    let [_, frames] = case.frames();
    let rows = choose(Kept::of(&frames));
    let folder = tempfile::tempdir()?;
    let campaign = folder.path().join("campaign");
    let store = Store::create(&campaign)?;
    let region = Region::new(ALLOCATOR);
    measured(|| store.record(&rows));
    let allocations = allocations(&region);
    let bytes = sealed_bytes(&campaign.join(table))?;
    Ok(Cost { packets: rows.rows(), allocations, held: bytes.div_ceil(rows.rows().max(1) as u64) })
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
