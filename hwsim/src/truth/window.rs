//! Times in which a speaker had closed its window, as its segments told.

use wire::Nanos;

use crate::speaker::Segment;

/// The closed windows of a speaker.
#[derive(Clone, Copy, Debug)]
pub(super) struct ClosedWindow {
    since: Option<Nanos>,
    count: u64,
    /// Those that have ended, ns.
    total: i64,
}

impl ClosedWindow {
    /// It never closed.
    pub(super) const NONE: Self = Self { since: None, count: 0, total: 0 };

    /// A segment of the speaker passes.
    pub(super) fn pass(&mut self, ts: Nanos, segment: &Segment) {
        if segment.flags.syn() || segment.flags.rst() {
            return;
        }
        match self.since {
            None if segment.window == 0 => {
                self.since = Some(ts);
                self.count += 1;
            }
            Some(since) if segment.window > 0 => {
                self.since = None;
                self.total = self.total.saturating_add(ts.elapsed_since(since));
            }
            _ => {}
        }
    }

    /// How many times it closed.
    pub(super) const fn count(&self) -> u64 {
        self.count
    }

    /// How long it was closed up to `last`, ns.
    pub(super) fn time(&self, last: Nanos) -> i64 {
        self.total.saturating_add(self.since.map_or(0, |since| last.elapsed_since(since)))
    }
}

#[cfg(test)]
mod tests {
    use wire::TcpFlags;

    use super::*;

    #[test]
    fn a_window_is_closed_from_the_segment_that_says_so_until_one_that_opens_it() {
        let mut closed = ClosedWindow::NONE;
        let mut pass = |ts, flags, window| closed.pass(Nanos(ts), &Segment { flags, window, ..Segment::default() });
        pass(1, TcpFlags::ACK, 10);
        pass(5, TcpFlags::ACK, 0);
        pass(9, TcpFlags::ACK, 0);
        pass(15, TcpFlags::ACK, 1);
        pass(30, TcpFlags::ACK, 0);
        pass(35, TcpFlags::RST, 0);
        assert_eq!((closed.count(), closed.time(Nanos(40))), (2, 20));
    }
}
