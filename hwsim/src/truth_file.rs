//! The truth as a CSV file: a row a connection, or a row for each segment that was sent again, copied or overtaken.

use std::fs::File;
use std::io::{self, BufWriter, Write as _};
use std::path::Path;

use crate::truth::{COLUMNS, Passage, SEGMENT_COLUMNS, Truth};

/// A file of truth being written. It is complete only after [`TruthFile::finish`].
#[derive(Debug)]
pub struct TruthFile {
    out: BufWriter<File>,
    /// Memory for a row.
    row: Vec<u8>,
}

impl TruthFile {
    /// Makes a file of connections, with the names of its columns.
    ///
    /// # Errors
    /// Those of the system.
    pub fn create(path: &Path) -> io::Result<Self> {
        Self::with_columns(path, COLUMNS)
    }

    /// Makes a file of segments, with the names of its columns.
    ///
    /// # Errors
    /// Those of the system.
    pub fn of_segments(path: &Path) -> io::Result<Self> {
        Self::with_columns(path, SEGMENT_COLUMNS)
    }

    fn with_columns(path: &Path, columns: &str) -> io::Result<Self> {
        let mut out = BufWriter::new(File::create(path)?);
        writeln!(out, "{columns}")?;
        Ok(Self { out, row: Vec::new() })
    }

    /// Appends a connection.
    ///
    /// # Errors
    /// Those of the system.
    pub fn write(&mut self, truth: &Truth) -> io::Result<()> {
        self.row.clear();
        truth.write(&mut self.row);
        self.out.write_all(&self.row)
    }

    /// Appends a segment, if there is something to say of it.
    ///
    /// # Errors
    /// Those of the system.
    pub fn write_segment(&mut self, passage: &Passage<'_>) -> io::Result<()> {
        if !passage.is_remarkable() {
            return Ok(());
        }
        self.row.clear();
        passage.write(&mut self.row);
        self.out.write_all(&self.row)
    }

    /// Writes what is still held back.
    ///
    /// # Errors
    /// Those of the system.
    pub fn finish(mut self) -> io::Result<()> {
        self.out.flush()
    }
}
