//! Every byte: journal frames and sealed files.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use super::{Check, Problems};
use crate::campaign::Segment;
use crate::journal::{self, Piece};
use crate::rows::Row;
use crate::seal::{SealedFile, SealedSegment};
use crate::{Campaign, Scan, Table};

/// Every frame of the journal is whole, its rows decode, and no frame is missing.
pub(super) fn journal(campaign: &Campaign) -> Check {
    let mut problems = Problems::default();
    let mut frames = 0u64;
    let mut expected = campaign.sealed().iter().map(|segment| segment.next_sequence).max().unwrap_or(0);
    for segment in campaign.segments() {
        match segment.read() {
            Ok(bytes) => frames += check_segment(segment, &bytes, &mut expected, &mut problems),
            Err(error) => problems.add(|| error.to_string()),
        }
    }
    let segments = campaign.segments().len();
    problems.check("journal", || format!("{segments} segments, {frames} frames"))
}

/// Checks a segment and returns how many frames it has.
fn check_segment(segment: &Segment, bytes: &[u8], expected: &mut u64, problems: &mut Problems) -> u64 {
    let path = segment.path.display();
    let mut frames = 0;
    if journal::first_piece(segment.number, bytes) == 0 {
        problems.add(|| format!("{path}: it does not begin as segment {} should", segment.number));
    }
    for piece in journal::pieces(segment.number, bytes) {
        match piece {
            Piece::Frame(frame, payload) => {
                frames += 1;
                let sequence = frame.sequence;
                if sequence != *expected {
                    problems.add(|| format!("{path}: frame {sequence} where {expected} should be"));
                }
                *expected = sequence + 1;
                if count_rows(&frame, payload) != Some(frame.rows) {
                    problems.add(|| format!("{path}: frame {sequence} does not hold its {} rows", frame.rows));
                }
            }
            Piece::Damage { at, bytes } => problems.add(|| format!("{path}: {bytes} bytes at {at} are no frame")),
            Piece::Tail { at, bytes, cut: true } => problems.add(|| {
                format!("{path}: ends inside a frame, {bytes} bytes at {at}: seal it with conntrack-tap recover, or verify again if it is being recorded")
            }),
            Piece::Tail { at, bytes, cut: false } => problems.add(|| format!("{path}: {bytes} bytes at {at}, the end, are no frame")),
        }
    }
    frames
}

/// The rows in a frame; nothing where they break off.
fn count_rows(frame: &journal::Frame, payload: &[u8]) -> Option<u32> {
    let mut raw = Vec::new();
    if !journal::unpack(frame, payload, &mut raw) {
        return None;
    }
    let (mut rest, mut rows) = (raw.as_slice(), 0);
    while !rest.is_empty() {
        (_, rest) = Row::decode(frame.table, rest).ok()?;
        rows += 1;
    }
    Some(rows)
}

/// Every sealed file has the length, the checksum and the rows that `sealed.jsonl` says.
pub(super) fn sealed_files(campaign: &Campaign) -> Check {
    let mut problems = Problems::default();
    let (mut files, mut bytes) = (0u64, 0u64);
    if campaign.index().torn_bytes > 0 {
        problems.add(|| "sealed.jsonl: its last line is not finished; repeat conntrack-tap recover".to_owned());
    }
    for segment in campaign.sealed() {
        for file in &segment.files {
            files += 1;
            bytes += file.bytes;
            if let Err(problem) = check_file(campaign.root(), segment, file) {
                problems.add(|| problem);
            }
        }
    }
    problems.check("sealed_files", || format!("{files} files, {bytes} bytes"))
}

fn check_file(root: &Path, segment: &SealedSegment, file: &SealedFile) -> Result<(), String> {
    let path = root.join(segment.path(file));
    let mut rows = 0;
    for batch in Scan::of_file(Vec::new(), path.clone(), file) {
        rows += batch.map_err(|error| error.to_string())?.num_rows() as u64;
    }
    if rows == file.rows { Ok(()) } else { Err(format!("{}: {rows} rows, not {}", path.display(), file.rows)) }
}

/// No file lies in the tables that `sealed.jsonl` does not name: a reader of ours would miss its rows, another one would not.
pub(super) fn strays(campaign: &Campaign) -> Check {
    let known: BTreeSet<PathBuf> =
        campaign.sealed().iter().flat_map(|segment| segment.files.iter().map(|file| segment.path(file))).collect();
    let open: Vec<u64> = campaign.segments().iter().map(|segment| segment.number).collect();
    let mut problems = Problems::default();
    for table in Table::ALL {
        for path in files_below(campaign.root(), table) {
            let being_sealed =
                open.iter().any(|number| path.to_string_lossy().contains(&format!("part-{number:06}.parquet")));
            if !known.contains(&path) && !being_sealed {
                problems.add(|| format!("{}: no line of sealed.jsonl names it", path.display()));
            }
        }
    }
    problems.check("strays", || format!("{} files, all named", known.len()))
}

/// Files in the day directories of a table, relative to the campaign.
fn files_below(root: &Path, table: Table) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let days = fs::read_dir(root.join(table.as_str())).into_iter().flatten().flatten();
    for day in days {
        let names = fs::read_dir(day.path()).into_iter().flatten().flatten();
        files.extend(names.map(|name| Path::new(table.as_str()).join(day.file_name()).join(name.file_name())));
    }
    files
}
