//! The pcapng format (draft-ietf-opsawg-pcapng): sections of blocks.
//!
//! ```text
//! block:   type u32 | length u32 | body, padded to four bytes | length u32
//! section: type 0x0a0d0d0a | length | 0x1a2b3c4d tells the byte order | major u16 | minor u16 | ...
//! ```
//! A section describes its interfaces, and packets name them by number. What was dropped stands in options of packets (since the packet
//! before) or of an interface's statistics (in all); of an interface that has both, the greater counts. Other blocks are skipped, however
//! long they are.

use std::io::Read;

use wire::{LinkType, Nanos};

use super::record::{ByteOrder, Fault, MOST_BYTES, Record, bound};
use super::window::Window;

pub(super) const SECTION: u32 = 0x0a0d_0d0a;
const INTERFACE: u32 = 1;
const OBSOLETE_PACKET: u32 = 2;
const SIMPLE_PACKET: u32 = 3;
const STATISTICS: u32 = 5;
const ENHANCED_PACKET: u32 = 6;

const BYTE_ORDER_MAGIC: u32 = 0x1a2b_3c4d;
/// Type and length before the body, length behind it.
const FRAME: usize = 12;
const BODY: usize = 8;
/// Longest block that is looked into: a packet of the longest kind with as many bytes of options.
const LONGEST_BLOCK: u32 = 2 * MOST_BYTES;
/// Most interfaces of a section: more than one host has, and the obsolete packet block can name.
const MOST_INTERFACES: usize = 65_536;

const OPTION_END: u16 = 0;
const OPTION_TSRESOL: u16 = 9;
const OPTION_TSOFFSET: u16 = 14;
/// Of a packet: what the interface dropped since the packet before.
const OPTION_DROPCOUNT: u16 = 4;
/// Of statistics: what the interface, and the operating system, dropped since the capture began.
const OPTION_IFDROP: u16 = 5;
const OPTION_OSDROP: u16 = 7;

/// A pcapng file, from the section on that is being read.
#[derive(Debug)]
pub(super) struct Ng {
    order: ByteOrder,
    interfaces: Vec<Interface>,
    /// The last timestamp: simple packet blocks have none and get this.
    last: Nanos,
    /// Packets dropped before the last block that was read.
    dropped: u64,
    /// Packets with a timestamp that no [`Nanos`] can say.
    beyond_time: u64,
}

#[derive(Debug)]
struct Interface {
    link: LinkType,
    snaplen: u32,
    clock: Clock,
    drops: Drops,
}

/// What is known of an interface's drops.
#[derive(Clone, Copy, Debug, Default)]
struct Drops {
    /// By its packets, together.
    by_packets: u64,
    /// By its statistics, the latest.
    by_statistics: u64,
}

impl Drops {
    fn all(self) -> u64 {
        self.by_packets.max(self.by_statistics)
    }
}

/// The options of a block, from `at` on: code u16 | length u16 | value, padded to four bytes. A value that reaches beyond the block is
/// `None`, and the last.
struct OptionFields<'a> {
    order: ByteOrder,
    block: &'a [u8],
    at: usize,
}

impl<'a> Iterator for OptionFields<'a> {
    type Item = (u16, Option<&'a [u8]>);

    fn next(&mut self) -> Option<Self::Item> {
        if self.at + 4 > self.block.len() {
            return None;
        }
        let (code, len) = (self.order.u16(self.block, self.at), usize::from(self.order.u16(self.block, self.at + 2)));
        if code == OPTION_END {
            return None;
        }
        let value = self.block.get(self.at + 4..self.at + 4 + len);
        self.at += 4 + len.next_multiple_of(4);
        Some((code, value))
    }
}

/// How an interface counts time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Clock {
    /// Seconds to add.
    offset: i64,
    unit: Unit,
}

/// What a tick is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Unit {
    /// So many nanoseconds.
    Nanos(u64),
    /// A nanosecond divided by this.
    PartOfNano(u128),
    /// A second divided by two to this.
    BinaryPart(u32),
}

impl Clock {
    const DEFAULT: Self = Self { offset: 0, unit: Unit::Nanos(1000) };

