//! What is remembered of the segments of one endpoint.

use serde::{Deserialize, Serialize};
use wire::{Nanos, Segment, SeqNum};

use super::DUP_ACK_THRESHOLD;
use super::echo::Echoes;
use super::outstanding::Outstanding;
use super::recent::Recent;
use super::running::Running;
use crate::measures::{RttRecord, SegmentClass, SegmentsRecord};
use crate::moment::Moment;

/// Memory of one endpoint's segments. It is made with the first segment that neither opens nor aborts, so that refused and
/// unanswered connections need none.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Trail {
    pub(super) recent: Recent,
    pub(super) outstanding: Outstanding,
    /// From its segments to their acknowledgments.
    pub(super) rtt: Running,
    /// The same by timestamps; made with the first segment that carries one.
    pub(super) echoes: Option<Box<Echoes>>,
    /// The timestamp that its receiver accepted last (TS.Recent of RFC 7323, 4.3).
    pub(super) ts_recent: Option<u32>,
    /// Duplicate acknowledgments in a row, those with news in SACK blocks and another window counted too.
    pub(super) dup_run: u32,
    /// Bytes that its latest acknowledgment reports beyond a gap (RFC 2018).
    pub(super) sacked: u32,
    /// When it last acknowledged something new.
    pub(super) advanced: Moment,
    /// The window field of its latest acknowledgment; `None` where that of its SYN cannot come again.
    pub(super) window: Option<u16>,
    /// Where its latest zero-window probe lay. A peer that refused the byte gets it again, with all that follows.
    pub(super) probed: Option<SeqNum>,
    /// When it closed its window, if it is closed.
    pub(super) closed_window: Moment,
    pub(super) push_pkts: u64,
    pub(super) dup_acks: u64,
    pub(super) segment_max: u32,
    pub(super) in_flight_max: u32,
    /// Made when something rare happens.
    pub(super) rare: Option<Box<Rare>>,
}

/// Memory of abnormal segments, and what few connections count.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Rare {
    /// All but what [`Trail`] counts itself.
    pub(super) counts: SegmentsRecord,
    /// The latest holes as they appeared.
    holes: [Hole; Self::HOLES],
    next: u8,
    /// The latest abnormal segment that may have begun a batch.
    last: Option<(Nanos, SegmentClass)>,
    /// What was retransmitted in a recovery, and up to where it goes (RFC 6582, RFC 5681).
    recovery: Option<(SeqNum, SegmentClass)>,
    /// Where the lowest segment ends that was taken for outdated and is not acknowledged, and its timestamp.
    doubted: Option<(SeqNum, u32)>,
}

/// A range that was skipped.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(super) struct Hole {
    start: SeqNum,
    end: SeqNum,
    /// When the segment after it came.
    pub(super) ts: Nanos,
    /// The timestamp of that segment.
    pub(super) tsval: Option<u32>,
}

const _: () = assert!(size_of::<Trail>() <= 768, "twelve cache lines");

impl Trail {
    pub(crate) fn new() -> Self {
        Self {
            recent: Recent::new(),
            outstanding: Outstanding::new(),
            rtt: Running::new(),
            echoes: None,
            ts_recent: None,
            dup_run: 0,
            sacked: 0,
            advanced: Moment::NEVER,
            window: None,
            probed: None,
            closed_window: Moment::NEVER,
            push_pkts: 0,
            dup_acks: 0,
            segment_max: 0,
            in_flight_max: 0,
            rare: None,
        }
    }

    /// Whether what is used as an index lies within its bounds.
    pub(crate) fn is_sound(&self) -> bool {
        let rare = self.rare.as_deref().is_none_or(|rare| usize::from(rare.next) < Rare::HOLES);
        rare && self.recent.is_sound() && self.outstanding.is_sound()
    }

    /// The sequence space starts again: `forgotten` bytes that were new belong to no stream. What was counted stays.
    pub(crate) fn restart(&mut self, forgotten: u64) {
        if let Some(rare) = &mut self.rare {
            **rare = Rare { counts: rare.counts, ..Rare::new() };
        }
        if forgotten > 0 {
            self.rare_mut().counts.other_bytes += forgotten;
        }
        self.recent = Recent::new();
        self.outstanding = Outstanding::new();
        (self.echoes, self.ts_recent, self.dup_run, self.probed) = (None, None, 0, None);
    }

    /// An acknowledgment goes on from `last` to `ack`. If it covers a segment that was taken for outdated, the receiver took that: its
    /// timestamp is the recent one, and whatever clock came before (another host's behind a translator, one that was set back) is gone.
    pub(super) fn believe_doubted(&mut self, last: Option<SeqNum>, ack: SeqNum) {
        let Some(rare) = self.rare.as_deref_mut() else { return };
        let Some((end, tsval)) = rare.doubted.filter(|(end, _)| !ack.is_before(*end)) else { return };
        rare.doubted = None;
        if last.is_none_or(|last| last.is_before(end)) {
            self.ts_recent = Some(tsval);
        }
    }

