//! The base series of a shard.

use wire::{Direction, Interval, Nanos, Segment};

use crate::sink::Sink;

/// The bin that is filled at the moment. What belongs to another bin leaves at once as a part of that one.
#[derive(Debug)]
pub(super) struct Series {
    width: i64,
    bin: Interval,
}

impl Series {
    /// A series of bins of `width` ns.
    pub(super) const fn new(width: i64) -> Self {
        let width = if width > 0 { width } else { 1 };
        Self { width, bin: Interval::around(Nanos(0), width) }
    }

    /// Counts a segment at `ts`.
    pub(super) fn count(&mut self, from: Direction, segment: &Segment, ts: Nanos, sink: &mut impl Sink) {
        self.with_bin(ts, sink, |bin| {
            let half = &mut bin.halves[from.index()];
            half.pkts += 1;
            half.ip_bytes += u64::from(segment.ip_len);
            half.payload_bytes += u64::from(segment.payload_len);
            bin.syn += u64::from(segment.flags.syn() && !segment.flags.ack());
        });
    }

    /// A connection began at `ts`.
    pub(super) fn opened(&mut self, ts: Nanos, sink: &mut impl Sink) {
        self.with_bin(ts, sink, |bin| bin.opened += 1);
    }

    /// A connection ended at `ts`.
    pub(super) fn closed(&mut self, ts: Nanos, sink: &mut impl Sink) {
        self.with_bin(ts, sink, |bin| bin.closed += 1);
    }

    /// Time has come to `clock`: a bin that lies before it is complete.
    pub(super) fn pass(&mut self, clock: Nanos, sink: &mut impl Sink) {
        if clock > self.bin.ts && !self.bin.holds(clock) {
            self.flush(sink);
            self.bin = Interval::around(clock, self.width);
        }
    }

    /// Hands over what the current bin holds.
    pub(super) fn flush(&mut self, sink: &mut impl Sink) {
        let start = self.bin.ts;
        let full = std::mem::replace(&mut self.bin, Interval::around(start, self.width));
        if full != self.bin {
            sink.interval(full);
        }
    }

    fn with_bin(&mut self, ts: Nanos, sink: &mut impl Sink, count: impl FnOnce(&mut Interval)) {
        if self.bin.holds(ts) {
            return count(&mut self.bin);
        }
        let mut part = Interval::around(ts, self.width);
        count(&mut part);
        sink.interval(part);
    }
}
