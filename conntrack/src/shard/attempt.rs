//! A SYN that nothing has answered yet, in a cache line and its hash.
//!
//! A flood opens connections by the million that nobody answers, so an attempt keeps only what its SYN said. It becomes a
//! [`Connection`] as soon as anything but the same SYN arrives, or the same a third time, or when its row is written; the two are
//! made to agree exactly. (Who tries three times is no spoofed flood, and has gaps to remember.)

use serde::{Deserialize, Serialize};
use wire::{End, Endpoint, Family, FlowKey, Nanos, Observation, OptionSet, Segment, SeqNum, TcpFlags, TunnelKind};

use super::uid;
use crate::connection::Connection;
use crate::half::SYN_COPY_WITHIN;

/// An attempt. IPv4 and IPv6 alike take 72 bytes, padding included.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(super) struct Attempt {
    ends: [Endpoint; 2],
    isn: SeqNum,
    hash: u32,
    first: Nanos,
    /// `last` as nanoseconds after `first`, in 48 bits; SYNs seen, one or two, in 8; IP length in 8.
    packed: u64,
    vlan: u16,
    window: u16,
    mss: u16,
    traits: Traits,
    /// IP's identification of the latest SYN.
    ip_id: u16,
    ttl: u8,
    wscale: u8,
}

const _: () = assert!(size_of::<Attempt>() == 72, "an attempt is a cache line and its hash");

/// What else the SYN said, in bits.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
struct Traits(u16);

impl Traits {
    const V6: u16 = 1;
    const SENT_BY_HIGH: u16 = 1 << 1;
    const ECE: u16 = 1 << 2;
    const CWR: u16 = 1 << 3;
    const MSS: u16 = 1 << 4;
    const WINDOW_SCALE: u16 = 1 << 5;
    const SACK_PERMITTED: u16 = 1 << 6;
    const TIMESTAMPS: u16 = 1 << 7;
    const ECN_SHIFT: u16 = 8;
    const TUNNEL_SHIFT: u16 = 10;

    const OPTIONS: [(u16, OptionSet); 4] = [
        (Self::MSS, OptionSet::MSS),
        (Self::WINDOW_SCALE, OptionSet::WINDOW_SCALE),
        (Self::SACK_PERMITTED, OptionSet::SACK_PERMITTED),
        (Self::TIMESTAMPS, OptionSet::TIMESTAMPS),
    ];

    /// The traits of a SYN; `None` if it says more than fits.
    fn of(segment: &Segment) -> Option<Self> {
        let plain = TcpFlags::SYN.0 | TcpFlags::ECE.0 | TcpFlags::CWR.0;
        let mut bits = 0;
        let mut options = 0;
        for (bit, option) in Self::OPTIONS {
            if segment.options.has(option) {
                bits |= bit;
                options |= option.0;
            }
        }
        if segment.flags.0 & !plain != 0 || !segment.flags.syn() || segment.options.0 != options {
            return None;
        }
        bits |= if segment.key.family() == Family::V6 { Self::V6 } else { 0 };
        bits |= if segment.sender == End::High { Self::SENT_BY_HIGH } else { 0 };
        bits |= if segment.flags.has(TcpFlags::ECE) { Self::ECE } else { 0 };
        bits |= if segment.flags.has(TcpFlags::CWR) { Self::CWR } else { 0 };
        bits |= u16::from(segment.traffic_class & 0b11) << Self::ECN_SHIFT;
        bits |= (segment.tunnel as u16) << Self::TUNNEL_SHIFT;
        Some(Self(bits))
    }

    const fn has(self, bit: u16) -> bool {
        self.0 & bit != 0
    }

    fn options(self) -> OptionSet {
        let mut options = OptionSet::default();
        Self::OPTIONS.iter().filter(|(bit, _)| self.has(*bit)).for_each(|&(_, option)| options.insert(option));
        options
    }

    fn flags(self) -> TcpFlags {
        let ece = if self.has(Self::ECE) { TcpFlags::ECE } else { TcpFlags(0) };
        let cwr = if self.has(Self::CWR) { TcpFlags::CWR } else { TcpFlags(0) };
        TcpFlags::SYN.with(ece).with(cwr)
    }

    fn tunnel(self) -> TunnelKind {
        let index = self.0 >> Self::TUNNEL_SHIFT;
        TunnelKind::ALL.get(usize::from(index)).copied().unwrap_or_default()
    }
}

const LAST_BITS: u32 = 48;
const COUNT: u64 = 1 << LAST_BITS;
const IP_LEN_SHIFT: u32 = LAST_BITS + 8;

