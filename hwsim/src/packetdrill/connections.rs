//! Which connection a segment belongs to, and what its numbers count from.

use std::collections::BTreeMap;

use wire::{SeqNum, TcpFlags};

use super::Side;
use super::settings::Settings;

/// Local port, remote port.
type Ports = [u16; 2];

/// The connections of a script, as far as their segments do not say it themselves.
#[derive(Debug, Default)]
pub(super) struct Connections {
    /// A call made a socket: the next SYN opens another connection.
    socket: bool,
    /// How many were opened so.
    sockets: u16,
    /// The ports of segments that name none.
    ports: Option<Ports>,
    /// The initial sequence numbers, local and remote, by ports.
    isns: BTreeMap<Ports, Isns>,
}

/// What the numbers of both sides count from. A side that has not sent a SYN counts from 0.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Isns([Option<SeqNum>; 2]);

impl Isns {
    /// Where the numbers of `side` begin.
    pub(super) fn of(self, side: Side) -> SeqNum {
        self.0[side as usize].unwrap_or(SeqNum(0))
    }
}

impl Connections {
    /// A socket was made.
    pub(super) const fn made_socket(&mut self) {
        self.socket = true;
    }

    /// The ports, local and remote, of a segment with these flags; `written` are source and destination as the line has them.
    pub(super) fn ports(&mut self, by: Side, flags: TcpFlags, written: Option<[u16; 2]>, settings: &Settings) -> Ports {
        if let Some([source, destination]) = written {
            return if by == Side::Local { [source, destination] } else { [destination, source] };
        }
        let opens = flags.syn() && !flags.ack();
        let another = opens && self.socket && self.ports.is_some();
        self.socket &= !opens;
        match self.ports {
            Some(ports) if !another => ports,
            _ => {
                self.sockets += u16::from(another);
                let answers = flags.syn() && flags.ack();
                let client = if answers { by.other() } else { by };
                *self.ports.insert(settings.ports(client, self.sockets))
            }
        }
    }

    /// The ports, local and remote, that a message about a segment means; `by` sends it.
    pub(super) fn ports_of_message(&mut self, by: Side, settings: &Settings) -> Ports {
        *self.ports.get_or_insert_with(|| settings.ports(by.other(), 0))
    }

    /// What the numbers of a connection count from.
    pub(super) fn isns(&self, ports: Ports) -> Isns {
        self.isns.get(&ports).copied().unwrap_or_default()
    }

    /// A side sent a SYN with this number: the first one counts.
    pub(super) fn note_syn(&mut self, ports: Ports, by: Side, seq: SeqNum) {
        self.isns.entry(ports).or_default().0[by as usize].get_or_insert(seq);
    }
}
