//! The campaign over time, in as many columns as a picture can show.
//!
//! Rows of the base series are added up to short bins; bins to columns that keep the largest of their bins beside their sums, so that no
//! peak is lost. The columns are multiples of a width that doubles whenever there are too many of them, which makes them the same
//! whatever row comes first.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use recorder::{Campaign, Table};

use crate::ReportError;
use crate::cell::Column as Cells;
use crate::input::{Skipped, each_batch};
use crate::recorded::Gap;

/// More columns than this are not kept.
const MOST: usize = 720;

/// Bins that may still grow: rows come nearly in order of time.
const OPEN: usize = 4096;

const SECOND: i64 = 1_000_000_000;

const COLUMNS: [&str; 10] =
    ["ts", "width", "orig_pkts", "resp_pkts", "orig_ip_bytes", "resp_ip_bytes", "opened", "closed", "live", "lost"];

/// The quantities of a bin, each a count.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Bin {
    orig_bytes: f64,
    resp_bytes: f64,
    packets: f64,
    opened: f64,
    closed: f64,
    lost: u64,
    live: Option<u64>,
}

/// The smallest and the largest of some values.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Extremes {
    /// The smallest.
    pub low: f64,
    /// The largest.
    pub high: f64,
}

impl Extremes {
    const NONE: Self = Self { low: f64::INFINITY, high: f64::NEG_INFINITY };

    const fn join(&mut self, other: Self) {
        self.low = self.low.min(other.low);
        self.high = self.high.max(other.high);
    }
}

/// One column of the picture.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Column {
    /// IP bytes of originators.
    pub orig_bytes: f64,
    /// IP bytes of responders.
    pub resp_bytes: f64,
    /// TCP packets.
    pub packets: f64,
    /// Connections that began.
    pub opened: f64,
    /// Connections that ended.
    pub closed: f64,
    /// Frames that the capture lost.
    pub lost: u64,
    /// IP bytes of its busiest bin.
    pub busiest: f64,
    /// Connections that were open at once, at the ends of bins; nothing where no row tells.
    pub live: Option<Extremes>,
}

impl Column {
    const EMPTY: Self = Self {
        orig_bytes: 0.0,
        resp_bytes: 0.0,
        packets: 0.0,
        opened: 0.0,
        closed: 0.0,
        lost: 0,
        busiest: 0.0,
        live: None,
    };

    fn of(bin: &Bin) -> Self {
        Self {
            orig_bytes: bin.orig_bytes,
            resp_bytes: bin.resp_bytes,
            packets: bin.packets,
            opened: bin.opened,
            closed: bin.closed,
            lost: bin.lost,
            busiest: bin.orig_bytes + bin.resp_bytes,
            live: bin.live.map(|live| Extremes { low: live as f64, high: live as f64 }),
        }
    }

    fn join(&mut self, other: &Self) {
        self.orig_bytes += other.orig_bytes;
        self.resp_bytes += other.resp_bytes;
        self.packets += other.packets;
        self.opened += other.opened;
        self.closed += other.closed;
        self.lost = self.lost.saturating_add(other.lost);
        self.busiest = self.busiest.max(other.busiest);
        if let Some(live) = other.live {
            self.live.get_or_insert(Extremes::NONE).join(live);
        }
    }
}

/// A campaign over time.
#[derive(Clone, Debug, Default)]
pub struct Series {
    /// Width of a bin, ns; 0 where nothing was recorded.
    pub bin: i64,
    /// Width of a column, ns.
    pub width: i64,
    /// Begin of the first bin and end of the last, ns since the epoch.
    pub extent: Option<(i64, i64)>,
    /// Columns by their number, which is their beginning over the width; those in which nothing happened are not there.
    pub columns: BTreeMap<i64, Column>,
    /// What was not recorded in between.
    pub gaps: Vec<Gap>,
    open: BTreeMap<i64, Bin>,
}

impl Series {
    /// Of a campaign with these gaps that lasts about so many seconds, which decides how fine its bins are.
    ///
    /// # Errors
    /// [`ReportError`] for a campaign of a make that cannot be taken apart.
    pub fn of(campaign: &Campaign, gaps: &[Gap], seconds: f64, skipped: &mut Skipped) -> Result<Self, ReportError> {
        let mut series = Self { gaps: gaps.to_vec(), ..Self::default() };
        each_batch(campaign, Table::Intervals, &COLUMNS, skipped, &mut |batch| {
            let columns = Cells::all(batch)?;
            for row in 0..batch.num_rows() {
                let number = |at: usize| columns[at].cell(row).unsigned().unwrap_or(0);
                let (Some(ts), Some(width)) = (columns[0].cell(row).instant(), columns[1].cell(row).seconds()) else {
                    continue;
                };
                let bin = Bin {
                    orig_bytes: number(4) as f64,
                    resp_bytes: number(5) as f64,
                    packets: number(2) as f64 + number(3) as f64,
                    opened: number(6) as f64,
                    closed: number(7) as f64,
                    lost: number(9),
                    live: columns[8].cell(row).unsigned(),
                };
                series.put(ts, || bin_width(width, seconds), &bin);
            }
            Ok(ControlFlow::Continue(()))
        })?;
        while !series.open.is_empty() {
            series.close_oldest();
        }
        Ok(series)
    }

