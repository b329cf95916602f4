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
    matches!(parts[..], [year, month, day] if digits(year, 4) && digits(month, 2) && digits(day, 2))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_a_date_and_no_path() {
        assert!(is_day("2026-11-22"));
        for text in ["", "2026-11", "../../etc", "2026-11-22/..", "26-11-22", "2026-11-221"] {
            assert!(!is_day(text), "{text}");
        }
    }
}
