//! One recorded traffic, through every backend: what they record of it agrees row by row with the campaign of the capture file itself.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::pcap;
use crate::support::{self, Row};
use crate::world::{Ended, World, pause};

/// Columns that depend on the frames and their order, and not on when they came.
const TIMELESS: [&str; 39] = [
    "orig_h",
    "orig_p",
    "resp_h",
    "resp_p",
    "final",
    "partial",
    "vlan",
    "conn_state",
    "history",
    "close_reason",
    "rst_by",
    "orig_state",
    "resp_state",
    "missed_bytes",
    "orig_pkts",
    "resp_pkts",
    "orig_ip_bytes",
    "resp_ip_bytes",
    "orig_wire_bytes",
    "resp_wire_bytes",
    "orig_unique_bytes",
    "resp_unique_bytes",
    "orig_syn_pkts",
    "resp_syn_pkts",
    "orig_fin_pkts",
    "resp_fin_pkts",
    "orig_rst_pkts",
    "resp_rst_pkts",
    "orig_retrans_pkts",
    "resp_retrans_pkts",
    "orig_retrans_bytes",
    "resp_retrans_bytes",
    "orig_mss",
    "resp_mss",
    "orig_ttl_min",
    "resp_ttl_min",
    "orig_window_max",
    "headers",
    "lost_capture",
];

/// Simulated connections, and where the data set is there, recorded ones under VLAN tags and PPPoE.
fn recordings(world: &World) -> Vec<PathBuf> {
    let mut files = vec![support::uplink(&world.path(""), "uplink-small", 150)];
    if let Some(data) = support::data() {
        let recorded = [
            "arkime__mongo.pcap",
            "arkime__twovlan.pcap",
            "arkime__smb-smb1-ascii.pcap",
            "libtrace__traces__vlan.pcap",
            "mercury__unit_tests__pppoe_double_vlan_tagging.pcap",
        ];
        files.extend(recorded.iter().map(|name| data.join("pcap").join(name)));
    }
    files
}

/// The rows of connections, without what depends on when their frames came.
fn timeless(campaign: &Path) -> Vec<Vec<String>> {
    let rows = support::connections(campaign);
    let mut rows: Vec<Vec<String>> = rows.iter().map(|row| project(row, &TIMELESS)).collect();
    rows.sort();
    rows
}

/// The recorded headers; with addresses and ports in them, they say whose they are.
fn headers(campaign: &Path) -> Vec<Vec<String>> {
    let rows = support::rows("headers", campaign);
    let mut rows: Vec<Vec<String>> = rows.iter().map(|row| project(row, &["n", "dir", "wire_len", "bytes"])).collect();
    rows.sort();
    rows
}

fn project(row: &Row, columns: &[&str]) -> Vec<String> {
    columns.iter().map(|&column| row.get(column).unwrap_or_else(|| panic!("no column {column}")).clone()).collect()
}

/// What one campaign says, as far as another one has to say the same.
struct Said {
    ledger: Value,
    connections: Vec<Vec<String>>,
    headers: Vec<Vec<String>>,
}

impl Said {
    fn by(ended: &Ended) -> Self {
        let campaign = &ended.campaign;
        Self { ledger: ended.ledger(), connections: timeless(campaign), headers: headers(campaign) }
    }
}

/// A recorded traffic as one capture file, and what is to be said of it.
struct Recording {
    file: PathBuf,
    frames: u64,
    expected: Said,
}

impl Recording {
    fn of(world: &World) -> Self {
        Self::of_files(world, &recordings(world))
    }

    fn of_files(world: &World, files: &[PathBuf]) -> Self {
        let (file, campaign) = (world.path("all.pcap"), world.path("reference"));
        let frames = pcap::squeeze(files, &file);
        let said = support::record(std::slice::from_ref(&file), &campaign, &[]).expect(&[0]).stderr;
        let expected = Said::by(&Ended { said, campaign });
        assert!(expected.connections.len() >= 150 && expected.headers.len() > 1000, "{}", expected.ledger);
        Self { file, frames, expected }
    }

