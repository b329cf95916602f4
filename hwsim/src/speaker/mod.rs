//! A connection: two speakers of TCP, their applications and the links between them, run on simulated time.
//!
//! A connection is a small world of its own. It runs ahead by itself until its next segment is about to pass the tap, says when
//! that is, and waits there; so the world outside needs one event a connection, whatever happens inside. Nothing in it depends on
//! other connections but how long its segments wait for a line that all share.
//!
//! A speaker is a TCP by itself, ours ([`native`]) or smoltcp ([`smol`]): segments, timers and its application's wishes go in,
//! segments come out. It knows its peer only by what arrives. What the applications wish is the [`script`]'s.

mod behaviour;
mod congestion;
mod ecn;
mod flight;
mod kind;
mod native;
mod port;
mod profile;
mod receiver;
mod script;
mod segment;
mod sender;
mod smol;
mod timers;

use wire::{Direction, Nanos, SackBlock, SeqNum};

use crate::frame::{Options, TcpHeader};
use crate::link::{Link, Nature, Passing};
use crate::rng::Rng;
use crate::truth::Knowledge;

pub use behaviour::{Opening, Outcome, Service};
use kind::Speaker;
use native::State;
use port::Port;
pub use profile::{Profile, Stack};
use script::{Act, Plan, Script};
pub use segment::{Blocks, Cause, Codepoint, Offer, Segment};
pub use timers::Samples;

/// All that makes a connection, besides chance.
#[derive(Clone, Copy, Debug)]
pub struct Setup {
    /// What its applications do.
    pub service: &'static Service,
    /// How it begins.
    pub opening: Opening,
    /// How it ends.
    pub outcome: Outcome,
    /// Originator's TCP, responder's TCP.
    pub profiles: [Profile; 2],
    /// The link from originator to responder, and the one back.
    pub links: [Nature; 2],
    /// Probability that the queue before a link marks a segment whose sender understands it (RFC 3168).
    pub marking: f64,
    /// When the SYN is sent.
    pub start: Nanos,
}

/// A connection that is alive.
#[derive(Debug)]
pub struct Connection {
    ends: [Speaker; 2],
    /// What each application does next, and when.
    planned: [Option<(Nanos, Act)>; 2],
    /// Whose application knows that the connection is open.
    opened: [bool; 2],
    /// By the direction that they carry.
    links: [Link; 2],
    marking: f64,
    /// Segments that each speaker has sent again.
    again: [u64; 2],
    script: Script,
    rng: Rng,
    /// The direction of the segment that is about to pass the tap.
    at_tap: Option<Direction>,
}

/// What happens next in a connection.
#[derive(Clone, Copy, Debug)]
enum Event {
    /// A segment of this direction passes the tap.
    Tap(Direction),
    /// A segment of this direction arrives.
    Arrival(Direction),
    /// This speaker's application acts.
    Act(Direction),
    /// A timer of this speaker fires.
    Timer(Direction),
}

const BOTH: [Direction; 2] = [Direction::Orig, Direction::Resp];

impl Connection {
    /// A connection whose originator sends its SYN.
    #[must_use]
    pub fn new(setup: &Setup, mut rng: Rng) -> Self {
        let script = Script::new(setup.service, setup.outcome, &mut rng);
        let mut connection = Self {
            ends: speakers(setup),
            planned: [None; 2],
            opened: [false; 2],
            links: setup.links.map(Link::new),
            marking: setup.marking,
            again: [0; 2],
            script,
            rng,
            at_tap: None,
        };
        connection.open(setup);
        connection
    }

    /// The originator sends its SYN.
    fn open(&mut self, setup: &Setup) {
        let now = setup.start;
        let opening = if setup.outcome.is_conversation() { setup.opening } else { Opening::Ordinary };
        let mut cookie = None;
        if matches!(opening, Opening::FastOpen | Opening::FastOpenRefused)
            && let Some((who, _, act)) = self.script.ask_at_once(now, &mut self.rng)
        {
            cookie = Some(self.rng.bits().to_be_bytes());
            if let Some(wish) = self.act(who, act, now) {
                self.plan([wish]);
            }
        }
        let (end, mut port) = self.speaker(Direction::Orig);
        end.connect(cookie, now, &mut port);
        if opening == Opening::Simultaneous {
            // It leaves before the other's SYN arrives, and passes the tap behind it.
            let [there, back] = setup.links;
            let passes = self.links[0].next_at_tap().min(now.plus(there.to_tap));
            let earliest = passes.plus(-back.to_tap).max(now);
            let latest = passes.plus(there.from_tap);
            let within = self.rng.below(latest.since(earliest).max(1) as u64) as i64;
            self.plan([(Direction::Resp, earliest.plus(within), Act::Open)]);
        }
        if let Outcome::HalfOpened { .. } = setup.outcome {
            self.ends[0].vanish();
        }
        let plan = self.script.opened(now, &mut self.rng);
        self.plan(plan);
    }

