//! Disks that fail, fill and hang, with another one to go on with, and room that has to be made.
#![allow(clippy::expect_used, clippy::unwrap_used, clippy::panic, reason = "a test may panic")]

mod common;

use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use common::sick_disk::{Health, SickDisk};
use common::{NOW, account, assert_clean, config, drain, expected, give, manifest, record, told, uids};
use conntrack::{Instants, Record, Sink};
use recorder::{Campaign, Config, Encoder, Quota, Recorder, Retention, State, Table, recover, verify};
use tempfile::TempDir;
use wire::Nanos;

const EACH: u64 = 4;
const ROUNDS: u64 = 6;

/// A directory for a campaign, and one to go on in.
struct Room {
    _dir: TempDir,
    home: PathBuf,
    spare: PathBuf,
}

impl Room {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let [home, spare] = ["home", "spare"].map(|name| dir.path().join(name));
        Self { _dir: dir, home, spare }
    }

    fn config(&self) -> Config {
        let retry_every = Duration::from_secs(2);
        Config { segment_bytes: 2500, spare: Some(self.spare.clone()), retry_every, ..config() }
    }
}

#[expect(clippy::disallowed_methods, reason = "any instant will do")]
fn now() -> Instant {
    Instant::now()
}

/// Records every round, a second each, on a disk that may fall ill; before the round `well` it is well again.
fn record_campaign(room: &Room, disk: &SickDisk, well: u64) -> Option<Recorder> {
    let mut recorder = Recorder::create_on(Arc::new(disk.clone()), &room.home, room.config(), manifest()).ok()?;
    let start = now();
    for round in 0..ROUNDS {
        if round == well {
            disk.set(Health::Well);
        }
        give(&mut recorder, round * EACH..(round + 1) * EACH);
        let at = start + Duration::from_secs(round);
        assert!(recorder.tick(at, NOW).is_ok(), "the spare directory works");
    }
    account(&mut recorder, 0..ROUNDS * EACH);
    Some(recorder)
}

/// Operations of a campaign in its own directory.
fn operations() -> u64 {
    let room = Room::new();
    let disk = SickDisk::new(&room.home, None);
    let recorder = record_campaign(&room, &disk, ROUNDS).expect("a campaign");
    assert!(recorder.finish().failure.is_none());
    assert_eq!(uids(&room.home), expected(0..ROUNDS * EACH));
    assert_eq!(told(&room.home, "failover"), [""; 0]);
    disk.operations()
}

#[test]
fn a_disk_that_fails_or_fills_at_any_operation_loses_nothing_where_there_is_another() {
    let whole = operations();
    for left in (0..whole).step_by(2) {
        for health in [Health::Fails, Health::Full] {
            let room = Room::new();
            let disk = SickDisk::new(&room.home, Some((left, health)));
            let Some(recorder) = record_campaign(&room, &disk, 4) else { continue };
            let case = format!("{health:?} at operation {left}");
            let finished = recorder.finish();
            if disk.health() == Health::Well && left + 8 < whole {
                assert!(finished.failure.is_none(), "{case}: {:?}", finished.failure);
                assert_eq!(finished.manifest.state, State::Complete, "{case}");
            }
            disk.set(Health::Well);
            recover(&room.home, NOW).unwrap_or_else(|error| panic!("{case}: {error}"));
            for root in [&room.home, &room.spare] {
                assert_eq!(uids(root), expected(0..ROUNDS * EACH), "{case}: every connection, once");
            }
            if left % 6 == 0 {
                assert_clean(&room.home, &case);
            }
        }
    }
}

