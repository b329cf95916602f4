//! IP headers: lengths, fragments, extension headers.

use wire::{Family, LinkType, OptionSet, Parsed, Reject, parse};

use crate::build::*;

const MORE: u16 = 0x2000;

/// An extension header of eight bytes, then a TCP segment.
fn extended(kind: u8, header: &[u8]) -> Vec<u8> {
    ipv6(kind, &join(&[header, &tcp(&[], b"hello")]))
}

/// A routing header of `kind` with two addresses and `left` segments left.
fn routed(kind: u8, left: u8, addresses: [[u8; 16]; 2]) -> Vec<u8> {
    extended(43, &join(&[&[TCP, 4, kind, left, 0, 0, 0, 0], &addresses[0], &addresses[1]]))
}

const HOME: [u8; 16] = [0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9];
const VIA: [u8; 16] = [0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7];

/// A destination options header with padding, then the sender's home address.
fn from_home() -> Vec<u8> {
    extended(60, &join(&[&[TCP, 2, 1, 2, 0, 0, 0xc9, 16], &HOME]))
}

pub fn frames() -> Vec<(&'static str, LinkType, Vec<u8>)> {
    let nothing = [TCP, 0, 1, 4, 0, 0, 0, 0];
    let fragment = |word: [u8; 2]| [TCP, 0, word[0], word[1], 0, 0, 0, 1];
    let mut with_options = packet();
    with_options.splice(20..20, [1; 4]);
    (with_options[0], with_options[3]) = (0x46, 49);
    [
        ("ipv4_options", with_options),
        ("ipv4_first_fragment", ipv4_fragment(TCP, MORE, &tcp(&[], b"hello"))),
        ("ipv4_authentication", ipv4(51, &join(&[&[TCP, 4], &[0; 22], &tcp(&[], b"hello")]))),
        ("ipv6_hop_by_hop", extended(0, &nothing)),
        ("ipv6_destination", extended(60, &nothing)),
        ("ipv6_mobility", extended(135, &nothing)),
        ("ipv6_atomic_fragment", extended(44, &fragment([0, 0]))),
        ("ipv6_first_fragment", extended(44, &fragment([0, 1]))),
        ("ipv6_authentication", extended(51, &join(&[&[TCP, 4], &[0; 22]]))),
        ("ipv6_routing", routed(0, 1, [VIA, SERVER_6])),
        ("ipv6_segment_routing", routed(4, 1, [SERVER_6, VIA])),
        ("ipv6_home_address", from_home()),
    ]
    .map(|(name, packet)| (name, LinkType::Raw, packet))
    .into()
}

#[test]
fn an_ipv4_header_is_read_field_by_field() {
    let segment = segment_of(LinkType::Ethernet, &ethernet(IPV4, &packet()));
    let (client, server) = (segment.key.endpoint(segment.sender), segment.key.endpoint(segment.sender.other()));
    assert_eq!(segment.key.family(), Family::V4);
    assert_eq!((client.ip(Family::V4).to_string(), client.port), ("192.0.2.1".into(), CLIENT_PORT));
    assert_eq!((server.ip(Family::V4).to_string(), server.port), ("198.51.100.2".into(), SERVER_PORT));
    assert_eq!((segment.ttl, segment.traffic_class, segment.ip_id), (57, 0x2e, 0x1234));
    assert_eq!((segment.ip_len, segment.payload_len), (45, 5));
}

#[test]
fn an_ipv6_header_is_read_field_by_field() {
    let segment = segment_of(LinkType::Ethernet, &ethernet(IPV6, &packet_6()));
    let client = segment.key.endpoint(segment.sender);
    assert_eq!((client.ip(Family::V6).to_string(), client.port), ("2001:db8::1".into(), CLIENT_PORT));
    assert_eq!((segment.ttl, segment.traffic_class, segment.ip_id), (57, 0x2e, 0));
    assert_eq!((segment.ip_len, segment.payload_len), (65, 5));
}

#[test]
fn options_and_extension_headers_move_the_segment_and_stay_in_the_recorded_headers() {
    for (name, link, frame) in frames() {
        let tcp = tcp_of(link, &frame);
        assert_eq!(tcp.segment.payload_len, 5, "{name}");
        assert_eq!(tcp.segment.seq.0, 1000, "{name}");
        assert_eq!(tcp.headers, &frame[..frame.len() - 5], "{name}");
    }
}

#[test]
fn ethernet_padding_is_no_payload() {
    let mut frame = ethernet(IPV4, &ipv4(TCP, &tcp(&[], b"")));
    frame.resize(60, 0xee);
    let tcp = tcp_of(LinkType::Ethernet, &frame);
    assert_eq!((tcp.segment.payload_len, tcp.segment.ip_len), (0, 40));
    assert_eq!(tcp.headers.len(), 40);
}

#[test]
fn a_snaplen_changes_no_length() {
    let frame = ethernet(IPV4, &ipv4(TCP, &tcp(&[], &[0; 1000])));
    let Parsed::Tcp(tcp) = parse(LinkType::Ethernet, &frame[..54], frame.len() as u32) else { panic!() };
    assert_eq!((tcp.segment.payload_len, tcp.segment.ip_len), (1000, 1040));
    assert_eq!(tcp.headers.len(), 40);
}

