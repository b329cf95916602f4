//! Capture files of the pcapng format (draft-ietf-opsawg-pcapng), streamed.
//!
//! One section in little-endian order, an interface a queue of the device with timestamps in nanoseconds, a packet block a frame. Where
//! the device has counted losses, the next packet says how many (`epb_dropcount`), and statistics at the end say how many in all.

use std::io::{self, Write};

use wire::Nanos;

use crate::hardware::{Captured, QueueCounters};

const SECTION_HEADER: u32 = 0x0a0d_0d0a;
const INTERFACE_DESCRIPTION: u32 = 1;
const INTERFACE_STATISTICS: u32 = 5;
const ENHANCED_PACKET: u32 = 6;

const BYTE_ORDER_MAGIC: u32 = 0x1a2b_3c4d;
const ETHERNET: u32 = 1;

/// Options, by the block that they stand in.
const IF_NAME: u16 = 2;
const IF_TSRESOL: u16 = 9;
const EPB_DROPCOUNT: u16 = 4;
const ISB_IFRECV: u16 = 4;
const ISB_IFDROP: u16 = 5;

/// Writes a pcapng file of Ethernet frames.
#[derive(Debug)]
pub struct Writer<W> {
    out: W,
    /// The block that is being put together.
    block: Vec<u8>,
    /// Losses of each interface that have been written.
    dropped: Vec<u64>,
    last: Nanos,
}

impl<W: Write> Writer<W> {
    /// Starts a file by its section and its interfaces.
    ///
    /// # Errors
    /// Those of the output.
    pub fn new(out: W, interfaces: &[String], snaplen: u32) -> io::Result<Self> {
        /// As many decimal places as nanoseconds have.
        const NANOSECONDS: u8 = 9;
        let mut writer = Self { out, block: Vec::new(), dropped: vec![0; interfaces.len()], last: Nanos(0) };
        writer.begin(SECTION_HEADER);
        writer.word(BYTE_ORDER_MAGIC);
        writer.block.extend_from_slice(&[1, 0, 0, 0]);
        // The length of the section is not known beforehand.
        writer.block.extend_from_slice(&[0xff; 8]);
        writer.finish()?;
        for name in interfaces {
            writer.begin(INTERFACE_DESCRIPTION);
            writer.word(ETHERNET);
            writer.word(snaplen);
            writer.option(IF_NAME, name.as_bytes());
            writer.option(IF_TSRESOL, &[NANOSECONDS]);
            writer.end_options();
            writer.finish()?;
        }
        Ok(writer)
    }

    /// Appends a frame; `dropped` is what its queue had counted as lost when it came.
    ///
    /// # Errors
    /// Those of the output.
    pub fn write(&mut self, frame: &Captured<'_>, dropped: u64) -> io::Result<()> {
        self.last = frame.ts;
        self.begin(ENHANCED_PACKET);
        self.word(frame.queue as u32);
        self.timestamp(frame.ts);
        self.word(frame.bytes.len() as u32);
        self.word(frame.wire_len);
        self.block.extend_from_slice(frame.bytes);
        self.pad();
        let new = self
            .dropped
            .get_mut(frame.queue)
            .map_or(0, |known| dropped.saturating_sub(std::mem::replace(known, dropped)));
        if new > 0 {
            self.option(EPB_DROPCOUNT, &new.to_le_bytes());
            self.end_options();
        }
        self.finish()
    }

    /// Appends the statistics of the interfaces, and gives the output, all blocks handed over to it.
    ///
    /// # Errors
    /// Those of the output.
    pub fn into_inner(mut self, counters: impl Iterator<Item = QueueCounters>) -> io::Result<W> {
        for (interface, counters) in counters.enumerate() {
            self.begin(INTERFACE_STATISTICS);
            self.word(interface as u32);
            self.timestamp(self.last);
            self.option(ISB_IFRECV, &counters.offered.to_le_bytes());
            self.option(ISB_IFDROP, &counters.dropped().to_le_bytes());
            self.end_options();
            self.finish()?;
        }
        Ok(self.out)
    }

