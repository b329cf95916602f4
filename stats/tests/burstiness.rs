//! The report on burstiness, of arrivals whose law is known.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod support;

use std::fs;
use std::path::Path;

use hwsim::arrivals::Process;
use hwsim::rng::Rng;
use serde_json::{Value, json};
use support::{Campaign, EPOCH, printed, report};
use wire::{Interval, IntervalHalf, Nanos};

const BIN: i64 = 10_000_000;

/// When the first connections of a scenario begin: those of its first part, by the law that the simulator states.
fn arrivals(scenario: &str, seconds: i64) -> (f64, Vec<Nanos>) {
    let arrivals = &hwsim::scenario::find(scenario).unwrap().parts[0].arrivals;
    let mut rng = Rng::new(7);
    let mut process = Process::new(arrivals, 1.0, Nanos(EPOCH), &mut rng);
    let end = EPOCH + seconds * 1_000_000_000;
    let begins = std::iter::successors(Some(Nanos(EPOCH)), |&now| Some(process.next(now, &mut rng)));
    (arrivals.law.hurst(), begins.skip(1).take_while(|ts| ts.0 < end).collect())
}

/// A bin with the opening of one connection: its SYN.
fn opening(ts: Nanos) -> Interval {
    let syn = IntervalHalf { pkts: 1, ip_bytes: 60, payload_bytes: 0 };
    Interval { halves: [syn, IntervalHalf::default()], syn: 1, opened: 1, ..Interval::around(ts, BIN) }
}

/// What the report says of these openings.
fn hours(begins: &[Nanos], connections: usize) -> Vec<Value> {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("lab");
    let record = |&ts: &Nanos| conntrack::Record { ts, ..support::record(0) };
    support::write(&dir, begins.iter().map(|&ts| opening(ts)), begins.iter().take(connections).map(record));
    let json: Value =
        serde_json::from_str(&printed(&["burstiness", dir.to_str().unwrap(), "--format", "json"])).unwrap();
    json["hours"].as_array().unwrap().clone()
}

#[track_caller]
fn number(value: &Value) -> f64 {
    value.as_f64().unwrap()
}

#[test]
fn the_hurst_parameter_of_simulated_arrivals_lies_in_its_interval() {
    for scenario in ["uplink-small", "self-similar"] {
        let (truth, begins) = arrivals(scenario, 600);
        let hours = hours(&begins, 0);
        let openings = &hours[0]["openings"];
        let found = &openings["hurst"];
        let interval = [number(&found["hurst"]["low"]), number(&found["hurst"]["high"])];
        assert!(interval[0] <= truth && truth <= interval[1], "{scenario}, truly {truth}: {found}");
        assert!(interval[1] - interval[0] < 0.15, "{scenario}: {interval:?}");
        let rate = begins.len() as f64 / 600.0;
        assert!((number(&openings["per_second"]) / rate - 1.0).abs() < 0.001, "{scenario}: {openings}");
        assert_eq!(hours[0]["packets"]["hurst"], *found, "each opening is one packet");
    }
}

#[test]
fn long_sessions_that_ten_minutes_cannot_tell_from_shifts_get_a_reason_or_the_truth_and_no_other_figure() {
    let (truth, begins) = arrivals("bursty", 600);
    let found = &hours(&begins, 0)[0]["openings"]["hurst"];
    match found["hurst"].as_object() {
        Some(hurst) => assert!(number(&hurst["low"]) <= truth && truth <= number(&hurst["high"]), "{found}"),
        None => assert!(found["refused"].is_string(), "{found}"),
    }
    // The methods that cannot tell are shown beside it, for comparison.
    assert!(found["whittle"]["value"].is_f64() && found["aggregated_variance"].is_f64(), "{found}");
}

