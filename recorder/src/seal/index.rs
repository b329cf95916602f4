//! `sealed.jsonl`: a line for each sealed segment.

use std::io;
use std::path::Path;

use super::SealedSegment;
use crate::ReadError;
use crate::RecorderError;
use crate::disk::{Disk, OnPath, write_whole};

/// Name of the index in a campaign's directory.
pub(crate) const NAME: &str = "sealed.jsonl";

/// What `sealed.jsonl` says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Index {
    /// Its lines, in order.
    pub segments: Vec<SealedSegment>,
    /// Bytes of a last line that was not finished.
    pub torn_bytes: usize,
}

impl Index {
    /// From the bytes of the file at `path`.
    pub fn from_bytes(bytes: &[u8], path: &Path) -> Result<Self, ReadError> {
        let whole = bytes.iter().rposition(|&byte| byte == b'\n').map_or(0, |at| at + 1);
        let mut segments: Vec<SealedSegment> = Vec::new();
        for (number, line) in bytes[..whole].split_inclusive(|&byte| byte == b'\n').enumerate() {
            let segment: SealedSegment = serde_json::from_slice(line)
                .map_err(|error| ReadError::damaged(path, format!("line {}: {error}", number + 1)))?;
            if segments.iter().any(|known| known.segment == segment.segment) {
                return Err(ReadError::damaged(path, format!("segment {} stands there twice", segment.segment)));
            }
            segments.push(segment);
        }
        Ok(Self { segments, torn_bytes: bytes.len() - whole })
    }

    /// Whether segment `number` is sealed.
    pub fn has(&self, number: u64) -> bool {
        self.segments.iter().any(|segment| segment.segment == number)
    }
}

/// Appends a line, durably.
pub(crate) fn append(disk: &dyn Disk, root: &Path, segment: &SealedSegment) -> Result<(), RecorderError> {
    let path = root.join(NAME);
    let mut line = serde_json::to_vec(segment).map_err(std::io::Error::from).on("write", &path)?;
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
