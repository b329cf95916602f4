//! The bins that stand out most, and the connection that can have filled each (after Sarvotham, Riedi and Baraniuk 2001).
//!
//! No table has a connection's bytes by bin. What a connection adds to a bin is therefore taken as if it had sent evenly from its first packet to its last:
//! exact for one that lies within the bin, a guess for longer ones, and said so.

use std::cmp::Reverse;
use std::ops::ControlFlow;

use recorder::{Campaign, Table};
use serde::Serialize;

use crate::ReportError;
use crate::cell::Column;
use crate::input::{Skipped, each_batch};
use crate::summary::Instant;

/// How many bins are looked at closely.
const MOST: usize = 20;

const COLUMNS: [&str; 10] =
    ["final", "uid", "ts", "last_ts", "orig_h", "orig_p", "resp_h", "resp_p", "orig_ip_bytes", "resp_ip_bytes"];

/// A bin of alpha traffic.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AlphaBin {
    /// When it began.
    pub ts: Instant,
    /// IP bytes in it.
    pub bytes: u64,
    /// The connection that would have the most of it, had all sent evenly; nothing where no row lies there.
    pub connection: Option<Dominant>,
    /// Its length, ns.
    #[serde(skip)]
    length: i64,
}

/// The connection with the largest part of a bin.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Dominant {
    /// Its number.
    pub uid: u64,
    /// Its endpoints, originator first.
    pub ends: String,
    /// Its IP bytes in the bin, had it sent evenly.
    pub even_bytes: f64,
    /// Those as a share of the bin; over 1 where it sent less than its mean just then.
    pub even_share: f64,
}

/// The bins that stand out most, so far.
#[derive(Debug, Default)]
pub struct GatherAlpha {
    bins: Vec<AlphaBin>,
}

impl GatherAlpha {
    /// Adds a bin of `length` ns.
    pub fn add(&mut self, ts: i64, length: i64, bytes: f64) {
        self.bins.push(AlphaBin { ts: Instant(ts), bytes: bytes as u64, connection: None, length });
        if self.bins.len() > 2 * MOST {
            self.shorten();
        }
    }

    /// The bins in order of time, each with the connection that can have filled it.
    ///
    /// # Errors
    /// [`ReportError`] for a campaign of a make that cannot be taken apart.
    pub fn finish(mut self, campaign: &Campaign) -> Result<Vec<AlphaBin>, ReportError> {
        self.shorten();
        self.bins.sort_by_key(|bin| bin.ts);
        if self.bins.is_empty() {
            return Ok(self.bins);
        }
        // What cannot be read was told of by the pass before.
        each_batch(campaign, Table::Connections, &COLUMNS, &mut Skipped::default(), &mut |batch| {
            let columns = Column::all(batch)?;
            for row in (0..batch.num_rows()).filter(|&row| columns[0].cell(row).is_true()) {
                let number = |at: usize| columns[at].cell(row).unsigned().unwrap_or(0);
                let (Some(first), Some(last)) = (columns[2].cell(row).instant(), columns[3].cell(row).instant()) else {
                    continue;
                };
                let bytes = number(8).saturating_add(number(9)) as f64;
                let text = |at: usize| columns[at].cell(row).text().unwrap_or_default();
                let who = || (number(1), format!("{} {} > {} {}", text(4), number(5), text(6), number(7)));
                self.bins.iter_mut().for_each(|bin| bin.offer(first, last, bytes, &who));
            }
            Ok(ControlFlow::Continue(()))
        })?;
        Ok(self.bins)
    }

    fn shorten(&mut self) {
        self.bins.sort_by_key(|bin| (Reverse(bin.bytes), bin.ts));
        self.bins.truncate(MOST);
    }
}

impl AlphaBin {
    /// Takes a connection for the one with the most of the bin, if it has; equals by number.
    fn offer(&mut self, first: i64, last: i64, bytes: f64, who: &dyn Fn() -> (u64, String)) {
        let end = self.ts.0.saturating_add(self.length);
        if last < self.ts.0 || first >= end {
            return;
        }
        let within = last.min(end).saturating_sub(first.max(self.ts.0)) as f64;
        let length = last.saturating_sub(first) as f64;
        let even_bytes = if length > 0.0 { bytes * within / length } else { bytes };
        let most = self.connection.as_ref().map_or(0.0, |dominant| dominant.even_bytes);
        if even_bytes < most || even_bytes <= 0.0 {
            return;
        }
        let (uid, ends) = who();
        if even_bytes == most && self.connection.as_ref().is_some_and(|dominant| dominant.uid < uid) {
            return;
        }
        self.connection =
            Some(Dominant { uid, ends, even_bytes, even_share: even_bytes / (self.bytes as f64).max(1.0) });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_lies_within_the_bin_counts_whole_and_who_is_longer_by_its_part() {
        let mut bin = AlphaBin { ts: Instant(1000), bytes: 1000, connection: None, length: 100 };
        let who = |uid: u64| move || (uid, String::new());
        bin.offer(1010, 1020, 400.0, &who(3));
        bin.offer(1000, 2000, 3000.0, &who(2));
        bin.offer(0, 999, 9999.0, &who(1));
        bin.offer(1100, 1200, 9999.0, &who(1));
        let found = bin.connection.clone().unwrap();
        assert_eq!((found.uid, found.even_bytes, found.even_share), (3, 400.0, 0.4));
        bin.offer(1050, 1050, 400.0, &who(2));
        assert_eq!(bin.connection.unwrap().uid, 2, "equals by number, whatever the order");
    }

    #[test]
    fn only_the_largest_bins_are_kept() {
        let mut gather = GatherAlpha::default();
        (0..1000_i64).for_each(|n| gather.add(n, 1, ((n * 7919) % 1000) as f64));
        gather.shorten();
        assert_eq!(gather.bins.len(), MOST);
        assert!(gather.bins.iter().all(|bin| bin.bytes >= 980), "{:?}", gather.bins);
    }
}