    /// Replays it before a tap. On a machine that is busy elsewhere a veth pair may lose frames on the way, or the tap is late for its queue:
    /// then it is done again, with longer pauses.
    fn replayed(&self, world: &World, from: (&str, &str), source: &str) -> Ended {
        let mut seen = Vec::new();
        for burst in [64, 32, 8, 4] {
            let tap = world.tap(source, &format!("{source}-{burst}"));
            assert_eq!(world.replay(from, std::slice::from_ref(&self.file), burst), self.frames);
            pause(300);
            let ended = tap.end(&[0, 3]);
            if ended.offered() == self.frames && ended.said.contains("lost         nothing") {
                return ended;
            }
            seen.push(ended.ledger());
        }
        panic!("{source}: of {} frames some are lost however slowly they are sent: {seen:?}", self.frames);
    }

    #[track_caller]
    fn assert_agrees(&self, source: &str, ended: &Ended) {
        let (expected, said) = (&self.expected, Said::by(ended));
        assert_eq!(said.ledger, expected.ledger, "{source}");
        for (row, expected) in said.connections.iter().zip(&expected.connections) {
            assert_eq!(row, expected, "{source}");
        }
        assert_eq!(said.connections.len(), expected.connections.len(), "{source}");
        assert!(said.headers == expected.headers, "{source}: {} headers", said.headers.len());
    }
}

#[test]
fn every_backend_records_of_a_replay_what_its_capture_file_gives() {
    let Some(world) = World::pair("agree") else { return };
    let recording = Recording::of(&world);
    let backends = [
        ("afpacket:vb", ""),
        ("afxdp:vb,mode=drv", "source       afxdp:vb#0: XDP in the driver, frames copied"),
        ("afxdp:vb,mode=skb", "source       afxdp:vb#0: generic XDP, frames copied"),
    ];
    for (source, how) in backends {
        let ended = recording.replayed(&world, ("", "va"), source);
        assert!(ended.said.contains(how), "{}", ended.said);
        recording.assert_agrees(source, &ended);
    }
}

#[test]
fn an_inline_tap_records_of_a_replay_what_its_capture_file_gives() {
    let Some(world) = World::inline("agreein", "on") else { return };
    let recording = Recording::of(&world);
    for mode in ["drv", "skb"] {
        let source = format!("afxdp-inline:pa,pb,mode={mode},ring=16M");
        let ended = recording.replayed(&world, ("c", "wire"), &source);
        recording.assert_agrees(&source, &ended);
    }
}

#[cfg(feature = "dpdk")]
#[test]
fn dpdk_records_of_a_replay_what_its_capture_file_gives() {
    let Some(world) = World::pair("agreedp") else { return };
    // DPDK's net_af_packet has the kernel put fragments together (PACKET_FANOUT_FLAG_DEFRAG), of which this one has some.
    let mut files = recordings(&world);
    files.retain(|file| !file.ends_with("libtrace__traces__vlan.pcap"));
    let recording = Recording::of_files(&world, &files);
    let source = "dpdk:net_af_packet0,iface=vb,framecnt=8192,huge=off";
    let ended = recording.replayed(&world, ("", "va"), source);
    assert!(ended.said.contains("source       dpdk:net_af_packet0#0: DPDK driver net_af_packet, "), "{}", ended.said);
    recording.assert_agrees(source, &ended);
}

#[cfg(feature = "dpdk")]
#[test]
fn a_capture_file_behind_dpdk_gives_the_same_rows_with_the_same_instants() {
    let Some(world) = World::pair("agreepc") else { return };
    let recording = Recording::of(&world);
    let campaign = world.path("behind");
    let source = format!("dpdk:net_pcap0,rx_pcap={},huge=off", recording.file.display());
    let mut command = support::command("conntrack-tap");
    command.args(["run", "--source", &source, "--out"]).arg(&campaign);
    let said = support::Ran::from(command.output().expect("timeout(1) runs")).expect(&[0]).stderr;
    recording.assert_agrees(&source, &Ended { said, campaign: campaign.clone() });
    let rows = |campaign: &Path| support::rows("connections", campaign);
    let (rows, expected) = (rows(&campaign), rows(&world.path("reference")));
    assert_eq!(rows.len(), expected.len());
    for (row, expected) in rows.iter().zip(&expected) {
        assert_eq!(row, expected);
    }
}
