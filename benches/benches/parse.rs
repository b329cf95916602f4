//! Parsing a frame: ours against etherparse. The cases are data; every one is a batch of frames that differ in addresses and
//! ports, as on a real link, so that no branch on them can be learnt.
//!
//!     cargo bench -p benches --bench parse

use std::fmt;
use std::hint::black_box;

use divan::Bencher;
use divan::counter::ItemsCount;
use etherparse::{NetSlice, SlicedPacket, TransportSlice};
use wire::{LinkType, Parsed, parse};

/// Frames in a batch: enough that their headers, 96 KiB, do not fit the first-level cache, as when they come from a ring.
const BATCH: usize = 1024;

fn main() {
    divan::main();
}

/// A kind of frame: its bytes before the TCP header and the TCP options.
struct Case {
    name: &'static str,
    before: &'static [u8],
    options: &'static [u8],
}

const TIMESTAMPS: &[u8] = &[1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2];
const SYN: &[u8] = &[2, 4, 5, 180, 4, 2, 8, 10, 0, 0, 0, 1, 0, 0, 0, 0, 1, 3, 3, 7];

const ETHERNET_IPV4: &[u8] = &[
    2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0, // Ethernet
    0x45, 0, 0, 100, 0x12, 0x34, 0x40, 0, 64, 6, 0, 0, 192, 0, 2, 1, 198, 51, 100, 2, // IPv4
];
const VLAN_IPV4: &[u8] = &[
    2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 0x81, 0, 0, 5, 8, 0, // Ethernet, 802.1Q
    0x45, 0, 0, 100, 0x12, 0x34, 0x40, 0, 64, 6, 0, 0, 192, 0, 2, 1, 198, 51, 100, 2, // IPv4
];
const ETHERNET_IPV6: &[u8] = &[
    2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 0x86, 0xdd, // Ethernet
    0x60, 0, 0, 0, 0, 80, 6, 64, // IPv6
    0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, // source
    0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, // destination
];

const CASES: &[Case] = &[
    Case { name: "ipv4", before: ETHERNET_IPV4, options: &[] },
    Case { name: "ipv4_timestamps", before: ETHERNET_IPV4, options: TIMESTAMPS },
    Case { name: "ipv4_syn", before: ETHERNET_IPV4, options: SYN },
    Case { name: "vlan_ipv4_timestamps", before: VLAN_IPV4, options: TIMESTAMPS },
    Case { name: "ipv6_timestamps", before: ETHERNET_IPV6, options: TIMESTAMPS },
];

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

impl Case {
    fn frames(&self) -> Vec<Vec<u8>> {
        (0..BATCH as u32).map(|index| self.frame(index.wrapping_mul(0x9e37_79b9))).collect()
    }

    /// A frame of 100 bytes of IPv4, or 120 of IPv6, whose addresses and ports follow from `salt`.
    fn frame(&self, salt: u32) -> Vec<u8> {
        let [a, b, c, d] = salt.to_be_bytes();
        let offset = (5 + self.options.len() as u8 / 4) << 4;
        let mut frame = self.before.to_vec();
        let last = frame.len() - 1;
        (frame[last], frame[last - 1]) = (a, b);
        frame.extend([a, b, c, d, 0, 0, 3, 0xe8, 0, 0, 7, 0xd0, offset, 0x10, 2, 0, 0, 0, 0, 0]);
        frame.extend(self.options);
        frame.resize(self.before.len() + 80, 0);
        frame
    }
}

#[divan::bench(args = CASES)]
fn ours(bencher: Bencher<'_, '_>, case: &Case) {
    let frames = case.frames();
    bencher.counter(ItemsCount::new(BATCH)).bench(|| {
        for frame in &frames {
            let parsed = parse(black_box(LinkType::Ethernet), black_box(frame), frame.len() as u32);
            assert!(matches!(black_box(&parsed), Parsed::Tcp(_)));
        }
    });
}

/// Etherparse's slices alone: nothing is read from them yet, no key is built, no option is looked at.
#[divan::bench(args = CASES)]
fn etherparse_slices(bencher: Bencher<'_, '_>, case: &Case) {
    let frames = case.frames();
    bencher.counter(ItemsCount::new(BATCH)).bench(|| {
        for frame in &frames {
            let sliced = SlicedPacket::from_ethernet(black_box(frame));
            assert!(black_box(&sliced).as_ref().is_ok_and(|sliced| sliced.transport.is_some()));
        }
    });
}

/// Etherparse's slices and from them what a [`wire::Segment`] holds, but for the key's order.
#[divan::bench(args = CASES)]
fn etherparse_values(bencher: Bencher<'_, '_>, case: &Case) {
    let frames = case.frames();
    bencher.counter(ItemsCount::new(BATCH)).bench(|| {
        for frame in &frames {
            let Ok(sliced) = SlicedPacket::from_ethernet(black_box(frame)) else { continue };
            let Some(TransportSlice::Tcp(tcp)) = &sliced.transport else { continue };
            match &sliced.net {
                Some(NetSlice::Ipv4(ip)) => {
                    let ip = ip.header();
                    black_box((ip.source(), ip.destination(), ip.ttl(), ip.identification(), ip.total_len()));
                }
                Some(NetSlice::Ipv6(ip)) => {
                    let ip = ip.header();
                    black_box((ip.source(), ip.destination(), ip.hop_limit(), ip.payload_length()));
                }
                _ => continue,
            }
            black_box((tcp.source_port(), tcp.destination_port(), tcp.sequence_number(), tcp.acknowledgment_number()));
            let flags =
                [tcp.syn(), tcp.fin(), tcp.rst(), tcp.ack(), tcp.psh(), tcp.urg(), tcp.ece(), tcp.cwr(), tcp.ns()];
            black_box((flags, tcp.window_size(), tcp.urgent_pointer(), tcp.header_slice().len(), tcp.payload().len()));
            for option in tcp.options_iterator() {
                black_box(&option).as_ref().ok();
            }
        }
    });
}
