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
