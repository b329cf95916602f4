//! A poller's part of the base series: what is not TCP, and what was lost, by bins of time.

use wire::{Interval, Nanos, NotTcp};

/// IP protocol numbers with a column of their own (IANA, Protocol Numbers).
const ICMP: u8 = 1;
const UDP: u8 = 17;
const ICMP6: u8 = 58;

/// The bins being counted. Two are open, so that frames that come a little out of order at the border of a bin do not close
/// and open bins in turn; closed ones are collected until somebody takes them. Parts of one bin add up, so a bin may come
/// more than once.
#[derive(Debug)]
pub(crate) struct Bins {
    width: i64,
    open: [Option<Interval>; 2],
    closed: Vec<Interval>,
}

impl Bins {
    /// Bins of `width` nanoseconds, at least one.
    pub(crate) fn new(width: i64) -> Self {
        Self { width: width.max(1), open: [None; 2], closed: Vec::new() }
    }

    pub(crate) fn count_not_tcp(&mut self, ts: Nanos, what: NotTcp) {
        let other = &mut self.at(ts).other;
        match what {
            NotTcp::Ip(UDP) => other.udp += 1,
            NotTcp::Ip(ICMP) => other.icmp += 1,
            NotTcp::Ip(ICMP6) => other.icmp6 += 1,
            NotTcp::Ip(_) => other.other_ip += 1,
            NotTcp::Ether(_) | NotTcp::Link => other.non_ip += 1,
        }
    }

    pub(crate) fn count_rejected(&mut self, ts: Nanos) {
        self.at(ts).other.rejected += 1;
    }

    pub(crate) fn count_lost(&mut self, ts: Nanos, frames: u64) {
        self.at(ts).lost += frames;
    }

    fn at(&mut self, ts: Nanos) -> &mut Interval {
        if self.open[0].as_ref().is_none_or(|bin| !bin.holds(ts)) {
            self.open.swap(0, 1);
        }
        if let Some(other) = self.open[0].take_if(|bin| !bin.holds(ts)) {
            self.closed.push(other);
        }
        self.open[0].get_or_insert(Interval::around(ts, self.width))
    }

    /// Hands over the bins that were closed, and with `all` those still open.
    pub(crate) fn drain(&mut self, all: bool, take: &mut dyn FnMut(Interval)) {
        if all {
            self.closed.extend(self.open.iter_mut().filter_map(Option::take));
        }
        self.closed.drain(..).for_each(take);
    }

    /// Closes the bins that lie wholly before `clock`.
    pub(crate) fn close_before(&mut self, clock: Nanos) {
        for slot in &mut self.open {
            self.closed.extend(slot.take_if(|bin| clock.since(bin.ts) >= bin.width));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drained(bins: &mut Bins, all: bool) -> Vec<Interval> {
        let mut got = Vec::new();
        bins.drain(all, &mut |bin| got.push(bin));
        got
    }

    #[test]
    fn frames_that_waver_around_a_border_do_not_close_bins() {
        let mut bins = Bins::new(10);
        for ts in [8, 11, 9, 12, 7, 13] {
            bins.count_not_tcp(Nanos(ts), NotTcp::Ip(UDP));
        }
        assert!(drained(&mut bins, false).is_empty());
        bins.count_rejected(Nanos(25));
        let closed = drained(&mut bins, false);
        assert_eq!(closed.len(), 1);
        let mut all = closed;
        all.extend(drained(&mut bins, true));
        all.sort_by_key(|bin| bin.ts);
        assert_eq!(
            all.iter().map(|bin| (bin.ts.0, bin.other.udp, bin.other.rejected)).collect::<Vec<_>>(),
            [(0, 3, 0), (10, 3, 0), (20, 0, 1)]
        );
    }

    #[test]
    fn a_bin_closes_when_the_clock_has_passed_it() {
        let mut bins = Bins::new(10);
        bins.count_lost(Nanos(5), 3);
        bins.close_before(Nanos(9));
        assert!(drained(&mut bins, false).is_empty());
        bins.close_before(Nanos(10));
        assert_eq!(drained(&mut bins, false)[0].lost, 3);
    }

    #[test]
    fn the_ends_of_time_are_instants_like_any_other() {
        let mut bins = Bins::new(i64::MAX);
        for ts in [i64::MIN, i64::MAX, 0] {
            bins.count_not_tcp(Nanos(ts), NotTcp::Link);
        }
        bins.close_before(Nanos::MAX);
        let counted: u64 = drained(&mut bins, true).iter().map(|bin| bin.other.non_ip).sum();
        assert_eq!(counted, 3);
    }
}
