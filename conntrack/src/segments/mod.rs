//! Segment by segment: which ones are abnormal and why, and what their comings and goings measure.
//!
//! [`classify`] belongs to the first of the machine's steps and only looks; [`note`] belongs to the last and writes. A segment
//! that simply follows, or an acknowledgment that goes on, costs a few comparisons; everything else is out of line.
//!
//! Memory is bounded ([`Trail`]): the latest sixteen segments of an endpoint, sixteen that wait for their acknowledgment, and, once something
//! abnormal has happened, the latest eight holes. Where a bound is felt, a measure gets coarser in one direction that
//! `docs/classes.md` names; it never gets wrong.

mod echo;
mod judge;
mod outstanding;
mod recent;
mod running;
mod trail;

use wire::{Direction, Nanos, Observation, OptionSet, Segment, SeqNum, TcpFlags};

use crate::connection::Connection;
use crate::coverage::Range;
use crate::events::{Signs, WindowSign};
use crate::half::Half;
use crate::measures::{SegmentClass, SegmentsRecord};
use crate::tcp::Kind;
use echo::Echoes;
use judge::{Evidence, Times, judge};
pub(crate) use trail::Trail;

/// The retransmission timeout where no round trip was measured, ns.
const TIMEOUT_UNMEASURED: i64 = 500_000_000;

/// No sender's timeout is shorter, ns; Linux has 200 ms (TCP_RTO_MIN), some data centres half of it.
const TIMEOUT_FLOOR: i64 = 100_000_000;

/// Duplicate acknowledgments that make a sender retransmit (RFC 5681, 3.2).
const DUP_ACK_THRESHOLD: u32 = 3;

/// After so long a silence a timestamp tells nothing any more, ns (RFC 7323, 5.5).
const OUTDATED_AFTER: i64 = 24 * 24 * 3600 * Nanos::PER_SECOND;

/// The class of a segment, if it is abnormal.
pub(crate) fn classify(
    connection: &Connection,
    from: Direction,
    observation: &Observation,
    kind: Kind,
) -> Option<SegmentClass> {
    let (sender, receiver) = connection.pair(from);
    let segment = &observation.segment;
    if matches!(kind, Kind::Syn | Kind::SynAck) && sender.repeats_syn(segment, observation.ts) {
        return Some(SegmentClass::CaptureDuplicate);
    }
    let trail = sender.trail.as_deref()?;
    // What its sender sent beyond the window lies ahead, and may come again.
    if kind == Kind::Ack && segment.seq == sender.window.end && !sender.window.doubts() {
        let news = segment.payload_len > 0 || sender.last_ack.is_none_or(|last| segment.ack.is_after(last));
        let ordinary = segment.payload_len != 1 && !is_outdated(trail, observation);
        if news && ordinary {
            return None;
        }
    }
    judge(&gather(connection, [sender, receiver], trail, observation, kind))
}

/// Whether the timestamp of a data segment is older than one that its receiver has accepted.
fn is_outdated(trail: &Trail, observation: &Observation) -> bool {
    let segment = &observation.segment;
    let (Some(recent), Some(stamps)) = (trail.ts_recent, segment.timestamps()) else { return false };
    let older = SeqNum(stamps.value).is_before(SeqNum(recent));
    older
        && segment.payload_len > 0
        && trail.recent.latest().is_some_and(|last| observation.ts.since(last) < OUTDATED_AFTER)
}

