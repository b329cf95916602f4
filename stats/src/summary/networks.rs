//! The networks that addresses belong to: /24 of IPv4, /48 of IPv6, as sites have them.

use std::fmt::Write as _;
use std::net::Ipv6Addr;

use serde::Serialize;

use crate::top::{Tally, Top};

/// Networks that are kept at a time.
const NAMES: usize = 1 << 16;

/// How many are named.
const NAMED: usize = 5;

/// A network and what it exchanged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Network {
    /// Its prefix.
    pub prefix: String,
    /// Connections.
    pub connections: u64,
    /// Their IP bytes, both directions.
    pub ip_bytes: u64,
}

/// The networks with the most IP bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Networks {
    /// They, the largest first.
    pub largest: Vec<Network>,
    /// How many networks there are; where figures can lack something, at least so many.
    pub known: u64,
    /// IP bytes that any of those figures can lack, because there were too many networks to keep; 0 where all are exact.
    pub lacking: u64,
    /// Connections that any of those figures can lack; 0 where all are exact.
    pub lacking_connections: u64,
}

/// Adds up addresses.
#[derive(Debug)]
pub struct GatherNetworks {
    /// By the text before the last dot, or by the first three groups.
    top: Top<String>,
    /// Room for the name of an IPv6 network.
    name: String,
}

impl Default for GatherNetworks {
    fn default() -> Self {
        Self { top: Top::new(NAMES), name: String::new() }
    }
}

impl GatherNetworks {
    /// Adds a connection of an address. One that is none counts by itself.
    pub fn add(&mut self, address: &str, bytes: u64) {
        if let Some((network, _)) = address.rsplit_once('.').filter(|_| !address.contains(':')) {
            return self.top.add(network, bytes);
        }
        self.name.clear();
        // Writing to a String cannot fail.
        let _ = match address.parse::<Ipv6Addr>().map(|address| address.segments()) {
            Ok([a, b, c, ..]) => write!(self.name, "{}/48", Ipv6Addr::from([a, b, c, 0, 0, 0, 0, 0])),
            Err(_) => self.name.write_str(address),
        };
        self.top.add(self.name.as_str(), bytes);
    }

    /// The networks with the most IP bytes.
    #[must_use]
    pub fn finish(&self) -> Networks {
        let network = |(name, Tally { connections, bytes }): (String, Tally)| {
            let prefix = if name.matches('.').count() == 2 { format!("{name}.0/24") } else { name };
            Network { prefix, connections, ip_bytes: bytes }
        };
        let lacking = self.top.lacking().unwrap_or_default();
        Networks {
            largest: self.top.largest(NAMED).into_iter().map(network).collect(),
            known: self.top.names() as u64,
            lacking: lacking.bytes,
            lacking_connections: lacking.connections,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_count_for_their_network() {
        let mut gather = GatherNetworks::default();
        for (address, bytes) in [
            ("10.0.1.2", 5),
            ("10.0.1.200", 6),
            ("2001:db8:0:1::7", 3),
            ("2001:db8::1", 4),
            ("::ffff:1.2.3.4", 1),
            ("?", 2),
        ] {
            gather.add(address, bytes);
        }
        let found = gather.finish();
        let found: Vec<(&str, u64, u64)> = found
            .largest
            .iter()
            .map(|network| (network.prefix.as_str(), network.connections, network.ip_bytes))
            .collect();
        assert_eq!(found, [("10.0.1.0/24", 2, 11), ("2001:db8::/48", 2, 7), ("?", 1, 2), ("::/48", 1, 1)]);
    }
    #[test]
    fn of_more_networks_than_are_kept_the_number_is_a_lower_bound_and_what_figures_can_lack_is_said() {
        let mut gather = GatherNetworks::default();
        let address = |n: usize| format!("10.{}.{}.1", n >> 8 & 255, n & 255);
        (0..NAMES).for_each(|n| gather.add(&address(n), 40));
        let found = gather.finish();
        assert_eq!((found.known, found.lacking, found.lacking_connections), (NAMES as u64, 0, 0));
        gather.add("192.0.2.1", 1500);
        let found = gather.finish();
        assert_eq!((found.known, found.lacking, found.lacking_connections), (NAMES as u64 + 1, 40, 1));
    }
}
