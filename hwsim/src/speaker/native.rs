//! Our own TCP: a speaker that does what RFC 9293 says, and some of what it says not to.

use wire::{Nanos, TcpFlags, Timestamps};

use super::ecn::Ecn;
use super::port::Port;
use super::profile::{Agreed, Profile};
use super::receiver::{Demand, Receiver};
use super::segment::{Cause, Offer, Segment};
use super::sender::{Chunk, Sender, Timeout};
use super::timers::Samples;

const ACK: TcpFlags = TcpFlags::ACK;
const SYN: TcpFlags = TcpFlags::SYN;
const RST: TcpFlags = TcpFlags::RST;

/// How far a speaker is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// Waits for a SYN and will answer it.
    Listening,
    /// Answers a SYN with a reset.
    Refusing,
    /// Answers a SYN-ACK with a reset, as a scanner's host does that knows of no such connection.
    Scanning,
    /// Hears and says nothing.
    Deaf,
    /// Has sent a SYN.
    SynSent,
    /// Has answered a SYN.
    SynReceived,
    /// The handshake is complete, as far as it knows.
    Open,
    /// Has no such connection any more: answers all but resets with a reset.
    Gone,
}

/// A speaker.
#[derive(Debug)]
pub(super) struct Native {
    profile: Profile,
    state: State,
    sender: Sender,
    receiver: Receiver,
    ecn: Ecn,
    agreed: Agreed,
    /// What it still owes the segment that has arrived last.
    owed: Demand,
    /// The data of a SYN was accepted (RFC 7413): it may answer before the handshake is complete.
    fast_open: bool,
    /// It accepts such data.
    accepts_syn_data: bool,
    packets: u16,
}

impl Native {
    pub(super) fn new(profile: Profile, state: State) -> Self {
        Self {
            profile,
            state,
            sender: Sender::new(profile.rto_floor),
            receiver: Receiver::new(profile.window),
            ecn: Ecn::default(),
            agreed: Agreed::default(),
            owed: Demand::Nothing,
            fast_open: false,
            accepts_syn_data: false,
            packets: 0,
        }
    }

    pub(super) const fn isn(&self) -> u32 {
        self.profile.isn
    }

    pub(super) const fn samples(&self) -> Samples {
        self.sender.samples()
    }

    /// Gives up after so many retries.
    pub(super) const fn give_up_after(&mut self, retries: u8) {
        self.sender.give_up_after(retries);
    }

    /// Will accept the data of a SYN.
    pub(super) const fn accept_syn_data(&mut self) {
        self.accepts_syn_data = true;
    }

    /// Whether its application can exchange data.
    pub(super) fn is_open(&self) -> bool {
        self.state == State::Open || (self.state == State::SynReceived && self.fast_open)
    }

    /// Whether it has no such connection, or no host.
    pub(super) fn is_gone(&self) -> bool {
        matches!(self.state, State::Gone | State::Deaf)
    }

    /// The position up to which its application has read, the peer's FIN included.
    pub(super) fn read(&self) -> u64 {
        self.receiver.read()
    }

    /// Whether its application has read all that the peer had to say.
    pub(super) fn peer_has_closed(&self) -> bool {
        self.receiver.is_finished() && self.receiver.read() == self.receiver.next
    }

    pub(super) const fn is_closing(&self) -> bool {
        self.sender.is_closing()
    }

    /// When one of its timers fires.
    pub(super) fn wakes_at(&self) -> Nanos {
        self.sender.timer.min(self.receiver.timer)
    }

    /// A timer has fired.
    pub(super) fn wake(&mut self, now: Nanos, port: &mut Port<'_>) {
        if self.receiver.timer <= now {
            self.send_ack(now, port);
        }
        if self.sender.timer > now {
            return;
        }
        match (self.sender.time_out(), self.state) {
            (Timeout::GiveUp, _) => self.enter(State::Gone),
            (Timeout::Again, State::SynSent | State::SynReceived | State::Scanning) => {
                self.send_syn(Cause::Syn, now, port);
            }
            (Timeout::Again, _) => {
                self.transmit(now, port);
            }
            (Timeout::Probe, _) => {
                let probe = self.sender.probe(self.profile.probes_with_byte, now);
                let segment =
                    Segment { seq: probe.seq, len: probe.len, flags: ACK, cause: probe.cause, ..Segment::default() };
                self.send(segment, now, port);
            }
        }
    }

