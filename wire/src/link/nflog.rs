//! Linux netfilter log: attributes, one of which is the packet.

use super::{Header, Next, not_ip, skip, take};
use crate::Reject;
use crate::bytes::Bytes;

/// Family, version, resource.
const HEADER_LEN: usize = 4;
/// Length and type of an attribute.
const ATTRIBUTE_HEADER_LEN: usize = 4;
/// The attribute that holds the packet (`NFULA_PAYLOAD`).
const PAYLOAD: u16 = 9;

/// Finds the packet among the attributes, which stand in the byte order of the capturing host: little-endian, but for a type
/// that makes sense only the other way round.
pub(super) fn packet(bytes: &mut Bytes<'_>) -> Next {
    skip(bytes, HEADER_LEN)?;
    while !bytes.captured.is_empty() {
        let &[a, b, c, d] = take(bytes)?;
        let (len, kind) = match (u16::from_le_bytes([a, b]), u16::from_le_bytes([c, d])) {
            (len, kind) if kind < 0x100 => (len, kind),
            (len, kind) => (len.swap_bytes(), kind.swap_bytes()),
        };
        let Some(len) = usize::from(len).checked_sub(ATTRIBUTE_HEADER_LEN) else {
            return Err(Reject::TruncatedLink.into());
        };
        if kind == PAYLOAD {
            *bytes = bytes.declared(len as u32);
            return Ok(Header::Ip);
        }
        skip(bytes, len.next_multiple_of(4))?;
    }
    not_ip()
}