#[test]
fn where_segmentation_offload_left_no_length_the_frame_decides() {
    let mut v4 = ethernet(IPV4, &packet());
    v4[16..18].fill(0);
    let mut v6 = ethernet(IPV6, &packet_6());
    v6[18..20].fill(0);
    for (frame, ip_len) in [(v4, 45), (v6, 65)] {
        let segment = segment_of(LinkType::Ethernet, &frame);
        assert_eq!((segment.payload_len, segment.ip_len), (5, ip_len));
        let Parsed::Tcp(cut) = parse(LinkType::Ethernet, &frame, 70_000) else { panic!() };
        assert_eq!(cut.segment.ip_len, 70_000 - 14, "the length on the wire counts, not the captured one");
    }
}

#[test]
fn a_length_beyond_the_frame_is_believed_when_the_checksum_holds() {
    let mut cut = packet();
    cut[2..4].copy_from_slice(&1500_u16.to_be_bytes());
    assert_eq!(rejected(LinkType::Raw, &cut), Reject::BadIp, "a damaged header");
    seal(&mut cut);
    let segment = segment_of(LinkType::Raw, &cut);
    assert_eq!((segment.ip_len, segment.payload_len), (1500, 1460));
}

#[test]
fn headers_that_contradict_themselves_are_bad() {
    let with = |at: usize, byte: u8| {
        let mut frame = packet();
        frame[at] = byte;
        rejected(LinkType::Raw, &frame)
    };
    assert_eq!(with(0, 0x55), Reject::BadIp, "version 5");
    assert_eq!(with(0, 0x44), Reject::BadIp, "a header of sixteen bytes");
    assert_eq!(with(3, 19), Reject::BadIp, "a datagram shorter than its header");
    assert_eq!(rejected(LinkType::Raw, &[]), Reject::TruncatedIp);
}

#[test]
fn the_first_fragment_counts_with_its_own_length_and_later_ones_are_named() {
    let first = segment_of(LinkType::Raw, &ipv4_fragment(TCP, MORE, &tcp(&[], &[0; 100])));
    assert_eq!((first.payload_len, first.ip_len), (100, 140));
    assert_eq!(rejected(LinkType::Raw, &ipv4_fragment(TCP, MORE | 15, &[0; 100])), Reject::LaterFragment);
    assert_eq!(rejected(LinkType::Raw, &ipv4_fragment(TCP, 15, &[0; 100])), Reject::LaterFragment);
    assert_eq!(rejected(LinkType::Raw, &extended(44, &[TCP, 0, 0, 8, 0, 0, 0, 1])), Reject::LaterFragment);
    assert_eq!(otherwise(LinkType::Raw, &ipv4_fragment(UDP, 15, &[0; 100])), "Ip(17)");
}

#[test]
fn a_tiny_first_fragment_is_named_and_one_that_cuts_the_options_is_read() {
    let header = tcp(&[2, 4, 5, 180, 1, 1, 1, 1], &[]);
    assert_eq!(rejected(LinkType::Raw, &ipv4_fragment(TCP, MORE, &header[..16])), Reject::TinyFragment);
    let segment = segment_of(LinkType::Raw, &ipv4_fragment(TCP, MORE, &header[..24]));
    assert_eq!((segment.mss(), segment.payload_len), (Some(1460), 0));
    assert!(segment.options.has(OptionSet::TRUNCATED));
}

#[test]
fn the_ends_of_a_routed_or_mobile_packet_are_its_keys() {
    let ends = |frame: &[u8]| {
        let segment = segment_of(LinkType::Raw, frame);
        [segment.sender, segment.sender.other()].map(|end| segment.key.endpoint(end).addr)
    };
    assert_eq!(ends(&routed(0, 1, [VIA, HOME])), [CLIENT_6, HOME]);
    assert_eq!(ends(&routed(4, 1, [HOME, VIA])), [CLIENT_6, HOME]);
    assert_eq!(ends(&routed(0, 0, [VIA, HOME])), [CLIENT_6, SERVER_6], "the packet has arrived");
    assert_eq!(ends(&from_home()), [HOME, SERVER_6]);
}

#[test]
fn encrypted_and_unknown_protocols_are_not_tcp() {
    assert_eq!(otherwise(LinkType::Raw, &ipv4(50, &[0; 40])), "Ip(50)");
    assert_eq!(otherwise(LinkType::Raw, &ipv6(50, &[0; 40])), "Ip(50)");
    assert_eq!(otherwise(LinkType::Raw, &ipv6(59, &[])), "Ip(59)");
    assert_eq!(otherwise(LinkType::Raw, &ipv4(1, &[8, 0, 0, 0])), "Ip(1)");
}

#[test]
fn a_long_chain_of_extension_headers_is_too_deep() {
    let chain = [60, 0, 1, 4, 0, 0, 0, 0].repeat(17);
    assert_eq!(rejected(LinkType::Raw, &ipv6(60, &chain)), Reject::TooDeep);
}
