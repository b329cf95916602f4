//! The receiving half of a speaker: what has arrived, when to acknowledge it, and how much more there is room for.

use wire::Nanos;

use super::segment::{Blocks, Segment};

/// How long an acknowledgment may wait for company, ns: the usual 40 ms of Linux.
const DELAYED_ACK: i64 = 40_000_000;
/// Segments after which it waits no longer (RFC 9293, 3.8.6.3).
const SEGMENTS_PER_ACK: u8 = 2;

/// The receiving half.
#[derive(Debug)]
pub(super) struct Receiver {
    /// Next position expected.
    pub(super) next: u64,
    /// Where the application stopped reading, while it does not read.
    stopped_at: Option<u64>,
    /// Bytes that the buffer holds.
    capacity: u32,
    /// What has arrived beyond the next position: disjoint, the latest first.
    beyond: Vec<(u64, u64)>,
    /// What arrived again last, until a SACK block has told of it (RFC 2883).
    duplicate: Option<(u64, u64)>,
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
    /// A bare acknowledgment now, whatever else is sent: it tells the sender of a gap, a repetition or a lack of room.
    Alone,
}

impl Receiver {
    /// A receiver that has received nothing and has room for so many bytes.
    pub(super) const fn new(capacity: u32) -> Self {
        Self {
            next: 0,
            stopped_at: None,
            capacity,
            beyond: Vec::new(),
            duplicate: None,
            fin: None,
            unacknowledged: 0,
            timer: Nanos::MAX,
            echo: 0,
        }
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

    /// The position up to which the application has read, the peer's FIN included.
    pub(super) fn read(&self) -> u64 {
        self.stopped_at.map_or(self.next, |stopped| stopped.min(self.next))
    }

    /// The application reads no more, or goes on. One that stops before the peer's SYN has come begins to read behind it.
    pub(super) fn set_reading(&mut self, reads: bool) {
        self.stopped_at = if reads { None } else { Some(self.next.max(1)) };
    }

    /// Bytes that there is room for.
    pub(super) fn room(&self) -> u32 {
        let waiting = self.next - self.read();
        self.capacity - waiting.min(u64::from(self.capacity)) as u32
    }

    /// An acknowledgment of all that has arrived was sent.
    pub(super) const fn acknowledged(&mut self) {
        self.unacknowledged = 0;
        self.timer = Nanos::MAX;
    }

    /// An acknowledgment may wait for company.
    pub(super) fn delay(&mut self, now: Nanos) {
        self.timer = self.timer.min(now.plus(DELAYED_ACK));
    }

    /// Takes a segment of the peer.
    pub(super) fn take(&mut self, segment: &Segment, now: Nanos) -> Demand {
        let (start, mut end) = (segment.first_byte(), segment.end());
        if start == end {
            // Empty and before what is expected: a keep-alive or a probe (RFC 9293, 3.8.4).
            return if start < self.next { Demand::Alone } else { Demand::Nothing };
        }
        let stale = segment.timestamps.is_some_and(|stamps| (stamps.value.wrapping_sub(self.echo) as i32) < 0);
        if end <= self.next || stale {
            self.duplicate = (end <= self.next).then_some((start, end));
            return Demand::Alone;
        }
        let edge = self.next + u64::from(self.room());
        if end > edge + u64::from(segment.flags.fin()) {
            if start >= edge {
                return Demand::Alone;
            }
            end = edge;
        } else if segment.flags.fin() {
            self.fin = Some(end - 1);
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
        if had_gap || self.room() == 0 {
            return Demand::Alone;
        }
        if self.unacknowledged >= SEGMENTS_PER_ACK {
            return Demand::Now;
        }
        self.delay(now);
        Demand::Later
    }

    /// The SACK blocks to send: what arrived again, and then what lies beyond a gap, the latest first (RFC 2018, 4; RFC 2883, 4).
    pub(super) fn sack(&mut self) -> Blocks {
        let mut blocks = Blocks::default();
        for block in self.duplicate.take().iter().chain(&self.beyond) {
            blocks.push(*block);
        }
        blocks
    }

    /// Keeps what lies beyond a gap, joined with what it touches.
    fn keep(&mut self, mut start: u64, mut end: u64) {
        if self.beyond.iter().any(|&(left, right)| left <= start && end <= right) {
            self.duplicate = Some((start, end));
        }
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
        let mut receiver = Receiver::new(1000);
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
        assert_eq!(receiver.sack().as_slice(), [(301, 401), (101, 201)]);
        assert_eq!(receiver.take(&data(201, 100), Nanos(0)), Demand::Alone);
        assert_eq!(receiver.sack().as_slice(), [(101, 401)]);
        assert_eq!(receiver.take(&data(1, 100), Nanos(0)), Demand::Alone);
        assert_eq!((receiver.next, receiver.sack().as_slice()), (401, &[][..]));
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

    #[test]
    fn a_repetition_is_reported_once_in_the_first_block() {
        let mut receiver = receiver();
        receiver.take(&data(1, 100), Nanos(0));
        receiver.take(&data(201, 100), Nanos(0));
        receiver.take(&data(1, 100), Nanos(0));
        assert_eq!(receiver.sack().as_slice(), [(1, 101), (201, 301)]);
        assert_eq!(receiver.sack().as_slice(), [(201, 301)]);
        receiver.take(&data(201, 100), Nanos(0));
        assert_eq!(receiver.sack().as_slice(), [(201, 301), (201, 301)], "RFC 2883, 4: the block, then what holds it");
    }

    #[test]
    fn who_does_not_read_fills_up_refuses_more_and_takes_it_when_it_has_read() {
        let mut receiver = receiver();
        receiver.set_reading(false);
        assert_eq!(receiver.take(&data(1, 900), Nanos(0)), Demand::Later);
        assert_eq!((receiver.room(), receiver.read()), (100, 1));
        assert_eq!(receiver.take(&data(901, 200), Nanos(0)), Demand::Alone);
        assert_eq!((receiver.room(), receiver.next), (0, 1001), "what fits is kept");
        assert_eq!(receiver.take(&data(1001, 1), Nanos(0)), Demand::Alone);
        assert_eq!(receiver.next, 1001, "a probe finds no room");
        receiver.set_reading(true);
        assert_eq!((receiver.room(), receiver.read()), (1000, 1001));
    }

    #[test]
    fn a_segment_older_than_what_was_accepted_is_not_taken() {
        let mut receiver = receiver();
        receiver.open(u32::MAX - 1);
        let stamped = |seq, value| Segment { timestamps: Some(wire::Timestamps { value, echo: 0 }), ..data(seq, 100) };
        receiver.take(&stamped(1, u32::MAX), Nanos(0));
        receiver.take(&stamped(101, 5), Nanos(0));
        assert_eq!(receiver.take(&stamped(201, u32::MAX), Nanos(0)), Demand::Alone, "RFC 7323, 5.3");
        assert_eq!((receiver.next, receiver.echo), (201, 5));
    }
}
