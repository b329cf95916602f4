//! GRE (RFC 2784, 2890), its version 1 (PPTP, RFC 2637), and ERSPAN in it.

use super::take;
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
struct Gre {
    protocol: u16,
    key: u32,
    sequenced: bool,
}

/// Enters GRE directly in IP.
pub(super) fn open(carrier: &Datagram<'_>, bytes: &mut Bytes<'_>, trail: &mut Trail) -> Next {
    match read(bytes)? {
        Some(gre) => inside(&gre, bytes, carrier, (0, 0), trail),
        None => Err(NotTcp::Ip(ip::GRE).into()),
    }
}

/// Enters GRE in UDP (RFC 8086): `None` when the payload is no such thing.
pub(super) fn open_in_udp(
    carrier: &Datagram<'_>,
    bytes: &mut Bytes<'_>,
    ports: (u16, u16),
    trail: &mut Trail,
) -> Option<Header> {
    let gre = read(bytes).ok()??;
    inside(&gre, bytes, carrier, ports, trail).ok()
}

/// Reads the header; `None` where it is of no known form.
fn read(bytes: &mut Bytes<'_>) -> Result<Option<Gre>, Stop> {
    let &[a, b, c, d] = take(bytes)?;
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
    let mut field = |there: bool| if there { take(bytes).map(|field| u32::from_be_bytes(*field)) } else { Ok(0) };
    field(flags & CHECKSUM != 0)?;
    let key = field(flags & KEY != 0)?;
    field(flags & SEQUENCE != 0)?;
    field(version == 1 && flags & ACKNOWLEDGMENT != 0)?;
    Ok(Some(Gre { protocol, key, sequenced: flags & SEQUENCE != 0 }))
}

fn inside(gre: &Gre, bytes: &mut Bytes<'_>, carrier: &Datagram<'_>, ports: (u16, u16), trail: &mut Trail) -> Next {
    let header = match gre.protocol {
        IPV4 | IPV6 => Header::Ip,
        TRANSPARENT_ETHERNET => Header::Ethernet,
        PPP => Header::Ppp,
        MPLS => Header::EtherType(MPLS),
        WCCP if bytes.first_nibble() == Some(4) => Header::Ip,
        WCCP => take::<4>(bytes).map(|_| Header::Ip)?,
        ERSPAN | ERSPAN_III => return erspan(gre, bytes, carrier, trail),
        _ => return Err(NotTcp::Ip(carrier.protocol).into()),
    };
    trail.enter(TunnelKind::Gre, gre.key, carrier, ports);
    Ok(header)
}

/// ERSPAN types I to III (draft-foschiano-erspan): mirrored Ethernet frames.
fn erspan(gre: &Gre, bytes: &mut Bytes<'_>, carrier: &Datagram<'_>, trail: &mut Trail) -> Next {
    const SUBHEADER: u8 = 0x01;
    let session = match gre.protocol {
        ERSPAN_III => {
            let header = take::<12>(bytes)?;
            if header[11] & SUBHEADER != 0 {
                take::<8>(bytes)?;
            }
            be16(header[2] & 0x03, header[3])
        }
        _ if gre.sequenced => {
            let header = take::<8>(bytes)?;
            be16(header[2] & 0x03, header[3])
        }
        _ => 0,
    };
    trail.enter(TunnelKind::Erspan, u32::from(session), carrier, (0, 0));
    Ok(Header::Ethernet)
}
