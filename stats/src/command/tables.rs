//! `connections` and `events`, and what all tables share.

use std::io::{self, IsTerminal, Write};
use std::path::Path;

use arrow_schema::Schema;
use recorder::Table;

use super::Done;
use crate::cli::{ConnectionsArgs, ConnectionsFormat, EventsArgs, TableFormat};
use crate::format::{
    CsvWriter, IpfixWriter, JsonWriter, ParquetWriter, TableWriter, TerminalTable, ZeekJsonWriter, ZeekWriter,
};
use crate::input::{self, Named, Skipped};
use crate::output::Output;
use crate::rows::Selection;
use crate::{ReportError, Usage, log};

/// The columns of connections that people see first; those that do not fit a terminal are the last ones.
const FOR_PEOPLE: [&str; 12] = [
    "ts",
    "orig_h",
    "orig_p",
    "resp_h",
    "resp_p",
    "conn_state",
    "duration",
    "orig_bytes",
    "resp_bytes",
    "close_reason",
    "uid",
    "history",
];

/// Prints the table of connections.
pub fn connections(arguments: &ConnectionsArgs) -> anyhow::Result<Done> {
    let format = match arguments.format {
        ConnectionsFormat::Table => TableFormat::Table,
        ConnectionsFormat::Csv => TableFormat::Csv,
        ConnectionsFormat::Json => TableFormat::Json,
        ConnectionsFormat::Zeek => return conn_log(arguments),
        ConnectionsFormat::ZeekJson => {
            return finals(arguments, "Zeek's JSON", ZeekWriter::<Output>::columns(), |out| {
                Box::new(ZeekJsonWriter::new(out))
            });
        }
        ConnectionsFormat::Ipfix => {
            no_terminal("ipfix", arguments.write.output.as_deref())?;
            return finals(arguments, "IPFIX", IpfixWriter::<Output>::columns(), |out| Box::new(IpfixWriter::new(out)));
        }
        ConnectionsFormat::Parquet => return parquet(arguments),
    };
    let default: &[&str] = if format == TableFormat::Table { &FOR_PEOPLE } else { &[] };
    let selection = Selection::new(Table::Connections, &arguments.rows, default, arguments.final_only)?;
    table(&selection, &arguments.read.campaigns, format, arguments.write.output.as_deref())
}

/// Prints the table of events.
pub fn events(arguments: &EventsArgs) -> anyhow::Result<Done> {
    let selection = Selection::new(Table::Events, &arguments.rows, &[], false)?.of_kinds(&arguments.kind);
    let output = arguments.write.output.as_deref();
    if arguments.rows.uid.is_none() {
        return table(&selection, &arguments.read.campaigns, arguments.format, output);
    }
    let campaigns = input::open(&arguments.read.campaigns)?;
    let mut out = Output::open(output)?;
    let mut writer = table_writer(arguments.format, &mut out, &*selection.schema()?, look(output))?;
    let mut skipped = Skipped::default();
    selection.each_by_time(&campaigns, &mut skipped, &mut |row| writer.write(row))?;
    writer.finish()?;
    drop(writer);
    out.commit()?;
    Ok(Done::without(&skipped))
}

/// Prints the rows selected.
pub fn table(
    selection: &Selection,
    campaigns: &[std::path::PathBuf],
    format: TableFormat,
    output: Option<&Path>,
) -> anyhow::Result<Done> {
    let campaigns = input::open(campaigns)?;
    let mut out = Output::open(output)?;
    let mut writer = table_writer(format, &mut out, &*selection.schema()?, look(output))?;
    let skipped = write(selection, &campaigns, &mut *writer)?;
    drop(writer);
    out.commit()?;
    Ok(Done::without(&skipped))
}

