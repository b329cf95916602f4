//! Tunnels over UDP. A port number proves nothing, so each of them is entered only when its header, and where it has little
//! of its own the IP header in it, is as its standard says; anything else on the port is ordinary UDP.

use super::gre;
use crate::bytes::{Bytes, be16, be24};
use crate::ip::{self, Datagram, Fragment};
use crate::link::{Header, Next, TRANSPARENT_ETHERNET};
use crate::parse::{Stop, Trail};
use crate::{NotTcp, TunnelKind};

const L2TP: u16 = 1701;
const GTP_U: u16 = 2152;
const TEREDO: u16 = 3544;
const GRE: u16 = 4754;
const VXLAN: u16 = 4789;
/// The port of VXLAN in Linux before IANA assigned one; still its default there.
const VXLAN_LINUX: u16 = 8472;
const GENEVE: u16 = 6081;

/// A tunnel's identifier and what is in it; `None` when the bytes are no such tunnel.
type Inside = Option<(u32, Header)>;

/// Enters the tunnel that the ports of a UDP datagram announce.
pub(super) fn open<'a>(carrier: &Datagram<'a>, bytes: &mut Bytes<'a>, trail: &mut Trail) -> Next {
    enter(carrier, bytes, trail).ok_or(Stop::NotTcp(NotTcp::Ip(ip::UDP)))
}

fn enter<'a>(carrier: &Datagram<'a>, bytes: &mut Bytes<'a>, trail: &mut Trail) -> Option<Header> {
    let &[s, t, d, e, l, m, _, _] = bytes.take::<8>()?;
    let ports @ (source, destination) = (be16(s, t), be16(d, e));
    let whole = carrier.fragment == Fragment::Whole;
    if let Some(len) = u32::from(be16(l, m)).checked_sub(8).filter(|len| *len < bytes.wire) {
        *bytes = bytes.declared(len);
    }
    let (kind, (id, header)) = match (source, destination) {
        (_, VXLAN | VXLAN_LINUX) => (TunnelKind::Vxlan, vxlan(bytes)?),
        (_, GENEVE) => (TunnelKind::Geneve, geneve(bytes, whole)?),
        (_, GRE) => return gre::open_in_udp(carrier, bytes, ports, trail),
        (GTP_U, _) | (_, GTP_U) => (TunnelKind::GtpU, gtp_u(bytes, whole)?),
        (TEREDO, _) | (_, TEREDO) => (TunnelKind::Teredo, teredo(bytes, whole)?),
        (L2TP, _) | (_, L2TP) => (TunnelKind::L2tp, l2tp(bytes, whole)?),
        _ if is_teredo(*bytes, whole) => (TunnelKind::Teredo, (0, Header::Ip)),
        _ => return None,
    };
    trail.enter(kind, id, carrier, ports);
    Some(header)
}

/// An IP header, if it can be one.
fn plausible_ip(bytes: Bytes<'_>, whole: bool) -> Option<Header> {
    ip::is_plausible(bytes, whole).then_some(Header::Ip)
}

/// RFC 7348: a flag for the network identifier, which must be set; the bits of group policy (draft-smith-vxlan-group-policy)
/// may be; the rest is reserved, zero.
fn vxlan(bytes: &mut Bytes<'_>) -> Inside {
    const VNI_PRESENT: u8 = 0x08;
    const WITH_GROUP_POLICY: u8 = 0x88;
    const DONT_LEARN_OR_APPLIED: u8 = 0x48;
    let &[flags, policy, g, h, a, b, c, reserved] = bytes.take()?;
    let legal = match flags {
        VNI_PRESENT => [policy, g, h] == [0; 3],
        WITH_GROUP_POLICY => policy & !DONT_LEARN_OR_APPLIED == 0,
        _ => false,
    };
    (legal && reserved == 0).then_some((be24(a, b, c), Header::Ethernet))
}

/// RFC 8926: version 0, options in four-byte words, an EtherType.
fn geneve(bytes: &mut Bytes<'_>, whole: bool) -> Inside {
    const OPTION_WORDS: u8 = 0x3f;
    const RESERVED: u8 = 0x3f;
    let &[first, flags, high, low, a, b, c, reserved] = bytes.take()?;
    if first & !OPTION_WORDS != 0 || flags & RESERVED != 0 || reserved != 0 {
        return None;
    }
    bytes.skip(usize::from(first & OPTION_WORDS) * 4)?;
    let header = match be16(high, low) {
        0x0800 | 0x86dd => plausible_ip(*bytes, whole)?,
        TRANSPARENT_ETHERNET => Header::Ethernet,
        _ => return None,
    };
    Some((be24(a, b, c), header))
}

