//! IPv6 (RFC 8200).

use super::{Datagram, Fragment, extension};
use crate::bytes::{Bytes, be16};
use crate::parse::Stop;
use crate::{Family, Reject};

/// Bytes of the fixed header.
pub(super) const HEADER_LEN: u32 = 40;

/// Reads an IPv6 header and its extension headers. A payload length of 0 is a jumbogram (RFC 2675) or what segmentation
/// offload leaves: then the frame's length decides.
#[inline]
pub(super) fn read(packet: Bytes<'_>) -> Result<Datagram<'_>, Stop> {
    let mut rest = packet;
    let header = rest.take::<8>().ok_or(Reject::TruncatedIp)?;
    let source = rest.take::<16>().ok_or(Reject::TruncatedIp)?;
    let destination = rest.take::<16>().ok_or(Reject::TruncatedIp)?;
    let len = match be16(header[4], header[5]) {
        0 => packet.wire,
        payload => u32::from(payload) + HEADER_LEN,
    };
    let mut datagram = Datagram {
        family: Family::V6,
        source: u128::from_be_bytes(*source),
        destination: u128::from_be_bytes(*destination),
        ttl: header[7],
        traffic_class: header[0] << 4 | header[1] >> 4,
        id: 0,
        len,
        protocol: header[6],
        fragment: Fragment::Whole,
        bytes: packet.declared(len).captured,
        payload: rest.declared(len.saturating_sub(HEADER_LEN)),
    };
    if extension::is_one(datagram.protocol) {
        extension::follow(&mut datagram)?;
    }
    Ok(datagram)
}
