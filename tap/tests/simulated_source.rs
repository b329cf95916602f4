//! `sim:` sources: the appliance captures a simulated link through a simulated device, and says what the device has lost.
#![allow(clippy::expect_used, clippy::panic, reason = "a test fails by panicking, its helpers too")]

mod support;

use std::collections::BTreeSet;
use std::path::Path;

use support::{Ran, Row};

const SCENARIO: &str = "uplink-lossy,seed=7,connections=300";

/// Records sources as they are named.
fn record(sources: &[&str], campaign: &Path) -> Ran {
    let mut command = support::command("conntrack-tap");
    command.args(["run", "--shards", "2", "--out"]).arg(campaign);
    for source in sources {
        command.args(["--source", source]);
    }
    command.output().expect("timeout(1) runs").into()
}

/// A campaign's tables as sorted lines.
fn tables(campaign: &Path) -> Vec<Vec<String>> {
    let sorted = |table: &str| {
        let mut lines: Vec<String> =
            support::report(table, campaign, &["--format", "csv"]).lines().map(str::to_owned).collect();
        lines.sort();
        lines
    };
    ["connections", "headers", "events"].map(sorted).into()
}

#[track_caller]
fn assert_verified(campaign: &Path) {
    support::run("conntrack-report", [Path::new("verify"), campaign]).expect(&[0]);
}

/// The campaign's ledger of every source, from its manifest.
fn ledgers(campaign: &Path) -> Vec<(String, serde_json::Value)> {
    let text = std::fs::read_to_string(campaign.join("campaign.json")).expect("a manifest");
    let manifest: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    let sources = manifest["sources"].as_array().expect("sources");
    sources
        .iter()
        .map(|source| (source["name"].as_str().expect("a name").to_owned(), source["ledger"].clone()))
        .collect()
}

/// What names a connection whatever the clocks: its two ends, originator first.
fn ends(rows: &[Row]) -> BTreeSet<String> {
    rows.iter()
        .map(|row| ["orig_h", "orig_p", "resp_h", "resp_p"].map(|column| row[column].as_str()).join(" "))
        .collect()
}

#[test]
fn a_simulation_gives_the_same_campaign_and_truth_straight_and_through_a_file() {
    let room = tempfile::tempdir().expect("a temporary directory");
    let at = |name: &str| room.path().join(name);
    let file = support::uplink(room.path(), "uplink-lossy", 300);
    let source = format!("sim:{SCENARIO},truth={}", at("truth.csv").display());
    record(&[&source], &at("straight")).expect(&[0]);
    support::record(std::slice::from_ref(&file), &at("through"), &["--shards", "2"]).expect(&[0]);
    assert_eq!(tables(&at("straight")), tables(&at("through")));
    assert_verified(&at("straight"));

    let told = at("told.csv");
    let arguments = ["pcap", "-q", "--scenario", "uplink-lossy", "--seed", "7", "--connections", "300", "-o"];
    let mut sim = support::command("conntrack-sim");
    Ran::from(sim.args(arguments).arg(&file).arg("--truth").arg(&told).output().expect("timeout(1) runs")).expect(&[0]);
    let read = |path: &Path| std::fs::read_to_string(path).expect("a truth");
    assert_eq!(read(&at("truth.csv")), read(&told));
}

#[test]
fn the_queues_of_a_device_give_the_campaign_of_a_single_one_whatever_their_key() {
    let room = tempfile::tempdir().expect("a temporary directory");
    let recorded = |name: &str, options: &str| {
        let campaign = room.path().join(name);
        record(&[&format!("sim:{SCENARIO}{options}")], &campaign).expect(&[0]);
        assert_verified(&campaign);
        (tables(&campaign), ledgers(&campaign).len())
    };
    let (single, _) = recorded("single", "");
    for (name, options, queues) in
        [("symmetric", ",device=nic", 4), ("usual", ",device=nic-usual-key", 4), ("many", ",queues=16", 16)]
    {
        let (tables, sources) = recorded(name, options);
        assert_eq!(sources, queues, "{name}");
        assert_eq!(tables, single, "{name}");
    }
}

