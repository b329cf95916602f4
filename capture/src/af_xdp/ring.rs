//! The rings of an AF_XDP socket: one side produces, the other consumes, each owns one index.
//!
//! Indices are free-running 32-bit numbers; an entry's place is its index modulo the ring's size, a power of two. What lies between the
//! consumer's index and the producer's is the consumer's, the rest the producer's. Each index is stored with release order by its
//! owner, after it is done with the entries, and loaded with acquire order by the other.
#![expect(unsafe_code, reason = "rings are memory that the kernel reads and writes")]

use std::marker::PhantomData;
use std::mem::{align_of, size_of};
use std::sync::atomic::{AtomicU32, Ordering};

use super::memory::Mapping;

/// What rings hold: plain integers, so that any bytes are a value.
pub(super) trait Entry: Copy {}
impl Entry for u64 {}
impl Entry for libc::xdp_desc {}

/// A ring in memory that is shared with the kernel.
#[derive(Debug)]
struct Ring<T> {
    mapping: Mapping,
    producer: usize,
    consumer: usize,
    flags: usize,
    entries: usize,
    size: u32,
    entry: PhantomData<T>,
}

impl<T: Entry> Ring<T> {
    /// A ring of `size` entries whose parts lie at these offsets; `None` where they do not lie inside the mapping, or crooked.
    fn new(mapping: Mapping, offsets: &libc::xdp_ring_offset, size: u32) -> Option<Self> {
        let place = |offset: u64, len: usize, align: usize| {
            let offset = usize::try_from(offset).ok()?;
            let end = offset.checked_add(len)?;
            (end <= mapping.len() && offset.is_multiple_of(align)).then_some(offset)
        };
        let word = |offset| place(offset, size_of::<u32>(), align_of::<u32>());
        let (producer, consumer, flags) = (word(offsets.producer)?, word(offsets.consumer)?, word(offsets.flags)?);
        let entries = place(offsets.desc, size_of::<T>().checked_mul(size as usize)?, align_of::<T>())?;
        size.is_power_of_two().then_some(Self { mapping, producer, consumer, flags, entries, size, entry: PhantomData })
    }

    /// Bytes to map for a ring of `size` entries.
    fn bytes(offsets: &libc::xdp_ring_offset, size: u32) -> usize {
        offsets.desc as usize + size as usize * size_of::<T>()
    }

    fn word(&self, offset: usize) -> &AtomicU32 {
        // SAFETY: `new` has checked that the word lies in the mapping, aligned; both sides access it, which is why it is atomic.
        unsafe { AtomicU32::from_ptr(self.mapping.start().add(offset).cast()) }
    }

    fn producer(&self) -> &AtomicU32 {
        self.word(self.producer)
    }

    fn consumer(&self) -> &AtomicU32 {
        self.word(self.consumer)
    }

    /// The place of an entry.
    fn place(&self, index: u32) -> *mut T {
        // SAFETY: the index is taken modulo the size, and `new` has checked that `size` entries lie in the mapping.
        unsafe { self.mapping.start().add(self.entries).cast::<T>().add((index & (self.size - 1)) as usize) }
    }
}

/// The end of a ring that the kernel fills.
#[derive(Debug)]
pub(super) struct Consumer<T> {
    ring: Ring<T>,
    /// The entry that is read next.
    next: u32,
    /// The producer's index as last seen.
    seen: u32,
}

impl<T: Entry> Consumer<T> {
    pub(super) fn new(mapping: Mapping, offsets: &libc::xdp_ring_offset, size: u32) -> Option<Self> {
        Some(Self { ring: Ring::new(mapping, offsets, size)?, next: 0, seen: 0 })
    }

    pub(super) fn bytes(offsets: &libc::xdp_ring_offset, size: u32) -> usize {
        Ring::<T>::bytes(offsets, size)
    }

    /// How many entries are ours.
    pub(super) fn available(&mut self) -> u32 {
        self.seen = self.ring.producer().load(Ordering::Acquire);
        // More than the size would be a defect of the kernel; the entries exist all the same.
        self.seen.wrapping_sub(self.next).min(self.ring.size)
    }

    /// The entry this far behind the next one, if it is ours.
    pub(super) fn get(&self, ahead: u32) -> Option<T> {
        if ahead >= self.seen.wrapping_sub(self.next) {
            return None;
        }
        // SAFETY: the place is inside the ring, holds plain integers, and is ours: the kernel does not write there before
        // `release`, which needs the ring mutably.
        Some(unsafe { self.ring.place(self.next.wrapping_add(ahead)).read() })
    }

    /// Gives the first `count` of the entries that are ours back to the kernel.
    pub(super) fn release(&mut self, count: u32) {
        self.next = self.next.wrapping_add(count.min(self.seen.wrapping_sub(self.next)));
        self.ring.consumer().store(self.next, Ordering::Release);
    }
}

/// The end of a ring that the kernel empties.
#[derive(Debug)]
pub(super) struct Producer<T> {
    ring: Ring<T>,
    /// The entry that is written next.
    next: u32,
}

