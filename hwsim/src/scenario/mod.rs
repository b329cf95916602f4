//! Scenarios: whole uplinks as data, in one list.

mod catalogue;
mod era;
mod population;
mod rediris;
mod services;
mod sources;

pub use catalogue::SCENARIOS;
pub use era::Era;
pub use population::Population;

use wire::Nanos;

use crate::arrivals::Arrivals;
use crate::hardware::Hardware;
use crate::link::{Line, Rules};
use crate::rng::Dist;
use crate::speaker::{Outcome, Service};

/// An uplink and what happens on it.
#[derive(Clone, Copy, Debug)]
pub struct Scenario {
    /// Its name on the command line.
    pub name: &'static str,
    /// What it is, in a sentence.
    pub about: &'static str,
    /// What it models and what it does not, in a paragraph.
    pub models: &'static str,
    /// When the capture begins.
    pub start: Nanos,
    /// Who opens connections, and when: all parts at once.
    pub parts: &'static [Part],
    /// How many connections arrive, unless the user says otherwise; without a number, as many as do until the end.
    pub connections: Option<u64>,
    /// Length of the capture in seconds, unless the user says otherwise; without one, until the last connection is over.
    pub seconds: Option<f64>,
    /// What captures it, unless the user says otherwise.
    pub device: &'static Hardware,
    /// Bytes of a frame that are kept, unless the user says otherwise.
    pub snaplen: u32,
    /// The hosts' systems.
    pub era: &'static Era,
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
    /// The tapped line, where it is slow enough to matter: its queues are shared by all connections.
    pub line: Option<Line>,
    /// Share of connections of which only one direction passes the tap.
    pub asymmetric: f64,
    /// Frames a second that are not TCP.
    pub other_per_second: f64,
}

/// Connections of one kind: who opens them, when, to which services, and how they go.
#[derive(Clone, Copy, Debug)]
pub struct Part {
    /// What it is called in the truth about the link.
    pub name: &'static str,
    /// When its connections begin.
    pub arrivals: Arrivals,
    /// The services, by weight.
    pub services: &'static [(u32, Service)],
    /// How connections go, by weight.
    pub outcomes: &'static [(u32, Outcome)],
    /// Who opens them.
    pub sources: Sources,
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
    /// A host on the outside tries one port of an inside address after the other; after the last, another host begins anew.
    HorizontalScan {
        /// How many addresses there are.
        addresses: u32,
    },
    /// A host on the outside tries one port of an inside address after the other's; after the last, another host tries the next
    /// address.
    VerticalScan {
        /// The last port; the first is 1.
        last_port: u16,
    },
}

impl Scenario {
    /// Connections that arrive in a second, on average over weeks.
    #[must_use]
    pub fn per_second(&self) -> f64 {
        self.parts.iter().map(|part| part.arrivals.per_second).sum()
    }

    /// How many connections are expected in the first `seconds`.
    #[must_use]
    pub fn expected(&self, seconds: f64) -> f64 {
        let of = |part: &Part| part.arrivals.per_second * seconds * part.arrivals.rhythm.mean(self.start, seconds);
        self.parts.iter().map(of).sum()
    }
}

/// The scenario of this name.
#[must_use]
pub fn find(name: &str) -> Option<&'static Scenario> {
    SCENARIOS.iter().find(|scenario| scenario.name == name)
}
