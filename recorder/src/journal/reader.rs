//! Segments, read: whole frames, and what is none.

use super::frame::{Frame, HEADER, MAGIC, PREAMBLE, Preamble};

/// A piece of a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Piece<'a> {
    /// A frame whose checksums hold, and its payload.
    Frame(Frame, &'a [u8]),
    /// Bytes before a whole frame that are none.
    Damage { at: usize, bytes: usize },
    /// Bytes at the end that are no whole frame. `cut` where they are the beginning of one.
    Tail { at: usize, bytes: usize, cut: bool },
}

/// The pieces of segment `number`, which together are all of its bytes but the preamble.
pub(crate) fn pieces(number: u64, segment: &[u8]) -> impl Iterator<Item = Piece<'_>> {
    let mut at = first_piece(number, segment);
    std::iter::from_fn(move || next_piece(segment, &mut at))
}

/// Where the pieces begin: behind the preamble, or where it is wrong, with it.
pub(crate) fn first_piece(number: u64, segment: &[u8]) -> usize {
    if Preamble::of(number, segment).is_some() { PREAMBLE } else { 0 }
}

/// The piece at `at`, which moves behind it; nothing at the end.
pub(crate) fn next_piece<'a>(segment: &'a [u8], at: &mut usize) -> Option<Piece<'a>> {
    let from = *at;
    if from >= segment.len() {
        return None;
    }
    if let Some((frame, payload)) = whole_frame(segment, from) {
        *at = from + HEADER + payload.len();
        return Some(Piece::Frame(frame, payload));
    }
    *at = next_frame(segment, from).unwrap_or(segment.len());
    let bytes = *at - from;
    if *at < segment.len() {
        return Some(Piece::Damage { at: from, bytes });
    }
    Some(Piece::Tail { at: from, bytes, cut: is_cut(segment, from) })
}

/// The whole frame at `at`.
fn whole_frame(segment: &[u8], at: usize) -> Option<(Frame, &[u8])> {
    let rest = segment.get(at..)?;
    let frame = Frame::from_bytes(rest)?;
    let payload = rest.get(HEADER..HEADER + frame.length as usize)?;
    (crc32fast::hash(payload) == frame.crc).then_some((frame, payload))
}

/// The first whole frame behind `at`.
fn next_frame(segment: &[u8], at: usize) -> Option<usize> {
    let mut from = at + 1;
    loop {
        let rest = segment.get(from..)?;
        from += rest.windows(MAGIC.len()).position(|window| window == MAGIC)?;
        if whole_frame(segment, from).is_some() {
            return Some(from);
        }
        from += 1;
    }
}

/// Whether the segment ends inside the preamble or frame that begins at `at`.
fn is_cut(segment: &[u8], at: usize) -> bool {
    let rest = &segment[at..];
    if at == 0 {
        return rest.len() < PREAMBLE;
    }
    match Frame::from_bytes(rest) {
        Some(frame) => rest.len() < HEADER + frame.length as usize,
        None => rest.len() < HEADER && rest.starts_with(&MAGIC[..rest.len().min(MAGIC.len())]),
    }
}

/// Unpacks a frame's payload behind what `out` holds; `false`, and nothing added, where it is not what its header says.
pub(crate) fn unpack(frame: &Frame, payload: &[u8], out: &mut Vec<u8>) -> bool {
    let before = out.len();
    let raw = frame.raw as usize;
    out.resize(before + raw, 0);
    let unpacked = zstd::bulk::decompress_to_buffer(payload, &mut out[before..]);
    let whole = unpacked.is_ok_and(|bytes| bytes == raw);
    if !whole {
        out.truncate(before);
    }
    whole
}
