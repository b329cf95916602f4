//! Sorts packets by time in bounded memory.
//!
//! A campaign keeps headers by connection; a capture file is read by time. Packets are gathered up to [`RUN_BYTES`]; a full
//! gathering is sorted and appended to one unnamed temporary file as a run, and in the end the runs are merged. Memory is
//! the gathering and its index, or, while merging, a read buffer for each run.
//!
//! ```text
//! packet in a run: ts i64 | uid u64 | n u32 | wire_len u32 | responder u8 | length u32 | bytes     (little-endian)
//! ```

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Seek, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use wire::{Direction, Nanos};

use crate::ReportError;

/// How many bytes of packets and index are sorted at a time in memory.
pub const RUN_BYTES: usize = 64 << 20;
/// Read buffers of a merge share this much, but none has less than [`MIN_BUFFER`].
const MERGE_BYTES: usize = 64 << 20;
const MIN_BUFFER: usize = 16 << 10;
const MAX_BUFFER: usize = 1 << 20;
const FIXED: usize = 29;

/// A recorded header as an export needs it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StoredHeader<'a> {
    /// When it was captured.
    pub ts: Nanos,
    /// The connection.
    pub uid: u64,
    /// Its place in the connection.
    pub n: u32,
    /// Bytes of the IP datagram on the wire.
    pub wire_len: u32,
    /// Who sent it.
    pub dir: Direction,
    /// IP and TCP headers.
    pub bytes: &'a [u8],
}

/// What decides the order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    ts: Nanos,
    uid: u64,
    n: u32,
}

impl StoredHeader<'_> {
    const fn key(&self) -> Key {
        Key { ts: self.ts, uid: self.uid, n: self.n }
    }
}

/// Gathers packets and gives them back by time; those of one instant by `uid` and `n`.
#[derive(Debug)]
pub struct TimeSorter {
    folder: PathBuf,
    run_bytes: usize,
    packets: Vec<u8>,
    index: Vec<(Key, usize)>,
    spilled: Option<Spilled>,
}

#[derive(Debug)]
struct Spilled {
    file: File,
    /// Where each run ends.
    ends: Vec<u64>,
}

impl TimeSorter {
    /// A sorter that keeps up to `run_bytes` of packets in memory and the rest in `folder`.
    #[must_use]
    pub fn new(folder: &Path, run_bytes: usize) -> Self {
        Self { folder: folder.to_owned(), run_bytes, packets: Vec::new(), index: Vec::new(), spilled: None }
    }

    /// Takes a packet.
    ///
    /// # Errors
    /// [`ReportError::Sort`] when a run cannot be written.
    pub fn push(&mut self, header: &StoredHeader<'_>) -> Result<(), ReportError> {
        let held = self.packets.len() + size_of_val(self.index.as_slice());
        if !self.index.is_empty() && held + header.bytes.len() > self.run_bytes {
            self.spill().map_err(|source| self.failed(source))?;
        }
        self.index.push((header.key(), self.packets.len()));
        encode(&mut self.packets, header);
        Ok(())
    }

    /// Gives every packet to `visit`, the earliest first.
    ///
    /// # Errors
    /// [`ReportError::Sort`] when a run cannot be written or read, and those of `visit`.
    pub fn drain(
        mut self,
        visit: &mut dyn FnMut(&StoredHeader<'_>) -> Result<(), ReportError>,
    ) -> Result<(), ReportError> {
        if self.spilled.is_some() {
            self.spill().map_err(|source| self.failed(source))?;
        }
        let Some(spilled) = &self.spilled else {
            self.index.sort_unstable();
            return self
                .index
                .iter()
                .try_for_each(|&(_, at)| visit(&decode(&self.packets[at..]).map_err(|source| self.failed(source))?));
        };
        let mut merge = Merge::new(spilled).map_err(|source| self.failed(source))?;
        while let Some(packet) = merge.next().map_err(|source| self.failed(source))? {
            visit(&decode(packet).map_err(|source| self.failed(source))?)?;
        }
        Ok(())
    }

    fn failed(&self, source: io::Error) -> ReportError {
        ReportError::Sort { folder: self.folder.clone(), source }
    }

    /// Appends what is gathered to the file as a sorted run.
    fn spill(&mut self) -> io::Result<()> {
        if self.spilled.is_none() {
            self.spilled = Some(Spilled { file: tempfile::tempfile_in(&self.folder)?, ends: Vec::new() });
        }
        let Some(spilled) = &mut self.spilled else { return Ok(()) };
        self.index.sort_unstable();
        let mut out = BufWriter::with_capacity(MAX_BUFFER, &mut spilled.file);
        for &(_, at) in &self.index {
            out.write_all(encoded(&self.packets[at..]))?;
        }
        out.flush()?;
        drop(out);
        spilled.ends.push(spilled.file.stream_position()?);
        self.index.clear();
        self.packets.clear();
        Ok(())
    }
}

/// The runs of a file, merged.
struct Merge<'a> {
    runs: Vec<BufReader<Run<'a>>>,
    /// The first packet of each run that is not given out yet.
    heads: Vec<Vec<u8>>,
    order: BinaryHeap<Reverse<(Key, usize)>>,
    given: Vec<u8>,
}

impl<'a> Merge<'a> {
    fn new(spilled: &'a Spilled) -> io::Result<Self> {
        let count = spilled.ends.len();
        let buffer = (MERGE_BYTES / count.max(1)).clamp(MIN_BUFFER, MAX_BUFFER);
        let starts = std::iter::once(0).chain(spilled.ends.iter().copied());
        let runs = starts.zip(&spilled.ends).map(|(at, &end)| Run { file: &spilled.file, at, end });
        let runs = runs.map(|run| BufReader::with_capacity(buffer, run)).collect();
        let mut merge =
            Self { runs, heads: vec![Vec::new(); count], order: BinaryHeap::with_capacity(count), given: Vec::new() };
        (0..count).try_for_each(|run| merge.advance(run))?;
        Ok(merge)
    }

