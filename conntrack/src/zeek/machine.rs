//! Zeek's state machine of the two endpoints.

use wire::{Direction, Segment};

use super::endpoint::State;
use super::{Roles, View};

impl View {
    /// Steps the sender's state. `known` is who Zeek takes the sender for; it lags behind `from` on the segment that turns the
    /// connection around. Returns whether the roles were exchanged here.
    pub(super) fn step(&mut self, known: Direction, from: Direction, segment: &Segment) -> Roles {
        match self.endpoint(from).state() {
            State::Inactive => return self.step_inactive(known, from, segment),
            State::SynSent | State::SynAckSent => self.step_syn_sent(from, segment),
            State::Partial | State::Established => self.step_established(from, segment),
            State::Closed => self.step_closed(from, segment),
            State::Reset => {}
        }
        Roles::Stay
    }

    fn step_inactive(&mut self, known: Direction, from: Direction, segment: &Segment) -> Roles {
        let flags = segment.flags;
        let mut roles = Roles::Stay;
        let mut from = from;
        if flags.syn() {
            roles = self.first_syn(known, from, segment);
            if roles == Roles::Flipped {
                from = from.other();
            }
        }
        if flags.fin() {
            self.endpoint(from).enter(State::Closed);
            self.closed(from);
        }
        if flags.rst() {
            self.endpoint(from).enter(State::Reset);
            self.closed(from);
        }
        if self.endpoint(from).state() == State::Inactive {
            self.first_without_control(known, from, segment);
        }
        roles
    }

    fn first_syn(&mut self, known: Direction, from: Direction, segment: &Segment) -> Roles {
        let ack = segment.flags.ack();
        if known == Direction::Orig {
            self.endpoint(from).enter(if ack { State::SynAckSent } else { State::SynSent });
            return Roles::Stay;
        }
        let mut from = from;
        let mut roles = Roles::Stay;
        if !ack && self.endpoint(from.other()).state() == State::SynAckSent {
            // The capture showed the SYN-ACK before its SYN.
            self.flip();
            roles = Roles::Flipped;
            from = from.other();
            self.endpoint(from.other()).enter(State::Established);
            self.heard[Direction::Orig.index()] = true;
        }
        if self.endpoint(from.other()).state() == State::SynSent {
            self.endpoint(from.other()).enter(State::Established);
        }
        self.endpoint(from).enter(State::Established);
        roles
    }

    fn first_without_control(&mut self, known: Direction, from: Direction, segment: &Segment) {
        let answers_syn_without_syn = known == Direction::Resp
            && segment.payload_len == 0
            && self.endpoint(Direction::Orig).state() == State::SynSent;
        if answers_syn_without_syn {
            return;
        }
        if segment.flags.ack() && self.endpoint(from.other()).state() == State::Established {
            // The SYN was missed, the SYN-ACK was not.
            self.endpoint(from).enter(State::Established);
            self.partial = false;
            self.heard[known.index()] = true;
        } else {
            self.endpoint(from).enter(State::Partial);
        }
    }

    fn step_syn_sent(&mut self, from: Direction, segment: &Segment) {
        if segment.flags.fin() {
            self.endpoint(from).enter(State::Closed);
        }
        if segment.flags.rst() {
            self.endpoint(from).enter(State::Reset);
        }
        if segment.flags.fin() || segment.flags.rst() {
            self.closed(from);
        }
    }

    fn step_established(&mut self, from: Direction, segment: &Segment) {
        let flags = segment.flags;
        let unanswered_partial =
            self.endpoint(from).state() == State::Partial && self.endpoint(from.other()).state() == State::Inactive;
        if flags.syn() && !flags.ack() && unanswered_partial {
            self.endpoint(from).enter(State::SynSent);
        }
        if flags.fin() && !flags.rst() {
            self.endpoint(from).enter(State::Closed);
            let peer = self.endpoint(from.other());
            if peer.state() == State::Reset && peer.previous() == State::Closed {
                // The peer sent a FIN, then a RST: a normal end after all.
                peer.enter(State::Closed);
            }
            self.closed(from);
        }
        if flags.rst() {
            self.endpoint(from).enter(State::Reset);
            self.closed(from);
        }
    }

    fn step_closed(&mut self, from: Direction, segment: &Segment) {
        if segment.flags.rst() && self.endpoint(from.other()).state() != State::Closed {
            self.endpoint(from).enter(State::Reset);
            self.closed(from);
        }
    }

    fn closed(&mut self, side: Direction) {
        self.endpoint(side).did_close = true;
    }
}
