//! Files of reference data to rows: comma-separated values with a header line, or an object a line.
//!
//! In: the bytes of a whole file and what its columns are. Out: all rows, each with its line, or the first thing that is wrong, with line and
//! column. Nothing is passed over: a table of which a row is missing would give wrong answers in silence.

use std::fmt;
use std::sync::Arc;

use super::json::{JsonDecoder, convert};
use super::{ChunkStart, ColumnSpec, Limits, SourceSpec, TimeFormat};
use crate::data::{DataType, Field, Schema, Timestamp, Value};

/// The longest line of a table; its rows are kept anyway.
const MAX_LINE: usize = 64 << 20;

/// What the columns of a table are, and how each is written.
#[derive(Debug, Clone)]
pub struct TableSpec {
    /// The table's name.
    pub name: Arc<str>,
    /// Names and types of its columns.
    pub schema: Arc<Schema>,
    /// Where each column is found (in CSV: the name in the header, joined by dots), and what it takes.
    pub columns: Vec<ColumnSpec>,
    /// The column that says from when on a row holds; it has to have a value.
    pub time: Option<usize>,
}

/// A row and where it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct ReadRow {
    /// The number of its (first) line, from 1.
    pub line: u64,
    /// One value a column.
    pub values: Arc<[Value<'static>]>,
}

/// What is wrong with the file of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadTable {
    /// The line, from 1.
    pub line: u64,
    /// What, with the column where one is to blame.
    pub detail: String,
}

impl fmt::Display for BadTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.detail)
    }
}

/// Reads lines of JSON objects. Blank lines are passed over, as in events.
pub fn read_json_lines(bytes: &[u8], spec: &TableSpec) -> Result<Vec<ReadRow>, BadTable> {
    let mut source = SourceSpec::new(spec.name.clone(), spec.schema.clone());
    source.columns.clone_from(&spec.columns);
    source.time = spec.time;
    let mut decoder = JsonDecoder::new(vec![source], Limits { max_line: MAX_LINE, ..Limits::default() });
    let mut decoded = decoder.decoded();
    let mut rows = Vec::new();
    let mut offset = 0;
    // A line at a time, so that each row knows its own.
    for (line, text) in (1..).zip(bytes.split_inclusive(|&byte| byte == b'\n')) {
        decoder.decode(text, ChunkStart { line, offset, clock: Timestamp::MIN }, &mut decoded);
        offset += text.len() as u64;
        if let Some(bad) = decoded.bad.pop() {
            return Err(BadTable { line, detail: bad.detail });
        }
        let read = decoded.sources[0].take();
        rows.extend((0..read.len()).map(|row| {
            let values = read.columns.iter().map(|column| column.value(row).into_owned()).collect();
            ReadRow { line, values }
        }));
    }
    Ok(rows)
}

/// Reads comma-separated values. The first line names the columns, in any order; those that the table does not have are passed over. A cell
/// with nothing in it is NULL, or the column's default.
pub fn read_csv(bytes: &[u8], spec: &TableSpec) -> Result<Vec<ReadRow>, BadTable> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let mut reader = csv::ReaderBuilder::new().from_reader(bytes);
    let header = reader.headers().map_err(|error| misread(&error))?.clone();
    let cells = spec.columns.iter().map(|column| find_cell(&header, column)).collect::<Result<Vec<_>, _>>()?;
    let mut rows = Vec::new();
    let mut record = csv::StringRecord::new();
    while reader.read_record(&mut record).map_err(|error| misread(&error))? {
        let line = record.position().map_or(0, csv::Position::line);
        let values = spec.schema.fields().iter().enumerate().map(|(index, field)| {
            let told = |detail: String| {
                let number = cells[index].map_or_else(String::new, |cell| format!(" (column {})", cell + 1));
                BadTable { line, detail: format!("column `{}`{number}: {detail}", field.name) }
            };
            let text = cells[index].and_then(|cell| record.get(cell)).unwrap_or_default();
            let value = value_of_text(text, field, &spec.columns[index]).map_err(told)?;
            let has_to_be = spec.columns[index].not_null || spec.time == Some(index);
            if has_to_be && value.is_null() { Err(told("there is no value, and there has to be one".to_owned())) } else { Ok(value) }
        });
        rows.push(ReadRow { line, values: values.collect::<Result<_, _>>()? });
    }
    Ok(rows)
}

/// The number of a column's cell. A column that has a default may be missing.
fn find_cell(header: &csv::StringRecord, column: &ColumnSpec) -> Result<Option<usize>, BadTable> {
    let name = column.path.join(".");
    let mut found = header.iter().enumerate().filter(|(_, cell)| cell.trim() == name).map(|(index, _)| index);
    match (found.next(), found.next()) {
        (Some(_), Some(second)) => {
            Err(BadTable { line: 1, detail: format!("column `{name}` is there twice, again as column {}", second + 1) })
        }
        (None, _) if column.default.is_none() => {
            let names: Vec<String> = header.iter().map(|cell| format!("`{}`", cell.trim())).collect();
            Err(BadTable { line: 1, detail: format!("there is no column `{name}`; the header has {}", names.join(", ")) })
        }
        (cell, _) => Ok(cell),
    }
}

