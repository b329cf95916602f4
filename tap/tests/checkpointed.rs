//! A tap that is told to stop and started again goes on with the connections that were open.
#![allow(clippy::expect_used, clippy::panic, reason = "a test fails by panicking, its helpers too")]

mod support;

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::ops::Range;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use recorder::{Campaign, CheckpointReader, Manifest};
use support::Row;

/// What must be the same whether or not the tap was away: all that packets are counted in, and the instants.
const EXACT: [&str; 25] = [
    "ts",
    "duration",
    "orig_h",
    "orig_p",
    "resp_h",
    "resp_p",
    "conn_state",
    "history",
    "close_reason",
    "orig_pkts",
    "resp_pkts",
    "orig_ip_bytes",
    "resp_ip_bytes",
    "orig_bytes",
    "resp_bytes",
    "orig_wire_bytes",
    "resp_wire_bytes",
    "orig_unique_bytes",
    "resp_unique_bytes",
    "established_ts",
    "last_ts",
    "closed_ts",
    "headers",
    "syn_rtt",
    "direction_by",
];

/// A capture, packet by packet.
struct Packets {
    header: Vec<u8>,
    records: Vec<Vec<u8>>,
}

impl Packets {
    fn of(scenario: &str, connections: u32, room: &Path) -> Self {
        let (header, records) = support::packets(&support::uplink(room, scenario, connections));
        Self { header, records }
    }

    fn file(&self, records: impl Iterator<Item = usize>) -> Vec<u8> {
        let mut bytes = self.header.clone();
        records.for_each(|record| bytes.extend(&self.records[record]));
        bytes
    }
}

#[expect(clippy::disallowed_methods, reason = "what is waited for is another process")]
fn pause() {
    std::thread::sleep(Duration::from_millis(50));
}

/// A campaign that is recorded in runs.
struct Runs {
    room: tempfile::TempDir,
    campaign: PathBuf,
}

impl Runs {
    fn new() -> Self {
        let room = tempfile::tempdir().expect("a temporary directory");
        fs::write(room.path().join("tap.toml"), "[recorder]\nmanifest_every = \"100ms\"\n").expect("a file");
        let campaign = room.path().join("campaign");
        Self { room, campaign }
    }

    fn command(&self, options: &[&str]) -> Command {
        let mut tap = Command::new(support::program("conntrack-tap"));
        tap.args(["run", "--source", "pcap:-", "--config"]).arg(self.room.path().join("tap.toml"));
        tap.arg("--out").arg(&self.campaign).args(options).stdin(Stdio::piped()).stderr(Stdio::piped());
        tap
    }

    fn manifest(&self) -> Option<Manifest> {
        Some(Campaign::open(&self.campaign).ok()?.manifest().clone())
    }

    /// A run that is told to stop once it has taken in all of these packets.
    fn stopped(&self, packets: &Packets, given: Range<usize>, options: &[&str]) -> support::Ran {
        let delivered = || self.manifest().map_or(0, |manifest| manifest.ledger().delivered);
        let wanted = delivered() + given.len() as u64;
        let mut tap = self.command(options).spawn().expect("conntrack-tap starts");
        let mut pipe = tap.stdin.take().expect("a pipe");
        pipe.write_all(&packets.file(given)).expect("the tap reads");
        for _ in 0..1200 {
            if delivered() == wanted {
                break;
            }
            pause();
        }
        assert_eq!(delivered(), wanted, "packets within a minute");
        let killed = Command::new("kill").args(["-s", "TERM", &tap.id().to_string()]).status();
        assert!(killed.expect("kill(1) runs").success());
        tap.wait_with_output().expect("the tap ends").into()
    }

    /// A run over the packets from here on, to the end of its input.
    fn ended(&self, packets: &Packets, from: usize, options: &[&str]) -> support::Ran {
        let mut tap = self.command(options).spawn().expect("conntrack-tap starts");
        let mut pipe = tap.stdin.take().expect("a pipe");
        pipe.write_all(&packets.file(from..packets.records.len())).expect("the tap reads");
        drop(pipe);
        tap.wait_with_output().expect("the tap ends").into()
    }

    /// The connections of an undisturbed run over what the runs have seen.
    fn undisturbed(&self, packets: &Packets, away: Range<usize>) -> BTreeMap<String, Row> {
        let file = self.room.path().join("seen.pcap");
        let seen = packets.file((0..packets.records.len()).filter(|record| !away.contains(record)));
        fs::write(&file, seen).expect("a file");
        let whole = self.room.path().join("whole");
        support::record(&[file], &whole, &[]).expect(&[0]);
        by_uid(&whole)
    }

