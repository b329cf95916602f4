//! Campaigns that are continued, and journals that somebody has cut.
#![allow(clippy::expect_used, clippy::unwrap_used, clippy::panic, reason = "a test may panic")]

mod common;

use std::fs;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use common::faulty_disk::{Fault, FaultyDisk, Survives};
use common::refusing_disk::RefusingDisk;
use common::{NOW, account, assert_clean, config, drain, expected, give, manifest, record, told, uids};
use conntrack::Sink;
use recorder::{Campaign, Config, Encoder, Manifest, Recorder, RecorderError, State, Table, recover, verify};
use wire::Nanos;

/// A minute later.
const LATER: Nanos = Nanos(NOW.0 + 60_000_000_000);

fn later() -> Manifest {
    let mut manifest = manifest();
    manifest.wall_clock.start = Some(LATER);
    manifest
}

/// Segments of a row or two.
fn tiny_segments() -> Config {
    Config { segment_bytes: 1, ..config() }
}

#[expect(clippy::disallowed_methods, reason = "any instant will do")]
fn now() -> Instant {
    Instant::now()
}

/// Records connections, and makes them durable.
fn write(recorder: &mut Recorder, connections: Range<u64>) {
    give(recorder, connections);
    recorder.tick(now(), NOW).expect("a disk that works");
    recorder.sync();
}

#[test]
fn a_campaign_that_crashed_goes_on_and_says_what_may_be_lost_from_when_to_when() {
    let dir = tempfile::tempdir().unwrap();
    let mut recorder = common::start(dir.path());
    write(&mut recorder, 0..5);
    drop(recorder);
    let (mut recorder, resumed) = Recorder::resume(dir.path(), config(), later()).unwrap();
    assert_eq!((resumed.state, resumed.recovered.segments), (State::Running, 1));
    assert_clean(dir.path(), "afterwards");
    write(&mut recorder, 5..9);
    let finished = recorder.finish();
    assert!(finished.failure.is_none(), "{:?}", finished.failure);
    assert_eq!(uids(dir.path()), expected(0..9));
    assert_clean(dir.path(), "afterwards");
    let manifest = Campaign::open(dir.path()).unwrap().manifest().clone();
    assert_eq!((manifest.state, manifest.interruptions()), (State::Complete, (1, 2)));
    assert_eq!(manifest.rows(Table::Connections), 9);
    let [lost] = told(dir.path(), "lost").try_into().expect("one loss");
    let seconds = |at: Nanos| format!("{}.{:09}", at.split().0, at.split().1);
    // The rows were written at the start of the campaign, by the clock that the recorder was told.
    assert!(lost.starts_with(&format!("from={} to={}: ", seconds(Nanos(common::EPOCH)), seconds(LATER))), "{lost}");
}

#[test]
fn a_campaign_that_ended_in_order_goes_on_and_stays_complete() {
    let dir = tempfile::tempdir().unwrap();
    let mut recorder = common::start(dir.path());
    write(&mut recorder, 0..5);
    account(&mut recorder, 0..5);
    assert!(recorder.finish().failure.is_none());
    for run in 1..4 {
        let (mut recorder, resumed) = Recorder::resume(dir.path(), config(), later()).unwrap();
        assert_eq!((resumed.state, resumed.recovered.segments), (State::Complete, 0));
        write(&mut recorder, run * 5..run * 5 + 5);
        account(&mut recorder, run * 5..run * 5 + 5);
        assert!(recorder.finish().failure.is_none());
    }
    assert_eq!(uids(dir.path()), expected(0..20));
    let manifest = Campaign::open(dir.path()).unwrap().manifest().clone();
    assert_eq!((manifest.state, manifest.interruptions()), (State::Complete, (0, 4)));
    assert_clean(dir.path(), "four runs");
    assert_eq!(told(dir.path(), "lost"), [""; 0]);
}

#[test]
fn a_campaign_that_is_being_recorded_is_not_continued() {
    let dir = tempfile::tempdir().unwrap();
    let _recorder = common::start(dir.path());
    let refused = Recorder::resume(dir.path(), config(), later());
    assert!(matches!(refused, Err(RecorderError::InUse { .. })));
}

