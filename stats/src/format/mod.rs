//! Tables as text: one format, one file. Each prints whatever columns a batch has, so that a new column costs nothing here.

mod csv;
mod json;
mod table;
mod zeek;

pub use csv::CsvWriter;
pub use json::JsonWriter;
pub use table::TerminalTable;
pub use zeek::{ZeekWriter, parse_uid};

use arrow_array::RecordBatch;

use crate::ReportError;

/// Takes a table batch by batch and writes it, in memory that does not grow with the table.
pub trait TableWriter {
    /// Writes the rows of a batch. Every batch has the same columns.
    ///
    /// # Errors
    /// [`ReportError::Write`] when the output takes no more; [`ReportError::ColumnType`] for a column that cannot be printed.
    fn write(&mut self, batch: &RecordBatch) -> Result<(), ReportError>;

    /// Writes what was held back, and the end.
    ///
    /// # Errors
    /// [`ReportError::Write`] when the output takes no more.
    fn finish(&mut self) -> Result<(), ReportError>;
}
