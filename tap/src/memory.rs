//! What the bounds of a configuration amount to in memory. It is printed at the start, so that nobody learns it on the fifth day.
//!
//! The bounds are never reached together but under a flood that lasts. What gives way then, each counted: first rows of attempts (`evicted`,
//! without a row beyond `tracker.evicted_attempts_per_second`), then the oldest attempts, then the least valuable connections, idle ones
//! first (`close_reason = evicted`); where the disk is behind, rows at the queue to the scribe (`lost`); where the shards are, packets at
//! the rings (`queue` in the ledger). Headers leave the tracker as they come, so that none wait there.

use std::num::NonZeroU32;

use indicatif::HumanBytes;
use wire::Observation;

use crate::cli::{LogArguments, LogFormat};
use crate::config::Config;
use crate::logging;
use crate::pipeline::BLOCKS;

/// A connection with data in both directions, round trips, classes and rates (docs/performance.md).
const CONNECTION: u64 = 2200;
/// An attempt: its entry and its place in the index.
const ATTEMPT: u64 = 96;
/// Header bytes that an observation has room for in a ring.
const HEADERS: u64 = 104;
/// A block of rows on its way to the scribe or back.
const BLOCK: u64 = 68 << 10;
/// Bins that wait for the slowest producer, and what each takes.
const BINS: u64 = 100_000 * 256;
/// A row while its segment is sorted, beside its bytes; a row has at least so many.
const SORTING: u64 = 32;
const ROW: u64 = 40;
/// Programs, stacks, buffers of Parquet files.
const REST: u64 = 64 << 20;

/// The bounds, each with what it is called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bounds(Vec<(&'static str, u64)>);

impl Bounds {
    /// Those of a configuration, with so many sources and shards.
    #[must_use]
    pub fn of(config: &Config, sources: usize, shards: NonZeroU32) -> Self {
        let (tracker, capture, recorder) = (&config.tracker, &config.capture, &config.recorder);
        let count = |count: usize| count as u64;
        let producers = count(sources).saturating_add(u64::from(shards.get()));
        let observations = count(capture.batch).saturating_mul(count(capture.ring));
        let rings = count(sources).saturating_mul(u64::from(shards.get())).saturating_mul(observations);
        let observation = size_of::<Observation>() as u64 + if tracker.headers > 0 { HEADERS } else { 0 };
        let rows = recorder.segment_bytes / ROW;
        Self(vec![
            ("connections", count(tracker.max_connections).saturating_mul(CONNECTION)),
            ("attempts", count(tracker.max_attempts).saturating_mul(ATTEMPT)),
            ("rings", rings.saturating_mul(observation)),
            ("queue of blocks", count(BLOCKS).saturating_mul(producers.saturating_add(1)).saturating_mul(BLOCK)),
            ("bins", BINS),
            ("unacknowledged rows", recorder::BACKLOG),
            ("sealing", recorder.segment_bytes.saturating_add(rows.saturating_mul(SORTING))),
            ("the rest", REST),
        ])
    }

    /// All of them together, bytes.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.0.iter().fold(0, |sum, (_, bytes)| sum.saturating_add(*bytes))
    }

    /// Says the sum, and with `-v` each bound.
    pub fn say(&self, logs: LogArguments) {
        for (name, bytes) in &self.0 {
            tracing::info!("memory: {name} at most {}", HumanBytes(*bytes));
        }
        let total = HumanBytes(self.total());
        match logs.log_format {
            LogFormat::Json => tracing::info!("memory: at most {total}"),
            LogFormat::Text if logs.quiet => {}
            LogFormat::Text => logging::say(format_args!(
                "memory       at most {total}, if tracker.max_connections and tracker.max_attempts are ever reached; -v lists it"
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sum_follows_the_configuration_and_does_not_overflow() {
        let config = |text: &str| Config::load(None, text.parse().unwrap()).unwrap();
        let two = NonZeroU32::new(2).unwrap();
        let default = Bounds::of(&config(""), 1, two).total();
        let small = Bounds::of(&config("[tracker]\nmax_connections = 1000\nmax_attempts = 1000\n"), 1, two).total();
        assert!(small < 512 << 20 && default > 4 << 30, "{small}, {default}");
        assert!(Bounds::of(&config(""), usize::MAX, NonZeroU32::MAX).total() > default);
    }
}
