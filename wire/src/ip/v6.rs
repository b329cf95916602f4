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
    let (header, _) = packet.split::<40>().ok_or(Reject::TruncatedIp)?;
    let len = match be16(header[4], header[5]) {
        0 => packet.wire,
        payload => u32::from(payload) + HEADER_LEN,
    };
    let whole = packet.declared(len);
    let (_, addresses) = header.split_at(8);
    let (source, destination) = addresses.split_at(16);
    let datagram = Datagram {
        family: Family::V6,
        source: source.try_into().unwrap_or_default(),
        destination: destination.try_into().unwrap_or_default(),
        ttl: header[7],
        traffic_class: header[0] << 4 | header[1] >> 4,
        id: 0,
        len,
        protocol: header[6],
        fragment: Fragment::Whole,
        bytes: whole.captured,
        payload: whole.skip(HEADER_LEN as usize).ok_or(Reject::TruncatedIp)?,
    };
    extension::follow(datagram)
}
