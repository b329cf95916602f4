//! A network namespace with a wire in it, and taps on the wire.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

use crate::support::{self, Ran};

/// A network namespace with a veth pair, `va` and `vb`, that carries nothing but what a test sends.
pub struct World {
    name: String,
    room: TempDir,
}

impl World {
    /// `None`, with a word about it, where this cannot be had.
    pub fn new(test: &str) -> Option<Self> {
        if !support::root() || !support::tools(&["ip", "nsenter", "python3"]) {
            return None;
        }
        let room = tempfile::tempdir().expect("a directory");
        let world = Self { name: format!("ctx{test}{}", std::process::id()), room };
        ip(&["netns", "add", &world.name]);
        ip(&[
            "-n",
            &world.name,
            "link",
            "add",
            "va",
            "mtu",
            "9000",
            "type",
            "veth",
            "peer",
            "name",
            "vb",
            "mtu",
            "9000",
        ]);
        for end in ["va", "vb"] {
            // No neighbour discovery.
            ip(&["-n", &world.name, "link", "set", end, "addrgenmode", "none"]);
            ip(&["-n", &world.name, "link", "set", end, "up"]);
        }
        // What is sent before the kernel has heard of the carrier is dropped.
        for end in ["va", "vb"] {
            wait_until("the wire is up", || ip(&["-n", &world.name, "link", "show", end]).contains("state UP"));
        }
        Some(world)
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.room.path().join(name)
    }

    fn inside(&self, program: &Path) -> Command {
        let mut command = Command::new("nsenter");
        command.arg(format!("--net=/run/netns/{}", self.name)).arg(program).stdin(Stdio::null());
        command
    }

    /// Starts a tap, and waits until it captures.
    pub fn tap(&self, source: &str, campaign: &str) -> Tap {
        let campaign = self.path(campaign);
        let mut command = self.inside(&support::program("conntrack-tap"));
        command.args(["run", "--source", source, "--out"]).arg(&campaign).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the tap starts");
        wait_until("the tap captures", || {
            campaign.join("campaign.json").exists() || child.try_wait().expect("a child").is_some()
        });
        Tap { child, campaign }
    }

    /// Sends the frames of these files from `va` to `vb`; gives how many.
    pub fn replay(&self, files: &[PathBuf], burst: u32) -> u64 {
        let mut command = self.inside(Path::new("python3"));
        command.args(["-c", include_str!("replay.py"), "va", &burst.to_string()]).args(files);
        let ran = Ran::from(command.output().expect("python3 runs")).expect(&[0]);
        ran.stdout.trim().parse().expect("a number of frames")
    }
}

impl Drop for World {
    fn drop(&mut self) {
        let _ = Command::new("ip").args(["netns", "del", &self.name]).status();
    }
}

fn ip(arguments: &[&str]) -> String {
    Ran::from(Command::new("ip").args(arguments).output().expect("ip runs")).expect(&[0]).stdout
}

#[expect(clippy::disallowed_methods, reason = "another process is waited for")]
pub fn pause(milliseconds: u64) {
    std::thread::sleep(Duration::from_millis(milliseconds));
}

#[track_caller]
pub fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    for _ in 0..600 {
        if is_so() {
            return;
        }
        pause(50);
    }
    panic!("30 s, and not yet: {what}");
}

/// A tap at work.
pub struct Tap {
    child: Child,
    campaign: PathBuf,
}

impl Tap {
    pub fn signal(&self, name: &str) {
        let status = Command::new("kill").args(["-s", name, &self.child.id().to_string()]).status();
        assert!(status.expect("kill(1) runs").success());
    }

    /// Ends the campaign as a user would; it must end with one of `codes`, and what it wrote must hold together.
    pub fn end(self, codes: &[i32]) -> Ended {
        self.signal("INT");
        let ran = Ran::from(self.child.wait_with_output().expect("the tap ends")).expect(codes);
        support::run("conntrack-report", [Path::new("verify"), &self.campaign]).expect(&[0, 3]);
        Ended { said: ran.stderr, campaign: self.campaign }
    }
}

/// A campaign that is over.
pub struct Ended {
    pub said: String,
    pub campaign: PathBuf,
}

impl Ended {
    pub fn manifest(&self) -> Value {
        let text = std::fs::read_to_string(self.campaign.join("campaign.json")).expect("a manifest");
        serde_json::from_str(&text).expect("JSON")
    }

    /// The ledger of its only source.
    pub fn ledger(&self) -> Value {
        self.manifest()["sources"][0]["ledger"].clone()
    }

    pub fn offered(&self) -> u64 {
        self.ledger()["offered"].as_u64().expect("a count")
    }
}
