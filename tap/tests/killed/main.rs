//! kill -9 at random instants under load: after each kill what is left is recovered, every check of `verify` holds, nothing acknowledged is
//! lost, and what is lost lies where the campaign says so. Every fifth time the next run recovers it.
//!
//! The tap reads a stream that goes on, as a link does: what passes while it is down, and what lay in the pipe when it died, nobody saw.
//!
//! ```text
//! CONNTRACK_KILLS=500 cargo test --release --test killed     # the long form
//! CONNTRACK_KILLS_SEED=7 cargo test --test killed            # other instants
//! ```
#![allow(clippy::expect_used, clippy::panic, reason = "a test fails by panicking, its helpers too")]

mod evidence;
mod stream;
#[path = "../support/mod.rs"]
mod support;

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use hwsim::rng::Rng;

use evidence::Evidence;
use stream::{Feeding, Stream};

/// Kills without [`KILLS`]: half a minute.
const BY_DEFAULT: u64 = 25;
const KILLS: &str = "CONNTRACK_KILLS";
const SEED: &str = "CONNTRACK_KILLS_SEED";

/// A run lives for up to this long.
const LONGEST_LIFE: u64 = 2000;

fn number(variable: &str, default: u64) -> u64 {
    let Ok(text) = std::env::var(variable) else { return default };
    text.parse().unwrap_or_else(|_| panic!("{variable}={text}: a number"))
}

#[expect(clippy::disallowed_methods, reason = "how long a run lives is what is drawn")]
fn pause(milliseconds: u64) {
    std::thread::sleep(Duration::from_millis(milliseconds));
}

/// Small segments, so that some are being sealed whenever the tap dies.
fn start(campaign: &Path, config: &Path) -> Child {
    let mut tap = Command::new(support::program("conntrack-tap"));
    tap.args(["run", "--quiet", "--headers", "3", "--shards", "2", "--source", "pcap:-", "--config"]).arg(config);
    tap.arg("--out").arg(campaign).stdin(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("conntrack-tap starts")
}

/// Recovers what a kill has left; then every check holds.
fn recover(campaign: &Path, kill: u64) {
    // It may have died before there was anything.
    if !campaign.join("campaign.json").exists() {
        return;
    }
    recorder::recover(campaign, tap::clock::time_of_day()).expect("it can be recovered");
    let report = recorder::verify(&recorder::Campaign::open(campaign).expect("a campaign"));
    assert!(report.is_clean(), "kill {kill}: {report}");
}

#[test]
fn whenever_it_is_killed_it_goes_on_and_accounts_for_what_it_lost() {
    let (kills, seed) = (number(KILLS, BY_DEFAULT), number(SEED, 1));
    support::say(&format!("{KILLS}={kills} {SEED}={seed}"));
    let room = tempfile::tempdir().expect("a temporary directory");
    let capture = support::uplink(room.path(), "uplink-small", 2000);
    let whole = room.path().join("whole");
    support::record(std::slice::from_ref(&capture), &whole, &[]).expect(&[0]);
    let config = room.path().join("tap.toml");
    std::fs::write(&config, "[recorder]\nsegment_bytes = 1048576\nsegment_age = \"700ms\"\n").expect("a file");
    let campaign = room.path().join("killed");
    let mut rng = Rng::new(seed);
    let mut stream = Stream::of(&capture);
    let mut evidence = Evidence::new(&campaign, &whole, stream.span());
    for kill in 0..kills {
        let mut tap = start(&campaign, &config);
        let feeding = Feeding::start(&mut stream, tap.stdin.take().expect("a pipe"));
        pause(rng.below(LONGEST_LIFE));
        let shown = evidence::shown(&campaign);
        tap.kill().expect("it lives until it is killed");
        let ended = support::Ran::from(tap.wait_with_output().expect("it is gone"));
        assert_eq!((ended.code, ended.stderr.as_str()), (None, ""), "kill {kill}: it did not end by itself");
        evidence.add(shown, feeding.end());
        evidence.check_left(kill);
        if kill % 5 != 4 && kill + 1 < kills {
            recover(&campaign, kill);
        }
    }
    // The last run ends in order.
    let mut tap = start(&campaign, &config);
    let feeding = Feeding::start(&mut stream, tap.stdin.take().expect("a pipe"));
    pause(1000);
    feeding.end();
    let ended = support::Ran::from(tap.wait_with_output().expect("it ends")).expect(&[3]);
    assert!(ended.stderr.contains("the recorder stopped without ending the campaign"), "{}", ended.stderr);
    support::run("conntrack-report", [Path::new("verify"), &campaign]).expect(&[0]);
    evidence.check_all(kills);
}
