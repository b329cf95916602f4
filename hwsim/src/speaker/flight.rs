//! What a sender has under way: every segment that is sent and not yet acknowledged, with what is known of its fate.
//!
//! It is the scoreboard of RFC 6675, a segment an entry, as Linux keeps it: a segment is sent again with the boundaries that it had.

use std::collections::VecDeque;

use wire::Nanos;

/// Segments above one that must have arrived before it counts as lost (RFC 6675, 2).
pub(super) const DUPLICATE_THRESHOLD: u32 = 3;

/// A segment that is under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sent {
    pub(super) start: u64,
    pub(super) len: u16,
    pub(super) fin: bool,
    /// It ends what the application had written.
    pub(super) push: bool,
    /// When it left last.
    pub(super) at: Nanos,
    /// It was sent more than once.
    pub(super) again: bool,
    fate: Fate,
}

/// What its sender believes of a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    UnderWay,
    /// A SACK block holds it.
    Arrived,
    /// It must be sent again.
    Lost,
}

impl Sent {
    /// A segment that leaves for the first time, at an instant that [`Flight::left`] will tell.
    pub(super) const fn new(start: u64, len: u16, fin: bool, push: bool) -> Self {
        Self { start, len, fin, push, at: Nanos::MIN, again: false, fate: Fate::UnderWay }
    }

    /// Position after its last byte, FIN included.
    pub(super) fn end(&self) -> u64 {
        self.start + u64::from(self.len) + u64::from(self.fin)
    }
}

/// What an acknowledgment took out of the flight.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Acknowledged {
    /// Positions that are acknowledged for the first time.
    pub(super) positions: u64,
    /// When the last of them left, unless one was sent more than once (Karn).
    pub(super) sent_at: Option<Nanos>,
}

/// The segments under way, oldest first.
#[derive(Debug, Default)]
pub(super) struct Flight {
    sent: VecDeque<Sent>,
    /// Positions that are neither lost nor known to have arrived.
    pipe: u64,
    lost: usize,
}

impl Flight {
    /// Positions that are believed to be under way (RFC 6675, 2).
    pub(super) const fn pipe(&self) -> u64 {
        self.pipe
    }

    pub(super) fn is_empty(&self) -> bool {
        self.sent.is_empty()
    }

    /// When the oldest left last.
    pub(super) fn oldest_left(&self) -> Option<Nanos> {
        self.sent.front().map(|sent| sent.at)
    }

    /// A segment is sent for the first time.
    pub(super) fn push(&mut self, sent: Sent) {
        self.pipe += sent.end() - sent.start;
        self.sent.push_back(sent);
    }

    /// The segment that starts there has left.
    pub(super) fn left(&mut self, start: u64, departure: Nanos) {
        let at = self.sent.partition_point(|sent| sent.start < start);
        if let Some(sent) = self.sent.get_mut(at).filter(|sent| sent.start == start) {
            sent.at = departure;
        }
    }

    /// Everything before `ack` has arrived.
    pub(super) fn acknowledge(&mut self, ack: u64) -> Acknowledged {
        let mut acknowledged = Acknowledged::default();
        let mut again = false;
        while let Some(sent) = self.sent.front_mut() {
            if sent.start >= ack {
                break;
            }
            let taken = sent.end().min(ack) - sent.start;
            acknowledged.positions += taken;
            again |= sent.again;
            if sent.fate == Fate::UnderWay {
                self.pipe -= taken;
            }
            if sent.end() > ack {
                // Only a part was taken in, because it did not fit into the window.
                sent.start = ack;
                sent.len -= taken as u16;
                break;
            }
            acknowledged.sent_at = Some(sent.at);
            self.lost -= usize::from(sent.fate == Fate::Lost);
            self.sent.pop_front();
        }
        if again {
            acknowledged.sent_at = None;
        }
        acknowledged
    }

    /// Takes in SACK blocks; whether they told of anything new.
    pub(super) fn arrived(&mut self, blocks: &[(u64, u64)]) -> bool {
        let mut news = false;
        for &(left, right) in blocks {
            let from = self.sent.partition_point(|sent| sent.start < left);
            for sent in self.sent.iter_mut().skip(from).take_while(|sent| sent.end() <= right) {
                match sent.fate {
                    Fate::Arrived => continue,
                    Fate::UnderWay => self.pipe -= sent.end() - sent.start,
                    Fate::Lost => self.lost -= 1,
                }
                sent.fate = Fate::Arrived;
                news = true;
            }
        }
        news
    }

