//! The inline tap between two hosts: what it forwards is what was sent, also when it is gone.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};

use serde_json::Value;

use crate::pcap;
use crate::support::ssh::{self, Ssh};
use crate::support::{self, Ran, Row, number};
use crate::world::{Ended, Helper, World, pause, wait_until};

const MODES: [&str; 2] = ["drv", "skb"];
/// Measures how long nothing is forwarded.
const GAPS: &str = include_str!("gaps.py");

const CLIENT: &str = "10.79.0.1";
const SERVER: &str = "10.79.0.2";

fn source(mode: &str) -> String {
    format!("afxdp-inline:pa,pb,mode={mode},ring=16M")
}

fn detach(world: &World) -> String {
    let mut command = world.inside("", support::program("conntrack-tap"));
    Ran::from(command.arg("detach").output().expect("the tap runs")).expect(&[0]).stdout
}

/// Frames of every kind that is none of the tap's business: `number` of each.
fn odd_frames(number: u8) -> Vec<Vec<u8>> {
    let addresses = [2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2];
    let frame = |rest: &[u8], len: usize| {
        let mut frame = [&addresses[..], rest].concat();
        frame.extend((frame.len()..len).map(|at| (at as u8).wrapping_mul(31) ^ number));
        frame
    };
    vec![
        // An EtherType for experiments, in the shortest frame, and in the longest.
        frame(&[0x88, 0xb5], 60),
        frame(&[0x88, 0xb5], 9000),
        // IPv4 under one VLAN tag and under two; its bytes are no packet.
        frame(&[0x81, 0x00, 0x20, 0x2a, 0x08, 0x00], 600),
        frame(&[0x88, 0xa8, 0x00, 0x07, 0x81, 0x00, 0x0f, 0xff, 0x08, 0x00], 1500),
        // Spanning tree: a length in the place of an EtherType. Then a pause frame, LLDP and MPLS.
        frame(&[0x00, 0x26, 0x42, 0x42, 0x03], 64),
        frame(&[0x88, 0xcc], 200),
        frame(&[0x88, 0x47], 4200),
        // Headers without a rest, and nothing but headers.
        frame(&[0x08, 0x00, 0x45], 15),
        frame(&[0x86, 0xdd], 14),
    ]
}

/// Sends frames at one host, and gives those that come out at the other.
fn passed(world: &World, (from, to): (&str, &str), frames: &[Vec<u8>]) -> Vec<Vec<u8>> {
    let (sent, seen) = (world.path("sent.pcap"), world.path("seen.pcap"));
    let _ = fs::remove_file(&seen);
    pcap::write(&sent, frames);
    let mut command = world.inside(to, "tcpdump");
    command.args(["-i", "wire", "-Q", "in", "-U", "--immediate-mode", "-w"]).arg(&seen).stderr(Stdio::null());
    let tcpdump = Helper(command.spawn().expect("tcpdump runs"));
    wait_until("tcpdump listens", || fs::metadata(&seen).is_ok_and(|file| file.len() >= 24));
    assert_eq!(world.replay((from, "wire"), std::slice::from_ref(&sent), 16), frames.len() as u64);
    for _ in 0..60 {
        if pcap::read(&seen).len() >= frames.len() {
            break;
        }
        pause(50);
    }
    drop(tcpdump);
    pcap::read(&seen)
}

#[track_caller]
fn assert_passes(world: &World, when: &str) {
    let frames: Vec<Vec<u8>> = (0..20).flat_map(odd_frames).collect();
    for way in [("c", "s"), ("s", "c")] {
        // On a machine that is busy elsewhere a veth pair may drop; what the tap does to a frame, it does each time.
        let attempts = (0..5).map(|_| passed(world, way, &frames));
        let seen = attempts.take(5).find(|seen| seen.len() == frames.len());
        let seen = seen.unwrap_or_else(|| panic!("{when}, {way:?}: frames are lost each time"));
        for (at, (got, sent)) in seen.iter().zip(&frames).enumerate() {
            assert!(got == sent, "{when}, {way:?}: frame {at} of {} bytes came with {}", sent.len(), got.len());
        }
    }
}

