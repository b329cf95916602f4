//! What both formats have in common.

use std::io;

use wire::{LinkType, Nanos};

/// Most bytes of a packet: what libpcap allows too. Larger claims are damage, unless the file itself announces a larger
/// snapshot length.
const USUAL_BYTES: u32 = 256 << 10;

/// Most bytes of a packet, whatever a file announces: four times the largest segmentation offload of Linux (`BIG TCP`, 512
/// KiB) would be no packet any more.
pub(super) const MOST_BYTES: u32 = 2 << 20;

/// The bound for packets of a file or interface with this snapshot length; 0 means that it has none.
pub(super) fn bound(snaplen: u32) -> u32 {
    snaplen.clamp(USUAL_BYTES, MOST_BYTES)
}

/// A record at the start of the window.
#[derive(Clone, Copy, Debug)]
pub(super) struct Record {
    pub ts: Nanos,
    pub link: LinkType,
    pub wire_len: u32,
    /// Where the packet starts in the window.
    pub at: usize,
    /// How many bytes of it there are; all of them are in the window.
    pub len: usize,
    /// Length of the record, to be consumed before the next one.
    pub size: u64,
}

/// Why no record follows.
#[derive(Debug)]
pub(super) enum Fault {
    /// Reading failed, or nothing can be read yet ([`io::ErrorKind::WouldBlock`]).
    Io(io::Error),
    /// The file ends inside a record.
    Truncated,
    /// The file contradicts itself.
    Corrupt(String),
    /// It is no capture file.
    Foreign(String),
}

impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::UnexpectedEof => Self::Truncated,
            io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput => Self::Corrupt(error.to_string()),
            _ => Self::Io(error),
        }
    }
}

/// Reads integers in the byte order of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ByteOrder {
    Little,
    Big,
}

impl ByteOrder {
    /// The four bytes at `at`; 0 beyond the end, which callers rule out by length checks.
    #[inline]
    pub(super) fn u32(self, bytes: &[u8], at: usize) -> u32 {
        let bytes = bytes.get(at..).and_then(|rest| rest.first_chunk()).copied().unwrap_or_default();
        match self {
            Self::Little => u32::from_le_bytes(bytes),
            Self::Big => u32::from_be_bytes(bytes),
        }
    }

    /// The two bytes at `at`; 0 beyond the end.
    #[inline]
    pub(super) fn u16(self, bytes: &[u8], at: usize) -> u16 {
        let bytes = bytes.get(at..).and_then(|rest| rest.first_chunk()).copied().unwrap_or_default();
        match self {
            Self::Little => u16::from_le_bytes(bytes),
            Self::Big => u16::from_be_bytes(bytes),
        }
    }
}
