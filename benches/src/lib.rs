//! The same packets, as data, through every stage: what is measured, and with what.
//!
//! - [`traffic`]: packets of connections that behave as they are told, as bytes of frames;
//! - [`track`]: what takes them in;
//! - [`cases`]: what is measured of them, as a list.
//!
//! `cost` (a program) runs one case, for `scripts/cost.sh` to count its instructions; `benches/limit.rs` compares the tracker with what the
//! machine can do at most; `benches/parse.rs` the parser with another one. docs/performance.md has the results.

pub mod cases;
pub mod track;
pub mod traffic;
