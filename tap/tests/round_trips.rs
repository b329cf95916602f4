//! Round trips: what the tap measures from beside the path against what those at its ends measured.
//!
//! Real sockets: a path of three hosts: the client, one in the middle that passes every frame on after a delay, the server. The tap listens in the
//! middle, between two hops of the path, so that each half of the round trip has a delay of its own. Simulated speakers: their own samples, and
//! those of who sees their segments pass and knows which ones were sent again.
#![allow(clippy::expect_used, clippy::panic, reason = "a test fails by panicking, its helpers too")]

mod support;

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use support::live::{Host, wait_until};
use support::{Row, number};

const CLIENT: &str = "10.78.0.1";
const SERVER: &str = "10.78.0.2";
const PORT: u16 = 7000;
const ROUNDS: u64 = 60;

/// Bytes of a question and of an answer, as `rounds.py` has them.
const SIZES: [u64; 2] = [100, 1000];

/// Interfaces of the host in the middle.
const INTERFACES: usize = 4;

/// Delays of one way between client and tap, and between tap and server, ms.
const DELAYS: [[u32; 2]; 3] = [[20, 5], [5, 40], [50, 50]];

/// How far the smallest round trips may be apart, as a share: nothing that passes a frame on is punctual to the microsecond.
const TOLERANCE: f64 = 0.1;

/// What a kernel says of its end of a connection, ms.
struct Socket {
    /// Smoothed (RFC 6298).
    rtt: f64,
    min: f64,
}

impl Socket {
    /// From `ss -tin` on a host, once the peer has acknowledged so many bytes.
    fn of(host: &Host, acknowledged: u64) -> Option<Self> {
        let connected = format!("( sport = :{PORT} or dport = :{PORT} )");
        let output = host.command("ss").args(["-Htin", "state", "established", &connected]).output().expect("ss runs");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let value = |name: &str| text.split_whitespace().find_map(|word| word.strip_prefix(name));
        // Linux counts the SYN, too.
        if value("bytes_acked:")?.parse::<u64>().ok()? < acknowledged {
            return None;
        }
        let (rtt, _) = value("rtt:")?.split_once('/')?;
        Some(Self { rtt: rtt.parse().ok()?, min: value("minrtt:")?.parse().ok()? })
    }
}

fn script(name: &str) -> String {
    let path: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/support").join(name);
    path.to_str().expect("UTF-8").to_owned()
}

/// A path with these delays, and the questions and answers over it: the tap's row, and what client and server say.
fn exchange(case: usize, [near, far]: [u32; 2], room: &Path) -> (Row, [Socket; 2]) {
    let host = |side: &str| Host::new(format!("ctr{side}{case}-{}", std::process::id()));
    let (client, middle, server) = (host("c"), host("m"), host("s"));
    client.connect("wire", &middle, "near");
    middle.connect("tapped", &middle, "behind");
    server.connect("wire", &middle, "far");
    client.address("wire", CLIENT);
    server.address("wire", SERVER);
    let [near, far] = [near, far].map(|millis| (f64::from(millis) / 1000.0).to_string());
    let hops = ["near", "tapped", &near, "tapped", "near", &near, "behind", "far", &far, "far", "behind", &far];
    let relay = script("relay.py");
    let _relay = middle.start("python3", &[&[relay.as_str()], &hops[..]].concat());
    wait_until("frames are passed on", || middle.packet_sockets().lines().count() >= INTERFACES);
    let tap = middle.tap("tapped", room.join(format!("campaign{case}")));

    let (rounds, port) = (script("rounds.py"), PORT.to_string());
    let _answers = server.serve(PORT, "python3", &[&rounds, "server", SERVER, &port]);
    let questions = client.start("python3", &[&rounds, "client", SERVER, &port, &ROUNDS.to_string()]);
    let both = || Some([Socket::of(&client, ROUNDS * SIZES[0])?, Socket::of(&server, ROUNDS * SIZES[1])?]);
    wait_until("every question is answered", || both().is_some());
    let sockets = both().expect("they are still connected");
    drop(questions);
    let rows = tap.end(Some(PORT));
    let [row] = rows.as_slice() else { panic!("one connection, {} rows", rows.len()) };
    (row.clone(), sockets)
}

