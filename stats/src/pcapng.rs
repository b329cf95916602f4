//! Writes pcapng (draft-ietf-opsawg-pcapng): one section, one interface of raw IP (LINKTYPE_RAW, 101) with timestamps in
//! nanoseconds (`if_tsresol` 9), then a packet block for each header.
//!
//! ```text
//! section header   0x0a0d0d0a | length | 0x1a2b3c4d | 1.0 | section length -1 | shb_userappl | end | length
//! interface        0x00000001 | length | 101, 0 | snaplen 0 (none) | if_description | if_tsresol | if_tsoffset | end | length
//! packet           0x00000006 | length | interface 0 | time high, low | captured, original length | bytes, padded to 4 |
//!                  opt_comment | end | length
//! ```
//!
//! A packet's time is unsigned, so the years before 1970, which a damaged capture may claim, are reached by `if_tsoffset`,
//! which is there only then.

use std::io::{self, Write};

use wire::Nanos;

const SECTION: u32 = 0x0a0d_0d0a;
const INTERFACE: u32 = 1;
const PACKET: u32 = 6;
const BYTE_ORDER: u32 = 0x1a2b_3c4d;
const LINKTYPE_RAW: u16 = 101;
const OPT_END: u16 = 0;
const OPT_COMMENT: u16 = 1;
const IF_DESCRIPTION: u16 = 3;
const SHB_USERAPPL: u16 = 4;
const IF_TSRESOL: u16 = 9;
const IF_TSOFFSET: u16 = 14;

/// Writes one pcapng section.
#[derive(Debug)]
pub struct PcapngWriter<W> {
    out: W,
    block: Vec<u8>,
    /// What packet times count from.
    base: Nanos,
}

impl<W: Write> PcapngWriter<W> {
    /// Writes the section and its interface, described by `description`. No packet may be earlier than `earliest`.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn new(mut out: W, description: &str, earliest: Nanos) -> io::Result<Self> {
        let offset = earliest.split().0.min(0);
        let mut block = Vec::new();

        begin(&mut block, SECTION);
        block.extend_from_slice(&BYTE_ORDER.to_le_bytes());
        block.extend_from_slice(&1_u16.to_le_bytes());
        block.extend_from_slice(&0_u16.to_le_bytes());
        block.extend_from_slice(&(-1_i64).to_le_bytes());
        option(&mut block, SHB_USERAPPL, concat!("conntrack-report ", env!("CARGO_PKG_VERSION")).as_bytes());
        end_options(&mut block);
        out.write_all(end(&mut block))?;

        begin(&mut block, INTERFACE);
        block.extend_from_slice(&LINKTYPE_RAW.to_le_bytes());
        block.extend_from_slice(&0_u16.to_le_bytes());
        block.extend_from_slice(&0_u32.to_le_bytes());
        if !description.is_empty() {
            option(&mut block, IF_DESCRIPTION, description.as_bytes());
        }
        option(&mut block, IF_TSRESOL, &[9]);
        if offset < 0 {
            option(&mut block, IF_TSOFFSET, &offset.to_le_bytes());
        }
        end_options(&mut block);
        out.write_all(end(&mut block))?;

        Ok(Self { out, block, base: Nanos::from_secs(offset) })
    }

    /// Writes a packet of `original_len` bytes, of which `bytes` were captured.
    ///
    /// # Errors
    /// Those of the output.
    pub fn packet(&mut self, ts: Nanos, original_len: u32, bytes: &[u8], comment: Option<&str>) -> io::Result<()> {
        // i128, because the distance from the base may exceed an i64; a packet before the base would break the promise of `new`.
        let time = u64::try_from(i128::from(ts.0) - i128::from(self.base.0)).unwrap_or(0);
        let captured = u32::try_from(bytes.len()).map_err(io::Error::other)?;
        begin(&mut self.block, PACKET);
        for field in [0, (time >> 32) as u32, time as u32, captured, original_len.max(captured)] {
            self.block.extend_from_slice(&field.to_le_bytes());
        }
        self.block.extend_from_slice(bytes);
        pad(&mut self.block);
        if let Some(comment) = comment {
            option(&mut self.block, OPT_COMMENT, comment.as_bytes());
            end_options(&mut self.block);
        }
        self.out.write_all(end(&mut self.block))
    }

    /// Writes what a buffer below may still hold.
    ///
    /// # Errors
    /// Those of the output.
    pub fn finish(mut self) -> io::Result<()> {
        self.out.flush()
    }
}

