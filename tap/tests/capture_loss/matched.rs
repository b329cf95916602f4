//! Which rows are about which connection of the truth, and what is wrong without a mark.

use std::collections::BTreeMap;

use crate::support::{Row, number, truth};

/// A connection of the truth, and what was reported of it.
pub struct Pair {
    pub truth: Row,
    pub rows: Vec<Row>,
}

/// A truth beside a campaign.
pub struct Matched {
    pub pairs: Vec<Pair>,
    /// Rows that are about no connection of the truth.
    unknown: Vec<Row>,
}

/// The two ends in an order that does not depend on who is the originator.
fn tuple(row: &Row) -> [String; 2] {
    let mut ends = [("orig_h", "orig_p"), ("resp_h", "resp_p")].map(|(h, p)| format!("{} {}", row[h], row[p]));
    ends.sort();
    ends
}

/// An instant in ns.
fn instant(row: &Row, column: &str) -> i64 {
    let (seconds, nanos) = row[column].split_once('.').expect("nine digits");
    seconds.parse::<i64>().expect("seconds") * 1_000_000_000 + nanos.parse::<i64>().expect("nanoseconds")
}

/// Finds for every row the connection it is about: that of its tuple in whose life it begins. Lives on the same tuple follow each other.
pub fn matched(truth: Vec<Row>, rows: Vec<Row>) -> Matched {
    let mut pairs: Vec<Pair> = truth.into_iter().map(|truth| Pair { truth, rows: Vec::new() }).collect();
    let mut by_tuple: BTreeMap<[String; 2], Vec<usize>> = BTreeMap::new();
    for (at, pair) in pairs.iter().enumerate() {
        by_tuple.entry(tuple(&pair.truth)).or_default().push(at);
    }
    let mut unknown = Vec::new();
    for row in rows {
        let ts = instant(&row, "ts");
        let begins_in = |pair: &Pair| (instant(&pair.truth, "ts")..=instant(&pair.truth, "last_ts")).contains(&ts);
        let lives = by_tuple.get(&tuple(&row)).map_or(&[][..], Vec::as_slice);
        match lives.iter().find(|at| begins_in(&pairs[**at])) {
            Some(&at) => pairs[at].rows.push(row),
            None => unknown.push(row),
        }
    }
    Matched { pairs, unknown }
}

/// Whether the row says that the capture may have lost some of its packets.
pub fn is_marked(row: &Row) -> bool {
    row["lost_capture"] == "true"
}

impl Matched {
    /// What is wrong and not marked. A connection without a row is none of it if nothing of it was captured, and otherwise has gone into
    /// another of its tuple, which then is wrong.
    pub fn silent(&self) -> Vec<String> {
        let unknown = self.unknown.iter().filter(|row| !is_marked(row));
        let unknown = unknown.map(|row| format!("{} {:?}: reported, but never was", row["ts"], tuple(row)));
        self.pairs.iter().flat_map(Pair::silent).chain(unknown).collect()
    }
}

impl Pair {
    /// The only row that is about it.
    pub fn row(&self) -> Option<&Row> {
        match self.rows.as_slice() {
            [row] => Some(row),
            _ => None,
        }
    }

    /// Whether one row says everything as it was.
    pub fn agrees(&self) -> bool {
        self.row().is_some_and(|row| truth::differences(&self.truth, row).is_empty())
    }

    fn silent(&self) -> Vec<String> {
        let called = format!("{} {:?}", self.truth["ts"], tuple(&self.truth));
        let unmarked = self.rows.iter().filter(|row| !is_marked(row));
        match self.rows.len() {
            0 => Vec::new(),
            1 => {
                let wrong = unmarked.flat_map(|row| truth::differences(&self.truth, row));
                wrong.map(|difference| format!("{called}: {difference}")).collect()
            }
            rows if unmarked.count() > 0 && !self.is_refused_anew() => vec![format!("{called}: {rows} rows")],
            _ => Vec::new(),
        }
    }

    /// Whether its rows are those of a refusal that was lost behind the tap: the SYN came again, and was refused again. Its speakers know of
    /// one connection, and who stands between them of as many as were refused.
    fn is_refused_anew(&self) -> bool {
        let packets = |row: &Row| number(row, "orig_pkts") + number(row, "resp_pkts");
        self.truth["conn_state"] == "REJ"
            && self.rows.iter().all(|row| row["conn_state"] == "REJ")
            && self.rows.iter().map(packets).sum::<u64>() == packets(&self.truth)
    }
}
