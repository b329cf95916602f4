//! The base series, an hour at a time.

use std::collections::BTreeMap;
use std::iter::Peekable;

use arrow_array::RecordBatch;
use recorder::Table;

use crate::ReportError;
use crate::cell::Column;
use crate::recorded::{Recorded, Stretch};

/// Nanoseconds in an hour: what is taken as one stretch of traffic.
pub const HOUR: i64 = 3_600_000_000_000;

/// Bins of the series are no finer, ns.
const FINEST: i64 = 1_000_000;

/// Wider bins show no burst, ns.
const WIDEST: i64 = 60_000_000_000;

/// Hours that may still grow. Rows come nearly in order of time; one that comes later than this after its hour is counted as late.
const OPEN: usize = 3;

/// The columns that [`GatherHours`] reads.
pub const COLUMNS: [&str; 8] =
    ["ts", "width", "orig_pkts", "resp_pkts", "orig_ip_bytes", "resp_ip_bytes", "opened", "lost"];

/// Counts of one hour in equal bins, both directions together.
#[derive(Clone, Debug, PartialEq)]
pub struct Hour {
    /// Which part of the recording it is.
    pub part: Part,
    /// Start of the first bin, ns since the epoch.
    pub start: i64,
    /// Width of a bin, ns.
    pub width: i64,
    /// What was counted.
    pub counts: Counts,
    /// Frames that the capture lost.
    pub lost: u64,
    /// Bins in which it lost some.
    pub lossy_bins: u64,
}

/// Series of equal length.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Counts {
    /// TCP packets.
    pub packets: Vec<f64>,
    /// Their IP bytes.
    pub bytes: Vec<f64>,
    /// Connections that began.
    pub openings: Vec<f64>,
}

/// What one row adds.
struct Row {
    ts: i64,
    values: [f64; 3],
    lost: u64,
}

/// The part of an hour that lies in one stretch of the recording.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Part {
    stretch: usize,
    hour: i64,
}

impl Part {
    /// That which holds an instant.
    pub fn holding(recorded: &Recorded, ts: i64) -> Option<Self> {
        Some(Self { stretch: recorded.index_of(ts)?, hour: ts.div_euclid(HOUR) })
    }

    /// All of them, in order.
    fn all(recorded: &Recorded) -> Vec<Self> {
        let hours = |(stretch, ends): (usize, &Stretch)| {
            (ends.first.div_euclid(HOUR)..=ends.last.div_euclid(HOUR)).map(move |hour| Self { stretch, hour })
        };
        recorded.stretches().iter().enumerate().flat_map(hours).collect()
    }

    /// Its first and last instant.
    pub fn ends(self, recorded: &Recorded) -> Option<Stretch> {
        let stretch = recorded.stretches().get(self.stretch)?;
        let start = self.hour.saturating_mul(HOUR);
        Some(Stretch { first: stretch.first.max(start), last: stretch.last.min(start.saturating_add(HOUR - 1)) })
    }
}

/// Bins of an hour as they come.
#[derive(Debug)]
struct Growing {
    width: i64,
    counts: Counts,
    lost: u64,
    lossy_bins: u64,
}

impl Growing {
    fn new(width: i64) -> Self {
        // The last bin of an hour is a short one where the width does not divide it.
        let bins = HOUR.div_euclid(width) + i64::from(HOUR % width != 0);
        let empty = || vec![0.0; bins as usize];
        let counts = Counts { packets: empty(), bytes: empty(), openings: empty() };
        Self { width, counts, lost: 0, lossy_bins: 0 }
    }

    fn add(&mut self, row: &Row) {
        let bin = (row.ts.rem_euclid(HOUR) / self.width) as usize;
        for (series, value) in self.counts.each_mut().into_iter().zip(row.values) {
            if let Some(count) = series.get_mut(bin) {
                *count += value;
            }
        }
        self.lost = self.lost.saturating_add(row.lost);
        self.lossy_bins += u64::from(row.lost > 0);
    }
}

impl Counts {
    fn each_mut(&mut self) -> [&mut Vec<f64>; 3] {
        [&mut self.packets, &mut self.bytes, &mut self.openings]
    }

    /// Leaves only these bins.
    fn cut(&mut self, from: usize, to: usize) {
        for series in self.each_mut() {
            series.truncate(to);
            series.drain(..from.min(series.len()));
        }
    }
}

