//! Who talks to whom: what each connection of a scenario is made of.

use wire::{Direction, Family, Nanos};

use super::Scenario;
use super::sources::{Network, NextHosts, Openers};
use crate::frame::{Addressing, Other};
use crate::link::Nature;
use crate::rng::Rng;
use crate::speaker::{Outcome, Setup};

/// A port, like the next, without a service that a dissector would look for.
const UNASSIGNED_PORT: u16 = 49_000;
/// The tag of the hosts that have one.
const VLAN: u16 = 100;
/// No speaker sends more slowly, Mbit/s: a full segment takes 0.4 s.
const SLOWEST: f64 = 0.03;

/// The hosts on both sides of the tapped link.
#[derive(Debug)]
pub struct Population {
    scenario: &'static Scenario,
    /// By part.
    openers: Vec<Openers>,
    next_hosts: NextHosts,
}

impl Population {
    /// The hosts of a scenario.
    #[must_use]
    pub fn new(scenario: &'static Scenario, rng: &mut Rng) -> Self {
        let mut next_hosts = NextHosts::default();
        let openers =
            scenario.parts.iter().map(|part| Openers::new(part.sources, scenario, &mut next_hosts, rng)).collect();
        Self { scenario, openers, next_hosts }
    }

    /// The next connection of the part of this number, whose SYN is sent at `start`; `None` if there is no such part, or it has no
    /// services or outcomes.
    pub fn connection(&mut self, part: usize, start: Nanos, rng: &mut Rng) -> Option<(Setup, Addressing)> {
        let kind = self.scenario.parts.get(part)?;
        let service = rng.pick(kind.services)?;
        let outcome = *rng.pick(kind.outcomes)?;
        let addressing = self.addressing(part, service.port, rng)?;
        let era = self.scenario.era;
        let mut profiles = [era.profile(addressing.family, rng), era.profile(addressing.family, rng)];
        if outcome == Outcome::Refused {
            // A reset that answers a SYN has sequence number 0 (RFC 9293, 3.10.7.1).
            profiles[1].isn = 0;
        }
        let links = self.links(addressing.orig_inside, rng);
        let opening = era.opening(rng);
        Some((Setup { service, opening, outcome, profiles, links, marking: era.marking, start }, addressing))
    }

    /// The next frame that is not TCP; `None` in a scenario without parts.
    pub fn other(&mut self, rng: &mut Rng) -> Option<(Other, Addressing, Direction)> {
        const KINDS: &[(u32, Other)] =
            &[(50, Other::Udp { payload: 1200 }), (30, Other::Udp { payload: 90 }), (15, Other::Echo), (5, Other::Arp)];
        let what = rng.pick(KINDS).copied().unwrap_or(Other::Arp);
        let mut addressing = self.addressing(0, UNASSIGNED_PORT, rng)?;
        // An ephemeral port may be one that a dissector takes for its own.
        addressing.ends[0].port = UNASSIGNED_PORT + 1;
        if what == Other::Arp && addressing.family == Family::V6 {
            addressing.family = Family::V4;
            addressing.ends =
                [Network::InsideClients, Network::OutsideServers].map(|net| net.endpoint(Family::V4, 0, 0));
        }
        let from = if what == (Other::Udp { payload: 1200 }) { Direction::Resp } else { Direction::Orig };
        Some((what, addressing, from))
    }

    fn addressing(&mut self, part: usize, port: u16, rng: &mut Rng) -> Option<Addressing> {
        let opener = self.openers.get_mut(part)?;
        let drawn = if rng.chance(self.scenario.ipv6) { Family::V6 } else { Family::V4 };
        let family = opener.only().unwrap_or(drawn);
        // Squared: a few servers have most of the connections.
        let server = (libm::pow(rng.unit(), 2.0) * f64::from(self.scenario.servers)) as u32;
        let (ends, orig_inside) = opener.ends(family, (server, port), &mut self.next_hosts, rng);
        let (near, far) = (hops(1, 3, rng), hops(4, 18, rng));
        let ttl = if orig_inside { [near, far] } else { [far, near] };
        let inside = if orig_inside { ends[0] } else { ends[1] };
        let tagged = f64::from(inside.addr[15]) < 256.0 * self.scenario.vlan;
        Some(Addressing { family, ends, ttl, vlan: tagged.then_some(VLAN), orig_inside })
    }

    fn links(&self, orig_inside: bool, rng: &mut Rng) -> [Nature; 2] {
        let inside = self.scenario.inside_delay.nanos(rng);
        let outside = self.scenario.outside_delay.nanos(rng);
        let (orig, resp) = if orig_inside { (inside, outside) } else { (outside, inside) };
        let nanos_per_byte = 8000.0 / self.scenario.mbit.sample(rng).max(SLOWEST);
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
            for at in 0..50_000 {
                let (_, addressing) = population.connection(at % scenario.parts.len(), Nanos(0), &mut rng).unwrap();
                assert!(used.insert(addressing.ends), "{}: {:?}", scenario.name, addressing.ends);
            }
        }
    }

    #[test]
    fn the_two_links_of_a_connection_are_the_same_way_back_and_forth() {
        let mut rng = Rng::new(5);
        let mut population = Population::new(&SCENARIOS[0], &mut rng);
        let (setup, _) = population.connection(0, Nanos(0), &mut rng).unwrap();
        let [there, back] = setup.links;
        assert_eq!((there.to_tap, there.from_tap), (back.from_tap, back.to_tap));
    }
}