#[test]
fn recording_goes_back_to_a_disk_that_is_well_again() {
    let room = Room::new();
    let disk = SickDisk::new(&room.home, None);
    let mut recorder = Recorder::create_on(Arc::new(disk.clone()), &room.home, room.config(), manifest()).unwrap();
    let start = now();
    let mut second = 0;
    let mut go_on = |recorder: &mut Recorder| {
        give(recorder, second * EACH..(second + 1) * EACH);
        second += 1;
        recorder.tick(start + Duration::from_secs(second), NOW).expect("a directory works");
        recorder.condition().directory.expect("a directory works")
    };
    assert_eq!(go_on(&mut recorder), room.home);
    disk.set(Health::Full);
    assert_eq!(go_on(&mut recorder), room.spare);
    assert_eq!(go_on(&mut recorder), room.spare);
    disk.set(Health::Well);
    assert_eq!((0..3).map(|_| go_on(&mut recorder)).last(), Some(room.home.clone()));
    account(&mut recorder, 0..6 * EACH);
    assert!(recorder.finish().failure.is_none());
    assert_eq!(told(&room.home, "failover").len(), 3, "why, whither, and back");
    assert_eq!(uids(&room.home), expected(0..6 * EACH));
    assert_clean(&room.home, "back again");
    let manifest = Campaign::open(&room.home).unwrap().manifest().clone();
    assert_eq!((manifest.state, manifest.failovers, manifest.elsewhere), (State::Complete, 2, vec![room.spare]));
}

#[test]
fn a_disk_that_hangs_is_given_up_and_nothing_is_lost_or_there_twice() {
    let room = Room::new();
    let disk = SickDisk::new(&room.home, None);
    let quick = Duration::from_millis(100);
    let config = Config { background: true, hang: quick, retry_every: quick, ..room.config() };
    let mut recorder = Recorder::create_on(Arc::new(disk.clone()), &room.home, config, manifest()).unwrap();
    give(&mut recorder, 0..EACH);
    recorder.sync();
    disk.set(Health::Hangs);
    give(&mut recorder, EACH..2 * EACH);
    let go_on_until = |place: &Path, recorder: &mut Recorder| {
        while recorder.condition().directory.as_deref() != Some(place) {
            recorder.tick(now(), NOW).expect("the spare directory works");
            std::thread::yield_now();
        }
    };
    go_on_until(&room.spare, &mut recorder);
    give(&mut recorder, 2 * EACH..3 * EACH);
    recorder.sync();
    assert_eq!(recorder.acknowledged(Table::Connections), 3 * EACH, "what hung is acknowledged elsewhere");
    disk.set(Health::Well);
    go_on_until(&room.home, &mut recorder);
    give(&mut recorder, 3 * EACH..4 * EACH);
    account(&mut recorder, 0..4 * EACH);
    assert!(recorder.finish().failure.is_none());
    assert_eq!(uids(&room.home), expected(0..4 * EACH));
    assert_clean(&room.home, "after the hang");
}

#[test]
fn a_campaign_of_two_directories_that_crashed_goes_on_and_misses_the_one_that_is_gone() {
    let room = Room::new();
    let disk = SickDisk::new(&room.home, Some((40, Health::Fails)));
    drop(record_campaign(&room, &disk, ROUNDS).expect("a campaign"));
    disk.set(Health::Well);
    let hidden = room.spare.with_file_name("hidden");
    fs::rename(&room.spare, &hidden).unwrap();
    let campaign = Campaign::open(&room.home).unwrap();
    let error = campaign.scan(Table::Connections).find_map(Result::err).expect("an error").to_string();
    assert!(error.contains(room.spare.to_str().unwrap()), "{error}");
    assert!(!verify(&campaign).is_clean());
    fs::rename(&hidden, &room.spare).unwrap();
    let (recorder, resumed) = Recorder::resume(&room.home, room.config(), manifest()).unwrap();
    assert_eq!(resumed.state, State::Running);
    assert!(recorder.finish().failure.is_none());
    assert_eq!(uids(&room.home), expected(0..ROUNDS * EACH));
    assert_clean(&room.home, "continued");
}

#[test]
fn without_another_disk_rows_wait_for_room_and_what_finds_none_in_memory_is_counted() {
    let room = Room::new();
    let disk = SickDisk::new(&room.home, None);
    let alone = Config { spare: None, ..room.config() };
    let mut recorder = Recorder::create_on(Arc::new(disk.clone()), &room.home, alone, manifest()).unwrap();
    let start = now();
    give(&mut recorder, 0..EACH);
    recorder.tick(start, NOW).expect("a disk");
    disk.set(Health::Full);
    give(&mut recorder, EACH..2 * EACH);
    let full = recorder.tick(start + Duration::from_secs(1), NOW).expect_err("no disk").to_string();
    assert!(full.contains("make room"), "{full}");
    give(&mut recorder, 2 * EACH..3 * EACH);
    disk.set(Health::Well);
    recorder.tick(start + Duration::from_secs(3), NOW).expect("a disk again");
    account(&mut recorder, 0..3 * EACH);
    let finished = recorder.finish();
    assert!(finished.failure.is_none(), "{:?}", finished.failure);
    assert_eq!(uids(&room.home), expected(0..3 * EACH), "nothing was lost");
    assert_clean(&room.home, "after the full disk");
}

