//! Simulated capture hardware: what becomes of a frame between the tap and whoever reads the capture.
//!
//! [`Hardware`] says, as data, what a device is like; a [`Device`] is one at work. A frame that passes the tap is taken in these steps:
//! 1. its **port**: one for both directions, or one a direction, each with a [`Clock`] that stamps it;
//! 2. its **queue**: the port's receive-side scaling ([`Rss`]) divides the flows among `queues`;
//! 3. **loss**: a share of frames is lost, and the device counts them or does not;
//! 4. the queue's **ring** ([`Ring`]) has a number of slots and a reader who empties them at a rate; what finds no slot is dropped, and
//!    counted;
//! 5. the **snaplen** cuts it.
//!
//! The same seed loses the same frames. A device holds a few numbers a queue, whatever passes.

mod catalogue;
mod clock;
mod ring;
mod rss;

use wire::Nanos;

pub use catalogue::{DEVICES, find};
pub(crate) use catalogue::{EXACT, TWO_TAPS};
pub use clock::{Clock, Step};
pub use ring::Ring;
use ring::Slots;
pub use rss::Rss;

use crate::frame::Frame;
use crate::rng::Rng;

/// The most queues of a port: as many as the indirection table of a common network card can name.
pub const MOST_QUEUES: u16 = 64;

/// A capture device, as data.
#[derive(Clone, Copy, Debug)]
pub struct Hardware {
    /// Its name on the command line.
    pub name: &'static str,
    /// What it is, in a sentence.
    pub about: &'static str,
    /// Where frames come in.
    pub ports: Ports,
    /// Queues of each port, 1 to [`MOST_QUEUES`].
    pub queues: u16,
    /// How the flows are divided among them.
    pub rss: Rss,
    /// Slots for the frames of a queue; without a ring its reader is never too slow.
    pub ring: Option<Ring>,
    /// What gets lost by itself.
    pub loss: Loss,
    /// Bytes of a frame that are kept.
    pub snaplen: u32,
}

/// The ports of a device.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Ports {
    /// Both directions come in at one port, as from a mirror port or through a bump in the wire.
    One(Clock),
    /// What the inside sends comes in at the first port, what the outside sends at the second, as from an optical splitter.
    EachDirection([Clock; 2]),
}

impl Ports {
    /// The port of a frame.
    fn of(&self, frame: &Frame<'_>) -> usize {
        match self {
            Self::EachDirection(_) if !frame.outbound => 1,
            _ => 0,
        }
    }

    /// The clock of the only port, or of the second.
    pub const fn last_clock_mut(&mut self) -> &mut Clock {
        match self {
            Self::One(clock) | Self::EachDirection([_, clock]) => clock,
        }
    }

    fn clock(&self, port: usize) -> Clock {
        match *self {
            Self::One(clock) => clock,
            Self::EachDirection([inside, outside]) => {
                if port == 0 {
                    inside
                } else {
                    outside
                }
            }
        }
    }
}

/// Loss that has nothing to do with how busy the device is.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Loss {
    /// Probability that a frame is lost, each by itself.
    pub share: f64,
    /// Whether the device counts what it loses.
    pub is_reported: bool,
}

/// What a queue has counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct QueueCounters {
    /// Frames that came in, those that the device knows to have lost included.
    pub offered: u64,
    /// Frames lost by themselves, where the device reports it.
    pub lost: u64,
    /// Frames that found no slot in the ring.
    pub overflowed: u64,
}

impl QueueCounters {
    /// Frames that the device knows to have lost.
    #[must_use]
    pub const fn dropped(&self) -> u64 {
        self.lost + self.overflowed
    }
}

/// A frame as a queue holds it.
#[derive(Clone, Copy, Debug)]
pub struct Captured<'a> {
    /// The queue, counted over all ports.
    pub queue: usize,
    /// When, by the port's clock.
    pub ts: Nanos,
    /// The bytes up to the snaplen.
    pub bytes: &'a [u8],
    /// How long it was on the wire, without its checksum.
    pub wire_len: u32,
}

