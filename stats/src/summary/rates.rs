//! Rates of TCP traffic over time, from the base series.

use std::collections::BTreeMap;

use arrow_array::RecordBatch;
use recorder::Table;
use serde::Serialize;

use super::exact::{Instant, Seconds};
use crate::ReportError;
use crate::cell::Column;

const SECOND: i64 = 1_000_000_000;

/// The columns that [`GatherRates`] reads.
pub const COLUMNS: [&str; 6] = ["ts", "width", "orig_pkts", "orig_ip_bytes", "resp_pkts", "resp_ip_bytes"];

/// How fast the TCP traffic ran, both directions together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Rates {
    /// IP bit/s over the time that was recorded; none where that is no time at all.
    pub mean_bits_per_second: Option<f64>,
    /// Packets/s over the same time.
    pub mean_packets_per_second: Option<f64>,
    /// The busiest moment.
    pub peak: Option<Peak>,
}

/// The bin of time with the most IP bytes.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Peak {
    /// When it began.
    pub ts: Instant,
    /// Its width: a second, or the campaign's interval where that is longer.
    pub width_s: Seconds,
    /// IP bit/s in it.
    pub bits_per_second: f64,
    /// Packets/s in it.
    pub packets_per_second: f64,
}

#[derive(Clone, Copy, Default)]
struct Bin {
    width: i64,
    bytes: u64,
    packets: u64,
}

/// Adds up rows of the base series to bins of a second and remembers the busiest.
#[derive(Default)]
pub struct GatherRates {
    /// The bin of the latest row, with its beginning: the next row most often belongs to it too.
    latest: Option<(i64, Bin)>,
    /// Others that may still grow: rows come nearly in order of time.
    open: BTreeMap<i64, Bin>,
    peak: Option<(i64, Bin)>,
    bytes: u64,
    packets: u64,
}

impl GatherRates {
    /// How many bins may grow at once: a row that comes later than a day after its time counts as a bin of its own.
    const OPEN: usize = 86_400;

    /// Adds the rows of a batch.
    ///
    /// # Errors
    /// [`ReportError::ColumnMissing`] or [`ReportError::ColumnType`] for a table of another make.
    pub fn add(&mut self, batch: &RecordBatch) -> Result<(), ReportError> {
        let column = |name| Column::require(batch, Table::Intervals, name);
        let (ts, width) = (column("ts")?, column("width")?);
        let (orig_pkts, resp_pkts) = (column("orig_pkts")?, column("resp_pkts")?);
        let (orig_bytes, resp_bytes) = (column("orig_ip_bytes")?, column("resp_ip_bytes")?);
        for row in 0..batch.num_rows() {
            let sum = |a: &Column<'_>, b: &Column<'_>| {
                a.cell(row).unsigned().unwrap_or(0).saturating_add(b.cell(row).unsigned().unwrap_or(0))
            };
            let (Some(ts), Some(seconds)) = (ts.cell(row).instant(), width.cell(row).seconds()) else { continue };
            let width = ((seconds * 1e9).round() as i64).max(SECOND);
            let (bytes, packets) = (sum(&orig_bytes, &resp_bytes), sum(&orig_pkts, &resp_pkts));
            self.bytes = self.bytes.saturating_add(bytes);
            self.packets = self.packets.saturating_add(packets);
            let bin = self.bin(ts.saturating_sub(ts.rem_euclid(width)));
            bin.width = bin.width.max(width);
            bin.bytes = bin.bytes.saturating_add(bytes);
            bin.packets = bin.packets.saturating_add(packets);
        }
        Ok(())
    }

    /// The bin that begins at `start`.
    fn bin(&mut self, start: i64) -> &mut Bin {
        if let Some((before, bin)) = self.latest.take_if(|(latest, _)| *latest != start) {
            self.open.insert(before, bin);
            if self.open.len() > Self::OPEN {
                self.close_oldest();
            }
        }
        let Self { latest, open, .. } = self;
        let (_, bin) = latest.get_or_insert_with(|| (start, open.remove(&start).unwrap_or_default()));
        bin
    }

    /// The rates of what was recorded in so many seconds.
    #[must_use]
    pub fn finish(self, seconds: Option<f64>) -> Rates {
        let seconds = seconds.filter(|&seconds| seconds > 0.0);
        let per_second = |number: u64| seconds.map(|seconds| number as f64 / seconds);
        Rates {
            mean_bits_per_second: per_second(self.bytes).map(|bytes| bytes * 8.0),
            mean_packets_per_second: per_second(self.packets),
            peak: self.peak(),
        }
    }

    /// The busiest bin.
    fn peak(mut self) -> Option<Peak> {
        self.open.extend(self.latest.take());
        while !self.open.is_empty() {
            self.close_oldest();
        }
        let (ts, bin) = self.peak?;
        let width = bin.width as f64 / 1e9;
        Some(Peak {
            ts: Instant(ts),
            width_s: Seconds(width),
            bits_per_second: bin.bytes as f64 * 8.0 / width,
            packets_per_second: bin.packets as f64 / width,
        })
    }

    fn close_oldest(&mut self) {
        let Some((ts, bin)) = self.open.pop_first() else { return };
        if self.peak.is_none_or(|(_, peak)| bin.bytes > peak.bytes) {
            self.peak = Some((ts, bin));
        }
    }
}