fn conn_log(arguments: &ConnectionsArgs) -> anyhow::Result<Done> {
    let selection = selected(arguments, "a conn.log", ZeekWriter::<Output>::columns())?;
    let campaigns = input::open(&arguments.read.campaigns)?;
    let spans = campaigns.iter().map(|named| named.campaign.manifest().packets);
    let start = spans.clone().filter_map(|span| span.start).min();
    let end = spans.filter_map(|span| span.end).max();
    let mut out = Output::open(arguments.write.output.as_deref())?;
    let mut writer = ZeekWriter::new(&mut out, start.map(|start| start.0), end.map(|end| end.0))?;
    let skipped = write(&selection, &campaigns, &mut writer)?;
    out.commit()?;
    Ok(Done::without(&skipped))
}

/// The final rows for a format that has columns of its own.
fn selected(
    arguments: &ConnectionsArgs,
    format: &str,
    columns: impl Iterator<Item = &'static str>,
) -> Result<Selection, Usage> {
    if !arguments.rows.columns.is_empty() {
        return Err(Usage(format!("{format} has columns of its own: use --columns with another format")));
    }
    Selection::new(Table::Connections, &arguments.rows, &columns.collect::<Vec<_>>(), true)
}

/// Prints the final rows in such a format.
fn finals(
    arguments: &ConnectionsArgs,
    format: &str,
    columns: impl Iterator<Item = &'static str>,
    writer: for<'a> fn(&'a mut Output) -> Box<dyn TableWriter + 'a>,
) -> anyhow::Result<Done> {
    let selection = selected(arguments, format, columns)?;
    let campaigns = input::open(&arguments.read.campaigns)?;
    let mut out = Output::open(arguments.write.output.as_deref())?;
    let skipped = write(&selection, &campaigns, &mut *writer(&mut out))?;
    out.commit()?;
    Ok(Done::without(&skipped))
}

fn parquet(arguments: &ConnectionsArgs) -> anyhow::Result<Done> {
    let output = arguments.write.output.as_deref();
    no_terminal("parquet", output)?;
    let selection = Selection::new(Table::Connections, &arguments.rows, &[], arguments.final_only)?;
    let campaigns = input::open(&arguments.read.campaigns)?;
    let mut out = Output::open(output)?;
    let mut writer = ParquetWriter::new(&mut out, selection.schema()?)?;
    let skipped = write(&selection, &campaigns, &mut writer)?;
    drop(writer);
    out.commit()?;
    Ok(Done::without(&skipped))
}

/// Keeps what is no text from a terminal.
pub fn no_terminal(format: &str, output: Option<&Path>) -> Result<(), Usage> {
    if output.is_none() && io::stdout().is_terminal() {
        return Err(Usage(format!("{format} is no text: name a file with -o or pipe it into a program")));
    }
    Ok(())
}

fn write(selection: &Selection, campaigns: &[Named], writer: &mut dyn TableWriter) -> Result<Skipped, ReportError> {
    let mut skipped = Skipped::default();
    selection.each(campaigns, &mut skipped, &mut |batch| writer.write(batch))?;
    writer.finish()?;
    Ok(skipped)
}

/// The writer of a format.
pub fn table_writer<'a, W: Write + 'a>(
    format: TableFormat,
    out: W,
    schema: &Schema,
    look: TerminalTable,
) -> Result<Box<dyn TableWriter + 'a>, ReportError> {
    Ok(match format {
        TableFormat::Table => Box::new(look.writer(out, schema)),
        TableFormat::Json => Box::new(JsonWriter::new(out)),
        TableFormat::Csv => {
            let names = schema.fields().iter().map(|field| field.name().as_str()).collect::<Vec<_>>();
            Box::new(CsvWriter::new(out, &names)?)
        }
    })
}

/// What a table looks like: it fits the terminal, if it goes to one.
pub fn look(output: Option<&Path>) -> TerminalTable {
    if output.is_some() || !io::stdout().is_terminal() {
        return TerminalTable::default();
    }
    let width = terminal_size::terminal_size().map(|(terminal_size::Width(width), _)| usize::from(width));
    TerminalTable { width, bold: log::colours() }
}