/// Puts the rows of `intervals` together to hours, as far as each was recorded. Bins without a row are empty there, and so are hours.
pub struct GatherHours<'a, F: FnMut(Hour)> {
    take: F,
    recorded: &'a Recorded,
    /// Parts that have not been handed out, in order.
    left: Peekable<std::vec::IntoIter<Part>>,
    open: BTreeMap<Part, Growing>,
    /// Width of the bins of the latest row.
    width: i64,
    late: u64,
}

impl<'a, F: FnMut(Hour)> GatherHours<'a, F> {
    /// Hands each hour to `take`, in order of time.
    pub fn new(recorded: &'a Recorded, take: F) -> Self {
        let left = Part::all(recorded).into_iter().peekable();
        Self { take, recorded, left, open: BTreeMap::new(), width: 0, late: 0 }
    }

    /// Adds the rows of a batch.
    ///
    /// # Errors
    /// [`ReportError::ColumnMissing`] or [`ReportError::ColumnType`] for a table of another make, [`ReportError::WidthChanged`] where bins of
    /// several widths stand in one hour of a run, [`ReportError::Width`] where they are longer than a minute.
    pub fn add(&mut self, batch: &RecordBatch) -> Result<(), ReportError> {
        let column = |name| Column::require(batch, Table::Intervals, name);
        let (ts, width, lost) = (column("ts")?, column("width")?, column("lost")?);
        let [packets, more_packets] = [column("orig_pkts")?, column("resp_pkts")?];
        let [bytes, more_bytes] = [column("orig_ip_bytes")?, column("resp_ip_bytes")?];
        let openings = column("opened")?;
        for row in 0..batch.num_rows() {
            let number = |column: &Column<'_>| column.cell(row).unsigned().unwrap_or(0);
            let (Some(ts), Some(seconds)) = (ts.cell(row).instant(), width.cell(row).seconds()) else { continue };
            let values = [
                number(&packets) as f64 + number(&more_packets) as f64,
                number(&bytes) as f64 + number(&more_bytes) as f64,
                number(&openings) as f64,
            ];
            self.put(bin_width(seconds)?, &Row { ts, values, lost: number(&lost) })?;
        }
        Ok(())
    }

    fn put(&mut self, width: i64, row: &Row) -> Result<(), ReportError> {
        self.width = width;
        // A stretch begins with a packet, which lies in its bin.
        let of_hour = row.ts.rem_euclid(HOUR);
        let (begin, hour_ends) = (row.ts.saturating_sub(of_hour % width), row.ts.saturating_add(HOUR - 1 - of_hour));
        let instants = [begin.saturating_add(width - 1).min(hour_ends), begin];
        let part = instants.into_iter().find_map(|ts| Part::holding(self.recorded, ts));
        let Some(part) = part.filter(|part| self.left.peek().is_some_and(|next| next <= part)) else {
            self.late += 1;
            return Ok(());
        };
        let growing = self.open.entry(part).or_insert_with(|| Growing::new(width));
        if growing.width != width {
            return Err(ReportError::WidthChanged);
        }
        growing.add(row);
        if self.open.len() > OPEN {
            self.close_oldest();
        }
        Ok(())
    }

    /// Hands out what is left; says how many rows came too late for their hour.
    pub fn finish(mut self) -> u64 {
        while !self.open.is_empty() {
            self.close_oldest();
        }
        while let Some(silent) = self.left.next() {
            self.hand_out(silent, None);
        }
        self.late
    }

    /// Hands out the oldest part that has rows, and the silent ones before it.
    fn close_oldest(&mut self) {
        let Some((part, growing)) = self.open.pop_first() else { return };
        while let Some(silent) = self.left.next_if(|next| *next < part) {
            self.hand_out(silent, None);
        }
        self.left.next_if_eq(&part);
        self.hand_out(part, Some(growing));
    }

    fn hand_out(&mut self, part: Part, growing: Option<Growing>) {
        let Some(ends) = part.ends(self.recorded).filter(|_| self.width > 0) else { return };
        let mut growing = growing.unwrap_or_else(|| Growing::new(self.width));
        let width = growing.width;
        // Outside of the recording nothing was counted, which is not the same as zero.
        let bins = growing.counts.packets.len() as i64;
        let start = part.hour.saturating_mul(HOUR);
        let bin = |ts: i64| ts.saturating_sub(start) / width;
        let from = bin(ends.first).clamp(0, bins);
        let to = bin(ends.last).saturating_add(1).clamp(0, bins);
        growing.counts.cut(from as usize, to as usize);
        (self.take)(Hour {
            part,
            start: start.saturating_add(from * width),
            width,
            counts: growing.counts,
            lost: growing.lost,
            lossy_bins: growing.lossy_bins,
        });
    }
}

