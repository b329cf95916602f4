//! A script with its expectations, and the tracker's rows for it.
#![allow(clippy::expect_used, clippy::panic, reason = "a malformed script is a mistake in a test")]

mod column;

use std::fs;
use std::path::Path;

use conntrack::{Config, Event, Header, Record, Shard, Sink};
use hwsim::frame::Builder;
use hwsim::packetdrill::{START, Script, Settings};
use wire::{Family, FlowHasher, IcmpError, Interval, LinkType, Nanos, Observation, Packet, Parsed};

/// A script and what is said in its comments.
pub struct Situation {
    /// The script's name, without its extension.
    pub name: String,
    /// The sentence that it shows.
    pub rule: String,
    text: String,
    expected: Vec<Expected>,
    /// The events, all of them; not compared where none is expected.
    told: Vec<String>,
    config: Config,
    end: Option<Nanos>,
}

/// A value of a column, as the script has it.
struct Expected {
    /// Which connection, from 1.
    connection: usize,
    column: String,
    value: String,
}

/// Every row of connections and of events that a shard writes.
#[derive(Default)]
struct Rows {
    connections: Vec<Record>,
    events: Vec<Event>,
}

impl Sink for Rows {
    fn record(&mut self, record: Record) {
        self.connections.push(record);
    }

    fn header(&mut self, _: Header<'_>) {}

    fn event(&mut self, event: Event) {
        self.events.push(event);
    }

    fn interval(&mut self, _: Interval) {}
}

impl Situation {
    /// Reads a script's comments.
    pub fn read(path: &Path) -> Self {
        let name = path.file_stem().and_then(|stem| stem.to_str()).expect("a name").to_owned();
        let text = fs::read_to_string(path).expect("a readable script");
        let mut situation = Self {
            name,
            rule: String::new(),
            text,
            expected: Vec::new(),
            told: Vec::new(),
            config: Config::default(),
            end: None,
        };
        let text = situation.text.clone();
        for line in text.lines() {
            let Some((word, rest)) = line.strip_prefix("// ").and_then(|remark| remark.split_once(": ")) else {
                continue;
            };
            situation.take(word, rest.trim());
        }
        let name = &situation.name;
        assert!(!situation.rule.is_empty(), "{name} shows no rule: add // rule: ...");
        let expects = !situation.expected.is_empty();
        assert!(expects, "{name} expects no row: add // expect: column = value");
        situation
    }

    fn take(&mut self, word: &str, rest: &str) {
        let assignment = || {
            let (key, value) = rest.split_once('=').unwrap_or_else(|| panic!("{}: no = in {rest:?}", self.name));
            (key.trim().to_owned(), value.trim().to_owned())
        };
        match word.split_once(' ').unwrap_or((word, "1")) {
            ("rule", _) => self.rule = rest.to_owned(),
            ("event", _) => self.told.push(rest.to_owned()),
            ("end", _) => self.end = Some(START.plus(column::nanos(rest))),
            ("config", _) => {
                let (key, value) = assignment();
                configure(&mut self.config, &key, &value);
            }
            ("expect", number) => {
                let (column, value) = assignment();
                let connection = number.parse().expect("the number of a connection");
                self.expected.push(Expected { connection, column, value });
            }
            _ => {}
        }
    }

    /// The expectations on one line of a table.
    pub fn said(&self) -> String {
        let many = self.expected.iter().any(|expected| expected.connection > 1);
        let each = self.expected.iter().map(|Expected { connection, column, value }| {
            let which = if many && column != "connections" { format!("{connection}: ") } else { String::new() };
            format!("{which}`{column} = {value}`")
        });
        let events = self.told.iter().map(|event| format!("event `{event}`"));
        each.chain(events).collect::<Vec<_>>().join(", ")
    }

