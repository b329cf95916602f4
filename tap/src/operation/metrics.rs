//! The status as OpenMetrics, for Prometheus and its like.
//!
//! Names are the ledger's and the manifest's, under `conntrack_`. Counters begin from nothing with each run of the program.

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};

use recorder::{Condition, Ledger, RoomIn, Table};

use super::status::{SourceStatus, Status};

/// Names and values of a metric's labels.
type Labels = Vec<(&'static str, String)>;

/// The status as a text.
#[must_use]
pub fn text(status: &Status) -> String {
    let mut page = Page::default();
    page.sources(&status.sources);
    page.tracker(status);
    page.recorder(&status.recorder);
    page.text.push_str("# EOF\n");
    page.text
}

#[derive(Default)]
struct Page {
    text: String,
}

impl Page {
    fn counters(&mut self, name: &str, help: &str, values: impl IntoIterator<Item = (Labels, u64)>) {
        self.head(name, "counter", help);
        for (labels, value) in values {
            self.sample(name, "_total", &labels, value);
        }
    }

    fn gauges(&mut self, name: &str, help: &str, values: impl IntoIterator<Item = (Labels, f64)>) {
        self.head(name, "gauge", help);
        for (labels, value) in values {
            self.sample(name, "", &labels, value);
        }
    }

    fn head(&mut self, name: &str, kind: &str, help: &str) {
        // Writing to a string does not fail; neither here nor below.
        let _ = writeln!(self.text, "# TYPE conntrack_{name} {kind}\n# HELP conntrack_{name} {help}.");
    }

    fn sample(&mut self, name: &str, suffix: &str, labels: &Labels, value: impl fmt::Display) {
        let _ = write!(self.text, "conntrack_{name}{suffix}");
        for (at, (label, text)) in labels.iter().enumerate() {
            let before = if at == 0 { '{' } else { ',' };
            let _ = write!(self.text, "{before}{label}=\"{}\"", Escaped(text));
        }
        let _ = writeln!(self.text, "{} {value}", if labels.is_empty() { "" } else { "}" });
    }

    fn sources(&mut self, sources: &[SourceStatus]) {
        let plain: [(&str, &str, Figure); 3] = [
            ("frames_offered", "Frames that the device offered", |ledger| ledger.offered),
            ("frames_delivered", "Frames that reached the parser's verdict", |ledger| ledger.delivered),
            ("tcp_frames", "TCP frames that were tracked", |ledger| ledger.tcp),
        ];
        for (metric, help, figure) in plain {
            self.counters(metric, help, sources.iter().map(|source| (vec![name(source)], figure(&source.ledger))));
        }
        let dropped = sources.iter().flat_map(|source| {
            let count = |(place, figure): &(&str, Figure)| {
                (vec![name(source), ("place", (*place).to_owned())], figure(&source.ledger))
            };
            PLACES.iter().map(count).collect::<Vec<_>>()
        });
        self.counters("frames_dropped", "Frames that were dropped, by place", dropped);
        let not_tcp = by_name(sources, "protocol", |ledger| &ledger.not_tcp);
        self.counters("not_tcp_frames", "Frames that are not TCP, by protocol", not_tcp);
        let rejected = by_name(sources, "reason", |ledger| &ledger.rejected);
        self.counters("frames_rejected", "Frames that could not be used, by reason", rejected);
        let steps = sources.iter().map(|source| (vec![name(source)], source.clock_steps));
        self.counters("clock_steps", "Packets that were older than the one before", steps);
        let lag = sources.iter().filter_map(|source| Some((vec![name(source)], source.lag_s?)));
        self.gauges("lag_seconds", "Time since the newest packet's timestamp", lag);
    }

    fn tracker(&mut self, status: &Status) {
        let tracker = &status.tracker;
        let counters = [
            ("connections", "Connections begun", tracker.connections),
            ("evicted", "Connections and attempts that went because a bound was reached", tracker.evicted),
            ("late_packets", "Packets that came after younger ones had been tracked", tracker.late),
            (
                "time_wait_evicted",
                "Tuples in TIME_WAIT that were forgotten before their time",
                tracker.time_wait_evicted,
            ),
        ];
        for (name, help, value) in counters {
            self.counters(name, help, [(Labels::new(), value)]);
        }
        let named = |label, counts: &BTreeMap<String, u64>| {
            counts.iter().map(|(name, &count)| (vec![(label, name.clone())], count)).collect::<Vec<_>>()
        };
        let stragglers = named("kind", &tracker.stragglers);
        self.counters("stragglers", "Packets after the row of their connection was written, by kind", stragglers);
        self.counters("anomalies", "Packets that showed an anomaly, by its name", named("name", &tracker.anomalies));
        let well = if status.ailment().is_none() { 1.0 } else { 0.0 };
        let gauges = [
            ("live_connections", "Connections open", tracker.live as f64),
            ("memory_bytes", "Memory that the process occupies", status.memory_bytes as f64),
            ("uptime_seconds", "Time since the start", status.uptime_s),
            ("healthy", "1 where every thread works and a disk takes rows", well),
        ];
        for (name, help, value) in gauges {
            self.gauges(name, help, [(Labels::new(), value)]);
        }
    }

    fn recorder(&mut self, recorder: &Condition) {
        let table = |table: Table| vec![("table", table.to_string())];
        let rows = Table::ALL.map(|of| (table(of), recorder.acknowledged(of)));
        self.counters("rows_acknowledged", "Rows that survive a crash", rows);
        self.counters("rows_lost", "Rows that were lost", Table::ALL.map(|of| (table(of), recorder.lost(of))));
        let counters = [
            ("failovers", "How often rows went to another directory", recorder.failovers),
            ("recorder_failures", "How often sealing or campaign.json failed, and was tried again", recorder.failures),
            ("segments_deleted", "Sealed segments deleted to make room", recorder.deleted_segments),
        ];
        for (name, help, value) in counters {
            self.counters(name, help, [(Labels::new(), value)]);
        }
        let gauges = [
            (
                "unacknowledged_bytes",
                "Bytes of the journal that no disk has acknowledged",
                recorder.waiting_bytes as f64,
            ),
            ("unsealed_segments", "Segments of the journal that are not sealed", recorder.unsealed_segments as f64),
            (
                "oldest_journal_seconds",
                "Time since the oldest segment ended that is not sealed",
                recorder.oldest_journal_s,
            ),
        ];
        for (name, help, value) in gauges {
            self.gauges(name, help, [(Labels::new(), value)]);
        }
        let directory = |room: &RoomIn| vec![("directory", room.directory.display().to_string())];
        let rooms = &recorder.rooms;
        let free = rooms.iter().map(|room| (directory(room), room.free_bytes as f64));
        self.gauges("disk_free_bytes", "Room left in a directory's file system", free);
        let total = rooms.iter().map(|room| (directory(room), room.total_bytes as f64));
        self.gauges("disk_total_bytes", "Room of a directory's file system", total);
    }
}

type Figure = fn(&Ledger) -> u64;

/// Where frames are dropped.
const PLACES: [(&str, Figure); 4] = [
    ("device", |ledger| ledger.dropped.device),
    ("kernel", |ledger| ledger.dropped.kernel),
    ("poller", |ledger| ledger.dropped.poller),
    ("queue", |ledger| ledger.dropped.queue),
];

fn name(source: &SourceStatus) -> (&'static str, String) {
    ("source", source.name.clone())
}

/// Counters of every source that the ledger keeps by name.
fn by_name(
    sources: &[SourceStatus],
    label: &'static str,
    counts: fn(&Ledger) -> &BTreeMap<String, u64>,
) -> Vec<(Labels, u64)> {
    let of = |source: &SourceStatus| {
        let count = |(what, &count): (&String, &u64)| (vec![name(source), (label, what.clone())], count);
        counts(&source.ledger).iter().map(count).collect::<Vec<_>>()
    };
    sources.iter().flat_map(of).collect()
}

/// A label's value as OpenMetrics writes it.
struct Escaped<'a>(&'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|character| match character {
            '\\' | '"' => write!(f, "\\{character}"),
            '\n' => f.write_str("\\n"),
            character => f.write_char(character),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_counter_of_the_ledger_is_there_with_its_source() {
        let mut status = Status::default();
        let mut source = SourceStatus { name: "pcap:a \"b\"".to_owned(), ..SourceStatus::default() };
        source.ledger.delivered = 7;
        source.ledger.dropped.kernel = 3;
        source.ledger.not_tcp.insert("udp".to_owned(), 5);
        status.sources.push(source);
        status.tracker.stragglers.insert("fin".to_owned(), 4);
        status.tracker.anomalies.insert("bad_flags".to_owned(), 2);
        status.tracker.time_wait_evicted = 1;
        let text = text(&status);
        for line in [
            "# TYPE conntrack_frames_delivered counter",
            "conntrack_frames_delivered_total{source=\"pcap:a \\\"b\\\"\"} 7",
            "conntrack_frames_dropped_total{source=\"pcap:a \\\"b\\\"\",place=\"kernel\"} 3",
            "conntrack_not_tcp_frames_total{source=\"pcap:a \\\"b\\\"\",protocol=\"udp\"} 5",
            "conntrack_stragglers_total{kind=\"fin\"} 4",
            "conntrack_anomalies_total{name=\"bad_flags\"} 2",
            "conntrack_time_wait_evicted_total 1",
            "conntrack_live_connections 0",
            "conntrack_rows_lost_total{table=\"headers\"} 0",
        ] {
            assert!(text.lines().any(|found| found == line), "{line}\n{text}");
        }
        assert!(text.ends_with("# EOF\n"));
    }

    #[test]
    fn a_metric_has_one_head_and_it_comes_first() {
        let text = text(&Status::default());
        let mut heads: Vec<&str> = text.lines().filter(|line| line.starts_with("# TYPE")).collect();
        let all = heads.len();
        heads.sort_unstable();
        heads.dedup();
        assert_eq!(heads.len(), all);
    }
}
