//! `campaign.json`: what a campaign is, how it was made and what was lost.

mod ledger;
mod runs;

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use wire::Nanos;

pub use ledger::{Dropped, Imbalance, Ledger};
pub use runs::Run;

use crate::disk::{Disk, DiskError, OnPath, write_whole};
use crate::{Carried, ReadError, Table};

/// Name of the manifest in a campaign's directory.
pub(crate) const NAME: &str = "campaign.json";

/// What stands in `campaign.json`. Instants are nanoseconds since 1970-01-01 UTC. Unknown fields are tolerated when reading.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// Version of the campaign's layout: [`Manifest::FORMAT`].
    pub format: u32,
    /// Where the campaign stands, which is where its last run does.
    pub state: State,
    /// What ended it; missing before it ended, and in campaigns of older versions.
    #[serde(default)]
    pub ended_by: Option<EndedBy>,
    /// Name of the place.
    pub site: String,
    /// Name of the link.
    pub link: String,
    /// What was captured from, and where its frames went.
    pub sources: Vec<SourceEntry>,
    /// First and last packet.
    pub packets: Span,
    /// When the program started and ended, by its own clock. Where it died, when it wrote last.
    pub wall_clock: Span,
    /// What the timestamps come from, in words: the capture file, the kernel, the device.
    pub clock_source: String,
    /// Name of the machine.
    pub host: String,
    /// What made it.
    pub software: Software,
    /// How addresses were changed before they were recorded, in words; `none` where they were not.
    pub anonymisation: String,
    /// The full configuration that was in force.
    pub configuration: Value,
    /// Rows a table that were recorded. While a campaign runs it is those that were acknowledged at the last write.
    pub rows: BTreeMap<Table, u64>,
    /// Number of the newest segment of the journal, at least.
    #[serde(default)]
    pub newest_segment: u64,
    /// Segments whose beginning failed, so that they may never have existed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub abandoned_segments: Vec<u64>,
    /// Other directories that hold a part of the campaign, or would if this one failed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub elsewhere: Vec<PathBuf>,
    /// One up whenever the manifest is written: of the copies in several directories the highest counts.
    #[serde(default)]
    pub revision: u64,
    /// How often the journal went on in another directory.
    #[serde(default)]
    pub failovers: u64,
    /// What was deleted to make room. `rows` include them.
    #[serde(default)]
    pub deleted: Deleted,
    /// The runs of the recorder, oldest first: more than one where a campaign was continued. All other figures are those of the whole
    /// campaign.
    #[serde(default)]
    pub runs: Vec<Run>,
    /// ICMP errors about TCP, by what came of them: `attributed` to a connection; or of an `unknown_connection`, with an `unreadable_quote`,
    /// or lost at a full queue (`queue`). In the ledgers all of them are ICMP.
    #[serde(default)]
    pub icmp_errors: BTreeMap<String, u64>,
    /// TCP packets that stand in no row, because that of their connection, which FINs had closed, was written before they came; by what
    /// they are: `fin`, `rst`, `data`, `ack`, `bad_flags`. In the ledgers and the base series they count as what they are, TCP.
    #[serde(default)]
    pub stragglers: BTreeMap<String, u64>,
    /// Tuples in TIME_WAIT that were forgotten before their time because `tracker.max_time_wait` was reached. What came late of their
    /// connections is no straggler but a row of its own.
    #[serde(default)]
    pub time_wait_evicted: u64,
    /// Packets that showed an anomaly, by its name; of `too_many_holes` the connections.
    #[serde(default)]
    pub anomalies: BTreeMap<String, u64>,
    /// What the last run keeps of its open connections for the next one: they stand in no row yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub carried: Option<Carried>,
    /// What the recorder lost. What the capture lost stands in the ledgers.
    pub losses: Losses,
}

/// Where a campaign stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// Being recorded; or the recorder died, and nobody recovered it yet.
    Running,
    /// Recorded to its end; the rest of its journal is being sealed.
    Sealing,
    /// Recorded to its end and sealed.
    Complete,
    /// The recorder died or had to stop; what was acknowledged is here.
    Interrupted,
}

impl State {
    /// The name as it stands in the manifest.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Sealing => "sealing",
            Self::Complete => "complete",
            Self::Interrupted => "interrupted",
        }
    }
}

/// What ended the recording of a campaign.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EndedBy {
    /// All sources ended.
    Sources,
    /// Its duration was over.
    Duration,
    /// It was told to stop, while a source could have gone on: the ordinary end of a live campaign.
    Stop,
}

impl EndedBy {
    /// The end in words.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sources => "its sources ended",
            Self::Duration => "its duration was over",
            Self::Stop => "it was told to stop",
        }
    }
}

/// A source and its ledger.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceEntry {
    /// As the user named it: `pcap:FILE`, `afpacket:eth0`.
    pub name: String,
    /// Where its frames went.
    pub ledger: Ledger,
    /// What its device has counted besides, under the device's own names; known at the end.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub device: BTreeMap<String, u64>,
}