    fn verify(&self) -> String {
        support::run("conntrack-report", [Path::new("verify"), &self.campaign]).expect(&[0]).stdout
    }
}

fn by_uid(campaign: &Path) -> BTreeMap<String, Row> {
    let rows = support::connections(campaign);
    let count = rows.len();
    let by_uid: BTreeMap<String, Row> = rows.into_iter().map(|row| (row["uid"].clone(), row)).collect();
    assert_eq!(by_uid.len(), count, "no connection is there twice");
    by_uid
}

/// What differs between connections that should be the same.
fn differences(found: &BTreeMap<String, Row>, truth: &BTreeMap<String, Row>) -> Vec<String> {
    let missing = truth.keys().filter(|uid| !found.contains_key(*uid)).map(|uid| format!("{uid} is missing"));
    let more = found.keys().filter(|uid| !truth.contains_key(*uid)).map(|uid| format!("{uid} is there"));
    let others =
        found.iter().filter_map(|(uid, row)| Some((uid, row, truth.get(uid)?))).flat_map(|(uid, row, truth)| {
            let differs = EXACT.iter().filter(|column| row[**column] != truth[**column]);
            differs.map(move |column| format!("{uid}: {column} is {}, undisturbed {}", row[*column], truth[*column]))
        });
    missing.chain(more).chain(others).collect()
}

#[test]
fn ten_thousand_live_connections_are_one_record_each_though_the_tap_was_away() {
    let runs = Runs::new();
    let packets = Packets::of("million-live", 10_000, runs.room.path());
    let (half, away) = (packets.records.len() / 2, 3000);
    let first = runs.stopped(&packets, 0..half, &["--checkpoint", "--shards", "2"]).expect(&[0]);
    assert!(first.stderr.contains("kept         10,000 open connections"), "{}", first.stderr);
    assert!(support::connections(&runs.campaign).is_empty(), "no connection has its row yet");
    let verified = runs.verify();
    assert!(verified.contains("10000 connections are kept for the next run"), "{verified}");
    let second = runs.ended(&packets, half + away, &["--shards", "3"]).expect(&[0]);
    assert!(second.stderr.contains("10000 connections go on, which were open then"), "{}", second.stderr);
    let found = by_uid(&runs.campaign);
    support::assert_none(&differences(&found, &runs.undisturbed(&packets, half..half + away)), found.len());
    assert_eq!(found.len(), 10_000);
    let marked = found.values().filter(|row| row["lost_capture"] == "true").count();
    assert_eq!(marked, 10_000, "each may have packets that nobody saw");
    let verified = runs.verify();
    assert!(!runs.campaign.join("checkpoint").exists() && !verified.contains("skipped"), "{verified}");
}

#[test]
fn every_kind_of_connection_goes_on_as_if_nothing_had_happened() {
    let runs = Runs::new();
    let packets = Packets::of("mixed-lossless", 400, runs.room.path());
    let truth = runs.undisturbed(&packets, 0..0);
    let count = packets.records.len();
    // Four runs, each in the middle of something else, with another number of threads.
    let mut before = 0;
    for (shards, stop) in [("1", count / 5), ("2", count / 3), ("3", count / 2)] {
        runs.stopped(&packets, before..stop, &["--checkpoint", "--shards", shards]).expect(&[0]);
        runs.verify();
        before = stop;
    }
    runs.ended(&packets, before, &["--shards", "4"]).expect(&[0]);
    let found = by_uid(&runs.campaign);
    support::assert_none(&differences(&found, &truth), found.len());
    let headers = |campaign: &Path| support::rows("headers", campaign);
    let mut expected = headers(&runs.room.path().join("whole"));
    let mut recorded = headers(&runs.campaign);
    expected.sort();
    recorded.sort();
    assert!(expected == recorded, "{} headers, {} of an undisturbed run", recorded.len(), expected.len());
    runs.verify();
}

