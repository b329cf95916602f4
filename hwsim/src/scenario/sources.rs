//! Who opens connections, to whom: the tuples of a part.
//!
//! No tuple is ever used twice. A client's ports count up through its era's range; when they are used up, the client leaves for
//! good and a new host takes its place. Forged sources run through a permutation. A scanner is a host that does nothing else.

use wire::{Endpoint, Family};

use super::{Scenario, Sources};
use crate::rng::Rng;

/// The networks, by the first bytes of their addresses; hosts are numbered in what is left.
#[derive(Clone, Copy, Debug)]
pub(super) enum Network {
    InsideClients,
    InsideServers,
    OutsideClients,
    OutsideServers,
}

impl Network {
    /// First IPv4 address and mask of the host part: private, shared and benchmarking space (RFC 1918, 6598, 2544).
    const fn ipv4(self) -> (u32, u32) {
        match self {
            Self::InsideClients => (0x0a00_0000, 0x00ff_ffff),
            Self::InsideServers => (0xac10_0000, 0x000f_ffff),
            Self::OutsideClients => (0x6440_0000, 0x003f_ffff),
            Self::OutsideServers => (0xc612_0000, 0x0001_ffff),
        }
    }

    pub(super) fn endpoint(self, family: Family, host: u32, port: u16) -> Endpoint {
        // Neither the network's own address nor, below 2^17 hosts, its broadcast address.
        let host = host.wrapping_add(1);
        match family {
            Family::V4 => {
                let (network, mask) = self.ipv4();
                Endpoint::v4((network | (host & mask)).to_be_bytes(), port)
            }
            Family::V6 => {
                // Documentation space (RFC 3849), a subnet for each network.
                let mut addr = [0; 16];
                addr[..4].copy_from_slice(&[0x20, 0x01, 0x0d, 0xb8]);
                addr[5] = self as u8 + 1;
                addr[12..].copy_from_slice(&host.to_be_bytes());
                Endpoint::v6(addr, port)
            }
        }
    }
}

/// The numbers of the hosts that have not been there yet, for clients of every part.
#[derive(Debug, Default)]
pub(super) struct NextHosts {
    inside: u32,
    outside: u32,
    /// Scanners, counted down from the end of the clients' network.
    scanners: u32,
}

/// Two ends: originator, responder; and whether the originator is on the inside.
pub(super) type Ends = ([Endpoint; 2], bool);

/// What a part's sources have used up.
#[derive(Debug)]
pub(super) enum Openers {
    Clients { inside: Clients, outside: Clients, inbound: f64 },
    Forged { counter: u64 },
    Scan { scanner: u32, probes: u64, kind: Scan },
}

/// The order in which a scanner goes.
#[derive(Clone, Copy, Debug)]
pub(super) enum Scan {
    Horizontal { addresses: u64 },
    Vertical { ports: u64 },
}

/// Hosts on one side that open connections.
#[derive(Debug)]
pub(super) struct Clients {
    hosts: Vec<Client>,
    ports: (u16, u16),
}

#[derive(Clone, Copy, Debug)]
struct Client {
    host: u32,
    port: u16,
}

impl Clients {
    fn new(count: u32, ports: (u16, u16), next_host: &mut u32, rng: &mut Rng) -> Self {
        let range = u64::from(ports.1.saturating_sub(ports.0));
        let first = *next_host;
        *next_host = first.wrapping_add(count);
        let hosts = (0..count)
            .map(|at| Client { host: first.wrapping_add(at), port: ports.0 + rng.below(range) as u16 })
            .collect();
        Self { hosts, ports }
    }

    /// Someone's next port.
    fn draw(&mut self, next_host: &mut u32, rng: &mut Rng) -> Client {
        let at = rng.below(self.hosts.len() as u64) as usize;
        let Some(client) = self.hosts.get_mut(at) else { return Client { host: 0, port: self.ports.0 } };
        let drawn = *client;
        if client.port < self.ports.1 {
            client.port += 1;
        } else {
            *client = Client { host: *next_host, port: self.ports.0 };
            *next_host = next_host.wrapping_add(1);
        }
        drawn
    }
}