fn misread(error: &csv::Error) -> BadTable {
    let line = error.position().map_or(1, csv::Position::line);
    let detail = match error.kind() {
        csv::ErrorKind::UnequalLengths { expected_len, len, .. } => format!("there are {len} cells, and the header has {expected_len}"),
        csv::ErrorKind::Utf8 { err, .. } => format!("column {} is not UTF-8", err.field() + 1),
        _ => error.to_string(),
    };
    BadTable { line, detail }
}

/// The value of a cell: its text for STRING, and for all other types what JSON has for them.
pub fn value_of_text(text: &str, field: &Field, column: &ColumnSpec) -> Result<Value<'static>, String> {
    let trimmed = text.trim();
    if text.is_empty() || trimmed.is_empty() && field.data_type != DataType::String {
        return Ok(column.default.clone().unwrap_or(Value::Null));
    }
    let json = match &field.data_type {
        DataType::String => return Ok(Value::string(text.to_owned())),
        DataType::Timestamp if is_integer(trimmed) && !matches!(column.time_format, TimeFormat::Custom(_)) => trimmed.to_owned(),
        DataType::Timestamp | DataType::Duration | DataType::Decimal { .. } => serde_json::Value::from(trimmed).to_string(),
        DataType::Bool => trimmed.to_ascii_lowercase(),
        DataType::Null | DataType::Int | DataType::Float | DataType::List(_) | DataType::Struct(_) | DataType::Json => trimmed.to_owned(),
    };
    let not_a_value = || format!("`{trimmed}` is no {}", field.data_type);
    if serde_json::from_str::<serde::de::IgnoredAny>(&json).is_err() {
        return Err(not_a_value());
    }
    let value = convert(&json, &field.data_type, &column.time_format).map_err(|misfit| match &field.data_type {
        DataType::Int | DataType::Float | DataType::Bool => format!("{}: {}", not_a_value(), misfit.detail),
        _ => misfit.detail,
    })?;
    Ok(value.into_owned())
}

fn is_integer(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(columns: &[(&str, DataType)]) -> TableSpec {
        let schema = Arc::new(Schema::new(columns.iter().map(|(name, data_type)| Field::new(*name, data_type.clone())).collect()));
        let columns = schema.fields().iter().map(|field| ColumnSpec::named(&field.name)).collect();
        TableSpec { name: "T".into(), schema, columns, time: None }
    }

    fn read(text: &str, spec: &TableSpec) -> Result<Vec<(u64, Vec<Value<'static>>)>, String> {
        let rows = read_csv(text.as_bytes(), spec).map_err(|bad| bad.to_string())?;
        Ok(rows.into_iter().map(|row| (row.line, row.values.to_vec())).collect())
    }

    #[test]
    fn cells_become_values_of_their_columns() {
        let spec = spec(&[("id", DataType::String), ("n", DataType::Int), ("ok", DataType::Bool), ("at", DataType::Timestamp)]);
        let text = "\u{feff}ok,extra,n,id,at\nTRUE,x, 7 ,\"a,\n\"\"b\",2026-03-01T10:00:00Z\n,,,007,1000\n";
        let at = |text| Value::Timestamp(Timestamp::parse(text).unwrap());
        let first = vec![Value::string("a,\n\"b"), Value::Int(7), Value::Bool(true), at("2026-03-01T10:00:00Z")];
        let second = vec![Value::string("007"), Value::Null, Value::Null, at("1970-01-01T00:00:01Z")];
        assert_eq!(read(text, &spec).unwrap(), [(2, first), (4, second)]);
    }

    #[test]
    fn what_is_wrong_is_told_with_line_and_column() {
        let mut spec = spec(&[("id", DataType::String), ("n", DataType::Int)]);
        let told = |text: &str, spec: &TableSpec| read(text, spec).unwrap_err();
        assert_eq!(told("id,n\na,1\nb,x\n", &spec), "line 3: column `n` (column 2): `x` is no INT");
        assert_eq!(told("id,n\na,1.5\n", &spec), "line 2: column `n` (column 2): `1.5` is no INT: the number 1.5 has a fraction");
        assert_eq!(told("id,n\na,1\nb\n", &spec), "line 3: there are 1 cells, and the header has 2");
        assert_eq!(told("id,m\na,1\n", &spec), "line 1: there is no column `n`; the header has `id`, `m`");
        assert_eq!(told("id,n,id\na,1,b\n", &spec), "line 1: column `id` is there twice, again as column 3");
        spec.columns[1].not_null = true;
        assert_eq!(told("id,n\na,\n", &spec), "line 2: column `n` (column 2): there is no value, and there has to be one");
    }

    #[test]
    fn lines_of_json_know_their_numbers() {
        let mut spec = spec(&[("id", DataType::String), ("n", DataType::Int)]);
        let rows = read_json_lines(b"{\"id\":\"a\"}\n\n{\"n\":2,\"id\":\"b\"}", &spec).unwrap();
        assert_eq!(rows.iter().map(|row| row.line).collect::<Vec<_>>(), [1, 3]);
        assert_eq!(*rows[1].values, [Value::string("b"), Value::Int(2)]);
        spec.columns[1].not_null = true;
        let bad = read_json_lines(b"{\"id\":\"a\",\"n\":1}\n{\"id\":\"b\"}\n", &spec).unwrap_err();
        assert!(bad.line == 2 && bad.detail.starts_with("column `n`: "), "{bad}");
        assert_eq!(read_json_lines(b"[]\n", &spec).unwrap_err().line, 1);
    }
}
