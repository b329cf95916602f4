//! The pcap format (draft-ietf-opsawg-pcap): a header of 24 bytes, then records.
//!
//! ```text
//! magic u32 | major u16 | minor u16 | zone u32 | sigfigs u32 | snaplen u32 | link type u32 (lower 26 bits)
//! record: seconds u32 | fraction u32 | captured u32 | original u32 | (modified: 8 bytes more) | packet
//! ```
//! Before version 2.3 the two lengths stood the other way round, and in 2.3 sometimes; both as libpcap has it.

use std::io::Read;

use wire::{LinkType, Nanos};

use super::record::{ByteOrder, Fault, Record, bound};
use super::window::Window;

const FILE_HEADER: usize = 24;
const RECORD_HEADER: usize = 16;
/// Of Alexey Kuznetzov's modified format: index of the interface, protocol, packet type.
const MODIFIED_RECORD_HEADER: usize = 24;
/// The link type's bits in its field; above them stands the length of frame check sequences.
const LINK_TYPE_BITS: u32 = 0x03ff_ffff;

/// In which order a record gives its lengths.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lengths {
    CapturedFirst,
    OriginalFirst,
    SmallerIsCaptured,
}

/// A pcap file after its header.
#[derive(Debug)]
pub(super) struct Classic {
    order: ByteOrder,
    /// Nanoseconds of a unit of the fraction.
    unit: i64,
    record_header: usize,
    lengths: Lengths,
    link: LinkType,
    most: u32,
}

/// What a magic number says: byte order, unit of the fraction, length of a record's header.
fn meaning(magic: [u8; 4]) -> Option<(ByteOrder, i64, usize)> {
    let orders = [(ByteOrder::Little, u32::from_le_bytes(magic)), (ByteOrder::Big, u32::from_be_bytes(magic))];
    orders.into_iter().find_map(|(order, number)| match number {
        0xa1b2_c3d4 => Some((order, 1000, RECORD_HEADER)),
        0xa1b2_3c4d => Some((order, 1, RECORD_HEADER)),
        0xa1b2_cd34 => Some((order, 1000, MODIFIED_RECORD_HEADER)),
        _ => None,
    })
}

impl Classic {
    /// Reads the file's header, if the magic number is one of pcap's.
    pub(super) fn open<R: Read>(magic: [u8; 4], window: &mut Window<R>) -> Result<Option<Self>, Fault> {
        let Some((order, unit, record_header)) = meaning(magic) else { return Ok(None) };
        if !window.ensure(FILE_HEADER)? {
            return Err(Fault::Foreign("it ends inside the header of a pcap file".to_owned()));
        }
        let header = window.bytes();
        let version = (order.u16(header, 4), order.u16(header, 6));
        let lengths = match version {
            (2, 0..=2) => Lengths::OriginalFirst,
            (2, 3) => Lengths::SmallerIsCaptured,
            (2, 4) => Lengths::CapturedFirst,
            (major, minor) => return Err(Fault::Foreign(format!("version {major}.{minor} of pcap is not known"))),
        };
        let link = LinkType::from_number(order.u32(header, 20) & LINK_TYPE_BITS);
        let most = bound(order.u32(header, 16));
        window.consume(FILE_HEADER as u64);
        Ok(Some(Self { order, unit, record_header, lengths, link, most }))
    }

    /// The record at the window's start.
    #[inline]
    pub(super) fn next<R: Read>(&self, window: &mut Window<R>) -> Result<Option<Record>, Fault> {
        if !window.ensure(self.record_header)? {
            return if window.is_empty() { Ok(None) } else { Err(Fault::Truncated) };
        }
        let header = window.bytes();
        let [seconds, fraction, first, second] = [0, 4, 8, 12].map(|at| self.order.u32(header, at));
        let (captured, original) = match self.lengths {
            Lengths::CapturedFirst => (first, second),
            Lengths::OriginalFirst => (second, first),
            Lengths::SmallerIsCaptured => (first.min(second), first.max(second)),
        };
        if captured > self.most {
            return Err(Fault::Corrupt(format!("a packet claims to have {captured} bytes")));
        }
        let size = self.record_header + captured as usize;
        if !window.ensure(size)? {
            return Err(Fault::Truncated);
        }
        // Fits: the seconds end in 2106, the fraction adds 71 minutes at most.
        let ts = Nanos(i64::from(seconds) * Nanos::PER_SECOND + i64::from(fraction) * self.unit);
        Ok(Some(Record {
            ts,
            link: self.link,
            wire_len: original.max(captured),
            at: self.record_header,
            len: captured as usize,
            size: size as u64,
        }))
    }
}