#[test]
fn reported_loss_balances_in_the_ledger_to_the_frame_and_marks_connections() {
    let room = tempfile::tempdir().expect("a temporary directory");
    let (clean, lossy) = (room.path().join("clean"), room.path().join("lossy"));
    record(&["sim:uplink-small,connections=300"], &clean).expect(&[0]);
    let ran = record(&["sim:uplink-small,connections=300,loss=0.01,queues=2"], &lossy).expect(&[3]);
    assert!(ran.stderr.contains("LOST") && ran.stderr.contains("sim:uplink-small#0"), "{}", ran.stderr);
    assert_verified(&lossy);

    let offered = |campaign: &Path| -> u64 {
        ledgers(campaign).iter().map(|(_, ledger)| ledger["offered"].as_u64().expect("a count")).sum()
    };
    assert_eq!(offered(&lossy), offered(&clean), "the device saw every frame");
    for (name, ledger) in ledgers(&lossy) {
        let count = |path: &str| ledger.pointer(path).and_then(serde_json::Value::as_u64).expect("a count");
        let (dropped, offered) = (count("/dropped/device"), count("/offered"));
        assert_eq!(offered, count("/delivered") + dropped, "{name}");
        assert!((dropped as f64 / offered as f64 - 0.01).abs() < 0.005, "{name}: {dropped} of {offered}");
    }
    let lost = |row: &Row| row["lost_capture"] == "true";
    let rows = support::connections(&lossy);
    assert!(rows.iter().filter(|row| lost(row)).count() > rows.len() / 2, "a loss befalls most connections' lives");
    assert!(!support::connections(&clean).iter().any(lost));
    let events = support::rows("events", &lossy);
    let losses: Vec<&Row> = events.iter().filter(|event| event["kind"] == "lost").collect();
    assert_eq!(losses.len(), 2, "one a queue: {losses:?}");
}

#[test]
fn a_capture_file_in_pcapng_tells_of_the_losses_of_its_device() {
    let room = tempfile::tempdir().expect("a temporary directory");
    let at = |name: &str| room.path().join(name);
    record(&["sim:uplink-small,connections=200,loss=0.01"], &at("straight")).expect(&[3]);
    let file = at("lossy.pcapng");
    let mut sim = support::command("conntrack-sim");
    let arguments = ["pcap", "-q", "--scenario", "uplink-small", "--connections", "200", "--loss", "0.01", "-o"];
    Ran::from(sim.args(arguments).arg(&file).output().expect("timeout(1) runs")).expect(&[0]);
    support::record(&[file], &at("through"), &["--shards", "3"]).expect(&[3]);
    assert_verified(&at("through"));
    assert_eq!(tables(&at("straight"))[..2], tables(&at("through"))[..2], "marks included, by two shards and by three");
    let ledger = |name: &str| ledgers(&at(name))[0].1.clone();
    assert_eq!(ledger("straight"), ledger("through"));
}

#[test]
fn loss_that_is_not_reported_leaves_the_ledger_clean() {
    let room = tempfile::tempdir().expect("a temporary directory");
    let campaign = room.path().join("campaign");
    record(&["sim:uplink-small,connections=100,unreported=0.02"], &campaign).expect(&[0]);
    assert_verified(&campaign);
    assert!(support::connections(&campaign).iter().any(|row| support::number(row, "orig_pkts") > 0));
}

#[test]
fn two_taps_with_skewed_clocks_still_give_whole_connections() {
    let room = tempfile::tempdir().expect("a temporary directory");
    let (one, two) = (room.path().join("one"), room.path().join("two"));
    record(&["sim:uplink-small,connections=500,seed=3"], &one).expect(&[0]);
    record(&["sim:uplink-small,connections=500,seed=3,device=two-taps"], &two).expect(&[0]);
    assert_verified(&two);
    let (one, two) = (support::connections(&one), support::connections(&two));
    assert_eq!(two.len(), one.len(), "no connection is split or lost");
    assert_eq!(ends(&two), ends(&one), "and each has its originator");
    let states = |rows: &[Row]| {
        let mut states: Vec<String> = rows.iter().map(|row| row["conn_state"].clone()).collect();
        states.sort();
        states
    };
    assert_eq!(states(&two), states(&one));
    assert!(two.iter().all(|row| !row["duration"].starts_with('-')), "no duration is negative");
}

#[test]
fn the_doctor_names_the_simulated_device_and_leaves_the_truth_alone() {
    let room = tempfile::tempdir().expect("a temporary directory");
    let truth = room.path().join("truth.csv");
    let source = format!("sim:uplink-small,device=two-taps,truth={}", truth.display());
    let ran = support::run("conntrack-tap", ["doctor", "--source", &source]).expect(&[0, 1]);
    assert!(ran.stdout.contains("2 queues") && ran.stdout.contains("splitter"), "{}", ran.stdout);
    assert!(!truth.exists());
}

#[test]
fn wrong_usage_exits_with_2_and_says_what_there_is() {
    let room = tempfile::tempdir().expect("a temporary directory");
    for (source, hint) in
        [("sim:nonsense", "uplink-small"), ("sim:uplink-small,sede=1", "seed, connections"), ("simm:x", "sim:SCENARIO")]
    {
        let ran = record(&[source], &room.path().join("campaign"));
        assert_eq!(ran.code, Some(2), "{source}: {}", ran.stderr);
        assert!(ran.stderr.contains(hint), "{source}: {}", ran.stderr);
    }
}