    /// When its next segment passes the tap; `None` when none ever will. All that happens before is done.
    pub fn next_at_tap(&mut self) -> Option<Nanos> {
        loop {
            let (now, event) = self.next_event();
            match event {
                _ if now == Nanos::MAX => return None,
                Event::Tap(from) => {
                    self.at_tap = Some(from);
                    return Some(now);
                }
                Event::Arrival(from) => {
                    if let Some(segment) = self.links[from.index()].arrive() {
                        self.arrive(from.other(), &segment, now);
                    }
                }
                Event::Act(who) => {
                    if let Some((_, act)) = self.planned[who.index()].take() {
                        let next = self.act(who, act, now);
                        self.plan(next);
                        self.settle(who, now);
                    }
                }
                Event::Timer(who) => {
                    let (end, mut port) = self.speaker(who);
                    end.wake(now, &mut port);
                }
            }
        }
    }

    /// The segment of [`Self::next_at_tap`], if it has not been sent over the tapped line.
    #[must_use]
    pub fn at_line(&self) -> Option<(Direction, &Segment)> {
        let from = self.at_tap?;
        self.links[from.index()].at_line().map(|segment| (from, segment))
    }

    /// The line sends that segment until this instant, or has no room for it. It is to be asked again when the next passes the tap.
    pub fn cross_line(&mut self, until: Option<Nanos>) {
        let Some(from) = self.at_tap.take() else { return };
        let link = &mut self.links[from.index()];
        match until {
            Some(until) => link.cross_line(until),
            None => link.drop_at_line(),
        }
    }

    /// Lets the segment of [`Self::next_at_tap`] pass the tap.
    pub fn pass_tap(&mut self) -> Option<(Direction, Passing)> {
        let from = self.at_tap.take()?;
        let passing = self.links[from.index()].pass_tap(&mut self.rng)?;
        Some((from, passing))
    }

