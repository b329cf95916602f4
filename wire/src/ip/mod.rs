//! IPv4 and IPv6: from the first byte of an IP header to the payload of its datagram.

mod extension;
mod v4;
mod v6;

pub(crate) use v4::read as read_v4;

use crate::bytes::Bytes;
use crate::parse::Stop;
use crate::{Endpoint, Family, Reject};

/// IANA protocol numbers that the parser acts on.
pub(crate) const ICMP: u8 = 1;
pub(crate) const IPV4: u8 = 4;
pub(crate) const TCP: u8 = 6;
pub(crate) const UDP: u8 = 17;
pub(crate) const IPV6: u8 = 41;
pub(crate) const GRE: u8 = 47;
pub(crate) const ICMP6: u8 = 58;

/// An IP datagram, its headers read.
pub(crate) struct Datagram<'a> {
    pub family: Family,
    /// Addresses as in [`Endpoint`], but as numbers: those are at home in registers. In IPv6 they are the addresses of the
    /// ends: past a routing header, behind a home address.
    pub source: u128,
    pub destination: u128,
    pub ttl: u8,
    pub traffic_class: u8,
    pub id: u16,
    /// Bytes on the wire, headers included.
    pub len: u32,
    /// What the payload is.
    pub protocol: u8,
    pub fragment: Fragment,
    /// The whole datagram as captured.
    pub bytes: &'a [u8],
    /// What comes after the IP header, its options or extension headers.
    pub payload: Bytes<'a>,
}

impl Datagram<'_> {
    /// The sender at `port`.
    #[inline]
    pub const fn source(&self, port: u16) -> Endpoint {
        Endpoint { addr: self.source.to_be_bytes(), port }
    }

    /// The receiver at `port`.
    #[inline]
    pub const fn destination(&self, port: u16) -> Endpoint {
        Endpoint { addr: self.destination.to_be_bytes(), port }
    }
}

/// Which part of a datagram this is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fragment {
    /// All of it.
    Whole,
    /// The first of several.
    First,
    /// One after the first.
    Later,
}

impl Fragment {
    /// From the offset and the flag "more fragments".
    const fn new(offset: u16, more: bool) -> Self {
        match (offset, more) {
            (0, false) => Self::Whole,
            (0, true) => Self::First,
            _ => Self::Later,
        }
    }
}

/// Reads the IP header at the start of `packet`, whichever version it is.
#[inline]
pub(crate) fn read(packet: Bytes<'_>) -> Result<Datagram<'_>, Stop> {
    match packet.first_nibble() {
        Some(4) => v4::read(packet),
        Some(6) => v6::read(packet),
        Some(_) => Err(Reject::BadIp.into()),
        None => Err(Reject::TruncatedIp.into()),
    }
}

/// Whether `packet` can be an IP datagram by its first bytes: the test that a payload on a tunnel's UDP port must pass. A
/// carrier that is itself the first fragment (`whole` false) may hold less than its datagram declares.
pub(crate) fn is_plausible(packet: Bytes<'_>, whole: bool) -> bool {
    let declared = match packet.captured {
        [first @ 0x45..=0x4f, _, high, low, ..] => {
            let len = u32::from(u16::from_be_bytes([*high, *low]));
            if len < u32::from(first & 15) * 4 {
                return false;
            }
            len
        }
        [0x60..=0x6f, _, _, _, high, low, ..] => u32::from(u16::from_be_bytes([*high, *low])) + v6::HEADER_LEN,
        _ => return false,
    };
    packet.wire >= 20 && (declared <= packet.wire || !whole)
}
