//! A TCP segment as a bystander sees it: one flat value.

use serde::{Deserialize, Serialize};

use crate::{End, FlowKey, IcmpCode, OptionSet, SackBlock, SeqNum, TcpFlags, Timestamps, TunnelKind};

/// What one frame said at the innermost TCP layer that was found. Lengths come from the IP header, so a snaplen does not
/// change them. Fields whose option was absent are zero; ask through the methods.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Segment {
    /// Both endpoints, without direction.
    pub key: FlowKey,
    /// Which end of the key sent it.
    pub sender: End,
    /// Remaining hops: IPv4 time to live, IPv6 hop limit.
    pub ttl: u8,
    /// IPv4 type of service, IPv6 traffic class: DSCP and the two ECN bits.
    pub traffic_class: u8,
    /// Window scale option's shift as sent (not capped); see [`Segment::window_scale`].
    pub wscale: u8,
    /// Bytes of payload on the wire, in bytes; SYN and FIN are not counted.
    pub payload_len: u32,
    /// Bytes of the IP datagram on the wire, headers included. Where the header says 0 (segmentation offload), the frame's length decides.
    pub ip_len: u32,
    /// Sequence number of the first byte, or of the SYN.
    pub seq: SeqNum,
    /// Acknowledgment number; significant with ACK.
    pub ack: SeqNum,
    /// Timestamps option: the sender's clock.
    pub tsval: u32,
    /// Timestamps option: the echoed clock.
    pub tsecr: u32,
    /// The first two SACK blocks; [`Segment::sack_blocks`] says how many are there.
    pub sack: [SackBlock; 2],
    /// How many SACK blocks the option held: 0 to 4.
    pub sack_count: u8,
    /// The tunnel just around the IP header, if any.
    pub tunnel: TunnelKind,
    /// Control bits.
    pub flags: TcpFlags,
    /// The window field, not scaled.
    pub window: u16,
    /// The urgent pointer; significant with URG.
    pub urgent: u16,
    /// IPv4 identification; 0 in IPv6.
    pub ip_id: u16,
    /// Maximum segment size option, bytes.
    pub mss: u16,
    /// Outermost VLAN identifier, or [`Segment::NO_VLAN`].
    pub vlan: u16,
    /// Which options were there.
    pub options: OptionSet,
    /// The ICMP error that quotes it: then the segment did not pass here itself, and only what [`crate::IcmpError::quote`] names is known
    /// of it. `None` for any segment that did.
    pub quoted_by: Option<IcmpCode>,
}

impl Segment {
    /// The value of `vlan` in a frame without a tag.
    pub const NO_VLAN: u16 = u16::MAX;

    /// The MSS option, if there.
    #[must_use]
    pub const fn mss(&self) -> Option<u16> {
        if self.options.has(OptionSet::MSS) { Some(self.mss) } else { None }
    }

    /// The window scale option's shift, if there, capped at 14 (RFC 7323, 2.3).
    #[must_use]
    pub fn window_scale(&self) -> Option<u8> {
        self.options.has(OptionSet::WINDOW_SCALE).then(|| self.wscale.min(14))
    }

    /// The timestamps option, if there.
    #[must_use]
    pub fn timestamps(&self) -> Option<Timestamps> {
        self.options.has(OptionSet::TIMESTAMPS).then_some(Timestamps { value: self.tsval, echo: self.tsecr })
    }

    /// The first SACK blocks, at most two.
    #[must_use]
    pub fn sack_blocks(&self) -> &[SackBlock] {
        &self.sack[..usize::from(self.sack_count).min(2)]
    }

    /// The outermost VLAN identifier, if the frame was tagged.
    #[must_use]
    pub fn vlan(&self) -> Option<u16> {
        (self.vlan != Self::NO_VLAN).then_some(self.vlan)
    }

    /// Sequence space that the segment takes (RFC 9293, 3.4): payload, one for SYN, one for FIN.
    #[must_use]
    pub const fn seq_len(&self) -> u32 {
        self.payload_len.wrapping_add(self.flags.syn() as u32).wrapping_add(self.flags.fin() as u32)
    }

    /// The sequence number after the segment's last.
    #[must_use]
    pub const fn seq_end(&self) -> SeqNum {
        self.seq.plus(self.seq_len())
    }
}
