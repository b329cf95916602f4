//! TCP headers and their options.

use wire::{LinkType, OptionSet, Parsed, Reject, SackBlock, Segment, SeqNum, TcpFlags, Timestamps, parse};

use crate::build::*;

const SYN_OPTIONS: [u8; 20] = [2, 4, 5, 180, 4, 2, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2, 1, 3, 3, 7];
const TIMESTAMPS: [u8; 12] = [1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2];
const SACK: [u8; 28] = [1, 1, 5, 26, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 4, 0, 0, 0, 5, 0, 0, 0, 6];
const MPTCP: [u8; 12] = [30, 12, 0, 0x81, 1, 2, 3, 4, 5, 6, 7, 8];
const FAST_OPEN: [u8; 12] = [34, 10, 1, 2, 3, 4, 5, 6, 7, 8, 1, 1];

pub fn frames() -> Vec<(&'static str, LinkType, Vec<u8>)> {
    let every = [&[28, 4, 0, 9][..], &[172, 5, 1, 2, 3, 1, 1, 1], &[254, 4, 0xf9, 0x89], &[99, 4, 0, 0]].concat();
    let signature = [&[19, 18][..], &[0; 16], &[1, 1]].concat();
    [
        ("tcp_syn_options", tcp(&SYN_OPTIONS, b"")),
        ("tcp_timestamps", tcp(&TIMESTAMPS, b"")),
        ("tcp_sack", tcp(&SACK, b"")),
        ("tcp_mptcp", tcp(&MPTCP, b"")),
        ("tcp_fast_open", tcp(&FAST_OPEN, b"data on SYN")),
        ("tcp_rare_options", tcp(&every, b"")),
        ("tcp_signature", tcp(&signature, b"")),
        ("tcp_malformed_options", tcp(&[2, 0, 0, 0], b"")),
    ]
    .map(|(name, segment)| (name, LinkType::Ethernet, ethernet(IPV4, &ipv4(TCP, &segment))))
    .into()
}

fn with_options(options: &[u8]) -> Segment {
    segment_of(LinkType::Raw, &ipv4(TCP, &tcp(options, b"")))
}

#[test]
fn a_tcp_header_is_read_field_by_field() {
    let segment = segment_of(LinkType::Raw, &packet());
    assert_eq!((segment.seq, segment.ack), (SeqNum(1000), SeqNum(2000)));
    assert_eq!((segment.window, segment.urgent), (512, 7));
    assert_eq!(segment.flags, TcpFlags::PSH.with(TcpFlags::ACK));
    assert_eq!(segment.options, OptionSet::default());
}

#[test]
fn all_nine_flags_are_read_and_the_reserved_bits_are_not() {
    let mut frame = packet();
    frame[32] |= 0x0f;
    frame[33] = 0xff;
    assert_eq!(segment_of(LinkType::Raw, &frame).flags, TcpFlags(0x1ff));
}

#[test]
fn the_options_of_a_syn_are_all_there() {
    let segment = with_options(&SYN_OPTIONS);
    assert_eq!((segment.mss(), segment.window_scale()), (Some(1460), Some(7)));
    assert!(segment.options.has(OptionSet::SACK_PERMITTED));
    assert_eq!(segment.timestamps(), Some(Timestamps { value: 1, echo: 2 }));
    assert!(!segment.options.has(OptionSet::OTHER) && !segment.options.has(OptionSet::MALFORMED));
}

#[test]
fn timestamps_in_the_usual_place_and_elsewhere_are_the_same() {
    let elsewhere = [&TIMESTAMPS[2..], &[1, 1]].concat();
    assert_eq!(with_options(&TIMESTAMPS), with_options(&elsewhere));
}

#[test]
fn sack_blocks_are_counted_and_the_first_two_kept() {
    let segment = with_options(&SACK);
    let block = |left, right| SackBlock { left: SeqNum(left), right: SeqNum(right) };
    assert_eq!(segment.sack_blocks(), [block(1, 2), block(3, 4)]);
    assert_eq!(segment.sack_count, 3);
}

#[test]
fn rare_options_have_a_bit_each() {
    for (options, what) in [
        (&MPTCP[..], OptionSet::MPTCP),
        (&FAST_OPEN, OptionSet::FAST_OPEN),
        (&[254, 4, 0xf9, 0x89], OptionSet::FAST_OPEN),
        (&[254, 4, 0, 0], OptionSet::OTHER),
        (&[28, 4, 0, 9], OptionSet::USER_TIMEOUT),
        (&[172, 2, 174, 2], OptionSet::ACCURATE_ECN),
        (&[29, 4, 1, 1], OptionSet::AUTHENTICATION),
        (&[99, 4, 0, 0], OptionSet::OTHER),
    ] {
        assert_eq!(with_options(options).options, what, "{options:?}");
    }
}

#[test]
fn a_list_that_breaks_the_rules_is_flagged_and_what_came_before_is_kept() {
    for broken in [&[3, 0, 0, 0][..], &[3, 1, 0, 0], &[3, 9, 0, 0], &[3, 4, 0, 0], &[1, 1, 1, 3], &[5, 4, 0, 0]] {
        let segment = with_options(&[&[2, 4, 5, 180], broken].concat());
        assert_eq!(segment.mss(), Some(1460), "{broken:?}");
        assert!(segment.options.has(OptionSet::MALFORMED), "{broken:?}");
    }
}

#[test]
fn nothing_after_the_end_of_the_list_is_read() {
    assert_eq!(with_options(&[0, 2, 4, 5]).options, OptionSet::default());
}

#[test]
fn an_option_list_that_the_capture_cuts_is_read_as_far_as_it_goes() {
    let frame = ipv4(TCP, &tcp(&SYN_OPTIONS, b""));
    let Parsed::Tcp(cut) = parse(LinkType::Raw, &frame[..46], frame.len() as u32) else { panic!() };
    assert_eq!(cut.segment.mss(), Some(1460));
    assert!(cut.segment.options.has(OptionSet::TRUNCATED) && !cut.segment.options.has(OptionSet::MALFORMED));
    assert_eq!((cut.headers.len(), cut.segment.payload_len), (46, 0));
}

#[test]
fn less_than_the_fixed_header_is_truncated_or_bad() {
    let frame = packet();
    assert!(matches!(parse(LinkType::Raw, &frame[..39], 45), Parsed::Rejected(Reject::TruncatedTcp)));
    assert_eq!(rejected(LinkType::Raw, &ipv4(TCP, &frame[20..39])), Reject::BadTcp, "a datagram of nineteen bytes");
    for offset in [0x40, 0xf0] {
        let mut bad = frame.clone();
        bad[32] = offset;
        assert_eq!(rejected(LinkType::Raw, &bad), Reject::BadTcp, "data offset {offset:#x}");
    }
}
