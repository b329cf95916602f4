//! Rows come back as they went in: through the journal, and through Parquet.
#![allow(clippy::expect_used, clippy::unwrap_used, clippy::panic, reason = "a test may panic")]

mod common;

use arrow_array::RecordBatch;
use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, TimestampNanosecondType, UInt16Type, UInt32Type, UInt64Type};
use common::{drain, record, start};
use conntrack::{Detail, Event, Header, Record, Sink};
use proptest::prelude::*;
use recorder::{Campaign, Encoder, Table, TcpView};
use wire::{Direction, Endpoint, Family, Interval, Nanos};

/// All that goes in.
#[derive(Clone, Debug)]
struct Rows {
    records: Vec<Record>,
    headers: Vec<(u64, u8, i64, Vec<u8>)>,
    events: Vec<Event>,
    bins: Vec<i64>,
}

/// Any instant at which a bin can still begin and end.
fn instants() -> impl Strategy<Value = i64> {
    prop_oneof![any::<i64>(), common::EPOCH..common::EPOCH + 1_000_000_000_000]
}

fn records() -> impl Strategy<Value = Record> {
    let parts =
        (any::<u64>(), instants(), instants(), any::<[u8; 16]>(), any::<u16>(), any::<bool>(), any::<Option<u64>>());
    parts.prop_map(|(uid, ts, closed, addr, port, v6, bytes)| {
        let mut row = record(uid % 10_000);
        row.uid = uid;
        row.ts = Nanos(ts);
        row.at.closed = (closed % 3 != 0).then_some(Nanos(closed));
        row.family = if v6 { Family::V6 } else { Family::V4 };
        row.endpoints[1] =
            if v6 { Endpoint::v6(addr, port) } else { Endpoint::v4([addr[0], addr[1], addr[2], addr[3]], port) };
        row.halves[0].bytes = bytes;
        row
    })
}

fn rows() -> impl Strategy<Value = Rows> {
    let headers = (any::<u64>(), any::<u8>(), instants(), prop::collection::vec(any::<u8>(), 0..130));
    let events = (any::<Option<u64>>(), instants(), ".*").prop_map(|(uid, ts, detail)| Event {
        uid,
        ts: Nanos(ts),
        dir: None,
        detail: Detail::Lost(detail),
    });
    (
        prop::collection::vec(records(), 0..20),
        prop::collection::vec(headers, 0..50),
        prop::collection::vec(events, 0..10),
        prop::collection::vec(0..1_000_000i64, 0..20),
    )
        .prop_map(|(records, headers, events, bins)| Rows { records, headers, events, bins })
}

/// The rows of a table as text, one a row, sorted.
fn table(campaign: &Campaign, table: Table, row: impl Fn(&RecordBatch, usize) -> String) -> Vec<String> {
    let mut found = Vec::new();
    for batch in campaign.scan(table) {
        let batch = batch.expect("a readable batch");
        found.extend((0..batch.num_rows()).map(|at| row(&batch, at)));
    }
    found.sort();
    found
}

fn sorted(rows: impl Iterator<Item = String>) -> Vec<String> {
    let mut rows: Vec<String> = rows.collect();
    rows.sort();
    rows
}

fn number(batch: &RecordBatch, name: &str, row: usize) -> Option<u64> {
    batch[name].as_primitive_opt::<UInt64Type>().and_then(|column| column.iter().nth(row)).flatten()
}

fn instant(batch: &RecordBatch, name: &str, row: usize) -> Option<i64> {
    batch[name].as_primitive::<TimestampNanosecondType>().iter().nth(row).flatten()
}

