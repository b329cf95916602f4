//! Frames as bytes: Ethernet, perhaps a VLAN tag, IPv4 or IPv6, TCP or something else, with right lengths and checksums.
//!
//! A payload is one byte over and over, so that its checksum costs nothing and only as much of it is written as the snaplen keeps.

mod checksum;
mod icmp;
mod other;
mod tcp;

use wire::{Direction, Endpoint, Family};

use checksum::Checksum;
pub use icmp::IcmpError;
pub use other::Other;
pub use tcp::{Options, TcpHeader};

/// The byte that fills every payload: ".", because zeros look to dissectors like malformed messages.
const FILLING: u8 = b'.';
/// The shortest Ethernet frame without its checksum; shorter ones are padded by the sender (IEEE 802.3, 3.2.8).
const MIN_FRAME: usize = 60;
/// The router on the inside of the tapped link; the bit for locally administered addresses is set.
const INSIDE_MAC: [u8; 6] = [0x02, 0, 0, 0, 0, 0x01];
/// The router on its outside.
const OUTSIDE_MAC: [u8; 6] = [0x02, 0, 0, 0, 0, 0x02];

const ETHERTYPE_IPV4: u16 = 0x0800;
const ETHERTYPE_ARP: u16 = 0x0806;
const ETHERTYPE_VLAN: u16 = 0x8100;
const ETHERTYPE_IPV6: u16 = 0x86dd;

/// What the frames of a flow carry below TCP.
#[derive(Clone, Copy, Debug)]
pub struct Addressing {
    /// IPv4 or IPv6.
    pub family: Family,
    /// Originator, then responder.
    pub ends: [Endpoint; 2],
    /// Hops that are left when their packets pass the tap.
    pub ttl: [u8; 2],
    /// VLAN tag on the tapped link.
    pub vlan: Option<u16>,
    /// The originator is on the inside of the tapped link.
    pub orig_inside: bool,
}

impl Addressing {
    /// Whether what this end sends goes from the inside of the tapped link to its outside.
    #[must_use]
    pub fn is_outbound(&self, from: Direction) -> bool {
        self.orig_inside == (from == Direction::Orig)
    }

    /// The same, with the two ends exchanged.
    #[must_use]
    pub const fn reversed(&self) -> Self {
        let ([orig, resp], [near, far]) = (self.ends, self.ttl);
        Self { ends: [resp, orig], ttl: [far, near], orig_inside: !self.orig_inside, ..*self }
    }
}

/// A frame as the capture keeps it.
#[derive(Clone, Copy, Debug)]
pub struct Frame<'a> {
    /// The bytes up to the snaplen.
    pub bytes: &'a [u8],
    /// How long it was on the wire, without its checksum.
    pub wire_len: u32,
    /// Length of its IP datagram; 0 where there is none.
    pub ip_len: u32,
    /// It goes from the inside of the tapped link to its outside.
    pub outbound: bool,
}

/// Builds one frame after the other in the same memory.
#[derive(Debug)]
pub struct Builder {
    bytes: Vec<u8>,
    snaplen: usize,
    outbound: bool,
}

impl Builder {
    /// A builder of frames that keep at most `snaplen` bytes.
    #[must_use]
    pub fn new(snaplen: u32) -> Self {
        Self { bytes: Vec::new(), snaplen: snaplen as usize, outbound: false }
    }

