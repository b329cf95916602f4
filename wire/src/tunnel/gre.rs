//! GRE (RFC 2784, 2890), its version 1 (PPTP, RFC 2637), and ERSPAN in it.

use super::split;
use crate::bytes::{Bytes, be16};
use crate::ip::{self, Datagram};
use crate::link::{Header, MPLS, Next, PPP, TRANSPARENT_ETHERNET};
use crate::parse::{Stop, Trail};
use crate::{NotTcp, TunnelKind};

const CHECKSUM: u16 = 0x8000;
const ROUTING: u16 = 0x4000;
const KEY: u16 = 0x2000;
const SEQUENCE: u16 = 0x1000;
/// Version 1 only: an acknowledgment number.
const ACKNOWLEDGMENT: u16 = 0x0080;
const VERSION: u16 = 0x0007;

const IPV4: u16 = 0x0800;
const IPV6: u16 = 0x86dd;
/// What WCCP redirects to a cache: version 2 puts four bytes before the packet, version 1 does not
/// (draft-wilson-wrec-wccp-v2, 4.15.1).
const WCCP: u16 = 0x883e;
/// ERSPAN without a header (type I) or with one (type II): the sequence number tells which.
const ERSPAN: u16 = 0x88be;
const ERSPAN_III: u16 = 0x22eb;

/// A GRE header, read.
struct Gre<'a> {
    protocol: u16,
    key: u32,
    sequenced: bool,
    payload: Bytes<'a>,
}

/// Enters GRE directly in IP.
pub(super) fn open<'a>(carrier: &Datagram<'a>, trail: &mut Trail) -> Result<Next<'a>, Stop> {
    match read(carrier.payload)? {
        Some(gre) => inside(&gre, carrier, (0, 0), trail),
        None => Err(NotTcp::Ip(ip::GRE).into()),
    }
}

/// Enters GRE in UDP (RFC 8086): `None` when the payload is no such thing.
pub(super) fn open_in_udp<'a>(
    payload: Bytes<'a>,
    carrier: &Datagram<'a>,
    ports: (u16, u16),
    trail: &mut Trail,
) -> Option<Next<'a>> {
    let gre = read(payload).ok()??;
    inside(&gre, carrier, ports, trail).ok()
}

/// Reads the header; `None` where it is of no known form.
fn read(bytes: Bytes<'_>) -> Result<Option<Gre<'_>>, Stop> {
    let (&[a, b, c, d], rest) = split::<4>(bytes)?;
    let (flags, protocol) = (be16(a, b), be16(c, d));
    let version = flags & VERSION;
    let known = match version {
        0 => flags & !(CHECKSUM | KEY | SEQUENCE) == 0,
        1 => flags & (CHECKSUM | ROUTING | KEY) == KEY && protocol == PPP,
        _ => false,
    };
    if !known {
        return Ok(None);
    }
    let rest = if flags & CHECKSUM != 0 { split::<4>(rest)?.1 } else { rest };
    let (key, rest) = match flags & KEY {
        0 => (0, rest),
        _ => split::<4>(rest).map(|(key, rest)| (u32::from_be_bytes(*key), rest))?,
    };
    let rest = if flags & SEQUENCE != 0 { split::<4>(rest)?.1 } else { rest };
    let rest = if version == 1 && flags & ACKNOWLEDGMENT != 0 { split::<4>(rest)?.1 } else { rest };
    Ok(Some(Gre { protocol, key, sequenced: flags & SEQUENCE != 0, payload: rest }))
}

fn inside<'a>(gre: &Gre<'a>, carrier: &Datagram<'a>, ports: (u16, u16), trail: &mut Trail) -> Result<Next<'a>, Stop> {
    let (header, payload) = match gre.protocol {
        IPV4 | IPV6 => (Header::Ip, gre.payload),
        WCCP if gre.payload.first_nibble() == Some(4) => (Header::Ip, gre.payload),
        WCCP => (Header::Ip, split::<4>(gre.payload)?.1),
        TRANSPARENT_ETHERNET => (Header::Ethernet, gre.payload),
        PPP => (Header::Ppp, gre.payload),
        MPLS => (Header::EtherType(MPLS), gre.payload),
        ERSPAN | ERSPAN_III => return erspan(gre, carrier, trail),
        _ => return Err(NotTcp::Ip(carrier.protocol).into()),
    };
    trail.enter(TunnelKind::Gre, gre.key, carrier, ports);
    Ok((header, payload))
}

/// ERSPAN types I to III (draft-foschiano-erspan): mirrored Ethernet frames.
fn erspan<'a>(gre: &Gre<'a>, carrier: &Datagram<'a>, trail: &mut Trail) -> Result<Next<'a>, Stop> {
    const SUBHEADER: u8 = 0x01;
    let (session, frame) = match gre.protocol {
        ERSPAN_III => {
            let (header, rest) = split::<12>(gre.payload)?;
            let rest = if header[11] & SUBHEADER != 0 { split::<8>(rest)?.1 } else { rest };
            (be16(header[2] & 0x03, header[3]), rest)
        }
        _ if gre.sequenced => {
            let (header, rest) = split::<8>(gre.payload)?;
            (be16(header[2] & 0x03, header[3]), rest)
        }
        _ => (0, gre.payload),
    };
    trail.enter(TunnelKind::Erspan, u32::from(session), carrier, (0, 0));
    Ok((Header::Ethernet, frame))
}
