//! What a campaign shows that was killed again and again, against one of the same packets that was not.

use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};

use arrow_array::cast::AsArray;
use arrow_array::types::UInt64Type;
use recorder::{Campaign, ReadError, Table};

use crate::stream::Fed;
use crate::support::{self, Row};

/// A connection's row leaves the tracker this long after its close, in packet time: `tracker.timeouts.tombstone`.
const TOMBSTONE: i64 = 5_000_000_000;

/// What the recorder promises: a crash loses no row that was handed over earlier, ns.
const BOUND: i64 = 1_000_000_000;

/// What is compared of connections: nothing that a later packet of the same addresses could change.
const COLUMNS: [&str; 7] =
    ["conn_state", "history", "orig_pkts", "resp_pkts", "orig_bytes", "resp_bytes", "close_reason"];

/// Everything that is known about the killed campaign.
pub struct Evidence {
    campaign: PathBuf,
    /// Of the undisturbed campaign: what each connection is, by first packet and endpoints.
    truth: BTreeMap<Vec<String>, Known>,
    /// Nanoseconds from one round of the stream to the next.
    span: i64,
    /// Rows that were to be seen when a run was killed.
    shown: HashSet<u64>,
    fed: Vec<Fed>,
}

/// A connection in one round.
struct Known {
    row: Row,
    /// From its first packet until its row is due.
    life: (i64, i64),
}

/// The uids of connections that a reader sees now.
pub fn shown(campaign: &Path) -> Vec<u64> {
    let campaign = match Campaign::open(campaign) {
        Err(ReadError::NotACampaign { .. }) => return Vec::new(),
        campaign => campaign.expect("a readable campaign"),
    };
    let mut shown = Vec::new();
    for batch in campaign.scan_columns(Table::Connections, &["uid", "final"]).expect("the columns") {
        let batch = batch.expect("a readable part");
        let (uids, finals) = (batch["uid"].as_primitive::<UInt64Type>(), batch["final"].as_boolean());
        shown.extend((0..batch.num_rows()).filter(|&row| finals.value(row)).map(|row| uids.value(row)));
    }
    shown
}

fn nanos(row: &Row, column: &str) -> i64 {
    let (seconds, fraction) = row[column].split_once('.').expect("decimal seconds");
    seconds.parse::<i64>().expect("seconds") * 1_000_000_000 + fraction.parse::<i64>().expect("nine digits")
}

/// First packet, within its round, and endpoints.
fn name(row: &Row, ts: i64) -> Vec<String> {
    let ends = ["orig_h", "orig_p", "resp_h", "resp_p"].map(|column| row[column].clone());
    ends.into_iter().chain([ts.to_string()]).collect()
}

impl Evidence {
    pub fn new(campaign: &Path, whole: &Path, span: u32) -> Self {
        let mut truth = BTreeMap::new();
        for row in support::connections(whole) {
            if row["closed_ts"].is_empty() || row["close_reason"] == "campaign_end" {
                continue;
            }
            let life = (nanos(&row, "ts"), nanos(&row, "last_ts") + TOMBSTONE);
            truth.insert(name(&row, life.0), Known { row, life });
        }
        assert!(truth.len() > 500, "{} connections that closed", truth.len());
        let campaign = campaign.to_owned();
        Self { campaign, truth, span: i64::from(span) * 1_000_000_000, shown: HashSet::new(), fed: Vec::new() }
    }

    /// Takes note of a run that was killed.
    pub fn add(&mut self, shown: Vec<u64>, fed: Fed) {
        self.shown.extend(shown);
        self.fed.push(fed);
    }

    /// What a kill leaves has every row that was to be seen before.
    pub fn check_left(&self, kill: u64) {
        let left: HashSet<u64> = shown(&self.campaign).into_iter().collect();
        let gone = self.shown.difference(&left).count();
        assert_eq!(gone, 0, "kill {kill}: {gone} rows of {} that were acknowledged are gone", self.shown.len());
    }

