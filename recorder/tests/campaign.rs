//! A campaign from rows to Parquet and back.
#![allow(clippy::expect_used, clippy::unwrap_used, clippy::panic, reason = "a test may panic")]

mod common;

use std::time::Instant;

use common::{drain, header, manifest, record, start, write_sample};
use conntrack::Sink;
use recorder::{Campaign, Config, Encoder, Outcome, Recorder, State, Table, Verdict, verify};
use wire::Nanos;

fn rows(campaign: &Campaign, table: Table) -> usize {
    campaign.scan(table).map(|batch| batch.expect("a readable batch").num_rows()).sum()
}

#[test]
fn what_is_recorded_is_read_back_and_verified() {
    let dir = tempfile::tempdir().unwrap();
    let manifest = write_sample(&dir.path().join("c"), 1000);
    assert_eq!(manifest.state, State::Complete);
    let campaign = Campaign::open(dir.path().join("c")).unwrap();
    assert_eq!((rows(&campaign, Table::Connections), rows(&campaign, Table::Headers)), (1000, 3000));
    let report = verify(&campaign);
    assert!(report.is_clean(), "{report}");
    assert!(report.checks.iter().all(|check| matches!(check.verdict, Verdict::Passed(_))), "{report}");
}

#[test]
fn a_running_campaign_can_be_read() {
    let dir = tempfile::tempdir().unwrap();
    let (mut recorder, mut encoder) = (start(dir.path()), Encoder::new(0));
    encoder.record(record(1));
    encoder.header(header(1, 0));
    encoder.flush(Nanos(0));
    while let Some(block) = encoder.take() {
        assert_eq!(recorder.append(&block), Outcome::Journalled);
    }
    #[expect(clippy::disallowed_methods, reason = "any instant will do")]
    recorder.tick(Instant::now(), common::NOW).unwrap();
    assert_eq!(recorder.acknowledged(Table::Connections), 1);
    let campaign = Campaign::open(dir.path()).unwrap();
    assert_eq!((rows(&campaign, Table::Connections), rows(&campaign, Table::Headers)), (1, 1));
    assert!(verify(&campaign).is_clean());
}

#[test]
fn a_reader_sees_every_acknowledged_row_once_while_a_thread_seals() {
    let dir = tempfile::tempdir().unwrap();
    let config = Config { segment_bytes: 50_000, ..Config::default() };
    let mut recorder = Recorder::create(dir.path(), config, manifest()).unwrap();
    let mut encoder = Encoder::new(0);
    for round in 0..40 {
        for n in round * 100..(round + 1) * 100 {
            encoder.record(record(n));
        }
        encoder.flush(Nanos(0));
        drain(&mut encoder, &mut recorder);
        #[expect(clippy::disallowed_methods, reason = "any instant will do")]
        recorder.tick(Instant::now(), common::NOW).unwrap();
        recorder.sync();
        let campaign = Campaign::open(dir.path()).unwrap();
        assert_eq!(
            rows(&campaign, Table::Connections) as u64,
            recorder.acknowledged(Table::Connections),
            "round {round}"
        );
    }
    let finished = recorder.finish();
    assert!(finished.failure.is_none() && finished.manifest.state == State::Complete);
    let sealed = std::fs::read_dir(dir.path().join("connections/date=2026-11-22")).unwrap().count();
    assert!(sealed > 3, "{sealed} files");
    assert_eq!(rows(&Campaign::open(dir.path()).unwrap(), Table::Connections), 4000);
    assert_eq!(std::fs::read_dir(dir.path().join("journal")).unwrap().count(), 0);
}

#[test]
fn columns_are_read_in_the_order_in_which_they_are_asked_for_and_an_unknown_one_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    write_sample(dir.path(), 2);
    let campaign = Campaign::open(dir.path()).unwrap();
    let batch = campaign.scan_columns(Table::Headers, &["window", "uid"]).unwrap().next().unwrap().unwrap();
    let names: Vec<_> = batch.schema_ref().fields().iter().map(|field| field.name().as_str()).collect();
    assert_eq!(names, ["window", "uid"]);
    let refused = campaign.scan_columns(Table::Events, &["colour"]).err().expect("a refusal");
    assert_eq!(refused.to_string(), "table events has no column colour; it has uid, ts, dir, kind, detail");
}
