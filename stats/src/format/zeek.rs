//! Zeek's conn.log: tab-separated values under Zeek's header lines, as `zeek-cut` and everything after it read them.
//!
//! The fields are those of Zeek 8, in its order; what Zeek's analyzers would add (`service`, `local_orig`, ...) is unset.
//! Times keep nine digits where Zeek writes six. Only final rows are written, because a conn.log counts each row as a
//! connection.

use std::io::Write;

use arrow_array::RecordBatch;

use super::TableWriter;
use crate::cell::{Cell, Column};
use crate::{ReportError, text};

/// Where the value of a field comes from.
#[derive(Clone, Copy, Debug)]
pub(super) enum Source {
    Column(&'static str),
    Constant(&'static str),
    Unset,
}

/// Name, Zeek's type, and source of every field.
pub(super) const FIELDS: [(&str, &str, Source); 22] = [
    ("ts", "time", Source::Column("ts")),
    ("uid", "string", Source::Column("uid")),
    ("id.orig_h", "addr", Source::Column("orig_h")),
    ("id.orig_p", "port", Source::Column("orig_p")),
    ("id.resp_h", "addr", Source::Column("resp_h")),
    ("id.resp_p", "port", Source::Column("resp_p")),
    ("proto", "enum", Source::Constant("tcp")),
    ("service", "string", Source::Unset),
    ("duration", "interval", Source::Column("duration")),
    ("orig_bytes", "count", Source::Column("orig_bytes")),
    ("resp_bytes", "count", Source::Column("resp_bytes")),
    ("conn_state", "string", Source::Column("conn_state")),
    ("local_orig", "bool", Source::Unset),
    ("local_resp", "bool", Source::Unset),
    ("missed_bytes", "count", Source::Column("missed_bytes")),
    ("history", "string", Source::Column("history")),
    ("orig_pkts", "count", Source::Column("orig_pkts")),
    ("orig_ip_bytes", "count", Source::Column("orig_ip_bytes")),
    ("resp_pkts", "count", Source::Column("resp_pkts")),
    ("resp_ip_bytes", "count", Source::Column("resp_ip_bytes")),
    ("tunnel_parents", "set[string]", Source::Unset),
    ("ip_proto", "count", Source::Constant("6")),
];

const UNSET: &str = "-";
const EMPTY: &str = "(empty)";

/// Writes a conn.log.
#[derive(Debug)]
pub struct ZeekWriter<W> {
    out: W,
    buffer: Vec<u8>,
    /// When the campaign ended, for the closing line.
    end: Option<i64>,
}

impl<W: Write> ZeekWriter<W> {
    /// The columns of the connections table that a conn.log is made of.
    pub fn columns() -> impl Iterator<Item = &'static str> {
        let fields = FIELDS.iter().filter_map(|(_, _, source)| match source {
            Source::Column(name) => Some(*name),
            Source::Constant(_) | Source::Unset => None,
        });
        fields.chain(["final"])
    }

    /// Writes the header lines. The campaign's period (ns; the end is unknown while it goes on) stands where Zeek writes
    /// when it opened and closed the log, so that the same campaign always gives the same file.
    ///
    /// # Errors
    /// [`ReportError::Write`] when the output takes no more.
    pub fn new(mut out: W, start: Option<i64>, end: Option<i64>) -> Result<Self, ReportError> {
        let line = |of: fn(&(&'static str, &'static str, Source)) -> &'static str| {
            FIELDS.iter().map(of).collect::<Vec<_>>().join("\t")
        };
        write!(
            out,
            "#separator \\x09\n#set_separator\t,\n#empty_field\t{EMPTY}\n#unset_field\t{UNSET}\n#path\tconn\n"
        )?;
        if let Some(start) = start {
            writeln!(out, "#open\t{}", log_time(start))?;
        }
        writeln!(out, "#fields\t{}\n#types\t{}", line(|field| field.0), line(|field| field.1))?;
        Ok(Self { out, buffer: Vec::new(), end })
    }
}

impl<W: Write> TableWriter for ZeekWriter<W> {
    fn write(&mut self, batch: &RecordBatch) -> Result<(), ReportError> {
        let fields = FIELDS.iter().map(|(_, _, source)| Field::new(*source, batch)).collect::<Result<Vec<_>, _>>()?;
        let finals = Column::find(batch, "final")?;
        for row in 0..batch.num_rows() {
            if finals.as_ref().is_some_and(|finals| matches!(finals.cell(row), Cell::Truth(false))) {
                continue;
            }
            self.buffer.clear();
            for (i, field) in fields.iter().enumerate() {
                if i > 0 {
                    self.buffer.push(b'\t');
                }
                field.push(&mut self.buffer, row);
            }
            self.buffer.push(b'\n');
            self.out.write_all(&self.buffer)?;
        }
        Ok(())
    }

