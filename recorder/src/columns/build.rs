//! Rows into Arrow record batches.

use std::sync::Arc;

use arrow_array::builder::{
    ArrayBuilder, BinaryBuilder, BooleanBuilder, Float64Builder, ListBuilder, StringBuilder,
    TimestampNanosecondBuilder, UInt8Builder, UInt16Builder, UInt32Builder, UInt64Builder,
};
use arrow_array::{ArrayRef, RecordBatch};
use arrow_schema::{ArrowError, SchemaRef};

use super::connections::Connections;
use super::events::Events;
use super::headers::Headers;
use super::intervals::Intervals;
use super::{Column, RowFamily, Value, list_item, schema};
use crate::Table;
use crate::rows::Row;

/// Rows that go into a column before the next column's turn: of connections they fit the second-level cache.
const ROWS_AT_A_TIME: usize = 128;

/// Collects rows of one table into batches, all columns or some.
pub(crate) struct TableBuilder {
    schema: SchemaRef,
    rows: usize,
    columns: Columns,
}

enum Columns {
    Connections(Builders<Connections>),
    Headers(Builders<Headers>),
    Events(Builders<Events>),
    Intervals(Builders<Intervals>),
}

type Builders<R> = Vec<Box<dyn Build<R>>>;

impl TableBuilder {
    /// For the columns of `table` at `indices` in [`super::of`], in that order; each must exist.
    pub fn new(table: Table, indices: &[usize]) -> Result<Self, ArrowError> {
        let schema = Arc::new(schema(table).project(indices)?);
        let columns = match table {
            Table::Connections => Columns::Connections(builders(indices)),
            Table::Headers => Columns::Headers(builders(indices)),
            Table::Events => Columns::Events(builders(indices)),
            Table::Intervals => Columns::Intervals(builders(indices)),
        };
        Ok(Self { schema, rows: 0, columns })
    }

    /// Every column.
    pub fn whole(table: Table) -> Result<Self, ArrowError> {
        let indices: Vec<usize> = (0..schema(table).fields().len()).collect();
        Self::new(table, &indices)
    }

    /// Adds rows; one of another table is none of its business and is left out.
    pub fn extend<'a>(&mut self, rows: impl Iterator<Item = Row<'a>>) {
        self.rows += match &mut self.columns {
            Columns::Connections(columns) => extend(columns, rows.filter_map(Row::connection)),
            Columns::Headers(columns) => extend(columns, rows.filter_map(Row::header)),
            Columns::Events(columns) => extend(columns, rows.filter_map(Row::event)),
            Columns::Intervals(columns) => extend(columns, rows.filter_map(Row::interval)),
        };
    }

    /// How many rows are waiting.
    pub const fn rows(&self) -> usize {
        self.rows
    }

    /// The rows so far; it is empty afterwards.
    pub fn finish(&mut self) -> Result<RecordBatch, ArrowError> {
        let rows = std::mem::take(&mut self.rows);
        let arrays = match &mut self.columns {
            Columns::Connections(columns) => finish(columns),
            Columns::Headers(columns) => finish(columns),
            Columns::Events(columns) => finish(columns),
            Columns::Intervals(columns) => finish(columns),
        };
        let options = arrow_array::RecordBatchOptions::new().with_row_count(Some(rows));
        RecordBatch::try_new_with_options(Arc::clone(&self.schema), arrays, &options)
    }
}

fn builders<R: RowFamily>(indices: &[usize]) -> Builders<R> {
    let columns: Vec<&Column<R>> = super::columns().collect();
    indices.iter().filter_map(|&index| columns.get(index)).map(|column| builder(&column.value)).collect()
}

/// Adds rows, a column after the other for some rows at a time; returns how many.
fn extend<'a, R: RowFamily>(columns: &mut Builders<R>, mut rows: impl Iterator<Item = R::Row<'a>>) -> usize {
    let mut added = 0;
    let mut some = Vec::with_capacity(ROWS_AT_A_TIME);
    loop {
        some.clear();
        some.extend(rows.by_ref().take(ROWS_AT_A_TIME));
        if some.is_empty() {
            return added;
        }
        columns.iter_mut().for_each(|column| column.extend(&some));
        added += some.len();
    }
}

