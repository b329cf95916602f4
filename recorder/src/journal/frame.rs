//! The first bytes of a segment, and the header of a frame.

use wire::Nanos;

use crate::Table;

/// Bytes before a segment's first frame.
pub(crate) const PREAMBLE: usize = 28;
/// Bytes of a frame's header.
pub(crate) const HEADER: usize = 44;
/// First bytes of every frame.
pub(crate) const MAGIC: [u8; 4] = *b"CTJF";
/// No payload is larger when unpacked: what a reader allocates is bounded whatever the file says.
pub(crate) const RAW_LIMIT: u32 = 1 << 20;
/// First bytes of every segment: a name, and the version of what follows.
const SEGMENT_MAGIC: [u8; 8] = *b"CTJOURN3";
/// No payload is larger.
const LENGTH_LIMIT: u32 = 2 << 20;
const ZSTD: u8 = 1;

/// What a segment begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Preamble {
    /// Number of the segment.
    pub number: u64,
    /// Number of its first frame.
    pub first: u64,
}

impl Preamble {
    /// Its bytes.
    pub fn to_bytes(self) -> [u8; PREAMBLE] {
        let mut bytes = [0; PREAMBLE];
        bytes[..8].copy_from_slice(&SEGMENT_MAGIC);
        bytes[8..16].copy_from_slice(&self.number.to_le_bytes());
        bytes[16..24].copy_from_slice(&self.first.to_le_bytes());
        let crc = crc32fast::hash(&bytes[..24]);
        bytes[24..].copy_from_slice(&crc.to_le_bytes());
        bytes
    }

    /// That at the start of segment `number`, if it is whole.
    pub fn of(number: u64, segment: &[u8]) -> Option<Self> {
        let bytes: &[u8; PREAMBLE] = segment.first_chunk()?;
        let found = Self { number, first: long(bytes, 16) };
        (found.to_bytes() == *bytes).then_some(found)
    }

    /// Whether a segment has a beginning of another version, whose checksum holds.
    pub fn is_foreign(segment: &[u8; PREAMBLE]) -> bool {
        let named = segment[..7] == SEGMENT_MAGIC[..7] && segment[7] != SEGMENT_MAGIC[7];
        named && segment[24..] == crc32fast::hash(&segment[..24]).to_le_bytes()
    }
}

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
    /// When it was written, by the wall clock.
    pub written: Nanos,
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
        bytes[28..36].copy_from_slice(&self.written.0.to_le_bytes());
        bytes[36..40].copy_from_slice(&self.crc.to_le_bytes());
        let crc = crc32fast::hash(&bytes[..40]);
        bytes[40..].copy_from_slice(&crc.to_le_bytes());
        bytes
    }

    /// The header at the start of `bytes`, if there is one and its checksum holds.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let header: &[u8; HEADER] = bytes.first_chunk()?;
        let sound = header[..4] == MAGIC
            && word(header, 40) == crc32fast::hash(&header[..40])
            && header[5] == ZSTD
            && header[6..8] == [0, 0];
        let frame = Self {
            table: Table::from_index(header[4])?,
            rows: word(header, 8),
            raw: word(header, 12),
            length: word(header, 16),
            sequence: long(header, 20),
            written: Nanos(long(header, 28).cast_signed()),
            crc: word(header, 36),
        };
        (sound && frame.raw <= RAW_LIMIT && frame.length <= LENGTH_LIMIT).then_some(frame)
    }
}

fn word(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

fn long(bytes: &[u8], at: usize) -> u64 {
    u64::from(word(bytes, at)) | u64::from(word(bytes, at + 4)) << 32
}
