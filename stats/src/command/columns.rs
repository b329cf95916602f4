//! `columns`: what each column of each table means.

use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch, StringArray};
use arrow_schema::{DataType, Field, Schema};
use recorder::Table;

use super::Done;
use super::tables::{look, table_writer};
use crate::ReportError;
use crate::cli::ColumnsArgs;
use crate::output::Output;

/// Prints the list of columns, itself a table.
pub fn columns(arguments: &ColumnsArgs) -> anyhow::Result<Done> {
    let tables = arguments.table.map_or(Table::ALL.to_vec(), |table| vec![table]);
    let list = list(&tables).map_err(ReportError::from)?;
    let mut out = Output::open(arguments.write.output.as_deref())?;
    // The definitions, which come last, may run over the edge of a terminal.
    let look = crate::format::TerminalTable { width: None, ..look(arguments.write.output.as_deref()) };
    let mut writer = table_writer(arguments.format, &mut out, list.schema_ref(), look)?;
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
