//! Every byte: journal frames and sealed files.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::{Check, Problems};
use crate::campaign::Segment;
use crate::journal::{self, Piece, Preamble};
use crate::rows::Row;
use crate::seal::{INDEX_NAME, SealedFile, SealedSegment, files_below};
use crate::{Campaign, CheckpointReader, DamagedChunk, Scan, Table};

/// Every frame of the journal is whole, its rows decode, and no frame is missing.
pub(super) fn journal(campaign: &Campaign) -> Check {
    let mut problems = Problems::default();
    let mut frames = 0u64;
    let (_, mut expected) = campaign.end();
    for segment in campaign.segments() {
        match segment.read() {
            Ok(bytes) => frames += check_segment(segment, &bytes, &mut expected, &mut problems),
            Err(error) => problems.add(|| error.to_string()),
        }
    }
    let segments = campaign.segments().len();
    problems.check("journal", || format!("{segments} segments, {frames} frames"))
}

/// No segment is missing, and no sealed one has lost its end, but what recovery has recorded.
pub(super) fn segments(campaign: &Campaign) -> Check {
    let mut problems = Problems::default();
    for error in campaign.unreadable() {
        problems.add(|| format!("elsewhere: {error}"));
    }
    for gap in campaign.gaps() {
        let (first, last) = (gap.start(), gap.end());
        problems.add(|| {
            format!(
                "journal: segments {first} to {last} are not there, and were not sealed; conntrack-tap recover records it"
            )
        });
    }
    let mut sealed: Vec<&SealedSegment> = campaign.ever_sealed().collect();
    sealed.sort_unstable_by_key(|segment| segment.segment);
    let telling: Vec<_> = sealed.iter().filter(|segment| segment.is_unknown() || segment.has_frames()).collect();
    for pair in telling.windows(2) {
        let [before, after] = [pair[0], pair[1]];
        let (found, expected) = (after.first_sequence, before.next_sequence);
        if !before.is_unknown() && !after.is_unknown() && found != expected {
            problems.add(|| {
                format!(
                    "sealed.jsonl: segment {} ends before frame {expected}, and {} begins with {found}",
                    before.segment, after.segment
                )
            });
        }
    }
    let missing: u64 = sealed
        .iter()
        .filter_map(|segment| Some(segment.segment.saturating_sub(segment.missing_from?).saturating_add(1)))
        .fold(0, u64::saturating_add);
    let newest = campaign.newest_segment();
    problems.check("segments", || match missing {
        0 => format!("{newest} segments"),
        missing => format!("{newest} segments, of which {missing} went missing, which is recorded"),
    })
}

/// Checks a segment and returns how many frames it has.
fn check_segment(segment: &Segment, bytes: &[u8], expected: &mut u64, problems: &mut Problems) -> u64 {
    let path = segment.path.display();
    let mut frames = 0;
    match Preamble::of(segment.number, bytes) {
        None => problems.add(|| format!("{path}: it does not begin as segment {} should", segment.number)),
        Some(Preamble { first, .. }) if first != *expected => {
            problems.add(|| format!("{path}: it begins with frame {first}, where {expected} should be"));
            *expected = first;
        }
        Some(_) => {}
    }
    for piece in journal::pieces(segment.number, bytes) {
        match piece {
            Piece::Frame(frame, _) if frame.sequence >= segment.limit => {}
            Piece::Frame(frame, payload) => {
                frames += 1;
                let sequence = frame.sequence;
                if sequence != *expected {
                    problems.add(|| format!("{path}: frame {sequence} where {expected} should be"));
                }
                *expected = sequence.saturating_add(1);
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
        (_, rest) = Row::decode(frame.table, rest)?;
        rows += 1;
    }
    Some(rows)
}

/// Every sealed file has the length, the checksum and the rows that `sealed.jsonl` says.
pub(super) fn sealed_files(campaign: &Campaign) -> Check {
    let mut problems = Problems::default();
    let (mut files, mut bytes) = (0u64, 0u64);
    for part in campaign.parts().iter().filter(|part| part.index.torn_bytes > 0) {
        let path = part.root.join(INDEX_NAME);
        problems.add(|| format!("{}: its last line is not finished; repeat conntrack-tap recover", path.display()));
    }
    for (root, segment) in campaign.sealed() {
        for file in &segment.files {
            files += 1;
            bytes += file.bytes;
            if let Err(problem) = check_file(root, segment, file) {
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

/// What the last run keeps of its open connections can be read, and is as much as it said.
pub(super) fn checkpoint(campaign: &Campaign) -> Check {
    const NAME: &str = "checkpoint";
    let mut problems = Problems::default();
    let Some(carried) = campaign.manifest().carried else {
        return problems.check(NAME, || "no connections are kept for the next run".to_owned());
    };
    let mut found = 0;
    let reader = campaign.parts().iter().find_map(|part| CheckpointReader::of(&part.root).transpose());
    match reader.transpose() {
        Ok(None) => {}
        Ok(Some(chunks)) => {
            for chunk in chunks {
                match chunk {
                    Ok(chunk) => found += u64::from(chunk.count),
                    Err(DamagedChunk { count }) => {
                        problems.add(|| format!("a part with {count} connections is damaged"))
                    }
                }
            }
        }
        Err(error) => problems.add(|| error.to_string()),
    }
    if found != carried.connections {
        problems.add(|| format!("{found} connections, campaign.json says {}", carried.connections));
    }
    problems.check(NAME, || format!("{found} connections are kept for the next run"))
}

/// No file lies in the tables that `sealed.jsonl` does not name: a reader of ours would miss its rows, another one would not.
pub(super) fn strays(campaign: &Campaign) -> Check {
    let known: BTreeSet<PathBuf> = campaign
        .sealed()
        .flat_map(|(root, segment)| segment.files.iter().map(move |file| root.join(segment.path(file))))
        .collect();
    let open: Vec<u64> = campaign.segments().iter().map(|segment| segment.number).collect();
    let mut problems = Problems::default();
    for part in campaign.parts() {
        // Files of deleted segments are about to go, or the tap died before they did, and recovery removes them.
        let going: BTreeSet<PathBuf> = part
            .index
            .absent()
            .flat_map(|segment| segment.files.iter().map(|file| part.root.join(segment.path(file))))
            .collect();
        for path in Table::ALL.into_iter().flat_map(|table| files_below(&part.root, table)) {
            let being_sealed =
                open.iter().any(|number| path.to_string_lossy().contains(&format!("part-{number:06}.parquet")));
            if !known.contains(&path) && !going.contains(&path) && !being_sealed {
                problems.add(|| format!("{}: no line of sealed.jsonl names it", path.display()));
            }
        }
    }
    problems.check("strays", || format!("{} files, all named", known.len()))
}