/// Gathers what is known of a segment that may be abnormal.
#[cold]
fn gather(
    connection: &Connection,
    [sender, receiver]: [&Half; 2],
    trail: &Trail,
    observation: &Observation,
    kind: Kind,
) -> Evidence {
    let segment = &observation.segment;
    let start = segment.seq.plus(u32::from(segment.flags.syn()));
    let end = start.plus(segment.payload_len);
    let next = sender.window.end;
    let acked = receiver.last_ack;
    let is_acked = |seq: SeqNum| acked.is_some_and(|acked| !acked.is_before(seq));
    let refused_probe = trail.probed == Some(start) && acked == Some(start) && next == start.plus(1);
    // Beyond what comes next only what went beyond the window was seen before.
    let expected = refused_probe || !start.is_before(next) && !sender.has_seen_start(segment);
    // What lies beyond all that was seen was overtaken by its acknowledgment: nobody saw it before.
    let is_new = sender.position(start) >= sender.seen.high();
    let below_next = segment.payload_len > 0 && !expected && !is_new && !matches!(kind, Kind::Rst | Kind::Bad);
    let fills_hole = below_next && sender.has_hole(start, segment.payload_len);
    let rare = trail.rare.as_deref();
    let hole = rare.and_then(|rare| rare.hole(start)).filter(|_| fills_hole);
    let times = times(connection, [sender, receiver]);
    let twin = trail.recent.twin(segment);
    let peer = receiver.trail.as_deref();
    let peer_closed = peer.is_some_and(|peer| peer.closed_window.came());
    // Just below what comes next, all of which was acknowledged: it asks for nothing but an answer.
    let knocks = kind == Kind::Ack
        && segment.payload_len <= 1
        && segment.seq == next.minus(1)
        && sender.fin_end.is_none()
        && acked.is_none_or(|acked| !acked.is_before(next));
    Evidence {
        twin: twin.map(|twin| (twin, distance(observation.ts, twin.ts))),
        clocked: segment.timestamps().is_some(),
        repeats: segment.seq_len() == 0
            && (has_outstanding(receiver, segment.ack) && !lacks_sack(sender, receiver, segment)
                || kind == Kind::Rst && twin.is_some_and(|twin| spoke_since(peer, twin.ts))),
        keep_alive: knocks && !peer_closed,
        probe: peer_closed
            && (knocks
                || kind == Kind::Ack
                    && segment.payload_len == 1
                    && (segment.seq == next || acked == Some(segment.seq))),
        outdated: matches!(kind, Kind::Ack | Kind::Fin) && is_outdated(trail, observation),
        below_next,
        fills_hole,
        sent_before_successor: hole.is_some_and(|hole| {
            hole.tsval
                .zip(segment.timestamps())
                .is_some_and(|(after, mine)| SeqNum(mine.value).is_before(SeqNum(after)))
        }),
        asked_for: acked == Some(start) && peer.is_some_and(|peer| peer.asks(trail.segment_max)),
        waited: observation.ts.elapsed_since(match hole {
            Some(hole) => hole.ts,
            None => last_sighting(sender, trail, segment, start, end),
        }),
        stalled: peer.and_then(|peer| peer.advanced.get()).map_or(i64::MAX, |at| observation.ts.elapsed_since(at)),
        acknowledged: is_acked(end),
        batch: rare.and_then(|rare| rare.batch(end, acked, observation.ts, times.mean)),
        times,
    }
}

/// When the bytes of a segment were last seen: exactly if it is among the latest, else an instant before which they were.
fn last_sighting(sender: &Half, trail: &Trail, segment: &Segment, start: SeqNum, end: SeqNum) -> Nanos {
    let exactly = trail.recent.last_sighting(segment);
    let before = || trail.outstanding.sent_before(sender.position(start) + i64::from(end.distance(start)));
    exactly.or_else(before).or(sender.last_data.get()).unwrap_or(Nanos::MAX)
}

/// Whether an endpoint has sent something since `ts`.
fn spoke_since(trail: Option<&Trail>, ts: Nanos) -> bool {
    trail.and_then(|trail| trail.recent.latest()).is_some_and(|latest| latest >= ts)
}

/// Whether a segment has no SACK blocks although both endpoints permitted them: then nothing arrived out of order (RFC 2018, 4).
fn lacks_sack(sender: &Half, receiver: &Half, segment: &Segment) -> bool {
    sender.permits_sack() && receiver.permits_sack() && !segment.options.has(OptionSet::SACK)
}

