//! Connections written as packet exchanges.
//!
//! A line is a packet: `time direction flags seq:end(len) ack win`, in relative numbers of tcpdump's style:
//! ```text
//! 0.000 > S  0       win 65535
//! 0.020 < S. 0 ack 1
//! 0.021 > .  1 ack 1
//! 0.030 > P. 1 len 100 ack 1
//! ```
//! `>` goes from the client (10.0.0.9:40000) to the server (10.0.0.1:80), `<` comes back. Flags are tcpdump's letters. Sequence numbers are
//! relative to an initial one a side, which wraps soon; `isn N` shifts those of the sender in this packet, `peer N` what it acknowledges.
//! `id N` is IP's identification, `tsval N` and `tsecr N` the timestamps option, `sack N to M` a SACK block of the peer's numbers (`sack2`: the
//! second). `lost` says that the capture lost packets just before this one.
#![allow(dead_code, reason = "each test file uses a part")]
#![allow(clippy::expect_used, clippy::panic, reason = "a malformed exchange is a mistake in a test")]

use conntrack::{Config, Event, EventConfig, EventLevel, Header, Record, Shard, ShardStats, Sink};
use wire::{
    Direction, Endpoint, Family, FlowHasher, FlowKey, Interval, Nanos, Observation, OptionSet, Packet, SackBlock,
    Segment, SeqNum, TcpFlags, TunnelKind,
};

/// Where the sequence numbers of client and server begin: both wrap within the first kilobyte.
pub const ISN: [u32; 2] = [u32::MAX - 500, u32::MAX - 900];

/// A row of the headers table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeaderRow {
    pub uid: u64,
    pub n: u8,
    pub ts: Nanos,
    pub dir: Direction,
    pub bytes: Vec<u8>,
}

/// Keeps everything that a shard hands over.
#[derive(Default)]
pub struct Kept {
    pub records: Vec<Record>,
    pub headers: Vec<HeaderRow>,
    pub intervals: Vec<Interval>,
    pub events: Vec<Event>,
    /// What the shard counted by the end.
    pub stats: ShardStats,
}

impl Sink for Kept {
    fn record(&mut self, record: Record) {
        self.records.push(record);
    }

    fn header(&mut self, header: Header<'_>) {
        let Header { uid, n, ts, dir, bytes, .. } = header;
        self.headers.push(HeaderRow { uid, n, ts, dir, bytes: bytes.to_vec() });
    }

    fn event(&mut self, event: Event) {
        self.events.push(event);
    }

    fn interval(&mut self, interval: Interval) {
        self.intervals.push(interval);
    }
}

/// The one connection of an exchange.
pub fn one(exchange: &str) -> Record {
    let records = track(exchange);
    assert_eq!(records.len(), 1, "{records:#?}");
    records[0]
}

/// The connections of an exchange, in the order of their first packets; interim rows left out.
pub fn track(exchange: &str) -> Vec<Record> {
    let mut records = run(exchange, Config::default()).records;
    records.retain(|record| record.is_final);
    records.sort_by_key(|record| record.ts);
    records
}

/// Everything that comes of an exchange.
pub fn run(exchange: &str, config: Config) -> Kept {
    let mut shard = Shard::new(config);
    let mut kept = Kept::default();
    let mut clock = Nanos::MIN;
    for line in exchange.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let observation = packet(line, &mut clock);
        let bytes = line.as_bytes();
        if line.ends_with(" lost") {
            shard.note_loss(observation.clock, &mut kept);
        }
        shard.step(&Packet { observation: &observation, headers: bytes }, &mut kept);
    }
    shard.finish(clock, &mut kept);
    kept.stats = shard.stats();
    kept
}

/// The packets of an exchange.
pub fn packets(exchange: &str) -> Vec<Observation> {
    let mut clock = Nanos::MIN;
    let lines = exchange.lines().map(str::trim).filter(|line| !line.is_empty());
    lines.map(|line| packet(line, &mut clock)).collect()
}

/// Feeds observations to a fresh shard; the campaign ends at `end`.
pub fn feed(observations: &[Observation], end: Nanos, config: Config) -> Kept {
    let mut shard = Shard::new(config);
    let mut kept = Kept::default();
    for observation in observations {
        shard.step(&Packet { observation, headers: b"header" }, &mut kept);
    }
    shard.finish(end, &mut kept);
    kept.stats = shard.stats();
    kept
}

/// The default, but for which events are told.
pub fn telling(level: EventLevel) -> Config {
    Config { events: EventConfig { level, ..EventConfig::default() }, ..Config::default() }
}

/// Events as lines: seconds, direction, kind, particulars.
fn lines(events: &[Event]) -> Vec<String> {
    let line = |event: &Event| {
        let dir = event.dir.map_or("-", wire::Direction::as_str);
        format!("{:.3} {dir} {} {}", event.ts.0 as f64 / 1e9, event.detail.kind().as_str(), event.detail)
            .trim_end()
            .to_owned()
    };
    events.iter().map(line).collect()
}

