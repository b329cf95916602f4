//! The recorder: one thread owns it, gives it blocks and the time.

mod accounts;
mod config;
mod open;
mod sealers;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use conntrack::{Detail, Event};
use wire::{Interval, Nanos};

use crate::disk::Disk;
use crate::journal::Packer;
use crate::store::{Ended, News, Store};
use crate::{Aggregator, Block, CheckpointPlace, Losses, Manifest, Quota, RecorderError, State, Table, rows};

use accounts::Accounts;
pub(crate) use accounts::seconds;
pub use config::{Condition, Config, Finished, Outcome, Resumed, RoomIn};
pub use open::is_being_recorded;
pub(crate) use open::lock;
use sealers::{Reports, Sealers};

/// Writes a campaign: journals blocks, acknowledges them by syncing, seals what is old or large enough, and keeps
/// `campaign.json` up to date.
///
/// Dropped without [`Recorder::finish`] it leaves the campaign as a crash would: what was synced is there, and [`crate::recover`]
/// seals it.
pub struct Recorder {
    /// The directory of the campaign, and the one to go on in.
    roots: Vec<PathBuf>,
    /// All directories of the campaign, those of earlier runs included.
    directories: Vec<PathBuf>,
    config: Config,
    /// This run's.
    manifest: Manifest,
    /// The campaign's, as earlier runs left it.
    before: Option<Manifest>,
    disk: Arc<dyn Disk>,
    packer: Packer,
    store: Store,
    sealers: Sealers,
    aggregator: Aggregator,
    /// Rows of the intervals table on their way into the journal.
    pending: Pending,
    accounts: Accounts,
    due: Due,
    /// The wall clock at the last tick.
    time_of_day: Nanos,
    now: Option<Instant>,
    /// How often sealing failed, or writing `campaign.json`.
    failures: u64,
    rooms: Vec<Option<RoomIn>>,
    /// What is to be said to who watches.
    words: Vec<String>,
    /// A block could not be read or packed: a defect of this program.
    defect: Option<RecorderError>,
    /// Held until the end, so that nobody else writes.
    _locks: Vec<Box<dyn Send>>,
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
    surveyed: Option<Instant>,
}

impl Recorder {
    /// What `campaign.json` will say of this run at the next [`Recorder::tick`] that writes it; the caller keeps ledgers and spans up to
    /// date. Rows, losses of rows and the state are the recorder's.
    pub const fn manifest_mut(&mut self) -> &mut Manifest {
        &mut self.manifest
    }

    /// Where this run finds what the one before has kept for it, and keeps what it has for the next.
    #[must_use]
    pub fn checkpoint(&self) -> CheckpointPlace {
        let earlier = self.before.as_ref().map_or(0, |before| before.runs.len() as u64);
        CheckpointPlace::new(Arc::clone(&self.disk), &self.roots[0], &self.directories, earlier + 1)
    }

    /// Takes note of connections that are open as the run begins, because the one before has kept them for it.
    pub const fn begin_with(&mut self, open: u64) {
        self.aggregator.begin_with(open);
    }

    /// Rows of a table that survive a crash from now on.
    #[must_use]
    pub const fn acknowledged(&self, table: Table) -> u64 {
        self.store.acknowledged()[table.index()]
    }

    /// Whether no blocks are to be given until a disk has acknowledged some, which it does at ticks. Where no disk works at all, blocks may be
    /// given, and are lost.
    #[must_use]
    pub const fn is_full(&self) -> bool {
        self.store.works() && self.store.is_full()
    }

