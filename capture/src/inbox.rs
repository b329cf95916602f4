//! A shard's side of the queues: the observations of all pollers in one order.
//!
//! The order is that of [`wire::Observation::clock`], equal clocks by the index of their source. It depends on what the
//! sources showed alone, not on threads, rings or batches, as long as nobody is late. Only a live source can be: when
//! it neither delivers nor promises anything for a stated time, the shard goes on without it, and what it brings later from
//! before is handed out at once and counted ([`Inbox::late`]).

use std::time::{Duration, Instant};

use crossbeam_utils::sync::Parker;
use wire::Nanos;

use crate::Pace;
use crate::batch::{Batch, Cursor, Run};
use crate::rings::Feed;

/// Looks at empty rings before the thread sleeps: some microseconds, in which a poller on another core is likely to push.
const SPINS: u32 = 64;

/// How long [`Inbox::receive`] waits at most: its caller has other things to look after now and then.
const LONGEST_WAIT: Duration = Duration::from_millis(10);

/// How long a shard sleeps that has something but must not hand it out yet: a live poller does not wake it for a promise.
const LOOK_AGAIN: Duration = Duration::from_micros(500);

/// Runs handed out by one call of [`Inbox::receive`] at most.
const RUNS_A_CALL: usize = 16;

/// What came of [`Inbox::receive`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Received {
    /// Packets were handed out; more may be there already.
    Packets,
    /// Nothing can be handed out now. Time may have passed all the same: [`Inbox::clock`].
    Idle,
    /// Every source has ended and everything was handed out.
    End,
}

/// The queues into one shard.
#[derive(Debug)]
pub struct Inbox {
    arrivals: Vec<Arrivals>,
    parker: Parker,
    patience: Duration,
    /// The latest clock handed out.
    reached: Nanos,
    late: u64,
    /// Since when the same silent sources have been waited for.
    waiting_since: Option<Instant>,
}

/// What is known of one poller.
#[derive(Debug)]
struct Arrivals {
    feed: Feed,
    pace: Pace,
    /// The batch being read, and how far it was.
    head: Option<(Box<Batch>, Cursor)>,
    /// The last watermark that was read of a ring that then looked empty.
    promised: Nanos,
    /// A live source that was waited for in vain: the others go on without it until it shows itself.
    is_silent: bool,
}

impl Arrivals {
    /// Looks for a batch if none is being read.
    fn refresh(&mut self) {
        if self.head.is_some() {
            return;
        }
        // In this order: see the module comment of `rings`.
        let promised = self.feed.watermark();
        self.head = self.feed.take().map(|batch| (batch, Cursor::default()));
        if self.head.is_some() || promised > self.promised {
            self.is_silent = false;
        }
        // With batches in the ring, the watermark may lie beyond what they hold: it only counts where the ring looked empty.
        if self.head.is_none() {
            self.promised = promised;
        }
    }

    fn head_clock(&self) -> Option<Nanos> {
        self.head.as_ref().and_then(|(batch, next)| batch.clock_at(*next))
    }

    /// Nothing that this poller still brings has an older clock.
    fn bound(&self) -> Nanos {
        match self.head_clock() {
            Some(clock) => clock,
            None if self.is_silent => Nanos::MAX,
            None => self.promised,
        }
    }

    fn has_ended(&self) -> bool {
        self.head.is_none() && self.promised == Nanos::MAX
    }
}

impl Inbox {
    pub(crate) fn new(feeds: Vec<(Feed, Pace)>, parker: Parker, patience: Duration) -> Self {
        let arrivals = feeds
            .into_iter()
            .map(|(feed, pace)| Arrivals { feed, pace, head: None, promised: Nanos::MIN, is_silent: false })
            .collect();
        Self { arrivals, parker, patience, reached: Nanos::MIN, late: 0, waiting_since: None }
    }

