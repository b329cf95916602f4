//! The most bytes within any window of 10, 100 and 1000 ms, in bounded memory.
//!
//! A window `[t, t + w)` can only be fullest when it ends just after a packet, so it is enough to look back from each packet. What
//! arrived within the last second is kept as marks: an instant and the bytes that came from then on, up to the next mark. Up to 64
//! marks are one instant each, and all sums are exact. When there are more, neighbours are merged:
//!
//! - A merged mark leaves a window as a whole when its first byte does. So what is found is never more than what was there.
//! - Only one mark at a time lies across the edge of a window, and a merged mark that any window of width `w` can cut holds at most
//!   1/8 of the peak that was found for `w` until then. So the true maximum is at most 9/8 of what is found.
//! - Two neighbours that are left hold more than 1/8 of the peak together, which no window exceeds. So at most 15 marks lie within
//!   each of the three windows after merging: 64 never run out, and merging, tried with 1/16 first, comes once in
//!   many packets.
//!
//! The exponential histogram of Datar, Gionis, Indyk and Motwani (2002) bounds the error of every sum in this way; for a maximum it is
//! enough to bound it against the maximum, which takes no more marks for a longer or a faster stream.

use serde::{Deserialize, Serialize};
use wire::Nanos;

use super::clock::Tick;

/// The widths of the windows, ns, ascending.
pub(super) const WIDTHS: [u32; 3] = [10_000_000, 100_000_000, 1_000_000_000];
/// Marks at first, and at most.
const FEWEST: usize = 4;
const MOST: usize = 64;
/// After merging at least a quarter of the marks should be free.
const ENOUGH: usize = MOST * 3 / 4;
/// A merged mark holds at most a peak shifted right by this: the finest that makes room.
const SHARES: [u32; 2] = [4, 3];

/// Bytes that arrived from `ts` on.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Mark {
    /// The low 32 bits of the instant, ns: marks are younger than two seconds when they are looked at, and the bits wrap after four.
    ts: u32,
    bytes: u32,
}

impl Mark {
    const fn age(self, now: u32) -> u32 {
        now.wrapping_sub(self.ts)
    }
}

/// The windows of one direction.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Windows {
    /// Oldest first. Those before the first of the widest window wait to be dropped.
    marks: Vec<Mark>,
    /// The first mark within each window.
    firsts: [u8; 3],
    /// Bytes within each window.
    sums: [u64; 3],
    peaks: [u64; 3],
}

impl Windows {
    /// Takes in the new bytes of a segment.
    pub(super) fn add(&mut self, tick: Tick, bytes: u64) {
        let now = tick.now.0 as u32;
        if tick.set_back || tick.gap >= i64::from(WIDTHS[2]) {
            self.forget();
        }
        self.let_pass(now);
        let Some(bytes) = u32::try_from(bytes).ok().filter(|&bytes| bytes > 0) else { return };
        self.push(now, bytes);
        for (sum, peak) in self.sums.iter_mut().zip(&mut self.peaks) {
            *sum += u64::from(bytes);
            *peak = (*peak).max(*sum);
        }
    }

    /// Reads the marks at the windows' beginnings and the latest, so that they are in the cache.
    pub(super) fn touch(&self) -> u64 {
        let at = |first: u8| self.marks.get(usize::from(first)).map_or(0, |mark| mark.bytes);
        let firsts = self.firsts.map(at).into_iter().fold(0, |sum, bytes| sum ^ bytes);
        u64::from(firsts ^ self.marks.last().map_or(0, |mark| mark.bytes))
    }

    /// Whether each window begins at a mark, wider ones no later, and holds what its marks say.
    pub(super) fn is_sound(&self) -> bool {
        let holds = |(&first, &sum): (&u8, &u64)| {
            let marks = self.marks.get(usize::from(first)..);
            marks.is_some_and(|marks| marks.iter().map(|mark| u64::from(mark.bytes)).sum::<u64>() == sum)
        };
        let is_nested = self.firsts.is_sorted_by(|narrower, wider| narrower >= wider);
        self.marks.len() <= MOST && is_nested && self.firsts.iter().zip(&self.sums).all(holds)
    }

    /// The most bytes within each window.
    pub(super) const fn peaks(&self) -> [u64; 3] {
        self.peaks
    }

    fn forget(&mut self) {
        self.marks.clear();
        self.firsts = [0; 3];
        self.sums = [0; 3];
    }

    /// Moves the windows' beginnings up to those that end with `now`.
    fn let_pass(&mut self, now: u32) {
        for ((first, sum), width) in self.firsts.iter_mut().zip(&mut self.sums).zip(WIDTHS) {
            while let Some(mark) = self.marks.get(usize::from(*first)).filter(|mark| mark.age(now) >= width) {
                *sum -= u64::from(mark.bytes);
                *first += 1;
            }
        }
        if usize::from(self.firsts[2]) == self.marks.len() {
            self.forget();
        }
    }

    fn push(&mut self, now: u32, bytes: u32) {
        if let Some(last) = self.marks.last_mut().filter(|mark| mark.ts == now)
            && let Some(both) = last.bytes.checked_add(bytes)
        {
            last.bytes = both;
            return;
        }
        if self.marks.len() == self.marks.capacity() || self.marks.len() >= MOST {
            self.make_room(now);
        }
        self.marks.push(Mark { ts: now, bytes });
    }

    /// Makes room for a mark: forgets those that are too old, or finds more memory within the bound, or merges neighbours.
    fn make_room(&mut self, now: u32) {
        let [.., old] = self.firsts;
        self.marks.drain(..usize::from(old));
        self.firsts = self.firsts.map(|first| first - old);
        let len = self.marks.len();
        if len < MOST {
            if len > self.marks.capacity() / 2 || self.marks.capacity() == 0 {
                self.marks.reserve_exact(len.max(FEWEST).min(MOST - len));
            }
            return;
        }
        for share in SHARES {
            self.merge(now, share);
            if self.marks.len() <= ENOUGH {
                break;
            }
        }
        if self.marks.len() >= MOST {
            // Only beyond 32 GiB a second, which marks of 32 bits cannot merge; what is found is then too low.
            self.marks.remove(0);
        }
        self.firsts = [0; 3];
        self.sums = [self.marks.iter().map(|mark| u64::from(mark.bytes)).sum(); 3];
        self.let_pass(now);
    }

    /// Merges neighbours as long as both together are at most the share of the peak of each window that may yet cut them.
    fn merge(&mut self, now: u32, share: u32) {
        let limits = self.peaks.map(|peak| u32::try_from(peak >> share).unwrap_or(u32::MAX));
        let mut kept = 0;
        for at in 1..self.marks.len() {
            let mark = self.marks[at];
            // What came in a mark came at the latest with the next one.
            let youngest = self.marks.get(at + 1).map_or(0, |next| next.age(now));
            let limit =
                WIDTHS.iter().zip(limits).find(|&(&width, _)| youngest < width).map_or(u32::MAX, |(_, limit)| limit);
            match self.marks[kept].bytes.checked_add(mark.bytes) {
                Some(both) if both <= limit => self.marks[kept].bytes = both,
                _ => {
                    kept += 1;
                    self.marks[kept] = mark;
                }
            }
        }
        self.marks.truncate(kept + 1);
    }
}

#[cfg(test)]
impl Windows {
    /// How many marks there are.
    pub(super) fn len(&self) -> usize {
        self.marks.len()
    }
}

const _: () = assert!(WIDTHS[2] as i64 == Nanos::PER_SECOND, "the clock starts anew where the widest window ends");
