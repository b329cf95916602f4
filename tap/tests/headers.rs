//! Headers exported as pcapng are those of the original captures, byte for byte and to the nanosecond.
#![allow(clippy::expect_used, clippy::panic, reason = "a test fails by panicking, its helpers too")]

mod support;

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use capture::{Polled, SourceError, SourceSpec};

/// Every field of the IPv4, IPv6 and TCP headers, as tshark dissects them.
const FIELDS: &str = "ip.hdr_len ip.dsfield ip.len ip.id ip.flags ip.frag_offset ip.ttl ip.proto ip.checksum ip.src ip.dst \
    ipv6.tclass ipv6.flow ipv6.plen ipv6.nxt ipv6.hlim ipv6.src ipv6.dst tcp.srcport tcp.dstport tcp.seq_raw tcp.ack_raw \
    tcp.hdr_len tcp.flags tcp.window_size_value tcp.checksum tcp.urgent_pointer tcp.options";

/// What tshark says of every packet with TCP: its time, then the fields of the innermost headers.
fn dissected(file: &Path) -> Vec<String> {
    fields(file, "tcp", FIELDS)
}

/// The instant, then `fields`, of every packet that passes a display filter.
fn fields(file: &Path, filter: &str, fields: &str) -> Vec<String> {
    let mut tshark = Command::new("tshark");
    tshark.arg("-r").arg(file).args(["-Y", filter, "-T", "fields", "-E", "occurrence=l", "-e", "frame.time_epoch"]);
    for preference in ["ip.defragment", "ipv6.defragment", "tcp.desegment_tcp_streams", "tcp.analyze_sequence_numbers"]
    {
        tshark.args(["-o", &format!("{preference}:FALSE")]);
    }
    for field in fields.split_whitespace() {
        tshark.args(["-e", field]);
    }
    let output = tshark.stdin(Stdio::null()).stderr(Stdio::null()).output().expect("tshark runs");
    assert!(output.status.success(), "tshark reads {}", file.display());
    String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect()
}

/// How many fields are those of the IPv4 header, and of the IPv6 header behind them; the instant stands before.
const V4: std::ops::Range<usize> = 1..12;
const V6: std::ops::Range<usize> = 12..19;

/// A packet with only its inner IP header. Of a tunnel from one version of IP to the other tshark gives both, and does not say which
/// is inside: then it is either.
fn innermost(packet: &str) -> Vec<String> {
    let fields: Vec<&str> = packet.split('\t').collect();
    let without = |range: &std::ops::Range<usize>| {
        let kept = fields.iter().enumerate().map(|(index, field)| if range.contains(&index) { "" } else { field });
        kept.collect::<Vec<_>>().join("\t")
    };
    if fields[V4.start].is_empty() || fields[V6.start].is_empty() {
        return vec![packet.to_owned()];
    }
    vec![without(&V4), without(&V6)]
}

/// The frames of a capture file by their instant.
fn frames(file: &Path) -> HashMap<i64, Vec<Vec<u8>>> {
    let spec: SourceSpec = format!("pcap:{}", file.display()).parse().expect("a source");
    let mut source = spec.open().expect("a capture").remove(0);
    let mut frames: HashMap<i64, Vec<Vec<u8>>> = HashMap::new();
    loop {
        match source.poll(&mut |frame| frames.entry(frame.ts.0).or_default().push(frame.bytes.to_vec())) {
            Ok(Polled::End) => return frames,
            // Four packets of the data set claim to be of later centuries.
            Ok(_) | Err(SourceError::BeyondTime { .. }) => {}
            Err(error) => panic!("{}: {error}", file.display()),
        }
    }
}

/// All captures of a directory in one file, which keeps link types and nanoseconds.
fn merged(directory: &Path, to: &Path) {
    let captures = support::captures(directory);
    let status = Command::new("mergecap").arg("-a").arg("-w").arg(to).args(&captures).stderr(Stdio::null()).status();
    assert!(status.expect("mergecap runs").success(), "mergecap merges {}", directory.display());
}

/// Packets that are in `these` more often than in `those`.
fn missing<'a>(these: &'a [String], those: &[String]) -> Vec<&'a String> {
    let mut left: HashMap<&str, u64> = HashMap::new();
    for packet in those {
        *left.entry(packet).or_default() += 1;
    }
    let is_missing = |packet: &&String| match left.get_mut(packet.as_str()) {
        Some(count) if *count > 0 => {
            *count -= 1;
            false
        }
        _ => true,
    };
    these.iter().filter(is_missing).collect()
}

fn compare(original: &Path, source: PathBuf, room: &Path) {
    let (campaign, exported) = (room.join("campaign"), room.join("headers.pcapng"));
    support::record(&[source], &campaign, &[]).expect(&[0, 3]);
    support::report("headers", &campaign, &["--format", "pcapng", "-o", exported.to_str().expect("UTF-8")]);

    let connections = support::connections(&campaign);
    let packets = |row: &support::Row| support::number(row, "orig_pkts") + support::number(row, "resp_pkts");
    let expected: u64 = connections.iter().map(|row| packets(row).min(100)).sum();
    let bytes = frames(&exported);
    assert_eq!(
        bytes.values().map(|headers| headers.len() as u64).sum::<u64>(),
        expected,
        "the first hundred of every connection"
    );
    // tshark does not look for TCP in the first fragments of a datagram: those are compared as bytes only.
    let headers = dissected(&exported);
    assert!(headers.len() as u64 + 10 > expected, "{} of {expected} are TCP", headers.len());

    let originals: Vec<String> = dissected(original).iter().flat_map(|packet| innermost(packet)).collect();
    // In Cisco FabricPath tshark takes the last four bytes of a frame for a checksum, and so cuts options short: bytes only.
    let misread = fields(original, "cfp", "");
    let mut strangers = missing(&headers, &originals);
    // Teredo it finds on the relays' port alone, we by its prefix on any.
    let teredo = |packet: &str| packet.split('\t').any(|field| field.starts_with("2001:0:"));
    strangers.retain(|packet| !teredo(packet) && !misread.iter().any(|instant| packet.starts_with(instant.as_str())));
    assert!(
        strangers.is_empty(),
        "{} of {} are not in the original: {:#?}",
        strangers.len(),
        headers.len(),
        &strangers[..strangers.len().min(5)]
    );

    let originals = frames(original);
    let is_part = |header: &[u8], frame: &Vec<u8>| frame.windows(header.len()).any(|window| window == header);
    let mut strangers = HashSet::new();
    for (instant, headers) in bytes {
        for header in headers {
            if !originals.get(&instant).is_some_and(|frames| frames.iter().any(|frame| is_part(&header, frame))) {
                strangers.insert((instant, header));
            }
        }
    }
    assert!(
        strangers.is_empty(),
        "{} headers are not bytes of a frame of their instant: {:?}",
        strangers.len(),
        strangers.iter().next()
    );
}

#[test]
fn exported_headers_equal_the_originals_over_the_data_set() {
    let Some(data) = support::data() else { return };
    if !support::tools(&["tshark", "mergecap"]) {
        return;
    }
    let room = tempfile::tempdir().expect("a temporary directory");
    let original = room.path().join("original.pcapng");
    merged(&data.join("pcap"), &original);
    compare(&original, data.join("pcap"), room.path());
}

#[test]
fn exported_headers_equal_those_of_a_simulated_uplink() {
    if !support::tools(&["tshark"]) {
        return;
    }
    let room = tempfile::tempdir().expect("a temporary directory");
    let original = support::uplink(room.path(), "uplink-small", 200);
    compare(&original.clone(), original, room.path());
}