    /// Begins a block; its length is filled in by [`Self::finish`].
    fn begin(&mut self, kind: u32) {
        self.block.clear();
        self.word(kind);
        self.word(0);
    }

    fn word(&mut self, value: u32) {
        self.block.extend_from_slice(&value.to_le_bytes());
    }

    /// Nanoseconds since 1970, the upper half first.
    fn timestamp(&mut self, ts: Nanos) {
        let ts = ts.0 as u64;
        self.word((ts >> 32) as u32);
        self.word(ts as u32);
    }

    fn option(&mut self, code: u16, value: &[u8]) {
        self.block.extend_from_slice(&code.to_le_bytes());
        self.block.extend_from_slice(&(value.len() as u16).to_le_bytes());
        self.block.extend_from_slice(value);
        self.pad();
    }

    fn end_options(&mut self) {
        self.word(0);
    }

    /// To a whole number of words.
    fn pad(&mut self) {
        self.block.resize(self.block.len().next_multiple_of(4), 0);
    }

    fn finish(&mut self) -> io::Result<()> {
        let length = (self.block.len() + 4) as u32;
        self.word(length);
        self.block[4..8].copy_from_slice(&length.to_le_bytes());
        self.out.write_all(&self.block)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn blocks(bytes: &[u8]) -> Vec<(u32, Vec<u8>)> {
        let word = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap());
        let mut blocks = Vec::new();
        let mut at = 0;
        while at < bytes.len() {
            let length = word(at + 4) as usize;
            assert_eq!((length % 4, word(at + length - 4) as usize), (0, length), "at {at}");
            blocks.push((word(at), bytes[at + 8..at + length - 4].to_vec()));
            at += length;
        }
        blocks
    }

    #[test]
    fn a_file_has_an_interface_a_queue_and_says_what_each_has_lost() {
        let mut writer = Writer::new(Vec::new(), &["a".to_owned(), "sim:b".to_owned()], 96).unwrap();
        let frame = |queue, ts| Captured { queue, ts: Nanos(ts), bytes: &[1, 2, 3, 4, 5], wire_len: 60 };
        writer.write(&frame(1, 0x0000_0002_0000_0007), 0).unwrap();
        writer.write(&frame(1, 0x0000_0002_0000_0008), 3).unwrap();
        writer.write(&frame(1, 0x0000_0002_0000_0009), 3).unwrap();
        let counters = [QueueCounters::default(), QueueCounters { offered: 6, lost: 1, overflowed: 2 }];
        let blocks = blocks(&writer.into_inner(counters.into_iter()).unwrap());
        let kinds: Vec<u32> = blocks.iter().map(|(kind, _)| *kind).collect();
        assert_eq!(kinds, [SECTION_HEADER, 1, 1, 6, 6, 6, 5, 5]);
        assert_eq!(
            blocks[2].1[8..],
            [2, 0, 5, 0, b's', b'i', b'm', b':', b'b', 0, 0, 0, 9, 0, 1, 0, 9, 0, 0, 0, 0, 0, 0, 0]
        );
        assert_eq!(blocks[3].1[..20], [1, 0, 0, 0, 2, 0, 0, 0, 7, 0, 0, 0, 5, 0, 0, 0, 60, 0, 0, 0]);
        assert_eq!(blocks[3].1[20..], [1, 2, 3, 4, 5, 0, 0, 0], "without loss there are no options");
        assert_eq!(blocks[4].1[28..], [4, 0, 8, 0, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        assert_eq!(blocks[5].1.len(), 28, "a loss is told once");
        assert_eq!(blocks[7].1[12..24], [4, 0, 8, 0, 6, 0, 0, 0, 0, 0, 0, 0]);
        assert_eq!(blocks[7].1[24..], [5, 0, 8, 0, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    }
}
