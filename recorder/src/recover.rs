//! Sealing what an interrupted campaign left in its journal.

use std::path::Path;
use std::sync::Arc;

use conntrack::{Event, EventKind};
use wire::Nanos;

use crate::campaign::Campaign;
use crate::disk::{Disk, LocalDisk, OnPath};
use crate::journal;
use crate::recorder::lock;
use crate::seal::{Sealer, repair};
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
    let root = root.as_ref();
    let disk: Arc<dyn Disk> = Arc::new(LocalDisk);
    let campaign = Campaign::open(root)?;
    let _lock = lock(&*disk, root)?;
    // Once more, now that nobody else can change it.
    drop(campaign);
    let campaign = Campaign::open(root)?;
    repair(&*disk, root, campaign.index())?;
    remove_sealed_segments(&*disk, root, &campaign)?;

    let mut manifest = campaign.manifest().clone();
    let crashed = manifest.state == State::Running;
    let sealer = Sealer { disk: Arc::clone(&disk), root: root.to_owned(), level: Config::default().parquet_level };
    let last = campaign.segments().last().map(|segment| segment.number);
    for segment in campaign.segments() {
        sealer.clear_leftovers(segment.number)?;
        let words = if crashed && Some(segment.number) == last { last_words(&manifest, now) } else { Vec::new() };
        sealer.seal(segment.number, &words)?;
    }
    let recovered = summarise(&Campaign::open(root)?, campaign.segments().len() as u64);
    manifest.losses.torn_bytes = recovered.torn_bytes;
    manifest.losses.damaged_bytes = recovered.damaged_bytes;
    if crashed {
        manifest.state = State::Interrupted;
        manifest.wall_clock.end.get_or_insert(now);
        manifest.losses.reasons.push("the recorder stopped without ending the campaign".to_owned());
    } else if manifest.state == State::Sealing {
        manifest.state = State::Complete;
    }
    manifest.rows = recovered.manifest.rows.clone();
    if manifest != *campaign.manifest() {
        manifest.write(&*disk, root)?;
    }
    Ok(Recovered { manifest, ..recovered })
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

/// The event that says what is missing.
fn last_words(manifest: &Manifest, now: Nanos) -> Vec<Event> {
    let detail = "the recorder stopped without ending the campaign: what was not acknowledged is missing, and live connections were not written".to_owned();
    let ts = manifest.packets.end.unwrap_or(now);
    vec![Event { uid: None, ts, dir: None, kind: EventKind::Lost, detail }]
}

/// Counts what is sealed.
fn summarise(campaign: &Campaign, segments: u64) -> Recovered {
    let mut manifest = campaign.manifest().clone();
    manifest.rows = Table::ALL.into_iter().map(|table| (table, 0)).collect();
    let (mut torn_bytes, mut damaged_bytes) = (0, 0);
    for segment in campaign.sealed() {
        torn_bytes += segment.torn_bytes;
        damaged_bytes += segment.damaged_bytes;
        for file in &segment.files {
            *manifest.rows.entry(file.table).or_default() += file.rows;
        }
    }
    Recovered { manifest, segments, torn_bytes, damaged_bytes }
}
