//! Rows, counted: none goes that nobody misses.

use std::collections::BTreeMap;

use wire::Nanos;

use crate::{Losses, Table};

/// Rows of this run, by table.
#[derive(Debug, Default)]
pub(super) struct Accounts {
    /// Given to the recorder, lost ones included.
    given: [u64; Table::COUNT],
    /// Refused, because no disk took them, or lost on the way to the recorder.
    lost: [u64; Table::COUNT],
    /// In sealed files.
    sealed: [u64; Table::COUNT],
    /// Refused since then, and not told yet.
    refused: Option<(Nanos, [u64; Table::COUNT])>,
}

impl Accounts {
    pub fn give(&mut self, table: Table, rows: u64) {
        self.given[table.index()] += rows;
    }

    /// Rows that were given and go nowhere.
    pub fn refuse(&mut self, table: Table, rows: u64, now: Nanos) {
        self.lost[table.index()] += rows;
        self.refused.get_or_insert((now, [0; Table::COUNT])).1[table.index()] += rows;
    }

    /// Rows that were lost before they came here.
    pub fn miss(&mut self, table: Table, rows: u64) {
        self.given[table.index()] += rows;
        self.lost[table.index()] += rows;
    }

    pub fn seal(&mut self, table: Table, rows: u64) {
        self.sealed[table.index()] += rows;
    }

    /// A sentence about rows that were refused until `now`, once.
    pub fn tell_refused(&mut self, now: Nanos) -> Option<String> {
        let (since, rows) = self.refused.take()?;
        let counts = Table::ALL.into_iter().zip(rows).filter(|(_, rows)| *rows > 0);
        let counts: Vec<String> = counts.map(|(table, rows)| format!("{rows} rows of table {table}")).collect();
        let (from, to) = (seconds(since), seconds(now));
        Some(format!("from={from} to={to}: {}: no disk took them", counts.join(", ")))
    }

    /// Rows that were lost so far, while some may still be on their way to a disk.
    pub fn lost(&self) -> BTreeMap<Table, u64> {
        by_table(self.lost)
    }

    /// Writes what a running campaign holds and has lost.
    pub fn state_so_far(
        &self,
        acknowledged: [u64; Table::COUNT],
        rows: &mut BTreeMap<Table, u64>,
        losses: &mut Losses,
    ) {
        *rows = Table::ALL.into_iter().zip(acknowledged).collect();
        losses.rows = by_table(self.lost);
    }

    /// Writes what a campaign holds that has ended: what is not sealed is lost.
    pub fn state_at_the_end(&self, rows: &mut BTreeMap<Table, u64>, losses: &mut Losses) {
        *rows = Table::ALL.into_iter().zip(self.sealed).collect();
        losses.rows = by_table(std::array::from_fn(|at| self.given[at].saturating_sub(self.sealed[at])));
    }
}

/// The counts that are not 0.
fn by_table(counts: [u64; Table::COUNT]) -> BTreeMap<Table, u64> {
    Table::ALL.into_iter().zip(counts).filter(|(_, count)| *count > 0).collect()
}

/// An instant in decimal seconds.
pub(crate) fn seconds(instant: Nanos) -> String {
    let (seconds, nanos) = instant.split();
    format!("{seconds}.{nanos:09}")
}
