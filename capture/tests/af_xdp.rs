//! Capturing through AF_XDP sockets, from veth interfaces of a network namespace of the test's own. Needs root.
//!
//! A veth interface has XDP in its driver (`mode=drv`) and, like every interface, in the network stack (`mode=skb`); it has no zero copy.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by a panic, in its helpers too")]

mod common;
#[path = "common/net.rs"]
mod net;

use std::collections::BTreeSet;

use capture::interface::Interface;
use capture::{DeviceCounters, Source};
use common::{Kept, tcp_frame, udp_frame};
use net::{
    Namespace, Sender, assert_promises_that_time_passes, assert_tells_of_down_and_gone, finish, now, open, open_error,
    wait_for,
};

const MODES: [&str; 2] = ["drv", "skb"];

/// Frames that are sent at a time: half of what a veth interface holds for a receiver in its driver (`VETH_RING_SIZE`), so
/// that a machine that is busy elsewhere may be late.
const BURST: usize = 128;

/// Sends frames, no faster than the kernel hands them to the program.
fn send_all(sender: &Sender, frames: &[Vec<u8>], source: &mut dyn Source) -> Vec<Kept> {
    let mut kept: Vec<Kept> = Vec::new();
    let mut sent = 0;
    for burst in frames.chunks(BURST) {
        burst.iter().for_each(|frame| sender.send(frame));
        sent += burst.len() as u64;
        wait_for(source, &mut kept, sent);
    }
    kept
}

#[test]
fn every_frame_comes_once_with_its_bytes_and_its_time() {
    let Some(_namespace) = Namespace::enter("xdp-exact") else { return };
    let frames: Vec<Vec<u8>> = (0..900_u32)
        .map(|n| {
            let payload = vec![n as u8; (n % 1400) as usize + 20];
            let frame = if n % 3 == 0 { tcp_frame((n as u16, 80), n) } else { udp_frame((n as u16, 53), &payload) };
            let tag: &[u8] = if n % 5 == 0 { &[0x81, 0x00, 0x20, 0x2a] } else { &[] };
            [&frame[..12], tag, &frame[12..]].concat()
        })
        .collect();
    for mode in MODES {
        let mut sources = open(&format!("afxdp:vb,mode={mode}"));
        let [source] = &mut sources[..] else { panic!("{} queues", sources.len()) };
        let sender = Sender::new("va");
        let before = now();
        let mut kept = send_all(&sender, &frames, source.as_mut());
        let after = now();
        kept.extend(finish(source.as_mut()));
        assert_eq!(kept.len(), frames.len(), "{mode}");
        for (got, bytes) in kept.iter().zip(&frames) {
            // A tag stands where it stood.
            assert_eq!((&got.bytes, got.vlan, got.link), (bytes, None, 1));
            assert_eq!(got.wire_len as usize, bytes.len());
            assert!((before..=after).contains(&got.ts), "{before} {} {after}", got.ts);
        }
        // Stamped one by one as they came, not once a batch.
        assert!(kept.iter().map(|frame| frame.ts).collect::<BTreeSet<_>>().len() > frames.len() / 2);
        assert!(kept.is_sorted_by_key(|frame| frame.ts));
        let offered = frames.len() as u64;
        assert_eq!(source.device(), DeviceCounters { offered, dropped_device: 0, dropped_kernel: 0 });
        assert_eq!(source.name(), "afxdp:vb#0");
        let place = if mode == "drv" { "XDP in the driver, frames copied" } else { "generic XDP, frames copied" };
        assert_eq!(source.detail(), format!("{place}, 32768 chunks of 2048 bytes"));
    }
}

#[test]
fn what_finds_no_room_is_counted_and_nothing_else_is_lost() {
    let Some(_namespace) = Namespace::enter("xdp-overflow") else { return };
    for mode in MODES {
        // Memory for 128 frames.
        let mut source = open(&format!("afxdp:vb,mode={mode},ring=256K")).remove(0);
        let sender = Sender::new("va");
        // What comes before the loss, at it and after it differs, to tell where it was.
        for n in 0..200_u16 {
            sender.send(&udp_frame((n, 1), &[7; 1000]));
        }
        let mut kept: Vec<Kept> = Vec::new();
        let mut known = 0;
        for _ in 0..1000 {
            let frames = kept.len();
            // The drop is known before what came after it is visited.
            let dropped = source.device().dropped();
            source.poll(&mut |frame| kept.push(frame.into())).unwrap();
            if kept[frames..].iter().any(|frame| u16::from_be_bytes([frame.bytes[34], frame.bytes[35]]) > 200) {
                assert_eq!(dropped, known);
            }
            known = dropped;
            if source.device().offered == 200 {
                break;
            }
        }
        sender.send(&udp_frame((9999, 9), b"after the loss"));
        wait_for(source.as_mut(), &mut kept, 201);
        kept.extend(finish(source.as_mut()));
        let device = source.device();
        assert_eq!((device.offered, device.dropped_device), (201, 0), "{mode}");
        assert_eq!(device.dropped_kernel + kept.len() as u64, 201, "{mode}");
        assert_eq!(kept.last().map(|frame| &frame.bytes[42..]), Some(&b"after the loss"[..]), "{mode}");
        let named: u64 =
            source.statistics().iter().filter(|(name, _)| name.starts_with("rx_dropped")).map(|(_, n)| n).sum();
        assert_eq!(named, device.dropped_kernel, "{mode}: {:?}", source.statistics());
        assert_eq!(kept.len(), 129, "{mode}: 128 chunks, and the one after the loss");
    }
}

