//! How long the reports of a campaign of 1.7 million connections take: as many as the first paper's week had. The budget of a
//! summary is two seconds.
//!
//!     cargo bench -p stats --bench summary

#[path = "../tests/support/mod.rs"]
mod support;

use std::ffi::OsStr;
use std::path::PathBuf;
use std::sync::OnceLock;

use divan::Bencher;
use divan::counter::ItemsCount;

const CONNECTIONS: u64 = 1_700_000;

/// Where the campaign lies.
static CAMPAIGN: OnceLock<PathBuf> = OnceLock::new();

#[expect(clippy::unwrap_used, reason = "a benchmark may panic")]
fn main() {
    let room = tempfile::tempdir().unwrap();
    let path = CAMPAIGN.get_or_init(|| room.path().join("campaign"));
    support::Campaign { connections: CONNECTIONS, headers: false, ..Default::default() }.write(path);
    divan::main();
}

/// Runs the program with these arguments, `CAMPAIGN` standing for the campaign.
#[divan::bench(sample_count = 3, sample_size = 1, args = [
    &["summary", "CAMPAIGN"] as &[&str],
    &["connections", "CAMPAIGN", "--format", "csv", "-o", "/dev/null"],
])]
fn report(bencher: Bencher<'_, '_>, arguments: &[&str]) {
    let campaign = CAMPAIGN.get().map_or(OsStr::new(""), |path| path.as_os_str());
    bencher.counter(ItemsCount::new(CONNECTIONS)).bench(|| {
        let arguments = arguments.iter().map(|&word| if word == "CAMPAIGN" { campaign } else { word.as_ref() });
        let output = support::program().args(arguments).output();
        assert!(output.is_ok_and(|output| output.status.success()), "the report failed");
    });
}
