//! Writes a campaign of any number of made-up connections, a thousand a second, without headers: for finding out what the reports cost.
//! `stats/oracles/large.py` measures them on it, beside DuckDB.
//!
//!     cargo run --release --example campaign -- 100000000 /large/campaign

#[path = "../tests/support/mod.rs"]
mod support;

use std::path::Path;

use anyhow::Context;
use conntrack::{BurstsRecord, HalfRecord, RatesRecord, Record};
use wire::{Interval, IntervalHalf, Nanos};

const MILLISECOND: i64 = 1_000_000;

/// Connections of a bin of 10 ms, of which each begins in a millisecond of its own.
const OF_BIN: u64 = 10;

fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let connections: u64 = arguments.next().context("how many connections?")?.parse()?;
    let folder = arguments.next().context("where to?")?;
    support::write(Path::new(&folder), (0..connections.div_ceil(OF_BIN)).map(bin), (0..connections).map(record));
    Ok(())
}

/// A connection with rates and bursts.
fn record(n: u64) -> Record {
    let record = support::record(n);
    let halves =
        record.halves.map(|half| HalfRecord { rates: rates(&half, support::mix(n ^ half.pkts), record.ts), ..half });
    Record { headers: 0, halves, ..record }
}

fn rates(half: &HalfRecord, random: u64, begin: Nanos) -> RatesRecord {
    let (bytes, gaps) = (half.unique_bytes, 1_000_000 + random % 1_000_000_000);
    let burst = BurstsRecord { count: half.pkts / 3, bytes, bytes_max: bytes / 2, duration: gaps / 2 };
    RatesRecord {
        gap_sum: gaps,
        gap_square_sum: u128::from(gaps) * u128::from(gaps) / u128::from(half.pkts.max(1)) * u128::from(2 + random % 5),
        peaks: [bytes / 4, bytes / 2, bytes],
        trains: burst,
        flights: burst,
        slow_start: (half.pkts > 8).then_some((begin.plus(100 * MILLISECOND), bytes / 3)),
    }
}

/// The bin in which ten connections begin; how much it holds varies somehow.
fn bin(n: u64) -> Interval {
    let random = support::mix(n);
    let half = |pkts: u64| IntervalHalf { pkts, ip_bytes: pkts * 700, payload_bytes: pkts * 648 };
    let ts = Nanos(support::EPOCH + (n * OF_BIN) as i64 * MILLISECOND);
    let halves = [half(40 + random % 30), half(40 + (random >> 32) % 90)];
    Interval { halves, syn: OF_BIN, opened: OF_BIN, closed: OF_BIN, ..Interval::around(ts, 10 * MILLISECOND) }
}