/// 3GPP TS 29.281, 5: version 1, a G-PDU, whose length must fit, then extension headers.
fn gtp_u(bytes: &mut Bytes<'_>, whole: bool) -> Inside {
    const VERSION_1: u8 = 0x30;
    const OPTIONAL_FIELDS: u8 = 0x07;
    const EXTENSION: u8 = 0x04;
    const G_PDU: u8 = 255;
    let &[flags, kind, high, low, a, b, c, d] = bytes.take()?;
    let len = u32::from(be16(high, low));
    if flags & !OPTIONAL_FIELDS != VERSION_1 || kind != G_PDU || (whole && len > bytes.wire) {
        return None;
    }
    if flags & OPTIONAL_FIELDS != 0 {
        let &[_, _, _, extension] = bytes.take()?;
        let there = flags & EXTENSION != 0;
        past_gtp_extensions(if there { extension } else { 0 }, bytes)?;
    }
    Some((u32::from_be_bytes([a, b, c, d]), plausible_ip(*bytes, whole)?))
}

/// Goes past extension headers: each has its length in four-byte words first and the type of the next one last.
fn past_gtp_extensions(mut kind: u8, bytes: &mut Bytes<'_>) -> Option<()> {
    /// The standard defines a handful, of which a packet has one or two.
    const MAX_EXTENSIONS: usize = 8;
    for _ in 0..MAX_EXTENSIONS {
        if kind == 0 {
            return Some(());
        }
        let words = usize::from(*bytes.captured.first()?).max(1);
        kind = *bytes.captured.get(words * 4 - 1)?;
        bytes.skip(words * 4)?;
    }
    None
}

/// RFC 4380, 5.1.1: an authentication and an origin indication may come before the IPv6 packet.
fn teredo(bytes: &mut Bytes<'_>, whole: bool) -> Inside {
    const NONCE_AND_CONFIRMATION: usize = 9;
    const ORIGIN: usize = 8;
    if let [0, 1, id, value, ..] = bytes.captured {
        bytes.skip(4 + usize::from(*id) + usize::from(*value) + NONCE_AND_CONFIRMATION)?;
    }
    if bytes.captured.starts_with(&[0, 0]) {
        bytes.skip(ORIGIN)?;
    }
    let header = plausible_ip(*bytes, whole)?;
    (bytes.first_nibble() == Some(6)).then_some((0, header))
}

/// Whether an IPv6 packet stands in it that a Teredo client sends or receives: those go to and from relays on any port, but bear the
/// prefix 2001::/32 in one of their addresses (RFC 4380, 2.6), and their length fits to the byte.
fn is_teredo(bytes: Bytes<'_>, whole: bool) -> bool {
    const PREFIX: [u8; 4] = [0x20, 0x01, 0, 0];
    const HEADER: u32 = 40;
    let &[first, _, _, _, high, low, _, _, ..] = bytes.captured else { return false };
    let address_at = |at: usize| bytes.captured.get(at..at + PREFIX.len()) == Some(&PREFIX);
    let fits = !whole || u32::from(be16(high, low)) + HEADER == bytes.wire;
    first >> 4 == 6 && fits && (address_at(8) || address_at(24))
}

/// RFC 2661, 3.1: a data message of version 2, then PPP with IP in it. Tunnel and session make the identifier.
fn l2tp(bytes: &mut Bytes<'_>, whole: bool) -> Inside {
    const LENGTH: u16 = 0x4000;
    const SEQUENCE: u16 = 0x0800;
    const OFFSET: u16 = 0x0200;
    const PRIORITY: u16 = 0x0100;
    const VERSION_2: u16 = 2;
    let &[a, b] = bytes.take()?;
    let flags = be16(a, b);
    if flags & !(LENGTH | SEQUENCE | OFFSET | PRIORITY) != VERSION_2 {
        return None;
    }
    bytes.skip(if flags & LENGTH == 0 { 0 } else { 2 })?;
    let id = u32::from_be_bytes(*bytes.take()?);
    bytes.skip(if flags & SEQUENCE == 0 { 0 } else { 4 })?;
    if flags & OFFSET != 0 {
        let &[high, low] = bytes.take()?;
        bytes.skip(usize::from(be16(high, low)))?;
    }
    bytes.skip(match bytes.captured {
        [0xff, 0x03, 0x00, 0x21 | 0x57, ..] => 4,
        [0x00, 0x21 | 0x57, ..] => 2,
        [0x21 | 0x57, ..] => 1,
        _ => return None,
    })?;
    Some((id, plausible_ip(*bytes, whole)?))
}
