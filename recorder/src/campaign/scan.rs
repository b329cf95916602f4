//! The rows of a table, batch by batch.

use std::collections::VecDeque;
use std::io::{self, Read as _};
use std::iter::FusedIterator;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};
use parquet::errors::ParquetError;

use super::{Campaign, Segment, open_file};
use crate::columns::{self, TableBuilder};
use crate::journal::{self, Piece};
use crate::rows::Row;
use crate::seal::SealedFile;
use crate::{ReadError, Table};

/// Rows of a batch, about.
const BATCH: usize = 8192;

/// All rows of a table in a campaign. It owns what it needs, and holds one batch and at most one journal segment in memory. A file or
/// segment that is damaged gives an error in place of the rows that are left out, and then the rows of the others follow.
pub struct Scan {
    table: Table,
    columns: Vec<usize>,
    schema: SchemaRef,
    files: VecDeque<Sealed>,
    segments: VecDeque<Arc<Segment>>,
    /// Why whole directories are left out.
    unreadable: VecDeque<String>,
    reader: Reader,
    /// Rows handed out.
    found: u64,
    /// Rows that there must be, and the file that should have named them all; only a complete campaign knows.
    expected: Option<(u64, PathBuf)>,
}

/// A sealed file, as the index has it.
#[derive(Clone, Debug)]
pub struct Sealed {
    path: PathBuf,
    rows: u64,
    bytes: u64,
    crc32: u32,
}

enum Reader {
    None,
    Sealed(PathBuf, Box<ParquetRecordBatchReader>),
    Journal(JournalReader),
    Ended,
}

impl Scan {
    pub(super) fn new(campaign: &Campaign, table: Table, columns: Vec<usize>) -> Self {
        Self {
            files: campaign.sealed_files(table).into(),
            unreadable: campaign.unreadable().iter().map(ToString::to_string).collect(),
            expected: campaign.expected(table),
            ..Self::of_journal(campaign, table, columns)
        }
    }

    /// Only what is not sealed.
    pub(super) fn of_journal(campaign: &Campaign, table: Table, columns: Vec<usize>) -> Self {
        Self {
            table,
            schema: project(table, &columns),
            columns,
            files: VecDeque::new(),
            segments: campaign.segments().into_iter().cloned().collect(),
            unreadable: VecDeque::new(),
            reader: Reader::None,
            found: 0,
            expected: None,
        }
    }

    /// The schema of every batch.
    #[must_use]
    pub fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    /// Only what is sealed in the file at `path`, and nothing of the journal.
    pub(crate) fn of_file(columns: Vec<usize>, path: PathBuf, file: &SealedFile) -> Self {
        let table = file.table;
        Self {
            table,
            schema: project(table, &columns),
            columns,
            files: VecDeque::from([Sealed::new(path, file)]),
            segments: VecDeque::new(),
            unreadable: VecDeque::new(),
            reader: Reader::None,
            found: 0,
            expected: None,
        }
    }

    fn open_next(&mut self) -> Result<Reader, ReadError> {
        if let Some(reason) = self.unreadable.pop_front() {
            return Err(ReadError::Elsewhere { reason });
        }
        if let Some(file) = self.files.pop_front() {
            file.check()?;
            let reader = open_sealed(&file.path, &self.schema)?;
            return Ok(Reader::Sealed(file.path, Box::new(reader)));
        }
        match self.segments.pop_front() {
            Some(segment) => Ok(Reader::Journal(JournalReader::open(self.table, &self.columns, &segment)?)),
            None => Ok(Reader::Ended),
        }
    }

    fn advance(&mut self) -> Result<Option<RecordBatch>, ReadError> {
        loop {
            let batch = match &mut self.reader {
                Reader::None => None,
                Reader::Sealed(path, reader) => reader
                    .next()
                    .transpose()
                    .map_err(|error| ReadError::Parquet { path: path.clone(), source: error.into() })?,
                Reader::Journal(reader) => reader.next_batch()?,
                Reader::Ended => return Ok(None),
            };
            match batch {
                Some(batch) => {
                    self.found += batch.num_rows() as u64;
                    return self.conform(&batch).map(Some);
                }
                None => self.reader = self.open_next()?,
            }
            if matches!(self.reader, Reader::Ended) {
                self.check_count()?;
            }
        }
    }

    /// A file that is named nowhere would be missed by nobody, so the count must be that of the manifest.
    fn check_count(&self) -> Result<(), ReadError> {
        self.expected.as_ref().map_or(Ok(()), |(rows, path)| check_count(self.table, self.found, *rows, path))
    }

    /// The batch with the columns in the order that was asked for.
    fn conform(&self, batch: &RecordBatch) -> Result<RecordBatch, ReadError> {
        let Reader::Sealed(path, _) = &self.reader else { return Ok(batch.clone()) };
        let columns =
            self.schema.fields().iter().filter_map(|field| batch.column_by_name(field.name()).cloned()).collect();
        let options = arrow_array::RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
        RecordBatch::try_new_with_options(self.schema(), columns, &options)
            .map_err(|error| ReadError::damaged(path, error.to_string()))
    }
}

impl Iterator for Scan {
    type Item = Result<RecordBatch, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        let item = self.advance();
        if item.is_err() && !matches!(self.reader, Reader::Ended) {
            // What is damaged is left out, and its rows are missed by everybody.
            self.reader = Reader::None;
            self.expected = None;
        }
        item.transpose()
    }
}

impl FusedIterator for Scan {}

/// An error where fewer rows of `table` were found than there must be by the index at `path`.
pub(super) fn check_count(table: Table, found: u64, expected: u64, path: &Path) -> Result<(), ReadError> {
    if found >= expected {
        return Ok(());
    }
    Err(ReadError::damaged(path, format!("only {found} of {expected} rows of the table {table} are named there")))
}

