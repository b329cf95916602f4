//! Bytes that nobody meant: cut, damaged and random frames. Whatever comes, the parser answers and keeps its promises.

use std::path::PathBuf;
use std::{env, fs};

use proptest::prelude::*;
use wire::{LinkType, Parsed, parse};

use crate::build::every_frame;

/// What holds for any answer.
fn check(link: LinkType, frame: &[u8], wire_len: u32) {
    if let Parsed::Tcp(tcp) = parse(link, frame, wire_len) {
        let range = frame.as_ptr_range();
        let headers = tcp.headers.as_ptr_range();
        assert!(range.start <= headers.start && headers.end <= range.end, "the headers lie in the frame");
        assert!(tcp.headers.len() >= 40, "an IP header and twenty bytes of TCP");
        assert!(tcp.segment.ip_len >= tcp.segment.payload_len + 40 || tcp.segment.payload_len == 0);
        assert!(tcp.segment.sack_count <= 4);
        assert!(tcp.outer.is_none_or(|outer| (1..=8).contains(&outer.depth) && outer.kind == tcp.segment.tunnel));
    }
}

#[test]
fn every_kind_of_frame_is_a_segment() {
    for (name, link, frame) in every_frame() {
        assert!(matches!(parse(link, &frame, frame.len() as u32), Parsed::Tcp(_)), "{name}");
    }
}

#[test]
fn every_frame_cut_at_every_length_is_answered() {
    for (_, link, frame) in every_frame() {
        for len in 0..=frame.len() {
            check(link, &frame[..len], frame.len() as u32);
            check(link, &frame[..len], len as u32);
            check(link, &frame[..len], 0);
        }
    }
}

#[test]
fn what_is_left_of_a_cut_frame_says_the_same_of_the_segment() {
    for (name, link, frame) in every_frame() {
        let wire_len = frame.len() as u32;
        let Parsed::Tcp(whole) = parse(link, &frame, wire_len) else { panic!("{name}") };
        for len in 0..frame.len() {
            let Parsed::Tcp(cut) = parse(link, &frame[..len], wire_len) else { continue };
            let (cut, whole) = (cut.segment, whole.segment);
            assert_eq!(
                (cut.key, cut.sender, cut.tunnel),
                (whole.key, whole.sender, whole.tunnel),
                "{name} cut at {len}"
            );
            assert_eq!(
                (cut.seq, cut.payload_len, cut.ip_len),
                (whole.seq, whole.payload_len, whole.ip_len),
                "{name} cut at {len}"
            );
        }
    }
}

fn any_link() -> impl Strategy<Value = LinkType> {
    prop::sample::select(vec![
        0, 1, 7, 9, 10, 50, 51, 101, 104, 105, 108, 113, 127, 129, 178, 192, 228, 229, 239, 242, 276, 9999,
    ])
    .prop_map(LinkType::from_number)
}

fn any_frame() -> impl Strategy<Value = (&'static str, LinkType, Vec<u8>)> {
    prop::sample::select(every_frame())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]

    #[test]
    fn random_bytes_are_answered(link in any_link(), frame in prop::collection::vec(any::<u8>(), 0..300), wire_len: u32) {
        check(link, &frame, wire_len);
    }

    #[test]
    fn a_frame_with_bytes_changed_is_answered(
        (_, link, mut frame) in any_frame(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        wire_len in prop_oneof![Just(0), 0..3000_u32, Just(u32::MAX)],
    ) {
        for (at, byte) in changes {
            let at = at.index(frame.len());
            frame[at] = byte;
        }
        check(link, &frame, wire_len);
    }

    #[test]
    fn frames_one_after_the_other_are_answered((_, link, first) in any_frame(), (_, _, second) in any_frame(), at: prop::sample::Index) {
        let mut frame = first;
        frame.truncate(at.index(frame.len()));
        frame.extend(second);
        check(link, &frame, frame.len() as u32);
    }
}

fn corpus() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus/parse")
}

/// An input of the fuzz target: the link type's number in two bytes, then the frame.
fn seed(link: LinkType, frame: &[u8]) -> Vec<u8> {
    [&(link.number() as u16).to_be_bytes()[..], frame].concat()
}

/// With `BLESS=1` it writes the seeds, so that a new kind of frame joins the corpus.
#[test]
fn the_fuzz_corpus_holds_every_kind_of_frame() {
    for (name, link, frame) in every_frame().into_iter().chain(crate::icmp::frames()) {
        let path = corpus().join(name);
        if env::var_os("BLESS").is_some() {
            fs::create_dir_all(corpus()).unwrap();
            fs::write(&path, seed(link, &frame)).unwrap();
        }
        let stored = fs::read(&path).unwrap_or_default();
        assert!(stored == seed(link, &frame), "{} is not up to date: run this test with BLESS=1", path.display());
    }
}

#[test]
fn the_fuzz_corpus_is_answered() {
    let mut inputs = 0;
    for entry in fs::read_dir(corpus()).unwrap() {
        let input = fs::read(entry.unwrap().path()).unwrap();
        if let Some((number, frame)) = input.split_first_chunk::<2>() {
            check(LinkType::from_number(u16::from_be_bytes(*number).into()), frame, frame.len() as u32);
            inputs += 1;
        }
    }
    assert!(inputs >= every_frame().len());
}
