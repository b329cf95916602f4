//! `--where`: rows that fit a condition, and headers of connections that do.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod support;

use conntrack::{Anomaly, ConnState, Record};
use support::{Campaign, printed, record, report};

fn campaign() -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("lab");
    Campaign::default().write(&dir);
    let dir = dir.to_str().unwrap().to_owned();
    (folder, dir)
}

/// The originators' ports of the connections that fit, which number them from 40000.
fn fitting(dir: &str, condition: &str) -> Vec<u64> {
    let options = ["--where", condition, "--final-only", "--columns", "orig_p", "--format", "csv"];
    let text = printed(&[&["connections", dir], &options[..]].concat());
    text.lines().skip(1).map(|port| port.parse::<u64>().unwrap() - 40_000).collect()
}

#[test]
fn a_condition_chooses_the_rows_that_it_is_true_of_in_their_order() {
    let (_folder, dir) = campaign();
    let numbers = |fits: fn(&Record) -> bool| (0..100).filter(|&n| fits(&record(n))).collect::<Vec<u64>>();
    assert_eq!(fitting(&dir, "conn_state = 'REJ'"), numbers(|record| record.conn_state == ConnState::Rej));
    assert_eq!(
        fitting(&dir, "resp_bytes > 100000 AND resp_p IN (443, 8443)"),
        numbers(|record| record.halves[1].bytes > Some(100_000) && [443, 8443].contains(&record.endpoints[1].port))
    );
    assert_eq!(fitting(&dir, "vlan IS NULL"), numbers(|record| record.vlan.is_none()));
    assert_eq!(
        fitting(&dir, "NOT cidr_match(orig_h, '0.0.0.0/0')"),
        numbers(|record| record.endpoints[0].ip(record.family).is_ipv6())
    );
    assert_eq!(
        fitting(&dir, "array_has(anomalies, 'bad_options')"),
        numbers(|record| record.anomalies.has(Anomaly::BadOptions))
    );
    assert_eq!(fitting(&dir, "ts < '2026-11-22T00:00:00.010Z'"), (0..10).collect::<Vec<_>>());
    // Of a missing value nothing is true.
    assert_eq!(fitting(&dir, "orig_bytes >= 0").len() + fitting(&dir, "orig_bytes IS NULL").len(), 100);
    assert_eq!(fitting(&dir, "true").len(), 100);
    let zeek = printed(&["connections", &dir, "--where", "conn_state = 'S0'", "--format", "zeek"]);
    assert_eq!(zeek.lines().filter(|line| !line.starts_with('#')).count(), 10);
}

#[test]
fn events_are_chosen_by_their_own_columns() {
    let (_folder, dir) = campaign();
    let text = printed(&["events", &dir, "--where", "detail LIKE '%ms'", "--columns", "kind", "--format", "csv"]);
    assert_eq!(text, "kind\nclock_step\n");
    let uid = record(3).uid.to_string();
    let text = printed(&[
        "events",
        &dir,
        "--uid",
        &uid,
        "--where",
        "kind <> 'clock_step'",
        "--columns",
        "kind",
        "--format",
        "csv",
    ]);
    assert_eq!(text, "kind\nrst_suspect\n");
}

#[test]
fn headers_are_chosen_by_their_connections_and_what_counts_is_the_final_row() {
    let (_folder, dir) = campaign();
    let uids = |condition: &str| {
        let options = ["--where", condition, "--columns", "uid", "--format", "csv"];
        let text = printed(&[&["headers", &dir], &options[..]].concat());
        text.lines().skip(1).map(|uid| uid.parse::<u64>().unwrap()).collect::<Vec<_>>()
    };
    let mut expected = (0..100).map(record).filter(|record| record.conn_state == ConnState::Rej).collect::<Vec<_>>();
    expected.sort_by_key(|record| record.uid);
    let expected = expected.iter().flat_map(|record| [record.uid; 3]).collect::<Vec<_>>();
    assert_eq!(uids("conn_state = 'REJ'"), expected);
    // The first connection has an interim row, too, which counts no more.
    assert!(uids("NOT final").is_empty());
    assert_eq!(uids("close_reason IS NOT NULL AND orig_p = 40000"), [record(0).uid; 3]);
    let packets = printed(&["headers", &dir, "--where", "orig_p < 40002"]);
    assert_eq!(packets.lines().count(), 6);
}

#[test]
fn a_condition_that_is_none_is_wrong_usage() {
    for (command, condition, hint) in [
        ("connections", "resp_p", "Int64, not true or false"),
        ("connections", "resp_p =", "no SQL"),
        ("connections", "resp_port = 1", "conntrack-report columns"),
        ("connections", "count(*) > 1", "about one row"),
        ("connections", "uid IN (SELECT uid FROM events)", "about one row"),
        ("connections", "true; DROP TABLE x", "no SQL"),
        ("headers", "seq = 1", "conntrack-report columns"),
        ("events", "orig_h = '::1'", "conntrack-report columns"),
    ] {
        let output = report(&[command, ".", "--where", condition]);
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!((output.status.code(), said.lines().count()), (Some(2), 1), "{condition}: {said}");
        assert!(said.contains(hint), "{condition}: {said}");
    }
}

#[test]
fn a_condition_that_fails_on_a_value_fails_and_says_why() {
    let (_folder, dir) = campaign();
    let output = report(&["connections", &dir, "--where", "resp_p / (orig_p - 40001) > 1"]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!((output.status.code(), said.lines().count()), (Some(1), 1), "{said}");
    assert!(said.to_lowercase().contains("zero"), "{said}");
}
