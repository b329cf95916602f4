//! What must hold of every campaign, by name.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::path::Path;

use arrow_array::cast::AsArray;
use arrow_array::types::UInt64Type;
use recorder::{Campaign, Ledger, State, Table, verify};

use crate::appliance::Recorded;
use crate::case::Case;
use crate::support::truth::{differences, name};
use crate::support::{self, Row, number};
use crate::witness::{Captured, Story, Told};

/// What was recorded, as its reader sees it, beside what happened.
pub struct Evidence<'a> {
    pub case: &'a Case,
    pub story: &'a Story,
    pub recorded: &'a Recorded,
    pub campaign: Campaign,
    pub connections: Vec<Row>,
    /// The headers by uid, in their order.
    pub headers: BTreeMap<String, Vec<Row>>,
}

impl<'a> Evidence<'a> {
    /// Reads the campaign in `root`.
    pub fn read(case: &'a Case, story: &'a Story, recorded: &'a Recorded, root: &Path) -> Self {
        let mut headers: BTreeMap<String, Vec<Row>> = BTreeMap::new();
        for row in support::rows("headers", root) {
            headers.entry(row["uid"].clone()).or_default().push(row);
        }
        headers.values_mut().for_each(|rows| rows.sort_by_key(|row| number(row, "n")));
        let campaign = Campaign::open(root).expect("a campaign");
        Self { case, story, recorded, campaign, connections: support::connections(root), headers }
    }

    /// The sum of a column of counters.
    fn sum(&self, table: Table, column: &str) -> u64 {
        let scan = self.campaign.scan_columns(table, &[column]).expect("the column");
        scan.map(|batch| {
            let batch = batch.expect("a readable batch");
            batch[column].as_primitive::<UInt64Type>().iter().flatten().sum::<u64>()
        })
        .sum()
    }

    /// Whether the traffic was recorded to its end.
    fn is_to_the_end(&self) -> bool {
        self.recorded.is_whole && !self.recorded.stopped
    }

    /// The connections whose rows must be the truth: those that no loss may have touched.
    fn unmarked(&self) -> impl Iterator<Item = &Row> {
        self.connections.iter().filter(|row| row["lost_capture"] != "true")
    }

    fn truths(&self) -> BTreeMap<Vec<String>, &Told> {
        self.story.connections.iter().map(|told| (name(&told.truth), told)).collect()
    }
}

/// What an invariant finds wrong.
pub type Invariant = (&'static str, fn(&Evidence<'_>) -> Vec<String>);

/// Every invariant.
pub const INVARIANTS: &[Invariant] = &[
    ("the campaign verifies", verifies),
    ("the ledger balances to the frame", ledger_balances),
    ("the base series adds up to the ledger", series_adds_up),
    ("no connection is reported twice", reported_once),
    ("nothing is reported that never was", nothing_invented),
    ("every connection is reported", every_connection_reported),
    ("what no loss has touched is reported as it was", exact),
    ("headers agree byte for byte", headers_agree),
    ("nothing acknowledged is lost", acknowledged_is_there),
    ("a loss of rows is said", loss_is_said),
];

fn verifies(evidence: &Evidence<'_>) -> Vec<String> {
    let report = verify(&evidence.campaign);
    if report.is_clean() { Vec::new() } else { vec![report.to_string()] }
}

/// The device's counters are the simulator's, and every frame went somewhere.
fn ledger_balances(evidence: &Evidence<'_>) -> Vec<String> {
    let mut faults = Vec::new();
    if !evidence.recorded.is_whole {
        return faults;
    }
    let sources = &evidence.campaign.manifest().sources;
    for source in sources {
        faults.extend(source.ledger.balance().err().map(|error| format!("{}: {error}", source.name)));
    }
    if evidence.is_to_the_end() {
        for (source, counted) in sources.iter().zip(&evidence.story.queues) {
            let found = (source.ledger.offered, source.ledger.dropped.device);
            let happened = (counted.offered, counted.dropped());
            if found != happened {
                faults.push(format!("{}: offered and dropped are {found:?}, in truth {happened:?}", source.name));
            }
        }
    }
    faults
}

fn series_adds_up(evidence: &Evidence<'_>) -> Vec<String> {
    if !evidence.recorded.is_whole {
        return Vec::new();
    }
    let mut ledger = Ledger::default();
    evidence.campaign.manifest().sources.iter().for_each(|source| ledger.add(&source.ledger));
    let sum = |columns: &[&str]| columns.iter().map(|column| evidence.sum(Table::Intervals, column)).sum::<u64>();
    let sums = [
        ("TCP packets", sum(&["orig_pkts", "resp_pkts"]), ledger.tcp),
        ("UDP packets", sum(&["udp"]), ledger.not_tcp.get("udp").copied().unwrap_or(0)),
        ("lost frames", sum(&["lost"]), ledger.dropped.total()),
    ];
    let wrong = sums.into_iter().filter(|(_, series, ledger)| series != ledger);
    wrong.map(|(what, series, ledger)| format!("{series} {what} in the series, {ledger} in the ledger")).collect()
}

fn reported_once(evidence: &Evidence<'_>) -> Vec<String> {
    let (mut uids, mut names) = (HashSet::new(), HashSet::new());
    let twice = |row: &&Row| !uids.insert(row["uid"].clone()) | !names.insert(name(row));
    evidence.connections.iter().filter(twice).map(|row| name(row).join(" ")).collect()
}