    /// `if_tsresol`: a negative power of ten, or, with the highest bit set, of two.
    fn unit(resolution: u8) -> Unit {
        let power = u32::from(resolution & 0x7f);
        if resolution & 0x80 != 0 {
            Unit::BinaryPart(power)
        } else if power <= 9 {
            Unit::Nanos(10_u64.pow(9 - power))
        } else {
            // From 10^39 on, any count of ticks is less than a nanosecond: so it is with the largest divisor, too.
            Unit::PartOfNano(10_u128.checked_pow(power - 9).unwrap_or(u128::MAX))
        }
    }

    /// The instant of `ticks`, rounded down to a nanosecond, and whether it had to be clamped to what [`Nanos`] can say: the ends
    /// themselves mean "before" and "after every packet".
    fn instant(self, ticks: u64) -> (Nanos, bool) {
        let ticks = u128::from(ticks);
        let nanos = match self.unit {
            Unit::Nanos(nanos) => ticks * u128::from(nanos),
            Unit::PartOfNano(divisor) => ticks / divisor,
            // 2^64 ticks times 2^30 nanoseconds do not overflow, and the shift is below 128.
            Unit::BinaryPart(power) => (ticks * Nanos::PER_SECOND as u128) >> power,
        };
        // Both below 2^95.
        let nanos = nanos as i128 + i128::from(self.offset) * i128::from(Nanos::PER_SECOND);
        let clamped = nanos.clamp(i128::from(i64::MIN) + 1, i128::from(i64::MAX) - 1);
        (Nanos(clamped as i64), clamped != nanos)
    }
}

impl Ng {
    /// Starts at the first section header, whose type the caller has seen; [`Self::next`] reads it.
    pub(super) const fn new() -> Self {
        Self { order: ByteOrder::Little, interfaces: Vec::new(), last: Nanos(0), dropped: 0, beyond_time: 0 }
    }

    /// Packets that were dropped before the last block that was read, as far as the file tells.
    pub(super) const fn dropped(&self) -> u64 {
        self.dropped
    }

    /// Packets whose timestamps were clamped, so far.
    pub(super) const fn beyond_time(&self) -> u64 {
        self.beyond_time
    }

    /// The next packet, with its block at the window's start.
    pub(super) fn next<R: Read>(&mut self, window: &mut Window<R>) -> Result<Option<Record>, Fault> {
        loop {
            if !window.ensure(FRAME)? {
                return if window.is_empty() { Ok(None) } else { Err(Fault::Truncated) };
            }
            if self.order.u32(window.bytes(), 0) == SECTION {
                self.begin_section(window.bytes())?;
            }
            let kind = self.order.u32(window.bytes(), 0);
            let size = self.block_size(window, kind)?;
            if let Some(size) = size {
                let block = window.bytes().get(..size - 4).unwrap_or_default();
                if let Some(record) = self.look_into(kind, block)? {
                    return Ok(Some(record));
                }
                window.consume(size as u64);
            }
        }
    }

    /// Learns the byte order from a section header and forgets the interfaces of the section before.
    fn begin_section(&mut self, block: &[u8]) -> Result<(), Fault> {
        let orders = [ByteOrder::Little, ByteOrder::Big];
        let order = orders.into_iter().find(|order| order.u32(block, BODY) == BYTE_ORDER_MAGIC);
        self.order = order.ok_or_else(|| Fault::Corrupt("a section header has no byte order".to_owned()))?;
        self.interfaces.clear();
        Ok(())
    }

    /// The size of the block at the window's start, once all of it is there; `None` for one that was skipped because it is
    /// too long to look into.
    fn block_size<R: Read>(&self, window: &mut Window<R>, kind: u32) -> Result<Option<usize>, Fault> {
        let size = self.order.u32(window.bytes(), 4);
        if (size as usize) < FRAME || !size.is_multiple_of(4) {
            return Err(Fault::Corrupt(format!("a block claims a length of {size}")));
        }
        if size > LONGEST_BLOCK {
            if matches!(kind, SECTION | INTERFACE | OBSOLETE_PACKET | SIMPLE_PACKET | ENHANCED_PACKET) {
                return Err(Fault::Corrupt(format!("a block of type {kind} claims to have {size} bytes")));
            }
            window.consume(u64::from(size));
            return Ok(None);
        }
        let size = size as usize;
        if !window.ensure(size)? {
            return Err(Fault::Truncated);
        }
        let again = self.order.u32(window.bytes(), size - 4) as usize;
        if again != size {
            return Err(Fault::Corrupt(format!("a block's length is {size} at its start and {again} at its end")));
        }
        Ok(Some(size))
    }

