//! A Parquet file of rows that were chosen, with the units and definitions of their columns.

use std::io::{self, Write};

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;

use super::TableWriter;
use crate::ReportError;

/// Rows of a row group, which is held in memory until it is whole.
const ROW_GROUP: usize = 128 << 10;

/// Writes one Parquet file.
pub struct ParquetWriter<W: Write + Send> {
    writer: ArrowWriter<W>,
}

impl<W: Write + Send> ParquetWriter<W> {
    /// A writer of the columns of `schema` to `out`.
    ///
    /// # Errors
    /// [`ReportError::Write`] when the output takes no more.
    pub fn new(out: W, schema: SchemaRef) -> Result<Self, ReportError> {
        let properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(ZstdLevel::default()))
            .set_created_by(concat!("conntrack-report ", env!("CARGO_PKG_VERSION")).to_owned())
            .set_max_row_group_row_count(Some(ROW_GROUP))
            .build();
        let writer = ArrowWriter::try_new(out, schema, Some(properties)).map_err(failed)?;
        Ok(Self { writer })
    }
}

impl<W: Write + Send> TableWriter for ParquetWriter<W> {
    fn write(&mut self, batch: &RecordBatch) -> Result<(), ReportError> {
        self.writer.write(batch).map_err(failed)
    }

    fn finish(&mut self) -> Result<(), ReportError> {
        self.writer.finish().map_err(failed)?;
        Ok(self.writer.inner_mut().flush()?)
    }
}

/// What went wrong with the output, as the output said it.
fn failed(error: ParquetError) -> ReportError {
    let error = match error {
        ParquetError::External(source) => match source.downcast::<io::Error>() {
            Ok(error) => *error,
            Err(source) => io::Error::other(source),
        },
        other => io::Error::other(other),
    };
    ReportError::Write(error)
}
