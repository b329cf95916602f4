//! IPv4 (RFC 791).

use super::{Datagram, Fragment, extension};
use crate::bytes::{Bytes, be16};
use crate::parse::Stop;
use crate::{Family, Reject};

const MORE_FRAGMENTS: u16 = 0x2000;
const OFFSET: u16 = 0x1fff;

/// Reads an IPv4 header. A total length of 0 is what segmentation offload leaves: then the frame's length decides. One beyond
/// the frame is either right, where something cut the packet without saying so, or damaged: the header's checksum tells.
#[inline(always)]
pub(crate) fn read(packet: Bytes<'_>) -> Result<Datagram<'_>, Stop> {
    let header = packet.captured.first_chunk::<20>().ok_or(Reject::TruncatedIp)?;
    let header_len = usize::from(header[0] & 15) * 4;
    let len = match be16(header[2], header[3]) {
        0 => packet.wire,
        total => u32::from(total),
    };
    if header_len < 20 || (len as usize) < header_len {
        return Err(Reject::BadIp.into());
    }
    if len > packet.wire && !checksum_holds(packet.captured, header_len) {
        return Err(Reject::BadIp.into());
    }
    let whole = packet.declared(len);
    let mut payload = whole;
    payload.skip(header_len).ok_or(Reject::TruncatedIp)?;
    let fragment = be16(header[6], header[7]);
    let datagram = Datagram {
        family: Family::V4,
        source: mapped([header[12], header[13], header[14], header[15]]),
        destination: mapped([header[16], header[17], header[18], header[19]]),
        ttl: header[8],
        traffic_class: header[1],
        id: be16(header[4], header[5]),
        len,
        protocol: header[9],
        fragment: Fragment::new(fragment & OFFSET, fragment & MORE_FRAGMENTS != 0),
        bytes: whole.captured,
        payload,
    };
    if datagram.protocol == extension::AUTHENTICATION && datagram.fragment != Fragment::Later {
        // A copy, so that the datagram of everybody else need not be in memory.
        let mut authenticated = datagram;
        extension::past_authentication(&mut authenticated)?;
        return Ok(authenticated);
    }
    Ok(datagram)
}

/// An IPv4-mapped IPv6 address (RFC 4291, 2.5.5.2).
#[inline]
const fn mapped(address: [u8; 4]) -> u128 {
    0xffff_0000_0000 | u32::from_be_bytes(address) as u128
}

/// Whether the ones' complement sum over the header is all ones (RFC 1071).
#[cold]
fn checksum_holds(packet: &[u8], header_len: usize) -> bool {
    let (words, _) = packet.get(..header_len).unwrap_or_default().as_chunks::<2>();
    let sum: u32 = words.iter().map(|word| u32::from(u16::from_be_bytes(*word))).sum();
    sum != 0 && sum.is_multiple_of(0xffff)
}
