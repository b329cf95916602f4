//! Sealing what an interrupted campaign left in its journal.

use std::path::Path;
use std::sync::Arc;

use conntrack::{Detail, Event};
use wire::Nanos;

use crate::campaign::{Campaign, read_manifest};
use crate::disk::{Disk, LocalDisk, OnPath};
use crate::journal;
use crate::recorder::lock;
use crate::seal::Sealer;
use crate::{Config, Manifest, RecorderError, State, Table};

/// What recovery found.
#[derive(Clone, Debug, PartialEq)]
pub struct Recovered {
    /// The manifest afterwards.
    pub manifest: Manifest,
    /// How many segments were sealed.
    pub segments: u64,
    /// Bytes at the ends of segments that were no whole frame: what the crash tore.
    pub torn_bytes: u64,
    /// Bytes inside segments that were no whole frame: damage on the disk.
    pub damaged_bytes: u64,
}

/// Seals what the journal of the campaign at `root` still holds, so that afterwards its journal is empty. `now` is the time, for the
/// manifest. A campaign that ended well is left as it is. It may be interrupted itself, and be repeated.
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
    let root = root.as_ref();
    read_manifest(root)?;
    let _lock = lock(&*disk, root)?;
    let campaign = Campaign::open(root)?;
    remove_sealed_segments(&*disk, root, &campaign)?;
    let state = campaign.manifest().state;
    let mut sealer = Sealer::after_crash(Arc::clone(&disk), root, Config::default().parquet_level);
    let last = campaign.segments().last().map(|segment| segment.number);
    for segment in campaign.segments() {
        let crashed = state == State::Running && Some(segment.number) == last;
        let words = if crashed { last_words(campaign.manifest(), now) } else { Vec::new() };
        sealer.seal(segment.number, &words)?;
    }
    let recovered = summarise(&Campaign::open(root)?, campaign.segments().len() as u64, now);
    if recovered.manifest != *campaign.manifest() {
        recovered.manifest.write(&*disk, root)?;
    }
    Ok(recovered)
}

/// Removes segments that were sealed, but not yet deleted.
fn remove_sealed_segments(disk: &dyn Disk, root: &Path, campaign: &Campaign) -> Result<(), RecorderError> {
    let dir = root.join(journal::DIRECTORY);
    for name in disk.list(&dir).on("list", &dir)? {
        if journal::segment_number(&name).is_some_and(|number| campaign.index().has(number)) {
            let path = dir.join(name);
            disk.remove(&path).on("remove", &path)?;
        }
    }
    Ok(())
}

/// Why a recovered campaign is not complete.
const CRASHED: &str = "the recorder stopped without ending the campaign";

/// The event that says what is missing.
fn last_words(manifest: &Manifest, now: Nanos) -> Vec<Event> {
    let detail = format!("{CRASHED}: what was not acknowledged is missing, and live connections were not written");
    let ts = manifest.packets.end.unwrap_or(now);
    vec![Event { uid: None, ts, dir: None, detail: Detail::Lost(detail) }]
}

/// Counts what is sealed, and says so in the manifest.
fn summarise(campaign: &Campaign, segments: u64, now: Nanos) -> Recovered {
    let mut manifest = campaign.manifest().clone();
    let mut found = [0; Table::COUNT];
    let (mut torn_bytes, mut damaged_bytes) = (0, 0);
    for segment in campaign.sealed() {
        torn_bytes += segment.torn_bytes;
        damaged_bytes += segment.damaged_bytes;
        for file in &segment.files {
            found[file.table.index()] += file.rows;
        }
    }
    manifest.losses.torn_bytes = torn_bytes;
    manifest.losses.damaged_bytes = damaged_bytes;
    if manifest.state == State::Running {
        manifest.state = State::Interrupted;
        manifest.wall_clock.end.get_or_insert(now);
        manifest.losses.reasons.push(CRASHED.to_owned());
    }
    if manifest.state == State::Sealing {
        let whole = manifest.losses.is_empty();
        manifest.state = if whole { State::Complete } else { State::Interrupted };
    }
    for table in Table::ALL {
        let found = found[table.index()];
        let missing = manifest.rows(table).saturating_sub(found);
        if missing > 0 {
            *manifest.losses.rows.entry(table).or_default() += missing;
        }
        manifest.rows.insert(table, found);
    }
    Recovered { manifest, segments, torn_bytes, damaged_bytes }
}
