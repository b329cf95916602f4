//! What a connection has told, and how much it may.

use serde::{Deserialize, Serialize};
use wire::{End, IcmpCode, Nanos};

use super::signs::Detectors;
use super::{Detail, Event};
use crate::connection::Connection;
use crate::sink::Sink;

/// Which events connections leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EventLevel {
    /// None. What is a column all the same, such as the count of ICMP errors, stays.
    Off,
    /// Everything but changes of state: an ordinary connection leaves none.
    Anomalies,
    /// Changes of state too, about ten a connection.
    All,
}

/// How events are recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EventConfig {
    /// Which.
    pub level: EventLevel,
    /// Rows a connection, at most; what exceeds it is counted.
    pub per_connection: u16,
}

impl Default for EventConfig {
    fn default() -> Self {
        Self { level: EventLevel::Anomalies, per_connection: 64 }
    }
}

/// Events of a connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventCounts {
    /// Rows in the events table.
    pub recorded: u32,
    /// Events beyond the bound.
    pub dropped: u32,
}

/// What a connection has told. Most never tell anything, so it stands behind a pointer.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Log {
    counts: EventCounts,
    /// Events that wait for the roles to be certain.
    waiting: Vec<Waiting>,
    icmp_errors: u32,
    icmp_last: Option<IcmpCode>,
    /// By the end of the key.
    pub(super) detectors: [Detectors; 2],
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Waiting {
    ts: Nanos,
    end: End,
    detail: Detail,
}

impl Log {
    /// What goes into the row.
    pub(crate) const fn counts(&self) -> EventCounts {
        self.counts
    }

    /// How many of them have been handed over.
    pub(crate) fn told(&self) -> u32 {
        self.counts.recorded.saturating_sub(u32::try_from(self.waiting.len()).unwrap_or(u32::MAX))
    }

    /// ICMP errors attributed, and the last one.
    pub(crate) const fn icmp(&self) -> (u32, Option<IcmpCode>) {
        (self.icmp_errors, self.icmp_last)
    }

    /// Counts an ICMP error.
    pub(super) const fn count_icmp(&mut self, code: IcmpCode) {
        self.icmp_errors = self.icmp_errors.saturating_add(1);
        self.icmp_last = Some(code);
    }

    /// Counts an event; `false` if it exceeds the bound. Those of single segments, of which there can be very many, leave half of the room
    /// to all others.
    fn admit(&mut self, detail: &Detail, bound: u16) -> bool {
        let bound = if detail.is_of_a_segment() { bound.div_ceil(2) } else { bound };
        let room = self.counts.recorded < u32::from(bound);
        let counter = if room { &mut self.counts.recorded } else { &mut self.counts.dropped };
        *counter = counter.saturating_add(1);
        room
    }
}

/// Tells an event of `end`, or counts it where the connection has told enough.
pub(super) fn add(connection: &mut Connection, end: End, ts: Nanos, detail: Detail, bound: u16, sink: &mut impl Sink) {
    let certain = connection.roles_are_certain();
    let log = connection.log.get_or_insert_default();
    if !log.admit(&detail, bound) {
        return;
    }
    let event = Waiting { ts, end, detail };
    if certain {
        tell(connection, event, sink);
    } else {
        log.waiting.push(event);
    }
}

/// Tells what was kept back, once the roles are certain.
pub(super) fn release(connection: &mut Connection, sink: &mut impl Sink) {
    let waits = connection.log.as_ref().is_some_and(|log| !log.waiting.is_empty());
    if waits && connection.roles_are_certain() {
        release_all(connection, sink);
    }
}

/// Tells what was kept back.
pub(super) fn release_all(connection: &mut Connection, sink: &mut impl Sink) {
    let waiting = connection.log.as_mut().map(|log| std::mem::take(&mut log.waiting));
    for event in waiting.into_iter().flatten() {
        tell(connection, event, sink);
    }
}

fn tell(connection: &Connection, event: Waiting, sink: &mut impl Sink) {
    let Waiting { ts, end, detail } = event;
    sink.event(Event { uid: Some(connection.uid), ts, dir: Some(connection.direction_of(end)), detail });
}
