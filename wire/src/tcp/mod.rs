//! TCP (RFC 9293): from an IP datagram to a [`Segment`].

mod multipath;
mod options;

use crate::bytes::be16;
use crate::ip::{Datagram, Fragment};
use crate::parse::Trail;
use crate::{FlowKey, Parsed, Reject, Segment, SeqNum, TcpFlags, TcpFrame, TunnelKind};
pub use multipath::Multipath;

/// Bytes of the header without options.
const HEADER_LEN: u32 = 20;

/// Reads the segment in `datagram`. The twenty bytes of the fixed header must be there; the options are read as far as they
/// were captured.
#[inline(always)]
pub(crate) fn read<'a>(datagram: &Datagram<'a>, trail: &Trail) -> Parsed<'a> {
    let first_fragment = datagram.fragment == Fragment::First;
    if datagram.payload.wire < HEADER_LEN {
        return Parsed::Rejected(if first_fragment { Reject::TinyFragment } else { Reject::BadTcp });
    }
    let mut rest = datagram.payload;
    let Some(header) = rest.take::<20>() else { return Parsed::Rejected(Reject::TruncatedTcp) };
    let header_len = u32::from(header[12] >> 4) * 4;
    let payload_len = match datagram.payload.wire.checked_sub(header_len) {
        _ if header_len < HEADER_LEN => return Parsed::Rejected(Reject::BadTcp),
        Some(len) => len,
        None if first_fragment => 0,
        None => return Parsed::Rejected(Reject::BadTcp),
    };
    let options_len = (header_len - HEADER_LEN) as usize;
    let list = rest.captured.get(..options_len).unwrap_or(rest.captured);
    let headers_len = datagram.bytes.len() - (rest.captured.len() - list.len());
    let options = options::read(list, list.len() < options_len);

    let source = datagram.source(be16(header[0], header[1]));
    let destination = datagram.destination(be16(header[2], header[3]));
    let (key, sender) = FlowKey::new(datagram.family, source, destination);
    Parsed::Tcp(TcpFrame {
        segment: Segment {
            key,
            sender,
            ttl: datagram.ttl,
            traffic_class: datagram.traffic_class,
            wscale: options.wscale,
            payload_len,
            ip_len: datagram.len,
            seq: SeqNum(u32::from_be_bytes([header[4], header[5], header[6], header[7]])),
            ack: SeqNum(u32::from_be_bytes([header[8], header[9], header[10], header[11]])),
            tsval: options.tsval,
            tsecr: options.tsecr,
            sack: options.sack,
            sack_count: options.sack_count,
            tunnel: trail.outer.map_or(TunnelKind::None, |outer| outer.kind),
            flags: TcpFlags(be16(header[12] & 1, header[13])),
            window: be16(header[14], header[15]),
            urgent: be16(header[18], header[19]),
            ip_id: datagram.id,
            mss: options.mss,
            vlan: trail.vlan,
            options: options.set,
            quoted_by: None,
        },
        headers: datagram.bytes.get(..headers_len).unwrap_or_default(),
        outer: trail.outer,
    })
}
