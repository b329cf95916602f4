//! What can be said of a single segment, and how often it is true.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use crate::support::Row;

/// A segment, by when it passed and who sent it (address, port): no two pass at the same nanosecond.
pub type Place = (String, String, String);

/// Something that a program says of a segment, and that can be true or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Claim {
    /// Its sender sent it again.
    Again,
    /// Because it was asked to: after duplicate acknowledgments, or by what SACK reported.
    Fast,
    /// Because its timer fired.
    Timeout,
    /// Although the receiver had it.
    Unnecessary,
    /// A later one overtook it.
    Reordered,
}

impl Claim {
    /// Each.
    pub const ALL: [Self; 5] = [Self::Again, Self::Fast, Self::Timeout, Self::Unnecessary, Self::Reordered];

    /// In words.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Again => "sent again",
            Self::Fast => "fast",
            Self::Timeout => "on timeout",
            Self::Unnecessary => "unnecessarily",
            Self::Reordered => "overtaken",
        }
    }

    /// Whether it tells why a segment was sent again.
    const fn is_reason(self) -> bool {
        matches!(self, Self::Fast | Self::Timeout | Self::Unnecessary)
    }
}

/// What was said of a segment: in words, and as claims.
#[derive(Clone, Debug, Default)]
pub struct Label {
    pub text: String,
    pub claims: Vec<Claim>,
}

/// What was said of segments; nothing of all others.
pub type Labels = HashMap<Place, Label>;

/// What is true of the segments with payload of which there is something to say.
pub fn truth(segments: &Path) -> Labels {
    let mut reader = csv::Reader::from_path(segments).expect("the truth");
    let rows = reader.deserialize().map(|row| row.expect("CSV"));
    rows.filter(|row: &Row| row["len"] != "0").map(|row| (place(&row), label(&row))).collect()
}

fn place(row: &Row) -> Place {
    let side = &row["dir"];
    (row["ts"].clone(), row[&format!("{side}_h")].clone(), row[&format!("{side}_p")].clone())
}

fn label(row: &Row) -> Label {
    if !row["copied_by"].is_empty() {
        return Label { text: "copied".to_owned(), claims: Vec::new() };
    }
    let mut claims = Vec::new();
    let text = match row["cause"].as_str() {
        "fast" => {
            claims.extend([Claim::Again, Claim::Fast]);
            "sent again fast"
        }
        "timeout" => {
            claims.extend([Claim::Again, Claim::Timeout]);
            "sent again on timeout"
        }
        "syn_data" => {
            claims.push(Claim::Again);
            "data of a SYN, sent again"
        }
        "probe" => "zero-window probe",
        "keepalive" => "keep-alive",
        _ => "new",
    };
    let mut text = text.to_owned();
    if !claims.is_empty() && row["unnecessary"] == "true" {
        claims.push(Claim::Unnecessary);
        text.push_str(", unnecessarily");
    }
    if row["reordered"] == "true" {
        claims.push(Claim::Reordered);
        text.push_str(", overtaken");
    }
    Label { text, claims }
}

/// How often a program was right with a claim.
#[derive(Clone, Copy, Debug, Default)]
pub struct Score {
    /// It said so, and it is so.
    pub right: u64,
    /// It said so, and it is not so.
    pub wrong: u64,
    /// It is so, but it did not say it, nor another reason that is true as well.
    pub missed: u64,
}

impl Score {
    /// Segments of which it did not tell the truth.
    pub const fn distance(&self) -> u64 {
        self.wrong + self.missed
    }

    /// Takes in what a program said of a capture.
    pub fn add(&mut self, claim: Claim, truth: &Labels, said: &Labels) {
        let none = Label::default();
        let has = |labels: &Labels, place: &Place| labels.get(place).is_some_and(|label| label.claims.contains(&claim));
        self.wrong += said.keys().filter(|place| has(said, place) && !has(truth, place)).count() as u64;
        for (place, label) in truth.iter().filter(|(_, label)| label.claims.contains(&claim)) {
            let said = said.get(place).unwrap_or(&none);
            let excused = |other: &Claim| claim.is_reason() && other.is_reason() && label.claims.contains(other);
            if said.claims.contains(&claim) {
                self.right += 1;
            } else if !said.claims.iter().any(excused) {
                self.missed += 1;
            }
        }
    }
}

/// How often what was true of a segment met what we called it.
#[derive(Debug, Default)]
pub struct Confusion(pub BTreeMap<(String, String), u64>);

impl Confusion {
    /// Takes in a capture. Segments that are neither remarkable in truth nor called anything are left out.
    pub fn add(&mut self, truth: &Labels, said: &Labels) {
        const NOTHING: &str = "—";
        let text = |labels: &Labels, place: &Place, otherwise: &str| {
            labels.get(place).map_or_else(|| otherwise.to_owned(), |label| label.text.clone())
        };
        for place in truth.keys() {
            *self.0.entry((text(truth, place, ""), text(said, place, NOTHING))).or_default() += 1;
        }
        for place in said.keys().filter(|place| !truth.contains_key(*place)) {
            *self.0.entry(("sent once".to_owned(), text(said, place, ""))).or_default() += 1;
        }
    }
}
