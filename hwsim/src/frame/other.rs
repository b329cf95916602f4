//! Frames that are not TCP: what a tracker must count and leave alone.

use wire::{Direction, Family};

use super::icmp::{ICMP, ICMPV6};
use super::{Addressing, Builder, Datagram, ETHERTYPE_ARP, FILLING, Frame};

const UDP: u8 = 17;
const ICMP_ECHO_REQUEST: u8 = 8;
const ICMPV6_ECHO_REQUEST: u8 = 128;

/// Traffic that is not TCP, as data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Other {
    /// A UDP datagram with this much payload.
    Udp {
        /// Bytes of payload.
        payload: u16,
    },
    /// An echo request of ICMP or, over IPv6, of ICMPv6, with 56 bytes of data.
    Echo,
    /// An ARP request for the responder's IPv4 address.
    Arp,
}

impl Builder {
    /// A frame of other traffic, sent by the end `from`.
    pub fn other(&mut self, what: Other, addressing: &Addressing, from: Direction) -> Frame<'_> {
        self.link(addressing, from);
        match what {
            Other::Udp { payload } => self.udp(addressing, from, usize::from(payload)),
            Other::Echo => self.echo(addressing, from),
            Other::Arp => self.arp(addressing, from),
        }
    }

    fn udp(&mut self, addressing: &Addressing, from: Direction, payload: usize) -> Frame<'_> {
        let length = 8 + payload;
        let (mut sum, ip_len) = self.ip(addressing, from, Datagram::new(UDP, length));
        let start = self.bytes.len();
        self.bytes.extend_from_slice(&addressing.ends[from.index()].port.to_be_bytes());
        self.bytes.extend_from_slice(&addressing.ends[from.other().index()].port.to_be_bytes());
        self.bytes.extend_from_slice(&(length as u16).to_be_bytes());
        sum.bytes(&self.bytes[start..]);
        sum.repeated(FILLING, payload);
        // A computed zero is sent as all ones: zero means "no checksum" (RFC 768).
        let checksum = if sum.finish() == 0 { 0xffff } else { sum.finish() };
        self.bytes.extend_from_slice(&checksum.to_be_bytes());
        self.finish(payload, ip_len)
    }

    fn echo(&mut self, addressing: &Addressing, from: Direction) -> Frame<'_> {
        const DATA: usize = 56;
        let (protocol, kind) = match addressing.family {
            Family::V4 => (ICMP, ICMP_ECHO_REQUEST),
            Family::V6 => (ICMPV6, ICMPV6_ECHO_REQUEST),
        };
        let (pseudo, ip_len) = self.ip(addressing, from, Datagram::new(protocol, 8 + DATA));
        let [id_high, id_low] = addressing.ends[0].port.to_be_bytes();
        let mut header = [kind, 0, 0, 0, id_high, id_low, 0, 1];
        // Unlike ICMPv6 (RFC 4443, 2.3), ICMP has no pseudo-header in its checksum.
        let mut sum = if addressing.family == Family::V6 { pseudo } else { super::Checksum::default() };
        sum.bytes(&header);
        sum.repeated(FILLING, DATA);
        header[2..4].copy_from_slice(&sum.finish().to_be_bytes());
        self.bytes.extend_from_slice(&header);
        self.finish(DATA, ip_len)
    }

    fn arp(&mut self, addressing: &Addressing, from: Direction) -> Frame<'_> {
        const REQUEST_ETHERNET_IPV4: [u8; 8] = [0, 1, 8, 0, 6, 4, 0, 1];
        let sender_mac: [u8; 6] = std::array::from_fn(|at| self.bytes[6 + at]);
        self.bytes[..6].fill(0xff);
        self.bytes.extend_from_slice(&ETHERTYPE_ARP.to_be_bytes());
        self.bytes.extend_from_slice(&REQUEST_ETHERNET_IPV4);
        self.bytes.extend_from_slice(&sender_mac);
        self.bytes.extend_from_slice(&addressing.ends[from.index()].addr[12..]);
        self.bytes.extend_from_slice(&[0; 6]);
        self.bytes.extend_from_slice(&addressing.ends[from.other().index()].addr[12..]);
        self.finish(0, 0)
    }
}
