//! Rows of Arrow batches as lines of JSON, for inputs that are files of them: so they are read, refused and kept as all events are.
//!
//! Values are written as betide writes its own. What JSON cannot say is written so that the column refuses it, row by row: a float that is no
//! number as a text, a number that no column holds as what is wrong with it, a value of a type that betide does not have as an object.

use arrow_array::cast::AsArray;
use arrow_array::{Array, RecordBatch};
use arrow_schema::DataType as ArrowType;

use super::arrow::{data_type_of, from_arrow};
use super::json::{write_string, write_value};
use crate::data::{Column, DataType, Value};

/// A column on its way out.
enum Outgoing<'b> {
    /// Of a type that betide has.
    Known(DataType, Column),
    /// The same, with values among them that do not fit it: each row is looked at alone.
    Mixed(DataType, &'b dyn Array),
    /// Bytes, which are a text if they are UTF-8.
    Bytes(Vec<Option<&'b [u8]>>),
    /// Of another type.
    Unknown(&'b dyn Array),
}

/// Appends the rows of a batch as lines.
pub fn write_lines(batch: &RecordBatch, out: &mut Vec<u8>) {
    let schema = batch.schema();
    let columns: Vec<(&str, Outgoing<'_>)> =
        schema.fields().iter().zip(batch.columns()).map(|(field, array)| (field.name().as_str(), Outgoing::new(array))).collect();
    for row in 0..batch.num_rows() {
        let mut before = b'{';
        for (name, column) in &columns {
            out.push(before);
            write_string(name, out);
            out.push(b':');
            column.write(row, out);
            before = b',';
        }
        out.extend_from_slice(if columns.is_empty() { b"{}\n" } else { b"}\n" });
    }
}

impl<'b> Outgoing<'b> {
    fn new(array: &'b dyn Array) -> Self {
        match array.data_type() {
            ArrowType::Binary => Self::Bytes(array.as_binary::<i32>().iter().collect()),
            ArrowType::LargeBinary => Self::Bytes(array.as_binary::<i64>().iter().collect()),
            ArrowType::BinaryView => Self::Bytes(array.as_binary_view().iter().collect()),
            ArrowType::FixedSizeBinary(_) => Self::Bytes(array.as_fixed_size_binary().iter().collect()),
            arrow => match data_type_of(arrow) {
                None => Self::Unknown(array),
                Some(data_type) => match from_arrow(array, &data_type, "") {
                    Ok(column) => Self::Known(data_type, column),
                    Err(_) => Self::Mixed(data_type, array),
                },
            },
        }
    }

    fn write(&self, row: usize, out: &mut Vec<u8>) {
        match self {
            Self::Known(data_type, column) => write_known(&column.value(row), data_type, out),
            Self::Mixed(data_type, array) => match from_arrow(&*array.slice(row, 1), data_type, "") {
                Ok(column) => write_known(&column.value(0), data_type, out),
                Err(_) => write_string(&format!("a value of {} that does not fit {data_type}", array.data_type()), out),
            },
            Self::Bytes(values) => match values[row].map(std::str::from_utf8) {
                None => out.extend_from_slice(b"null"),
                Some(Ok(text)) => write_string(text, out),
                // A line that is not UTF-8 is bad, and its letter has it as it is; a line end in it would make two of it.
                Some(Err(_)) => {
                    let bytes = values[row].unwrap_or_default().iter();
                    out.push(b'"');
                    out.extend(bytes.map(|byte| if *byte < b' ' || matches!(byte, b'"' | b'\\') { b'?' } else { *byte }));
                    out.push(b'"');
                }
            },
            Self::Unknown(array) if array.is_null(row) => out.extend_from_slice(b"null"),
            Self::Unknown(array) => {
                out.extend_from_slice(b"{\"unknown\":");
                write_string(&array.data_type().to_string(), out);
                out.push(b'}');
            }
        }
    }
}

fn write_known(value: &Value<'_>, data_type: &DataType, out: &mut Vec<u8>) {
    match value {
        Value::Float(number) if !number.is_finite() => write_string(&number.to_string(), out),
        value => write_value(value, data_type, out),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::{ArrayRef, BinaryArray, Float64Array, StringArray, Time32SecondArray, TimestampMillisecondArray, UInt64Array};

    use super::*;

    #[test]
    fn rows_are_lines_and_what_json_cannot_say_is_refused_later() {
        let columns: Vec<(&str, ArrayRef)> = vec![
            ("at", Arc::new(TimestampMillisecondArray::from(vec![Some(1500), None]))),
            ("x", Arc::new(Float64Array::from(vec![f64::NAN, 0.5]))),
            ("n", Arc::new(UInt64Array::from(vec![u64::MAX, 7]))),
            ("b", Arc::new(BinaryArray::from(vec![&b"a\n"[..], b"\xff\n\""]))),
            ("t", Arc::new(Time32SecondArray::from(vec![Some(1), None]))),
            ("s", Arc::new(StringArray::from(vec!["a \"b\"", ""]))),
        ];
        let batch = RecordBatch::try_from_iter(columns).unwrap();
        let mut out = Vec::new();
        write_lines(&batch, &mut out);
        let lines: Vec<&[u8]> = out.split(|byte| *byte == b'\n').collect();
        let first = r#"{"at":"1970-01-01T00:00:01.5Z","x":"NaN","n":"a value of UInt64 that does not fit INT","b":"a\n","t":{"unknown":"Time32(s)"},"s":"a \"b\""}"#;
        assert_eq!(String::from_utf8_lossy(lines[0]), first);
        assert_eq!(lines[1], b"{\"at\":null,\"x\":0.5,\"n\":7,\"b\":\"\xff??\",\"t\":null,\"s\":\"\"}");
        assert_eq!(lines.len(), 3);
    }
}