fn begin(block: &mut Vec<u8>, kind: u32) {
    block.clear();
    block.extend_from_slice(&kind.to_le_bytes());
    block.extend_from_slice(&0_u32.to_le_bytes());
}

/// Closes the block: its length at its start and at its end.
fn end(block: &mut Vec<u8>) -> &[u8] {
    let length = (block.len() as u32 + 4).to_le_bytes();
    block.extend_from_slice(&length);
    block[4..8].copy_from_slice(&length);
    block
}

/// Appends an option; the 65,535 bytes that fit are far more than any text here has, longer ones are cut.
fn option(block: &mut Vec<u8>, code: u16, value: &[u8]) {
    let length = u16::try_from(value.len()).unwrap_or(u16::MAX);
    block.extend_from_slice(&code.to_le_bytes());
    block.extend_from_slice(&length.to_le_bytes());
    block.extend_from_slice(&value[..usize::from(length)]);
    pad(block);
}

fn end_options(block: &mut Vec<u8>) {
    option(block, OPT_END, &[]);
}

/// Fills up to 32 bits. Blocks start on such a border, so the length within the block tells.
fn pad(block: &mut Vec<u8>) {
    block.resize(block.len().next_multiple_of(4), 0);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Kind and content (without its lengths) of each block.
    fn blocks(mut file: &[u8]) -> Vec<(u32, Vec<u8>)> {
        let word = |at: usize, file: &[u8]| u32::from_le_bytes(file[at..at + 4].try_into().unwrap());
        let mut blocks = Vec::new();
        while !file.is_empty() {
            let length = word(4, file) as usize;
            assert_eq!((length % 4, word(length - 4, file) as usize), (0, length));
            blocks.push((word(0, file), file[8..length - 4].to_vec()));
            file = &file[length..];
        }
        blocks
    }

    fn written(description: &str, earliest: Nanos, packets: &[(Nanos, u32, &[u8])]) -> Vec<(u32, Vec<u8>)> {
        let mut file = Vec::new();
        let mut writer = PcapngWriter::new(&mut file, description, earliest).unwrap();
        for (ts, length, bytes) in packets {
            writer.packet(*ts, *length, bytes, None).unwrap();
        }
        writer.finish().unwrap();
        blocks(&file)
    }

    #[test]
    fn an_interface_states_raw_ip_and_nanoseconds() {
        let blocks = written("", Nanos(5), &[]);
        assert_eq!(blocks.iter().map(|block| block.0).collect::<Vec<_>>(), [SECTION, INTERFACE]);
        assert_eq!(blocks[1].1, [101, 0, 0, 0, 0, 0, 0, 0, 9, 0, 1, 0, 9, 0, 0, 0, 0, 0, 0, 0]);
    }

    #[test]
    fn a_packet_keeps_its_bytes_its_time_and_its_original_length() {
        let ts = Nanos(0x1234_5678_9abc_def0);
        let blocks = written("link", ts, &[(ts, 1500, &[0x45, 1, 2, 3, 4])]);
        let mut expected = Vec::new();
        for word in [0, 0x1234_5678, 0x9abc_def0, 5, 1500_u32] {
            expected.extend(word.to_le_bytes());
        }
        expected.extend([0x45, 1, 2, 3, 4, 0, 0, 0]);
        assert_eq!(blocks[2], (PACKET, expected));
    }

    #[test]
    fn no_original_length_is_below_the_captured_one() {
        let blocks = written("", Nanos(0), &[(Nanos(0), 0, &[0; 40])]);
        assert_eq!(blocks[2].1[16..20], 40_u32.to_le_bytes());
    }

    #[test]
    fn times_before_1970_count_from_an_offset() {
        let (early, late) = (Nanos(-1_500_000_000), Nanos(1));
        let blocks = written("", early, &[(early, 40, &[]), (late, 40, &[])]);
        let offset: &[u8] = &(-2_i64).to_le_bytes();
        assert_eq!(&blocks[1].1[20..28], offset);
        assert_eq!(blocks[2].1[8..12], 500_000_000_u32.to_le_bytes());
        assert_eq!(blocks[3].1[8..12], 2_000_000_001_u32.to_le_bytes());
        written("", Nanos::MIN, &[(Nanos::MIN, 40, &[]), (Nanos::MAX, 40, &[])]);
    }
}
