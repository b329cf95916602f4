//! `columns`: what each column of each table means.

use std::fmt::Write as _;
use std::io::Write as _;
use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch, StringArray};
use arrow_schema::{DataType, Field, Schema};
use recorder::Table;

use super::Done;
use super::tables::{look, table_writer};
use crate::ReportError;
use crate::cli::{ColumnsArgs, ColumnsFormat, TableFormat};
use crate::output::Output;

/// Prints the list of columns, itself a table.
pub fn columns(arguments: &ColumnsArgs) -> anyhow::Result<Done> {
    let tables = arguments.table.map_or(Table::ALL.to_vec(), |table| vec![table]);
    let format = match arguments.format {
        ColumnsFormat::Table => TableFormat::Table,
        ColumnsFormat::Csv => TableFormat::Csv,
        ColumnsFormat::Json => TableFormat::Json,
        ColumnsFormat::Markdown => {
            let mut out = Output::open(arguments.write.output.as_deref())?;
            out.write_all(document(&tables).as_bytes()).map_err(ReportError::from)?;
            out.commit()?;
            return Ok(Done::Whole);
        }
    };
    let list = list(&tables).map_err(ReportError::from)?;
    let mut out = Output::open(arguments.write.output.as_deref())?;
    // The definitions, which come last, may run over the edge of a terminal.
    let look = crate::format::TerminalTable { width: None, ..look(arguments.write.output.as_deref()) };
    let mut writer = table_writer(format, &mut out, list.schema_ref(), look)?;
    writer.write(&list)?;
    writer.finish()?;
    drop(writer);
    out.commit()?;
    Ok(Done::Whole)
}

fn list(tables: &[Table]) -> Result<RecordBatch, arrow_schema::ArrowError> {
    let rows = tables.iter().flat_map(|&table| recorder::columns::of(table).map(move |about| (table, about)));
    let rows = rows.collect::<Vec<_>>();
    let texts: [(&str, StringArray); 6] = [
        ("table", rows.iter().map(|(table, _)| Some(table.as_str())).collect()),
        ("column", rows.iter().map(|(_, about)| Some(about.name)).collect()),
        ("type", rows.iter().map(|(_, about)| Some(kind(&about.data_type))).collect()),
        ("unit", rows.iter().map(|(_, about)| Some(about.unit).filter(|unit| !unit.is_empty())).collect()),
        ("missing", rows.iter().map(|(_, about)| Some(if about.nullable { "possible" } else { "never" })).collect()),
        ("definition", rows.iter().map(|(_, about)| Some(about.definition)).collect()),
    ];
    let schema = Schema::new(texts.iter().map(|(name, _)| Field::new(*name, DataType::Utf8, true)).collect::<Vec<_>>());
    RecordBatch::try_new(Arc::new(schema), texts.into_iter().map(|(_, array)| Arc::new(array) as ArrayRef).collect())
}

/// The type in a word.
fn kind(data_type: &DataType) -> &'static str {
    match data_type {
        DataType::Boolean => "truth",
        DataType::UInt8 | DataType::UInt16 | DataType::UInt32 | DataType::UInt64 => "integer",
        DataType::Float64 => "number",
        DataType::Timestamp(_, _) => "instant",
        DataType::List(_) => "list",
        DataType::Binary => "bytes",
        _ => "text",
    }
}

/// What stands before the tables of the document.
const PREFACE: &str = "# Definitions

What every column of every table means. This file is what `conntrack-report columns --format markdown` prints; the same sentences stand in
the metadata of each Parquet column, under `definition`, so that a campaign explains itself.

The tracker sees a connection from beside the link: every instant is that of a packet passing the tap, in packet time. `orig` is the
endpoint that opened the connection, `resp` the other. A value is missing (null; empty in CSV) where the thing never happened or was never
seen. Instants are nanoseconds since the epoch in Parquet and decimal seconds in CSV and JSON. RFC numbers are those of the definition
that is followed; `Zeek` means that the column agrees with Zeek's conn.log, and `docs/differences.md` says where it does not.
";

/// The list as a document.
fn document(tables: &[Table]) -> String {
    let mut text = PREFACE.to_owned();
    for &table in tables {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "\n## {table}\n\n{}\n", about(table));
        let _ = writeln!(text, "| column | type | unit | missing | definition |\n| --- | --- | --- | --- | --- |");
        for column in recorder::columns::of(table) {
            let missing = if column.nullable { "possible" } else { "never" };
            let (name, kind, unit) = (column.name, kind(&column.data_type), column.unit);
            let _ = writeln!(text, "| `{name}` | {kind} | {unit} | {missing} | {} |", column.definition);
        }
        for names in recorder::columns::vocabulary(table) {
            let _ = writeln!(text, "\nNames in `{}`:\n\n| name | meaning |\n| --- | --- |", names.column);
            for (name, meaning) in names.names {
                let _ = writeln!(text, "| `{name}` | {meaning} |");
            }
        }
    }
    text
}

/// What a row of a table is.
const fn about(table: Table) -> &'static str {
    match table {
        Table::Connections => {
            "A row a connection when it is over, and interim rows (`final` is false) of long ones, which count the same packets again."
        }
        Table::Headers => "A row each of the first headers of every connection, byte for byte.",
        Table::Events => "A row each thing that happened in a connection, or to the appliance itself.",
        Table::Intervals => "A row a bin of time: the base series of the link.",
    }
}