#[test]
fn crash_after_crash_at_any_operation_no_row_is_lost_or_there_twice() {
    let room = tempfile::tempdir().unwrap();
    let mut left = 0;
    loop {
        let from = room.path().join(format!("{left}"));
        fs::create_dir(&from).unwrap();
        let quick = FaultyDisk::new(&from, Fault::Crash, u64::MAX);
        let mut recorder = Recorder::create_on(Arc::new(quick), &from, tiny_segments(), manifest()).unwrap();
        write(&mut recorder, 0..4);
        drop(recorder);
        let disk = FaultyDisk::new(&from, Fault::Crash, left);
        let mut acknowledged = 0;
        if let Ok((mut recorder, _)) = Recorder::resume_on(Arc::new(disk.clone()), &from, tiny_segments(), later()) {
            let mut encoder = Encoder::new(0);
            for n in 4..8 {
                encoder.record(record(n));
                encoder.flush(Nanos(0));
                drain(&mut encoder, &mut recorder);
                let _ = recorder.tick(now() + Duration::from_secs(n), LATER);
                acknowledged = recorder.acknowledged(Table::Connections);
            }
        }
        let crashed = disk.failed();
        let survives = Survives::ALL[left as usize % Survives::ALL.len()];
        let remains = tempfile::tempdir().unwrap();
        disk.after_crash(survives, remains.path());
        // Syncing for real would take minutes.
        let quick = Arc::new(FaultyDisk::new(remains.path(), Fault::Crash, u64::MAX));
        let (mut recorder, _) = Recorder::resume_on(quick, remains.path(), tiny_segments(), later()).unwrap();
        write(&mut recorder, 8..9);
        assert!(recorder.finish().failure.is_none());
        let (found, case) = (uids(remains.path()), format!("crash at {left}, {survives:?} survives"));
        let middle = found.len() as u64 - 5;
        let mut all = expected(0..4 + middle);
        all.push(record(8).uid);
        all.sort_unstable();
        assert_eq!(found, all, "{case}");
        assert!(middle >= acknowledged, "{case}: {middle} of {acknowledged} acknowledged");
        assert_clean(remains.path(), &case);
        if !crashed {
            assert!(left > 20, "{left} operations");
            break;
        }
        left += 3;
    }
}

/// A crashed campaign with three segments that could not be sealed, and the disk that refused.
fn three_segments(root: &Path) -> (Recorder, RefusingDisk) {
    let disk = RefusingDisk::default();
    disk.refuse(true);
    let mut recorder = Recorder::create_on(Arc::new(disk.clone()), root, tiny_segments(), manifest()).unwrap();
    for n in 0..3 {
        write(&mut recorder, n * 4..n * 4 + 4);
    }
    (recorder, disk)
}

fn journal(root: &Path) -> usize {
    fs::read_dir(root.join("journal")).unwrap().count()
}

#[test]
fn a_segment_removed_by_hand_is_missed_and_recorded() {
    for removed in [vec![1], vec![2], vec![4], vec![1, 2], vec![1, 2, 3, 4]] {
        let dir = tempfile::tempdir().unwrap();
        drop(three_segments(dir.path()));
        assert_eq!(journal(dir.path()), 4, "three that ended and the newest");
        for number in &removed {
            fs::remove_file(dir.path().join(format!("journal/segment-{number:06}.ctj"))).unwrap();
        }
        let report = verify(&Campaign::open(dir.path()).unwrap()).to_string();
        assert!(report.contains("FAILED   segments"), "{removed:?}: {report}");
        let recovered = recover(dir.path(), LATER).unwrap();
        assert_eq!(recovered.missing, removed.len() as u64, "{removed:?}");
        assert!(told(dir.path(), "lost").iter().any(|lost| lost.contains("removed by somebody else")), "{removed:?}");
        let lost = recovered.manifest.lost_rows(Table::Connections);
        assert!(removed == [4] || lost > 0, "{removed:?}: rows that were acknowledged are missed: {lost}");
        assert_clean(dir.path(), "afterwards");
        assert_eq!(recover(dir.path(), LATER).unwrap().missing, 0, "{removed:?}: recorded once");
    }
}

#[test]
fn a_segment_that_could_not_be_sealed_is_tried_again_and_the_campaign_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let (mut recorder, disk) = three_segments(dir.path());
    assert_eq!((recorder.condition().failures, journal(dir.path())), (3, 4));
    recorder.tick(now(), NOW).expect("no reason to end");
    disk.refuse(false);
    recorder.tick(now() + Duration::from_secs(3600), NOW).expect("no reason to end");
    recorder.tick(now() + Duration::from_secs(3600), NOW).expect("no reason to end");
    assert_eq!(journal(dir.path()), 1, "the newest");
    account(&mut recorder, 0..12);
    let finished = recorder.finish();
    assert!(finished.failure.is_none() && finished.manifest.losses.is_empty(), "{finished:?}");
    assert_eq!(uids(dir.path()), expected(0..12));
    assert_clean(dir.path(), "afterwards");
}

#[test]
fn sealed_rows_that_the_index_has_lost_are_refused_and_not_removed() {
    let dir = tempfile::tempdir().unwrap();
    let mut recorder = common::start(dir.path());
    write(&mut recorder, 0..5);
    assert!(recorder.finish().failure.is_none());
    let index = dir.path().join("sealed.jsonl");
    let line = fs::read(&index).unwrap();
    fs::write(&index, &line[..line.len() - 5]).unwrap();
    for refused in [recover(dir.path(), LATER).err(), Recorder::resume(dir.path(), config(), later()).err()] {
        let message = refused.expect("a refusal").to_string();
        assert!(
            message.contains("part-") && message.contains("sealed.jsonl") && message.contains("move it"),
            "{message}"
        );
    }
    fs::write(&index, line).unwrap();
    assert_eq!(uids(dir.path()), expected(0..5), "nothing was removed");
}
