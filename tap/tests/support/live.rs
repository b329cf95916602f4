//! Hosts that are network namespaces, what runs on them, and the tap among them.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use super::{Ran, Row, connections, number, program, run as run_program};

/// What end hosts must not do for a tap to see what is on the wire.
const OFFLOADS: [&str; 8] = ["tx", "off", "gso", "off", "gro", "off", "tso", "off"];

/// A network namespace, which goes when its test ends.
pub struct Host(String);

impl Host {
    /// A host called so on this machine.
    pub fn new(name: String) -> Self {
        ip(&["netns", "add", &name]);
        ip(&["-n", &name, "link", "set", "lo", "up"]);
        Self(name)
    }

    /// Connects `mine` to `theirs` of another host, or of this one, by a wire of two interfaces without offloads.
    pub fn connect(&self, mine: &str, other: &Self, theirs: &str) {
        ip(&["link", "add", mine, "netns", &self.0, "type", "veth", "peer", "name", theirs, "netns", &other.0]);
        for (host, interface) in [(self, mine), (other, theirs)] {
            ip(&["-n", &host.0, "link", "set", interface, "up"]);
            let set = host.command("ethtool").args(["-K", interface]).args(OFFLOADS).output().expect("ethtool runs");
            assert!(set.status.success(), "{}", String::from_utf8_lossy(&set.stderr));
        }
    }

    /// Gives an interface an address.
    pub fn address(&self, interface: &str, address: &str) {
        ip(&["-n", &self.0, "addr", "add", &format!("{address}/24"), "dev", interface]);
    }

    /// A program on this host.
    pub fn command(&self, program: &str) -> Command {
        let mut command = Command::new("nsenter");
        command.arg(format!("--net=/run/netns/{}", self.0)).arg(program).stdin(Stdio::null());
        command
    }

    /// Runs a program to its end, which must be a good one.
    pub fn run(&self, program: &str, arguments: &[&str]) -> Ran {
        let mut command = self.command("timeout");
        command.arg("60").arg(program).args(arguments);
        Ran::from(command.output().expect("the program runs")).expect(&[0])
    }

    /// Starts a server, and waits until it listens on `port`.
    pub fn serve(&self, port: u16, program: &str, arguments: &[&str]) -> Process {
        let server = self.start(program, arguments);
        wait_until("the server listens", || {
            let listening = self.command("ss").args(["-Hltn", &format!("sport = :{port}")]).output().expect("ss runs");
            !listening.stdout.is_empty()
        });
        server
    }

    /// Starts a program that ends with its test.
    pub fn start(&self, program: &str, arguments: &[&str]) -> Process {
        let mut command = self.command(program);
        Process(
            command.args(arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the program starts"),
        )
    }

    /// The sockets on this host that see frames, a line each, with their programs.
    pub fn packet_sockets(&self) -> String {
        let sockets = self.command("ss").args(["-H0p"]).output().expect("ss runs");
        String::from_utf8_lossy(&sockets.stdout).into_owned()
    }

    /// Starts a tap on an interface, and waits until it captures.
    pub fn tap(&self, interface: &str, campaign: PathBuf) -> Tap {
        self.tap_with(interface, campaign, &[])
    }

    /// The same with further options.
    pub fn tap_with(&self, interface: &str, campaign: PathBuf, options: &[&str]) -> Tap {
        let mut command = self.command(program("conntrack-tap").to_str().expect("UTF-8"));
        command.args(["run", "--source", &format!("afpacket:{interface}"), "--out"]).arg(&campaign).args(options);
        let child = command.stderr(Stdio::piped()).spawn().expect("the tap starts");
        wait_until("the tap captures", || {
            self.packet_sockets().contains("conntrack-tap") && campaign.join("campaign.json").exists()
        });
        Tap { child, campaign }
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        let _ = Command::new("ip").args(["netns", "del", &self.0]).status();
    }
}

fn ip(arguments: &[&str]) {
    let output = Command::new("ip").args(arguments).output().expect("ip runs");
    assert!(output.status.success(), "ip {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
}

/// Lets other processes go on.
#[expect(clippy::disallowed_methods, reason = "another process is waited for")]
fn pause(milliseconds: u64) {
    std::thread::sleep(Duration::from_millis(milliseconds));
}

/// Waits until something that another process does is done.
#[track_caller]
pub fn wait_until(what: &str, is_so: impl Fn() -> bool) {
    for _ in 0..300 {
        if is_so() {
            return;
        }
        pause(50);
    }
    panic!("15 s, and not yet: {what}");
}

/// A program that ends with its test.
pub struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A tap that captures.
pub struct Tap {
    child: Child,
    campaign: PathBuf,
}

impl Tap {
    /// The number of its process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Ends the campaign as a user would, and gives its TCP connections to `port`, or to any.
    pub fn end(self, port: Option<u16>) -> Vec<Row> {
        // The last segments reach the tap within the block timeout of its ring.
        pause(300);
        let status = Command::new("kill").args(["-s", "INT", &self.child.id().to_string()]).status();
        assert!(status.expect("kill(1) runs").success());
        Ran::from(self.child.wait_with_output().expect("the tap ends")).expect(&[0]);
        run_program("conntrack-report", [Path::new("verify"), &self.campaign]).expect(&[0]);
        let mut rows = connections(&self.campaign);
        rows.retain(|row| port.is_none_or(|port| number(row, "resp_p") == u64::from(port)));
        rows
    }
}
