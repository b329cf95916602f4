//! Capturing from interfaces of a network namespace of the test's own. Needs root.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by a panic, in its helpers too")]
#![expect(unsafe_code, reason = "TUN devices are made by an ioctl, which has no safe interface")]

mod common;
#[path = "common/net.rs"]
mod net;

use std::fs::File;
use std::io::Write;
use std::net::UdpSocket;
use std::os::fd::AsRawFd;

use capture::DeviceCounters;
use common::{Kept, tcp_frame, udp_frame};
use net::{
    Namespace, Sender, assert_promises_that_time_passes, assert_tells_of_down_and_gone, finish, now, open, open_error,
};

/// Frames that a test sends at once: 100 fewer than the kernel holds between the two ends of a veth pair
/// (`net.core.netdev_max_backlog`). What it drops beyond that on a busy machine, no capture can count.
const BACKLOG: u16 = 900;

#[test]
fn every_frame_comes_once_with_its_bytes_its_time_and_its_vlan() {
    let Some(_namespace) = Namespace::enter("exact") else { return };
    let mut source = open("afpacket:vb").remove(0);
    let sender = Sender::new("va");
    let tagged = |frame: &[u8]| [&frame[..12], &[0x81, 0x00, 0x20, 0x2a], &frame[12..]].concat();
    let before = now();
    let mut expected = Vec::new();
    for n in 0..u32::from(BACKLOG) {
        let payload = vec![n as u8; (n % 1400) as usize + 20];
        let frame = if n % 3 == 0 { tcp_frame((n as u16, 80), n) } else { udp_frame((n as u16, 53), &payload) };
        sender.send(&if n % 5 == 0 { tagged(&frame) } else { frame.clone() });
        expected.push((frame, (n % 5 == 0).then_some(42)));
    }
    let frames = finish(source.as_mut());
    let after = now();
    assert_eq!(frames.len(), expected.len());
    for (got, (bytes, vlan)) in frames.iter().zip(expected) {
        assert_eq!((&got.bytes, got.vlan, got.link), (&bytes, vlan, 1));
        assert_eq!(got.wire_len as usize, bytes.len());
        assert!((before..=after).contains(&got.ts));
    }
    assert_eq!(source.device(), DeviceCounters { offered: u64::from(BACKLOG), dropped_device: 0, dropped_kernel: 0 });
    assert_eq!(source.name(), "afpacket:vb");
}

#[test]
fn what_does_not_fit_the_ring_is_counted_and_nothing_else_is_lost() {
    let Some(_namespace) = Namespace::enter("overflow") else { return };
    let mut source = open("afpacket:vb,ring=256K").remove(0);
    let sender = Sender::new("va");
    for n in 0..BACKLOG {
        sender.send(&udp_frame((n, 1), &[7; 1000]));
    }
    let (mut frames, mut dropped) = (Vec::<Kept>::new(), 0);
    for _ in 0..20 {
        dropped = source.device().dropped();
        source.poll(&mut |frame| frames.push(frame.into())).unwrap();
    }
    assert!(dropped > u64::from(BACKLOG) / 2, "{dropped}");
    assert_eq!(frames.len() as u64 + dropped, u64::from(BACKLOG));
    sender.send(&udp_frame((9, 9), b"after the loss"));
    frames.extend(finish(source.as_mut()));
    let device = source.device();
    let offered = u64::from(BACKLOG) + 1;
    assert_eq!((device.offered, device.dropped_kernel, frames.len() as u64), (offered, dropped, offered - dropped));
}

