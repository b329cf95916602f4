//! The AF_PACKET source between two network namespaces: what it tracks is what real clients and servers did.
//!
//! Each test makes two namespaces joined by a veth pair, under names of its own, and removes them. The tap listens in the server's.
#![allow(clippy::expect_used, clippy::panic, reason = "a test fails by panicking, its helpers too")]

mod support;

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use serde_json::Value;
use support::live::{Host, Process, Tap, wait_until};
use support::ssh::{self, Ssh};
use support::{Ran, Row, number};
use tempfile::TempDir;

const CLIENT: &str = "10.77.0.1";
const SERVER: &str = "10.77.0.2";

/// Two hosts and a wire.
struct World {
    client: Host,
    server: Host,
    room: TempDir,
}

impl World {
    /// `None`, with a word about it, where this cannot be had.
    fn new(test: &str, tools: &[&str]) -> Option<Self> {
        if !support::root() || !support::tools(&[&["ip", "ethtool", "nsenter"], tools].concat()) {
            return None;
        }
        let host = |side: &str| Host::new(format!("ct{test}{}{side}", std::process::id()));
        let world = Self { client: host("c"), server: host("s"), room: tempfile::tempdir().expect("a directory") };
        world.client.connect("wire", &world.server, "wire");
        world.client.address("wire", CLIENT);
        world.server.address("wire", SERVER);
        Some(world)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.room.path().join(name)
    }

    /// Runs a client to its end.
    fn client(&self, program: &str, arguments: &[&str]) -> Ran {
        self.client.run(program, arguments)
    }

    /// Starts a server, and waits until it listens on `port`.
    fn server(&self, port: u16, program: &str, arguments: &[&str]) -> Process {
        self.server.serve(port, program, arguments)
    }

    /// Starts a tap beside the server, and waits until it captures.
    fn tap(&self) -> Tap {
        self.server.tap("wire", self.path("campaign"))
    }
}

#[test]
fn connections_to_a_web_server_are_those_in_its_log() {
    let Some(world) = World::new("w", &["nginx", "curl", "ss"]) else { return };
    let root = world.path("www");
    fs::create_dir(&root).expect("a directory");
    for (name, bytes) in [("small", 10), ("middle", 20_000), ("large", 3_000_000)] {
        fs::write(root.join(name), vec![b'x'; bytes]).expect("a file");
    }
    let (configuration, log) = (world.path("nginx.conf"), world.path("access.log"));
    let text = format!(
        "daemon off; master_process off; user root; pid {0}/pid; error_log {0}/error.log;
         events {{ worker_connections 100; }}
         http {{ log_format bytes '$remote_port $request_length $bytes_sent'; access_log {1} bytes; client_body_temp_path {0};
         proxy_temp_path {0}; fastcgi_temp_path {0}; uwsgi_temp_path {0}; scgi_temp_path {0};
         server {{ listen 80; root {2}; }} }}",
        world.room.path().display(),
        log.display(),
        root.display()
    );
    fs::write(&configuration, text).expect("a file");
    let server = world.server(80, "nginx", &["-c", configuration.to_str().expect("UTF-8")]);
    let tap = world.tap();
    let url = |name: &str| format!("http://{SERVER}/{name}");
    for _ in 0..5 {
        world.client("curl", &["-sS", "-o", "/dev/null", &url("middle")]);
    }
    // One connection, three requests.
    world.client(
        "curl",
        &[
            "-sS",
            "-o",
            "/dev/null",
            &url("small"),
            "-o",
            "/dev/null",
            &url("large"),
            "-o",
            "/dev/null",
            &url("missing"),
        ],
    );
    let rows = tap.end(Some(80));
    drop(server);

    let mut logged: BTreeMap<u64, (u64, u64)> = BTreeMap::new();
    for line in fs::read_to_string(&log).expect("the log").lines() {
        let words: Vec<u64> = line.split(' ').map(|word| word.parse().expect("a number")).collect();
        let connection = logged.entry(words[0]).or_default();
        *connection = (connection.0 + words[1], connection.1 + words[2]);
    }
    assert_eq!(logged.len(), 6);
    let tracked = rows
        .iter()
        .map(|row| (number(row, "orig_p"), (number(row, "orig_unique_bytes"), number(row, "resp_unique_bytes"))));
    assert_eq!(tracked.collect::<BTreeMap<_, _>>(), logged);
    for row in &rows {
        assert_eq!(
            (row["orig_h"].as_str(), row["resp_h"].as_str(), row["conn_state"].as_str()),
            (CLIENT, SERVER, "SF"),
            "{row:?}"
        );
        assert_eq!(
            (number(row, "orig_bytes"), number(row, "missed_bytes")),
            (number(row, "orig_unique_bytes"), 0),
            "{row:?}"
        );
    }
}

