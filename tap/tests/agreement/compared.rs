//! Runs the tracker over the data set, and the comparison with each oracle.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use serde::Deserialize;

use crate::{Oracle, support};

/// Columns that stand for whole connections: one that only the oracle has, one that only we have, a capture in which only the
/// oracle has any.
pub const WHOLE: [&str; 3] = ["only_oracle", "only_tool", "absent"];

/// A comparison with an oracle.
pub struct Compared {
    /// Connections that both have.
    pub matched: u64,
    /// By column: rows compared, rows that agree.
    pub columns: BTreeMap<String, (u64, u64)>,
    /// By row: the columns that differ, sorted.
    pub differing: BTreeMap<String, Vec<String>>,
}

/// The figures that compare.py writes.
#[derive(Deserialize)]
struct Figures {
    matched: u64,
    columns: BTreeMap<String, (u64, u64)>,
}

impl Compared {
    /// Connections that only one of both has.
    pub fn unmatched(&self) -> u64 {
        let columns = self.differing.values().flatten();
        columns.filter(|column| ["only_oracle", "only_tool"].contains(&column.as_str())).count() as u64
    }
}

/// Compares with every oracle; `None` where the data or the tools are missing.
pub fn all(oracles: &[Oracle]) -> Option<Vec<Compared>> {
    let data = support::data()?;
    if !support::tools(&["python3"]) {
        return None;
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
    Some(oracles.iter().map(|oracle| compare(&data, &connections, oracle)).collect())
}

fn compare(data: &Path, connections: &Path, oracle: &Oracle) -> Compared {
    let figures = connections.with_file_name(format!("{}.json", oracle.name));
    let mut script = Command::new("python3");
    script.arg(data.join("../compare.py")).arg("--tool").arg(connections).args(["--oracle", oracle.name]);
    script.args(["--cols", &oracle.columns.join(","), "--max", "1000000"]);
    script.arg("--dir").arg(data.join("oracle")).arg("--json").arg(&figures);
    let output = script.output().expect("python3 runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let figures: Figures = serde_json::from_slice(&fs::read(&figures).expect("figures")).expect("figures");
    Compared {
        matched: figures.matched,
        columns: figures.columns.into_iter().filter(|(name, _)| oracle.columns.contains(&name.as_str())).collect(),
        differing: differing(&String::from_utf8_lossy(&output.stdout)),
    }
}

/// The rows that compare.py lists under a heading for each column: `CAPTURE ADDRESS:PORT -> ADDRESS:PORT first=TIME ..`.
fn differing(listing: &str) -> BTreeMap<String, Vec<String>> {
    let mut rows: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut column = "";
    for line in listing.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        let row = match (words.as_slice(), line.starts_with("   ")) {
            (["files", "of", "the", "oracle", "absent", ..], _) => {
                column = "absent";
                continue;
            }
            (["---", heading @ ..], _) => {
                column = match heading {
                    ["ONLY", "IN", "ORACLE", ..] => "only_oracle",
                    ["ONLY", "IN", "TOOL", ..] => "only_tool",
                    ["MISMATCH", name, ..] => name,
                    _ => panic!("no heading of compare.py: {line}"),
                };
                continue;
            }
            ([capture], true) => (*capture).to_owned(),
            ([capture, from, "->", to, first, ..], true) => {
                format!("{capture} {from} -> {to} {}", first.trim_start_matches("first="))
            }
            _ => continue,
        };
        rows.entry(row).or_default().push(column.to_owned());
    }
    rows.values_mut().for_each(|columns| columns.sort());
    rows
}
