//! Sealed files are ordinary Parquet: DuckDB reads them with nothing of ours.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use std::path::Path;
use std::process::Command;

use common::{BYTES, EPOCH, write_sample};

/// Runs `script` with the campaign's directory as its argument; nothing where this machine has no DuckDB for Python.
fn duckdb(campaign: &Path, script: &str) -> Option<String> {
    let known = Command::new("python3").args(["-c", "import duckdb"]).output();
    if !known.is_ok_and(|output| output.status.success()) {
        eprintln!("SKIPPED: python3 cannot import duckdb; `pip install duckdb` to run this test");
        return None;
    }
    let output = Command::new("python3").arg("-c").arg(script).arg(campaign).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Some(String::from_utf8(output.stdout).unwrap())
}

#[test]
fn duckdb_reads_every_table_by_day() {
    let dir = tempfile::tempdir().unwrap();
    write_sample(dir.path(), 100);
    let script = r#"
import sys, duckdb
root = sys.argv[1]
duckdb.sql("set timezone = 'UTC'")
def rows(query): return duckdb.sql(query.replace("@", root)).fetchall()
print(rows("select count(*), sum(orig_pkts), min(date)::text, max(resp_h), bool_and(final) from '@/connections/*/*.parquet'"))
print(rows("select epoch_ns(min(ts)), min(anomalies)::text, max(duration), any_value(typeof(uid)) from '@/connections/*/*.parquet'"))
print(rows("select count(*), hex(max(bytes)), max(seq), max(flags), max(payload_len) from '@/headers/*/*.parquet'"))
print(rows("select count(*), max(kind), max(dir) from '@/events/*/*.parquet'"))
print(rows("select sum(opened), max(live), max(width) from '@/intervals/*/*.parquet'"))
print(rows("select decode(value) from parquet_kv_metadata('@/events/*/*.parquet') where decode(key) = 'conntrack.schema_version'"))
"#;
    let Some(output) = duckdb(dir.path(), script) else { return };
    let hex: String = BYTES.iter().map(|byte| format!("{byte:02X}")).collect();
    let expected = format!(
        "[(100, 595, '2026-11-22', '192.0.2.1', True)]\n\
         [({EPOCH}, '[]', 0.123456788, 'UBIGINT')]\n\
         [(300, '{hex}', 256, 16, 1448)]\n\
         [(100, 'clock_step', 'resp')]\n\
         [(100, 0, 0.01)]\n\
         [('1',)]\n"
    );
    assert_eq!(output, expected);
}
