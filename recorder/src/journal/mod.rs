//! The journal: what is not sealed yet, crash-safe.
//!
//! # Files
//! `journal/segment-NNNNNN.ctj`, numbered from 1 without gaps in the order of writing, over all runs of a campaign. All numbers are
//! little-endian.
//!
//! ```text
//! segment:                              frame:
//!   magic    8  "CTJOURN3"                magic      4  "CTJF"
//!   number   8  as in the name            table      1  index of the table
//!   first    8  sequence of its           codec      1  1 = zstd
//!               first frame               reserved   2  0
//!   crc32    4  of the 24 bytes above     rows       4  rows in the payload
//!   frame...                              raw        4  bytes of the payload when unpacked, <= 1 MiB
//!                                         length     4  bytes of the payload, <= 2 MiB
//!                                         sequence   8  of the campaign, from 0, one up a frame
//!                                         written    8  when, by the wall clock, ns since 1970-01-01 UTC
//!                                         payload    4  crc32 of the payload
//!                                         header     4  crc32 of the 40 bytes above
//!                                         (payload)
//! ```
//! The payload, unpacked, is rows of one table, one behind the other: four bytes of length, then the row in postcard's format.
//!
//! # Who writes, who deletes
//! One thread a directory writes ([`crate::store`]): it appends frames to the newest segment and calls fdatasync at an interval. A row is
//! *acknowledged* when such a sync has returned. A segment that is large or old enough is synced and ends; the next one exists (durably, with its
//! directory entry) before the first is handed to the sealer, so that while a campaign runs there always is a segment. The
//! sealer turns an ended segment into Parquet and deletes it, after its line in `sealed.jsonl` is durable
//! ([`crate::seal`]). Nobody else deletes: `campaign.json` has the number of the newest segment, so that one that went otherwise is
//! missed, and told of as lost.
//!
//! # Recovery
//! A segment whose number stands in `sealed.jsonl` is a leftover and is deleted. Of every other one, all whole frames are read.
//! Bytes that are no whole frame are skipped up to the next frame header whose checksum holds. At the end of a segment they
//! are a *torn tail*, the ordinary trace of a crash; before a whole frame they are *damage*. Both are counted, and recovery
//! records them. Of the instant of a crash is known that it came after the newest frame was written; so recovery records an event `lost`
//! from then until the time that it is.
//!
//! # Limits
//! A crash loses what was not synced: at most the sync interval (0.5 s) plus the time that rows wait in an encoder (0.25 s) and for the
//! writer (0.05 s), less than a second together, where the disk answers at once. A segment's
//! payloads, unpacked, are at most [`crate::Config::segment_bytes`] plus one block and what was not acknowledged of the segment before, so
//! that the sealer can sort it in memory. A reader refuses segments of more than 1 GiB. When a write or a sync fails, nothing more is
//! written to the segment: after a failed fdatasync nobody knows what the kernel dropped. The next one begins with the oldest frame
//! that was not acknowledged; of a frame that lies in both, the later one counts.

mod frame;
mod packer;
mod reader;

use std::path::{Path, PathBuf};

pub(crate) use frame::{Frame, PREAMBLE, Preamble};
pub(crate) use packer::{Packed, Packer};
pub(crate) use reader::{Piece, first_piece, next_piece, pieces, unpack};

/// The directory of the segments in a campaign.
pub(crate) const DIRECTORY: &str = "journal";
/// No segment is larger; one that claims to be is not read.
pub(crate) const SEGMENT_LIMIT: u64 = 1 << 30;

/// Path of segment `number` in the campaign `root`.
pub(crate) fn segment_path(root: &Path, number: u64) -> PathBuf {
    root.join(DIRECTORY).join(format!("segment-{number:06}.ctj"))
}

/// The number in a segment's file name; nothing for another file.
pub(crate) fn segment_number(name: &str) -> Option<u64> {
    let digits = name.strip_prefix("segment-")?.strip_suffix(".ctj")?;
    if digits.bytes().all(|digit| digit.is_ascii_digit()) { digits.parse().ok() } else { None }
}
