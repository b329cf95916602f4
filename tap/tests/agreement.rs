//! How far the tracker agrees with Zeek and with Wireshark over the data set, held against a committed baseline.
//!
//! `agreement.toml` has, for each oracle, the rows that agree in each column at least. The scripts that run the tracker over every
//! capture and compare lie beside the data. `CONNTRACK_BASELINE=write` replaces the baseline by what is found.
#![allow(clippy::expect_used, clippy::panic, reason = "a test fails by panicking, its helpers too")]

mod support;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use serde::{Deserialize, Serialize};

const BASELINE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/agreement.toml");

/// What stands above the figures when they are written.
const PREAMBLE: &str = "\
# Connections over the data set that agree with each oracle, column by column: at least so many. Held by tests/agreement.rs.
# Raise them when the tracker gets better: CONNTRACK_BASELINE=write cargo test -p tap --test agreement.
# Why the others differ stands in docs/differences.md.

";

/// The columns compared with each oracle: what the oracle defines as we do.
const ORACLES: [(&str, &str); 2] = [
    ("zeekrun", "direction,pkts_o,pkts_r,ipb_o,ipb_r,span_o,span_r,missed,state,history"),
    ("tshark", "direction,pkts_o,pkts_r,bytes_o,bytes_r,uniq_o,uniq_r,syn_o,syn_r,fin_o,fin_r,rst_o,rst_r"),
];

/// Agreement with an oracle.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
struct Agreement {
    /// Connections that both have.
    matched: u64,
    /// Connections that only one of them has, at most.
    unmatched: u64,
    /// Rows that agree, by column.
    columns: BTreeMap<String, u64>,
}

/// What compare.py writes.
#[derive(Deserialize)]
struct Compared {
    matched: u64,
    only_oracle: u64,
    only_tool: u64,
    columns: BTreeMap<String, (u64, u64)>,
}

fn compare(data: &Path, connections: &Path, oracle: &str, columns: &str) -> Agreement {
    let figures = connections.with_file_name(format!("{oracle}.json"));
    let mut script = Command::new("python3");
    script.arg(data.join("../compare.py")).arg("--tool").arg(connections).args(["--oracle", oracle, "--max", "0"]);
    script.arg("--dir").arg(data.join("oracle")).arg("--json").arg(&figures);
    let output = script.output().expect("python3 runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let compared: Compared = serde_json::from_slice(&fs::read(&figures).expect("figures")).expect("figures");
    let wanted: Vec<&str> = columns.split(',').collect();
    let columns = compared.columns.into_iter().filter(|(name, _)| wanted.contains(&name.as_str()));
    Agreement {
        matched: compared.matched,
        unmatched: compared.only_oracle + compared.only_tool,
        columns: columns.map(|(name, (_, agreeing))| (name, agreeing)).collect(),
    }
}

/// What got worse.
fn losses(oracle: &str, found: &Agreement, baseline: &Agreement) -> Vec<String> {
    let mut losses = Vec::new();
    let mut compare = |what: &str, found: u64, least: u64| {
        if found < least {
            losses.push(format!("{oracle}: {what}: {found}, was {least}"));
        }
    };
    compare("connections matched", found.matched, baseline.matched);
    compare("connections not unmatched", baseline.unmatched, found.unmatched);
    for (column, &least) in &baseline.columns {
        compare(column, found.columns.get(column).copied().unwrap_or(0), least);
    }
    losses
}

#[test]
fn agreement_with_zeek_and_wireshark_is_no_less_than_the_baseline() {
    let Some(data) = support::data() else { return };
    if !support::tools(&["python3"]) {
        return;
    }
    let room = tempfile::tempdir().expect("a temporary directory");
    let connections = room.path().join("connections.csv");
    let programs = support::program("conntrack-tap");
    let mut script = Command::new("python3");
    script.arg(data.join("../collect.py")).arg("--bin").arg(programs.parent().expect("a directory"));
    script.arg("--dir").arg(data.join("pcap")).arg("--out").arg(&connections).args(["--timeout", "120"]);
    let output = script.output().expect("python3 runs");
    // It also fails when a campaign is not clean, which is for tests/every_capture.rs to say.
    assert!(connections.is_file(), "{}", String::from_utf8_lossy(&output.stderr));

    let found: BTreeMap<&str, Agreement> =
        ORACLES.iter().map(|&(oracle, columns)| (oracle, compare(&data, &connections, oracle, columns))).collect();
    if std::env::var("CONNTRACK_BASELINE").is_ok_and(|what| what == "write") {
        fs::write(BASELINE, format!("{PREAMBLE}{}", toml::to_string(&found).expect("TOML")))
            .expect("the baseline is written");
        return;
    }
    let baseline: BTreeMap<String, Agreement> =
        toml::from_str(&fs::read_to_string(BASELINE).expect("a baseline")).expect("a baseline");
    let losses: Vec<String> =
        baseline.iter().flat_map(|(oracle, baseline)| losses(oracle, &found[oracle.as_str()], baseline)).collect();
    assert!(losses.is_empty(), "{}", losses.join("\n"));
    assert_eq!(baseline.len(), ORACLES.len(), "every oracle has a baseline");
}
