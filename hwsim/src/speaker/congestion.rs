//! How much may be under way: slow start, congestion avoidance, recovery (RFC 5681, RFC 6582, RFC 6675), and ECN's part (RFC 3168).

/// Segments of the first flight (RFC 6928).
const INITIAL_WINDOW: u64 = 10;

/// What a sender is at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Nothing is lost, as far as it knows.
    Open,
    /// It resends what duplicate acknowledgments or SACK blocks report, until this position is acknowledged.
    Recovery(u64),
    /// It resends after a timeout, until this position is acknowledged.
    Loss(u64),
    /// A queue marked a segment; until this position is acknowledged another mark says nothing new.
    Reduced(u64),
}

/// A congestion window.
#[derive(Clone, Debug)]
pub(super) struct Congestion {
    window: u64,
    threshold: u64,
    segment: u64,
    phase: Phase,
}

impl Congestion {
    /// Of a connection whose full segments carry `segment` bytes.
    pub(super) const fn new(segment: u64) -> Self {
        Self { window: INITIAL_WINDOW * segment, threshold: u64::MAX, segment, phase: Phase::Open }
    }

    /// Bytes that may be under way.
    pub(super) const fn window(&self) -> u64 {
        self.window
    }

    /// Whether what is lost is resent because of duplicate acknowledgments.
    pub(super) const fn recovers(&self) -> bool {
        matches!(self.phase, Phase::Recovery(_))
    }

    /// Whether it resends at all.
    pub(super) const fn resends(&self) -> bool {
        matches!(self.phase, Phase::Recovery(_) | Phase::Loss(_))
    }

    /// So many bytes were acknowledged, up to `ack`; `useful` is what the peer's window lets out at most.
    pub(super) fn acknowledged(&mut self, bytes: u64, ack: u64, useful: u64) {
        match self.phase {
            Phase::Recovery(end) if ack < end => return,
            Phase::Recovery(_) => {
                self.phase = Phase::Open;
                self.window = self.threshold;
                return;
            }
            Phase::Loss(end) | Phase::Reduced(end) if ack >= end => self.phase = Phase::Open,
            _ => {}
        }
        if self.window < self.threshold {
            self.window += bytes.min(2 * self.segment);
        } else {
            self.window += (self.segment * self.segment / self.window).max(1);
        }
        // What the peer's window never lets out need not be kept in mind.
        self.window = self.window.min(useful.max(self.segment) * 2);
    }

    /// A loss was noticed in time, with `under_way` bytes outstanding up to `furthest`.
    pub(super) fn recover(&mut self, under_way: u64, furthest: u64) {
        self.threshold = self.half(under_way);
        self.window = self.threshold;
        self.phase = Phase::Recovery(furthest);
    }

    /// The retransmission timer fired.
    pub(super) fn time_out(&mut self, under_way: u64, furthest: u64) {
        self.threshold = self.half(under_way);
        self.window = self.segment;
        self.phase = Phase::Loss(furthest);
    }

    /// The peer echoes a queue's mark; whether the window is reduced because of it, once a flight (RFC 3168, 6.1.2).
    pub(super) fn marked(&mut self, under_way: u64, furthest: u64) -> bool {
        if self.phase != Phase::Open {
            return false;
        }
        self.threshold = self.half(under_way);
        self.window = self.window.min(self.threshold);
        self.phase = Phase::Reduced(furthest);
        true
    }

    fn half(&self, under_way: u64) -> u64 {
        (under_way / 2).max(2 * self.segment)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLENTY: u64 = 1 << 30;

    #[test]
    fn slow_start_doubles_and_congestion_avoidance_adds_a_segment_a_flight() {
        let mut congestion = Congestion::new(1000);
        for ack in 1..=10 {
            congestion.acknowledged(1000, 1000 * ack, PLENTY);
        }
        assert_eq!(congestion.window(), 20_000);
        congestion.recover(20_000, 30_000);
        congestion.acknowledged(20_000, 30_000, PLENTY);
        assert_eq!(congestion.window(), 10_000);
        for ack in 1..=10 {
            congestion.acknowledged(1000, 30_000 + 1000 * ack, PLENTY);
        }
        assert!((10_900..=11_000).contains(&congestion.window()), "{}", congestion.window());
    }

    #[test]
    fn a_timeout_goes_back_to_one_segment() {
        let mut congestion = Congestion::new(1000);
        congestion.time_out(10_000, 10_001);
        assert_eq!(congestion.window(), 1000);
        assert!(congestion.resends() && !congestion.recovers());
        congestion.acknowledged(1000, 1001, PLENTY);
        assert_eq!(congestion.window(), 2000, "slow start again");
        congestion.acknowledged(9000, 10_001, PLENTY);
        assert!(!congestion.resends());
    }

    #[test]
    fn marks_reduce_the_window_once_a_flight() {
        let mut congestion = Congestion::new(1000);
        assert!(congestion.marked(10_000, 10_001));
        assert_eq!(congestion.window(), 5000);
        assert!(!congestion.marked(10_000, 12_001));
        congestion.acknowledged(1000, 10_001, PLENTY);
        assert!(congestion.marked(10_000, 20_001));
    }
}
