//! The figures of reports, computed again in Python from exported rows, by the definitions in docs/measures.md.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod support;

use std::fs;
use std::path::Path;
use std::process::Command;

use conntrack::{HalfRecord, Instants, RatesRecord, Record};
use hwsim::arrivals::Process;
use hwsim::rng::Rng;
use support::{EPOCH, mix, printed};
use wire::{Interval, IntervalHalf, Nanos};

const CONNECTIONS: u64 = 4000;

/// Connection number `n`, with gaps between its packets, beginning at `ts`.
fn record(n: u64, ts: Nanos) -> Record {
    let record = support::record(n);
    let by = ts.since(record.ts);
    let shift = |at: Nanos| at.plus(by);
    let at = Instants {
        syn: record.at.syn.map(shift),
        synack: record.at.synack.map(shift),
        established: record.at.established.map(shift),
        first_data: record.at.first_data.map(|at| at.map(shift)),
        last_data: record.at.last_data.map(|at| at.map(shift)),
        fin: record.at.fin.map(|at| at.map(shift)),
        rst: record.at.rst.map(shift),
        last: shift(record.at.last),
        closed: record.at.closed.map(shift),
    };
    let halves = record.halves.map(|half| HalfRecord { rates: gaps(&half, mix(n ^ half.pkts)), ..half });
    Record { ts, at, halves, ..record }
}

/// Sums of gaps that vary somehow.
fn gaps(half: &HalfRecord, random: u64) -> RatesRecord {
    let (sum, packets) = (1_000_000 + random % 1_000_000_000, u128::from(half.pkts.max(1)));
    let square_sum = u128::from(sum) * u128::from(sum) / packets * u128::from(2 + random % 5);
    RatesRecord { gap_sum: sum, gap_square_sum: square_sum, ..RatesRecord::default() }
}

fn python(script: &str, arguments: &[&Path]) -> Option<String> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("oracles").join(script);
    match Command::new("python3").arg(script).args(arguments).output() {
        Ok(output) => {
            let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
            assert!(output.status.success(), "{complaint}");
            Some(String::from_utf8(output.stdout).unwrap())
        }
        Err(error) => {
            support::skip(&format!("python3 cannot be run ({error}); run scripts/packages.sh test"));
            None
        }
    }
}

#[test]
fn every_figure_equals_that_of_an_independent_computation_to_1e_9() {
    let arrivals = &hwsim::scenario::find("uplink-small").unwrap().parts[0].arrivals;
    let mut rng = Rng::new(3);
    let mut process = Process::new(arrivals, 1.0, Nanos(EPOCH), &mut rng);
    let mut now = Nanos(EPOCH);
    let mut records = Vec::new();
    for n in 0..CONNECTIONS {
        now = process.next(now, &mut rng);
        records.push(record(n, now));
    }
    // Some pairs of endpoints come again, soon or later, also with the roles changed.
    for n in 3..records.len() {
        let again = if n % 3 == 0 { Some(n - 1) } else { (n > 2000 && n % 7 == 0).then(|| n - 1999) };
        if let Some(before) = again {
            let [a, b] = records[before].endpoints;
            records[n].family = records[before].family;
            records[n].endpoints = if n % 2 == 0 { [a, b] } else { [b, a] };
        }
    }
    let begins: Vec<Nanos> = records.iter().filter(|record| !record.partial).map(|record| record.ts).collect();
    let syn = IntervalHalf { pkts: 1, ip_bytes: 60, payload_bytes: 0 };
    let opening = |&ts: &Nanos| Interval {
        halves: [syn, IntervalHalf::default()],
        opened: 1,
        ..Interval::around(ts, 10_000_000)
    };

    let room = tempfile::tempdir().unwrap();
    let at = |name: &str| room.path().join(name);
    let dir = at("lab");
    support::write(&dir, begins.iter().map(opening), records);
    let dir = dir.to_str().unwrap();
    fs::write(at("burstiness.json"), printed(&["burstiness", dir, "--format", "json"])).unwrap();
    fs::write(at("throughput.json"), printed(&["throughput", dir, "--format", "json"])).unwrap();
    let timeouts = printed(&["timeouts", dir, "--timeout", "10ms,1s,20s,64s", "--format", "json"]);
    fs::write(at("timeouts.json"), timeouts).unwrap();
    fs::write(at("connections.csv"), printed(&["connections", dir, "--format", "csv"])).unwrap();
    let openings: String = begins.iter().map(|ts| format!("{}\n", ts.0)).collect();
    fs::write(at("openings.csv"), openings).unwrap();
    let inputs = ["burstiness.json", "throughput.json", "timeouts.json", "connections.csv", "openings.csv"].map(at);
    let said = python("measures.py", &inputs.each_ref().map(|path| path.as_path()));
    if let Some(said) = said {
        let compared: u64 = said.split(' ').next().unwrap().parse().unwrap();
        assert!(compared > 20_000 && said.contains(" 0 differ"), "{said}");
    }
}
