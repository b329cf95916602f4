//! Comma-separated values (RFC 4180, with a line feed at the end of each line).

use std::io::Write;

use arrow_array::RecordBatch;

use super::TableWriter;
use crate::cell::{Cell, Column};
use crate::{ReportError, text};

/// Writes a header line and a line for each row.
#[derive(Debug)]
pub struct CsvWriter<W> {
    out: W,
    buffer: Vec<u8>,
}

impl<W: Write> CsvWriter<W> {
    /// Writes the names of the columns at once, so that a table without rows still has them.
    ///
    /// # Errors
    /// [`ReportError::Write`] when the output takes no more.
    pub fn new(mut out: W, names: &[&str]) -> Result<Self, ReportError> {
        let mut buffer = Vec::new();
        for (i, name) in names.iter().enumerate() {
            separate(&mut buffer, i);
            push_text(&mut buffer, name);
        }
        buffer.push(b'\n');
        out.write_all(&buffer)?;
        Ok(Self { out, buffer })
    }
}

impl<W: Write> TableWriter for CsvWriter<W> {
    fn write(&mut self, batch: &RecordBatch) -> Result<(), ReportError> {
        let columns = Column::all(batch)?;
        for row in 0..batch.num_rows() {
            self.buffer.clear();
            for (i, column) in columns.iter().enumerate() {
                separate(&mut self.buffer, i);
                push_cell(&mut self.buffer, column.cell(row));
            }
            self.buffer.push(b'\n');
            self.out.write_all(&self.buffer)?;
        }
        Ok(())
    }

    fn finish(&mut self) -> Result<(), ReportError> {
        Ok(self.out.flush()?)
    }
}

fn separate(out: &mut Vec<u8>, position: usize) {
    if position > 0 {
        out.push(b',');
    }
}

fn push_cell(out: &mut Vec<u8>, cell: Cell<'_>) {
    match cell {
        Cell::Missing => {}
        Cell::Truth(truth) => out.extend_from_slice(if truth { b"true" } else { b"false" }),
        Cell::Unsigned(number) => text::push_integer(out, number),
        Cell::Signed(number) => text::push_integer(out, number),
        Cell::Instant(nanos) => text::push_nanos(out, nanos),
        Cell::Seconds(seconds) => text::push_seconds(out, seconds),
        Cell::Number(number) => text::push_number(out, number),
        Cell::Text(text) => push_text(out, text),
        Cell::Bytes(bytes) => text::push_hex(out, bytes),
        Cell::List(texts) => {
            let start = out.len();
            for (i, text) in texts.iter().enumerate() {
                if i > 0 {
                    out.push(b';');
                }
                out.extend_from_slice(text.as_bytes());
            }
            quote_from(out, start);
        }
    }
}

fn push_text(out: &mut Vec<u8>, text: &str) {
    let start = out.len();
    out.extend_from_slice(text.as_bytes());
    quote_from(out, start);
}

/// Puts quotes around what was appended since `start`, if a reader would misread it bare.
fn quote_from(out: &mut Vec<u8>, start: usize) {
    if !out[start..].iter().any(|byte| matches!(byte, b',' | b'"' | b'\n' | b'\r')) {
        return;
    }
    let bare = out.split_off(start);
    out.push(b'"');
    for byte in bare {
        if byte == b'"' {
            out.push(b'"');
        }
        out.push(byte);
    }
    out.push(b'"');
}
