//! A running tap as those see it who look after it: status, metrics, health, and a configuration that is read again; and a disk that fills.
#![allow(clippy::expect_used, clippy::panic, reason = "a test fails by panicking, its helpers too")]

mod support;

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// A tap that reads a pipe which the test holds open, in a session of its own, so that it has no terminal.
fn tap(campaign: &Path, options: &[&str]) -> Child {
    let mut tap = Command::new("setsid");
    tap.arg("--wait").arg(support::program("conntrack-tap")).args(["run", "--source", "pcap:-", "--out"]).arg(campaign);
    tap.args(options).stdin(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("setsid runs")
}

#[expect(clippy::disallowed_methods, reason = "another process is waited for")]
fn pause(milliseconds: u64) {
    std::thread::sleep(Duration::from_millis(milliseconds));
}

#[track_caller]
fn wait_until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    for _ in 0..600 {
        if let Some(found) = look() {
            return found;
        }
        pause(50);
    }
    panic!("30 s, and not yet: {what}");
}

fn status(campaign: &Path) -> Option<serde_json::Value> {
    let mut command = support::command("conntrack-tap");
    let asked = command.args(["status", "--format", "json"]).arg(campaign).output().expect("timeout(1) runs");
    serde_json::from_slice(&asked.stdout).ok()
}

/// A port that nobody listens on.
fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port").port()
}

fn get(port: u16, path: &str) -> Option<String> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
    write!(stream, "GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n").ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    Some(answer)
}

fn events(campaign: &Path, kind: &str) -> Vec<String> {
    let rows = support::rows("events", campaign).into_iter();
    rows.filter(|row| row["kind"] == kind).map(|row| row["detail"].clone()).collect()
}

#[test]
fn a_running_tap_tells_how_it_is_and_reads_its_configuration_again() {
    let room = tempfile::tempdir().expect("a temporary directory");
    let capture = support::uplink(room.path(), "uplink-small", 50);
    let (campaign, config) = (room.path().join("campaign"), room.path().join("tap.toml"));
    fs::write(&config, "").expect("a file");
    let port = free_port();
    let config_path = config.to_str().expect("UTF-8");
    let mut tap = tap(&campaign, &["--config", config_path, "--metrics", &format!("127.0.0.1:{port}")]);
    let mut pipe = tap.stdin.take().expect("a pipe");
    pipe.write_all(&fs::read(&capture).expect("a capture")).expect("the tap reads");
    pipe.flush().expect("the tap reads");
    let told = wait_until("the tap says that it has tracked all", || {
        status(&campaign).filter(|status| status["tracker"]["connections"] == 50)
    });
    assert_eq!(told["sources"][0]["name"], "pcap:-");
    assert_eq!(told["recorder"]["directory"], campaign.to_str().expect("UTF-8"));
    assert!(told["memory_bytes"].as_u64().is_some_and(|bytes| bytes > 1 << 20), "{told}");
    let text = support::run("conntrack-tap", [Path::new("status"), &campaign]).expect(&[0]).stdout;
    assert!(text.contains("connections  50 ") && text.contains("health       well"), "{text}");

    let metrics = get(port, "/metrics").expect("metrics are served");
    assert!(metrics.starts_with("HTTP/1.1 200 OK\r\nContent-Type: application/openmetrics-text"), "{metrics}");
    let delivered = told["sources"][0]["ledger"]["delivered"].as_u64().expect("a number");
    let line = format!("conntrack_frames_delivered_total{{source=\"pcap:-\"}} {delivered}\n");
    assert!(metrics.contains(&line) && metrics.ends_with("# EOF\n"), "{line}{metrics}");
    assert!(get(port, "/healthz").is_some_and(|answer| answer.starts_with("HTTP/1.1 200 OK")));
    let slow: Vec<TcpStream> = (0..4).filter_map(|_| TcpStream::connect(("127.0.0.1", port)).ok()).collect();
    assert!(
        get(port, "/healthz").is_some_and(|answer| answer.contains("200 OK")),
        "beside {} who are slow",
        slow.len()
    );

    let pid = told["pid"].to_string();
    let hangup = || assert!(Command::new("kill").args(["-s", "HUP", &pid]).status().expect("kill(1) runs").success());
    fs::write(&config, "[recorder]\nsync_every = \"50ms\"\n[tracker]\nheaders = 7\n").expect("a file");
    hangup();
    wait_until("the change is recorded", || (!events(&campaign, "config_changed").is_empty()).then_some(()));
    fs::write(&config, "nonsense").expect("a file");
    hangup();
    pause(500);
    assert!(Command::new("kill").args(["-s", "TERM", &pid]).status().expect("kill(1) runs").success());
    let ended = support::Ran::from(tap.wait_with_output().expect("it ends")).expect(&[0]);
    drop(pipe);
    assert!(
        ended.stderr.contains("tracker.headers from 100 to 7: takes effect when the tap is started"),
        "{}",
        ended.stderr
    );
    assert!(ended.stderr.contains("the configuration stays as it was"), "{}", ended.stderr);
    assert_eq!(events(&campaign, "config_changed"), ["recorder.sync_every from \"500ms\" to \"50ms\""]);
    assert!(!campaign.join("tap.sock").exists());
    let gone = support::run("conntrack-tap", [Path::new("status"), &campaign]).expect(&[1]);
    assert!(gone.stderr.contains("no tap answers"), "{}", gone.stderr);
    support::run("conntrack-report", [Path::new("verify"), &campaign]).expect(&[0]);
}

