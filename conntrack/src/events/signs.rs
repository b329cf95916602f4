//! What a segment showed, as the machine found it, and the events that come of that.

use serde::{Deserialize, Serialize};
use wire::{End, Nanos, Observation};

use super::loss::{Episode, Losses, says_loss};
use super::shift::{self, Shift};
use super::{Detail, EventConfig, log};
use crate::anomaly::Anomalies;
use crate::connection::Connection;
use crate::measures::SegmentClass;
use crate::sink::Sink;

/// Samples after which a half is watched: shorter connections need no memory for it.
const UNWATCHED: u64 = 32;

/// What a segment showed of its connection, beside what the connection remembers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Signs {
    /// Why it is abnormal.
    pub(crate) class: Option<SegmentClass>,
    /// The round trip that it completes, from a segment of the peer that it acknowledges, ns.
    pub(crate) rtt: Option<i64>,
    /// What became of its sender's window.
    pub(crate) window: Option<WindowSign>,
    /// What is odd about it.
    pub(crate) anomalies: Anomalies,
}

/// A change of a window between zero and more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WindowSign {
    /// It closed.
    Closed,
    /// It opened after this long, ns.
    Opened(i64),
}

/// What the detectors of one endpoint remember.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Detectors {
    losses: Losses,
    /// Of the half of the path between the tap and the peer; made when it is watched.
    shift: Option<Shift>,
}

/// Tells what a segment showed.
pub(super) fn note(
    connection: &mut Connection,
    observation: &Observation,
    signs: &Signs,
    config: &EventConfig,
    sink: &mut impl Sink,
) {
    let (sender, ts) = (observation.segment.sender, observation.ts);
    let mut tell = |connection: &mut Connection, end: End, ts: Nanos, detail: Detail| {
        log::add(connection, end, ts, detail, config.per_connection, sink);
    };
    if let Some(class) = signs.class {
        let bytes = observation.segment.payload_len;
        if let Some(detail) = Detail::of_class(class, bytes) {
            tell(connection, sender, ts, detail);
        }
        if says_loss(class) {
            let losses = &mut connection.log.get_or_insert_default().detectors[sender.index()].losses;
            if let Some(over) = losses.add(&observation.segment, class, ts) {
                tell(connection, sender, over.first, over.detail());
            }
        }
    }
    match signs.window {
        Some(WindowSign::Closed) => tell(connection, sender, ts, Detail::WindowClosed),
        Some(WindowSign::Opened(after)) => tell(connection, sender, ts, Detail::WindowOpened { after }),
        None => {}
    }
    let peer = sender.other();
    if let Some(shifted) = signs.rtt.and_then(|sample| shifted(connection, peer, sample)) {
        tell(connection, peer, ts, Detail::RttShift { from: shifted.from, to: shifted.to });
    }
    // What a segment that was not believed acknowledges does not stand here.
    let acked = connection.halves[connection.direction_of(sender).index()].last_ack;
    let losses = connection.log.as_mut().map(|log| &mut log.detectors[peer.index()].losses);
    let over = losses.zip(acked).and_then(|(losses, acked)| losses.acknowledged(acked));
    if let Some(over) = over {
        tell(connection, peer, over.first, over.detail());
    }
}

/// Whether a round trip of a segment of `end` shows that the level has moved. Short connections need no detector.
fn shifted(connection: &mut Connection, end: End, sample: i64) -> Option<shift::Shifted> {
    let trail = connection.halves[connection.direction_of(end).index()].trail.as_deref()?;
    if trail.round_trips() <= UNWATCHED {
        return None;
    }
    let detectors = &mut connection.log.get_or_insert_default().detectors;
    detectors[end.index()].shift.get_or_insert_with(Shift::new).add(sample)
}

/// Tells the losses that nothing more can join, because the connection is over.
pub(super) fn conclude(connection: &mut Connection, config: &EventConfig, sink: &mut impl Sink) {
    for end in [End::Low, End::High] {
        let over = connection.log.as_mut().and_then(|log| log.detectors[end.index()].losses.end());
        if let Some(over) = over {
            log::add(connection, end, over.first, over.detail(), config.per_connection, sink);
        }
    }
}

impl Episode {
    fn detail(&self) -> Detail {
        Detail::Loss { pattern: self.pattern(), segments: self.segments, span: self.last.elapsed_since(self.first) }
    }
}
