//! What leaves a shard.

use serde::{Deserialize, Serialize};
use wire::{Direction, Interval, Nanos};

use crate::{Event, Record};

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
