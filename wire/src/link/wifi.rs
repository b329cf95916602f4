//! IEEE 802.11, and the headers that capture drivers put before it.

use super::{Header, Next, not_ip, open, skip, split};
use crate::LinkType;
use crate::bytes::Bytes;
use crate::parse::Stop;

/// Radiotap: its length is little-endian at offset 2.
pub(super) fn radiotap(bytes: Bytes<'_>) -> Result<Next<'_>, Stop> {
    let (&[_, _, low, high], _) = split::<4>(bytes)?;
    Ok((Header::Ieee80211, skip(bytes, usize::from(u16::from_le_bytes([low, high])))?))
}

/// Per-Packet Information: its length is little-endian at offset 2, the link type of what follows at offset 4.
pub(super) fn ppi(bytes: Bytes<'_>) -> Result<Next<'_>, Stop> {
    let (&[_, _, low, high, a, b, c, d], _) = split::<8>(bytes)?;
    let rest = skip(bytes, usize::from(u16::from_le_bytes([low, high])))?;
    match LinkType::from_number(u32::from_le_bytes([a, b, c, d])) {
        LinkType::Ppi => not_ip(),
        inner => open(inner, rest),
    }
}

/// An 802.11 frame: LLC in data frames that are not encrypted; of an aggregate (A-MSDU) the first part.
pub(super) fn frame(bytes: Bytes<'_>) -> Result<Next<'_>, Stop> {
    const HEADER_LEN: usize = 24;
    const ADDRESS_LEN: usize = 6;
    const QOS_LEN: usize = 2;
    const HT_CONTROL_LEN: usize = 4;
    const AGGREGATE: u8 = 0x80;
    const AGGREGATE_HEADER_LEN: usize = 14;
    let (&[control, flags], _) = split::<2>(bytes)?;
    let data = control & 0x0c == 0x08;
    let empty = control & 0x40 != 0;
    let protected = flags & 0x40 != 0;
    if !data || empty || protected {
        return not_ip();
    }
    let four_addresses = flags & 0x03 == 0x03;
    let mut rest = skip(bytes, HEADER_LEN + if four_addresses { ADDRESS_LEN } else { 0 })?;
    let quality_of_service = control & 0x80 != 0;
    if quality_of_service {
        let (&[qos, _], _) = split::<QOS_LEN>(rest)?;
        let ordered = flags & 0x80 != 0;
        rest = skip(rest, QOS_LEN + if ordered { HT_CONTROL_LEN } else { 0 })?;
        if qos & AGGREGATE != 0 {
            rest = skip(rest, AGGREGATE_HEADER_LEN)?;
        }
    }
    Ok((Header::Llc, rest))
}