    pub(super) fn rare_mut(&mut self) -> &mut Rare {
        self.rare.get_or_insert_with(|| Box::new(Rare::new()))
    }

    /// Whether its acknowledgments ask for the byte after what they acknowledge, by their number (RFC 5681, 3.2) or by what they report
    /// beyond it (`IsLost` of RFC 6675, 4). `largest` is the peer's largest payload, bytes.
    pub(super) const fn asks(&self, largest: u32) -> bool {
        self.dup_run >= DUP_ACK_THRESHOLD || self.sacked > largest.saturating_mul(DUP_ACK_THRESHOLD - 1)
    }

    /// Reads what the next segment needs, so that it is in the cache then.
    pub(crate) fn touch(&self) -> u64 {
        let echoes = self.echoes.as_deref().map_or(0, Echoes::touch);
        let own = u64::from(self.dup_run) ^ self.push_pkts ^ self.rtt.count() ^ u64::from(self.in_flight_max);
        self.recent.touch() ^ self.outstanding.touch() ^ echoes ^ own
    }

    /// How many round trips of its segments were measured.
    pub(crate) const fn round_trips(&self) -> u64 {
        self.rtt.count()
    }

    /// The round trips of its segments.
    pub(crate) fn rtt(&self) -> RttRecord {
        self.rtt.record()
    }

    /// The round trips of its segments, by timestamps.
    pub(crate) fn rtt_ts(&self) -> RttRecord {
        self.echoes.as_deref().map(Echoes::record).unwrap_or_default()
    }

    /// Its part of the row, of a connection that lasted until `until`.
    pub(crate) fn segments(&self, until: Nanos) -> SegmentsRecord {
        let counts = self.rare.as_deref().map(|rare| rare.counts).unwrap_or_default();
        let mut counts = SegmentsRecord {
            push_pkts: self.push_pkts,
            dup_acks: self.dup_acks,
            segment_max: self.segment_max,
            in_flight_max: self.in_flight_max,
            ..counts
        };
        if let Some(since) = self.closed_window.get() {
            counts.zero_window_time = counts.zero_window_time.saturating_add(until.elapsed_since(since));
        }
        counts
    }
}

impl Rare {
    /// Holes remembered: the sender's latest losses, which it mends one after another.
    const HOLES: usize = 8;

    fn new() -> Self {
        let none = Hole { start: SeqNum(0), end: SeqNum(0), ts: Nanos::MIN, tsval: None };
        Self {
            counts: SegmentsRecord::default(),
            holes: [none; Self::HOLES],
            next: 0,
            last: None,
            recovery: None,
            doubted: None,
        }
    }

    /// What lies in `start..segment.seq` was skipped.
    pub(super) fn skipped(&mut self, start: SeqNum, segment: &Segment, ts: Nanos) {
        let tsval = segment.timestamps().map(|stamps| stamps.value);
        self.holes[usize::from(self.next) % Self::HOLES] = Hole { start, end: segment.seq, ts, tsval };
        self.next = (self.next + 1) % Self::HOLES as u8;
    }

    /// A segment that ends at `end` was taken for outdated by its timestamp.
    pub(super) fn doubt(&mut self, end: SeqNum, tsval: u32) {
        if self.doubted.is_none_or(|(lowest, _)| end.is_before(lowest)) {
            self.doubted = Some((end, tsval));
        }
    }

    /// The hole around `seq`.
    pub(super) fn hole(&self, seq: SeqNum) -> Option<&Hole> {
        self.holes.iter().find(|hole| !seq.is_before(hole.start) && seq.is_before(hole.end))
    }

    /// An abnormal segment of this class has passed; its sender had sent up to `next`, of which `acked` was acknowledged. A recovery goes
    /// up to what was sent when it began.
    pub(super) fn note(&mut self, class: SegmentClass, next: SeqNum, acked: Option<SeqNum>, ts: Nanos) {
        let recovers = matches!(class, SegmentClass::FastRetransmission | SegmentClass::TimeoutRetransmission);
        if recovers && self.recovering(acked) != Some(class) {
            self.recovery = Some((next, class));
        }
        if recovers || class == SegmentClass::Reordered {
            self.last = Some((ts, class));
        }
    }

    /// The class of the recovery that goes on until everything up to its point is acknowledged.
    fn recovering(&self, acked: Option<SeqNum>) -> Option<SegmentClass> {
        let (point, class) = self.recovery?;
        acked.is_none_or(|acked| acked.is_before(point)).then_some(class)
    }

    /// The class that a segment without evidence of its own inherits: that of the recovery that it belongs to, or that of an abnormal
    /// segment less than a mean round trip ago.
    pub(super) fn batch(
        &self,
        end: SeqNum,
        acked: Option<SeqNum>,
        ts: Nanos,
        mean: Option<i64>,
    ) -> Option<SegmentClass> {
        let recovering =
            self.recovering(acked).filter(|_| self.recovery.is_some_and(|(point, _)| !end.is_after(point)));
        let soon = self.last.filter(|(last, _)| (0..mean.unwrap_or(0)).contains(&ts.since(*last)));
        recovering.or(soon.map(|(_, class)| class))
    }
}
