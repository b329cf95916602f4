//! What is measured, as a list: each case is some connections, what they do before, and what they do while it is measured.

use crate::track::observations;
use crate::traffic::{Side, Traffic};
use wire::Observation;

/// A case.
#[derive(Clone, Copy, Debug)]
pub struct Case {
    /// Its name.
    pub name: &'static str,
    /// What it is.
    pub what: &'static str,
    /// Which stage takes its packets.
    pub stage: Stage,
    /// How many connections.
    connections: usize,
    /// What each does before.
    before: fn(&mut Traffic, usize),
    /// What each does while it is measured, and how often.
    measured: (fn(&mut Traffic, usize), usize),
}

/// Who takes the packets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// `wire::parse`.
    Parse,
    /// Poller, ring and merge, with the bytes of headers.
    Deliver,
    /// A shard that records so many headers a connection.
    Track(u8),
    /// Poller, ring, merge, a shard that records so many headers a connection, and the encoder of its rows.
    Whole(u8),
    /// The connections that the packets make, encoded, journalled and sealed: figures are of a connection.
    RecordConnections,
    /// Their headers: figures are of a header.
    RecordHeaders,
}

/// A whole connection of 11 packets.
fn short(traffic: &mut Traffic, connection: usize) {
    traffic.open(connection);
    traffic.ask(connection, 2);
    traffic.close(connection);
}

/// A connection that is open and has been used.
fn open_and_ask(traffic: &mut Traffic, connection: usize) {
    traffic.open(connection);
    traffic.ask(connection, 40);
}

/// The cases.
pub const CASES: &[Case] = &[
    Case {
        name: "parse",
        what: "Ethernet, IPv4, TCP with timestamps, into a segment",
        stage: Stage::Parse,
        connections: 1000,
        before: |_, _| {},
        measured: (Traffic::exchange, 10),
    },
    Case {
        name: "in_order",
        what: "segments in order and their acknowledgments, of 1000 open connections",
        stage: Stage::Track(0),
        connections: 1000,
        before: open_and_ask,
        measured: (Traffic::exchange, 20),
    },
    Case {
        name: "in_order_headers",
        what: "the same while headers are recorded",
        stage: Stage::Track(255),
        connections: 1000,
        before: open_and_ask,
        measured: (Traffic::exchange, 20),
    },
    Case {
        name: "one_way",
        what: "segments in order whose acknowledgments go another way",
        stage: Stage::Track(0),
        connections: 1000,
        before: |traffic, connection| {
            traffic.open(connection);
            (0..40).for_each(|_| traffic.data(connection, Side::Server, 100));
        },
        measured: (|traffic, connection| traffic.data(connection, Side::Server, 100), 40),
    },
    Case {
        name: "losses",
        what: "five segments, one of them lost, asked for and sent again",
        stage: Stage::Track(0),
        connections: 1000,
        before: |traffic, connection| {
            traffic.open(connection);
            traffic.ask(connection, 40);
            traffic.lose(connection);
        },
        measured: (Traffic::lose, 4),
    },
    Case {
        name: "short",
        what: "whole connections of 11 packets, from SYN to the second FIN",
        stage: Stage::Track(0),
        connections: 5000,
        before: |_, _| {},
        measured: (short, 1),
    },
    Case {
        name: "flood",
        what: "SYNs that nothing answers",
        stage: Stage::Track(0),
        connections: 50_000,
        before: |_, _| {},
        measured: (Traffic::syn, 1),
    },
    Case {
        name: "deliver",
        what: "frames from memory through poller, ring and merge",
        stage: Stage::Deliver,
        connections: 1000,
        before: |_, _| {},
        measured: (Traffic::exchange, 20),
    },
    Case {
        name: "whole",
        what: "from frames of whole connections of 11 packets to encoded rows, with headers",
        stage: Stage::Whole(100),
        connections: 5000,
        before: |_, _| {},
        measured: (short, 1),
    },
    Case {
        name: "record_connections",
        what: "rows of connections encoded, journalled and sealed",
        stage: Stage::RecordConnections,
        connections: 5000,
        before: |_, _| {},
        measured: (short, 1),
    },
    Case {
        name: "record_headers",
        what: "rows of headers encoded, journalled and sealed",
        stage: Stage::RecordHeaders,
        connections: 5000,
        before: |_, _| {},
        measured: (short, 1),
    },
];

impl Case {
    /// The case of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<&'static Self> {
        CASES.iter().find(|case| case.name == name)
    }

    /// The frames before, and those that are measured.
    #[must_use]
    pub fn frames(&self) -> [Vec<crate::traffic::Captured>; 2] {
        let mut traffic = Traffic::of(self.connections);
        (0..self.connections).for_each(|connection| (self.before)(&mut traffic, connection));
        let before = traffic.take();
        let (act, times) = self.measured;
        for _ in 0..times {
            (0..self.connections).for_each(|connection| act(&mut traffic, connection));
        }
        [before, traffic.take()]
    }

    /// The same as observations.
    #[must_use]
    pub fn observations(&self) -> [Vec<Observation>; 2] {
        self.frames().map(|frames| observations(&frames))
    }
}
