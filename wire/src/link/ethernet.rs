//! Ethernet, what its EtherTypes put before IP, and links that end in an EtherType or LLC like it.

use super::{Header, Next, not_ip, skip, split};
use crate::bytes::{Bytes, be16};
use crate::parse::{Stop, Trail};
use crate::{NotTcp, Segment};

pub(super) const IPV4: u16 = 0x0800;
pub(super) const IPV6: u16 = 0x86dd;
/// Ethernet in GRE, GENEVE and the like.
pub(crate) const TRANSPARENT_ETHERNET: u16 = 0x6558;
pub(crate) const PPP: u16 = 0x880b;
pub(crate) const MPLS: u16 = 0x8847;
const MPLS_UPSTREAM: u16 = 0x8848;
pub(super) const PPPOE_SESSION: u16 = 0x8864;
/// IEEE 802.1Q, 802.1ad, and the types in use before the latter.
const VLAN: u16 = 0x8100;
const PROVIDER_BRIDGE: u16 = 0x88a8;
const QINQ_OLD: u16 = 0x9100;
const QINQ_OLDER: u16 = 0x9200;
/// IEEE 802.1ah, backbone service instance tag.
const BACKBONE_SERVICE: u16 = 0x88e7;
/// Cisco FabricPath: a tag, then the whole inner frame.
const FABRIC_PATH: u16 = 0x8903;
/// IEEE 802.1BR.
const E_TAG: u16 = 0x893f;
/// Cisco VN-Tag.
const VN_TAG: u16 = 0x8926;

/// The least value of the type field that is an EtherType; up to 1500 it is a length (IEEE 802.3, 3.2.6).
const LEAST_ETHER_TYPE: u16 = 0x600;

/// An Ethernet header.
#[inline]
pub(super) fn frame(bytes: Bytes<'_>) -> Result<Next<'_>, Stop> {
    let (header, rest) = split::<14>(bytes)?;
    Ok((typed(be16(header[12], header[13])), rest))
}

/// What a type field of Ethernet announces.
#[inline]
const fn typed(kind: u16) -> Header {
    if kind < LEAST_ETHER_TYPE { Header::Llc } else { Header::EtherType(kind) }
}

/// What an EtherType other than those of IP puts before IP.
pub(super) fn payload<'a>(kind: u16, bytes: Bytes<'a>, trail: &mut Trail) -> Result<Next<'a>, Stop> {
    match kind {
        VLAN | PROVIDER_BRIDGE | QINQ_OLD | QINQ_OLDER => {
            let (tag, rest) = split::<4>(bytes)?;
            if trail.vlan == Segment::NO_VLAN {
                trail.vlan = be16(tag[0] & 0x0f, tag[1]);
            }
            Ok((typed(be16(tag[2], tag[3])), rest))
        }
        MPLS | MPLS_UPSTREAM => mpls(kind, bytes),
        PPPOE_SESSION => {
            let (header, rest) = split::<6>(bytes)?;
            let session = header[0] == 0x11 && header[1] == 0;
            if session { Ok((Header::Ppp, rest)) } else { Err(NotTcp::Ether(kind).into()) }
        }
        BACKBONE_SERVICE => Ok((Header::Ethernet, skip(bytes, 4)?)),
        FABRIC_PATH => Ok((Header::Ethernet, skip(bytes, 2)?)),
        E_TAG => split::<8>(bytes).map(|(tag, rest)| (typed(be16(tag[6], tag[7])), rest)),
        VN_TAG => split::<6>(bytes).map(|(tag, rest)| (typed(be16(tag[4], tag[5])), rest)),
        TRANSPARENT_ETHERNET => Ok((Header::Ethernet, bytes)),
        PPP => Ok((Header::Ppp, bytes)),
        _ => Err(NotTcp::Ether(kind).into()),
    }
}

/// One MPLS label (RFC 3032). The last one does not say what follows: by its first four bits it is IP, an Ethernet
/// pseudowire with a control word (RFC 4448), or an associated channel (RFC 5586).
fn mpls(kind: u16, bytes: Bytes<'_>) -> Result<Next<'_>, Stop> {
    let (&[_, _, label, _], rest) = split::<4>(bytes)?;
    if label & 1 == 0 {
        return Ok((Header::EtherType(kind), rest));
    }
    match rest.first_nibble() {
        Some(4 | 6) | None => Ok((Header::Ip, rest)),
        Some(0) => Ok((Header::Ethernet, skip(rest, 4)?)),
        Some(_) => Err(NotTcp::Ether(kind).into()),
    }
}

/// IEEE 802.2: an EtherType behind SNAP (RFC 1042, or its tunnel for bridges), or IP's own service access point.
pub(super) fn llc(bytes: Bytes<'_>) -> Result<Next<'_>, Stop> {
    match split::<3>(bytes)? {
        (&[0xaa, 0xaa, 0x03], rest) => match split::<5>(rest)? {
            (&[0, 0, 0 | 0xf8, high, low], rest) => match typed(be16(high, low)) {
                Header::Llc => not_ip(),
                header => Ok((header, rest)),
            },
            _ => not_ip(),
        },
        (&[0x06, 0x06, 0x03], rest) => Ok((Header::Ip, rest)),
        _ => not_ip(),
    }
}

/// FDDI: frame control, two addresses, then LLC in the frames that carry data.
pub(super) fn fddi(bytes: Bytes<'_>) -> Result<Next<'_>, Stop> {
    let (header, rest) = split::<13>(bytes)?;
    if header[0] & 0xc0 == 0x40 { Ok((Header::Llc, rest)) } else { not_ip() }
}

/// Juniper's header before Ethernet: a magic, flags, and extensions with their length.
pub(super) fn juniper(bytes: Bytes<'_>) -> Result<Next<'_>, Stop> {
    const NO_LINK_HEADER: u8 = 0x02;
    const EXTENSIONS: u8 = 0x80;
    let (&[b'M', b'G', b'C', flags], rest) = split::<4>(bytes)? else { return not_ip() };
    let rest = if flags & EXTENSIONS == 0 {
        rest
    } else {
        let (&[high, low], rest) = split::<2>(rest)?;
        skip(rest, usize::from(be16(high, low)))?
    };
    if flags & NO_LINK_HEADER == 0 { Ok((Header::Ethernet, rest)) } else { not_ip() }
}

/// IP over InfiniBand: forty bytes of routing header, then an EtherType and two reserved bytes (RFC 4391, 6).
pub(super) fn infiniband(bytes: Bytes<'_>) -> Result<Next<'_>, Stop> {
    let (header, rest) = split::<44>(bytes)?;
    Ok((Header::EtherType(be16(header[40], header[41])), rest))
}
