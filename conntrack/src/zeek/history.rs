//! Zeek's history letters.

use serde::{Deserialize, Serialize};
use wire::{Direction, Segment};

use super::{Roles, View};
use crate::record::History;

/// Letters of which each side writes only one, or which are repeated only when the sequence number changed.
#[derive(Clone, Copy)]
enum Once {
    Syn = 0,
    Fin = 1,
    Rst = 2,
    FinRst = 3,
    Data = 4,
    Ack = 5,
    MultiFlag = 6,
}

/// The string, and which letters were written.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Letters {
    history: History,
    /// By side, a bit a [`Once`]. Zeek does not exchange them when it exchanges the roles.
    written: [u8; 2],
}

impl Letters {
    pub(super) const fn new() -> Self {
        Self { history: History::new(), written: [0; 2] }
    }

    pub(super) const fn history(&self) -> History {
        self.history
    }

    /// Whether the letter of data, or of an acknowledgment alone, was written for a side.
    pub(super) const fn has_productive(&self, from: Direction, data: bool) -> bool {
        let once = if data { Once::Data } else { Once::Ack };
        self.written[from.index()] & 1 << once as u8 != 0
    }

    pub(super) fn push(&mut self, letter: u8) {
        self.history.push(letter);
    }

    /// Adds a letter: upper case from the originator, lower case from the responder.
    pub(super) fn push_from(&mut self, from: Direction, letter: u8) {
        self.push(if from == Direction::Orig { letter } else { letter.to_ascii_lowercase() });
    }

    /// Adds a letter the first time; returns whether it had been there before.
    fn push_once(&mut self, from: Direction, once: Once, letter: u8) -> bool {
        let bit = 1 << once as u8;
        let before = self.written[from.index()] & bit != 0;
        if !before {
            self.written[from.index()] |= bit;
            self.push_from(from, letter);
        }
        before
    }
}

impl View {
    /// Writes the letter of a segment at `position`. A connection that began with a SYN-ACK is turned around by the first data or
    /// acknowledgment, because a stealth scan elicits none; returns who sent the segment after that.
    pub(super) fn note_history(&mut self, from: Direction, segment: &Segment, position: i64) -> (Direction, Roles) {
        let flags = segment.flags;
        match (flags.syn(), flags.fin(), flags.rst()) {
            (_, true, true) => {
                self.letters.push_once(from, Once::FinRst, b'I');
            }
            (true, true, false) | (true, false, true) => {
                self.letters.push_once(from, Once::MultiFlag, b'Q');
            }
            (true, false, false) => {
                let letter = if flags.ack() { b'H' } else { b'S' };
                let last = std::mem::replace(&mut self.endpoint(from).last_syn, position);
                self.push_changed(from, Once::Syn, letter, last != position);
            }
            (false, true, false) => {
                // Zeek waits for a segment without FIN; but who sends data after a SYN-ACK is no backscatter.
                let (from, roles) = if segment.payload_len > 0 { self.settle_roles(from) } else { (from, Roles::Stay) };
                let end = position + i64::from(segment.payload_len);
                let last = std::mem::replace(&mut self.endpoint(from).last_fin, end);
                self.push_changed(from, Once::Fin, b'F', last != end);
                return (from, roles);
            }
            (false, false, true) => {
                let last = std::mem::replace(&mut self.endpoint(from).last_rst, position);
                self.push_changed(from, Once::Rst, b'R', last != position);
            }
            (false, false, false) if segment.payload_len > 0 => return self.push_productive(from, Once::Data, b'D'),
            (false, false, false) if flags.ack() => return self.push_productive(from, Once::Ack, b'A'),
            (false, false, false) => {}
        }
        (from, Roles::Stay)
    }

    /// Adds a letter the first time, and again whenever its sequence number changed.
    fn push_changed(&mut self, from: Direction, once: Once, letter: u8, changed: bool) {
        if self.letters.push_once(from, once, letter) && changed {
            self.letters.push_from(from, letter);
        }
    }

    fn push_productive(&mut self, from: Direction, once: Once, letter: u8) -> (Direction, Roles) {
        let (from, roles) = self.settle_roles(from);
        self.letters.push_once(from, once, letter);
        (from, roles)
    }

    /// Whether nothing but a SYN-ACK was seen.
    pub(crate) fn is_lone_synack(&self) -> bool {
        self.letters.history.as_bytes() == b"H"
    }

    /// Who began with a SYN-ACK and goes on is the responder. Gives who that makes the sender.
    fn settle_roles(&mut self, from: Direction) -> (Direction, Roles) {
        if !self.is_lone_synack() {
            return (from, Roles::Stay);
        }
        self.flip();
        self.letters.history = History::from_letters(b"^h");
        self.heard[Direction::Orig.index()] = true;
        (from.other(), Roles::Flipped)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_letter_is_written_once_a_side() {
        let mut letters = Letters::new();
        assert!(!letters.push_once(Direction::Orig, Once::Ack, b'A'));
        assert!(letters.push_once(Direction::Orig, Once::Ack, b'A'));
        assert!(!letters.push_once(Direction::Resp, Once::Ack, b'A'));
        assert_eq!(letters.history().as_str(), "Aa");
    }
}
