//! What a speaker's TCP is like, and what two of them agree on.

use super::segment::Offer;

/// Whose TCP a speaker runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stack {
    /// Ours, which can do everything here.
    Native,
    /// smoltcp, for a second opinion. Of a profile it heeds segment size, receive buffer and chance.
    Smoltcp,
}

/// What a speaker's TCP is like.
#[derive(Clone, Copy, Debug)]
pub struct Profile {
    /// Whose TCP it is.
    pub stack: Stack,
    /// Maximum segment size that it announces.
    pub mss: u16,
    /// Window scale that it offers.
    pub wscale: Option<u8>,
    /// It offers timestamps.
    pub timestamps: bool,
    /// It permits SACK.
    pub sack: bool,
    /// It offers, and agrees to, explicit congestion notification.
    pub ecn: bool,
    /// Receive buffer, bytes.
    pub window: u32,
    /// What its retransmission timeout exceeds the smoothed round trip by, at least, ns.
    pub rto_floor: i64,
    /// Its probes of a closed window and its keep-alives carry a byte, as BSD's and Windows' do; otherwise they are empty, as Linux's.
    pub probes_with_byte: bool,
    /// As a responder it answers with SYN cookies, and has no memory of what the SYN offered.
    pub syn_cookies: bool,
    /// Initial sequence number.
    pub isn: u32,
    /// Its timestamp clock at the epoch.
    pub clock: u32,
    /// Its first IPv4 identification.
    pub ip_id: u16,
}

impl Profile {
    /// What its SYN offers.
    pub(super) const fn offer(&self) -> Offer {
        Offer { mss: self.mss, wscale: self.wscale, sack: self.sack, cookie: None }
    }
}

/// What two speakers agree on in their SYNs, as one of them sees it.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Agreed {
    /// By how much this speaker's window fields are scaled, and the peer's.
    pub(super) scales: Option<(u8, u8)>,
    pub(super) timestamps: bool,
    pub(super) sack: bool,
    /// Payload bytes of a full segment.
    pub(super) payload: u16,
}

impl Agreed {
    /// What `own` agrees on with a peer that offers this, and timestamps or not.
    pub(super) fn with(own: &Profile, peer: &Offer, peer_timestamps: bool) -> Self {
        const TIMESTAMPS_LEN: u16 = 12;
        let timestamps = own.timestamps && peer_timestamps;
        let mss = own.mss.min(peer.mss);
        Self {
            scales: own.wscale.zip(peer.wscale),
            timestamps,
            sack: own.sack && peer.sack,
            payload: if timestamps { mss - TIMESTAMPS_LEN.min(mss) } else { mss },
        }
    }
}
