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

/// A tunnel's identifier and what is in it.
type Inside<'a> = Option<(u32, Next<'a>)>;

/// Enters the tunnel that the ports of a UDP datagram announce.
pub(super) fn open<'a>(carrier: &Datagram<'a>, trail: &mut Trail) -> Result<Next<'a>, Stop> {
    enter(carrier, trail).ok_or(Stop::NotTcp(NotTcp::Ip(ip::UDP)))
}

fn enter<'a>(carrier: &Datagram<'a>, trail: &mut Trail) -> Option<Next<'a>> {
    let (&[s, t, d, e, l, m, _, _], payload) = carrier.payload.split::<8>()?;
    let ports @ (source, destination) = (be16(s, t), be16(d, e));
    let whole = carrier.fragment == Fragment::Whole;
    let payload = match u32::from(be16(l, m)).checked_sub(8) {
        Some(len) if len < payload.wire => payload.declared(len),
        _ => payload,
    };
    let (kind, (id, next)) = match (source, destination) {
        (_, VXLAN | VXLAN_LINUX) => (TunnelKind::Vxlan, vxlan(payload)?),
        (_, GENEVE) => (TunnelKind::Geneve, geneve(payload, whole)?),
        (_, GRE) => return gre::open_in_udp(payload, carrier, ports, trail),
        (GTP_U, _) | (_, GTP_U) => (TunnelKind::GtpU, gtp_u(payload, whole)?),
        (TEREDO, _) | (_, TEREDO) => (TunnelKind::Teredo, teredo(payload, whole)?),
        (L2TP, _) | (_, L2TP) => (TunnelKind::L2tp, l2tp(payload, whole)?),
        _ => return None,
    };
    trail.enter(kind, id, carrier, ports);
    Some(next)
}