    /// Sends its SYN, with a cookie and what is written where one is given.
    pub(super) fn connect(&mut self, cookie: Option<[u8; 8]>, now: Nanos, port: &mut Port<'_>) {
        // Who opens remembers what it has offered.
        self.profile.syn_cookies = false;
        let len = if cookie.is_some() { self.sender.syn_data() } else { 0 };
        let offer = Offer { cookie, ..self.profile.offer() };
        let flags = if self.profile.ecn { SYN.with(Ecn::offer(false)) } else { SYN };
        if self.state != State::Scanning {
            self.state = State::SynSent;
        }
        let departure = self.send(Segment { flags, len, offer: Some(offer), ..Segment::default() }, now, port);
        self.sender.syn(departure);
        self.sender.sent(1, departure);
    }

    /// Its application writes; gives the position after what it has written.
    pub(super) const fn write(&mut self, bytes: u64) -> u64 {
        self.sender.write(bytes)
    }

    /// Its application closes.
    pub(super) const fn close(&mut self) {
        self.sender.close();
    }

    /// Its application stops reading, or goes on: then it tells the peer of the room.
    pub(super) fn set_reading(&mut self, reads: bool, now: Nanos, port: &mut Port<'_>) {
        let room = self.receiver.room();
        self.receiver.set_reading(reads);
        let opened = self.receiver.room() - room.min(self.receiver.room());
        // RFC 9293, 3.8.6.2.2: not for a little.
        if opened >= u32::from(self.agreed.payload) && self.is_open() {
            self.send_ack(now, port);
        }
    }

    /// Asks whether the peer is alive.
    pub(super) fn keep_alive(&mut self, now: Nanos, port: &mut Port<'_>) {
        let seq = self.sender.position() - 1;
        let len = u16::from(self.profile.probes_with_byte);
        self.send(Segment { seq, len, flags: ACK, cause: Cause::KeepAlive, ..Segment::default() }, now, port);
    }

    /// Its application resets the connection.
    pub(super) fn reset(&mut self, now: Nanos, port: &mut Port<'_>) {
        let seq = self.sender.furthest();
        let flags = if self.state == State::SynSent { RST } else { RST.with(ACK) };
        self.enter(State::Gone);
        self.send_reset(seq, flags, now, port);
    }

    /// Its host forgets the connection, or, deaf, is gone itself.
    pub(super) fn enter(&mut self, state: State) {
        self.state = state;
        self.owed = Demand::Nothing;
        self.sender.stop();
        self.receiver.acknowledged();
    }

    /// A segment has arrived.
    pub(super) fn receive(&mut self, segment: &Segment, now: Nanos, port: &mut Port<'_>) {
        let flags = segment.flags;
        match self.state {
            State::Deaf => {}
            State::Gone => self.turn_away(segment, now, port),
            _ if flags.rst() => self.be_reset(segment, now, port),
            State::Refusing => {
                self.receiver.open(0);
                self.receiver.next = segment.end();
                self.send_reset(0, RST.with(ACK), now, port);
            }
            State::Scanning => {
                self.enter(State::Gone);
                self.send_reset(segment.ack, RST, now, port);
            }
            State::Listening if flags.syn() => {
                self.greet(segment, now);
                self.state = State::SynReceived;
                self.send_syn(Cause::New, now, port);
            }
            State::Listening => {}
            State::SynSent if flags.syn() && !flags.ack() => {
                // A simultaneous open (RFC 9293, 3.5).
                self.greet(segment, now);
                self.state = State::SynReceived;
                self.send_syn(Cause::New, now, port);
            }
            State::SynSent if !flags.syn() => {}
            State::SynSent => {
                self.greet(segment, now);
                self.establish(segment, now);
                self.send_ack(now, port);
            }
            State::SynReceived if flags.syn() && !flags.ack() => self.send_syn(Cause::Syn, now, port),
            State::SynReceived if !flags.ack() => {}
            State::SynReceived => {
                self.establish(segment, now);
                if flags.syn() { self.send_ack(now, port) } else { self.converse(segment, now, port) }
            }
            State::Open if flags.syn() => self.send_ack(now, port),
            State::Open => self.converse(segment, now, port),
        }
    }