    /// How it is.
    #[must_use]
    pub fn condition(&self) -> Condition {
        let (unsealed_segments, oldest) = self.sealers.unsealed();
        let age = |since: Instant| self.now.map_or(Duration::ZERO, |now| now.saturating_duration_since(since));
        Condition {
            directory: self.store.active().map(Path::to_owned),
            failure: self.store.failure().or(self.defect.as_ref()).map(ToString::to_string),
            acknowledged_rows: Table::ALL.map(|table| (table, self.acknowledged(table))).into(),
            lost_rows: self.accounts.lost(),
            waiting_bytes: self.store.waiting() as u64,
            unsealed_segments,
            oldest_journal_s: oldest.map_or(0.0, |since| age(since).as_secs_f64()),
            failovers: self.manifest.failovers,
            failures: self.failures,
            deleted_segments: self.manifest.deleted.segments,
            rooms: self.rooms.iter().flatten().cloned().collect(),
        }
    }

    /// What happened since the last call, in sentences.
    pub fn take_words(&mut self) -> Vec<String> {
        std::mem::take(&mut self.words)
    }

    /// Goes on with another configuration, as far as it can be changed while blocks come: how often things are done, sizes, ages, and what is
    /// deleted.
    pub fn reconfigure(&mut self, config: Config) {
        let Config { producers, spare, journal_level, parquet_level, background, .. } = self.config.clone();
        self.config = Config { producers, spare, journal_level, parquet_level, background, ..config };
        self.store.set_patience(self.config.patience());
    }

    /// Takes a block. The caller may reuse its bytes afterwards.
    pub fn append(&mut self, block: &Block) -> Outcome {
        if block.table == Table::Intervals {
            return self.append_parts(block);
        }
        self.write(block.table, block.rows, &block.bytes)
    }

    /// Writes an event of the appliance itself.
    pub fn tell(&mut self, ts: Nanos, detail: Detail) {
        let mut row = Vec::new();
        if rows::encode(&Event { uid: None, ts, dir: None, detail }, &mut row).is_ok() {
            // Lost rows are counted, this one among them.
            let _ = self.write(Table::Events, 1, &row);
        }
    }

    /// Counts rows that were dropped on the way to the recorder, because its queue was full.
    pub fn count_lost(&mut self, table: Table, rows: u64) {
        self.accounts.miss(table, rows);
    }

    /// Does what is due at `now`, which is `time_of_day` by the wall clock: syncs, ends a segment, tries again what failed, brings
    /// `campaign.json` up to date. Call it at least every twentieth of a second, whether or not there are blocks.
    ///
    /// # Errors
    /// While no disk takes rows. Those that are given wait in memory as far as there is room, and are written when one does; who cannot
    /// wait for that ends the campaign.
    pub fn tick(&mut self, now: Instant, time_of_day: Nanos) -> Result<(), &RecorderError> {
        (self.time_of_day, self.now) = (time_of_day, Some(now));
        self.store.tick(now);
        let since = |last: Option<Instant>| last.map(|last| now.saturating_duration_since(last));
        let is_due = |last: Option<Instant>, every: Duration| since(last).is_none_or(|passed| passed >= every);
        let old = since(self.due.rotated).is_some_and(|age| age >= self.config.segment_age);
        self.due.rotated.get_or_insert(now);
        if self.store.raw() >= self.config.segment_bytes || (old && self.store.raw() > 0) {
            self.write_bins();
            self.store.rotate();
            (self.due.rotated, self.due.synced, self.due.manifest) = (Some(now), Some(now), None);
        }
        if is_due(self.due.synced, self.config.sync_every) {
            self.write_bins();
            self.store.sync();
            self.due.synced = Some(now);
        }
        self.store.tick(now);
        self.look_after_disks();
        if is_due(self.due.surveyed, Config::SURVEY_EVERY) {
            self.due.surveyed = Some(now);
            (0..self.roots.len()).filter(|&volume| self.store.is_sound(volume)).for_each(|volume| {
                self.sealers.tidy(volume, self.config.retention);
            });
        }
        let Self { store, sealers, .. } = self;
        sealers.retry(|volume| store.is_sound(volume), now, self.config.retry_every);
        let reports = sealers.collect();
        self.note(reports);
        if is_due(self.due.manifest, self.config.manifest_every) {
            self.write_manifest_so_far();
            self.due.manifest = Some(now);
        }
        self.failure().map_or(Ok(()), Err)
    }