/// The width of bins that stand for those of the table, ns: theirs, or as many of theirs as make a millisecond, since an hour of finer ones would
/// take gigabytes.
fn bin_width(seconds: f64) -> Result<i64, ReportError> {
    let width = ((seconds * 1e9).round() as i64).max(1);
    if width > WIDEST {
        return Err(ReportError::Width { seconds });
    }
    Ok(if width < FINEST {
        width.saturating_mul(FINEST.div_euclid(width) + i64::from(FINEST % width != 0))
    } else {
        width
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const WIDTH: i64 = 10_000_000;

    /// The hours that rows make, each of a packet at so many ns, and how many rows came too late.
    fn gathered(recorded: &[(i64, i64)], instants: &[i64]) -> (Vec<Hour>, u64) {
        let recorded = Recorded::made_of(recorded);
        let mut hours = Vec::new();
        let mut gather = GatherHours::new(&recorded, |hour| hours.push(hour));
        for &ts in instants {
            let row = Row { ts, values: [1.0, 40.0, 0.0], lost: u64::from(ts % HOUR == 0) };
            gather.put(WIDTH, &row).unwrap();
        }
        let late = gather.finish();
        (hours, late)
    }

    fn lengths(hours: &[Hour]) -> Vec<usize> {
        hours.iter().map(|hour| hour.counts.packets.len()).collect()
    }

    #[test]
    fn an_hour_begins_and_ends_with_the_recording_and_has_no_gaps_in_between() {
        let whole = [(HOUR - 3 * WIDTH + 7, HOUR + 4 * WIDTH + 7)];
        let (hours, late) = gathered(&whole, &[HOUR - 3 * WIDTH, HOUR - WIDTH, HOUR, HOUR, HOUR + 4 * WIDTH]);
        assert_eq!((hours.len(), late), (2, 0));
        assert_eq!((hours[0].start, &hours[0].counts.packets[..]), (HOUR - 3 * WIDTH, &[1.0, 0.0, 1.0][..]));
        assert_eq!((hours[1].start, &hours[1].counts.bytes[..]), (HOUR, &[80.0, 0.0, 0.0, 0.0, 40.0][..]));
        assert_eq!((hours[1].lost, hours[1].lossy_bins), (2, 2));
    }

    #[test]
    fn hours_in_the_middle_are_whole_silent_ones_too_and_rows_that_come_long_after_their_hour_are_late() {
        let instants: Vec<i64> = [0, 1, 2, 4, 5, 6, 7, 0].iter().map(|hour| hour * HOUR + HOUR / 2).collect();
        let (hours, late) = gathered(&[(HOUR / 2, 7 * HOUR + HOUR / 2)], &instants);
        let whole = 360_000;
        assert_eq!((lengths(&hours), late), (vec![180_000, whole, whole, whole, whole, whole, whole, 180_001], 1));
        assert_eq!(hours[3].counts.packets.iter().sum::<f64>(), 0.0);
    }

    #[test]
    fn what_was_not_recorded_is_no_silence() {
        let recorded = [(0, 9 * WIDTH), (100 * WIDTH + 3, 104 * WIDTH), (HOUR + 5 * WIDTH, HOUR + 6 * WIDTH)];
        let (hours, late) =
            gathered(&recorded, &[0, 9 * WIDTH, 100 * WIDTH, 104 * WIDTH, HOUR + 5 * WIDTH, HOUR + 6 * WIDTH]);
        assert_eq!((lengths(&hours), late), (vec![10, 5, 2], 0));
        assert_eq!(hours[1].start, 100 * WIDTH);
    }

    #[test]
    fn bins_are_made_a_millisecond_wide_and_refused_beyond_a_minute() {
        for (seconds, width) in
            [(1e-6, 1_000_000), (0.0003, 1_200_000), (0.01, 10_000_000), (60.0, WIDEST), (0.0, FINEST)]
        {
            assert_eq!(bin_width(seconds).unwrap(), width);
        }
        assert!(bin_width(61.0).is_err() && bin_width(f64::INFINITY).is_err());
    }

    #[test]
    fn instants_before_1970_and_at_the_end_of_time_are_hours_too() {
        assert_eq!(gathered(&[(-HOUR, -1)], &[-1, -HOUR]).0.len(), 1);
        let ends = [(i64::MIN, i64::MIN), (i64::MAX, i64::MAX)];
        assert_eq!(gathered(&ends, &[i64::MIN, i64::MAX]).0.len(), 2);
    }
}
