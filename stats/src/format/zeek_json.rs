//! Zeek's conn.log as Zeek writes it with `LogAscii::use_json`: JSON lines with the fields of [`super::zeek`], unset ones left out.

use std::io::Write;

use arrow_array::RecordBatch;

use super::TableWriter;
use super::json::{push_cell, push_text};
use super::zeek::{FIELDS, Source, zeek_uid};
use crate::ReportError;
use crate::cell::{Cell, Column};

/// Writes an object a final row.
#[derive(Debug)]
pub struct ZeekJsonWriter<W> {
    out: W,
    line: Vec<u8>,
}

impl<W: Write> ZeekJsonWriter<W> {
    /// A writer to `out`.
    pub const fn new(out: W) -> Self {
        Self { out, line: Vec::new() }
    }

    /// Begins a member of the object.
    fn key(&mut self, name: &str) {
        self.line.push(if self.line.is_empty() { b'{' } else { b',' });
        push_text(&mut self.line, name);
        self.line.push(b':');
    }
}

impl<W: Write> TableWriter for ZeekJsonWriter<W> {
    fn write(&mut self, batch: &RecordBatch) -> Result<(), ReportError> {
        let columns = FIELDS.map(|(_, _, source)| match source {
            Source::Column(name) => Column::find(batch, name).transpose(),
            Source::Constant(_) | Source::Unset => None,
        });
        let columns = columns.into_iter().map(Option::transpose).collect::<Result<Vec<_>, _>>()?;
        let finals = Column::find(batch, "final")?;
        for row in 0..batch.num_rows() {
            if finals.as_ref().is_some_and(|finals| matches!(finals.cell(row), Cell::Truth(false))) {
                continue;
            }
            self.line.clear();
            for ((name, kind, source), column) in FIELDS.iter().zip(&columns) {
                match (source, column.as_ref().map_or(Cell::Missing, |column| column.cell(row))) {
                    (Source::Constant(value), _) => {
                        self.key(name);
                        let number = if *kind == "count" { value.parse().ok() } else { None };
                        push_cell(&mut self.line, number.map_or(Cell::Text(value), Cell::Unsigned));
                    }
                    (_, Cell::Missing) => {}
                    (Source::Column("uid"), Cell::Unsigned(uid)) => {
                        self.key(name);
                        push_text(&mut self.line, &zeek_uid(uid));
                    }
                    (_, cell) => {
                        self.key(name);
                        push_cell(&mut self.line, cell);
                    }
                }
            }
            self.line.extend_from_slice(b"}\n");
            self.out.write_all(&self.line)?;
        }
        Ok(())
    }

    fn finish(&mut self) -> Result<(), ReportError> {
        Ok(self.out.flush()?)
    }
}
