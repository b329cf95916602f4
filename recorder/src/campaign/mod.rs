//! A campaign, read: sealed files first, then what is still in the journal. Nothing is ever modified.

mod scan;

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub use scan::Scan;

use crate::journal::{self, SEGMENT_LIMIT};
use crate::manifest::{self, Manifest};
use crate::seal::{INDEX_NAME, Index, SealedSegment};
use crate::{ReadError, Table};

/// A campaign's directory, as it stood when it was opened. A campaign that is being recorded can be read too: what is sealed or
/// journalled later does not show, and what is sealed meanwhile is still read, once.
#[derive(Debug)]
pub struct Campaign {
    root: PathBuf,
    manifest: Manifest,
    index: Arc<Index>,
    segments: Vec<Arc<Segment>>,
}

/// A segment of the journal that was not sealed when the campaign was opened. The open file stays readable when the sealer
/// deletes its name.
#[derive(Debug)]
pub(crate) struct Segment {
    pub number: u64,
    pub path: PathBuf,
    file: File,
    length: u64,
}

impl Segment {
    fn open(root: &Path, number: u64) -> io::Result<Self> {
        let path = journal::segment_path(root, number);
        let file = File::open(&path)?;
        let length = file.metadata()?.len();
        Ok(Self { number, path, file, length })
    }

    /// Its bytes, as many as there were when the campaign was opened.
    pub fn read(&self) -> Result<Vec<u8>, ReadError> {
        if self.length > SEGMENT_LIMIT {
            return Err(ReadError::damaged(&self.path, "it is larger than any segment"));
        }
        let mut bytes = vec![0; self.length as usize];
        self.file.read_exact_at(&mut bytes, 0).map_err(|error| ReadError::io(&self.path, error))?;
        Ok(bytes)
    }
}

impl Campaign {
    /// How often to look again when the sealer works at the same moment.
    const TRIES: usize = 100;

    /// Opens the campaign in the directory `root`.
    ///
    /// # Errors
    /// When there is none, when a newer program made it, or when `campaign.json` or `sealed.jsonl` cannot be read. The tables' files
    /// are read when they are scanned.
    pub fn open(root: impl AsRef<Path>) -> Result<Self, ReadError> {
        let root = root.as_ref();
        let manifest = read_manifest(root)?;
        let mut segments = None;
        for _ in 0..Self::TRIES {
            // The journal before the index: a segment that is deleted in between stands in the index.
            let numbers = list_segments(root)?;
            let index = read_index(root)?;
            segments = open_segments(root, &numbers, &index)?;
            if let Some(segments) = segments {
                return Ok(Self { root: root.to_owned(), manifest, index: Arc::new(index), segments });
            }
        }
        drop(segments);
        Err(ReadError::damaged(&root.join(journal::DIRECTORY), "segments vanish without being sealed"))
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
        let known: Vec<&'static str> = crate::columns::of(table).map(|column| column.name).collect();
        let index = |&name: &&str| {
            known.iter().position(|&column| column == name).ok_or_else(|| ReadError::NoColumn {
                table,
                name: name.to_owned(),
                known: known.clone(),
            })
        };
        let columns = names.iter().map(index).collect::<Result<_, _>>()?;
        Ok(Scan::new(self, table, columns))
    }

    /// The sealed segments.
    pub(crate) fn sealed(&self) -> &[SealedSegment] {
        &self.index.segments
    }

    /// The index.
    pub(crate) fn index(&self) -> &Index {
        &self.index
    }

    /// The segments that are not sealed.
    pub(crate) fn segments(&self) -> &[Arc<Segment>] {
        &self.segments
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

/// The index of the campaign at `root`; an empty one where nothing was sealed.
fn read_index(root: &Path) -> Result<Index, ReadError> {
    let path = root.join(INDEX_NAME);
    match fs::read(&path) {
        Ok(bytes) => Index::from_bytes(&bytes, &path),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Index::default()),
        Err(error) => Err(ReadError::io(&path, error)),
    }
}

/// Numbers of the segments in the journal, ascending.
fn list_segments(root: &Path) -> Result<Vec<u64>, ReadError> {
    let dir = root.join(journal::DIRECTORY);
    let names = crate::Disk::list(&crate::LocalDisk, &dir).map_err(|error| ReadError::io(&dir, error))?;
    let mut numbers: Vec<u64> = names.iter().filter_map(|name| journal::segment_number(name)).collect();
    numbers.sort_unstable();
    Ok(numbers)
}

/// Those that are not sealed; nothing when one vanished, so that it must have been sealed meanwhile.
fn open_segments(root: &Path, numbers: &[u64], index: &Index) -> Result<Option<Vec<Arc<Segment>>>, ReadError> {
    let mut segments = Vec::new();
    for &number in numbers.iter().filter(|&&number| !index.has(number)) {
        match Segment::open(root, number) {
            Ok(segment) => segments.push(Arc::new(segment)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(ReadError::io(&journal::segment_path(root, number), error)),
        }
    }
    Ok(Some(segments))
}
