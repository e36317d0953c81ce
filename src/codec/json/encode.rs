//! Rows to JSON text.
//!
//! A row is one object on one line, its keys in the order of the columns; what stands around the values is escaped once a stream. Equal
//! values give equal bytes: timestamps are RFC 3339 in UTC, floats the shortest text that reads back the same (NaN and infinities, which
//! JSON has not, are null), decimals have all digits of their scale, durations are written as in the language.

use std::io::Write;

use arrow_array::Array;

use super::lines::BatchWriter;
use super::numeral::{put, write_float, write_int};
use crate::data::{Column, DataType, EventBatch, Schema, Timestamp, Value, Written};

/// Writes rows of one stream as JSON objects.
#[derive(Debug)]
pub struct RowWriter {
    /// What stands before the value of each column: the opening brace or a comma, and the key.
    before: Vec<Before>,
    /// What stands behind the last value; and with the end of the line.
    end: Vec<u8>,
    line_end: Before,
    types: Vec<DataType>,
}

/// A text that is written before the value of every row.
#[derive(Debug)]
pub(super) struct Before {
    text: Vec<u8>,
    /// The whole of it and its length, if it is short.
    piece: Option<([u8; PIECE], usize)>,
}

/// Texts up to this length are put as a piece of this length, of which the next one takes the surplus: that is two stores and no call.
const PIECE: usize = 32;

impl Before {
    fn new(text: Vec<u8>) -> Self {
        let mut piece = [0; PIECE];
        let is_short = piece.get_mut(..text.len()).map(|place| place.copy_from_slice(&text)).is_some();
        Self { piece: is_short.then_some((piece, text.len())), text }
    }

    /// No more room is needed for it.
    pub(super) fn room(&self) -> usize {
        self.text.len().max(PIECE)
    }

    /// Puts it there, and gives the place behind it.
    #[inline(always)]
    pub(super) fn put(&self, room: &mut [u8], at: usize) -> usize {
        match &self.piece {
            Some((piece, length)) => put(piece, *length, room, at),
            None => {
                let end = at + self.text.len();
                room[at..end].copy_from_slice(&self.text);
                end
            }
        }
    }
}

impl RowWriter {
    /// A writer of rows of this schema; those of a named stream begin with `"stream":"Name"`.
    pub fn new(stream: Option<&str>, schema: &Schema) -> Self {
        let mut pending = b"{".to_vec();
        if let Some(name) = stream {
            pending.extend_from_slice(b"\"stream\":");
            write_string(name, &mut pending);
        }
        let mut before = Vec::new();
        for field in schema.fields() {
            if pending.as_slice() != b"{" {
                pending.push(b',');
            }
            write_string(&field.name, &mut pending);
            pending.push(b':');
            before.push(Before::new(std::mem::take(&mut pending)));
        }
        pending.push(b'}');
        let line_end = Before::new([&pending[..], b"\n"].concat());
        Self { before, end: pending, line_end, types: schema.fields().iter().map(|f| f.data_type.clone()).collect() }
    }

    /// Appends one row as a JSON object, without a line end. The batch has the writer's schema.
    pub fn write_row(&self, batch: &EventBatch, row: usize, out: &mut Vec<u8>) {
        debug_assert_eq!(batch.columns().len(), self.before.len(), "the batch has the writer's columns");
        for ((before, data_type), column) in self.before.iter().zip(&self.types).zip(batch.columns()) {
            out.extend_from_slice(&before.text);
            write_cell(column, row, data_type, out);
        }
        out.extend_from_slice(&self.end);
    }

    /// A writer of the rows of this batch, which has the writer's schema.
    pub fn of<'b>(&'b self, batch: &'b EventBatch) -> BatchWriter<'b> {
        debug_assert_eq!(batch.columns().len(), self.before.len(), "the batch has the writer's columns");
        let columns = self.before.iter().zip(batch.columns()).zip(&self.types);
        BatchWriter::new(columns.map(|((before, column), data_type)| (before, column, data_type)), &self.line_end)
    }
}

/// A value of a column; plain types without making a [`Value`] first.
pub(super) fn write_cell(column: &Column, row: usize, data_type: &DataType, out: &mut Vec<u8>) {
    match column {
        Column::Int(values) if values.is_valid(row) => write_int(values.value(row), out),
        Column::Float(values) if values.is_valid(row) => write_float(values.value(row), out),
        Column::Timestamp(nanos) if nanos.is_valid(row) => write_timestamp(Timestamp(nanos.value(row)), out),
        Column::String(texts) if texts.is_valid(row) => write_string(texts.value(row), out),
        Column::Coded(texts) if !texts.is_null(row) => match texts.dictionary().written(texts.codes().value(row), quoted) {
            Written::Short(piece, length) => out.extend_from_slice(&piece[..usize::from(*length)]),
            Written::Long(text) => out.extend_from_slice(text),
        },
        Column::Nested(_, values) => write_value(&values[row], data_type, out),
        _ => write_value(&column.value(row), data_type, out),
    }
}

