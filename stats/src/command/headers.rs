//! `headers`: the recorded headers as text, as tables and as a capture file.

use arrow_array::RecordBatch;
use recorder::Table;
use wire::{Direction, Nanos};

use super::Done;
use super::tables::{no_terminal, table};
use crate::cell::Column;
use crate::cli::{HeadersArgs, HeadersFormat, TableFormat};
use crate::input::{self, Skipped};
use crate::output::Output;
use crate::packet_line;
use crate::pcapng::PcapngWriter;
use crate::rows::Selection;
use crate::time_sort::{RUN_BYTES, StoredHeader, TimeSorter};
use crate::{ReportError, Usage};

/// The columns that make a packet.
const PACKET: [&str; 6] = ["uid", "n", "ts", "dir", "wire_len", "bytes"];

/// Prints or exports the headers.
pub fn headers(arguments: &HeadersArgs) -> anyhow::Result<Done> {
    let packets = matches!(arguments.format, HeadersFormat::Text | HeadersFormat::Pcapng);
    if packets && !arguments.rows.columns.is_empty() {
        return Err(Usage("whole packets have no columns: use --columns with csv or json".to_owned()).into());
    }
    let selection = Selection::new(Table::Headers, &arguments.rows, if packets { &PACKET } else { &[] }, false)?;
    let output = arguments.write.output.as_deref();
    match arguments.format {
        HeadersFormat::Csv => table(&selection, &arguments.read.campaigns, TableFormat::Csv, output),
        HeadersFormat::Json => table(&selection, &arguments.read.campaigns, TableFormat::Json, output),
        HeadersFormat::Text => text(arguments, &selection),
        HeadersFormat::Pcapng => capture_file(arguments, &selection),
    }
}

fn text(arguments: &HeadersArgs, selection: &Selection) -> anyhow::Result<Done> {
    let campaigns = input::open(&arguments.read.campaigns)?;
    let mut out = Output::open(arguments.write.output.as_deref())?;
    let mut skipped = Skipped::default();
    selection.each(&campaigns, &mut skipped, &mut |batch| {
        each_header(batch, &mut |header| Ok(packet_line::write(&mut out, header)?))
    })?;
    out.commit()?;
    Ok(Done::without(&skipped))
}

fn capture_file(arguments: &HeadersArgs, selection: &Selection) -> anyhow::Result<Done> {
    let output = arguments.write.output.as_deref();
    no_terminal("pcapng", output)?;
    let campaigns = input::open(&arguments.read.campaigns)?;
    let links = campaigns.iter().map(|named| named.campaign.manifest().link.as_str()).filter(|link| !link.is_empty());
    let link = links.collect::<Vec<_>>().join(", ");
    let mut out = Output::open(output)?;
    let mut skipped = Skipped::default();
    let mut sorter = TimeSorter::new(&out.scratch_folder(), RUN_BYTES);
    let mut earliest = Nanos::MAX;
    selection.each(&campaigns, &mut skipped, &mut |batch| {
        each_header(batch, &mut |header| {
            earliest = earliest.min(header.ts);
            sorter.push(header)
        })
    })?;
    let mut writer = PcapngWriter::new(&mut out, &link, earliest).map_err(ReportError::from)?;
    sorter.drain(&mut |header| {
        let comment = arguments.comments.then(|| format!("uid {} {} {}", header.uid, header.dir, header.n));
        Ok(writer.packet(header.ts, header.wire_len, header.bytes, comment.as_deref())?)
    })?;
    writer.finish().map_err(ReportError::from)?;
    out.commit()?;
    Ok(Done::without(&skipped))
}

/// Gives each header of a batch to `take`.
fn each_header(
    batch: &RecordBatch,
    take: &mut dyn FnMut(&StoredHeader<'_>) -> Result<(), ReportError>,
) -> Result<(), ReportError> {
    let column = |name| Column::require(batch, Table::Headers, name);
    let (uid, n, ts) = (column("uid")?, column("n")?, column("ts")?);
    let (dir, wire_len, bytes) = (column("dir")?, column("wire_len")?, column("bytes")?);
    let number = |column: &Column<'_>, row| column.cell(row).unsigned().unwrap_or(0);
    for row in 0..batch.num_rows() {
        take(&StoredHeader {
            ts: Nanos(ts.cell(row).instant().unwrap_or(0)),
            uid: number(&uid, row),
            n: number(&n, row) as u32,
            wire_len: number(&wire_len, row) as u32,
            dir: if dir.cell(row).text() == Some("resp") { Direction::Resp } else { Direction::Orig },
            bytes: bytes.cell(row).bytes().unwrap_or(&[]),
        })?;
    }
    Ok(())
}