#[test]
fn frames_of_every_kind_pass_unchanged_with_the_tap_and_without_it() {
    let Some(world) = World::inline("odd", "on") else { return };
    for mode in MODES {
        let tap = world.tap(&source(mode), &format!("killed-{mode}"));
        assert_passes(&world, &format!("{mode}, with the tap"));
        tap.kill();
        assert_passes(&world, &format!("{mode}, the tap killed"));
        let tap = world.tap(&source(mode), &format!("again-{mode}"));
        assert_passes(&world, &format!("{mode}, with another tap"));
        let ended = tap.end(&[0, 3]);
        assert!(ended.said.contains("source       afxdp-inline:pa#0: forwards to pb, "), "{}", ended.said);
        assert_passes(&world, &format!("{mode}, after the end"));
        assert_eq!(detach(&world), "pa: detached\npb: detached\n");
        assert!(!world.ip("", "link show pa").contains("xdp"));
        assert_eq!(detach(&world), "no interface has the program of an inline tap\n");
    }
}

#[test]
fn ports_that_take_no_redirected_frames_are_joined_in_the_network_stack() {
    // As veth interfaces are made.
    let Some(world) = World::inline("stack", "off") else { return };
    let mut command = world.inside("", support::program("conntrack-tap"));
    command.args(["run", "--source", &source("drv"), "--out"]).arg(world.path("refused"));
    let refused = Ran::from(command.output().expect("the tap runs")).expect(&[1]);
    assert!(refused.stderr.contains("without the tap no frame would pass: try mode=skb"), "{}", refused.stderr);
    assert!(!world.ip("", "link show").contains("xdp"), "a refusal leaves nothing behind");
    let tap = world.tap(&source("auto"), "killed");
    assert_passes(&world, "with the tap");
    tap.kill();
    assert_passes(&world, "the tap killed");
    // Now the driver could do it, but to change over would interrupt the link.
    world.offload("gro", "on");
    let ended = world.tap(&source("auto"), "again").end(&[0, 3]);
    assert!(ended.said.contains("forwards to pb, generic XDP, frames copied"), "{}", ended.said);
    detach(&world);
}

/// Gives the hosts addresses, and starts on one of them a web server, iperf3, an SSH server and somebody who answers datagrams.
fn servers(world: &World, ssh: &Ssh) -> [Helper; 4] {
    for (side, address) in [("c", CLIENT), ("s", SERVER)] {
        world.ip(side, &format!("addr add {address}/24 dev wire"));
        // Segments as on most links: a jumbo MTU would be for the sake of the test alone.
        world.ip(side, "link set wire mtu 1500");
    }
    fs::write(world.path("file"), vec![b'x'; 300_000]).expect("a file");
    let directory = world.path("").display().to_string();
    let (sshd, arguments) = ssh.server();
    let sshd_arguments = arguments.each_ref().map(String::as_str);
    let web = ["-m", "http.server", "80", "--bind", SERVER, "--directory", &directory];
    [
        world.serve("s", "tcp", 80, "python3", &web),
        world.serve("s", "tcp", 5201, "iperf3", &["-s"]),
        world.serve("s", "tcp", ssh::PORT, sshd, &sshd_arguments),
        world.serve("s", "udp", 7007, "python3", &["-c", GAPS, "echo", SERVER]),
    ]
}

fn curl(world: &World) {
    let url = format!("http://{SERVER}/file");
    let arguments = ["-sS", "--max-time", "60", "-o", "/dev/null", "-w", "%{size_download}", &url];
    let ran = Ran::from(world.inside("c", "curl").args(arguments).output().expect("curl runs")).expect(&[0]);
    assert_eq!(ran.stdout, "300000");
}

