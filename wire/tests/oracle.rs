//! The parser against Wireshark: for every capture of the data set, the segments and payload bytes of every pair of endpoints
//! must be those that tshark counted.

#![allow(clippy::unwrap_used, reason = "a test says so when the data set is broken")]

mod support;

use std::collections::BTreeMap;
use std::path::Path;

use wire::{End, Parsed, TcpFrame, parse};

/// Segments and payload bytes by pair of endpoints.
type Counts = BTreeMap<[String; 2], (u64, u64)>;

fn ours(capture: &Path) -> Counts {
    let mut counts = Counts::new();
    support::frames(capture, |link, bytes, wire_len| {
        if let Parsed::Tcp(frame) = parse(link, bytes, wire_len) {
            let count = counts.entry(ends(&frame)).or_default();
            count.0 += 1;
            count.1 += u64::from(frame.segment.payload_len);
        }
    });
    counts
}

fn ends(frame: &TcpFrame<'_>) -> [String; 2] {
    let mut ends = [End::Low, End::High].map(|end| {
        let endpoint = frame.segment.key.endpoint(end);
        format!("{} {}", endpoint.ip(frame.segment.key.family()), endpoint.port)
    });
    ends.sort();
    ends
}

fn tsharks(table: &Path) -> Counts {
    let mut counts = Counts::new();
    let mut reader = csv::Reader::from_path(table).unwrap();
    for row in reader.deserialize() {
        let row: BTreeMap<String, String> = row.unwrap();
        let number = |name: &str| row[name].parse::<u64>().unwrap();
        let mut ends =
            [["init_ip", "init_port"], ["resp_ip", "resp_port"]].map(|[ip, port]| format!("{} {}", row[ip], row[port]));
        ends.sort();
        let count = counts.entry(ends).or_default();
        count.0 += number("pkts_i") + number("pkts_r");
        count.1 += number("bytes_i") + number("bytes_r");
    }
    counts
}

/// Why a capture differs.
#[derive(Clone, Copy)]
enum Cause {
    /// Wireshark reassembles fragmented datagrams; we count the first fragment, with its own length, or reject it as too tiny
    /// to hold the TCP header.
    Fragments,
    /// Wireshark decompresses IPComp payloads.
    Compression,
    /// The IP header's length is beyond the frame, and its checksum holds: something cut the packet, and we count what was
    /// sent, as long as twenty bytes of TCP are left. Wireshark counts what is there.
    Cut,
    /// The IP header's length is beyond the frame, and its checksum does not hold: damaged, so rejected. Zeek too leaves it out.
    Damaged,
    /// The TCP header's length is below twenty bytes or beyond the datagram: rejected. Zeek too leaves it out.
    BadTcp,
    /// The samples in an sFlow datagram were not seen here but copied from elsewhere: that is UDP to us.
    Sampled,
    /// Wireshark looks for Teredo on its port alone, but clients and relays exchange data on any.
    Relayed,
    /// A mobile sender is known to its peer by its home address: so to us and to Zeek. Wireshark shows the care-of address.
    HomeAddress,
}

/// Every capture that differs: why, and by how many segments and bytes we have more.
const DIFFERENCES: &[(&str, Cause, i64, i64)] = &[
    ("deb-ndpi__nDPI-4.2__ip_fragmented_garbage.pcap", Cause::Fragments, -29, -144572),
    ("libpcap__filter__AH-IPcomp-IPv6.pcap", Cause::Compression, -7, -4484),
    ("ndpi__ajp.pcap", Cause::Cut, 0, 16),
    ("ndpi__ndpi_match_string_subprotocol__error.pcapng", Cause::Damaged, -1, -522),
    ("pcapplusplus__expected_output__ipfragutil_ip_ids.pcap", Cause::Fragments, 0, -648),
    ("suricata-verify__bug-6887-defrag-eth-vlan-ipv4-tcp-syn__frag-eth-vlan-ip-tcp-syn.pcap", Cause::Fragments, -1, 0),
    ("suricata-verify__bug-6887-defrag-eth-vlan-ipv6-tcp__frag-eth-vlan-ipv6-tcp.pcap", Cause::Fragments, 0, -580),
    ("suricata-verify__bug-6887-defrag-ipv6-tcp__frag-ip-tcp.pcap", Cause::Fragments, 0, -556),
    ("suricata-verify__bug-6887-defrag-ppp-ipv6-tcp__frag-ppp-ipv6-tcp.pcap", Cause::Fragments, 0, -564),
    ("suricata-verify__bug-76__input.pcap", Cause::Damaged, -3, -1391),
    ("suricata-verify__drop-protocol-change__input.pcap", Cause::BadTcp, -1, -37),
    ("suricata-verify__filestore-5408__input.pcap", Cause::Sampled, -2, 0),
    ("suricata-verify__transform-base64-7296__input.pcap", Cause::BadTcp, -2, 0),
    ("tcpreplay__test.rewrite_efcs.pcap", Cause::Cut, -6, 204),
    ("tcptrace__fast_reuse.dmp", Cause::Cut, 0, 173232),
    ("tcptrace__tcpudp.dmp", Cause::Cut, 0, 20),
    ("zeek__chksums__ip6-hoa-tcp-bad-chksum.pcap", Cause::HomeAddress, 0, 0),
    ("zeek__chksums__ip6-hoa-tcp-good-chksum.pcap", Cause::HomeAddress, 0, 0),
    ("zeek__tcp__reassembly.pcap", Cause::Cut, 0, 64),
    ("zeek__tunnels__Teredo.pcap", Cause::Relayed, 22, 12142),
];

#[test]
fn every_pair_of_endpoints_has_the_segments_and_bytes_that_wireshark_counts() {
    let Some(data) = support::data() else { return };
    let mut compared = 0;
    let mut differing = Vec::new();
    for (captures, tables) in [("dev/pcap", "dev/oracle/tshark"), ("dev/large", "dev/large/oracle/tshark")] {
        for capture in support::files(&data.join(captures)) {
            let name = capture.file_name().unwrap().to_str().unwrap();
            let table = data.join(tables).join(format!("{name}.csv"));
            if !table.is_file() {
                continue;
            }
            compared += 1;
            let (ours, theirs) = (ours(&capture), tsharks(&table));
            if ours != theirs {
                let (a, b) = (total(&ours), total(&theirs));
                differing.push((name.to_owned(), a.0 - b.0, a.1 - b.1));
            }
        }
    }
    let expected: Vec<_> = DIFFERENCES.iter().map(|&(name, _, pkts, bytes)| (name.to_owned(), pkts, bytes)).collect();
    assert_eq!(differing, expected);
    assert!(compared > 700, "only {compared} captures were compared");
}

/// Segments and bytes of all pairs.
fn total(counts: &Counts) -> (i64, i64) {
    counts.values().fold((0, 0), |(pkts, bytes), count| (pkts + count.0 as i64, bytes + count.1 as i64))
}
