//! What is left of the truth when the capture loses packets and says so, and that nothing is wrong without a mark.
//!
//! The simulated device loses a share of the frames and counts them. The truth was written before the device: what passed, not what was
//! captured. `docs/accuracy.md` has the table that this test holds; to accept a change of it, run the test with `ACCEPT=1`.
#![allow(clippy::expect_used, clippy::panic, reason = "a test fails by panicking, its helpers too")]

mod matched;
#[path = "../support/mod.rs"]
mod support;
mod table;

use std::fs;
use std::path::Path;
use std::sync::LazyLock;

use matched::{Matched, Pair, matched};
use support::truth;

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/accuracy.md");

/// Shares of the frames that the device loses; without loss, the table shows what the columns are worth by themselves.
const LOSSES: [&str; 4] = ["0", "0.001", "0.01", "0.05"];

/// A connection a second, so that a mark tells some of them from others.
const EXTENT: &str = "connections=500,duration=500";
const SCENARIOS: [&str; 5] = ["uplink-small", "uplink-lossy", "mixed-lossless", "smoltcp", "rediris-1998"];

/// All runs of a share of loss.
struct Lossy {
    loss: &'static str,
    runs: Vec<Matched>,
}

impl Lossy {
    /// The connections of all runs.
    fn pairs(&self) -> impl Iterator<Item = &Pair> {
        self.runs.iter().flat_map(|run| &run.pairs)
    }
}

fn run(room: &Path, scenario: &str, loss: &str) -> Matched {
    let at = |end: &str| room.join(format!("{scenario}-{loss}{end}"));
    let (told, campaign) = (at(".csv"), at(""));
    let source = format!("sim:{scenario},{EXTENT},loss={loss},truth={}", told.display());
    let mut command = support::command("conntrack-tap");
    command.args(["run", "--shards", "2", "--source", &source, "--out"]).arg(&campaign);
    support::Ran::from(command.output().expect("timeout(1) runs")).expect(&[0, 3]);
    matched(truth::read(&told), support::connections(&campaign))
}

static RUNS: LazyLock<Vec<Lossy>> = LazyLock::new(|| {
    let room = tempfile::tempdir().expect("a temporary directory");
    let wanted: Vec<(&str, &str)> =
        LOSSES.iter().flat_map(|&loss| SCENARIOS.iter().map(move |&scenario| (scenario, loss))).collect();
    let mut runs = support::in_parallel(&wanted, |&(scenario, loss)| run(room.path(), scenario, loss)).into_iter();
    LOSSES.iter().map(|loss| Lossy { loss, runs: runs.by_ref().take(SCENARIOS.len()).collect() }).collect()
});

#[test]
fn every_connection_that_differs_from_the_truth_is_marked() {
    let faults: Vec<String> = RUNS
        .iter()
        .flat_map(|lossy| SCENARIOS.iter().zip(&lossy.runs).map(move |(scenario, run)| (lossy.loss, scenario, run)))
        .flat_map(|(loss, scenario, run)| {
            run.silent().into_iter().map(move |fault| format!("{scenario}, loss {loss}: {fault}"))
        })
        .collect();
    support::assert_none(&faults, RUNS.iter().map(|lossy| lossy.pairs().count()).sum());
}

#[test]
fn the_page_has_the_agreement_of_every_column() {
    let page = fs::read_to_string(PAGE).expect("the page");
    let new = table::rewritten(&page, &RUNS);
    if std::env::var_os("ACCEPT").is_some() {
        return fs::write(PAGE, new).expect("the page is written");
    }
    assert!(page == new, "the table of docs/accuracy.md is old: run with ACCEPT=1");
}
