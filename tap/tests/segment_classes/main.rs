//! Classes of abnormal segments against the knowledge of the simulated speakers that sent them, beside tshark and tcptrace over the same
//! capture files: in each class ours must be the nearest to the truth.
//!
//! The tables stand in `docs/accuracy.md`. To accept a change of them, run the test with `ACCEPT=1`; the figures are compared only where
//! the other programs are of the versions that the page names.
#![allow(clippy::expect_used, clippy::panic, reason = "a test fails by panicking, its helpers too")]

mod claims;
mod counts;
mod page;
mod programs;
#[path = "../support/mod.rs"]
mod support;

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use claims::{Claim, Score};
use counts::Counts;
use programs::Said;

/// Scenarios whose links lose segments; the last two copy and reorder, too.
const SCENARIOS: [&str; 3] = ["uplink-lossy", "mixed", "smoltcp-lossy"];
const SEEDS: [&str; 2] = ["1", "2"];
const CONNECTIONS: &str = "600";

/// What the programs made of one scenario.
pub struct Outcome {
    scenario: &'static str,
    /// What was true of segments and how we called them.
    confusion: claims::Confusion,
    /// By claim: ours, tshark's.
    scores: Vec<(Claim, [Score; 2])>,
    /// By what is counted: the truth, and the others' distances from it.
    counts: Counts,
}

/// A capture and its truth.
pub struct Simulated {
    /// Frames of Ethernet.
    pub capture: PathBuf,
    /// A row a connection.
    pub truth: PathBuf,
    /// A row a segment that was sent again, copied or overtaken.
    pub segments: PathBuf,
}

fn simulate(room: &Path, scenario: &str, seed: &str) -> Simulated {
    let at = |end: &str| room.join(format!("{scenario}-{seed}{end}"));
    let made = Simulated { capture: at(".pcap"), truth: at(".csv"), segments: at("-segments.csv") };
    let options = ["pcap", "--scenario", scenario, "--seed", seed, "--connections", CONNECTIONS].map(OsStr::new);
    let files = [("--output", &made.capture), ("--truth", &made.truth), ("--segments", &made.segments)];
    let files = files.iter().flat_map(|(option, path)| [OsStr::new(option), path.as_os_str()]);
    support::run("conntrack-sim", options.into_iter().chain(files)).expect(&[0]);
    made
}

fn outcome(room: &Path, scenario: &'static str) -> Outcome {
    let mut outcome =
        Outcome { scenario, confusion: claims::Confusion::default(), scores: Vec::new(), counts: Counts::default() };
    let mut scores = [[Score::default(); 2]; Claim::ALL.len()];
    for seed in SEEDS {
        let simulated = simulate(room, scenario, seed);
        let truth = claims::truth(&simulated.segments);
        let ours = programs::ours(&simulated.capture, &room.join(format!("{scenario}-{seed}")));
        let tshark = programs::tshark(&simulated.capture);
        let tcptrace = programs::tcptrace(&simulated.capture);
        outcome.confusion.add(&truth, &ours.segments);
        for (claim, [mine, other]) in Claim::ALL.into_iter().zip(&mut scores) {
            mine.add(claim, &truth, &ours.segments);
            other.add(claim, &truth, &tshark.segments);
        }
        outcome
            .counts
            .add(&counts::truth(&simulated.truth), [&ours, &tshark, &tcptrace].map(|said: &Said| &said.counts));
    }
    outcome.scores = Claim::ALL.into_iter().zip(scores).collect();
    outcome
}

#[test]
fn in_each_class_ours_is_the_nearest_to_what_the_senders_know() {
    if !support::tools(&["tshark", "tcptrace"]) {
        return;
    }
    let room = tempfile::tempdir().expect("a temporary directory");
    let outcomes = support::in_parallel(&SCENARIOS, |&scenario| outcome(room.path(), scenario));
    let mut farther = Vec::new();
    for Outcome { scenario, scores, counts, .. } in &outcomes {
        for (claim, [ours, tshark]) in scores {
            if ours.distance() > tshark.distance() {
                farther.push(format!("{scenario}, {}: ours {ours:?}, tshark {tshark:?}", claim.name()));
            }
        }
        farther.extend(counts.farther().map(|fault| format!("{scenario}, {fault}")));
    }
    page::hold(&outcomes);
    support::assert_none(&farther, outcomes.len());
}
