//! The configuration: the default file, then the user's file over it, then the command line over both.

mod apply;
mod changes;
mod merge;
mod quota;
mod span;

use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

use conntrack::EventLevel;
use serde::{Deserialize, Serialize};
use toml::Table;

pub use changes::Change;
pub use quota::{Quota, QuotaError};
pub use span::{Limit, Span, SpanError};

/// The commented default configuration: what `conntrack-tap config --default` prints, and where every value starts.
pub const DEFAULT: &str = include_str!("../../default.toml");

/// A complete, checked configuration. What each value means stands in the default file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The campaign as a whole.
    pub campaign: Campaign,
    /// The tracker.
    pub tracker: Tracker,
    /// Pollers and rings.
    pub capture: Capture,
    /// The recorder.
    pub recorder: Recorder,
    /// Looking after a running tap.
    pub operation: Operation,
}

/// The section `operation`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Operation {
    /// Where metrics are served; empty where they are not.
    pub metrics: String,
}

/// The section `campaign`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Campaign {
    /// Where the tap is.
    pub site: String,
    /// What it listens to.
    pub link: String,
    /// When it ends by the clock.
    pub duration: Limit,
    /// Whether open connections are kept for the next run when it is told to stop.
    pub checkpoint: bool,
    /// What uids derive from.
    pub uid_salt: String,
    /// The file with the key under which addresses are replaced; empty where they stay as they are.
    pub anonymise_key: String,
    /// The user to go on as once the sources are open; empty for whoever started it.
    pub user: String,
}

/// The section `tracker`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tracker {
    /// Threads that track; 0 for as many as the host suggests.
    pub shards: usize,
    /// Headers recorded of each connection.
    pub headers: u8,
    /// How often a connection that goes on leaves a row.
    pub interim_every: Limit,
    /// Connections held, over all shards.
    pub max_connections: usize,
    /// Attempts held, over all shards.
    pub max_attempts: usize,
    /// Tuples in TIME_WAIT remembered, over all shards.
    pub max_time_wait: usize,
    /// Evicted attempts that leave a row, in a second, over all shards.
    pub evicted_attempts_per_second: u32,
    /// Which events of connections are recorded.
    pub events: EventLevel,
    /// Rows of events a connection, at most.
    pub events_per_connection: u16,
    /// How long silence is believed.
    pub timeouts: Timeouts,
}

/// The section `tracker.timeouts`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(
    missing_docs,
    reason = "each is documented where the tracker uses it, conntrack::Timeouts, and in the default file"
)]
pub struct Timeouts {
    pub attempt: Span,
    pub unanswered: Span,
    pub opening: Span,
    pub established: Span,
    pub half_closed: Span,
    pub closing: Span,
    pub suspect: Span,
    pub tombstone: Span,
    pub time_wait: Span,
}

/// The section `capture`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Capture {
    /// Observations in a batch.
    pub batch: usize,
    /// Batches in a ring.
    pub ring: usize,
    /// How long a silent live source is waited for.
    pub patience: Span,
}

/// The section `recorder`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recorder {
    /// Width of the bins of the intervals table.
    pub interval_width: Span,
    /// How often the journal is synced.
    pub sync_every: Span,
    /// Bytes after which a segment is sealed.
    pub segment_bytes: u64,
    /// Age after which a segment is sealed.
    pub segment_age: Span,
    /// How often campaign.json is written.
    pub manifest_every: Span,
    /// When what failed is tried again.
    pub retry_every: Span,
    /// A disk that does not answer for so long hangs.
    pub hang_after: Span,
    /// Where to go on when the campaign's directory fails; empty where there is no such place.
    pub spare: String,
    /// The room that the campaign may take.
    pub quota: Quota,
    /// Percent of it above which deleting begins.
    pub high_water: u8,
    /// Percent of it down to which is deleted.
    pub low_water: u8,
    /// zstd level of the journal.
    pub journal_level: i32,
    /// zstd level of the Parquet files.
    pub parquet_level: i32,
}

