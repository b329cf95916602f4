//! The two TCPs that can speak, behind one surface.

use wire::Nanos;

use super::native::{Native, State};
use super::port::Port;
use super::profile::{Profile, Stack};
use super::segment::Segment;
use super::smol::Smol;
use super::timers::Samples;

/// A speaker of either kind.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "nearly all speakers are ours: in place they cost no allocation")]
pub(super) enum Speaker {
    /// Ours.
    Native(Native),
    /// smoltcp.
    Smol(Box<Smol>),
}

/// Calls the method of the same name on either kind.
macro_rules! either {
    ($speaker:expr, $one:ident => $call:expr) => {
        match $speaker {
            Self::Native($one) => $call,
            Self::Smol($one) => $call,
        }
    };
}

impl Speaker {
    /// A speaker that begins in `state`. Only our own can begin as something else than an originator or a responder.
    pub(super) fn new(profile: Profile, state: State) -> Self {
        match (profile.stack, state) {
            (Stack::Smoltcp, State::SynSent | State::Listening) => {
                Self::Smol(Box::new(Smol::new(&profile, state == State::Listening)))
            }
            _ => Self::Native(Native::new(profile, state)),
        }
    }

    pub(super) fn isn(&self) -> u32 {
        either!(self, speaker => speaker.isn())
    }

    /// The round trips that it has measured; smoltcp keeps its own to itself.
    pub(super) fn samples(&self) -> Samples {
        match self {
            Self::Native(native) => native.samples(),
            Self::Smol(_) => Samples::NONE,
        }
    }

    /// Gives up after so many retries; smoltcp does after a time of its own.
    pub(super) const fn give_up_after(&mut self, retries: u8) {
        if let Self::Native(native) = self {
            native.give_up_after(retries);
        }
    }

    /// Will accept the data of a SYN; smoltcp cannot.
    pub(super) const fn accept_syn_data(&mut self) {
        if let Self::Native(native) = self {
            native.accept_syn_data();
        }
    }

    /// Whether its application can exchange data.
    pub(super) fn is_open(&self) -> bool {
        either!(self, speaker => speaker.is_open())
    }

    /// Whether it has no such connection, or no host.
    pub(super) fn is_gone(&self) -> bool {
        either!(self, speaker => speaker.is_gone())
    }

    /// The position up to which its application has read, the peer's FIN included.
    pub(super) fn read(&self) -> u64 {
        either!(self, speaker => speaker.read())
    }

    /// Whether its application has read all that the peer had to say.
    pub(super) fn peer_has_closed(&self) -> bool {
        either!(self, speaker => speaker.peer_has_closed())
    }

    pub(super) fn is_closing(&self) -> bool {
        either!(self, speaker => speaker.is_closing())
    }

    /// When one of its timers fires.
    pub(super) fn wakes_at(&self) -> Nanos {
        either!(self, speaker => speaker.wakes_at())
    }

    /// A timer has fired.
    pub(super) fn wake(&mut self, now: Nanos, port: &mut Port<'_>) {
        either!(self, speaker => speaker.wake(now, port));
    }

    /// Sends its SYN, with a cookie and what is written where one is given.
    pub(super) fn connect(&mut self, cookie: Option<[u8; 8]>, now: Nanos, port: &mut Port<'_>) {
        match self {
            Self::Native(native) => native.connect(cookie, now, port),
            Self::Smol(smol) => smol.connect(now, port),
        }
    }

    /// Its application writes; gives the position after what it has written.
    pub(super) fn write(&mut self, bytes: u64) -> u64 {
        either!(self, speaker => speaker.write(bytes))
    }

    /// Its application closes.
    pub(super) fn close(&mut self) {
        either!(self, speaker => speaker.close());
    }

    /// Its application stops reading, or goes on.
    pub(super) fn set_reading(&mut self, reads: bool, now: Nanos, port: &mut Port<'_>) {
        either!(self, speaker => speaker.set_reading(reads, now, port));
    }

    /// Asks whether the peer is alive; smoltcp does so only of its own accord.
    pub(super) fn keep_alive(&mut self, now: Nanos, port: &mut Port<'_>) {
        if let Self::Native(native) = self {
            native.keep_alive(now, port);
        }
    }

    /// Its application resets the connection.
    pub(super) fn reset(&mut self, now: Nanos, port: &mut Port<'_>) {
        either!(self, speaker => speaker.reset(now, port));
    }

    /// Its host vanishes.
    pub(super) fn vanish(&mut self) {
        match self {
            Self::Native(native) => native.enter(State::Deaf),
            Self::Smol(smol) => smol.vanish(),
        }
    }

    /// Its host forgets the connection; smoltcp's cannot, and vanishes.
    pub(super) fn forget(&mut self) {
        match self {
            Self::Native(native) => native.enter(State::Gone),
            Self::Smol(smol) => smol.vanish(),
        }
    }

    /// A segment has arrived.
    pub(super) fn receive(&mut self, segment: &Segment, now: Nanos, port: &mut Port<'_>) {
        either!(self, speaker => speaker.receive(segment, now, port));
    }

    /// Sends what it may, and what it owes. A patient one of ours waits with a bare acknowledgment.
    pub(super) fn flush(&mut self, patient: bool, now: Nanos, port: &mut Port<'_>) {
        match self {
            Self::Native(native) => native.flush(patient, now, port),
            Self::Smol(smol) => smol.flush(now, port),
        }
    }
}
