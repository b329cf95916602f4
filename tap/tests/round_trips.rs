//! Round trips between real sockets: what the tap measures from beside the path against what both kernels measured at its ends.
//!
//! A path of three hosts: the client, one in the middle that passes every frame on after a delay, the server. The tap listens in the
//! middle, between two hops of the path, so that each half of the round trip has a delay of its own.
#![allow(clippy::expect_used, clippy::panic, reason = "a test fails by panicking, its helpers too")]

mod support;

use std::path::{Path, PathBuf};

use support::live::{Host, wait_until};
use support::{Row, number};

const CLIENT: &str = "10.78.0.1";
const SERVER: &str = "10.78.0.2";
const PORT: u16 = 7000;
const ROUNDS: u64 = 60;

/// Bytes of a question and of an answer, as `rounds.py` has them.
const SIZES: [u64; 2] = [100, 1000];

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

fn line(delays: [u32; 2], row: &Row, [client, server]: &[Socket; 2]) -> String {
    let half = |side: &str| {
        let of = |what: &str| millis(row, &format!("{side}_rtt_{what}"));
        format!("{:.2} / {:.2}", of("min"), of("mean"))
    };
    let handshake = millis(row, "handshake_rtt");
    format!(
        "| {} + {} | {} | {} | {handshake:.2} | {:.2} / {:.2} | {:.2} / {:.2} |",
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
        "| path, ms | tap to client: min / mean | tap to server: min / mean | handshake | client's ss: min / smoothed | server's ss |"
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
        for measured in halves.map(|_| halves[0] + halves[1]).into_iter().chain([millis(row, "handshake_rtt")]) {
            for socket in sockets {
                assert!((measured / socket.min - 1.0).abs() <= TOLERANCE, "{shown}");
            }
        }
    }
}
