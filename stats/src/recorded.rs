//! The stretches of time that a campaign has records of.
//!
//! Between the runs of a campaign that was continued nothing was recorded, and of the time of segments that were deleted to make room
//! nothing is left. Neither is silence: no rate and no series may take it for zero. A stretch reaches from the first to the last packet of a run, as the base
//! series and the manifest tell. A silence within a run belongs to it, if it is no longer than a day; where segments were deleted, than ten minutes.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use arrow_array::RecordBatch;
use recorder::{Campaign, Manifest, Span, Table};
use serde::Serialize;

use crate::ReportError;
use crate::cell::Column;
use crate::input::{Skipped, each_batch};
use crate::summary::Instant;
use crate::text::{duration, instant};

/// What lies between two stretches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Gap {
    /// The last packet before it.
    pub from: Instant,
    /// The first packet after it.
    pub to: Instant,
}

/// A stretch of time, ns since the epoch, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stretch {
    /// The first packet, or the begin of its bin.
    pub first: i64,
    /// The last packet, or the end of its bin.
    pub last: i64,
}

/// The stretches of a campaign, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recorded {
    stretches: Vec<Stretch>,
}

/// A silence within a run that still belongs to it, ns.
const SILENCE: i64 = 86_400 * 1_000_000_000;

/// The same where segments were deleted, of which each holds as much, ns.
const SILENCE_IF_DELETED: i64 = 600 * 1_000_000_000;

impl Recorded {
    /// Of a campaign. What cannot be read is told of by the report itself.
    ///
    /// # Errors
    /// [`ReportError`] for a campaign of a make that cannot be taken apart.
    pub fn of(campaign: &Campaign) -> Result<Self, ReportError> {
        let mut gather = Gather::new(campaign.manifest());
        each_batch(campaign, Table::Intervals, &["ts", "width"], &mut Skipped::quiet(), &mut |batch| {
            gather.add(batch).map(ControlFlow::Continue)
        })?;
        Ok(gather.finish())
    }

    /// The stretches.
    pub fn stretches(&self) -> &[Stretch] {
        &self.stretches
    }

    /// Their length together, s; nothing where nothing was recorded.
    pub fn seconds(&self) -> Option<f64> {
        let length = |stretch: &Stretch| stretch.last.saturating_sub(stretch.first) as f64 / 1e9;
        (!self.stretches.is_empty()).then(|| self.stretches.iter().map(length).sum())
    }

    /// The number of the stretch that holds an instant.
    pub fn index_of(&self, ts: i64) -> Option<usize> {
        let index = self.stretches.partition_point(|stretch| stretch.first <= ts).checked_sub(1)?;
        (ts <= self.stretches[index].last).then_some(index)
    }

    /// What lies between the stretches.
    pub fn gaps(&self) -> Vec<Gap> {
        let gap = |pair: &[Stretch]| Gap { from: Instant(pair[0].last), to: Instant(pair[1].first) };
        self.stretches.windows(2).map(gap).collect()
    }

    /// A sentence about what lies between them; nothing where that is nothing.
    pub fn sentence(&self) -> Option<String> {
        sentence(&self.gaps())
    }

    #[cfg(test)]
    pub fn made_of(stretches: &[(i64, i64)]) -> Self {
        Self { stretches: stretches.iter().map(|&(first, last)| Stretch { first, last }).collect() }
    }
}

/// A sentence about gaps; nothing where there are none.
pub fn sentence(gaps: &[Gap]) -> Option<String> {
    let length = |gap: &Gap| gap.to.0.saturating_sub(gap.from.0);
    let longest = gaps.iter().max_by_key(|gap| length(gap))?;
    let [from, to] = [longest.from, longest.to].map(|at| instant(at.0, 0));
    let whole: f64 = gaps.iter().map(|gap| length(gap) as f64 / 1e9).sum();
    let which = if gaps.len() == 1 { "from".to_owned() } else { format!("in {} gaps, the longest from", gaps.len()) };
    Some(format!(
        "Of {} between its first and its last packet nothing is recorded, {which} {from} to {to} UTC: no rate counts that time.",
        duration(whole)
    ))
}

