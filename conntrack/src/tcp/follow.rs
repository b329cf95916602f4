//! The short way of a segment that simply follows: header prediction (Jacobson 1990, "4BSD TCP header prediction").
//!
//! Nine in ten segments are data or an acknowledgment inside an open connection, in the window, and odd in nothing. For those every
//! step of the machine is known beforehand: no state changes, nothing is named, and what remains is to measure. A build with debug
//! assertions takes the long way too, as far as it only looks, and compares.

use wire::{Direction, Observation, OptionSet, Segment};

use super::window::{self, Verdict};
use super::{Kind, Step, What, acknowledges_unseen, oddities, step};
use crate::anomaly::Anomalies;
use crate::connection::Connection;
use crate::events::Signs;
use crate::record::TcpState;
use crate::segments;

/// Whether a segment simply follows.
pub(super) fn is_due(
    connection: &Connection,
    from: Direction,
    segment: &Segment,
    what: What,
    verdict: Verdict,
) -> bool {
    let is_due = is_open(connection)
        && what.kind == Kind::Ack
        && what.class.is_none()
        && verdict == Verdict::InWindow
        && !segment.options.has(OptionSet::MALFORMED)
        && has_no_doubts(connection, from, segment);
    debug_assert!(!is_due || agrees(connection, from, segment, what), "the short way is another: {segment:?}");
    is_due
}

/// Whether both endpoints are established, as the handshake and all that followed says without contradiction.
fn is_open(connection: &Connection) -> bool {
    let settled = connection.established.came() && connection.handshake.is_complete();
    let threatened = connection.suspect.is_some() || connection.rst_by.is_some() || connection.is_closed();
    let both = connection
        .halves
        .iter()
        .all(|half| half.state == TcpState::Established && half.heard && half.fin_end.is_none() && half.window.known());
    both && settled && !threatened
}

/// Whether nothing that was seen of the sender was put in doubt, and nothing unseen is acknowledged.
fn has_no_doubts(connection: &Connection, from: Direction, segment: &Segment) -> bool {
    let (sender, receiver) = connection.pair(from);
    !sender.window.doubts() && !acknowledges_unseen(receiver, segment)
}

/// Whether the long way comes to the same.
fn agrees(connection: &Connection, from: Direction, segment: &Segment, what: What) -> bool {
    let follows = Step {
        states: [TcpState::Established; 2],
        acks: true,
        acks_fin: false,
        fin_was_acked: false,
        reset: None,
        believed: true,
        leaps: false,
        foreign_syn: false,
    };
    let step = step(connection, from, segment, what, Verdict::InWindow);
    let odd = oddities(connection, from, segment, what.kind, Verdict::InWindow, &step);
    step == follows && odd == Anomalies::default()
}

/// Writes it into the connection.
pub(super) fn apply(connection: &mut Connection, from: Direction, observation: &Observation) -> Signs {
    let segment = &observation.segment;
    let rtt = if segment.payload_len > 0 { connection.handshake.rtt() } else { None };
    let (sender, receiver) = connection.pair_mut(from);
    let signs = segments::note(sender, receiver, observation, Kind::Ack, None, true);
    sender.last_ack = Some(sender.last_ack.map_or(segment.ack, |last| last.later(segment.ack)));
    window::update(sender, receiver, Kind::Ack, segment, true);
    let advertised = sender.window.advertised(segment);
    sender.note_window(advertised);
    let repeated = sender.count(segment, observation.ts, rtt);
    segments::count(sender, observation, Kind::Ack, None, repeated);
    signs
}
