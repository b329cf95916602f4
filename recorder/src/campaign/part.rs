//! A directory of a campaign.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::ReadError;
use crate::journal::{self, PREAMBLE, Preamble, SEGMENT_LIMIT};
use crate::seal::{INDEX_NAME, Index};

/// How often to look again when the sealer works at the same moment.
const TRIES: usize = 100;

/// What a campaign has in one directory.
#[derive(Debug)]
pub(crate) struct Part {
    pub root: PathBuf,
    pub index: Index,
    /// Segments that are not sealed.
    pub segments: Vec<Arc<Segment>>,
}

/// A segment of the journal that was not sealed when the campaign was opened. The open file stays readable when the sealer
/// deletes its name.
#[derive(Debug)]
pub(crate) struct Segment {
    pub number: u64,
    pub path: PathBuf,
    /// The frame with this number, and those after it, are in a later segment, too, and count there.
    pub limit: u64,
    /// Number of its first frame, if its beginning is whole.
    first: Option<u64>,
    file: File,
    length: u64,
}

impl Segment {
    fn open(root: &Path, number: u64) -> io::Result<Self> {
        let path = journal::segment_path(root, number);
        let file = open_file(&path)?;
        let length = file.metadata()?.len();
        let mut beginning = [0; PREAMBLE];
        let first = match file.read_exact_at(&mut beginning, 0) {
            Ok(()) if Preamble::is_foreign(&beginning) => {
                let foreign = "another version of this program wrote it: read or recover the campaign with that one";
                return Err(io::Error::new(io::ErrorKind::InvalidData, foreign));
            }
            Ok(()) => Preamble::of(number, &beginning).map(|preamble| preamble.first),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => None,
            Err(error) => return Err(error),
        };
        Ok(Self { number, path, limit: u64::MAX, first, file, length })
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

/// Opens a file of a campaign to be read. A pipe of its name, or a device, might never come to an end.
pub(crate) fn open_file(path: &Path) -> io::Result<File> {
    if !fs::metadata(path)?.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "it is no regular file"));
    }
    File::open(path)
}

impl Part {
    /// Opens what lies in the directory `root`.
    pub fn open(root: &Path) -> Result<Self, ReadError> {
        for _ in 0..TRIES {
            // The journal before the index: a segment that is deleted in between stands in the index.
            let numbers = list_segments(root)?;
            let index = read_index(root)?;
            if let Some(segments) = open_segments(root, &numbers, &index)? {
                return Ok(Self { root: root.to_owned(), index, segments });
            }
        }
        Err(ReadError::damaged(&root.join(journal::DIRECTORY), "segments vanish without being sealed"))
    }
}

/// Ends each segment where a later one begins: see [`crate::store`].
pub(crate) fn set_limits(parts: &mut [Part]) {
    let sealed = parts.iter().flat_map(|part| &part.index.segments);
    let whole = sealed.filter(|segment| segment.missing_from.is_none() && !segment.is_damaged());
    let mut begins: Vec<(u64, u64)> = whole.map(|segment| (segment.segment, segment.first_sequence)).collect();
    let open = parts.iter().flat_map(|part| &part.segments);
    begins.extend(open.filter_map(|segment| Some((segment.number, segment.first?))));
    begins.sort_unstable();
    for segment in parts.iter_mut().flat_map(|part| &mut part.segments) {
        let later = begins.partition_point(|&(number, _)| number <= segment.number);
        let limit = begins[later..].iter().map(|&(_, first)| first).min();
        if let (Some(limit), Some(segment)) = (limit, Arc::get_mut(segment)) {
            segment.limit = limit;
        }
    }
}

/// The index of the directory `root`; an empty one where nothing was sealed.
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
