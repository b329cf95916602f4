//! A capture gives the same campaign for any number of shards, and for any split over sources.
#![allow(clippy::expect_used, clippy::panic, reason = "a test fails by panicking, its helpers too")]

mod support;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use wire::{End, LinkType, Parsed};

/// The tables of a campaign as text, each sorted. Rows of one bin of the intervals table add up to the truth, however many
/// there are, so they are added up; `live` stands in the last of them.
fn tables(campaign: &Path) -> BTreeMap<&'static str, Vec<String>> {
    let sorted = |table: &str| {
        let mut lines: Vec<String> =
            support::report(table, campaign, &["--format", "csv"]).lines().map(str::to_owned).collect();
        lines.sort();
        lines
    };
    let mut tables: BTreeMap<_, _> = ["connections", "headers", "events"].map(|table| (table, sorted(table))).into();
    tables.insert("intervals", bins(campaign));
    tables
}

fn bins(campaign: &Path) -> Vec<String> {
    use arrow_array::cast::AsArray;
    use arrow_array::types::{TimestampNanosecondType, UInt64Type};
    let campaign = recorder::Campaign::open(campaign).expect("a campaign");
    let schema = recorder::columns::schema(recorder::Table::Intervals);
    let counts: Vec<usize> = (0..schema.fields().len())
        .filter(|&index| schema.field(index).data_type().is_integer() && schema.field(index).name() != "live")
        .collect();
    assert!(counts.len() > 10, "{schema}");
    let mut bins: BTreeMap<i64, Vec<u64>> = BTreeMap::new();
    for batch in campaign.scan(recorder::Table::Intervals) {
        let batch = batch.expect("a batch");
        let starts = batch.column_by_name("ts").expect("ts").as_primitive::<TimestampNanosecondType>();
        for row in 0..batch.num_rows() {
            let sums = bins.entry(starts.value(row)).or_insert_with(|| vec![0; counts.len()]);
            for (sum, &column) in sums.iter_mut().zip(&counts) {
                *sum += batch.column(column).as_primitive::<UInt64Type>().value(row);
            }
        }
    }
    bins.into_iter().map(|(start, sums)| format!("{start} {sums:?}")).collect()
}

/// Records, and gives the tables.
fn recorded(sources: &[PathBuf], options: &[&str]) -> BTreeMap<&'static str, Vec<String>> {
    let room = tempfile::tempdir().expect("a temporary directory");
    let campaign = room.path().join("campaign");
    support::record(sources, &campaign, options).expect(&[0, 3]);
    tables(&campaign)
}

#[track_caller]
fn assert_same(
    expected: &BTreeMap<&'static str, Vec<String>>,
    found: &BTreeMap<&'static str, Vec<String>>,
    what: &str,
) {
    for (table, lines) in expected {
        let found = &found[table];
        let difference = lines.iter().zip(found).find(|(a, b)| a != b);
        assert_eq!(lines.len(), found.len(), "{what}: rows of {table}; {difference:?}");
        assert!(difference.is_none(), "{what}: {table} differs: {difference:#?}");
    }
}

/// The frames of a nanosecond pcap file in this machine's byte order, as the simulator writes them.
struct Capture {
    header: Vec<u8>,
    records: Vec<Vec<u8>>,
}

impl Capture {
    const HEADER: usize = 24;

    fn read(path: &Path) -> Self {
        let bytes = fs::read(path).expect("a capture");
        assert_eq!(bytes[..4], 0xa1b2_3c4d_u32.to_le_bytes(), "a nanosecond pcap file");
        let (header, mut rest) = bytes.split_at(Self::HEADER);
        let mut records = Vec::new();
        while !rest.is_empty() {
            let captured = u32::from_le_bytes(rest[8..12].try_into().expect("four bytes")) as usize;
            let (record, after) = rest.split_at(16 + captured);
            records.push(record.to_vec());
            rest = after;
        }
        Self { header: header.to_vec(), records }
    }

    /// Writes a file for each value that `part` takes.
    fn split(&self, room: &Path, parts: usize, part: impl Fn(usize, &[u8]) -> usize) -> Vec<PathBuf> {
        let mut files = vec![self.header.clone(); parts];
        for (index, record) in self.records.iter().enumerate() {
            files[part(index, &record[16..])].extend_from_slice(record);
        }
        let paths: Vec<PathBuf> = (0..parts).map(|part| room.join(format!("part-{part}.pcap"))).collect();
        for (path, bytes) in paths.iter().zip(files) {
            fs::write(path, bytes).expect("a file");
        }
        paths
    }
}