/// First and last packet of each run, in order of time.
pub fn runs(manifest: &Manifest) -> Vec<Span> {
    let mut runs: Vec<Span> = manifest.runs.iter().map(|run| run.packets).filter(|span| span.start.is_some()).collect();
    if runs.is_empty() {
        runs.push(manifest.packets);
    }
    runs.sort_by_key(|span| span.start);
    runs
}

/// Rows of the base series, joined to stretches. Their order does not matter.
struct Gather {
    runs: Vec<Span>,
    silence: i64,
    /// First and last instant of the rows of a run in each [`SLOT`].
    slots: BTreeMap<(usize, i64), Stretch>,
    /// That of the latest row, which the next one most often belongs to.
    latest: Option<((usize, i64), Stretch)>,
    /// Width of the widest bin.
    width: i64,
}

/// Rows are joined by so much time first, ns: no more than the shortest silence that parts stretches.
const SLOT: i64 = SILENCE_IF_DELETED;

/// Slots kept: of twenty years. Only a clock out of order fills more.
const SLOTS: usize = 1 << 20;

impl Gather {
    fn new(manifest: &Manifest) -> Self {
        let silence = if manifest.deleted.segments > 0 { SILENCE_IF_DELETED } else { SILENCE };
        Self { runs: runs(manifest), silence, slots: BTreeMap::new(), latest: None, width: 0 }
    }

    fn add(&mut self, batch: &RecordBatch) -> Result<(), ReportError> {
        let column = |name| Column::require(batch, Table::Intervals, name);
        let (ts, width) = (column("ts")?, column("width")?);
        for row in 0..batch.num_rows() {
            if let (Some(ts), Some(seconds)) = (ts.cell(row).instant(), width.cell(row).seconds()) {
                self.put(ts, ((seconds * 1e9).round() as i64).max(1));
            }
        }
        Ok(())
    }

    fn put(&mut self, ts: i64, width: i64) {
        self.width = self.width.max(width);
        let bin = Stretch { first: ts, last: ts.saturating_add(width - 1) };
        // A run begins within the bin of its first packet.
        let begun = |run: &Span| run.start.is_none_or(|start| start.0 <= bin.last);
        let run = self.runs.partition_point(begun).saturating_sub(1);
        let slot = (run, ts.div_euclid(SLOT));
        match &mut self.latest {
            Some((latest, stretch)) if *latest == slot => stretch.join(bin),
            _ => {
                self.settle();
                self.latest = Some((slot, bin));
            }
        }
    }

    fn settle(&mut self) {
        let Some((slot, stretch)) = self.latest.take() else { return };
        if let Some(known) = self.slots.get_mut(&slot) {
            known.join(stretch);
        } else if self.slots.len() < SLOTS {
            self.slots.insert(slot, stretch);
        }
    }

    fn finish(mut self) -> Recorded {
        self.settle();
        let mut stretches: Vec<(usize, Stretch)> = Vec::new();
        for ((run, _), slot) in std::mem::take(&mut self.slots) {
            match stretches.last_mut() {
                Some((of, stretch)) if *of == run && slot.first.saturating_sub(stretch.last) <= self.silence => {
                    stretch.join(slot);
                }
                _ => stretches.push((run, slot)),
            }
        }
        let mut stretches: Vec<Stretch> =
            stretches.into_iter().map(|(run, stretch)| self.trimmed(run, stretch)).collect();
        stretches.sort_by_key(|stretch| stretch.first);
        Recorded { stretches }
    }

