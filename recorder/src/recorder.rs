//! The recorder: one thread owns it, gives it blocks and the time.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use wire::Interval;

use crate::disk::{Disk, LocalDisk, OnPath};
use crate::journal::{self, Journal};
use crate::seal::{SealedSegment, Sealer, Sealing};
use crate::{Aggregator, Block, Losses, Manifest, RecorderError, State, Table, rows};

/// How to record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// How many encoders there are, numbered from 0: shards, and pollers that give parts of bins.
    pub producers: u16,
    /// How often the journal is synced. What is younger can be lost in a crash.
    pub sync_every: Duration,
    /// A segment ends when its rows, unpacked, have this many bytes: the sealer sorts a segment in memory.
    pub segment_bytes: u64,
    /// A segment ends when it is this old, if it holds rows.
    pub segment_age: Duration,
    /// How often `campaign.json` is brought up to date.
    pub manifest_every: Duration,
    /// zstd level of the journal, 1 to 22: written once and read once.
    pub journal_level: i32,
    /// zstd level of the Parquet files, 1 to 22: written once and kept.
    pub parquet_level: i32,
    /// Seal in a thread of its own, so that writing never waits for it. Without it, sealing happens when a segment ends.
    pub background: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            producers: 1,
            sync_every: Duration::from_millis(500),
            segment_bytes: 64 << 20,
            segment_age: Duration::from_secs(600),
            manifest_every: Duration::from_secs(10),
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
    /// It is in the journal, and acknowledged at the next sync.
    Journalled,
    /// The disk failed; its rows are counted as lost. [`Recorder::tick`] says why.
    Lost,
}

/// How a campaign ended.
#[derive(Debug)]
pub struct Finished {
    /// As it stands in `campaign.json`.
    pub manifest: Manifest,
    /// Why not everything is sealed, or was lost.
    pub failure: Option<RecorderError>,
}

/// Writes a campaign: journals blocks, acknowledges them by syncing, seals what is old or large enough, and keeps
/// `campaign.json` up to date.
///
/// Dropped without [`Recorder::finish`] it leaves the campaign as a crash would: what was synced is there, and [`crate::recover`]
/// seals it.
pub struct Recorder {
    disk: Arc<dyn Disk>,
    root: PathBuf,
    config: Config,
    manifest: Manifest,
    journal: Journal,
    aggregator: Aggregator,
    /// Rows of the intervals table on their way into the journal.
    pending: Pending,
    sealing: Sealing,
    /// Segments that could not be sealed.
    unsealed: Vec<u64>,
    /// Rows given, lost ones included.
    given: [u64; Table::COUNT],
    journalled: [u64; Table::COUNT],
    acknowledged: [u64; Table::COUNT],
    /// Rows in sealed files.
    sealed: [u64; Table::COUNT],
    due: Due,
    /// Why the journal takes no more.
    broken: Option<RecorderError>,
    /// Why a segment could not be sealed, or `campaign.json` not be written; the journal takes more all the same.
    trouble: Option<RecorderError>,
    /// Held until the end, so that nobody else writes.
    _lock: Box<dyn Send>,
}

#[derive(Default)]
struct Pending {
    bytes: Vec<u8>,
    rows: u32,
}

/// When things were done last; nothing before the first tick.
#[derive(Default)]
struct Due {
    synced: Option<Instant>,
    rotated: Option<Instant>,
    manifest: Option<Instant>,
}

impl Recorder {
    /// Starts a campaign in the directory `root`, which must be empty or not exist, on the file systems of this machine.
    ///
    /// # Errors
    /// When the directory is not empty, or the disk refuses.
    pub fn create(root: impl AsRef<Path>, config: Config, manifest: Manifest) -> Result<Self, RecorderError> {
        Self::create_on(Arc::new(LocalDisk), root, config, manifest)
    }

    /// The same on another disk.
    ///
    /// # Errors
    /// When the directory is not empty, or the disk refuses.
    pub fn create_on(
        disk: Arc<dyn Disk>,
        root: impl AsRef<Path>,
        config: Config,
        mut manifest: Manifest,
    ) -> Result<Self, RecorderError> {
        let root = root.as_ref().to_owned();
        let dir = root.join(journal::DIRECTORY);
        if !disk.list(&root).on("list", &root)?.is_empty() {
            return Err(RecorderError::NotEmpty { path: root });
        }
        disk.create_dir(&dir).on("create", &dir)?;
        let lock = lock(&*disk, &root)?;
        if let Some(parent) = root.parent().filter(|parent| !parent.as_os_str().is_empty()) {
            disk.sync_dir(parent).on("sync", parent)?;
        }
        manifest.state = State::Running;
        manifest.write(&*disk, &root)?;
        let journal = Journal::start(Arc::clone(&disk), &root, 1, 0, config.journal_level)?;
        let sealer = Sealer::new(Arc::clone(&disk), &root, config.parquet_level);
        Ok(Self {
            aggregator: Aggregator::new(config.producers),
            sealing: Sealing::start(sealer, config.background)?,
            disk,
            root,
            config,
            manifest,
            journal,
            pending: Pending::default(),
            unsealed: Vec::new(),
            given: [0; Table::COUNT],
            journalled: [0; Table::COUNT],
            acknowledged: [0; Table::COUNT],
            sealed: [0; Table::COUNT],
            due: Due::default(),
            broken: None,
            trouble: None,
            _lock: lock,
        })
    }

