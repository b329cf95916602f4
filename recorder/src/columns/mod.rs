//! THE list of columns: each with its name, type, unit, exact definition and where its value comes from.
//!
//! Everything else derives from it: the Arrow schema, the Parquet files, the rows read from a journal, and the list that
//! `conntrack-report columns` prints. A new column is one entry here.
//!
//! Instants are Arrow timestamps in nanoseconds, UTC. Durations are `Float64` seconds: a double holds every count of
//! nanoseconds up to 52 days to the nanosecond when printed with nine digits, and every tool reads it as a number.
//! Names of states and reasons are plain text, and dictionaries in Parquet.

mod build;
mod connections;
mod events;
mod headers;
mod intervals;
mod vocabulary;

use std::collections::HashMap;
use std::sync::Arc;

use arrow_schema::{DataType, Field, Schema, SchemaRef, TimeUnit};
use wire::Nanos;

pub(crate) use build::TableBuilder;
pub use vocabulary::{Names, event_kinds, vocabulary};

use crate::Table;

/// Version of the columns' meaning; it stands in the metadata of every schema under [`VERSION_KEY`].
pub const SCHEMA_VERSION: u32 = 1;
/// Key of [`SCHEMA_VERSION`] in the schema's metadata.
pub const VERSION_KEY: &str = "conntrack.schema_version";
/// Key of the table's name in the schema's metadata.
pub const TABLE_KEY: &str = "conntrack.table";
/// Key of the list of columns, as JSON, in a Parquet file's metadata.
pub const COLUMNS_KEY: &str = "conntrack.columns";
/// Key of a column's unit in its field's metadata; absent where there is none.
pub const UNIT_KEY: &str = "unit";
/// Key of a column's definition in its field's metadata.
pub const DEFINITION_KEY: &str = "definition";

/// What is said of a column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct About {
    /// The name, as in the contract.
    pub name: &'static str,
    /// The type in Arrow, and so in Parquet.
    pub data_type: DataType,
    /// Whether a value can be missing.
    pub nullable: bool,
    /// The unit; empty where there is none.
    pub unit: &'static str,
    /// What exactly it is, in one sentence.
    pub definition: &'static str,
}

/// The columns of a table, in order.
pub fn of(table: Table) -> impl Iterator<Item = About> {
    match table {
        Table::Connections => abouts::<connections::Connections>(),
        Table::Headers => abouts::<headers::Headers>(),
        Table::Events => abouts::<events::Events>(),
        Table::Intervals => abouts::<intervals::Intervals>(),
    }
    .into_iter()
}

/// The Arrow schema of a table, with units, definitions and the schema version in its metadata.
#[must_use]
pub fn schema(table: Table) -> SchemaRef {
    let fields: Vec<Field> = of(table).map(|about| field(&about)).collect();
    let metadata = HashMap::from([
        (VERSION_KEY.to_owned(), SCHEMA_VERSION.to_string()),
        (TABLE_KEY.to_owned(), table.as_str().to_owned()),
    ]);
    Arc::new(Schema::new_with_metadata(fields, metadata))
}

fn field(about: &About) -> Field {
    let mut metadata = HashMap::from([(DEFINITION_KEY.to_owned(), about.definition.to_owned())]);
    if !about.unit.is_empty() {
        metadata.insert(UNIT_KEY.to_owned(), about.unit.to_owned());
    }
    Field::new(about.name, about.data_type.clone(), about.nullable).with_metadata(metadata)
}

fn abouts<R: RowFamily>() -> Vec<About> {
    columns::<R>().map(Column::about).collect()
}

/// Every column of a family, in order.
fn columns<R: RowFamily>() -> impl Iterator<Item = &'static Column<R>> {
    R::THEMES.iter().copied().flatten()
}

/// A kind of row, whatever it borrows.
pub(crate) trait RowFamily: Sized + 'static {
    /// The row.
    type Row<'a>;

    /// The columns, theme by theme.
    const THEMES: &'static [&'static [Column<Self>]];
}

/// A column of rows of the family `R`.
pub(crate) struct Column<R: RowFamily> {
    name: &'static str,
    unit: &'static str,
    definition: &'static str,
    value: Value<R>,
}

