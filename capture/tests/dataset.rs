//! Every capture of the data set: as many packets as others find in it, hostile files survived.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by a panic, in its helpers too")]

mod common;

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Instant;

use capture::SourceError;
use common::{data, read};

/// Rows of an index: file name, and the number of packets if it is known.
fn index(folder: &Path, column: &str) -> BTreeMap<String, Option<usize>> {
    let mut reader = csv::Reader::from_path(folder.join("INDEX.csv")).unwrap();
    let rows: Vec<BTreeMap<String, String>> = reader.deserialize().map(Result::unwrap).collect();
    rows.iter().map(|row| (row["file"].clone(), row[column].parse().ok())).collect()
}

/// Four of its packets claim to be of later centuries.
const BEYOND_TIME: &str = "lightpcapng__results__packets.merged.pcapng";

#[test]
fn every_capture_has_as_many_packets_as_its_index_says() {
    let Some(data) = data() else { return };
    let mut files = 0;
    for (index, folder) in
        [(index(&data.join("dev"), "packets"), "dev/pcap"), (index(&data.join("dev/large"), "packets"), "dev/large")]
    {
        for (file, packets) in index {
            let (frames, problems) = read(&data.join(folder).join(&file)).unwrap();
            let is_expected = |problem: &SourceError| matches!(problem, SourceError::BeyondTime { packets: 4, .. });
            match file.as_str() {
                BEYOND_TIME => {
                    assert!(matches!(problems.as_slice(), [problem] if is_expected(problem)), "{problems:?}")
                }
                _ => assert!(problems.is_empty(), "{file}: {problems:?}"),
            }
            assert_eq!(Some(frames.len()), packets, "{file}");
            files += 1;
        }
    }
    assert!(files > 700, "{files}");
}

/// What libpcap counts otherwise in hostile files, or not at all.
const EXPLAINED: [(&str, usize); 2] = [
    // libpcap refuses a second interface with another snapshot length; the packets are whole.
    ("pcapplusplus__PacketExamples__ipv4-malformed.pcap", 2),
    // A link type that libpcap does not know is nothing that a reader of files stumbles over: the parser rejects by name.
    ("pcapplusplus__regression_samples__clusterfuzz-testcase-minimized-FuzzTarget-5631583764873216.pcap", 1),
];

#[test]
fn every_hostile_capture_gives_its_packets_or_a_clear_refusal() {
    let Some(data) = data() else { return };
    let folder = data.join("dev/hostile");
    let explained = BTreeMap::from(EXPLAINED);
    let mut wrong = Vec::new();
    for (file, packets) in index(&folder, "libpcap_packets") {
        let started = now();
        let outcome = read(&folder.join(&file));
        assert!(started.elapsed().as_secs() < 2, "{file} takes too long");
        let expected = explained.get(file.as_str()).copied().or(packets);
        match outcome {
            Ok((frames, problems)) if Some(frames.len()) == expected => {
                assert!(problems.len() <= 1, "{file}: {problems:?}");
            }
            Ok((frames, problems)) => wrong.push(format!("{file}: {} not {expected:?}, {problems:?}", frames.len())),
            Err(SourceError::NotACapture { .. }) if packets.is_none() => {}
            Err(error) => wrong.push(format!("{file}: {error}")),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_whole_data_set_as_one_directory_comes_in_time_order() {
    let Some(data) = data() else { return };
    let (frames, problems) = read(&data.join("dev/large")).unwrap();
    // The index and its like are no captures, nor is a folder.
    let harmless = |problem: &_| matches!(problem, SourceError::NotACapture { .. } | SourceError::Skipped { .. });
    assert!(problems.iter().all(harmless), "{problems:?}");
    assert_eq!(frames.len(), 82_582 + 35_124 + 15_712);
}

#[expect(clippy::disallowed_methods, reason = "a bound on how long a hostile file may take")]
fn now() -> Instant {
    Instant::now()
}
