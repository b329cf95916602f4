//! Rows as the journal holds them: one after another, each behind its length (four bytes, little-endian) in postcard's format.
//!
//! The length lets the sealer put rows in order by their first fields alone, so that it decodes each once.

use conntrack::{Event, Header, Record};
use postcard::ser_flavors::Flavor;
use serde::{Deserialize, Serialize, Serializer};
use wire::{Interval, Nanos};

use crate::{Table, tcp_view::TcpView};

/// A row of the `intervals` table: a whole bin, or what came late for one that was written before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IntervalRow {
    /// The counters.
    pub interval: Interval,
    /// Connections open at the end of the bin; `None` in a row that adds to a bin that was written before.
    pub live: Option<u64>,
}

/// A row of the `headers` table: the recorded bytes and what they say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeaderRow<'a> {
    /// As it was recorded.
    pub header: Header<'a>,
    /// As far as the bytes go.
    pub tcp: TcpView,
}

/// Serialises as bytes; a plain slice would go through serde one byte at a time.
struct Bytes<'a>(&'a [u8]);

impl Serialize for Bytes<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(self.0)
    }
}

/// Appends to a buffer that is kept.
struct Append<'a>(&'a mut Vec<u8>);

impl Flavor for Append<'_> {
    type Output = ();

    fn try_push(&mut self, byte: u8) -> postcard::Result<()> {
        self.0.push(byte);
        Ok(())
    }

    fn try_extend(&mut self, bytes: &[u8]) -> postcard::Result<()> {
        self.0.extend_from_slice(bytes);
        Ok(())
    }

    fn finalize(self) -> postcard::Result<()> {
        Ok(())
    }
}

/// Bytes of a row's length.
const LENGTH: usize = size_of::<u32>();

/// Appends a row to `out`; where it cannot be encoded, `out` is as before.
pub(crate) fn encode<T: Serialize>(row: &T, out: &mut Vec<u8>) -> postcard::Result<()> {
    let before = out.len();
    out.extend_from_slice(&[0; LENGTH]);
    postcard::serialize_with_flavor(row, Append(out)).inspect_err(|_| out.truncate(before))?;
    let length = u32::try_from(out.len() - before - LENGTH).unwrap_or(u32::MAX);
    out[before..before + LENGTH].copy_from_slice(&length.to_le_bytes());
    Ok(())
}

/// The bytes of the first row, and those behind it; nothing where they break off.
fn split(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk::<LENGTH>()?;
    rest.split_at_checked(usize::try_from(u32::from_le_bytes(*length)).ok()?)
}

/// A row that takes all of `bytes`.
fn whole<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Option<T> {
    let (row, rest) = postcard::take_from_bytes(bytes).ok()?;
    rest.is_empty().then_some(row)
}

/// The first value in `bytes` that [`encode`] has written there, and the bytes after it.
pub(crate) fn decode<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Option<(T, &'a [u8])> {
    let (row, rest) = split(bytes)?;
    Some((whole(row)?, rest))
}

/// Appends a header; the layout is that of [`Header`].
pub(crate) fn encode_header(row: &Header<'_>, out: &mut Vec<u8>) -> postcard::Result<()> {
    encode(&(row.uid, row.n, row.ts, row.dir, row.wire_len, row.payload_len, Bytes(row.bytes)), out)
}

/// Where a row goes and how it sorts there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct RowKey {
    /// The instant that decides the day.
    pub ts: Nanos,
    /// Order within a file.
    pub order: (u64, u64),
}

/// Maps instants to unsigned numbers of the same order.
const fn ordered(ts: Nanos) -> u64 {
    (ts.0 as u64) ^ (1 << 63)
}

/// A row of any table, decoded; one at a time, so that its size does not matter.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "rows are decoded one at a time and never stored")]
pub(crate) enum Row<'a> {
    Connection(Record),
    Header(HeaderRow<'a>),
    Event(Event),
    Interval(IntervalRow),
}

impl<'a> Row<'a> {
    /// The first row in `bytes`, and the bytes after it; nothing where it is none of `table`.
    pub fn decode(table: Table, bytes: &'a [u8]) -> Option<(Self, &'a [u8])> {
        let (row, rest) = split(bytes)?;
        let row = match table {
            Table::Connections => Self::Connection(whole(row)?),
            Table::Headers => {
                let header: Header<'_> = whole(row)?;
                Self::Header(HeaderRow { header, tcp: TcpView::of(header.bytes) })
            }
            Table::Events => Self::Event(whole(row)?),
            Table::Intervals => Self::Interval(whole(row)?),
        };
        Some((row, rest))
    }

    /// The connection, where it is one.
    pub fn connection(self) -> Option<Record> {
        if let Self::Connection(row) = self { Some(row) } else { None }
    }

    /// The header, where it is one.
    pub fn header(self) -> Option<HeaderRow<'a>> {
        if let Self::Header(row) = self { Some(row) } else { None }
    }

    /// The event, where it is one.
    pub fn event(self) -> Option<Event> {
        if let Self::Event(row) = self { Some(row) } else { None }
    }

    /// The row of the base series, where it is one.
    pub fn interval(self) -> Option<IntervalRow> {
        if let Self::Interval(row) = self { Some(row) } else { None }
    }
}

impl RowKey {
    /// The key of the first row in `bytes`, and the bytes after it: of the row itself only its first fields are looked at.
    pub fn decode(table: Table, bytes: &[u8]) -> Option<(Self, &[u8])> {
        let (row, rest) = split(bytes)?;
        let key = match table {
            Table::Connections => {
                let ((uid, ts), _) = postcard::take_from_bytes::<(u64, Nanos)>(row).ok()?;
                Self { ts, order: (ordered(ts), uid) }
            }
            Table::Headers => {
                let ((uid, n, ts), _) = postcard::take_from_bytes::<(u64, u8, Nanos)>(row).ok()?;
                Self { ts, order: (uid, u64::from(n)) }
            }
            Table::Events => {
                let ((uid, ts), _) = postcard::take_from_bytes::<(Option<u64>, Nanos)>(row).ok()?;
                Self { ts, order: (ordered(ts), uid.unwrap_or(0)) }
            }
            Table::Intervals => {
                let (ts, _) = postcard::take_from_bytes::<Nanos>(row).ok()?;
                Self { ts, order: (ordered(ts), 0) }
            }
        };
        Some((key, rest))
    }
}
