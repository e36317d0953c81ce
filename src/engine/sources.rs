//! What a caller may know of the source streams, and single rows that come in for them.

use super::batches::{Incoming, fault};
use super::error::DataError;
use crate::codec::{BadCause, BadEvent, value_of_text};
use crate::data::{Column, DataType, Duration, Schema, Value};
use crate::plan::SourceNode;
use crate::runtime::column_spec;

/// A source stream of a program.
#[derive(Debug, Clone, Copy)]
pub struct SourceStream<'e> {
    /// Its name.
    pub name: &'e str,
    /// Its columns.
    pub schema: &'e Schema,
    /// The column of its event time; without one, time is the time of arrival.
    pub time: Option<&'e str>,
    /// How far out of order its events may come.
    pub delay: Duration,
}

/// How often a step of a pattern took an event.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct StepCount {
    /// The line of the program on which the pattern's statement begins, from 1.
    pub line: usize,
    /// The step's variable.
    pub step: String,
    /// How often it took one.
    pub taken: u64,
}

impl<'e> SourceStream<'e> {
    pub(super) fn of(node: &'e SourceNode) -> Self {
        let time = node.read_as.time_column.map(|index| &*node.schema.fields()[index].name);
        Self { name: &node.name, schema: &node.schema, time, delay: node.read_as.delay }
    }
}

/// The columns of one row. A column that does not exist is the caller's mistake; a value that does not fit makes the row a bad event.
pub(super) fn row(source: &SourceNode, given: &[(&str, Value<'_>)]) -> Result<Incoming, DataError> {
    if let Some((unknown, _)) = given.iter().find(|(name, _)| source.schema.index_of(name).is_none()) {
        return Err(DataError::Misfit(format!("`{}` has no column `{unknown}`", source.name)));
    }
    let mut columns = Vec::with_capacity(source.schema.len());
    let mut misfit = None;
    for (field, read_as) in source.schema.fields().iter().zip(&source.read_as.columns) {
        let value = match given.iter().find(|(name, _)| *name == &*field.name) {
            None => read_as.default.clone().unwrap_or(Value::Null),
            Some((_, value)) => fitted(value, field, &column_spec(read_as)).unwrap_or_else(|detail| {
                misfit.get_or_insert(format!("column `{}`: {detail}", field.name));
                Value::Null
            }),
        };
        columns.push(Column::repeat(&field.data_type, &value, 1));
    }
    let fault = match misfit {
        Some(detail) => Some((BadCause::WrongType, detail)),
        None => fault(source, &columns, 0).map(|(cause, column)| (cause, format!("column `{column}` has no value"))),
    };
    if let Some((cause, detail)) = fault {
        let bad = BadEvent { line: 1, offset: 0, cause, detail: format!("a row for {}: {detail}", source.name), bytes: Vec::new() };
        return Ok(Incoming { columns: Vec::new(), times: None, rows: 0, bad: vec![bad] });
    }
    let times = source.read_as.time_column.map(|index| match columns[index].value(0) {
        Value::Timestamp(time) => vec![time],
        _ => unreachable!("rows without a time are bad, and the checker asks for a TIMESTAMP"),
    });
    Ok(Incoming { columns, times, rows: 1, bad: Vec::new() })
}

fn fitted(value: &Value<'_>, field: &crate::data::Field, column: &crate::codec::ColumnSpec) -> Result<Value<'static>, String> {
    match (value, &field.data_type) {
        (Value::String(text), DataType::String) => Ok(Value::string(text.to_string())),
        (Value::String(text), _) => value_of_text(text, field, column),
        (Value::Int(number), DataType::Float) => Ok(Value::Float(*number as f64)),
        (Value::Null, _) => Ok(Value::Null),
        _ if value.type_of() == field.data_type => Ok(value.borrowed().into_owned()),
        _ => Err(format!("a value of type {} is no {}", value.type_of(), field.data_type)),
    }
}
