//! The whole appliance in simulation: many seeds, each with its own traffic, losses, interleaving of threads and failing disk, and each
//! campaign held against what really happened.
//!
//! Nothing is left to chance but the seed: simulated hosts and devices, workers that take turns in one thread, and a disk in memory that
//! fails at a drawn operation. What fails fails again:
//!
//! ```text
//! CONNTRACK_SEEDS=1234 cargo test --test simulation            # this one
//! CONNTRACK_SEEDS=1..5000 cargo test --release --test simulation   # a long run
//! ```
#![allow(clippy::expect_used, clippy::panic, reason = "a test fails by panicking, its helpers too")]

mod appliance;
mod case;
#[path = "../../../recorder/tests/common/faulty_disk.rs"]
mod faulty_disk;
mod invariants;
#[path = "../support/mod.rs"]
mod support;
mod witness;

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use recorder::recover_on;
use wire::Nanos;

use appliance::Recorded;
use case::{Case, DiskFault};
use faulty_disk::{Fault, FaultyDisk, Survives};
use invariants::{Evidence, INVARIANTS};

/// Which seeds are run: a number or a range such as `1..5000`.
const SEEDS: &str = "CONNTRACK_SEEDS";

/// Without [`SEEDS`]: half a minute of a debug build.
const BY_DEFAULT: Range<u64> = 0..200;

/// Cases that found faults, each with what it found.
const REGRESSIONS: &[(&str, Case)] = &[
    ("a row survived a crash in the journal without its headers, which were journalled after it", CRASHED_BETWEEN),
    (
        "a device lost the last packets of connections that were open at the end, and they were not marked",
        LOST_AT_THE_END,
    ),
    ("a short ring lost the end of connections, and they were not marked", LOST_IN_RINGS),
    ("time passed over a closed connection before the shard heard of the loss that had touched it", HEARD_TOO_LATE),
    ("the truth did not know what Zeek says when both endpoints reset a connection", BOTH_RESET),
];

const CRASHED_BETWEEN: Case = Case {
    seed: 240,
    scenario: "uplink-small",
    connections: 34,
    device: "exact",
    queues: 1,
    loss: 0.0,
    shards: 1,
    batch: 33,
    hurried: false,
    headers: 5,
    segment_bytes: 157_696,
    disk: Some(DiskFault { fault: Fault::Crash, after: 22, survives: Survives::NamesAndHalfOfTheBytes }),
};

const LOST_AT_THE_END: Case = Case {
    seed: 51,
    scenario: "scans",
    connections: 35,
    queues: 2,
    loss: 0.01,
    shards: 2,
    batch: 40,
    segment_bytes: 39_936,
    disk: None,
    ..CRASHED_BETWEEN
};

const LOST_IN_RINGS: Case = Case {
    seed: 15,
    scenario: "smoltcp",
    connections: 28,
    device: "nic",
    queues: 3,
    shards: 2,
    batch: 56,
    hurried: true,
    headers: 0,
    disk: None,
    ..CRASHED_BETWEEN
};

const HEARD_TOO_LATE: Case = Case {
    seed: 487,
    scenario: "mixed",
    connections: 15,
    device: "exact",
    queues: 2,
    shards: 2,
    batch: 35,
    headers: 100,
    ..LOST_IN_RINGS
};

const BOTH_RESET: Case = Case { seed: 312, connections: 24, queues: 3, shards: 4, hurried: false, ..HEARD_TOO_LATE };

fn seeds() -> Range<u64> {
    let Ok(wanted) = std::env::var(SEEDS) else { return BY_DEFAULT };
    let number = |text: &str| text.parse::<u64>().unwrap_or_else(|_| panic!("{SEEDS}={wanted}: a number, or FROM..TO"));
    match wanted.split_once("..") {
        Some((from, to)) => number(from)..number(to),
        None => number(&wanted)..number(&wanted) + 1,
    }
}

/// Records a case; what a crash or a disk that failed leaves of the campaign is recovered. Gives the campaign, unless the disk did not
/// even let it begin.
fn campaign(case: &Case, room: &Path) -> Option<(PathBuf, Recorded)> {
    let (root, remains) = (room.join("campaign"), room.join("remains"));
    for directory in [&root, &remains] {
        std::fs::create_dir(directory).expect("a directory");
    }
    let (fault, after) = case.disk.map_or((Fault::Hiccup, u64::MAX), |disk| (disk.fault, disk.after));
    let disk = FaultyDisk::new(&root, fault, after);
    let has_crashed = || disk.failed() && fault == Fault::Crash;
    let recorded = appliance::record(case, &root, Arc::new(disk.clone()), &has_crashed).ok()?;
    if recorded.is_whole {
        return Some((root, recorded));
    }
    let survives = case.disk.filter(|_| has_crashed()).map_or(Survives::Everything, |disk| disk.survives);
    disk.after_crash(survives, &remains);
    // A disk that only counts: syncing for real would take minutes.
    let whole = FaultyDisk::new(&remains, Fault::Crash, u64::MAX);
    recover_on(Arc::new(whole), &remains, Nanos::from_secs(1_800_000_000)).expect("a campaign to recover");
    Some((remains, recorded))
}

/// What is wrong with the appliance in this case.
fn faults(case: &Case) -> Vec<String> {
    let room = tempfile::tempdir().expect("a temporary directory");
    let Some((root, recorded)) = campaign(case, room.path()) else { return Vec::new() };
    let story = witness::story(case);
    let evidence = Evidence::read(case, &story, &recorded, &root);
    let found = INVARIANTS
        .iter()
        .flat_map(|(name, check)| check(&evidence).into_iter().map(move |fault| format!("  {name}: {fault}")));
    found.collect()
}

/// Fails with the seed, the case and the first things that are wrong with it.
fn report(label: &str, case: &Case, faults: &[String]) -> String {
    let shown = faults.iter().take(5).map(String::as_str).collect::<Vec<_>>().join("\n");
    format!("{label}, again with {SEEDS}={}: {} faults\n{case:?}\n{shown}", case.seed, faults.len())
}

#[test]
fn whatever_happens_to_it_the_appliance_says_what_was() {
    let seeds = seeds();
    support::say(&format!("{SEEDS}={}..{}", seeds.start, seeds.end));
    let seeds: Vec<u64> = seeds.collect();
    let found = support::in_parallel(&seeds, |&seed| {
        let case = Case::draw(seed);
        let faults = faults(&case);
        (!faults.is_empty()).then(|| report(&format!("seed {seed}"), &case, &faults))
    });
    support::assert_none(&found.into_iter().flatten().collect::<Vec<_>>(), seeds.len());
}

#[test]
fn what_was_found_once_stays_mended() {
    for (found, case) in REGRESSIONS {
        let faults = faults(case);
        assert!(faults.is_empty(), "{}", report(found, case, &faults));
    }
}
