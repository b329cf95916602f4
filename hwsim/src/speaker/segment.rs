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
}
