//! The truth as a CSV file, a row a connection.

use std::fs::File;
use std::io::{self, BufWriter, Write as _};
use std::path::Path;

use crate::truth::{COLUMNS, Truth};

/// A file of truth being written. It is complete only after [`TruthFile::finish`].
#[derive(Debug)]
pub struct TruthFile {
    out: BufWriter<File>,
    /// Memory for a row.
    row: Vec<u8>,
}

impl TruthFile {
    /// Makes the file, with the names of its columns.
    ///
    /// # Errors
    /// Those of the system.
    pub fn create(path: &Path) -> io::Result<Self> {
        let mut out = BufWriter::new(File::create(path)?);
        writeln!(out, "{COLUMNS}")?;
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

    /// Writes what is still held back.
    ///
    /// # Errors
    /// Those of the system.
    pub fn finish(mut self) -> io::Result<()> {
        self.out.flush()
    }
}