/// From when to when; missing where there was none yet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Span {
    /// The first instant.
    pub start: Option<Nanos>,
    /// The last instant.
    pub end: Option<Nanos>,
}

/// The program that recorded.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Software {
    /// Version of the program.
    pub version: String,
    /// Commit that it was built from.
    pub commit: String,
}

/// What the recorder lost.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Losses {
    /// Rows a table that came to the recorder, or on the way to it were dropped, and are not in the campaign.
    pub rows: BTreeMap<Table, u64>,
    /// Bytes at the ends of journal segments that were no whole frame when the campaign was recovered: what a crash tore.
    pub torn_bytes: u64,
    /// Bytes inside journal segments that were no whole frame when they were sealed: damage on the disk.
    pub damaged_bytes: u64,
    /// Why, in words, oldest first.
    pub reasons: Vec<String>,
}

/// Sealed segments whose files were deleted to make room.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deleted {
    /// How many.
    pub segments: u64,
    /// Bytes of their files.
    pub bytes: u64,
}

impl Losses {
    /// Whether there is nothing to say.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl Manifest {
    /// The version that this code writes, and the newest that it reads.
    pub const FORMAT: u32 = 1;

    /// That of a campaign that begins: `wall_clock` is the time now.
    #[must_use]
    pub fn new(software: Software, wall_clock: Nanos) -> Self {
        Self {
            format: Self::FORMAT,
            state: State::Running,
            ended_by: None,
            site: String::new(),
            link: String::new(),
            sources: Vec::new(),
            packets: Span::default(),
            wall_clock: Span { start: Some(wall_clock), end: None },
            clock_source: String::new(),
            host: String::new(),
            software,
            anonymisation: "none".to_owned(),
            configuration: Value::Null,
            rows: Table::ALL.into_iter().map(|table| (table, 0)).collect(),
            newest_segment: 0,
            abandoned_segments: Vec::new(),
            elsewhere: Vec::new(),
            revision: 0,
            failovers: 0,
            deleted: Deleted::default(),
            runs: Vec::new(),
            icmp_errors: BTreeMap::new(),
            stragglers: BTreeMap::new(),
            time_wait_evicted: 0,
            anomalies: BTreeMap::new(),
            carried: None,
            losses: Losses::default(),
        }
    }

    /// All sources' ledgers together.
    #[must_use]
    pub fn ledger(&self) -> Ledger {
        let mut sum = Ledger::default();
        for source in &self.sources {
            sum.add(&source.ledger);
        }
        sum
    }

    /// TCP packets that stand in no row because they came late; saturating, as a hostile manifest may say anything.
    #[must_use]
    pub fn straggling(&self) -> u64 {
        self.stragglers.values().fold(0, |sum, &count| sum.saturating_add(count))
    }

    /// Rows of a table.
    #[must_use]
    pub fn rows(&self, table: Table) -> u64 {
        self.rows.get(&table).copied().unwrap_or(0)
    }

    /// Rows of a table that the recorder lost.
    #[must_use]
    pub fn lost_rows(&self, table: Table) -> u64 {
        self.losses.rows.get(&table).copied().unwrap_or(0)
    }

    /// From the bytes of a manifest at `path`.
    pub(crate) fn from_json(bytes: &[u8], path: &Path) -> Result<Self, ReadError> {
        /// The one field that every version has.
        #[derive(Deserialize)]
        struct Version {
            format: u32,
        }
        let damaged = |error: serde_json::Error| ReadError::damaged(path, format!("it is no manifest: {error}"));
        let version: Version = serde_json::from_slice(bytes).map_err(damaged)?;
        if version.format > Self::FORMAT {
            return Err(ReadError::Newer { path: path.to_owned(), found: version.format, supported: Self::FORMAT });
        }
        serde_json::from_slice(bytes).map_err(damaged)
    }

    /// Whether both are about the same campaign: one that began at the same instant on the same host.
    pub(crate) fn is_of_the_same_campaign(&self, other: &Self) -> bool {
        self.wall_clock.start == other.wall_clock.start && self.host == other.host
    }

    /// The bytes of `campaign.json` in the directory `root`, where `directories` are all of the campaign.
    pub(crate) fn to_json(&self, root: &Path, directories: &[PathBuf]) -> Result<Vec<u8>, DiskError> {
        let others = directories.iter().filter(|directory| directory.as_path() != root);
        let copy = Self { elsewhere: others.cloned().collect(), ..self.clone() };
        let path = root.join(NAME);
        let text = serde_json::to_string_pretty(&copy).map_err(io::Error::from).on("write", &path)?;
        Ok(format!("{text}\n").into_bytes())
    }

    /// Puts it in the place of the one in the directory `root`.
    pub(crate) fn write(&self, disk: &dyn Disk, root: &Path, directories: &[PathBuf]) -> Result<(), DiskError> {
        write_whole(disk, &root.join(NAME), &self.to_json(root, directories)?)
    }
}