impl Sealed {
    pub(super) fn new(path: PathBuf, file: &SealedFile) -> Self {
        Self { path, rows: file.rows, bytes: file.bytes, crc32: file.crc32 }
    }

    /// Where it lies.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// How many rows were sealed in it.
    #[must_use]
    pub const fn rows(&self) -> u64 {
        self.rows
    }

    /// Checks that it is, to the bit, what was sealed. Parquet would read many a flipped bit as another figure.
    ///
    /// # Errors
    /// When it cannot be read, or has another length or checksum.
    pub fn check(&self) -> Result<(), ReadError> {
        let (bytes, crc32) = sum(&self.path).map_err(|error| ReadError::io(&self.path, error))?;
        if (bytes, crc32) == (self.bytes, self.crc32) {
            return Ok(());
        }
        let (said_bytes, said_crc) = (self.bytes, self.crc32);
        let reason = format!("{bytes} bytes with checksum {crc32:08x}, not {said_bytes} with {said_crc:08x}");
        Err(ReadError::damaged(&self.path, reason))
    }
}

/// Length and CRC-32 of a file.
fn sum(path: &Path) -> io::Result<(u64, u32)> {
    let mut file = open_file(path)?;
    let mut hasher = crc32fast::Hasher::new();
    let mut buffer = vec![0; 1 << 18];
    let mut bytes = 0;
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok((bytes, hasher.finalize())),
            read => {
                bytes += read as u64;
                hasher.update(&buffer[..read]);
            }
        }
    }
}

/// The columns of `table` at `columns`.
fn project(table: Table, columns: &[usize]) -> SchemaRef {
    let whole = columns::schema(table);
    whole.project(columns).map_or(whole, Arc::new)
}

/// Opens a sealed file for the columns of `schema`, each of which must be there with its type.
fn open_sealed(path: &Path, schema: &SchemaRef) -> Result<ParquetRecordBatchReader, ReadError> {
    let damaged = |source: ParquetError| ReadError::Parquet { path: path.to_owned(), source };
    let file = open_file(path).map_err(|error| ReadError::io(path, error))?;
    let builder = ParquetRecordBatchReaderBuilder::try_new(file).map_err(damaged)?;
    for field in schema.fields() {
        match builder.schema().field_with_name(field.name()) {
            Ok(found) if found.data_type() == field.data_type() => {}
            Ok(found) => {
                let reason = format!("column {} is {}, not {}", field.name(), found.data_type(), field.data_type());
                return Err(ReadError::damaged(path, reason));
            }
            Err(_) => return Err(ReadError::damaged(path, format!("it has no column {}", field.name()))),
        }
    }
    let roots = builder.schema().fields().iter().enumerate();
    let wanted: Vec<usize> =
        roots.filter(|(_, field)| schema.field_with_name(field.name()).is_ok()).map(|(root, _)| root).collect();
    let mask = ProjectionMask::roots(builder.parquet_schema(), wanted);
    builder.with_projection(mask).with_batch_size(BATCH).build().map_err(damaged)
}

/// The rows of one table in a journal segment.
struct JournalReader {
    table: Table,
    number: u64,
    path: PathBuf,
    limit: u64,
    segment: Vec<u8>,
    at: usize,
    builder: TableBuilder,
}

impl JournalReader {
    fn open(table: Table, columns: &[usize], segment: &Segment) -> Result<Self, ReadError> {
        let builder = TableBuilder::new(table, columns)
            .map_err(|error| ReadError::Parquet { path: segment.path.clone(), source: error.into() })?;
        let bytes = segment.read()?;
        let at = journal::first_piece(segment.number, &bytes);
        let Segment { number, ref path, limit, .. } = *segment;
        Ok(Self { table, number, path: path.clone(), limit, segment: bytes, at, builder })
    }

    fn damaged(&self, at: usize) -> ReadError {
        let reason = format!(
            "the frame at byte {at} of segment {} is none; seal the rest with conntrack-tap recover",
            self.number
        );
        ReadError::damaged(&self.path, reason)
    }

    fn next_batch(&mut self) -> Result<Option<RecordBatch>, ReadError> {
        let mut raw = Vec::new();
        while self.builder.rows() < BATCH {
            let at = self.at;
            match journal::next_piece(&self.segment, &mut self.at) {
                Some(Piece::Frame(frame, payload)) if frame.table == self.table && frame.sequence < self.limit => {
                    raw.clear();
                    if !journal::unpack(&frame, payload, &mut raw)
                        || push_rows(&mut self.builder, self.table, &raw) != Some(frame.rows)
                    {
                        return Err(self.damaged(at));
                    }
                }
                Some(Piece::Frame(..)) => {}
                Some(Piece::Damage { at, .. }) => return Err(self.damaged(at)),
                // What a crash tore, or what the recorder is just writing, was never acknowledged.
                Some(Piece::Tail { .. }) | None => break,
            }
        }
        if self.builder.rows() == 0 {
            return Ok(None);
        }
        self.builder.finish().map(Some).map_err(|error| ReadError::damaged(&self.path, error.to_string()))
    }
}

/// Adds the rows in `bytes` and says how many; nothing where they break off.
fn push_rows(builder: &mut TableBuilder, table: Table, bytes: &[u8]) -> Option<u32> {
    let before = builder.rows();
    let mut rest = bytes;
    builder.extend(std::iter::from_fn(|| {
        let (row, after) = Row::decode(table, rest)?;
        rest = after;
        Some(row)
    }));
    if rest.is_empty() { u32::try_from(builder.rows() - before).ok() } else { None }
}