fn finish<R: RowFamily>(columns: &mut Builders<R>) -> Vec<ArrayRef> {
    columns.iter_mut().map(|column| column.finish()).collect()
}

/// A column under construction.
trait Build<R: RowFamily>: Send {
    fn extend(&mut self, rows: &[R::Row<'_>]);
    fn finish(&mut self) -> ArrayRef;
}

struct Typed<B, F> {
    builder: B,
    append: F,
}

impl<R, B, F> Build<R> for Typed<B, F>
where
    R: RowFamily,
    B: ArrayBuilder,
    F: for<'a> FnMut(&mut B, &R::Row<'a>) + Send,
{
    fn extend(&mut self, rows: &[R::Row<'_>]) {
        rows.iter().for_each(|row| (self.append)(&mut self.builder, row));
    }

    fn finish(&mut self) -> ArrayRef {
        self.builder.finish()
    }
}

fn typed<R, B, F>(builder: B, append: F) -> Box<dyn Build<R>>
where
    R: RowFamily,
    B: ArrayBuilder,
    F: for<'a> FnMut(&mut B, &R::Row<'a>) + Send + 'static,
{
    Box::new(Typed { builder, append })
}

/// Nanoseconds as seconds.
fn seconds(nanos: i64) -> f64 {
    nanos as f64 / 1e9
}

fn instants() -> TimestampNanosecondBuilder {
    TimestampNanosecondBuilder::new().with_data_type(super::instant_type())
}

fn builder<R: RowFamily>(value: &Value<R>) -> Box<dyn Build<R>> {
    match *value {
        Value::Truth(get) => typed(BooleanBuilder::new(), move |b, row| b.append_value(get(row))),
        Value::TruthOrNull(get) => typed(BooleanBuilder::new(), move |b, row| b.append_option(get(row))),
        Value::U8(get) => typed(UInt8Builder::new(), move |b, row| b.append_value(get(row))),
        Value::U8OrNull(get) => typed(UInt8Builder::new(), move |b, row| b.append_option(get(row))),
        Value::U16(get) => typed(UInt16Builder::new(), move |b, row| b.append_value(get(row))),
        Value::U16OrNull(get) => typed(UInt16Builder::new(), move |b, row| b.append_option(get(row))),
        Value::U32(get) => typed(UInt32Builder::new(), move |b, row| b.append_value(get(row))),
        Value::U32OrNull(get) => typed(UInt32Builder::new(), move |b, row| b.append_option(get(row))),
        Value::U64(get) => typed(UInt64Builder::new(), move |b, row| b.append_value(get(row))),
        Value::U64OrNull(get) => typed(UInt64Builder::new(), move |b, row| b.append_option(get(row))),
        Value::F64(get) => typed(Float64Builder::new(), move |b, row| b.append_value(get(row))),
        Value::F64OrNull(get) => typed(Float64Builder::new(), move |b, row| b.append_option(get(row))),
        Value::Instant(get) => typed(instants(), move |b, row| b.append_value(get(row).0)),
        Value::InstantOrNull(get) => typed(instants(), move |b, row| b.append_option(get(row).map(|at| at.0))),
        Value::Seconds(get) => typed(Float64Builder::new(), move |b, row| b.append_value(seconds(get(row)))),
        Value::SecondsOrNull(get) => typed(Float64Builder::new(), move |b, row| b.append_option(get(row).map(seconds))),
        Value::Name(get) => typed(StringBuilder::new(), move |b, row| b.append_value(get(row))),
        Value::NameOrNull(get) => typed(StringBuilder::new(), move |b, row| b.append_option(get(row))),
        Value::Text(get) => typed(StringBuilder::new(), move |b, row| b.append_value(get(row))),
        Value::Display(write) => {
            let mut text = String::new();
            typed(StringBuilder::new(), move |b, row| {
                text.clear();
                write(row, &mut text);
                b.append_value(&text);
            })
        }
        Value::Names(list) => typed(ListBuilder::new(StringBuilder::new()).with_field(list_item()), move |b, row| {
            list(row, &mut |name| b.values().append_value(name));
            b.append(true);
        }),
        Value::Bytes(get) => typed(BinaryBuilder::new(), move |b, row| b.append_value(get(row))),
    }
}
