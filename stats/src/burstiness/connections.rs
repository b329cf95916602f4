//! What the connections say: tails, lengths in spite of the campaign's edges, bursts within a connection, and what goes with what.

use arrow_array::RecordBatch;
use recorder::{Span, Table};
use serde::Serialize;

use crate::ReportError;
use crate::cell::Column;
use crate::estimate::Estimate;
use crate::estimate::correlation::Comoments;
use crate::estimate::survival::{self, Quantile, Spans, Survivors};
use crate::estimate::tail::{GatherTail, Tail};
use crate::summary::{Gather, Seconds, Spread};

/// Data phases shorter than this make a rate meaningless, s.
pub const SHORTEST: f64 = 0.1;

/// Quantiles of the lengths of connections.
const QUANTILES: [f64; 6] = [0.25, 0.5, 0.75, 0.9, 0.95, 0.99];

/// Lengths at which the share that lasts longer is told, s.
const LENGTHS: [f64; 16] =
    [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 60.0, 300.0, 3600.0, 21_600.0, 86_400.0, 604_800.0];

/// What goes with what: quantities of a direction, as logarithms.
const QUANTITIES: [&str; 4] = ["size", "duration", "rate", "burstiness"];

/// Ratios, and counts of which the mean matters, are kept as whole numbers of these.
const UNIT: f64 = 1e-6;

/// The columns that [`GatherConnections`] reads.
pub const COLUMNS: [&str; 25] = [
    "final",
    "partial",
    "ts",
    "duration",
    "close_reason",
    "established_ts",
    "closed_ts",
    "orig_last_data_ts",
    "orig_unique_bytes",
    "orig_throughput_established",
    "orig_peak_10ms",
    "orig_bursts",
    "orig_burst_bytes_max",
    "orig_burst_duration_mean",
    "orig_flight_bytes_max",
    "orig_iat_cv",
    "resp_last_data_ts",
    "resp_unique_bytes",
    "resp_throughput_established",
    "resp_peak_10ms",
    "resp_bursts",
    "resp_burst_bytes_max",
    "resp_burst_duration_mean",
    "resp_flight_bytes_max",
    "resp_iat_cv",
];

/// The columns of a direction.
const SIDES: [[&str; 9]; 2] = [
    [
        "orig_last_data_ts",
        "orig_unique_bytes",
        "orig_throughput_established",
        "orig_peak_10ms",
        "orig_bursts",
        "orig_burst_bytes_max",
        "orig_burst_duration_mean",
        "orig_flight_bytes_max",
        "orig_iat_cv",
    ],
    [
        "resp_last_data_ts",
        "resp_unique_bytes",
        "resp_throughput_established",
        "resp_peak_10ms",
        "resp_bursts",
        "resp_burst_bytes_max",
        "resp_burst_duration_mean",
        "resp_flight_bytes_max",
        "resp_iat_cv",
    ],
];

/// Bursts, tails and lengths of connections.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Connections {
    /// What the figures rest on: whole lives, no figure is from recorded headers.
    pub basis: &'static str,
    /// All connections.
    pub total: u64,
    /// Seen from the handshake to a close by FIN, RST or reuse: the basis of `tails`.
    pub whole: u64,
    /// What the edges of the campaign cut.
    pub censoring: Censoring,
    /// How long connections last that were seen to open, those that did not end included.
    pub lengths: Lengths,
    /// Tails of whole connections.
    pub tails: Tails,
    /// Bursts of directions with payload.
    pub bursts: Bursts,
    /// Correlations of logarithms over the directions of whole connections whose data phase lasts 0.1 s or longer.
    pub correlations: Vec<Correlation>,
}

/// Connections of which an end lies outside of what was seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Censoring {
    /// They were there before.
    pub began_before: u64,
    /// Open at the end.
    pub still_open: u64,
    /// Given up after a silence.
    pub fell_silent: u64,
    /// Given up for want of room.
    pub evicted: u64,
}

/// Lengths by Kaplan and Meier.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Lengths {
    /// How many ended.
    pub ended: u64,
    /// How many were cut: by the end of the campaign, by a silence, for want of room.
    pub cut: u64,
    /// Quantiles.
    pub quantiles: Vec<Quantile>,
    /// The share that lasts longer, at some lengths.
    pub beyond: Vec<Survivors>,
    /// The whole curve that both are taken from.
    #[serde(skip)]
    pub curve: Vec<Survivors>,
}

/// Tails of whole connections.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Tails {
    /// Distinct payload of both directions together, bytes.
    pub size: Tail,
    /// From the first packet to the close, s.
    pub duration: Tail,
    /// `throughput_established` of each direction with a data phase of 0.1 s or longer, bit/s.
    pub rate: Tail,
}

