//! One pass over the connections: how quantities are distributed, who talks most, and which connections are looked at closely.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::ops::ControlFlow;

use arrow_array::RecordBatch;
use recorder::{Campaign, Table};

use crate::ReportError;
use crate::burstiness;
use crate::cell::Column;
use crate::input::{Skipped, each_batch};
use crate::summary::Gather;
use crate::top::{Tally, Top};

/// Data phases shorter than this make a rate meaningless, ns.
const SHORTEST: i64 = (burstiness::SHORTEST * 1e9) as i64;

/// Addresses and networks that are kept at a time.
const NAMES: usize = 1 << 17;

/// Rates are kept as whole bit/s.
const RATE_UNIT: f64 = 1.0;

/// The columns of a connection and of its two directions, in the order in which [`Row`] takes them.
const COLUMNS: [&str; 29] = [
    "final",
    "partial",
    "uid",
    "ts",
    "duration",
    "established_ts",
    "close_reason",
    "conn_state",
    "orig_h",
    "orig_p",
    "resp_h",
    "resp_p",
    "headers",
    "syn_rtt",
    "ack_rtt",
    "orig_unique_bytes",
    "orig_ip_bytes",
    "orig_last_data_ts",
    "orig_throughput_established",
    "orig_wscale",
    "orig_retrans_pkts",
    "orig_pkts",
    "resp_unique_bytes",
    "resp_ip_bytes",
    "resp_last_data_ts",
    "resp_throughput_established",
    "resp_wscale",
    "resp_retrans_pkts",
    "resp_pkts",
];

/// Columns before the directions, and of each direction.
const COMMON: usize = 15;
const OF_SIDE: usize = 7;

/// A quantity over many connections, as steps: a value, and the share of all that exceeds it.
#[derive(Clone, Debug, Default)]
pub struct Distribution {
    /// How many values.
    pub values: u64,
    /// The steps, ascending, those left out that no eye could tell from their neighbours.
    pub steps: Vec<(f64, f64)>,
}

/// An address or a network, and what it exchanged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Host {
    /// Its name.
    pub name: String,
    /// Connections that it has part in.
    pub connections: u64,
    /// Their IP bytes, both directions.
    pub bytes: u64,
}

/// Which connections to look at closely.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// These.
    pub uids: Vec<u64>,
    /// Without any: so many with the most distinct payload.
    pub largest: usize,
}

/// A connection to look at closely.
#[derive(Clone, Debug, PartialEq)]
pub struct Chosen {
    /// Its number.
    pub uid: u64,
    /// First packet, ns since the epoch.
    pub ts: i64,
    /// Its length, s.
    pub seconds: f64,
    /// Address and port of the originator and of the responder.
    pub ends: [(String, u64); 2],
    /// Zeek's state.
    pub conn_state: String,
    /// What ended it.
    pub close_reason: String,
    /// Headers that were recorded.
    pub headers: u64,
    /// By direction.
    pub sides: [ChosenSide; 2],
}

/// One direction of it.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct ChosenSide {
    /// Distinct payload, bytes.
    pub bytes: u64,
    /// Packets.
    pub packets: u64,
    /// Data segments sent again.
    pub retransmissions: u64,
    /// Rate of its data phase, bit/s.
    pub rate: Option<f64>,
    /// The shift of its window that it announced.
    pub wscale: Option<u64>,
}

/// What one pass over the connections told.
#[derive(Clone, Debug)]
pub struct Connections {
    /// Distinct payload of each direction of whole connections, bytes.
    pub sizes: [Distribution; 2],
    /// Length of whole connections, s.
    pub durations: Distribution,
    /// `throughput_established` of each direction whose data phase lasts 0.1 s or longer, bit/s.
    pub rates: [Distribution; 2],
    /// The halves of the handshake's round trip: to the responder and to the originator, s.
    pub round_trips: [Distribution; 2],
    /// Addresses with the most IP bytes.
    pub hosts: Vec<Host>,
    /// How much any of those figures can lack; nothing where all are exact.
    pub lacking: Option<Tally>,
    /// Connections to look at closely, the largest first.
    pub chosen: Vec<Chosen>,
}

