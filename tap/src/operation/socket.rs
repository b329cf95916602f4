//! The socket in a campaign's directory on which its tap answers: `conntrack-tap status`.
//!
//! Whoever connects gets the status as one JSON object, and the connection ends. Directories can have longer names than sockets, so both sides
//! name the socket by an open descriptor of its directory.

use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::os::fd::AsRawFd as _;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use super::Shared;
use super::status::Status;

/// Name of the socket.
pub const NAME: &str = "tap.sock";

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// Bytes of an answer, at most: thousands of sources.
const ANSWER: u64 = 16 << 20;

/// The running tap cannot be asked.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    /// Nobody answers.
    #[error("no tap answers in {}: {source}; it is not running, or records elsewhere (see its --out)", campaign.display())]
    Nobody {
        /// The campaign.
        campaign: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The answer is none.
    #[error("the tap in {} answers what this version does not know: {source}; use the tap's own version", campaign.display())]
    Foreign {
        /// The campaign.
        campaign: PathBuf,
        /// Why.
        source: serde_json::Error,
    },
}

/// A socket that is answered until it is dropped.
#[derive(Debug)]
pub struct Socket {
    path: PathBuf,
}

impl Socket {
    /// Answers on the socket of the campaign in `directory`, from a thread of its own.
    ///
    /// # Errors
    /// When there can be no socket.
    pub fn open(directory: &Path, shared: Shared) -> io::Result<Self> {
        let path = directory.join(NAME);
        // That of a tap that died: two cannot record one campaign.
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let listener = through(directory, |short| UnixListener::bind(short))?;
        let work = move || {
            for stream in listener.incoming().flatten() {
                // Who does not read the answer does not get it.
                let _ = answer(stream, &shared);
            }
        };
        thread::Builder::new().name("status".to_owned()).spawn(work)?;
        Ok(Self { path })
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}

fn answer(mut stream: UnixStream, shared: &Shared) -> io::Result<()> {
    stream.set_write_timeout(Some(PATIENCE))?;
    stream.write_all(&serde_json::to_vec(&shared.status())?)
}

/// Asks the tap that records the campaign in `directory`.
///
/// # Errors
/// When none answers.
pub fn ask(directory: &Path) -> Result<Status, AskError> {
    let nobody = |source| AskError::Nobody { campaign: directory.to_owned(), source };
    let stream = through(directory, |short| UnixStream::connect(short)).map_err(nobody)?;
    stream.set_read_timeout(Some(PATIENCE)).map_err(nobody)?;
    let mut bytes = Vec::new();
    stream.take(ANSWER).read_to_end(&mut bytes).map_err(nobody)?;
    serde_json::from_slice(&bytes).map_err(|source| AskError::Foreign { campaign: directory.to_owned(), source })
}

/// Uses the socket in `directory` by a short name.
fn through<T>(directory: &Path, work: impl FnOnce(&Path) -> io::Result<T>) -> io::Result<T> {
    let opened = File::open(directory)?;
    work(&Path::new("/proc/self/fd").join(opened.as_raw_fd().to_string()).join(NAME))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tap_answers_in_a_directory_with_a_long_name_and_after_one_that_died() {
        let room = tempfile::tempdir().unwrap();
        let directory = room.path().join("long".repeat(50));
        fs::create_dir(&directory).unwrap();
        assert!(matches!(ask(&directory), Err(AskError::Nobody { .. })));
        let first = Socket::open(&directory, Shared::default()).unwrap();
        std::mem::forget(first);
        let second = Socket::open(&directory, Shared::default()).unwrap();
        assert_eq!(ask(&directory).unwrap(), Shared::default().status());
        drop(second);
        assert!(matches!(ask(&directory), Err(AskError::Nobody { .. })));
    }
}
