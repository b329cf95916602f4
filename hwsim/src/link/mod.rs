//! One direction of the way between two speakers, in two halves: from the sender to the tap, and from the tap to the receiver.
//!
//! A link has a rate at its sender and a delay on each half. Beyond that it does what its [`Rules`] say, which are data and compose.
//! What they do before the tap the tap sees, or sees the lack of; what they do after it only the receiver notices. What befell a
//! segment on its way to the tap passes with it, as its [`Fate`], for the truth.

mod line;
mod rule;

use std::collections::VecDeque;

use wire::Nanos;

use crate::rng::Rng;
use crate::speaker::Segment;
pub use line::{Carrier, Framing, Line};
use rule::Memory;
pub use rule::{GilbertElliott, Rule, Verdict};

/// The least time between two segments that keep their order, ns.
const APART: i64 = 1;

/// What a link does to segments.
#[derive(Clone, Copy, Debug)]
pub struct Nature {
    /// Nanoseconds that a byte takes at the sender: its access rate. The sender waits for it, so nothing is lost there.
    pub nanos_per_byte: f64,
    /// Delay from the sender to the tap, ns.
    pub to_tap: i64,
    /// Delay from the tap to the receiver, ns.
    pub from_tap: i64,
    /// What else happens.
    pub rules: &'static Rules,
    /// Whether this direction passes the tap: an asymmetric route leads around it.
    pub is_tapped: bool,
}

/// The rules of a link, in the order in which segments come to them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rules {
    /// Between the sender and the tap.
    pub before: &'static [Rule],
    /// Frames that the tap is given twice.
    pub mirror: Mirror,
    /// Between the tap and the receiver.
    pub after: &'static [Rule],
}

/// A switch that copies to the tap what enters one of its ports and what leaves another (SPAN), so that some frames come twice. The
/// receiver gets them once.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Mirror {
    /// Share of the frames that come twice.
    pub share: f64,
    /// How long after the first the second comes, ns.
    pub after: i64,
}

impl Mirror {
    /// Every frame comes once.
    pub const NONE: Self = Self { share: 0.0, after: 0 };
}

/// Who made a copy of a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Copier {
    /// The network, before the tap: its receiver may get both.
    Network,
    /// The tap's mirror: its receiver knows nothing of it.
    Capture,
}

/// What befell a segment before it passed the tap.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Fate {
    /// A segment that its sender sent later has passed before it (RFC 4737).
    pub reordered: bool,
    /// It is a copy; what it was copied from has passed before it.
    pub copied_by: Option<Copier>,
}

/// A segment as it passes the tap.
#[derive(Clone, Copy, Debug)]
pub struct Passing {
    /// When.
    pub ts: Nanos,
    /// What.
    pub segment: Segment,
    /// What befell it before.
    pub fate: Fate,
    /// It, or a copy made behind the tap, will arrive.
    pub arrives: bool,
}

impl Nature {
    /// The longest that a segment is under way, once it has left its sender, ns.
    #[must_use]
    pub fn longest(&self) -> i64 {
        let rules = self.rules.before.iter().chain(self.rules.after);
        rules.map(Rule::longest).fold(self.to_tap.saturating_add(self.from_tap), i64::saturating_add)
    }
}

/// A link with the segments that are under way on it.
#[derive(Debug)]
pub struct Link {
    nature: Nature,
    before: Half,
    after: Half,
    /// Those that the tap has seen, by their arrival; then those that it has not, by their passing.
    under_way: VecDeque<UnderWay>,
    /// How many, from the front, the tap has seen.
    seen: usize,
    /// When the next segment passes the tap, and when the next that has passed it arrives: kept here, where it is asked for at every
    /// event of the connection.
    at_tap: Nanos,
    arrival: Nanos,
    sender_free: Nanos,
    sent: u64,
    /// The latest that has passed, in the order of sending.
    latest_seen: u64,
}