#[test]
fn queues_share_the_flows_and_keep_both_directions_together() {
    let Some(_namespace) = Namespace::enter("fanout") else { return };
    let mut sources = open("afpacket:vb,queues=4,ring=4M");
    assert_eq!(sources.iter().map(|source| source.name()).collect::<Vec<_>>()[3], "afpacket:vb#3");
    let sender = Sender::new("va");
    for n in 0..BACKLOG {
        let mut frame = tcp_frame((1000 + n % 100, 80), u32::from(n));
        if n % 2 == 1 {
            // The other direction: addresses and ports change places.
            frame[26..34].rotate_left(4);
            frame[34..38].rotate_left(2);
        }
        sender.send(&frame);
    }
    let (mut count, mut homes) = (0_u16, std::collections::BTreeMap::new());
    for (queue, source) in sources.iter_mut().enumerate() {
        for frame in finish(source.as_mut()) {
            count += 1;
            let ports =
                [&frame.bytes[34..36], &frame.bytes[36..38]].map(|port| u16::from_be_bytes(port.try_into().unwrap()));
            assert_eq!(*homes.entry(ports[0].max(ports[1])).or_insert(queue), queue, "{ports:?}");
        }
    }
    assert_eq!((count, homes.len()), (BACKLOG, 100));
    assert!(homes.values().collect::<std::collections::BTreeSet<_>>().len() > 1, "one queue got everything");
}

#[test]
fn a_loopback_interface_shows_each_packet_once() {
    let Some(namespace) = Namespace::enter("lo") else { return };
    namespace.ip("link set lo up");
    let mut source = open("afpacket:lo,promisc=off").remove(0);
    let (from, to) = (UdpSocket::bind("127.0.0.1:0").unwrap(), UdpSocket::bind("127.0.0.1:0").unwrap());
    for n in 0..500_u32 {
        from.send_to(&n.to_be_bytes(), to.local_addr().unwrap()).unwrap();
    }
    let numbers: Vec<_> = finish(source.as_mut()).iter().map(|frame| frame.bytes[42..46].to_vec()).collect();
    assert_eq!(numbers, (0..500_u32).map(|n| n.to_be_bytes().to_vec()).collect::<Vec<_>>());
}

/// A TUN device: what is written to the file comes in at the interface, as bare IP packets.
fn tun(name: &str) -> Option<File> {
    let file = File::options().read(true).write(true).open("/dev/net/tun").ok()?;
    // SAFETY: all zeroes is a valid ifreq.
    let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
    for (to, from) in request.ifr_name.iter_mut().zip(name.bytes()) {
        *to = from as libc::c_char;
    }
    request.ifr_ifru.ifru_flags = (libc::IFF_TUN | libc::IFF_NO_PI) as libc::c_short;
    // SAFETY: the request is a valid ifreq, and lives during the call.
    let made = unsafe { libc::ioctl(file.as_raw_fd(), libc::TUNSETIFF, &raw mut request) };
    (made == 0).then_some(file)
}

#[test]
fn an_interface_without_link_headers_gives_raw_ip() {
    let Some(namespace) = Namespace::enter("tun") else { return };
    let Some(mut tun) = tun("t0") else {
        eprintln!("SKIPPED: no TUN devices here");
        return;
    };
    namespace.ip("link set t0 addrgenmode none");
    namespace.ip("link set t0 up");
    let mut source = open("afpacket:t0").remove(0);
    let packet = &tcp_frame((5, 80), 1)[14..];
    tun.write_all(packet).unwrap();
    let frames = finish(source.as_mut());
    assert_eq!(frames.len(), 1);
    assert_eq!((frames[0].link, &frames[0].bytes[..], frames[0].wire_len), (101, packet, 40));
}

#[test]
fn an_interface_that_goes_down_or_away_is_reported_after_its_last_frames() {
    let Some(namespace) = Namespace::enter("packet-gone") else { return };
    assert_tells_of_down_and_gone(&namespace, "afpacket:vb");
}

#[test]
fn an_idle_interface_promises_that_time_passes() {
    let Some(_namespace) = Namespace::enter("packet-idle") else { return };
    assert_promises_that_time_passes("afpacket:vb");
}

#[test]
fn a_refusal_says_which_interfaces_exist_or_how_to_bring_one_up() {
    let Some(namespace) = Namespace::enter("refusal") else { return };
    let text = open_error("afpacket:eth7").to_string();
    assert!(
        text.starts_with("there is no interface eth7; this host has: ") && text.contains("va") && text.contains("lo"),
        "{text}"
    );
    namespace.ip("link set vb down");
    assert_eq!(open_error("afpacket:vb").to_string(), "interface vb is down: bring it up with 'ip link set vb up'");
}
