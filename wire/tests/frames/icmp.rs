//! ICMP and ICMPv6 errors that quote a segment.

use proptest::prelude::*;
use wire::{End, Family, IcmpCode, IcmpError, LinkType, Parsed, SeqNum, parse};

use crate::build::*;

const ICMP: u8 = 1;
const ICMP6: u8 = 58;

/// An error of this type and code around a quote.
fn message(kind: u8, code: u8, quote: &[u8]) -> Vec<u8> {
    join(&[&[kind, code, 0xab, 0xcd, 0, 0, 0, 0], quote])
}

fn icmp(kind: u8, code: u8, quote: &[u8]) -> Vec<u8> {
    ipv4(ICMP, &message(kind, code, quote))
}

fn icmp6(kind: u8, code: u8, quote: &[u8]) -> Vec<u8> {
    ipv6(ICMP6, &message(kind, code, quote))
}

/// The IP header and eight bytes of TCP: all that RFC 792 asks for.
fn short_quote() -> Vec<u8> {
    packet()[..28].to_vec()
}

/// Errors by name, of every kind: what hostile bytes start from, and part of the corpus of the fuzz target.
pub fn frames() -> Vec<(&'static str, LinkType, Vec<u8>)> {
    vec![
        ("icmp_unreachable", LinkType::Raw, icmp(3, 1, &short_quote())),
        ("icmp_time_exceeded_whole", LinkType::Raw, icmp(11, 0, &packet())),
        ("icmp_in_gre", LinkType::Raw, ipv4(47, &join(&[&[0, 0, 8, 0], &icmp(3, 13, &short_quote())]))),
        ("icmp6_too_big", LinkType::Ethernet, ethernet(IPV6, &icmp6(2, 0, &packet_6()))),
        ("icmp6_unreachable_hop_by_hop", LinkType::Raw, icmp6(1, 4, &hop_by_hop_6())),
    ]
}

/// A segment in IPv6 behind an extension header.
fn hop_by_hop_6() -> Vec<u8> {
    ipv6(0, &join(&[&[TCP, 0, 1, 4, 0, 0, 0, 0], &tcp(&[], b"hello")]))
}

#[track_caller]
fn error_of(link: LinkType, frame: &[u8]) -> IcmpError {
    match parse(link, frame, frame.len() as u32) {
        Parsed::Icmp(error) => error,
        other => panic!("no error about a segment: {other:?}"),
    }
}

#[test]
fn eight_bytes_of_tcp_are_enough_to_name_the_segment() {
    let error = error_of(LinkType::Raw, &icmp(3, 1, &short_quote()));
    let quote = error.quote.unwrap();
    let segment = segment_of(LinkType::Raw, &packet());
    assert_eq!((quote.key, quote.sender, quote.seq), (segment.key, segment.sender, segment.seq));
    assert_eq!((error.code.kind(), error.code.code, error.code.name(error.family)), (3, 1, "host_unreachable"));
    assert_eq!(quote.quoted_by, Some(error.code));
    assert_eq!(segment.quoted_by, None);
}

#[test]
fn every_kind_of_error_names_the_same_segment() {
    for (name, link, frame) in frames() {
        let quote = error_of(link, &frame).quote.expect(name);
        assert_eq!(quote.seq, SeqNum(1000), "{name}");
        assert_eq!(quote.key.endpoint(quote.sender).port, CLIENT_PORT, "{name}");
        assert_eq!(quote.key.endpoint(quote.sender.other()).port, SERVER_PORT, "{name}");
    }
}

#[test]
fn the_sender_of_the_quote_is_the_one_whose_segment_was_refused() {
    let there = error_of(LinkType::Raw, &icmp(3, 3, &short_quote())).quote.unwrap();
    let mut back = packet();
    let (source, destination) = (back[12..16].to_vec(), back[16..20].to_vec());
    back[12..16].copy_from_slice(&destination);
    back[16..20].copy_from_slice(&source);
    back[20..24].rotate_left(2);
    let back = error_of(LinkType::Raw, &icmp(3, 3, &back[..28])).quote.unwrap();
    assert_eq!(there.key, back.key);
    assert_eq!((there.sender, back.sender), (End::Low, End::High));
}

#[test]
fn a_quote_that_is_too_short_is_said_to_be_unreadable() {
    for len in 0..28 {
        let error = error_of(LinkType::Raw, &icmp(3, 1, &packet()[..len]));
        assert_eq!(error.quote, None, "{len} bytes");
    }
}

#[test]
fn a_later_fragment_in_the_quote_has_no_ports() {
    let fragment = ipv4_fragment(TCP, 0x0010, &tcp(&[], b"hello"));
    assert_eq!(error_of(LinkType::Raw, &icmp(11, 1, &fragment)).quote, None);
}

#[test]
fn a_router_that_changed_the_quoted_header_is_understood() {
    let mut quote = short_quote();
    quote[8] = 0; // the time to live, without mending the checksum
    quote.swap(2, 3); // the total length in the byte order of the host, as old BSDs quote it
    assert!(error_of(LinkType::Raw, &icmp(11, 0, &quote)).quote.is_some());
}

#[test]
fn errors_about_other_protocols_and_messages_that_are_no_errors_are_other_traffic() {
    let about_udp = ipv4(UDP, &udp(53, 53, b"question"));
    for frame in [
        icmp(3, 3, &about_udp),
        icmp(8, 0, &short_quote()),
        icmp(0, 0, &short_quote()),
        ipv4(ICMP, &[3, 3, 0, 0]),
        ipv4(ICMP6, &message(1, 4, &packet_6())),
        ipv6(ICMP, &message(3, 3, &packet_6())),
        icmp6(128, 0, &packet_6()),
        icmp6(135, 0, &packet_6()),
    ] {
        assert!(matches!(parse(LinkType::Raw, &frame, frame.len() as u32), Parsed::NotTcp(_)), "{frame:x?}");
    }
}

#[test]
fn only_what_the_registries_call_errors_are_errors() {
    let errors = |family| (0..=u8::MAX).filter(|&kind| IcmpCode::error(family, kind, 0).is_some()).collect::<Vec<_>>();
    assert_eq!(errors(Family::V4), [3, 4, 5, 11, 12]);
    assert_eq!(errors(Family::V6), [1, 2, 3, 4]);
}

/// What holds for any answer.
fn check(link: LinkType, frame: &[u8]) {
    if let Parsed::Icmp(error) = parse(link, frame, frame.len() as u32) {
        assert!(IcmpCode::error(error.family, error.code.kind(), error.code.code).is_some());
        assert!(!error.code.name(error.family).is_empty());
        assert!(error.quote.is_none_or(|quote| quote.quoted_by == Some(error.code)));
        assert!(error.quote.is_none_or(|quote| quote.key.family() == error.family));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]

    #[test]
    fn a_damaged_error_is_answered(
        (_, link, mut frame) in prop::sample::select(frames()),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6),
        len: prop::sample::Index,
    ) {
        for (at, byte) in changes {
            let at = at.index(frame.len());
            frame[at] = byte;
        }
        frame.truncate(len.index(frame.len() + 1));
        check(link, &frame);
    }

    #[test]
    fn random_bytes_as_a_quote_are_answered(kind in 0u8..14, code: u8, quote in prop::collection::vec(any::<u8>(), 0..120)) {
        check(LinkType::Raw, &icmp(kind, code, &quote));
        check(LinkType::Raw, &icmp6(kind, code, &quote));
    }
}
