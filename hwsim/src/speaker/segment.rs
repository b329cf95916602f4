//! A segment between two speakers.

use wire::{TcpFlags, Timestamps};

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
    /// The ECN field of its IP header.
    pub ecn: Codepoint,
    /// Timestamps option.
    pub timestamps: Option<Timestamps>,
    /// What a SYN offers.
    pub offer: Option<Offer>,
    /// SACK blocks, in the receiver's space.
    pub sack: Blocks,
    /// Why it was sent.
    pub cause: Cause,
}

impl Segment {
    /// Position after its last byte, SYN and FIN included.
    #[must_use]
    pub fn end(&self) -> u64 {
        self.first_byte() + u64::from(self.len) + u64::from(self.flags.fin())
    }

    /// Position of its first payload byte: the SYN takes one before it.
    #[must_use]
    pub fn first_byte(&self) -> u64 {
        self.seq + u64::from(self.flags.syn())
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
        let sack = if self.sack.count > 0 { 4 + 8 * u32::from(self.sack.count) } else { 0 };
        u32::from(self.len) + 40 + timestamps + sack
    }
}

/// Why a speaker sent a segment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Cause {
    /// Something new, or nothing but an acknowledgment.
    #[default]
    New,
    /// Duplicate acknowledgments or SACK blocks said that it was lost (RFC 5681, 3.2; RFC 6675).
    Fast,
    /// The retransmission timer fired (RFC 6298), for it or for something before it.
    Timeout,
    /// A SYN or SYN-ACK again: nothing answered it in time, or the peer's came again.
    Syn,
    /// The data of a SYN again: the SYN-ACK left it out (RFC 7413).
    SynData,
    /// A FIN without data again.
    Fin,
    /// It asks whether a window that was closed has opened (RFC 9293, 3.8.6.1).
    Probe,
    /// It asks whether a silent peer is alive (RFC 9293, 3.8.4).
    KeepAlive,
}

impl Cause {
    /// All of them but [`Self::New`], in the order of their columns.
    pub const AGAIN: [Self; 7] =
        [Self::Fast, Self::Timeout, Self::Syn, Self::SynData, Self::Fin, Self::Probe, Self::KeepAlive];

    /// Its name in the truth.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Fast => "fast",
            Self::Timeout => "timeout",
            Self::Syn => "syn",
            Self::SynData => "syn_data",
            Self::Fin => "fin",
            Self::Probe => "probe",
            Self::KeepAlive => "keepalive",
        }
    }
}

/// The ECN field of an IP header (RFC 3168, 5).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u8)]
pub enum Codepoint {
    /// Its transport knows nothing of ECN.
    #[default]
    NotEct = 0,
    /// A queue may mark it instead of dropping it.
    Ect0 = 2,
    /// A queue has marked it.
    Ce = 3,
}

/// The options of a SYN or SYN-ACK.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Offer {
    /// Maximum segment size.
    pub mss: u16,
    /// Window scale.
    pub wscale: Option<u8>,
    /// SACK permitted.
    pub sack: bool,
    /// The cookie of TCP Fast Open (RFC 7413).
    pub cookie: Option<[u8; 8]>,
}

/// SACK blocks (RFC 2018): ranges of positions that have arrived, the first one perhaps a duplicate (RFC 2883).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Blocks {
    blocks: [(u64, u64); Self::MOST],
    count: u8,
}

impl Blocks {
    /// As many as fit beside timestamps.
    pub const MOST: usize = 3;

    /// Adds a block, if there is room.
    pub fn push(&mut self, block: (u64, u64)) {
        if let Some(free) = self.blocks.get_mut(usize::from(self.count)) {
            *free = block;
            self.count += 1;
        }
    }

    /// The blocks.
    #[must_use]
    pub fn as_slice(&self) -> &[(u64, u64)] {
        &self.blocks[..usize::from(self.count).min(Self::MOST)]
    }
}
