//! One of the two speakers of a connection.

use wire::{Nanos, Timestamps};

use super::Segment;
use super::receiver::Receiver;
use super::script::Act;
use super::sender::Sender;

/// What a speaker's TCP is like.
#[derive(Clone, Copy, Debug)]
pub struct Profile {
    /// Maximum segment size that it announces.
    pub mss: u16,
    /// Window scale that it offers.
    pub wscale: Option<u8>,
    /// It offers timestamps.
    pub timestamps: bool,
    /// It permits SACK.
    pub sack: bool,
    /// Receive buffer, bytes.
    pub window: u32,
    /// Initial sequence number.
    pub isn: u32,
    /// Its timestamp clock at the epoch.
    pub clock: u32,
    /// Its first IPv4 identification.
    pub ip_id: u16,
}

/// What both speakers' SYNs offer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Agreed {
    pub(super) scaling: bool,
    pub(super) timestamps: bool,
    pub(super) sack: bool,
    /// Payload bytes of a full segment.
    pub(super) payload: u16,
}

impl Agreed {
    pub(super) fn between(one: &Profile, other: &Profile) -> Self {
        const TIMESTAMPS_LEN: u16 = 12;
        let timestamps = one.timestamps && other.timestamps;
        let mss = one.mss.min(other.mss);
        Self {
            scaling: one.wscale.is_some() && other.wscale.is_some(),
            timestamps,
            sack: one.sack && other.sack,
            payload: if timestamps { mss - TIMESTAMPS_LEN.min(mss) } else { mss },
        }
    }
}

/// How far a speaker is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// Waits for a SYN and will answer it.
    Listening,
    /// Answers a SYN with a reset.
    Refusing,
    /// Answers nothing.
    Deaf,
    /// Has sent a SYN.
    SynSent,
    /// Has answered a SYN.
    SynReceived,
    /// The handshake is complete, as far as it knows.
    Open,
    /// Has no such connection any more: answers all but resets with a reset.
    Gone,
}

/// A speaker.
#[derive(Debug)]
pub(super) struct Endpoint {
    pub(super) profile: Profile,
    pub(super) state: State,
    pub(super) sender: Sender,
    pub(super) receiver: Receiver,
    /// What its application does next, and when.
    pub(super) planned: Option<(Nanos, Act)>,
    packets: u16,
}

impl Endpoint {
    pub(super) fn new(profile: Profile, state: State, sender: Sender) -> Self {
        Self { profile, state, sender, receiver: Receiver::new(), planned: None, packets: 0 }
    }

    /// Forgets the connection.
    pub(super) fn vanish(&mut self) {
        self.state = State::Gone;
        self.planned = None;
        self.sender.timer = Nanos::MAX;
        self.receiver.acknowledged();
    }

    /// When its application acts next.
    pub(super) fn acts_at(&self) -> Nanos {
        self.planned.map_or(Nanos::MAX, |(at, _)| at)
    }

    /// Fills in what every segment of this speaker carries. `offers` says whether it may carry timestamps: in a SYN those that it
    /// offers, later those that both agreed on.
    pub(super) fn stamp(&mut self, segment: &mut Segment, agreed: &Agreed, offers: bool, departure: Nanos) {
        segment.ip_id = self.profile.ip_id.wrapping_add(self.packets);
        self.packets = self.packets.wrapping_add(1);
        segment.window = self.window_field(segment.flags.syn(), agreed);
        if offers {
            let value = self.profile.clock.wrapping_add((departure.0 / 1_000_000) as u32);
            let echo = if segment.flags.ack() { self.receiver.echo } else { 0 };
            segment.timestamps = Some(Timestamps { value, echo });
        }
        if segment.flags.ack() {
            segment.ack = self.receiver.next;
            self.receiver.acknowledged();
        }
    }

    /// The window that `segment` of this speaker grants, in bytes.
    pub(super) fn granted_by(&self, segment: &Segment, agreed: &Agreed) -> u64 {
        let scaled = agreed.scaling && !segment.flags.syn();
        u64::from(segment.window) << if scaled { self.profile.wscale.unwrap_or(0) } else { 0 }
    }

    fn window_field(&self, syn: bool, agreed: &Agreed) -> u16 {
        let shift = if agreed.scaling && !syn { self.profile.wscale.unwrap_or(0) } else { 0 };
        (self.profile.window >> shift).min(u32::from(u16::MAX)) as u16
    }
}
