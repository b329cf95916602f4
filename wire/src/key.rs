//! Who talks to whom: endpoints, directions and the key of a connection.

use std::fmt;
use std::hash::{BuildHasher, Hash, Hasher};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use serde::{Deserialize, Serialize};

/// The IP version of a flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[repr(u8)]
pub enum Family {
    /// IPv4.
    V4 = 4,
    /// IPv6.
    V6 = 6,
}

/// An address and a port. IPv4 addresses stand as IPv4-mapped IPv6 ones (RFC 4291, 2.5.5.2), so that both families
/// have one layout; the [`Family`] in the [`FlowKey`] tells them apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Endpoint {
    /// Sixteen bytes of address, in network order.
    pub addr: [u8; 16],
    /// The TCP port.
    pub port: u16,
}

impl Endpoint {
    /// From an IPv4 address in network order.
    #[must_use]
    pub const fn v4(addr: [u8; 4], port: u16) -> Self {
        let [a, b, c, d] = addr;
        Self { addr: [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, a, b, c, d], port }
    }

    /// From an IPv6 address in network order.
    #[must_use]
    pub const fn v6(addr: [u8; 16], port: u16) -> Self {
        Self { addr, port }
    }

    /// Two numbers with the same order as the bytes: they are compared and exchanged in registers.
    #[inline]
    const fn rank(self) -> (u128, u16) {
        (u128::from_be_bytes(self.addr), self.port)
    }

    #[inline]
    const fn of_rank((addr, port): (u128, u16)) -> Self {
        Self { addr: addr.to_be_bytes(), port }
    }

    /// The address as the standard library's type.
    #[must_use]
    pub fn ip(&self, family: Family) -> IpAddr {
        match family {
            Family::V4 => {
                let [.., a, b, c, d] = self.addr;
                IpAddr::V4(Ipv4Addr::new(a, b, c, d))
            }
            Family::V6 => IpAddr::V6(Ipv6Addr::from(self.addr)),
        }
    }
}

/// One end of a [`FlowKey`], by address order: it says nothing of who opened the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[repr(u8)]
pub enum End {
    /// The lower endpoint of the key.
    Low = 0,
    /// The higher endpoint of the key.
    High = 1,
}

impl End {
    /// The other end.
    #[must_use]
    pub const fn other(self) -> Self {
        match self {
            Self::Low => Self::High,
            Self::High => Self::Low,
        }
    }

    /// 0 for [`End::Low`], 1 for [`End::High`].
    #[must_use]
    pub const fn index(self) -> usize {
        self as usize
    }
}

/// Which endpoint of a connection sent something: its originator or its responder.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[repr(u8)]
pub enum Direction {
    /// Sent by the endpoint that opened the connection.
    Orig = 0,
    /// Sent by the endpoint that was asked.
    Resp = 1,
}

impl Direction {
    /// The opposite direction.
    #[must_use]
    pub const fn other(self) -> Self {
        match self {
            Self::Orig => Self::Resp,
            Self::Resp => Self::Orig,
        }
    }

    /// 0 for [`Direction::Orig`], 1 for [`Direction::Resp`].
    #[must_use]
    pub const fn index(self) -> usize {
        self as usize
    }

    /// The text of the `dir` columns.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Orig => "orig",
            Self::Resp => "resp",
        }
    }
}

impl fmt::Display for Direction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The key of a connection: its two endpoints without a direction, so that both ways of it have one key. VLAN, tunnel and
/// interface are no part of it, because they may differ by direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct FlowKey {
    ends: [Endpoint; 2],
    family: Family,
}

impl FlowKey {
    /// The key of a packet from `source` to `destination`, and the end that sent it. A packet from an endpoint to itself
    /// counts as sent by the low end.
    #[must_use]
    #[inline]
    pub fn new(family: Family, source: Endpoint, destination: Endpoint) -> (Self, End) {
        let (sent, received) = (source.rank(), destination.rank());
        let (low, high, sender) =
            if sent <= received { (sent, received, End::Low) } else { (received, sent, End::High) };
        (Self { ends: [Endpoint::of_rank(low), Endpoint::of_rank(high)], family }, sender)
    }

    /// The endpoint at `end`.
    #[must_use]
    pub const fn endpoint(&self, end: End) -> Endpoint {
        self.ends[end.index()]
    }

    /// IPv4 or IPv6.
    #[must_use]
    pub const fn family(&self) -> Family {
        self.family
    }
}

/// A keyed, direction-free hash of flows. The key is random because an attacker chooses the tuples.
#[derive(Clone, Debug)]
pub struct FlowHasher(foldhash::quality::SeedableRandomState);

impl FlowHasher {
    /// A hasher whose values depend on `seed`.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(foldhash::quality::SeedableRandomState::with_seed(seed, foldhash::SharedSeed::global_fixed()))
    }

    /// The hash of `key`: the same for both directions.
    #[must_use]
    #[inline]
    pub fn hash(&self, key: &FlowKey) -> u32 {
        // Word by word: the derived hash of a key takes its forty bytes in ten pieces, with lengths between them.
        let mut hasher = self.0.build_hasher();
        for end in &key.ends {
            let addr = u128::from_ne_bytes(end.addr);
            hasher.write_u64(addr as u64);
            hasher.write_u64((addr >> 64) as u64);
        }
        let [low, high] = [key.ends[0].port, key.ends[1].port].map(u64::from);
        hasher.write_u64(low << 32 | high << 16 | key.family as u64);
        let hash = hasher.finish();
        (hash ^ (hash >> 32)) as u32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_directions_have_one_key_and_one_hash() {
        let client = Endpoint::v4([10, 0, 0, 9], 40000);
        let server = Endpoint::v4([10, 0, 0, 1], 80);
        let (there, sender) = FlowKey::new(Family::V4, client, server);
        let (back, answerer) = FlowKey::new(Family::V4, server, client);
        assert_eq!(there, back);
        assert_eq!((sender, answerer), (End::High, End::Low));
        let hasher = FlowHasher::new(7);
        assert_eq!(hasher.hash(&there), hasher.hash(&back));
        assert_ne!(hasher.hash(&there), FlowHasher::new(8).hash(&there));
    }

    #[test]
    fn a_mapped_address_in_ipv6_is_another_flow_than_the_ipv4_one() {
        let a = Endpoint::v4([10, 0, 0, 9], 1);
        let b = Endpoint::v4([10, 0, 0, 1], 2);
        assert_ne!(FlowKey::new(Family::V4, a, b).0, FlowKey::new(Family::V6, a, b).0);
        assert_eq!(a.ip(Family::V4).to_string(), "10.0.0.9");
        assert_eq!(a.ip(Family::V6).to_string(), "::ffff:10.0.0.9");
    }
}
