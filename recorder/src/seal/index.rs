//! `sealed.jsonl`: a line for each sealed segment.

use std::collections::BTreeSet;
use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::SealedSegment;
use crate::ReadError;
use crate::RecorderError;
use crate::disk::{Disk, OnPath, write_whole};

/// Name of the index in a campaign's directory.
pub(crate) const NAME: &str = "sealed.jsonl";

/// A line of `sealed.jsonl`.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Line {
    /// A segment was sealed.
    Sealed(SealedSegment),
    /// Its files were deleted to make room.
    Deleted {
        /// Number of the segment.
        deleted: u64,
    },
}

/// What `sealed.jsonl` says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Index {
    /// The sealed segments, in the order of their lines, those included whose files were deleted.
    pub segments: Vec<SealedSegment>,
    /// Segments whose files were deleted to make room.
    pub deleted: BTreeSet<u64>,
    /// Bytes of a last line that was not finished.
    pub torn_bytes: usize,
}

impl Index {
    /// From the bytes of the file at `path`.
    pub fn from_bytes(bytes: &[u8], path: &Path) -> Result<Self, ReadError> {
        let whole = bytes.iter().rposition(|&byte| byte == b'\n').map_or(0, |at| at + 1);
        let mut segments: Vec<SealedSegment> = Vec::new();
        let (mut known, mut deleted) = (BTreeSet::new(), BTreeSet::new());
        for (number, line) in bytes[..whole].split_inclusive(|&byte| byte == b'\n').enumerate() {
            let line: Line = serde_json::from_slice(line)
                .map_err(|error| ReadError::damaged(path, format!("line {}: {error}", number + 1)))?;
            match line {
                Line::Sealed(segment) if known.insert(segment.segment) => segments.push(segment),
                Line::Deleted { deleted: segment } if known.contains(&segment) && deleted.insert(segment) => {}
                Line::Sealed(SealedSegment { segment, .. }) | Line::Deleted { deleted: segment } => {
                    return Err(ReadError::damaged(path, format!("line {}: segment {segment} again", number + 1)));
                }
            }
        }
        Ok(Self { segments, deleted, torn_bytes: bytes.len() - whole })
    }

    /// The sealed segments whose files are there.
    pub fn present(&self) -> impl Iterator<Item = &SealedSegment> {
        self.segments.iter().filter(|segment| !self.deleted.contains(&segment.segment))
    }

    /// The sealed segments whose files were deleted.
    pub fn absent(&self) -> impl Iterator<Item = &SealedSegment> {
        self.segments.iter().filter(|segment| self.deleted.contains(&segment.segment))
    }

    /// Whether segment `number` is sealed, or known to be missing.
    pub fn has(&self, number: u64) -> bool {
        self.segments.iter().any(|segment| segment.numbers().contains(&number))
    }
}

/// Appends the line of a sealed segment, durably.
pub(crate) fn append(disk: &dyn Disk, root: &Path, segment: &SealedSegment) -> Result<(), RecorderError> {
    append_line(disk, root, &Line::Sealed(segment.clone()))
}

/// Appends the line of a segment whose files are about to be deleted, durably.
pub(crate) fn append_deleted(disk: &dyn Disk, root: &Path, segment: u64) -> Result<(), RecorderError> {
    append_line(disk, root, &Line::Deleted { deleted: segment })
}

fn append_line(disk: &dyn Disk, root: &Path, line: &Line) -> Result<(), RecorderError> {
    let path = root.join(NAME);
    let mut line = serde_json::to_vec(line).map_err(std::io::Error::from).on("write", &path)?;
    line.push(b'\n');
    let mut file = disk.append(&path).on("open", &path)?;
    file.write_all(&line).on("append to", &path)?;
    file.sync().on("sync", &path)?;
    disk.sync_dir(root).on("sync", root)?;
    Ok(())
}

/// Makes the index durable without a last line that was not finished, and returns it.
pub(crate) fn repair(disk: &dyn Disk, root: &Path) -> Result<Index, RecorderError> {
    let path = root.join(NAME);
    let bytes = match disk.read(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Index::default()),
        bytes => bytes.on("read", &path)?,
    };
    let index = Index::from_bytes(&bytes, &path)?;
    write_whole(disk, &path, &bytes[..bytes.len() - index.torn_bytes])?;
    Ok(Index { torn_bytes: 0, ..index })
}
