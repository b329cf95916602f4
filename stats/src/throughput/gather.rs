//! Rates of a group of connections, added up.

use arrow_array::RecordBatch;
use recorder::Table;
use serde::Serialize;

use crate::ReportError;
use crate::cell::Column;
use crate::summary::{Gather, Spread};

/// The first paper's mark: 0.7 of its connections stayed below it, bit/s.
pub const SLOW: f64 = 80_000.0;

/// Rates are kept as whole numbers of these, bit/s.
const RATE_UNIT: f64 = 1e-3;

/// Shares are kept as whole numbers of these.
const SHARE_UNIT: f64 = 1e-6;

/// The columns that [`each_row`] reads, and what groups are formed by.
pub const COLUMNS: [&str; 25] = [
    "final",
    "partial",
    "ts",
    "resp_p",
    "established_ts",
    "orig_unique_bytes",
    "orig_last_data_ts",
    "orig_throughput",
    "orig_throughput_established",
    "orig_throughput_after_slow_start",
    "orig_setup_share",
    "orig_wire_rate",
    "orig_peak_10ms",
    "orig_peak_100ms",
    "orig_peak_1s",
    "resp_unique_bytes",
    "resp_last_data_ts",
    "resp_throughput",
    "resp_throughput_established",
    "resp_throughput_after_slow_start",
    "resp_setup_share",
    "resp_wire_rate",
    "resp_peak_10ms",
    "resp_peak_100ms",
    "resp_peak_1s",
];

/// The rates of a direction, in the order of [`Direction`].
const RATES: [[&str; 7]; 2] = [
    [
        "orig_throughput",
        "orig_throughput_established",
        "orig_throughput_after_slow_start",
        "orig_wire_rate",
        "orig_peak_10ms",
        "orig_peak_100ms",
        "orig_peak_1s",
    ],
    [
        "resp_throughput",
        "resp_throughput_established",
        "resp_throughput_after_slow_start",
        "resp_wire_rate",
        "resp_peak_10ms",
        "resp_peak_100ms",
        "resp_peak_1s",
    ],
];

/// What else a direction has: distinct payload, its last data, the share of the setup.
const OTHERS: [[&str; 3]; 2] = [
    ["orig_unique_bytes", "orig_last_data_ts", "orig_setup_share"],
    ["resp_unique_bytes", "resp_last_data_ts", "resp_setup_share"],
];

/// Connections of one group.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Group {
    /// Its name.
    pub name: String,
    /// Connections.
    pub connections: u64,
    /// Of them without a handshake that was seen: they have no rate.
    pub not_opened: u64,
    /// What originators sent.
    pub orig: Direction,
    /// What responders sent.
    pub resp: Direction,
}

/// Rates of one direction, bit/s; each over the directions that have it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Direction {
    /// Directions without payload: they have no rate.
    pub without_payload: u64,
    /// Directions with too short a data phase: their rates mean nothing, and are left out.
    pub too_short: u64,
    /// `throughput`: over the whole connection.
    pub throughput: Option<Spread<f64>>,
    /// `throughput_established`: over the data phase.
    pub throughput_established: Option<Spread<f64>>,
    /// `throughput_after_slow_start`.
    pub throughput_after_slow_start: Option<Spread<f64>>,
    /// `wire_rate`.
    pub wire_rate: Option<Spread<f64>>,
    /// `peak_10ms`.
    pub peak_10ms: Option<Spread<f64>>,
    /// `peak_100ms`.
    pub peak_100ms: Option<Spread<f64>>,
    /// `peak_1s`.
    pub peak_1s: Option<Spread<f64>>,
    /// `setup_share`, of those where it is not negative.
    pub setup_share: Option<Spread<f64>>,
    /// How many stay under 80 kbit/s in their data phase.
    pub under_80_kbit: u64,
}

/// What one connection adds.
pub struct Connection {
    opened: bool,
    sides: [Side; 2],
}

enum Side {
    WithoutPayload,
    TooShort,
    Rates { rates: [Option<f64>; 7], setup_share: Option<f64> },
}