    /// The header of a segment that `from` has sent; its SACK blocks are laid down in `sack`.
    #[must_use]
    pub fn header<'a>(
        &self,
        from: Direction,
        segment: &Segment,
        sack: &'a mut [SackBlock; Blocks::MOST],
    ) -> TcpHeader<'a> {
        let (sender, receiver) = (self.ends[from.index()].isn(), self.ends[from.other().index()].isn());
        let seq = |isn: u32, position: u64| SeqNum(isn).plus(position as u32);
        let blocks = segment.sack.as_slice();
        for (to, &(left, right)) in sack.iter_mut().zip(blocks) {
            *to = SackBlock { left: seq(receiver, left), right: seq(receiver, right) };
        }
        let offer = segment.offer.unwrap_or_default();
        TcpHeader {
            seq: seq(sender, segment.seq),
            ack: if segment.flags.ack() { seq(receiver, segment.ack) } else { SeqNum(0) },
            flags: segment.flags,
            window: segment.window,
            urgent: 0,
            traffic_class: segment.ecn as u8,
            ip_id: segment.ip_id,
            payload_len: segment.len,
            options: Options {
                mss: segment.offer.map(|offer| offer.mss),
                sack_permitted: offer.sack,
                timestamps: segment.timestamps,
                wscale: offer.wscale,
                cookie: offer.cookie,
                sack: &sack[..blocks.len()],
                raw: &[],
            },
        }
    }

    /// What the speaker of this direction knows of its own sending.
    #[must_use]
    pub fn knowledge(&self, who: Direction) -> Knowledge {
        Knowledge { again: self.again[who.index()], round_trips: self.ends[who.index()].samples() }
    }

    /// Whether the speaker of this direction is there and knows of the connection.
    #[must_use]
    pub fn is_there(&self, who: Direction) -> bool {
        !self.ends[who.index()].is_gone()
    }

    /// The earliest event; of those at the same instant, the first in this order.
    fn next_event(&self) -> (Nanos, Event) {
        let mut earliest = (Nanos::MAX, Event::Tap(Direction::Orig));
        for who in BOTH {
            let link = &self.links[who.index()];
            for (at, event) in [
                (link.next_at_tap(), Event::Tap(who)),
                (link.next_arrival(), Event::Arrival(who)),
                (self.planned[who.index()].map_or(Nanos::MAX, |(at, _)| at), Event::Act(who)),
                (self.ends[who.index()].wakes_at(), Event::Timer(who)),
            ] {
                if at < earliest.0 {
                    earliest = (at, event);
                }
            }
        }
        earliest
    }

    /// A speaker, and its access to the link.
    fn speaker(&mut self, who: Direction) -> (&mut Speaker, Port<'_>) {
        let at = who.index();
        let (link, again) = (&mut self.links[at], &mut self.again[at]);
        (&mut self.ends[at], Port { link, rng: &mut self.rng, marking: self.marking, again })
    }

    fn plan(&mut self, plans: impl IntoIterator<Item = Plan>) {
        for (who, at, act) in plans {
            self.planned[who.index()] = Some((at, act));
        }
    }

    /// An application acts; gives what it will do after that, where that follows from the act alone.
    fn act(&mut self, who: Direction, act: Act, now: Nanos) -> Option<Plan> {
        let (end, mut port) = self.speaker(who);
        match act {
            Act::Write(bytes) | Act::WriteAndClose(bytes) | Act::WriteAndStall(bytes) => {
                let position = end.write(bytes);
                self.script.wrote(who, position);
            }
            Act::Close => end.close(),
            Act::Reset => end.reset(now, &mut port),
            Act::Probe(_) => end.keep_alive(now, &mut port),
            Act::Read => end.set_reading(true, now, &mut port),
            Act::Vanish => end.vanish(),
            Act::Forget => end.forget(),
            Act::Open => end.connect(None, now, &mut port),
            Act::Leave => {
                end.close();
                end.flush(false, now, &mut port);
                end.forget();
            }
        }
        let (end, mut port) = self.speaker(who);
        match act {
            Act::WriteAndClose(_) => end.close(),
            Act::WriteAndStall(_) => {
                end.set_reading(false, now, &mut port);
                return Some(Script::stalled(who, now, &mut self.rng));
            }
            Act::Probe(left) => return Some(self.script.probed(who, left.saturating_sub(1), now, &mut self.rng)),
            _ => {}
        }
        None
    }

    /// A segment has arrived at `who`.
    fn arrive(&mut self, who: Direction, segment: &Segment, now: Nanos) {
        let (end, mut port) = self.speaker(who);
        end.receive(segment, now, &mut port);
        self.settle(who, now);
    }

    /// Tells the application of `who` what is new, and lets the speaker send what comes of it.
    fn settle(&mut self, who: Direction, now: Nanos) {
        let end = &self.ends[who.index()];
        let mut patient = false;
        if end.is_gone() {
            self.planned[who.index()] = None;
        }
        if end.is_open() {
            let position = end.read();
            if !std::mem::replace(&mut self.opened[who.index()], true) {
                let plan = self.script.established(who, now, &mut self.rng);
                self.plan(plan);
            }
            let plans = self.script.arrived(who, position, now, &mut self.rng);
            self.plan(plans.into_iter().flatten());
            patient = self.follow(who, now);
        }
        let (end, mut port) = self.speaker(who);
        end.flush(patient, now, &mut port);
    }

    /// Has `who` close too when its peer has and it has nothing else to do; whether it does so at once.
    fn follow(&mut self, who: Direction, now: Nanos) -> bool {
        let end = &self.ends[who.index()];
        if !end.peer_has_closed() || end.is_closing() || self.planned[who.index()].is_some() {
            return false;
        }
        let (plan, quick) = Script::follow(who, now, &mut self.rng);
        self.plan([plan]);
        quick
    }
}

/// The two speakers before anything is sent.
fn speakers(setup: &Setup) -> [Speaker; 2] {
    let [mut orig, resp] = setup.profiles;
    if setup.outcome == Outcome::Stalled {
        // Small enough to fill up.
        orig.window = STALLED_BUFFER;
        orig.wscale = orig.wscale.map(|_| 2);
    }
    let originator = if setup.outcome == Outcome::Scanned { State::Scanning } else { State::SynSent };
    let responder = match setup.outcome {
        Outcome::Refused => State::Refusing,
        Outcome::Unanswered { .. } | Outcome::Cancelled => State::Deaf,
        _ => State::Listening,
    };
    let mut ends = [Speaker::new(orig, originator), Speaker::new(resp, responder)];
    match setup.outcome {
        Outcome::Unanswered { retries } => ends[0].give_up_after(retries),
        Outcome::HalfOpened { retries } => ends[1].give_up_after(retries),
        _ => {}
    }
    if setup.opening == Opening::FastOpen {
        ends[1].accept_syn_data();
    }
    ends
}

/// Receive buffer of an originator that stalls, bytes.
const STALLED_BUFFER: u32 = 24_000;

#[cfg(test)]
mod tests;