    /// What `campaign.json` will say at the next [`Recorder::tick`] that writes it; the caller keeps ledgers and spans up to date. Rows,
    /// losses of rows and the state are the recorder's.
    pub const fn manifest_mut(&mut self) -> &mut Manifest {
        &mut self.manifest
    }

    /// Rows of a table that survive a crash from now on.
    #[must_use]
    pub const fn acknowledged(&self, table: Table) -> u64 {
        self.acknowledged[table.index()]
    }

    /// Bytes of the journal's newest segment.
    #[must_use]
    pub const fn journal_bytes(&self) -> u64 {
        self.journal.length()
    }

    /// Takes a block. The caller may reuse its bytes afterwards.
    pub fn append(&mut self, block: &Block) -> Outcome {
        if block.table == Table::Intervals {
            return self.append_parts(block);
        }
        self.given[block.table.index()] += u64::from(block.rows);
        self.write(block.table, block.rows, &block.bytes)
    }

    /// Counts rows that were dropped on the way to the recorder, because its queue was full.
    pub fn count_lost(&mut self, table: Table, rows: u64) {
        self.given[table.index()] += rows;
    }

    /// Does what is due at `now`: syncs, ends a segment, brings `campaign.json` up to date. Call it at least every tenth of a second,
    /// whether or not there are blocks.
    ///
    /// # Errors
    /// When the disk failed: end the campaign. The error stays.
    pub fn tick(&mut self, now: Instant) -> Result<(), &RecorderError> {
        let since = |last: Option<Instant>| last.map(|last| now.saturating_duration_since(last));
        let is_due = |last: Option<Instant>, every: Duration| since(last).is_none_or(|passed| passed >= every);
        let old = since(self.due.rotated).is_some_and(|age| age >= self.config.segment_age);
        self.due.rotated.get_or_insert(now);
        if self.journal.raw() >= self.config.segment_bytes || (old && self.journal.raw() > 0) {
            self.rotate();
            self.due.rotated = Some(now);
            self.due.synced = Some(now);
        }
        if is_due(self.due.synced, self.config.sync_every) {
            self.sync();
            self.due.synced = Some(now);
        }
        self.collect_sealed();
        if is_due(self.due.manifest, self.config.manifest_every) {
            self.write_manifest(self.journalled);
            self.due.manifest = Some(now);
        }
        match self.broken.as_ref().or(self.trouble.as_ref()) {
            Some(error) => Err(error),
            None => Ok(()),
        }
    }

    /// Makes everything appended so far durable.
    pub fn sync(&mut self) {
        self.write_bins();
        if self.broken.is_some() {
            return;
        }
        match self.journal.sync() {
            Ok(()) => self.acknowledged = self.journalled,
            Err(error) => self.broken = Some(error.into()),
        }
    }

    /// Ends the campaign: gives every bin, syncs, seals everything and writes the final `campaign.json`. The caller has put the final
    /// ledgers, spans and the time now into the manifest.
    #[must_use]
    pub fn finish(mut self) -> Finished {
        for producer in 0..self.config.producers {
            self.aggregator.advance(producer, wire::Nanos::MAX);
        }
        self.sync();
        self.manifest.state = State::Sealing;
        self.write_manifest(self.journalled);
        self.sealing.seal(self.journal.number());
        self.seal_rest();
        if self.unsealed.is_empty() {
            let whole = self.broken.is_none();
            self.manifest.state = if whole { State::Complete } else { State::Interrupted };
            self.write_manifest(self.sealed);
        }
        Finished { manifest: self.manifest, failure: self.broken.or(self.trouble) }
    }

    /// Waits for the sealer, and tries once more what failed: there may be room by now.
    fn seal_rest(&mut self) {
        self.sealing.end();
        self.collect_sealed();
        let mut rest = std::mem::take(&mut self.unsealed);
        rest.extend(self.begun_segments());
        for number in rest {
            self.sealing.seal(number);
        }
        self.collect_sealed();
        if self.unsealed.is_empty() {
            self.trouble = None;
        }
    }

