//! `conntrack-report timeouts`: what a tool that ends a flow after a silence, and knows nothing of FIN and RST, would have made of the same
//! connections.
//!
//! One pass tells from when to when the campaign lasts, one lives and closes, then each pass looks for connections that follow one another between the same
//! endpoints, in as many parts of all pairs of endpoints as memory asks for.

mod follow;
mod text;

use std::ops::ControlFlow;
use std::path::Path;

use arrow_array::RecordBatch;
use recorder::{Campaign, Table};
use serde::Serialize;

use crate::ReportError;
use crate::cell::Column;
use crate::input::{Skipped, each_batch};
use crate::standing::Standing;
use crate::summary::{Gather, Seconds, Spread};

/// The columns of the first pass.
const EXTENT_COLUMNS: [&str; 3] = ["final", "ts", "last_ts"];
/// The columns of the second.
const COLUMNS: [&str; 7] = ["final", "ts", "last_ts", "closed_ts", "close_reason", "orig_pkts", "resp_pkts"];

/// What timeouts would have made of a campaign.
#[derive(Debug, Serialize)]
pub struct Timeouts {
    /// The campaign's directory.
    pub campaign: String,
    /// Where its recording stands.
    pub standing: Standing,
    /// What the figures rest on.
    pub basis: &'static str,
    /// Connections.
    pub connections: u64,
    /// Of them ended by FIN or RST.
    pub closed: u64,
    /// From the first packet of any to the last.
    pub duration_s: Option<Seconds>,
    /// By timeout.
    pub timeouts: Vec<Timeout>,
}

/// What one timeout would have made.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Timeout {
    /// Its length.
    pub timeout_s: Seconds,
    /// Connections that a silence would have cut in pieces, at least: their packets are further apart than the timeout on average.
    pub split_at_least: u64,
    /// And at most: they lasted longer than the timeout.
    pub split_at_most: u64,
    /// Connections that would have passed for the continuation of the one before them between the same endpoints.
    pub merged: u64,
    /// How much later those that FIN or RST ended would have been reported.
    pub late: Option<Spread<Seconds>>,
    /// How many of the flows that FIN or RST ended would still have waited for their timeout, on average over the campaign; a wait that goes on at the
    /// campaign's end counts up to there.
    pub waiting: Option<f64>,
}

/// Adds up one timeout.
#[derive(Debug, Default)]
struct GatherTimeout {
    nanos: i64,
    split_at_least: u64,
    split_at_most: u64,
    late: Gather,
    /// Of the waits within the campaign, ns.
    waited: u128,
}

/// What one connection tells.
struct Life {
    first: i64,
    last: i64,
    packets: u64,
    /// When FIN or RST ended it.
    closed: Option<i64>,
}

impl GatherTimeout {
    /// Adds a connection of a campaign that ended at `end`.
    fn add(&mut self, life: &Life, end: i64) {
        let nanos = life.last.saturating_sub(life.first);
        self.split_at_most += u64::from(nanos > self.nanos);
        let gaps = i128::from(life.packets.saturating_sub(1));
        self.split_at_least += u64::from(gaps > 0 && i128::from(nanos) > gaps * i128::from(self.nanos));
        if let Some(closed) = life.closed {
            let reported = life.last.saturating_add(self.nanos);
            self.late.add(reported.saturating_sub(closed).max(0) as u64);
            self.waited += reported.min(end).saturating_sub(closed).max(0) as u128;
        }
    }
}

