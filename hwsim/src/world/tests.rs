use std::collections::HashMap;

use wire::TcpFlags;

use super::*;
use crate::scenario::{SCENARIOS, find};

/// Keeps a digest of all that is told, and looks at each frame.
#[derive(Default)]
struct Witness {
    digest: u64,
    rows: Vec<String>,
    last: Option<Nanos>,
    frames: u64,
    tcp: HashMap<(Vec<u8>, [u8; 4]), u64>,
}

impl Witness {
    /// FNV-1a.
    fn digest(&mut self, bytes: &[u8]) {
        self.digest =
            bytes.iter().fold(self.digest, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3));
    }
}

impl Tap for Witness {
    fn frame(&mut self, ts: Nanos, frame: &Frame<'_>) -> io::Result<()> {
        assert!(self.last.is_none_or(|last| last <= ts), "time never runs backwards");
        self.last = Some(ts);
        self.frames += 1;
        self.digest(&ts.0.to_le_bytes());
        self.digest(frame.bytes);
        assert_sums(frame);
        if let Some((tuple, ports)) = tcp_tuple(frame.bytes) {
            *self.tcp.entry((tuple.to_vec(), ports)).or_default() += 1;
        }
        Ok(())
    }

    fn over(&mut self, truth: &Truth) -> io::Result<()> {
        let mut row = Vec::new();
        truth.write(&mut row);
        self.digest(&row);
        self.rows.push(String::from_utf8(row).unwrap());
        Ok(())
    }
}

/// The IP packet of a frame: IPv4, or IPv6 without extension headers.
fn ip(frame: &[u8]) -> Option<&[u8]> {
    let at = if frame[12..14] == [0x81, 0] { 16 } else { 12 };
    matches!(frame[at..at + 2], [0x08, 0x00] | [0x86, 0xdd]).then(|| &frame[at + 2..])
}

/// Addresses and ports of a TCP segment, by an eye of its own.
fn tcp_tuple(frame: &[u8]) -> Option<(&[u8], [u8; 4])> {
    let ip = ip(frame)?;
    let (protocol, addresses, at) = if ip[0] >> 4 == 4 { (ip[9], &ip[12..20], 20) } else { (ip[6], &ip[8..40], 40) };
    (protocol == 6).then(|| (addresses, ip[at..at + 4].try_into().unwrap()))
}

fn sum(bytes: &[u8]) -> u32 {
    let mut sum: u32 =
        bytes.chunks(2).map(|pair| u32::from(pair[0]) << 8 | u32::from(*pair.get(1).unwrap_or(&0))).sum();
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    sum
}

/// Checksums of IPv4 and of what it carries add up to all ones, where the frame is whole.
fn assert_sums(frame: &Frame<'_>) {
    let Some(ip) = ip(frame.bytes).filter(|_| frame.bytes.len() == frame.wire_len as usize) else { return };
    let (protocol, addresses, start) = match ip[0] >> 4 {
        4 => (ip[9], &ip[12..20], 20),
        _ => (ip[6], &ip[8..40], 40),
    };
    if start == 20 {
        assert_eq!(sum(&ip[..20]), 0xffff, "IPv4 header");
    }
    let datagram = &ip[start..frame.ip_len as usize];
    let mut pseudo = addresses.to_vec();
    pseudo.extend_from_slice(&[0, 0, 0, protocol]);
    pseudo.extend_from_slice(&(datagram.len() as u32).to_be_bytes());
    if protocol == 1 {
        pseudo.clear();
    }
    pseudo.extend_from_slice(datagram);
    assert_eq!(sum(&pseudo), 0xffff, "protocol {protocol}");
}

fn run(name: &str, seed: u64, extent: Extent, snaplen: u32) -> (Witness, Counters) {
    let mut witness = Witness::default();
    let mut world = World::new(find(name).unwrap(), seed, extent, snaplen, Resolution::Nanos);
    assert!(world.run(u64::MAX, &mut witness).unwrap());
    (witness, *world.counters())
}

fn extent(name: &str, connections: Option<u64>, seconds: Option<f64>, packets: Option<u64>) -> Extent {
    Extent::of(find(name).unwrap(), connections, seconds, packets)
}

fn column(rows: &[String], name: &str) -> Vec<String> {
    let at = crate::truth::COLUMNS.split(',').position(|column| column == name).unwrap();
    rows.iter().map(|row| row.trim_end().split(',').nth(at).unwrap().to_owned()).collect()
}

fn total(rows: &[String], name: &str) -> u64 {
    column(rows, name).iter().map(|value| value.parse::<u64>().unwrap()).sum()
}

#[test]
fn a_seed_gives_the_same_frames_and_truth_and_another_seed_others() {
    for scenario in SCENARIOS {
        let extent = extent(scenario.name, None, None, Some(5000));
        let digest = |seed| run(scenario.name, seed, extent, 96).0.digest;
        assert_eq!(digest(1), digest(1), "{}", scenario.name);
        assert_ne!(digest(1), digest(2), "{}", scenario.name);
    }
}

#[test]
fn whole_frames_have_right_checksums_in_every_scenario() {
    for scenario in SCENARIOS {
        let (witness, _) = run(scenario.name, 3, extent(scenario.name, None, None, Some(3_000)), 65_535);
        assert_eq!(witness.frames, 3_000, "{}", scenario.name);
    }
}

