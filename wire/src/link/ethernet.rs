//! Ethernet, what its EtherTypes put before IP, and links that end in an EtherType or LLC like it.

use super::{Header, Next, not_ip, skip, take};
use crate::bytes::{Bytes, be16};
use crate::parse::Trail;
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
pub(super) const VLAN: u16 = 0x8100;
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

/// Bytes of an Ethernet header.
pub(crate) const ETHERNET_LEN: usize = 14;

/// Whether IPv4 follows an Ethernet header.
#[inline]
pub(crate) const fn announces_ipv4(header: &[u8; ETHERNET_LEN]) -> bool {
    be16(header[12], header[13]) == IPV4
}

/// An Ethernet header.
#[inline]
pub(super) fn frame(bytes: &mut Bytes<'_>) -> Next {
    let header = take::<ETHERNET_LEN>(bytes)?;
    Ok(typed(be16(header[12], header[13])))
}

/// What a type field of Ethernet announces.
#[inline]
const fn typed(kind: u16) -> Header {
    if kind < LEAST_ETHER_TYPE { Header::Llc } else { Header::EtherType(kind) }
}

/// A VLAN tag: the first one gives the frame's identifier.
#[inline]
pub(super) fn vlan(bytes: &mut Bytes<'_>, trail: &mut Trail) -> Next {
    let &[high, low, a, b] = take(bytes)?;
    if trail.vlan == Segment::NO_VLAN {
        trail.vlan = be16(high & 0x0f, low);
    }
    Ok(typed(be16(a, b)))
}

/// What an EtherType other than those of IP puts before IP.
pub(super) fn payload(kind: u16, bytes: &mut Bytes<'_>, trail: &mut Trail) -> Next {
    match kind {
        VLAN | PROVIDER_BRIDGE | QINQ_OLD | QINQ_OLDER => vlan(bytes, trail),
        MPLS | MPLS_UPSTREAM => mpls(kind, bytes),
        PPPOE_SESSION => match take::<6>(bytes)? {
            [0x11, 0, ..] => Ok(Header::Ppp),
            _ => Err(NotTcp::Ether(kind).into()),
        },
        BACKBONE_SERVICE => skip(bytes, 4).map(|()| Header::Ethernet),
        FABRIC_PATH => skip(bytes, 2).map(|()| Header::Ethernet),
        E_TAG => take::<8>(bytes).map(|tag| typed(be16(tag[6], tag[7]))),
        VN_TAG => take::<6>(bytes).map(|tag| typed(be16(tag[4], tag[5]))),
        TRANSPARENT_ETHERNET => Ok(Header::Ethernet),
        PPP => Ok(Header::Ppp),
        _ => Err(NotTcp::Ether(kind).into()),
    }
}

/// One MPLS label (RFC 3032). The last one does not say what follows: by its first four bits it is IP, an Ethernet
/// pseudowire with a control word (RFC 4448), or an associated channel (RFC 5586).
fn mpls(kind: u16, bytes: &mut Bytes<'_>) -> Next {
    let &[_, _, label, _] = take(bytes)?;
    if label & 1 == 0 {
        return Ok(Header::EtherType(kind));
    }
    match bytes.first_nibble() {
        Some(4 | 6) | None => Ok(Header::Ip),
        Some(0) => skip(bytes, 4).map(|()| Header::Ethernet),
        Some(_) => Err(NotTcp::Ether(kind).into()),
    }
}

/// IEEE 802.2: an EtherType behind SNAP (RFC 1042, or its tunnel for bridges), or IP's own service access point.
pub(super) fn llc(bytes: &mut Bytes<'_>) -> Next {
    match take(bytes)? {
        [0x06, 0x06, 0x03] => Ok(Header::Ip),
        [0xaa, 0xaa, 0x03] => match take(bytes)? {
            &[0, 0, 0 | 0xf8, high @ 6..=u8::MAX, low] => Ok(Header::EtherType(be16(high, low))),
            _ => not_ip(),
        },
        _ => not_ip(),
    }
}

/// FDDI: frame control, two addresses, then LLC in the frames that carry data.
pub(super) fn fddi(bytes: &mut Bytes<'_>) -> Next {
    let header = take::<13>(bytes)?;
    if header[0] & 0xc0 == 0x40 { Ok(Header::Llc) } else { not_ip() }
}

/// Juniper's header before Ethernet: a magic, flags, and extensions with their length.
pub(super) fn juniper(bytes: &mut Bytes<'_>) -> Next {
    const NO_LINK_HEADER: u8 = 0x02;
    const EXTENSIONS: u8 = 0x80;
    let &[b'M', b'G', b'C', flags] = take(bytes)? else { return not_ip() };
    if flags & EXTENSIONS != 0 {
        let &[high, low] = take(bytes)?;
        skip(bytes, usize::from(be16(high, low)))?;
    }
    if flags & NO_LINK_HEADER == 0 { Ok(Header::Ethernet) } else { not_ip() }
}

/// IP over InfiniBand: forty bytes of routing header, then an EtherType and two reserved bytes (RFC 4391, 6).
pub(super) fn infiniband(bytes: &mut Bytes<'_>) -> Next {
    let header = take::<44>(bytes)?;
    Ok(Header::EtherType(be16(header[40], header[41])))
}