#[test]
fn a_jumbo_frame_comes_with_its_headers_and_its_length() {
    let Some(namespace) = Namespace::enter("xdp-jumbo") else { return };
    for interface in ["va", "vb"] {
        namespace.ip(&format!("link set {interface} mtu 9000"));
    }
    let frames: Vec<Vec<u8>> = (0..600_usize).map(|n| udp_frame((n as u16, 53), &vec![n as u8; 50 + n * 14])).collect();
    for mode in MODES {
        let mut source = open(&format!("afxdp:vb,mode={mode}")).remove(0);
        let mut kept = send_all(&Sender::new("va"), &frames, source.as_mut());
        kept.extend(finish(source.as_mut()));
        assert_eq!(kept.len(), frames.len(), "{mode}");
        for (got, sent) in kept.iter().zip(&frames) {
            assert_eq!(got.wire_len as usize, sent.len(), "{mode}");
            assert_eq!(got.bytes, sent[..got.bytes.len()], "{mode}");
            assert!(got.bytes.len() >= sent.len().min(3000), "{mode}: {} of {}", got.bytes.len(), sent.len());
        }
        assert_eq!(source.device().dropped(), 0);
    }
}

#[test]
fn each_queue_has_a_source_and_the_sources_have_every_frame() {
    let Some(namespace) = Namespace::enter("xdp-queues") else { return };
    namespace.ip("link del va");
    namespace.pair("numtxqueues 4 numrxqueues 4", "numtxqueues 4 numrxqueues 4");
    let frames: Vec<Vec<u8>> = (0..100_u16).map(|n| tcp_frame((1000 + n, 80), u32::from(n))).collect();
    let mut sources = open("afxdp:vb,mode=drv,ring=1M");
    let names: Vec<_> = sources.iter().map(|source| source.name().to_owned()).collect();
    assert_eq!(names, ["afxdp:vb#0", "afxdp:vb#1", "afxdp:vb#2", "afxdp:vb#3"]);
    let sender = Sender::new("va");
    frames.iter().for_each(|frame| sender.send(frame));
    let mut kept: Vec<Vec<u8>> = Vec::new();
    for _ in 0..200 {
        for source in &mut sources {
            source.poll(&mut |frame| kept.push(frame.bytes.to_vec())).unwrap();
        }
        if kept.len() == frames.len() {
            break;
        }
    }
    for source in &mut sources {
        kept.extend(finish(source.as_mut()).into_iter().map(|frame| frame.bytes));
    }
    assert_eq!(kept.into_iter().collect::<BTreeSet<_>>(), frames.into_iter().collect());
    assert_eq!(sources.iter_mut().map(|source| source.device().offered).sum::<u64>(), 100);
}

#[test]
fn busy_polling_captures_the_same() {
    let Some(_namespace) = Namespace::enter("xdp-busy") else { return };
    let frames: Vec<Vec<u8>> = (0..300_u16).map(|n| tcp_frame((n, 80), u32::from(n))).collect();
    let mut source = open("afxdp:vb,busy-poll=50").remove(0);
    let mut kept = send_all(&Sender::new("va"), &frames, source.as_mut());
    kept.extend(finish(source.as_mut()));
    assert_eq!(kept.into_iter().map(|frame| frame.bytes).collect::<Vec<_>>(), frames);
}

#[test]
fn nothing_stays_behind_and_a_second_tap_is_refused() {
    let Some(_namespace) = Namespace::enter("xdp-leaves") else { return };
    for mode in MODES {
        let source = open(&format!("afxdp:vb,mode={mode}")).remove(0);
        assert_ne!(Interface::named("vb").unwrap().program, 0);
        let text = open_error(&format!("afxdp:vb,mode={mode}")).to_string();
        assert!(text.contains("another XDP program is attached"), "{text}");
        drop(source);
        assert_eq!(Interface::named("vb").unwrap().program, 0, "{mode}");
    }
}

#[test]
fn an_interface_that_goes_down_or_away_is_reported_after_its_last_frames() {
    let Some(namespace) = Namespace::enter("xdp-gone") else { return };
    assert_tells_of_down_and_gone(&namespace, "afxdp:vb");
}

#[test]
fn an_idle_interface_promises_that_time_passes() {
    let Some(_namespace) = Namespace::enter("xdp-idle") else { return };
    assert_promises_that_time_passes("afxdp:vb");
}

#[test]
fn a_refusal_says_what_to_do() {
    let Some(namespace) = Namespace::enter("xdp-refusal") else { return };
    let text = open_error("afxdp:eth7").to_string();
    assert!(text.starts_with("there is no interface eth7; this host has: ") && text.contains("va"), "{text}");
    let text = open_error("afxdp:vb,queues=9").to_string();
    assert!(text.contains("receives on 1 queues, not 9") && text.contains("ethtool -L vb combined 9"), "{text}");
    let text = open_error("afxdp:vb,mode=zerocopy").to_string();
    assert!(text.contains("the driver has no zero copy: try mode=drv"), "{text}");
    namespace.ip("addr add 10.1.1.1/24 dev vb");
    assert_eq!(open("afxdp:vb").len(), 1);
    for (family, route) in [("-4", "default via 10.1.1.2 dev vb"), ("-6", "default dev vb")] {
        namespace.ip(&format!("{family} route add {route}"));
        let text = open_error("afxdp:vb").to_string();
        assert!(text.contains("default route") && text.contains("afpacket:vb"), "{text}");
        assert_eq!(open("afxdp:vb,cut-off=on").len(), 1);
        namespace.ip(&format!("{family} route del {route}"));
    }
    namespace.ip("link set vb down");
    assert_eq!(open_error("afxdp:vb").to_string(), "interface vb is down: bring it up with 'ip link set vb up'");
}