#[test]
fn the_truth_has_a_row_a_connection_and_its_packets_add_up_to_those_that_passed() {
    for (name, packets) in [("uplink-small", None), ("uplink-lossy", None), ("uplink-10g", Some(50_000))] {
        let (witness, counters) = run(name, 4, extent(name, None, None, packets), 96);
        let seen: u64 = witness.tcp.values().sum();
        assert_eq!(total(&witness.rows, "orig_pkts") + total(&witness.rows, "resp_pkts"), seen, "{name}");
        assert_eq!((counters.tcp, counters.connections), (seen, witness.rows.len() as u64), "{name}");
        assert_eq!(counters.frames, counters.tcp + counters.udp + counters.icmp + counters.arp, "{name}");
        assert!(witness.rows.iter().all(|row| row.split(',').count() == crate::truth::COLUMNS.split(',').count()));
    }
}

#[test]
fn without_loss_every_byte_is_seen_once_and_with_loss_some_twice() {
    let repeated = |name| {
        let (witness, _) = run(name, 5, extent(name, Some(500), None, None), 96);
        let of = |column: &str| {
            total(&witness.rows, &format!("orig_{column}")) + total(&witness.rows, &format!("resp_{column}"))
        };
        let again = ["rtx_fast", "rtx_timeout", "rtx_syn_data", "rtx_fin", "zero_window_probes"].map(of);
        (of("wire_bytes") - of("unique_bytes"), again.iter().sum::<u64>(), of("keepalives"))
    };
    let (bytes, again, keep_alives) = repeated("uplink-small");
    assert_eq!(again, 0);
    assert!(bytes <= keep_alives, "only keep-alives may carry a byte that was sent before");
    let (bytes, again, _) = repeated("uplink-lossy");
    assert!(bytes > 0 && again > 0);
}

#[test]
fn only_live_connections_are_held() {
    let held = |connections| {
        let scenario = find("syn-flood").unwrap();
        let extent = Extent::of(scenario, Some(connections), None, None);
        let mut world = World::new(scenario, 1, extent, 96, Resolution::Nanos);
        while !world.run(1000, &mut Nothing).unwrap() {}
        assert_eq!(world.counters.connections, connections);
        world.free.capacity()
    };
    assert!(held(80_000) <= 2 * held(20_000), "the table does not grow with the capture");
}

struct Nothing;

impl Tap for Nothing {
    fn frame(&mut self, _: Nanos, _: &Frame<'_>) -> io::Result<()> {
        Ok(())
    }

    fn over(&mut self, _: &Truth) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_number_of_connections_alone_runs_until_the_last_is_over() {
    let (witness, counters) = run("uplink-small", 6, extent("uplink-small", Some(300), None, None), 96);
    assert_eq!(counters.connections, 300);
    let ends = column(&witness.rows, "close_reason");
    let states = column(&witness.rows, "conn_state");
    let left = ends.iter().zip(&states).filter(|(end, _)| *end == "open").map(|(_, state)| state.as_str());
    assert!(left.into_iter().all(|state| state == "S1"), "open at the end are only the abandoned ones");
}

#[test]
fn the_end_cuts_sharply_and_the_packets_do_exactly() {
    let (witness, _) = run("uplink-small", 7, extent("uplink-small", None, Some(5.0), None), 96);
    let start = find("uplink-small").unwrap().start;
    assert!(witness.last.unwrap() < start.plus(5 * Nanos::PER_SECOND));
    assert!(witness.last.unwrap() > start.plus(4 * Nanos::PER_SECOND));
    let (witness, _) = run("uplink-10g", 7, extent("uplink-10g", None, None, Some(12_345)), 96);
    assert_eq!(witness.frames, 12_345);
}

#[test]
fn microseconds_are_in_the_truth_what_they_are_in_the_file() {
    let scenario = find("uplink-small").unwrap();
    let extent = Extent::of(scenario, Some(50), None, None);
    let mut world = World::new(scenario, 8, extent, 96, Resolution::Micros);
    let mut witness = Witness::default();
    world.run(u64::MAX, &mut witness).unwrap();
    assert!(column(&witness.rows, "last_ts").iter().all(|ts| ts.ends_with("000")));
}

#[test]
fn some_connections_wrap_their_sequence_numbers() {
    struct Wraps(HashMap<(Vec<u8>, [u8; 4]), u32>, u64);
    impl Tap for Wraps {
        fn frame(&mut self, _: Nanos, frame: &Frame<'_>) -> io::Result<()> {
            let Some((addresses, ports)) = tcp_tuple(frame.bytes) else { return Ok(()) };
            let ip = ip(frame.bytes).unwrap();
            let tcp = &ip[if ip[0] >> 4 == 4 { 20 } else { 40 }..];
            let seq = u32::from_be_bytes(tcp[4..8].try_into().unwrap());
            if TcpFlags(u16::from(tcp[13])).rst() {
                return Ok(());
            }
            let before = self.0.insert((addresses.to_vec(), ports), seq);
            self.1 += u64::from(before.is_some_and(|before| before > 0xffff_0000 && seq < 0x8000_0000));
            Ok(())
        }

        fn over(&mut self, _: &Truth) -> io::Result<()> {
            Ok(())
        }
    }
    let scenario = find("uplink-small").unwrap();
    let mut wraps = Wraps(HashMap::new(), 0);
    World::new(scenario, 9, Extent::of(scenario, None, None, None), 96, Resolution::Nanos)
        .run(u64::MAX, &mut wraps)
        .unwrap();
    assert!(wraps.1 >= 10, "{} wraps", wraps.1);
}
