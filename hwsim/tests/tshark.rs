//! The truth against what tshark makes of the same capture.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking, its helpers too")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use hwsim::link::{Mirror, Rule};
use hwsim::scenario::{SCENARIOS, Scenario};
use tempfile::TempDir;

/// A capture with its truth; whole frames, so that checksums can be checked.
struct Made {
    _dir: TempDir,
    capture: PathBuf,
    truth: PathBuf,
    segments: PathBuf,
}

fn make(scenario: &str, extent: &[&str]) -> Option<Made> {
    if Command::new("tshark").arg("--version").output().is_err() {
        eprintln!("SKIPPED: tshark is not installed (apt-get install tshark)");
        return None;
    }
    let dir = TempDir::new().unwrap();
    let [capture, truth, segments] = ["made.pcap", "made.csv", "segments.csv"].map(|name| dir.path().join(name));
    let status = Command::new(env!("CARGO_BIN_EXE_conntrack-sim"))
        .args(["pcap", "-q", "--scenario", scenario, "--seed", "11", "--snaplen", "65535"])
        .args(extent)
        .args([Path::new("-o"), &capture, Path::new("--truth"), &truth, Path::new("--segments"), &segments])
        .status()
        .unwrap();
    assert!(status.success());
    Some(Made { _dir: dir, capture, truth, segments })
}

/// tshark's fields of the packets that pass the filter, with every checksum checked.
fn tshark(made: &Made, filter: &str, fields: &[&str]) -> Vec<Vec<String>> {
    let mut command = Command::new("tshark");
    command.args(["-n", "-r"]).arg(&made.capture).args(["-Y", filter, "-T", "fields"]);
    // What is sent again overlaps, which reassembly would take for malformed.
    command.args(["-o", "tcp.desegment_tcp_streams:FALSE"]);
    for protocol in ["ip", "tcp", "udp"] {
        command.args(["-o", &format!("{protocol}.check_checksum:TRUE")]);
    }
    for field in fields {
        command.args(["-e", field]);
    }
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().map(|line| line.split('\t').map(str::to_owned).collect()).collect()
}

fn assert_none(made: &Made, filter: &str) {
    let found = tshark(made, filter, &["frame.number", "_ws.col.Info"]);
    assert!(found.is_empty(), "{filter}: {} frames, first {:?}", found.len(), found[0]);
}

/// Bad checksums and malformed frames, of which no capture may have any.
const BROKEN: &str = "_ws.malformed || ip.checksum.status == 0 || tcp.checksum.status == 0 || udp.checksum.status == 0 \
    || icmp.checksum.status == 0 || icmpv6.checksum.status == 0";

/// What tshark must not find where nothing got lost. SYNs that nobody answers are sent again, whatever the network does.
const AMISS: &str = "(tcp.analysis.retransmission && !(tcp.flags == 0x002)) || tcp.analysis.lost_segment \
    || tcp.analysis.ack_lost_segment || tcp.analysis.out_of_order || tcp.analysis.duplicate_ack \
    || tcp.analysis.reused_ports || tcp.analysis.zero_window";

/// What it must not find either where ports are used again and windows close. It takes the SYN-ACKs of a simultaneous open for SYNs
/// that are sent again, and does not count the byte of a probe that found room, so that its acknowledgment looks too high.
const AGAIN: &str = "(tcp.analysis.retransmission && tcp.flags.syn == 0) \
    || tcp.analysis.lost_segment || tcp.analysis.out_of_order";

/// What a connection looks like from the outside: its two ends, and for each direction packets and payload bytes; first and last instant.
#[derive(Debug, Default, PartialEq, Eq)]
struct Outline {
    pkts: [u64; 2],
    bytes: [u64; 2],
    first: String,
    last: String,
}

type Tuple = [String; 4];

fn seen_by_tshark(made: &Made) -> BTreeMap<Tuple, Outline> {
    let fields = [
        "tcp.stream",
        "ip.src",
        "ipv6.src",
        "tcp.srcport",
        "ip.dst",
        "ipv6.dst",
        "tcp.dstport",
        "tcp.len",
        "frame.time_epoch",
    ];
    let mut streams: BTreeMap<String, (Tuple, Outline)> = BTreeMap::new();
    for packet in tshark(made, "tcp", &fields) {
        let [stream, src4, src6, sport, dst4, dst6, dport, len, ts] = packet.try_into().unwrap();
        let from = [src4 + &src6, sport];
        let [a, b] = &from;
        let tuple = [a.clone(), b.clone(), dst4 + &dst6, dport];
        let (known, outline) =
            streams.entry(stream).or_insert_with(|| (tuple, Outline { first: ts.clone(), ..Outline::default() }));
        let direction = usize::from(known[..2] != from);
        outline.pkts[direction] += 1;
        outline.bytes[direction] += len.parse::<u64>().unwrap();
        outline.last = ts;
    }
    streams.into_values().collect()
}