/// Starts a program at the client, which is waited for later.
fn start<S: AsRef<OsStr>>(world: &World, program: &str, arguments: impl IntoIterator<Item = S>) -> Child {
    let mut command = world.inside("c", program);
    command.args(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the client starts")
}

fn end(child: Child) -> String {
    Ran::from(child.wait_with_output().expect("the client ends")).expect(&[0]).stdout
}

#[test]
fn connections_outlive_a_tap_that_is_killed_and_started_again() {
    let Some(world) = World::inline("kill", "on") else { return };
    if !support::tools(&["curl", "iperf3", "ss", "ssh", "sshd", "ssh-keygen"]) {
        return;
    }
    let ssh = Ssh::new(&world.path(""), SERVER);
    let _servers = servers(&world, &ssh);
    for mode in MODES {
        let first = world.tap(&source(mode), &format!("first-{mode}"));
        curl(&world);
        let load = start(&world, "iperf3", ["-c", SERVER, "-J", "-n", "15M", "-b", "20M", "--bidir"]);
        // Says something all the while, both ways.
        let session = start(&world, "ssh", ssh.client(&[], "for i in $(seq 40); do sleep 0.1; echo $i; done"));
        let gaps = start(&world, "python3", ["-c", GAPS, "ask", SERVER, "4.5"]);
        pause(1500);
        let killed: PathBuf = first.kill();
        pause(1000);
        let second = world.tap(&source(mode), &format!("second-{mode}"));
        let said = end(session);
        assert_eq!(said.lines().collect::<Vec<_>>(), (1..=40).map(|n| n.to_string()).collect::<Vec<_>>(), "{mode}");
        support::say(&format!("{mode}: longest without forwarding, ms: {}", end(gaps).trim()));
        assert_transferred(mode, &end(load));
        curl(&world);
        Ran::from(world.inside("c", "ssh").args(ssh.client(&[], "true")).output().expect("ssh runs")).expect(&[0]);
        pause(300);
        assert_recorded(mode, &second.end(&[0, 3]));
        // What the killed one had journalled is there.
        support::run("conntrack-report", [Path::new("verify"), &killed]).expect(&[0, 3]);
        detach(&world);
    }
}

/// iperf3 ends when either direction has had its 15 MiB: six seconds of data.
#[track_caller]
fn assert_transferred(mode: &str, result: &str) {
    let result: Value = serde_json::from_str(result).expect("JSON");
    let bytes = |sum: &str| result["end"][sum]["bytes"].as_u64().expect("bytes");
    let sent = [bytes("sum_sent"), bytes("sum_sent_bidir_reverse")];
    assert!(sent.iter().any(|&sent| sent >= 15 << 20) && sent.iter().all(|&sent| sent > 1 << 20), "{mode}: {sent:?}");
}

/// What the second tap saw: connections of its own time whole, and those that were there before it in both directions.
#[track_caller]
fn assert_recorded(mode: &str, ended: &Ended) {
    let rows = support::connections(&ended.campaign);
    let with_port = |port: &str| -> Vec<&Row> {
        rows.iter().filter(|row| row["resp_p"] == port || row["orig_p"] == port).collect()
    };
    let [page] = with_port("80")[..] else { panic!("{mode}: {} connections to the web server", with_port("80").len()) };
    assert_eq!((page["conn_state"].as_str(), number(page, "missed_bytes")), ("SF", 0), "{mode}: {page:?}");
    assert!(number(page, "resp_unique_bytes") > 300_000);
    let sessions = with_port("2222");
    assert!(sessions.iter().any(|row| row["partial"] == "false" && row["conn_state"] == "SF"), "{mode}: {sessions:?}");
    for port in ["5201", "2222"] {
        let both_ways = |row: &&&Row| number(row, "orig_pkts") > 0 && number(row, "resp_pkts") > 0;
        assert!(with_port(port).iter().filter(both_ways).count() >= 2, "{mode}, {port}: {rows:?}");
    }
}