    fn finish(&mut self) -> Result<(), ReportError> {
        if let Some(end) = self.end {
            writeln!(self.out, "#close\t{}", log_time(end))?;
        }
        Ok(self.out.flush()?)
    }
}

/// A field, ready to be read row by row.
enum Field<'a> {
    Uid(Column<'a>),
    Plain(Column<'a>),
    Constant(&'static str),
}

impl<'a> Field<'a> {
    fn new(source: Source, batch: &'a RecordBatch) -> Result<Self, ReportError> {
        Ok(match source {
            Source::Constant(text) => Self::Constant(text),
            Source::Unset => Self::Constant(UNSET),
            Source::Column(name) => match Column::find(batch, name)? {
                Some(column) if name == "uid" => Self::Uid(column),
                Some(column) => Self::Plain(column),
                None => Self::Constant(UNSET),
            },
        })
    }

    fn push(&self, out: &mut Vec<u8>, row: usize) {
        match self {
            Self::Constant(text) => out.extend_from_slice(text.as_bytes()),
            Self::Plain(column) => push_cell(out, column.cell(row)),
            Self::Uid(column) => match column.cell(row) {
                Cell::Unsigned(uid) => out.extend_from_slice(zeek_uid(uid).as_bytes()),
                other => push_cell(out, other),
            },
        }
    }
}

fn push_cell(out: &mut Vec<u8>, cell: Cell<'_>) {
    match cell {
        Cell::Missing => out.extend_from_slice(UNSET.as_bytes()),
        Cell::Truth(truth) => out.push(if truth { b'T' } else { b'F' }),
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
                    out.push(b',');
                }
                push_text(out, text);
            }
            if out.len() == start {
                out.extend_from_slice(EMPTY.as_bytes());
            }
        }
    }
}

fn push_text(out: &mut Vec<u8>, text: &str) {
    match text {
        "" => out.extend_from_slice(EMPTY.as_bytes()),
        UNSET => out.extend_from_slice(b"\\x2d"),
        _ => {
            for byte in text.bytes() {
                if byte < b' ' || byte == b'\\' {
                    out.extend_from_slice(b"\\x");
                    text::push_hex(out, &[byte]);
                } else {
                    out.push(byte);
                }
            }
        }
    }
}

/// An instant as Zeek writes it in `#open`: `2026-11-22-01-49-00`.
fn log_time(nanos: i64) -> String {
    text::instant(nanos, 0).replace([' ', ':'], "-")
}

const BASE62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// The text that stands for a uid in a conn.log: a `C` as in Zeek's own, then the number in base 62.
#[must_use]
pub fn zeek_uid(uid: u64) -> String {
    let mut digits = Vec::new();
    let mut rest = uid;
    loop {
        digits.push(char::from(BASE62[(rest % 62) as usize]));
        rest /= 62;
        if rest == 0 {
            break;
        }
    }
    digits.push('C');
    digits.iter().rev().collect()
}

/// Reads a uid as the tables print it (decimal) or as a conn.log does.
///
/// # Errors
/// Says what a uid looks like when `text` is none.
pub fn parse_uid(text: &str) -> Result<u64, String> {
    let uid = match text.strip_prefix('C') {
        Some(digits) if !digits.is_empty() => digits.bytes().try_fold(0_u64, |number, digit| {
            let value = BASE62.iter().position(|&known| known == digit)?;
            number.checked_mul(62)?.checked_add(value as u64)
        }),
        _ => text.parse().ok(),
    };
    uid.ok_or_else(|| "a uid is a number as in the column uid, or its form in the Zeek format (C...)".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uid_in_zeeks_form_reads_back() {
        for uid in [0, 1, 61, 62, 0xdead_beef_0bad_cafe, u64::MAX] {
            assert_eq!(parse_uid(&zeek_uid(uid)), Ok(uid));
            assert_eq!(parse_uid(&uid.to_string()), Ok(uid));
        }
        for text in ["", "C", "C!", "-1", "Czzzzzzzzzzzzzz", "18446744073709551616"] {
            assert!(parse_uid(text).is_err(), "{text}");
        }
    }
}
