//! Sealing: an ended journal segment becomes Parquet files, one a table and day.
//!
//! # Files
//! `TABLE/date=YYYY-MM-DD/part-NNNNNN.parquet`: rows of segment `NNNNNN` whose `ts` lies on that day, UTC. A segment whose rows lie on
//! more than 366 days (only a broken clock makes such) puts the rest under `date=__HIVE_DEFAULT_PARTITION__`, which readers of
//! Hive's layout take for "no date". Rows are sorted: connections and events by time, headers by connection and number, so that a
//! connection's headers stand together.
//!
//! `sealed.jsonl` holds a line a segment, with row count, length and CRC-32 of each of its files. Segments that recovery looked for in vain
//! have a line, too, which says so. It stands beside the tables and not in the
//! journal, because it outlives the journal; and not in `campaign.json`, which is rewritten as a whole, while this is only
//! ever appended to.
//!
//! # Order of events, and why a crash between any two does no harm
//! 1. Each file is written as `….parquet.tmp`, synced, renamed, and its directory synced. Until step 2 nobody reads it: readers take
//!    the files that `sealed.jsonl` names, and the rows of the segment itself.
//! 2. The segment's line is appended to `sealed.jsonl` and synced. This is the instant at which the segment counts as sealed.
//! 3. The segment is deleted. Where a crash comes first, the reader sees its number in `sealed.jsonl` and leaves it alone, and recovery
//!    deletes it.
//!
//! Doing it again after a crash gives files of the same names; leftovers of an earlier attempt are removed first. The last line of
//! `sealed.jsonl` may be torn; it counts as not written, and recovery removes it before appending.
//!
//! # Memory
//! A segment's rows are held unpacked while they are sorted: [`crate::Config::segment_bytes`] and 32 bytes a row.

mod background;
pub(crate) mod index;
mod parquet;
mod retention;
mod sort;

use std::fs;
use std::io;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use conntrack::Event;
use serde::{Deserialize, Serialize};
use wire::Nanos;

pub(crate) use background::{Job, Report, Sealing};
pub(crate) use index::{Index, NAME as INDEX_NAME};
pub use retention::{KEEP, Quota, Retention};
pub(crate) use retention::{Removed, Survey};
pub(crate) use sort::Partition;

use crate::disk::{Disk, OnPath, TEMPORARY, publish, temporary};
use crate::journal::{self, Piece, Preamble, SEGMENT_LIMIT};
use crate::{RecorderError, Table, rows};
use sort::Rows;

/// A segment that is to be sealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Task {
    /// Its number.
    pub number: u64,
    /// The frame with this number, and those after it, are in another segment.
    pub limit: u64,
    /// It may not be there, because its beginning failed.
    pub in_vain: bool,
}

/// A line of `sealed.jsonl`: what became of a segment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SealedSegment {
    /// Number of the segment.
    pub segment: u64,
    /// The segments from this one on, up to `segment`, were not there when the campaign was recovered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub missing_from: Option<u64>,
    /// Number of the first frame in the segment.
    pub first_sequence: u64,
    /// Number of the first frame after the segment.
    pub next_sequence: u64,
    /// When its newest frame was written.
    pub written: Option<Nanos>,
    /// Bytes at its end that were no whole frame.
    pub torn_bytes: u64,
    /// Bytes inside it that were no whole frame.
    pub damaged_bytes: u64,
    /// Its files.
    pub files: Vec<SealedFile>,
}

/// A sealed file. Its path follows from table, day and segment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SealedFile {
    /// Whose rows.
    pub table: Table,
    /// The day.
    pub date: Partition,
    /// How many rows.
    pub rows: u64,
    /// Length of the file.
    pub bytes: u64,
    /// CRC-32 of the file.
    pub crc32: u32,
}

impl SealedSegment {
    /// Of segment `number`, of which nothing was read yet.
    fn new(number: u64) -> Self {
        Self {
            segment: number,
            missing_from: None,
            first_sequence: 0,
            next_sequence: 0,
            written: None,
            torn_bytes: 0,
            damaged_bytes: 0,
            files: Vec::new(),
        }
    }

    /// The segments that the line is about: more than one only where they are missing.
    pub fn numbers(&self) -> RangeInclusive<u64> {
        self.missing_from.unwrap_or(self.segment)..=self.segment
    }

    /// Whether bytes of the segment were no frame.
    pub const fn is_damaged(&self) -> bool {
        self.torn_bytes > 0 || self.damaged_bytes > 0
    }

