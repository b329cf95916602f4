//! The journal: what is not sealed yet, crash-safe.
//!
//! # Files
//! `journal/segment-NNNNNN.ctj`, numbered from 1 without gaps in the order of writing. All numbers are little-endian.
//!
//! ```text
//! segment:                              frame:
//!   magic    8  "CTJOURN1"                magic      4  "CTJF"
//!   number   8  as in the name            table      1  index of the table
//!   crc32    4  of the 16 bytes above     codec      1  1 = zstd
//!   frame...                              reserved   2  0
//!                                         rows       4  rows in the payload
//!                                         raw        4  bytes of the payload when unpacked, <= 1 MiB
//!                                         length     4  bytes of the payload, <= 2 MiB
//!                                         sequence   8  of the campaign, from 0, one up a frame
//!                                         payload    4  crc32 of the payload
//!                                         header     4  crc32 of the 32 bytes above
//!                                         (payload)
//! ```
//! The payload, unpacked, is rows of one table in postcard's format, one behind the other.
//!
//! # Who writes, who deletes
//! One thread writes: it appends frames to the newest segment and calls fdatasync at an interval. A row is *acknowledged* when
//! such a sync has returned. A segment that is large or old enough is synced and ends; the next one exists (durably, with its
//! directory entry) before the first is handed to the sealer, so that while a campaign runs there always is a segment. The
//! sealer turns an ended segment into Parquet and deletes it, after its line in `sealed.jsonl` is durable
//! ([`crate::seal`]). Nobody else deletes.
//!
//! # Recovery
//! A segment whose number stands in `sealed.jsonl` is a leftover and is deleted. Of every other one, all whole frames are read.
//! Bytes that are no whole frame are skipped up to the next frame header whose checksum holds. At the end of a segment they
//! are a *torn tail*, the ordinary trace of a crash; before a whole frame they are *damage*. Both are counted, and recovery
//! records them.
//!
//! # Limits
//! A crash loses what was not synced: at most the sync interval (0.5 s) plus the time that rows wait in an encoder. A segment's
//! payloads, unpacked, are at most [`crate::Config::segment_bytes`] plus one block, so that the sealer can sort it in memory. A reader
//! refuses segments of more than 1 GiB. When a write or a sync fails, nothing more is written: after a failed fdatasync nobody
//! knows what the kernel dropped, so that everything after the last acknowledgment counts as lost, and the campaign ends.

mod frame;
mod reader;
mod writer;

use std::path::{Path, PathBuf};

pub(crate) use frame::Frame;
pub(crate) use reader::{Piece, first_piece, next_piece, pieces, unpack};
pub(crate) use writer::Journal;

/// The directory of the segments in a campaign.
pub(crate) const DIRECTORY: &str = "journal";
/// No segment is larger; one that claims to be is not read.
pub(crate) const SEGMENT_LIMIT: u64 = 1 << 30;

const SEGMENT_MAGIC: [u8; 8] = *b"CTJOURN1";
const PREAMBLE: usize = 20;

/// Path of segment `number` in the campaign `root`.
pub(crate) fn segment_path(root: &Path, number: u64) -> PathBuf {
    root.join(DIRECTORY).join(format!("segment-{number:06}.ctj"))
}

/// The number in a segment's file name; nothing for another file.
pub(crate) fn segment_number(name: &str) -> Option<u64> {
    let digits = name.strip_prefix("segment-")?.strip_suffix(".ctj")?;
    if digits.bytes().all(|digit| digit.is_ascii_digit()) { digits.parse().ok() } else { None }
}

/// The first bytes of segment `number`.
fn preamble(number: u64) -> [u8; PREAMBLE] {
    let mut bytes = [0; PREAMBLE];
    bytes[..8].copy_from_slice(&SEGMENT_MAGIC);
    bytes[8..16].copy_from_slice(&number.to_le_bytes());
    let crc = crc32fast::hash(&bytes[..16]);
    bytes[16..].copy_from_slice(&crc.to_le_bytes());
    bytes
}
