//! The scenarios themselves.
//!
//! Sizes follow what campus and access uplinks show: most connections carry a few kilobytes, and a Pareto tail of infinite variance
//! carries most of the bytes.

use super::{Scenario, Sources};
use crate::link::{Mirror, Rule, Rules};
use crate::rng::Dist::{self, Fixed, LogNormal, Pareto, Uniform};
use crate::speaker::{Outcome, Service};

/// Every scenario; the first is the default.
pub const SCENARIOS: &[Scenario] = &[UPLINK_SMALL, UPLINK_LOSSY, UPLINK_10G, ELEPHANTS, SYN_FLOOD];

const UPLINK_SMALL: Scenario = Scenario {
    name: "uplink-small",
    about: "a minute of a small site's uplink: 3000 connections of mixed services, without any loss",
    per_second: 50.0,
    connections: Some(3000),
    seconds: Some(60.0),
    snaplen: 128,
    services: SITE_SERVICES,
    outcomes: MIXED_OUTCOMES,
    sources: Sources::Clients { hosts: 300, inbound: 0.15 },
    servers: 400,
    ipv6: 0.3,
    vlan: 0.1,
    inside_delay: Uniform(0.000_05, 0.002),
    outside_delay: LogNormal { median: 0.012, sigma: 0.7, max: 0.15 },
    mbit: ACCESS_RATES,
    rules: &CLEAN,
    asymmetric: 0.0,
    other_per_second: 40.0,
};

const UPLINK_LOSSY: Scenario = Scenario {
    name: "uplink-lossy",
    about: "the same site behind a poor link: 1% of segments get lost, half before the tap, half after it",
    rules: &LOSSY,
    ..UPLINK_SMALL
};

const UPLINK_10G: Scenario = Scenario {
    name: "uplink-10g",
    about: "the packets of a 10 Gbit/s uplink, about 1.9 million a second, 80 thousand of them SYNs",
    per_second: 80_000.0,
    connections: None,
    seconds: Some(10.0),
    snaplen: 96,
    services: BACKBONE_SERVICES,
    outcomes: BACKBONE_OUTCOMES,
    sources: Sources::Clients { hosts: 50_000, inbound: 0.3 },
    servers: 20_000,
    ipv6: 0.3,
    vlan: 0.0,
    inside_delay: Uniform(0.001, 0.01),
    outside_delay: LogNormal { median: 0.015, sigma: 0.8, max: 0.2 },
    mbit: ACCESS_RATES,
    rules: &CLEAN,
    asymmetric: 0.0,
    other_per_second: 200_000.0,
};

const ELEPHANTS: Scenario = Scenario {
    name: "elephants",
    about: "ten bulk transfers of 480 MB each: 5 million packets in ten connections",
    per_second: 10.0,
    connections: Some(10),
    seconds: None,
    snaplen: 96,
    services: &[(1, BULK)],
    outcomes: &[(1, Outcome::OrigCloses)],
    sources: Sources::Clients { hosts: 10, inbound: 0.0 },
    servers: 10,
    ipv6: 0.0,
    vlan: 0.0,
    inside_delay: Uniform(0.000_1, 0.001),
    outside_delay: Uniform(0.002, 0.02),
    mbit: Uniform(500.0, 1000.0),
    rules: &CLEAN,
    asymmetric: 0.0,
    other_per_second: 0.0,
};

const SYN_FLOOD: Scenario = Scenario {
    name: "syn-flood",
    about: "two million SYNs from forged addresses, none answered, to one port",
    per_second: 500_000.0,
    connections: Some(2_000_000),
    seconds: None,
    snaplen: 96,
    services: &[(1, WEB)],
    outcomes: &[(1, Outcome::Unanswered { retries: 0 })],
    sources: Sources::Forged,
    servers: 1,
    ipv6: 0.0,
    vlan: 0.0,
    inside_delay: Fixed(0.0005),
    outside_delay: Uniform(0.005, 0.05),
    mbit: Fixed(1000.0),
    rules: &CLEAN,
    asymmetric: 0.0,
    other_per_second: 0.0,
};

/// Up to 20 µs of jitter on each half.
const JITTER: Rule = Rule::Jitter(20_000);
const CLEAN: Rules = Rules { before: &[JITTER], mirror: Mirror::NONE, after: &[JITTER] };
const LOSSY: Rules = Rules { before: &[Rule::Loss(0.005), JITTER], after: &[JITTER, Rule::Loss(0.005)], ..CLEAN };

/// Never below 5 Mbit/s, so that a flight leaves its sender well within the retransmission timeout.
const ACCESS_RATES: Dist = Pareto { min: 5.0, alpha: 0.6, max: 1000.0 };

/// Per thousand.
const MIXED_OUTCOMES: &[(u32, Outcome)] = &[
    (580, Outcome::OrigCloses),
    (200, Outcome::RespCloses),
    (15, Outcome::BothClose),
    (20, Outcome::HalfClose),
    (40, Outcome::OrigResets),
    (15, Outcome::RespResets),
    (25, Outcome::Aborted),
    (20, Outcome::KeptAlive { probes: 3 }),
    (20, Outcome::Abandoned),
    (25, Outcome::Refused),
    (20, Outcome::Unanswered { retries: 3 }),
    (15, Outcome::Scanned),
    (5, Outcome::Cancelled),
];

