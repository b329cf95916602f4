//! How long a report takes. Ignored by default, because it means something in a release build only:
//! `cargo test -p stats --release --test speed -- --ignored --nocapture`.

mod support;

use std::time::{Duration, Instant};

#[test]
#[ignore = "measures; run it in a release build"]
#[expect(clippy::disallowed_methods, reason = "it measures the time that passes")]
fn a_summary_of_1_7_million_connections_takes_at_most_two_seconds() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("campaign");
    support::Campaign { connections: 1_700_000, headers: false, ..Default::default() }.write(&dir);
    let dir = dir.to_str().unwrap();
    for arguments in [vec!["summary", dir], vec!["connections", dir, "--format", "csv", "-o", "/dev/null"]] {
        let start = Instant::now();
        let printed = support::printed(&arguments);
        let taken = start.elapsed();
        println!("{} took {taken:?}\n{printed}", arguments[0]);
        assert!(arguments[0] != "summary" || taken <= Duration::from_secs(2), "{taken:?}");
    }
}
