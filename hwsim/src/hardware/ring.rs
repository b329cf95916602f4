//! The ring of a queue, and its reader.

use wire::Nanos;

/// A ring of slots, a frame each, and how fast its reader empties them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ring {
    /// Frames that it holds.
    pub slots: u32,
    /// Nanoseconds that the reader takes for a frame.
    pub nanos_a_frame: u32,
}

/// How full a ring is: its reader is at work until the frames in it are read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Slots {
    empty_at: Nanos,
}

impl Default for Slots {
    fn default() -> Self {
        Self { empty_at: Nanos::MIN }
    }
}

impl Slots {
    /// Puts a frame into the ring at `now`; false when no slot is free. A slot is free again when its frame has been read.
    pub(super) fn fill(&mut self, ring: &Ring, now: Nanos) -> bool {
        let each = i64::from(ring.nanos_a_frame.max(1));
        let busy = self.empty_at.max(now).since(now);
        // The frame that is being read still has its slot.
        let used = busy.saturating_add(each - 1) / each;
        if used >= i64::from(ring.slots) {
            return false;
        }
        self.empty_at = now.plus(busy.saturating_add(each));
        true
    }
}
