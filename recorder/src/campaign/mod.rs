//! A campaign, read: sealed files first, then what is still in the journal. Nothing is ever modified.

mod part;
mod scan;

use std::fs;
use std::io;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub(crate) use part::{Part, Segment, open_file};
pub use scan::{Scan, Sealed};

use crate::manifest::{self, Manifest, State};
use crate::seal::{INDEX_NAME, SealedSegment};
use crate::{ReadError, Table};

/// A campaign, as it stood when it was opened, with what it has in other directories. A campaign that is being recorded can be read too:
/// what is sealed or journalled later does not show, and what is sealed meanwhile is still read, once.
#[derive(Debug)]
pub struct Campaign {
    root: PathBuf,
    manifest: Manifest,
    parts: Vec<Part>,
    /// Directories that hold a part of the campaign, or should, and cannot be read: why.
    unreadable: Vec<ReadError>,
}

impl Campaign {
    /// Opens the campaign in the directory `root`. Of one that was recorded in several directories any will do.
    ///
    /// # Errors
    /// When there is none, when a newer program made it, or when `campaign.json` or `sealed.jsonl` cannot be read. The tables' files
    /// are read when they are scanned.
    pub fn open(root: impl AsRef<Path>) -> Result<Self, ReadError> {
        let root = root.as_ref();
        let mut manifest = read_manifest(root)?;
        let mut parts = Vec::new();
        let mut unreadable = Vec::new();
        for directory in std::iter::once(root.to_owned()).chain(manifest.elsewhere.clone()) {
            match Self::open_elsewhere(&directory, &mut manifest) {
                Ok(part) => parts.push(part),
                Err(error) if directory == root => return Err(error),
                Err(error) => unreadable.push(error),
            }
        }
        part::set_limits(&mut parts);
        Ok(Self { root: root.to_owned(), manifest, parts, unreadable })
    }

    /// Opens the part in a directory; the newest manifest counts.
    fn open_elsewhere(directory: &Path, newest: &mut Manifest) -> Result<Part, ReadError> {
        let manifest = read_manifest(directory)?;
        if !manifest.is_of_the_same_campaign(newest) {
            return Err(ReadError::damaged(&directory.join(manifest::NAME), "it is that of another campaign"));
        }
        if manifest.revision > newest.revision {
            // Each copy names the others, so that this one's list stays.
            *newest = Manifest { elsewhere: std::mem::take(&mut newest.elsewhere), ..manifest };
        }
        Part::open(directory)
    }

    /// What `campaign.json` says.
    #[must_use]
    pub const fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// The campaign's directory.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// All rows of a table, with all columns. Rows come sorted within a sealed file, and files by day, but the whole is not
    /// in order; every batch has the schema [`crate::columns::schema`].
    #[must_use]
    pub fn scan(&self, table: Table) -> Scan {
        Scan::new(self, table, crate::columns::of(table).enumerate().map(|(index, _)| index).collect())
    }

    /// All rows of a table, with the columns `names` in that order. The others are not read from the disk.
    ///
    /// # Errors
    /// When the table has no such column.
    pub fn scan_columns(&self, table: Table, names: &[&str]) -> Result<Scan, ReadError> {
        Ok(Scan::new(self, table, Self::indices(table, names)?))
    }

    /// The same of what is not sealed alone: for readers that read the files of [`Campaign::sealed_files`] themselves.
    ///
    /// # Errors
    /// When the table has no such column.
    pub fn scan_journal(&self, table: Table, names: &[&str]) -> Result<Scan, ReadError> {
        Ok(Scan::of_journal(self, table, Self::indices(table, names)?))
    }

    /// Whether there is a journal to read besides the sealed files.
    #[must_use]
    pub fn has_journal(&self) -> bool {
        self.parts.iter().any(|part| !part.segments.is_empty())
    }

    /// The sealed files of a table, by day, in whatever directory they lie. They stay as they are; whoever reads one should
    /// [`Sealed::check`] it first, and say what is [`Campaign::missing`].
    #[must_use]
    pub fn sealed_files(&self, table: Table) -> Vec<Sealed> {
        let mut files = Vec::new();
        for (root, segment) in self.sealed() {
            let of_table = segment.files.iter().filter(|file| file.table == table);
            files.extend(of_table.map(|file| (segment.path(file), Sealed::new(root.join(segment.path(file)), file))));
        }
        files.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
        files.into_iter().map(|(_, file)| file).collect()
    }

