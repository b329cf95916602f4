//! Rows as the journal holds them: one after another in postcard's format, which delimits itself.

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

/// Appends a row to `out`; where it cannot be encoded, `out` is as before.
pub(crate) fn encode<T: Serialize>(row: &T, out: &mut Vec<u8>) -> postcard::Result<()> {
    let before = out.len();
    postcard::serialize_with_flavor(row, Append(out)).inspect_err(|_| out.truncate(before))
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
    /// The first row in `bytes`, and the bytes after it.
    pub fn decode(table: Table, bytes: &'a [u8]) -> postcard::Result<(Self, &'a [u8])> {
        Ok(match table {
            Table::Connections => {
                let (record, rest) = postcard::take_from_bytes(bytes)?;
                (Self::Connection(record), rest)
            }
            Table::Headers => {
                let (header, rest) = postcard::take_from_bytes::<Header<'_>>(bytes)?;
                (Self::Header(HeaderRow { header, tcp: TcpView::of(header.bytes) }), rest)
            }
            Table::Events => {
                let (event, rest) = postcard::take_from_bytes(bytes)?;
                (Self::Event(event), rest)
            }
            Table::Intervals => {
                let (interval, rest) = postcard::take_from_bytes(bytes)?;
                (Self::Interval(interval), rest)
            }
        })
    }

    /// The day and the order of the row in a sealed file.
    pub const fn key(&self) -> RowKey {
        match self {
            Self::Connection(row) => RowKey { ts: row.ts, order: (ordered(row.ts), row.uid) },
            Self::Header(row) => RowKey { ts: row.header.ts, order: (row.header.uid, row.header.n as u64) },
            Self::Event(row) => {
                RowKey { ts: row.ts, order: (ordered(row.ts), if let Some(uid) = row.uid { uid } else { 0 }) }
            }
            Self::Interval(row) => RowKey { ts: row.interval.ts, order: (ordered(row.interval.ts), 0) },
        }
    }
}
