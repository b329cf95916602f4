//! The conversation above TCP: whose turn it is, and what it does when what it waits for has arrived.

use wire::{Direction, Nanos};

use super::{Outcome, Service};
use crate::rng::{Dist, Rng};

/// Seconds from an application's last action to its close.
const BEFORE_CLOSE: Dist = Dist::LogNormal { median: 0.001, sigma: 1.5, max: 5.0 };
/// Seconds in which a quick application follows its peer's close: its FIN carries the acknowledgment.
const QUICK_FOLLOW: Dist = Dist::Uniform(0.000_02, 0.000_2);
/// Seconds in which a slow one does: the peer's FIN is acknowledged before.
const SLOW_FOLLOW: Dist = Dist::LogNormal { median: 0.005, sigma: 1.0, max: 2.0 };
/// Seconds between two keep-alives: as an impatient application sets them.
const KEEP_ALIVE_INTERVAL: Dist = Dist::Fixed(5.0);
/// Seconds after which an originator loses patience with a silent peer.
const PATIENCE: Dist = Dist::Uniform(0.2, 0.9);

/// Something an application does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Act {
    /// Writes this much.
    Write(u64),
    /// Writes this much and closes.
    WriteAndClose(u64),
    /// Closes.
    Close,
    /// Resets the connection.
    Reset,
    /// Probes the silent connection, so many times.
    Probe(u8),
    /// Writes this much and reads nothing for a while.
    WriteAndStall(u64),
    /// Reads on.
    Read,
    /// Closes, and leaves nobody behind who would read.
    Leave,
    /// Its host is gone.
    Vanish,
    /// Its host has started again.
    Forget,
    /// Opens from its side too.
    Open,
}

/// Seconds that an application which stalls does not read.
const STALL: Dist = Dist::Uniform(0.5, 12.0);
/// Seconds from the last that it has received until a host vanishes: it has acknowledged everything by then.
const BEFORE_VANISHING: Dist = Dist::Fixed(0.5);
/// Seconds that an application waits for an answer before it closes or probes.
const WAITS: Dist = Dist::Uniform(2.0, 6.0);
/// A response that fills the window of an originator that stalls.
const STALLING_RESPONSE: u64 = 60_000;

/// An act of one of the two at an instant to come.
pub(super) type Plan = (Direction, Nanos, Act);

/// What happens when the awaited bytes have arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Then {
    Ask,
    Answer,
    EndTurn,
    Act(Act),
}

/// The conversation of a connection.
#[derive(Debug)]
pub(super) struct Script {
    service: &'static Service,
    pub(super) outcome: Outcome,
    turns_left: u64,
    /// The first request went with the SYN.
    asked_at_once: bool,
    awaited: Option<(Direction, u64, Then)>,
    /// What follows the bytes that are written next, and how many of them need not arrive first.
    expects: (Then, u64),
}

impl Script {
    pub(super) fn new(service: &'static Service, outcome: Outcome, rng: &mut Rng) -> Self {
        let turns_left = service.turns.count(rng);
        Self { service, outcome, turns_left, asked_at_once: false, awaited: None, expects: (Then::Ask, 0) }
    }

    /// The originator has sent its SYN.
    pub(super) fn opened(&self, now: Nanos, rng: &mut Rng) -> Option<Plan> {
        let cancels = self.outcome == Outcome::Cancelled;
        cancels.then(|| (Direction::Orig, now.plus(PATIENCE.nanos(rng)), Act::Reset))
    }

    /// The handshake is complete for `who`.
    pub(super) fn established(&mut self, who: Direction, now: Nanos, rng: &mut Rng) -> Option<Plan> {
        match (who, self.service.greeting) {
            (Direction::Resp, Some(greeting)) => {
                self.expects = (Then::Ask, 0);
                let at = now.plus(self.service.resp_thinks.nanos(rng));
                Some((Direction::Resp, at, Act::Write(greeting.count(rng))))
            }
            (Direction::Orig, None) if !self.asked_at_once => Some(self.ask(now, rng)),
            _ => None,
        }
    }

    /// `who` has written up to `position`.
    pub(super) const fn wrote(&mut self, who: Direction, position: u64) {
        let (then, not_awaited) = self.expects;
        self.awaited = Some((who.other(), position - not_awaited, then));
    }

    /// Everything before `position` has arrived at `who`. Up to two acts come of it.
    pub(super) fn arrived(&mut self, who: Direction, position: u64, now: Nanos, rng: &mut Rng) -> [Option<Plan>; 2] {
        let Some((_, _, then)) = self.awaited.filter(|&(waits, until, _)| waits == who && position >= until) else {
            return [None; 2];
        };
        self.awaited = None;
        match then {
            Then::Ask => [Some(self.ask(now, rng)), None],
            Then::Answer => self.answer(now, rng),
            Then::Act(act) => [Some((Direction::Orig, now, act)), None],
            Then::EndTurn => {
                self.turns_left = self.turns_left.saturating_sub(1);
                if self.turns_left > 0 { [Some(self.ask(now, rng)), None] } else { self.end(now, rng) }
            }
        }
    }

