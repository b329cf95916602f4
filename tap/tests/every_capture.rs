//! Every real capture gives a campaign or a clear refusal; hostile ones too.
#![allow(clippy::expect_used, clippy::panic, reason = "a test fails by panicking, its helpers too")]

mod support;

use std::path::Path;

/// Done, refused, and done with something lost or skipped.
const ORDERLY: [i32; 3] = [0, 1, 3];

fn faults_of(directory: &Path) -> Vec<String> {
    let captures = support::captures(directory);
    assert!(!captures.is_empty(), "{} holds no captures", directory.display());
    let faults = support::in_parallel(&captures, |capture| {
        let room = tempfile::tempdir().expect("a temporary directory");
        let campaign = room.path().join("campaign");
        fault(capture, &campaign).map(|fault| format!("{}: {fault}", capture.display()))
    });
    let faults: Vec<String> = faults.into_iter().flatten().collect();
    support::assert_none(&faults, captures.len());
    faults
}

/// What is wrong with what becomes of a capture.
fn fault(capture: &Path, campaign: &Path) -> Option<String> {
    let ran = support::record(&[capture.to_owned()], campaign, &[]);
    if let Some(fault) = ran.fault(&ORDERLY) {
        return Some(fault);
    }
    if ran.code == Some(1) {
        if ran.stderr.trim().lines().count() != 1 {
            return Some(format!("is refused in more or less than a line: {:?}", ran.stderr));
        }
        return campaign.exists().then(|| "is refused, and leaves a directory behind".to_owned());
    }
    let verified = support::run("conntrack-report", [Path::new("verify"), campaign]);
    verified.fault(&[0]).map(|fault| format!("verify {fault} {}", verified.stdout))
}

#[test]
fn ordinary_captures_give_a_campaign_or_a_refusal() {
    let Some(data) = support::data() else { return };
    faults_of(&data.join("pcap"));
}

#[test]
fn hostile_captures_give_a_campaign_or_a_refusal() {
    let Some(data) = support::data() else { return };
    faults_of(&data.join("hostile"));
}

#[test]
fn large_captures_give_a_campaign() {
    let Some(data) = support::data() else { return };
    faults_of(&data.join("large"));
}

#[test]
fn what_is_no_capture_is_refused_in_a_line_and_leaves_nothing_behind() {
    let room = tempfile::tempdir().expect("a temporary directory");
    let text = room.path().join("text");
    let (empty, directory) = (room.path().join("empty"), room.path().join("directory"));
    std::fs::write(&text, "no packets here\n").expect("a file");
    std::fs::write(&empty, "").expect("a file");
    std::fs::create_dir(&directory).expect("a directory");
    for source in [text, empty, directory, room.path().join("absent"), room.path().join("no*match")] {
        let campaign = room.path().join("campaign");
        let ran = support::record(std::slice::from_ref(&source), &campaign, &[]);
        assert_eq!(ran.code, Some(1), "{}: {}", source.display(), ran.stderr);
        assert_eq!(ran.stderr.trim().lines().count(), 1, "{}", ran.stderr);
        assert!(!campaign.exists(), "{}", source.display());
    }
}

#[test]
fn a_capture_that_was_cut_off_gives_what_is_there_and_says_what_is_missing() {
    let room = tempfile::tempdir().expect("a temporary directory");
    let whole = support::uplink(room.path(), "uplink-small", 20);
    let bytes = std::fs::read(&whole).expect("a capture");
    let cut = room.path().join("cut.pcap");
    std::fs::write(&cut, &bytes[..bytes.len() - 7]).expect("a file");
    let campaign = room.path().join("campaign");
    let ran = support::record(&[cut], &campaign, &[]).expect(&[3]);
    assert!(ran.stderr.contains("LOST") && ran.stderr.contains("cut off"), "{}", ran.stderr);
    assert!(support::report("events", &campaign, &["--format", "csv"]).contains("lost"));
    support::run("conntrack-report", [Path::new("verify"), &campaign]).expect(&[0]);
}
