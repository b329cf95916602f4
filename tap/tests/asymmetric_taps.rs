//! Two taps, one for each direction, whose clocks are apart and drift: connections come out whole, and each instant is the truth's by the
//! clock of the tap that stamped it.
#![allow(clippy::expect_used, clippy::panic, reason = "a test fails by panicking, its helpers too")]

mod support;

use std::collections::BTreeMap;

use support::{Row, truth};

/// What the simulator says of the second tap's clock (`conntrack-sim list`): how far it is ahead, ns, and what it gains in a second, ns.
const AHEAD: i64 = 250_000;
const GAINS: i64 = 2_000;

/// Which end sent what an instant is of; `None` where it may have been either.
const INSTANTS: [(&str, Option<&str>); 13] = [
    ("ts", Some("orig")),
    ("syn_ts", Some("orig")),
    ("synack_ts", Some("resp")),
    ("orig_first_data_ts", Some("orig")),
    ("resp_first_data_ts", Some("resp")),
    ("orig_last_data_ts", Some("orig")),
    ("resp_last_data_ts", Some("resp")),
    ("orig_fin_ts", Some("orig")),
    ("resp_fin_ts", Some("resp")),
    ("established_ts", None),
    ("rst_ts", None),
    ("closed_ts", None),
    ("last_ts", None),
];

/// The simulator's networks on the inside of the link.
fn is_inside(row: &Row, end: &str) -> bool {
    let address = &row[&format!("{end}_h")];
    ["10.", "172.", "2001:db8:1:", "2001:db8:2:"].iter().any(|network| address.starts_with(network))
}

fn nanos(text: &str) -> Option<i64> {
    let (seconds, nanos) = text.split_once('.')?;
    Some(seconds.parse::<i64>().ok()? * 1_000_000_000 + nanos.parse::<i64>().ok()?)
}

/// What the tap on the way from the outside shows at an instant of the truth.
fn outside(instant: i64, began: i64) -> i64 {
    let drifted = i128::from(instant - began) * i128::from(GAINS) / 1_000_000_000;
    instant + AHEAD + i64::try_from(drifted).expect("minutes")
}

/// How an instant differs from the truth by the clocks of the two taps.
fn fault(column: &str, by: Option<&str>, told: &Row, row: &Row, began: i64) -> Option<String> {
    let truth = nanos(&told[column]);
    let shown = truth.map(|instant| (instant, outside(instant, began)));
    let found = nanos(&row[column]);
    let fits = match (shown, found, by) {
        (None, None, _) => true,
        (Some((inside, _)), Some(found), Some(end)) if is_inside(told, end) => found == inside,
        (Some((_, outside)), Some(found), Some(_)) => found == outside,
        (Some((inside, outside)), Some(found), None) => found == inside || found == outside,
        _ => false,
    };
    (!fits).then(|| format!("{column} is {found:?}, in truth {truth:?}"))
}

#[test]
fn every_connection_of_two_taps_is_reported_once_with_each_instant_by_the_clock_of_its_tap() {
    let room = tempfile::tempdir().expect("a temporary directory");
    let (told, campaign) = (room.path().join("truth.csv"), room.path().join("campaign"));
    let source = format!("sim:asymmetric-taps,seed=2,connections=800,truth={}", told.display());
    let mut command = support::command("conntrack-tap");
    command.args(["run", "--shards", "2", "--source", &source, "--out"]).arg(&campaign);
    support::Ran::from(command.output().expect("timeout(1) runs")).expect(&[0]);

    let told = truth::read(&told);
    let tuple = |row: &Row| ["orig_h", "orig_p", "resp_h", "resp_p"].map(|column| row[column].clone());
    let began = told.iter().filter_map(|row| nanos(&row["ts"])).min().expect("connections");
    let mut reported: BTreeMap<[String; 4], Vec<Row>> = BTreeMap::new();
    for row in support::connections(&campaign) {
        reported.entry(tuple(&row)).or_default().push(row);
    }
    let mut faults = Vec::new();
    for truth in &told {
        let rows = reported.remove(&tuple(truth)).unwrap_or_default();
        let [row] = rows.as_slice() else {
            faults.push(format!("{:?}: reported {} times", tuple(truth), rows.len()));
            continue;
        };
        let is_instant = |column: &str| INSTANTS.iter().any(|(instant, _)| *instant == column);
        let columns = truth::columns().filter(|column| !is_instant(column) && !truth::agrees(column, truth, row));
        let columns =
            columns.map(|column| format!("{column} is {:?}, in truth {:?}", row.get(column), truth.get(column)));
        let instants = INSTANTS.iter().filter_map(|(column, by)| fault(column, *by, truth, row, began));
        faults.extend(columns.chain(instants).map(|fault| format!("{:?}: {fault}", tuple(truth))));
    }
    faults.extend(reported.into_keys().map(|tuple| format!("{tuple:?}: reported, but never was")));
    assert!(told.len() > 700, "{}", told.len());
    support::assert_none(&faults, told.len());
}
