//! What comes after the end of a connection that FINs closed.

use wire::{Segment, SeqNum, TcpFlags};

use crate::names::{counts, names};
use crate::tcp::{Kind, classify};

names! {
    /// A packet of a connection that FINs closed and whose row is written, by what it is. It opens nothing, since its tuple is in TIME_WAIT
    /// (RFC 9293, 3.6.1), and stands in no row.
    Straggler {
        /// A FIN: its sender has not heard that it was acknowledged.
        Fin = "fin",
        /// A RST.
        Reset = "rst",
        /// Payload.
        Data = "data",
        /// An acknowledgment alone.
        Acknowledgment = "ack",
        /// A segment with a set of flags that has no meaning, wherever its numbers lie.
        BadFlags = "bad_flags",
    }
}

counts! {
    /// Stragglers, by what they are.
    StragglerCounts of Straggler
}

impl Straggler {
    /// What a segment is that comes so late.
    pub(crate) fn of(segment: &Segment) -> Self {
        if classify(segment.flags) == Kind::Bad {
            Self::BadFlags
        } else if segment.flags.has(TcpFlags::RST) {
            Self::Reset
        } else if segment.flags.has(TcpFlags::FIN) {
            Self::Fin
        } else if segment.payload_len > 0 {
            Self::Data
        } else {
            Self::Acknowledgment
        }
    }
}

/// How far below the end of its stream a late segment may lie. The largest windows in use have some 16 MiB (Linux's default bounds are 4 and
/// 6 MiB); the numbers of a stranger, of another connection whose SYN was lost, lie so near in both streams once in 65,536 times.
const REACH: i32 = 1 << 24;

/// Whether a segment without SYN lies where both streams were when they ended: below their ends, and not far. `mine` is the number after
/// its sender's FIN, `theirs` that after its receiver's.
pub(crate) fn is_of_ended(segment: &Segment, mine: SeqNum, theirs: SeqNum) -> bool {
    let lies_below = |end: SeqNum, number: SeqNum| (0..=REACH).contains(&end.distance(number));
    let is_reset = segment.flags.rst();
    // What a RST carries is no part of the stream, and it may have 0 where its acknowledgment should be.
    let own = if is_reset { segment.seq } else { segment.seq_end() };
    let acknowledges = segment.flags.has(TcpFlags::ACK) && !(is_reset && segment.ack == SeqNum(0));
    lies_below(mine, own) && (!acknowledges || lies_below(theirs, segment.ack))
}
