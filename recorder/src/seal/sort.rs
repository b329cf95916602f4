//! A segment's rows of one table, by day and in order.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Datelike, NaiveDate};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use wire::Nanos;

use crate::Table;
use crate::journal::{Frame, unpack};
use crate::rows::{Row, RowKey};

/// More days than this in one segment are no clock.
const MOST_DAYS: usize = 366;

/// The day of a row, UTC: a directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Partition {
    /// Days since 1970-01-01.
    Day(i32),
    /// Rows of a segment with too many days.
    Other,
}

/// What Hive calls a partition without a value.
const OTHER: &str = "__HIVE_DEFAULT_PARTITION__";

impl Partition {
    /// The day of an instant.
    pub const fn of(ts: Nanos) -> Self {
        // 292 years either way fit easily.
        Self::Day(ts.0.div_euclid(86_400 * Nanos::PER_SECOND) as i32)
    }

    /// Name of the directory.
    pub fn directory(self) -> String {
        format!("date={self}")
    }
}

impl fmt::Display for Partition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let date = match *self {
            Self::Day(day) => DateTime::from_timestamp(i64::from(day) * 86_400, 0),
            Self::Other => None,
        };
        match date {
            Some(date) => write!(f, "{}", date.format("%Y-%m-%d")),
            None => f.write_str(OTHER),
        }
    }
}

impl FromStr for Partition {
    type Err = chrono::ParseError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == OTHER {
            return Ok(Self::Other);
        }
        let date = NaiveDate::parse_from_str(text, "%Y-%m-%d")?;
        Ok(Self::Day(date.num_days_from_ce() - NaiveDate::default().num_days_from_ce()))
    }
}

impl Serialize for Partition {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Partition {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// Where a row lies and how it sorts. Rows alike stay in the order in which they came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Entry {
    day: Partition,
    order: (u64, u64),
    at: u32,
}

/// Encoded rows of one table.
pub(crate) struct Rows {
    table: Table,
    bytes: Vec<u8>,
    entries: Vec<Entry>,
}

impl Rows {
    /// None.
    pub fn new(table: Table) -> Self {
        Self { table, bytes: Vec::new(), entries: Vec::new() }
    }

    /// Whose rows.
    pub const fn table(&self) -> Table {
        self.table
    }

    /// Adds a frame's rows; `false`, and nothing added, where they are not what its header says.
    pub fn add_frame(&mut self, frame: &Frame, payload: &[u8]) -> bool {
        let (bytes, entries) = (self.bytes.len(), self.entries.len());
        let whole = unpack(frame, payload, &mut self.bytes)
            && self.index_from(bytes)
            && self.entries.len() - entries == frame.rows as usize;
        if !whole {
            self.bytes.truncate(bytes);
            self.entries.truncate(entries);
        }
        whole
    }

    /// Adds one encoded row.
    pub fn add(&mut self, row: &[u8]) {
        let at = self.bytes.len();
        self.bytes.extend_from_slice(row);
        self.index_from(at);
    }

    /// Makes entries for the rows from `at` on; `false` where they break off.
    fn index_from(&mut self, mut at: usize) -> bool {
        while at < self.bytes.len() {
            let Some((key, rest)) = RowKey::decode(self.table, &self.bytes[at..]) else { return false };
            let Ok(offset) = u32::try_from(at) else { return false };
            let next = self.bytes.len() - rest.len();
            self.entries.push(Entry { day: Partition::of(key.ts), order: key.order, at: offset });
            at = next;
        }
        true
    }

    /// The rows of each day, in order.
    pub fn days(&mut self) -> impl Iterator<Item = (Partition, Day<'_>)> {
        self.entries.sort_unstable();
        let last_day = self.entries.chunk_by(|a, b| a.day == b.day).nth(MOST_DAYS - 1).map(|day| day[0].day);
        if let Some(last_day) = last_day {
            let rest = self.entries.partition_point(|entry| entry.day <= last_day);
            self.entries[rest..].iter_mut().for_each(|entry| entry.day = Partition::Other);
            self.entries[rest..].sort_unstable();
        }
        let (table, bytes) = (self.table, &self.bytes);
        self.entries.chunk_by(|a, b| a.day == b.day).map(move |entries| (entries[0].day, Day { table, bytes, entries }))
    }
}

/// Rows of one table and day, in order.
#[derive(Clone, Copy)]
pub(crate) struct Day<'a> {
    table: Table,
    bytes: &'a [u8],
    entries: &'a [Entry],
}

impl<'a> Day<'a> {
    /// How many rows there are.
    pub const fn len(self) -> u64 {
        self.entries.len() as u64
    }

    /// The rows. One whose checksum holds and that is none all the same, which only another program can have written, is left out.
    pub fn rows(self) -> impl Iterator<Item = Row<'a>> {
        self.entries.iter().filter_map(move |entry| {
            let row = self.bytes.get(entry.at as usize..)?;
            Row::decode(self.table, row).map(|(row, _)| row)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_begins_at_midnight_utc_also_before_1970() {
        let names: Vec<String> = [0, 86_400_000_000_000 - 1, 86_400_000_000_000, -1, i64::MIN, i64::MAX]
            .into_iter()
            .map(|ts| Partition::of(Nanos(ts)).directory())
            .collect();
        let expected = [
            "date=1970-01-01",
            "date=1970-01-01",
            "date=1970-01-02",
            "date=1969-12-31",
            "date=1677-09-21",
            "date=2262-04-11",
        ];
        assert_eq!(names, expected);
    }

    #[test]
    fn a_day_reads_back_and_nothing_else_passes_for_one() {
        for day in [Partition::Day(0), Partition::Day(-1), Partition::Day(20_000), Partition::Other] {
            assert_eq!(day.to_string().parse(), Ok(day));
        }
        assert!("../../etc".parse::<Partition>().is_err());
    }
}
