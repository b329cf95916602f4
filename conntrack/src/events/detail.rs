//! A row of the `events` table, and what it can say.

use std::fmt;

use serde::{Deserialize, Serialize};
use wire::{Direction, Family, IcmpCode, Nanos};

use super::loss::LossPattern;
use crate::Anomaly;
use crate::measures::SegmentClass;
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
    /// A segment that its sender sent again, or that came late for no reason that is known.
    Retransmission {
        /// Why.
        class: SegmentClass,
        /// Payload, bytes.
        bytes: u32,
    },
    /// A segment that another one overtook.
    Reordering {
        /// Payload, bytes.
        bytes: u32,
    },
    /// Losses near each other in the stream, told when no more can join them; the instant is that of the first repair.
    Loss {
        /// How they came.
        pattern: LossPattern,
        /// Segments sent again because of them.
        segments: u32,
        /// From the first repair to the last, ns.
        span: i64,
    },
    /// The endpoint closed its window.
    WindowClosed,
    /// The endpoint opened its window.
    WindowOpened {
        /// How long it was closed, ns.
        after: i64,
    },
    /// The round-trip time from the tap to the peer and back moved to another level.
    RttShift {
        /// Mean before, ns.
        from: i64,
        /// Mean since, ns.
        to: i64,
    },
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
    /// The campaign began, or went on: a sentence, empty of the beginning.
    Started(String),
    /// The campaign ended: by what.
    Stopped(String),
    /// Packets, records or headers were lost: a sentence.
    Lost(String),
    /// A source's clock stepped back, or that of the host stepped: a sentence.
    ClockStep(String),
    /// Rows go to another directory, or back: a sentence.
    Failover(String),
    /// Sealed files were deleted to make room: a sentence.
    Deleted(String),
    /// The configuration is another one from here on: a sentence.
    ConfigChanged(String),
}

impl Detail {
    /// That of an abnormal segment; duplicates that the network or the capture made, keep-alives and probes are only counted.
    pub(crate) const fn of_class(class: SegmentClass, bytes: u32) -> Option<Self> {
        match class {
            SegmentClass::FastRetransmission
            | SegmentClass::TimeoutRetransmission
            | SegmentClass::UnnecessaryRetransmission
            | SegmentClass::Unknown => Some(Self::Retransmission { class, bytes }),
            SegmentClass::Reordered => Some(Self::Reordering { bytes }),
            SegmentClass::CaptureDuplicate
            | SegmentClass::NetworkDuplicate
            | SegmentClass::KeepAlive
            | SegmentClass::ZeroWindowProbe
            | SegmentClass::OldDuplicate => None,
        }
    }

    /// Whether a connection can have as many of these as segments.
    pub(crate) const fn is_of_a_segment(&self) -> bool {
        matches!(self, Self::Retransmission { .. } | Self::Reordering { .. })
    }

    /// The kind.
    #[must_use]
    pub const fn kind(&self) -> EventKind {
        match self {
            Self::State { .. } => EventKind::State,
            Self::Anomaly(_) => EventKind::Anomaly,
            Self::Retransmission { .. } => EventKind::Retransmission,
            Self::Reordering { .. } => EventKind::Reordering,
            Self::Loss { .. } => EventKind::Loss,
            Self::WindowClosed | Self::WindowOpened { .. } => EventKind::ZeroWindow,
            Self::RttShift { .. } => EventKind::RttShift,
            Self::RstSuspect => EventKind::RstSuspect,
            Self::Icmp { .. } => EventKind::Icmp,
            Self::Started(_) => EventKind::Started,
            Self::Stopped(_) => EventKind::Stopped,
            Self::Lost(_) => EventKind::Lost,
            Self::ClockStep(_) => EventKind::ClockStep,
            Self::Failover(_) => EventKind::Failover,
            Self::Deleted(_) => EventKind::Deleted,
            Self::ConfigChanged(_) => EventKind::ConfigChanged,
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
            Self::Retransmission { class, bytes } => write!(f, "class={class} bytes={bytes}"),
            Self::Reordering { bytes } => write!(f, "bytes={bytes}"),
            Self::Loss { pattern, segments, span } => {
                write!(f, "pattern={pattern} segments={segments} span={}", Seconds(*span))
            }
            Self::WindowClosed => f.write_str("window=closed"),
            Self::WindowOpened { after } => write!(f, "window=opened after={}", Seconds(*after)),
            Self::RttShift { from, to } => write!(f, "from={} to={}", Seconds(*from), Seconds(*to)),
            Self::RstSuspect => Ok(()),
            Self::Started(sentence)
            | Self::Stopped(sentence)
            | Self::Lost(sentence)
            | Self::ClockStep(sentence)
            | Self::Failover(sentence)
            | Self::Deleted(sentence)
            | Self::ConfigChanged(sentence) => f.write_str(sentence),
        }
    }
}

/// Nanoseconds as decimal seconds.
struct Seconds(i64);

impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let nanos = self.0.unsigned_abs();
        write!(f, "{sign}{}.{:09}", nanos / 1_000_000_000, nanos % 1_000_000_000)
    }
}

names! {
    /// The kinds of [`Event`].
    EventKind {
        /// An endpoint changed its state.
        State = "state",
        /// An anomaly, the first of its name in the connection.
        Anomaly = "anomaly",
        /// A segment that was sent again, with its class: `rtx_fast`, `rtx_timeout` or `rtx_unnecessary`; or one that came late for no
        /// reason that is known, `unknown_anomaly`. The columns of these names count them.
        Retransmission = "retransmission",
        /// A segment that another one overtook.
        Reordering = "reordering",
        /// Losses with fewer than 16 segments' worth of bytes between them (Gmin of RFC 3611, 4.7.2), as retransmissions show them:
        /// isolated (one), burst (several), or persistent (a retransmission was lost too, so that the timer backed off: RFC 6298, 5.5). It
        /// is told when the receiver has acknowledged so much more that none can join; its instant is the first retransmission, span the
        /// time to the last.
        Loss = "loss",
        /// The endpoint closed its receive window, or opened it again after so many seconds (RFC 9293, 3.8.6.1).
        ZeroWindow = "zero_window",
        /// The round-trip time between the tap and the peer of the endpoint moved, from one mean to another, seconds: a two-sided CUSUM
        /// (Page 1954) of the smallest of every four samples, by their distance from the mean of the first sixteen of these values, in
        /// standard deviations; slack 0.75, threshold 12, a value counting at most 4; the deviation is taken for at least a twentieth of
        /// the mean, and 50 us. The first 32 samples of a connection are left out.
        RttShift = "rtt_shift",
        /// The first RST that may be forged.
        RstSuspect = "rst_suspect",
        /// An ICMP or ICMPv6 error about the connection.
        Icmp = "icmp",
        /// The campaign began, or a further run of it.
        Started = "started",
        /// The campaign ended.
        Stopped = "stopped",
        /// Packets, records or headers were lost.
        Lost = "lost",
        /// A source's clock stepped back, or that of the host stepped.
        ClockStep = "clock_step",
        /// Rows go to another directory from here on, because the one before failed, or back to it.
        Failover = "failover",
        /// Sealed files were deleted, oldest first, to make room.
        Deleted = "deleted",
        /// The configuration is another one from here on.
        ConfigChanged = "config_changed",
    }
}
