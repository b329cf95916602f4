//! The tables of docs/accuracy.md.

use std::fmt::Write;

use crate::Lossy;
use crate::matched::{Pair, is_marked};
use crate::support::{Row, between, number, percent, truth};

/// Columns that must agree with the truth as long as nothing was lost, in both directions where the name is that of a half.
const EXACT: [&str; 17] = [
    "originator",
    "conn_state",
    "close_reason",
    "ts",
    "syn_ts",
    "synack_ts",
    "established_ts",
    "_first_data_ts",
    "_last_data_ts",
    "_fin_ts",
    "rst_ts",
    "closed_ts",
    "last_ts",
    "_pkts",
    "_ip_bytes",
    "_wire_bytes",
    "_unique_bytes",
];

/// Columns that a bystander can only estimate, or that the truth defines a little differently: a half's column, and that of the truth.
const ESTIMATED: [(&str, &str); 10] = [
    ("_zero_window_count", "_zero_window_count"),
    ("_zero_window_time", "_zero_window_time"),
    ("_zero_window_probes", "_zero_window_probes"),
    ("_rtx_fast", "_rtx_fast"),
    ("_rtx_timeout", "_rtx_timeout"),
    ("_reordered", "_reordered"),
    ("_rtt_n", "_half_rtt_n"),
    ("_rtt_min", "_half_rtt_min"),
    ("_rtt_mean", "_half_rtt_mean"),
    ("_rtt_max", "_half_rtt_max"),
];

const SIDES: [&str; 2] = ["orig", "resp"];

/// The page with its tables written again.
pub fn rewritten(page: &str, runs: &[Lossy]) -> String {
    let page = between(page, "connections under loss", &connections(runs));
    between(&page, "columns under loss", &columns(runs))
}

/// The first line of a table with a column for each share of loss.
fn head(what: &str, runs: &[Lossy]) -> String {
    let shares = runs.iter().map(|run| match run.loss.parse::<f64>() {
        Ok(share) if share > 0.0 => format!("{} %", share * 100.0),
        _ => "none".to_owned(),
    });
    let shares: Vec<String> = shares.collect();
    format!("| {what} | {} |\n| --- |{}\n", shares.join(" | "), " ---: |".repeat(runs.len()))
}

fn line(table: &mut String, name: &str, runs: &[Lossy], cell: impl Fn(&Lossy) -> String) {
    let cells: Vec<String> = runs.iter().map(cell).collect();
    let _ = writeln!(table, "| {name} | {} |", cells.join(" | "));
}

/// How many connections were reported, marked, and right.
fn connections(runs: &[Lossy]) -> String {
    type Kind = (&'static str, fn(&Pair) -> bool);
    fn carries_a_mark(pair: &Pair) -> bool {
        pair.rows.iter().any(is_marked)
    }
    let kinds: [Kind; 7] = [
        ("passed the tap", |_| true),
        ("reported once", |pair| pair.rows.len() == 1),
        ("reported several times", |pair| pair.rows.len() > 1),
        ("not reported: nothing of them was captured", |pair| pair.rows.is_empty()),
        ("without a mark; all of them agree in every column that is not estimated", |pair| {
            !pair.rows.is_empty() && !carries_a_mark(pair)
        }),
        ("marked with `lost_capture`", carries_a_mark),
        ("marked, and agree all the same", |pair| carries_a_mark(pair) && pair.agrees()),
    ];
    let mut table = head("connections", runs);
    for (name, is_one) in kinds {
        line(&mut table, name, runs, |run| run.pairs().filter(|pair| is_one(pair)).count().to_string());
    }
    table
}

/// Column by column, in how many of the connections that are reported once the tracker says the truth.
fn columns(runs: &[Lossy]) -> String {
    let mut table = head("column", runs);
    for column in EXACT {
        line(&mut table, &name(column), runs, |run| match column.strip_prefix('_') {
            None => agreement(run, |told, row| [truth::agrees(column, told, row)]),
            Some(_) => {
                agreement(run, |told, row| SIDES.map(|side| truth::agrees(&format!("{side}{column}"), told, row)))
            }
        });
    }
    line(&mut table, "`unique_bytes` + `missed_bytes`, both directions together", runs, |run| {
        agreement(run, |told, row| [is_all_known(told, row)])
    });
    line(
        &mut table,
        "`orig_unique_bytes` + `orig_missed_bytes`, `resp_unique_bytes` + `resp_missed_bytes`",
        runs,
        |run| agreement(run, |told, row| SIDES.map(|side| is_half_known(side, told, row))),
    );
    for (column, of_truth) in ESTIMATED {
        line(&mut table, &format!("{} (estimated)", name(column)), runs, |run| {
            let same = |side: &str, told: &Row, row: &Row| {
                told[&format!("{side}{of_truth}")] == row[&format!("{side}{column}")]
            };
            agreement(run, |told, row| SIDES.map(|side| same(side, told, row)))
        });
    }
    table
}

fn name(column: &str) -> String {
    match column.strip_prefix('_') {
        Some(half) => format!("`orig_{half}`, `resp_{half}`"),
        None if column == "originator" => column.to_owned(),
        None => format!("`{column}`"),
    }
}

fn agreement<const N: usize>(run: &Lossy, agrees: impl Fn(&Row, &Row) -> [bool; N]) -> String {
    let verdicts = run.pairs().filter_map(|pair| Some(agrees(&pair.truth, pair.row()?)));
    let verdicts: Vec<bool> = verdicts.flatten().collect();
    percent(verdicts.iter().filter(|agree| **agree).count() as u64, verdicts.len() as u64)
}

/// Whether what was not captured of an endpoint's payload is known to be missing.
fn is_half_known(side: &str, told: &Row, row: &Row) -> bool {
    let count = |row: &Row, column: &str| row[&format!("{side}_{column}")].parse::<u64>().unwrap_or(0);
    count(told, "unique_bytes") == count(row, "unique_bytes") + count(row, "missed_bytes")
}

/// Whether what was not captured of the payload is known to be missing, as Zeek counts it.
fn is_all_known(told: &Row, row: &Row) -> bool {
    let unique = |row: &Row| SIDES.map(|side| number(row, &format!("{side}_unique_bytes"))).iter().sum::<u64>();
    unique(told) == unique(row) + number(row, "missed_bytes")
}