    /// Whether nobody knows which frames it had.
    pub const fn is_unknown(&self) -> bool {
        self.missing_from.is_some() || self.is_damaged()
    }

    /// Whether it had any.
    pub const fn has_frames(&self) -> bool {
        self.first_sequence < self.next_sequence
    }

    /// Path of one of its files, relative to the campaign.
    pub fn path(&self, file: &SealedFile) -> PathBuf {
        part_path(file.table, file.date, self.segment)
    }
}

fn part_path(table: Table, date: Partition, segment: u64) -> PathBuf {
    Path::new(table.as_str()).join(date.directory()).join(part_name(segment))
}

/// Name of the Parquet files of segment `number`.
fn part_name(number: u64) -> String {
    format!("part-{number:06}.parquet")
}

/// The number of the segment whose Parquet file is called `name`.
pub(crate) fn part_number(name: &str) -> Option<u64> {
    name.strip_prefix("part-")?.strip_suffix(".parquet")?.parse().ok()
}

/// Files in the day directories of a table.
pub(crate) fn files_below(root: &Path, table: Table) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let days = fs::read_dir(root.join(table.as_str())).into_iter().flatten().flatten();
    for day in days {
        let names = fs::read_dir(day.path()).into_iter().flatten().flatten();
        files.extend(names.map(|name| day.path().join(name.file_name())));
    }
    files
}

/// Seals segments of one campaign.
pub(crate) struct Sealer {
    disk: Arc<dyn Disk>,
    root: PathBuf,
    /// zstd level of the Parquet files.
    level: i32,
    /// No attempt failed so far, and no process died before, so that there are no leftovers.
    tidy: bool,
}

impl Sealer {
    /// A sealer for a new campaign, or one that was recovered.
    pub fn new(disk: Arc<dyn Disk>, root: &Path, level: i32) -> Self {
        Self { disk, root: root.to_owned(), level, tidy: true }
    }

    /// A sealer for a campaign that was left by a crash.
    pub fn after_crash(disk: Arc<dyn Disk>, root: &Path, level: i32) -> Self {
        Self { tidy: false, ..Self::new(disk, root, level) }
    }

    /// Seals a segment and deletes it. `last_words` are said at its end: what recovery has to say of a crash. When it fails
    /// it may be tried again.
    pub fn seal(&mut self, task: Task, last_words: &[Event]) -> Result<SealedSegment, RecorderError> {
        let path = journal::segment_path(&self.root, task.number);
        let was_tidy = std::mem::replace(&mut self.tidy, false);
        let known = if was_tidy { None } else { self.tidy_up(task.number)? };
        let sealed = match known {
            Some(sealed) => sealed,
            None => {
                let bytes = self.read(&path, task.in_vain)?;
                self.write_files(SealedSegment::new(task.number), task.limit, bytes, last_words)?
            }
        };
        match self.disk.remove(&path) {
            Err(error) if task.in_vain && error.kind() == io::ErrorKind::NotFound => {}
            removed => removed.on("remove", &path)?,
        }
        self.tidy = was_tidy;
        Ok(sealed)
    }

    /// The bytes of a segment; none where it is not there and need not be.
    fn read(&self, path: &Path, in_vain: bool) -> Result<Vec<u8>, RecorderError> {
        let bytes = match self.disk.read(path) {
            Err(error) if in_vain && error.kind() == io::ErrorKind::NotFound => Vec::new(),
            bytes => bytes.on("read", path)?,
        };
        if bytes.len() as u64 > SEGMENT_LIMIT {
            let reason = "it is larger than any segment".to_owned();
            return Err(RecorderError::Damaged { path: path.to_owned(), reason });
        }
        Ok(bytes)
    }

    /// Writes a line for segments that are not there, with what is to be said of it.
    pub fn seal_missing(&mut self, numbers: &RangeInclusive<u64>, words: &[Event]) -> Result<(), RecorderError> {
        let number = *numbers.end();
        if self.tidy_up(number)?.is_none() {
            let missing = SealedSegment { missing_from: Some(*numbers.start()), ..SealedSegment::new(number) };
            self.write_files(missing, u64::MAX, Vec::new(), words)?;
        }
        Ok(())
    }

