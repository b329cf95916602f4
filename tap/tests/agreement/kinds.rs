//! The kinds of differences, and the rows of each.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::Deserialize;

use crate::Oracle;
use crate::compared::Compared;

const PREAMBLE: &str = "\
# Every row over the data set in which the tracker and an oracle differ, under the kind of difference that docs/differences.md explains.
# A row is: capture, originator -> responder and first packet as the oracle has them (as we have them where it has no such row): columns.
# The columns are those of compare.py beside the data; only_oracle and only_tool are connections that the other does not have, and absent
# is a capture in which only the oracle has any. Held by tests/agreement: a row that differs and does not stand here makes it fail, and so
# does one that stands here and agrees. CONNTRACK_BASELINE=write takes the latter out.
";

/// The whole file.
#[derive(Debug, Deserialize)]
pub struct Kinds {
    pub kind: Vec<Kind>,
}

/// A kind of difference from an oracle.
#[derive(Debug, Deserialize)]
pub struct Kind {
    pub oracle: String,
    /// The heading of its section on the page.
    pub title: String,
    /// It is counted, but no cause was found.
    #[serde(default)]
    pub unexplained: bool,
    rows: Vec<String>,
}

impl Kind {
    /// Its rows, each with its columns.
    pub fn rows(&self) -> impl Iterator<Item = (&str, Vec<String>)> {
        self.rows.iter().map(|row| {
            let (row, columns) = row.rsplit_once(": ").expect("a row has columns");
            let mut columns: Vec<String> = columns.split(' ').map(str::to_owned).collect();
            columns.sort();
            (row, columns)
        })
    }

    /// Its rows in which this column differs.
    pub fn count(&self, column: &str) -> u64 {
        self.rows().flat_map(|(_, columns)| columns).filter(|name| name == column).count() as u64
    }

    /// How many captures it is found in.
    pub fn captures(&self) -> usize {
        self.rows().filter_map(|(row, _)| row.split(' ').next()).collect::<BTreeSet<_>>().len()
    }
}

impl Kinds {
    pub fn read(text: &str) -> Self {
        toml::from_str(text).expect("kinds of differences")
    }

    /// The kinds of differences from an oracle.
    pub fn of(&self, oracle: &str) -> impl Iterator<Item = &Kind> {
        self.kind.iter().filter(move |kind| kind.oracle == oracle)
    }

    /// Rows whose difference in a column is explained.
    pub fn explained(&self, oracle: &str, column: &str) -> u64 {
        self.of(oracle).filter(|kind| !kind.unexplained).map(|kind| kind.count(column)).sum()
    }

    /// What differs and stands nowhere, and what stands here and differs no more.
    pub fn faults(&self, oracles: &[Oracle], found: &[Compared]) -> Vec<String> {
        let mut faults = Vec::new();
        for (oracle, found) in oracles.iter().zip(found) {
            let mut listed: BTreeMap<&str, Vec<String>> = BTreeMap::new();
            for (row, columns) in self.of(oracle.name).flat_map(Kind::rows) {
                listed.entry(row).or_default().extend(columns);
            }
            let rows: BTreeSet<&str> =
                listed.keys().copied().chain(found.differing.keys().map(String::as_str)).collect();
            for row in rows {
                let mut known = listed.remove(row).unwrap_or_default();
                for column in found.differing.get(row).into_iter().flatten() {
                    match known.iter().position(|name| name == column) {
                        Some(at) => drop(known.swap_remove(at)),
                        None => faults.push(format!("{}: not explained: {row}: {column}", oracle.name)),
                    }
                }
                faults.extend(known.iter().map(|column| format!("{}: differs no more: {row}: {column}", oracle.name)));
            }
        }
        faults
    }

    /// Takes out what differs no more.
    pub fn forget_what_agrees(&mut self, oracles: &[Oracle], found: &[Compared]) {
        for kind in &mut self.kind {
            let at = oracles.iter().position(|oracle| oracle.name == kind.oracle).expect("an oracle");
            let differing = &found[at].differing;
            let kept = kind.rows().filter_map(|(row, mut columns)| {
                let differs = differing.get(row)?;
                columns.retain(|column| differs.contains(column));
                (!columns.is_empty()).then(|| format!("{row}: {}", columns.join(" ")))
            });
            kind.rows = kept.collect();
        }
        self.kind.retain(|kind| !kind.rows.is_empty());
    }
}

impl fmt::Display for Kinds {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{PREAMBLE}")?;
        for kind in &self.kind {
            writeln!(out, "\n[[kind]]\noracle = {:?}\ntitle = {:?}", kind.oracle, kind.title)?;
            if kind.unexplained {
                writeln!(out, "unexplained = true")?;
            }
            writeln!(out, "rows = [")?;
            for row in &kind.rows {
                writeln!(out, "    {row:?},")?;
            }
            writeln!(out, "]")?;
        }
        Ok(())
    }
}
