//! The cells of a record batch, as values to print.
//!
//! A [`Column`] is taken once a batch; [`Column::cell`] then costs no allocation and no look-up. Only the Arrow types that
//! campaigns use are known, and whole numbers with a sign: another one is an error that names the column, never a wrong print.

use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int64Type, TimestampNanosecondType, UInt8Type, UInt16Type, UInt32Type};
use arrow_array::{
    Array, ArrayRef, BinaryArray, BooleanArray, ListArray, PrimitiveArray, RecordBatch, StringArray, UInt64Array,
};
use arrow_buffer::NullBuffer;
use arrow_schema::{DataType, Field, TimeUnit};

use recorder::Table;

use crate::ReportError;

/// One value of a table.
#[derive(Clone, Copy, Debug)]
pub enum Cell<'a> {
    /// No value: the thing never happened, or was never seen.
    Missing,
    /// A truth value.
    Truth(bool),
    /// A count, a size, a port, an identifier.
    Unsigned(u64),
    /// A whole number that can be negative: the answer to a query.
    Signed(i64),
    /// An instant, nanoseconds since the epoch.
    Instant(i64),
    /// A length of time in seconds.
    Seconds(f64),
    /// Any other finite number.
    Number(f64),
    /// A text.
    Text(&'a str),
    /// Raw bytes.
    Bytes(&'a [u8]),
    /// A list of texts.
    List(Texts<'a>),
}

impl<'a> Cell<'a> {
    /// The number, where it is a whole one.
    #[must_use]
    pub const fn unsigned(self) -> Option<u64> {
        if let Self::Unsigned(number) = self { Some(number) } else { None }
    }

    /// The instant in nanoseconds, where it is one.
    #[must_use]
    pub const fn instant(self) -> Option<i64> {
        if let Self::Instant(nanos) = self { Some(nanos) } else { None }
    }

    /// The length of time in seconds, where it is one.
    #[must_use]
    pub const fn seconds(self) -> Option<f64> {
        if let Self::Seconds(seconds) = self { Some(seconds) } else { None }
    }

    /// The number, where it is one without a unit of time.
    #[must_use]
    pub const fn number(self) -> Option<f64> {
        if let Self::Number(number) = self { Some(number) } else { None }
    }

    /// The text, where it is one.
    #[must_use]
    pub const fn text(self) -> Option<&'a str> {
        if let Self::Text(text) = self { Some(text) } else { None }
    }

    /// The bytes, where it is such.
    #[must_use]
    pub const fn bytes(self) -> Option<&'a [u8]> {
        if let Self::Bytes(bytes) = self { Some(bytes) } else { None }
    }

    /// Whether it is the truth value `true`.
    #[must_use]
    pub const fn is_true(self) -> bool {
        matches!(self, Self::Truth(true))
    }
}

/// The texts of a list cell.
#[derive(Clone, Copy, Debug)]
pub struct Texts<'a> {
    values: &'a StringArray,
    start: usize,
    end: usize,
}

impl<'a> Texts<'a> {
    /// The texts in order; a missing one is empty.
    pub fn iter(self) -> impl Iterator<Item = &'a str> {
        (self.start..self.end).map(move |i| if self.values.is_null(i) { "" } else { self.values.value(i) })
    }
}

/// A column of a batch, its type found out.
#[derive(Debug)]
pub struct Column<'a> {
    name: &'a str,
    rows: usize,
    /// Which values are missing; nothing where none is.
    missing: Option<&'a NullBuffer>,
    values: Values<'a>,
}

