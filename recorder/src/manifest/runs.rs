//! A campaign of several runs: one that was interrupted, or ended, and goes on.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{EndedBy, Losses, Manifest, SourceEntry, Span, State};

/// A run of the recorder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    /// How it ended.
    pub state: State,
    /// What ended it, where it ended in order.
    pub ended_by: Option<EndedBy>,
    /// When it started and ended, by its own clock; where it died, when it wrote last.
    pub wall_clock: Span,
    /// Its first and last packet.
    pub packets: Span,
}

impl Manifest {
    /// How many runs were cut short, and how many there are.
    #[must_use]
    pub fn interruptions(&self) -> (usize, usize) {
        (self.runs.iter().filter(|run| run.state == State::Interrupted).count(), self.runs.len())
    }

    /// The whole campaign, where `self` is its only run so far.
    pub(crate) fn alone(&self) -> Self {
        Self { runs: vec![self.as_run()], ..self.clone() }
    }

    /// The whole campaign, of which `self` is what earlier runs left, and `present` the run after them.
    pub(crate) fn continued(&self, present: &Self) -> Self {
        let mut whole = present.clone();
        whole.runs = self.runs.iter().cloned().chain([present.as_run()]).collect();
        whole.wall_clock.start = self.wall_clock.start.or(present.wall_clock.start);
        whole.packets = Span {
            start: self.packets.start.into_iter().chain(present.packets.start).min(),
            end: self.packets.end.max(present.packets.end),
        };
        whole.sources = join_sources(&self.sources, &present.sources);
        add(&mut whole.rows, &self.rows);
        add(&mut whole.icmp_errors, &self.icmp_errors);
        add(&mut whole.stragglers, &self.stragglers);
        whole.time_wait_evicted = self.time_wait_evicted.saturating_add(present.time_wait_evicted);
        add(&mut whole.anomalies, &self.anomalies);
        whole.abandoned_segments.extend(&self.abandoned_segments);
        whole.revision = self.revision.saturating_add(present.revision);
        whole.failovers = self.failovers.saturating_add(present.failovers);
        whole.deleted.segments = self.deleted.segments.saturating_add(present.deleted.segments);
        whole.deleted.bytes = self.deleted.bytes.saturating_add(present.deleted.bytes);
        whole.losses = self.losses.clone();
        whole.losses.add(&present.losses);
        whole.settle(present.state);
        whole
    }

    /// Whether the campaign was recorded to its end, and none of its runs was cut short: then every connection left its row, or is kept.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.state == State::Complete && self.interruptions().0 == 0
    }

    /// Takes note of where the last run stands, and with it the campaign. Which runs were cut short stands with each.
    pub(crate) fn settle(&mut self, last: State) {
        if let Some(run) = self.runs.last_mut() {
            run.state = last;
            run.wall_clock.end = self.wall_clock.end;
        }
        self.state = last;
    }

    fn as_run(&self) -> Run {
        Run { state: self.state, ended_by: self.ended_by, wall_clock: self.wall_clock, packets: self.packets }
    }
}

impl Losses {
    /// What has come to those of `before`.
    pub(crate) fn since(&self, before: &Self) -> Self {
        let rows = self
            .rows
            .iter()
            .map(|(&table, &rows)| (table, rows.saturating_sub(before.rows.get(&table).copied().unwrap_or(0))));
        Self {
            rows: rows.filter(|(_, rows)| *rows > 0).collect(),
            torn_bytes: self.torn_bytes.saturating_sub(before.torn_bytes),
            damaged_bytes: self.damaged_bytes.saturating_sub(before.damaged_bytes),
            reasons: self.reasons.iter().filter(|reason| !before.reasons.contains(reason)).cloned().collect(),
        }
    }

    /// Each loss in a sentence.
    #[must_use]
    pub fn sentences(&self) -> Vec<String> {
        let rows = self
            .rows
            .iter()
            .filter(|(_, rows)| **rows > 0)
            .map(|(table, rows)| format!("{rows} rows of table {table}"));
        let bytes =
            [(self.torn_bytes, "torn off the end of the journal"), (self.damaged_bytes, "of the journal damaged")];
        let bytes =
            bytes.into_iter().filter(|(bytes, _)| *bytes > 0).map(|(bytes, how)| format!("{bytes} bytes {how}"));
        self.reasons.iter().cloned().chain(rows).chain(bytes).collect()
    }

    /// Adds those of another run.
    fn add(&mut self, other: &Self) {
        add(&mut self.rows, &other.rows);
        self.torn_bytes = self.torn_bytes.saturating_add(other.torn_bytes);
        self.damaged_bytes = self.damaged_bytes.saturating_add(other.damaged_bytes);
        for reason in &other.reasons {
            if !self.reasons.contains(reason) {
                self.reasons.push(reason.clone());
            }
        }
    }
}

/// The sources of both runs, the present ones first; those of the same name together.
fn join_sources(earlier: &[SourceEntry], present: &[SourceEntry]) -> Vec<SourceEntry> {
    let mut joined = present.to_vec();
    for source in earlier {
        match joined.iter_mut().find(|known| known.name == source.name) {
            Some(known) => {
                known.ledger.add(&source.ledger);
                add(&mut known.device, &source.device);
            }
            None => joined.push(source.clone()),
        }
    }
    joined
}

fn add<K: Ord + Clone>(sums: &mut BTreeMap<K, u64>, others: &BTreeMap<K, u64>) {
    for (key, &count) in others {
        let sum = sums.entry(key.clone()).or_default();
        *sum = sum.saturating_add(count);
    }
}

#[cfg(test)]
mod tests {
    use wire::Nanos;

    use super::*;
    use crate::{Ledger, Software, Table};

    fn run(from: i64, to: i64, state: State) -> Manifest {
        let mut manifest = Manifest::new(Software::default(), Nanos(from));
        let ledger = Ledger { offered: 10, delivered: 10, tcp: 10, ..Ledger::default() };
        manifest.sources = vec![SourceEntry { name: "afpacket:eth0".to_owned(), ledger, ..SourceEntry::default() }];
        manifest.wall_clock.end = Some(Nanos(to));
        manifest.packets = Span { start: Some(Nanos(from + 1)), end: Some(Nanos(to - 1)) };
        manifest.rows.insert(Table::Connections, 5);
        manifest.stragglers.insert("fin".to_owned(), 3);
        manifest.time_wait_evicted = 2;
        manifest.state = state;
        manifest
    }

    #[test]
    fn runs_add_up_to_a_campaign_that_stands_where_the_last_of_them_does() {
        let both = run(0, 10, State::Complete).alone().continued(&run(20, 30, State::Complete));
        assert_eq!((both.state, both.interruptions()), (State::Complete, (0, 2)));
        assert_eq!((both.sources.len(), both.ledger().tcp, both.ledger().balance()), (1, 20, Ok(())));
        assert_eq!(both.packets, Span { start: Some(Nanos(1)), end: Some(Nanos(29)) });
        assert_eq!((both.rows(Table::Connections), both.straggling(), both.time_wait_evicted), (10, 6, 4));
        let three = both.continued(&run(40, 50, State::Interrupted)).continued(&run(60, 70, State::Complete));
        assert_eq!((three.state, three.interruptions(), three.ledger().tcp), (State::Complete, (1, 4), 40));
        assert!(both.is_whole() && !three.is_whole());
        assert_eq!(three.wall_clock, Span { start: Some(Nanos(0)), end: Some(Nanos(70)) });
    }
}
