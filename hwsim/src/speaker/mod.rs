//! A connection: two scripted speakers of TCP and the links between them, run on simulated time.
//!
//! A connection is a small world of its own. It runs ahead by itself until its next segment is about to pass the tap, says when
//! that is, and waits there; so the world outside needs one event a connection, whatever happens inside. Nothing in it depends on
//! other connections.

mod behaviour;
mod endpoint;
mod receiver;
mod script;
mod segment;
mod sender;

use wire::{Direction, Nanos, SeqNum, TcpFlags};

use crate::frame::{Options, TcpHeader};
use crate::link::{Link, Nature, Passing};
use crate::rng::Rng;

pub use behaviour::{Outcome, Service};
pub use endpoint::Profile;
use endpoint::{Agreed, Endpoint, State};
use receiver::Demand;
use script::{Act, Plan, Script};
pub use segment::Segment;
use sender::{Chunk, Sender, Timeout};

/// All that makes a connection, besides chance.
#[derive(Clone, Copy, Debug)]
pub struct Setup {
    /// What its applications do.
    pub service: &'static Service,
    /// How it ends.
    pub outcome: Outcome,
    /// Originator's TCP, responder's TCP.
    pub profiles: [Profile; 2],
    /// The link from originator to responder, and the one back.
    pub links: [Nature; 2],
    /// When the SYN is sent.
    pub start: Nanos,
}

/// A connection that is alive.
#[derive(Debug)]
pub struct Connection {
    ends: [Endpoint; 2],
    /// By the direction that they carry.
    links: [Link; 2],
    agreed: Agreed,
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
    /// Its retransmission timer fires.
    Retransmit(Direction),
    /// Its delayed acknowledgment is due.
    Acknowledge(Direction),
}

const BOTH: [Direction; 2] = [Direction::Orig, Direction::Resp];
const ACK: TcpFlags = TcpFlags::ACK;
const SYN: TcpFlags = TcpFlags::SYN;
const RST: TcpFlags = TcpFlags::RST;

