//! PPP (RFC 1661, 1662) and Cisco HDLC.

use super::{Header, Next, split};
use crate::NotTcp;
use crate::bytes::{Bytes, be16};
use crate::link::ethernet::MPLS;
use crate::parse::Stop;

const IPV4: u16 = 0x0021;
const IPV6: u16 = 0x0057;
const MPLS_UNICAST: u16 = 0x0281;

/// A PPP header: the HDLC address and control bytes may be missing, and the protocol may be compressed to one byte.
pub(super) fn frame(bytes: Bytes<'_>) -> Result<Next<'_>, Stop> {
    let bytes = match split::<2>(bytes)? {
        (&[0xff, 0x03], rest) => rest,
        _ => bytes,
    };
    let (&[first], after_first) = split::<1>(bytes)?;
    let (protocol, rest) = if first & 1 == 1 {
        (u16::from(first), after_first)
    } else {
        let (&[second], rest) = split::<1>(after_first)?;
        (be16(first, second), rest)
    };
    match protocol {
        IPV4 | IPV6 => Ok((Header::Ip, rest)),
        MPLS_UNICAST => Ok((Header::EtherType(MPLS), rest)),
        other => Err(NotTcp::Ether(other).into()),
    }
}

/// A serial line: PPP, or Cisco HDLC where the address says so.
pub(super) fn serial(bytes: Bytes<'_>) -> Result<Next<'_>, Stop> {
    match bytes.captured {
        [0x0f | 0x8f, 0, ..] => cisco_hdlc(bytes),
        _ => Ok((Header::Ppp, bytes)),
    }
}

/// Cisco HDLC: address, control, EtherType.
pub(super) fn cisco_hdlc(bytes: Bytes<'_>) -> Result<Next<'_>, Stop> {
    let (&[_, _, high, low], rest) = split::<4>(bytes)?;
    Ok((Header::EtherType(be16(high, low)), rest))
}
