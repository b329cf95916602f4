//! Link headers: from the first byte of a frame, or of a tunnel's payload, to the IP header.

mod arcnet;
mod cooked;
mod ethernet;
mod nflog;
mod ppp;
mod wifi;

pub(crate) use ethernet::{ETHERNET_LEN, MPLS, PPP, TRANSPARENT_ETHERNET, announces_ipv4};

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

/// What follows a header that was taken off the bytes.
pub(crate) type Next = Result<Header, Stop>;

/// Takes off what only a frame's first header can be.
#[inline]
pub(crate) fn open(link: LinkType, bytes: &mut Bytes<'_>) -> Next {
    match link {
        LinkType::Ethernet => ethernet::frame(bytes),
        LinkType::Raw | LinkType::Ipv4 | LinkType::Ipv6 => Ok(Header::Ip),
        other => open_other(other, bytes),
    }
}

#[cold]
fn open_other(link: LinkType, bytes: &mut Bytes<'_>) -> Next {
    match link {
        LinkType::LinuxSll => cooked::v1(bytes),
        LinkType::LinuxSll2 => cooked::v2(bytes),
        LinkType::Null | LinkType::Loop => cooked::loopback(bytes),
        LinkType::Ppp | LinkType::PppHdlc => ppp::serial(bytes),
        LinkType::PppEther => Ok(Header::EtherType(ethernet::PPPOE_SESSION)),
        LinkType::CiscoHdlc => ppp::cisco_hdlc(bytes),
        LinkType::Fddi => ethernet::fddi(bytes),
        LinkType::JuniperEther => ethernet::juniper(bytes),
        LinkType::Ipoib => ethernet::infiniband(bytes),
        LinkType::Arcnet => arcnet::bsd(bytes),
        LinkType::ArcnetLinux => arcnet::linux(bytes),
        LinkType::Ieee80211 => Ok(Header::Ieee80211),
        LinkType::Radiotap => wifi::radiotap(bytes),
        LinkType::Ppi => wifi::ppi(bytes),
        LinkType::Nflog => nflog::packet(bytes),
        LinkType::Ethernet | LinkType::Raw | LinkType::Ipv4 | LinkType::Ipv6 | LinkType::Unknown(_) => {
            Err(Reject::UnknownLink.into())
        }
    }
}

/// Takes link headers off until IP is next.
#[inline]
pub(crate) fn down_to_ip(first: Header, bytes: &mut Bytes<'_>, trail: &mut Trail) -> Result<(), Stop> {
    let mut header = first;
    for _ in 0..MAX_HEADERS {
        header = match header {
            Header::Ip | Header::EtherType(ethernet::IPV4 | ethernet::IPV6) => return Ok(()),
            Header::Ethernet => ethernet::frame(bytes)?,
            Header::EtherType(ethernet::VLAN) => ethernet::vlan(bytes, trail)?,
            Header::EtherType(kind) => ethernet::payload(kind, bytes, trail)?,
            Header::Llc => ethernet::llc(bytes)?,
            Header::Ppp => ppp::frame(bytes)?,
            Header::Ieee80211 => wifi::frame(bytes)?,
        };
    }
    Err(Reject::TooDeep.into())
}

/// Takes `N` bytes of link header off.
#[inline]
fn take<'a, const N: usize>(bytes: &mut Bytes<'a>) -> Result<&'a [u8; N], Stop> {
    bytes.take().ok_or(Stop::Rejected(Reject::TruncatedLink))
}

/// Leaves `count` bytes of link header out.
fn skip(bytes: &mut Bytes<'_>, count: usize) -> Result<(), Stop> {
    bytes.skip(count).ok_or(Stop::Rejected(Reject::TruncatedLink))
}

/// A frame of the link's own.
const fn not_ip() -> Next {
    Err(Stop::NotTcp(NotTcp::Link))
}