impl Connection {
    /// A connection whose originator sends its SYN.
    #[must_use]
    pub fn new(setup: &Setup, mut rng: Rng) -> Self {
        const RETRIES: u8 = 6;
        let script = Script::new(setup.service, setup.outcome, &mut rng);
        let responder = match setup.outcome {
            Outcome::Refused => State::Refusing,
            Outcome::Unanswered { .. } | Outcome::Cancelled => State::Deaf,
            _ => State::Listening,
        };
        let syn_retries = if let Outcome::Unanswered { retries } = setup.outcome { retries } else { RETRIES };
        let rto = retransmission_timeout(&setup.links);
        let [orig, resp] = setup.profiles;
        let mut connection = Self {
            ends: [
                Endpoint::new(orig, State::SynSent, Sender::new(rto, syn_retries)),
                Endpoint::new(resp, responder, Sender::new(rto, RETRIES)),
            ],
            links: setup.links.map(Link::new),
            agreed: Agreed::between(&orig, &resp),
            script,
            rng,
            at_tap: None,
        };
        connection.send_syn(Direction::Orig, setup.start);
        let plan = connection.script.opened(setup.start, &mut connection.rng);
        connection.plan(plan);
        connection
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
                        self.receive(from.other(), &segment, now);
                    }
                }
                Event::Act(who) => self.act(who, now),
                Event::Retransmit(who) => self.time_out(who, now),
                Event::Acknowledge(who) => self.send_ack(who, now),
            }
        }
    }

    /// Lets the segment of [`Self::next_at_tap`] pass the tap.
    pub fn pass_tap(&mut self) -> Option<(Direction, Passing)> {
        let from = self.at_tap.take()?;
        let passing = self.links[from.index()].pass_tap(&mut self.rng)?;
        Some((from, passing))
    }

    /// The header of a segment that `from` has sent.
    #[must_use]
    pub fn header<'a>(&self, from: Direction, segment: &'a Segment) -> TcpHeader<'a> {
        let (sender, receiver) = (&self.ends[from.index()].profile, &self.ends[from.other().index()].profile);
        let ack = if segment.flags.ack() { receiver.isn.wrapping_add(segment.ack as u32) } else { 0 };
        let mut options = Options {
            timestamps: segment.timestamps,
            sack: &segment.sack[..usize::from(segment.sack_count)],
            ..Options::default()
        };
        if segment.flags.syn() {
            let answers = segment.flags.ack();
            options.mss = Some(sender.mss);
            options.wscale = sender.wscale.filter(|_| !answers || self.agreed.scaling);
            options.sack_permitted = if answers { self.agreed.sack } else { sender.sack };
        }
        TcpHeader {
            seq: SeqNum(sender.isn).plus(segment.seq as u32),
            ack: SeqNum(ack),
            flags: segment.flags,
            window: segment.window,
            urgent: 0,
            traffic_class: 0,
            ip_id: segment.ip_id,
            payload_len: segment.len,
            options,
        }
    }

    /// The earliest event; of those at the same instant, the first in this order.
    fn next_event(&self) -> (Nanos, Event) {
        let mut earliest = (Nanos::MAX, Event::Tap(Direction::Orig));
        for who in BOTH {
            let (link, end) = (&self.links[who.index()], &self.ends[who.index()]);
            for (at, event) in [
                (link.next_at_tap(), Event::Tap(who)),
                (link.next_arrival(), Event::Arrival(who)),
                (end.acts_at(), Event::Act(who)),
                (end.sender.timer, Event::Retransmit(who)),
                (end.receiver.timer, Event::Acknowledge(who)),
            ] {
                if at < earliest.0 {
                    earliest = (at, event);
                }
            }
        }
        earliest
    }

    fn plan(&mut self, plans: impl IntoIterator<Item = Plan>) {
        for (who, at, act) in plans {
            self.ends[who.index()].planned = Some((at, act));
        }
    }

    /// An application acts.
    fn act(&mut self, who: Direction, now: Nanos) {
        let Some((_, act)) = self.ends[who.index()].planned.take() else { return };
        match act {
            Act::Write(bytes) => self.write(who, bytes, false),
            Act::WriteAndClose(bytes) => self.write(who, bytes, true),
            Act::Close => self.ends[who.index()].sender.close(),
            Act::Reset => return self.reset(who, now),
            Act::Probe(left) => {
                let seq = self.ends[who.index()].sender.position() - 1;
                self.send(who, Segment { seq, flags: ACK, ..Segment::default() }, now);
                let next = Script::probed(who, left.saturating_sub(1), now, &mut self.rng);
                self.plan([next]);
            }
        }
        self.transmit(who, now);
    }

    fn write(&mut self, who: Direction, bytes: u64, and_close: bool) {
        let sender = &mut self.ends[who.index()].sender;
        let position = sender.write(bytes);
        if and_close {
            sender.close();
        }
        self.script.wrote(who, position);
    }

    /// A segment has arrived at `who`.
    fn receive(&mut self, who: Direction, segment: &Segment, now: Nanos) {
        let flags = segment.flags;
        match self.ends[who.index()].state {
            State::Deaf => {}
            State::Gone if flags.rst() || !flags.ack() => {}
            State::Gone => self.send_reset(who, segment.ack, RST, now),
            _ if flags.rst() => self.ends[who.index()].vanish(),
            State::Refusing => {
                self.ends[who.index()].receiver.open(0);
                self.send_reset(who, 0, RST.with(ACK), now);
            }
            State::Listening => {
                self.greet(who, segment);
                self.ends[who.index()].state = State::SynReceived;
                self.send_syn(who, now);
            }
            State::SynReceived if flags.syn() => self.send_syn(who, now),
            State::SynSent if self.script.outcome == Outcome::Scanned => {
                self.ends[who.index()].vanish();
                self.send_reset(who, 1, RST, now);
            }
            State::SynSent => {
                self.greet(who, segment);
                self.established(who, segment, now);
                self.send_ack(who, now);
            }
            State::SynReceived => {
                self.established(who, segment, now);
                self.converse(who, segment, now);
            }
            State::Open if flags.syn() => self.send_ack(who, now),
            State::Open => self.converse(who, segment, now),
        }
    }

    /// Takes note of the peer's SYN.
    fn greet(&mut self, who: Direction, syn: &Segment) {
        self.ends[who.index()].receiver.open(syn.timestamps.map_or(0, |timestamps| timestamps.value));
    }

    fn established(&mut self, who: Direction, segment: &Segment, now: Nanos) {
        let granted = self.ends[who.other().index()].granted_by(segment, &self.agreed);
        let end = &mut self.ends[who.index()];
        end.state = State::Open;
        end.sender.open(self.agreed.payload);
        end.sender.grant(granted);
        let plan = self.script.established(who, now, &mut self.rng);
        self.plan(plan);
    }

    /// A segment on an open connection: acknowledgment, data, FIN.
    fn converse(&mut self, who: Direction, segment: &Segment, now: Nanos) {
        let granted = self.ends[who.other().index()].granted_by(segment, &self.agreed);
        let end = &mut self.ends[who.index()];
        end.sender.grant(granted);
        let bare = segment.seq == segment.end() && segment.seq >= end.receiver.next;
        let send_again = end.sender.acknowledged(segment.ack, bare, now);
        let was_finished = end.receiver.is_finished();
        let mut demand = end.receiver.take(segment, now);
        let finishes = end.receiver.is_finished() && !was_finished;
        let position = end.receiver.next;
        if demand == Demand::Alone {
            self.send_ack(who, now);
        }
        if send_again && let Some(chunk) = self.ends[who.index()].sender.oldest() {
            self.send_chunk(who, chunk, now);
        }
        let plans = self.script.arrived(who, position, now, &mut self.rng);
        self.plan(plans.into_iter().flatten());
        if finishes && demand != Demand::Alone {
            demand = self.on_fin(who, now);
        }
        if !self.transmit(who, now) && demand == Demand::Now {
            self.send_ack(who, now);
        }
    }

    /// Everything up to the peer's FIN has arrived: when is it acknowledged?
    fn on_fin(&mut self, who: Direction, now: Nanos) -> Demand {
        let end = &self.ends[who.index()];
        if end.sender.is_closing() || end.planned.is_some() {
            return Demand::Now;
        }
        let (plan, quick) = Script::follow(who, now, &mut self.rng);
        self.plan([plan]);
        if quick { Demand::Later } else { Demand::Now }
    }

    /// The retransmission timer has fired.
    fn time_out(&mut self, who: Direction, now: Nanos) {
        let end = &mut self.ends[who.index()];
        match (end.sender.time_out(), end.state) {
            (Timeout::GiveUp, _) => end.vanish(),
            (Timeout::Again, State::SynSent | State::SynReceived) => self.send_syn(who, now),
            (Timeout::Again, _) => {
                self.transmit(who, now);
            }
        }
    }

    /// The application resets the connection.
    fn reset(&mut self, who: Direction, now: Nanos) {
        let end = &mut self.ends[who.index()];
        let seq = end.sender.furthest();
        let flags = if end.state == State::SynSent { RST } else { RST.with(ACK) };
        end.vanish();
        self.send_reset(who, seq, flags, now);
    }

    fn send_reset(&mut self, who: Direction, seq: u64, flags: TcpFlags, now: Nanos) {
        self.send(who, Segment { seq, flags, ..Segment::default() }, now);
    }

    /// SYN or SYN-ACK, also again.
    fn send_syn(&mut self, who: Direction, now: Nanos) {
        let flags = if who == Direction::Orig { SYN } else { SYN.with(ACK) };
        let departure = self.send(who, Segment { flags, ..Segment::default() }, now);
        self.ends[who.index()].sender.syn(departure);
    }

    fn send_ack(&mut self, who: Direction, now: Nanos) {
        let end = &self.ends[who.index()];
        let seq = end.sender.furthest();
        let (sack, sack_count) = if self.agreed.sack {
            end.receiver.sack(self.ends[who.other().index()].profile.isn)
        } else {
            Default::default()
        };
        self.send(who, Segment { seq, flags: ACK, sack, sack_count, ..Segment::default() }, now);
    }

    /// Sends what the windows allow; whether that was anything.
    fn transmit(&mut self, who: Direction, now: Nanos) -> bool {
        let mut any = false;
        while self.ends[who.index()].state == State::Open
            && let Some(chunk) = self.ends[who.index()].sender.next()
        {
            self.send_chunk(who, chunk, now);
            any = true;
        }
        any
    }

    fn send_chunk(&mut self, who: Direction, chunk: Chunk, now: Nanos) {
        let mut flags = ACK;
        if chunk.push {
            flags = flags.with(TcpFlags::PSH);
        }
        if chunk.fin {
            flags = flags.with(TcpFlags::FIN);
        }
        let departure = self.send(who, Segment { seq: chunk.seq, len: chunk.len, flags, ..Segment::default() }, now);
        self.ends[who.index()].sender.sent(departure);
    }

    /// Puts a segment on its way; gives the instant at which it has left.
    fn send(&mut self, who: Direction, mut segment: Segment, now: Nanos) -> Nanos {
        let link = &mut self.links[who.index()];
        let end = &mut self.ends[who.index()];
        let opens = segment.flags == SYN;
        let offers = if opens { end.profile.timestamps } else { self.agreed.timestamps };
        let bare_reset = segment.flags.rst() && (!segment.flags.ack() || end.state == State::Refusing);
        end.stamp(&mut segment, &self.agreed, offers && !bare_reset, link.departure(now));
        if segment.flags.rst() {
            segment.window = 0;
        }
        link.send(segment, now, &mut self.rng)
    }
}

/// Well above the round trip, the delayed acknowledgment and what the links may add: it fires only after a loss.
fn retransmission_timeout(links: &[Nature; 2]) -> i64 {
    const FLOOR: i64 = 250_000_000;
    let round_trip = links.iter().map(Nature::longest).fold(0, i64::saturating_add);
    FLOOR.saturating_add(round_trip.saturating_mul(2))
}

#[cfg(test)]
mod tests;