impl Timeouts {
    /// Of the campaign at `path`, for timeouts in seconds.
    ///
    /// # Errors
    /// [`ReportError`] for a campaign of a make that cannot be taken apart.
    pub fn of(path: &Path, campaign: &Campaign, timeouts: &[f64], skipped: &mut Skipped) -> Result<Self, ReportError> {
        let before = skipped.parts();
        let gather =
            |seconds: &f64| GatherTimeout { nanos: (seconds * 1e9).round() as i64, ..GatherTimeout::default() };
        let mut gathered: Vec<GatherTimeout> = timeouts.iter().map(gather).collect();
        let extent = extent(campaign)?;
        let end = extent.map_or(i64::MAX, |(_, end)| end);
        let (mut connections, mut closed) = (0, 0);
        each_batch(campaign, Table::Connections, &COLUMNS, skipped, &mut |batch| {
            each_life(batch, &mut |life| {
                connections += 1;
                closed += u64::from(life.closed.is_some());
                gathered.iter_mut().for_each(|timeout| timeout.add(life, end));
            })
            .map(ControlFlow::Continue)
        })?;
        let nanos: Vec<i64> = gathered.iter().map(|timeout| timeout.nanos).collect();
        let merged = follow::merged(campaign, &nanos, connections)?;
        let length = extent.map(|(first, last)| last.saturating_sub(first) as f64);
        let finish = |(gathered, merged): (GatherTimeout, u64)| Timeout {
            timeout_s: Seconds(gathered.nanos as f64 / 1e9),
            split_at_least: gathered.split_at_least,
            split_at_most: gathered.split_at_most,
            merged,
            late: gathered.late.times(),
            waiting: length.filter(|&nanos| nanos > 0.0).map(|nanos| gathered.waited as f64 / nanos),
        };
        Ok(Self {
            campaign: path.display().to_string(),
            standing: Standing::of(campaign)?.lacking(skipped.parts() - before),
            basis: "connections, their whole lives",
            connections,
            closed,
            duration_s: length.map(|nanos| Seconds(nanos / 1e9)),
            timeouts: gathered.into_iter().zip(merged).map(finish).collect(),
        })
    }

    /// For people, at most 100 columns wide for up to three timeouts.
    #[must_use]
    pub fn to_text(&self) -> String {
        text::render(self)
    }
}

/// First and last packet of all connections. What cannot be read is told of by the pass that follows.
fn extent(campaign: &Campaign) -> Result<Option<(i64, i64)>, ReportError> {
    let mut extent: Option<(i64, i64)> = None;
    each_batch(campaign, Table::Connections, &EXTENT_COLUMNS, &mut Skipped::quiet(), &mut |batch| {
        let column = |name| Column::require(batch, Table::Connections, name);
        let (is_final, first, last) = (column("final")?, column("ts")?, column("last_ts")?);
        for row in (0..batch.num_rows()).filter(|&row| is_final.cell(row).is_true()) {
            let (Some(first), Some(last)) = (first.cell(row).instant(), last.cell(row).instant()) else { continue };
            let (begin, end) = extent.unwrap_or((first, last));
            extent = Some((begin.min(first), end.max(last)));
        }
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(extent)
}

fn each_life(batch: &RecordBatch, take: &mut dyn FnMut(&Life)) -> Result<(), ReportError> {
    let column = |name| Column::require(batch, Table::Connections, name);
    let (is_final, first, last) = (column("final")?, column("ts")?, column("last_ts")?);
    let (closed, reason) = (column("closed_ts")?, column("close_reason")?);
    let packets = [column("orig_pkts")?, column("resp_pkts")?];
    for row in (0..batch.num_rows()).filter(|&row| is_final.cell(row).is_true()) {
        let (Some(first), Some(last)) = (first.cell(row).instant(), last.cell(row).instant()) else { continue };
        let by_segment = matches!(reason.cell(row).text(), Some("fin" | "rst"));
        let count = |sum: u64, column: &Column<'_>| sum.saturating_add(column.cell(row).unsigned().unwrap_or(0));
        take(&Life {
            first,
            last,
            packets: packets.iter().fold(0, count),
            closed: closed.cell(row).instant().filter(|_| by_segment),
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_counts_up_to_the_end_of_the_campaign() {
        const SECOND: i64 = 1_000_000_000;
        let mut timeout = GatherTimeout { nanos: 300 * SECOND, ..GatherTimeout::default() };
        for second in 0..100 {
            let closed = second * 60 * SECOND / 99;
            timeout.add(&Life { first: 0, last: closed, packets: 2, closed: Some(closed) }, 60 * SECOND);
        }
        // Closes that come evenly wait for half of the campaign each, however long the timeout.
        assert!((timeout.waited as f64 / (60 * SECOND) as f64 - 50.0).abs() < 1e-6, "{}", timeout.waited);
        assert_eq!(timeout.late.times().map(|late| late.min), Some(Seconds(300.0)));
        timeout.add(&Life { first: 0, last: 59 * SECOND, packets: 2, closed: Some(61 * SECOND) }, 60 * SECOND);
        assert!((timeout.waited as f64 / (60 * SECOND) as f64 - 50.0).abs() < 1e-6, "closed after the last packet");
    }
}
