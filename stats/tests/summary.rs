//! The summary of a recorded campaign, for people and in JSON.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod support;

use serde_json::Value;
use support::{Campaign, printed};

fn summaries(campaign: &Campaign) -> (String, Value) {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("lab");
    campaign.write(&dir);
    let dir = dir.to_str().unwrap();
    let json = serde_json::from_str(&printed(&["summary", dir, "--format", "json"])).unwrap();
    (printed(&["summary", dir]), json)
}

#[test]
fn connections_are_counted_once_and_the_ledger_is_shown() {
    let (text, json) = summaries(&Campaign::default());
    let connections = &json["connections"];
    assert_eq!(
        (&connections["total"], &connections["ipv6"], &connections["partial"]),
        (&100.into(), &20.into(), &10.into())
    );
    assert_eq!(connections["by_conn_state"]["SF"], 70);
    assert_eq!(connections["by_close_reason"]["campaign_end"], 10);
    assert_eq!(connections["by_anomaly"]["bad_options"], 2);
    let oddities = &json["oddities"];
    assert_eq!((&oddities["anomalies"]["bad_options"], &oddities["time_wait_evicted"]), (&3.into(), &5.into()));
    let words: Vec<&str> = text.split_whitespace().collect();
    assert!(words.join(" ").contains("Tuples in TIME_WAIT forgotten early 5 "), "{text}");
    assert!(text.contains("    anomalies, by name"), "{text}");
    assert!(!text.contains("after the row of their connection"), "none was: {text}");
    assert_eq!(json["headers"]["recorded"], 300);
    assert_eq!(json["ledger"]["not_tcp"]["udp"], 1234);
    assert_eq!((&json["imbalance"], &json["losses"]), (&Value::Null, &Value::Array(Vec::new())));
    assert!(text.contains("The ledger balances"), "{text}");
    assert!(text.contains("None: no packet, no row and no byte"), "{text}");
}

#[test]
fn sums_and_extremes_are_those_of_the_connections() {
    let (_, json) = summaries(&Campaign::default());
    let records = (0..100).map(support::record).collect::<Vec<_>>();
    for side in [0, 1] {
        let name = ["orig", "resp"][side];
        let sum: u64 = records.iter().map(|record| record.halves[side].ip_bytes).sum();
        assert_eq!(json["traffic"]["ip_bytes"][name], sum);
    }
    let whole = records.iter().filter(|record| record.conn_state == conntrack::ConnState::Sf);
    let mut durations = whole.map(|record| record.at.last.since(record.ts)).collect::<Vec<_>>();
    durations.sort_unstable();
    let spread = &json["spreads"]["duration"];
    let seconds = |key: &str| spread[key].as_f64().unwrap();
    assert_eq!(spread["n"], durations.len());
    assert!((seconds("min") - durations[0] as f64 / 1e9).abs() < 1e-9);
    assert!((seconds("max") - durations[69] as f64 / 1e9).abs() < 1e-9);
    let median = durations[34] as f64 / 1e9;
    assert!((seconds("p50") - median).abs() < median / 500.0, "{spread}");
    let span = |key: &str| json["campaign"][key].as_f64().unwrap();
    assert!((span("end") - span("start") - span("duration_s")).abs() < 1e-6);
    let bytes: u64 = records.iter().flat_map(|record| record.halves).map(|half| half.ip_bytes).sum();
    let peak = json["rates"]["peak"]["bits_per_second"].as_f64().unwrap();
    assert_eq!(peak, bytes as f64 * 8.0, "all of it lies in one second");
}

#[test]
fn a_figure_touched_by_loss_says_so() {
    let (text, json) = summaries(&Campaign { lossy: true, ..Default::default() });
    assert_eq!(json["losses"].as_array().unwrap().len(), 1);
    assert!(text.contains("Traffic (lower bounds, see Losses)"), "{text}");
    assert!(text.contains("The capture lost 1,023 of "), "{text}");
}

