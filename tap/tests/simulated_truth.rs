//! Whether every simulated connection is reported as it was: once, with its state, direction, instants and counts.
//!
//! The simulator writes down who sent what as it passes the tap, by the positions of the speakers, and knows nothing of a tracker.
#![allow(clippy::expect_used, clippy::panic, reason = "a test fails by panicking, its helpers too")]

mod support;

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::Path;

use support::Row;
use support::truth::{differences, name};

const SCENARIOS: [&str; 5] = ["uplink-small", "uplink-lossy", "mixed-lossless", "smoltcp", "asymmetric-routes"];
const SEEDS: [&str; 3] = ["1", "2", "3"];

/// Of the scenario's three thousand: some seconds in a debug build.
const CONNECTIONS: &str = "600";

/// Whether nothing of it passed but a SYN-ACK and perhaps a RST after it. That may be the echo of a forged SYN, so that its sender counts
/// as the originator, as for Zeek.
fn may_be_an_echo(truth: &Row) -> bool {
    let resets = u64::from(!truth["rst_ts"].is_empty());
    let heard = |column: &str| support::number(truth, column);
    !truth["synack_ts"].is_empty() && heard("orig_pkts") == 0 && heard("resp_pkts") <= 1 + resets
}

/// The name of a connection whose responder is taken for its originator.
fn turned_round(name: &[String]) -> Vec<String> {
    let [ts, orig_h, orig_p, resp_h, resp_p] = name else { return Vec::new() };
    [ts, resp_h, resp_p, orig_h, orig_p].into_iter().cloned().collect()
}

/// Simulates, records, and gives what is wrong with the campaign, and how many connections there were.
fn faults(room: &Path, scenario: &str, seed: &str) -> (Vec<String>, usize) {
    let at = |end: &str| room.join(format!("{scenario}-{seed}{end}"));
    let (capture, told, campaign) = (at(".pcap"), at(".csv"), at(""));
    let options = ["pcap", "--scenario", scenario, "--seed", seed, "--connections", CONNECTIONS, "--resolution", "ns"];
    let files = [OsStr::new("--output"), capture.as_os_str(), OsStr::new("--truth"), told.as_os_str()];
    support::run("conntrack-sim", options.iter().map(OsStr::new).chain(files)).expect(&[0]);
    support::record(&[capture], &campaign, &["--shards", "2"]).expect(&[0]);

    let truth = support::truth::read(&told);
    let mut reported: BTreeMap<Vec<String>, Vec<Row>> = BTreeMap::new();
    for row in support::connections(&campaign) {
        reported.entry(name(&row)).or_default().push(row);
    }
    let mut faults = Vec::new();
    for connection in &truth {
        let called = format!("{scenario} {seed}: {}", name(connection).join(" "));
        let is_echo = may_be_an_echo(connection);
        let name = if is_echo { turned_round(&name(connection)) } else { name(connection) };
        match reported.remove(&name).unwrap_or_default().as_slice() {
            [_] if is_echo => {}
            [row] => faults.extend(differences(connection, row).iter().map(|fault| format!("{called}: {fault}"))),
            rows => faults.push(format!("{called}: reported {} times", rows.len())),
        }
    }
    let unknown = reported.into_keys();
    faults.extend(unknown.map(|name| format!("{scenario} {seed}: {}: reported, but never was", name.join(" "))));
    (faults, truth.len())
}

#[test]
fn every_simulated_connection_is_reported_once_and_as_it_was() {
    let room = tempfile::tempdir().expect("a temporary directory");
    let runs: Vec<(&str, &str)> =
        SCENARIOS.iter().flat_map(|&scenario| SEEDS.iter().map(move |&seed| (scenario, seed))).collect();
    let results = support::in_parallel(&runs, |&(scenario, seed)| faults(room.path(), scenario, seed));
    let connections: usize = results.iter().map(|(_, connections)| connections).sum();
    assert!(connections > 1000, "only {connections} connections were simulated");
    let faults: Vec<String> = results.into_iter().flat_map(|(faults, _)| faults).collect();
    support::assert_none(&faults, connections);
}
