//! Rows and campaigns for tests.
#![allow(dead_code, reason = "each test uses its own part")]
#![allow(clippy::expect_used, reason = "a test may panic")]

pub mod faulty_disk;
pub mod refusing_disk;
pub mod sick_disk;

use std::ops::Range;
use std::path::Path;

use arrow_array::cast::AsArray;
use arrow_array::types::UInt64Type;
use conntrack::{
    Anomalies, Anomaly, BurstsRecord, CloseReason, ConnState, Detail, DirectionBy, Event, EventCounts, HalfRecord,
    Header, History, Instants, RatesRecord, Record, RttRecord, SegmentsRecord, Sink, TcpState,
};
use recorder::{Campaign, Config, Encoder, Ledger, Manifest, Recorder, Software, SourceEntry, Table, verify};
use wire::{Direction, Endpoint, Family, Interval, Nanos, TunnelKind};

/// 2026-11-22 00:00:00 UTC.
pub const EPOCH: i64 = 1_795_305_600_000_000_000;

/// A second later.
pub const NOW: Nanos = Nanos(EPOCH + 1_000_000_000);

/// A gap of 1 ms between packets that came a millisecond apart, all in one train and two flights.
fn rates(pkts: u64) -> RatesRecord {
    let train = BurstsRecord { count: 1, bytes: pkts * 1448, bytes_max: pkts * 1448, duration: (pkts - 1) * 1_000_000 };
    RatesRecord {
        gap_sum: (pkts - 1) * 1_000_000,
        gap_square_sum: u128::from(pkts - 1) * 1_000_000_000_000,
        peaks: [pkts.min(10) * 1448, pkts.min(100) * 1448, pkts.min(1000) * 1448],
        trains: train,
        flights: BurstsRecord { count: 2, ..train },
        slow_start: Some((Nanos(EPOCH), 1448)),
    }
}

pub fn half(pkts: u64) -> HalfRecord {
    HalfRecord {
        state: TcpState::TimeWait,
        pkts,
        ip_bytes: pkts * 1500,
        bytes: Some(pkts * 1448),
        wire_bytes: pkts * 1448,
        unique_bytes: pkts * 1448,
        missed_bytes: Some(0),
        syn_pkts: 1,
        fin_pkts: 1,
        rst_pkts: 0,
        window_min: Some(1024),
        window_max: None,
        mss: Some(1460),
        wscale: Some(7),
        sack_ok: Some(true),
        tsopt: true,
        ecn: false,
        ttl_min: Some(63),
        ttl_max: Some(64),
        rates: rates(pkts),
        accecn: false,
        segments: SegmentsRecord::default(),
        rtt: RttRecord::default(),
        rtt_ts: RttRecord::default(),
    }
}

/// Connection number `n`, which has three headers.
pub fn record(n: u64) -> Record {
    let ts = Nanos(EPOCH + n as i64 * 1_000_001);
    let mut history = History::new();
    b"ShADadFf".iter().for_each(|&letter| history.push(letter));
    let mut anomalies = Anomalies::default();
    if n.is_multiple_of(3) {
        anomalies.insert(Anomaly::OutOfWindow);
        anomalies.insert(Anomaly::BadOptions);
    }
    let [.., a, b] = n.to_be_bytes();
    Record {
        uid: n.wrapping_mul(0x9e37_79b9_7f4a_7c15),
        ts,
        family: Family::V4,
        endpoints: [Endpoint::v4([10, 0, a, b], 40000), Endpoint::v4([192, 0, 2, 1], 443)],
        is_final: true,
        partial: false,
        direction_by: DirectionBy::Syn,
        conn_state: ConnState::Sf,
        history,
        missed_bytes: 0,
        vlan: n.is_multiple_of(2).then_some(12),
        tunnel: TunnelKind::None,
        close_reason: Some(CloseReason::Fin),
        rst_by: None,
        at: Instants {
            syn: Some(ts),
            synack: Some(ts.plus(10)),
            established: Some(ts.plus(30)),
            first_data: [Some(ts.plus(40)), Some(ts.plus(50))],
            last_data: [Some(ts.plus(60)), None],
            fin: [Some(ts.plus(70)), Some(ts.plus(71))],
            rst: None,
            last: ts.plus(123_456_789),
            closed: Some(ts.plus(123_456_788)),
        },
        syn_rtt: Some(10),
        ack_rtt: Some(20),
        halves: [half(n % 7 + 3), half(2)],
        headers: 3,
        anomalies,
        events: EventCounts { recorded: 1, dropped: 0 },
        icmp_errors: 0,
        icmp_last: None,
        tfo: false,
        mptcp: false,
        mptcp_subtypes: Default::default(),
        mptcp_token: None,
        lost_capture: false,
    }
}

/// IPv4 and TCP with the timestamps option.
pub const BYTES: [u8; 52] = [
    0x45, 0, 0, 52, 0x12, 0x34, 0x40, 0, 64, 6, 0, 0, 10, 0, 0, 1, 192, 0, 2, 1, 0x9c, 0x40, 1, 187, 0, 0, 1, 0, 0, 0,
    2, 0, 0x80, 0x10, 1, 0xf5, 0, 0, 0, 0, 1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2,
];

