//! Two bytes of LINKTYPE number, then a frame: the parser must answer, and a segment's headers must lie in the frame.
#![no_main]

use libfuzzer_sys::fuzz_target;
use wire::{LinkType, Parsed, parse};

fuzz_target!(|input: &[u8]| {
    let Some((number, frame)) = input.split_first_chunk::<2>() else { return };
    let link = LinkType::from_number(u16::from_be_bytes(*number).into());
    for wire_len in [frame.len() as u32, u32::MAX] {
        if let Parsed::Tcp(tcp) = parse(link, frame, wire_len) {
            let (range, headers) = (frame.as_ptr_range(), tcp.headers.as_ptr_range());
            assert!(range.start <= headers.start && headers.end <= range.end);
            assert!(tcp.headers.len() >= 40);
        }
    }
});