/// A file system of its own that is soon full.
struct Tmpfs<'a>(&'a Path);

impl<'a> Tmpfs<'a> {
    fn mount(place: &'a Path) -> Self {
        fs::create_dir(place).expect("a directory");
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", "size=600k", "none"]).arg(place).status();
        assert!(mounted.expect("mount runs").success());
        Self(place)
    }
}

impl Drop for Tmpfs<'_> {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(self.0).status();
    }
}

#[test]
fn a_disk_that_fills_costs_nothing_where_there_is_a_spare_one() {
    if !support::root() {
        return;
    }
    let room = tempfile::tempdir().expect("a temporary directory");
    let capture = support::uplink(room.path(), "uplink-small", 1500);
    let [small, spare, whole] = ["small", "spare", "whole"].map(|name| room.path().join(name));
    let _tmpfs = Tmpfs::mount(&small);
    let campaign = small.join("campaign");
    let spare_path = spare.to_str().expect("UTF-8");
    let ran = support::record(std::slice::from_ref(&capture), &campaign, &["--spare", spare_path]);
    let ran = ran.expect(&[0, 1]);
    assert!(!events(&spare, "failover").is_empty(), "{}", ran.stderr);
    // What lies on the full disk may not have been sealed there: its room is not enough for that.
    if ran.code == Some(1) {
        assert!(ran.stderr.contains("No space left"), "{}", ran.stderr);
        assert!(Command::new("mount").args(["-o", "remount,size=64m"]).arg(&small).status().expect("mount").success());
        support::run("conntrack-tap", [Path::new("recover"), &campaign]).expect(&[0, 3]);
    }
    support::record(std::slice::from_ref(&capture), &whole, &[]).expect(&[0]);
    for root in [&campaign, &spare] {
        support::run("conntrack-report", [Path::new("verify"), root]).expect(&[0]);
        assert_eq!(support::connections(root).len(), support::connections(&whole).len());
    }
    assert_eq!(support::rows("headers", &campaign).len(), support::rows("headers", &whole).len());
}

#[test]
fn what_cannot_be_meant_is_wrong_usage() {
    let room = tempfile::tempdir().expect("a temporary directory");
    let capture = support::uplink(room.path(), "uplink-small", 5);
    let campaign = room.path().join("campaign");
    let inside = campaign.join("spare");
    for (options, words) in [
        (["--metrics", "0.0.0.0:9464"], "give an address of this machine"),
        (["--user", "nosuchuser"], "there is no user"),
        (["--spare", inside.to_str().expect("UTF-8")], "lie in one another"),
        (["--spare", room.path().to_str().expect("UTF-8")], "lie in one another"),
    ] {
        let ran = support::record(std::slice::from_ref(&capture), &campaign, &options).expect(&[2]);
        assert!(ran.stderr.contains(words) && ran.stderr.lines().count() == 1, "{}", ran.stderr);
        assert!(!campaign.exists());
    }
    let ran = support::record(std::slice::from_ref(&capture), &capture, &[]).expect(&[2]);
    assert!(ran.stderr.contains("it is a file; a campaign is a directory"), "{}", ran.stderr);
    support::record(std::slice::from_ref(&capture), &campaign, &[]).expect(&[0]);
    let keep = |day: &str| support::run("conntrack-tap", [Path::new("keep"), &campaign, Path::new(day)]);
    keep("2026-11-22").expect(&[0]);
    assert!(keep("2026-02-31").expect(&[1]).stderr.contains("is no day"));
}
