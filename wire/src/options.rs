//! What a segment's TCP options said, flat.

use serde::{Deserialize, Serialize};

use crate::SeqNum;

/// Which options a segment carried (IANA, TCP Option Kind Numbers), as a set of bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct OptionSet(pub u16);

impl OptionSet {
    /// Maximum segment size, kind 2 (RFC 9293, 3.7.1).
    pub const MSS: Self = Self(1 << 0);
    /// Window scale, kind 3 (RFC 7323).
    pub const WINDOW_SCALE: Self = Self(1 << 1);
    /// SACK permitted, kind 4 (RFC 2018).
    pub const SACK_PERMITTED: Self = Self(1 << 2);
    /// SACK blocks, kind 5 (RFC 2018).
    pub const SACK: Self = Self(1 << 3);
    /// Timestamps, kind 8 (RFC 7323).
    pub const TIMESTAMPS: Self = Self(1 << 4);
    /// TCP MD5 (kind 19, RFC 2385) or TCP-AO (kind 29, RFC 5925).
    pub const AUTHENTICATION: Self = Self(1 << 5);
    /// Multipath TCP, kind 30 (RFC 8684).
    pub const MPTCP: Self = Self(1 << 6);
    /// TCP Fast Open, kind 34 (RFC 7413), or kind 254 with the magic 0xF989 of its experiment.
    pub const FAST_OPEN: Self = Self(1 << 7);
    /// Accurate ECN, kinds 172 and 174 (RFC 9768).
    pub const ACCURATE_ECN: Self = Self(1 << 8);
    /// User timeout, kind 28 (RFC 5482).
    pub const USER_TIMEOUT: Self = Self(1 << 9);
    /// Any kind that has no bit of its own.
    pub const OTHER: Self = Self(1 << 10);
    /// The list breaks the rules of RFC 9293, 3.1: a length of 0 or 1, one beyond the header, or one that is wrong for its kind.
    pub const MALFORMED: Self = Self(1 << 14);
    /// The capture ends before the list does.
    pub const TRUNCATED: Self = Self(1 << 15);

    /// Whether every bit of `other` is set.
    #[must_use]
    pub const fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Adds the bits of `other`.
    pub const fn insert(&mut self, other: Self) {
        self.0 |= other.0;
    }
}

/// The timestamps option (RFC 7323, 3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timestamps {
    /// The sender's clock.
    pub value: u32,
    /// The peer's clock, echoed; significant with ACK.
    pub echo: u32,
}

/// A block of the SACK option (RFC 2018, 3): bytes `left..right` have been received.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SackBlock {
    /// First sequence number of the block.
    pub left: SeqNum,
    /// The sequence number after the block's last.
    pub right: SeqNum,
}
