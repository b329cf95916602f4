//! Rows into frames.

use std::sync::Arc;

use wire::Nanos;

use super::frame::{Frame, HEADER, RAW_LIMIT};
use crate::{RecorderError, Table};

/// A frame as it goes into a segment. Its bytes are shared by those who write it and those who keep it until it is acknowledged.
#[derive(Clone, Debug)]
pub(crate) struct Packed {
    /// Number of the frame in the campaign.
    pub sequence: u64,
    /// Whose rows.
    pub table: Table,
    /// How many.
    pub rows: u32,
    /// Bytes of the payload, unpacked.
    pub raw: u32,
    /// Header and payload.
    pub bytes: Arc<[u8]>,
}

/// Packs frames, and numbers them.
pub(crate) struct Packer {
    compressor: zstd::bulk::Compressor<'static>,
    sequence: u64,
    buffer: Vec<u8>,
}

impl Packer {
    /// At zstd `level`, with `sequence` as the first frame's number.
    pub fn new(level: i32, sequence: u64) -> Result<Self, RecorderError> {
        let compressor = zstd::bulk::Compressor::new(level).map_err(RecorderError::Zstd)?;
        Ok(Self { compressor, sequence, buffer: Vec::new() })
    }

    /// A frame with `rows` rows of `table`, `written` now.
    pub fn pack(&mut self, table: Table, rows: u32, raw: &[u8], written: Nanos) -> Result<Packed, RecorderError> {
        if raw.len() > RAW_LIMIT as usize {
            return Err(RecorderError::BlockTooLarge { bytes: raw.len() });
        }
        self.buffer.clear();
        self.buffer.resize(HEADER + zstd::zstd_safe::compress_bound(raw.len()), 0);
        let length =
            self.compressor.compress_to_buffer(raw, &mut self.buffer[HEADER..]).map_err(RecorderError::Zstd)?;
        self.buffer.truncate(HEADER + length);
        let crc = crc32fast::hash(&self.buffer[HEADER..]);
        let (raw, length, sequence) = (raw.len() as u32, length as u32, self.sequence);
        let frame = Frame { table, rows, raw, length, sequence, written, crc };
        self.buffer[..HEADER].copy_from_slice(&frame.to_bytes());
        self.sequence += 1;
        Ok(Packed { sequence, table, rows, raw, bytes: Arc::from(self.buffer.as_slice()) })
    }
}