/// Records a connection a day, and a segment.
fn record_days(recorder: &mut Recorder, days: Range<u64>) {
    let start = now();
    for day in days {
        let mut encoder = Encoder::new(0);
        let ts = Nanos(common::EPOCH + day as i64 * 86_400_000_000_000);
        encoder.record(Record { ts, at: Instants { last: ts, ..Instants::default() }, ..record(day) });
        encoder.flush(Nanos(0));
        drain(&mut encoder, recorder);
        recorder.tick(start + Duration::from_secs(day * 60), NOW).unwrap();
    }
}

fn under_a_quota(root: &Path, quota: u64) -> Recorder {
    let retention = Retention { quota: Quota::Bytes(quota), ..Retention::default() };
    Recorder::create(root, Config { segment_bytes: 1, retention, ..config() }, manifest()).unwrap()
}

#[test]
fn the_oldest_segments_go_when_the_quota_is_reached_but_those_of_days_that_are_kept() {
    let dir = tempfile::tempdir().unwrap();
    let (probe, root) = (dir.path().join("probe"), dir.path().join("c"));
    let mut recorder = under_a_quota(&probe, u64::MAX);
    record_days(&mut recorder, 0..1);
    assert!(recorder.finish().failure.is_none());
    let file = fs::read_dir(probe.join("connections/date=2026-11-22")).unwrap().next().unwrap().unwrap();
    let each = file.metadata().unwrap().len();
    let mut recorder = under_a_quota(&root, each * 10);
    fs::create_dir(root.join("keep")).unwrap();
    fs::write(root.join("keep/2026-11-22"), "").unwrap();
    record_days(&mut recorder, 0..12);
    let condition = recorder.condition();
    assert!(condition.deleted_segments > 0, "{condition:?}");
    let finished = recorder.finish();
    assert!(finished.failure.is_none(), "{:?}", finished.failure);
    let left = uids(&root);
    assert!(left.contains(&record(0).uid), "the day that is kept");
    assert!(!left.contains(&record(1).uid) && left.contains(&record(11).uid), "the oldest go");
    assert!((left.len() as u64) < 10, "{} are left", left.len());
    assert!(!told(&root, "deleted").is_empty());
    assert_clean(&root, "after deleting");
    let manifest = Campaign::open(&root).unwrap().manifest().clone();
    assert_eq!(manifest.rows(Table::Connections), 12, "rows that were recorded");
    assert_eq!(manifest.deleted.segments + left.len() as u64, 12);
}

#[test]
fn a_run_too_short_for_another_look_at_the_room_leaves_no_more_than_the_quota() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("c");
    let quota = 60_000;
    let retention = Retention { quota: Quota::Bytes(quota), ..Retention::default() };
    let settings = Config { segment_bytes: 1, retention, ..config() };
    let mut recorder = Recorder::create(&root, settings, manifest()).unwrap();
    let start = now();
    for n in 0..20 {
        let mut encoder = Encoder::new(0);
        encoder.record(record(n));
        encoder.flush(Nanos(0));
        drain(&mut encoder, &mut recorder);
        recorder.tick(start + Duration::from_millis(n), NOW).unwrap();
    }
    assert!(recorder.finish().failure.is_none());
    assert!(!told(&root, "deleted").is_empty(), "and the campaign says so");
    let days =
        fs::read_dir(root.join("connections")).unwrap().flat_map(|day| fs::read_dir(day.unwrap().path()).unwrap());
    let bytes: u64 = days.map(|file| file.unwrap().metadata().unwrap().len()).sum();
    assert!(bytes < quota * 8 / 10, "{bytes} bytes are left of connections alone");
    assert_clean(&root, "after deleting");
}