/// The events as lines: seconds, direction, kind, particulars. They must agree with the counts in the rows.
#[track_caller]
pub fn told(kept: &Kept) -> Vec<String> {
    let counted: u32 = kept.records.iter().filter(|record| record.is_final).map(|record| record.events.recorded).sum();
    assert_eq!(counted as usize, kept.events.len());
    lines(&kept.events)
}

/// Seconds as an instant.
pub fn at(seconds: &str) -> Nanos {
    let (whole, fraction) = seconds.split_once('.').unwrap_or((seconds, ""));
    let nanos: i64 = format!("{fraction:0<9}").parse().expect("a fraction of a second");
    Nanos::from_secs(whole.parse().expect("seconds")).plus(nanos)
}

fn packet(line: &str, clock: &mut Nanos) -> Observation {
    let mut words = line.split_whitespace();
    let mut next = || words.next().unwrap_or_else(|| panic!("too few words in {line:?}"));
    let ts = at(next());
    let to_server = next() == ">";
    let flags = flags(next());
    let seq: i64 = next().parse().expect("a sequence number");
    let rest: Vec<&str> = words.collect();
    let value = |name: &str| -> Option<i64> {
        let at = rest.iter().position(|word| *word == name)?;
        Some(rest[at + 1].parse().expect("a number"))
    };
    let [mine, theirs] = if to_server { ISN } else { [ISN[1], ISN[0]] };
    let absolute = |isn: u32, relative: i64| SeqNum(isn.wrapping_add(relative as u32));
    let mut segment = segment(to_server, flags);
    segment.seq = absolute(mine.wrapping_add(value("isn").unwrap_or(0) as u32), seq);
    segment.ack =
        value("ack").map_or(SeqNum(0), |ack| absolute(theirs.wrapping_add(value("peer").unwrap_or(0) as u32), ack));
    segment.payload_len = value("len").unwrap_or(0) as u32;
    segment.ip_len = 40 + segment.payload_len;
    segment.window = value("win").unwrap_or(65_535) as u16;
    if let Some(shift) = value("wscale") {
        segment.wscale = shift as u8;
        segment.options.insert(OptionSet::WINDOW_SCALE);
    }
    segment.ip_id = value("id").unwrap_or(0) as u16;
    if let Some(tsval) = value("tsval") {
        segment.tsval = tsval as u32;
        segment.tsecr = value("tsecr").unwrap_or(0) as u32;
        segment.options.insert(OptionSet::TIMESTAMPS);
    }
    for (n, name) in ["sack", "sack2"].into_iter().enumerate() {
        if let Some(at) = rest.iter().position(|word| *word == name) {
            let [left, right] = [1, 3].map(|word| absolute(theirs, rest[at + word].parse().expect("a number")));
            segment.sack[n] = SackBlock { left, right };
            segment.sack_count += 1;
            segment.options.insert(OptionSet::SACK);
        }
    }
    *clock = ts.max(*clock);
    observation(segment, ts, *clock)
}

/// An observation of a segment.
pub fn observation(segment: Segment, ts: Nanos, clock: Nanos) -> Observation {
    let hash = FlowHasher::new(1).hash(&segment.key);
    Observation { ts, clock, segment, hash, headers_at: 0, headers_len: 0 }
}

/// A segment between the two hosts with nothing in it.
pub fn segment(to_server: bool, flags: TcpFlags) -> Segment {
    let client = Endpoint::v4([10, 0, 0, 9], 40_000);
    let server = Endpoint::v4([10, 0, 0, 1], 80);
    let (source, destination) = if to_server { (client, server) } else { (server, client) };
    let (key, sender) = FlowKey::new(Family::V4, source, destination);
    Segment {
        key,
        sender,
        ttl: 64,
        traffic_class: 0,
        wscale: 0,
        payload_len: 0,
        ip_len: 40,
        seq: SeqNum(0),
        ack: SeqNum(0),
        tsval: 0,
        tsecr: 0,
        sack: Default::default(),
        sack_count: 0,
        tunnel: TunnelKind::None,
        flags,
        window: 65_535,
        urgent: 0,
        ip_id: 0,
        mss: 0,
        vlan: Segment::NO_VLAN,
        options: OptionSet::default(),
        quoted_by: None,
    }
}

fn flags(letters: &str) -> TcpFlags {
    letters.chars().fold(TcpFlags(0), |flags, letter| {
        flags.with(match letter {
            'S' => TcpFlags::SYN,
            'F' => TcpFlags::FIN,
            'R' => TcpFlags::RST,
            'P' => TcpFlags::PSH,
            '.' => TcpFlags::ACK,
            'U' => TcpFlags::URG,
            '-' => TcpFlags(0),
            other => panic!("no flag {other}"),
        })
    })
}
