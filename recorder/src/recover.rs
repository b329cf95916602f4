//! Sealing what an interrupted campaign left in its journal.

use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use conntrack::{Detail, Event};
use wire::Nanos;

use crate::campaign::{Campaign, Part, read_manifest};
use crate::disk::{Disk, DiskError, LocalDisk, OnPath, TEMPORARY};
use crate::journal::{self, Piece};
use crate::recorder::{lock, seconds};
use crate::seal::{INDEX_NAME, Sealer, Task, files_below, part_number};
use crate::{Config, Losses, Manifest, ReadError, RecorderError, State, Table};

/// What recovery found.
#[derive(Clone, Debug, PartialEq)]
pub struct Recovered {
    /// The manifest afterwards.
    pub manifest: Manifest,
    /// What was found to be lost now, and not by an earlier recovery.
    pub lost: Losses,
    /// How many segments were sealed.
    pub segments: u64,
    /// How many segments should have been there and were not.
    pub missing: u64,
    /// Bytes at the ends of segments that were no whole frame: what the crash tore.
    pub torn_bytes: u64,
    /// Bytes inside segments that were no whole frame: damage on the disk.
    pub damaged_bytes: u64,
}

/// Seals what the journal of the campaign at `root` still holds, so that afterwards its journal is empty. `now` is the time, for the
/// event that tells what was lost. A campaign that ended well is left as it is. It may be interrupted itself, and be repeated.
///
/// # Errors
/// When the campaign is being recorded, cannot be read, or the disk refuses.
pub fn recover(root: impl AsRef<Path>, now: Nanos) -> Result<Recovered, RecorderError> {
    recover_on(Arc::new(LocalDisk), root, now)
}

/// The same, writing through another disk.
///
/// # Errors
/// When the campaign is being recorded, cannot be read, or the disk refuses.
pub fn recover_on(disk: Arc<dyn Disk>, root: impl AsRef<Path>, now: Nanos) -> Result<Recovered, RecorderError> {
    let root = absolute(root.as_ref())?;
    let manifest = read_manifest(&root)?;
    let _locks = lock_all(&*disk, &directories(&root, &manifest))?;
    recover_locked(&disk, &root, now)
}

/// The path from the root of the file system, as it is to stand in the manifest of another directory.
pub(crate) fn absolute(path: &Path) -> Result<PathBuf, DiskError> {
    std::path::absolute(path).on("find", path)
}

/// The directories of the campaign at `root`, which comes first.
pub(crate) fn directories(root: &Path, manifest: &Manifest) -> Vec<PathBuf> {
    std::iter::once(root.to_owned()).chain(manifest.elsewhere.iter().cloned()).collect()
}

/// Holds those directories of a campaign that are there against other writers.
pub(crate) fn lock_all(disk: &dyn Disk, directories: &[PathBuf]) -> Result<Vec<Box<dyn Send>>, RecorderError> {
    let there = directories.iter().filter(|directory| directory.join(journal::DIRECTORY).is_dir());
    there.map(|directory| lock(disk, directory)).collect()
}

/// The same, for who holds the campaign's locks.
pub(crate) fn recover_locked(disk: &Arc<dyn Disk>, root: &Path, now: Nanos) -> Result<Recovered, RecorderError> {
    let campaign = Campaign::open(root)?;
    let crashed = campaign.manifest().state == State::Running;
    let found = Found {
        segments: campaign.segments().len() as u64,
        gaps: campaign.gaps(),
        newest: campaign.newest_segment(),
        last_sign: last_sign(&campaign)?,
    };
    for part in campaign.parts() {
        refuse_unnamed(part, &found.gaps)?;
    }
    // What a crash has lost is told with the newest segment, so that it is told once, however often this has to be repeated.
    let words = |numbers: &RangeInclusive<u64>| {
        (crashed && numbers.contains(&found.newest)).then(|| last_words(campaign.manifest(), found.last_sign, now))
    };
    for part in campaign.parts() {
        remove_sealed_segments(&**disk, part)?;
        let mut sealer = Sealer::after_crash(Arc::clone(disk), &part.root, Config::default().parquet_level);
        sealer.finish_deleting(&part.index)?;
        for segment in &part.segments {
            let words: Vec<Event> = words(&(segment.number..=segment.number)).into_iter().collect();
            let task = Task { number: segment.number, limit: segment.limit, in_vain: false };
            sealer.seal(task, &words)?;
        }
    }
    let mut sealer = Sealer::after_crash(Arc::clone(disk), root, Config::default().parquet_level);
    for gap in &found.gaps {
        let told = [Some(missing_words(gap, campaign.manifest(), now)), words(gap)];
        sealer.seal_missing(gap, &told.into_iter().flatten().collect::<Vec<_>>())?;
    }
    let mut recovered = summarise(&Campaign::open(root)?, &found, now);
    if recovered.manifest != *campaign.manifest() {
        recovered.manifest.revision = recovered.manifest.revision.saturating_add(1);
        let directories = directories(root, campaign.manifest());
        for part in campaign.parts() {
            recovered.manifest.write(&**disk, &part.root, &directories)?;
        }
    }
    Ok(recovered)
}

