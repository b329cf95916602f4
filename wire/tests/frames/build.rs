//! Frames, layer by layer: each function puts its header before a payload.

use wire::{LinkType, Outer, Parsed, Reject, Segment, TcpFrame, parse};

pub const CLIENT: [u8; 4] = [192, 0, 2, 1];
pub const SERVER: [u8; 4] = [198, 51, 100, 2];
pub const CLIENT_6: [u8; 16] = [0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];
pub const SERVER_6: [u8; 16] = [0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2];
pub const CLIENT_PORT: u16 = 40000;
pub const SERVER_PORT: u16 = 80;

pub const IPV4: u16 = 0x0800;
pub const IPV6: u16 = 0x86dd;
pub const TCP: u8 = 6;
pub const UDP: u8 = 17;

/// Parts one after the other.
pub fn join(parts: &[&[u8]]) -> Vec<u8> {
    parts.concat()
}

/// A segment from client to server: `PSH ACK`, seq 1000, ack 2000, window 512.
pub fn tcp(options: &[u8], payload: &[u8]) -> Vec<u8> {
    assert_eq!(options.len() % 4, 0);
    let offset = (5 + options.len() as u8 / 4) << 4;
    let [a, b] = CLIENT_PORT.to_be_bytes();
    let [c, d] = SERVER_PORT.to_be_bytes();
    let fixed = [a, b, c, d, 0, 0, 0x03, 0xe8, 0, 0, 0x07, 0xd0, offset, 0x18, 2, 0, 0xab, 0xcd, 0, 7];
    join(&[&fixed, options, payload])
}

pub fn udp(source: u16, destination: u16, payload: &[u8]) -> Vec<u8> {
    let len = (payload.len() as u16 + 8).to_be_bytes();
    join(&[&source.to_be_bytes(), &destination.to_be_bytes(), &len, &[0, 0], payload])
}

/// From client to server, identification 0x1234, time to live 57, a valid checksum.
pub fn ipv4(protocol: u8, payload: &[u8]) -> Vec<u8> {
    ipv4_fragment(protocol, 0, payload)
}

/// The same with a fragment word: flags and offset.
pub fn ipv4_fragment(protocol: u8, fragment: u16, payload: &[u8]) -> Vec<u8> {
    let [high, low] = (payload.len() as u16 + 20).to_be_bytes();
    let [f, g] = fragment.to_be_bytes();
    let fixed = [0x45, 0x2e, high, low, 0x12, 0x34, f, g, 57, protocol, 0, 0];
    let mut header = join(&[&fixed, &CLIENT, &SERVER]);
    seal(&mut header);
    join(&[&header, payload])
}

/// Writes the checksum of an IPv4 header.
pub fn seal(header: &mut [u8]) {
    header[10..12].fill(0);
    let sum: u32 = header[..20].chunks(2).map(|word| u32::from(word[0]) << 8 | u32::from(word[1])).sum();
    let folded = (sum & 0xffff) + (sum >> 16);
    header[10..12].copy_from_slice(&(!(folded as u16)).to_be_bytes());
}

pub fn ipv6(next: u8, payload: &[u8]) -> Vec<u8> {
    let len = (payload.len() as u16).to_be_bytes();
    join(&[&[0x62, 0xe0, 0, 0], &len, &[next, 57], &CLIENT_6, &SERVER_6, payload])
}

pub fn ethernet(kind: u16, payload: &[u8]) -> Vec<u8> {
    join(&[&[2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2], &kind.to_be_bytes(), payload])
}

/// A segment of five bytes of payload in IPv4.
pub fn packet() -> Vec<u8> {
    ipv4(TCP, &tcp(&[], b"hello"))
}

/// The same in IPv6.
pub fn packet_6() -> Vec<u8> {
    ipv6(TCP, &tcp(&[], b"hello"))
}

/// The segment in a frame that was captured whole.
#[track_caller]
pub fn segment_of(link: LinkType, frame: &[u8]) -> Segment {
    tcp_of(link, frame).segment
}

#[track_caller]
pub fn tcp_of(link: LinkType, frame: &[u8]) -> TcpFrame<'_> {
    match parse(link, frame, frame.len() as u32) {
        Parsed::Tcp(tcp) => tcp,
        other => panic!("no segment: {other:?}"),
    }
}

#[track_caller]
pub fn outer_of(link: LinkType, frame: &[u8]) -> Outer {
    tcp_of(link, frame).outer.expect("a tunnel around the segment")
}

/// What was seen instead of a segment, as `Debug` writes it.
#[track_caller]
pub fn otherwise(link: LinkType, frame: &[u8]) -> String {
    match parse(link, frame, frame.len() as u32) {
        Parsed::Tcp(tcp) => panic!("a segment: {tcp:?}"),
        Parsed::NotTcp(what) => format!("{what:?}"),
        Parsed::Icmp(error) => panic!("an error about a segment: {error:?}"),
        Parsed::Rejected(why) => format!("{why:?}"),
    }
}

#[track_caller]
pub fn rejected(link: LinkType, frame: &[u8]) -> Reject {
    match parse(link, frame, frame.len() as u32) {
        Parsed::Rejected(why) => why,
        other => panic!("not rejected: {other:?}"),
    }
}

/// Every kind of frame that the parser reads, by name: what the tests on cut and damaged frames start from, and the corpus of
/// the fuzz target.
pub fn every_frame() -> Vec<(&'static str, LinkType, Vec<u8>)> {
    let mut frames = super::link::frames();
    frames.extend(super::ip::frames());
    frames.extend(super::tunnel::frames());
    frames.extend(super::tcp::frames());
    frames
}