    /// Writes the files of a segment with these `bytes`, and its line.
    fn write_files(
        &self,
        mut sealed: SealedSegment,
        limit: u64,
        bytes: Vec<u8>,
        last_words: &[Event],
    ) -> Result<SealedSegment, RecorderError> {
        let tables = collect(&bytes, limit, last_words, &mut sealed);
        drop(bytes);
        for table in tables {
            self.write_table(table, &mut sealed)?;
        }
        index::append(&*self.disk, &self.root, &sealed)?;
        Ok(sealed)
    }

    /// Removes what an earlier attempt left: a torn last line of the index, and the files of segment `number`; unless its line is there,
    /// which is returned.
    fn tidy_up(&self, number: u64) -> Result<Option<SealedSegment>, RecorderError> {
        let index = index::repair(&*self.disk, &self.root)?;
        if let Some(sealed) = index.segments.into_iter().find(|sealed| sealed.segment == number) {
            return Ok(Some(sealed));
        }
        self.clear_leftovers(number)?;
        Ok(None)
    }

    /// Writes a table's rows, a file a day.
    fn write_table(&self, mut rows: Rows, sealed: &mut SealedSegment) -> Result<(), RecorderError> {
        let table = rows.table();
        for (date, day) in rows.days() {
            let expected = day.len();
            let dir = self.root.join(table.as_str()).join(date.directory());
            self.disk.create_dir(&dir).on("create", &dir)?;
            for parent in [Some(self.root.as_path()), dir.parent()].into_iter().flatten() {
                self.disk.sync_dir(parent).on("sync", parent)?;
            }
            let path = self.root.join(part_path(table, date, sealed.segment));
            let unfinished = temporary(&path);
            let mut file = self.disk.create(&unfinished).on("create", &unfinished)?;
            let written = parquet::write(&mut *file, table, self.level, day)
                .map_err(|error| RecorderError::Parquet { path: unfinished.clone(), source: error })?;
            file.sync().on("sync", &unfinished)?;
            drop(file);
            if written.rows != expected {
                let unread = expected - written.rows;
                let reason = format!("{unread} rows of the table {table} are not of this version's make");
                return Err(RecorderError::Damaged { path: journal::segment_path(&self.root, sealed.segment), reason });
            }
            publish(&*self.disk, &unfinished, &path)?;
            sealed.files.push(SealedFile {
                table,
                date,
                rows: written.rows,
                bytes: written.bytes,
                crc32: written.crc32,
            });
        }
        Ok(())
    }

    /// Removes files of segment `number`, and every unfinished file.
    fn clear_leftovers(&self, number: u64) -> Result<(), RecorderError> {
        for table in Table::ALL {
            let table_dir = self.root.join(table.as_str());
            for date in self.disk.list(&table_dir).on("list", &table_dir)? {
                let dir = table_dir.join(date);
                for name in self.disk.list(&dir).on("list", &dir)? {
                    if name == part_name(number) || name.ends_with(TEMPORARY) {
                        let path = dir.join(name);
                        self.disk.remove(&path).on("remove", &path)?;
                    }
                }
            }
        }
        Ok(())
    }
}

/// The rows of a segment up to frame `limit`, by table; what cannot be read is counted in `sealed`.
fn collect(segment: &[u8], limit: u64, last_words: &[Event], sealed: &mut SealedSegment) -> [Rows; Table::COUNT] {
    let mut tables = Table::ALL.map(Rows::new);
    let preamble = Preamble::of(sealed.segment, segment);
    // Where another segment has taken up earlier frames, nothing of this one counts.
    sealed.first_sequence = preamble.map_or(0, |preamble| preamble.first.min(limit));
    sealed.next_sequence = sealed.first_sequence;
    for piece in journal::pieces(sealed.segment, segment) {
        match piece {
            Piece::Frame(frame, _) if frame.sequence >= limit => {}
            Piece::Frame(frame, payload) => {
                sealed.next_sequence = sealed.next_sequence.max(frame.sequence.saturating_add(1));
                sealed.written = sealed.written.max(Some(frame.written));
                if !tables[frame.table.index()].add_frame(&frame, payload) {
                    sealed.damaged_bytes += payload.len() as u64;
                }
            }
            Piece::Damage { bytes, .. } => sealed.damaged_bytes += bytes as u64,
            Piece::Tail { bytes, .. } => sealed.torn_bytes += bytes as u64,
        }
    }
    for event in last_words {
        let mut row = Vec::new();
        if rows::encode(event, &mut row).is_ok() {
            tables[Table::Events.index()].add(&row);
        }
    }
    tables
}