/// Sees that no file in the tables is the only copy of a segment that neither the journal nor the index has: it was sealed, and then the index
/// lost its line. Sealing such a segment as a missing one would remove the file. Events are left out, since that very sealing writes them.
fn refuse_unnamed(part: &Part, gaps: &[RangeInclusive<u64>]) -> Result<(), RecorderError> {
    for table in Table::ALL.into_iter().filter(|&table| table != Table::Events) {
        for path in files_below(&part.root, table) {
            let number = path.file_name().and_then(|name| part_number(name.to_str()?));
            if number.is_some_and(|number| gaps.iter().any(|gap| gap.contains(&number))) {
                let reason = format!("it is whole, and the line of {INDEX_NAME} that named it is gone");
                return Err(RecorderError::Damaged { path, reason });
            }
        }
    }
    Ok(())
}

/// Removes segments that were sealed, but not yet deleted.
fn remove_sealed_segments(disk: &dyn Disk, part: &Part) -> Result<(), RecorderError> {
    let dir = part.root.join(journal::DIRECTORY);
    for name in disk.list(&dir).on("list", &dir)? {
        let is_sealed = journal::segment_number(&name).is_some_and(|number| part.index.has(number));
        if is_sealed || name.ends_with(TEMPORARY) {
            let path = dir.join(name);
            disk.remove(&path).on("remove", &path)?;
        }
    }
    Ok(())
}

/// When the newest frame that is there was written.
fn last_sign(campaign: &Campaign) -> Result<Option<Nanos>, ReadError> {
    let mut last = campaign.ever_sealed().filter_map(|segment| segment.written).max();
    for segment in campaign.segments() {
        for piece in journal::pieces(segment.number, &segment.read()?) {
            if let Piece::Frame(frame, _) = piece {
                last = last.max(Some(frame.written));
            }
        }
    }
    Ok(last)
}

/// Why a recovered campaign is not complete.
const CRASHED: &str = "the recorder stopped without ending the campaign: what it was handed less than a second before its end is missing, \
                       with the rows of the connections that were open then, and the packets until it is started again";

/// Between which instants something is lost.
fn from_to(from: Nanos, to: Nanos) -> String {
    format!("from={} to={}", seconds(from), seconds(to))
}

/// The event that says what a crash has lost.
fn last_words(manifest: &Manifest, last_sign: Option<Nanos>, now: Nanos) -> Event {
    let since = last_sign.or(manifest.wall_clock.start).unwrap_or(now);
    lost(manifest, now, format!("{}: {CRASHED}", from_to(since, now)))
}

/// The event that says that segments were not there.
fn missing_words(gap: &RangeInclusive<u64>, manifest: &Manifest, now: Nanos) -> Event {
    lost(manifest, now, gap_in_words(gap))
}

fn gap_in_words(gap: &RangeInclusive<u64>) -> String {
    let (first, last) = (gap.start(), gap.end());
    let which = if first == last { format!("segment {first}") } else { format!("segments {first} to {last}") };
    format!("{which} of the journal: removed by somebody else than the recorder before they were sealed")
}

/// An event at the campaign's last packet, which lies near by in time whatever the clock was.
fn lost(manifest: &Manifest, now: Nanos, sentence: String) -> Event {
    let ts = manifest.packets.end.unwrap_or(now);
    Event { uid: None, ts, dir: None, detail: Detail::Lost(sentence) }
}

/// What recovery came across.
struct Found {
    segments: u64,
    gaps: Vec<RangeInclusive<u64>>,
    newest: u64,
    last_sign: Option<Nanos>,
}

/// Counts what is sealed, and says so in the manifest.
fn summarise(campaign: &Campaign, found: &Found, now: Nanos) -> Recovered {
    let mut manifest = campaign.manifest().clone();
    let mut rows = [0; Table::COUNT];
    let (mut torn_bytes, mut damaged_bytes) = (0, 0);
    for segment in campaign.ever_sealed() {
        torn_bytes += segment.torn_bytes;
        damaged_bytes += segment.damaged_bytes;
        for file in &segment.files {
            rows[file.table.index()] += file.rows;
        }
    }
    manifest.losses.torn_bytes = torn_bytes;
    manifest.losses.damaged_bytes = damaged_bytes;
    manifest.losses.reasons.extend(found.gaps.iter().map(gap_in_words));
    manifest.newest_segment = campaign.newest_segment();
    if manifest.state == State::Running {
        manifest.wall_clock.end = found.last_sign.or(Some(now));
        manifest.losses.reasons.push(format!("{}: {CRASHED}", from_to(manifest.wall_clock.end.unwrap_or(now), now)));
        manifest.settle(State::Interrupted);
    }
    if manifest.state == State::Sealing {
        let whole = manifest.losses.is_empty();
        manifest.settle(if whole { State::Complete } else { State::Interrupted });
    }
    for table in Table::ALL {
        let there = rows[table.index()];
        let missing = manifest.rows(table).saturating_sub(there);
        if missing > 0 {
            *manifest.losses.rows.entry(table).or_default() += missing;
        }
        manifest.rows.insert(table, there);
    }
    let missing = found.gaps.iter().map(|gap| gap.end() - gap.start() + 1).fold(0, u64::saturating_add);
    let lost = manifest.losses.since(&campaign.manifest().losses);
    Recovered { manifest, lost, segments: found.segments, missing, torn_bytes, damaged_bytes }
}