/// How quantities of directions with payload spread.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Bursts {
    /// Directions with payload.
    pub directions: u64,
    /// `bursts`: trains.
    pub trains: Option<Spread<f64>>,
    /// `burst_bytes_max`.
    pub train_bytes_max: Option<Spread<u64>>,
    /// `burst_duration_mean`.
    pub train_duration_mean: Option<Spread<Seconds>>,
    /// `flight_bytes_max`.
    pub flight_bytes_max: Option<Spread<u64>>,
    /// `iat_cv`.
    pub iat_cv: Option<Spread<f64>>,
    /// `peak_10ms` over `throughput_established`, where the data phase lasts 0.1 s or longer.
    pub peak_to_mean_10ms: Option<Spread<f64>>,
}

/// How two quantities go together.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Correlation {
    /// One: `size` is `unique_bytes`, `duration` the data phase, `rate` is `throughput_established`, `burstiness` is `iat_cv`.
    pub a: &'static str,
    /// The other.
    pub b: &'static str,
    /// Directions that have all four.
    pub n: u64,
    /// Pearson's correlation of their logarithms; nothing where there are too few, or no variation.
    pub correlation: Option<Estimate>,
}

/// Adds up batches of the connections table.
#[derive(Debug)]
pub struct GatherConnections {
    /// First and last packet of each run: who was open at the end of one lasted at least so long.
    runs: Vec<Span>,
    total: u64,
    whole: u64,
    censoring: Censoring,
    spans: Spans,
    size: GatherTail,
    duration: GatherTail,
    rate: GatherTail,
    directions: u64,
    trains: Gather,
    train_bytes_max: Gather,
    train_duration_mean: Gather,
    flight_bytes_max: Gather,
    iat_cv: Gather,
    peak_to_mean: Gather,
    quantities: Comoments<4>,
}

/// What the figures need of one connection.
struct Row {
    ts: i64,
    seconds: f64,
    partial: bool,
    established: Option<i64>,
    closed: bool,
    still_open: bool,
    sides: [Side; 2],
}

/// And of one direction.
#[derive(Clone, Copy, Default)]
struct Side {
    last_data: Option<i64>,
    bytes: u64,
    rate: Option<f64>,
    peak: Option<f64>,
    trains: u64,
    train_bytes_max: Option<u64>,
    train_duration: Option<f64>,
    flight_bytes_max: Option<u64>,
    cv: Option<f64>,
}

impl GatherConnections {
    /// Of a campaign of these runs, in order of time.
    pub fn new(runs: Vec<Span>) -> Self {
        Self {
            runs,
            total: 0,
            whole: 0,
            censoring: Censoring::default(),
            spans: Spans::default(),
            size: GatherTail::default(),
            duration: GatherTail::default(),
            rate: GatherTail::default(),
            directions: 0,
            trains: Gather::default(),
            train_bytes_max: Gather::default(),
            train_duration_mean: Gather::default(),
            flight_bytes_max: Gather::default(),
            iat_cv: Gather::default(),
            peak_to_mean: Gather::default(),
            quantities: Comoments::default(),
        }
    }

    /// Adds the rows of a batch; `seen` is given the first instant of each connection whose beginning was seen, and when it closed.
    ///
    /// # Errors
    /// [`ReportError::ColumnMissing`] or [`ReportError::ColumnType`] for a table of another make.
    pub fn add(
        &mut self,
        batch: &RecordBatch,
        seen: &mut dyn FnMut(Option<i64>, Option<i64>),
    ) -> Result<(), ReportError> {
        let column = |name| Column::require(batch, Table::Connections, name);
        let (is_final, partial, ts, duration) =
            (column("final")?, column("partial")?, column("ts")?, column("duration")?);
        let (reason, established, closed) = (column("close_reason")?, column("established_ts")?, column("closed_ts")?);
        let sides = [side_columns(batch, 0)?, side_columns(batch, 1)?];
        for row in (0..batch.num_rows()).filter(|&row| is_final.cell(row).is_true()) {
            let partial = partial.cell(row).is_true();
            let Some(ts) = ts.cell(row).instant() else { continue };
            seen((!partial).then_some(ts), closed.cell(row).instant());
            let reason = reason.cell(row).text().unwrap_or_default();
            self.count(partial, reason);
            self.add_row(&Row {
                ts,
                seconds: duration.cell(row).seconds().unwrap_or_default(),
                partial,
                established: established.cell(row).instant(),
                closed: matches!(reason, "fin" | "rst" | "reused"),
                still_open: reason == "campaign_end",
                sides: [Side::of(&sides[0], row), Side::of(&sides[1], row)],
            });
        }
        Ok(())
    }

    /// When the run ended that a connection began in. It was cut there, whether or not another run followed.
    fn run_end(&self, ts: i64) -> i64 {
        let begun = self.runs.partition_point(|run| run.start.is_none_or(|start| start.0 <= ts));
        self.runs.get(begun.saturating_sub(1)).and_then(|run| run.end).map_or(i64::MIN, |end| end.0)
    }

    fn count(&mut self, partial: bool, reason: &str) {
        self.total += 1;
        self.censoring.began_before += u64::from(partial);
        match reason {
            "campaign_end" => self.censoring.still_open += 1,
            "idle_timeout" => self.censoring.fell_silent += 1,
            "evicted" => self.censoring.evicted += 1,
            _ => {}
        }
    }

