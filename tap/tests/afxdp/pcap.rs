//! Capture files of Ethernet frames, written and read.

use std::fs;
use std::path::{Path, PathBuf};

/// What every backend takes into one buffer: an Ethernet header at least, and no more than a packet of 1500 bytes without a tag.
const LENGTHS: std::ops::RangeInclusive<usize> = 14..=1514;

/// Frames of a capture that no sender has kept apart come so many microseconds after each other.
const STEP: u32 = 20;

/// Writes a classic file in microseconds, with the same time between any two frames.
pub fn write(path: &Path, frames: &[Vec<u8>]) {
    let mut bytes = Vec::new();
    for word in [0xa1b2_c3d4_u32, 0x0004_0002, 0, 0, 65_535, 1] {
        bytes.extend(word.to_le_bytes());
    }
    for (frame, at) in frames.iter().zip((0..).step_by(STEP as usize)) {
        for word in [at / 1_000_000_u32, at % 1_000_000, frame.len() as u32, frame.len() as u32] {
            bytes.extend(word.to_le_bytes());
        }
        bytes.extend(frame);
    }
    fs::write(path, bytes).expect("a file");
}

/// The frames of a classic file, of either byte order; none of a file that is not there, or not yet whole.
pub fn read(path: &Path) -> Vec<Vec<u8>> {
    let bytes = fs::read(path).unwrap_or_default();
    let is_little = bytes.first().is_some_and(|&first| first == 0xd4 || first == 0x4d);
    let order = if is_little { u32::from_le_bytes } else { u32::from_be_bytes };
    let (mut frames, mut rest) = (Vec::new(), bytes.get(24..).unwrap_or_default());
    while let Some(length) = rest.get(8..12) {
        let end = 16 + order(length.try_into().expect("four bytes")) as usize;
        let Some(frame) = rest.get(16..end) else { break };
        frames.push(frame.to_vec());
        rest = &rest[end..];
    }
    frames
}

/// The frames of several files, in one that lasts about as long as they take to be sent again: what depends on silence in a capture of
/// minutes would else tell it from its replay. Gives their number.
pub fn squeeze(files: &[PathBuf], into: &Path) -> u64 {
    let frames = files.iter().flat_map(|file| read(file)).filter(|frame| LENGTHS.contains(&frame.len()));
    let frames: Vec<_> = frames.collect();
    write(into, &frames);
    frames.len() as u64
}
