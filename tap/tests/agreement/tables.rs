//! The tables of docs/differences.md.

use std::fmt::Write;

use crate::Oracle;
use crate::compared::{Compared, WHOLE};
use crate::kinds::Kinds;
use crate::support::{between, percent};

/// The page with its tables written again, each between two marks.
pub fn rewritten(page: &str, oracles: &[Oracle], found: &[Compared], kinds: &Kinds) -> String {
    let mut page = page.to_owned();
    for (oracle, found) in oracles.iter().zip(found) {
        page = between(&page, &format!("agreement with {}", oracle.title), &agreement(oracle, found, kinds));
        page = between(&page, &format!("kinds of {}", oracle.title), &matrix(oracle, kinds));
    }
    page
}

/// Column by column: how many rows agree, of all and of those whose difference is not explained.
fn agreement(oracle: &Oracle, found: &Compared, kinds: &Kinds) -> String {
    let mut table = String::from("| column | compared | agree | | differ | explained | agreement without them |\n");
    table.push_str("| --- | ---: | ---: | ---: | ---: | ---: | ---: |\n");
    for column in oracle.columns {
        let (compared, agree) = found.columns[*column];
        let explained = kinds.explained(oracle.name, column);
        let _ = writeln!(
            table,
            "| {} | {compared} | {agree} | {} | {} | {explained} | {} |",
            name(column),
            percent(agree, compared),
            compared - agree,
            percent(agree, compared - explained),
        );
    }
    table
}

/// Kind by kind: in how many rows each column differs.
fn matrix(oracle: &Oracle, kinds: &Kinds) -> String {
    let whole = WHOLE.iter().filter(|column| kinds.of(oracle.name).any(|kind| kind.count(column) > 0));
    let columns: Vec<&str> = oracle.columns.iter().chain(whole).copied().collect();
    let heads: Vec<String> = columns.iter().map(|column| name(column)).collect();
    let mut table =
        format!("| kind | captures | {} |\n| --- |{}\n", heads.join(" | "), " ---: |".repeat(columns.len() + 1));
    let cell = |count: u64| if count == 0 { String::new() } else { count.to_string() };
    for kind in kinds.of(oracle.name) {
        let counts: Vec<String> = columns.iter().map(|column| cell(kind.count(column))).collect();
        let _ = writeln!(
            table,
            "| [{}](#{}) | {} | {} |",
            kind.title,
            anchor(&kind.title),
            kind.captures(),
            counts.join(" | ")
        );
    }
    let sums = columns.iter().map(|column| kinds.of(oracle.name).map(|kind| kind.count(column)).sum());
    let sums: Vec<String> = sums.map(cell).collect();
    let _ = writeln!(table, "| all | | {} |", sums.join(" | "));
    table
}

/// A column of compare.py by the name that it has in a campaign.
fn name(column: &str) -> String {
    match column {
        "direction" => "originator".to_owned(),
        "only_oracle" => "rows only there".to_owned(),
        "only_tool" => "rows only here".to_owned(),
        "absent" => "captures with rows only there".to_owned(),
        "first_ts" => "`ts`".to_owned(),
        "last_ts" => "`last_ts`".to_owned(),
        "rtt" => "`handshake_rtt`".to_owned(),
        "missed" => "`missed_bytes`".to_owned(),
        "state" => "`conn_state`".to_owned(),
        "history" => "`history`".to_owned(),
        _ => {
            let (what, side) = column.rsplit_once('_').unwrap_or((column, ""));
            let side = if side == "o" { "orig" } else { "resp" };
            let what = match what {
                "pkts" => "pkts",
                "ipb" => "ip_bytes",
                "span" => "bytes",
                "bytes" => "wire_bytes",
                "uniq" => "unique_bytes",
                "syn" => "syn_pkts",
                "fin" => "fin_pkts",
                "rst" => "rst_pkts",
                _ => panic!("no column {column}"),
            };
            format!("`{side}_{what}`")
        }
    }
}

/// The address of a heading on the page.
fn anchor(title: &str) -> String {
    let kept = title.chars().filter(|c| c.is_alphanumeric() || [' ', '-', '_'].contains(c));
    kept.collect::<String>().to_lowercase().replace(' ', "-")
}
