//! The TCP machine of a bystander: what a segment does to a connection.
//!
//! Four steps: classify -> check window -> step -> apply. The first three return values, only [`apply`] writes.
//!
//! - classify: what the segment is by its flags ([`classify()`]), and whether it is abnormal ([`segments::classify`]): the capture's
//!   duplicate does nothing but count, and what is older than its receiver accepts moves no state.
//! - [`window::check`]: whether its receiver can expect it. A segment that does not fit is counted and named, and moves no state;
//!   but where the tap did not see the start, or the capture lost packets (it says so, or both endpoints agree on bytes that were
//!   never seen), every segment is taken for fitting. One that leaps far ahead then moves the windows only when its receiver acknowledges
//!   it, or the stream goes on from there; an acknowledgment that does, when another one comes near it; and where both turn out to have been
//!   carried away, they follow the stream back.
//! - [`step`]: the new states of both endpoints, by the table of [`transitions`], and whether the connection closes.
//! - [`apply`]: writes all of it down.
//!
//! What simply follows in an open connection takes the short way of [`follow`], which comes to the same.

mod classify;
mod follow;
pub(crate) mod reset;
pub(crate) mod transitions;
pub(crate) mod window;

use wire::{Direction, Observation, Segment, SeqNum};

use crate::anomaly::{Anomalies, Anomaly};
use crate::connection::Connection;
use crate::events::Signs;
use crate::half::Half;
use crate::measures::SegmentClass;
use crate::record::{CloseReason, TcpState};
use crate::segments;
pub(crate) use classify::{Kind, classify};
use reset::Reset;
use transitions::{Event, next};
use window::Verdict;

/// What a segment is.
#[derive(Clone, Copy, Debug)]
struct What {
    /// By its flags.
    kind: Kind,
    /// Why it is abnormal, if it is.
    class: Option<SegmentClass>,
}

/// What a segment means for the connection, before anything is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Step {
    /// The states afterwards: of the sender, of the receiver.
    states: [TcpState; 2],
    /// Its acknowledgment counts.
    acks: bool,
    /// The segment acknowledges the receiver's FIN.
    acks_fin: bool,
    /// It is the sender's FIN, whose acknowledgment has passed the tap before.
    fin_was_acked: bool,
    /// What its RST does, if it is one.
    reset: Option<Reset>,
    /// The segment counts for the sequence space.
    believed: bool,
    /// It counts for the states alone: it may lie anywhere.
    leaps: bool,
    /// It is the SYN or SYN-ACK of another connection than this one.
    foreign_syn: bool,
}

/// Takes a segment of `from` into the connection. Returns what it showed.
pub(crate) fn process(connection: &mut Connection, from: Direction, observation: &Observation) -> Signs {
    let segment = &observation.segment;
    let (sender, receiver) = connection.pair(from);
    let kind = classify(segment.flags);
    let what = What { kind, class: segments::classify(connection, from, observation, kind) };
    let verdict = window::check(sender, receiver, segment);
    if follow::is_due(connection, from, segment, what, verdict) {
        return follow::apply(connection, from, observation);
    }
    let step = step(connection, from, segment, what, verdict);
    apply(connection, from, observation, what, verdict, &step)
}