    /// The peer's FIN has arrived at `who`, which has nothing else to do: it closes too. True: so soon that the FIN carries the
    /// acknowledgment.
    pub(super) fn follow(who: Direction, now: Nanos, rng: &mut Rng) -> (Plan, bool) {
        let quick = rng.chance(0.5);
        let delay = if quick { QUICK_FOLLOW } else { SLOW_FOLLOW };
        ((who, now.plus(delay.nanos(rng)), Act::Close), quick)
    }

    /// `who` has probed; `left` probes are still to come.
    pub(super) fn probed(&self, who: Direction, left: u8, now: Nanos, rng: &mut Rng) -> Plan {
        let act = match (left, self.outcome) {
            (0, Outcome::ProbedInVain { .. }) => Act::Reset,
            (0, _) => Act::Close,
            _ => Act::Probe(left),
        };
        (who, now.plus(KEEP_ALIVE_INTERVAL.nanos(rng)), act)
    }

    /// `who` has stopped reading.
    pub(super) fn stalled(who: Direction, now: Nanos, rng: &mut Rng) -> Plan {
        (who, now.plus(STALL.nanos(rng)), Act::Read)
    }

    /// The request that goes with the SYN; `None` where the responder speaks first.
    pub(super) fn ask_at_once(&mut self, now: Nanos, rng: &mut Rng) -> Option<Plan> {
        self.asked_at_once = self.service.greeting.is_none();
        self.asked_at_once.then(|| self.ask(now, rng))
    }

    fn ask(&mut self, now: Nanos, rng: &mut Rng) -> Plan {
        let bytes = self.service.request.count(rng);
        let act = match self.outcome {
            Outcome::HalfClose if self.turns_left == 1 => Act::WriteAndClose(bytes),
            Outcome::Stalled if self.turns_left == 1 => Act::WriteAndStall(bytes),
            _ => Act::Write(bytes),
        };
        self.expects = (Then::Answer, 0);
        (Direction::Orig, now.plus(self.service.orig_thinks.nanos(rng)), act)
    }

    fn answer(&mut self, now: Nanos, rng: &mut Rng) -> [Option<Plan>; 2] {
        const PROBES: u8 = 3;
        let mut bytes = self.service.response.count(rng);
        let last = self.turns_left == 1;
        self.expects = (Then::EndTurn, 0);
        let half = bytes / 2;
        let mut at_half = |act| {
            self.expects = (Then::Act(act), half);
            Act::Write(bytes)
        };
        let act = match self.outcome {
            _ if !last => Act::Write(bytes),
            Outcome::RespCloses | Outcome::HalfClose => Act::WriteAndClose(bytes),
            Outcome::RespResets => Act::Reset,
            Outcome::Aborted => at_half(Act::Reset),
            Outcome::LeavesEarly => at_half(Act::Leave),
            Outcome::OrigVanishes => at_half(Act::Vanish),
            Outcome::Stalled => {
                bytes = bytes.max(STALLING_RESPONSE);
                Act::Write(bytes)
            }
            Outcome::RespVanishes => return Self::fall_silent(Act::Vanish, Act::Close, now, rng),
            Outcome::RespForgets => return Self::fall_silent(Act::Forget, Act::Probe(PROBES), now, rng),
            _ => Act::Write(bytes),
        };
        [Some((Direction::Resp, now.plus(self.service.resp_thinks.nanos(rng)), act)), None]
    }

    /// Instead of an answer something befalls the responder's host, and the originator does something about it later.
    fn fall_silent(befalls: Act, then: Act, now: Nanos, rng: &mut Rng) -> [Option<Plan>; 2] {
        let befalls = (Direction::Resp, now.plus(BEFORE_VANISHING.nanos(rng)), befalls);
        [Some(befalls), Some((Direction::Orig, now.plus(WAITS.nanos(rng)), then))]
    }

    /// The originator has the last response.
    fn end(&self, now: Nanos, rng: &mut Rng) -> [Option<Plan>; 2] {
        let soon = now.plus(BEFORE_CLOSE.nanos(rng));
        match self.outcome {
            Outcome::OrigCloses | Outcome::Stalled => [Some((Direction::Orig, soon, Act::Close)), None],
            // The same instant at both ends: both FINs are under way before either arrives.
            Outcome::BothClose => {
                [Some((Direction::Orig, soon, Act::Close)), Some((Direction::Resp, soon, Act::Close))]
            }
            Outcome::OrigResets => [Some((Direction::Orig, soon, Act::Reset)), None],
            Outcome::KeptAlive { probes } => [Some(self.probed(Direction::Orig, probes, now, rng)), None],
            Outcome::ProbedInVain { probes } => {
                let vanishes = (Direction::Resp, now.plus(BEFORE_VANISHING.nanos(rng)), Act::Vanish);
                [Some(vanishes), Some(self.probed(Direction::Orig, probes, now, rng))]
            }
            _ => [None; 2],
        }
    }
}
