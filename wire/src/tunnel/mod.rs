//! Tunnels: what an IP datagram carries that has link or IP headers of its own.

mod gre;
mod udp;

use crate::bytes::Bytes;
use crate::ip::{self, Datagram};
use crate::link::{Header, Next};
use crate::parse::{Stop, Trail};
use crate::{NotTcp, Reject, TunnelKind, icmp};

/// Enters the tunnel in `carrier`, whose payload `bytes` is, or says what else it carries.
pub(crate) fn open<'a>(carrier: &Datagram<'a>, bytes: &mut Bytes<'a>, trail: &mut Trail) -> Next {
    match carrier.protocol {
        ip::UDP => udp::open(carrier, bytes, trail),
        ip::GRE => gre::open(carrier, bytes, trail),
        ip::IPV4 | ip::IPV6 => {
            trail.enter(TunnelKind::IpInIp, 0, carrier, (0, 0));
            Ok(Header::Ip)
        }
        ip::ICMP | ip::ICMP6 => Err(icmp::read(carrier)),
        other => Err(NotTcp::Ip(other).into()),
    }
}

/// Takes `N` bytes of a tunnel's header off.
fn take<'a, const N: usize>(bytes: &mut Bytes<'a>) -> Result<&'a [u8; N], Stop> {
    bytes.take().ok_or(Stop::Rejected(Reject::TruncatedTunnel))
}
