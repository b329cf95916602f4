//! The scenarios themselves.

use wire::Nanos;

use super::rediris::REDIRIS_1998;
use super::services::{
    BACKBONE_OUTCOMES, BACKBONE_SERVICES, BULK, EVERY_OUTCOME, LOSSLESS_OUTCOMES, MIXED_OUTCOMES, PATIENT,
    PATIENT_OUTCOMES, PLAIN_OUTCOMES, SITE_SERVICES, SMALL_SERVICES, WEB,
};
use super::{Era, Part, Scenario, Sources};
use crate::arrivals::{Arrivals, Law, Rhythm};
use crate::hardware::{EXACT, TWO_TAPS};
use crate::link::{GilbertElliott, Mirror, Rule, Rules};
use crate::rng::Dist::{self, Fixed, LogNormal, Pareto, Uniform};
use crate::speaker::Outcome;

/// Every scenario; the first is the default.
pub const SCENARIOS: &[Scenario] = &[
    UPLINK_SMALL,
    UPLINK_LOSSY,
    UPLINK_10G,
    UPLINK_100G,
    REDIRIS_1998,
    BURSTY,
    SELF_SIMILAR,
    MILLION_LIVE,
    ELEPHANTS,
    SYN_FLOOD,
    SCANS,
    MIXED,
    MIXED_LOSSLESS,
    SMOLTCP,
    SMOLTCP_LOSSY,
    ASYMMETRIC_TAPS,
    ASYMMETRIC_ROUTES,
];

/// 2026-01-01 00:00:00 UTC, a Thursday.
const NEW_YEAR: Nanos = Nanos::from_secs(1_767_225_600);

const fn poisson(per_second: f64) -> Arrivals {
    Arrivals { per_second, law: Law::Poisson, rhythm: &Rhythm::EVEN }
}

const UPLINK_SMALL: Scenario = Scenario {
    name: "uplink-small",
    about: "a minute of a small site's uplink: 3000 connections of mixed services, without any loss",
    models: "A site of a few hundred hosts. Every way in which a connection can open and end occurs, none of it disturbed by the \
             network: what a tracker says here must agree with the truth to the byte and the nanosecond.",
    start: NEW_YEAR,
    parts: &[Part {
        name: "site",
        arrivals: poisson(50.0),
        services: SITE_SERVICES,
        outcomes: MIXED_OUTCOMES,
        sources: Sources::Clients { hosts: 300, inbound: 0.15 },
    }],
    connections: Some(3000),
    seconds: Some(60.0),
    device: &EXACT,
    snaplen: 128,
    era: &Era::MODERN,
    servers: 400,
    ipv6: 0.3,
    vlan: 0.1,
    inside_delay: Uniform(0.000_05, 0.002),
    outside_delay: LogNormal { median: 0.012, sigma: 0.7, max: 0.15 },
    mbit: ACCESS_RATES,
    rules: &CLEAN,
    line: None,
    asymmetric: 0.0,
    other_per_second: 40.0,
};

const UPLINK_LOSSY: Scenario = Scenario {
    name: "uplink-lossy",
    about: "the same site behind a poor link: 1% of segments get lost, half before the tap, half after it",
    models: "As uplink-small, on a path that loses segments independently of each other: the tap sees some twice and some never, \
             and the speakers recover by fast retransmission and by timeout.",
    rules: &LOSSY,
    ..UPLINK_SMALL
};

const MIXED: Scenario = Scenario {
    name: "mixed",
    about: "small, and everything in it: all that a TCP can do and all that can befall it, with loss in bursts, copies and detours",
    models: "No site but a test: each way to open, to go on and to end a connection is common, ports are used again while their \
             last user is in TIME-WAIT, queues mark, windows close, hosts vanish, and the links lose, copy and reorder.",
    parts: &[Part {
        name: "everything",
        arrivals: poisson(40.0),
        services: SMALL_SERVICES,
        outcomes: EVERY_OUTCOME,
        sources: Sources::Clients { hosts: 200, inbound: 0.3 },
    }],
    connections: Some(1500),
    seconds: None,
    era: &Era::EVERYTHING,
    rules: &TROUBLED,
    ..UPLINK_SMALL
};

