//! `conntrack-report throughput`: how fast connections ran, over their whole lives and in their phases.
//!
//! Everything is from the columns of the connections, which were computed while the packets passed. One pass over the connections, one more to
//! find the ports with the most bytes; memory goes with the number of groups alone.

mod gather;
mod text;

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::Path;

use recorder::{Campaign, Table};
use serde::Serialize;

use crate::ReportError;
use crate::burstiness::HOUR;
use crate::cell::Column;
use crate::input::{Skipped, each_batch};
use crate::standing::Standing;
use crate::summary::Seconds;
use gather::{GatherGroup, Group};

pub use gather::SLOW;

/// How many ports have a group of their own.
const PORTS: usize = 20;

/// What connections are parted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum By {
    /// Not at all
    All,
    /// The responder's port, the twenty with the most payload each by itself
    Port,
    /// The hour of the day (UTC) in which they began
    Hour,
    /// The day (UTC) on which they began
    Day,
}

/// The throughput of a campaign's connections.
#[derive(Debug, Serialize)]
pub struct Throughput {
    /// The campaign's directory.
    pub campaign: String,
    /// Where its recording stands.
    pub standing: Standing,
    /// What the figures rest on: whole lives, no figure is from recorded headers.
    pub basis: &'static str,
    /// Data phases shorter than this are left out of every distribution.
    pub shortest_s: Seconds,
    /// What connections are parted by.
    pub by: By,
    /// The groups: ports by payload, hours and days in order of time.
    pub groups: Vec<Group>,
}

impl Throughput {
    /// Of the campaign at `path`, leaving out data phases under `shortest` seconds.
    ///
    /// # Errors
    /// [`ReportError`] for a campaign of a make that cannot be taken apart.
    pub fn of(
        path: &Path,
        campaign: &Campaign,
        by: By,
        shortest: f64,
        skipped: &mut Skipped,
    ) -> Result<Self, ReportError> {
        let before = skipped.parts();
        let ports = if by == By::Port { top_ports(campaign)? } else { Vec::new() };
        let mut groups: BTreeMap<i64, GatherGroup> = BTreeMap::new();
        each_batch(campaign, Table::Connections, &gather::COLUMNS, skipped, &mut |batch| {
            let (ts, port) = (column(batch, "ts")?, column(batch, "resp_p")?);
            gather::each_row(batch, shortest, &mut |row, connection| {
                let group = match by {
                    By::All => 0,
                    By::Port => rank(&ports, port.cell(row).unsigned().unwrap_or(0)),
                    By::Hour => ts.cell(row).instant().unwrap_or(0).div_euclid(HOUR).rem_euclid(24),
                    By::Day => ts.cell(row).instant().unwrap_or(0).div_euclid(24 * HOUR),
                };
                groups.entry(group).or_default().add(connection);
            })?;
            Ok(ControlFlow::Continue(()))
        })?;
        let name = |group: i64| match by {
            By::All => "all".to_owned(),
            By::Port => ports.get(group as usize).map_or("others".to_owned(), u64::to_string),
            By::Hour => format!("{group:02}:00"),
            By::Day => crate::text::instant(group.saturating_mul(24 * HOUR), 0).chars().take(10).collect(),
        };
        Ok(Self {
            campaign: path.display().to_string(),
            standing: Standing::of(campaign)?.lacking(skipped.parts() - before),
            basis: "connections, their whole lives",
            shortest_s: Seconds(shortest),
            by,
            groups: groups.into_iter().map(|(group, gathered)| gathered.finish(name(group))).collect(),
        })
    }

    /// For people, at most 100 columns wide.
    #[must_use]
    pub fn to_text(&self) -> String {
        text::render(self)
    }
}

fn column<'a>(batch: &'a arrow_array::RecordBatch, name: &'static str) -> Result<Column<'a>, ReportError> {
    Column::require(batch, Table::Connections, name)
}

fn rank(ports: &[u64], port: u64) -> i64 {
    ports.iter().position(|&top| top == port).unwrap_or(ports.len()) as i64
}

/// The responders' ports with the most payload. What cannot be read is told of by the pass that follows.
fn top_ports(campaign: &Campaign) -> Result<Vec<u64>, ReportError> {
    const COLUMNS: [&str; 4] = ["final", "resp_p", "orig_unique_bytes", "resp_unique_bytes"];
    let mut bytes: BTreeMap<u64, u64> = BTreeMap::new();
    each_batch(campaign, Table::Connections, &COLUMNS, &mut Skipped::default(), &mut |batch| {
        let (is_final, port) = (column(batch, "final")?, column(batch, "resp_p")?);
        let (orig, resp) = (column(batch, "orig_unique_bytes")?, column(batch, "resp_unique_bytes")?);
        for row in (0..batch.num_rows()).filter(|&row| is_final.cell(row).is_true()) {
            let number = |column: &Column<'_>| column.cell(row).unsigned().unwrap_or(0);
            let sum = bytes.entry(number(&port)).or_default();
            *sum = sum.saturating_add(number(&orig)).saturating_add(number(&resp));
        }
        Ok(ControlFlow::Continue(()))
    })?;
    let mut ports: Vec<(u64, u64)> = bytes.into_iter().collect();
    ports.sort_by_key(|&(port, bytes)| (std::cmp::Reverse(bytes), port));
    Ok(ports.into_iter().take(PORTS).map(|(port, _)| port).collect())
}