    /// What a whole block (less the length at its end) says.
    fn look_into(&mut self, kind: u32, block: &[u8]) -> Result<Option<Record>, Fault> {
        match kind {
            ENHANCED_PACKET => self.enhanced_packet(block).map(Some),
            OBSOLETE_PACKET => self.packet(block, u32::from(self.order.u16(block, 8))).map(Some),
            SIMPLE_PACKET => self.simple_packet(block).map(Some),
            INTERFACE => self.describe_interface(block).map(|()| None),
            STATISTICS => {
                self.take_statistics(block);
                Ok(None)
            }
            SECTION => self.check_version(block).map(|()| None),
            _ => Ok(None),
        }
    }

    fn check_version(&self, block: &[u8]) -> Result<(), Fault> {
        match self.order.u16(block, 12) {
            1 => Ok(()),
            major => Err(Fault::Corrupt(format!("version {major} of pcapng is not known"))),
        }
    }

    /// ```text
    /// link type u16 | reserved u16 | snaplen u32 | options: (code u16 | length u16 | value, padded to four bytes)...
    /// ```
    fn describe_interface(&mut self, block: &[u8]) -> Result<(), Fault> {
        const OPTIONS: usize = 16;
        if block.len() < OPTIONS || self.interfaces.len() >= MOST_INTERFACES {
            return Err(Fault::Corrupt("an interface description is too short, or one too many".to_owned()));
        }
        let link = LinkType::from_number(u32::from(self.order.u16(block, 8)));
        let mut clock = Clock::DEFAULT;
        for option in self.options(block, OPTIONS) {
            match option {
                (_, None) => return Err(Fault::Corrupt("an option reaches beyond its block".to_owned())),
                (OPTION_TSRESOL, Some([resolution])) => clock.unit = Clock::unit(*resolution),
                (OPTION_TSOFFSET, Some(value)) if value.len() == 8 => clock.offset = self.u64(value) as i64,
                _ => {}
            }
        }
        let snaplen = self.order.u32(block, 12);
        self.interfaces.push(Interface { link, snaplen, clock, drops: Drops::default() });
        Ok(())
    }