    fn add_row(&mut self, row: &Row) {
        let Some(established) = row.established.filter(|_| !row.partial) else { return };
        let nanos = (row.seconds * 1e9).round() as u64;
        let open_for = self.run_end(row.ts).saturating_sub(row.ts).max(0) as u64;
        self.spans.add(if row.still_open { nanos.max(open_for) } else { nanos }, row.closed);
        for side in row.sides.iter().filter(|side| side.bytes > 0) {
            self.add_bursts(side, established);
        }
        if !row.closed {
            return;
        }
        self.whole += 1;
        self.size.add(row.sides[0].bytes.saturating_add(row.sides[1].bytes) as f64);
        self.duration.add(row.seconds);
        for side in &row.sides {
            let (Some(seconds), Some(rate)) = (side.data_phase(established), side.rate) else { continue };
            self.rate.add(rate);
            let quantities = [side.bytes as f64, seconds, rate, side.cv.unwrap_or_default()];
            if quantities.iter().all(|&quantity| quantity > 0.0) {
                self.quantities.add(quantities.map(f64::ln));
            }
        }
    }

    fn add_bursts(&mut self, side: &Side, established: i64) {
        self.directions += 1;
        self.trains.add_scaled(side.trains as f64, UNIT);
        side.train_bytes_max.into_iter().for_each(|bytes| self.train_bytes_max.add(bytes));
        side.train_duration.into_iter().for_each(|seconds| self.train_duration_mean.add_seconds(seconds));
        side.flight_bytes_max.into_iter().for_each(|bytes| self.flight_bytes_max.add(bytes));
        side.cv.into_iter().for_each(|cv| self.iat_cv.add_scaled(cv, UNIT));
        let rate = side.data_phase(established).and(side.rate).filter(|&rate| rate > 0.0);
        if let Some((peak, rate)) = side.peak.zip(rate) {
            self.peak_to_mean.add_scaled(peak / rate, UNIT);
        }
    }

    /// What all rows came to.
    pub fn finish(self) -> Connections {
        let curve = self.spans.curve();
        Connections {
            basis: "connections, their whole lives",
            total: self.total,
            whole: self.whole,
            censoring: self.censoring,
            lengths: Lengths {
                ended: self.spans.ended(),
                cut: self.spans.cut(),
                quantiles: QUANTILES.iter().map(|&of| survival::quantile(&curve, of)).collect(),
                beyond: LENGTHS.iter().filter_map(|&length| survival::beyond(&curve, length)).collect(),
                curve,
            },
            tails: Tails { size: self.size.tail(), duration: self.duration.tail(), rate: self.rate.tail() },
            bursts: Bursts {
                directions: self.directions,
                trains: self.trains.scaled(UNIT),
                train_bytes_max: self.train_bytes_max.counts(),
                train_duration_mean: self.train_duration_mean.times(),
                flight_bytes_max: self.flight_bytes_max.counts(),
                iat_cv: self.iat_cv.scaled(UNIT),
                peak_to_mean_10ms: self.peak_to_mean.scaled(UNIT),
            },
            correlations: correlations(&self.quantities),
        }
    }
}

fn correlations(quantities: &Comoments<4>) -> Vec<Correlation> {
    let pairs = (0..QUANTITIES.len()).flat_map(|b| (0..b).map(move |a| (a, b)));
    pairs
        .map(|(a, b)| Correlation {
            a: QUANTITIES[a],
            b: QUANTITIES[b],
            n: quantities.n(),
            correlation: quantities.correlation(a, b),
        })
        .collect()
}

fn side_columns(batch: &RecordBatch, side: usize) -> Result<Vec<Column<'_>>, ReportError> {
    SIDES[side].into_iter().map(|name| Column::require(batch, Table::Connections, name)).collect()
}

impl Side {
    /// From the columns of [`SIDES`], in their order.
    fn of(columns: &[Column<'_>], row: usize) -> Self {
        let [last_data, bytes, rate, peak, trains, train_bytes_max, train_duration, flight_bytes_max, cv] = columns
        else {
            return Self::default();
        };
        Self {
            last_data: last_data.cell(row).instant(),
            bytes: bytes.cell(row).unsigned().unwrap_or(0),
            rate: rate.cell(row).number(),
            peak: peak.cell(row).number(),
            trains: trains.cell(row).unsigned().unwrap_or(0),
            train_bytes_max: train_bytes_max.cell(row).unsigned(),
            train_duration: train_duration.cell(row).seconds(),
            flight_bytes_max: flight_bytes_max.cell(row).unsigned(),
            cv: cv.cell(row).number(),
        }
    }

    /// From `established` to the last segment with payload, s; nothing where it is too short for a rate.
    fn data_phase(&self, established: i64) -> Option<f64> {
        let nanos = self.last_data?.saturating_sub(established);
        Some(nanos as f64 / 1e9).filter(|&seconds| seconds >= SHORTEST)
    }
}