    /// The next packet in order, encoded.
    fn next(&mut self) -> io::Result<Option<&[u8]>> {
        let Some(Reverse((_, run))) = self.order.pop() else { return Ok(None) };
        std::mem::swap(&mut self.given, &mut self.heads[run]);
        self.advance(run)?;
        Ok(Some(&self.given))
    }

    /// Reads the next packet of a run, if it has one.
    fn advance(&mut self, run: usize) -> io::Result<()> {
        let (reader, head) = (&mut self.runs[run], &mut self.heads[run]);
        if reader.buffer().is_empty() && reader.get_ref().is_at_end() {
            return Ok(());
        }
        head.resize(FIXED, 0);
        reader.read_exact(head)?;
        let length = u32::from_le_bytes(fixed(head, 25)) as usize;
        head.resize(FIXED + length, 0);
        reader.read_exact(&mut head[FIXED..])?;
        self.order.push(Reverse((decode(head)?.key(), run)));
        Ok(())
    }
}

/// A part of a file, read by position, so that all runs share one file descriptor.
struct Run<'a> {
    file: &'a File,
    at: u64,
    end: u64,
}

impl Run<'_> {
    const fn is_at_end(&self) -> bool {
        self.at >= self.end
    }
}

impl Read for Run<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.end - self.at).unwrap_or(usize::MAX);
        let room = buffer.len().min(left);
        let read = self.file.read_at(&mut buffer[..room], self.at)?;
        self.at += read as u64;
        Ok(read)
    }
}

fn encode(out: &mut Vec<u8>, header: &StoredHeader<'_>) {
    out.extend_from_slice(&header.ts.0.to_le_bytes());
    out.extend_from_slice(&header.uid.to_le_bytes());
    out.extend_from_slice(&header.n.to_le_bytes());
    out.extend_from_slice(&header.wire_len.to_le_bytes());
    out.push(header.dir as u8);
    out.extend_from_slice(&(header.bytes.len() as u32).to_le_bytes());
    out.extend_from_slice(header.bytes);
}

/// The packet at the start of `packets`, still encoded.
fn encoded(packets: &[u8]) -> &[u8] {
    let length = u32::from_le_bytes(fixed(packets, 25)) as usize;
    &packets[..FIXED + length]
}

fn decode(packet: &[u8]) -> io::Result<StoredHeader<'_>> {
    let length = u32::from_le_bytes(fixed(packet, 25)) as usize;
    let bytes = packet.get(FIXED..FIXED + length).ok_or(io::ErrorKind::InvalidData)?;
    Ok(StoredHeader {
        ts: Nanos(i64::from_le_bytes(fixed(packet, 0))),
        uid: u64::from_le_bytes(fixed(packet, 8)),
        n: u32::from_le_bytes(fixed(packet, 16)),
        wire_len: u32::from_le_bytes(fixed(packet, 20)),
        dir: if packet[24] == 0 { Direction::Orig } else { Direction::Resp },
        bytes,
    })
}

/// `N` bytes of an encoded packet; what this module encoded is long enough.
fn fixed<const N: usize>(packet: &[u8], at: usize) -> [u8; N] {
    let mut bytes = [0; N];
    bytes.copy_from_slice(&packet[at..at + N]);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sorted(run_bytes: usize, packets: &[(i64, u64, u32)]) -> Vec<(i64, u64, u32, Vec<u8>)> {
        let mut sorter = TimeSorter::new(&std::env::temp_dir(), run_bytes);
        for &(ts, uid, n) in packets {
            let bytes = vec![n as u8; n as usize % 70];
            let dir = if n % 2 == 0 { Direction::Orig } else { Direction::Resp };
            sorter.push(&StoredHeader { ts: Nanos(ts), uid, n, wire_len: n, dir, bytes: &bytes }).unwrap();
        }
        let mut out = Vec::new();
        let mut visit = |header: &StoredHeader<'_>| {
            assert_eq!(header.dir.index() as u32, header.n % 2);
            assert_eq!(header.wire_len, header.n);
            out.push((header.ts.0, header.uid, header.n, header.bytes.to_vec()));
            Ok(())
        };
        sorter.drain(&mut visit).unwrap();
        out
    }

    #[test]
    fn packets_come_back_by_time_however_often_they_went_to_disk() {
        let packets = (0..5000_u64).map(|i| ((i as i64 * 7919) % 1009 - 500, i % 13, i as u32)).collect::<Vec<_>>();
        let in_memory = sorted(RUN_BYTES, &packets);
        assert_eq!(in_memory.len(), packets.len());
        assert!(in_memory.is_sorted_by_key(|packet| (packet.0, packet.1, packet.2)));
        for run_bytes in [0, 1000, 100_000] {
            assert_eq!(sorted(run_bytes, &packets), in_memory, "runs of {run_bytes} bytes");
        }
        assert!(sorted(1000, &[]).is_empty());
    }

    #[test]
    fn a_folder_that_cannot_hold_the_runs_is_named() {
        let mut sorter = TimeSorter::new(Path::new("/nowhere/at/all"), 0);
        let header = StoredHeader { ts: Nanos(0), uid: 0, n: 0, wire_len: 40, dir: Direction::Orig, bytes: &[0; 40] };
        sorter.push(&header).unwrap();
        let error = sorter.push(&header).unwrap_err();
        assert!(error.to_string().contains("/nowhere/at/all") && error.to_string().contains("TMPDIR"));
    }
}