/// Gathers them.
struct Pass<'a> {
    wanted: &'a Wanted,
    sizes: [Gather; 2],
    durations: Gather,
    rates: [Gather; 2],
    round_trips: [Gather; 2],
    hosts: Top<String>,
    /// Payload and number of the largest so far, the smallest of them on top.
    largest: BinaryHeap<Reverse<(u64, u64)>>,
    chosen: Vec<Chosen>,
}

impl Connections {
    /// Of a campaign.
    ///
    /// # Errors
    /// [`ReportError`] for a campaign of a make that cannot be taken apart.
    pub fn of(campaign: &Campaign, wanted: &Wanted, hosts: usize, skipped: &mut Skipped) -> Result<Self, ReportError> {
        let mut pass = Pass {
            wanted,
            sizes: Default::default(),
            durations: Gather::default(),
            rates: Default::default(),
            round_trips: Default::default(),
            hosts: Top::new(NAMES),
            largest: BinaryHeap::new(),
            chosen: Vec::new(),
        };
        each_batch(campaign, Table::Connections, &COLUMNS, skipped, &mut |batch| {
            pass.add(batch).map(ControlFlow::Continue)
        })?;
        let seconds = |gather: &Gather| distribution(gather, 1e-9);
        let named = pass.hosts.largest(hosts).into_iter();
        pass.chosen.sort_by_key(|chosen| (Reverse(chosen.size()), chosen.uid));
        Ok(Self {
            sizes: pass.sizes.each_ref().map(|gather| distribution(gather, 1.0)),
            durations: seconds(&pass.durations),
            rates: pass.rates.each_ref().map(|gather| distribution(gather, RATE_UNIT)),
            round_trips: pass.round_trips.each_ref().map(seconds),
            hosts: named.map(|(name, Tally { connections, bytes })| Host { name, connections, bytes }).collect(),
            lacking: pass.hosts.lacking(),
            chosen: pass.chosen,
        })
    }
}

impl Chosen {
    /// Distinct payload of both directions, bytes.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.sides[0].bytes.saturating_add(self.sides[1].bytes)
    }
}

/// A row of the table.
struct Row<'a, 'b> {
    columns: &'b [Column<'a>],
    row: usize,
}

impl<'a> Row<'a, '_> {
    fn number(&self, at: usize) -> Option<u64> {
        self.columns[at].cell(self.row).unsigned()
    }

    fn instant(&self, at: usize) -> Option<i64> {
        self.columns[at].cell(self.row).instant()
    }

    fn seconds(&self, at: usize) -> Option<f64> {
        self.columns[at].cell(self.row).seconds()
    }

    fn text(&self, at: usize) -> &'a str {
        self.columns[at].cell(self.row).text().unwrap_or_default()
    }

    fn is_true(&self, at: usize) -> bool {
        self.columns[at].cell(self.row).is_true()
    }

    /// Where the columns of a direction begin.
    const fn side(side: usize) -> usize {
        COMMON + side * OF_SIDE
    }

    fn rate(&self, side: usize) -> Option<f64> {
        self.columns[Self::side(side) + 3].cell(self.row).number()
    }
}

