//! Events: what is told of a connection while it lives, as rows of the `events` table.
//!
//! The tracker does not call out at every place where something happens. A [`Before`] keeps what a connection was, the packet is taken in,
//! and [`note`] tells the difference: states that changed, anomalies that are new. What a segment shows beside that, its class or a round trip, the
//! machine hands back as [`Signs`]. So it knows nothing of events, and a connection to which nothing happens costs a few comparisons a
//! packet.
//!
//! What is told goes into the connection's [`Log`], which is made when the first event comes. It bounds how many rows a connection may
//! leave, and keeps back those of a connection whose roles are not certain yet.

mod detail;
mod icmp;
mod log;
mod loss;
mod shift;
mod signs;

use wire::{End, Nanos, Observation};

use crate::anomaly::{Anomalies, Anomaly};
use crate::connection::Connection;
use crate::record::TcpState;
use crate::sink::Sink;
pub use detail::{Detail, Event, EventKind};
pub(crate) use icmp::note_icmp;
pub(crate) use log::Log;
pub use log::{EventConfig, EventCounts, EventLevel};
pub use loss::LossPattern;
pub(crate) use signs::{Signs, WindowSign};

/// The part of a connection whose changes are events.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Before {
    states: [TcpState; 2],
    anomalies: Anomalies,
}

impl Before {
    /// Of a connection that has taken in nothing.
    pub(crate) const NOTHING: Self = Self { states: [TcpState::Closed; 2], anomalies: Anomalies(0) };

    pub(crate) fn of(connection: &Connection) -> Self {
        Self { states: states(connection), anomalies: connection.anomalies }
    }
}

/// The states by the end of the key, because originator and responder may be exchanged.
fn states(connection: &Connection) -> [TcpState; 2] {
    [End::Low, End::High].map(|end| connection.halves[connection.direction_of(end).index()].state)
}

/// Tells what a packet changed, and what it showed.
pub(crate) fn note(
    connection: &mut Connection,
    before: &Before,
    observation: &Observation,
    found: &Signs,
    config: &EventConfig,
    sink: &mut impl Sink,
) {
    let (sender, ts) = (observation.segment.sender, observation.ts);
    if config.level == EventLevel::Off {
        return;
    }
    log::release(connection, sink);
    note_states(connection, before, ts, config, sink);
    if *found != Signs::default() || connection.log.is_some() {
        signs::note(connection, observation, found, config, sink);
    }
    if connection.anomalies == before.anomalies {
        return;
    }
    for anomaly in connection.anomalies.without(before.anomalies).iter() {
        let detail = if anomaly == Anomaly::RstSuspect { Detail::RstSuspect } else { Detail::Anomaly(anomaly) };
        log::add(connection, sender, ts, detail, config.per_connection, sink);
    }
}

/// Tells which endpoints changed their state at `ts`.
pub(crate) fn note_states(
    connection: &mut Connection,
    before: &Before,
    ts: Nanos,
    config: &EventConfig,
    sink: &mut impl Sink,
) {
    let after = states(connection);
    if config.level != EventLevel::All || after == before.states {
        return;
    }
    for end in [End::Low, End::High] {
        let (from, to) = (before.states[end.index()], after[end.index()]);
        if from != to {
            log::add(connection, end, ts, Detail::State { from, to }, config.per_connection, sink);
        }
    }
}

/// Tells what was kept back, because the row is about to be written.
pub(crate) fn conclude(connection: &mut Connection, config: &EventConfig, sink: &mut impl Sink) {
    signs::conclude(connection, config, sink);
    log::release_all(connection, sink);
}
