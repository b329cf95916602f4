//! Tunnels: what an IP datagram carries that has link or IP headers of its own.

mod gre;
mod udp;

use crate::bytes::Bytes;
use crate::ip::{self, Datagram};
use crate::link::{Header, Next};
use crate::parse::{Stop, Trail};
use crate::{NotTcp, Reject, TunnelKind};

/// Enters the tunnel in `carrier`, or says what else it carries.
pub(crate) fn open<'a>(carrier: &Datagram<'a>, trail: &mut Trail) -> Result<Next<'a>, Stop> {
    match carrier.protocol {
        ip::UDP => udp::open(carrier, trail),
        ip::GRE => gre::open(carrier, trail),
        ip::IPV4 | ip::IPV6 => {
            trail.enter(TunnelKind::IpInIp, 0, carrier, (0, 0));
            Ok((Header::Ip, carrier.payload))
        }
        other => Err(NotTcp::Ip(other).into()),
    }
}

/// The first `N` bytes of a tunnel's header.
fn split<const N: usize>(bytes: Bytes<'_>) -> Result<(&[u8; N], Bytes<'_>), Stop> {
    bytes.split().ok_or(Stop::Rejected(Reject::TruncatedTunnel))
}
