//! Linux netfilter log: attributes, one of which is the packet.

use super::{Header, Next, not_ip, skip, split};
use crate::Reject;
use crate::bytes::Bytes;
use crate::parse::Stop;

/// Family, version, resource.
const HEADER_LEN: usize = 4;
/// Length and type of an attribute.
const ATTRIBUTE_HEADER_LEN: usize = 4;
/// The attribute that holds the packet (`NFULA_PAYLOAD`).
const PAYLOAD: u16 = 9;

/// Finds the packet among the attributes, which stand in the byte order of the capturing host: little-endian, but for a type
/// that makes sense only the other way round.
pub(super) fn packet(bytes: Bytes<'_>) -> Result<Next<'_>, Stop> {
    let mut rest = skip(bytes, HEADER_LEN)?;
    while !rest.captured.is_empty() {
        let (&[a, b, c, d], value) = split::<ATTRIBUTE_HEADER_LEN>(rest)?;
        let (len, kind) = match (u16::from_le_bytes([a, b]), u16::from_le_bytes([c, d])) {
            (len, kind) if kind < 0x100 => (len, kind),
            (len, kind) => (len.swap_bytes(), kind.swap_bytes()),
        };
        let len = usize::from(len);
        if len < ATTRIBUTE_HEADER_LEN {
            return Err(Reject::TruncatedLink.into());
        }
        if kind == PAYLOAD {
            return Ok((Header::Ip, value.declared((len - ATTRIBUTE_HEADER_LEN) as u32)));
        }
        rest = skip(rest, len.next_multiple_of(4))?;
    }
    not_ip()
}