    /// Without the part of the first bin before the run's first packet, and of the last one after its last.
    fn trimmed(&self, run: usize, stretch: Stretch) -> Stretch {
        let span = self.runs.get(run).copied().unwrap_or_default();
        let first = span
            .start
            .map(|start| start.0)
            .filter(|start| (0..self.width).contains(&start.saturating_sub(stretch.first)));
        let last = span.end.map(|end| end.0).filter(|end| (0..self.width).contains(&stretch.last.saturating_sub(*end)));
        Stretch { first: first.unwrap_or(stretch.first), last: last.unwrap_or(stretch.last) }
    }
}

impl Stretch {
    const fn join(&mut self, other: Self) {
        if other.first < self.first {
            self.first = other.first;
        }
        if other.last > self.last {
            self.last = other.last;
        }
    }
}

#[cfg(test)]
mod tests {
    use recorder::{Run, Software, State};
    use wire::Nanos;

    use super::*;

    const SECOND: i64 = 1_000_000_000;
    const WIDTH: i64 = SECOND / 100;

    fn manifest(runs: &[(i64, i64)]) -> Manifest {
        let span = |&(start, end): &(i64, i64)| Span { start: Some(Nanos(start)), end: Some(Nanos(end)) };
        let mut manifest = Manifest::new(Software::default(), Nanos(0));
        let ends = runs.first().zip(runs.last());
        manifest.packets = ends.map(|(first, last)| span(&(first.0, last.1))).unwrap_or_default();
        let run = |packets| Run { state: State::Complete, ended_by: None, wall_clock: Span::default(), packets };
        manifest.runs = if runs.len() > 1 { runs.iter().map(|ends| run(span(ends))).collect() } else { Vec::new() };
        manifest
    }

    fn recorded(manifest: &Manifest, rows: impl IntoIterator<Item = i64>) -> Recorded {
        let mut gather = Gather::new(manifest);
        rows.into_iter().for_each(|row| gather.put(row * WIDTH, WIDTH));
        gather.finish()
    }

    #[test]
    fn one_run_is_one_stretch_from_packet_to_packet_whatever_the_order_of_rows() {
        let one = manifest(&[(WIDTH + 3, 9000 * 100 * WIDTH + 7)]);
        let found = recorded(&one, [900_000, 1, 5, 3]);
        assert_eq!(found, Recorded::made_of(&[(WIDTH + 3, 900_000 * WIDTH + 7)]));
        assert_eq!((found.index_of(WIDTH + 2), found.index_of(5 * WIDTH), found.gaps()), (None, Some(0), vec![]));
        assert_eq!(recorded(&one, []).seconds(), None);
    }

    #[test]
    fn runs_are_stretches_of_their_own_and_so_is_what_a_day_of_silence_parts() {
        let two = manifest(&[(0, 100 * WIDTH), (150 * WIDTH + 5, 300 * WIDTH)]);
        let found = recorded(&two, (0..=100).chain(150..=300));
        assert_eq!(found, Recorded::made_of(&[(0, 100 * WIDTH), (150 * WIDTH + 5, 300 * WIDTH)]));
        assert_eq!(found.gaps(), [Gap { from: Instant(100 * WIDTH), to: Instant(150 * WIDTH + 5) }]);
        assert_eq!(found.seconds(), Some((250 * WIDTH - 5) as f64 / 1e9));
        let day = 86_400 * 100;
        let one = manifest(&[(0, i64::MAX)]);
        assert_eq!(recorded(&one, [0, day, 2 * day + 2]).stretches().len(), 2);
    }

    #[test]
    fn what_was_deleted_was_not_silence() {
        let mut one = manifest(&[(0, i64::MAX)]);
        one.deleted.segments = 1;
        let minute = 60 * 100;
        assert_eq!(recorded(&one, [0, 10 * minute, 20 * minute + 2]).stretches().len(), 2);
    }

    #[test]
    fn the_ends_of_time_are_stretches_too() {
        let found = recorded(&manifest(&[]), [i64::MIN / WIDTH, 0, i64::MAX / WIDTH]);
        assert_eq!(found.stretches().len(), 3);
    }
}
