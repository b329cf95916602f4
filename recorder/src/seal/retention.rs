//! Making room: the oldest sealed segments go first, but those of days that are kept.
//!
//! A day is kept while `keep/YYYY-MM-DD` is in the campaign's directory, an empty file that anybody may make or remove at any time; a segment
//! with rows of a day that is kept stays as a whole.
//!
//! # Order of events, and why a crash between any two does no harm
//! 1. The line that says so is appended to `sealed.jsonl` and synced: from here on no reader looks for the files.
//! 2. The files are removed. Where a crash comes first, recovery removes what is left of them.

use std::collections::BTreeSet;
use std::io;

use super::background::Report;
use super::{INDEX_NAME, Index, SealedSegment, Sealer, index};
use crate::disk::{OnPath, Room};
use crate::{RecorderError, Table};

/// The directory of the marks in a campaign's directory.
pub const KEEP: &str = "keep";

/// How much room the campaign may take in a directory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Quota {
    /// As much as there is; nothing is ever deleted.
    #[default]
    None,
    /// The whole file system, shared with whatever else lies there.
    Disk,
    /// So many bytes of sealed files.
    Bytes(u64),
}

/// When sealed segments are deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// The room there is.
    pub quota: Quota,
    /// Above this share of it, in percent, deleting begins.
    pub high: u8,
    /// Down to this share, in percent.
    pub low: u8,
}

impl Default for Retention {
    fn default() -> Self {
        Self { quota: Quota::None, high: 70, low: 60 }
    }
}

/// The room, looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Survey {
    /// Of the file system.
    pub room: Room,
    /// More was to be deleted than may be: the rest is kept, or not sealed.
    pub is_short: bool,
}

/// A segment whose files were deleted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Removed {
    /// Its number.
    pub segment: u64,
    /// The days of its rows.
    pub days: BTreeSet<String>,
    /// Rows by table.
    pub rows: [u64; Table::COUNT],
    /// Bytes of its files.
    pub bytes: u64,
}

impl Removed {
    fn of(segment: &SealedSegment) -> Self {
        let mut rows = [0; Table::COUNT];
        for file in &segment.files {
            rows[file.table.index()] += file.rows;
        }
        let days = segment.files.iter().map(|file| file.date.to_string()).collect();
        Self { segment: segment.segment, days, rows, bytes: size(segment) }
    }
}

/// Bytes of a segment's files.
fn size(segment: &SealedSegment) -> u64 {
    segment.files.iter().fold(0, |sum, file| sum.saturating_add(file.bytes))
}

impl Retention {
    /// What is used of what, bytes; nothing where nothing is ever deleted.
    fn usage(&self, room: Room, index: &Index) -> Option<(u64, u64)> {
        match self.quota {
            Quota::None => None,
            Quota::Disk => Some((room.total.saturating_sub(room.free), room.total)),
            Quota::Bytes(quota) => Some((index.present().map(size).fold(0, u64::saturating_add), quota)),
        }
    }

    /// Bytes that have to go.
    fn excess(&self, room: Room, index: &Index) -> u64 {
        let share =
            |percent: u8, all: u64| u64::try_from(u128::from(all) * u128::from(percent) / 100).unwrap_or(u64::MAX);
        match self.usage(room, index) {
            Some((used, all)) if used > share(self.high, all) => used - share(self.low, all).min(used),
            _ => 0,
        }
    }
}

impl Sealer {
    /// Looks at the room, and deletes where there is too little.
    pub(super) fn tidy(&mut self, retention: &Retention, report: &mut dyn FnMut(Report)) -> Result<(), RecorderError> {
        let room = self.disk.room(&self.root).on("look at the room of", &self.root)?;
        let mut excess = 0;
        if retention.quota != Quota::None {
            let index = self.sound_index()?;
            excess = retention.excess(room, &index);
            if excess > 0 {
                let keep = self.root.join(KEEP);
                let kept: BTreeSet<String> = self.disk.list(&keep).on("list", &keep)?.into_iter().collect();
                let mut oldest: Vec<&SealedSegment> = index.present().filter(|segment| size(segment) > 0).collect();
                oldest.sort_unstable_by_key(|segment| segment.segment);
                for segment in oldest {
                    let is_kept = segment.files.iter().any(|file| kept.contains(&file.date.to_string()));
                    if excess > 0 && !is_kept {
                        index::append_deleted(&*self.disk, &self.root, segment.segment)?;
                        self.remove_files(segment)?;
                        excess = excess.saturating_sub(size(segment));
                        report(Report::Removed(Removed::of(segment)));
                    }
                }
            }
        }
        report(Report::Surveyed(Survey { room, is_short: excess > 0 }));
        Ok(())
    }

    /// The index, ready to be appended to.
    fn sound_index(&self) -> Result<Index, RecorderError> {
        if !self.tidy {
            return index::repair(&*self.disk, &self.root);
        }
        let path = self.root.join(INDEX_NAME);
        match self.disk.read(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Index::default()),
            bytes => Ok(Index::from_bytes(&bytes.on("read", &path)?, &path)?),
        }
    }

    /// Removes what a crash left of segments that are deleted.
    pub fn finish_deleting(&self, index: &Index) -> Result<(), RecorderError> {
        index.absent().try_for_each(|segment| self.remove_files(segment))
    }

    fn remove_files(&self, segment: &SealedSegment) -> Result<(), RecorderError> {
        for file in &segment.files {
            let path = self.root.join(segment.path(file));
            match self.disk.remove(&path) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                removed => removed.on("remove", &path)?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deleting_begins_above_the_high_mark_and_goes_down_to_the_low_one() {
        let retention = Retention { quota: Quota::Disk, ..Retention::default() };
        let excess = |used: u64| retention.excess(Room { total: 1000, free: 1000 - used }, &Index::default());
        assert_eq!([0, 600, 700, 701, 1000].map(excess), [0, 0, 0, 101, 400]);
        let never = Retention { quota: Quota::None, ..retention };
        assert_eq!(never.excess(Room { total: 1000, free: 0 }, &Index::default()), 0);
    }

    #[test]
    fn hostile_numbers_do_not_overflow() {
        let retention = Retention { quota: Quota::Disk, high: 255, low: 255 };
        assert_eq!(retention.excess(Room { total: u64::MAX, free: 0 }, &Index::default()), 0);
        assert_eq!(retention.excess(Room { total: 0, free: u64::MAX }, &Index::default()), 0);
    }
}
