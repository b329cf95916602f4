//! How to record, and what came of it.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::store::Patience;
use crate::{Manifest, RecorderError, Recovered, Retention, State, Table};

/// How to record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// How many encoders there are, numbered from 0: shards, and pollers that give parts of bins.
    pub producers: u16,
    /// How often the journal is synced: rows that were handed over since can be lost in a crash.
    pub sync_every: Duration,
    /// A segment ends when its rows, unpacked, have this many bytes: the sealer sorts a segment in memory.
    pub segment_bytes: u64,
    /// A segment ends when it is this old, if it holds rows.
    pub segment_age: Duration,
    /// How often `campaign.json` is brought up to date.
    pub manifest_every: Duration,
    /// After how long a segment is tried again that could not be sealed, and a directory that failed.
    pub retry_every: Duration,
    /// A disk that does not answer for so long hangs.
    pub hang: Duration,
    /// Where to go on when the directory of the campaign fails, fills or hangs.
    pub spare: Option<PathBuf>,
    /// What is deleted to make room.
    pub retention: Retention,
    /// zstd level of the journal, 1 to 22: written once and read once.
    pub journal_level: i32,
    /// zstd level of the Parquet files, 1 to 22: written once and kept.
    pub parquet_level: i32,
    /// Write and seal in threads of their own, so that nobody waits for a disk. Without them, it happens when it is due.
    pub background: bool,
}

impl Config {
    /// How often the room is looked at.
    pub(super) const SURVEY_EVERY: Duration = Duration::from_secs(10);

    pub(super) const fn patience(&self) -> Patience {
        Patience { hang: self.hang, retry_every: self.retry_every }
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            producers: 1,
            sync_every: Duration::from_millis(500),
            segment_bytes: 64 << 20,
            segment_age: Duration::from_secs(600),
            manifest_every: Duration::from_secs(10),
            retry_every: Duration::from_secs(30),
            hang: Duration::from_secs(5),
            spare: None,
            retention: Retention::default(),
            journal_level: 1,
            parquet_level: 3,
            background: true,
        }
    }
}

/// What became of a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Outcome {
    /// It is in the journal, and acknowledged at a sync soon.
    Journalled,
    /// No disk took it for so long that there is no room for it; its rows are counted as lost. [`crate::Recorder::tick`] says why.
    Lost,
}

/// How a run ended.
#[derive(Debug)]
pub struct Finished {
    /// This run of the campaign; `campaign.json` has the runs before it, too.
    pub manifest: Manifest,
    /// Why not everything is sealed, or was lost.
    pub failure: Option<RecorderError>,
}

/// What a campaign that was continued had in it.
#[derive(Debug)]
pub struct Resumed {
    /// What recovery found.
    pub recovered: Recovered,
    /// Where the campaign stood before it.
    pub state: State,
}

/// How a recorder is, for those who watch it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Condition {
    /// Where rows go; nowhere while no disk takes them.
    pub directory: Option<PathBuf>,
    /// Why they go nowhere.
    pub failure: Option<String>,
    /// Rows a table that survive a crash.
    pub acknowledged_rows: BTreeMap<Table, u64>,
    /// Rows a table that were lost.
    pub lost_rows: BTreeMap<Table, u64>,
    /// Bytes of the journal that no disk has acknowledged.
    pub waiting_bytes: u64,
    /// Segments that have ended and are not sealed.
    pub unsealed_segments: u64,
    /// Seconds since the oldest of them ended.
    pub oldest_journal_s: f64,
    /// How often rows went to another directory.
    pub failovers: u64,
    /// How often sealing or `campaign.json` failed; both are tried again.
    pub failures: u64,
    /// Sealed segments that were deleted to make room.
    pub deleted_segments: u64,
    /// The room on each disk, as far as it was looked at.
    pub rooms: Vec<RoomIn>,
}

/// The room in the file system of a directory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoomIn {
    /// The directory.
    pub directory: PathBuf,
    /// All of it, bytes.
    pub total_bytes: u64,
    /// What is left.
    pub free_bytes: u64,
}

impl Condition {
    /// Rows of a table that survive a crash.
    #[must_use]
    pub fn acknowledged(&self, table: Table) -> u64 {
        self.acknowledged_rows.get(&table).copied().unwrap_or(0)
    }

    /// Rows of a table that were lost.
    #[must_use]
    pub fn lost(&self, table: Table) -> u64 {
        self.lost_rows.get(&table).copied().unwrap_or(0)
    }
}
