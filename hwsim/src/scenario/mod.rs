//! Scenarios: whole uplinks as data, in one list.

mod catalogue;
mod population;

pub use catalogue::SCENARIOS;
pub use population::Population;

use crate::link::Rules;
use crate::rng::Dist;
use crate::speaker::{Outcome, Service};

/// An uplink and what happens on it.
#[derive(Clone, Copy, Debug)]
pub struct Scenario {
    /// Its name on the command line.
    pub name: &'static str,
    /// What it is, in a sentence.
    pub about: &'static str,
    /// Connections that arrive in a second, on average (a Poisson process).
    pub per_second: f64,
    /// How many connections arrive, unless the user says otherwise; without a number, as many as do until the end.
    pub connections: Option<u64>,
    /// Length of the capture in seconds, unless the user says otherwise; without one, until the last connection is over.
    pub seconds: Option<f64>,
    /// Bytes of a frame that are kept, unless the user says otherwise.
    pub snaplen: u32,
    /// The services, by weight.
    pub services: &'static [(u32, Service)],
    /// How connections go, by weight.
    pub outcomes: &'static [(u32, Outcome)],
    /// Who opens them.
    pub sources: Sources,
    /// Hosts that serve, on each side.
    pub servers: u32,
    /// Share of connections over IPv6.
    pub ipv6: f64,
    /// Share of the inside hosts whose frames carry a VLAN tag.
    pub vlan: f64,
    /// Seconds from a host on the inside to the tap.
    pub inside_delay: Dist,
    /// Seconds from a host on the outside to the tap.
    pub outside_delay: Dist,
    /// Rate at which a speaker sends, Mbit/s.
    pub mbit: Dist,
    /// What the links between hosts do besides delaying.
    pub rules: &'static Rules,
    /// Share of connections of which only one direction passes the tap.
    pub asymmetric: f64,
    /// Frames a second that are not TCP.
    pub other_per_second: f64,
}

/// Who opens connections.
#[derive(Clone, Copy, Debug)]
pub enum Sources {
    /// Hosts with ephemeral ports that count up.
    Clients {
        /// How many there are at a time on each side.
        hosts: u32,
        /// Share of connections that come from the outside.
        inbound: f64,
    },
    /// A new forged address on the outside and a new port each time.
    Forged,
}

/// The scenario of this name.
#[must_use]
pub fn find(name: &str) -> Option<&'static Scenario> {
    SCENARIOS.iter().find(|scenario| scenario.name == name)
}
