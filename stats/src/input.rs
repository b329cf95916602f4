//! Reads campaigns batch by batch. A part that cannot be read is left out, said and counted: the report goes on without it
//! and exits with 3.

use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::mpsc::sync_channel;
use std::thread;

use arrow_array::RecordBatch;
use recorder::{Campaign, ReadError, Table};

use crate::ReportError;
use crate::progress::Progress;

/// Batches that are read ahead in a thread of their own, while others are worked on: enough to even out the two.
const READ_AHEAD: usize = 4;

/// How many parts of campaigns could not be read.
#[derive(Debug, Default)]
pub struct Skipped {
    parts: u64,
    quiet: bool,
}

impl Skipped {
    /// How many.
    #[must_use]
    pub const fn parts(&self) -> u64 {
        self.parts
    }

    /// For one more look at what is read by somebody who tells.
    pub fn quiet() -> Self {
        Self { quiet: true, ..Self::default() }
    }

    fn skip(&mut self, table: Table, error: &ReadError) {
        self.parts += 1;
        if !self.quiet {
            tracing::warn!("rows of the table {table} are left out: {error}");
        }
    }
}

/// A campaign and the path it was named by.
#[derive(Debug)]
pub struct Named {
    /// As the user wrote it.
    pub path: PathBuf,
    /// What lies there.
    pub campaign: Campaign,
}

/// Opens every campaign, before anything is printed.
///
/// # Errors
/// [`ReportError::Read`] for the first that is none.
pub fn open(paths: &[PathBuf]) -> Result<Vec<Named>, ReportError> {
    let open = |path: &PathBuf| Ok(Named { path: path.clone(), campaign: Campaign::open(path)? });
    paths.iter().map(open).collect()
}

/// Reads ahead in another thread, and gives the batches of a table, of the named columns in that order, to `take` until that breaks off.
///
/// # Errors
/// Those of `take`, and [`ReportError::Read`] when a column is unknown.
pub fn each_batch(
    campaign: &Campaign,
    table: Table,
    columns: &[&str],
    skipped: &mut Skipped,
    take: &mut dyn FnMut(&RecordBatch) -> Result<ControlFlow<()>, ReportError>,
) -> Result<(), ReportError> {
    let scan = campaign.scan_columns(table, columns)?;
    let mut rows = 0;
    let mut progress = Progress::new(table, campaign.manifest().rows(table));
    thread::scope(|scope| {
        let (read, batches) = sync_channel(READ_AHEAD);
        // Whoever breaks off hangs up, and the reader ends with its next batch.
        scope.spawn(move || scan.map(|batch| read.send(batch)).find(Result::is_err));
        for batch in batches {
            match batch {
                Ok(batch) => {
                    rows += batch.num_rows() as u64;
                    progress.show(rows);
                    if take(&batch)?.is_break() {
                        break;
                    }
                }
                Err(error) => {
                    progress.clear();
                    skipped.skip(table, &error);
                }
            }
        }
        Ok::<(), ReportError>(())
    })?;
    progress.clear();
    tracing::info!("read {rows} rows of the table {table} in {}", campaign.root().display());
    Ok(())
}