/// Works out the new states. After its end a connection has no states to change: it only takes in what comes late.
fn step(connection: &Connection, from: Direction, segment: &Segment, what: What, verdict: Verdict) -> Step {
    let kind = what.kind;
    let (sender, receiver) = connection.pair(from);
    let foreign_syn = is_foreign_syn(connection, sender, segment, kind);
    let mut step = Step {
        states: [sender.state, receiver.state],
        acks: segment.flags.ack() && !window::acknowledgment_leaps(sender, receiver, segment, verdict),
        acks_fin: false,
        fin_was_acked: false,
        reset: None,
        believed: kind != Kind::Bad && !foreign_syn,
        leaps: window::leaps(sender, segment, verdict),
        foreign_syn,
    };
    let fits = verdict == Verdict::InWindow
        || connection.liberal
        || window::is_corroborated(sender, receiver, segment, verdict);
    if matches!(what.class, Some(SegmentClass::CaptureDuplicate | SegmentClass::OldDuplicate)) {
        step.believed = false;
        return step;
    }
    if connection.is_closed() || kind == Kind::Bad || foreign_syn {
        step.believed &= fits;
        return step;
    }
    if kind == Kind::Rst {
        let reset = reset::judge(sender, receiver, segment, verdict);
        step.reset = Some(reset);
        step.believed = reset == Reset::Exact;
        if reset == Reset::Exact {
            step.states = step.states.map(|state| next(state, Event::Reset));
        }
        return step;
    }
    step.believed = fits;
    if !fits {
        return step;
    }
    let [mut mine, mut theirs] = step.states;
    step.acks_fin = step.acks && receiver.is_fin_acked_by(segment.ack);
    if step.acks && verdict == Verdict::AckAbove && receiver.is_doubted_fin_acked_by(segment.ack) {
        step.acks_fin = true;
        (mine, theirs) = (next(mine, Event::ReceivedFin), next(theirs, Event::SentFin));
    }
    let theirs = if step.acks_fin { next(theirs, Event::FinAcked) } else { theirs };
    let [mine, theirs] = step_by_kind([mine, theirs], sender, receiver, segment, kind);
    step.fin_was_acked = kind == Kind::Fin && is_overtaken_fin(sender, receiver, segment);
    let overtaken_syn = matches!(kind, Kind::Syn | Kind::SynAck) && is_overtaken_syn(sender, receiver, segment);
    let mine = if step.fin_was_acked { next(mine, Event::FinAcked) } else { mine };
    step.states = [if overtaken_syn { next(mine, Event::SynAcked) } else { mine }, theirs];
    step
}

/// Whether the acknowledgment of a SYN has passed the tap before it.
fn is_overtaken_syn(sender: &Half, receiver: &Half, segment: &Segment) -> bool {
    let sent = sender.window.end.later(segment.seq_end());
    receiver.last_ack.is_some_and(|acked| acked.is_after(segment.seq) && !acked.is_after(sent))
}

/// Whether the acknowledgment of a FIN has passed the tap before it: of the FIN itself, not of data in its place.
fn is_overtaken_fin(sender: &Half, receiver: &Half, segment: &Segment) -> bool {
    let beyond_data = sender.position(segment.seq_end()) > sender.seen.high();
    beyond_data && receiver.last_ack == Some(segment.seq_end())
}

/// Whether it is a SYN, with ACK or without, of another initial sequence number than that of its sender, who is past the handshake: a
/// forged or an old one. What it offers (window scale, MSS, SACK) holds for no byte of this connection.
fn is_foreign_syn(connection: &Connection, sender: &Half, segment: &Segment, kind: Kind) -> bool {
    let past_handshake = connection.is_closed() || is_synchronised(sender.state);
    matches!(kind, Kind::Syn | Kind::SynAck) && sender.heard && past_handshake && sender.base != segment.seq
}

/// Whether both initial sequence numbers are agreed on (RFC 9293, 3.5.2).
const fn is_synchronised(state: TcpState) -> bool {
    !matches!(state, TcpState::Closed | TcpState::Listen | TcpState::SynSent | TcpState::SynRcvd)
}

/// The states of sender and receiver after a segment that fits and is no RST. Who has sent a FIN has nothing more to send: what
/// comes again from it moves no state.
fn step_by_kind(states: [TcpState; 2], sender: &Half, receiver: &Half, segment: &Segment, kind: Kind) -> [TcpState; 2] {
    let [mine, theirs] = states;
    let acks_syn = receiver.syn_seen && segment.flags.ack() && segment.ack.is_after(receiver.base);
    match kind {
        Kind::Syn => [next(mine, Event::SentSyn), next(theirs, Event::ReceivedSyn)],
        Kind::SynAck => {
            let answers = acks_syn || !receiver.syn_seen;
            let theirs = if answers { next(theirs, Event::ReceivedSynAck) } else { theirs };
            [next(mine, Event::SentSynAck), theirs]
        }
        Kind::Ack | Kind::Fin => {
            let theirs = if acks_syn { next(theirs, Event::SynAcked) } else { theirs };
            let tells = acks_syn || !receiver.syn_seen || segment.payload_len > 0;
            if sender.fin_end.is_some() {
                [mine, theirs]
            } else if kind == Kind::Fin {
                let crossing = receiver.fin_end.is_some() && !receiver.is_fin_acked_by(segment.ack);
                let sent = if crossing { Event::SentCrossingFin } else { Event::SentFin };
                [next(mine, sent), next(theirs, Event::ReceivedFin)]
            } else if tells {
                [next(mine, Event::SentAck), theirs]
            } else {
                [mine, theirs]
            }
        }
        Kind::Rst | Kind::Bad => states,
    }
}

