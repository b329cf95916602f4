//! What can go wrong while reading a campaign and printing it.

use std::io;
use std::path::PathBuf;

use arrow_schema::ArrowError;
use recorder::ReadError;

/// Why a report could not be made. Each message says what, and what the user can do.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// A campaign cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// Rows cannot be taken apart.
    #[error("cannot take a table apart: {0}; use the version that recorded the campaign")]
    Arrow(#[from] ArrowError),
    /// Nothing can be written any more.
    #[error("cannot write the output: {0}; make room or choose another place with -o")]
    Write(#[from] io::Error),
    /// The output file could not be made.
    #[error("cannot write {path}: {source}; choose another place")]
    Output {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Rows could not be put on disk for sorting.
    #[error("cannot sort the packets by time in {folder}: {source}; make room there or point TMPDIR at another disk")]
    Sort {
        /// Where the sorted runs were to go.
        folder: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A column's type is none that campaigns have.
    #[error(
        "column {column} has the type {found}, which this version cannot print; use the version that recorded the campaign"
    )]
    ColumnType {
        /// The column.
        column: String,
        /// Its Arrow type.
        found: String,
    },
    /// The base series cannot be put together.
    #[error(
        "the table intervals has bins of several widths within one hour of a run, which no tap records: verify the campaign"
    )]
    WidthChanged,
    /// Bins of the base series are too wide for bursts.
    #[error(
        "the bins of the table intervals are {seconds} s wide, and a minute is the most that shows a burst; record with a shorter recorder.interval_width"
    )]
    Width {
        /// Width of a bin, s.
        seconds: f64,
    },
    /// An address is none.
    #[error(
        "column {column} has \"{text}\", which is no IP address; `conntrack-report verify` says which file is damaged"
    )]
    Address {
        /// The column.
        column: String,
        /// What stands there.
        text: String,
    },
    /// The program was built without the client of a cluster.
    #[cfg(all(feature = "sql", not(feature = "cluster")))]
    #[error("this program was built without Ballista; leave --cluster out, or build it with --features cluster")]
    NoCluster,
    /// The scheduler of a cluster does not answer.
    #[cfg(feature = "cluster")]
    #[error("the scheduler {scheduler} does not answer: {cause}; start it, or leave --cluster out")]
    Scheduler {
        /// As it was named.
        scheduler: String,
        /// Why.
        cause: String,
    },
    /// A query failed while it ran.
    #[cfg(feature = "sql")]
    #[error("the query failed: {0}")]
    Query(String),
    /// A query needs more memory than it may have.
    #[cfg(feature = "sql")]
    #[error("the query needs more memory: {0}; allow it more with --memory, or have it group or join less")]
    QueryMemory(String),
    /// A column that the report rests on is not there.
    #[error("the table {table} has no column {column}; use the version that recorded the campaign")]
    ColumnMissing {
        /// The table.
        table: &'static str,
        /// The column.
        column: &'static str,
    },
}

impl ReportError {
    /// Whether the reader of the output went away (`| head`), which is no failure.
    #[must_use]
    pub fn is_broken_pipe(&self) -> bool {
        match self {
            Self::Write(source) | Self::Output { source, .. } => source.kind() == io::ErrorKind::BrokenPipe,
            _ => false,
        }
    }
}

/// The command line asks for what there is not.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Usage(pub String);
