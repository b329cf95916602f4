//! Who talks to whom: addresses, ports and the ways between them.
//!
//! No tuple is ever used twice. A client's ports count up through the ephemeral range; when they are used up, the client leaves for
//! good and a new host takes its place. Forged sources run through a permutation.

use wire::{Direction, Endpoint, Family, Nanos};

use super::{Scenario, Sources};
use crate::frame::{Addressing, Other};
use crate::link::Nature;
use crate::rng::Rng;
use crate::speaker::{Outcome, Profile, Setup};

/// Linux's ephemeral ports.
const EPHEMERAL: std::ops::RangeInclusive<u16> = 32768..=60999;
/// A port, like the next, without a service that a dissector would look for.
const UNASSIGNED_PORT: u16 = 49_000;
/// The tag of the hosts that have one.
const VLAN: u16 = 100;
/// So close before their wrap lie the initial sequence numbers of a few speakers.
const NEAR_WRAP: u64 = 20_000;

/// The hosts on both sides of the tapped link.
#[derive(Debug)]
pub struct Population {
    scenario: &'static Scenario,
    inside: Clients,
    outside: Clients,
    forged: u64,
}

/// Hosts on one side that open connections.
#[derive(Debug)]
struct Clients {
    hosts: Vec<Client>,
    next_host: u32,
}

#[derive(Clone, Copy, Debug)]
struct Client {
    host: u32,
    port: u16,
}

/// The networks, by the first bytes of their addresses; hosts are numbered in what is left.
#[derive(Clone, Copy, Debug)]
enum Network {
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

