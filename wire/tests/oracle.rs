//! The parser against Wireshark: for every capture of the data set, the segments and payload bytes of every pair of endpoints
//! must be those that tshark counted.

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

#[test]
fn every_pair_of_endpoints_has_the_segments_and_bytes_that_wireshark_counts() {
    let Some(data) = support::data() else { return };
    let mut differing = 0;
    for folder in ["dev", "dev/large"] {
        let folder = data.join(folder);
        let captures = if folder.join("pcap").is_dir() { folder.join("pcap") } else { folder.clone() };
        for capture in support::files(&captures) {
            let name = capture.file_name().unwrap().to_str().unwrap();
            let table = folder.join("oracle/tshark").join(format!("{name}.csv"));
            if !table.is_file() {
                eprintln!("no oracle for {name}");
                continue;
            }
            let (ours, theirs) = (ours(&capture), tsharks(&table));
            if ours != theirs {
                differing += 1;
                eprintln!("DIFF {name}");
                let mut shown = 0;
                for (ends, count) in &ours {
                    if theirs.get(ends) != Some(count) && shown < 4 {
                        shown += 1;
                        eprintln!("   ours {ends:?} {count:?} theirs {:?}", theirs.get(ends));
                    }
                }
                for (ends, count) in &theirs {
                    if !ours.contains_key(ends) && shown < 6 {
                        shown += 1;
                        eprintln!("   only theirs {ends:?} {count:?}");
                    }
                }
            }
        }
    }
    assert_eq!(differing, 0);
}