/// An IP header, if it can be one.
fn plausible_ip(bytes: Bytes<'_>, whole: bool) -> Option<Next<'_>> {
    ip::is_plausible(bytes, whole).then_some((Header::Ip, bytes))
}

/// RFC 7348: a flag for the network identifier, which must be set; the bits of group policy (draft-smith-vxlan-group-policy)
/// may be; the rest is reserved, zero.
fn vxlan(bytes: Bytes<'_>) -> Inside<'_> {
    const VNI_PRESENT: u8 = 0x08;
    const WITH_GROUP_POLICY: u8 = 0x88;
    const DONT_LEARN_OR_APPLIED: u8 = 0x48;
    let (&[flags, policy, g, h, a, b, c, reserved], frame) = bytes.split::<8>()?;
    let legal = match flags {
        VNI_PRESENT => [policy, g, h] == [0; 3],
        WITH_GROUP_POLICY => policy & !DONT_LEARN_OR_APPLIED == 0,
        _ => false,
    };
    (legal && reserved == 0).then_some((be24(a, b, c), (Header::Ethernet, frame)))
}

/// RFC 8926: version 0, options in four-byte words, an EtherType.
fn geneve(bytes: Bytes<'_>, whole: bool) -> Inside<'_> {
    const OPTION_WORDS: u8 = 0x3f;
    const RESERVED: u8 = 0x3f;
    let (&[first, flags, high, low, a, b, c, reserved], rest) = bytes.split::<8>()?;
    if first & !OPTION_WORDS != 0 || flags & RESERVED != 0 || reserved != 0 {
        return None;
    }
    let rest = rest.skip(usize::from(first & OPTION_WORDS) * 4)?;
    let next = match be16(high, low) {
        0x0800 | 0x86dd => plausible_ip(rest, whole)?,
        TRANSPARENT_ETHERNET => (Header::Ethernet, rest),
        _ => return None,
    };
    Some((be24(a, b, c), next))
}

/// 3GPP TS 29.281, 5: version 1, a G-PDU, whose length must fit, then extension headers.
fn gtp_u(bytes: Bytes<'_>, whole: bool) -> Inside<'_> {
    const VERSION_1: u8 = 0x30;
    const OPTIONAL_FIELDS: u8 = 0x07;
    const EXTENSION: u8 = 0x04;
    const G_PDU: u8 = 255;
    let (&[flags, kind, high, low, a, b, c, d], rest) = bytes.split::<8>()?;
    let len = u32::from(be16(high, low));
    if flags & !OPTIONAL_FIELDS != VERSION_1 || kind != G_PDU || (whole && len > rest.wire) {
        return None;
    }
    let rest = match flags & OPTIONAL_FIELDS {
        0 => rest,
        fields => {
            let (&[.., extension], rest) = rest.split::<4>()?;
            if fields & EXTENSION == 0 { rest } else { past_gtp_extensions(extension, rest)? }
        }
    };
    Some((u32::from_be_bytes([a, b, c, d]), plausible_ip(rest, whole)?))
}

/// Goes past extension headers: each has its length in four-byte words first and the type of the next one last.
fn past_gtp_extensions(mut kind: u8, mut rest: Bytes<'_>) -> Option<Bytes<'_>> {
    /// The standard defines a handful, of which a packet has one or two.
    const MAX_EXTENSIONS: usize = 8;
    for _ in 0..MAX_EXTENSIONS {
        if kind == 0 {
            return Some(rest);
        }
        let words = usize::from(*rest.captured.first()?).max(1);
        kind = *rest.captured.get(words * 4 - 1)?;
        rest = rest.skip(words * 4)?;
    }
    None
}

/// RFC 4380, 5.1.1: an authentication and an origin indication may come before the IPv6 packet.
fn teredo(bytes: Bytes<'_>, whole: bool) -> Inside<'_> {
    const NONCE_AND_CONFIRMATION: usize = 9;
    const ORIGIN: usize = 8;
    let bytes = match bytes.captured {
        [0, 1, id, value, ..] => bytes.skip(4 + usize::from(*id) + usize::from(*value) + NONCE_AND_CONFIRMATION)?,
        _ => bytes,
    };
    let bytes = if bytes.captured.starts_with(&[0, 0]) { bytes.skip(ORIGIN)? } else { bytes };
    let next = plausible_ip(bytes, whole)?;
    (bytes.first_nibble() == Some(6)).then_some((0, next))
}

/// RFC 2661, 3.1: a data message of version 2, then PPP with IP in it. Tunnel and session make the identifier.
fn l2tp(bytes: Bytes<'_>, whole: bool) -> Inside<'_> {
    const TYPE_CONTROL: u16 = 0x8000;
    const LENGTH: u16 = 0x4000;
    const SEQUENCE: u16 = 0x0800;
    const OFFSET: u16 = 0x0200;
    const PRIORITY: u16 = 0x0100;
    const VERSION_2: u16 = 2;
    let (&[a, b], rest) = bytes.split::<2>()?;
    let flags = be16(a, b);
    if flags & !(LENGTH | SEQUENCE | OFFSET | PRIORITY) != VERSION_2 || flags & TYPE_CONTROL != 0 {
        return None;
    }
    let rest = if flags & LENGTH == 0 { rest } else { rest.skip(2)? };
    let (&id, rest) = rest.split::<4>()?;
    let rest = if flags & SEQUENCE == 0 { rest } else { rest.skip(4)? };
    let rest = if flags & OFFSET == 0 {
        rest
    } else {
        let (&[high, low], rest) = rest.split::<2>()?;
        rest.skip(usize::from(be16(high, low)))?
    };
    let packet = match rest.captured {
        [0xff, 0x03, 0x00, 0x21 | 0x57, ..] => rest.skip(4)?,
        [0x00, 0x21 | 0x57, ..] => rest.skip(2)?,
        [0x21 | 0x57, ..] => rest.skip(1)?,
        _ => return None,
    };
    Some((u32::from_be_bytes(id), plausible_ip(packet, whole)?))
}
