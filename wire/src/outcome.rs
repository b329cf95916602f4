//! What came of a frame: a segment, traffic that is not TCP, or a rejection by name.

use serde::{Deserialize, Serialize};

use crate::{Endpoint, Family, IcmpError, Segment};

/// What [`crate::parse`] found in a frame.
#[derive(Clone, Copy, Debug)]
pub enum Parsed<'a> {
    /// A TCP segment.
    Tcp(TcpFrame<'a>),
    /// Something else, whole.
    NotTcp(NotTcp),
    /// An ICMP or ICMPv6 error about a TCP segment: other traffic too, but it tells of a connection.
    Icmp(IcmpError),
    /// A frame that cannot be used.
    Rejected(Reject),
}

/// A TCP segment and where it lay.
#[derive(Clone, Copy, Debug)]
pub struct TcpFrame<'a> {
    /// The segment.
    pub segment: Segment,
    /// The innermost IP header with options or extension headers and the TCP header with options, as captured.
    pub headers: &'a [u8],
    /// The tunnel just around it.
    pub outer: Option<Outer>,
}

/// The tunnel around a segment: the IP packet that carried it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outer {
    /// Which encapsulation.
    pub kind: TunnelKind,
    /// GRE key, VXLAN or GENEVE network identifier, GTP tunnel endpoint, ERSPAN session; 0 where there is none.
    pub id: u32,
    /// Family of the outer addresses.
    pub family: Family,
    /// Sender of the outer packet (port 0 unless the tunnel runs over UDP).
    pub source: Endpoint,
    /// Receiver of the outer packet.
    pub destination: Endpoint,
    /// How many tunnels there are around the segment in all.
    pub depth: u8,
}

/// An encapsulation of one IP packet, or Ethernet frame, in another.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[repr(u8)]
pub enum TunnelKind {
    /// No tunnel.
    #[default]
    None,
    /// IPv4 or IPv6 directly in IP (RFC 2003, 2473, 4213).
    IpInIp,
    /// GRE (RFC 2784, 2890), also with Ethernet inside.
    Gre,
    /// ERSPAN types I to III: mirrored frames in GRE.
    Erspan,
    /// VXLAN (RFC 7348).
    Vxlan,
    /// GENEVE (RFC 8926).
    Geneve,
    /// GTP-U (3GPP TS 29.281).
    GtpU,
    /// Teredo (RFC 4380).
    Teredo,
    /// L2TP version 2 data with PPP (RFC 2661).
    L2tp,
}

impl TunnelKind {
    /// Every kind, in order of index.
    pub const ALL: &[Self] = &[
        Self::None,
        Self::IpInIp,
        Self::Gre,
        Self::Erspan,
        Self::Vxlan,
        Self::Geneve,
        Self::GtpU,
        Self::Teredo,
        Self::L2tp,
    ];

    /// The name as it stands in the `tunnel` column; empty for none.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "",
            Self::IpInIp => "ipip",
            Self::Gre => "gre",
            Self::Erspan => "erspan",
            Self::Vxlan => "vxlan",
            Self::Geneve => "geneve",
            Self::GtpU => "gtpu",
            Self::Teredo => "teredo",
            Self::L2tp => "l2tp",
        }
    }
}

/// Names that are enumerated once, for counters and tables. The order is the index.
macro_rules! named {
    ($(#[$meta:meta])* $name:ident { $($(#[$doc:meta])* $variant:ident = $text:literal,)+ }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[repr(u8)]
        pub enum $name { $($(#[$doc])* $variant,)+ }

        impl $name {
            /// Every name, in order of index.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// The name as it stands in reports.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)+ }
            }

            /// Position in [`Self::ALL`].
            #[must_use]
            pub const fn index(self) -> usize {
                self as usize
            }
        }
    };
}

named! {
    /// Why a frame cannot be used.
    Reject {
        /// The link type is none that the parser knows.
        UnknownLink = "unknown_link",
        /// The frame ends inside its link header.
        TruncatedLink = "truncated_link",
        /// The frame ends inside an IP header or its extension headers.
        TruncatedIp = "truncated_ip",
        /// An IP header contradicts itself: version, header length or total length.
        BadIp = "bad_ip",
        /// The frame ends before the twenty bytes of a TCP header.
        TruncatedTcp = "truncated_tcp",
        /// The TCP header is shorter than twenty bytes or longer than its datagram.
        BadTcp = "bad_tcp",
        /// A fragment of a TCP datagram after the first: it has no TCP header.
        LaterFragment = "later_fragment",
        /// A first fragment too short for the TCP header (RFC 1858).
        TinyFragment = "tiny_fragment",
        /// The frame ends inside a tunnel's header.
        TruncatedTunnel = "truncated_tunnel",
        /// More headers around each other than the parser follows.
        TooDeep = "too_deep",
    }
}

/// Whole traffic that is not TCP.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum NotTcp {
    /// An IP packet of this protocol number.
    Ip(u8),
    /// A frame of this EtherType (or PPP protocol) that is not IP.
    Ether(u16),
    /// A frame of a link's own that has no EtherType: 802.3 with LLC, 802.11 management and control.
    Link,
}
