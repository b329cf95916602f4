//! Campaigns for tests: made-up connections, written as the appliance writes them.
#![allow(dead_code, reason = "each test uses its own part")]
#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test may panic")]

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Output};

use conntrack::{
    Anomalies, Anomaly, CloseReason, ConnState, Detail, DirectionBy, Event, EventCounts, HalfRecord, Header, History,
    Instants, RatesRecord, Record, RttRecord, SegmentsRecord, Sink, TcpState,
};
use recorder::{Config, Dropped, Encoder, Ledger, Manifest, Recorder, Software, SourceEntry, Span};
use wire::{Direction, Endpoint, Family, Interval, IntervalHalf, Nanos, TunnelKind};

/// 2026-11-22 00:00:00 UTC.
pub const EPOCH: i64 = 1_795_305_600_000_000_000;
const MILLISECOND: i64 = 1_000_000;

/// Runs the program.
pub fn report(arguments: &[&str]) -> Output {
    program().args(arguments).output().unwrap()
}

/// The program, ready to run. Examples, which only use the rest, do not know where it lies.
pub fn program() -> Command {
    Command::new(option_env!("CARGO_BIN_EXE_conntrack-report").unwrap_or("conntrack-report"))
}

/// Runs the program, which must succeed, and returns what it printed.
pub fn printed(arguments: &[&str]) -> String {
    let output = report(arguments);
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// Says that a test could not run, past libtest, which swallows what tests print. Fails where nothing may be skipped.
#[expect(clippy::explicit_write, reason = "libtest captures what the print macros write")]
pub fn skip(why: &str) {
    assert!(std::env::var_os("CONNTRACK_REQUIRE_ALL").is_none(), "CONNTRACK_REQUIRE_ALL is set, but {why}");
    writeln!(std::io::stderr(), "SKIPPED: {why}").unwrap();
}

/// Spreads small numbers over all of u64, always the same way.
pub fn mix(n: u64) -> u64 {
    let mut x = n.wrapping_add(0x9e37_79b9_7f4a_7c15);
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

fn half(state: TcpState, pkts: u64, payload: u64) -> HalfRecord {
    HalfRecord {
        state,
        pkts,
        ip_bytes: pkts * 52 + payload,
        bytes: (payload > 0).then_some(payload),
        wire_bytes: payload,
        unique_bytes: payload,
        missed_bytes: Some(0),
        syn_pkts: 1,
        fin_pkts: 1,
        rst_pkts: 0,
        window_min: Some(1024),
        window_max: Some(65_535),
        mss: Some(1460),
        wscale: Some(7),
        sack_ok: Some(true),
        tsopt: true,
        ecn: false,
        ttl_min: Some(63),
        ttl_max: Some(64),
        rates: RatesRecord::default(),
        accecn: false,
        segments: SegmentsRecord::default(),
        rtt: RttRecord::default(),
        rtt_ts: RttRecord::default(),
    }
}

/// Client and server of connection number `n`: every fifth over IPv6.
fn endpoints(n: u64, random: u64) -> (Family, [Endpoint; 2]) {
    let [.., a, b] = (random as u16).to_be_bytes();
    let port = [443, 443, 443, 80, 22, 8443, 53, 25][random as usize % 8];
    if n % 5 == 4 {
        let address = |last: u8| [0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, a, b, last];
        (Family::V6, [Endpoint::v6(address(1), 40_000 + n as u16 % 20_000), Endpoint::v6(address(2), port)])
    } else {
        (Family::V4, [Endpoint::v4([10, 0, a, b], 40_000 + n as u16 % 20_000), Endpoint::v4([192, 0, 2, 1], port)])
    }
}

/// Connection number `n`: of every ten, seven are whole, one was refused, one never answered, one was there before.
pub fn record(n: u64) -> Record {
    let random = mix(n);
    let ts = Nanos(EPOCH + n as i64 * MILLISECOND + (random % 1000) as i64);
    let after = |nanos: i64| ts.plus(nanos);
    let rtt = MILLISECOND + (random % 40) as i64 * MILLISECOND;
    let length = 3 * rtt + (random % 1_000_003) as i64 * 1000;
    let payload = [200 + random % 700, 1500 << (random % 11)];
    let (conn_state, close_reason, letters, answered) = match n % 10 {
        7 => (ConnState::Rej, CloseReason::Rst, "Sr", false),
        8 => (ConnState::S0, CloseReason::AttemptTimeout, "S", false),
        9 => (ConnState::Oth, CloseReason::CampaignEnd, "DadA", true),
        _ => (ConnState::Sf, CloseReason::Fin, "ShADadFf", true),
    };
    let partial = conn_state == ConnState::Oth;
    let whole = answered && !partial;
    let history = History::from_letters(letters.as_bytes());
    let mut anomalies = Anomalies::default();
    if n % 50 == 3 {
        [Anomaly::OutOfWindow, Anomaly::BadOptions].into_iter().for_each(|anomaly| anomalies.insert(anomaly));
    }
    let (family, endpoints) = endpoints(n, random);
    let last = if answered { after(length) } else { after(if conn_state == ConnState::Rej { rtt } else { 0 }) };
    let sent = |bytes: u64| if answered { bytes } else { 0 };
    Record {
        uid: random,
        ts,
        family,
        endpoints,
        is_final: true,
        partial,
        direction_by: if partial { DirectionBy::Port } else { DirectionBy::Syn },
        conn_state,
        history,
        missed_bytes: if n % 100 == 5 { 1448 } else { 0 },
        vlan: n.is_multiple_of(2).then_some(12),
        tunnel: TunnelKind::None,
        close_reason: Some(close_reason),
        rst_by: (conn_state == ConnState::Rej).then_some(Direction::Resp),
        at: Instants {
            syn: (!partial).then_some(ts),
            synack: whole.then_some(after(rtt)),
            established: whole.then_some(after(rtt + rtt / 3)),
            first_data: [answered.then_some(after(2 * rtt)); 2],
            last_data: [answered.then_some(last); 2],
            fin: [whole.then_some(last); 2],
            rst: None,
            last,
            closed: (close_reason != CloseReason::CampaignEnd).then_some(last),
        },
        syn_rtt: whole.then_some(rtt),
        ack_rtt: whole.then_some(rtt / 3),
        halves: [
            half(TcpState::TimeWait, sent(payload[0]) / 1448 + 1, sent(payload[0])),
            half(TcpState::Closed, sent(payload[1]) / 1448 + u64::from(answered), sent(payload[1])),
        ],
        headers: 3,
        anomalies,
        events: EventCounts { recorded: 2 * u32::from(n == 3), dropped: 0 },
        icmp_errors: 0,
        icmp_last: None,
        tfo: false,
        mptcp: false,
        mptcp_subtypes: Default::default(),
        mptcp_token: None,
        lost_capture: n % 200 == 11,
    }
}

/// Bytes of payload that the `index`-th segment had, which are not recorded.
pub fn payload_len(index: u8) -> u32 {
    if index == 2 { 1000 } else { 0 }
}

/// The IP and TCP headers of the `index`-th of three segments: SYN, SYN-ACK, and ACK with data.
pub fn header_bytes(record: &Record, index: u8) -> Vec<u8> {
    let dir = usize::from(index == 1);
    let (from, to) = (record.endpoints[dir], record.endpoints[1 - dir]);
    let flags = [0x02, 0x12, 0x10][usize::from(index)];
    let isn = record.uid as u32;
    let (seq, ack) =
        [(isn, 0), (!isn, isn.wrapping_add(1)), (isn.wrapping_add(1), (!isn).wrapping_add(1))][usize::from(index)];
    let options: &[u8] = if index < 2 { &[2, 4, 5, 0xb4, 4, 2, 1, 3, 3, 7, 1, 1] } else { &[] };
    let mut tcp = Vec::new();
    tcp.extend(from.port.to_be_bytes());
    tcp.extend(to.port.to_be_bytes());
    tcp.extend(seq.to_be_bytes());
    tcp.extend(ack.to_be_bytes());
    tcp.extend([((20 + options.len()) / 4 * 16) as u8, flags, 0xfa, 0xf0, 0x12, 0x34, 0, 0]);
    tcp.extend(options);
    let mut bytes = match record.family {
        Family::V4 => {
            let mut ip = vec![0x45, 0];
            ip.extend((20 + tcp.len() as u16 + payload_len(index) as u16).to_be_bytes());
            ip.extend([0x12, 0x34, 0x40, 0, 64, 6, 0, 0]);
            ip.extend(&from.addr[12..]);
            ip.extend(&to.addr[12..]);
            ip
        }
        Family::V6 => {
            let mut ip = vec![0x60, 0, 0, 0];
            ip.extend((tcp.len() as u16 + payload_len(index) as u16).to_be_bytes());
            ip.extend([6, 64]);
            ip.extend(from.addr);
            ip.extend(to.addr);
            ip
        }
    };
    bytes.extend(tcp);
    bytes
}

/// When the `index`-th segment was captured.
pub fn header_ts(record: &Record, index: u8) -> Nanos {
    record.ts.plus(i64::from(index) * 7_000_001)
}

/// A recorder in a new directory.
fn recorder(dir: &Path) -> Recorder {
    let software = Software { version: "0.1.0".to_owned(), commit: "0123456789ab".to_owned() };
    let mut manifest = Manifest::new(software, Nanos(EPOCH));
    manifest.site = "Uppsala".to_owned();
    manifest.link = "uplink east".to_owned();
    manifest.host = "tap1".to_owned();
    manifest.clock_source = "the capture file's timestamps".to_owned();
    Recorder::create(dir, Config { background: false, ..Config::default() }, manifest).unwrap()
}

/// Writes a campaign of these parts of the base series and these connections.
pub fn write(dir: &Path, intervals: impl IntoIterator<Item = Interval>, records: impl IntoIterator<Item = Record>) {
    let mut recorder = recorder(dir);
    let mut encoder = Encoder::new(0);
    let mut give = |encoder: &mut Encoder| {
        while let Some(block) = encoder.take() {
            assert_eq!(recorder.append(&block), recorder::Outcome::Journalled);
            encoder.recycle(block);
        }
    };
    for interval in intervals {
        encoder.interval(interval);
        give(&mut encoder);
    }
    let mut span = Span::default();
    for record in records {
        span.start = span.start.into_iter().chain([record.ts]).min();
        span.end = span.end.max(Some(record.at.last));
        encoder.record(record);
        give(&mut encoder);
    }
    encoder.flush(Nanos::MAX);
    give(&mut encoder);
    recorder.manifest_mut().packets = span;
    recorder.manifest_mut().wall_clock.end = Some(Nanos(EPOCH));
    assert!(recorder.finish().failure.is_none());
}

/// Writes a campaign that goes on: of these connections the first half is sealed and the second is in the journal.
#[expect(clippy::disallowed_methods, reason = "the recorder is told what time it is")]
pub fn write_running(dir: &Path, connections: u64) {
    let config = Config { background: false, segment_bytes: 1, ..Config::default() };
    let manifest = Manifest::new(Software::default(), Nanos(EPOCH));
    let mut recorder = Recorder::create(dir, config, manifest).unwrap();
    let mut encoder = Encoder::new(0);
    for half in [0..connections / 2, connections / 2..connections] {
        recorder.tick(std::time::Instant::now(), Nanos(EPOCH)).unwrap();
        for n in half {
            encoder.record(record(n));
        }
        encoder.flush(Nanos(EPOCH));
        while let Some(block) = encoder.take() {
            assert_eq!(recorder.append(&block), recorder::Outcome::Journalled);
        }
    }
    recorder.sync();
}

fn give_headers(encoder: &mut Encoder, record: &Record) {
    for index in 0..3 {
        let bytes = header_bytes(record, index);
        encoder.header(Header {
            uid: record.uid,
            n: index,
            ts: header_ts(record, index),
            dir: if index == 1 { Direction::Resp } else { Direction::Orig },
            wire_len: bytes.len() as u32 + payload_len(index),
            payload_len: payload_len(index),
            bytes: &bytes,
        });
    }
}

fn interval(record: &Record) -> Interval {
    let halves = record.halves.map(|half| IntervalHalf {
        pkts: half.pkts,
        ip_bytes: half.ip_bytes,
        payload_bytes: half.wire_bytes,
    });
    Interval { halves, syn: 1, opened: 1, closed: 1, ..Interval::around(record.ts, 10 * MILLISECOND) }
}

fn event(ts: Nanos, uid: Option<u64>, detail: Detail) -> Event {
    Event { uid, ts, dir: None, detail }
}

/// What to write.
pub struct Campaign {
    /// How many connections.
    pub connections: u64,
    /// Three headers for each.
    pub headers: bool,
    /// The capture lost frames.
    pub lossy: bool,
    /// An interim row before the first connection's final one.
    pub interim: bool,
    /// The recording goes on: nothing is sealed, and the manifest tells of nothing yet.
    pub running: bool,
}

impl Default for Campaign {
    fn default() -> Self {
        Self { connections: 100, headers: true, lossy: false, interim: true, running: false }
    }
}

impl Campaign {
    /// Writes the campaign into a new directory.
    pub fn write(&self, dir: &Path) {
        let mut recorder = recorder(dir);
        let mut encoder = Encoder::new(0);
        encoder.event(event(Nanos(EPOCH), None, Detail::Lost("2 sources, \"lab\"".to_owned())));
        let (mut packets, mut end) = (0, None);
        for n in 0..self.connections {
            let record = Record { headers: if self.headers { 3 } else { 0 }, ..record(n) };
            packets += record.halves.iter().map(|half| half.pkts).sum::<u64>();
            end = end.max(Some(record.at.last));
            if self.interim && n == 0 {
                encoder.record(Record { is_final: false, close_reason: None, ..record });
            }
            encoder.record(record);
            encoder.interval(interval(&record));
            if self.headers {
                give_headers(&mut encoder, &record);
            }
            if n == 3 {
                encoder.event(event(record.ts, Some(record.uid), Detail::ClockStep("back by 3 ms".to_owned())));
                encoder.event(event(record.ts.plus(2 * MILLISECOND), Some(record.uid), Detail::RstSuspect));
            }
            while let Some(block) = encoder.take() {
                assert_eq!(recorder.append(&block), recorder::Outcome::Journalled);
                encoder.recycle(block);
            }
        }
        encoder.flush(Nanos::MAX);
        while let Some(block) = encoder.take() {
            assert_eq!(recorder.append(&block), recorder::Outcome::Journalled);
        }
        if self.running {
            return recorder.sync();
        }
        let start = (self.connections > 0).then(|| record(0).ts);
        recorder.manifest_mut().packets = Span { start, end };
        recorder.manifest_mut().sources.push(self.source(packets));
        recorder.manifest_mut().anomalies.insert("bad_options".to_owned(), 3);
        recorder.manifest_mut().time_wait_evicted = 5;
        recorder.manifest_mut().wall_clock.end = Some(Nanos(EPOCH));
        let finished = recorder.finish();
        assert!(finished.failure.is_none(), "{:?}", finished.failure);
    }

    fn source(&self, tcp: u64) -> SourceEntry {
        let nothing = self.connections == 0;
        let (udp, truncated) = if nothing { (0, 0) } else { (1234, 5) };
        let dropped =
            if self.lossy { Dropped { kernel: 1000, queue: 23, ..Dropped::default() } } else { Dropped::default() };
        let counts = |name: &str, frames: u64| BTreeMap::from([(name.to_owned(), frames)]);
        let delivered = tcp + udp + truncated;
        let ledger = Ledger {
            offered: delivered + dropped.total(),
            delivered,
            dropped,
            tcp,
            not_tcp: counts("udp", udp),
            rejected: counts("truncated_tcp", truncated),
        };
        SourceEntry { name: "pcap:/captures/uplink-2026-11-22.pcap".to_owned(), ledger, ..SourceEntry::default() }
    }
}