fn told_by_the_truth(made: &Made) -> BTreeMap<Tuple, Outline> {
    let text = std::fs::read_to_string(&made.truth).unwrap();
    let names: Vec<&str> = text.lines().next().unwrap().split(',').collect();
    let rows = text.lines().skip(1).map(|line| {
        let row: BTreeMap<&str, &str> = names.iter().copied().zip(line.split(',')).collect();
        let tuple = ["orig_h", "orig_p", "resp_h", "resp_p"].map(|name| row[name].to_owned());
        let number = |name: &str| row[name].parse::<u64>().unwrap();
        let outline = Outline {
            pkts: [number("orig_pkts"), number("resp_pkts")],
            bytes: [number("orig_wire_bytes"), number("resp_wire_bytes")],
            first: row["ts"].to_owned(),
            last: row["last_ts"].to_owned(),
        };
        (tuple, outline)
    });
    rows.collect()
}

#[test]
fn tshark_finds_the_connections_of_the_truth_with_their_packets_bytes_and_instants() {
    for scenario in ["uplink-small", "uplink-lossy"] {
        let Some(made) = make(scenario, &["--connections", "400"]) else { return };
        let (seen, told) = (seen_by_tshark(&made), told_by_the_truth(&made));
        assert_eq!(seen.len(), told.len(), "{scenario}");
        for (tuple, outline) in &told {
            assert_eq!(seen.get(tuple), Some(outline), "{scenario} {tuple:?}");
        }
    }
}

#[test]
fn no_scenario_has_a_malformed_frame_or_a_bad_checksum() {
    for scenario in SCENARIOS {
        let Some(made) = make(scenario.name, &["--packets", "10000"]) else { return };
        assert_none(&made, BROKEN);
    }
}

/// Whether its links neither lose nor copy nor reorder, and both directions pass the tap.
fn is_loss_free(scenario: &Scenario) -> bool {
    let harms = |rule: &Rule| !matches!(rule, Rule::Delay(_) | Rule::Jitter(_));
    let rules = scenario.rules;
    let is_disturbed = rules.before.iter().chain(rules.after).any(harms) || rules.mirror != Mirror::NONE;
    !is_disturbed && scenario.asymmetric == 0.0
}

#[test]
fn tshark_finds_nothing_lost_repeated_or_out_of_order_in_any_scenario_without_loss() {
    let loss_free: Vec<&str> =
        SCENARIOS.iter().filter(|scenario| is_loss_free(scenario)).map(|found| found.name).collect();
    assert!(loss_free.len() > 10, "{loss_free:?}");
    for scenario in loss_free {
        let everything = ["mixed-lossless", "smoltcp"].contains(&scenario);
        let extent = if scenario == "elephants" { "50000" } else { "15000" };
        let Some(made) = make(scenario, &["--packets", extent, "--device", "exact"]) else { return };
        assert_none(&made, if everything { AGAIN } else { AMISS });
    }
}

#[test]
fn the_file_of_segments_has_what_tshark_sees_at_that_instant() {
    let Some(made) = make("mixed", &["--connections", "150"]) else { return };
    let fields = ["frame.time_epoch", "tcp.srcport", "tcp.dstport", "tcp.seq_raw", "tcp.len"];
    let seen: BTreeSet<Vec<String>> = tshark(&made, "tcp", &fields).into_iter().collect();
    let text = std::fs::read_to_string(&made.segments).unwrap();
    let names: Vec<&str> = text.lines().next().unwrap().split(',').collect();
    let mut causes = BTreeSet::new();
    for line in text.lines().skip(1) {
        let row: BTreeMap<&str, &str> = names.iter().copied().zip(line.split(',')).collect();
        let (from, to) = if row["dir"] == "orig" { ("orig_p", "resp_p") } else { ("resp_p", "orig_p") };
        let segment = ["ts", from, to, "seq", "len"].map(|name| row[name].to_owned());
        assert!(seen.contains(&segment[..]), "{line}");
        causes.insert(row["cause"].to_owned());
    }
    for cause in ["fast", "timeout", "syn", "probe", "keepalive"] {
        assert!(causes.contains(cause), "{cause} is not among {causes:?}");
    }
}

#[test]
fn tshark_sees_the_repetitions_of_a_lossy_link() {
    let Some(made) = make("uplink-lossy", &["--connections", "200"]) else { return };
    for flag in ["retransmission", "lost_segment", "duplicate_ack"] {
        assert!(!tshark(&made, &format!("tcp.analysis.{flag}"), &["frame.number"]).is_empty(), "{flag}");
    }
}