/// A duration of a row in milliseconds.
fn millis(row: &Row, column: &str) -> f64 {
    1000.0 * row[column].parse::<f64>().unwrap_or_else(|_| panic!("{column} is {:?}", row[column]))
}

/// The whole round trip by the smallest halves, by the smallest ones of timestamps, and by the handshake, ms.
fn wholes(row: &Row) -> [f64; 3] {
    let sum = |column: &str| millis(row, &format!("orig_{column}")) + millis(row, &format!("resp_{column}"));
    [sum("rtt_min"), sum("rtt_ts_min"), millis(row, "handshake_rtt")]
}

fn line(delays: [u32; 2], row: &Row, [client, server]: &[Socket; 2]) -> String {
    let half = |side: &str| {
        let of = |what: &str| millis(row, &format!("{side}_rtt_{what}"));
        format!("{:.2} / {:.2}", of("min"), of("mean"))
    };
    let wholes = wholes(row).map(|whole| format!("{whole:.2}")).join(" | ");
    format!(
        "| {} + {} | {} | {} | {wholes} | {:.2} / {:.2} | {:.2} / {:.2} |",
        2 * delays[0],
        2 * delays[1],
        half("resp"),
        half("orig"),
        client.min,
        client.rtt,
        server.min,
        server.rtt
    )
}

#[test]
fn both_halves_together_are_the_round_trip_that_either_kernel_measures() {
    if !support::root() || !support::tools(&["ip", "ethtool", "nsenter", "python3", "ss"]) {
        return;
    }
    let room = tempfile::tempdir().expect("a directory");
    let cases: Vec<(usize, [u32; 2])> = DELAYS.into_iter().enumerate().collect();
    let results = support::in_parallel(&cases, |&(case, delays)| exchange(case, delays, room.path()));
    println!(
        "| path | to client: min / mean | to server: min / mean | min, both | by timestamps | handshake | client | server |"
    );
    for (delays, (row, sockets)) in DELAYS.into_iter().zip(&results) {
        println!("{}", line(delays, row, sockets));
    }
    for (delays, (row, sockets)) in DELAYS.into_iter().zip(&results) {
        let shown = line(delays, row, sockets);
        for side in ["orig", "resp"] {
            assert!(number(row, &format!("{side}_rtt_n")) >= ROUNDS / 2, "{row:?}");
        }
        let halves = [millis(row, "resp_rtt_min"), millis(row, "orig_rtt_min")];
        for (half, delay) in halves.into_iter().zip(delays) {
            let least = 2.0 * f64::from(delay);
            assert!(
                half >= 0.999 * least && half <= least + TOLERANCE * 2.0 * f64::from(delays[0] + delays[1]),
                "{shown}"
            );
        }
        let [measured, by_stamps, handshake] = wholes(row);
        let least = 2.0 * f64::from(delays[0] + delays[1]);
        assert!(handshake >= 0.999 * least, "one sample, so that nothing but the path bounds it: {shown}");
        for measured in [measured, by_stamps] {
            for socket in sockets {
                assert!((measured / socket.min - 1.0).abs() <= TOLERANCE, "{shown}");
            }
        }
    }
}

/// What names a connection in the truth and in a campaign.
fn name(row: &Row) -> Vec<String> {
    ["ts", "orig_h", "orig_p", "resp_h", "resp_p"].map(|column| row[column].clone()).to_vec()
}

/// Microseconds that a whole round trip may differ from the sender's: the jitter of four half ways, 20 us each, and what a SYN is shorter than
/// a full segment at the slowest access.
const WHOLE_WITHIN: f64 = 200.0;

