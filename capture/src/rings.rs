//! The two rings and the watermark between one poller and one shard.
//!
//! Batches go one way through a ring with a single producer and a single consumer, and come back empty through another, so
//! nothing is allocated once as many are under way as were ever needed at a time.
//!
//! # The watermark
//! It says: *whatever is pushed after this store has a `clock` of at least this*. The poller pushes first and stores the
//! watermark afterwards (release). The shard loads the watermark (acquire) **before** it looks into the ring. Then, where
//! the ring looks empty, everything pushed before that store has been seen and taken, and what is still to come was pushed
//! after it: the shard may go on up to the watermark. The other way round it would be wrong: between a look at the empty
//! ring and the load, the poller could push an old batch and raise the watermark beyond it.
//!
//! The ring's own release and acquire order a batch's content; the watermark's order which batches are visible.
//! [`Nanos::MAX`] means that nothing will follow at all. It is stored when the lane is dropped, hence also when a poller
//! panics, so that no shard waits for a poller that is gone.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use crossbeam_utils::CachePadded;
use crossbeam_utils::sync::Unparker;
use rtrb::{Consumer, Producer, PushError, RingBuffer};
use wire::{Nanos, Observation, Segment};

use crate::Pace;
use crate::batch::Batch;

/// The latest time that can be promised while something may follow: [`Nanos::MAX`] has a meaning of its own.
const LAST_PROMISE: Nanos = Nanos(i64::MAX - 1);

#[derive(Debug)]
struct Watermark {
    promise: CachePadded<AtomicI64>,
    /// The last promise of a lane that was closed; written before the promise becomes [`Nanos::MAX`].
    end: AtomicI64,
}

impl Watermark {
    const fn new() -> Self {
        Self { promise: CachePadded::new(AtomicI64::new(Nanos::MIN.0)), end: AtomicI64::new(Nanos::MIN.0) }
    }

    fn store(&self, promise: Nanos) {
        self.promise.store(promise.0, Ordering::Release);
    }

    fn load(&self) -> Nanos {
        Nanos(self.promise.load(Ordering::Acquire))
    }
}

/// A poller's end: it fills batches and pushes them.
#[derive(Debug)]
pub(crate) struct Lane {
    filling: Option<Box<Batch>>,
    ring: Producer<Box<Batch>>,
    empties: Consumer<Box<Batch>>,
    /// Batches that may still be allocated.
    allowance: usize,
    observations: usize,
    headers: bool,
    pace: Pace,
    watermark: Arc<Watermark>,
    promised: Nanos,
    shard: Unparker,
    /// Batches pushed, and promises made, since the shard was last woken.
    unannounced: usize,
    /// The first and the last loss that no batch had room for.
    untold: Option<[Nanos; 2]>,
}

/// A shard's end: it takes batches and gives them back.
#[derive(Debug)]
pub(crate) struct Feed {
    ring: Consumer<Box<Batch>>,
    empties: Producer<Box<Batch>>,
    watermark: Arc<Watermark>,
    poller: Unparker,
    /// Batches taken since the poller was last woken.
    unannounced: usize,
}

/// Observations in a lane, by kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Gathered {
    /// Segments.
    pub segments: u64,
    /// ICMP errors.
    pub icmp: u64,
}

/// How big the queue of a lane is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LaneSize {
    /// Observations a batch.
    pub observations: usize,
    /// Batches that the ring holds.
    pub batches: usize,
    /// Whether headers are carried.
    pub headers: bool,
}

/// A lane and its feed. Each end is told how to wake the other's thread.
pub(crate) fn lane(size: LaneSize, pace: Pace, poller: Unparker, shard: Unparker) -> (Lane, Feed) {
    let (ring, taken) = RingBuffer::new(size.batches.max(1));
    // The ring's batches, one being filled and one being read: there is always room to give a batch back.
    let allowance = size.batches.max(1) + 2;
    let (given_back, empties) = RingBuffer::new(allowance);
    let watermark = Arc::new(Watermark::new());
    let lane = Lane {
        filling: None,
        ring,
        empties,
        allowance,
        observations: size.observations.max(1),
        headers: size.headers,
        pace,
        watermark: Arc::clone(&watermark),
        promised: Nanos::MIN,
        shard,
        unannounced: 0,
        untold: None,
    };
    (lane, Feed { ring: taken, empties: given_back, watermark, poller, unannounced: 0 })
}

impl Lane {
    /// Makes room for one more observation with so many header bytes; `false` while the ring is full.
    #[inline]
    pub(crate) fn has_room(&mut self, headers: usize) -> bool {
        self.filling.as_ref().is_some_and(|batch| batch.has_room(headers)) || self.make_room()
    }

    fn make_room(&mut self) -> bool {
        if self.flush() {
            self.begin();
        }
        self.filling.as_ref().is_some_and(|batch| batch.observations().is_empty())
    }

    /// Begins a batch, if there is one, with the losses that no other had room for.
    fn begin(&mut self) {
        if self.filling.is_none() {
            self.filling = self.empty_batch();
        }
        if let Some(batch) = &mut self.filling {
            self.untold.take().into_iter().flatten().for_each(|by| batch.tell_loss(by));
        }
    }