    fn failure(&self) -> Option<&RecorderError> {
        self.store.failure().or(self.defect.as_ref())
    }

    /// Makes everything appended so far durable, and waits for that.
    pub fn sync(&mut self) {
        self.write_bins();
        self.store.sync();
        self.store.settle();
    }

    /// Ends the campaign: gives every bin, syncs, seals everything and writes the final `campaign.json`. The caller has put the final
    /// ledgers, spans and the time now into the manifest.
    #[must_use]
    pub fn finish(mut self) -> Finished {
        for producer in 0..self.config.producers {
            self.aggregator.advance(producer, Nanos::MAX);
        }
        self.write_bins();
        self.make_room_at_the_end();
        self.store.finish();
        let is_whole = self.store.waiting() == 0 && self.defect.is_none();
        self.look_after_disks();
        self.manifest.state = State::Sealing;
        self.write_manifest_so_far();
        // Where that fails, the last one fails, too.
        let _ = self.store.settle_manifests();
        let Self { store, sealers, .. } = &mut self;
        let mut reports = sealers.finish(|volume| store.is_sound(volume));
        let mut failure = reports.errors.pop();
        self.note(reports);
        if self.sealers.unsealed().0 == 0 {
            self.manifest.state = if is_whole { State::Complete } else { State::Interrupted };
            let Manifest { rows, losses, .. } = &mut self.manifest;
            self.accounts.state_at_the_end(rows, losses);
            self.write_manifest();
            failure = self.store.settle_manifests().err();
        }
        if !is_whole || self.sealers.unsealed().0 > 0 {
            failure = self.store.take_failure().or(self.defect.take()).or(failure);
        }
        Finished { manifest: self.manifest, failure }
    }

    /// Seals all but the last segment, which is to tell of it, and deletes where there is too little room: a run that ends between two looks at
    /// it leaves no more than the quota, either.
    fn make_room_at_the_end(&mut self) {
        if self.config.retention.quota == Quota::None {
            return;
        }
        self.store.sync();
        self.store.rotate();
        self.store.settle();
        self.look_after_disks();
        let Self { store, sealers, config, .. } = self;
        let reports = sealers.settle(|volume| store.is_sound(volume), config.retention);
        self.note(reports);
    }

    /// A block of interval parts: added up, not journalled before their bins are complete.
    fn append_parts(&mut self, block: &Block) -> Outcome {
        let mut rest = block.bytes.as_slice();
        while !rest.is_empty() {
            let Some((part, after)) = rows::decode::<Interval>(rest) else {
                self.defect.get_or_insert(RecorderError::BadBlock);
                return Outcome::Lost;
            };
            self.aggregator.add(&part);
            rest = after;
        }
        if let Some(clock) = block.clock {
            self.aggregator.advance(block.producer, clock);
        }
        Outcome::Journalled
    }

    /// Journals the bins that are complete.
    fn write_bins(&mut self) {
        while let Some(row) = self.aggregator.take() {
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
            // Lost rows are counted.
            let _ = self.write(Table::Intervals, pending.rows, &pending.bytes);
        }
        self.pending = Pending { bytes: pending.bytes, rows: 0 };
        self.pending.bytes.clear();
    }

    fn write(&mut self, table: Table, rows: u32, bytes: &[u8]) -> Outcome {
        self.accounts.give(table, u64::from(rows));
        if !self.store.works() && self.store.is_full() {
            self.accounts.refuse(table, u64::from(rows), self.time_of_day);
            return Outcome::Lost;
        }
        match self.packer.pack(table, rows, bytes, self.time_of_day) {
            Ok(frame) => {
                self.store.append(frame);
                Outcome::Journalled
            }
            Err(error) => {
                self.accounts.refuse(table, u64::from(rows), self.time_of_day);
                self.defect.get_or_insert(error);
                Outcome::Lost
            }
        }
    }

