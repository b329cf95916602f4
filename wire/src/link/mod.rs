//! Link headers: from the first byte of a frame, or of a tunnel's payload, to the IP header.

mod arcnet;
mod cooked;
mod ethernet;
mod nflog;
mod ppp;
mod wifi;

pub(crate) use ethernet::{MPLS, PPP, TRANSPARENT_ETHERNET};

use crate::bytes::Bytes;
use crate::parse::{Stop, Trail};
use crate::{LinkType, NotTcp, Reject};

/// How many headers the parser follows between a frame's start, or a tunnel, and IP. A provider's edge stacks two VLAN tags,
/// a backbone header with a tag of its own, a few MPLS labels and PPPoE; twice that is a frame made to waste time.
const MAX_HEADERS: usize = 16;

/// What the next bytes are.
#[derive(Clone, Copy)]
pub(crate) enum Header {
    /// An IP header.
    Ip,
    /// An Ethernet header.
    Ethernet,
    /// The payload of this EtherType.
    EtherType(u16),
    /// IEEE 802.2 logical link control.
    Llc,
    /// A PPP header, with or without the HDLC address.
    Ppp,
    /// IEEE 802.11.
    Ieee80211,
}

/// The next header and the bytes from it on.
pub(crate) type Next<'a> = (Header, Bytes<'a>);

/// Reads what only a frame's first header can be.
#[inline]
pub(crate) fn open(link: LinkType, frame: Bytes<'_>) -> Result<Next<'_>, Stop> {
    match link {
        LinkType::Ethernet => Ok((Header::Ethernet, frame)),
        LinkType::Raw | LinkType::Ipv4 | LinkType::Ipv6 => Ok((Header::Ip, frame)),
        other => open_other(other, frame),
    }
}

#[cold]
fn open_other(link: LinkType, frame: Bytes<'_>) -> Result<Next<'_>, Stop> {
    match link {
        LinkType::LinuxSll => cooked::v1(frame),
        LinkType::LinuxSll2 => cooked::v2(frame),
        LinkType::Null | LinkType::Loop => cooked::loopback(frame),
        LinkType::Ppp | LinkType::PppHdlc => ppp::serial(frame),
        LinkType::PppEther => Ok((Header::EtherType(ethernet::PPPOE_SESSION), frame)),
        LinkType::CiscoHdlc => ppp::cisco_hdlc(frame),
        LinkType::Fddi => ethernet::fddi(frame),
        LinkType::JuniperEther => ethernet::juniper(frame),
        LinkType::Ipoib => ethernet::infiniband(frame),
        LinkType::Arcnet => arcnet::bsd(frame),
        LinkType::ArcnetLinux => arcnet::linux(frame),
        LinkType::Ieee80211 => Ok((Header::Ieee80211, frame)),
        LinkType::Radiotap => wifi::radiotap(frame),
        LinkType::Ppi => wifi::ppi(frame),
        LinkType::Nflog => nflog::packet(frame),
        LinkType::Ethernet | LinkType::Raw | LinkType::Ipv4 | LinkType::Ipv6 | LinkType::Unknown(_) => {
            Err(Reject::UnknownLink.into())
        }
    }
}

/// Goes past link headers until IP.
#[inline]
pub(crate) fn down_to_ip<'a>(next: Next<'a>, trail: &mut Trail) -> Result<Bytes<'a>, Stop> {
    let (mut header, mut bytes) = next;
    for _ in 0..MAX_HEADERS {
        (header, bytes) = match header {
            Header::Ip => return Ok(bytes),
            Header::Ethernet => ethernet::frame(bytes)?,
            Header::EtherType(ethernet::IPV4 | ethernet::IPV6) => return Ok(bytes),
            Header::EtherType(kind) => ethernet::payload(kind, bytes, trail)?,
            Header::Llc => ethernet::llc(bytes)?,
            Header::Ppp => ppp::frame(bytes)?,
            Header::Ieee80211 => wifi::frame(bytes)?,
        };
    }
    Err(Reject::TooDeep.into())
}

/// The first `N` bytes of a link header.
#[inline]
fn split<const N: usize>(bytes: Bytes<'_>) -> Result<(&[u8; N], Bytes<'_>), Stop> {
    bytes.split().ok_or(Stop::Rejected(Reject::TruncatedLink))
}

/// What follows `count` bytes of link header.
fn skip(bytes: Bytes<'_>, count: usize) -> Result<Bytes<'_>, Stop> {
    bytes.skip(count).ok_or(Stop::Rejected(Reject::TruncatedLink))
}

/// A frame of the link's own.
const fn not_ip<T>() -> Result<T, Stop> {
    Err(Stop::NotTcp(NotTcp::Link))
}