/// Writes a segment into the connection.
fn apply(
    connection: &mut Connection,
    from: Direction,
    observation: &Observation,
    what: What,
    verdict: Verdict,
    step: &Step,
) -> Signs {
    let segment = &observation.segment;
    let What { kind, class } = what;
    // Only what goes with data asks for it.
    let rtt = if segment.payload_len > 0 { connection.handshake.rtt() } else { None };
    if class == Some(SegmentClass::CaptureDuplicate) {
        let (sender, _) = connection.pair_mut(from);
        let repeated = sender.count(segment, observation.ts, rtt);
        segments::count(sender, observation, kind, class, repeated);
        return Signs { class, ..Signs::default() };
    }
    let mut signs = Signs::default();
    let anomalies = oddities(connection, from, segment, kind, verdict, step);
    let (sender, receiver) = connection.pair_mut(from);
    [sender.state, receiver.state] = step.states;
    if matches!(kind, Kind::Syn | Kind::SynAck) && !step.foreign_syn {
        sender.note_syn(receiver.accecn, segment, observation.ts);
    }
    let counts = step.believed && !step.leaps;
    if counts {
        signs = segments::note(sender, receiver, observation, kind, class, step.acks);
    }
    // An acknowledgment of something else in answer to a SYN moves nothing, but tells which RST will answer it.
    let half_open = kind == Kind::Ack && receiver.state == TcpState::SynSent && !sender.syn_seen;
    if kind != Kind::Rst && (step.acks && counts || half_open) {
        sender.last_ack = Some(sender.last_ack.map_or(segment.ack, |last| last.later(segment.ack)));
        if !half_open {
            receiver.note_acked(segment.ack);
        }
    }
    if step.believed && kind == Kind::Fin {
        sender.note_fin(segment.seq_end(), observation.ts);
    }
    if counts {
        window::resynchronise(sender, receiver, segment, verdict, step.acks);
        window::update(sender, receiver, kind, segment, step.acks);
    } else if !matches!(kind, Kind::Bad | Kind::Rst) && !step.foreign_syn && window::doubt(sender, segment) {
        sender.doubt_fin(segment, observation.ts);
    }
    if kind != Kind::Syn && kind != Kind::SynAck && kind != Kind::Rst {
        let advertised = sender.window.advertised(segment);
        sender.note_window(advertised);
    }
    if step.acks_fin {
        receiver.fin_was_acked_by(segment.ack);
    }
    if step.fin_was_acked {
        sender.fin_was_acked_by(segment.seq_end());
    }
    // Why a segment is abnormal matters only if it belongs to the stream.
    let class =
        class.filter(|&class| step.believed || verdict == Verdict::SeqBelow || class == SegmentClass::OldDuplicate);
    let repeated = sender.count(segment, observation.ts, rtt);
    segments::count(sender, observation, kind, class, repeated);
    connection.liberal |= step.believed && verdict == Verdict::AckAbove;
    note_instants(connection, from, observation, kind, step);
    conclude(connection, from, observation, step);
    Signs { class, anomalies, ..signs }
}