/// A device at work.
#[derive(Debug)]
pub struct Device {
    hardware: Hardware,
    /// When the first frame came: clocks run from there.
    began: Option<Nanos>,
    queues: Vec<Queue>,
    rng: Rng,
}

#[derive(Debug)]
struct Queue {
    counters: QueueCounters,
    slots: Slots,
}

impl Device {
    /// A device that has seen nothing.
    #[must_use]
    pub fn new(hardware: Hardware, seed: u64) -> Self {
        /// So that its chance is not that of the world, which begins from the same seed.
        const OWN: u64 = 0x6361_7074_7572_6521;
        let queue = || Queue { counters: QueueCounters::default(), slots: Slots::default() };
        let queues = (0..hardware.queues()).map(|_| queue()).collect();
        Self { hardware, began: None, queues, rng: Rng::new(seed ^ OWN) }
    }

    /// Takes in a frame that passes the tap at `ts`; `None` when it is lost.
    pub fn take<'a>(&mut self, ts: Nanos, frame: &Frame<'a>) -> Option<Captured<'a>> {
        let Hardware { ports, rss, ring, loss, snaplen, .. } = self.hardware;
        let port = ports.of(frame);
        let each = usize::from(self.hardware.queues_each());
        let number = port * each + usize::from(rss.queue(frame.bytes, each as u16));
        let queue = self.queues.get_mut(number)?;
        let is_lost = self.rng.chance(loss.share);
        if is_lost && !loss.is_reported {
            return None;
        }
        queue.counters.offered += 1;
        queue.counters.lost += u64::from(is_lost);
        if is_lost {
            return None;
        }
        if ring.is_some_and(|ring| !queue.slots.fill(&ring, ts)) {
            queue.counters.overflowed += 1;
            return None;
        }
        let began = *self.began.get_or_insert(ts);
        let kept = frame.bytes.len().min(snaplen as usize);
        Some(Captured {
            queue: number,
            ts: ports.clock(port).stamp(ts, began),
            bytes: &frame.bytes[..kept],
            wire_len: frame.wire_len,
        })
    }

    /// How far a queue's clock has come at `now`: it stamps nothing with an earlier instant any more. `None` where it may be set back,
    /// or has not begun.
    #[must_use]
    pub fn promise(&self, queue: usize, now: Nanos) -> Option<Nanos> {
        let clock = self.hardware.ports.clock(queue / usize::from(self.hardware.queues_each()));
        self.began.filter(|_| clock.never_goes_back()).map(|began| clock.stamp(now, began))
    }

    /// What each queue has counted.
    pub fn all_counters(&self) -> impl Iterator<Item = QueueCounters> + '_ {
        self.queues.iter().map(|queue| queue.counters)
    }

    /// What a queue has counted.
    #[must_use]
    pub fn counters(&self, queue: usize) -> QueueCounters {
        self.queues.get(queue).map_or_else(QueueCounters::default, |queue| queue.counters)
    }
}

impl Hardware {
    /// How many queues it has, over all ports.
    #[must_use]
    pub fn queues(&self) -> usize {
        let ports = if matches!(self.ports, Ports::One(_)) { 1 } else { 2 };
        ports * usize::from(self.queues_each())
    }

    fn queues_each(&self) -> u16 {
        self.queues.clamp(1, MOST_QUEUES)
    }

    /// What a queue is called in ledgers, after `source`: its number where there are several, and its port where there are two.
    #[must_use]
    pub fn queue_name(&self, source: &str, queue: usize) -> String {
        let each = usize::from(self.queues_each());
        let number = if each > 1 { format!("#{}", queue % each) } else { String::new() };
        match self.ports {
            Ports::One(_) => format!("{source}{number}"),
            Ports::EachDirection(_) => {
                format!("{source}/{}{number}", if queue < each { "inside" } else { "outside" })
            }
        }
    }
}

#[cfg(test)]
mod tests;