    /// Sends what it may, and the acknowledgment that it owes unless data carries it. A patient one, who knows that data or a FIN
    /// follow at once, waits with a bare one.
    pub(super) fn flush(&mut self, patient: bool, now: Nanos, port: &mut Port<'_>) {
        let owed = std::mem::replace(&mut self.owed, Demand::Nothing);
        if self.transmit(now, port) || owed != Demand::Now {
            return;
        }
        if patient { self.receiver.delay(now) } else { self.send_ack(now, port) }
    }

    /// The peer speaks of a connection that this host does not know.
    fn turn_away(&mut self, segment: &Segment, now: Nanos, port: &mut Port<'_>) {
        if !segment.flags.rst() && segment.flags.ack() {
            self.send_reset(segment.ack, RST, now, port);
        }
    }

    /// A reset has arrived: an exact one ends the connection, one within the window is challenged (RFC 5961, 3.2).
    fn be_reset(&mut self, segment: &Segment, now: Nanos, port: &mut Port<'_>) {
        let next = self.receiver.next;
        let edge = next + u64::from(self.receiver.room());
        match self.state {
            State::Open | State::SynReceived if segment.seq == next => self.enter(State::Gone),
            State::Open | State::SynReceived if (next..edge).contains(&segment.seq) => self.send_ack(now, port),
            State::Open | State::SynReceived | State::Listening | State::Refusing => {}
            _ => self.enter(State::Gone),
        }
    }

    /// Takes note of the peer's SYN, and of its data where that is accepted.
    fn greet(&mut self, syn: &Segment, now: Nanos) {
        let offer = syn.offer.unwrap_or_default();
        let echo = syn.timestamps.map_or(0, |timestamps| timestamps.value);
        self.receiver.open(echo);
        let forgets = self.profile.syn_cookies && !syn.flags.ack();
        self.ecn.negotiate(syn.flags, self.profile.ecn && !forgets);
        if forgets {
            self.profile = Profile { wscale: None, timestamps: false, sack: false, ..self.profile };
        }
        self.agreed = Agreed::with(&self.profile, &offer, syn.timestamps.is_some());
        self.sender.agree(self.agreed.payload, self.agreed.sack);
        self.sender.grant(1, u64::from(syn.window));
        if self.accepts_syn_data && syn.len > 0 {
            self.receiver.take(&Segment { timestamps: None, ..*syn }, now);
            self.receiver.acknowledged();
            self.fast_open = true;
        }
    }

    /// The peer has acknowledged this speaker's SYN.
    fn establish(&mut self, segment: &Segment, now: Nanos) {
        let refused = segment.ack < self.sender.position();
        self.state = State::Open;
        self.sender.open(segment.ack, now);
        self.sender.grant(segment.ack, self.granted_by(segment));
        if refused && segment.flags.syn() {
            self.sender.syn_data_refused();
        }
    }

    /// A segment on an open connection: acknowledgment, data, FIN.
    fn converse(&mut self, segment: &Segment, now: Nanos, port: &mut Port<'_>) {
        if self.ecn.received(segment) && self.sender.marked() {
            self.ecn.reduce();
        }
        let bare = segment.seq == segment.end() && segment.seq >= self.receiver.next;
        self.sender.acknowledged(segment, self.granted_by(segment), bare, now);
        let was_finished = self.receiver.is_finished();
        let demand = self.receiver.take(segment, now);
        let finishes = self.receiver.is_finished() && !was_finished;
        match demand {
            Demand::Alone => self.send_ack(now, port),
            _ if finishes => self.owed = Demand::Now,
            other => self.owed = other,
        }
    }

