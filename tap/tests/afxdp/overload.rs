//! A sender that outruns the tap: on each backend the ledger balances to the frame, and says where and when frames were lost.

use crate::support;
use crate::world::{Ended, World, pause};

/// Records what is sent while the tap stands still, as before a sender that outruns it without end.
fn overrun(world: &World, from: (&str, &str), source: &str) -> (Ended, u64) {
    let files = [support::uplink(&world.path(""), "uplink-small", 30)];
    // Who stands still must not take it for a disk that hangs.
    let patient = world.path("patient.toml");
    std::fs::write(&patient, "[recorder]\nhang_after = \"10m\"\n").expect("a file");
    let options = ["--config", patient.to_str().expect("UTF-8")];
    let tap = world.tap_with(source, &format!("campaign-{source}"), &options);
    tap.signal("STOP");
    let sent = world.replay(from, &files, 32);
    tap.signal("CONT");
    pause(1500);
    (tap.end(&[3]), sent)
}

/// Frames that its only source with traffic was offered, delivered, and lost at `place`; nowhere else were any lost, and an event tells of it.
#[track_caller]
fn assert_balances(ended: &Ended, source: &str, place: &str) -> (u64, u64, u64) {
    let ledger = ended.ledger();
    let count = |value: &serde_json::Value| value.as_u64().expect("a count");
    let dropped = ledger["dropped"].as_object().expect("places");
    assert!(dropped.iter().all(|(name, lost)| name == place || count(lost) == 0), "{source}: {ledger}");
    let [offered, delivered, lost] = [&ledger["offered"], &ledger["delivered"], &dropped[place]].map(count);
    assert_eq!(offered, delivered + lost, "{source}: {ledger}");
    assert!(delivered > 0 && lost > 0, "{source}: {ledger}");
    let events = support::rows("events", &ended.campaign);
    let told = events.iter().filter(|event| event["kind"] == "lost").filter_map(|event| {
        // "afxdp:vb#0: 12 frames since second 1700000000", when it was seen.
        let (frames, second) =
            event["detail"].strip_prefix(&format!("{source}: "))?.split_once(" frames since second ")?;
        let (from, to) = (second.parse::<f64>().ok()?, event["ts"].parse::<f64>().ok()?);
        assert!(from <= to && to - from < 60.0, "{event:?}");
        frames.parse::<u64>().ok()
    });
    assert_eq!(told.sum::<u64>(), lost, "{source}: {events:?}");
    (offered, delivered, lost)
}

#[test]
fn af_xdp_loses_what_finds_no_chunk_and_names_each_frame() {
    let Some(world) = World::pair("over") else { return };
    for mode in ["drv", "skb"] {
        // Memory for 128 chunks of 4096 bytes.
        let (ended, sent) = overrun(&world, ("", "va"), &format!("afxdp:vb,mode={mode},ring=512K"));
        let (offered, delivered, lost) = assert_balances(&ended, "afxdp:vb#0", "kernel");
        // The pair itself may lose some on the way, before any tap.
        assert!(offered <= sent && offered > sent / 2, "{mode}: {offered} of {sent}");
        assert_eq!(delivered, 128, "{mode}: what the memory holds");
        assert_eq!(ended.manifest()["sources"][0]["device"]["rx_dropped"], lost, "{mode}");
        assert!(ended.said.contains("frames dropped (device 0, kernel "), "{}", ended.said);
    }
}

#[test]
fn an_inline_tap_that_stands_still_loses_what_finds_no_chunk_and_names_each_frame() {
    let Some(world) = World::inline("overin", "on") else { return };
    for mode in ["drv", "skb"] {
        // Memory for 64 chunks of 4096 bytes each way.
        let (ended, sent) = overrun(&world, ("c", "wire"), &format!("afxdp-inline:pa,pb,mode={mode},ring=512K"));
        let (offered, delivered, _) = assert_balances(&ended, "afxdp-inline:pa#0", "kernel");
        assert!(offered <= sent && offered > sent / 2, "{mode}: {offered} of {sent}");
        assert_eq!(delivered, 64, "{mode}: what the memory holds");
    }
}

#[test]
fn af_packet_loses_what_finds_no_block_and_names_each_frame() {
    let Some(world) = World::pair("overpk") else { return };
    let (ended, sent) = overrun(&world, ("", "va"), "afpacket:vb,ring=256K");
    let (offered, ..) = assert_balances(&ended, "afpacket:vb", "kernel");
    assert!(offered <= sent && offered > sent / 2, "{offered} of {sent}");
}

#[cfg(feature = "dpdk")]
#[test]
fn a_device_of_dpdk_faster_than_the_shards_costs_frames_of_the_queue_to_them_and_names_each() {
    let Some(world) = World::pair("overdp") else { return };
    let file = support::uplink(&world.path(""), "uplink-small", 100);
    // The file, again and again, as fast as it can be read.
    let source = format!("dpdk:net_pcap0,rx_pcap={},infinite_rx=1,huge=off", file.display());
    let tap = world.tap(&source, "campaign");
    pause(2500);
    let ended = tap.end(&[3]);
    let (offered, ..) = assert_balances(&ended, "dpdk:net_pcap0#0", "queue");
    assert_eq!(ended.manifest()["sources"][0]["device"]["ipackets"], offered);
}
