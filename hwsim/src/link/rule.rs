//! What can befall a segment on its way, as rules that compose.
//!
//! A rule is data; what it has to remember from segment to segment is kept beside it, by the link. It is asked for each segment and
//! gives a verdict. The rules of a half are asked in their order, each at the instant at which the one before lets the segment go,
//! until one of them drops it.

use wire::Nanos;

use crate::rng::Rng;
use crate::speaker::Segment;

/// What a rule makes of a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It goes on.
    Pass,
    /// It goes on after so many nanoseconds, and whatever comes behind it stays behind it.
    Delay(i64),
    /// It goes on after so many nanoseconds, and others overtake it meanwhile.
    HoldBack(i64),
    /// It goes on, and a copy follows it after so many nanoseconds. What later rules do to it they do to both.
    Duplicate(i64),
    /// It is lost.
    Drop,
}

/// Something that a part of the network does to segments.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Rule {
    /// A bottleneck that sends one segment after the other, with a queue that drops what does not fit (drop-tail).
    Rate {
        /// Nanoseconds that a byte takes.
        nanos_per_byte: f64,
        /// Bytes that may wait.
        queue: u32,
    },
    /// A constant delay, ns.
    Delay(i64),
    /// A delay between nothing and so many nanoseconds, evenly.
    Jitter(i64),
    /// The loss of this share of segments, each by itself.
    Loss(f64),
    /// Loss in bursts.
    Bursts(GilbertElliott),
    /// A network duplicate of this share of segments: the same datagram again, its IPv4 identification included.
    Duplicate {
        /// Probability that a segment is duplicated.
        share: f64,
        /// How long after it the copy follows, ns.
        after: i64,
    },
    /// This share of segments takes a longer way, on which others overtake it.
    Reorder {
        /// Probability that a segment takes the longer way.
        share: f64,
        /// How much longer it is, ns.
        by: i64,
    },
    /// A black hole for IP datagrams longer than this, bytes: they may not be fragmented, and nobody tells their sender.
    Mtu(u16),
}

/// Loss by the model of Gilbert and Elliott: a channel that is good or bad, and changes between segments.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GilbertElliott {
    /// Probability, at each segment, that a good channel becomes bad.
    pub becomes_bad: f64,
    /// Probability, at each segment, that a bad channel becomes good: its inverse is the mean length of a bad time, in segments.
    pub becomes_good: f64,
    /// Probability of loss while the channel is bad; a good one loses nothing.
    pub loss: f64,
}

impl GilbertElliott {
    /// The share of segments that get lost in the long run.
    #[must_use]
    pub fn mean_loss(&self) -> f64 {
        self.loss * self.becomes_bad / (self.becomes_bad + self.becomes_good)
    }
}

/// What a rule remembers of the segments before.
#[derive(Clone, Copy, Debug)]
pub(super) struct Memory {
    /// Until when a bottleneck is busy.
    busy_until: Nanos,
    /// The channel is bad.
    is_bad: bool,
}

impl Memory {
    pub(super) const NONE: Self = Self { busy_until: Nanos::MIN, is_bad: false };
}

impl Rule {
    /// Whether what it does depends on the segments before.
    pub(super) const fn remembers(&self) -> bool {
        matches!(self, Self::Rate { .. } | Self::Bursts(_))
    }

    /// The longest that it keeps a segment, ns.
    pub(super) fn longest(&self) -> i64 {
        match *self {
            Self::Rate { nanos_per_byte, queue } => (nanos_per_byte * f64::from(queue)) as i64,
            Self::Delay(delay) | Self::Jitter(delay) | Self::Reorder { by: delay, .. } => delay,
            _ => 0,
        }
    }

    /// What becomes of a segment that comes to this rule at `now`.
    pub(super) fn judge(&self, segment: &Segment, now: Nanos, memory: &mut Memory, rng: &mut Rng) -> Verdict {
        match *self {
            Self::Rate { nanos_per_byte, queue } => queue_up(segment, now, nanos_per_byte, queue, memory),
            Self::Delay(delay) => Verdict::Delay(delay),
            Self::Jitter(most) => Verdict::Delay(rng.below(most.max(0) as u64) as i64),
            Self::Loss(share) => drop_if(rng.chance(share)),
            Self::Bursts(channel) => {
                let changes = if memory.is_bad { channel.becomes_good } else { channel.becomes_bad };
                memory.is_bad ^= rng.chance(changes);
                drop_if(memory.is_bad && rng.chance(channel.loss))
            }
            Self::Duplicate { share, after } if rng.chance(share) => Verdict::Duplicate(after),
            Self::Reorder { share, by } if rng.chance(share) => Verdict::HoldBack(by),
            Self::Duplicate { .. } | Self::Reorder { .. } => Verdict::Pass,
            Self::Mtu(most) => drop_if(segment.ip_len() > u32::from(most)),
        }
    }
}

const fn drop_if(lost: bool) -> Verdict {
    if lost { Verdict::Drop } else { Verdict::Pass }
}

/// Waits behind the segments that came before, if there is room.
fn queue_up(segment: &Segment, now: Nanos, nanos_per_byte: f64, queue: u32, memory: &mut Memory) -> Verdict {
    let waits = memory.busy_until.max(now).since(now);
    if waits as f64 > nanos_per_byte * f64::from(queue) {
        return Verdict::Drop;
    }
    let delay = waits.saturating_add((f64::from(segment.line_len()) * nanos_per_byte) as i64);
    memory.busy_until = now.plus(delay);
    Verdict::Delay(delay)
}
