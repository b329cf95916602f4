//! A week in short: a tap that is fed a day's rhythm again and again, is restarted, reloaded and loses its disk meanwhile, and must neither
//! grow nor leak nor lose anything.
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

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use stream::{Feeding, Stream};

/// How long, without [`SOAK`].
const BY_DEFAULT: Duration = Duration::from_secs(24);
const SOAK: &str = "CONNTRACK_SOAK";

/// Runs of the tap in that time; the first one is for warming up.
const RUNS: u32 = 4;

/// How often the tap is looked at, and something is done to it.
const TURN: Duration = Duration::from_millis(500);

/// Memory may differ by this much from one run to another, and by what an allocator keeps.
const GROWTH: f64 = 1.05;
const SLACK: u64 = 8 << 20;

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

/// Lets one run go on for this long, with its configuration read again at every turn, and gives the most that it occupied.
fn live(campaign: &Path, config: &Path, time: Duration) -> Footprint {
    let mut most = Footprint::default();
    let mut pid = String::new();
    for turn in 0..time.as_millis() / TURN.as_millis() {
        pause(TURN);
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
    let capture = support::uplink(room.path(), "uplink-small", 1000);
    let [campaign, spare, config] = ["campaign", "spare", "tap.toml"].map(|name| room.path().join(name));
    fs::write(&config, "").expect("a file");
    let mut stream = Stream::of(&capture);
    let mut footprints = Vec::new();
    let mut fed = 0;
    for _ in 0..RUNS {
        let mut tap = start(&campaign, &spare, &config);
        let feeding = Feeding::start(&mut stream, tap.stdin.take().expect("a pipe"));
        footprints.push(live(&campaign, &config, each));
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
}
