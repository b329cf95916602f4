//! Sealed files are ordinary Parquet: DuckDB, pandas and Polars, from PyPI, find in them what `conntrack-report sql` does.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod support;

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};
use support::{Campaign, printed, skip};

/// The interpreter of the environment that `scripts/python.sh` makes beside the programs.
fn python() -> Option<PathBuf> {
    let built = Path::new(env!("CARGO_BIN_EXE_conntrack-report")).ancestors().nth(2).unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scripts/python.sh");
    let output = Command::new(script).arg(built.join("python")).output().unwrap();
    if !output.status.success() {
        skip(&format!("scripts/python.sh failed: {}", String::from_utf8_lossy(&output.stderr).trim()));
        return None;
    }
    Some(String::from_utf8(output.stdout).unwrap().trim().into())
}

/// The figures of `oracles/readers.py`, by our own SQL.
fn ours(dir: &str) -> Value {
    let rows = |query: &str| -> Vec<Value> {
        let text = printed(&["sql", dir, query, "--format", "json"]);
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    };
    let one = |query: &str| rows(&format!("SELECT {query}")).remove(0)["x"].clone();
    let counts = ["connections", "headers", "events", "intervals"]
        .map(|table| (table, one(&format!("count(*) AS x FROM {table}"))));
    let states = rows("SELECT conn_state AS s, count(*) AS n FROM connections WHERE final GROUP BY 1");
    let states = states.iter().map(|row| (row["s"].as_str().unwrap().to_owned(), row["n"].clone()));
    let figures = [
        "count(*) AS x FROM connections WHERE final",
        "sum(orig_bytes) AS x FROM connections WHERE final",
        "sum(duration) AS x FROM connections WHERE final",
        "arrow_cast(max(ts), 'Int64') AS x FROM connections WHERE final",
        "count(DISTINCT date_trunc('day', ts)) AS x FROM connections WHERE final",
        "sum(character_length(encode(bytes, 'hex')) / 2) AS x FROM headers",
        "sum(seq) AS x FROM headers",
        "upper(min(encode(bytes, 'hex'))) AS x FROM headers",
        "sum(cardinality(anomalies)) AS x FROM connections WHERE final",
        "sum(opened) AS x FROM intervals",
    ];
    json!({
        "rows": counts.into_iter().map(|(table, count)| (table.to_owned(), count)).collect::<serde_json::Map<_, _>>(),
        "states": states.collect::<serde_json::Map<_, _>>(),
        "figures": figures.map(one),
    })
}

fn same(found: &Value, expected: &Value) -> bool {
    match (found.as_f64(), expected.as_f64()) {
        (Some(found), Some(expected)) => (found - expected).abs() <= expected.abs() * 1e-12,
        _ => found == expected,
    }
}

#[test]
fn readers_from_pypi_find_the_same_in_every_table() {
    let Some(python) = python() else { return };
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("lab");
    Campaign { connections: 3000, ..Campaign::default() }.write(&dir);
    let expected = ours(dir.to_str().unwrap());
    assert_eq!(expected["rows"], json!({"connections": 3001, "headers": 9000, "events": 3, "intervals": 300}));
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("oracles/readers.py");
    let output = Command::new(python).arg(script).arg(&dir).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let readers = String::from_utf8(output.stdout).unwrap();
    let mut names = Vec::new();
    for line in readers.lines() {
        let found: Value = serde_json::from_str(line).unwrap();
        assert_eq!((&found["rows"], &found["states"]), (&expected["rows"], &expected["states"]), "{line}");
        let figures = found["figures"].as_array().unwrap().iter().zip(expected["figures"].as_array().unwrap());
        assert!(figures.clone().all(|(found, expected)| same(found, expected)), "{line}\n{}", expected["figures"]);
        assert_eq!(figures.count(), 10);
        names.push(found["reader"].as_str().unwrap().to_owned());
    }
    assert_eq!(names, ["duckdb", "pandas", "polars"]);
}
