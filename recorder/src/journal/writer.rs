//! The journal's writer: frames into segments.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::frame::{Frame, HEADER, RAW_LIMIT};
use super::{DIRECTORY, PREAMBLE, preamble, segment_path};
use crate::disk::{Disk, DiskError, DiskFile, OnPath};
use crate::{RecorderError, Table};

/// Appends frames to the newest segment.
pub(crate) struct Journal {
    disk: Arc<dyn Disk>,
    root: PathBuf,
    file: Box<dyn DiskFile>,
    number: u64,
    /// Bytes of the newest segment's payloads, unpacked.
    raw: u64,
    /// Bytes of the newest segment.
    length: u64,
    sequence: u64,
    packer: zstd::bulk::Compressor<'static>,
    buffer: Vec<u8>,
}

impl Journal {
    /// Starts segment `number`, with `sequence` as its first frame's, packed at zstd `level`.
    pub fn start(
        disk: Arc<dyn Disk>,
        root: &Path,
        number: u64,
        sequence: u64,
        level: i32,
    ) -> Result<Self, RecorderError> {
        let packer = zstd::bulk::Compressor::new(level).map_err(RecorderError::Zstd)?;
        let file = new_segment(&*disk, root, number)?;
        let root = root.to_owned();
        Ok(Self { disk, root, file, number, raw: 0, length: PREAMBLE as u64, sequence, packer, buffer: Vec::new() })
    }

    /// Appends a frame with `rows` rows of `table`.
    pub fn append(&mut self, table: Table, rows: u32, raw: &[u8]) -> Result<(), RecorderError> {
        if raw.len() > RAW_LIMIT as usize {
            return Err(RecorderError::BlockTooLarge { bytes: raw.len() });
        }
        self.buffer.clear();
        self.buffer.resize(HEADER + zstd::zstd_safe::compress_bound(raw.len()), 0);
        let length = self.packer.compress_to_buffer(raw, &mut self.buffer[HEADER..]).map_err(RecorderError::Zstd)?;
        self.buffer.truncate(HEADER + length);
        let crc = crc32fast::hash(&self.buffer[HEADER..]);
        let frame = Frame { table, rows, raw: raw.len() as u32, length: length as u32, sequence: self.sequence, crc };
        self.buffer[..HEADER].copy_from_slice(&frame.to_bytes());
        self.file.write_all(&self.buffer).on("append to", &segment_path(&self.root, self.number))?;
        self.raw += raw.len() as u64;
        self.length += self.buffer.len() as u64;
        self.sequence += 1;
        Ok(())
    }

    /// Makes everything appended durable.
    pub fn sync(&mut self) -> Result<(), DiskError> {
        self.file.sync().on("sync", &segment_path(&self.root, self.number))
    }

    /// Ends the newest segment and starts the next. Returns the number of the one that ended.
    pub fn rotate(&mut self) -> Result<u64, DiskError> {
        self.sync()?;
        self.file = new_segment(&*self.disk, &self.root, self.number + 1)?;
        self.number += 1;
        self.raw = 0;
        self.length = PREAMBLE as u64;
        Ok(self.number - 1)
    }

    /// Number of the newest segment.
    pub const fn number(&self) -> u64 {
        self.number
    }

    /// Bytes of the newest segment's payloads, unpacked.
    pub const fn raw(&self) -> u64 {
        self.raw
    }

    /// Bytes of the newest segment.
    pub const fn length(&self) -> u64 {
        self.length
    }
}

/// A segment that exists durably, with nothing but its preamble.
fn new_segment(disk: &dyn Disk, root: &Path, number: u64) -> Result<Box<dyn DiskFile>, DiskError> {
    let path = segment_path(root, number);
    let mut file = disk.create(&path).on("create", &path)?;
    file.write_all(&preamble(number)).on("write", &path)?;
    file.sync().on("sync", &path)?;
    let dir = root.join(DIRECTORY);
    disk.sync_dir(&dir).on("sync", &dir)?;
    Ok(file)
}