/// Seconds of a column; `None` where it is missing.
fn seconds(row: &Row, column: &str) -> Option<f64> {
    row[column].parse().ok()
}

/// Whether the samples of a half are all of the truth's, and what is wrong with them.
fn compare_half(truth: &Row, row: &Row, side: &str) -> (bool, Vec<String>) {
    let [ours, theirs] = [(row, "rtt"), (truth, "half_rtt")].map(|(of, what)| {
        let nanos = |end: &str| seconds(of, &format!("{side}_{what}_{end}")).map(|value| (value * 1e9).round() as i64);
        (number(of, &format!("{side}_{what}_n")), ["min", "mean", "max"].map(nanos))
    });
    let ((n, [min, mean, max]), (all, [least, middle, most])) = (ours, theirs);
    let close = |a: Option<i64>, b: Option<i64>| a.zip(b).map_or(a == b, |(a, b)| a.abs_diff(b) <= 1);
    let fits = if n == all {
        close(min, least) && close(mean, middle) && close(max, most)
    } else {
        n < all && (n == 0 || min >= least && max <= most)
    };
    let fault = || {
        format!(
            "{:?} {side}: {n} samples {min:?} {mean:?} {max:?}, in truth {all} {least:?} {middle:?} {most:?}",
            name(row)
        )
    };
    (n == all, if fits { Vec::new() } else { vec![fault()] })
}

/// How far the smallest whole round trip is from the sender's own, us; `None` without enough samples.
fn whole_error(truth: &Row, row: &Row, side: &str) -> Option<f64> {
    let (near, far) = if side == "orig" { ("syn_rtt", "ack_rtt") } else { ("ack_rtt", "syn_rtt") };
    let least = seconds(row, &format!("{side}_rtt_min"))?.min(seconds(row, near)?);
    let samples = number(truth, &format!("{side}_sender_rtt_n")).min(number(row, &format!("{side}_rtt_n")));
    let measured = seconds(truth, &format!("{side}_sender_rtt_min")).filter(|_| samples > 3)?;
    Some((least + seconds(row, far)? - measured) * 1e6)
}

#[test]
fn round_trips_are_those_of_the_simulated_senders_to_the_nanosecond_of_the_capture() {
    let room = tempfile::tempdir().expect("a directory");
    let at = |end: &str| room.path().join(format!("uplink{end}"));
    let (capture, told) = (at(".pcap"), at(".csv"));
    let options = ["pcap", "--scenario", "uplink-small", "--connections", "600"].map(OsStr::new);
    let files = [OsStr::new("--output"), capture.as_os_str(), OsStr::new("--truth"), told.as_os_str()];
    support::run("conntrack-sim", options.into_iter().chain(files)).expect(&[0]);
    support::record(&[capture], &at(""), &[]).expect(&[0]);
    let rows: BTreeMap<Vec<String>, Row> =
        support::connections(&at("")).into_iter().map(|row| (name(&row), row)).collect();

    let mut reader = csv::Reader::from_path(told).expect("the truth");
    let (mut halves, mut complete, mut wholes, mut faults) = (0, 0, 0, Vec::new());
    for truth in reader.deserialize().map(|row| row.expect("CSV")) {
        let truth: Row = truth;
        let row = &rows[&name(&truth)];
        for side in ["orig", "resp"] {
            let (all, wrong) = compare_half(&truth, row, side);
            halves += 1;
            complete += usize::from(all);
            faults.extend(wrong);
            let Some(error) = whole_error(&truth, row, side) else { continue };
            wholes += 1;
            if error.abs() > WHOLE_WITHIN {
                faults
                    .push(format!("{:?} {side}: the smallest round trip is {error:.1} us off the sender's", name(row)));
            }
        }
    }
    support::assert_none(&faults, halves);
    assert!(complete * 100 >= halves * 95, "only {complete} of {halves} halves have every sample");
    assert!(wholes > 500, "only {wholes} round trips were compared with the senders'");
}
