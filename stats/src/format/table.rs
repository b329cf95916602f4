//! An aligned table for people. Instants are dates in UTC, to the microsecond; the exact values are in CSV and JSON.
//!
//! The first [`SAMPLE`] rows decide the widths; a later value that is wider pushes its line to the right.

use std::io::Write;

use arrow_array::RecordBatch;
use arrow_schema::{DataType, Schema};

use super::TableWriter;
use crate::cell::{Cell, Column};
use crate::{ReportError, text};

/// How many rows are held back to find out how wide the columns are.
const SAMPLE: usize = 1000;
const GAP: usize = 2;

/// What the output looks like.
#[derive(Clone, Copy, Debug, Default)]
pub struct TerminalTable {
    /// Leave out the last columns that do not fit into so many characters.
    pub width: Option<usize>,
    /// Make the names of the columns bold.
    pub bold: bool,
}

impl TerminalTable {
    /// A writer of the columns of `schema` to `out`.
    pub fn writer<W: Write>(self, out: W, schema: &Schema) -> impl TableWriter + use<W> {
        let columns = schema.fields().iter().map(|field| Layout {
            name: field.name().clone(),
            width: field.name().chars().count(),
            right: field.data_type().is_numeric() || matches!(field.data_type(), DataType::Timestamp(_, _)),
        });
        Writer { out, look: self, columns: columns.collect(), held: Some(Vec::new()), hidden: Vec::new() }
    }
}

struct Layout {
    name: String,
    width: usize,
    right: bool,
}

struct Writer<W> {
    out: W,
    look: TerminalTable,
    columns: Vec<Layout>,
    /// Rows whose widths still count; `None` once the names of the columns are written.
    held: Option<Vec<Vec<String>>>,
    hidden: Vec<String>,
}

impl<W: Write> TableWriter for Writer<W> {
    fn write(&mut self, batch: &RecordBatch) -> Result<(), ReportError> {
        let columns = Column::all(batch)?;
        for row in 0..batch.num_rows() {
            let cells = columns.iter().map(|column| display(column.cell(row))).collect::<Vec<_>>();
            match &mut self.held {
                Some(rows) => rows.push(cells),
                None => self.line(&cells)?,
            }
            if self.held.as_ref().is_some_and(|rows| rows.len() >= SAMPLE) {
                self.release()?;
            }
        }
        Ok(())
    }

    fn finish(&mut self) -> Result<(), ReportError> {
        self.release()?;
        if !self.hidden.is_empty() {
            writeln!(self.out, "Not shown, because the terminal is too narrow: {}.", self.hidden.join(", "))?;
        }
        Ok(self.out.flush()?)
    }
}

impl<W: Write> Writer<W> {
    /// Writes the names of the columns and the rows held back.
    fn release(&mut self) -> Result<(), ReportError> {
        let Some(rows) = self.held.take() else { return Ok(()) };
        for (i, column) in self.columns.iter_mut().enumerate() {
            let widest = rows.iter().filter_map(|row| row.get(i)).map(|cell| cell.chars().count()).max();
            column.width = column.width.max(widest.unwrap_or(0));
        }
        self.fit();
        let names = self.columns.iter().map(|column| column.name.clone()).collect::<Vec<_>>();
        let names = self.aligned(&names);
        if self.look.bold {
            writeln!(self.out, "\x1b[1m{names}\x1b[0m")?;
        } else {
            writeln!(self.out, "{names}")?;
        }
        rows.iter().try_for_each(|row| self.line(row))
    }

    fn fit(&mut self) {
        let Some(room) = self.look.width else { return };
        let mut end = 0;
        let fitting = self.columns.iter().take_while(|column| {
            end += column.width + GAP;
            end - GAP <= room
        });
        let shown = fitting.count().max(1);
        self.hidden = self.columns.drain(shown.min(self.columns.len())..).map(|column| column.name).collect();
    }

    fn line(&mut self, cells: &[String]) -> Result<(), ReportError> {
        let line = self.aligned(cells);
        Ok(writeln!(self.out, "{line}")?)
    }

    fn aligned(&self, cells: &[String]) -> String {
        let mut line = String::new();
        for (column, cell) in self.columns.iter().zip(cells) {
            let padding = " ".repeat(column.width.saturating_sub(cell.chars().count()));
            let (before, after) = if column.right { (padding.as_str(), "") } else { ("", padding.as_str()) };
            line.extend([before, cell, after, "  "]);
        }
        line.truncate(line.trim_end().len());
        line
    }
}

fn display(cell: Cell<'_>) -> String {
    match cell {
        Cell::Missing => "-".to_owned(),
        Cell::Truth(truth) => truth.to_string(),
        Cell::Unsigned(number) => number.to_string(),
        Cell::Signed(number) => number.to_string(),
        Cell::Instant(nanos) => text::instant(nanos, 6),
        Cell::Seconds(seconds) => format!("{seconds:.6}"),
        Cell::Number(number) => number.to_string(),
        Cell::Text(text) => printable(text),
        Cell::Bytes(bytes) => {
            let mut hex = Vec::new();
            text::push_hex(&mut hex, bytes);
            String::from_utf8_lossy(&hex).into_owned()
        }
        Cell::List(texts) => printable(&texts.iter().collect::<Vec<_>>().join(";")),
    }
}

/// The text with its control characters escaped, so that no recorded text can steer the terminal.
fn printable(text: &str) -> String {
    if !text.chars().any(char::is_control) {
        return text.to_owned();
    }
    text.chars().map(|c| if c.is_control() { c.escape_default().to_string() } else { c.to_string() }).collect()
}