    /// Takes note of what happened to the disks, and hands segments that have ended to their sealers.
    fn look_after_disks(&mut self) {
        for ended in self.store.take_ended() {
            if let Ended { number, in_vain: true, .. } = ended {
                self.manifest.abandoned_segments.push(number);
            }
            let is_sound = self.store.is_sound(ended.volume);
            self.sealers.take_over(ended, is_sound, self.now);
        }
        for news in self.store.take_news() {
            let sentence = match news {
                News::Failed(why) => why,
                News::GoesOnIn(place) => {
                    self.manifest.failovers += 1;
                    self.due.manifest = None;
                    format!("the journal goes on in {}", place.display())
                }
                News::NoManifest(why) => {
                    self.failures += 1;
                    self.words.push(why);
                    continue;
                }
            };
            self.tell(self.time_of_day, Detail::Failover(sentence.clone()));
            self.words.push(sentence);
        }
        if self.store.works()
            && let Some(sentence) = self.accounts.tell_refused(self.time_of_day)
        {
            self.tell(self.time_of_day, Detail::Lost(sentence.clone()));
            self.words.push(sentence);
        }
    }

    /// Takes note of what the sealers did.
    fn note(&mut self, reports: Reports) {
        let Reports { sealed, removed, surveys, errors } = reports;
        for segment in sealed {
            for file in &segment.files {
                self.accounts.seal(file.table, file.rows);
            }
            self.manifest.losses.torn_bytes += segment.torn_bytes;
            self.manifest.losses.damaged_bytes += segment.damaged_bytes;
        }
        for removed in removed {
            self.manifest.deleted.segments += 1;
            self.manifest.deleted.bytes += removed.bytes;
            let days = removed.days.into_iter().collect::<Vec<_>>().join(", ");
            let rows = Table::ALL.map(|table| format!("{} {table}", removed.rows[table.index()])).join(", ");
            let (segment, bytes) = (removed.segment, removed.bytes);
            let sentence = format!("segment {segment} of {days}, {bytes} bytes, to make room: {rows}");
            self.tell(self.time_of_day, Detail::Deleted(sentence));
        }
        for (volume, survey) in surveys {
            if let (Some(known), Some(root)) = (self.rooms.get_mut(volume), self.roots.get(volume)) {
                let (directory, total_bytes, free_bytes) = (root.clone(), survey.room.total, survey.room.free);
                *known = Some(RoomIn { directory, total_bytes, free_bytes });
            }
            if survey.is_short {
                self.words.push(
                    "there is less room than recorder.quota asks for, and nothing left that may be deleted".to_owned(),
                );
            }
        }
        self.failures += errors.len() as u64;
        self.words.extend(errors.iter().map(ToString::to_string));
    }

    /// Brings `campaign.json` up to date while rows are in the journal. What is not yet acknowledged is no loss.
    fn write_manifest_so_far(&mut self) {
        let Manifest { rows, losses, .. } = &mut self.manifest;
        self.accounts.state_so_far(self.store.acknowledged(), rows, losses);
        self.write_manifest();
    }

    fn write_manifest(&mut self) {
        if let Some(error) = self.store.failure().or(self.defect.as_ref()) {
            note_once(&mut self.manifest.losses, error);
        }
        self.manifest.newest_segment = self.store.newest();
        self.manifest.revision += 1;
        let whole = whole(self.before.as_ref(), &self.manifest);
        let directories = &self.directories;
        self.store.write_manifest(|root| whole.to_json(root, directories));
    }
}

/// The campaign of which `present` is the last run.
fn whole(before: Option<&Manifest>, present: &Manifest) -> Manifest {
    before.map_or_else(|| present.alone(), |before| before.continued(present))
}

/// Keeps a reason, once.
fn note_once(losses: &mut Losses, error: &RecorderError) {
    let reason = error.to_string();
    if !losses.reasons.contains(&reason) {
        losses.reasons.push(reason);
    }
}