#[test]
fn what_no_run_takes_over_ends_as_it_was_kept_and_nothing_is_lost() {
    let packets_in = |runs: &Runs| Packets::of("uplink-small", 200, runs.room.path());
    // By hand, where no run is to follow.
    let recovered = Runs::new();
    let packets = packets_in(&recovered);
    let half = packets.records.len() / 2;
    recovered.stopped(&packets, 0..half, &["--checkpoint"]).expect(&[0]);
    let kept = recovered.manifest().and_then(|manifest| manifest.carried).expect("connections are kept").connections;
    let ran = support::run("conntrack-tap", [Path::new("recover"), &recovered.campaign]).expect(&[0]);
    assert!(ran.stdout.contains(&format!("ended {kept} connections that were kept for another run")), "{}", ran.stdout);
    let verified = recovered.verify();
    assert!(!verified.contains("skipped"), "{verified}");
    // By a run that counts headers otherwise, and so cannot go on with them.
    let other = Runs::new();
    other.stopped(&packets, 0..half, &["--checkpoint"]).expect(&[0]);
    let ran = other.ended(&packets, half, &["--headers", "7"]).expect(&[0]);
    assert!(ran.stderr.contains(&format!("{kept} connections end as they were kept")), "{}", ran.stderr);
    let verified = other.verify();
    assert!(!verified.contains("skipped"), "{verified}");
    let rows = |runs: &Runs| by_uid(&runs.campaign);
    let cut: Vec<String> = rows(&recovered).into_keys().collect();
    let both = rows(&other);
    assert!(kept > 5 && cut.iter().all(|uid| both.contains_key(uid)), "{kept} were kept");
}

#[test]
fn a_damaged_checkpoint_is_told_of_by_number() {
    let runs = Runs::new();
    let packets = Packets::of("uplink-small", 200, runs.room.path());
    let half = packets.records.len() / 2;
    runs.stopped(&packets, 0..half, &["--checkpoint"]).expect(&[0]);
    let kept = runs.manifest().and_then(|manifest| manifest.carried).expect("connections are kept").connections;
    let path = runs.campaign.join("checkpoint");
    let mut bytes = fs::read(&path).expect("a checkpoint");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 4;
    fs::write(&path, bytes).expect("a file");
    let verified = support::run("conntrack-report", [Path::new("verify"), &runs.campaign]).expect(&[1, 3]);
    let failed = verified.stdout.lines().any(|line| line.contains("FAILED") && line.contains("checkpoint"));
    assert!(failed, "{}", verified.stdout);
    let ran = runs.ended(&packets, half, &[]).expect(&[3]);
    assert!(ran.stderr.contains("connections of the checkpoint are lost"), "{}", ran.stderr);
    let lost: u64 = support::rows("events", &runs.campaign)
        .iter()
        .filter(|row| row["kind"] == "lost")
        .filter_map(|row| {
            row["detail"].split_once(" connections of the checkpoint: 1 parts of it")?.0.parse::<u64>().ok()
        })
        .sum();
    assert!((1..=kept).contains(&lost), "{lost} of {kept}");
    runs.verify();
}

#[test]
fn a_checkpoint_under_a_key_names_no_address() {
    let runs = Runs::new();
    let packets = Packets::of("uplink-small", 200, runs.room.path());
    let half = packets.records.len() / 2;
    let key = runs.room.path().join("key");
    fs::write(&key, "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff\n").expect("a file");
    fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).expect("a file of one's own");
    let key = key.to_str().expect("a path");
    runs.stopped(&packets, 0..half, &["--checkpoint", "--anonymise", key]).expect(&[0]);
    let undisturbed = runs.undisturbed(&packets, 0..0);
    let addresses: Vec<Vec<u8>> =
        undisturbed.values().flat_map(|row| ["orig_h", "resp_h"].map(|end| octets(&row[end]))).collect();
    let chunks = CheckpointReader::of(&runs.campaign).expect("readable").expect("a checkpoint");
    for chunk in chunks {
        let chunk = chunk.expect("a whole part");
        assert!(chunk.states::<conntrack::Kept>().is_none(), "it cannot be read without the key");
        for address in addresses.iter().filter(|address| address.len() == 16) {
            assert!(!chunk.states.windows(16).any(|window| window == address), "{address:?}");
        }
    }
    runs.ended(&packets, half, &["--anonymise", key]).expect(&[0]);
    assert_eq!(by_uid(&runs.campaign).len(), undisturbed.len(), "it goes on with the key");
    runs.verify();
}

fn octets(address: &str) -> Vec<u8> {
    match address.parse().expect("an address") {
        std::net::IpAddr::V4(address) => address.octets().to_vec(),
        std::net::IpAddr::V6(address) => address.octets().to_vec(),
    }
}

#[test]
fn files_begin_anew_and_so_have_no_checkpoint() {
    let runs = Runs::new();
    let capture = support::uplink(runs.room.path(), "uplink-small", 5);
    let ran = support::record(&[capture], &runs.campaign, &["--checkpoint"]).expect(&[2]);
    assert!(ran.stderr.contains("cannot be continued; leave it out"), "{}", ran.stderr);
    assert!(!runs.campaign.exists());
}