#[test]
fn poisson_arrivals_pass_for_such_and_disperse_by_one_and_sessions_do_not() {
    let (_, poisson) = arrivals("uplink-small", 60);
    let hour = &hours(&poisson, 2000)[0];
    let test = &hour["opening_gaps"]["test"];
    assert_eq!((&test["poisson"], &test["gaps"]), (&Value::Bool(true), &1999.into()), "{hour}");
    assert!((number(&test["mean"]) - 0.02).abs() < 0.002, "{test}");
    for scale in hour["openings"]["scales"].as_array().unwrap().iter().take(3) {
        let index = number(&scale["dispersion"]["detrended"]);
        assert!((index - 1.0).abs() < 0.4, "{scale}");
    }
    assert!((number(&hour["openings"]["peakedness_1s"]) - 1.0).abs() < 0.4, "{hour}");

    let (_, bursty) = arrivals("self-similar", 60);
    let hour = &hours(&bursty, 2000)[0];
    assert_eq!(hour["opening_gaps"]["test"]["poisson"], false, "{hour}");
    assert!(number(&hour["openings"]["scales"][2]["dispersion"]["detrended"]) > 3.0, "{hour}");
}

#[test]
fn each_hour_stands_by_itself() {
    let begins: Vec<Nanos> = [-1_000_000_000, 0, 10_000_000].map(|nanos| Nanos(EPOCH + nanos)).to_vec();
    let hours = hours(&begins, 3);
    assert_eq!(hours.len(), 2);
    assert_eq!((number(&hours[0]["recorded_s"]), number(&hours[1]["recorded_s"])), (1.0, 0.02));
    assert_eq!((&hours[1]["openings"]["hurst"]["refused"]), "too_short");
    assert_eq!(hours[1]["opening_gaps"]["test"], Value::Null);
}

#[test]
fn the_median_of_two_hours_lies_between_them_and_a_figure_says_how_many_hours_it_rests_on() {
    let begins: Vec<Nanos> = [-20, -1, 0, 39].map(|bins| Nanos(EPOCH + bins * BIN)).to_vec();
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("lab");
    support::write(&dir, begins.iter().map(|&ts| opening(ts)), []);
    let text = printed(&["burstiness", dir.to_str().unwrap()]);
    let cells = |scale: &str| {
        let line = text.lines().find(|line| line.starts_with(scale)).unwrap();
        line[scale.len()..].split_whitespace().map(str::to_owned).collect::<Vec<_>>()
    };
    // Of 20 bins and of 40, two have a packet: peaks of 10 and of 20 times the mean.
    assert_eq!(cells("  10.0 ms")[..3], ["2", "15.0", "20.0"], "{text}");
    assert_eq!(cells("  100 ms")[..3], ["0", "-", "-"], "two intervals and four have no peak\n{text}");
}

#[test]
fn bins_longer_than_a_scale_make_it_one_of_theirs_and_alpha_traffic_has_whole_bins() {
    const SECOND: i64 = 1_000_000_000;
    let folder = tempfile::tempdir().unwrap();
    let [dir, page] = ["lab", "lab.html"].map(|name| folder.path().join(name));
    let bin = |n: i64| {
        let half = IntervalHalf { pkts: 1, ip_bytes: if n == 7 || n == 8 { 9000 } else { 60 }, payload_bytes: 0 };
        Interval { halves: [half, IntervalHalf::default()], ..Interval::around(Nanos(EPOCH + n * SECOND), SECOND) }
    };
    support::write(&dir, (0..40).map(bin), []);
    let [dir, page] = [&dir, &page].map(|path| path.to_str().unwrap());
    let json: Value = serde_json::from_str(&printed(&["burstiness", dir, "--format", "json"])).unwrap();
    let scales = json["hours"][0]["bytes"]["scales"].as_array().unwrap();
    let lengths: Vec<f64> = scales.iter().map(|scale| number(&scale["scale_s"])).collect();
    assert_eq!((lengths, number(&json["alpha_bin_s"])), (vec![1.0, 10.0, 60.0], 1.0));
    assert_eq!(json["hours"][0]["alpha"]["longest"], 2);
    let text = printed(&["burstiness", dir]);
    assert!(text.contains("alpha, in bins of 1.00 s") && !text.contains("0.5 s"), "{text}");
    printed(&["html", dir, "-o", page]);
    let html = std::fs::read_to_string(page).unwrap();
    assert!(html.contains("2 of 40 bins of 1 s (5.00 %)") && html.contains("the longest run is 2 s"), "{html}");
}

