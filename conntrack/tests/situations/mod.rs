//! A script with its expectations, and the tracker's rows for it.
#![allow(clippy::expect_used, clippy::panic, reason = "a malformed script is a mistake in a test")]

mod column;

use std::fs;
use std::path::Path;

use conntrack::{Config, Event, Header, Record, Shard, Sink};
use hwsim::frame::Builder;
use hwsim::packetdrill::{START, Script, Settings};
use wire::{Family, FlowHasher, Interval, LinkType, Nanos, Observation, Packet, Parsed};

/// A script and what is said in its comments.
pub struct Situation {
    /// The script's name, without its extension.
    pub name: String,
    /// The sentence that it shows.
    pub rule: String,
    text: String,
    expected: Vec<Expected>,
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

/// Every row that a shard writes.
#[derive(Default)]
struct Rows(Vec<Record>);

impl Sink for Rows {
    fn record(&mut self, record: Record) {
        self.0.push(record);
    }

    fn header(&mut self, _: Header<'_>) {}

    fn event(&mut self, _: Event) {}

    fn interval(&mut self, _: Interval) {}
}

impl Situation {
    /// Reads a script's comments.
    pub fn read(path: &Path) -> Self {
        let name = path.file_stem().and_then(|stem| stem.to_str()).expect("a name").to_owned();
        let text = fs::read_to_string(path).expect("a readable script");
        let mut situation =
            Self { name, rule: String::new(), text, expected: Vec::new(), config: Config::default(), end: None };
        let text = situation.text.clone();
        for line in text.lines() {
            let Some((word, rest)) = line.strip_prefix("// ").and_then(|remark| remark.split_once(": ")) else {
                continue;
            };
            situation.take(word, rest.trim());
        }
        let name = &situation.name;
        assert!(!situation.rule.is_empty(), "{name} shows no rule: add // rule: ...");
        assert!(!situation.expected.is_empty(), "{name} expects nothing: add // expect: column = value");
        situation
    }

    fn take(&mut self, word: &str, rest: &str) {
        let assignment = || {
            let (key, value) = rest.split_once('=').unwrap_or_else(|| panic!("{}: no = in {rest:?}", self.name));
            (key.trim().to_owned(), value.trim().to_owned())
        };
        match word.split_once(' ').unwrap_or((word, "1")) {
            ("rule", _) => self.rule = rest.to_owned(),
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
        each.collect::<Vec<_>>().join(", ")
    }

    /// Everything that is not as the script expects it.
    pub fn faults(&self, family: Family) -> Vec<String> {
        let script = match Script::read(&self.text, Settings::new(Some(family), [])) {
            Ok(script) => script,
            Err(error) => return vec![error.to_string()],
        };
        let rows = track(&script, self.config.clone(), self.end);
        let mut finals: Vec<&Record> = rows.iter().filter(|row| row.is_final).collect();
        finals.sort_by_key(|row| row.ts);
        let mut faults = Vec::new();
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

/// Changes a setting of the tracker.
fn configure(config: &mut Config, key: &str, value: &str) {
    match key {
        "max_attempts" => config.max_attempts = value.parse().expect("a number of attempts"),
        "max_connections" => config.max_connections = value.parse().expect("a number of connections"),
        "interim_every" => config.interim_every = Some(column::nanos(value)),
        _ => panic!("there is no setting {key}"),
    }
}

/// The rows that the tracker writes for a script.
fn track(script: &Script, config: Config, end: Option<Nanos>) -> Vec<Record> {
    let (mut shard, mut rows, mut clock) = (Shard::new(config), Rows::default(), Nanos::MIN);
    let show = |packet: &hwsim::packetdrill::Packet, ts: Nanos, frame: &hwsim::frame::Frame<'_>| {
        clock = clock.max(ts);
        match wire::parse(LinkType::Ethernet, frame.bytes, frame.wire_len) {
            Parsed::Tcp(found) => {
                let segment = found.segment;
                let hash = FlowHasher::new(1).hash(&segment.key);
                let observation =
                    Observation { ts, clock, segment, hash, headers_at: 0, headers_len: 0, after_loss: false };
                shard.step(&Packet { observation: &observation, headers: b"header" }, &mut rows);
            }
            other => panic!("line {}: {other:?}", packet.line),
        }
        Ok(())
    };
    script.play(&mut Builder::new(262_144), show).expect("nothing is written");
    shard.finish(end.unwrap_or(clock), &mut rows);
    rows.0
}