#[derive(Clone, Copy, Debug)]
struct UnderWay {
    segment: Segment,
    /// When it passes the tap, or, once it has, when it arrives.
    at: Nanos,
    /// Its place in the order of sending, from 1.
    order: u64,
    copied_by: Option<Copier>,
    /// It has been sent over the tapped line, and passes the tap when its last bit has.
    has_crossed: bool,
    /// It does not arrive: lost after the tap, or meant for the tap alone.
    is_lost: bool,
}

/// One half of a link.
#[derive(Debug)]
struct Half {
    rules: &'static [Rule],
    /// What each rule remembers; empty where none does.
    memory: Box<[Memory]>,
    /// When the latest of those that keep their order leaves it.
    last: Nanos,
}

/// How a segment comes out of a half.
#[derive(Clone, Copy, Debug)]
struct Carried {
    at: Nanos,
    /// When a copy of it does.
    copy_at: Option<Nanos>,
}

impl Half {
    fn new(rules: &'static [Rule]) -> Self {
        let remembering = if rules.iter().any(Rule::remembers) { rules.len() } else { 0 };
        Self { rules, memory: vec![Memory::NONE; remembering].into(), last: Nanos::MIN }
    }

    /// Carries a segment that enters at `at`; `None` when it gets lost.
    fn carry(&mut self, segment: &Segment, mut at: Nanos, rng: &mut Rng) -> Option<Carried> {
        let mut copy_after = None;
        let mut keeps_order = true;
        for (index, rule) in self.rules.iter().enumerate() {
            let mut none = Memory::NONE;
            match rule.judge(segment, at, self.memory.get_mut(index).unwrap_or(&mut none), rng) {
                Verdict::Pass => {}
                Verdict::Delay(delay) => at = at.plus(delay),
                Verdict::HoldBack(delay) => {
                    at = at.plus(delay);
                    keeps_order = false;
                }
                Verdict::Duplicate(after) => copy_after = Some(after.max(APART)),
                Verdict::Drop => return None,
            }
        }
        if keeps_order {
            at = at.max(self.last.plus(APART));
            self.last = at;
        }
        Some(Carried { at, copy_at: copy_after.map(|after| at.plus(after)) })
    }
}

impl Link {
    /// An idle link.
    #[must_use]
    pub fn new(nature: Nature) -> Self {
        Self {
            nature,
            before: Half::new(nature.rules.before),
            after: Half::new(nature.rules.after),
            under_way: VecDeque::new(),
            seen: 0,
            at_tap: Nanos::MAX,
            arrival: Nanos::MAX,
            sender_free: Nanos::MIN,
            sent: 0,
            latest_seen: 0,
        }
    }

    /// When a segment that is handed over now leaves its sender: after those that wait before it.
    #[must_use]
    pub fn departure(&self, now: Nanos) -> Nanos {
        now.max(self.sender_free)
    }

    /// Sends a segment; gives the instant at which its last byte leaves the sender.
    pub fn send(&mut self, segment: Segment, now: Nanos, rng: &mut Rng) -> Nanos {
        let taken = f64::from(segment.line_len()) * self.nature.nanos_per_byte;
        self.sender_free = self.departure(now).plus(taken as i64);
        self.sent += 1;
        let start = self.sender_free.plus(self.nature.to_tap);
        if let Some(carried) = self.before.carry(&segment, start, rng) {
            let original = UnderWay {
                segment,
                at: carried.at,
                order: self.sent,
                copied_by: None,
                has_crossed: false,
                is_lost: false,
            };
            self.approach_tap(original, rng);
            if let Some(at) = carried.copy_at {
                self.approach_tap(UnderWay { at, copied_by: Some(Copier::Network), ..original }, rng);
            }
        }
        self.sender_free
    }

    /// When the next segment passes the tap.
    #[must_use]
    pub const fn next_at_tap(&self) -> Nanos {
        self.at_tap
    }

    /// When the next segment that has passed the tap arrives.
    #[must_use]
    pub const fn next_arrival(&self) -> Nanos {
        self.arrival
    }

    /// The next segment, if it has come to the tapped line and not been sent over it.
    #[must_use]
    pub fn at_line(&self) -> Option<&Segment> {
        self.under_way.get(self.seen).filter(|next| !next.has_crossed).map(|next| &next.segment)
    }

