//! The sending half of a speaker: what may be sent now, what must be sent again.
//!
//! Slow start and congestion avoidance (RFC 5681), fast retransmit and recovery (RFC 6582, NewReno), a retransmission timer that
//! backs off (RFC 6298). The timer's value is fixed, well above the path's true round trip, so that it fires only after a loss.

use wire::Nanos;

/// Segments of the first flight (RFC 6928).
const INITIAL_WINDOW: u64 = 10;
/// Duplicate acknowledgments that mean a loss (RFC 5681, 3.2).
const DUPLICATE_THRESHOLD: u8 = 3;

/// The sending half.
#[derive(Debug)]
pub(super) struct Sender {
    /// Oldest position that is not acknowledged.
    una: u64,
    /// Next position to send.
    nxt: u64,
    /// Furthest position that was ever sent.
    max: u64,
    /// End of what the application has written.
    written: u64,
    /// The application has closed: a FIN follows the last byte written.
    closing: bool,
    /// Payload bytes of a full segment.
    mss: u64,
    cwnd: u64,
    ssthresh: u64,
    peer_window: u64,
    duplicates: u8,
    /// In fast recovery up to this position.
    recovery: Option<u64>,
    rto: i64,
    retries: u8,
    max_retries: u8,
    /// When the retransmission timer fires.
    pub(super) timer: Nanos,
}

/// A piece of the sequence space to send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Chunk {
    pub(super) seq: u64,
    pub(super) len: u16,
    pub(super) fin: bool,
    /// It ends what the application has written.
    pub(super) push: bool,
}

/// What the retransmission timer makes of a sender.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Timeout {
    /// Send again from the oldest position.
    Again,
    /// It has been tried often enough.
    GiveUp,
}

impl Sender {
    /// A sender that has sent nothing. `rto` is in ns.
    pub(super) const fn new(rto: i64, max_retries: u8) -> Self {
        Self {
            una: 0,
            nxt: 0,
            max: 0,
            written: 1,
            closing: false,
            mss: 536,
            cwnd: 0,
            ssthresh: u64::MAX,
            peer_window: 0,
            duplicates: 0,
            recovery: None,
            rto,
            retries: 0,
            max_retries,
            timer: Nanos::MAX,
        }
    }

    /// Sends the SYN, or sends it again: it waits for its acknowledgment from `departure` on, each time twice as long.
    pub(super) fn syn(&mut self, departure: Nanos) {
        const SYN_RTO: i64 = Nanos::PER_SECOND;
        self.nxt = 1;
        self.max = 1;
        self.timer = departure.plus(SYN_RTO << self.retries.min(6));
    }

    /// The SYN is acknowledged; full segments carry `mss` bytes.
    pub(super) fn open(&mut self, mss: u16) {
        self.una = 1;
        self.mss = u64::from(mss);
        self.cwnd = INITIAL_WINDOW * self.mss;
        self.retries = 0;
        self.timer = Nanos::MAX;
    }

    /// The peer grants this many bytes.
    pub(super) const fn grant(&mut self, window: u64) {
        self.peer_window = window;
    }

    /// The application writes; gives the position after what it has written. After a close it writes nothing.
    pub(super) const fn write(&mut self, bytes: u64) -> u64 {
        if !self.closing {
            self.written += bytes;
        }
        self.written
    }

    /// The application closes.
    pub(super) const fn close(&mut self) {
        self.closing = true;
    }

    /// Whether the application has closed.
    pub(super) const fn is_closing(&self) -> bool {
        self.closing
    }

    /// Next position to send.
    pub(super) const fn position(&self) -> u64 {
        self.nxt
    }

    /// Furthest position that was sent.
    pub(super) const fn furthest(&self) -> u64 {
        self.max
    }

    /// The next chunk that the windows allow.
    pub(super) fn next(&mut self) -> Option<Chunk> {
        let allowed = (self.una + self.cwnd.min(self.peer_window)).saturating_sub(self.nxt);
        let left = self.written.saturating_sub(self.nxt);
        let len = left.min(self.mss).min(allowed);
        // A part of a segment waits for the window, unless nothing else is under way (RFC 9293, 3.8.6.2.1).
        if len < left.min(self.mss) && self.nxt > self.una {
            return None;
        }
        self.chunk(len)
    }

    /// The oldest segment that is not acknowledged, to be sent again.
    pub(super) fn oldest(&mut self) -> Option<Chunk> {
        let sent_up_to = std::mem::replace(&mut self.nxt, self.una);
        let chunk = self.chunk(self.written.saturating_sub(self.una).min(self.mss));
        self.nxt = self.nxt.max(sent_up_to);
        chunk
    }

    /// Takes `len` bytes, and the FIN where it follows them.
    fn chunk(&mut self, len: u64) -> Option<Chunk> {
        let seq = self.nxt;
        let fin = self.closing && seq + len == self.written;
        if len == 0 && !fin {
            return None;
        }
        self.nxt += len + u64::from(fin);
        self.max = self.max.max(self.nxt);
        Some(Chunk { seq, len: len as u16, fin, push: len > 0 && seq + len == self.written })
    }