/// Per thousand. As mixed, with more of what the open Internet sends uninvited.
const BACKBONE_OUTCOMES: &[(u32, Outcome)] = &[
    (550, Outcome::OrigCloses),
    (200, Outcome::RespCloses),
    (5, Outcome::BothClose),
    (10, Outcome::HalfClose),
    (50, Outcome::OrigResets),
    (10, Outcome::RespResets),
    (15, Outcome::Aborted),
    (10, Outcome::KeptAlive { probes: 2 }),
    (20, Outcome::Abandoned),
    (30, Outcome::Refused),
    (60, Outcome::Unanswered { retries: 3 }),
    (35, Outcome::Scanned),
    (5, Outcome::Cancelled),
];

const SITE_SERVICES: &[(u32, Service)] =
    &[(55, TLS), (15, WEB), (10, DNS), (3, SSH), (7, MAIL_IN), (6, MAILBOX), (3, DATABASE), (1, BACKUP)];

const BACKBONE_SERVICES: &[(u32, Service)] =
    &[(70, TLS), (15, WEB), (5, DNS), (1, SSH), (4, MAIL_IN), (4, MAILBOX), (1, DATABASE)];

const QUICK: Dist = LogNormal { median: 0.003, sigma: 1.2, max: 2.0 };

const TLS: Service = Service {
    port: 443,
    greeting: None,
    turns: Uniform(2.0, 5.0),
    request: LogNormal { median: 450.0, sigma: 0.6, max: 20_000.0 },
    response: Pareto { min: 900.0, alpha: 1.15, max: 20_000_000.0 },
    orig_thinks: LogNormal { median: 0.004, sigma: 2.0, max: 8.0 },
    resp_thinks: QUICK,
};

const WEB: Service = Service {
    port: 80,
    greeting: None,
    turns: Uniform(1.0, 3.0),
    request: LogNormal { median: 350.0, sigma: 0.5, max: 8000.0 },
    response: Pareto { min: 600.0, alpha: 1.2, max: 10_000_000.0 },
    ..TLS
};

const DNS: Service = Service {
    port: 53,
    greeting: None,
    turns: Fixed(1.0),
    request: Uniform(30.0, 80.0),
    response: LogNormal { median: 600.0, sigma: 0.8, max: 16_000.0 },
    orig_thinks: Fixed(0.000_05),
    resp_thinks: QUICK,
};

const SSH: Service = Service {
    port: 22,
    greeting: Some(Uniform(21.0, 60.0)),
    turns: LogNormal { median: 40.0, sigma: 1.0, max: 2000.0 },
    request: Uniform(36.0, 100.0),
    response: Pareto { min: 36.0, alpha: 1.2, max: 50_000.0 },
    orig_thinks: LogNormal { median: 0.18, sigma: 1.0, max: 20.0 },
    resp_thinks: LogNormal { median: 0.002, sigma: 1.0, max: 1.0 },
};

const MAIL_IN: Service = Service {
    port: 25,
    greeting: Some(Uniform(40.0, 120.0)),
    turns: Uniform(4.0, 7.0),
    request: LogNormal { median: 60.0, sigma: 2.0, max: 5_000_000.0 },
    response: Uniform(20.0, 200.0),
    orig_thinks: QUICK,
    resp_thinks: QUICK,
};

const MAILBOX: Service = Service {
    port: 993,
    greeting: None,
    turns: Uniform(5.0, 15.0),
    request: Uniform(60.0, 300.0),
    response: LogNormal { median: 400.0, sigma: 1.6, max: 3_000_000.0 },
    orig_thinks: LogNormal { median: 0.05, sigma: 2.0, max: 25.0 },
    resp_thinks: QUICK,
};

const DATABASE: Service = Service {
    port: 5432,
    greeting: None,
    turns: LogNormal { median: 30.0, sigma: 1.0, max: 1000.0 },
    request: LogNormal { median: 150.0, sigma: 0.8, max: 20_000.0 },
    response: LogNormal { median: 500.0, sigma: 1.5, max: 1_000_000.0 },
    orig_thinks: LogNormal { median: 0.01, sigma: 1.5, max: 5.0 },
    resp_thinks: QUICK,
};

const BACKUP: Service = Service {
    port: 873,
    greeting: Some(Fixed(14.0)),
    turns: Uniform(2.0, 4.0),
    request: Pareto { min: 200_000.0, alpha: 1.1, max: 30_000_000.0 },
    response: Uniform(50.0, 5000.0),
    orig_thinks: QUICK,
    resp_thinks: QUICK,
};

const BULK: Service = Service {
    port: 443,
    greeting: None,
    turns: Fixed(1.0),
    request: Fixed(300.0),
    response: Fixed(480_000_000.0),
    orig_thinks: Fixed(0.001),
    resp_thinks: Fixed(0.01),
};