/// Whether an endpoint has sent more than `ack` acknowledges. Of one that the tap never hears nobody knows.
fn has_outstanding(endpoint: &Half, ack: SeqNum) -> bool {
    !endpoint.heard || endpoint.window.end.is_after(ack)
}

/// Nanoseconds between two instants, whichever came first.
const fn distance(one: Nanos, other: Nanos) -> i64 {
    one.since(other).saturating_abs()
}

/// What is known of the round trips: from both halves' data, else from the handshake.
fn times(connection: &Connection, halves: [&Half; 2]) -> Times {
    let measured = halves.map(|half| half.trail.as_deref().map(|trail| &trail.rtt).filter(|rtt| rtt.min().is_some()));
    let sum = |parts: [Option<i64>; 2]| parts.into_iter().flatten().reduce(i64::saturating_add);
    let (syn_rtt, ack_rtt) = connection.handshake.rtts();
    let handshake = sum([syn_rtt, ack_rtt]);
    let whole_min = sum(measured.map(|rtt| rtt?.min()));
    let mean = sum(measured.map(|rtt| rtt?.mean()));
    let variance: f64 = measured.iter().flatten().filter_map(|rtt| rtt.variance()).sum();
    let timeout = match (mean, handshake) {
        (Some(mean), _) => mean.saturating_add((4.0 * variance.sqrt()) as i64),
        // RFC 6298, 2.2: after the first sample the deviation is taken for half of it.
        (None, Some(handshake)) => handshake.saturating_mul(3),
        (None, None) => TIMEOUT_UNMEASURED,
    };
    Times {
        half_min: measured[0].and_then(|rtt| rtt.min()),
        whole_min: whole_min.into_iter().chain(handshake).min(),
        mean: mean.or(handshake),
        timeout: timeout.max(TIMEOUT_FLOOR),
    }
}

/// Takes in a segment that counts for the sequence space, before the windows move; its acknowledgment counts only if it `acks`. A capture's
/// duplicate never comes here. Returns the round trip that it completes, ns, and what became of its sender's window.
pub(crate) fn note(
    sender: &mut Half,
    receiver: &mut Half,
    observation: &Observation,
    kind: Kind,
    class: Option<SegmentClass>,
    acks: bool,
) -> Signs {
    let (segment, ts) = (&observation.segment, observation.ts);
    if remembers(kind) {
        let window = sender.window.field();
        sender.trail.get_or_insert_with(|| Box::new(Trail { window, ..Trail::new() }));
    }
    note_sent(sender, receiver, segment, ts, class);
    let mut signs = Signs { class, ..Signs::default() };
    if acks {
        if let Some(peer) = receiver.trail.as_deref_mut() {
            peer.believe_doubted(sender.last_ack, segment.ack);
        }
        signs.rtt = note_round_trip(sender, receiver, segment, ts);
        signs.window = note_acknowledgment(sender, receiver, segment, ts, kind);
    }
    signs
}

/// Whether a segment begins the memory of its sender's segments: it neither opens nor aborts.
const fn remembers(kind: Kind) -> bool {
    matches!(kind, Kind::Ack | Kind::Fin)
}