const MIXED_LOSSLESS: Scenario = Scenario {
    name: "mixed-lossless",
    about: "as mixed, but nothing gets lost, copied or overtaken, and no host vanishes while another sends to it",
    models: "What of mixed leaves no room for opinions: nothing is sent twice but SYNs, probes and keep-alives, so that whoever \
             finds a retransmission here is wrong.",
    parts: &[Part {
        name: "everything",
        arrivals: poisson(40.0),
        services: SMALL_SERVICES,
        outcomes: LOSSLESS_OUTCOMES,
        sources: Sources::Clients { hosts: 200, inbound: 0.3 },
    }],
    era: &Era::EVERYTHING_ACCEPTED,
    rules: &CLEAN,
    ..MIXED
};

const SMOLTCP: Scenario = Scenario {
    name: "smoltcp",
    about: "hosts that run smoltcp talk to each other and to ours, without any loss",
    models: "A second opinion on what TCP is: what smoltcp says stands in the frames as it said it, but for addresses, IPv4 \
             identifications and checksums.",
    parts: &[Part {
        name: "smoltcp",
        arrivals: poisson(40.0),
        services: SMALL_SERVICES,
        outcomes: PLAIN_OUTCOMES,
        sources: Sources::Clients { hosts: 200, inbound: 0.3 },
    }],
    era: &Era::SMOLTCP,
    ..MIXED_LOSSLESS
};

const SMOLTCP_LOSSY: Scenario = Scenario {
    name: "smoltcp-lossy",
    about: "the same hosts behind links that lose, copy and reorder",
    models: "As smoltcp, where its fast retransmissions and its timeouts have to prove themselves.",
    rules: &TROUBLED,
    ..SMOLTCP
};

const ASYMMETRIC_TAPS: Scenario = Scenario {
    name: "asymmetric-taps",
    about: "the site behind an optical splitter: two taps, one for each direction, whose clocks are apart and drift",
    models: "As uplink-small, where the frames from the inside and those from the outside are stamped by two cards whose clocks were set \
             by NTP: a quarter of a millisecond apart and drifting by two microseconds a second. No host answers sooner than that, so \
             that what follows from something is stamped after it, by whichever clock. The truth is told by one right clock.",
    device: &TWO_TAPS,
    inside_delay: Uniform(0.001, 0.005),
    outside_delay: LogNormal { median: 0.018, sigma: 0.7, max: 0.15 },
    other_per_second: 0.0,
    ..UPLINK_SMALL
};

const ASYMMETRIC_ROUTES: Scenario = Scenario {
    name: "asymmetric-routes",
    about: "the site with another way out: of two in five connections only one direction passes the tap, either of them",
    models: "As uplink-small, but for routes that lead one direction of a connection around the tap. What is said there happens all the \
             same: speakers hear each other, and the tap hears one of them. Connections of which only a responder that never answers \
             would have passed are not seen at all.",
    asymmetric: 0.4,
    ..UPLINK_SMALL
};

const UPLINK_10G: Scenario = Scenario {
    name: "uplink-10g",
    about: "the packets of a 10 Gbit/s uplink, about 1.9 million a second, 80 thousand of them SYNs",
    models: "A provider's uplink by its mix of packets: short TLS and web connections with a heavy tail, what the open Internet \
             sends uninvited, and a tenth of other protocols. It is a load for trackers: hosts do not share bottlenecks, and \
             arrivals are Poisson.",
    parts: &[Part {
        name: "customers",
        arrivals: poisson(80_000.0),
        services: BACKBONE_SERVICES,
        outcomes: BACKBONE_OUTCOMES,
        sources: Sources::Clients { hosts: 50_000, inbound: 0.3 },
    }],
    connections: None,
    seconds: Some(10.0),
    snaplen: 96,
    servers: 20_000,
    vlan: 0.0,
    inside_delay: Uniform(0.001, 0.01),
    outside_delay: LogNormal { median: 0.015, sigma: 0.8, max: 0.2 },
    other_per_second: 200_000.0,
    ..UPLINK_SMALL
};

