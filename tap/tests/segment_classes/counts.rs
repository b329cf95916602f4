//! What programs count for each direction of a tuple, and how far that is from the truth.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::support::{self, Row};

/// A direction: address and port of its sender, then of its receiver. Connections that follow each other on a tuple count together,
/// because programs part them differently.
pub type Direction = [String; 4];

/// Something that is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Count {
    /// Segments with payload that their sender sent again.
    Again,
    /// Segments that a later one overtook.
    Reordered,
    /// Copies that the network or the capture made.
    Copies,
    /// Keep-alives.
    KeepAlives,
    /// Zero-window probes, with a byte or without.
    Probes,
}

impl Count {
    /// Each.
    pub const ALL: [Self; 5] = [Self::Again, Self::Reordered, Self::Copies, Self::KeepAlives, Self::Probes];

    /// In words.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Again => "sent again",
            Self::Reordered => "overtaken",
            Self::Copies => "copies",
            Self::KeepAlives => "keep-alives",
            Self::Probes => "zero-window probes",
        }
    }
}

/// What was counted. What a program has no word for is not there.
#[derive(Debug, Default)]
pub struct Counted {
    pub knows: Vec<Count>,
    pub of: BTreeMap<(Direction, Count), u64>,
}

impl Counted {
    /// Adds to a count.
    pub fn add(&mut self, direction: &Direction, count: Count, more: u64) {
        if more > 0 {
            *self.of.entry((direction.clone(), count)).or_default() += more;
        }
    }
}

/// The direction of an endpoint in a row of connections: `orig` or `resp`.
pub fn direction(row: &Row, side: &str) -> Direction {
    let peer = if side == "orig" { "resp" } else { "orig" };
    [(side, "h"), (side, "p"), (peer, "h"), (peer, "p")].map(|(end, what)| row[&format!("{end}_{what}")].clone())
}

/// What the speakers and the links know.
pub fn truth(connections: &Path) -> Counted {
    let mut counted = Counted { knows: Count::ALL.to_vec(), ..Counted::default() };
    let mut reader = csv::Reader::from_path(connections).expect("the truth");
    for row in reader.deserialize().map(|row| row.expect("CSV")) {
        of_row(&mut counted, &row, |count| match count {
            Count::Again => &["rtx_fast", "rtx_timeout", "rtx_syn_data"],
            Count::Reordered => &["reordered"],
            Count::Copies => &["dup_network", "dup_capture"],
            Count::KeepAlives => &["keepalives"],
            Count::Probes => &["zero_window_probes"],
        });
    }
    counted
}

/// Adds the columns of a row, by what they count.
pub fn of_row(counted: &mut Counted, row: &Row, columns: impl Fn(Count) -> &'static [&'static str]) {
    for side in ["orig", "resp"] {
        for count in Count::ALL {
            let sum = columns(count).iter().map(|column| support::number(row, &format!("{side}_{column}"))).sum();
            counted.add(&direction(row, side), count, sum);
        }
    }
}

/// Sums over all directions: of what is true, and of the distances of our program, tshark and tcptrace from it.
#[derive(Debug, Default)]
pub struct Counts {
    pub truth: BTreeMap<Count, u64>,
    pub distances: BTreeMap<Count, [Option<u64>; 3]>,
}

impl Counts {
    /// Takes in a capture.
    pub fn add(&mut self, truth: &Counted, programs: [&Counted; 3]) {
        for count in Count::ALL {
            let sum: u64 = truth.of.iter().filter(|((_, of), _)| *of == count).map(|(_, n)| n).sum();
            *self.truth.entry(count).or_default() += sum;
            let so_far = self.distances.entry(count).or_insert([Some(0); 3]);
            for (program, total) in programs.into_iter().zip(so_far) {
                let knows = program.knows.contains(&count);
                *total = total.filter(|_| knows).map(|total| total + distance(truth, program, count));
            }
        }
    }

    /// Where another program is nearer to the truth than ours.
    pub fn farther(&self) -> impl Iterator<Item = String> {
        self.distances.iter().filter_map(|(count, [ours, others @ ..])| {
            let nearest = others.iter().flatten().min()?;
            (ours.as_ref()? > nearest).then(|| format!("{}: ours {ours:?}, others {others:?}", count.name()))
        })
    }
}

/// The differences of all directions, whichever way, added up.
fn distance(truth: &Counted, program: &Counted, count: Count) -> u64 {
    let keys: BTreeSet<_> = truth.of.keys().chain(program.of.keys()).filter(|(_, of)| *of == count).collect();
    let of = |counted: &Counted, key| counted.of.get(key).copied().unwrap_or(0);
    keys.into_iter().map(|key| of(truth, key).abs_diff(of(program, key))).sum()
}
