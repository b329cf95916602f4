//! Whether every simulated connection is reported as it was: once, with its state, direction, instants and counts.
//!
//! The simulator writes down who sent what as it passes the tap, by the positions of the speakers, and knows nothing of a tracker.
#![allow(clippy::expect_used, clippy::panic, reason = "a test fails by panicking, its helpers too")]

mod support;

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::Path;

use support::Row;

const SCENARIOS: [&str; 4] = ["uplink-small", "uplink-lossy", "mixed-lossless", "smoltcp"];
const SEEDS: [&str; 3] = ["1", "2", "3"];

/// Of the scenario's three thousand: some seconds in a debug build.
const CONNECTIONS: &str = "600";

/// What names a connection.
const NAME: [&str; 5] = ["ts", "orig_h", "orig_p", "resp_h", "resp_p"];

/// The columns of the truth that the connections table has too, each with the same meaning. `close_reason` is compared by itself,
/// because the truth knows no timers.
const SHARED: [&str; 22] = [
    "vlan",
    "conn_state",
    "orig_pkts",
    "resp_pkts",
    "orig_ip_bytes",
    "resp_ip_bytes",
    "orig_wire_bytes",
    "resp_wire_bytes",
    "orig_unique_bytes",
    "resp_unique_bytes",
    "syn_ts",
    "synack_ts",
    "established_ts",
    "orig_first_data_ts",
    "resp_first_data_ts",
    "orig_last_data_ts",
    "resp_last_data_ts",
    "orig_fin_ts",
    "resp_fin_ts",
    "rst_ts",
    "closed_ts",
    "last_ts",
];

/// A connection by its originator's first packet.
fn name(row: &Row) -> Vec<String> {
    NAME.iter().map(|column| row[*column].clone()).collect()
}

/// Whether the tracker may give this reason for an end that the truth calls so. Of its timers only that of attempts runs out in so
/// short a capture.
fn is_the_end(truth: &str, reason: &str) -> bool {
    match truth {
        "open" => reason == "campaign_end",
        "attempt" => matches!(reason, "campaign_end" | "attempt_timeout"),
        closed => reason == closed,
    }
}

/// Whether a RST passed before the handshake was complete. Then the connection is over for the tracker; the truth still takes the
/// acknowledgment of the SYN-ACK that was under way.
fn is_reset_before_it_is_open(truth: &Row) -> bool {
    !truth["rst_ts"].is_empty() && truth["rst_ts"] < truth["established_ts"]
}

/// How the row differs from the truth about the same connection.
fn differences(truth: &Row, row: &Row) -> Vec<String> {
    let mut found: Vec<String> = SHARED
        .iter()
        .filter(|column| truth[**column] != row[**column])
        .filter(|column| **column != "established_ts" || !is_reset_before_it_is_open(truth))
        .map(|column| format!("{column} is {:?}, in truth {:?}", row[*column], truth[*column]))
        .collect();
    if !is_the_end(&truth["close_reason"], &row["close_reason"]) {
        found.push(format!("close_reason is {:?}, in truth {:?}", row["close_reason"], truth["close_reason"]));
    }
    found
}

/// Simulates, records, and gives what is wrong with the campaign, and how many connections there were.
fn faults(room: &Path, scenario: &str, seed: &str) -> (Vec<String>, usize) {
    let at = |end: &str| room.join(format!("{scenario}-{seed}{end}"));
    let (capture, told, campaign) = (at(".pcap"), at(".csv"), at(""));
    let options = ["pcap", "--scenario", scenario, "--seed", seed, "--connections", CONNECTIONS, "--resolution", "ns"];
    let files = [OsStr::new("--output"), capture.as_os_str(), OsStr::new("--truth"), told.as_os_str()];
    support::run("conntrack-sim", options.iter().map(OsStr::new).chain(files)).expect(&[0]);
    support::record(&[capture], &campaign, &["--shards", "2"]).expect(&[0]);

    let mut reader = csv::Reader::from_path(told).expect("the truth");
    let truth: Vec<Row> = reader.deserialize().collect::<Result<_, _>>().expect("CSV");
    let mut reported: BTreeMap<Vec<String>, Vec<Row>> = BTreeMap::new();
    for row in support::connections(&campaign) {
        reported.entry(name(&row)).or_default().push(row);
    }
    let mut faults = Vec::new();
    for connection in &truth {
        let called = format!("{scenario} {seed}: {}", name(connection).join(" "));
        match reported.remove(&name(connection)).unwrap_or_default().as_slice() {
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