fn check(campaign: &Campaign, rows: &Rows) {
    let connection = |row: &Record| {
        let duration = row.at.closed.unwrap_or(row.at.last).elapsed_since(row.ts) as f64 / 1e9;
        let (server, closed) = (row.endpoints[1], row.at.closed.map(|at| at.0));
        let (uid, ts, bytes) = (row.uid, row.ts.0, row.halves[0].bytes);
        format!(
            "{uid} {ts} {} {} {duration} {closed:?} {bytes:?} {}",
            server.ip(row.family),
            server.port,
            row.anomalies.iter().count()
        )
    };
    let found = table(campaign, Table::Connections, |batch, at| {
        let text = |name: &str| batch[name].as_string::<i32>().value(at);
        let port = batch["resp_p"].as_primitive::<UInt16Type>().value(at);
        let duration = batch["duration"].as_primitive::<Float64Type>().value(at);
        let (uid, ts) = (number(batch, "uid", at).unwrap(), instant(batch, "ts", at).unwrap());
        let (closed, bytes) = (instant(batch, "closed_ts", at), number(batch, "orig_bytes", at));
        let anomalies = batch["anomalies"].as_list::<i32>().value(at).len();
        format!("{uid} {ts} {} {port} {duration} {closed:?} {bytes:?} {anomalies}", text("resp_h"))
    });
    assert_eq!(found, sorted(rows.records.iter().map(connection)));

    let found = table(campaign, Table::Headers, |batch, at| {
        let seq = batch["seq"].as_primitive::<UInt32Type>().iter().nth(at).flatten();
        let (uid, ts) = (number(batch, "uid", at).unwrap(), instant(batch, "ts", at).unwrap());
        format!("{uid} {ts} {:?} {seq:?}", batch["bytes"].as_binary::<i32>().value(at))
    });
    let header =
        |(uid, _, ts, bytes): &(u64, u8, i64, Vec<u8>)| format!("{uid} {ts} {bytes:?} {:?}", TcpView::of(bytes).seq);
    assert_eq!(found, sorted(rows.headers.iter().map(header)));

    let found = table(campaign, Table::Events, |batch, at| {
        let detail = batch["detail"].as_string::<i32>().value(at);
        format!("{:?} {} {detail}", number(batch, "uid", at), instant(batch, "ts", at).unwrap())
    });
    assert_eq!(
        found,
        sorted(rows.events.iter().map(|event| format!("{:?} {} {}", event.uid, event.ts.0, event.detail)))
    );

    let opened: u64 =
        campaign.scan(Table::Intervals).map(|batch| sum(&batch.expect("a readable batch"), "opened")).sum();
    assert_eq!(opened, rows.bins.len() as u64);
}

fn sum(batch: &RecordBatch, name: &str) -> u64 {
    batch[name].as_primitive::<UInt64Type>().iter().flatten().sum()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn every_row_comes_back_from_the_journal_and_from_parquet(rows in rows()) {
        let dir = tempfile::tempdir().unwrap();
        let (mut recorder, mut encoder) = (start(dir.path()), Encoder::new(0));
        for row in &rows.records {
            encoder.record(*row);
        }
        for (uid, n, ts, bytes) in &rows.headers {
            encoder.header(Header { uid: *uid, n: *n, ts: Nanos(*ts), dir: Direction::Resp, wire_len: 40, payload_len: 0, bytes });
        }
        for event in &rows.events {
            encoder.event(event.clone());
        }
        for &bin in &rows.bins {
            encoder.interval(Interval { opened: 1, ..Interval::around(Nanos(bin), 10) });
        }
        encoder.flush(Nanos::MAX);
        drain(&mut encoder, &mut recorder);
        recorder.sync();
        check(&Campaign::open(dir.path()).unwrap(), &rows);
        prop_assert!(recorder.finish().failure.is_none());
        check(&Campaign::open(dir.path()).unwrap(), &rows);
    }
}

#[test]
fn rows_lie_under_the_day_of_their_ts_and_sorted() {
    let dir = tempfile::tempdir().unwrap();
    let (mut recorder, mut encoder) = (start(dir.path()), Encoder::new(0));
    let day = 86_400 * Nanos::PER_SECOND;
    for n in (0..500i64).rev() {
        let ts = Nanos(common::EPOCH + n * day / 100);
        encoder.record(Record { uid: n as u64, ts, ..record(0) });
    }
    // A broken clock: more days than a segment can hold on its own.
    for n in 0..400i64 {
        encoder.record(Record { uid: 1000 + n as u64, ts: Nanos(common::EPOCH + (n + 10) * day), ..record(0) });
    }
    encoder.flush(Nanos::MAX);
    drain(&mut encoder, &mut recorder);
    assert!(recorder.finish().failure.is_none());
    let mut days: Vec<_> =
        std::fs::read_dir(dir.path().join("connections")).unwrap().map(|day| day.unwrap().file_name()).collect();
    days.sort();
    assert_eq!(
        (days.len(), days[0].to_str(), days[4].to_str()),
        (367, Some("date=2026-11-22"), Some("date=2026-11-26"))
    );
    assert_eq!(days[366].to_str(), Some("date=__HIVE_DEFAULT_PARTITION__"));
    let campaign = Campaign::open(dir.path()).unwrap();
    let uids: Vec<u64> = campaign
        .scan_columns(Table::Connections, &["uid"])
        .unwrap()
        .flat_map(|batch| batch.unwrap()["uid"].as_primitive::<UInt64Type>().values().to_vec())
        .collect();
    assert_eq!(uids.len(), 900);
    assert!(uids[..500].is_sorted());
}