pub fn header(n: u64, index: u8) -> Header<'static> {
    let record = record(n);
    let dir = if index.is_multiple_of(2) { Direction::Orig } else { Direction::Resp };
    Header {
        uid: record.uid,
        n: index,
        ts: record.ts.plus(i64::from(index) * 10),
        dir,
        wire_len: 1500,
        payload_len: 1448,
        bytes: &BYTES,
    }
}

pub fn event(n: u64) -> Event {
    Event {
        uid: Some(record(n).uid),
        ts: record(n).ts,
        dir: Some(Direction::Resp),
        detail: Detail::ClockStep("3 ms".to_owned()),
    }
}

pub fn manifest() -> Manifest {
    let mut manifest = Manifest::new(Software { version: "0".to_owned(), commit: "test".to_owned() }, Nanos(EPOCH));
    manifest.site = "lab".to_owned();
    manifest
}

/// Settings under which nothing depends on threads.
pub fn config() -> Config {
    Config { background: false, ..Config::default() }
}

pub fn start(dir: &Path) -> Recorder {
    Recorder::create(dir, config(), manifest()).expect("a fresh directory")
}

/// Gives connections with their headers and events.
pub fn give(recorder: &mut Recorder, connections: Range<u64>) {
    let mut encoder = Encoder::new(0);
    for n in connections {
        (0..3).for_each(|index| encoder.header(header(n, index)));
        encoder.event(event(n));
        encoder.record(record(n));
    }
    encoder.flush(Nanos(0));
    drain(&mut encoder, recorder);
}

/// Says in the ledger that these connections were captured.
pub fn account(recorder: &mut Recorder, connections: Range<u64>) {
    let packets = connections.flat_map(|n| record(n).halves).map(|half| half.pkts).sum();
    let ledger = Ledger { offered: packets, delivered: packets, tcp: packets, ..Ledger::default() };
    recorder.manifest_mut().sources =
        vec![SourceEntry { name: "pcap:test".to_owned(), ledger, ..SourceEntry::default() }];
}

/// The uids of a campaign's connections, sorted.
pub fn uids(root: &Path) -> Vec<u64> {
    let campaign = Campaign::open(root).expect("a campaign");
    let scan = campaign.scan_columns(Table::Connections, &["uid"]).expect("the column");
    let mut uids: Vec<u64> =
        scan.flat_map(|batch| batch.expect("readable")["uid"].as_primitive::<UInt64Type>().values().to_vec()).collect();
    uids.sort_unstable();
    uids
}

/// Those of the connections with these numbers.
pub fn expected(connections: Range<u64>) -> Vec<u64> {
    let mut uids: Vec<u64> = connections.map(|n| record(n).uid).collect();
    uids.sort_unstable();
    uids
}

/// The sentences of a campaign's events of a kind.
pub fn told(root: &Path, kind: &str) -> Vec<String> {
    let campaign = Campaign::open(root).expect("a campaign");
    let mut told = Vec::new();
    for batch in campaign.scan_columns(Table::Events, &["kind", "detail"]).expect("the columns") {
        let batch = batch.expect("readable");
        let (kinds, details) = (batch["kind"].as_string::<i32>(), batch["detail"].as_string::<i32>());
        let rows = (0..batch.num_rows()).filter(|&row| kinds.value(row) == kind);
        told.extend(rows.map(|row| details.value(row).to_owned()));
    }
    told
}

/// Verifies a campaign.
pub fn assert_clean(root: &Path, case: &str) {
    let report = verify(&Campaign::open(root).expect("a campaign"));
    assert!(report.is_clean(), "{case}: {report}");
}

/// Gives everything that an encoder holds to the recorder.
pub fn drain(encoder: &mut Encoder, recorder: &mut Recorder) {
    while let Some(block) = encoder.take() {
        let _ = recorder.append(&block);
        encoder.recycle(block);
    }
}

/// A finished campaign of `count` connections with three headers each, an event each, and a bin each.
pub fn write_sample(dir: &Path, count: u64) -> Manifest {
    let (mut recorder, mut encoder) = (start(dir), Encoder::new(0));
    let mut packets = 0;
    for n in 0..count {
        for index in 0..3 {
            encoder.header(header(n, index));
        }
        let record = record(n);
        packets += record.halves.iter().map(|half| half.pkts).sum::<u64>();
        encoder.interval(Interval { opened: 1, closed: 1, ..Interval::around(record.ts, 10_000_000) });
        encoder.record(record);
        encoder.event(event(n));
        drain(&mut encoder, &mut recorder);
    }
    encoder.flush(Nanos::MAX);
    drain(&mut encoder, &mut recorder);
    // Two more came when the rows of their connections were written.
    packets += 2;
    recorder.manifest_mut().stragglers.insert("fin".to_owned(), 2);
    let ledger = Ledger { offered: packets, delivered: packets, tcp: packets, ..Ledger::default() };
    recorder.manifest_mut().sources =
        vec![SourceEntry { name: "pcap:test".to_owned(), ledger, ..SourceEntry::default() }];
    let finished = recorder.finish();
    assert!(finished.failure.is_none(), "{:?}", finished.failure);
    finished.manifest
}
