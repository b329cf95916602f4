//! ARCNET (RFC 1201, RFC 1051).

use super::{Header, Next, not_ip, skip, take};
use crate::NotTcp;
use crate::bytes::Bytes;

const IP_RFC1051: u8 = 240;
const IP_RFC1201: u8 = 212;

/// BSD: source, destination, then the protocol.
pub(super) fn bsd(bytes: &mut Bytes<'_>) -> Next {
    let &[_, _, protocol] = take(bytes)?;
    payload(protocol, bytes)
}

/// Linux: source, destination, two bytes of offset, then the protocol.
pub(super) fn linux(bytes: &mut Bytes<'_>) -> Next {
    let &[_, _, _, _, protocol] = take(bytes)?;
    payload(protocol, bytes)
}

/// RFC 1201 has a split flag and a sequence number before the datagram, and four bytes more where padding was needed
/// (the exception frame, flag 0xff). A later part of a split datagram (even flag) has no IP header.
fn payload(protocol: u8, bytes: &mut Bytes<'_>) -> Next {
    match protocol {
        IP_RFC1051 => Ok(Header::Ip),
        IP_RFC1201 => {
            if bytes.captured.first() == Some(&0xff) {
                skip(bytes, 4)?;
            }
            let &[split_flag, _, _] = take(bytes)?;
            if split_flag != 0 && split_flag & 1 == 0 { not_ip() } else { Ok(Header::Ip) }
        }
        other => Err(NotTcp::Ether(u16::from(other)).into()),
    }
}