/// Where the value comes from. `…OrNull` is nullable.
pub(crate) enum Value<R: RowFamily> {
    Truth(for<'a> fn(&R::Row<'a>) -> bool),
    TruthOrNull(for<'a> fn(&R::Row<'a>) -> Option<bool>),
    U8(for<'a> fn(&R::Row<'a>) -> u8),
    U8OrNull(for<'a> fn(&R::Row<'a>) -> Option<u8>),
    U16(for<'a> fn(&R::Row<'a>) -> u16),
    U16OrNull(for<'a> fn(&R::Row<'a>) -> Option<u16>),
    U32(for<'a> fn(&R::Row<'a>) -> u32),
    U32OrNull(for<'a> fn(&R::Row<'a>) -> Option<u32>),
    U64(for<'a> fn(&R::Row<'a>) -> u64),
    U64OrNull(for<'a> fn(&R::Row<'a>) -> Option<u64>),
    F64(for<'a> fn(&R::Row<'a>) -> f64),
    F64OrNull(for<'a> fn(&R::Row<'a>) -> Option<f64>),
    Instant(for<'a> fn(&R::Row<'a>) -> Nanos),
    InstantOrNull(for<'a> fn(&R::Row<'a>) -> Option<Nanos>),
    /// Nanoseconds, which become seconds.
    Seconds(for<'a> fn(&R::Row<'a>) -> i64),
    SecondsOrNull(for<'a> fn(&R::Row<'a>) -> Option<i64>),
    Name(for<'a> fn(&R::Row<'a>) -> &'static str),
    NameOrNull(for<'a> fn(&R::Row<'a>) -> Option<&'static str>),
    /// Text that the row holds.
    Text(for<'r, 'a> fn(&'r R::Row<'a>) -> &'r str),
    /// Text that is written out.
    Display(for<'a> fn(&R::Row<'a>, &mut String)),
    Names(for<'a> fn(&R::Row<'a>, &mut dyn FnMut(&'static str))),
    Bytes(for<'r, 'a> fn(&'r R::Row<'a>) -> &'r [u8]),
}

/// The type of an instant.
pub(crate) fn instant_type() -> DataType {
    DataType::Timestamp(TimeUnit::Nanosecond, Some("UTC".into()))
}

impl<R: RowFamily> Column<R> {
    fn about(&self) -> About {
        let (data_type, nullable) = self.value.data_type();
        About { name: self.name, data_type, nullable, unit: self.unit, definition: self.definition }
    }
}

impl<R: RowFamily> Value<R> {
    fn data_type(&self) -> (DataType, bool) {
        match self {
            Self::Truth(_) => (DataType::Boolean, false),
            Self::TruthOrNull(_) => (DataType::Boolean, true),
            Self::U8(_) => (DataType::UInt8, false),
            Self::U8OrNull(_) => (DataType::UInt8, true),
            Self::U16(_) => (DataType::UInt16, false),
            Self::U16OrNull(_) => (DataType::UInt16, true),
            Self::U32(_) => (DataType::UInt32, false),
            Self::U32OrNull(_) => (DataType::UInt32, true),
            Self::U64(_) => (DataType::UInt64, false),
            Self::U64OrNull(_) => (DataType::UInt64, true),
            Self::Instant(_) => (instant_type(), false),
            Self::InstantOrNull(_) => (instant_type(), true),
            Self::F64(_) | Self::Seconds(_) => (DataType::Float64, false),
            Self::F64OrNull(_) | Self::SecondsOrNull(_) => (DataType::Float64, true),
            Self::Name(_) | Self::Text(_) | Self::Display(_) => (DataType::Utf8, false),
            Self::NameOrNull(_) => (DataType::Utf8, true),
            Self::Names(_) => (DataType::List(Arc::new(list_item())), false),
            Self::Bytes(_) => (DataType::Binary, false),
        }
    }
}

/// The element of a list of names.
pub(crate) fn list_item() -> Field {
    Field::new("item", DataType::Utf8, false)
}

/// Shorthand for an entry: name, unit, value, definition.
pub(crate) const fn column<R: RowFamily>(
    name: &'static str,
    unit: &'static str,
    value: Value<R>,
    definition: &'static str,
) -> Column<R> {
    Column { name, unit, definition, value }
}