/// What goes on after its end may be another connection to a tracker: the truth knows no tombstones.
fn nothing_invented(evidence: &Evidence<'_>) -> Vec<String> {
    let truths = evidence.truths();
    let outliving: HashSet<_> = evidence
        .story
        .connections
        .iter()
        .filter(|told| goes_on_after_its_end(told, time_of_its_tuple(told)))
        .map(|told| ends(&told.truth))
        .collect();
    let invented =
        evidence.unmarked().filter(|row| !truths.contains_key(&name(row)) && !outliving.contains(&ends(row)));
    invented.map(|row| name(row).join(" ")).collect()
}

/// Whether some of it came later after its end than so many seconds.
fn goes_on_after_its_end(told: &Told, remembered: f64) -> bool {
    let instant = |column: &str| told.truth[column].parse::<f64>().ok();
    instant("closed_ts").zip(instant("last_ts")).is_some_and(|(closed, last)| last - closed > remembered)
}

/// For how many seconds after its end its late packets go into its row, at least. A client that did not hear a refusal asks again, and
/// that is another connection.
fn time_of_its_row(told: &Told) -> f64 {
    let tombstone = conntrack::Timeouts::default().tombstone as f64 / 1e9;
    if told.truth["established_ts"].is_empty() { 0.0 } else { tombstone }
}

/// For how many seconds after its end its late packets open no other.
fn time_of_its_tuple(told: &Told) -> f64 {
    let time_wait = conntrack::Timeouts::default().time_wait as f64 / 1e9;
    if told.truth["close_reason"] == "fin" { time_wait } else { time_of_its_row(told) }
}

/// The two ends in no particular order.
fn ends(row: &Row) -> BTreeSet<[String; 2]> {
    [["orig_h", "orig_p"], ["resp_h", "resp_p"]].map(|end| end.map(|column| row[column].clone())).into()
}

fn every_connection_reported(evidence: &Evidence<'_>) -> Vec<String> {
    if !evidence.is_to_the_end() || evidence.case.loses_packets() {
        return Vec::new();
    }
    let reported: HashSet<_> = evidence.connections.iter().map(name).collect();
    evidence.truths().into_keys().filter(|name| !reported.contains(name)).map(|name| name.join(" ")).collect()
}

/// Of a campaign that a failing disk ended early, and of what goes on after its end, a row is the beginning of the truth.
fn exact(evidence: &Evidence<'_>) -> Vec<String> {
    let truths = evidence.truths();
    let mut faults = Vec::new();
    for row in evidence.unmarked() {
        let called = name(row);
        let Some(told) = truths.get(&called) else { continue };
        let may_be_cut = evidence.recorded.stopped || goes_on_after_its_end(told, time_of_its_row(told));
        let is_cut = may_be_cut && row["last_ts"] < told.truth["last_ts"];
        let found = if is_cut { more_than(row, &told.truth) } else { differences(&told.truth, row) };
        let of_cut = evidence.recorded.stopped && row["close_reason"] == "campaign_end";
        let counts = found.into_iter().filter(|fault| !of_cut || !fault.starts_with("close_reason"));
        faults.extend(counts.map(|fault| format!("{}: {fault}", called.join(" "))));
    }
    faults
}

/// Where the beginning of a connection claims more than all of it.
fn more_than(row: &Row, truth: &Row) -> Vec<String> {
    ["orig_pkts", "resp_pkts", "orig_wire_bytes", "resp_wire_bytes", "orig_unique_bytes", "resp_unique_bytes"]
        .iter()
        .filter(|column| number(row, column) > number(truth, column))
        .map(|column| format!("{column} is {}, in truth {}", row[*column], truth[*column]))
        .collect()
}

fn headers_agree(evidence: &Evidence<'_>) -> Vec<String> {
    let truths = evidence.truths();
    let mut faults = Vec::new();
    for row in evidence.unmarked() {
        let Some(told) = truths.get(&name(row)) else { continue };
        let none = Vec::new();
        let found = evidence.headers.get(&row["uid"]).unwrap_or(&none);
        let pkts = number(row, "orig_pkts") + number(row, "resp_pkts");
        let expected = pkts.min(u64::from(evidence.case.headers)) as usize;
        let captured = told.captured.iter().take(expected);
        // The journal takes headers before the row that counts them, so that a row has all of its own.
        if found.len() != expected || !found.iter().zip(captured).all(|(row, captured)| is_of(row, captured)) {
            faults.push(format!("{}: {} headers, not these {expected}", name(row).join(" "), found.len()));
        }
    }
    faults
}

fn is_of(row: &Row, captured: &Captured) -> bool {
    let (seconds, nanos) = captured.ts.split();
    let bytes: String = captured.bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    row["ts"] == format!("{seconds}.{nanos:09}") && row["bytes"] == bytes
}

fn acknowledged_is_there(evidence: &Evidence<'_>) -> Vec<String> {
    let mut faults = Vec::new();
    for (table, acknowledged) in Table::ALL.into_iter().zip(evidence.recorded.acknowledged) {
        let scan = evidence.campaign.scan(table);
        let rows: usize = scan.map(|batch| batch.expect("a readable batch").num_rows()).sum();
        if (rows as u64) < acknowledged {
            faults.push(format!("{table}: {rows} rows of {acknowledged} acknowledged"));
        }
    }
    faults
}

/// A campaign that is not whole does not say that it were.
fn loss_is_said(evidence: &Evidence<'_>) -> Vec<String> {
    let manifest = evidence.campaign.manifest();
    let is_complete = manifest.state == State::Complete;
    if is_complete && !evidence.is_to_the_end() && manifest.ended_by.is_none() {
        return vec!["it is called complete, and nobody ended it".to_owned()];
    }
    if evidence.recorded.is_whole && !is_complete {
        return vec![format!("a whole campaign is called {:?}", manifest.state)];
    }
    Vec::new()
}