    /// What the sealed files of a table lack: directories that cannot be read, and rows that a complete campaign must have.
    #[must_use]
    pub fn missing(&self, table: Table) -> Vec<ReadError> {
        let elsewhere = |error: &ReadError| ReadError::Elsewhere { reason: error.to_string() };
        let mut missing: Vec<ReadError> = self.unreadable.iter().map(elsewhere).collect();
        if let Some((rows, index)) = self.expected(table) {
            let named = self.sealed_files(table).iter().map(Sealed::rows).sum();
            missing.extend(scan::check_count(table, named, rows, &index).err());
        }
        missing
    }

    /// Rows of a table that there must be, and the file that should name them all; only a complete campaign knows.
    fn expected(&self, table: Table) -> Option<(u64, PathBuf)> {
        let known = self.manifest.state == State::Complete && self.unreadable.is_empty();
        known.then(|| {
            let rows = self.manifest.rows(table).saturating_sub(self.deleted_rows(table));
            (rows, self.root.join(INDEX_NAME))
        })
    }

    fn indices(table: Table, names: &[&str]) -> Result<Vec<usize>, ReadError> {
        let known: Vec<&'static str> = crate::columns::of(table).map(|column| column.name).collect();
        let index = |&name: &&str| {
            known.iter().position(|&column| column == name).ok_or_else(|| ReadError::NoColumn {
                table,
                name: name.to_owned(),
                known: known.clone(),
            })
        };
        names.iter().map(index).collect()
    }

    /// Its directories that can be read.
    pub(crate) fn parts(&self) -> &[Part] {
        &self.parts
    }

    /// Why some of its directories cannot be read.
    pub(crate) fn unreadable(&self) -> &[ReadError] {
        &self.unreadable
    }

    /// The sealed segments whose files are there, and the directories that they lie in.
    pub(crate) fn sealed(&self) -> impl Iterator<Item = (&Path, &SealedSegment)> {
        self.parts.iter().flat_map(|part| part.index.present().map(|segment| (part.root.as_path(), segment)))
    }

    /// Everything that was ever sealed.
    pub(crate) fn ever_sealed(&self) -> impl Iterator<Item = &SealedSegment> {
        self.parts.iter().flat_map(|part| &part.index.segments)
    }

    /// Rows of a table that were deleted to make room.
    pub(crate) fn deleted_rows(&self, table: Table) -> u64 {
        let files = self.parts.iter().flat_map(|part| part.index.absent()).flat_map(|segment| &segment.files);
        files.filter(|file| file.table == table).fold(0, |sum, file| sum.saturating_add(file.rows))
    }

    /// The segments that are not sealed, in the order of their numbers.
    pub(crate) fn segments(&self) -> Vec<&Arc<Segment>> {
        let mut segments: Vec<&Arc<Segment>> = self.parts.iter().flat_map(|part| &part.segments).collect();
        segments.sort_unstable_by_key(|segment| segment.number);
        segments
    }

    /// Number of the newest segment that there is, or must have been.
    pub(crate) fn newest_segment(&self) -> u64 {
        let open = self.segments().last().map_or(0, |segment| segment.number);
        self.manifest.newest_segment.max(open).max(self.end().0)
    }

    /// The highest number of a sealed segment, and the number of the frame after the last one.
    pub(crate) fn end(&self) -> (u64, u64) {
        self.ever_sealed()
            .fold((0, 0), |(number, sequence), sealed| (number.max(sealed.segment), sequence.max(sealed.next_sequence)))
    }

    /// Segments that must have been, and are neither there nor sealed: ranges of numbers, ascending. Where a directory cannot be read,
    /// nothing is known of those.
    pub(crate) fn gaps(&self) -> Vec<RangeInclusive<u64>> {
        if !self.unreadable.is_empty() {
            return Vec::new();
        }
        let sealed = self.ever_sealed().map(SealedSegment::numbers);
        let open = self.parts.iter().flat_map(|part| &part.segments).map(|segment| segment.number);
        let abandoned = self.manifest.abandoned_segments.iter().copied();
        let mut known: Vec<RangeInclusive<u64>> =
            sealed.chain(open.chain(abandoned).map(|number| number..=number)).collect();
        known.sort_unstable_by_key(|range| *range.start());
        let mut gaps = Vec::new();
        let mut next = 1;
        for range in known {
            if *range.start() > next {
                gaps.push(next..=range.start() - 1);
            }
            next = next.max(range.end().saturating_add(1));
        }
        if next <= self.newest_segment() {
            gaps.push(next..=self.newest_segment());
        }
        gaps
    }
}

/// The manifest of the campaign at `root`.
pub(crate) fn read_manifest(root: &Path) -> Result<Manifest, ReadError> {
    let path = root.join(manifest::NAME);
    match fs::read(&path) {
        Ok(bytes) => Manifest::from_json(&bytes, &path),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err(ReadError::NotACampaign { path: root.to_owned() }),
        Err(error) => Err(ReadError::io(&path, error)),
    }
}