    /// Takes for lost what was sent once and has enough arrived segments above it; whether that is anything.
    pub(super) fn judge(&mut self) -> bool {
        let (mut above, mut any) = (0, false);
        for sent in self.sent.iter_mut().rev() {
            match sent.fate {
                Fate::Arrived => above += 1,
                Fate::UnderWay if above >= DUPLICATE_THRESHOLD && !sent.again => {
                    sent.fate = Fate::Lost;
                    self.pipe -= sent.end() - sent.start;
                    self.lost += 1;
                    any = true;
                }
                _ => {}
            }
        }
        any
    }

    /// Takes the oldest for lost.
    pub(super) fn lose_oldest(&mut self) {
        if let Some(sent) = self.sent.front_mut().filter(|sent| sent.fate == Fate::UnderWay) {
            sent.fate = Fate::Lost;
            self.pipe -= sent.end() - sent.start;
            self.lost += 1;
        }
    }

    /// Takes for lost all that is not known to have arrived (RFC 6675, 5.1).
    pub(super) fn lose_all(&mut self) {
        for sent in self.sent.iter_mut().filter(|sent| sent.fate == Fate::UnderWay) {
            sent.fate = Fate::Lost;
            self.lost += 1;
        }
        self.pipe = 0;
    }

    /// The oldest that is lost.
    pub(super) fn next_lost(&self) -> Option<Sent> {
        if self.lost == 0 {
            return None;
        }
        self.sent.iter().find(|sent| sent.fate == Fate::Lost).copied()
    }

    /// The segment that starts there is sent again.
    pub(super) fn resend(&mut self, start: u64) {
        let at = self.sent.partition_point(|sent| sent.start < start);
        if let Some(sent) = self.sent.get_mut(at).filter(|sent| sent.fate == Fate::Lost) {
            sent.fate = Fate::UnderWay;
            sent.again = true;
            self.pipe += sent.end() - sent.start;
            self.lost -= 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Segments of 100 bytes from position 1 on, each leaving a nanosecond after the other.
    fn flight(count: u64) -> Flight {
        let mut flight = Flight::default();
        for at in 0..count {
            flight.push(Sent::new(1 + 100 * at, 100, false, false));
            flight.left(1 + 100 * at, Nanos(at as i64));
        }
        flight
    }

    #[test]
    fn an_acknowledgment_takes_segments_out_and_the_last_of_them_is_timed() {
        let mut flight = flight(3);
        assert_eq!(flight.acknowledge(201), Acknowledged { positions: 200, sent_at: Some(Nanos(1)) });
        assert_eq!((flight.pipe(), flight.oldest_left()), (100, Some(Nanos(2))));
    }

    #[test]
    fn nothing_is_timed_where_a_segment_was_sent_twice() {
        let mut flight = flight(2);
        flight.lose_oldest();
        flight.resend(1);
        assert_eq!(flight.acknowledge(201).sent_at, None);
    }

    #[test]
    fn a_segment_with_three_arrived_above_it_is_lost_and_leaves_the_pipe() {
        let mut flight = flight(5);
        assert!(flight.arrived(&[(201, 401)]));
        assert!(!flight.judge(), "two are not enough");
        assert!(flight.arrived(&[(401, 501), (201, 401)]));
        assert!(flight.judge());
        assert_eq!(flight.next_lost().map(|sent| sent.start), Some(1));
        assert_eq!(flight.pipe(), 0);
        flight.resend(1);
        assert_eq!(flight.next_lost().map(|sent| sent.start), Some(101));
        assert_eq!(flight.pipe(), 100);
        assert!(!flight.arrived(&[(201, 501)]), "nothing new");
    }

    #[test]
    fn a_block_below_the_flight_says_nothing() {
        let mut flight = flight(2);
        flight.acknowledge(101);
        assert!(!flight.arrived(&[(1, 101)]));
    }

    #[test]
    fn a_part_that_did_not_fit_into_the_window_stays() {
        let mut flight = flight(1);
        assert_eq!(flight.acknowledge(41), Acknowledged { positions: 40, sent_at: None });
        assert_eq!(flight.pipe(), 60);
        assert_eq!(flight.acknowledge(101).positions, 60);
        assert!(flight.is_empty());
    }
}
