//! Errors of ICMP (RFC 792) and ICMPv6 (RFC 4443) about a TCP segment.

use wire::{Direction, Family, SeqNum};

use super::{Addressing, Builder, Checksum, Datagram, Frame, ipv4_header, ipv6_header, tcp};

/// IANA's protocol number of ICMP.
pub(super) const ICMP: u8 = 1;
/// IANA's protocol number of ICMPv6.
pub(super) const ICMPV6: u8 = 58;

/// An error message: what is wrong with a segment, and as much of the segment as tells which it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IcmpError {
    /// Type of the message, a number of the family's own protocol.
    pub kind: u8,
    /// Its code.
    pub code: u8,
    /// Bytes 4 to 8 of the header: the next hop's MTU, a pointer, or 0.
    pub rest: u32,
    /// Sequence number of the segment that it is about.
    pub seq: SeqNum,
    /// That segment's header and payload together, bytes.
    pub segment_len: u16,
}

impl Builder {
    /// The frame of an error that the end `from` sends about a segment of the other end: it quotes the segment's IP header and the
    /// first eight bytes of TCP, as RFC 792 asks for at least.
    pub fn icmp_error(&mut self, addressing: &Addressing, from: Direction, error: &IcmpError) -> Frame<'_> {
        self.link(addressing, from);
        let quoted = quoted_ip_header(addressing, from.other(), error.segment_len);
        let ports = [from.other(), from].map(|end| addressing.ends[end.index()].port.to_be_bytes());
        let protocol = match addressing.family {
            Family::V4 => ICMP,
            Family::V6 => ICMPV6,
        };
        let (pseudo, ip_len) = self.ip(addressing, from, Datagram::new(protocol, 8 + quoted.len() + 8));
        let start = self.bytes.len();
        self.bytes.extend_from_slice(&[error.kind, error.code, 0, 0]);
        self.bytes.extend_from_slice(&error.rest.to_be_bytes());
        self.bytes.extend_from_slice(&quoted);
        self.bytes.extend_from_slice(ports.as_flattened());
        self.bytes.extend_from_slice(&error.seq.0.to_be_bytes());
        // Unlike ICMPv6 (RFC 4443, 2.3), ICMP has no pseudo-header in its checksum.
        let mut sum = if addressing.family == Family::V6 { pseudo } else { Checksum::default() };
        sum.bytes(&self.bytes[start..]);
        self.bytes[start + 2..start + 4].copy_from_slice(&sum.finish().to_be_bytes());
        self.finish(0, ip_len)
    }
}

/// The IP header of the segment that the error is about.
fn quoted_ip_header(addressing: &Addressing, from: Direction, segment_len: u16) -> Vec<u8> {
    let datagram = Datagram::new(tcp::PROTOCOL, usize::from(segment_len));
    let [source, destination] = [from, from.other()].map(|end| addressing.ends[end.index()].addr);
    let ttl = addressing.ttl[from.index()];
    match addressing.family {
        Family::V4 => ipv4_header(&datagram, ttl, &source, &destination).to_vec(),
        Family::V6 => ipv6_header(&datagram, ttl, &source, &destination).to_vec(),
    }
}
