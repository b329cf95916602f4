//! Crashes and full disks at every single operation: what was acknowledged is there, and nothing stands there twice.
#![allow(clippy::expect_used, clippy::unwrap_used, clippy::panic, reason = "a test may panic")]

mod common;

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use arrow_array::cast::AsArray;
use arrow_array::types::UInt64Type;
use common::faulty_disk::{Fault, FaultyDisk, Survives};
use common::{NOW, config, drain, event, header, manifest, record};
use conntrack::Sink;
use recorder::{
    Campaign, Config, Encoder, Finished, Ledger, LocalDisk, ReadError, Recorder, RecorderError, SourceEntry, State,
    Table, recover, recover_on, verify,
};
use tempfile::TempDir;
use wire::{Interval, Nanos};

const ROUNDS: u64 = 3;
const EACH: u64 = 4;

/// Segments so small that they are sealed while the campaign goes on.
fn small_segments() -> Config {
    Config { segment_bytes: 2500, manifest_every: Duration::from_millis(1200), ..config() }
}

/// Rows that were acknowledged.
type Acknowledged = [u64; Table::COUNT];

/// Records until the disk fails, or to the end.
fn record_campaign(disk: &FaultyDisk, root: &Path) -> (Acknowledged, Option<Finished>) {
    let mut acknowledged = [0; Table::COUNT];
    let Ok(mut recorder) = Recorder::create_on(Arc::new(disk.clone()), root, small_segments(), manifest()) else {
        return (acknowledged, None);
    };
    let mut encoder = Encoder::new(0);
    #[expect(clippy::disallowed_methods, reason = "any instant will do")]
    let start = Instant::now();
    let mut ledger = Ledger::default();
    for round in 0..ROUNDS {
        for n in round * EACH..(round + 1) * EACH {
            (0..3).for_each(|index| encoder.header(header(n, index)));
            encoder.record(record(n));
            ledger.tcp += record(n).halves.iter().map(|half| half.pkts).sum::<u64>();
            encoder.event(event(n));
            encoder
                .interval(Interval { opened: 1, ..Interval::around(Nanos(n as i64 * 2_000_000_000), 1_000_000_000) });
        }
        encoder.flush(Nanos((round + 1) as i64 * EACH as i64 * 2_000_000_000));
        drain(&mut encoder, &mut recorder);
        let going = recorder.tick(start + Duration::from_secs(round), NOW).is_ok();
        acknowledged = Table::ALL.map(|table| recorder.acknowledged(table));
        if !going {
            break;
        }
    }
    (ledger.offered, ledger.delivered) = (ledger.tcp, ledger.tcp);
    recorder.manifest_mut().sources =
        vec![SourceEntry { name: "pcap:test".to_owned(), ledger, ..SourceEntry::default() }];
    (acknowledged, Some(recorder.finish()))
}

/// Values of a column of counters.
fn column(campaign: &Campaign, table: Table, name: &str) -> Vec<u64> {
    let mut values = Vec::new();
    for batch in campaign.scan_columns(table, &[name]).expect("the column") {
        values.extend(batch.expect("a readable batch")[name].as_primitive::<UInt64Type>().iter().flatten());
    }
    values
}

/// What was acknowledged is there, and nothing twice; rows may be there that were not acknowledged.
fn check_rows(campaign: &Campaign, acknowledged: Acknowledged, case: &str) {
    let mut uids = column(campaign, Table::Connections, "uid");
    uids.sort_unstable();
    let mut expected: Vec<u64> = (0..uids.len() as u64).map(|n| record(n).uid).collect();
    expected.sort_unstable();
    assert_eq!(uids, expected, "{case}: the first connections, once each");
    assert!(
        uids.len() as u64 >= acknowledged[0],
        "{case}: {} connections of {} acknowledged",
        uids.len(),
        acknowledged[0]
    );
    let mut headers = column(campaign, Table::Headers, "uid");
    headers.sort_unstable();
    assert!(headers.len() as u64 >= acknowledged[1], "{case}: headers");
    assert!(headers.chunk_by(|a, b| a == b).all(|same| same.len() == 3), "{case}: three headers each");
    let mut events = column(campaign, Table::Events, "uid");
    events.sort_unstable();
    // The appliance's own have no connection.
    let all: usize = campaign.scan(Table::Events).map(|batch| batch.expect("a readable batch").num_rows()).sum();
    assert!(all as u64 >= acknowledged[2], "{case}: events");
    assert!(events.is_sorted_by(|a, b| a < b), "{case}: an event each");
    let opened = column(campaign, Table::Intervals, "opened");
    assert!(opened.len() as u64 >= acknowledged[3] && opened.iter().all(|&opened| opened == 1), "{case}: a bin each");
}

/// Opens what a crash left, recovers it, and checks both.
fn check_crash(root: &Path, acknowledged: Acknowledged, case: &str) {
    check_crash_without_verifying(root, acknowledged, case);
    if root.join("campaign.json").exists() {
        check_recovered(root, acknowledged, case);
    }
}

/// The same by the rows alone.
fn check_crash_without_verifying(root: &Path, acknowledged: Acknowledged, case: &str) {
    match Campaign::open(root) {
        Ok(campaign) => check_rows(&campaign, acknowledged, case),
        Err(ReadError::NotACampaign { .. }) if acknowledged == [0; Table::COUNT] => return,
        Err(error) => panic!("{case}: {error}"),
    }
    // Syncing for real would take minutes.
    let disk = Arc::new(FaultyDisk::new(root, Fault::Crash, u64::MAX));
    let recovered = recover_on(disk, root, NOW).unwrap_or_else(|error| panic!("{case}: {error}"));
    check_rows(&Campaign::open(root).expect("a campaign"), acknowledged, case);
    let again = recover(root, NOW).unwrap_or_else(|error| panic!("{case}: {error}"));
    assert_eq!((again.manifest, again.segments), (recovered.manifest, 0), "{case}: nothing is left to do");
}