/// Why there is no configuration. Each message says what to change.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read the configuration {}: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file is not TOML.
    #[error("line {line} of the configuration {} is not TOML: {message}", path.display())]
    Syntax {
        /// The file.
        path: PathBuf,
        /// Where the trouble begins, counted from 1.
        line: usize,
        /// What was expected there.
        message: String,
    },
    /// A key that there is none of.
    #[error("unknown key `{key}` in the configuration{nearest}")]
    UnknownKey {
        /// The key, with its sections.
        key: String,
        /// A hint.
        nearest: String,
    },
    /// A value of another type than the default's.
    #[error("`{key}` in the configuration must be of type {expected}, not {found}")]
    WrongType {
        /// The key, with its sections.
        key: String,
        /// Type of the default.
        expected: &'static str,
        /// Type of the value.
        found: &'static str,
    },
    /// A value that cannot be used.
    #[error("`{key}` in the configuration: {message}")]
    Value {
        /// The key, with its sections.
        key: String,
        /// Why, and what could be.
        message: String,
    },
}

impl Config {
    /// The default configuration with `file` over it, if there is one, and `overrides` over both.
    ///
    /// # Errors
    /// When the file cannot be read, a key is unknown, or a value cannot be used.
    pub fn load(file: Option<&Path>, overrides: Table) -> Result<Self, ConfigError> {
        let mut table = parse(DEFAULT, Path::new("default.toml"))?;
        if let Some(path) = file {
            let text = std::fs::read_to_string(path)
                .map_err(|source| ConfigError::Unreadable { path: path.to_owned(), source })?;
            merge::lay(&mut table, parse(&text, path)?, "")?;
        }
        merge::lay(&mut table, overrides, "")?;
        let config: Self = serde_path_to_error::deserialize(table).map_err(|error| ConfigError::Value {
            key: error.path().to_string(),
            message: error.inner().message().replace('\n', " "),
        })?;
        config.check()
    }

    fn check(self) -> Result<Self, ConfigError> {
        let (tracker, capture, recorder) = (&self.tracker, &self.capture, &self.recorder);
        let level = |level: i32| usize::try_from(level).unwrap_or(0);
        let ranges = [
            ("tracker.shards", tracker.shards, 0..=MAX_SHARDS),
            ("tracker.headers", usize::from(tracker.headers), 0..=100),
            ("tracker.max_connections", tracker.max_connections, 1..=MAX_ENTRIES),
            ("tracker.max_attempts", tracker.max_attempts, 1..=MAX_ENTRIES),
            ("tracker.max_time_wait", tracker.max_time_wait, 0..=MAX_ENTRIES),
            ("capture.batch", capture.batch, 1..=MAX_QUEUE),
            ("capture.ring", capture.ring, 1..=MAX_QUEUE),
            ("recorder.segment_bytes", usize::try_from(recorder.segment_bytes).unwrap_or(usize::MAX), SEGMENTS),
            ("recorder.journal_level", level(recorder.journal_level), 1..=22),
            ("recorder.parquet_level", level(recorder.parquet_level), 1..=22),
            ("recorder.high_water", usize::from(recorder.high_water), 1..=100),
            ("recorder.low_water", usize::from(recorder.low_water), 0..=usize::from(recorder.high_water)),
        ];
        for (key, value, range) in ranges {
            if !range.contains(&value) {
                let message = format!("it must lie in {} to {}, not be {value}", range.start(), range.end());
                return Err(ConfigError::Value { key: key.to_owned(), message });
            }
        }
        if !INTERVAL_WIDTHS.contains(&recorder.interval_width.nanos()) {
            let message = format!("it must lie in 1ms to 1m, not be {}", recorder.interval_width);
            return Err(ConfigError::Value { key: "recorder.interval_width".to_owned(), message });
        }
        Ok(self)
    }
}

/// More threads than any machine that takes one link needs; each (poller, shard) pair costs a ring.
const MAX_SHARDS: usize = 64;

/// Half a terabyte of connections.
const MAX_ENTRIES: usize = 1 << 30;

/// Batches, or observations in one: with both at this bound a ring would take half a gigabyte.
const MAX_QUEUE: usize = 2048;

/// Finer bins take gigabytes an hour to look at, and coarser ones show no burst, ns.
const INTERVAL_WIDTHS: RangeInclusive<i64> = 1_000_000..=60_000_000_000;

/// A segment must hold some blocks, and be sorted in memory.
const SEGMENTS: RangeInclusive<usize> = 1 << 20..=512 << 20;

fn parse(text: &str, path: &Path) -> Result<Table, ConfigError> {
    text.parse::<Table>().map_err(|error| {
        let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
        ConfigError::Syntax {
            path: path.to_owned(),
            line: before.matches('\n').count() + 1,
            message: error.message().replace('\n', " "),
        }
    })
}

#[cfg(test)]
mod tests;
