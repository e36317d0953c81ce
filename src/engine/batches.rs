//! Arrow batches that come in: found by name, checked like events, and turned into the columns of a source stream.

use arrow_array::RecordBatch;

use super::error::DataError;
use crate::codec::arrow::from_arrow;
use crate::codec::{BadCause, BadEvent};
use crate::data::{Column, Timestamp, Value};
use crate::plan::SourceNode;

/// Rows of a batch that are good, and those that are not.
#[derive(Debug)]
pub(super) struct Incoming {
    pub(super) columns: Vec<Column>,
    /// Event times, where the stream has them.
    pub(super) times: Option<Vec<Timestamp>>,
    pub(super) rows: usize,
    pub(super) bad: Vec<BadEvent>,
}

/// Reads a batch as rows of a source. A column that the batch lacks has its default; one of a type that does not fit is an error.
pub(super) fn read(source: &SourceNode, batch: &RecordBatch) -> Result<Incoming, DataError> {
    let rows = batch.num_rows();
    let mut columns = Vec::with_capacity(source.schema.len());
    for (field, read_as) in source.schema.fields().iter().zip(&source.read_as.columns) {
        columns.push(match batch.column_by_name(&field.name) {
            Some(array) => from_arrow(array, &field.data_type, &field.name).map_err(|misfit| DataError::Misfit(misfit.to_string()))?,
            None => Column::repeat(&field.data_type, read_as.default.as_ref().unwrap_or(&Value::Null), rows),
        });
    }
    let (mut rows, mut bad) = (rows, Vec::new());
    if needed(source).any(|(index, _)| columns[index].has_nulls()) {
        let mut good = Vec::new();
        for row in 0..rows {
            match fault(source, &columns, row) {
                None => good.push(u32::try_from(row).map_err(|_| DataError::Misfit("a batch has 2^32 rows or more".to_owned()))?),
                Some((cause, column)) => bad.push(BadEvent {
                    line: row as u64 + 1,
                    offset: 0,
                    cause,
                    detail: format!("row {} of a batch for {}: column `{column}` has no value", row + 1, source.name),
                    bytes: Vec::new(),
                }),
            }
        }
        columns = columns.iter().map(|column| column.gather(&good)).collect();
        rows = good.len();
    }
    let times = source.read_as.time_column.map(|index| match &columns[index] {
        Column::Timestamp(times) => times.values().iter().copied().map(Timestamp).collect(),
        _ => unreachable!("the checker asks for a TIMESTAMP"),
    });
    Ok(Incoming { columns, times, rows, bad })
}

/// Why a row is bad, and the column to blame.
pub(super) fn fault<'s>(source: &'s SourceNode, columns: &[Column], row: usize) -> Option<(BadCause, &'s str)> {
    let (index, cause) = needed(source).find(|(index, _)| columns[*index].is_null(row))?;
    Some((cause, &*source.schema.fields()[index].name))
}

/// The columns in which each row needs a value, and what a row without is.
fn needed(source: &SourceNode) -> impl Iterator<Item = (usize, BadCause)> + '_ {
    let time = source.read_as.time_column.map(|index| (index, BadCause::NoTime));
    let not_null = source.read_as.columns.iter().enumerate().filter(|(_, column)| column.not_null);
    time.into_iter().chain(not_null.map(|(index, _)| (index, BadCause::MissingValue)))
}