#[test]
fn people_read_what_each_figure_rests_on() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("lab");
    Campaign { connections: 1000, headers: false, ..Campaign::default() }.write(&dir);
    let text = printed(&["burstiness", dir.to_str().unwrap(), "--capacity", "100M", "--over", "0.01"]);
    for part in ["bins of 10.0 ms", "Kaplan and Meier", "too short", "micro-bursts", "Whole: from the handshake"] {
        assert!(text.contains(part), "{part} is missing in\n{text}");
    }
    let long = text.lines().find(|line| line.chars().count() > 100);
    assert_eq!(long, None, "no line is wider than 100");
    let empty = folder.path().join("empty");
    support::write(&empty, [], []);
    let text = printed(&["burstiness", empty.to_str().unwrap()]);
    assert!(text.contains("Nothing was recorded in the base series"), "{text}");
}

#[test]
fn scales_and_rates_that_are_none_are_wrong_usage() {
    for argument in ["--scale=0ms", "--scale=1parsec", "--scale=", "--capacity=fast", "--capacity=-1", "--over=0.5"] {
        let output = report(&["burstiness", "lab", argument]);
        assert_eq!(output.status.code(), Some(2), "{argument}");
    }
    let output = report(&["burstiness", "lab", "--capacity=1G", "--over=1.5"]);
    assert_eq!(output.status.code(), Some(2));
}

/// A campaign of two runs of five minutes, twenty minutes apart, in each of which a connection began every tenth of a second.
fn two_runs(dir: &Path) {
    const TENTH: i64 = 100_000_000;
    let ends = [(EPOCH, EPOCH + 2999 * TENTH), (EPOCH + 15_000 * TENTH, EPOCH + 17_999 * TENTH)];
    let begins = ends.iter().flat_map(|&(start, end)| (start..=end).step_by(TENTH as usize)).map(Nanos);
    support::write(dir, begins.map(opening), []);
    let path = dir.join("campaign.json");
    let mut manifest: Value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
    let run = manifest["runs"][0].clone();
    manifest["runs"] = ends.iter().map(|&(start, end)| json!({ "packets": { "start": start, "end": end } })).collect();
    for at in 0..2 {
        for key in ["state", "ended_by", "wall_clock"] {
            manifest["runs"][at][key] = run[key].clone();
        }
    }
    manifest["packets"] = json!({ "start": ends[0].0, "end": ends[1].1 });
    manifest["deleted"] = json!({ "segments": 2, "bytes": 5_000_000 });
    fs::write(path, manifest.to_string()).unwrap();
}

#[test]
fn what_was_not_recorded_or_deleted_is_said_and_no_rate_counts_it() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("lab");
    two_runs(&dir);
    let dir = dir.to_str().unwrap();
    let found = |report: &str| -> Value { serde_json::from_str(&printed(&[report, dir, "--format", "json"])).unwrap() };
    let burstiness = found("burstiness");
    assert_eq!((burstiness["gaps"].as_array().unwrap().len(), burstiness["hours"].as_array().unwrap().len()), (1, 2));
    for hour in burstiness["hours"].as_array().unwrap() {
        assert!((number(&hour["recorded_s"]) - 300.0).abs() < 0.2, "{hour}");
        assert!((number(&hour["openings"]["per_second"]) - 10.0).abs() < 0.01, "{hour}");
        let second =
            hour["openings"]["scales"].as_array().unwrap().iter().find(|scale| number(&scale["scale_s"]) == 1.0);
        assert!(number(&second.unwrap()["peak_to_mean"]) < 1.01, "{hour}");
    }
    let summary = found("summary");
    assert!((number(&summary["rates"]["mean_packets_per_second"]) - 10.0).abs() < 0.01, "{}", summary["rates"]);
    assert!((number(&summary["campaign"]["recorded_s"]) - 599.8).abs() < 0.1, "{}", summary["campaign"]);
    let text = printed(&["summary", dir]);
    let said = text.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(said.contains("2 segments (5.00 MB) were deleted to make room"), "{text}");
    assert!(said.contains("nothing is recorded, from ") && said.contains("recorded)"), "{text}");
    let page = folder.path().join("page.html");
    assert!(report(&["html", dir, "-o", page.to_str().unwrap()]).status.success());
    assert!(fs::read_to_string(page).unwrap().contains("Nothing was recorded here"));
}
