//! The receiving half of a speaker: what has arrived, and when to acknowledge it.

use wire::{Nanos, SackBlock, SeqNum};

use super::Segment;

/// How long an acknowledgment may wait for company, ns: the usual 40 ms of Linux.
const DELAYED_ACK: i64 = 40_000_000;
/// Segments after which it waits no longer (RFC 9293, 3.8.6.3).
const SEGMENTS_PER_ACK: u8 = 2;

/// The receiving half.
#[derive(Debug)]
pub(super) struct Receiver {
    /// Next position expected.
    pub(super) next: u64,
    /// What has arrived beyond it: disjoint, the latest first.
    beyond: Vec<(u64, u64)>,
    /// Position of the peer's FIN, once it has arrived.
    fin: Option<u64>,
    unacknowledged: u8,
    /// When a delayed acknowledgment is due.
    pub(super) timer: Nanos,
    /// Timestamp to echo (RFC 7323, 4.3).
    pub(super) echo: u32,
}

/// What a segment asks of its receiver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Demand {
    /// Nothing.
    Nothing,
    /// An acknowledgment, at latest when the timer fires.
    Later,
    /// An acknowledgment now; data may carry it.
    Now,
    /// A bare acknowledgment now, whatever else is sent: it tells the sender of a gap or of a repetition.
    Alone,
}

impl Receiver {
    /// A receiver that has received nothing.
    pub(super) const fn new() -> Self {
        Self { next: 0, beyond: Vec::new(), fin: None, unacknowledged: 0, timer: Nanos::MAX, echo: 0 }
    }

    /// The peer's SYN has arrived.
    pub(super) const fn open(&mut self, echo: u32) {
        self.next = 1;
        self.echo = echo;
    }

    /// Whether everything up to the peer's FIN has arrived.
    pub(super) fn is_finished(&self) -> bool {
        self.fin.is_some_and(|fin| self.next > fin)
    }

    /// An acknowledgment of all that has arrived was sent.
    pub(super) const fn acknowledged(&mut self) {
        self.unacknowledged = 0;
        self.timer = Nanos::MAX;
    }

    /// Takes a segment of the peer.
    pub(super) fn take(&mut self, segment: &Segment, now: Nanos) -> Demand {
        let (start, end) = (segment.seq, segment.end());
        if start == end {
            // Empty and before what is expected: a keep-alive (RFC 9293, 3.8.4).
            return if start < self.next { Demand::Alone } else { Demand::Nothing };
        }
        if segment.flags.fin() {
            self.fin = Some(end - 1);
        }
        if end <= self.next {
            return Demand::Alone;
        }
        if start > self.next {
            self.keep(start, end);
            return Demand::Alone;
        }
        if let Some(timestamps) = segment.timestamps {
            self.echo = timestamps.value;
        }
        let had_gap = !self.beyond.is_empty();
        self.next = end;
        self.close_gaps();
        self.unacknowledged += 1;
        if had_gap {
            return Demand::Alone;
        }
        if self.unacknowledged >= SEGMENTS_PER_ACK {
            return Demand::Now;
        }
        self.timer = self.timer.min(now.plus(DELAYED_ACK));
        Demand::Later
    }

    /// The SACK blocks to send (RFC 2018, 4): the two that changed last.
    pub(super) fn sack(&self, isn: u32) -> ([SackBlock; 2], u8) {
        let mut blocks = [SackBlock::default(); 2];
        for (block, (left, right)) in blocks.iter_mut().zip(&self.beyond) {
            *block = SackBlock { left: SeqNum(isn).plus(*left as u32), right: SeqNum(isn).plus(*right as u32) };
        }
        (blocks, self.beyond.len().min(2) as u8)
    }

    /// Keeps what lies beyond a gap, joined with what it touches.
    fn keep(&mut self, mut start: u64, mut end: u64) {
        self.beyond.retain(|&(left, right)| {
            let apart = right < start || end < left;
            if !apart {
                start = start.min(left);
                end = end.max(right);
            }
            apart
        });
        self.beyond.insert(0, (start, end));
    }

    fn close_gaps(&mut self) {
        while let Some(at) = self.beyond.iter().position(|&(left, _)| left <= self.next) {
            let (_, right) = self.beyond.remove(at);
            self.next = self.next.max(right);
        }
    }
}

#[cfg(test)]
mod tests {
    use wire::TcpFlags;

    use super::*;

    fn data(seq: u64, len: u16) -> Segment {
        Segment { seq, len, flags: TcpFlags::ACK, ..Segment::default() }
    }

    fn receiver() -> Receiver {
        let mut receiver = Receiver::new();
        receiver.open(0);
        receiver
    }

    #[test]
    fn every_second_segment_is_acknowledged_at_once_and_a_single_one_later() {
        let mut receiver = receiver();
        assert_eq!(receiver.take(&data(1, 100), Nanos(0)), Demand::Later);
        assert_eq!(receiver.timer, Nanos(DELAYED_ACK));
        assert_eq!(receiver.take(&data(101, 100), Nanos(5)), Demand::Now);
        assert_eq!(receiver.next, 201);
    }

    #[test]
    fn a_gap_is_reported_with_the_block_that_changed_last_first_and_closes_when_it_is_filled() {
        let mut receiver = receiver();
        assert_eq!(receiver.take(&data(101, 100), Nanos(0)), Demand::Alone);
        assert_eq!(receiver.take(&data(301, 100), Nanos(0)), Demand::Alone);
        let block = |left, right| SackBlock { left: SeqNum(left), right: SeqNum(right) };
        assert_eq!(receiver.sack(u32::MAX), ([block(300, 400), block(100, 200)], 2));
        assert_eq!(receiver.take(&data(201, 100), Nanos(0)), Demand::Alone);
        assert_eq!(receiver.sack(0), ([block(101, 401), block(0, 0)], 1));
        assert_eq!(receiver.take(&data(1, 100), Nanos(0)), Demand::Alone);
        assert_eq!((receiver.next, receiver.sack(0).1), (401, 0));
    }

    #[test]
    fn repetitions_and_keep_alives_are_answered_alone_and_bare_acknowledgments_not_at_all() {
        let mut receiver = receiver();
        receiver.take(&data(1, 100), Nanos(0));
        assert_eq!(receiver.take(&data(1, 100), Nanos(0)), Demand::Alone);
        assert_eq!(receiver.take(&data(100, 0), Nanos(0)), Demand::Alone);
        assert_eq!(receiver.take(&data(101, 0), Nanos(0)), Demand::Nothing);
    }

    #[test]
    fn a_fin_counts_only_when_all_before_it_has_arrived() {
        let mut receiver = receiver();
        let fin = Segment { flags: TcpFlags::ACK.with(TcpFlags::FIN), ..data(101, 0) };
        receiver.take(&fin, Nanos(0));
        assert!(!receiver.is_finished());
        receiver.take(&data(1, 100), Nanos(0));
        assert!(receiver.is_finished());
        assert_eq!(receiver.next, 102);
    }
}
