//! Damaged and hostile campaign directories: found by verifying, refused by name when read, never a panic.
#![allow(clippy::expect_used, clippy::unwrap_used, clippy::panic, reason = "a test may panic")]

mod common;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use common::{config, drain, event, header, manifest, record, start, write_sample};
use conntrack::Sink;
use recorder::{Campaign, Config, Encoder, ReadError, Recorder, Table, recover, verify};
use wire::{Interval, Nanos};

/// Every file below `dir`.
fn files(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).expect("a directory").map(|entry| entry.expect("an entry").path()) {
        if entry.is_dir() { found.extend(files(&entry)) } else { found.push(entry) }
    }
    found.sort();
    found
}

/// Whether the campaign is found to be damaged, by opening or by verifying. Reading everything must not panic either way.
fn is_found(root: &Path) -> bool {
    let Ok(campaign) = Campaign::open(root) else { return true };
    let _ = Table::ALL.map(|table| campaign.scan(table).count());
    !verify(&campaign).is_clean()
}

/// Leaves a campaign as a crash would, with all rows in the journal.
fn write_crashed(dir: &Path, count: u64) {
    let (mut recorder, mut encoder) = (start(dir), Encoder::new(0));
    for n in 0..count {
        encoder.header(header(n, 0));
        encoder.record(record(n));
        encoder.event(event(n));
        encoder.interval(Interval::around(Nanos(n as i64), 1));
    }
    encoder.flush(Nanos::MAX);
    drain(&mut encoder, &mut recorder);
    recorder.sync();
}

/// Flips each of `at` in turn, and sees that each is found.
fn check_flips(root: &Path, file: &Path, at: impl Iterator<Item = usize>) {
    let sound = fs::read(file).expect("a readable file");
    for at in at.take_while(|&at| at < sound.len()) {
        let mut bytes = sound.clone();
        bytes[at] ^= 0x20;
        fs::write(file, &bytes).expect("a writable file");
        assert!(is_found(root), "{} at byte {at}", file.display());
    }
    fs::write(file, &sound).expect("a writable file");
}

#[test]
fn a_journal_of_another_version_is_refused_and_kept() {
    let dir = tempfile::tempdir().unwrap();
    write_crashed(dir.path(), 3);
    let path = files(&dir.path().join("journal")).remove(0);
    let mut bytes = fs::read(&path).unwrap();
    bytes[7] = b'9';
    let crc = crc32fast::hash(&bytes[..24]);
    bytes[24..28].copy_from_slice(&crc.to_le_bytes());
    fs::write(&path, &bytes).unwrap();
    let refused = Campaign::open(dir.path()).unwrap_err().to_string();
    assert!(refused.contains("another version"), "{refused}");
    let refused = recover(dir.path(), Nanos(0)).unwrap_err().to_string();
    assert!(refused.contains("another version"), "{refused}");
    assert_eq!(fs::read(&path).unwrap(), bytes, "nothing of it is lost");
}

#[test]
fn a_wrong_byte_anywhere_in_the_journal_is_found() {
    let dir = tempfile::tempdir().unwrap();
    write_crashed(dir.path(), 3);
    assert!(!is_found(dir.path()));
    check_flips(dir.path(), &dir.path().join("journal/segment-000001.ctj"), 0..);
}

#[test]
fn a_wrong_byte_anywhere_in_a_sealed_file_or_the_index_is_found() {
    let dir = tempfile::tempdir().unwrap();
    write_sample(dir.path(), 3);
    assert!(!is_found(dir.path()));
    for table in Table::ALL {
        let [file] = files(&dir.path().join(table.as_str())).try_into().unwrap();
        check_flips(dir.path(), &file, (0..).step_by(61));
    }
    check_flips(dir.path(), &dir.path().join("sealed.jsonl"), 0..);
}

#[test]
fn rows_of_a_file_with_a_flipped_bit_are_left_out_said_and_the_others_are_read() {
    let dir = tempfile::tempdir().unwrap();
    let two = Config { segment_bytes: 1, ..config() };
    let (mut recorder, mut encoder) = (Recorder::create(dir.path(), two, manifest()).unwrap(), Encoder::new(0));
    #[expect(clippy::disallowed_methods, reason = "any instant will do")]
    let now = std::time::Instant::now();
    for n in 0..3 {
        encoder.record(record(n));
        encoder.flush(Nanos::MAX);
        drain(&mut encoder, &mut recorder);
        let _ = recorder.tick(now, common::NOW);
    }
    assert!(recorder.finish().failure.is_none());
    let sealed = files(&dir.path().join("connections"));
    assert_eq!(sealed.len(), 3, "a segment a row");
    for file in &sealed {
        let sound = fs::read(file).unwrap();
        for at in (4..sound.len()).step_by(1499) {
            let mut bytes = sound.clone();
            bytes[at] ^= 1;
            fs::write(file, &bytes).unwrap();
            let scan = Campaign::open(dir.path()).unwrap().scan(Table::Connections);
            let (read, left_out): (Vec<_>, Vec<_>) = scan.partition(Result::is_ok);
            assert_eq!(read.into_iter().map(|batch| batch.unwrap().num_rows()).sum::<usize>(), 2, "bit {at}");
            let [error] = left_out.try_into().unwrap_or_else(|all| panic!("{all:?}"));
            assert!(error.unwrap_err().to_string().contains(file.file_name().unwrap().to_str().unwrap()), "bit {at}");
        }
        fs::write(file, &sound).unwrap();
    }
}

