//! What can go wrong, said so that it can be helped.

use std::io;
use std::path::{Path, PathBuf};

use parquet::errors::ParquetError;

use crate::DiskError;

/// A campaign cannot be recorded, or not to its end.
#[derive(Debug, thiserror::Error)]
pub enum RecorderError {
    /// The place for a new campaign is taken.
    #[error("{} is not empty; give a directory that does not exist yet, or remove this one", path.display())]
    NotEmpty {
        /// The directory.
        path: PathBuf,
    },
    /// Another process holds the campaign.
    #[error("{} is being recorded or recovered by another process; wait until it ends", path.display())]
    InUse {
        /// The campaign.
        path: PathBuf,
    },
    /// The disk failed.
    #[error(transparent)]
    Disk(#[from] DiskError),
    /// The disk does not answer.
    #[error("the disk of {} has not answered for {seconds} s", path.display())]
    Hangs {
        /// The directory.
        path: PathBuf,
        /// For how long.
        seconds: u64,
    },
    /// A directory that was to take over holds something else.
    #[error("{} holds something else than a part of this campaign; give --spare a directory that does not exist yet", path.display())]
    NotSpare {
        /// The directory.
        path: PathBuf,
    },
    /// A Parquet file could not be written.
    #[error("cannot write {}: {source}; the rows are safe in the journal: when the cause is gone, seal them with conntrack-tap recover", path.display())]
    Parquet {
        /// The file.
        path: PathBuf,
        /// Why.
        source: ParquetError,
    },
    /// What is there already cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// A block is larger than the journal takes.
    #[error("a block of {bytes} bytes is larger than any encoder makes; hand over each block when it is full")]
    BlockTooLarge {
        /// Its length.
        bytes: usize,
    },
    /// A block of interval parts does not hold what it should.
    #[error("a block of interval parts cannot be read; it was not made by an encoder of this version")]
    BadBlock,
    /// A file of the journal cannot be what it should.
    #[error("{}: {reason}; move it away to go on without it", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// zstd failed.
    #[error("zstd failed: {0}; lower the journal's compression level")]
    Zstd(#[source] io::Error),
    /// A thread could not be started, or panicked.
    #[error("the {what}; seal the rest with conntrack-tap recover")]
    Thread {
        /// What became of it.
        what: String,
    },
}

/// A campaign cannot be read, or not all of it.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// There is no campaign.
    #[error("{} is not a campaign: it holds no campaign.json", path.display())]
    NotACampaign {
        /// The directory.
        path: PathBuf,
    },
    /// A file cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A directory of the campaign cannot be read.
    #[error("a part of the campaign lies in another directory: {reason}; mount or restore it, and read again")]
    Elsewhere {
        /// Why not.
        reason: String,
    },
    /// A later version made it.
    #[error("{} has format {found}, this program reads up to {supported}; use a newer one", path.display())]
    Newer {
        /// The manifest.
        path: PathBuf,
        /// Its version.
        found: u32,
        /// The newest known.
        supported: u32,
    },
    /// A file is not what it should be.
    #[error("{} is damaged: {reason}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// A Parquet file cannot be read.
    #[error("{} is damaged: {source}", path.display())]
    Parquet {
        /// The file.
        path: PathBuf,
        /// Why.
        source: ParquetError,
    },
    /// No such column.
    #[error("table {table} has no column {name}; it has {}", known.join(", "))]
    NoColumn {
        /// The table.
        table: crate::Table,
        /// What was asked for.
        name: String,
        /// What there is.
        known: Vec<&'static str>,
    },
}

impl ReadError {
    pub(crate) fn damaged(path: &Path, reason: impl Into<String>) -> Self {
        Self::Damaged { path: path.to_owned(), reason: reason.into() }
    }

    pub(crate) fn io(path: &Path, source: io::Error) -> Self {
        Self::Io { path: path.to_owned(), source }
    }
}
