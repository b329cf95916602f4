//! What leaves a shard.

use serde::{Deserialize, Serialize};
use wire::{Direction, Interval, Nanos};

use crate::Record;

/// Takes what a shard produces, in the order in which it happens.
pub trait Sink {
    /// A connection closed, or an interim view of one that goes on.
    fn record(&mut self, record: Record);
    /// One of the first headers of a connection.
    fn header(&mut self, header: Header<'_>);
    /// Something that happened in a connection.
    fn event(&mut self, event: Event);
    /// What a bin of time held, in addition to all that was said of the same bin before.
    fn interval(&mut self, interval: Interval);
}

/// One recorded header: a row of the `headers` table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header<'a> {
    /// The connection.
    pub uid: u64,
    /// 0-based, in order of arrival.
    pub n: u8,
    /// When it was captured.
    pub ts: Nanos,
    /// Who sent it.
    pub dir: Direction,
    /// Bytes of the IP datagram on the wire.
    pub wire_len: u32,
    /// Bytes of payload on the wire.
    pub payload_len: u32,
    /// IP and TCP headers with options, as captured.
    #[serde(borrow)]
    pub bytes: &'a [u8],
}

/// Something that happened: a row of the `events` table. Those of the appliance itself have no `uid`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// The connection, if it happened in one.
    pub uid: Option<u64>,
    /// When.
    pub ts: Nanos,
    /// Whose packet made it happen.
    pub dir: Option<Direction>,
    /// What.
    pub kind: EventKind,
    /// The particulars, for people.
    pub detail: String,
}

/// The kinds of [`Event`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum EventKind {
    /// The campaign began.
    Started,
    /// The campaign ended.
    Stopped,
    /// Packets, records or headers were lost.
    Lost,
    /// A source's clock stepped back.
    ClockStep,
}

impl EventKind {
    /// The kind as it stands in the `kind` column.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Started => "started",
            Self::Stopped => "stopped",
            Self::Lost => "lost",
            Self::ClockStep => "clock_step",
        }
    }
}
