//! How far the tracker agrees with Zeek and with Wireshark over the data set, and that every difference is known.
//!
//! The scripts that run the tracker over every capture and compare lie beside the data. What they find is held against two files:
//! `agreement.toml` has, for each oracle, the rows that agree in each column at least; `differences.toml` has every row that differs, under
//! the kind of difference that docs/differences.md explains. `CONNTRACK_BASELINE=write` replaces the former by what is found, takes out of
//! the latter what differs no more, and writes the tables of the page again.
#![allow(clippy::expect_used, clippy::panic, reason = "a test fails by panicking, its helpers too")]

mod compared;
mod kinds;
#[path = "../support/mod.rs"]
mod support;
mod tables;

use std::collections::BTreeMap;
use std::fs;
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use compared::Compared;
use kinds::Kinds;

const BASELINE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/agreement.toml");
const DIFFERENCES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/differences.toml");
const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/differences.md");

/// What stands above the figures when they are written.
const PREAMBLE: &str = "\
# Connections over the data set that agree with each oracle, column by column: at least so many. Held by tests/agreement.
# Raise them when the tracker gets better: CONNTRACK_BASELINE=write cargo test -p tap --test agreement.
# Why the others differ stands in docs/differences.md.

";

/// An oracle and the columns that are compared with it: those that it defines as we do.
struct Oracle {
    name: &'static str,
    /// As the page calls it.
    title: &'static str,
    columns: &'static [&'static str],
}

const ORACLES: [Oracle; 2] = [
    Oracle {
        name: "zeekrun",
        title: "Zeek",
        columns: &[
            "direction",
            "first_ts",
            "pkts_o",
            "pkts_r",
            "ipb_o",
            "ipb_r",
            "span_o",
            "span_r",
            "missed",
            "state",
            "history",
        ],
    },
    Oracle {
        name: "tshark",
        title: "Wireshark",
        columns: &[
            "direction",
            "first_ts",
            "last_ts",
            "rtt",
            "pkts_o",
            "pkts_r",
            "bytes_o",
            "bytes_r",
            "uniq_o",
            "uniq_r",
            "syn_o",
            "syn_r",
            "fin_o",
            "fin_r",
            "rst_o",
            "rst_r",
        ],
    },
];

/// Of the rows whose difference is not explained, at least so many must agree in every column, per cent.
const LEAST: f64 = 99.5;

/// What the oracles say, compared once for all tests; `None` where it cannot be.
static FOUND: LazyLock<Option<Vec<Compared>>> = LazyLock::new(|| compared::all(&ORACLES));

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

impl From<&Compared> for Agreement {
    fn from(found: &Compared) -> Self {
        Self {
            matched: found.matched,
            unmatched: found.unmatched(),
            columns: found.columns.iter().map(|(name, &(_, agree))| (name.clone(), agree)).collect(),
        }
    }
}

fn writes() -> bool {
    std::env::var("CONNTRACK_BASELINE").is_ok_and(|what| what == "write")
}

/// The kinds of differences; with `writes`, without the rows that differ no more.
fn kinds(found: &[Compared]) -> Kinds {
    let mut kinds = Kinds::read(&fs::read_to_string(DIFFERENCES).expect("the differences"));
    if writes() {
        kinds.forget_what_agrees(&ORACLES, found);
    }
    kinds
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
    let Some(found) = FOUND.as_ref() else { return };
    let found: BTreeMap<&str, Agreement> =
        ORACLES.iter().zip(found).map(|(oracle, found)| (oracle.name, found.into())).collect();
    if writes() {
        let text = format!("{PREAMBLE}{}", toml::to_string(&found).expect("TOML"));
        return fs::write(BASELINE, text).expect("the baseline is written");
    }
    let baseline: BTreeMap<String, Agreement> =
        toml::from_str(&fs::read_to_string(BASELINE).expect("a baseline")).expect("a baseline");
    let losses: Vec<String> =
        baseline.iter().flat_map(|(oracle, baseline)| losses(oracle, &found[oracle.as_str()], baseline)).collect();
    assert!(losses.is_empty(), "{}", losses.join("\n"));
    assert_eq!(baseline.len(), ORACLES.len(), "every oracle has a baseline");
}

#[test]
fn every_difference_is_of_an_explained_kind_and_every_explained_one_is_there() {
    let Some(found) = FOUND.as_ref() else { return };
    let kinds = kinds(found);
    if writes() {
        fs::write(DIFFERENCES, kinds.to_string()).expect("the differences are written");
    }
    let faults = kinds.faults(&ORACLES, found);
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    for (oracle, found) in ORACLES.iter().zip(found) {
        for column in oracle.columns {
            let (compared, agree) = found.columns[*column];
            let others = compared - kinds.explained(oracle.name, column);
            let percent = 100.0 * agree as f64 / others as f64;
            assert!(percent >= LEAST, "{}: {column}: {agree} of {others} agree", oracle.name);
        }
    }
}

#[test]
fn the_page_has_these_counts_and_a_section_for_every_kind() {
    let Some(found) = FOUND.as_ref() else { return };
    let kinds = kinds(found);
    let page = fs::read_to_string(PAGE).expect("the page");
    let new = tables::rewritten(&page, &ORACLES, found, &kinds);
    if writes() {
        fs::write(PAGE, &new).expect("the page is written");
    } else {
        assert!(page == new, "the tables of docs/differences.md are old: run with CONNTRACK_BASELINE=write");
    }
    for kind in &kinds.kind {
        assert!(page.contains(&format!("### {}\n", kind.title)), "no section explains {:?}", kind.title);
    }
}