    /// The window that a segment of the peer grants, in bytes.
    fn granted_by(&self, segment: &Segment) -> u64 {
        let (_, scale) = self.agreed.scales.filter(|_| !segment.flags.syn()).unwrap_or((0, 0));
        u64::from(segment.window) << scale
    }

    fn window_field(&self, syn: bool) -> u16 {
        let (scale, _) = self.agreed.scales.filter(|_| !syn).unwrap_or((0, 0));
        (self.receiver.room() >> scale).min(u32::from(u16::MAX)) as u16
    }

    fn send_reset(&mut self, seq: u64, flags: TcpFlags, now: Nanos, port: &mut Port<'_>) {
        self.send(Segment { seq, flags, ..Segment::default() }, now, port);
    }

    /// SYN or SYN-ACK.
    fn send_syn(&mut self, cause: Cause, now: Nanos, port: &mut Port<'_>) {
        let answers = self.state == State::SynReceived;
        let mut flags = if answers { SYN.with(ACK) } else { SYN };
        let mut offer = self.profile.offer();
        if answers {
            offer.wscale = offer.wscale.filter(|_| self.agreed.scales.is_some());
            offer.sack = self.agreed.sack;
            if self.ecn.is_agreed() && cause == Cause::New {
                flags = flags.with(Ecn::offer(true));
            }
        }
        let departure = self.send(Segment { flags, offer: Some(offer), cause, ..Segment::default() }, now, port);
        self.sender.syn(departure);
        if answers && self.profile.syn_cookies {
            // Who keeps no memory sends nothing again.
            self.sender.stop();
        }
    }

    fn send_ack(&mut self, now: Nanos, port: &mut Port<'_>) {
        let sack = if self.agreed.sack { self.receiver.sack() } else { Default::default() };
        let seq = self.sender.position();
        self.send(Segment { seq, flags: ACK, sack, ..Segment::default() }, now, port);
    }

    /// Sends what the windows allow; whether that was anything.
    fn transmit(&mut self, now: Nanos, port: &mut Port<'_>) -> bool {
        if !self.is_open() {
            return false;
        }
        let mut any = false;
        while let Some(chunk) = self.sender.next() {
            self.send_chunk(chunk, now, port);
            any = true;
        }
        self.sender.rest(now);
        any
    }

    fn send_chunk(&mut self, chunk: Chunk, now: Nanos, port: &mut Port<'_>) {
        let mut flags = ACK;
        if chunk.push {
            flags = flags.with(TcpFlags::PSH);
        }
        if chunk.fin {
            flags = flags.with(TcpFlags::FIN);
        }
        let segment = Segment { seq: chunk.seq, len: chunk.len, flags, cause: chunk.cause, ..Segment::default() };
        let departure = self.send(segment, now, port);
        self.sender.sent(chunk.seq, departure);
    }

    /// Fills in what every segment of this speaker carries, and puts it on its way; gives the instant at which it has left.
    fn send(&mut self, mut segment: Segment, now: Nanos, port: &mut Port<'_>) -> Nanos {
        let flags = segment.flags;
        let opens = flags.syn() && !flags.ack();
        let bare_reset = flags.rst() && (!flags.ack() || self.state == State::Refusing);
        segment.ip_id = self.profile.ip_id.wrapping_add(self.packets);
        self.packets = self.packets.wrapping_add(1);
        segment.window = if flags.rst() { 0 } else { self.window_field(flags.syn()) };
        if (if opens { self.profile.timestamps } else { self.agreed.timestamps }) && !bare_reset {
            let value = self.profile.clock.wrapping_add((port.departure(now).0 / 1_000_000) as u32);
            segment.timestamps = Some(Timestamps { value, echo: if flags.ack() { self.receiver.echo } else { 0 } });
        }
        if flags.ack() {
            segment.ack = self.receiver.next;
            self.receiver.acknowledged();
        }
        self.ecn.stamp(&mut segment);
        port.send(segment, now)
    }
}