    /// Segments behind the newest: one whose start failed.
    fn begun_segments(&self) -> Vec<u64> {
        let names = self.disk.list(&self.root.join(journal::DIRECTORY)).unwrap_or_default();
        let numbers = names.iter().filter_map(|name| journal::segment_number(name));
        numbers.filter(|&number| number > self.journal.number()).collect()
    }

    /// A block of interval parts: added up, not journalled before their bins are complete.
    fn append_parts(&mut self, block: &Block) -> Outcome {
        let mut rest = block.bytes.as_slice();
        while !rest.is_empty() {
            let Ok((part, after)) = postcard::take_from_bytes::<Interval>(rest) else {
                self.broken.get_or_insert(RecorderError::BadBlock);
                return Outcome::Lost;
            };
            self.aggregator.add(&part);
            rest = after;
        }
        if let Some(clock) = block.clock {
            self.aggregator.advance(block.producer, clock);
        }
        if self.broken.is_some() { Outcome::Lost } else { Outcome::Journalled }
    }

    /// Journals the bins that are complete.
    fn write_bins(&mut self) {
        while let Some(row) = self.aggregator.take() {
            self.given[Table::Intervals.index()] += 1;
            if rows::encode(&row, &mut self.pending.bytes).is_ok() {
                self.pending.rows += 1;
            }
            if self.pending.bytes.len() >= crate::Encoder::BLOCK_BYTES {
                self.write_pending();
            }
        }
        self.write_pending();
    }

    fn write_pending(&mut self) {
        let pending = std::mem::take(&mut self.pending);
        if pending.rows > 0 {
            // Counted as given above, so that a loss shows in the manifest.
            let _ = self.write(Table::Intervals, pending.rows, &pending.bytes);
        }
        self.pending = Pending { bytes: pending.bytes, rows: 0 };
        self.pending.bytes.clear();
    }

    fn write(&mut self, table: Table, rows: u32, bytes: &[u8]) -> Outcome {
        if self.broken.is_some() {
            return Outcome::Lost;
        }
        match self.journal.append(table, rows, bytes) {
            Ok(()) => {
                self.journalled[table.index()] += u64::from(rows);
                Outcome::Journalled
            }
            Err(error) => {
                self.broken = Some(error);
                Outcome::Lost
            }
        }
    }

    /// Ends the segment and hands it to the sealer.
    fn rotate(&mut self) {
        self.write_bins();
        if self.broken.is_some() {
            return;
        }
        match self.journal.rotate() {
            Ok(ended) => {
                self.acknowledged = self.journalled;
                self.sealing.seal(ended);
            }
            Err(error) => self.broken = Some(error.into()),
        }
    }

    /// Takes note of what was sealed.
    fn collect_sealed(&mut self) {
        for (number, result) in self.sealing.take() {
            match result {
                Ok(segment) => self.note_sealed(&segment),
                Err(error) => {
                    self.unsealed.push(number);
                    self.trouble = Some(error);
                }
            }
        }
    }

    fn note_sealed(&mut self, segment: &SealedSegment) {
        for file in &segment.files {
            self.sealed[file.table.index()] += file.rows;
        }
        self.manifest.losses.torn_bytes += segment.torn_bytes;
        self.manifest.losses.damaged_bytes += segment.damaged_bytes;
    }

    /// Brings `campaign.json` up to date; `there` are the rows that the campaign holds.
    fn write_manifest(&mut self, there: [u64; Table::COUNT]) {
        for table in Table::ALL {
            let (given, there) = (self.given[table.index()], there[table.index()]);
            self.manifest.rows.insert(table, there);
            if given > there {
                self.manifest.losses.rows.insert(table, given - there);
            }
        }
        if let Some(error) = &self.broken {
            note(&mut self.manifest.losses, error);
        }
        if let Err(error) = self.manifest.write(&*self.disk, &self.root) {
            self.trouble = Some(error.into());
        }
    }
}

/// Keeps a reason, once.
fn note(losses: &mut Losses, error: &RecorderError) {
    let reason = error.to_string();
    if !losses.reasons.contains(&reason) {
        losses.reasons.push(reason);
    }
}

/// Holds the campaign against other writers until it is dropped.
pub(crate) fn lock(disk: &dyn Disk, root: &Path) -> Result<Box<dyn Send>, RecorderError> {
    let dir = root.join(journal::DIRECTORY);
    match disk.lock(&dir).on("lock", &dir)? {
        Some(lock) => Ok(lock),
        None => Err(RecorderError::InUse { path: root.to_owned() }),
    }
}
