//! The disk that campaigns go to.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;
use std::time::Duration;

use rustix::fs::statvfs;

use super::Finding;
use crate::clock;

/// The test writes this many blocks of a mebibyte, each followed by fdatasync: as the journal does, at its busiest.
const BLOCKS: u32 = 32;
const BLOCK: usize = 1 << 20;

/// A journal that cannot sync this many mebibytes a second falls behind a 10 Gbit/s link's headers.
const RATE_WANTED: f64 = 30.0;

/// A campaign of a week needs more than this, bytes.
const SPACE_WANTED: u64 = 10 << 30;

pub(super) fn findings(directory: &Path) -> Vec<Finding> {
    vec![space(directory), speed(directory)]
}

fn space(directory: &Path) -> Finding {
    let place = directory.display();
    let Ok(found) = statvfs(directory) else {
        return Finding::problem(
            format!("disk: {place} cannot be looked at"),
            "make the directory, or name another with --out",
        );
    };
    let free = found.f_bavail.saturating_mul(found.f_frsize);
    let text = format!("disk: {:.1} GB free at {place}", free as f64 / 1e9);
    if free < SPACE_WANTED {
        Finding::warning(text, "a busy link fills this within a campaign; choose another disk with --out")
    } else {
        Finding::ok(text)
    }
}

fn speed(directory: &Path) -> Finding {
    let path = directory.join(format!(".conntrack-doctor-{}", std::process::id()));
    let measured = File::create_new(&path).and_then(|mut file| write_blocks(&mut file));
    let removed = fs::remove_file(&path);
    match measured.and_then(|times| removed.map(|()| times)) {
        Ok((total, worst)) => judge(total, worst),
        Err(error) => Finding::problem(
            format!("disk: cannot write to {}: {error}", directory.display()),
            "choose another disk with --out",
        ),
    }
}

/// Time for all blocks, and for the slowest.
fn write_blocks(file: &mut File) -> io::Result<(Duration, Duration)> {
    let block = vec![0xa5; BLOCK];
    let (mut total, mut worst) = (Duration::ZERO, Duration::ZERO);
    for _ in 0..BLOCKS {
        let started = clock::now();
        file.write_all(&block)?;
        file.sync_data()?;
        let took = started.elapsed();
        total += took;
        worst = worst.max(took);
    }
    Ok((total, worst))
}

fn judge(total: Duration, worst: Duration) -> Finding {
    let rate = f64::from(BLOCKS) / total.as_secs_f64().max(1e-9);
    let text = format!("disk: {rate:.0} MiB/s synced, slowest write {:.0} ms", worst.as_secs_f64() * 1e3);
    if rate < RATE_WANTED {
        Finding::warning(text, "records may be lost at high rates; choose a faster disk with --out")
    } else {
        Finding::ok(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Level;

    #[test]
    fn a_directory_that_is_not_there_is_a_problem_and_leaves_nothing_behind() {
        let found = findings(Path::new("/nonexistent/campaigns"));
        assert!(found.iter().all(|finding| finding.level == Level::Problem), "{found:?}");
    }

    #[test]
    fn the_speed_test_cleans_up_after_itself() {
        let directory = tempfile::tempdir().unwrap();
        assert!(speed(directory.path()).text.contains("MiB/s"));
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_slow_disk_is_a_warning() {
        assert_eq!(judge(Duration::from_secs(10), Duration::from_secs(1)).level, Level::Warning);
        assert_eq!(judge(Duration::from_millis(100), Duration::from_millis(5)).level, Level::Ok);
    }
}
