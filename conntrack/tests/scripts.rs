//! Situations, each a script in packetdrill's notation with the rows that it must give.
//!
//! A script lies in `tests/scripts/CHAPTER/NAME.pkt`. Comments of these forms are for the tests:
//! ```text
//! // rule: the sentence that the situation shows
//! // expect: column = value
//! // expect 2: column = value
//! // event: seconds direction kind particulars
//! // config: setting = value
//! // end: seconds
//! ```
//! `expect` is about the first connection, `expect N` about the N-th, in the order of their first packets; there must be as many rows as
//! it names. Columns and values are those of the `connections` table, an instant in seconds since the script began, a duration in
//! seconds, a missing value as `-`. `rows` counts the rows of a connection, interim ones included, and `connections` all final ones
//! where not each of them is described. Where events are expected, they are all that there may be, in this order; `4: ` and `6: ` before
//! one tell that it is expected over that version of IP alone. The campaign ends with the last packet, or at `end`.
//!
//! What is expected follows from the rules (RFC 9293, RFC 5961, RFC 6191, RFC 7323), not from what the tracker said when the script was
//! written.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking, its helpers too")]

mod situations;

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use situations::Situation;
use wire::Family;

/// The chapters, in the order of a connection's life, with their headings.
const CHAPTERS: [(&str, &str); 6] = [
    ("opening", "Opening"),
    ("windows", "Windows"),
    ("closing", "Closing"),
    ("counting", "Counting"),
    ("events", "Events"),
    ("conntrack", "Where nf_conntrack once erred"),
];

fn directory(chapter: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scripts").join(chapter)
}

/// The situations of a chapter, by name.
fn situations(chapter: &str) -> Vec<Situation> {
    let mut paths: Vec<PathBuf> =
        fs::read_dir(directory(chapter)).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths.iter().map(|path| Situation::read(path)).collect()
}

fn check(chapter: &str) {
    let mut faults = String::new();
    for situation in situations(chapter) {
        for family in [Family::V4, Family::V6] {
            for fault in situation.faults(family) {
                writeln!(faults, "{chapter}/{}.pkt: {fault}", situation.name).unwrap();
            }
        }
    }
    assert!(faults.is_empty(), "\n{faults}");
}

#[test]
fn every_opening_gives_the_rows_that_it_must() {
    check("opening");
}

#[test]
fn every_window_gives_the_rows_that_it_must() {
    check("windows");
}

#[test]
fn every_closing_gives_the_rows_that_it_must() {
    check("closing");
}

#[test]
fn every_count_is_what_the_script_says() {
    check("counting");
}

#[test]
fn everything_is_told_that_the_script_says_and_nothing_else() {
    check("events");
}

#[test]
fn the_situations_in_which_nf_conntrack_once_erred_give_the_rows_that_they_must() {
    check("conntrack");
}

/// The index of all situations, as committed in `docs/situations.md`. To accept a change, run the test with `ACCEPT=1`.
#[test]
fn the_index_lists_every_rule_with_its_script_and_what_is_said() {
    let mut index = String::from(
        "# Situations\n\n\
         Each row is a rule, a script that shows it, and what the tracker says of it. The scripts are in packetdrill's notation\n\
         (`conntrack-sim script FILE.pkt -o FILE.pcap` makes captures of them); the tests compare every value, over IPv4 and IPv6.\n\
         Where a script shows several connections, a number tells which of them a value is about.\n\n\
         This file is generated: `ACCEPT=1 cargo test -p conntrack --test scripts`.\n",
    );
    for (chapter, heading) in CHAPTERS {
        write!(index, "\n## {heading}\n\n| rule | script | what we say |\n| --- | --- | --- |\n").unwrap();
        for situation in situations(chapter) {
            let name = &situation.name;
            let link = format!("[{name}](../conntrack/tests/scripts/{chapter}/{name}.pkt)");
            writeln!(index, "| {} | {link} | {} |", situation.rule, situation.said()).unwrap();
        }
    }
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/situations.md");
    if std::env::var_os("ACCEPT").is_some() {
        fs::write(file, &index).unwrap();
    }
    assert!(fs::read_to_string(file).unwrap() == index, "docs/situations.md is not what the scripts say");
}
