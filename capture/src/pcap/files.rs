//! From what the user named to the files that are read.

use std::path::{Path, PathBuf};

use super::captures::{Captures, Planned};
use super::input::Input;
use super::reader::{Reader, Step};
use crate::{Progress, Source, SourceError};

/// Buffer of a file, bytes: reads that cost little a byte and stay within the second-level cache of a core. 1 MiB was measured to
/// be no faster.
pub(super) const BUFFER: usize = 256 << 10;

/// Buffer while only the first packet of a file is looked for, bytes.
const GLANCE_BUFFER: usize = 16 << 10;

/// Opens a capture file, a directory of them, a pattern (`*`, `?`, `[...]`), or with `-` standard input. What exists under
/// that very name is not taken for a pattern.
///
/// # Errors
/// No such file, nothing that matches, or nothing that is a capture. One bad file among good ones is reported later, by
/// [`Source::poll`].
pub fn open(path: &Path) -> Result<Box<dyn Source>, SourceError> {
    if path == Path::new("-") {
        let input = Input::stdin().map_err(|error| SourceError::Open { path: path.to_owned(), error })?;
        let reader = Reader::new(path, input, BUFFER);
        return Ok(Box::new(Captures::new(name(path), Some(reader), Vec::new(), Vec::new(), Progress::default())));
    }
    match std::fs::metadata(path) {
        Ok(found) if found.is_dir() => {
            let (files, skipped) = list(path)?;
            open_all(path, files, skipped)
        }
        Ok(found) => open_one(path, found.is_file().then_some(found.len())),
        Err(error) => match matches(path)? {
            files if files.is_empty() && !is_pattern(path) => Err(SourceError::Open { path: path.to_owned(), error }),
            files => open_all(path, files, Vec::new()),
        },
    }
}

fn name(path: &Path) -> String {
    format!("pcap:{}", path.display())
}

fn is_pattern(path: &Path) -> bool {
    path.to_string_lossy().contains(['*', '?', '['])
}

/// A single file; `size` is known of a regular file, and then its first packet is looked for at once.
fn open_one(path: &Path, size: Option<u64>) -> Result<Box<dyn Source>, SourceError> {
    let input = Input::open(path).map_err(|error| SourceError::Open { path: path.to_owned(), error })?;
    let mut reader = Reader::new(path, input, BUFFER);
    let progress = Progress { done: 0, total: size };
    let (first, problems) = match if size.is_some() { reader.advance() } else { Ok(Step::Nothing) } {
        Ok(Step::Packet | Step::Nothing) => (Some(reader), Vec::new()),
        Ok(Step::End) => (None, Vec::new()),
        Err(problem @ SourceError::NotACapture { .. }) => return Err(problem),
        Err(problem) => (None, vec![problem]),
    };
    Ok(Box::new(Captures::new(name(path), first, Vec::new(), problems, progress)))
}

/// Many files, sorted by their first packets. Files without packets have no place in time and are done. `problems` were found on
/// the way to the files.
fn open_all(path: &Path, files: Vec<PathBuf>, mut problems: Vec<SourceError>) -> Result<Box<dyn Source>, SourceError> {
    let mut planned = Vec::new();
    let (mut done, mut total, mut captures) = (0, 0, 0);
    for path in files {
        let size = std::fs::metadata(&path).map_or(0, |found| found.len());
        total += size;
        match first_packet(&path) {
            Ok(Some(first)) => planned.push(Planned { path, first }),
            Ok(None) => {
                captures += 1;
                done += size;
            }
            Err(problem) => {
                problems.push(problem);
                done += size;
            }
        }
    }
    captures += planned.len();
    if captures == 0 {
        let nothing = SourceError::NoFiles { path: path.to_owned() };
        return Err(problems.into_iter().next().unwrap_or(nothing));
    }
    planned.sort_by(|a, b| (a.first, &a.path).cmp(&(b.first, &b.path)));
    Ok(Box::new(Captures::new(name(path), None, planned, problems, Progress { done, total: Some(total) })))
}

fn first_packet(path: &Path) -> Result<Option<wire::Nanos>, SourceError> {
    let input = Input::open(path).map_err(|error| SourceError::Open { path: path.to_owned(), error })?;
    let mut reader = Reader::new(path, input, GLANCE_BUFFER);
    reader.advance()?;
    Ok(reader.ts())
}

/// The regular files of a directory, hidden ones left out, sorted by name; and what else is there.
fn list(directory: &Path) -> Result<(Vec<PathBuf>, Vec<SourceError>), SourceError> {
    let failed = |error| SourceError::Open { path: directory.to_owned(), error };
    let (mut files, mut skipped) = (Vec::new(), Vec::new());
    for entry in std::fs::read_dir(directory).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        if entry.file_name().to_string_lossy().starts_with('.') {
            continue;
        }
        let path = entry.path();
        match std::fs::metadata(&path) {
            Ok(found) if found.is_file() => files.push(path),
            Ok(found) if found.is_dir() => skipped.push(SourceError::Skipped { path, what: "a directory" }),
            Ok(_) => skipped.push(SourceError::Skipped { path, what: "no regular file" }),
            Err(error) => skipped.push(SourceError::Open { path, error }),
        }
    }
    files.sort();
    Ok((files, skipped))
}

/// The regular files that match a pattern, sorted by name.
fn matches(pattern: &Path) -> Result<Vec<PathBuf>, SourceError> {
    let bad = |reason| SourceError::BadPattern { path: pattern.to_owned(), reason };
    let text = pattern.to_str().ok_or_else(|| bad("it is not UTF-8".to_owned()))?;
    let found = glob::glob(text).map_err(|error| bad(error.to_string()))?;
    Ok(found.filter_map(Result::ok).filter(|path| path.is_file()).collect())
}