#[test]
fn bulk_transfers_have_the_bytes_that_iperf3_counted() {
    /// The cookie that tells iperf3's streams from each other, sent first on each.
    const COOKIE: u64 = 37;
    let Some(world) = World::new("i", &["iperf3", "ss"]) else { return };
    let server = world.server(5201, "iperf3", &["-s"]);
    let tap = world.tap();
    let transfer = |options: &[&str]| -> Value {
        // At a rate that an unoptimised tap on a busy machine keeps up with.
        let arguments = [&["-c", SERVER, "-J", "-n", "10M", "-b", "100M", "-P", "2"], options].concat();
        serde_json::from_str(&world.client("iperf3", &arguments).stdout).expect("JSON")
    };
    let (up, down) = (transfer(&[]), transfer(&["-R"]));
    let rows = tap.end(Some(5201));
    drop(server);

    assert_eq!(rows.len(), 6, "two control connections and four streams");
    for (run, sender, is_reverse) in [(&up, "orig", false), (&down, "resp", true)] {
        let streams = run["start"]["connected"].as_array().expect("streams");
        assert_eq!(streams.len(), 2);
        let mut sent = 0;
        for stream in streams {
            let row = rows
                .iter()
                .find(|row| Some(number(row, "orig_p")) == stream["local_port"].as_u64())
                .expect("the stream was tracked");
            sent += number(row, &format!("{sender}_unique_bytes")) - if is_reverse { 0 } else { COOKIE };
            assert_eq!(number(row, "missed_bytes"), 0, "{row:?}");
        }
        assert_eq!(sent, run["end"]["sum_sent"]["bytes"].as_u64().expect("bytes"), "{}", run["end"]);
    }
}

#[test]
fn an_ssh_session_is_one_connection_with_its_bytes() {
    let Some(world) = World::new("h", &["ssh", "sshd", "ssh-keygen", "ncat", "ss"]) else { return };
    let ssh = Ssh::new(world.room.path(), SERVER);
    let (sshd, arguments) = ssh.server();
    let server = world.server(ssh::PORT, sshd, &arguments.each_ref().map(String::as_str));
    let tap = world.tap();
    // ncat carries the bytes to and fro, and counts them. ssh hangs up on it at the end, before it could say how many.
    let counted = world.path("counted");
    let proxy = format!("sh -c \"trap '' HUP; exec ncat -v {SERVER} 2222 2> {}\"", counted.display());
    let work = "for i in 1 2 3; do sleep 0.2; echo $i; done; head -c 500000 /dev/zero";
    let arguments = ssh.client(&["-o", &format!("ProxyCommand={proxy}")], work);
    world.client("ssh", &arguments.iter().map(String::as_str).collect::<Vec<_>>());
    let count =
        || fs::read_to_string(&counted).ok()?.lines().find(|line| line.contains(" bytes sent, ")).map(str::to_owned);
    wait_until("ncat counts", || count().is_some());
    let rows = tap.end(Some(2222));
    drop(server);

    // "Ncat: 3213 bytes sent, 507717 bytes received in 0.93 seconds."
    let line = count().expect("the count");
    let counts: Vec<u64> = line.split(' ').filter_map(|word| word.parse().ok()).collect();
    let [row] = rows.as_slice() else { panic!("one session, {} connections", rows.len()) };
    assert_eq!([number(row, "orig_unique_bytes"), number(row, "resp_unique_bytes")], counts[..2], "{line}");
    assert!(counts[1] > 500_000, "{line}");
    assert_eq!((row["conn_state"].as_str(), number(row, "missed_bytes")), ("SF", 0), "{row:?}");
    assert!(row["duration"].parse::<f64>().expect("a duration") > 0.6, "{row:?}");
}

#[test]
fn refused_ports_of_a_scan_are_rejected_connections() {
    let Some(world) = World::new("n", &["nmap", "python3", "ss"]) else { return };
    let server = world.server(8080, "python3", &["-m", "http.server", "8080", "--bind", SERVER]);
    let tap = world.tap();
    // A connect scan: what a program that knocks on 100 ports does.
    world.client("nmap", &["-sT", "-Pn", "-n", "--max-retries", "0", "-p", "8001-8100", SERVER]);
    let rows = tap.end(None);
    drop(server);

    let mut refused: Vec<u64> =
        rows.iter().filter(|row| row["conn_state"] == "REJ").map(|row| number(row, "resp_p")).collect();
    refused.sort_unstable();
    assert_eq!(refused, (8001..=8100).filter(|&port| port != 8080).collect::<Vec<_>>(), "each knocked on once");
    let open: Vec<&Row> = rows.iter().filter(|row| number(row, "resp_p") == 8080).collect();
    assert!(!open.is_empty() && open.iter().all(|row| row["history"].starts_with("ShA")), "{open:?}");
}