/// Appends a value as JSON. The type gives the names of a struct's fields; fields that it does not name are called by their position.
// Recursion: one level a LIST or STRUCT in the value, and values nest no deeper than their types.
pub fn write_value(value: &Value<'_>, data_type: &DataType, out: &mut Vec<u8>) {
    match value {
        Value::Null => out.extend_from_slice(b"null"),
        Value::Bool(true) => out.extend_from_slice(b"true"),
        Value::Bool(false) => out.extend_from_slice(b"false"),
        Value::Int(value) => write_int(*value, out),
        Value::Float(value) => write_float(*value, out),
        Value::Decimal(value) => write_display(format_args!("{value}"), out),
        Value::String(text) => write_string(text, out),
        Value::Timestamp(time) => write_timestamp(*time, out),
        Value::Duration(span) => {
            out.push(b'"');
            span.append_to(out);
            out.push(b'"');
        }
        Value::List(items) => {
            let item_type = if let DataType::List(item) = data_type { item } else { &DataType::Null };
            out.push(b'[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                write_value(item, item_type, out);
            }
            out.push(b']');
        }
        Value::Struct(values) => {
            let fields = if let DataType::Struct(fields) = data_type { &fields[..] } else { &[] };
            out.push(b'{');
            for (index, value) in values.iter().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                match fields.get(index) {
                    Some(field) => write_string(&field.name, out),
                    None => write_display(format_args!("\"{}\"", index + 1), out),
                }
                out.push(b':');
                write_value(value, fields.get(index).map_or(&DataType::Null, |field| &field.data_type), out);
            }
            out.push(b'}');
        }
        // Line ends can only stand between tokens there, and a row has to stay on its line.
        Value::Json(text) => out.extend(text.bytes().map(|byte| if byte == b'\n' || byte == b'\r' { b' ' } else { byte })),
    }
}

/// A text as JSON.
pub(super) fn quoted(text: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len() + 2);
    write_string(text, &mut out);
    out
}

fn write_display(text: std::fmt::Arguments<'_>, out: &mut Vec<u8>) {
    out.write_fmt(text).expect("writing to memory does not fail");
}

fn write_timestamp(time: Timestamp, out: &mut Vec<u8>) {
    let (text, length) = time.to_rfc3339();
    out.push(b'"');
    out.extend_from_slice(&text[..length]);
    out.push(b'"');
}

/// The first quote, backslash or control character; looked for in blocks, without a branch a byte.
fn first_to_escape(bytes: &[u8]) -> Option<usize> {
    let needs = |byte: &u8| *byte < 0x20 || *byte == b'"' || *byte == b'\\';
    let (blocks, rest) = bytes.as_chunks::<16>();
    let block = blocks.iter().position(|block| block.iter().fold(false, |any, byte| any | needs(byte)));
    let (begin, end) = block.map_or((bytes.len() - rest.len(), bytes.len()), |block| (16 * block, 16 * block + 16));
    bytes[begin..end].iter().position(needs).map(|at| begin + at)
}

