//! ARCNET (RFC 1201, RFC 1051).

use super::{Header, Next, not_ip, skip, split};
use crate::NotTcp;
use crate::bytes::Bytes;
use crate::parse::Stop;

const IP_RFC1051: u8 = 240;
const IP_RFC1201: u8 = 212;

/// BSD: source, destination, then the protocol.
pub(super) fn bsd(bytes: Bytes<'_>) -> Result<Next<'_>, Stop> {
    let (&[_, _, protocol], rest) = split::<3>(bytes)?;
    payload(protocol, rest)
}

/// Linux: source, destination, two bytes of offset, then the protocol.
pub(super) fn linux(bytes: Bytes<'_>) -> Result<Next<'_>, Stop> {
    let (&[_, _, _, _, protocol], rest) = split::<5>(bytes)?;
    payload(protocol, rest)
}

/// RFC 1201 has a split flag and a sequence number before the datagram, and four bytes more where padding was needed
/// (the exception frame, flag 0xff). A later part of a split datagram (even flag) has no IP header.
fn payload(protocol: u8, bytes: Bytes<'_>) -> Result<Next<'_>, Stop> {
    match protocol {
        IP_RFC1051 => Ok((Header::Ip, bytes)),
        IP_RFC1201 => {
            let bytes = if bytes.captured.first() == Some(&0xff) { skip(bytes, 4)? } else { bytes };
            let (&[split_flag, _, _], rest) = split::<3>(bytes)?;
            if split_flag != 0 && split_flag & 1 == 0 { not_ip() } else { Ok((Header::Ip, rest)) }
        }
        other => Err(NotTcp::Ether(u16::from(other)).into()),
    }
}