impl Pass<'_> {
    fn add(&mut self, batch: &RecordBatch) -> Result<(), ReportError> {
        let columns = Column::all(batch)?;
        for row in 0..batch.num_rows() {
            let row = Row { columns: &columns, row };
            if row.is_true(0) {
                self.add_distributions(&row);
                self.add_hosts(&row);
                self.choose(&row);
            }
        }
        Ok(())
    }

    fn add_distributions(&mut self, row: &Row<'_, '_>) {
        for (gather, at) in self.round_trips.iter_mut().zip([13, 14]) {
            row.seconds(at).into_iter().for_each(|seconds| gather.add_seconds(seconds));
        }
        let Some(established) = row.instant(5).filter(|_| !row.is_true(1)) else { return };
        if !matches!(row.text(6), "fin" | "rst" | "reused") {
            return;
        }
        row.seconds(4).into_iter().for_each(|seconds| self.durations.add_seconds(seconds));
        for side in 0..2 {
            let at = Row::side(side);
            row.number(at).into_iter().for_each(|bytes| self.sizes[side].add(bytes));
            let is_long = row.instant(at + 2).is_some_and(|last| last.saturating_sub(established) >= SHORTEST);
            if let Some(rate) = row.rate(side).filter(|_| is_long) {
                self.rates[side].add_scaled(rate, RATE_UNIT);
            }
        }
    }

    fn add_hosts(&mut self, row: &Row<'_, '_>) {
        let bytes = [0, 1].map(|side| row.number(Row::side(side) + 1).unwrap_or(0));
        let bytes = bytes[0].saturating_add(bytes[1]);
        self.hosts.add(row.text(8), bytes);
        if row.text(10) != row.text(8) {
            self.hosts.add(row.text(10), bytes);
        }
    }

    fn choose(&mut self, row: &Row<'_, '_>) {
        let Some(uid) = row.number(2) else { return };
        if !self.wanted.uids.is_empty() {
            if self.wanted.uids.contains(&uid) && self.chosen.iter().all(|chosen| chosen.uid != uid) {
                self.chosen.push(chosen(row, uid));
            }
            return;
        }
        let size = [0, 1].map(|side| row.number(Row::side(side)).unwrap_or(0));
        let size = size[0].saturating_add(size[1]);
        let is_large = self.largest.len() < self.wanted.largest
            || self.largest.peek().is_some_and(|Reverse((smallest, _))| *smallest < size);
        if size == 0 || self.wanted.largest == 0 || !is_large {
            return;
        }
        self.largest.push(Reverse((size, uid)));
        self.chosen.push(chosen(row, uid));
        if self.largest.len() > self.wanted.largest
            && let Some(Reverse((_, smallest))) = self.largest.pop()
        {
            self.chosen.retain(|chosen| chosen.uid != smallest);
        }
    }
}

fn chosen(row: &Row<'_, '_>, uid: u64) -> Chosen {
    let side = |side: usize| {
        let at = Row::side(side);
        ChosenSide {
            bytes: row.number(at).unwrap_or(0),
            packets: row.number(at + 6).unwrap_or(0),
            retransmissions: row.number(at + 5).unwrap_or(0),
            rate: row.rate(side),
            wscale: row.number(at + 4),
        }
    };
    Chosen {
        uid,
        ts: row.instant(3).unwrap_or(0),
        seconds: row.seconds(4).unwrap_or(0.0),
        ends: [
            (row.text(8).to_owned(), row.number(9).unwrap_or(0)),
            (row.text(10).to_owned(), row.number(11).unwrap_or(0)),
        ],
        conn_state: row.text(7).to_owned(),
        close_reason: row.text(6).to_owned(),
        headers: row.number(12).unwrap_or(0),
        sides: [side(0), side(1)],
    }
}

/// The steps of a distribution, of which those are left out that no eye could tell from their neighbours.
fn distribution(gather: &Gather, unit: f64) -> Distribution {
    const STEP: f64 = 0.02;
    let Some(spread) = gather.counts() else { return Distribution::default() };
    let mut steps: Vec<(f64, f64)> = Vec::new();
    let mut left = spread.n;
    for (value, count) in gather.recorded() {
        left = left.saturating_sub(count);
        let step = (value as f64 * unit, left as f64 / spread.n as f64);
        let is_near = |&(at, share): &(f64, f64)| step.0 < at * (1.0 + STEP) && step.1 > share * (1.0 - STEP);
        if left > 0 && !steps.last().is_some_and(is_near) {
            steps.push(step);
        }
    }
    // The last step falls to nothing, which no logarithmic axis can show: it ends at the largest value instead.
    steps.push((spread.max as f64 * unit, steps.last().map_or(1.0, |step| step.1)));
    Distribution { values: spread.n, steps }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_distribution_falls_from_all_to_the_largest_value() {
        let mut gather = Gather::default();
        (1..=10_000).for_each(|value| gather.add(value));
        let found = distribution(&gather, 1.0);
        assert_eq!(found.values, 10_000);
        assert!(found.steps.len() < 1000, "{}", found.steps.len());
        for &(value, share) in &found.steps[..found.steps.len() - 1] {
            assert!((share - (1.0 - value / 10_000.0)).abs() < 2e-3, "{value} {share}");
        }
        assert_eq!(found.steps.last().map(|step| step.0), Some(10_000.0));
        assert!(found.steps.is_sorted_by(|a, b| a.0 <= b.0 && a.1 >= b.1));
        assert!(distribution(&Gather::default(), 1.0).steps.is_empty());
    }
}