    /// Everything that is not as the script expects it.
    pub fn faults(&self, family: Family) -> Vec<String> {
        let script = match Script::read(&self.text, Settings::new(Some(family), [])) {
            Ok(script) => script,
            Err(error) => return vec![error.to_string()],
        };
        let Rows { connections: rows, events } = track(&script, self.config.clone(), self.end);
        let mut finals: Vec<&Record> = rows.iter().filter(|row| row.is_final).collect();
        finals.sort_by_key(|row| row.ts);
        let mut faults = Vec::new();
        let told: Vec<String> = events.iter().map(event_text).collect();
        if !self.told.is_empty() && !is_as_expected(&told, &self.told, family) {
            faults.push(format!("{family:?}: told {told:#?}"));
        }
        let described = self.expected.iter().map(|expected| expected.connection).max().unwrap_or(0);
        let stated = self.expected.iter().find(|expected| expected.column == "connections");
        let connections = stated.map_or(described, |stated| stated.value.parse().expect("how many connections"));
        if finals.len() != connections {
            faults.push(format!("{} connections, not {connections}", finals.len()));
        }
        for Expected { connection, column, value } in self.expected.iter().filter(|one| one.column != "connections") {
            let Some(row) = finals.get(connection - 1) else { continue };
            let found = match column.as_str() {
                "rows" => rows.iter().filter(|other| other.uid == row.uid).count().to_string(),
                _ => column::of(row, column).unwrap_or_else(|| panic!("{}: there is no column {column}", self.name)),
            };
            if !column::same(&found, value) {
                faults.push(format!("{family:?}, connection {connection}: {column} = {found}, not {value}"));
            }
        }
        faults
    }
}

/// An event as scripts have it: seconds since the script began, direction, kind, particulars.
fn event_text(event: &Event) -> String {
    let seconds = event.ts.since(START) as f64 / 1e9;
    let dir = event.dir.map_or("-", wire::Direction::as_str);
    format!("{seconds:.3} {dir} {} {}", event.detail.kind().as_str(), event.detail).trim_end().to_owned()
}

/// Whether these events were told. Those that name one IP version (`4: `, `6: `) are expected over that one alone.
fn is_as_expected(told: &[String], expected: &[String], family: Family) -> bool {
    let (own, other) = if family == Family::V4 { ("4: ", "6: ") } else { ("6: ", "4: ") };
    let mut expected = expected.iter().filter(|event| !event.starts_with(other));
    told.iter().all(|event| expected.next().is_some_and(|wanted| wanted.trim_start_matches(own) == event))
        && expected.next().is_none()
}

/// Changes a setting of the tracker.
fn configure(config: &mut Config, key: &str, value: &str) {
    match key {
        "max_attempts" => config.max_attempts = value.parse().expect("a number of attempts"),
        "max_connections" => config.max_connections = value.parse().expect("a number of connections"),
        "interim_every" => config.interim_every = Some(column::nanos(value)),
        _ => panic!("there is no setting {key}"),
    }
}

/// What the tracker writes for a script.
fn track(script: &Script, config: Config, end: Option<Nanos>) -> Rows {
    let (mut shard, mut rows, mut clock) = (Shard::new(config), Rows::default(), Nanos::MIN);
    let show = |packet: &hwsim::packetdrill::Packet, ts: Nanos, frame: &hwsim::frame::Frame<'_>| {
        clock = clock.max(ts);
        let (segment, headers) = match wire::parse(LinkType::Ethernet, frame.bytes, frame.wire_len) {
            Parsed::Tcp(found) => (found.segment, found.headers),
            Parsed::Icmp(IcmpError { quote: Some(quote), .. }) => (quote, &[][..]),
            other => panic!("line {}: {other:?}", packet.line),
        };
        let hash = FlowHasher::new(1).hash(&segment.key);
        let observation = Observation { ts, clock, segment, hash, headers_at: 0, headers_len: 0 };
        shard.step(&Packet { observation: &observation, headers }, &mut rows);
        Ok(())
    };
    script.play(&mut Builder::new(262_144), show).expect("nothing is written");
    shard.finish(end.unwrap_or(clock), &mut rows);
    rows
}
