//! Frames as they come out of a receive ring.
#![expect(unsafe_code, reason = "frames are read where the kernel has written them")]

use std::sync::Arc;

use rustix::time::{ClockId, DynamicClockId, Timespec, clock_gettime, clock_gettime_dynamic};
use wire::{LinkType, Nanos};

use super::program::STAMP;
use super::ring::Consumer;
use super::umem::Umem;
use crate::Frame;
use crate::interface::clock::utc;

/// Chunks that are taken at a time: what a driver puts into the ring at a time.
const BATCH: u32 = 64;

const ETHERNET: u32 = 1;
const SECOND: i64 = 1_000_000_000;

/// A receive ring, and the memory that it speaks of.
pub(super) struct Intake {
    umem: Arc<Umem>,
    received: Consumer<libc::xdp_desc>,
    /// What a stamp of the program begins with.
    key: u64,
    /// Nanoseconds that TAI is ahead of UTC by the kernel's count.
    tai_ahead: i64,
}

impl Intake {
    pub(super) fn new(umem: Arc<Umem>, received: Consumer<libc::xdp_desc>, key: u64) -> Self {
        Self { umem, received, key, tai_ahead: tai_ahead() }
    }

    pub(super) fn is_empty(&mut self) -> bool {
        self.received.available() == 0
    }

    /// Hears of leap seconds, and of a kernel that was told of all those before it.
    pub(super) fn set_clock(&mut self) {
        self.tai_ahead = tai_ahead();
    }

    /// Visits frames that are there, in order, and hands each of their chunks `onward` after the visit. Gives the number of
    /// frames; 0 where none are there.
    pub(super) fn take(&mut self, visit: &mut dyn FnMut(Frame<'_>), onward: &mut dyn FnMut(libc::xdp_desc)) -> u64 {
        let available = self.received.available();
        let (mut used, mut frames, mut now) = (0, 0, None);
        while used < BATCH
            && let Some((chunks, len)) = self.measure(used, available)
        {
            if let Some(frame) = self.frame(used, len, &mut now) {
                visit(frame);
            }
            (used..used + chunks).filter_map(|at| self.received.get(at)).for_each(&mut *onward);
            used += chunks;
            frames += 1;
        }
        if used > 0 {
            self.received.release(used);
        }
        frames
    }

    /// Chunks and bytes of the frame that begins at an entry, if all of it is there.
    fn measure(&self, first: u32, available: u32) -> Option<(u32, u32)> {
        let mut len: u32 = 0;
        for at in first..available {
            let part = self.received.get(at)?;
            len = len.saturating_add(part.len);
            if part.options & libc::XDP_PKT_CONTD == 0 {
                return Some((at - first + 1, len));
            }
        }
        None
    }

    /// The frame that begins at an entry and is `len` bytes long. Of one in several chunks the first is lent: it has all headers.
    fn frame(&self, at: u32, len: u32, now: &mut Option<Nanos>) -> Option<Frame<'_>> {
        let first = self.received.get(at)?;
        // SAFETY: the kernel has put the chunk into the receive ring; it is given back in `take`, when this borrow is over.
        let bytes = unsafe { self.umem.bytes(first.addr, first.len) };
        let ts = self.stamp(first.addr).unwrap_or_else(|| *now.get_or_insert_with(utc));
        Some(Frame { ts, link: LinkType::from_number(ETHERNET), bytes, wire_len: len, vlan: None })
    }

    /// When the program saw the frame at `address`, if its driver let it write that down.
    fn stamp(&self, address: u64) -> Option<Nanos> {
        let start = address.checked_sub(u64::from(STAMP))?;
        // SAFETY: the room before a frame belongs to its chunk, which is ours as in `frame`; the copy below ends the borrow.
        let stamp = unsafe { self.umem.bytes(start, STAMP) };
        let (key, time) = stamp.split_first_chunk()?;
        let time = u64::from_ne_bytes(*time.first_chunk()?);
        (u64::from_ne_bytes(*key) == self.key).then_some(Nanos(time.cast_signed()).plus(-self.tai_ahead))
    }
}

/// TAI less UTC: whole seconds, 0 until somebody tells the kernel.
fn tai_ahead() -> i64 {
    let utc = clock_gettime(ClockId::Realtime);
    // Every kernel with AF_XDP has the clock.
    let tai = clock_gettime_dynamic(DynamicClockId::Tai).unwrap_or(utc);
    let (utc, tai) = (nanos(utc), nanos(tai));
    tai.saturating_sub(utc).saturating_add(SECOND / 2).div_euclid(SECOND) * SECOND
}

fn nanos(time: Timespec) -> i64 {
    time.tv_sec.saturating_mul(SECOND).saturating_add(time.tv_nsec)
}