    fn empty_batch(&mut self) -> Option<Box<Batch>> {
        if let Ok(mut batch) = self.empties.pop() {
            batch.clear();
            return Some(batch);
        }
        self.allowance = self.allowance.checked_sub(1)?;
        Some(Box::new(Batch::new(self.observations, self.headers)))
    }

    /// Pushes what has been gathered. `false` while the ring is full, when it stays here.
    pub(crate) fn flush(&mut self) -> bool {
        if self.untold.is_some() {
            self.begin();
        }
        let Some(batch) = self.filling.take() else { return true };
        if batch.is_empty() {
            self.filling = Some(batch);
            return true;
        }
        if let Err(PushError::Full(batch)) = self.ring.push(batch) {
            self.filling = Some(batch);
            return false;
        }
        self.unannounced += 1;
        // Waking a thread costs microseconds: it is done a few times a ring, and whenever the poller pauses.
        if self.unannounced * 4 >= self.ring.buffer().capacity() {
            self.announce();
        }
        true
    }

    /// Wakes the shard if something was pushed since it was last woken.
    pub(crate) fn announce(&mut self) {
        if self.unannounced > 0 {
            self.unannounced = 0;
            self.shard.unpark();
        }
    }

    /// Promises that nothing older than `clock` will be handed over, or, while older observations lie here, nothing older
    /// than those. A patient poller lets the shard know; a live one promises something every millisecond and wakes nobody for
    /// it: a shard that waits for a promise looks by itself.
    pub(crate) fn promise(&mut self, clock: Nanos) {
        let untold = self.untold.map(|[first, _]| first);
        let gathered = self.filling.as_ref().and_then(|batch| batch.first_clock()).or(untold);
        let promise = gathered.map_or(clock, |first| first.min(clock)).min(LAST_PROMISE);
        if promise > self.promised {
            self.promised = promise;
            self.watermark.store(promise);
            self.unannounced += usize::from(self.pace == Pace::Patient);
        }
    }

    /// Something was lost by this time, which is no earlier than what was handed over before.
    pub(crate) fn note_loss(&mut self, by: Nanos) {
        let first = self.untold.map_or(by, |[first, _]| first);
        self.untold = Some([first, by]);
        self.begin();
    }

    /// Whether observations or losses are gathered here and not pushed yet.
    pub(crate) fn has_gathered(&self) -> bool {
        self.untold.is_some() || self.filling.as_ref().is_some_and(|batch| !batch.is_empty())
    }

    /// Observations gathered here and not pushed yet.
    pub(crate) fn gathered(&self) -> Gathered {
        let mut gathered = Gathered::default();
        for observation in self.filling.as_ref().map_or(&[][..], |batch| batch.observations()) {
            match observation.segment.quoted_by {
                None => gathered.segments += 1,
                Some(_) => gathered.icmp += 1,
            }
        }
        gathered
    }

    /// The shard is gone: nothing that is pushed will be read.
    pub(crate) fn is_abandoned(&self) -> bool {
        self.ring.is_abandoned()
    }

    /// Adds an observation. The caller has seen that there is room ([`Self::has_room`]).
    #[inline]
    pub(crate) fn push(&mut self, ts: Nanos, clock: Nanos, segment: Segment, hash: u32, headers: &[u8]) {
        let observation = Observation { ts, clock, segment, hash, headers_at: 0, headers_len: 0 };
        if let Some(batch) = &mut self.filling {
            batch.push(observation, headers);
        }
    }
}

impl Drop for Lane {
    fn drop(&mut self) {
        self.watermark.end.store(self.promised.0, Ordering::Relaxed);
        self.watermark.store(Nanos::MAX);
        self.shard.unpark();
    }
}

impl Feed {
    /// The watermark, to be read before [`Self::take`].
    pub(crate) fn watermark(&self) -> Nanos {
        self.watermark.load()
    }

    /// How far the source had come when the lane was closed; to be read after a watermark of [`Nanos::MAX`].
    pub(crate) fn end(&self) -> Nanos {
        Nanos(self.watermark.end.load(Ordering::Relaxed))
    }

    /// The next batch.
    pub(crate) fn take(&mut self) -> Option<Box<Batch>> {
        let batch = self.ring.pop().ok();
        self.unannounced += usize::from(batch.is_some());
        // A poller that waits for room is woken once some room is there, or when there is nothing else to read.
        if self.unannounced * 4 >= self.ring.buffer().capacity() || batch.is_none() {
            self.announce();
        }
        batch
    }

    fn announce(&mut self) {
        if self.unannounced > 0 {
            self.unannounced = 0;
            self.poller.unpark();
        }
    }

    /// Gives a batch back to be filled again.
    pub(crate) fn give_back(&mut self, batch: Box<Batch>) {
        // Never full: it has room for every batch that exists. If it were, the batch would only be freed.
        drop(self.empties.push(batch));
    }
}

impl Drop for Feed {
    fn drop(&mut self) {
        self.poller.unpark();
    }
}