const UPLINK_100G: Scenario = Scenario {
    name: "uplink-100g",
    about: "the packets of a 100 Gbit/s uplink at 40% load, about seven million a second, with bulk transfers and scans",
    models: "A backbone link by its mix of packets: the customers of uplink-10g four times over, bulk transfers that carry a good \
             part of the bytes in full segments, and a background of scans and of forged SYNs. One second of it is made by \
             default, and the simulator is slower than such a link: the mix is real, the pace is not.",
    parts: &[
        Part {
            name: "customers",
            arrivals: poisson(320_000.0),
            services: BACKBONE_SERVICES,
            outcomes: BACKBONE_OUTCOMES,
            sources: Sources::Clients { hosts: 200_000, inbound: 0.3 },
        },
        Part {
            name: "bulk",
            arrivals: poisson(1000.0),
            services: &[(1, BULK)],
            outcomes: &[(1, Outcome::OrigCloses)],
            sources: Sources::Clients { hosts: 2000, inbound: 0.5 },
        },
        Part {
            name: "scans",
            arrivals: poisson(20_000.0),
            services: &[(1, WEB)],
            outcomes: SCAN_OUTCOMES,
            sources: Sources::HorizontalScan { addresses: 65_536 },
        },
        Part {
            name: "forged",
            arrivals: poisson(10_000.0),
            services: &[(1, WEB)],
            outcomes: &[(1, Outcome::Unanswered { retries: 0 })],
            sources: Sources::Forged,
        },
    ],
    seconds: Some(1.0),
    servers: 100_000,
    other_per_second: 1_000_000.0,
    ..UPLINK_10G
};

const BURSTY: Scenario = Scenario {
    name: "bursty",
    about: "ten minutes of arrivals in bursts, self-similar with a Hurst parameter of 0.8: 300 connections a second on average",
    models: "Sessions of users that last for a time with a Pareto tail (exponent 1.4, 2 s at least) and open three connections a \
             second while they do: the number of sessions alive is M/G/∞, so that counts of arrivals are long-range dependent with \
             Hurst parameter (3 - 1.4) / 2 = 0.8. For estimators of burstiness, which find the truth here.",
    parts: &[Part {
        name: "sessions",
        arrivals: Arrivals {
            per_second: 300.0,
            law: Law::Sessions { alpha: 1.4, shortest: 2.0, pace: 3.0 },
            rhythm: &Rhythm::EVEN,
        },
        services: SITE_SERVICES,
        outcomes: MIXED_OUTCOMES,
        sources: Sources::Clients { hosts: 3000, inbound: 0.15 },
    }],
    connections: None,
    seconds: Some(600.0),
    snaplen: 96,
    ..UPLINK_SMALL
};

const SELF_SIMILAR: Scenario = Scenario {
    name: "self-similar",
    about: "ten minutes of self-similar arrivals with a Hurst parameter of 0.85: 300 connections a second on average",
    models: "The arrivals of many users together: Poisson with a rate that is constant for a tenth of a second, and whose logarithm \
             is fractional Gaussian noise of Hurst parameter 0.85 and deviation 0.5. Between bursty's few long sessions and Poisson.",
    parts: &[Part {
        name: "users",
        arrivals: Arrivals {
            per_second: 300.0,
            law: Law::SelfSimilar { hurst: 0.85, sigma: 0.5, step: 0.1, octaves: 14 },
            rhythm: &Rhythm::EVEN,
        },
        ..BURSTY.parts[0]
    }],
    ..BURSTY
};

const MILLION_LIVE: Scenario = Scenario {
    name: "million-live",
    about: "a million connections that are open at the same time, each quiet for a minute between two questions",
    models: "Twenty thousand connections open every second for fifty seconds, and none closes before the last has opened: what a \
             tracker's table takes, and what it costs that each packet is of another connection than those before it.",
    parts: &[Part {
        name: "patient",
        arrivals: poisson(20_000.0),
        services: &[(1, PATIENT)],
        outcomes: PATIENT_OUTCOMES,
        sources: Sources::Clients { hosts: 20_000, inbound: 0.3 },
    }],
    connections: Some(1_000_000),
    seconds: None,
    snaplen: 96,
    servers: 20_000,
    other_per_second: 0.0,
    ..UPLINK_SMALL
};

