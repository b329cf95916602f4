//! The parser, layer by layer, on frames that the tests build themselves.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "these are tests")]

mod build;
mod hostile;
mod icmp;
mod ip;
mod link;
mod tcp;
mod tunnel;
