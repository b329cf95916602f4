//! The way through a frame: link headers, IP, and again from the start inside a tunnel, until TCP or something else.

use crate::bytes::Bytes;
use crate::ip::{self, Datagram, Fragment};
use crate::link;
use crate::{IcmpError, LinkType, NotTcp, Outer, Parsed, Reject, Segment, TunnelKind, tcp, tunnel};

/// How many tunnels the parser follows around a segment. RFC 2473 lets an IPv6 tunnel be nested four times by default; a
/// mirror (ERSPAN, VXLAN) of a provider's link (GTP, L2TP) adds two or three. A frame deeper than that was made to waste time.
const MAX_TUNNELS: u8 = 8;

/// Why a frame gives no segment.
pub(crate) enum Stop {
    NotTcp(NotTcp),
    Icmp(IcmpError),
    Rejected(Reject),
}

impl From<NotTcp> for Stop {
    fn from(what: NotTcp) -> Self {
        Self::NotTcp(what)
    }
}

impl From<Reject> for Stop {
    fn from(why: Reject) -> Self {
        Self::Rejected(why)
    }
}

/// What was passed on the way down to the current header.
pub(crate) struct Trail {
    /// Outermost VLAN identifier, or [`Segment::NO_VLAN`].
    pub vlan: u16,
    /// The tunnel entered last.
    pub outer: Option<Outer>,
}

impl Trail {
    /// Nothing was passed yet.
    const NOTHING: Self = Self { vlan: Segment::NO_VLAN, outer: None };

    /// Notes that the payload of `carrier` is a tunnel; `ports` are zero unless it runs over UDP.
    pub fn enter(&mut self, kind: TunnelKind, id: u32, carrier: &Datagram<'_>, ports: (u16, u16)) {
        self.outer = Some(Outer {
            kind,
            id,
            family: carrier.family,
            source: carrier.source(ports.0),
            destination: carrier.destination(ports.1),
            depth: self.outer.map_or(1, |outer| outer.depth + 1),
        });
    }
}

/// Reads a frame of `wire_len` bytes, of which `frame` was captured, in one pass: no allocation, no panic, and a bounded
/// number of headers. The segment is that of the innermost TCP header.
///
/// ```
/// use wire::{LinkType, NotTcp, Parsed, parse};
///
/// let arp = [&[0xff; 6][..], &[2; 6], &[0x08, 0x06], &[0; 28]].concat();
/// assert!(matches!(parse(LinkType::Ethernet, &arp, 42), Parsed::NotTcp(NotTcp::Ether(0x0806))));
/// ```
#[must_use]
pub fn parse(link: LinkType, frame: &[u8], wire_len: u32) -> Parsed<'_> {
    if let Some(datagram) = plain(link, frame, wire_len) {
        return tcp::read(&datagram, &Trail::NOTHING);
    }
    parse_any(link, frame, wire_len)
}

/// [`parse`] for a frame of any kind.
fn parse_any(link: LinkType, frame: &[u8], wire_len: u32) -> Parsed<'_> {
    let mut trail = Trail::NOTHING;
    match down_to_tcp(link, Bytes::new(frame, wire_len), &mut trail) {
        Ok(datagram) => tcp::read(&datagram, &trail),
        Err(Stop::NotTcp(what)) => Parsed::NotTcp(what),
        Err(Stop::Icmp(error)) => Parsed::Icmp(error),
        Err(Stop::Rejected(why)) => Parsed::Rejected(why),
    }
}

/// The datagram of a frame of the commonest kind, of which this is the short way: Ethernet without tags, a whole IPv4 packet, TCP.
#[inline]
fn plain(link: LinkType, frame: &[u8], wire_len: u32) -> Option<Datagram<'_>> {
    let mut bytes = Bytes::new(frame, wire_len);
    let header = bytes.take::<{ link::ETHERNET_LEN }>()?;
    if link != LinkType::Ethernet || !link::announces_ipv4(header) || bytes.first_nibble() != Some(4) {
        return None;
    }
    let datagram = ip::read_v4(bytes).ok()?;
    (datagram.protocol == ip::TCP && datagram.fragment == Fragment::Whole).then_some(datagram)
}

/// Goes past all headers and tunnels until a datagram that has a TCP header.
#[inline]
fn down_to_tcp<'a>(link: LinkType, frame: Bytes<'a>, trail: &mut Trail) -> Result<Datagram<'a>, Stop> {
    let mut bytes = frame;
    let mut header = link::open(link, &mut bytes)?;
    for _ in 0..=MAX_TUNNELS {
        link::down_to_ip(header, &mut bytes, trail)?;
        let datagram = ip::read(bytes)?;
        match (datagram.protocol, datagram.fragment) {
            (ip::TCP, Fragment::Later) => return Err(Reject::LaterFragment.into()),
            (ip::TCP, _) => return Ok(datagram),
            (other, Fragment::Later) => return Err(NotTcp::Ip(other).into()),
            _ => (),
        }
        bytes = datagram.payload;
        header = tunnel::open(&datagram, &mut bytes, trail)?;
    }
    Err(Reject::TooDeep.into())
}