const ELEPHANTS: Scenario = Scenario {
    name: "elephants",
    about: "ten bulk transfers of 480 MB each: 5 million packets in ten connections",
    models: "Few connections and many packets: the cost of a packet alone, without that of opening and closing.",
    parts: &[Part {
        name: "elephants",
        arrivals: poisson(10.0),
        services: &[(1, BULK)],
        outcomes: &[(1, Outcome::OrigCloses)],
        sources: Sources::Clients { hosts: 10, inbound: 0.0 },
    }],
    connections: Some(10),
    seconds: None,
    snaplen: 96,
    servers: 10,
    ipv6: 0.0,
    vlan: 0.0,
    inside_delay: Uniform(0.000_1, 0.001),
    outside_delay: Uniform(0.002, 0.02),
    mbit: Uniform(500.0, 1000.0),
    other_per_second: 0.0,
    ..UPLINK_SMALL
};

const SYN_FLOOD: Scenario = Scenario {
    name: "syn-flood",
    about: "two million SYNs from forged addresses, none answered, to one port",
    models: "An attack at half a million SYNs a second, each from an address and a port that never come again: attempts only, \
             which a tracker must neither drop silently nor pay for as for connections.",
    parts: &[Part {
        name: "forged",
        arrivals: poisson(500_000.0),
        services: &[(1, WEB)],
        outcomes: &[(1, Outcome::Unanswered { retries: 0 })],
        sources: Sources::Forged,
    }],
    connections: Some(2_000_000),
    seconds: None,
    snaplen: 96,
    servers: 1,
    ipv6: 0.0,
    vlan: 0.0,
    inside_delay: Fixed(0.0005),
    outside_delay: Uniform(0.005, 0.05),
    mbit: Fixed(1000.0),
    other_per_second: 0.0,
    ..UPLINK_SMALL
};

const SCANS: Scenario = Scenario {
    name: "scans",
    about: "a minute of uplink-small while one host sweeps its addresses for a web server and another a server's ports",
    models: "The ordinary traffic of a site, with a horizontal scan (200 addresses a second, port 80) and a vertical one (100 ports \
             a second): most of what is tried does not answer, some refuses, and what answers is reset at once.",
    parts: &[
        UPLINK_SMALL.parts[0],
        Part {
            name: "horizontal",
            arrivals: poisson(200.0),
            services: &[(1, WEB)],
            outcomes: SCAN_OUTCOMES,
            sources: Sources::HorizontalScan { addresses: 4096 },
        },
        Part {
            name: "vertical",
            arrivals: poisson(100.0),
            services: &[(1, WEB)],
            outcomes: &[(95, Outcome::Refused), (5, Outcome::Scanned)],
            sources: Sources::VerticalScan { last_port: 1024 },
        },
    ],
    connections: None,
    seconds: Some(60.0),
    ..UPLINK_SMALL
};

/// Per hundred: what a horizontal scan finds.
const SCAN_OUTCOMES: &[(u32, Outcome)] =
    &[(80, Outcome::Unanswered { retries: 0 }), (15, Outcome::Refused), (5, Outcome::Scanned)];

/// Up to 20 µs of jitter on each half.
const JITTER: Rule = Rule::Jitter(20_000);
const CLEAN: Rules = Rules { before: &[JITTER], mirror: Mirror::NONE, after: &[JITTER] };
pub(super) const LOSSY: Rules =
    Rules { before: &[Rule::Loss(0.005), JITTER], after: &[JITTER, Rule::Loss(0.005)], ..CLEAN };

/// A little of everything: losses, single and in bursts, on both sides of the tap; copies and detours before it and after it.
const TROUBLED: Rules = Rules {
    before: &[Rule::Loss(0.004), BURSTS, JITTER, COPIES, DETOURS],
    after: &[JITTER, DETOURS, COPIES, Rule::Loss(0.004), BURSTS],
    ..CLEAN
};
/// One segment in five hundred begins a bad time; it lasts for three segments or so, and takes half of them.
const BURSTS: Rule = Rule::Bursts(GilbertElliott { becomes_bad: 0.002, becomes_good: 0.3, loss: 0.5 });
const COPIES: Rule = Rule::Duplicate { share: 0.002, after: 50_000 };
const DETOURS: Rule = Rule::Reorder { share: 0.005, by: 3_000_000 };

/// Never below 5 Mbit/s, so that a flight leaves its sender well within the retransmission timeout.
const ACCESS_RATES: Dist = Pareto { min: 5.0, alpha: 0.6, max: 1000.0 };