fn check_recovered(root: &Path, acknowledged: Acknowledged, case: &str) {
    let campaign = Campaign::open(root).expect("a campaign");
    check_rows(&campaign, acknowledged, case);
    let report = verify(&campaign);
    assert!(report.is_clean(), "{case}: {report}");
    assert!(matches!(campaign.manifest().state, State::Interrupted | State::Complete), "{case}");
    let left: Vec<_> = std::fs::read_dir(root.join("journal")).expect("a journal").collect();
    assert!(left.is_empty(), "{case}: {left:?}");
}

/// A directory for a campaign and one for what a crash leaves of it.
fn directories() -> (TempDir, TempDir) {
    (tempfile::tempdir().expect("a directory"), tempfile::tempdir().expect("a directory"))
}

/// How many operations a whole campaign takes.
fn operations() -> u64 {
    let dir = tempfile::tempdir().expect("a directory");
    let disk = FaultyDisk::new(dir.path(), Fault::Crash, u64::MAX);
    let (acknowledged, finished) = record_campaign(&disk, dir.path());
    let finished = finished.expect("a campaign");
    assert!(finished.failure.is_none() && finished.manifest.state == State::Complete);
    assert!(acknowledged.iter().all(|&rows| rows > 0), "{acknowledged:?}");
    check_recovered(dir.path(), acknowledged, "whole");
    disk.operations()
}

#[test]
fn a_crash_at_any_operation_loses_nothing_acknowledged() {
    for left in 0..operations() {
        let (dir, _) = directories();
        let disk = FaultyDisk::new(dir.path(), Fault::Crash, left);
        let (acknowledged, _) = record_campaign(&disk, dir.path());
        // Each half of what may survive takes turns.
        for (number, survives) in (0..).zip(Survives::ALL).filter(|(number, _)| (left + number) % 2 == 0) {
            let remains = tempfile::tempdir().unwrap();
            disk.after_crash(survives, remains.path());
            // Verifying takes most of the time, so that it takes turns.
            let check_crash = if (left + number) % 4 == 0 { check_crash } else { check_crash_without_verifying };
            check_crash(remains.path(), acknowledged, &format!("crash at operation {left}, {survives:?} survives"));
        }
    }
}

#[test]
fn a_crash_at_any_operation_of_the_recovery_loses_nothing_either() {
    for first in (0..operations()).step_by(23) {
        let (dir, crashed) = directories();
        let disk = FaultyDisk::new(dir.path(), Fault::Crash, first);
        let (acknowledged, _) = record_campaign(&disk, dir.path());
        for second in 0.. {
            let (remains, again) = directories();
            disk.after_crash(Survives::NamesAndHalfOfTheBytes, remains.path());
            let recovering = FaultyDisk::new(remains.path(), Fault::Crash, second);
            let whole = recover_on(Arc::new(recovering.clone()), remains.path(), NOW).is_ok();
            if whole || !remains.path().join("campaign.json").exists() {
                break;
            }
            let survives = Survives::ALL[second as usize % Survives::ALL.len()];
            recovering.after_crash(survives, again.path());
            check_crash(
                again.path(),
                acknowledged,
                &format!("crash at {first}, then in recovery at {second}, {survives:?}"),
            );
        }
        drop(crashed);
    }
}

#[test]
fn a_disk_that_fills_at_any_write_ends_the_campaign_and_keeps_what_was_acknowledged() {
    for left in 0..operations() {
        let (dir, _) = directories();
        let disk = FaultyDisk::new(dir.path(), Fault::Full, left);
        let (acknowledged, finished) = record_campaign(&disk, dir.path());
        let case = format!("full at operation {left}");
        if let Some(Finished { failure, manifest }) = finished {
            let whole = manifest.state == State::Complete;
            assert!(failure.is_some() || whole, "{case}: an end that is not whole has a cause");
        }
        check_crash(dir.path(), acknowledged, &case);
    }
}

#[test]
fn a_single_failure_is_reported_and_every_row_is_accounted_for() {
    for left in 0..operations() {
        let (dir, _) = directories();
        let disk = FaultyDisk::new(dir.path(), Fault::Hiccup, left);
        let (acknowledged, finished) = record_campaign(&disk, dir.path());
        let Some(Finished { failure, manifest }) = finished else { continue };
        let case = format!("failure at operation {left}");
        if manifest.state == State::Interrupted {
            assert!(failure.is_some() && !manifest.losses.reasons.is_empty(), "{case}");
        }
        let campaign = Campaign::open(dir.path()).unwrap();
        check_rows(&campaign, acknowledged, &case);
        let report = verify(&campaign);
        assert!(report.is_clean(), "{case}: {report}");
        check_crash(dir.path(), acknowledged, &case);
    }
}

#[test]
fn a_campaign_that_is_being_recorded_is_not_recovered() {
    let dir = tempfile::tempdir().unwrap();
    let recorder = common::start(dir.path());
    assert!(matches!(recover(dir.path(), NOW), Err(RecorderError::InUse { .. })));
    drop(recorder);
    assert_eq!(recover(dir.path(), NOW).unwrap().manifest.state, State::Interrupted);
}

#[test]
fn a_directory_that_holds_something_is_not_recorded_into() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("thesis.tex"), "").unwrap();
    let refused = Recorder::create_on(Arc::new(LocalDisk), dir.path(), config(), manifest());
    let error = refused.err().expect("a refusal");
    assert!(
        error.to_string().ends_with("is not empty; give a directory that does not exist yet, or remove this one"),
        "{error}"
    );
}