/// What the sender's stream tells.
fn note_sent(sender: &mut Half, receiver: &Half, segment: &Segment, ts: Nanos, class: Option<SegmentClass>) {
    let end = segment.seq_end();
    let next = sender.window.end;
    let acked = receiver.last_ack;
    let position = sender.position(end);
    let known = sender.window.known();
    let Some(trail) = sender.trail.as_deref_mut() else { return };
    if let Some(stamps) = segment.timestamps()
        && acked.is_none_or(|acked| !segment.seq.is_after(acked))
        && trail.ts_recent.is_none_or(|recent| !SeqNum(stamps.value).is_before(SeqNum(recent)))
    {
        trail.ts_recent = Some(stamps.value);
    }
    if segment.seq_len() == 0 {
        return;
    }
    if let Some(stamps) = segment.timestamps() {
        let echoes = trail.echoes.get_or_insert_with(|| Box::new(Echoes::new(stamps.value, ts)));
        echoes.sent(stamps.value, ts, class.is_some_and(is_resent));
    }
    match class {
        None if !known || !segment.seq.is_before(next) => {
            if known && segment.seq.is_after(next) {
                trail.rare_mut().skipped(next, segment, ts);
            }
            trail.outstanding.push(position, ts);
        }
        Some(SegmentClass::NetworkDuplicate) => {}
        Some(SegmentClass::ZeroWindowProbe) => trail.probed = Some(segment.seq),
        _ => {
            let start = position - i64::from(segment.seq_len());
            trail.outstanding.resent(start);
            if let Some(class) = class {
                trail.rare_mut().note(class, next, acked, ts);
            }
        }
    }
    let lowest = acked.unwrap_or(sender.base.plus(1));
    let in_flight = end.later(if known { next } else { end }).distance(lowest);
    trail.in_flight_max = trail.in_flight_max.max(u32::try_from(in_flight).unwrap_or(0));
}

/// The round trip of the peer's latest segment that an acknowledgment covers, ns, if one is measured.
fn note_round_trip(sender: &Half, receiver: &mut Half, segment: &Segment, ts: Nanos) -> Option<i64> {
    if sender.last_ack.is_some_and(|last| !segment.ack.is_after(last)) {
        return None;
    }
    let position = receiver.position(segment.ack);
    let peer = receiver.trail.as_deref_mut()?;
    if let Some((echoes, stamps)) = peer.echoes.as_deref_mut().zip(segment.timestamps()) {
        echoes.echoed(stamps.echo, ts);
    }
    let sent = peer.outstanding.acknowledge(position).filter(|&sent| ts >= sent)?;
    let sample = ts.since(sent);
    peer.rtt.add(sample);
    Some(sample)
}

/// What an acknowledgment tells of its sender, whose window may close or open by it.
fn note_acknowledgment(
    sender: &mut Half,
    receiver: &Half,
    segment: &Segment,
    ts: Nanos,
    kind: Kind,
) -> Option<WindowSign> {
    let last = sender.last_ack;
    let advances = last.is_none_or(|last| segment.ack.is_after(last));
    let outstanding = has_outstanding(receiver, segment.ack);
    let advertised = sender.window.advertised(segment);
    let trail = sender.trail.as_deref_mut()?;
    let sacks = segment.options.has(OptionSet::SACK);
    if sacks {
        let counts = &mut trail.rare_mut().counts;
        counts.sack_pkts += 1;
        counts.dsacks += u64::from(reports_duplicate(segment));
    }
    if kind == Kind::Rst || last.is_some_and(|last| segment.ack.is_before(last)) {
        return None;
    }
    let alone = kind == Kind::Ack && segment.payload_len == 0;
    trail.sacked = sacked_bytes(segment);
    if advances {
        trail.advanced.set(ts);
        trail.dup_run = 0;
    } else if alone && outstanding {
        let same_window = trail.window == Some(segment.window);
        trail.dup_acks += u64::from(same_window);
        trail.dup_run = trail.dup_run.saturating_add(u32::from(same_window || sacks));
    }
    trail.window = Some(segment.window);
    note_window(trail, advertised, segment, ts)
}

/// Begins or ends an episode of a closed window.
fn note_window(trail: &mut Trail, advertised: u32, segment: &Segment, ts: Nanos) -> Option<WindowSign> {
    match trail.closed_window.get() {
        None if advertised == 0 && !segment.flags.syn() => {
            trail.closed_window.set(ts);
            trail.rare_mut().counts.zero_window_count += 1;
            Some(WindowSign::Closed)
        }
        Some(since) if advertised > 0 => {
            let closed = ts.elapsed_since(since);
            let counts = &mut trail.rare_mut().counts;
            counts.zero_window_time = counts.zero_window_time.saturating_add(closed);
            trail.closed_window = crate::moment::Moment::NEVER;
            Some(WindowSign::Opened(closed))
        }
        _ => None,
    }
}