impl Openers {
    pub(super) fn new(sources: Sources, scenario: &Scenario, next: &mut NextHosts, rng: &mut Rng) -> Self {
        let ports = scenario.era.ports;
        match sources {
            Sources::Clients { hosts, inbound } => Self::Clients {
                inside: Clients::new(hosts.max(1), ports, &mut next.inside, rng),
                outside: Clients::new(hosts.max(1), ports, &mut next.outside, rng),
                inbound,
            },
            Sources::Forged => Self::Forged { counter: rng.bits() },
            Sources::HorizontalScan { addresses } => {
                Self::scan(Scan::Horizontal { addresses: u64::from(addresses.max(1)) }, next)
            }
            Sources::VerticalScan { last_port } => {
                Self::scan(Scan::Vertical { ports: u64::from(last_port.max(1)) }, next)
            }
        }
    }

    fn scan(kind: Scan, next: &mut NextHosts) -> Self {
        Self::Scan { scanner: next.scanner(), probes: 0, kind }
    }

    /// The ends of the next connection to `port` of a service's `server`.
    pub(super) fn ends(
        &mut self,
        family: Family,
        (server, port): (u32, u16),
        next: &mut NextHosts,
        rng: &mut Rng,
    ) -> Ends {
        match self {
            Self::Forged { counter } => {
                ([forge(counter), Network::InsideServers.endpoint(family, server, port)], false)
            }
            Self::Clients { outside, inbound, .. } if rng.chance(*inbound) => {
                let client = outside.draw(&mut next.outside, rng);
                let orig = Network::OutsideClients.endpoint(family, client.host, client.port);
                ([orig, Network::InsideServers.endpoint(family, server, port)], false)
            }
            Self::Clients { inside, .. } => {
                let client = inside.draw(&mut next.inside, rng);
                let orig = Network::InsideClients.endpoint(family, client.host, client.port);
                ([orig, Network::OutsideServers.endpoint(family, server, port)], true)
            }
            Self::Scan { scanner, probes, kind } => (kind.probe(scanner, probes, (family, port), next), false),
        }
    }

    /// The family that its sources force.
    pub(super) const fn only(&self) -> Option<Family> {
        match self {
            Self::Clients { .. } => None,
            Self::Forged { .. } | Self::Scan { .. } => Some(Family::V4),
        }
    }
}

impl Scan {
    /// Tuples are told apart by the target's address and port, and those of two sweeps by the scanner.
    fn probe(
        self,
        scanner: &mut u32,
        probes: &mut u64,
        (family, port): (Family, u16),
        next: &mut NextHosts,
    ) -> [Endpoint; 2] {
        let length = match self {
            Self::Horizontal { addresses } => addresses,
            Self::Vertical { ports } => ports,
        };
        let (sweep, step) = (*probes / length, *probes % length);
        if step == 0 && *probes > 0 {
            *scanner = next.scanner();
        }
        *probes += 1;
        let (address, port) = match self {
            Self::Horizontal { .. } => (step as u32, port),
            Self::Vertical { .. } => (sweep as u32, step as u16 + 1),
        };
        // A scanner's own ports go round and round.
        let from = 1024 + (step % 60_000) as u16;
        [
            Network::OutsideClients.endpoint(family, *scanner, from),
            Network::InsideServers.endpoint(family, address, port),
        ]
    }
}

impl NextHosts {
    fn scanner(&mut self) -> u32 {
        self.scanners += 1;
        Network::OutsideClients.ipv4().1 - 1 - self.scanners
    }
}

/// A source that has not been used: the counter's 43 bits, permuted, as an address in 80.0.0.0/4 and a port from 1024 to 33791.
fn forge(counter: &mut u64) -> Endpoint {
    const BITS: u64 = (1 << 43) - 1;
    *counter = counter.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut mixed = *counter & BITS;
    for multiplier in [0x2545_f491_4f6c_dd1d_u64, 0xd134_2543_de82_ef95] {
        mixed = (mixed ^ (mixed >> 22)).wrapping_mul(multiplier) & BITS;
    }
    let address = 0x5000_0000 | (mixed >> 15) as u32;
    Endpoint::v4(address.to_be_bytes(), 1024 + (mixed & 0x7fff) as u16)
}
