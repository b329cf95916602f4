//! Network namespaces with wires between them, and taps on the wires.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

use crate::support::{self, Ran};

/// Network namespaces of a test's own, which go when dropped. The tap's has no suffix in its name.
pub struct World {
    name: String,
    sides: &'static [&'static str],
    room: TempDir,
}

impl World {
    /// A namespace with a veth pair, `va` and `vb`, that carries nothing but what the test sends. `None`, with a word about it, where this
    /// cannot be had.
    pub fn pair(test: &str) -> Option<Self> {
        let world = Self::namespaces(test, &[""])?;
        world.wire(("", "va"), ("", "vb"));
        Some(world)
    }

    /// Two hosts, in the namespaces `c` and `s`, each with an interface `wire`, whose other ends are `pa` and `pb` beside the tap.
    pub fn inline(test: &str, gro: &str) -> Option<Self> {
        if !support::tools(&["ethtool", "tcpdump"]) {
            return None;
        }
        let world = Self::namespaces(test, &["", "c", "s"])?;
        for (host, port) in [("c", "pa"), ("s", "pb")] {
            world.wire((host, "wire"), ("", port));
        }
        // Frames have to be whole when they leave a host. With GRO at its other end, a veth interface takes what XDP redirects to it in the
        // driver.
        for (offload, state) in [("tx", "off"), ("tso", "off"), ("gso", "off"), ("gro", gro)] {
            world.offload(offload, state);
        }
        Some(world)
    }

    /// Switches an offload of both hosts.
    pub fn offload(&self, name: &str, state: &str) {
        for host in ["c", "s"] {
            let mut command = self.inside(host, "ethtool");
            Ran::from(command.args(["-K", "wire", name, state]).output().expect("ethtool runs")).expect(&[0]);
        }
    }

    fn namespaces(test: &str, sides: &'static [&'static str]) -> Option<Self> {
        if !support::root() || !support::tools(&["ip", "nsenter", "python3"]) {
            return None;
        }
        let room = tempfile::tempdir().expect("a directory");
        let world = Self { name: format!("ctx{test}{}", std::process::id()), sides, room };
        for side in sides {
            ip(&["netns", "add", &world.namespace(side)]);
        }
        Some(world)
    }

    fn namespace(&self, side: &str) -> String {
        format!("{}{side}", self.name)
    }

    /// Joins two interfaces, each of a side and a name, and waits until they carry frames: what is sent before is dropped.
    fn wire(&self, one: (&str, &str), other: (&str, &str)) {
        let [one_side, other_side] = [one.0, other.0].map(|side| self.namespace(side));
        let peer = ["mtu", "9000", "type", "veth", "peer", "name", other.1, "netns", &other_side, "mtu", "9000"];
        ip(&[&["-n", &one_side, "link", "add", one.1][..], &peer].concat());
        let ends = [(&one_side, one.1), (&other_side, other.1)];
        for (side, name) in ends {
            // No neighbour discovery.
            ip(&["-n", side, "link", "set", name, "addrgenmode", "none"]);
            ip(&["-n", side, "link", "set", name, "up"]);
        }
        for (side, name) in ends {
            wait_until("the wire is up", || ip(&["-n", side, "link", "show", name]).contains("state UP"));
        }
    }

    /// `ip` in a namespace.
    pub fn ip(&self, side: &str, arguments: &str) -> String {
        let namespace = self.namespace(side);
        ip(&[&["-n", &namespace][..], &arguments.split(' ').collect::<Vec<_>>()].concat())
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.room.path().join(name)
    }

    /// A program in a namespace.
    pub fn inside(&self, side: &str, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new("nsenter");
        command.arg(format!("--net=/run/netns/{}", self.namespace(side))).arg(program).stdin(Stdio::null());
        command
    }

    /// Starts a server on a side, and waits until it listens on a port of `tcp` or `udp`.
    pub fn serve(&self, side: &str, protocol: &str, port: u16, program: &str, arguments: &[&str]) -> Helper {
        let mut command = self.inside(side, program);
        command.args(arguments).stdout(Stdio::null()).stderr(Stdio::null());
        let helper = Helper(command.spawn().expect("the server starts"));
        let filter = format!("sport = :{port}");
        wait_until("the server listens", || {
            let shown = self.inside(side, "ss").args(["-Hln", &format!("--{protocol}"), &filter]).output();
            !shown.expect("ss runs").stdout.is_empty()
        });
        helper
    }

    /// Starts a tap, and waits until it captures.
    pub fn tap(&self, source: &str, campaign: &str) -> Tap {
        self.tap_with(source, campaign, &[])
    }

    /// The same with further options.
    pub fn tap_with(&self, source: &str, campaign: &str, options: &[&str]) -> Tap {
        let campaign = self.path(campaign);
        let mut command = self.inside("", support::program("conntrack-tap"));
        command.args(["run", "--source", source]).args(options).arg("--out").arg(&campaign).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the tap starts");
        wait_until("the tap captures", || {
            campaign.join("campaign.json").exists() || child.try_wait().expect("a child").is_some()
        });
        Tap { child, campaign }
    }

    /// Sends the frames of these files out of an interface; gives how many.
    pub fn replay(&self, (side, interface): (&str, &str), files: &[PathBuf], burst: u32) -> u64 {
        let mut command = self.inside(side, "python3");
        command.args(["-c", include_str!("replay.py"), interface, &burst.to_string()]).args(files);
        let ran = Ran::from(command.output().expect("python3 runs")).expect(&[0]);
        ran.stdout.trim().parse().expect("a number of frames")
    }
}

impl Drop for World {
    fn drop(&mut self) {
        for side in self.sides {
            let _ = Command::new("ip").args(["netns", "del", &self.namespace(side)]).status();
        }
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

/// A process that ends with its test.
pub struct Helper(pub Child);

impl Drop for Helper {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
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

    /// Ends the process as a power cut would.
    pub fn kill(mut self) -> PathBuf {
        self.signal("KILL");
        let _ = self.child.wait();
        self.campaign
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
