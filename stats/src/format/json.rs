//! JSON lines: one object a row, one row a line (<https://jsonlines.org>), so that a reader need not hold the table.
//!
//! Instants and durations are numbers with nine decimal digits, and a `uid` is a number of up to 20 digits, all exact as
//! written. A reader that keeps numbers as doubles (JavaScript, jq before 1.7) rounds them.

use std::io::Write;

use arrow_array::RecordBatch;

use super::TableWriter;
use crate::cell::{Cell, Column};
use crate::{ReportError, text};

/// Writes an object a row.
#[derive(Debug)]
pub struct JsonWriter<W> {
    out: W,
    buffer: Vec<u8>,
}

impl<W: Write> JsonWriter<W> {
    /// A writer to `out`.
    pub const fn new(out: W) -> Self {
        Self { out, buffer: Vec::new() }
    }
}

impl<W: Write> TableWriter for JsonWriter<W> {
    fn write(&mut self, batch: &RecordBatch) -> Result<(), ReportError> {
        let columns = Column::all(batch)?;
        let keys = columns.iter().enumerate().map(key).collect::<Vec<_>>();
        for row in 0..batch.num_rows() {
            self.buffer.clear();
            for (key, column) in keys.iter().zip(&columns) {
                self.buffer.extend_from_slice(key);
                push_cell(&mut self.buffer, column.cell(row));
            }
            self.buffer.extend_from_slice(b"}\n");
            self.out.write_all(&self.buffer)?;
        }
        Ok(())
    }

    fn finish(&mut self) -> Result<(), ReportError> {
        Ok(self.out.flush()?)
    }
}

/// What stands before the value of the `position`-th column.
fn key((position, column): (usize, &Column<'_>)) -> Vec<u8> {
    let mut key = vec![if position == 0 { b'{' } else { b',' }];
    push_text(&mut key, column.name());
    key.push(b':');
    key
}

pub(super) fn push_cell(out: &mut Vec<u8>, cell: Cell<'_>) {
    match cell {
        Cell::Missing => out.extend_from_slice(b"null"),
        Cell::Truth(truth) => out.extend_from_slice(if truth { b"true" } else { b"false" }),
        Cell::Unsigned(number) => text::push_integer(out, number),
        Cell::Signed(number) => text::push_integer(out, number),
        Cell::Instant(nanos) => text::push_nanos(out, nanos),
        Cell::Seconds(seconds) => text::push_seconds(out, seconds),
        Cell::Number(number) => text::push_number(out, number),
        Cell::Text(text) => push_text(out, text),
        Cell::Bytes(bytes) => {
            out.push(b'"');
            text::push_hex(out, bytes);
            out.push(b'"');
        }
        Cell::List(texts) => {
            out.push(b'[');
            for (i, text) in texts.iter().enumerate() {
                if i > 0 {
                    out.push(b',');
                }
                push_text(out, text);
            }
            out.push(b']');
        }
    }
}

/// A JSON string (RFC 8259, 7).
pub(super) fn push_text(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    for byte in text.bytes() {
        match byte {
            b'"' => out.extend_from_slice(b"\\\""),
            b'\\' => out.extend_from_slice(b"\\\\"),
            b'\n' => out.extend_from_slice(b"\\n"),
            0..0x20 => {
                out.extend_from_slice(b"\\u00");
                text::push_hex(out, &[byte]);
            }
            _ => out.push(byte),
        }
    }
    out.push(b'"');
}