    /// The line sends the next segment; its last bit passes the tap at this instant.
    pub fn cross_line(&mut self, at: Nanos) {
        if let Some(next) = self.under_way.remove(self.seen) {
            self.place_before_tap(UnderWay { at, has_crossed: true, ..next });
        }
        self.at_tap = self.next_before_tap();
    }

    /// The line has no room for the next segment.
    pub fn drop_at_line(&mut self) {
        self.under_way.remove(self.seen);
        self.at_tap = self.next_before_tap();
    }

    fn next_before_tap(&self) -> Nanos {
        self.under_way.get(self.seen).map_or(Nanos::MAX, |next| next.at)
    }

    /// Lets the next segment pass the tap.
    pub fn pass_tap(&mut self, rng: &mut Rng) -> Option<Passing> {
        let next = *self.under_way.get(self.seen)?;
        let fate = Fate { reordered: next.order < self.latest_seen, copied_by: next.copied_by };
        self.latest_seen = self.latest_seen.max(next.order);
        if next.copied_by != Some(Copier::Capture) && rng.chance(self.nature.rules.mirror.share) {
            let at = next.at.plus(self.nature.rules.mirror.after);
            self.approach_tap(UnderWay { at, copied_by: Some(Copier::Capture), ..next }, rng);
        }
        let arrives = self.leave_tap(next, rng);
        self.at_tap = self.next_before_tap();
        Some(Passing { ts: next.at, segment: next.segment, fate, arrives })
    }

    /// Takes the next segment off the far end; `None` if it got lost after the tap.
    pub fn arrive(&mut self) -> Option<Segment> {
        let arrived = self.under_way.pop_front()?;
        self.seen = self.seen.saturating_sub(1);
        self.arrival =
            if self.seen == 0 { Nanos::MAX } else { self.under_way.front().map_or(Nanos::MAX, |next| next.at) };
        (!arrived.is_lost).then_some(arrived.segment)
    }

    /// Puts a segment in its place among those that come to the tap, or past it where there is none.
    fn approach_tap(&mut self, coming: UnderWay, rng: &mut Rng) {
        self.place_before_tap(coming);
        if self.nature.is_tapped {
            self.at_tap = self.at_tap.min(coming.at);
        } else {
            self.leave_tap(coming, rng);
        }
    }

    fn place_before_tap(&mut self, coming: UnderWay) {
        let mut place = self.under_way.len();
        while place > self.seen && self.under_way[place - 1].at > coming.at {
            place -= 1;
        }
        self.under_way.insert(place, coming);
    }

    /// The segment at `seen`, which is this one, goes on to its receiver; whether it will arrive.
    fn leave_tap(&mut self, leaving: UnderWay, rng: &mut Rng) -> bool {
        let is_for_tap = leaving.copied_by == Some(Copier::Capture);
        let start = leaving.at.plus(self.nature.from_tap);
        let carried = if is_for_tap { None } else { self.after.carry(&leaving.segment, start, rng) };
        let last_arrival = self.seen.checked_sub(1).map_or(leaving.at, |last| self.under_way[last].at);
        let at = carried.map_or(last_arrival, |carried| carried.at);
        self.under_way[self.seen] = UnderWay { at, is_lost: carried.is_none(), ..leaving };
        self.seen += 1;
        self.settle();
        if let Some(at) = carried.and_then(|carried| carried.copy_at) {
            self.under_way.insert(self.seen, UnderWay { at, ..leaving });
            self.seen += 1;
            self.settle();
        }
        self.arrival = self.under_way.front().map_or(Nanos::MAX, |next| next.at);
        carried.is_some()
    }

    /// Moves the last that the tap has seen to its place by arrival.
    fn settle(&mut self) {
        let mut place = self.seen.saturating_sub(1);
        while place > 0 && self.under_way[place - 1].at > self.under_way[place].at {
            self.under_way.swap(place - 1, place);
            place -= 1;
        }
    }
}

#[cfg(test)]
mod tests;