/// Whether the first SACK block tells of bytes that came twice: it lies below the acknowledgment, or within the second block (RFC 2883, 4).
fn reports_duplicate(segment: &Segment) -> bool {
    let [first, second] = match segment.sack_blocks() {
        [] => return false,
        [first] => [*first, *first],
        [first, second, ..] => [*first, *second],
    };
    let below = first.left.is_before(segment.ack);
    let within = first != second && !first.left.is_before(second.left) && !first.right.is_after(second.right);
    below || within
}

/// Bytes in the SACK blocks above the acknowledgment; a duplicate that comes first is none of them.
fn sacked_bytes(segment: &Segment) -> u32 {
    let blocks = segment.sack_blocks().iter().skip(usize::from(reports_duplicate(segment)));
    let lengths = blocks.map(|block| u32::try_from(block.right.distance(block.left)).unwrap_or(0));
    lengths.fold(0, u32::saturating_add)
}

/// Counts a segment, whatever it means for the sequence space. `repeated` of its payload bytes had been seen before.
pub(crate) fn count(
    sender: &mut Half,
    observation: &Observation,
    kind: Kind,
    class: Option<SegmentClass>,
    repeated: u64,
) {
    let segment = &observation.segment;
    let marked = segment.traffic_class & 0b11 == 0b11;
    let flagged = segment.flags.0 & (TcpFlags::PSH.0 | TcpFlags::URG.0) != 0;
    let tells = remembers(kind) || class.is_some() || segment.payload_len > 0 || marked || flagged;
    if sender.trail.is_none() && !tells {
        return;
    }
    let trail = sender.trail.get_or_insert_with(|| Box::new(Trail::new()));
    trail.push_pkts += u64::from(segment.flags.has(TcpFlags::PSH));
    trail.segment_max = trail.segment_max.max(segment.payload_len);
    let echoes = segment.flags.has(TcpFlags::ECE) && !segment.flags.syn();
    let urgent = segment.flags.has(TcpFlags::URG);
    if marked || echoes || urgent {
        let counts = &mut trail.rare_mut().counts;
        counts.urgent_pkts += u64::from(urgent);
        counts.ce_pkts += u64::from(marked);
        counts.ece_pkts += u64::from(echoes);
    }
    if class.is_some() || repeated > 0 {
        count_abnormal(&mut trail.rare_mut().counts, class, repeated);
    }
    if let (Some(SegmentClass::OldDuplicate), Some(stamps)) = (class, segment.timestamps()) {
        trail.rare_mut().doubt(segment.seq_end(), stamps.value);
    }
    if class != Some(SegmentClass::CaptureDuplicate) {
        trail.recent.push(segment, observation.ts);
    }
}

/// Whether the TCP of a segment's sender sent it again, for all that its class tells.
const fn is_resent(class: SegmentClass) -> bool {
    matches!(
        class,
        SegmentClass::FastRetransmission
            | SegmentClass::TimeoutRetransmission
            | SegmentClass::UnnecessaryRetransmission
            | SegmentClass::Unknown
    )
}

/// Counts an abnormal segment, or one of whose payload `repeated` bytes are not new.
#[cold]
fn count_abnormal(counts: &mut SegmentsRecord, class: Option<SegmentClass>, repeated: u64) {
    let resent = class.is_some_and(|class| is_resent(class) && (class != SegmentClass::Unknown || repeated > 0));
    if resent {
        counts.retrans_pkts += 1;
        counts.retrans_bytes += repeated;
    } else {
        counts.other_bytes += repeated;
    }
    if let Some(class) = class {
        counts.abnormal_pkts += 1;
        counts.classes.add(class);
    }
}

impl Half {
    /// Whether some of `len` bytes from `start` was never seen although later ones were.
    fn has_hole(&self, start: SeqNum, len: u32) -> bool {
        let start = self.position(start);
        let end = start.saturating_add(i64::from(len)).min(self.seen.high());
        self.seen.missing(Range { start, end }).next().is_some()
    }
}
