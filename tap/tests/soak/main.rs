//! A week in short: a tap that is fed a site's traffic again and again, with a flood of SYNs and a clock that is set back in each round, is
//! restarted in the middle of its connections, reloaded at every turn, and loses its disk and gets it back, and must neither grow nor leak nor lose
//! anything.
//!
//! ```text
//! CONNTRACK_SOAK=7d cargo test --release --test soak     # for as long as this
//! ```
#![allow(clippy::expect_used, clippy::panic, reason = "a test fails by panicking, its helpers too")]

#[expect(dead_code, reason = "it uses a part of it")]
#[path = "../killed/stream.rs"]
mod stream;
#[path = "../support/mod.rs"]
mod support;

mod world;

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use stream::{Feeding, Stream};
use world::Disk;

/// How long, without [`SOAK`].
const BY_DEFAULT: Duration = Duration::from_secs(24);
const SOAK: &str = "CONNTRACK_SOAK";

/// Runs of the tap in that time; the first one is for warming up.
const RUNS: u32 = 4;

/// How often the tap is looked at, and something is done to it.
const TURN: Duration = Duration::from_millis(500);

/// Memory may differ by this much from one run to another, and by what an allocator keeps, and by the rows that wait while a disk is full.
const GROWTH: f64 = 1.05;
const SLACK: u64 = (8 << 20) + recorder::BACKLOG;

fn length() -> Duration {
    let Ok(text) = std::env::var(SOAK) else { return BY_DEFAULT };
    humantime::parse_duration(&text).unwrap_or_else(|error| panic!("{SOAK}={text}: {error}"))
}

#[expect(clippy::disallowed_methods, reason = "how long the tap is left alone is what this is about")]
fn pause(time: Duration) {
    std::thread::sleep(time);
}

fn start(campaign: &Path, spare: &Path, config: &Path) -> Child {
    let mut tap = Command::new("setsid");
    tap.arg("--wait").arg(support::program("conntrack-tap")).args([
        "run",
        "--quiet",
        "--checkpoint",
        "--shards",
        "2",
        "--headers",
        "5",
    ]);
    tap.args(["--source", "pcap:-", "--config"]).arg(config).arg("--spare").arg(spare).arg("--out").arg(campaign);
    tap.stdin(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("setsid runs")
}

/// What a tap occupies: bytes, and descriptors.
#[derive(Clone, Copy, Debug, Default)]
struct Footprint {
    memory: u64,
    descriptors: usize,
}

/// Of the tap in a campaign, and its process; nothing before it answers.
fn footprint(campaign: &Path) -> Option<(Footprint, String)> {
    let mut command = support::command("conntrack-tap");
    let asked = command.args(["status", "--format", "json"]).arg(campaign).output().expect("timeout(1) runs");
    let status: serde_json::Value = serde_json::from_slice(&asked.stdout).ok()?;
    let pid = status["pid"].to_string();
    let descriptors = fs::read_dir(format!("/proc/{pid}/fd")).ok()?.count();
    Some((Footprint { memory: status["memory_bytes"].as_u64()?, descriptors }, pid))
}

fn signal(pid: &str, name: &str) {
    assert!(Command::new("kill").args(["-s", name, pid]).status().expect("kill(1) runs").success());
}

/// Lets one run go on for this long, with its configuration read again at every turn, and its disk full from the second quarter to the third.
/// Gives the most that it occupied.
fn live(campaign: &Path, config: &Path, disk: &Disk, time: Duration) -> Footprint {
    let mut most = Footprint::default();
    let mut pid = String::new();
    let turns = time.as_millis() / TURN.as_millis();
    for turn in 0..turns {
        pause(TURN);
        if turn == turns / 4 {
            disk.fill();
        } else if turn == turns / 2 {
            disk.empty();
        }
        let sync = 100 + turn % 2;
        fs::write(
            config,
            format!("[recorder]\nsegment_age = \"2s\"\nretry_every = \"1s\"\nsync_every = \"{sync}ms\"\n"),
        )
        .expect("a file");
        if let Some((now, process)) = footprint(campaign) {
            most =
                Footprint { memory: most.memory.max(now.memory), descriptors: most.descriptors.max(now.descriptors) };
            signal(&process, "HUP");
            pid = process;
        }
    }
    assert!(!pid.is_empty(), "the tap never answered");
    signal(&pid, "TERM");
    most
}

#[test]
fn a_tap_that_is_left_alone_neither_grows_nor_leaks_nor_loses_anything() {
    let each = length() / RUNS;
    let room = tempfile::tempdir().expect("a temporary directory");
    let capture = world::capture(room.path());
    let [mount, spare, config] = ["disk", "spare", "tap.toml"].map(|name| room.path().join(name));
    if !support::root() {
        return;
    }
    let disk = Disk::mount(&mount);
    let campaign = mount.join("campaign");
    fs::write(&config, "").expect("a file");
    let mut stream = Stream::of(&capture);
    let mut footprints = Vec::new();
    let mut fed = 0;
    for _ in 0..RUNS {
        let mut tap = start(&campaign, &spare, &config);
        let feeding = Feeding::start(&mut stream, tap.stdin.take().expect("a pipe"));
        footprints.push(live(&campaign, &config, &disk, each));
        let told = feeding.end();
        fed += told.records.1 - told.records.0;
        support::Ran::from(tap.wait_with_output().expect("it ends")).expect(&[0]);
    }
    support::say(&format!("{fed} packets in {RUNS} runs: {footprints:?}"));
    let (warm, last) = (footprints[1], footprints[footprints.len() - 1]);
    assert!(last.memory as f64 <= warm.memory as f64 * GROWTH + SLACK as f64, "{footprints:?}");
    // Whoever asks for the status or runs into a rotation sees one or two more.
    assert!(last.descriptors <= warm.descriptors + 2, "{footprints:?}");
    support::run("conntrack-report", [Path::new("verify"), &campaign]).expect(&[0]);
    let summary = support::report("summary", &campaign, &[]);
    assert!(summary.contains("complete") && !summary.contains("interrupted"), "{summary}");
    let events = support::rows("events", &campaign);
    let of = |kind: &str| events.iter().filter(|row| row["kind"] == kind).count();
    // There and back in each run; and a source says once a run that its clock stepped.
    assert!(
        of("failover") >= RUNS as usize && of("clock_step") >= RUNS as usize,
        "{} and {}",
        of("failover"),
        of("clock_step")
    );
    assert!(
        events.iter().any(|row| row["detail"].contains("connections go on, which were open then")),
        "restarts cut nothing"
    );
}
