//! The first paper's week: Universidad Pública de Navarra's link to RedIRIS, 14 to 20 December 1998.
//!
//! What the paper tells (its Table 1 and text) is kept: the week, 1.7 million connections, 9 million IP packets, a campus of some
//! 1,500 hosts, a 4 Mb/s circuit never over half loaded, throughput below 80 kb/s for 70% of connections in their data phase, and of
//! whole connections about half of that. What it does not tell is assumed, and said here.
//!
//! 5.3 packets a connection are few: a question, its answer and the opening and closing around them take eight or nine. So, with both
//! directions tapped, half of the connections must come to nothing, and most answers fit one or two segments, as from pages that had
//! not changed since they were cached. docs/simulation.md has the figures beside the paper's.

use wire::Nanos;

use super::catalogue::LOSSY;
use super::services::QUICK;
use super::{Era, Part, Scenario, Sources};
use crate::arrivals::{Arrivals, Law, Rhythm};
use crate::hardware::EXACT;
use crate::link::{Framing, Line};
use crate::rng::Dist::{BoundedPareto, Fixed, LogNormal, Uniform};
use crate::speaker::{Outcome, Service};

/// Monday 14 December 1998, 00:00 GMT.
const MONDAY: Nanos = Nanos::from_secs(913_593_600);
const WEEK: f64 = 7.0 * 86_400.0;

pub(super) const REDIRIS_1998: Scenario = Scenario {
    name: "rediris-1998",
    about: "the first paper's week: 1.7 million connections and 9 million packets of a campus on a 4 Mb/s link, December 1998",
    models: "A week of Universidad Pública de Navarra's ATM circuit to RedIRIS, from Monday 14 December 1998 00:00 GMT: 1,500 hosts, \
             most connections to the web, far away over lossy paths and slow links, by the TCP of that time; the rhythm of a Spanish \
             campus, self-similar arrivals, and scans from outside. Both directions pass the tap, each behind the queue of a circuit of \
             4 Mb/s that carries IP in the cells of ATM. The frames that are captured are Ethernet's.",
    start: MONDAY,
    parts: &[
        Part {
            name: "campus",
            arrivals: Arrivals {
                per_second: 1_560_000.0 / WEEK,
                law: Law::SelfSimilar { hurst: 0.8, sigma: 0.15, step: 10.0, octaves: 16 },
                rhythm: &CAMPUS,
            },
            services: SERVICES,
            outcomes: OUTCOMES,
            sources: Sources::Clients { hosts: 1500, inbound: 0.2 },
        },
        Part {
            name: "scans",
            arrivals: Arrivals {
                per_second: 140_000.0 / WEEK,
                law: Law::Sessions { alpha: 1.5, shortest: 120.0, pace: 5.0 },
                rhythm: &Rhythm::EVEN,
            },
            services: &[(60, IMAP), (40, WEB)],
            outcomes: &[(80, Outcome::Unanswered { retries: 0 }), (15, Outcome::Refused), (5, Outcome::Scanned)],
            sources: Sources::HorizontalScan { addresses: 65_536 },
        },
    ],
    connections: None,
    seconds: Some(WEEK),
    device: &EXACT,
    snaplen: 96,
    era: &Era::NINETIES,
    servers: 5000,
    ipv6: 0.0,
    vlan: 0.0,
    inside_delay: Uniform(0.000_5, 0.005),
    outside_delay: LogNormal { median: 0.035, sigma: 0.9, max: 0.6 },
    mbit: BoundedPareto { min: 0.25, alpha: 0.9, max: 1.5 },
    rules: &LOSSY,
    line: Some(PVC),
    asymmetric: 0.0,
    other_per_second: 0.6,
};

/// The circuit: 4 Mb/s of cells each way, on a fibre whose 155 Mb/s are no limit to it. How long its routers let a datagram wait the paper
/// does not tell: half a second, as long as 250 kB take.
const PVC: Line = Line { bits_per_second: 4e6, framing: Framing::Aal5, longest_wait: 500_000_000 };

/// Hours in GMT, one behind the campus; people stay away at the weekend.
const CAMPUS: Rhythm = Rhythm::new(
    &[
        0.35, 0.25, 0.2, 0.15, 0.15, 0.15, 0.2, 0.5, 1.2, 1.7, 2.0, 2.1, 2.0, 1.5, 1.2, 1.6, 2.0, 2.0, 1.7, 1.2, 0.8,
        0.7, 0.6, 0.45,
    ],
    &[1.0, 1.05, 1.05, 1.0, 0.9, 0.35, 0.3],
);

/// Per thousand. Half of them never get to a question: servers that are down or full, users who press Stop, guesses at addresses.
const OUTCOMES: &[(u32, Outcome)] = &[
    (250, Outcome::RespCloses),
    (110, Outcome::OrigCloses),
    (8, Outcome::BothClose),
    (4, Outcome::HalfClose),
    (65, Outcome::OrigResets),
    (15, Outcome::RespResets),
    (20, Outcome::Aborted),
    (3, Outcome::Abandoned),
    (230, Outcome::Refused),
    (180, Outcome::Unanswered { retries: 0 }),
    (30, Outcome::Unanswered { retries: 2 }),
    (60, Outcome::Cancelled),
    (25, Outcome::Scanned),
];

/// Per hundred.
const SERVICES: &[(u32, Service)] = &[(86, WEB), (2, HTTPS), (4, MAIL), (3, POP), (3, FTP_DATA), (1, FTP), (1, NEWS)];

/// HTTP/1.0: a connection an object.
const WEB: Service = Service {
    port: 80,
    greeting: None,
    turns: Fixed(1.0),
    request: LogNormal { median: 280.0, sigma: 0.3, max: 1400.0 },
    response: BoundedPareto { min: 180.0, alpha: 1.1, max: 3_000_000.0 },
    orig_thinks: LogNormal { median: 0.002, sigma: 1.0, max: 1.0 },
    resp_thinks: LogNormal { median: 0.02, sigma: 1.3, max: 10.0 },
};

const HTTPS: Service = Service { port: 443, turns: Fixed(2.0), ..WEB };

const MAIL: Service = Service {
    port: 25,
    greeting: Some(Uniform(40.0, 120.0)),
    turns: Uniform(4.0, 6.0),
    request: LogNormal { median: 50.0, sigma: 1.8, max: 1_000_000.0 },
    response: Uniform(20.0, 100.0),
    orig_thinks: QUICK,
    resp_thinks: LogNormal { median: 0.02, sigma: 1.0, max: 5.0 },
};

const POP: Service = Service {
    port: 110,
    greeting: Some(Uniform(30.0, 60.0)),
    turns: Uniform(4.0, 6.0),
    request: Uniform(6.0, 30.0),
    response: LogNormal { median: 40.0, sigma: 1.8, max: 500_000.0 },
    ..MAIL
};

const IMAP: Service = Service { port: 143, ..POP };

/// A transfer's connection, opened by the server.
const FTP_DATA: Service = Service {
    port: 20,
    turns: Fixed(1.0),
    request: BoundedPareto { min: 1000.0, alpha: 1.1, max: 5_000_000.0 },
    response: Fixed(1.0),
    ..WEB
};

const FTP: Service = Service { port: 21, turns: Uniform(4.0, 12.0), response: Uniform(20.0, 300.0), ..POP };

const NEWS: Service = Service {
    port: 119,
    turns: Uniform(3.0, 8.0),
    response: BoundedPareto { min: 300.0, alpha: 1.2, max: 200_000.0 },
    ..POP
};
