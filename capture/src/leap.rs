//! One frame alone does not take a source's clock far.
//!
//! Timers run in packet time, so a single frame with a wrong timestamp from the far future would end every connection as silent. A frame
//! that lies far ahead of all before it therefore waits until its source shows what comes next, and the clock goes only as far as the two
//! agree: to the earlier of both. Where frames come in the order of time, that is just where it would have gone without, however they are
//! divided over sources, and only a moment later.

use wire::{LinkType, Nanos};

use crate::Frame;

/// How far one frame may take the clock, ns: further than the disorder of any capture, and not so far that what is still open ends.
const FAR: i64 = 10 * Nanos::PER_SECOND;

/// Whether a frame at `ts` lies far ahead of what its source has shown, if it has shown anything.
#[inline]
pub(crate) fn is_far(clock: Nanos, ts: Nanos) -> bool {
    ts.since(clock) > FAR && clock > Nanos::MIN
}

/// A frame that waits.
#[derive(Debug)]
pub(crate) struct Held {
    ts: Nanos,
    link: LinkType,
    bytes: Vec<u8>,
    wire_len: u32,
    vlan: Option<u16>,
}

impl Held {
    /// A frame that outlives its visit.
    pub(crate) fn new(frame: &Frame<'_>) -> Self {
        let Frame { ts, link, bytes, wire_len, vlan } = *frame;
        Self { ts, link, bytes: bytes.to_vec(), wire_len, vlan }
    }

    /// How far the clock goes with it, where its source goes on at `next`, or ends.
    pub(crate) fn clock(&self, next: Option<Nanos>) -> Nanos {
        next.map_or(self.ts, |next| next.min(self.ts))
    }

    pub(crate) fn frame(&self) -> Frame<'_> {
        let Self { ts, link, wire_len, vlan, .. } = *self;
        Frame { ts, link, bytes: &self.bytes, wire_len, vlan }
    }
}
