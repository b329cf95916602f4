//! A row of the `events` table, and what it can say.

use std::fmt;

use serde::{Deserialize, Serialize};
use wire::{Direction, Family, IcmpCode, Nanos};

use crate::Anomaly;
use crate::names::names;
use crate::record::TcpState;

/// Something that happened: a row of the `events` table. Those of the appliance itself have no `uid`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// The connection, if it happened in one.
    pub uid: Option<u64>,
    /// When.
    pub ts: Nanos,
    /// Whose packet it is about; of a change of state whose state it is.
    pub dir: Option<Direction>,
    /// What.
    pub detail: Detail,
}

/// What happened, with its particulars. Its text, as the `detail` column has it, is `name=value` pairs, except where a sentence says
/// more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Detail {
    /// An endpoint changed its state.
    State {
        /// Before.
        from: TcpState,
        /// Afterwards.
        to: TcpState,
    },
    /// An anomaly, the first of its name in the connection.
    Anomaly(Anomaly),
    /// The first RST of the connection that lay in the window, but not where RFC 5961 demands.
    RstSuspect,
    /// An ICMP or ICMPv6 error about a segment.
    Icmp {
        /// IPv4: ICMP; IPv6: ICMPv6.
        family: Family,
        /// Type and code.
        code: IcmpCode,
        /// Whether the segment can have been under way, by its sequence number (RFC 5927, 4.1); if not, the error is late or forged.
        in_flight: bool,
    },
    /// The campaign began.
    Started,
    /// The campaign ended: by what.
    Stopped(String),
    /// Packets, records or headers were lost: a sentence.
    Lost(String),
    /// A source's clock stepped back: a sentence.
    ClockStep(String),
}

impl Detail {
    /// The kind.
    #[must_use]
    pub const fn kind(&self) -> EventKind {
        match self {
            Self::State { .. } => EventKind::State,
            Self::Anomaly(_) => EventKind::Anomaly,
            Self::RstSuspect => EventKind::RstSuspect,
            Self::Icmp { .. } => EventKind::Icmp,
            Self::Started => EventKind::Started,
            Self::Stopped(_) => EventKind::Stopped,
            Self::Lost(_) => EventKind::Lost,
            Self::ClockStep(_) => EventKind::ClockStep,
        }
    }
}

impl fmt::Display for Detail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::State { from, to } => write!(f, "from={from} to={to}"),
            Self::Anomaly(anomaly) => write!(f, "name={}", anomaly.as_str()),
            Self::Icmp { family, code, in_flight } => {
                let name = code.name(*family);
                write!(f, "type={} code={} name={name} in_flight={in_flight}", code.kind(), code.code)
            }
            Self::RstSuspect | Self::Started => Ok(()),
            Self::Stopped(sentence) | Self::Lost(sentence) | Self::ClockStep(sentence) => f.write_str(sentence),
        }
    }
}

names! {
    /// The kinds of [`Event`].
    EventKind {
        /// An endpoint changed its state.
        State = "state",
        /// An anomaly, the first of its name in the connection.
        Anomaly = "anomaly",
        /// The first RST that may be forged.
        RstSuspect = "rst_suspect",
        /// An ICMP or ICMPv6 error about the connection.
        Icmp = "icmp",
        /// The campaign began.
        Started = "started",
        /// The campaign ended.
        Stopped = "stopped",
        /// Packets, records or headers were lost.
        Lost = "lost",
        /// A source's clock stepped back.
        ClockStep = "clock_step",
    }
}
