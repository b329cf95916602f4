//! Marks days of a campaign, so that they are not deleted to make room.
//!
//! A mark is an empty file `keep/YYYY-MM-DD` in each of the campaign's directories, which the recorder looks for whenever it makes room.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use recorder::{Campaign, ReadError};

/// What becomes of the marks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// The days are kept from now on.
    Keep,
    /// They are kept no longer.
    Release,
}

/// Days cannot be kept.
#[derive(Debug, thiserror::Error)]
pub enum KeepError {
    /// No campaign.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// Not a day.
    #[error("'{0}' is no day; write it like 2026-11-22")]
    NoDay(String),
    /// The mark cannot be made or removed.
    #[error("cannot mark {}: {source}", path.display())]
    Mark {
        /// The mark.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// Marks `days` of a campaign, or takes the marks away, and gives those that there are.
///
/// # Errors
/// When there is no campaign, a day is none, or a directory cannot be written.
pub fn keep(campaign: &Path, days: &[String], change: Change) -> Result<Vec<String>, KeepError> {
    let opened = Campaign::open(campaign)?;
    if let Some(day) = days.iter().find(|day| !is_day(day)) {
        return Err(KeepError::NoDay(day.clone()));
    }
    let elsewhere = opened.manifest().elsewhere.iter().filter(|directory| directory.is_dir());
    for directory in std::iter::once(&campaign.to_owned()).chain(elsewhere) {
        for day in days {
            let path = directory.join(recorder::KEEP).join(day);
            mark(&path, change).map_err(|source| KeepError::Mark { path: path.clone(), source })?;
        }
    }
    let mut kept: Vec<String> = fs::read_dir(campaign.join(recorder::KEEP))
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| entry.file_name().into_string().ok())
        .collect();
    kept.sort_unstable();
    Ok(kept)
}

fn mark(path: &Path, change: Change) -> io::Result<()> {
    match change {
        Change::Keep => {
            path.parent().map_or(Ok(()), fs::create_dir_all)?;
            fs::File::create(path).map(drop)
        }
        Change::Release => match fs::remove_file(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            removed => removed,
        },
    }
}

/// Whether the text is a date as directories of tables have it.
fn is_day(text: &str) -> bool {
    let digits = |part: &str, length: usize| part.len() == length && part.bytes().all(|digit| digit.is_ascii_digit());
    let parts: Vec<&str> = text.split('-').collect();
    let [year, month, day] = parts[..] else { return false };
    if !(digits(year, 4) && digits(month, 2) && digits(day, 2)) {
        return false;
    }
    let number = |text: &str| text.parse::<u32>().unwrap_or(0);
    (1..=length_of_month(number(year), number(month))).contains(&number(day))
}

/// Days of a month in the Gregorian calendar; none of a month that there is not.
const fn length_of_month(year: u32, month: u32) -> u32 {
    match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if year.is_multiple_of(4) && !year.is_multiple_of(100) || year.is_multiple_of(400) => 29,
        2 => 28,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_a_date_and_no_path() {
        assert!(is_day("2026-11-22") && is_day("2024-02-29") && is_day("2000-02-29"));
        for text in [
            "2026-02-29",
            "1900-02-29",
            "2026-13-01",
            "2026-00-10",
            "2026-04-31",
            "2026-01-00",
            "",
            "2026-11",
            "../../etc",
            "2026-11-22/..",
            "26-11-22",
            "2026-11-221",
        ] {
            assert!(!is_day(text), "{text}");
        }
    }
}