fn segment(frame: &[u8]) -> Option<wire::Segment> {
    match wire::parse(LinkType::Ethernet, frame, frame.len() as u32) {
        Parsed::Tcp(tcp) => Some(tcp.segment),
        _ => None,
    }
}

#[test]
fn the_number_of_shards_and_the_size_of_batches_change_nothing() {
    let room = tempfile::tempdir().expect("a temporary directory");
    let capture = [support::uplink(room.path(), "uplink-lossy", 300)];
    let small = room.path().join("small.toml");
    fs::write(&small, "[capture]\nbatch = 3\nring = 2\n").expect("a file");
    let small = small.to_str().expect("UTF-8");
    let one = recorded(&capture, &["--shards", "1"]);
    assert!(one["connections"].len() > 300, "{}", one["connections"].len());
    for options in [vec!["--shards", "2"], vec!["--shards", "8"], vec!["--shards", "3", "--config", small]] {
        assert_same(&one, &recorded(&capture, &options), &options.join(" "));
    }
}

#[test]
fn all_real_captures_in_one_campaign_do_not_depend_on_shards() {
    let Some(data) = support::data() else { return };
    let directory = [data.join("pcap")];
    let one = recorded(&directory, &["--shards", "1"]);
    assert!(one["connections"].len() > 5_000, "{}", one["connections"].len());
    for shards in ["2", "8"] {
        assert_same(&one, &recorded(&directory, &["--shards", shards]), &format!("{shards} shards"));
    }
}

#[test]
fn one_frame_from_the_far_future_ends_no_connection_but_perhaps_its_own() {
    let room = tempfile::tempdir().expect("a temporary directory");
    let path = support::uplink(room.path(), "uplink-lossy", 100);
    let unharmed = recorded(std::slice::from_ref(&path), &["--shards", "1"]);
    let capture = Capture::read(&path);
    let middle = capture.records.len() / 2;
    let is_tcp = |record: &&Vec<u8>| segment(&record[16..]).is_some();
    let place =
        |tcp: bool| middle + capture.records[middle..].iter().position(|record| is_tcp(&record) == tcp).expect("one");
    for tcp in [false, true] {
        let mut records = capture.records.clone();
        let seconds = u32::from_le_bytes(records[place(tcp)][..4].try_into().expect("four bytes")) + 20 * 365 * 86_400;
        records[place(tcp)][..4].copy_from_slice(&seconds.to_le_bytes());
        let harmed = Capture { header: capture.header.clone(), records }.split(room.path(), 1, |_, _| 0);
        let one = recorded(&harmed, &["--shards", "1"]);
        if tcp {
            let same = unharmed["connections"].iter().filter(|row| one["connections"].contains(row)).count();
            assert!(same + 1 >= unharmed["connections"].len(), "{same} are as they were");
        } else {
            for table in ["connections", "headers"] {
                assert!(unharmed[table] == one[table], "{table}: what is no TCP harms nobody");
            }
        }
        for shards in ["2", "8"] {
            assert_same(&one, &recorded(&harmed, &["--shards", shards]), &format!("{shards} shards"));
        }
    }
}

#[test]
fn a_capture_split_over_sources_by_flow_time_or_direction_gives_the_same_campaign() {
    let room = tempfile::tempdir().expect("a temporary directory");
    let path = support::uplink(room.path(), "uplink-lossy", 200);
    let capture = Capture::read(&path);
    let count = capture.records.len();
    let whole = recorded(&[path], &["--shards", "2"]);

    let hasher = wire::FlowHasher::new(1);
    let by_flow = capture
        .split(room.path(), 3, |_, frame| segment(frame).map_or(0, |segment| hasher.hash(&segment.key) as usize % 3));
    assert_same(&whole, &recorded(&by_flow, &["--shards", "2"]), "split by flow");
    let by_time = capture.split(room.path(), 2, |index, _| usize::from(index >= count / 2));
    assert_same(&whole, &recorded(&by_time, &["--shards", "2"]), "split by time");
    let backwards: Vec<PathBuf> = by_time.into_iter().rev().collect();
    assert_same(&whole, &recorded(&backwards, &["--shards", "2"]), "split by time, named in the wrong order");
    let by_direction = capture
        .split(room.path(), 2, |_, frame| segment(frame).map_or(0, |segment| usize::from(segment.sender == End::High)));
    assert_same(&whole, &recorded(&by_direction, &["--shards", "2"]), "split by direction");
}
