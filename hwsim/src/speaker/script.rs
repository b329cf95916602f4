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
}

/// An act of one of the two at an instant to come.
pub(super) type Plan = (Direction, Nanos, Act);

/// What happens when the awaited bytes have arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Then {
    Ask,
    Answer,
    EndTurn,
    Abort,
}

/// The conversation of a connection.
#[derive(Debug)]
pub(super) struct Script {
    service: &'static Service,
    pub(super) outcome: Outcome,
    turns_left: u64,
    awaited: Option<(Direction, u64, Then)>,
    /// What follows the bytes that are written next, and how many of them need not arrive first.
    expects: (Then, u64),
}

impl Script {
    pub(super) fn new(service: &'static Service, outcome: Outcome, rng: &mut Rng) -> Self {
        Self { service, outcome, turns_left: service.turns.count(rng), awaited: None, expects: (Then::Ask, 0) }
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
            (Direction::Orig, None) => Some(self.ask(now, rng)),
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
            Then::Answer => [Some(self.answer(now, rng)), None],
            Then::Abort => [Some((Direction::Orig, now, Act::Reset)), None],
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
    pub(super) fn probed(who: Direction, left: u8, now: Nanos, rng: &mut Rng) -> Plan {
        let act = if left == 0 { Act::Close } else { Act::Probe(left) };
        (who, now.plus(KEEP_ALIVE_INTERVAL.nanos(rng)), act)
    }

    fn ask(&mut self, now: Nanos, rng: &mut Rng) -> Plan {
        let bytes = self.service.request.count(rng);
        let act = match self.outcome {
            Outcome::HalfClose if self.turns_left == 1 => Act::WriteAndClose(bytes),
            _ => Act::Write(bytes),
        };
        self.expects = (Then::Answer, 0);
        (Direction::Orig, now.plus(self.service.orig_thinks.nanos(rng)), act)
    }

    fn answer(&mut self, now: Nanos, rng: &mut Rng) -> Plan {
        let bytes = self.service.response.count(rng);
        let last = self.turns_left == 1;
        self.expects = (Then::EndTurn, 0);
        let act = match self.outcome {
            Outcome::RespCloses | Outcome::HalfClose if last => Act::WriteAndClose(bytes),
            Outcome::RespResets if last => Act::Reset,
            Outcome::Aborted if last => {
                self.expects = (Then::Abort, bytes / 2);
                Act::Write(bytes)
            }
            _ => Act::Write(bytes),
        };
        (Direction::Resp, now.plus(self.service.resp_thinks.nanos(rng)), act)
    }

    /// The originator has the last response.
    fn end(&self, now: Nanos, rng: &mut Rng) -> [Option<Plan>; 2] {
        let soon = now.plus(BEFORE_CLOSE.nanos(rng));
        match self.outcome {
            Outcome::OrigCloses => [Some((Direction::Orig, soon, Act::Close)), None],
            // The same instant at both ends: both FINs are under way before either arrives.
            Outcome::BothClose => {
                [Some((Direction::Orig, soon, Act::Close)), Some((Direction::Resp, soon, Act::Close))]
            }
            Outcome::OrigResets => [Some((Direction::Orig, soon, Act::Reset)), None],
            Outcome::KeptAlive { probes } => [Some(Self::probed(Direction::Orig, probes, now, rng)), None],
            _ => [None; 2],
        }
    }
}
