//! AF_XDP sources of the whole program: what they record is what AF_PACKET records of the same frames.
#![allow(clippy::expect_used, clippy::panic, reason = "a test fails by panicking, its helpers too")]

mod inline;
#[path = "../support/mod.rs"]
mod support;
mod world;

use std::path::{Path, PathBuf};

use support::{Ran, Row};
use world::{Ended, World, pause};

/// Columns that depend on the frames and their order, and not on when they came.
const TIMELESS: [&str; 41] = [
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
    "orig_bytes",
    "resp_bytes",
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

/// Replays before two taps at once: AF_PACKET where the frames leave, and `source` where they come in. On a machine that is busy
/// elsewhere the pair may lose frames on the way, which neither tap is to blame for: then it is done again, with longer pauses.
fn replayed(world: &World, files: &[PathBuf], source: &str) -> (Ended, Ended) {
    for (attempt, burst) in [64, 32, 8, 4].into_iter().enumerate() {
        let reference = world.tap("afpacket:va", &format!("reference-{source}-{attempt}"));
        let tap = world.tap(source, &format!("campaign-{source}-{attempt}"));
        let sent = world.replay(("", "va"), files, burst);
        pause(300);
        let (reference, tap) = (reference.end(&[0, 3]), tap.end(&[0, 3]));
        if [&reference, &tap].iter().all(|ended| ended.offered() == sent && ended.said.contains("lost         nothing"))
        {
            return (reference, tap);
        }
    }
    panic!("the veth pair loses frames however slowly they are sent");
}

#[test]
fn the_campaigns_of_af_packet_and_af_xdp_agree_record_by_record() {
    let Some(world) = World::pair("agree") else { return };
    let files = recordings(&world);
    for (mode, place) in [("drv", "XDP in the driver, frames copied"), ("skb", "generic XDP, frames copied")] {
        let (reference, tap) = replayed(&world, &files, &format!("afxdp:vb,mode={mode}"));
        assert!(tap.said.contains(&format!("source       afxdp:vb#0: {place}")), "{}", tap.said);
        assert_eq!(tap.ledger(), reference.ledger(), "{mode}");
        let (expected, rows) = (timeless(&reference.campaign), timeless(&tap.campaign));
        assert!(expected.len() >= 150, "{}", expected.len());
        for (row, expected) in rows.iter().zip(&expected) {
            assert_eq!(row, expected, "{mode}");
        }
        assert_eq!(rows.len(), expected.len(), "{mode}");
        let (expected, rows) = (headers(&reference.campaign), headers(&tap.campaign));
        assert!(expected.len() > 1000 && rows == expected, "{mode}: {} and {} headers", rows.len(), expected.len());
        let counted = tap.manifest()["sources"][0]["device"].clone();
        assert_eq!((&counted["rx_dropped"], &counted["rx_ring_full"]), (&0.into(), &0.into()), "{counted}");
    }
}

#[test]
fn a_sender_faster_than_the_tap_costs_frames_and_the_ledger_names_each() {
    let Some(world) = World::pair("over") else { return };
    let files = [support::uplink(&world.path(""), "uplink-small", 100)];
    for mode in ["drv", "skb"] {
        // Memory for 128 chunks of 4096 bytes, and a tap that stands still: as a sender that outruns it without end.
        let tap = world.tap(&format!("afxdp:vb,mode={mode},ring=512K"), &format!("campaign-{mode}"));
        tap.signal("STOP");
        let sent = world.replay(("", "va"), &files, 32);
        tap.signal("CONT");
        pause(1500);
        let ended = tap.end(&[3]);
        let ledger = ended.ledger();
        let [offered, delivered, lost] = [&ledger["offered"], &ledger["delivered"], &ledger["dropped"]["kernel"]]
            .map(|count| count.as_u64().expect("a count"));
        // The pair itself may lose some on the way, before any tap.
        assert!(offered <= sent && offered > sent / 2, "{mode}: {offered} of {sent}");
        assert_eq!(offered, delivered + lost, "{mode}: {ledger}");
        assert_eq!(delivered, 128, "{mode}: what the memory holds");
        assert_eq!(ended.manifest()["sources"][0]["device"]["rx_dropped"], lost, "{mode}");
        assert!(ended.said.contains("frames dropped (device 0, kernel "), "{}", ended.said);
        let events = support::rows("events", &ended.campaign);
        let told = events
            .iter()
            .any(|event| event["kind"] == "lost" && event["detail"].contains(&format!("{lost} frames since second")));
        assert!(told, "{events:?}");
    }
}

#[test]
fn the_doctor_says_how_a_port_is_captured_and_leaves_it_as_it_was() {
    let Some(world) = World::pair("doctor") else { return };
    if !support::tools(&["ethtool"]) {
        return;
    }
    let doctor = |source: &str, code: i32| {
        let mut command = world.inside("", support::program("conntrack-tap"));
        command.args(["doctor", "--source", source, "--out"]).arg(world.path(""));
        let said = Ran::from(command.output().expect("the doctor runs")).expect(&[code]).stdout;
        assert!(!world.ip("", "link show").contains("xdp"), "{source} left something behind");
        said
    };
    let said = doctor("afxdp:vb", 0);
    for text in [
        "ok       interface vb: up, driver virtual, 1 receive queue, MTU 9000",
        "ok       interface vb: XDP in the driver, frames copied",
        "ok       rights: all that AF_XDP needs",
        "ok       locked memory: the 64 MiB for frames may be locked",
        "opens, XDP in the driver, frames copied, 16384 chunks of 4096 bytes",
    ] {
        assert!(said.contains(text), "{text}: {said}");
    }
    let said = doctor("afxdp-inline:va,vb", 0);
    assert!(said.contains("interface va: up") && said.contains("interface vb: up"), "{said}");
    let said = doctor("afxdp:vb,mode=zerocopy", 1);
    assert!(said.contains("the driver has no zero copy: try mode=drv"), "{said}");
}