#[test]
fn a_sealed_file_cut_anywhere_is_an_error_that_names_it() {
    let dir = tempfile::tempdir().unwrap();
    write_sample(dir.path(), 3);
    let [file] = files(&dir.path().join("headers")).try_into().unwrap();
    let sound = fs::read(&file).unwrap();
    for length in (0..sound.len()).step_by(199) {
        fs::write(&file, &sound[..length]).unwrap();
        let campaign = Campaign::open(dir.path()).unwrap();
        let error = campaign.scan(Table::Headers).find_map(Result::err).expect("an error");
        assert!(error.to_string().contains(&file.display().to_string()), "{error}");
        assert!(is_found(dir.path()));
    }
}

#[test]
fn a_pipe_in_the_place_of_a_file_is_an_error_and_nobody_waits_for_it() {
    let dir = tempfile::tempdir().unwrap();
    write_sample(dir.path(), 5);
    let sealed = files(&dir.path().join("connections")).remove(0);
    fs::remove_file(&sealed).unwrap();
    assert!(Command::new("mkfifo").arg(&sealed).status().unwrap().success());
    let campaign = Campaign::open(dir.path()).unwrap();
    let error = campaign.scan(Table::Connections).find_map(Result::err).expect("an error");
    assert!(error.to_string().contains("no regular file"), "{error}");
    assert!(!verify(&campaign).is_clean());
}

#[test]
fn a_missing_and_an_unknown_file_are_found() {
    let dir = tempfile::tempdir().unwrap();
    write_sample(dir.path(), 3);
    let [file] = files(&dir.path().join("events")).try_into().unwrap();
    let other = file.with_file_name("part-000009.parquet");
    fs::copy(&file, &other).unwrap();
    assert!(
        verify(&Campaign::open(dir.path()).unwrap())
            .to_string()
            .contains("part-000009.parquet: no line of sealed.jsonl")
    );
    fs::remove_file(&other).unwrap();
    assert!(!is_found(dir.path()));
    fs::remove_file(&file).unwrap();
    assert!(is_found(dir.path()));
}

#[test]
fn damage_inside_a_journal_costs_its_frame_and_is_recorded() {
    let dir = tempfile::tempdir().unwrap();
    write_crashed(dir.path(), 3);
    let segment = dir.path().join("journal/segment-000001.ctj");
    let mut bytes = fs::read(&segment).unwrap();
    bytes[40] ^= 1;
    fs::write(&segment, &bytes).unwrap();
    let refused = Campaign::open(dir.path()).unwrap().scan(Table::Headers).find_map(Result::err).unwrap();
    assert!(refused.to_string().contains("conntrack-tap recover"), "{refused}");
    let recovered = recover(dir.path(), Nanos(0)).unwrap();
    assert!(recovered.damaged_bytes > 0 && recovered.torn_bytes == 0);
    let left = [Table::Headers, Table::Connections].map(|table| recovered.manifest.rows(table));
    assert_eq!(left, [0, 3], "headers come first in a journal");
    assert_eq!(recovered.manifest.rows(Table::Events), 4, "three and the recovery's own");
}

#[test]
fn a_directory_without_a_manifest_a_newer_one_and_nonsense_are_refused_with_reasons() {
    let dir = tempfile::tempdir().unwrap();
    let open = || Campaign::open(dir.path()).unwrap_err();
    assert!(matches!(open(), ReadError::NotACampaign { .. }));
    write_sample(&dir.path().join("c"), 1);
    let manifest = fs::read_to_string(dir.path().join("c/campaign.json")).unwrap();
    let place = dir.path().join("campaign.json");
    fs::write(&place, manifest.replace("\"format\": 1", "\"format\": 2, \"novelty\": 1")).unwrap();
    assert!(open().to_string().ends_with("campaign.json has format 2, this program reads up to 1; use a newer one"));
    fs::write(&place, manifest.replace("\"format\": 1", "\"format\": 1, \"novelty\": 1")).unwrap();
    assert_eq!(Campaign::open(dir.path()).unwrap().manifest().site, "lab", "unknown fields are tolerated");
    fs::write(&place, &manifest[..manifest.len() / 2]).unwrap();
    assert!(matches!(open(), ReadError::Damaged { .. }));
}

#[test]
fn an_index_cannot_point_outside_of_the_campaign() {
    let dir = tempfile::tempdir().unwrap();
    write_sample(dir.path(), 1);
    let index = dir.path().join("sealed.jsonl");
    let line = fs::read_to_string(&index).unwrap();
    fs::write(&index, line.replace("2026-11-22", "../../../etc")).unwrap();
    assert!(matches!(Campaign::open(dir.path()), Err(ReadError::Damaged { .. })));
}