    /// Hands out what is there, in order, up to a bounded number of runs. Where nothing is there it waits some milliseconds
    /// at most.
    pub fn receive(&mut self, visit: &mut impl FnMut(Run<'_>)) -> Received {
        let mut received = self.try_receive(visit);
        for _ in 0..SPINS {
            if received != Received::Idle {
                return received;
            }
            std::hint::spin_loop();
            received = self.try_receive(visit);
        }
        if received == Received::Idle {
            self.wait();
            received = self.try_receive(visit);
        }
        received
    }

    /// The same without waiting. A live source that is silent is waited for by [`Inbox::receive`] alone.
    pub fn try_receive(&mut self, visit: &mut impl FnMut(Run<'_>)) -> Received {
        for taken in 0..RUNS_A_CALL {
            self.arrivals.iter_mut().for_each(Arrivals::refresh);
            let Some(next) = self.next_source() else {
                return match taken {
                    0 if self.arrivals.iter().all(Arrivals::has_ended) => Received::End,
                    0 => Received::Idle,
                    _ => Received::Packets,
                };
            };
            self.waiting_since = None;
            self.hand_out(next, visit);
        }
        Received::Packets
    }

    /// Nothing that will be handed out has an older clock, except what comes late. It never runs backwards. After
    /// [`Received::End`] it is how far the sources had come, the same for every shard.
    #[must_use]
    pub fn clock(&self) -> Nanos {
        let bound = self
            .arrivals
            .iter()
            .filter(|arrivals| !arrivals.has_ended() && !arrivals.is_silent)
            .map(Arrivals::bound)
            .min();
        let ended = || self.arrivals.iter().filter(|arrivals| arrivals.has_ended()).map(|arrivals| arrivals.feed.end());
        bound.or_else(|| ended().max()).map_or(self.reached, |bound| bound.max(self.reached))
    }

    /// Packets that came after younger ones had been handed out, because their source was silent for too long.
    #[must_use]
    pub const fn late(&self) -> u64 {
        self.late
    }

    /// The source whose head is next, unless one that has nothing to show may still bring something before it.
    fn next_source(&self) -> Option<usize> {
        let (first, arrivals) =
            self.arrivals.iter().enumerate().min_by_key(|&(index, arrivals)| (arrivals.bound(), index))?;
        arrivals.head.as_ref().map(|_| first)
    }

    /// Hands out the observations of `source` that stand before everything that another can bring.
    fn hand_out(&mut self, source: usize, visit: &mut impl FnMut(Run<'_>)) {
        let others = self.arrivals.iter().enumerate().filter(|&(index, _)| index != source);
        let limit = others.map(|(index, arrivals)| (arrivals.bound(), index)).min();
        let Some((batch, at)) = self.arrivals[source].head.take() else { return };
        let run = batch.run(at, |clock| limit.is_none_or(|limit| (clock, source) < limit));
        let observations = run.observations();
        self.late += observations.partition_point(|observation| observation.clock < self.reached) as u64;
        if let Some(last) = observations.last() {
            self.reached = self.reached.max(last.clock);
        }
        let next = batch.after(at, &run);
        visit(run);
        match next {
            Some(next) => self.arrivals[source].head = Some((batch, next)),
            None => self.arrivals[source].feed.give_back(batch),
        }
    }

    /// Sleeps until a poller wakes this thread, or until it is time to go on without a silent one.
    fn wait(&mut self) {
        let is_held_up = self.arrivals.iter().any(|arrivals| arrivals.head.is_some());
        if !is_held_up {
            self.waiting_since = None;
            return self.parker.park_timeout(LONGEST_WAIT);
        }
        #[expect(
            clippy::disallowed_methods,
            reason = "how long a shard waits for a silent thread is real time, not packet time"
        )]
        let now = Instant::now();
        let waited = now.duration_since(*self.waiting_since.get_or_insert(now));
        match self.patience.checked_sub(waited) {
            Some(rest) if !rest.is_zero() => self.parker.park_timeout(rest.min(LOOK_AGAIN)),
            _ if !self.give_up_on_silent() => self.parker.park_timeout(LOOK_AGAIN),
            _ => {}
        }
    }

    /// Marks the live sources that hold up the others; `false` if there are none, so that a file has to be waited for.
    fn give_up_on_silent(&mut self) -> bool {
        let oldest = self.arrivals.iter().filter_map(Arrivals::head_clock).min().unwrap_or(Nanos::MAX);
        let mut any = false;
        for arrivals in &mut self.arrivals {
            if arrivals.pace == Pace::Live && arrivals.head.is_none() && arrivals.bound() <= oldest {
                arrivals.is_silent = true;
                any = true;
            }
        }
        any
    }
}

#[cfg(test)]
mod tests;
