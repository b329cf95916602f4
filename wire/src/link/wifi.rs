//! IEEE 802.11, and the headers that capture drivers put before it.

use super::{Header, Next, not_ip, open, skip, take};
use crate::bytes::Bytes;
use crate::{LinkType, Reject};

/// Radiotap: its length is little-endian at offset 2.
pub(super) fn radiotap(bytes: &mut Bytes<'_>) -> Next {
    const HEADER_LEN: usize = 4;
    let &[_, _, low, high] = take::<HEADER_LEN>(bytes)?;
    let fields = usize::from(u16::from_le_bytes([low, high])).checked_sub(HEADER_LEN);
    skip(bytes, fields.unwrap_or_default())?;
    Ok(Header::Ieee80211)
}

/// Per-Packet Information: its length is little-endian at offset 2, the link type of what follows at offset 4.
pub(super) fn ppi(bytes: &mut Bytes<'_>) -> Next {
    const HEADER_LEN: usize = 8;
    let &[_, _, low, high, a, b, c, d] = take::<HEADER_LEN>(bytes)?;
    let fields = usize::from(u16::from_le_bytes([low, high])).checked_sub(HEADER_LEN);
    skip(bytes, fields.unwrap_or_default())?;
    match LinkType::from_number(u32::from_le_bytes([a, b, c, d])) {
        LinkType::Ppi => not_ip(),
        inner => open(inner, bytes),
    }
}

/// An 802.11 frame: LLC in data frames that are not encrypted; of an aggregate (A-MSDU) the first part.
pub(super) fn frame(bytes: &mut Bytes<'_>) -> Next {
    const HEADER_LEN: usize = 24;
    const ADDRESS_LEN: usize = 6;
    const HT_CONTROL_LEN: usize = 4;
    const AGGREGATE: u8 = 0x80;
    const AGGREGATE_HEADER_LEN: usize = 14;
    let [control, flags, ..] = *bytes.captured else { return Err(Reject::TruncatedLink.into()) };
    let data = control & 0x0c == 0x08;
    let empty = control & 0x40 != 0;
    let protected = flags & 0x40 != 0;
    if !data || empty || protected {
        return not_ip();
    }
    let four_addresses = flags & 0x03 == 0x03;
    skip(bytes, HEADER_LEN + if four_addresses { ADDRESS_LEN } else { 0 })?;
    let quality_of_service = control & 0x80 != 0;
    if quality_of_service {
        let &[qos, _] = take(bytes)?;
        let ordered = flags & 0x80 != 0;
        skip(bytes, if ordered { HT_CONTROL_LEN } else { 0 })?;
        skip(bytes, if qos & AGGREGATE != 0 { AGGREGATE_HEADER_LEN } else { 0 })?;
    }
    Ok(Header::Llc)
}
