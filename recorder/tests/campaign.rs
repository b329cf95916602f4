//! A campaign from rows to Parquet and back.
#![allow(clippy::expect_used, reason = "a test may panic")]

mod common;

use std::time::Instant;

use common::{header, record, start, write_sample};
use conntrack::Sink;
use recorder::{Campaign, Encoder, Outcome, State, Table, Verdict, verify};
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
    recorder.tick(Instant::now()).unwrap();
    assert_eq!(recorder.acknowledged(Table::Connections), 1);
    let campaign = Campaign::open(dir.path()).unwrap();
    assert_eq!((rows(&campaign, Table::Connections), rows(&campaign, Table::Headers)), (1, 1));
    assert!(verify(&campaign).is_clean());
}