    const fn options<'a>(&self, block: &'a [u8], at: usize) -> OptionFields<'a> {
        OptionFields { order: self.order, block, at }
    }

    fn u64(&self, value: &[u8]) -> u64 {
        let halves = [self.order.u32(value, 0), self.order.u32(value, 4)];
        let [low, high] = if self.order == ByteOrder::Little { halves } else { [halves[1], halves[0]] };
        u64::from(high) << 32 | u64::from(low)
    }

    /// The sum of the counts among the options that have one of these codes.
    fn sum(&self, block: &[u8], at: usize, codes: &[u16]) -> u64 {
        let counts = self.options(block, at).filter(|(code, _)| codes.contains(code));
        let counts =
            counts.filter_map(|(_, value)| value.filter(|value| value.len() == 8).map(|value| self.u64(value)));
        counts.fold(0, u64::saturating_add)
    }

    /// ```text
    /// interface u32 | ticks, upper u32 | ticks, lower u32 | options
    /// ```
    /// Statistics of no interface, or without a count, tell nothing.
    fn take_statistics(&mut self, block: &[u8]) {
        const OPTIONS: usize = 20;
        let dropped = self.sum(block, OPTIONS, &[OPTION_IFDROP, OPTION_OSDROP]);
        let interface = self.order.u32(block, BODY);
        self.note_drops(interface, |drops| drops.by_statistics = drops.by_statistics.max(dropped));
    }

    fn note_drops(&mut self, interface: u32, note: impl FnOnce(&mut Drops)) {
        if let Some(interface) = self.interfaces.get_mut(interface as usize) {
            let before = interface.drops.all();
            note(&mut interface.drops);
            self.dropped = self.dropped.saturating_add(interface.drops.all() - before);
        }
    }

    /// A packet with options, which may tell of drops before it.
    fn enhanced_packet(&mut self, block: &[u8]) -> Result<Record, Fault> {
        let interface = self.order.u32(block, 8);
        let record = self.packet(block, interface)?;
        let options = record.at + record.len.next_multiple_of(4);
        if options < block.len() {
            let dropped = self.sum(block, options, &[OPTION_DROPCOUNT]);
            self.note_drops(interface, |drops| drops.by_packets = drops.by_packets.saturating_add(dropped));
        }
        Ok(record)
    }

    /// An enhanced packet block, or an obsolete one, which differs in its first four bytes (interface u16, drops u16) alone.
    /// ```text
    /// interface u32 | ticks, upper u32 | ticks, lower u32 | captured u32 | original u32 | packet | options
    /// ```
    fn packet(&mut self, block: &[u8], interface: u32) -> Result<Record, Fault> {
        const PACKET: usize = 28;
        let interface = self.interfaces.get(interface as usize);
        let interface = interface.ok_or_else(|| Fault::Corrupt("a packet's interface was not described".to_owned()))?;
        let [upper, lower, captured, original] = [12, 16, 20, 24].map(|at| self.order.u32(block, at));
        let room = block.len().checked_sub(PACKET);
        if captured > bound(interface.snaplen) || room.is_none_or(|room| captured as usize > room) {
            return Err(Fault::Corrupt(format!("a packet claims to have {captured} bytes")));
        }
        let (ts, is_clamped) = interface.clock.instant(u64::from(upper) << 32 | u64::from(lower));
        self.last = ts;
        self.beyond_time += u64::from(is_clamped);
        Ok(Record {
            ts: self.last,
            link: interface.link,
            wire_len: original.max(captured),
            at: PACKET,
            len: captured as usize,
            size: block.len() as u64 + 4,
        })
    }

    /// ```text
    /// original u32 | packet, as long as the first interface's snapshot length allows
    /// ```
    fn simple_packet(&self, block: &[u8]) -> Result<Record, Fault> {
        const PACKET: usize = 12;
        let interface = self.interfaces.first();
        let interface = interface.ok_or_else(|| Fault::Corrupt("a packet's interface was not described".to_owned()))?;
        let original = self.order.u32(block, 8);
        let limit = if interface.snaplen == 0 { u32::MAX } else { interface.snaplen };
        let len = (block.len().saturating_sub(PACKET)).min(original.min(limit) as usize);
        if block.len() < PACKET || len > bound(interface.snaplen) as usize {
            return Err(Fault::Corrupt("a packet's block is too short or too long".to_owned()));
        }
        let size = block.len() as u64 + 4;
        Ok(Record { ts: self.last, link: interface.link, wire_len: original, at: PACKET, len, size })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn instant(resolution: u8, offset: i64, ticks: u64) -> i64 {
        Clock { offset, unit: Clock::unit(resolution) }.instant(ticks).0.0
    }

    #[test]
    fn every_resolution_is_exact_to_the_nanosecond() {
        assert_eq!(instant(6, 0, 1_234_567), 1_234_567_000);
        assert_eq!(instant(9, 0, 1_234_567), 1_234_567);
        assert_eq!(instant(0, 0, 7), 7_000_000_000);
        assert_eq!(instant(12, 0, 1_234_999), 1_234);
        assert_eq!(instant(0x80 | 10, 0, 1025), 1_000_976_562);
        assert_eq!(instant(0x80 | 32, 0, (5 << 32) + (1 << 31)), 5_500_000_000);
        assert_eq!(instant(0x80, 0, 3), 3_000_000_000);
        assert_eq!(instant(9, -2, 500), -1_999_999_500);
    }

    #[test]
    fn instants_beyond_the_range_are_clamped_short_of_the_ends_and_said_to_be() {
        assert_eq!(instant(0, 0, u64::MAX), i64::MAX - 1);
        assert_eq!(instant(9, i64::MIN, 0), i64::MIN + 1);
        assert_eq!(instant(9, -9_223_372_037, 0), i64::MIN + 1);
        let clock = |offset| Clock { offset, unit: Clock::unit(9) };
        assert!(clock(-9_223_372_037).instant(0).1 && !clock(-9_223_372_036).instant(0).1);
        for resolution in 0..=u8::MAX {
            for (offset, ticks) in [(i64::MAX, u64::MAX), (i64::MIN, 0), (0, u64::MAX)] {
                instant(resolution, offset, ticks);
            }
        }
        assert_eq!(instant(127, 0, u64::MAX), 0);
        assert_eq!(instant(0xff, 0, u64::MAX), 0);
    }
}
