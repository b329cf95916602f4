//! What becomes of a campaign that is ended from outside.
#![allow(clippy::expect_used, clippy::panic, reason = "a test fails by panicking, its helpers too")]

mod support;

use std::collections::BTreeSet;
use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// A tap that reads a pipe which the test holds open.
fn tap_on_a_pipe(campaign: &Path) -> Child {
    let mut tap = Command::new(support::program("conntrack-tap"));
    tap.args(["run", "--source", "pcap:-", "--out"]).arg(campaign);
    tap.stdin(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("conntrack-tap starts")
}

fn signal(child: &Child, name: &str) {
    let status = Command::new("kill").args(["-s", name, &child.id().to_string()]).status();
    assert!(status.expect("kill(1) runs").success());
}

#[expect(clippy::disallowed_methods, reason = "what is waited for is that time passes, or another process")]
fn pause(milliseconds: u64) {
    std::thread::sleep(Duration::from_millis(milliseconds));
}

/// Waits until the campaign shows at least `least` connections.
fn wait_for_connections(campaign: &Path, least: usize) {
    for _ in 0..300 {
        if campaign.join("campaign.json").exists() && support::connections(campaign).len() >= least {
            return;
        }
        pause(100);
    }
    panic!("no {least} connections within 30 s");
}

fn uids(rows: &[support::Row]) -> BTreeSet<String> {
    rows.iter().map(|row| row["uid"].clone()).collect()
}

#[test]
fn a_signal_ends_a_campaign_with_every_live_connection_written() {
    let room = tempfile::tempdir().expect("a temporary directory");
    let capture = support::uplink(room.path(), "uplink-small", 100);
    let whole = room.path().join("whole");
    support::record(std::slice::from_ref(&capture), &whole, &[]).expect(&[0]);
    for name in ["INT", "TERM", "HUP"] {
        let campaign = room.path().join(name);
        let mut tap = tap_on_a_pipe(&campaign);
        let mut pipe = tap.stdin.take().expect("a pipe");
        pipe.write_all(&fs::read(&capture).expect("a capture")).expect("the tap reads");
        pipe.flush().expect("the tap reads");
        wait_for_connections(&campaign, 50);
        pause(500);
        signal(&tap, name);
        let ended = support::Ran::from(tap.wait_with_output().expect("the tap ends")).expect(&[0]);
        assert!(ended.stderr.contains("ending the campaign"), "{}", ended.stderr);
        assert!(ended.stderr.contains("ended        it was told to stop"), "{}", ended.stderr);
        drop(pipe);
        assert_eq!(
            uids(&support::connections(&campaign)),
            uids(&support::connections(&whole)),
            "as if the file had ended"
        );
        support::run("conntrack-report", [Path::new("verify"), &campaign]).expect(&[0]);
    }
}

#[test]
fn what_was_acknowledged_survives_kill_nine() {
    let room = tempfile::tempdir().expect("a temporary directory");
    let capture = support::uplink(room.path(), "uplink-small", 200);
    let campaign = room.path().join("killed");
    let mut tap = tap_on_a_pipe(&campaign);
    let mut pipe = tap.stdin.take().expect("a pipe");
    pipe.write_all(&fs::read(&capture).expect("a capture")).expect("the tap reads");
    pipe.flush().expect("the tap reads");
    wait_for_connections(&campaign, 100);
    // A row waits at most a quarter of a second in its encoder and half a second for the sync.
    pause(1500);
    let acknowledged = support::connections(&campaign);
    signal(&tap, "KILL");
    assert!(!tap.wait().expect("the tap is gone").success());
    let left = support::connections(&campaign);
    assert!(acknowledged.len() >= 100, "{}", acknowledged.len());
    assert_eq!(uids(&left), uids(&acknowledged));

    // And what is there is what an undisturbed campaign has of these connections.
    let whole = room.path().join("whole");
    support::record(&[capture], &whole, &[]).expect(&[0]);
    let whole: BTreeSet<support::Row> = support::connections(&whole).into_iter().collect();
    assert!(left.into_iter().all(|row| whole.contains(&row)));
}

#[test]
fn nobody_to_talk_to_is_no_reason_to_fail() {
    let room = tempfile::tempdir().expect("a temporary directory");
    let capture = support::uplink(room.path(), "uplink-small", 20);
    let full = || fs::OpenOptions::new().write(true).open("/dev/full").expect("a device that is always full");
    let mut tap = support::command("conntrack-tap");
    tap.arg("run").arg("--source").arg(format!("pcap:{}", capture.display())).arg("--out").arg(room.path().join("c"));
    let status = tap.stderr(full()).status().expect("timeout(1) runs");
    assert_eq!(status.code(), Some(0), "what it recorded is whole");
    let mut report = support::command("conntrack-report");
    let status = report.args(["summary", "/nonexistent"]).stderr(full()).status().expect("timeout(1) runs");
    assert_eq!(status.code(), Some(1), "it failed for another reason, and says so by its code");
}