/// Gives each final row of a batch to `take`, with its number.
///
/// # Errors
/// [`ReportError::ColumnMissing`] or [`ReportError::ColumnType`] for a table of another make.
pub fn each_row(
    batch: &RecordBatch,
    shortest: f64,
    take: &mut dyn FnMut(usize, &Connection),
) -> Result<(), ReportError> {
    let column = |name| Column::require(batch, Table::Connections, name);
    let (is_final, partial, established) = (column("final")?, column("partial")?, column("established_ts")?);
    let columns = |names: &[&'static str]| names.iter().map(|&name| column(name)).collect::<Result<Vec<_>, _>>();
    let rates = [columns(&RATES[0])?, columns(&RATES[1])?];
    let others = [columns(&OTHERS[0])?, columns(&OTHERS[1])?];
    for row in (0..batch.num_rows()).filter(|&row| is_final.cell(row).is_true()) {
        let established = established.cell(row).instant().filter(|_| !partial.cell(row).is_true());
        let side = |side: usize| {
            let bytes = others[side][0].cell(row).unsigned().unwrap_or(0);
            let (Some(begin), Some(end), 1..) = (established, others[side][1].cell(row).instant(), bytes) else {
                return Side::WithoutPayload;
            };
            if (end.saturating_sub(begin) as f64) < shortest * 1e9 {
                return Side::TooShort;
            }
            let rates = std::array::from_fn(|at| rates[side][at].cell(row).number());
            Side::Rates { rates, setup_share: others[side][2].cell(row).number() }
        };
        take(row, &Connection { opened: established.is_some(), sides: [side(0), side(1)] });
    }
    Ok(())
}

/// Adds up the connections of a group.
#[derive(Debug, Default)]
pub struct GatherGroup {
    connections: u64,
    not_opened: u64,
    sides: [GatherSide; 2],
}

#[derive(Debug, Default)]
struct GatherSide {
    without_payload: u64,
    too_short: u64,
    rates: [Gather; 7],
    setup_share: Gather,
    under_80_kbit: u64,
}

impl GatherGroup {
    /// Adds a connection.
    pub fn add(&mut self, connection: &Connection) {
        self.connections += 1;
        if !connection.opened {
            self.not_opened += 1;
            return;
        }
        for (gather, side) in self.sides.iter_mut().zip(&connection.sides) {
            gather.add(side);
        }
    }

    /// The group.
    pub fn finish(self, name: String) -> Group {
        let [orig, resp] = self.sides.map(GatherSide::finish);
        Group { name, connections: self.connections, not_opened: self.not_opened, orig, resp }
    }
}

impl GatherSide {
    fn add(&mut self, side: &Side) {
        match side {
            Side::WithoutPayload => self.without_payload += 1,
            Side::TooShort => self.too_short += 1,
            Side::Rates { rates, setup_share } => {
                for (gather, rate) in self.rates.iter_mut().zip(rates) {
                    rate.iter().for_each(|&rate| gather.add_scaled(rate, RATE_UNIT));
                }
                let share = setup_share.filter(|&share| share >= 0.0);
                share.into_iter().for_each(|share| self.setup_share.add_scaled(share, SHARE_UNIT));
                self.under_80_kbit += u64::from(rates[1].is_some_and(|rate| rate < SLOW));
            }
        }
    }

    fn finish(self) -> Direction {
        let [whole, established, after_slow_start, wire, peak_10ms, peak_100ms, peak_1s] =
            self.rates.map(|gather| gather.scaled(RATE_UNIT));
        Direction {
            without_payload: self.without_payload,
            too_short: self.too_short,
            throughput: whole,
            throughput_established: established,
            throughput_after_slow_start: after_slow_start,
            wire_rate: wire,
            peak_10ms,
            peak_100ms,
            peak_1s,
            setup_share: self.setup_share.scaled(SHARE_UNIT),
            under_80_kbit: self.under_80_kbit,
        }
    }
}
