//! The appliance: takes packets from sources, tracks their connections, and records a campaign.
//!
//! [`pipeline`] is the one place that knows of threads, queues and bounds. Everything else is about the person in front of it:
//! arguments, configuration, progress, and what the host can do.

pub mod anonymise;
pub mod checkpoint;
pub mod cli;
pub mod clock;
pub mod config;
pub mod doctor;
pub mod host_clock;
pub mod keep;
pub mod ledger;
pub mod logging;
pub mod memory;
pub mod operation;
pub mod pipeline;
pub mod place;
pub mod privileges;
pub mod progress;
pub mod run;
pub mod signals;
pub mod sources;
pub mod summary;
pub mod vigil;