    /// The columns with those in which nothing happened, each with its beginning, ns.
    pub fn all(&self) -> impl Iterator<Item = (i64, Option<&Column>)> {
        let ends = self.columns.first_key_value().zip(self.columns.last_key_value());
        let numbers = ends.map_or(0..0, |((&first, _), (&last, _))| first..last.saturating_add(1));
        numbers.map(|number| (number.saturating_mul(self.width), self.columns.get(&number)))
    }

    /// Whether any of the column that begins at `begin` was recorded.
    pub fn is_recorded(&self, begin: i64) -> bool {
        let end = begin.saturating_add(self.width);
        !self.gaps.iter().any(|gap| gap.from.0 < begin && end <= gap.to.0)
    }

    fn put(&mut self, ts: i64, width: impl Fn() -> i64, row: &Bin) {
        if self.bin == 0 {
            self.bin = width();
            self.width = self.bin;
        }
        let bin = self.open.entry(ts.div_euclid(self.bin)).or_default();
        bin.orig_bytes += row.orig_bytes;
        bin.resp_bytes += row.resp_bytes;
        bin.packets += row.packets;
        bin.opened += row.opened;
        bin.closed += row.closed;
        bin.lost = bin.lost.saturating_add(row.lost);
        bin.live = row.live.or(bin.live);
        if self.open.len() > OPEN {
            self.close_oldest();
        }
    }

    fn close_oldest(&mut self) {
        let Some((number, bin)) = self.open.pop_first() else { return };
        let begin = number.saturating_mul(self.bin);
        let end = begin.saturating_add(self.bin);
        self.extent = Some(self.extent.map_or((begin, end), |(first, last)| (first.min(begin), last.max(end))));
        let column = begin.div_euclid(self.width);
        self.columns.entry(column).or_insert(Column::EMPTY).join(&Column::of(&bin));
        while self.span() > MOST as i64 {
            self.widen();
        }
    }

    /// How many columns there are from the first to the last.
    fn span(&self) -> i64 {
        let ends = self.columns.first_key_value().zip(self.columns.last_key_value());
        ends.map_or(0, |((first, _), (last, _))| last.saturating_sub(*first).saturating_add(1))
    }

    fn widen(&mut self) {
        self.width = self.width.saturating_mul(2);
        for (number, column) in std::mem::take(&mut self.columns) {
            self.columns.entry(number.div_euclid(2)).or_insert(Column::EMPTY).join(&column);
        }
    }
}

/// Bins of a second where the campaign lasts a quarter of an hour or longer, of a tenth of it, or as recorded: some hundreds of columns are of several.
fn bin_width(recorded: f64, seconds: f64) -> i64 {
    let finest = if seconds >= 900.0 {
        SECOND
    } else if seconds >= 90.0 {
        SECOND / 10
    } else {
        SECOND / 100
    };
    ((recorded * 1e9).round() as i64).max(finest)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn series(instants: &[i64]) -> Series {
        let mut series = Series::default();
        for &ts in instants {
            let bin = Bin { orig_bytes: 10.0, packets: 1.0, live: Some(3), lost: u64::from(ts == 0), ..Bin::default() };
            series.put(ts, || SECOND, &bin);
        }
        while !series.open.is_empty() {
            series.close_oldest();
        }
        series
    }

    #[test]
    fn nothing_is_lost_however_many_bins_become_a_column() {
        let mut instants: Vec<i64> = (0..100_000).filter(|n| n % 3 > 0).map(|n| n * SECOND).collect();
        instants.extend([0, 5 * SECOND]);
        instants.sort_unstable();
        let found = series(&instants);
        assert!(found.columns.len() <= MOST && found.columns.len() > MOST / 2, "{}", found.columns.len());
        assert_eq!(found.columns.values().map(|column| column.packets).sum::<f64>(), instants.len() as f64);
        let first = found.columns[&0];
        assert_eq!((first.busiest, first.lost), (20.0, 1));
        assert_eq!(first.live, Some(Extremes { low: 3.0, high: 3.0 }));
        instants.reverse();
        let packets = |series: &Series| series.columns.values().map(|column| column.packets).collect::<Vec<f64>>();
        assert!(packets(&series(&instants)) == packets(&found), "whatever comes first");
    }

    #[test]
    fn columns_in_which_nothing_happened_are_told_of_and_the_ends_of_time_are_no_trouble() {
        let found = series(&[0, 4 * SECOND]);
        let there: Vec<bool> = found.all().map(|(_, column)| column.is_some()).collect();
        assert_eq!((there, found.extent), (vec![true, false, false, false, true], Some((0, 5 * SECOND))));
        assert!(series(&[i64::MIN, i64::MAX]).columns.len() <= 2);
        assert_eq!(series(&[]).all().count(), 0);
    }
}
