//! ICMP and ICMPv6 errors about TCP segments (RFC 792, RFC 4443): what they say, and the segment that they quote.

use std::num::NonZeroU8;

use serde::{Deserialize, Serialize};

use crate::bytes::{Bytes, be16};
use crate::ip::{self, Datagram, Fragment};
use crate::parse::Stop;
use crate::{Family, FlowKey, NotTcp, OptionSet, Segment, SeqNum, TcpFlags, TunnelKind};

/// Type and code of an ICMP or ICMPv6 error; the family of the flow says which.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct IcmpCode {
    kind: NonZeroU8,
    /// The code; what it means depends on the type.
    pub code: u8,
}

impl IcmpCode {
    /// The type and code of an error that a host or router sends about a packet: in IPv4 destination unreachable (3), source quench (4),
    /// redirect (5), time exceeded (11) and parameter problem (12), in IPv6 types 1 to 4. `None` for any other message.
    #[must_use]
    pub const fn error(family: Family, kind: u8, code: u8) -> Option<Self> {
        let is_error = match family {
            Family::V4 => matches!(kind, 3 | 4 | 5 | 11 | 12),
            Family::V6 => matches!(kind, 1..=4),
        };
        match NonZeroU8::new(kind) {
            Some(kind) if is_error => Some(Self { kind, code }),
            _ => None,
        }
    }

    /// The type.
    #[must_use]
    pub const fn kind(self) -> u8 {
        self.kind.get()
    }

    /// What it says, in the words of IANA's registries, shortened.
    #[must_use]
    pub const fn name(self, family: Family) -> &'static str {
        match (family, self.kind(), self.code) {
            (Family::V4, 3, 0) => "net_unreachable",
            (Family::V4, 3, 1) => "host_unreachable",
            (Family::V4, 3, 2) => "protocol_unreachable",
            (Family::V4, 3, 3) | (Family::V6, 1, 4) => "port_unreachable",
            (Family::V4, 3, 4) => "fragmentation_needed",
            (Family::V4, 3, 9 | 10 | 13) | (Family::V6, 1, 1) => "prohibited",
            (Family::V4, 3, _) | (Family::V6, 1, _) => "unreachable",
            (Family::V4, 4, _) => "source_quench",
            (Family::V4, 5, _) => "redirect",
            (Family::V4, 11, 0) | (Family::V6, 3, 0) => "hop_limit_exceeded",
            (Family::V4, 11, _) | (Family::V6, 3, _) => "reassembly_time_exceeded",
            (Family::V6, 2, _) => "packet_too_big",
            _ => "parameter_problem",
        }
    }
}

/// An error about a TCP segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IcmpError {
    /// What it says.
    pub code: IcmpCode,
    /// IPv4 for ICMP, IPv6 for ICMPv6.
    pub family: Family,
    /// The segment that provoked it: key, sender and sequence number. The quote may end after eight bytes of TCP, so that all other fields
    /// are zero. `None` where the quote does not reach that far, or breaks its own format.
    pub quote: Option<Segment>,
}

impl IcmpError {
    /// What the frame is in the count of other traffic.
    #[must_use]
    pub const fn protocol(&self) -> NotTcp {
        NotTcp::Ip(match self.family {
            Family::V4 => ip::ICMP,
            Family::V6 => ip::ICMP6,
        })
    }
}

/// Reads the ICMP or ICMPv6 message in `datagram`. Whatever is no error about TCP is other traffic.
pub(crate) fn read(datagram: &Datagram<'_>) -> Stop {
    let other = Stop::NotTcp(NotTcp::Ip(datagram.protocol));
    let mut rest = datagram.payload;
    let Some([kind, code, ..]) = rest.take::<8>() else { return other };
    let native = match datagram.family {
        Family::V4 => ip::ICMP,
        Family::V6 => ip::ICMP6,
    };
    let Some(code) = IcmpCode::error(datagram.family, *kind, *code).filter(|_| datagram.protocol == native) else {
        return other;
    };
    let error = |quote| Stop::Icmp(IcmpError { code, family: datagram.family, quote });
    // The quoted datagram was longer than the quote, by how much only its own header says: that is taken at its word.
    match ip::read(Bytes::new(rest.captured, u32::MAX)) {
        Ok(quoted) if quoted.family != datagram.family => error(None),
        Ok(quoted) if quoted.protocol == ip::TCP => error(segment(&quoted, code)),
        Ok(_) => other,
        Err(_) => error(None),
    }
}

/// The segment at the start of a quoted datagram.
fn segment(quoted: &Datagram<'_>, code: IcmpCode) -> Option<Segment> {
    let whole = quoted.fragment != Fragment::Later;
    let header = quoted.payload.captured.first_chunk::<8>().filter(|_| whole)?;
    let source = quoted.source(be16(header[0], header[1]));
    let destination = quoted.destination(be16(header[2], header[3]));
    let (key, sender) = FlowKey::new(quoted.family, source, destination);
    Some(Segment {
        key,
        sender,
        ttl: 0,
        traffic_class: 0,
        wscale: 0,
        payload_len: 0,
        ip_len: 0,
        seq: SeqNum(u32::from_be_bytes([header[4], header[5], header[6], header[7]])),
        ack: SeqNum(0),
        tsval: 0,
        tsecr: 0,
        sack: Default::default(),
        sack_count: 0,
        tunnel: TunnelKind::None,
        flags: TcpFlags(0),
        window: 0,
        urgent: 0,
        ip_id: 0,
        mss: 0,
        vlan: Segment::NO_VLAN,
        options: OptionSet::default(),
        quoted_by: Some(code),
    })
}
