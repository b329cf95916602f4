//! Pseudo-headers that capture libraries write in place of a link header: Linux "cooked" capture and BSD loopback.

use super::{Header, Next, not_ip, take};
use crate::bytes::{Bytes, be16};

/// The protocol value of IEEE 802.2 (`ETH_P_802_2`).
const LLC: u16 = 4;

/// Linux cooked capture, version 1: sixteen bytes, the protocol last.
pub(super) fn v1(bytes: &mut Bytes<'_>) -> Next {
    let header = take::<16>(bytes)?;
    protocol(be16(header[14], header[15]), be16(header[2], header[3]))
}

/// Linux cooked capture, version 2: twenty bytes, the protocol first.
pub(super) fn v2(bytes: &mut Bytes<'_>) -> Next {
    let header = take::<20>(bytes)?;
    protocol(be16(header[0], header[1]), be16(header[8], header[9]))
}

/// The protocol of a cooked packet is an EtherType, or a number of Linux's own below all EtherTypes. On a netlink device
/// (`ARPHRD_NETLINK`) it is a netlink family.
fn protocol(protocol: u16, device: u16) -> Next {
    const NETLINK: u16 = 824;
    match protocol {
        _ if device == NETLINK => not_ip(),
        0x600.. => Ok(Header::EtherType(protocol)),
        LLC => Ok(Header::Llc),
        _ => not_ip(),
    }
}

/// BSD loopback: the address family in either byte order; IPv6 has a number of its own on each system.
pub(super) fn loopback(bytes: &mut Bytes<'_>) -> Next {
    const INET: u32 = 2;
    const INET6_LINUX: u32 = 10;
    const INET6_WINDOWS: u32 = 23;
    const INET6_NETBSD: u32 = 24;
    const INET6_FREEBSD: u32 = 28;
    const INET6_DARWIN: u32 = 30;
    let family = u32::from_be_bytes(*take(bytes)?);
    match family.min(family.swap_bytes()) {
        INET | INET6_LINUX | INET6_WINDOWS | INET6_NETBSD | INET6_FREEBSD | INET6_DARWIN => Ok(Header::Ip),
        _ => not_ip(),
    }
}
