//! Where a report goes: standard output, or a file that appears whole or not at all.

use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, BufWriter, Stdout, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use recorder::Table;
use tempfile::NamedTempFile;

use crate::{ReportError, leftovers};

const BUFFER: usize = 64 << 10;

/// An open output. Without [`Output::commit`] a file is not touched.
#[derive(Debug)]
pub enum Output {
    /// Standard output.
    Standard(BufWriter<Stdout>),
    /// A device or a pipe, written as the bytes come.
    Stream(BufWriter<File>),
    /// A new file beside the one it will replace.
    Replacing(BufWriter<NamedTempFile>, PathBuf),
}

impl Output {
    /// Opens `path`; none, or `-`, is standard output. An existing file is replaced at the end.
    ///
    /// # Errors
    /// [`ReportError::Output`] when the file cannot be made.
    pub fn open(path: Option<&Path>) -> Result<Self, ReportError> {
        let Some(path) = path.filter(|path| *path != Path::new("-")) else {
            return Ok(Self::Standard(BufWriter::with_capacity(BUFFER, io::stdout())));
        };
        Self::open_file(path).map_err(|source| ReportError::Output { path: path.to_owned(), source })
    }

    fn open_file(path: &Path) -> io::Result<Self> {
        // A link is followed, so that what it points at is replaced and not the link.
        let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        if is_part_of_a_campaign(&path) {
            return Err(io::Error::new(io::ErrorKind::PermissionDenied, "it belongs to a campaign"));
        }
        if path.is_dir() {
            return Err(io::ErrorKind::IsADirectory.into());
        }
        if path.exists() && !path.is_file() {
            let stream = OpenOptions::new().write(true).open(&path)?;
            return Ok(Self::Stream(BufWriter::with_capacity(BUFFER, stream)));
        }
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        // As for any new file: what the umask leaves of rw-rw-rw-.
        let file = tempfile::Builder::new()
            .prefix(".conntrack-report-")
            .permissions(Permissions::from_mode(0o666))
            .tempfile_in(folder)?;
        leftovers::add(file.path());
        Ok(Self::Replacing(BufWriter::with_capacity(BUFFER, file), path))
    }

    /// A folder with room for temporary files: that of the output, or the system's.
    #[must_use]
    pub fn scratch_folder(&self) -> PathBuf {
        match self {
            // A bare name has an empty parent: the current directory.
            Self::Replacing(_, path) => {
                path.parent().map_or_else(std::env::temp_dir, |parent| Path::new(".").join(parent))
            }
            Self::Standard(_) | Self::Stream(_) => std::env::temp_dir(),
        }
    }

    /// Writes what is still held and puts the file in its place.
    ///
    /// # Errors
    /// [`ReportError::Write`] or [`ReportError::Output`].
    pub fn commit(self) -> Result<(), ReportError> {
        match self {
            Self::Standard(mut out) => Ok(out.flush()?),
            Self::Stream(mut out) => Ok(out.flush()?),
            Self::Replacing(out, path) => {
                let failed = |source| ReportError::Output { path: path.clone(), source };
                let file = out.into_inner().map_err(|error| failed(error.into_error()))?;
                file.as_file().sync_all().map_err(failed)?;
                file.persist(&path).map(drop).map_err(|error| failed(error.error))
            }
        }
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Standard(out) => out.write(bytes),
            Self::Stream(out) => out.write(bytes),
            Self::Replacing(out, _) => out.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Standard(out) => out.flush(),
            Self::Stream(out) => out.flush(),
            Self::Replacing(out, _) => out.flush(),
        }
    }
}

/// Whether a file is one of those that a campaign consists of, or lies among them.
fn is_part_of_a_campaign(path: &Path) -> bool {
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    path.ancestors().skip(1).filter(|root| root.join("campaign.json").is_file()).any(|root| {
        let first = path.strip_prefix(root).ok().and_then(|inside| inside.iter().next()).and_then(OsStr::to_str);
        first.is_some_and(|first| {
            ["journal", "campaign.json", "sealed.jsonl"].contains(&first)
                || Table::ALL.map(Table::as_str).contains(&first)
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_at_the_end_and_only_then() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("rows.csv");
        fs::write(&path, "old").unwrap();
        let mut abandoned = Output::open(Some(&path)).unwrap();
        abandoned.write_all(b"half").unwrap();
        drop(abandoned);
        assert_eq!(fs::read_to_string(&path).unwrap(), "old");
        let mut output = Output::open(Some(&path)).unwrap();
        output.write_all(b"new").unwrap();
        assert_eq!(output.scratch_folder(), fs::canonicalize(folder.path()).unwrap());
        output.commit().unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "new");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is left behind");
    }

    #[test]
    fn a_place_that_cannot_be_written_is_named() {
        let error = Output::open(Some(Path::new("/nowhere/rows.csv"))).unwrap_err();
        assert!(error.to_string().starts_with("cannot write /nowhere/rows.csv: "), "{error}");
        let error = Output::open(Some(Path::new("/tmp"))).unwrap_err();
        assert!(error.to_string().contains("directory"), "{error}");
    }

    #[test]
    fn no_file_of_a_campaign_is_replaced() {
        let campaign = tempfile::tempdir().unwrap();
        let open = |name: &str| Output::open(Some(&campaign.path().join(name)));
        fs::create_dir_all(campaign.path().join("connections/date=2026-11-22")).unwrap();
        assert!(open("connections/date=2026-11-22/part-000001.parquet").is_ok(), "there is no campaign yet");
        fs::write(campaign.path().join("campaign.json"), "{}").unwrap();
        for name in ["campaign.json", "sealed.jsonl", "connections/date=2026-11-22/part-000001.parquet"] {
            let error = open(name).unwrap_err();
            assert!(error.to_string().contains("belongs to a campaign"), "{error}");
        }
        assert!(open("report.html").is_ok());
    }

    #[test]
    fn a_device_is_written_and_not_replaced() {
        let mut output = Output::open(Some(Path::new("/dev/null"))).unwrap();
        output.write_all(b"gone").unwrap();
        output.commit().unwrap();
        assert!(!Path::new("/dev/null").is_file());
    }
}