#[derive(Debug)]
enum Values<'a> {
    Truth(&'a BooleanArray),
    U8(&'a PrimitiveArray<UInt8Type>),
    U16(&'a PrimitiveArray<UInt16Type>),
    U32(&'a PrimitiveArray<UInt32Type>),
    U64(&'a UInt64Array),
    I64(&'a PrimitiveArray<Int64Type>),
    Instant(&'a PrimitiveArray<TimestampNanosecondType>),
    Seconds(&'a PrimitiveArray<Float64Type>),
    Number(&'a PrimitiveArray<Float64Type>),
    Text(&'a StringArray),
    Bytes(&'a BinaryArray),
    List { lists: &'a ListArray, values: &'a StringArray },
}

impl<'a> Column<'a> {
    /// Every column of a batch, in order.
    ///
    /// # Errors
    /// [`ReportError::ColumnType`] when a column has a type that no campaign uses.
    pub fn all(batch: &'a RecordBatch) -> Result<Vec<Self>, ReportError> {
        batch.schema_ref().fields().iter().zip(batch.columns()).map(|(field, array)| Self::new(field, array)).collect()
    }

    /// The column `name` of a batch, if it is there.
    ///
    /// # Errors
    /// [`ReportError::ColumnType`] as for [`Column::all`].
    pub fn find(batch: &'a RecordBatch, name: &str) -> Result<Option<Self>, ReportError> {
        match batch.schema_ref().column_with_name(name) {
            Some((at, field)) => Self::new(field, batch.column(at)).map(Some),
            None => Ok(None),
        }
    }

    /// The column `column` of a batch of `table`, on which a report rests.
    ///
    /// # Errors
    /// [`ReportError::ColumnMissing`] when it is not there, [`ReportError::ColumnType`] as for [`Column::all`].
    pub fn require(batch: &'a RecordBatch, table: Table, column: &'static str) -> Result<Self, ReportError> {
        Self::find(batch, column)?.ok_or(ReportError::ColumnMissing { table: table.as_str(), column })
    }

    fn new(field: &'a Field, array: &'a ArrayRef) -> Result<Self, ReportError> {
        let unknown = || ReportError::ColumnType { column: field.name().clone(), found: array.data_type().to_string() };
        let values = match array.data_type() {
            DataType::Boolean => Values::Truth(array.as_boolean()),
            DataType::UInt8 => Values::U8(array.as_primitive()),
            DataType::UInt16 => Values::U16(array.as_primitive()),
            DataType::UInt32 => Values::U32(array.as_primitive()),
            DataType::UInt64 => Values::U64(array.as_primitive()),
            DataType::Int64 => Values::I64(array.as_primitive()),
            DataType::Timestamp(TimeUnit::Nanosecond, _) => Values::Instant(array.as_primitive()),
            DataType::Float64 if unit_of(field) == "s" => Values::Seconds(array.as_primitive()),
            DataType::Float64 => Values::Number(array.as_primitive()),
            DataType::Utf8 => Values::Text(array.as_string()),
            DataType::Binary => Values::Bytes(array.as_binary()),
            DataType::List(_) => {
                let lists = array.as_list();
                let values = lists.values().as_string_opt().ok_or_else(unknown)?;
                Values::List { lists, values }
            }
            _ => return Err(unknown()),
        };
        Ok(Self { name: field.name(), rows: array.len(), missing: array.nulls(), values })
    }

    /// The column's name.
    #[must_use]
    pub fn name(&self) -> &'a str {
        self.name
    }

    /// The value in `row`; missing beyond the end.
    #[must_use]
    #[inline]
    pub fn cell(&self, row: usize) -> Cell<'a> {
        if row >= self.rows || self.missing.is_some_and(|missing| missing.is_null(row)) {
            return Cell::Missing;
        }
        match &self.values {
            Values::Truth(array) => Cell::Truth(array.value(row)),
            Values::U8(array) => Cell::Unsigned(array.value(row).into()),
            Values::U16(array) => Cell::Unsigned(array.value(row).into()),
            Values::U32(array) => Cell::Unsigned(array.value(row).into()),
            Values::U64(array) => Cell::Unsigned(array.value(row)),
            Values::I64(array) => Cell::Signed(array.value(row)),
            Values::Instant(array) => Cell::Instant(array.value(row)),
            Values::Seconds(array) => finite(array.value(row), Cell::Seconds),
            Values::Number(array) => finite(array.value(row), Cell::Number),
            Values::Text(array) => Cell::Text(array.value(row)),
            Values::Bytes(array) => Cell::Bytes(array.value(row)),
            Values::List { lists, values } => Cell::List(range(lists, values, row)),
        }
    }
}

/// The unit of a column as its metadata states it, or nothing.
#[must_use]
pub fn unit_of(field: &Field) -> &str {
    field.metadata().get("unit").map_or("", String::as_str)
}

fn finite<'a>(number: f64, cell: fn(f64) -> Cell<'a>) -> Cell<'a> {
    if number.is_finite() { cell(number) } else { Cell::Missing }
}

fn range<'a>(lists: &ListArray, values: &'a StringArray, row: usize) -> Texts<'a> {
    let offsets = lists.value_offsets();
    let at = |i: usize| offsets.get(i).and_then(|&offset| usize::try_from(offset).ok()).unwrap_or(0);
    Texts { values, start: at(row), end: at(row + 1).min(values.len()) }
}
