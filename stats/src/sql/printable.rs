//! The answers of queries as the formats print them. A query can make columns of types that no campaign has.

use std::sync::Arc;

use arrow_array::types::Int64Type;
use arrow_array::{Array, ArrayRef, Float64Array, RecordBatch, RecordBatchOptions, StringArray, cast::AsArray};
use arrow_schema::{ArrowError, DataType, Field, Schema, SchemaRef, TimeUnit};
use datafusion::arrow::compute::cast;
use datafusion::arrow::util::display::{ArrayFormatter, FormatOptions};
use recorder::columns::UNIT_KEY;

use crate::ReportError;

/// What columns become.
#[derive(Debug)]
pub struct Printable {
    schema: SchemaRef,
}

impl Printable {
    /// For answers of this schema.
    #[must_use]
    pub fn new(answer: &Schema) -> Self {
        let fields = answer.fields().iter().map(|field| printable(field));
        Self { schema: Arc::new(Schema::new(fields.collect::<Vec<_>>())) }
    }

    /// The schema of what is printed.
    #[must_use]
    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// A batch of an answer, to be printed.
    ///
    /// # Errors
    /// [`ReportError::Arrow`] for a value that cannot be turned, as an instant beyond the years that nanoseconds count.
    pub fn convert(&self, batch: &RecordBatch) -> Result<RecordBatch, ReportError> {
        let columns = batch.columns().iter().zip(self.schema.fields());
        let columns = columns.map(|(column, field)| convert(column, field.data_type())).collect::<Result<_, _>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
        Ok(RecordBatch::try_new_with_options(Arc::clone(&self.schema), columns, &options)?)
    }
}

fn printable(field: &Field) -> Field {
    let data_type = match field.data_type() {
        DataType::Dictionary(_, values) => target(values),
        other => target(other),
    };
    let seconds = matches!(field.data_type(), DataType::Duration(_));
    let mut metadata = field.metadata().clone();
    if seconds {
        metadata.insert(UNIT_KEY.to_owned(), "s".to_owned());
    }
    Field::new(field.name(), data_type, true).with_metadata(metadata)
}

/// The type that stands for `found`.
fn target(found: &DataType) -> DataType {
    match found {
        DataType::Int8 | DataType::Int16 | DataType::Int32 => DataType::Int64,
        DataType::Float16 | DataType::Float32 | DataType::Duration(_) => DataType::Float64,
        DataType::Timestamp(_, zone) => DataType::Timestamp(TimeUnit::Nanosecond, zone.clone()),
        DataType::LargeBinary | DataType::BinaryView | DataType::FixedSizeBinary(_) => DataType::Binary,
        DataType::List(_) | DataType::LargeList(_) | DataType::FixedSizeList(..) => texts(),
        DataType::Boolean
        | DataType::Int64
        | DataType::UInt8
        | DataType::UInt16
        | DataType::UInt32
        | DataType::UInt64
        | DataType::Float64
        | DataType::Binary => found.clone(),
        _ => DataType::Utf8,
    }
}

fn texts() -> DataType {
    DataType::List(Arc::new(Field::new("item", DataType::Utf8, true)))
}

fn convert(column: &ArrayRef, target: &DataType) -> Result<ArrayRef, ArrowError> {
    match (column.data_type(), target) {
        (found, target) if found == target => Ok(Arc::clone(column)),
        (DataType::Duration(_), _) => {
            let nanos = cast(&cast(column, &DataType::Duration(TimeUnit::Nanosecond))?, &DataType::Int64)?;
            let seconds: Float64Array = nanos.as_primitive::<Int64Type>().unary(|nanos| nanos as f64 / 1e9);
            Ok(Arc::new(seconds))
        }
        (DataType::Utf8View | DataType::LargeUtf8 | DataType::Dictionary(..) | DataType::Null, _) => {
            cast(column, target)
        }
        (_, DataType::Utf8) => {
            let options = FormatOptions::default();
            let shown = ArrayFormatter::try_new(column, &options)?;
            let texts = (0..column.len()).map(|row| column.is_valid(row).then(|| shown.value(row).to_string()));
            Ok(Arc::new(texts.collect::<StringArray>()))
        }
        _ => cast(column, target),
    }
}