impl Attempt {
    /// An attempt from its first packet; `None` if it is no plain SYN, or came late.
    pub(super) fn new(observation: &Observation) -> Option<Self> {
        let segment = &observation.segment;
        let ip_len = u8::try_from(segment.ip_len).ok()?;
        let plain = segment.payload_len == 0 && observation.clock == observation.ts;
        let traits = Traits::of(segment).filter(|_| plain)?;
        Some(Self {
            ends: [segment.key.endpoint(End::Low), segment.key.endpoint(End::High)],
            isn: segment.seq,
            hash: observation.hash,
            first: observation.ts,
            packed: u64::from(ip_len) << IP_LEN_SHIFT | COUNT,
            vlan: segment.vlan,
            window: segment.window,
            mss: segment.mss,
            traits,
            ip_id: segment.ip_id,
            ttl: segment.ttl,
            wscale: segment.wscale,
        })
    }

    /// Takes in the same SYN a second time; returns `false`, and does nothing, if it is not the same, comes a third time, or comes so
    /// soon that it may be the capture's duplicate.
    pub(super) fn repeat(&mut self, observation: &Observation) -> bool {
        let Some(other) = Self::new(observation) else { return false };
        let same = self.isn == other.isn
            && self.traits.0 == other.traits.0
            && (self.vlan, self.window, self.mss, self.ttl, self.wscale)
                == (other.vlan, other.window, other.mss, other.ttl, other.wscale)
            && self.packed >> IP_LEN_SHIFT == other.packed >> IP_LEN_SHIFT;
        let soon = observation.ts.since(self.last()) <= SYN_COPY_WITHIN;
        let same = same && !soon;
        let delta = u64::try_from(observation.ts.since(self.first)).ok().filter(|&delta| delta < COUNT);
        let Some(delta) = delta.filter(|_| same && self.syns() < 2) else { return false };
        self.packed = (self.packed & !(COUNT - 1) | delta) + COUNT;
        self.ip_id = other.ip_id;
        true
    }

    /// SYNs seen.
    pub(super) const fn syns(&self) -> u8 {
        (self.packed >> LAST_BITS) as u8
    }

    /// Its latest packet.
    const fn last(&self) -> Nanos {
        self.first.plus((self.packed & (COUNT - 1)) as i64)
    }

    /// Its first packet.
    pub(super) const fn first(&self) -> Nanos {
        self.first
    }

    pub(super) const fn hash(&self) -> u32 {
        self.hash
    }

    /// Whether this is its key.
    pub(super) fn is_of(&self, key: &FlowKey) -> bool {
        self.ends == [key.endpoint(End::Low), key.endpoint(End::High)] && self.family() == key.family()
    }

    /// Gives it another hash.
    pub(super) const fn rehash(&mut self, hash: u32) {
        self.hash = hash;
    }

    /// Whether it has as many SYNs as an attempt may have.
    pub(super) const fn is_sound(&self) -> bool {
        matches!(self.syns(), 1..=2)
    }

    pub(super) fn key(&self) -> FlowKey {
        FlowKey::new(self.family(), self.ends[0], self.ends[1]).0
    }

    fn family(&self) -> Family {
        if self.traits.has(Traits::V6) { Family::V6 } else { Family::V4 }
    }

    /// The connection that it is.
    pub(super) fn to_connection(self, salt: u64, headers: u8) -> Connection {
        let mut syn = self.observation();
        let mut connection = Connection::new(&syn, uid::of(&syn, salt));
        connection.observe(&syn);
        syn.ts = self.last();
        syn.clock = self.last();
        for _ in 1..self.syns() {
            connection.observe(&syn);
        }
        connection.headers = self.syns().min(headers);
        connection
    }

    /// The uid of its connection.
    pub(super) fn uid(&self, salt: u64) -> u64 {
        uid::of(&self.observation(), salt)
    }

    /// Its first packet, with all that the tracker uses of a SYN.
    fn observation(&self) -> Observation {
        let segment = Segment {
            key: self.key(),
            sender: if self.traits.has(Traits::SENT_BY_HIGH) { End::High } else { End::Low },
            ttl: self.ttl,
            traffic_class: (self.traits.0 >> Traits::ECN_SHIFT) as u8 & 0b11,
            wscale: self.wscale,
            payload_len: 0,
            ip_len: u32::from((self.packed >> IP_LEN_SHIFT) as u8),
            seq: self.isn,
            ack: SeqNum(0),
            tsval: 0,
            tsecr: 0,
            sack: Default::default(),
            sack_count: 0,
            tunnel: self.traits.tunnel(),
            flags: self.traits.flags(),
            window: self.window,
            urgent: 0,
            ip_id: self.ip_id,
            mss: self.mss,
            vlan: self.vlan,
            options: self.traits.options(),
            quoted_by: None,
        };
        Observation { ts: self.first, clock: self.first, segment, hash: self.hash, headers_at: 0, headers_len: 0 }
    }
}

impl Default for Attempt {
    /// A vacant slot.
    fn default() -> Self {
        let nobody = Endpoint { addr: [0; 16], port: 0 };
        Self {
            ends: [nobody; 2],
            isn: SeqNum(0),
            hash: 0,
            first: Nanos(0),
            packed: 0,
            vlan: 0,
            window: 0,
            mss: 0,
            traits: Traits::default(),
            ip_id: 0,
            ttl: 0,
            wscale: 0,
        }
    }
}