    fn endpoint(self, family: Family, host: u32, port: u16) -> Endpoint {
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

impl Clients {
    fn new(count: u32, rng: &mut Rng) -> Self {
        let ports = u64::from(EPHEMERAL.end() - EPHEMERAL.start());
        let hosts = (0..count).map(|host| Client { host, port: EPHEMERAL.start() + rng.below(ports) as u16 }).collect();
        Self { hosts, next_host: count }
    }

    /// Someone's next port.
    fn draw(&mut self, rng: &mut Rng) -> Client {
        let at = rng.below(self.hosts.len() as u64) as usize;
        let Some(client) = self.hosts.get_mut(at) else { return Client { host: 0, port: *EPHEMERAL.start() } };
        let drawn = *client;
        client.port += 1;
        if client.port > *EPHEMERAL.end() {
            *client = Client { host: self.next_host, port: *EPHEMERAL.start() };
            self.next_host = self.next_host.wrapping_add(1);
        }
        drawn
    }
}

impl Population {
    /// The hosts of a scenario.
    #[must_use]
    pub fn new(scenario: &'static Scenario, rng: &mut Rng) -> Self {
        let count = if let Sources::Clients { hosts, .. } = scenario.sources { hosts.max(1) } else { 1 };
        Self { scenario, inside: Clients::new(count, rng), outside: Clients::new(count, rng), forged: rng.bits() }
    }

    /// The next connection, whose SYN is sent at `start`; `None` if the scenario has no services or outcomes.
    pub fn connection(&mut self, start: Nanos, rng: &mut Rng) -> Option<(Setup, Addressing)> {
        let service = rng.pick(self.scenario.services)?;
        let outcome = *rng.pick(self.scenario.outcomes)?;
        let addressing = self.addressing(service.port, rng);
        let mut profiles = [profile(addressing.family, rng), profile(addressing.family, rng)];
        if outcome == Outcome::Refused {
            // A reset that answers a SYN has sequence number 0 (RFC 9293, 3.10.7.1).
            profiles[1].isn = 0;
        }
        let links = self.links(addressing.orig_inside, rng);
        Some((Setup { service, outcome, profiles, links, start }, addressing))
    }

    /// The next frame that is not TCP.
    pub fn other(&mut self, rng: &mut Rng) -> (Other, Addressing, Direction) {
        const KINDS: &[(u32, Other)] =
            &[(50, Other::Udp { payload: 1200 }), (30, Other::Udp { payload: 90 }), (15, Other::Echo), (5, Other::Arp)];
        let what = rng.pick(KINDS).copied().unwrap_or(Other::Arp);
        let mut addressing = self.addressing(UNASSIGNED_PORT, rng);
        // An ephemeral port may be one that a dissector takes for its own.
        addressing.ends[0].port = UNASSIGNED_PORT + 1;
        if what == Other::Arp && addressing.family == Family::V6 {
            addressing.family = Family::V4;
            addressing.ends =
                [Network::InsideClients, Network::OutsideServers].map(|net| net.endpoint(Family::V4, 0, 0));
        }
        let from = if what == (Other::Udp { payload: 1200 }) { Direction::Resp } else { Direction::Orig };
        (what, addressing, from)
    }

    fn addressing(&mut self, port: u16, rng: &mut Rng) -> Addressing {
        let family = if rng.chance(self.scenario.ipv6) { Family::V6 } else { Family::V4 };
        // Squared: a few servers have most of the connections.
        let server = (libm::pow(rng.unit(), 2.0) * f64::from(self.scenario.servers)) as u32;
        let (orig, resp, orig_inside) = match self.scenario.sources {
            Sources::Forged => (self.forge(), Network::InsideServers.endpoint(Family::V4, server, port), false),
            Sources::Clients { inbound, .. } if rng.chance(inbound) => {
                let client = self.outside.draw(rng);
                let orig = Network::OutsideClients.endpoint(family, client.host, client.port);
                (orig, Network::InsideServers.endpoint(family, server, port), false)
            }
            Sources::Clients { .. } => {
                let client = self.inside.draw(rng);
                let orig = Network::InsideClients.endpoint(family, client.host, client.port);
                (orig, Network::OutsideServers.endpoint(family, server, port), true)
            }
        };
        let (near, far) = (hops(1, 3, rng), hops(4, 18, rng));
        let ttl = if orig_inside { [near, far] } else { [far, near] };
        let inside = if orig_inside { orig } else { resp };
        let tagged = f64::from(inside.addr[15]) < 256.0 * self.scenario.vlan;
        Addressing { family, ends: [orig, resp], ttl, vlan: tagged.then_some(VLAN), orig_inside }
    }

    /// A source that has not been used: the counter's 43 bits, permuted, as an address in 80.0.0.0/4 and a port from 1024 to 33791.
    fn forge(&mut self) -> Endpoint {
        const BITS: u64 = (1 << 43) - 1;
        self.forged = self.forged.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.forged & BITS;
        for multiplier in [0x2545_f491_4f6c_dd1d_u64, 0xd134_2543_de82_ef95] {
            mixed = (mixed ^ (mixed >> 22)).wrapping_mul(multiplier) & BITS;
        }
        let address = 0x5000_0000 | (mixed >> 15) as u32;
        Endpoint::v4(address.to_be_bytes(), 1024 + (mixed & 0x7fff) as u16)
    }

    fn links(&self, orig_inside: bool, rng: &mut Rng) -> [Nature; 2] {
        let inside = self.scenario.inside_delay.nanos(rng);
        let outside = self.scenario.outside_delay.nanos(rng);
        let (orig, resp) = if orig_inside { (inside, outside) } else { (outside, inside) };
        let nanos_per_byte = 8000.0 / self.scenario.mbit.sample(rng).max(1.0);
        let rules = self.scenario.rules;
        let there = Nature { nanos_per_byte, to_tap: orig, from_tap: resp, rules, is_tapped: true };
        let mut links = [there, Nature { to_tap: resp, from_tap: orig, ..there }];
        if rng.chance(self.scenario.asymmetric) {
            links[rng.below(2) as usize].is_tapped = false;
        }
        links
    }
}

/// What is left of a common initial TTL after `fewest..=most` hops.
fn hops(fewest: u8, most: u8, rng: &mut Rng) -> u8 {
    let initial = if rng.chance(0.7) { 64 } else { 128 };
    initial - fewest - rng.below(u64::from(most - fewest) + 1) as u8
}

/// TCP as Linux has it; what differs from host to host is filled in by [`profile`].
const LINUX: Profile =
    Profile { mss: 0, wscale: Some(7), timestamps: true, sack: true, window: 500_000, isn: 0, clock: 0, ip_id: 0 };
/// As Windows has it.
const WINDOWS: Profile = Profile { wscale: Some(8), timestamps: false, window: 262_144, ..LINUX };
/// As small or old devices have it.
const PLAIN: Profile = Profile { wscale: None, timestamps: false, sack: false, window: 16_384, ..LINUX };

/// A host's TCP.
fn profile(family: Family, rng: &mut Rng) -> Profile {
    let kind = *rng.pick(&[(70, LINUX), (25, WINDOWS), (5, PLAIN)]).unwrap_or(&LINUX);
    let full = if family == Family::V6 { 1440 } else { 1460 };
    let mss = if rng.chance(0.85) { full } else { full - 8 * (1 + rng.below(15) as u16) };
    let isn = if rng.chance(0.05) { u32::MAX - rng.below(NEAR_WRAP) as u32 } else { rng.bits() as u32 };
    Profile { mss, isn, clock: rng.bits() as u32, ip_id: rng.bits() as u16, ..kind }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::scenario::SCENARIOS;

    #[test]
    fn no_tuple_is_used_twice_in_any_scenario() {
        for scenario in SCENARIOS {
            let mut rng = Rng::new(5);
            let mut population = Population::new(scenario, &mut rng);
            let mut used = HashSet::new();
            for _ in 0..50_000 {
                let (_, addressing) = population.connection(Nanos(0), &mut rng).unwrap();
                assert!(used.insert(addressing.ends), "{}: {:?}", scenario.name, addressing.ends);
            }
        }
    }

    #[test]
    fn the_two_links_of_a_connection_are_the_same_way_back_and_forth() {
        let mut rng = Rng::new(5);
        let mut population = Population::new(&SCENARIOS[0], &mut rng);
        let (setup, _) = population.connection(Nanos(0), &mut rng).unwrap();
        let [there, back] = setup.links;
        assert_eq!((there.to_tap, there.from_tap), (back.from_tap, back.to_tap));
    }
}
