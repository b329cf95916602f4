//! How far the reading of a table has come, on a terminal: a line on standard error that is written over, and goes away at the end.

use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant};

use recorder::Table;

use crate::text::{count, duration};

/// Not more often than people can read.
const PAUSE: Duration = Duration::from_millis(250);

/// The line about one table.
#[derive(Debug)]
pub struct Progress {
    table: Table,
    /// Rows that the manifest tells of; more may have come since.
    expected: u64,
    clock: Option<Clock>,
}

#[derive(Debug)]
struct Clock {
    begun: Instant,
    shown: Instant,
    is_shown: bool,
}

#[expect(clippy::disallowed_methods, reason = "people wait by the wall clock")]
fn now() -> Instant {
    Instant::now()
}

impl Progress {
    /// Of a table that has about so many rows. Where nobody looks, or `--quiet` was said, it says nothing.
    #[must_use]
    pub fn new(table: Table, expected: u64) -> Self {
        let is_seen = io::stderr().is_terminal() && tracing::enabled!(tracing::Level::WARN);
        let clock = is_seen.then(|| Clock { begun: now(), shown: now(), is_shown: false });
        Self { table, expected, clock }
    }

    /// So many rows were read.
    pub fn show(&mut self, rows: u64) {
        let Some(clock) = &mut self.clock else { return };
        if clock.shown.elapsed() < PAUSE {
            return;
        }
        clock.shown = now();
        clock.is_shown = true;
        let line = line(self.table, rows, self.expected, clock.begun.elapsed());
        // Nothing depends on it.
        let _ = write!(io::stderr(), "\r{line}\x1b[K");
    }

    /// Takes the line away, so that a message can stand there.
    pub fn clear(&mut self) {
        if let Some(clock) = self.clock.as_mut().filter(|clock| clock.is_shown) {
            clock.is_shown = false;
            let _ = write!(io::stderr(), "\r\x1b[K");
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.clear();
    }
}

/// Rows, their share of all, and how long the others will take at that pace.
fn line(table: Table, rows: u64, expected: u64, elapsed: Duration) -> String {
    let read = format!("reading {table}: {}", count(rows));
    if rows == 0 || rows > expected {
        return format!("{read} rows");
    }
    let left = elapsed.as_secs_f64() * (expected - rows) as f64 / rows as f64;
    let percent = 100.0 * rows as f64 / expected as f64;
    format!(
        "{read} of {} rows ({percent:.0} %), {} left",
        count(expected),
        duration(left.ceil()).replace(".0 ", " ").replace(".00", "")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_follows_from_the_pace_so_far() {
        let second = Duration::from_secs(1);
        assert_eq!(line(Table::Events, 250, 1000, second), "reading events: 250 of 1,000 rows (25 %), 3 s left");
        assert_eq!(line(Table::Events, 1000, 1000, second), "reading events: 1,000 of 1,000 rows (100 %), 0 s left");
        assert_eq!(
            line(Table::Headers, 2000, 1000, second),
            "reading headers: 2,000 rows",
            "the manifest lags \
            behind"
        );
        assert_eq!(line(Table::Headers, 0, 0, second), "reading headers: 0 rows");
    }
}
