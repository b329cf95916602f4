//! How the losses of one endpoint's segments come: one by one, in bursts, or so that retransmissions are lost as well.
//!
//! A bystander sees a loss by what repairs it: a retransmission whose class says that an earlier copy did not arrive, fast or on timeout.
//! Losses that lie near each other in the stream are one *episode* (RFC 6534; the loss period of RFC 3357): fewer than [`GAP`] segments'
//! worth of bytes lie between them. Distance is measured in the stream and not in time, because a sender repairs the losses of one
//! window over several round trips. An episode is over when the receiver has acknowledged so far beyond it that no loss can join it.

use serde::{Deserialize, Serialize};
use wire::{Nanos, Segment, SeqNum};

use crate::measures::SegmentClass;
use crate::names::names;

/// Segments that must arrive between two losses for them to be two episodes: Gmin of RFC 3611, 4.7.2, which tells bursts from gaps.
const GAP: u32 = 16;

names! {
    /// How the losses of an episode came.
    LossPattern {
        /// One segment was lost.
        Isolated = "isolated",
        /// Several near each other were.
        Burst = "burst",
        /// A retransmission was lost as well, so that the timer of the sender backed off (RFC 6298, 5.5).
        Persistent = "persistent",
    }
}

/// The losses near each other of one endpoint's stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Episode {
    /// When the first was repaired.
    pub(super) first: Nanos,
    /// When the last was.
    pub(super) last: Nanos,
    /// Retransmissions.
    pub(super) segments: u32,
    /// Whether a retransmission was lost.
    backed_off: bool,
    /// The left edge of the latest retransmission on timeout.
    timed_out: Option<SeqNum>,
    /// Up to where losses join.
    reach: SeqNum,
    /// From where they do: as far before the first.
    start: SeqNum,
    /// Largest payload of its segments, bytes.
    largest: u32,
}

impl Episode {
    fn new(segment: &Segment, ts: Nanos) -> Self {
        Self {
            first: ts,
            last: ts,
            segments: 0,
            backed_off: false,
            timed_out: None,
            reach: segment.seq_end(),
            start: segment.seq,
            largest: 0,
        }
    }

    /// How its losses came.
    pub(super) const fn pattern(&self) -> LossPattern {
        match self.segments {
            _ if self.backed_off => LossPattern::Persistent,
            0 | 1 => LossPattern::Isolated,
            _ => LossPattern::Burst,
        }
    }

    /// Whether a loss at `seq` belongs to it.
    fn joins(&self, seq: SeqNum) -> bool {
        !seq.is_after(self.reach) && !seq.is_before(self.start)
    }

    /// Takes in the retransmission that repairs a loss.
    fn add(&mut self, segment: &Segment, class: SegmentClass, ts: Nanos) {
        self.last = self.last.max(ts);
        self.segments = self.segments.saturating_add(1);
        self.largest = self.largest.max(segment.payload_len).min(1 << 16);
        let room = self.largest.saturating_mul(GAP);
        self.reach = self.reach.later(segment.seq_end().plus(room));
        let start = segment.seq.minus(room);
        if start.is_before(self.start) {
            self.start = start;
        }
        if class == SegmentClass::TimeoutRetransmission {
            self.backed_off |= self.timed_out.is_some_and(|edge| !segment.seq.is_after(edge));
            self.timed_out = Some(segment.seq);
        }
    }
}

/// The open episode of one endpoint, if there is one.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub(super) struct Losses(Option<Episode>);

impl Losses {
    /// Takes in a retransmission of a class that says that a segment was lost. Returns the episode before, if this begins another.
    pub(super) fn add(&mut self, segment: &Segment, class: SegmentClass, ts: Nanos) -> Option<Episode> {
        let over = self.0.take_if(|episode| !episode.joins(segment.seq));
        self.0.get_or_insert_with(|| Episode::new(segment, ts)).add(segment, class, ts);
        over
    }

    /// The peer has acknowledged everything before `ack`. Returns the episode that is over by that.
    pub(super) fn acknowledged(&mut self, ack: SeqNum) -> Option<Episode> {
        self.0.take_if(|episode| ack.is_after(episode.reach))
    }

    /// The connection is over. Returns the episode that was open.
    pub(super) const fn end(&mut self) -> Option<Episode> {
        self.0.take()
    }
}

/// Whether a class says that an earlier copy of the segment was lost.
pub(super) const fn says_loss(class: SegmentClass) -> bool {
    matches!(class, SegmentClass::FastRetransmission | SegmentClass::TimeoutRetransmission)
}
