//! The header of a frame.

use crate::Table;

/// Bytes of a frame's header.
pub(crate) const HEADER: usize = 36;
/// First bytes of every frame.
pub(crate) const MAGIC: [u8; 4] = *b"CTJF";
/// No payload is larger when unpacked: what a reader allocates is bounded whatever the file says.
pub(crate) const RAW_LIMIT: u32 = 1 << 20;
/// No payload is larger.
const LENGTH_LIMIT: u32 = 2 << 20;
const ZSTD: u8 = 1;

/// A frame's header, checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Frame {
    /// Whose rows.
    pub table: Table,
    /// How many.
    pub rows: u32,
    /// Bytes of the payload, unpacked.
    pub raw: u32,
    /// Bytes of the payload.
    pub length: u32,
    /// Number of the frame in the campaign.
    pub sequence: u64,
    /// Checksum of the payload.
    pub crc: u32,
}

impl Frame {
    /// The header's bytes.
    pub fn to_bytes(self) -> [u8; HEADER] {
        let mut bytes = [0; HEADER];
        bytes[..4].copy_from_slice(&MAGIC);
        bytes[4] = self.table.index() as u8;
        bytes[5] = ZSTD;
        bytes[8..12].copy_from_slice(&self.rows.to_le_bytes());
        bytes[12..16].copy_from_slice(&self.raw.to_le_bytes());
        bytes[16..20].copy_from_slice(&self.length.to_le_bytes());
        bytes[20..28].copy_from_slice(&self.sequence.to_le_bytes());
        bytes[28..32].copy_from_slice(&self.crc.to_le_bytes());
        let crc = crc32fast::hash(&bytes[..32]);
        bytes[32..].copy_from_slice(&crc.to_le_bytes());
        bytes
    }

    /// The header at the start of `bytes`, if there is one and its checksum holds.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let header: &[u8; HEADER] = bytes.first_chunk()?;
        let word = |at: usize| u32::from_le_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]]);
        let sound = header[..4] == MAGIC
            && word(32) == crc32fast::hash(&header[..32])
            && header[5] == ZSTD
            && header[6..8] == [0, 0];
        let frame = Self {
            table: Table::from_index(header[4])?,
            rows: word(8),
            raw: word(12),
            length: word(16),
            sequence: u64::from(word(20)) | u64::from(word(24)) << 32,
            crc: word(28),
        };
        (sound && frame.raw <= RAW_LIMIT && frame.length <= LENGTH_LIMIT).then_some(frame)
    }
}
