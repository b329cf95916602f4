//! Tables in the formats of others: one format, one file. Each prints whatever columns a batch has, so that a new column costs nothing here.

mod csv;
mod ipfix;
mod json;
mod parquet;
mod table;
mod zeek;
mod zeek_json;

pub use csv::CsvWriter;
pub use ipfix::IpfixWriter;
pub use json::JsonWriter;
pub use parquet::ParquetWriter;
pub use table::TerminalTable;
pub use zeek::{ZeekWriter, parse_uid};
pub use zeek_json::ZeekJsonWriter;

use arrow_array::RecordBatch;

use crate::ReportError;

/// Takes a table batch by batch and writes it, in memory that does not grow with the table.
pub trait TableWriter {
    /// Writes the rows of a batch. Every batch has the same columns.
    ///
    /// # Errors
    /// [`ReportError::Write`] when the output takes no more; [`ReportError::ColumnType`] for a column that cannot be printed.
    fn write(&mut self, batch: &RecordBatch) -> Result<(), ReportError>;

    /// Writes what was held back, and the end.
    ///
    /// # Errors
    /// [`ReportError::Write`] when the output takes no more.
    fn finish(&mut self) -> Result<(), ReportError>;
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::builder::{ListBuilder, StringBuilder};
    use arrow_array::{
        ArrayRef, BinaryArray, BooleanArray, Float64Array, RecordBatch, StringArray, TimestampNanosecondArray,
        UInt64Array,
    };
    use arrow_schema::{Field, Schema};

    use super::*;

    /// A column of each kind, in one row of values, one of nothings, one of values that are hard to print.
    fn awkward() -> RecordBatch {
        let mut names = ListBuilder::new(StringBuilder::new());
        names.append_value([Some("a"), Some("b")]);
        names.append_value::<[Option<&str>; 0], _>([]);
        names.append_value([Some("c,d"), Some("-")]);
        let nan = f64::NAN;
        let columns: [(&str, &str, ArrayRef); 7] = [
            ("at", "", Arc::new(TimestampNanosecondArray::from(vec![Some(1_000_000_001), None, Some(-1)]))),
            ("count", "", Arc::new(UInt64Array::from(vec![Some(7), None, Some(u64::MAX)]))),
            ("length", "s", Arc::new(Float64Array::from(vec![Some(0.25), None, Some(nan)]))),
            ("rate", "bit/s", Arc::new(Float64Array::from(vec![Some(2.5e9), None, Some(1e300)]))),
            ("truth", "", Arc::new(BooleanArray::from(vec![Some(true), None, Some(false)]))),
            ("text", "", Arc::new(StringArray::from(vec![Some("plain"), None, Some("a\tb\"\\\u{1b}\n,\u{e9}")]))),
            ("bytes", "", Arc::new(BinaryArray::from(vec![Some(&[0xab_u8, 0x01][..]), None, Some(&[])]))),
        ];
        let field = |name: &str, unit: &str, array: &ArrayRef| {
            Field::new(name, array.data_type().clone(), true)
                .with_metadata(std::collections::HashMap::from([("unit".to_owned(), unit.to_owned())]))
        };
        let list: ArrayRef = Arc::new(names.finish());
        let mut fields = columns.iter().map(|(name, unit, array)| field(name, unit, array)).collect::<Vec<_>>();
        fields.push(field("names", "", &list));
        let mut arrays = columns.into_iter().map(|(_, _, array)| array).collect::<Vec<_>>();
        arrays.push(list);
        RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays).unwrap()
    }

    fn text(write: impl FnOnce(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        write(&mut out);
        String::from_utf8(out).unwrap()
    }

    fn drive(mut writer: impl TableWriter, batch: &RecordBatch) {
        writer.write(batch).unwrap();
        writer.finish().unwrap();
    }

    #[test]
    fn csv_quotes_what_must_be_quoted_and_leaves_out_what_is_missing() {
        let batch = awkward();
        let huge = format!("1{}", "0".repeat(300));
        let expected = format!(
            "at,count\n1.000000001,7,0.250000000,2500000000,true,plain,ab01,a;b\n,,,,,,,\n\
             -0.000000001,18446744073709551615,,{huge},false,\"a\tb\"\"\\\u{1b}\n,\u{e9}\",,\"c,d;-\"\n"
        );
        assert_eq!(text(|out| drive(CsvWriter::new(out, &["at", "count"]).unwrap(), &batch)), expected);
    }

    #[test]
    fn json_escapes_what_must_be_escaped_and_says_null() {
        let batch = awkward();
        let lines = text(|out| drive(JsonWriter::new(out), &batch));
        let lines = lines.lines().collect::<Vec<_>>();
        let first = "{\"at\":1.000000001,\"count\":7,\"length\":0.250000000,\"rate\":2500000000,\"truth\":true,\
                     \"text\":\"plain\",\"bytes\":\"ab01\",\"names\":[\"a\",\"b\"]}";
        assert_eq!(lines[0], first);
        let nothing = "{\"at\":null,\"count\":null,\"length\":null,\"rate\":null,\"truth\":null,\"text\":null,\"bytes\":null,\
                       \"names\":[]}";
        assert_eq!(lines[1], nothing);
        let parsed: serde_json::Value = serde_json::from_str(lines[2]).unwrap();
        assert_eq!(parsed["text"], "a\tb\"\\\u{1b}\n,\u{e9}");
        assert_eq!((&parsed["count"], &parsed["length"]), (&u64::MAX.into(), &serde_json::Value::Null));
    }

    #[test]
    fn a_table_cannot_steer_the_terminal_and_fits_it() {
        let batch = awkward();
        let whole = text(|out| drive(TerminalTable::default().writer(out, batch.schema_ref()), &batch));
        assert!(whole.contains(r#"a\tb"\\u{1b}\n,"#), "{whole}");
        assert!(!whole.contains('\u{1b}'));
        let narrow = TerminalTable { width: Some(62), bold: false };
        let batch = batch.slice(0, 2);
        let narrow = text(|out| drive(narrow.writer(out, batch.schema_ref()), &batch));
        let expected = "                        at  count    length        rate  truth\n\
                        1970-01-01 00:00:01.000000      7  0.250000  2500000000  true\n                         \
                        -      -         -           -  -\n\
                        Not shown, because the terminal is too narrow: text, bytes, names.\n";
        assert_eq!(narrow, expected);
    }

    #[test]
    fn a_conn_log_escapes_what_would_break_it() {
        let fields = [("uid", Arc::new(UInt64Array::from(vec![1])) as ArrayRef)];
        let texts = ["orig_h", "history"].into_iter().zip([["-"], ["a\tb"]]);
        let texts = texts.map(|(name, text)| (name, Arc::new(StringArray::from(text.to_vec())) as ArrayRef));
        let batch = RecordBatch::try_from_iter(fields.into_iter().chain(texts)).unwrap();
        let log = text(|out| drive(ZeekWriter::new(out, None, None).unwrap(), &batch));
        let row = log.lines().find(|line| !line.starts_with('#')).unwrap().split('\t').collect::<Vec<_>>();
        assert_eq!((row[1], row[2], row[15], row[4]), ("C1", "\\x2d", "a\\x09b", "-"));
    }

    #[test]
    fn a_column_of_an_unknown_type_is_named() {
        let floats = Arc::new(arrow_array::Float32Array::from(vec![1.0])) as ArrayRef;
        let batch = RecordBatch::try_from_iter([("odd", floats)]).unwrap();
        let error = JsonWriter::new(Vec::new()).write(&batch).unwrap_err().to_string();
        assert!(error.contains("odd") && error.contains("Float32"), "{error}");
    }
}
