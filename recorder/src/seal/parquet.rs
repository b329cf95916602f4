//! Rows into a Parquet file.

use std::io::{self, Write};

use arrow_schema::DataType;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::{EnabledStatistics, WriterProperties, WriterPropertiesBuilder};
use parquet::schema::types::ColumnPath;

use super::sort::Day;
use crate::Table;
use crate::columns::{self, TableBuilder};
use crate::disk::DiskFile;

/// Rows that are turned into columns at a time.
const BATCH: usize = 8192;
/// Rows of a row group: what a reader that looks for a `uid` or an hour can skip.
const ROW_GROUP: usize = 128 << 10;

/// What was written.
pub(crate) struct Written {
    pub rows: u64,
    pub bytes: u64,
    pub crc32: u32,
}

/// Writes the rows of a day as a Parquet file.
pub(crate) fn write(file: &mut dyn DiskFile, table: Table, level: i32, day: Day<'_>) -> Result<Written, ParquetError> {
    let mut summed = Summed { file, bytes: 0, hasher: crc32fast::Hasher::new() };
    let mut batch = TableBuilder::whole(table)?;
    let properties = properties(table, level)?;
    let mut writer = ArrowWriter::try_new(&mut summed, crate::columns::schema(table), Some(properties))?;
    let (mut rows, mut left) = (0, day.rows());
    loop {
        batch.extend(left.by_ref().take(BATCH));
        if batch.rows() == 0 {
            break;
        }
        rows += batch.rows() as u64;
        writer.write(&batch.finish()?)?;
    }
    writer.close()?;
    Ok(Written { rows, bytes: summed.bytes, crc32: summed.hasher.finalize() })
}

fn properties(table: Table, level: i32) -> Result<WriterProperties, ParquetError> {
    let builder = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(level)?))
        .set_created_by(concat!("conntrack recorder ", env!("CARGO_PKG_VERSION")).to_owned())
        .set_key_value_metadata(Some(key_values(table)))
        .set_max_row_group_row_count(Some(ROW_GROUP))
        .set_statistics_enabled(EnabledStatistics::Chunk)
        .set_column_statistics_enabled(ColumnPath::from("uid"), EnabledStatistics::Page)
        .set_column_statistics_enabled(ColumnPath::from("ts"), EnabledStatistics::Page);
    Ok(encodings(table, builder).build())
}

/// What the Arrow schema's metadata says, for readers that know nothing of Arrow: `conntrack.columns` is a JSON list.
fn key_values(table: Table) -> Vec<KeyValue> {
    let about = |column: columns::About| serde_json::json!({"name": column.name, "unit": column.unit, "definition": column.definition});
    let list: serde_json::Value = columns::of(table).map(about).collect();
    vec![
        KeyValue::new(columns::VERSION_KEY.to_owned(), columns::SCHEMA_VERSION.to_string()),
        KeyValue::new(columns::TABLE_KEY.to_owned(), table.as_str().to_owned()),
        KeyValue::new(columns::COLUMNS_KEY.to_owned(), list.to_string()),
    ]
}

/// Encodings where the default, a dictionary, does not pay: in columns whose values hardly repeat, looking each up costs more than all else that
/// is done with it. Whole numbers are written as differences, which makes a column of zeroes, as most counts are, next to nothing. `seq`
/// and `ack` of a connection follow each other: 3.1 bytes a header instead of 8.5 on the captures that this was tried on. Delta byte
/// arrays made `bytes` larger than plain lengths did, as headers differ in their fifth byte already.
fn encodings(table: Table, builder: WriterPropertiesBuilder) -> WriterPropertiesBuilder {
    columns::of(table).fold(builder, |builder, column| match encoding(table, &column) {
        Some(encoding) => {
            let path = ColumnPath::from(column.name);
            builder.set_column_dictionary_enabled(path.clone(), false).set_column_encoding(path, encoding)
        }
        None => builder,
    })
}

/// The encoding of a column that has no dictionary.
fn encoding(table: Table, column: &columns::About) -> Option<Encoding> {
    match (table, column.name, &column.data_type) {
        (Table::Connections, "uid", _) => Some(Encoding::PLAIN),
        (Table::Headers, "seq" | "ack", _) | (_, _, DataType::Timestamp(..)) => Some(Encoding::DELTA_BINARY_PACKED),
        (Table::Headers, "bytes", _) => Some(Encoding::DELTA_LENGTH_BYTE_ARRAY),
        (Table::Connections, _, DataType::UInt32 | DataType::UInt64) => Some(Encoding::DELTA_BINARY_PACKED),
        (Table::Connections, _, DataType::Float64) => Some(Encoding::PLAIN),
        _ => None,
    }
}

/// A file whose length and checksum are taken as it is written.
struct Summed<'a> {
    file: &'a mut dyn DiskFile,
    bytes: u64,
    hasher: crc32fast::Hasher,
}

impl Write for Summed<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write_all(bytes)?;
        self.bytes += bytes.len() as u64;
        self.hasher.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
