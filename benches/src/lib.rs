//! The same packets, as data, through every stage: what is measured, and with what.
//!
//! - [`traffic`]: packets of connections that behave as they are told, as bytes of frames;
//! - [`pipe`]: poller, ring and merge;
//! - [`track`]: the tracker;
//! - [`store`]: encoder, journal and sealer;
//! - [`cases`]: what is measured of them, as a list.
//!
//! `cost` (a program) runs one case, for `scripts/cost.sh` to count its instructions; `benches/limit.rs` compares the tracker with what the
//! machine can do at most; `benches/parse.rs` the parser with another one. docs/performance.md has the results.

pub mod cases;
pub mod pipe;
pub mod store;
pub mod track;
pub mod traffic;
