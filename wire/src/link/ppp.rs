//! PPP (RFC 1661, 1662) and Cisco HDLC.

use super::{Header, Next, skip, take};
use crate::NotTcp;
use crate::bytes::{Bytes, be16};
use crate::link::ethernet::MPLS;

const IPV4: u16 = 0x0021;
const IPV6: u16 = 0x0057;
const MPLS_UNICAST: u16 = 0x0281;

/// A PPP header: the HDLC address and control bytes may be missing, and the protocol may be compressed to one byte.
pub(super) fn frame(bytes: &mut Bytes<'_>) -> Next {
    if bytes.captured.starts_with(&[0xff, 0x03]) {
        skip(bytes, 2)?;
    }
    let &[first] = take(bytes)?;
    let protocol = if first & 1 == 1 {
        u16::from(first)
    } else {
        let &[second] = take(bytes)?;
        be16(first, second)
    };
    match protocol {
        IPV4 | IPV6 => Ok(Header::Ip),
        MPLS_UNICAST => Ok(Header::EtherType(MPLS)),
        other => Err(NotTcp::Ether(other).into()),
    }
}

/// A serial line: PPP, or Cisco HDLC where the address says so.
pub(super) fn serial(bytes: &mut Bytes<'_>) -> Next {
    match bytes.captured {
        [0x0f | 0x8f, 0, ..] => cisco_hdlc(bytes),
        _ => Ok(Header::Ppp),
    }
}

/// Cisco HDLC: address, control, EtherType.
pub(super) fn cisco_hdlc(bytes: &mut Bytes<'_>) -> Next {
    let &[_, _, high, low] = take(bytes)?;
    Ok(Header::EtherType(be16(high, low)))
}