#[test]
fn an_empty_campaign_has_a_summary_too() {
    let (text, json) = summaries(&Campaign { connections: 0, ..Default::default() });
    assert_eq!((&json["connections"]["total"], &json["rates"]["peak"]), (&0.into(), &Value::Null));
    assert!(text.contains("no packet was seen"), "{text}");
    assert!(!text.contains("NaN") && !text.contains("inf"), "{text}");
}

#[test]
fn the_text_fits_100_columns() {
    for campaign in [Campaign::default(), Campaign { lossy: true, ..Default::default() }] {
        let (text, _) = summaries(&campaign);
        for line in text.lines() {
            assert!(line.chars().count() <= 100, "{line}");
        }
    }
}

#[test]
fn a_campaign_that_is_being_written_is_reported_on_and_says_up_to_when() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("lab");
    Campaign { running: true, ..Campaign::default() }.write(&dir);
    let dir = dir.to_str().unwrap();
    let json: Value = serde_json::from_str(&printed(&["summary", dir, "--format", "json"])).unwrap();
    assert_eq!((&json["connections"]["total"], &json["campaign"]["state"]), (&100.into(), &"dead".into()));
    let newest = (support::EPOCH / 10_000_000 * 10_000_000 + 90_000_000) as f64 / 1e9;
    assert!(
        (json["campaign"]["up_to"].as_f64().unwrap() - newest).abs() < 1e-6,
        "the last bin of the base series: {json}"
    );
    for report in ["summary", "throughput", "burstiness", "timeouts"] {
        let text = printed(&[report, dir]);
        let words: Vec<&str> = text.split_whitespace().collect();
        assert!(words.join(" ").contains("acknowledged so far, up to 2026-11-22 00:00:00.090 UTC"), "{text}");
    }
    let whole = folder.path().join("whole");
    Campaign::default().write(&whole);
    let json: Value =
        serde_json::from_str(&printed(&["throughput", whole.to_str().unwrap(), "--format", "json"])).unwrap();
    assert_eq!((&json["standing"]["state"], &json["standing"]["up_to"]), (&"complete".into(), &Value::Null));
}

#[test]
fn services_and_networks_are_named() {
    let (text, json) = summaries(&Campaign::default());
    let ports = json["responder_ports"].as_array().unwrap();
    assert!(ports.iter().any(|port| port["port"] == 443 && port["service"] == "https"), "{json}");
    assert!(text.contains("  443 https"), "{text}");
    let networks = json["responder_networks"]["largest"].as_array().unwrap();
    assert_eq!((&networks[0]["prefix"], &networks[0]["connections"]), (&"192.0.2.0/24".into(), &80.into()));
    assert!(text.contains("Responders' networks, of "), "{text}");
}

#[test]
fn two_or_three_campaigns_stand_side_by_side_and_fit_100_columns() {
    let folder = tempfile::tempdir().unwrap();
    let dirs = ["monday", "tuesday", "a-campaign-whose-name-is-longer-than-any-column-of-the-page"]
        .map(|name| folder.path().join(name));
    Campaign::default().write(&dirs[0]);
    Campaign { connections: 200, lossy: true, ..Campaign::default() }.write(&dirs[1]);
    Campaign { connections: 0, ..Campaign::default() }.write(&dirs[2]);
    let dirs = dirs.each_ref().map(|dir| dir.to_str().unwrap());
    for count in [2, 3] {
        let arguments = [&["summary"], &dirs[..count]].concat();
        let text = printed(&arguments);
        let row = |label: &str| text.lines().find(|line| line.trim_start().starts_with(label)).unwrap().to_owned();
        assert!(row("Campaign").contains("monday") && row("Campaign").contains("tuesday"), "{text}");
        let all: Vec<String> = row("All").split_whitespace().map(str::to_owned).collect();
        assert_eq!(all[1..6], ["100", "100.00", "%", "200", "100.00"], "{text}");
        assert!(text.contains("tuesday: The capture lost 1,023 of "), "{text}");
        let long = text.lines().find(|line| line.chars().count() > 100);
        assert_eq!(long, None);
    }
    let lines = printed(&["summary", dirs[0], dirs[1], "--format", "json"]);
    assert_eq!(lines.lines().count(), 2, "a line a campaign");
}
