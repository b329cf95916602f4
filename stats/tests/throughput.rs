//! The reports on throughput and on timeouts, for people and in JSON. `oracle.rs` holds their figures.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod support;

use serde_json::Value;
use support::{Campaign, printed, report};

fn campaign(connections: u64) -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("lab");
    Campaign { connections, headers: false, ..Campaign::default() }.write(&dir);
    let path = dir.to_str().unwrap().to_owned();
    (folder, path)
}

#[track_caller]
fn assert_fits(text: &str) {
    assert_eq!(text.lines().find(|line| line.chars().count() > 100), None, "a line is wider than 100");
}

fn groups(dir: &str, by: &str) -> Vec<Value> {
    let json: Value = serde_json::from_str(&printed(&["throughput", dir, "--by", by, "--format", "json"])).unwrap();
    json["groups"].as_array().unwrap().clone()
}

#[test]
fn every_connection_lies_in_one_group_however_they_are_parted() {
    let (_folder, dir) = campaign(1000);
    let connections = |groups: &[Value]| groups.iter().map(|group| group["connections"].as_u64().unwrap()).sum::<u64>();
    for by in ["all", "port", "hour", "day"] {
        let groups = groups(&dir, by);
        assert_eq!(connections(&groups), 1000, "{by}");
        let rated = |side: &str| -> u64 {
            groups.iter().filter_map(|group| group[side]["throughput_established"]["n"].as_u64()).sum()
        };
        assert!(rated("orig") > 500 && rated("orig") == rated("resp"), "{by}: as long a data phase either way");
    }
    assert_eq!(groups(&dir, "day")[0]["name"], "2026-11-22");
    assert_eq!(groups(&dir, "hour")[0]["name"], "00:00");
    assert_eq!(groups(&dir, "port").len(), 6, "443, 80, 22, 8443, 53 and 25");
}

#[test]
fn people_read_throughput_and_what_is_left_out_of_it() {
    let (_folder, dir) = campaign(1000);
    let text = printed(&["throughput", &dir]);
    for part in ["data phases under 100 ms", "busiest 10 ms", "under 80 kbit/s", "too short", "Responders"] {
        assert!(text.contains(part), "{part} is missing in\n{text}");
    }
    assert_fits(&text);
    assert_fits(&printed(&["throughput", &dir, "--by", "port"]));
    let (_folder, empty) = campaign(0);
    assert!(printed(&["throughput", &empty]).contains("No connection was recorded"));
}

#[test]
fn people_read_what_a_timeout_would_have_made() {
    let (_folder, dir) = campaign(1000);
    let text = printed(&["timeouts", &dir, "--timeout", "1s,64s,5m"]);
    for part in ["1.00 s", "1 min 4 s", "5 min 0 s", "Ended by FIN or RST, and reported late", "at least"] {
        assert!(text.contains(part), "{part} is missing in\n{text}");
    }
    assert_fits(&text);
    let (_folder, empty) = campaign(0);
    let json: Value = serde_json::from_str(&printed(&["timeouts", &empty, "--format", "json"])).unwrap();
    assert_eq!((&json["connections"], &json["timeouts"][0]["late"]), (&0.into(), &Value::Null));
    assert_eq!(report(&["timeouts", &dir, "--timeout", "never"]).status.code(), Some(2));
}