impl<T: Entry> Producer<T> {
    pub(super) fn new(mapping: Mapping, offsets: &libc::xdp_ring_offset, size: u32) -> Option<Self> {
        Some(Self { ring: Ring::new(mapping, offsets, size)?, next: 0 })
    }

    pub(super) fn bytes(offsets: &libc::xdp_ring_offset, size: u32) -> usize {
        Ring::<T>::bytes(offsets, size)
    }

    /// Entries that the kernel has not taken yet, those not published included.
    pub(super) fn pending(&self) -> u32 {
        self.next.wrapping_sub(self.ring.consumer().load(Ordering::Acquire))
    }

    /// Writes an entry, which the kernel sees after [`Self::publish`]; false where there is no room.
    pub(super) fn put(&mut self, entry: T) -> bool {
        if self.pending() >= self.ring.size {
            return false;
        }
        // SAFETY: the place is inside the ring and ours: the kernel has taken what was there, and reads it again only after
        // `publish`.
        unsafe { self.ring.place(self.next).write(entry) };
        self.next = self.next.wrapping_add(1);
        true
    }

    /// Hands over what was written.
    pub(super) fn publish(&mut self) {
        self.ring.producer().store(self.next, Ordering::Release);
    }

    /// Whether the driver sleeps until it is called.
    pub(super) fn needs_wakeup(&self) -> bool {
        self.ring.word(self.ring.flags).load(Ordering::Relaxed) & libc::XDP_RING_NEED_WAKEUP != 0
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use proptest::prelude::*;

    use super::*;

    const OFFSETS: libc::xdp_ring_offset = libc::xdp_ring_offset { producer: 0, consumer: 64, flags: 128, desc: 192 };

    fn mapping() -> Mapping {
        Mapping::anonymous(4096).unwrap()
    }

    #[test]
    fn a_ring_whose_parts_lie_outside_its_memory_is_refused() {
        assert!(Consumer::<u64>::new(mapping(), &OFFSETS, 8).is_some());
        assert!(Consumer::<u64>::new(mapping(), &OFFSETS, 512).is_none());
        assert!(Consumer::<u64>::new(mapping(), &OFFSETS, 7).is_none());
        assert!(Producer::<u64>::new(mapping(), &libc::xdp_ring_offset { producer: 4094, ..OFFSETS }, 8).is_none());
        assert!(Producer::<u64>::new(mapping(), &libc::xdp_ring_offset { desc: u64::MAX - 7, ..OFFSETS }, 8).is_none());
    }

    /// Plays the kernel: moves what one ring's producer has published to the other ring's consumer.
    fn carry(from: &Producer<u64>, to: &Consumer<u64>, most: u32) {
        let (taken, given) = (from.ring.consumer(), to.ring.producer());
        for _ in 0..most {
            let (at, end) = (taken.load(Ordering::Relaxed), from.ring.producer().load(Ordering::Relaxed));
            let (put, got) = (given.load(Ordering::Relaxed), to.ring.consumer().load(Ordering::Relaxed));
            if at == end || put.wrapping_sub(got) == to.ring.size {
                return;
            }
            // SAFETY: both places are inside their rings, and nobody else is in this test.
            unsafe { to.ring.place(put).write(from.ring.place(at).read()) };
            taken.store(at.wrapping_add(1), Ordering::Relaxed);
            given.store(put.wrapping_add(1), Ordering::Relaxed);
        }
    }

    proptest! {
        /// Against a queue as the oracle, also where the indices wrap around.
        #[test]
        fn entries_come_out_once_and_in_order(start in prop_oneof![Just(0), Just(u32::MAX - 5)], steps in prop::collection::vec((0..3_u8, 0..9_u32), 0..200)) {
            let mut producer = Producer::<u64>::new(mapping(), &OFFSETS, 8).unwrap();
            let mut consumer = Consumer::<u64>::new(mapping(), &OFFSETS, 8).unwrap();
            for ring in [&producer.ring, &consumer.ring] {
                ring.producer().store(start, Ordering::Relaxed);
                ring.consumer().store(start, Ordering::Relaxed);
            }
            (producer.next, consumer.next, consumer.seen) = (start, start, start);
            let (mut oracle, mut next) = (VecDeque::new(), 0_u64);
            for (what, count) in steps {
                match what {
                    0 => {
                        for _ in 0..count {
                            let room = producer.pending() < 8;
                            prop_assert_eq!(producer.put(next), room);
                            if room {
                                oracle.push_back(next);
                                next += 1;
                            }
                        }
                        producer.publish();
                    }
                    1 => carry(&producer, &consumer, count),
                    _ => {
                        let count = count.min(consumer.available());
                        for ahead in 0..count {
                            prop_assert_eq!(consumer.get(ahead), oracle.pop_front());
                        }
                        let available = consumer.available();
                        prop_assert_eq!(consumer.get(available), None);
                        consumer.release(count);
                    }
                }
            }
        }
    }
}
