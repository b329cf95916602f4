//! Services and outcomes, as mixes that scenarios share.
//!
//! Sizes follow what campus and access uplinks show: most connections carry a few kilobytes, and a Pareto tail of infinite variance
//! carries most of the bytes.

use crate::rng::Dist::{self, Fixed, LogNormal, Pareto, Uniform};
use crate::speaker::{Outcome, Service};

/// Per thousand.
pub(super) const MIXED_OUTCOMES: &[(u32, Outcome)] = &[
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
pub(super) const BACKBONE_OUTCOMES: &[(u32, Outcome)] = &[
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

/// Per thousand: every outcome that there is, none of them rare.
pub(super) const EVERY_OUTCOME: &[(u32, Outcome)] = &[
    (220, Outcome::OrigCloses),
    (160, Outcome::RespCloses),
    (50, Outcome::BothClose),
    (60, Outcome::HalfClose),
    (50, Outcome::OrigResets),
    (40, Outcome::RespResets),
    (40, Outcome::Aborted),
    (40, Outcome::LeavesEarly),
    (70, Outcome::Stalled),
    (30, Outcome::KeptAlive { probes: 3 }),
    (20, Outcome::ProbedInVain { probes: 4 }),
    (20, Outcome::Abandoned),
    (30, Outcome::OrigVanishes),
    (30, Outcome::RespVanishes),
    (20, Outcome::RespForgets),
    (30, Outcome::Refused),
    (30, Outcome::Unanswered { retries: 3 }),
    (20, Outcome::HalfOpened { retries: 3 }),
    (25, Outcome::Scanned),
    (15, Outcome::Cancelled),
];

/// Per thousand: those after which nobody sends data or a FIN again where nothing gets lost.
pub(super) const LOSSLESS_OUTCOMES: &[(u32, Outcome)] = &[
    (270, Outcome::OrigCloses),
    (190, Outcome::RespCloses),
    (60, Outcome::BothClose),
    (70, Outcome::HalfClose),
    (50, Outcome::OrigResets),
    (40, Outcome::RespResets),
    (40, Outcome::Aborted),
    (40, Outcome::LeavesEarly),
    (80, Outcome::Stalled),
    (30, Outcome::KeptAlive { probes: 3 }),
    (20, Outcome::ProbedInVain { probes: 4 }),
    (20, Outcome::Abandoned),
    (20, Outcome::RespForgets),
    (20, Outcome::Refused),
    (20, Outcome::Unanswered { retries: 3 }),
    (15, Outcome::Scanned),
    (15, Outcome::Cancelled),
];

/// Per hundred: what smoltcp can do.
pub(super) const PLAIN_OUTCOMES: &[(u32, Outcome)] = &[
    (45, Outcome::OrigCloses),
    (25, Outcome::RespCloses),
    (10, Outcome::BothClose),
    (8, Outcome::HalfClose),
    (6, Outcome::OrigResets),
    (3, Outcome::RespResets),
    (3, Outcome::Aborted),
];

/// Of every kind, none of them bulk.
pub(super) const SMALL_SERVICES: &[(u32, Service)] = &[
    (50, Service { response: LogNormal { median: 4000.0, sigma: 1.6, max: 400_000.0 }, ..TLS }),
    (20, WEB_SMALL),
    (10, DNS),
    (10, MAIL_SMALL),
    (10, SSH_SHORT),
];

const WEB_SMALL: Service = Service { response: LogNormal { median: 6000.0, sigma: 1.8, max: 400_000.0 }, ..WEB };
const MAIL_SMALL: Service = Service { request: LogNormal { median: 80.0, sigma: 2.0, max: 200_000.0 }, ..MAIL_IN };
/// On a port without a dissector: bytes of a few at a time are malformed to that of SSH.
const SSH_SHORT: Service = Service { port: 2222, turns: Uniform(2.0, 20.0), response: Uniform(36.0, 20_000.0), ..SSH };

pub(super) const SITE_SERVICES: &[(u32, Service)] =
    &[(55, TLS), (15, WEB), (10, DNS), (3, SSH), (7, MAIL_IN), (6, MAILBOX), (3, DATABASE), (1, BACKUP)];

pub(super) const BACKBONE_SERVICES: &[(u32, Service)] =
    &[(70, TLS), (15, WEB), (5, DNS), (1, SSH), (4, MAIL_IN), (4, MAILBOX), (1, DATABASE)];

pub(super) const QUICK: Dist = LogNormal { median: 0.003, sigma: 1.2, max: 2.0 };

pub(super) const TLS: Service = Service {
    port: 443,
    greeting: None,
    turns: Uniform(2.0, 5.0),
    request: LogNormal { median: 450.0, sigma: 0.6, max: 20_000.0 },
    response: Pareto { min: 900.0, alpha: 1.15, max: 20_000_000.0 },
    orig_thinks: LogNormal { median: 0.004, sigma: 2.0, max: 8.0 },
    resp_thinks: QUICK,
};

pub(super) const WEB: Service = Service {
    port: 80,
    greeting: None,
    turns: Uniform(1.0, 3.0),
    request: LogNormal { median: 350.0, sigma: 0.5, max: 8000.0 },
    response: Pareto { min: 600.0, alpha: 1.2, max: 10_000_000.0 },
    ..TLS
};

pub(super) const DNS: Service = Service {
    port: 53,
    greeting: None,
    turns: Fixed(1.0),
    request: Uniform(30.0, 80.0),
    response: LogNormal { median: 600.0, sigma: 0.8, max: 16_000.0 },
    orig_thinks: Fixed(0.000_05),
    resp_thinks: QUICK,
};

pub(super) const SSH: Service = Service {
    port: 22,
    greeting: Some(Uniform(21.0, 60.0)),
    turns: LogNormal { median: 40.0, sigma: 1.0, max: 2000.0 },
    request: Uniform(36.0, 100.0),
    response: Pareto { min: 36.0, alpha: 1.2, max: 50_000.0 },
    orig_thinks: LogNormal { median: 0.18, sigma: 1.0, max: 20.0 },
    resp_thinks: LogNormal { median: 0.002, sigma: 1.0, max: 1.0 },
};

pub(super) const MAIL_IN: Service = Service {
    port: 25,
    greeting: Some(Uniform(40.0, 120.0)),
    turns: Uniform(4.0, 7.0),
    request: LogNormal { median: 60.0, sigma: 2.0, max: 5_000_000.0 },
    response: Uniform(20.0, 200.0),
    orig_thinks: QUICK,
    resp_thinks: QUICK,
};

pub(super) const MAILBOX: Service = Service {
    port: 993,
    greeting: None,
    turns: Uniform(5.0, 15.0),
    request: Uniform(60.0, 300.0),
    response: LogNormal { median: 400.0, sigma: 1.6, max: 3_000_000.0 },
    orig_thinks: LogNormal { median: 0.05, sigma: 2.0, max: 25.0 },
    resp_thinks: QUICK,
};

pub(super) const DATABASE: Service = Service {
    port: 5432,
    greeting: None,
    turns: LogNormal { median: 30.0, sigma: 1.0, max: 1000.0 },
    request: LogNormal { median: 150.0, sigma: 0.8, max: 20_000.0 },
    response: LogNormal { median: 500.0, sigma: 1.5, max: 1_000_000.0 },
    orig_thinks: LogNormal { median: 0.01, sigma: 1.5, max: 5.0 },
    resp_thinks: QUICK,
};

pub(super) const BACKUP: Service = Service {
    port: 873,
    greeting: Some(Fixed(14.0)),
    turns: Uniform(2.0, 4.0),
    request: Pareto { min: 200_000.0, alpha: 1.1, max: 30_000_000.0 },
    response: Uniform(50.0, 5000.0),
    orig_thinks: QUICK,
    resp_thinks: QUICK,
};

pub(super) const BULK: Service = Service {
    port: 443,
    greeting: None,
    turns: Fixed(1.0),
    request: Fixed(300.0),
    response: Fixed(480_000_000.0),
    orig_thinks: Fixed(0.001),
    resp_thinks: Fixed(0.01),
};

/// A question, a minute or two of silence, another question.
pub(super) const PATIENT: Service = Service {
    port: 5222,
    greeting: None,
    turns: Fixed(2.0),
    request: Uniform(60.0, 300.0),
    response: LogNormal { median: 400.0, sigma: 0.8, max: 8000.0 },
    orig_thinks: Uniform(55.0, 75.0),
    resp_thinks: QUICK,
};

/// Per hundred. All of them live for two of [`PATIENT`]'s pauses.
pub(super) const PATIENT_OUTCOMES: &[(u32, Outcome)] =
    &[(70, Outcome::OrigCloses), (20, Outcome::RespCloses), (5, Outcome::BothClose), (5, Outcome::OrigResets)];
