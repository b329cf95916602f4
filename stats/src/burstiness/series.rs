//! The base series, an hour at a time.

use std::collections::BTreeMap;

use arrow_array::RecordBatch;
use recorder::Table;

use crate::ReportError;
use crate::cell::Column;

/// Nanoseconds in an hour: what is taken as one stretch of traffic.
pub const HOUR: i64 = 3_600_000_000_000;

/// Hours that may still grow. Rows come nearly in order of time; one that comes later than this after its hour is counted as late.
const OPEN: usize = 3;

/// The columns that [`GatherHours`] reads.
pub const COLUMNS: [&str; 8] =
    ["ts", "width", "orig_pkts", "resp_pkts", "orig_ip_bytes", "resp_ip_bytes", "opened", "lost"];

/// Counts of one hour in equal bins, both directions together.
#[derive(Clone, Debug, PartialEq)]
pub struct Hour {
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

/// Bins of an hour as they come.
#[derive(Debug)]
struct Growing {
    counts: Counts,
    lost: u64,
    lossy_bins: u64,
}

impl Growing {
    fn new(bins: usize) -> Self {
        let empty = || vec![0.0; bins];
        let counts = Counts { packets: empty(), bytes: empty(), openings: empty() };
        Self { counts, lost: 0, lossy_bins: 0 }
    }

    fn add(&mut self, bin: usize, row: &Row) {
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

/// Puts the rows of `intervals` together to whole hours. Bins without a row are empty; before the first row and after the last there are
/// none.
pub struct GatherHours<F: FnMut(Hour)> {
    take: F,
    width: Option<i64>,
    open: BTreeMap<i64, Growing>,
    /// First and last bin that had a row.
    extent: Option<(i64, i64)>,
    /// Hours before this one have been handed out.
    done: i64,
    late: u64,
}

impl<F: FnMut(Hour)> GatherHours<F> {
    /// Hands each hour to `take`, in order of time.
    pub fn new(take: F) -> Self {
        Self { take, width: None, open: BTreeMap::new(), extent: None, done: i64::MIN, late: 0 }
    }

    /// Adds the rows of a batch.
    ///
    /// # Errors
    /// [`ReportError::ColumnMissing`] or [`ReportError::ColumnType`] for a table of another make, [`ReportError::WidthChanged`] where bins of
    /// several widths stand.
    pub fn add(&mut self, batch: &RecordBatch) -> Result<(), ReportError> {
        let column = |name| Column::require(batch, Table::Intervals, name);
        let (ts, width, lost) = (column("ts")?, column("width")?, column("lost")?);
        let [packets, more_packets] = [column("orig_pkts")?, column("resp_pkts")?];
        let [bytes, more_bytes] = [column("orig_ip_bytes")?, column("resp_ip_bytes")?];
        let openings = column("opened")?;
        for row in 0..batch.num_rows() {
            let number = |column: &Column<'_>| column.cell(row).unsigned().unwrap_or(0);
            let (Some(ts), Some(seconds)) = (ts.cell(row).instant(), width.cell(row).seconds()) else { continue };
            let width = ((seconds * 1e9).round() as i64).clamp(1, HOUR);
            if *self.width.get_or_insert(width) != width {
                return Err(ReportError::WidthChanged);
            }
            let values = [
                number(&packets) as f64 + number(&more_packets) as f64,
                number(&bytes) as f64 + number(&more_bytes) as f64,
                number(&openings) as f64,
            ];
            self.put(width, &Row { ts, values, lost: number(&lost) });
        }
        Ok(())
    }

    fn put(&mut self, width: i64, row: &Row) {
        let hour = row.ts.div_euclid(HOUR);
        if hour < self.done {
            self.late += 1;
            return;
        }
        let (first, last) = self.extent.unwrap_or((row.ts, row.ts));
        self.extent = Some((first.min(row.ts), last.max(row.ts)));
        // The last bin of an hour is a short one where the width does not divide it.
        let bins = HOUR.div_euclid(width) + i64::from(HOUR % width != 0);
        let growing = self.open.entry(hour).or_insert_with(|| Growing::new(bins as usize));
        growing.add((row.ts.rem_euclid(HOUR) / width) as usize, row);
        if self.open.len() > OPEN {
            self.close_oldest();
        }
    }

    /// Hands out what is left; says how many rows came too late for their hour.
    pub fn finish(mut self) -> u64 {
        while !self.open.is_empty() {
            self.close_oldest();
        }
        self.late
    }

    fn close_oldest(&mut self) {
        let (Some((hour, mut growing)), Some(width), Some((first, last))) =
            (self.open.pop_first(), self.width, self.extent)
        else {
            return;
        };
        self.done = hour + 1;
        let start = hour.saturating_mul(HOUR);
        // Outside of the recording nothing was counted, which is not the same as zero.
        let bins = growing.counts.packets.len() as i64;
        let bin = |ts: i64| (ts.saturating_sub(start)) / width;
        let from = bin(first).clamp(0, bins);
        let to = bin(last).saturating_add(1).clamp(0, bins);
        growing.counts.cut(from as usize, to as usize);
        (self.take)(Hour {
            start: start.saturating_add(from * width),
            width,
            counts: growing.counts,
            lost: growing.lost,
            lossy_bins: growing.lossy_bins,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WIDTH: i64 = 10_000_000;

    /// The hours that rows make, each of a packet at so many ns, and how many rows came too late.
    fn gathered(instants: &[i64]) -> (Vec<Hour>, u64) {
        let mut hours = Vec::new();
        let mut gather = GatherHours::new(|hour| hours.push(hour));
        gather.width = Some(WIDTH);
        for &ts in instants {
            gather.put(WIDTH, &Row { ts, values: [1.0, 40.0, 0.0], lost: u64::from(ts % HOUR == 0) });
        }
        let late = gather.finish();
        (hours, late)
    }

    #[test]
    fn an_hour_begins_and_ends_with_the_recording_and_has_no_gaps_in_between() {
        let (hours, late) = gathered(&[HOUR - 3 * WIDTH, HOUR - WIDTH, HOUR, HOUR, HOUR + 4 * WIDTH]);
        assert_eq!((hours.len(), late), (2, 0));
        assert_eq!((hours[0].start, &hours[0].counts.packets[..]), (HOUR - 3 * WIDTH, &[1.0, 0.0, 1.0][..]));
        assert_eq!((hours[1].start, &hours[1].counts.bytes[..]), (HOUR, &[80.0, 0.0, 0.0, 0.0, 40.0][..]));
        assert_eq!((hours[1].lost, hours[1].lossy_bins), (2, 2));
    }

    #[test]
    fn hours_in_the_middle_are_whole_and_rows_that_come_long_after_their_hour_are_counted_as_late() {
        let instants: Vec<i64> = [0, 1, 2, 3, 4, 0].iter().map(|hour| hour * HOUR + HOUR / 2).collect();
        let (hours, late) = gathered(&instants);
        let lengths: Vec<usize> = hours.iter().map(|hour| hour.counts.packets.len()).collect();
        assert_eq!((lengths, late), (vec![180_000, 360_000, 360_000, 360_000, 180_001], 1));
    }

    #[test]
    fn instants_before_1970_and_at_the_end_of_time_are_hours_too() {
        assert_eq!(gathered(&[-1, -HOUR]).0.len(), 1);
        assert_eq!(gathered(&[i64::MIN, i64::MAX]).0.len(), 2);
    }
}