/// Appends a text as a JSON string: quotes, backslashes and control characters are escaped, all else stands as it is.
pub fn write_string(text: &str, out: &mut Vec<u8>) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    out.push(b'"');
    let mut rest = text.as_bytes();
    while let Some(at) = first_to_escape(rest) {
        out.extend_from_slice(&rest[..at]);
        match rest[at] {
            b'"' => out.extend_from_slice(b"\\\""),
            b'\\' => out.extend_from_slice(b"\\\\"),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            0x08 => out.extend_from_slice(b"\\b"),
            0x0c => out.extend_from_slice(b"\\f"),
            control => {
                out.extend_from_slice(b"\\u00");
                out.extend_from_slice(&[HEX[usize::from(control >> 4)], HEX[usize::from(control & 15)]]);
            }
        }
        rest = &rest[at + 1..];
    }
    out.extend_from_slice(rest);
    out.push(b'"');
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::codec::json::Text;
    use crate::data::{Duration, Field, Place};

    fn text_of(value: &Value<'_>, data_type: &DataType) -> String {
        let mut out = Vec::new();
        write_value(value, data_type, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn values_print_as_the_language_page_says() {
        let cents = DataType::Decimal { precision: 10, scale: 2 };
        for (value, expected) in [
            (Value::Null, "null"),
            (Value::Bool(true), "true"),
            (Value::Int(i64::MIN), "-9223372036854775808"),
            (Value::Float(1.0), "1.0"),
            (Value::Float(0.1), "0.1"),
            (Value::Float(912.5), "912.5"),
            (Value::Float(f64::NAN), "null"),
            (Value::Float(f64::NEG_INFINITY), "null"),
            (Value::Timestamp(Timestamp(1_772_359_451_000_000_000)), "\"2026-03-01T10:04:11Z\""),
            (Value::Timestamp(Timestamp(1_772_359_451_250_000_000)), "\"2026-03-01T10:04:11.25Z\""),
            (Value::Duration(Duration::from_millis(123_500)), "\"2m 3.5s\""),
            (Value::Json("{\"a\":\n[1]}".into()), "{\"a\": [1]}"),
        ] {
            assert_eq!(text_of(&value, &DataType::Null), expected);
        }
        assert_eq!(text_of(&Value::Decimal("19.50".parse().unwrap()), &cents), "19.50");
    }

    #[test]
    fn short_texts_are_put_whole() {
        let all: Vec<u8> = (b'a'..=b'z').chain(b'A'..=b'Z').collect();
        let piece: [u8; 52] = all.clone().try_into().expect("52 letters");
        for length in 0..all.len() {
            let mut room = [b'.'; 160];
            let at = put(&piece, length, &mut room, 6);
            let end = Before::new(all[..length].to_vec()).put(&mut room, at);
            assert_eq!(&room[..end], [b"......", &all[..length], &all[..length]].concat());
        }
    }

    #[test]
    fn floats_read_back_the_same() {
        for value in [f64::MIN_POSITIVE, f64::MAX, -0.0, 1e16, 1e-7, 123_456_789.123_456_78, 5e-324] {
            let text = text_of(&Value::Float(value), &DataType::Float);
            assert_eq!(serde_json::from_str::<f64>(&text).unwrap().to_bits(), value.to_bits(), "{text}");
        }
    }

    #[test]
    fn strings_read_back_the_same() {
        let all: String = (0u32..0x300).chain([0x2028, 0xFFFD, 0x1F600]).filter_map(char::from_u32).collect();
        let mut out = Vec::new();
        write_string(&all, &mut out);
        assert!(!out.contains(&b'\n'));
        assert_eq!(serde_json::from_slice::<String>(&out).unwrap(), all);
    }

    #[test]
    fn rows_of_named_and_unnamed_streams() {
        let point: Arc<[Field]> = Arc::new([Field::new("x", DataType::Int), Field::new("y \"q\"", DataType::Float)]);
        let points = DataType::List(Arc::new(DataType::Struct(point)));
        let schema = Schema::new(vec![Field::new("k\"ey", DataType::String), Field::new("at", points.clone())]);
        let pair = Value::Struct(vec![Value::Int(1), Value::Float(2.0)].into());
        let columns = vec![
            Column::from_values(&DataType::String, [Value::string("a\tb"), Value::Null]),
            Column::from_values(&points, [Value::List(vec![pair, Value::Null].into()), Value::Null]),
        ];
        let places: crate::data::Places = [Place::event(Timestamp(1), 1), Place::event(Timestamp(1), 2)].into_iter().collect();
        let batch = EventBatch::new(Arc::new(schema.clone()), columns, places);
        let mut out = Vec::new();
        let named = RowWriter::new(Some("Hi"), &schema);
        let mut text = Text::take();
        (0..2).for_each(|row| named.of(&batch).write_line(row, &mut text));
        out.extend_from_slice(text.as_bytes());
        RowWriter::new(None, &schema).write_row(&batch, 1, &mut out);
        assert_eq!(
            String::from_utf8(out).unwrap(),
            concat!(
                "{\"stream\":\"Hi\",\"k\\\"ey\":\"a\\tb\",\"at\":[{\"x\":1,\"y \\\"q\\\"\":2.0},null]}\n",
                "{\"stream\":\"Hi\",\"k\\\"ey\":null,\"at\":null}\n",
                "{\"k\\\"ey\":null,\"at\":null}"
            )
        );
        let (mut named, mut unnamed) = (Vec::new(), Vec::new());
        let empty = EventBatch::new(Arc::new(Schema::default()), Vec::new(), vec![Place::MIN].into());
        RowWriter::new(Some("N"), &Schema::default()).write_row(&empty, 0, &mut named);
        RowWriter::new(None, &Schema::default()).write_row(&empty, 0, &mut unnamed);
        assert_eq!((&named[..], &unnamed[..]), (&b"{\"stream\":\"N\"}"[..], &b"{}"[..]));
    }
}
