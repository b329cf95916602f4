//! The section of `docs/accuracy.md` that holds the tables.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::process::Command;

use crate::Outcome;
use crate::counts::Count;

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/accuracy.md");
const HEADING: &str = "## Retransmission classes\n";

/// What stands before the tables.
const INTRODUCTION: &str = include_str!("introduction.md");

/// Holds the page to what was found, or writes it with `ACCEPT=1`.
pub fn hold(outcomes: &[Outcome]) {
    let page = fs::read_to_string(PAGE).unwrap_or_else(|_| "# Accuracy\n\n".to_owned());
    let (before, after) = around(&page);
    let mut section = format!("{HEADING}\n{INTRODUCTION}\nMeasured with {}.\n", versions());
    matrix(&mut section, outcomes);
    scores(&mut section, outcomes);
    counts(&mut section, outcomes);
    if std::env::var_os("ACCEPT").is_some() {
        let gap = if after.is_empty() { "" } else { "\n" };
        fs::write(PAGE, format!("{before}{section}{gap}{after}")).expect("the page can be written");
    } else if page.contains(&versions()) {
        assert!(page.contains(&section), "docs/accuracy.md is not what was measured: ACCEPT=1 writes it\n{section}");
    }
}

/// The page before and after the section.
fn around(page: &str) -> (&str, &str) {
    let Some(at) = page.find(HEADING) else { return (page, "") };
    let rest = &page[at + HEADING.len()..];
    (&page[..at], rest.find("\n## ").map_or("", |end| &rest[end + 1..]))
}

/// The other programs' versions.
fn versions() -> String {
    let first = |program: &str, argument: &str| {
        let output = Command::new(program).arg(argument).output().expect("it runs");
        let text = [output.stdout, output.stderr].concat();
        let text = String::from_utf8_lossy(&text);
        let is_version = |word: &&str| word.starts_with(|c: char| c.is_ascii_digit()) && word.contains('.');
        text.split_whitespace().find(is_version).unwrap_or("of an unknown version").trim_end_matches('.').to_owned()
    };
    format!("tshark {} and tcptrace {}", first("tshark", "--version"), first("tcptrace", "-hv"))
}

fn matrix(section: &mut String, outcomes: &[Outcome]) {
    for Outcome { scenario, confusion, .. } in outcomes {
        let called: BTreeSet<&str> = confusion.0.keys().map(|(_, called)| called.as_str()).collect();
        let names: Vec<String> =
            called.iter().map(|name| if name.len() > 3 { format!("`{name}`") } else { "nothing".to_owned() }).collect();
        let _ = writeln!(section, "\n`{scenario}`, what was true of a segment, and what we called it:\n");
        let _ = writeln!(section, "| in truth | {} |", names.join(" | "));
        let _ = writeln!(section, "| --- |{}", " ---: |".repeat(called.len()));
        let kinds: BTreeSet<&str> = confusion.0.keys().map(|(kind, _)| kind.as_str()).collect();
        for kind in kinds {
            let cell = |name: &&str| {
                confusion.0.get(&(kind.to_owned(), (*name).to_owned())).map_or(String::new(), u64::to_string)
            };
            let _ = writeln!(section, "| {kind} | {} |", called.iter().map(cell).collect::<Vec<_>>().join(" | "));
        }
    }
}

fn scores(section: &mut String, outcomes: &[Outcome]) {
    section.push_str("\nSegment by segment:\n\n| scenario | said of a segment | ours: right | wrong | missed | tshark: right | wrong | missed |\n");
    section.push_str("| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: |\n");
    for Outcome { scenario, scores, .. } in outcomes {
        for (claim, [ours, tshark]) in scores {
            let cells = [ours, tshark].map(|score| format!("{} | {} | {}", score.right, score.wrong, score.missed));
            let _ = writeln!(section, "| `{scenario}` | {} | {} |", claim.name(), cells.join(" | "));
        }
    }
}

fn counts(section: &mut String, outcomes: &[Outcome]) {
    section.push_str("\nBy direction, the differences from the truth added up:\n\n| scenario | what is counted | truth | ours | tshark | tcptrace |\n");
    section.push_str("| --- | --- | ---: | ---: | ---: | ---: |\n");
    for Outcome { scenario, counts, .. } in outcomes {
        for count in Count::ALL {
            let distances =
                counts.distances[&count].map(|distance| distance.map_or("–".to_owned(), |n| n.to_string()));
            let _ = writeln!(
                section,
                "| `{scenario}` | {} | {} | {} |",
                count.name(),
                counts.truth[&count],
                distances.join(" | ")
            );
        }
    }
}
