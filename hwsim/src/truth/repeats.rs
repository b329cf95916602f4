//! What passed more than once, or out of order, and why: as its sender and the link knew it.

use crate::link::{Copier, Fate};
use crate::speaker::{Cause, Segment};

use super::seen::Seen;

/// Segments of a direction that were sent again, copied or overtaken.
#[derive(Clone, Debug)]
pub(super) struct Repeats {
    /// Sent again, by cause, in the order of [`Cause::AGAIN`].
    by_cause: [u64; Cause::AGAIN.len()],
    /// Sent again although the receiver had them already, or was about to.
    unnecessary: u64,
    /// Overtaken by later ones before the tap.
    reordered: u64,
    /// Copies that the network made.
    by_network: u64,
    /// Copies that the capture made.
    by_capture: u64,
    /// What has passed and will arrive, SYN and FIN included.
    arriving: Seen,
}

impl Repeats {
    pub(super) const fn new() -> Self {
        Self {
            by_cause: [0; Cause::AGAIN.len()],
            unnecessary: 0,
            reordered: 0,
            by_network: 0,
            by_capture: 0,
            arriving: Seen::from(0),
        }
    }

    /// A segment passes, and arrives or not at a receiver that hears it or not. Gives whether it need not have been sent again.
    pub(super) fn pass(&mut self, segment: &Segment, fate: Fate, arrives: bool, is_heard: bool) -> bool {
        self.reordered += u64::from(fate.reordered);
        match fate.copied_by {
            Some(Copier::Network) => self.by_network += 1,
            Some(Copier::Capture) => self.by_capture += 1,
            None => return self.pass_original(segment, arrives, is_heard),
        }
        false
    }

    fn pass_original(&mut self, segment: &Segment, arrives: bool, is_heard: bool) -> bool {
        if let Some(at) = Cause::AGAIN.iter().position(|cause| *cause == segment.cause) {
            self.by_cause[at] += 1;
        }
        let (start, end) = (segment.seq, segment.end());
        if matches!(segment.cause, Cause::Probe | Cause::KeepAlive) || start == end {
            return false;
        }
        let unnecessary = segment.cause != Cause::New && is_heard && self.arriving.holds(start, end);
        self.unnecessary += u64::from(unnecessary);
        if arrives && is_heard {
            self.arriving.add(start, end);
        }
        unnecessary
    }

    /// Counters in the order of their columns.
    pub(super) fn counters(&self) -> impl Iterator<Item = u64> {
        let others = [self.unnecessary, self.reordered, self.by_network, self.by_capture];
        self.by_cause.into_iter().chain(others)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn data(seq: u64, cause: Cause) -> Segment {
        Segment { seq, len: 100, cause, ..Segment::default() }
    }

    #[test]
    fn what_arrived_the_first_time_need_not_have_been_sent_again() {
        let mut repeats = Repeats::new();
        let fate = Fate::default();
        assert!(!repeats.pass(&data(1, Cause::New), fate, true, true));
        assert!(!repeats.pass(&data(101, Cause::New), fate, false, true));
        assert!(repeats.pass(&data(1, Cause::Timeout), fate, true, true));
        assert!(!repeats.pass(&data(101, Cause::Fast), fate, true, true), "it was lost behind the tap");
        assert!(repeats.pass(&data(101, Cause::Timeout), fate, false, true));
        assert!(!repeats.pass(&data(1, Cause::Timeout), fate, true, false), "nobody is there who would have it");
        assert_eq!(repeats.counters().collect::<Vec<_>>(), [1, 3, 0, 0, 0, 0, 0, 2, 0, 0, 0]);
    }

    #[test]
    fn copies_and_the_overtaken_are_no_doing_of_the_sender() {
        let mut repeats = Repeats::new();
        repeats.pass(&data(1, Cause::New), Fate::default(), true, true);
        for copied_by in [Copier::Network, Copier::Capture] {
            let fate = Fate { reordered: false, copied_by: Some(copied_by) };
            assert!(!repeats.pass(&data(1, Cause::New), fate, true, true));
        }
        repeats.pass(&data(101, Cause::New), Fate { reordered: true, copied_by: None }, true, true);
        assert_eq!(repeats.counters().collect::<Vec<_>>(), [0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1]);
    }
}