    /// The frame of a TCP segment sent by the end `from`.
    pub fn tcp(&mut self, addressing: &Addressing, from: Direction, header: &TcpHeader<'_>) -> Frame<'_> {
        let (options, options_len) = header.options.encode();
        let options = &options[..options_len];
        let payload = usize::from(header.payload_len);
        let length = tcp::HEADER_LEN + options.len() + payload;
        self.link(addressing, from);
        let TcpHeader { ip_id, traffic_class, .. } = *header;
        let datagram = Datagram { protocol: tcp::PROTOCOL, length, ip_id, traffic_class };
        let (mut sum, ip_len) = self.ip(addressing, from, datagram);
        let start = self.bytes.len();
        self.bytes.extend_from_slice(&header.encode(addressing, from, options.len()));
        self.bytes.extend_from_slice(options);
        sum.bytes(&self.bytes[start..]);
        sum.repeated(FILLING, payload);
        let checksum = sum.finish().to_be_bytes();
        self.bytes[start + tcp::CHECKSUM_AT..start + tcp::CHECKSUM_AT + 2].copy_from_slice(&checksum);
        self.finish(payload, ip_len)
    }

    /// Starts a frame: Ethernet header and VLAN tag, up to the EtherType.
    fn link(&mut self, addressing: &Addressing, from: Direction) {
        self.outbound = addressing.is_outbound(from);
        let (source, destination) = if self.outbound { (INSIDE_MAC, OUTSIDE_MAC) } else { (OUTSIDE_MAC, INSIDE_MAC) };
        self.bytes.clear();
        self.bytes.extend_from_slice(&destination);
        self.bytes.extend_from_slice(&source);
        if let Some(vlan) = addressing.vlan {
            self.bytes.extend_from_slice(&ETHERTYPE_VLAN.to_be_bytes());
            self.bytes.extend_from_slice(&vlan.to_be_bytes());
        }
    }

    /// Adds EtherType and IP header; gives the sum over the pseudo-header and the datagram's length.
    fn ip(&mut self, addressing: &Addressing, from: Direction, datagram: Datagram) -> (Checksum, u32) {
        let source = addressing.ends[from.index()];
        let destination = addressing.ends[from.other().index()];
        let ttl = addressing.ttl[from.index()];
        let mut pseudo = Checksum::default();
        pseudo.word(u16::from(datagram.protocol));
        pseudo.word(datagram.length as u16);
        let header_len = match addressing.family {
            Family::V4 => {
                let header = ipv4_header(&datagram, ttl, &source.addr, &destination.addr);
                pseudo.bytes(&header[12..]);
                self.bytes.extend_from_slice(&ETHERTYPE_IPV4.to_be_bytes());
                self.bytes.extend_from_slice(&header);
                header.len()
            }
            Family::V6 => {
                pseudo.bytes(&source.addr);
                pseudo.bytes(&destination.addr);
                self.bytes.extend_from_slice(&ETHERTYPE_IPV6.to_be_bytes());
                let header = ipv6_header(&datagram, ttl, &source.addr, &destination.addr);
                self.bytes.extend_from_slice(&header);
                header.len()
            }
        };
        (pseudo, (header_len + datagram.length) as u32)
    }

    /// Adds as much of the payload as is kept, and pads a short frame.
    fn finish(&mut self, payload: usize, ip_len: u32) -> Frame<'_> {
        let whole = self.bytes.len() + payload;
        self.bytes.resize(whole.min(self.snaplen.max(self.bytes.len())), FILLING);
        let wire_len = whole.max(MIN_FRAME);
        if self.bytes.len() == whole {
            self.bytes.resize(wire_len, 0);
        }
        self.bytes.truncate(self.snaplen);
        Frame { bytes: &self.bytes, wire_len: wire_len as u32, ip_len, outbound: self.outbound }
    }
}

/// What an IP header says of its datagram.
#[derive(Clone, Copy, Debug)]
struct Datagram {
    protocol: u8,
    length: usize,
    ip_id: u16,
    traffic_class: u8,
}

impl Datagram {
    /// One of a protocol whose senders set nothing else.
    const fn new(protocol: u8, length: usize) -> Self {
        Self { protocol, length, ip_id: 0, traffic_class: 0 }
    }
}

fn ipv4_header(datagram: &Datagram, ttl: u8, source: &[u8; 16], destination: &[u8; 16]) -> [u8; 20] {
    const DONT_FRAGMENT: u8 = 0x40;
    let mut header = [0; 20];
    header[0] = 0x45;
    header[1] = datagram.traffic_class;
    header[2..4].copy_from_slice(&((20 + datagram.length) as u16).to_be_bytes());
    header[4..6].copy_from_slice(&datagram.ip_id.to_be_bytes());
    header[6] = DONT_FRAGMENT;
    header[8] = ttl;
    header[9] = datagram.protocol;
    header[12..16].copy_from_slice(&source[12..]);
    header[16..20].copy_from_slice(&destination[12..]);
    let mut sum = Checksum::default();
    sum.bytes(&header);
    header[10..12].copy_from_slice(&sum.finish().to_be_bytes());
    header
}

fn ipv6_header(datagram: &Datagram, hop_limit: u8, source: &[u8; 16], destination: &[u8; 16]) -> [u8; 40] {
    let mut header = [0; 40];
    header[0] = 0x60 | datagram.traffic_class >> 4;
    header[1] = datagram.traffic_class << 4;
    header[4..6].copy_from_slice(&(datagram.length as u16).to_be_bytes());
    header[6] = datagram.protocol;
    header[7] = hop_limit;
    header[8..24].copy_from_slice(source);
    header[24..40].copy_from_slice(destination);
    header
}
