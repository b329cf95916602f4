//! Where a campaign goes: a new directory, or one with a campaign that goes on.
//!
//! A campaign of live sources is continued whenever it is recorded into again, whether it was interrupted or ended in order: the runs
//! of a week are one campaign, whatever restarted the program. So is one from standard input, which gives what comes next. Files begin anew
//! each time that they are read, and would count twice.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use capture::Pace;
use recorder::{Campaign, Config, Manifest, ReadError, Recorder, RecorderError, Resumed};

use crate::sources::SourceSpec;

/// A directory that a run can be recorded in.
#[derive(Debug)]
pub struct Place {
    root: PathBuf,
    /// Whether a campaign is there already.
    is_there: bool,
    /// Whether the directory was made for this run.
    made: bool,
}

/// Who makes the directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Maker {
    /// Whoever this process is now.
    Now,
    /// Another user, as whom it goes on later.
    Later,
}

/// A directory cannot be recorded in.
#[derive(Debug, thiserror::Error)]
pub enum PlaceError {
    /// The campaign in it came from files.
    #[error(
        "{} holds a campaign already, and {source_name} cannot be continued: its packets would count twice. Record into a directory that \
         does not exist yet", root.display()
    )]
    NotContinued {
        /// The campaign.
        root: PathBuf,
        /// The source.
        source_name: String,
    },
    /// The campaign in it is about something else.
    #[error(
        "{} holds a campaign with {what} {there:?}, not {wanted:?}; continue it with the same, or record into a directory that does not \
         exist yet", root.display()
    )]
    Other {
        /// The campaign.
        root: PathBuf,
        /// What differs.
        what: &'static str,
        /// As it is.
        there: String,
        /// As it was asked for.
        wanted: String,
    },
    /// The directory cannot be made or written.
    #[error("cannot record into {}: {source}; give --out a directory that this user may write", root.display())]
    Unwritable {
        /// The directory.
        root: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// What is there cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// It is taken.
    #[error(transparent)]
    Taken(#[from] RecorderError),
}

impl Place {
    /// Looks at the directory `root`, and makes it where it does not exist and is to be made now: a run that cannot be recorded is to be
    /// refused before anything is captured.
    ///
    /// # Errors
    /// When a campaign of these `sources` cannot be recorded there.
    pub fn find(root: &Path, sources: &[SourceSpec], wanted: &Manifest, maker: Maker) -> Result<Self, PlaceError> {
        let before = match Campaign::open(root) {
            Ok(campaign) => Some(campaign.manifest().clone()),
            Err(ReadError::NotACampaign { .. }) => None,
            Err(error) => return Err(error.into()),
        };
        if let Some(before) = &before {
            if recorder::is_being_recorded(root)? {
                return Err(RecorderError::InUse { path: root.to_owned() }.into());
            }
            compare(root, before, wanted)?;
            let earlier = before.sources.iter().map(|source| source.name.as_str());
            let present = sources.iter().filter(|source| source.pace() == Pace::Patient).map(ToString::to_string);
            let mut all = present.chain(earlier.map(str::to_owned));
            if let Some(source_name) = all.find(|name| is_read_again(name)) {
                return Err(PlaceError::NotContinued { root: root.to_owned(), source_name });
            }
        }
        let existed = root.exists();
        let is_empty =
            prepare(root, maker).map_err(|source| PlaceError::Unwritable { root: root.to_owned(), source })?;
        if before.is_none() && !is_empty {
            return Err(RecorderError::NotEmpty { path: root.to_owned() }.into());
        }
        Ok(Self { root: root.to_owned(), is_there: before.is_some(), made: !existed })
    }

    /// Nothing will be recorded: a directory that was made for it goes again.
    pub fn abandon(&self) {
        if self.made {
            // Only if it is empty, and if it cannot go it does no harm.
            let _ = fs::remove_dir(&self.root);
        }
    }

    /// Begins a campaign, or another run of the one that is there: then with what was found of it.
    ///
    /// # Errors
    /// When somebody else records it, or the disk refuses.
    pub fn open(self, config: Config, manifest: Manifest) -> Result<(Recorder, Option<Resumed>), RecorderError> {
        if self.is_there {
            Recorder::resume(self.root, config, manifest).map(|(recorder, resumed)| (recorder, Some(resumed)))
        } else {
            Ok((Recorder::create(self.root, config, manifest)?, None))
        }
    }
}

/// Whether both campaigns are about the same.
fn compare(root: &Path, before: &Manifest, wanted: &Manifest) -> Result<(), PlaceError> {
    let facts = [
        ("site", &before.site, &wanted.site),
        ("link", &before.link, &wanted.link),
        ("anonymisation", &before.anonymisation, &wanted.anonymisation),
    ];
    match facts.into_iter().find(|(_, there, wanted)| there != wanted) {
        Some((what, there, wanted)) => {
            let (root, there, wanted) = (root.to_owned(), there.clone(), wanted.clone());
            Err(PlaceError::Other { root, what, there, wanted })
        }
        None => Ok(()),
    }
}

/// Whether the source gives the same packets again each time that it is opened.
#[must_use]
pub fn begins_anew(source: &SourceSpec) -> bool {
    source.pace() == Pace::Patient && is_read_again(&source.to_string())
}

/// The same of a source by its name.
fn is_read_again(name: &str) -> bool {
    name.starts_with("sim:") || name.starts_with("pcap:") && name != "pcap:-"
}

/// Makes the directory, and sees that files can be made in it. Says whether it is empty.
fn prepare(root: &Path, maker: Maker) -> io::Result<bool> {
    match maker {
        Maker::Now => {
            fs::create_dir_all(root)?;
            rustix::fs::access(root, rustix::fs::Access::WRITE_OK | rustix::fs::Access::EXEC_OK)?;
        }
        Maker::Later if !root.exists() => return Ok(true),
        Maker::Later => {}
    }
    Ok(fs::read_dir(root)?.next().is_none())
}
