//! Campaigns that are recorded into again.
#![allow(clippy::expect_used, clippy::panic, reason = "a test fails by panicking, its helpers too")]

mod support;

use std::fs;
use std::path::Path;
use std::process::Stdio;

/// Records a capture from standard input.
fn pipe(capture: &Path, campaign: &Path, options: &[&str]) -> support::Ran {
    let mut tap = support::command("conntrack-tap");
    tap.args(["run", "--source", "pcap:-", "--out"]).arg(campaign).args(options);
    tap.stdin(Stdio::from(fs::File::open(capture).expect("a capture")));
    tap.output().expect("timeout(1) runs").into()
}

fn kinds(campaign: &Path) -> Vec<String> {
    let mut events = support::rows("events", campaign);
    events.retain(|row| row["uid"].is_empty());
    events.into_iter().map(|row| format!("{} {}", row["kind"], row["detail"]).trim().to_owned()).collect()
}

#[test]
fn a_stream_that_goes_on_is_one_campaign() {
    let room = tempfile::tempdir().expect("a temporary directory");
    let (one, two) = (support::uplink(room.path(), "uplink-small", 30), room.path().join("two.pcap"));
    let args = ["pcap", "--scenario", "uplink-small", "--seed", "99", "--connections", "40", "-o"];
    support::run("conntrack-sim", args.iter().map(|arg| (*arg).into()).chain([two.clone().into_os_string()]))
        .expect(&[0]);
    let campaign = room.path().join("campaign");
    pipe(&one, &campaign, &["--site", "lab"]).expect(&[0]);
    let first = support::connections(&campaign).len();
    let again = pipe(&two, &campaign, &["--site", "lab"]).expect(&[0]);
    assert!(again.stderr.contains("continued    again, after 1 runs that ended in order"), "{}", again.stderr);
    assert_eq!((first, support::connections(&campaign).len()), (30, 70));
    support::run("conntrack-report", [Path::new("verify"), &campaign]).expect(&[0]);
    let kinds = kinds(&campaign);
    let begun: Vec<&String> = kinds.iter().filter(|kind| kind.starts_with("started")).collect();
    assert_eq!(begun.len(), 2, "{kinds:?}");
    assert!(!kinds.iter().any(|kind| kind.starts_with("lost")), "{kinds:?}");
}

#[test]
fn what_would_count_twice_or_is_about_something_else_is_refused_before_anything_is_captured() {
    let room = tempfile::tempdir().expect("a temporary directory");
    let capture = support::uplink(room.path(), "uplink-small", 5);
    let [files, stream] = ["files", "stream"].map(|name| room.path().join(name));
    support::record(std::slice::from_ref(&capture), &files, &[]).expect(&[0]);
    pipe(&capture, &stream, &["--site", "lab"]).expect(&[0]);
    let refused = |ran: support::Ran, words: &str| {
        let ran = ran.expect(&[1]);
        assert!(ran.stderr.contains(words) && ran.stderr.lines().count() == 1, "{}", ran.stderr);
    };
    let twice = "cannot be continued: its packets would count twice";
    refused(support::record(std::slice::from_ref(&capture), &files, &[]), twice);
    refused(pipe(&capture, &files, &[]), twice);
    refused(support::record(std::slice::from_ref(&capture), &stream, &["--site", "lab"]), twice);
    refused(pipe(&capture, &stream, &["--site", "elsewhere"]), "holds a campaign with site \"lab\", not \"elsewhere\"");
    let thesis = room.path().join("thesis");
    fs::create_dir(&thesis).expect("a directory");
    fs::write(thesis.join("thesis.tex"), "").expect("a file");
    refused(pipe(&capture, &thesis, &[]), "is not empty");
}