    /// Something that needs an acknowledgment left at `departure`.
    pub(super) fn sent(&mut self, departure: Nanos) {
        if self.timer == Nanos::MAX {
            self.timer = departure.plus(self.rto << self.retries.min(6));
        }
    }

    /// The peer acknowledges up to `ack`; `bare` says that the segment carried nothing else. True when the oldest segment must be
    /// sent again now.
    pub(super) fn acknowledged(&mut self, ack: u64, bare: bool, now: Nanos) -> bool {
        if ack > self.una && ack <= self.max {
            return self.advance(ack, now);
        }
        if ack != self.una || !bare || self.una == self.max {
            return false;
        }
        self.duplicates = self.duplicates.saturating_add(1);
        if self.recovery.is_some() {
            self.cwnd += self.mss;
            return false;
        }
        if self.duplicates != DUPLICATE_THRESHOLD {
            return false;
        }
        self.ssthresh = ((self.nxt - self.una) / 2).max(2 * self.mss);
        self.cwnd = self.ssthresh + u64::from(DUPLICATE_THRESHOLD) * self.mss;
        self.recovery = Some(self.max);
        true
    }

    fn advance(&mut self, ack: u64, now: Nanos) -> bool {
        let acked = ack - self.una;
        self.una = ack;
        self.nxt = self.nxt.max(ack);
        self.duplicates = 0;
        self.retries = 0;
        self.timer = if self.una < self.max { now.plus(self.rto) } else { Nanos::MAX };
        match self.recovery {
            Some(end) if ack < end => {
                self.cwnd = self.cwnd.saturating_sub(acked).max(self.mss) + self.mss;
                return true;
            }
            Some(_) => {
                self.recovery = None;
                self.cwnd = self.ssthresh;
            }
            None if self.cwnd < self.ssthresh => self.cwnd += acked.min(2 * self.mss),
            None => self.cwnd += (self.mss * self.mss / self.cwnd).max(1),
        }
        // What the peer's window never lets out need not be kept in mind.
        self.cwnd = self.cwnd.min(self.peer_window.max(self.mss) * 2);
        false
    }

    /// The retransmission timer has fired: start again from the oldest position (RFC 5681, 3.1).
    pub(super) fn time_out(&mut self) -> Timeout {
        self.timer = Nanos::MAX;
        if self.retries >= self.max_retries {
            return Timeout::GiveUp;
        }
        self.retries += 1;
        self.ssthresh = ((self.nxt - self.una) / 2).max(2 * self.mss);
        self.cwnd = self.mss;
        self.recovery = None;
        self.duplicates = 0;
        self.nxt = self.una;
        Timeout::Again
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open_sender() -> Sender {
        let mut sender = Sender::new(300_000_000, 5);
        sender.syn(Nanos(0));
        sender.open(1000);
        sender.grant(1 << 20);
        sender
    }

    fn flight(sender: &mut Sender) -> Vec<Chunk> {
        std::iter::from_fn(|| sender.next()).collect()
    }

    #[test]
    fn the_first_flight_is_ten_segments_and_an_acknowledgment_of_two_lets_four_out() {
        let mut sender = open_sender();
        sender.write(100_000);
        assert_eq!(flight(&mut sender).len(), 10);
        assert!(!sender.acknowledged(2001, true, Nanos(5)));
        assert_eq!(flight(&mut sender).iter().map(|chunk| chunk.seq).collect::<Vec<_>>(), [10001, 11001, 12001, 13001]);
    }

    #[test]
    fn a_fin_rides_on_the_last_bytes_or_goes_alone_and_takes_one_position() {
        let mut sender = open_sender();
        sender.write(1500);
        sender.close();
        let last = Chunk { seq: 1001, len: 500, fin: true, push: true };
        assert_eq!(flight(&mut sender), [Chunk { seq: 1, len: 1000, fin: false, push: false }, last]);
        assert_eq!(sender.furthest(), 1502);
        let mut idle = open_sender();
        idle.close();
        assert_eq!(flight(&mut idle), [Chunk { seq: 1, len: 0, fin: true, push: false }]);
    }

    #[test]
    fn the_third_duplicate_asks_for_the_oldest_segment_once() {
        let mut sender = open_sender();
        sender.write(10_000);
        flight(&mut sender);
        let asked: Vec<bool> = (0..5).map(|_| sender.acknowledged(1, true, Nanos(9))).collect();
        assert_eq!(asked, [false, false, true, false, false]);
        assert_eq!(sender.oldest(), Some(Chunk { seq: 1, len: 1000, fin: false, push: false }));
    }

    #[test]
    fn a_timeout_starts_again_from_the_oldest_and_gives_up_in_the_end() {
        let mut sender = open_sender();
        sender.write(3000);
        flight(&mut sender);
        for _ in 0..5 {
            assert_eq!(sender.time_out(), Timeout::Again);
            assert_eq!(flight(&mut sender), [Chunk { seq: 1, len: 1000, fin: false, push: false }]);
        }
        assert_eq!(sender.time_out(), Timeout::GiveUp);
    }

    #[test]
    fn a_closed_window_lets_nothing_out_beyond_it() {
        let mut sender = open_sender();
        sender.grant(2500);
        sender.write(10_000);
        assert_eq!(flight(&mut sender).len(), 2);
    }
}
