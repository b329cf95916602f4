//! A segment between two speakers.

use wire::{SackBlock, TcpFlags, Timestamps};

/// A segment as its sender made it. Positions are offsets in the sequence space of a speaker, which starts with the SYN at 0 and
/// never wraps; they become sequence numbers only in the frame.
#[derive(Clone, Copy, Debug, Default)]
pub struct Segment {
    /// Position of its first byte in its sender's space.
    pub seq: u64,
    /// The position in the receiver's space that its sender expects next; meaningful with ACK.
    pub ack: u64,
    /// Bytes of payload.
    pub len: u16,
    /// The window field.
    pub window: u16,
    /// IPv4 identification.
    pub ip_id: u16,
    /// Control bits.
    pub flags: TcpFlags,
    /// Timestamps option.
    pub timestamps: Option<Timestamps>,
    /// SACK blocks, already as sequence numbers.
    pub sack: [SackBlock; 2],
    /// How many of them there are.
    pub sack_count: u8,
}

impl Segment {
    /// Position after its last byte, SYN and FIN included.
    #[must_use]
    pub fn end(&self) -> u64 {
        self.seq + u64::from(self.len) + u64::from(self.flags.syn()) + u64::from(self.flags.fin())
    }

    /// Bytes that it takes on a line of Ethernet, as a link reckons: 20 of IPv4, 20 of TCP, and 38 of frame, preamble and gap.
    #[must_use]
    pub fn line_len(&self) -> u32 {
        u32::from(self.len) + 78
    }

    /// Length of its IP datagram over IPv4, timestamps and SACK blocks counted.
    #[must_use]
    pub fn ip_len(&self) -> u32 {
        let timestamps = if self.timestamps.is_some() { 12 } else { 0 };
        let sack = if self.sack_count > 0 { 4 + 8 * u32::from(self.sack_count) } else { 0 };
        u32::from(self.len) + 40 + timestamps + sack
    }
}