/// What is odd about a segment.
fn oddities(
    connection: &Connection,
    from: Direction,
    segment: &Segment,
    kind: Kind,
    verdict: Verdict,
    step: &Step,
) -> Anomalies {
    let (sender, receiver) = connection.pair(from);
    let beyond_fin =
        sender.fin_end.is_some_and(|end| segment.payload_len > 0 && !segment.seq_end().is_before(end.plus(1)));
    let fin_moved = kind == Kind::Fin && sender.fin_end.is_some_and(|end| end != segment.seq_end());
    let other_isn = sender.syn_seen && sender.base != segment.seq;
    let after_rst = segment.payload_len > 0 && (connection.rst_by == Some(from) || kind == Kind::Rst);
    // What is not seen is named when it is acknowledged, not with every packet afterwards.
    let advances = sender.last_ack.is_none_or(|last| segment.ack.is_after(last));
    let live = !connection.is_closed();
    let outside = verdict != Verdict::InWindow && !step.believed;
    let oddities = [
        (Anomaly::BadFlags, kind == Kind::Bad),
        (Anomaly::BadOptions, segment.options.has(wire::OptionSet::MALFORMED)),
        (
            Anomaly::OutOfWindow,
            live && (outside && !matches!(kind, Kind::Bad | Kind::Rst) || window::disowns_leap(sender, segment)),
        ),
        (Anomaly::RstSuspect, step.reset == Some(Reset::Suspect)),
        (Anomaly::RstOutOfWindow, step.reset == Some(Reset::Ignored)),
        (Anomaly::SynInConnection, live && kind == Kind::Syn && step.foreign_syn),
        (Anomaly::SynAckIsnChanged, kind == Kind::SynAck && other_isn),
        (
            Anomaly::SynAckBadAck,
            live && kind == Kind::SynAck && matches!(verdict, Verdict::AckAbove | Verdict::AckBelow),
        ),
        (Anomaly::AckedUnseen, step.believed && advances && acknowledges_unseen(receiver, segment)),
        (Anomaly::FinMoved, fin_moved),
        (Anomaly::DataAfterFin, beyond_fin && !fin_moved),
        (Anomaly::DataAfterRst, after_rst),
    ];
    let found = oddities.map(|(anomaly, there)| Anomalies::of(anomaly, there));
    found.into_iter().fold(Anomalies::default(), Anomalies::with)
}

/// Whether a segment acknowledges more than the tap saw of its receiver.
fn acknowledges_unseen(receiver: &Half, segment: &Segment) -> bool {
    let fin = i64::from(receiver.fin_end.is_some());
    let compares = receiver.heard && segment.flags.ack() && !segment.flags.rst();
    compares && receiver.position(segment.ack) > receiver.seen.high() + fin
}

/// Writes down when things happened.
fn note_instants(connection: &mut Connection, from: Direction, observation: &Observation, kind: Kind, step: &Step) {
    let ts = observation.ts;
    // A SYN-ACK that acknowledges another SYN than this one belongs to no handshake here.
    if !step.foreign_syn && (step.believed || kind != Kind::SynAck) {
        connection.handshake.note(from, kind, &observation.segment, ts);
    }
    if !connection.established.came() && is_open(connection) {
        connection.established.set(ts);
    }
    if kind == Kind::Rst {
        match step.reset {
            Some(Reset::Exact) => connection.rst.set(ts),
            _ => connection.rst.set_first(ts),
        }
    }
}

/// Whether the handshake is complete: both endpoints are synchronised, and every SYN that was seen is acknowledged (RFC 9293, 3.5). States
/// alone do not tell, because an endpoint may send its FIN, and so be in FIN_WAIT_1, before its SYN is acknowledged.
fn is_open(connection: &Connection) -> bool {
    let [orig, resp] = &connection.halves;
    let is_agreed = |mine: &Half, theirs: &Half| {
        is_synchronised(mine.state) && (!mine.syn_seen || theirs.last_ack.is_some_and(|ack| ack.is_after(mine.base)))
    };
    // A SYN-ACK tells of the SYN, if that was missed.
    let opening_seen = connection.handshake.synack().is_some() || (orig.syn_seen && resp.syn_seen);
    opening_seen && is_agreed(orig, resp) && is_agreed(resp, orig)
}

/// Closes the connection, or leaves it to silence, or takes a suspicion back.
fn conclude(connection: &mut Connection, from: Direction, observation: &Observation, step: &Step) {
    if connection.is_closed() {
        return;
    }
    match step.reset {
        Some(Reset::Exact) => {
            connection.rst_by = Some(from);
            connection.close(CloseReason::Rst, observation.ts, observation.clock);
        }
        Some(Reset::Suspect) => {
            connection.suspect.get_or_insert((from, observation.ts));
        }
        Some(Reset::Ignored) => {}
        None if step.believed => connection.suspect = None,
        None => {}
    }
    if (step.acks_fin || step.fin_was_acked) && connection.halves.iter().all(|half| half.fin_acked) {
        connection.close(CloseReason::Fin, observation.ts, observation.clock);
    }
}

/// Whether `segment` acknowledges exactly the SYN with the initial sequence number `isn` and the payload `len`.
pub(crate) fn acknowledges_syn(segment: &Segment, isn: SeqNum, len: u32) -> bool {
    segment.flags.ack() && (segment.ack == isn.plus(1) || segment.ack == isn.plus(1).plus(len))
}