    /// All runs together.
    pub fn check_all(&self, kills: u64) {
        let rows = support::connections(&self.campaign);
        let mut found: BTreeMap<(i64, Vec<String>), &Row> = BTreeMap::new();
        let first = self.truth.values().map(|known| known.life.0).min().expect("connections");
        for row in &rows {
            let ts = nanos(row, "ts");
            let round = (ts - first).div_euclid(self.span);
            let twice = found.insert((round, name(row, ts - round * self.span)), row);
            assert!(twice.is_none(), "a connection is there twice: {row:?}");
        }
        let losses = losses(&self.campaign);
        assert!(losses.len() as u64 <= kills, "{} losses recorded for {kills} kills", losses.len());
        let mut faults = Vec::new();
        let (mut expected, mut lost) = (0, 0);
        for fed in &self.fed {
            for (round, known) in self.within(fed) {
                expected += 1;
                let key = (round, name(&known.row, known.life.0));
                match found.get(&key) {
                    Some(row) => faults.extend(differences(row, &known.row)),
                    None => {
                        lost += 1;
                        faults.extend(self.unexplained(fed, round, known, &losses));
                    }
                }
            }
        }
        support::say(&format!("{kills} kills: {} rows, {expected} expected, {lost} lost within the bound", rows.len()));
        assert!(expected > 10 * kills, "{expected} connections lay within a run");
        support::assert_none(&faults, expected as usize);
    }

    /// The connections whose packets all went to one run, and whose row was due before it died.
    fn within<'a>(&'a self, fed: &'a Fed) -> impl Iterator<Item = (i64, &'a Known)> {
        let (from, to) = match (fed.progress.first(), fed.progress.last()) {
            // Some packets went before the first instant that is known.
            (Some(first), Some(last)) => (first.0, last.0),
            _ => (0, 0),
        };
        let first = self.truth.values().map(|known| known.life.0).min().unwrap_or_default();
        let rounds = (from - first).div_euclid(self.span)..=(to - first).div_euclid(self.span);
        rounds.flat_map(move |round| {
            let by = round * self.span;
            self.truth
                .values()
                .filter(move |known| known.life.0 + by > from && known.life.1 + by < to)
                .map(move |known| (round, known))
        })
    }

    /// Why a row that is missing should be there: it was due longer before the loss that was recorded than the bound allows.
    fn unexplained(&self, fed: &Fed, round: i64, known: &Known, losses: &[(i64, i64)]) -> Option<String> {
        let due = known.life.1 + round * self.span;
        let at = fed.progress.iter().find(|(packet, _)| *packet >= due).map(|(_, wall)| *wall)?;
        // A machine that lets a process wait is not the recorder's fault.
        let bound = BOUND + 2 * fed.stall;
        let explained = losses.iter().any(|&(from, to)| from - bound <= at && at <= to);
        (!explained).then(|| format!("due at {at}, and no loss is recorded then: {:?}", name(&known.row, known.life.0)))
    }
}

fn differences(row: &Row, truth: &Row) -> Vec<String> {
    let differs = |column: &&&str| row[**column] != truth[**column];
    let told = |column: &&str| format!("{}: {column} is {}, undisturbed {}", row["uid"], row[*column], truth[*column]);
    COLUMNS.iter().filter(differs).map(told).collect()
}

/// From when to when rows may be lost, as the campaign says, by the wall clock, ns.
fn losses(campaign: &Path) -> Vec<(i64, i64)> {
    let events = support::rows("events", campaign);
    let told = events.iter().filter(|row| row["kind"] == "lost").map(|row| row["detail"].as_str());
    told.filter_map(|detail| {
        let mut instants = detail.strip_prefix("from=")?.splitn(2, " to=");
        let from = instants.next()?;
        let to = instants.next()?.split(':').next()?;
        let nanos = |text: &str| {
            let (seconds, fraction) = text.split_once('.')?;
            Some(seconds.parse::<i64>().ok()? * 1_000_000_000 + fraction.parse::<i64>().ok()?)
        };
        Some((nanos(from)?, nanos(to)?))
    })
    .collect()
}
