//! The cells of one event to typed columns, without a [`Value`] between them where the type is a common one.
//!
//! What is to be read for which column is laid down once a stream. An event is staged for all of its streams first and pushed only when all of
//! it fits, so a column never has to give anything back. What does not fit plainly stages nothing: the strict path says what is wrong
//! with it, or finds that nothing is.

use super::convert::convert;
use super::scan::Cell;
use super::token::Token;
use crate::codec::{SourceRows, SourceSpec, TimeFormat};
use crate::data::{DataType, TimeUnit, Timestamp, Value};

/// How the columns of a stream are read.
#[derive(Debug)]
pub(super) struct Layout {
    columns: Vec<Reader>,
    time: Option<usize>,
}

#[derive(Debug)]
struct Reader {
    slot: usize,
    kind: Kind,
    is_needed: bool,
    not_null: bool,
}

#[derive(Debug, Clone, Copy)]
enum Kind {
    Int,
    Float,
    Text,
    Epoch(TimeUnit),
    Other,
}

/// A value that fits its column.
#[derive(Debug)]
pub(super) enum Staged<'line> {
    /// NULL
    Null,
    /// Not needed, and so NULL: the column is filled up at the end.
    Unneeded,
    /// `INT` or `TIMESTAMP`
    Integer(i64),
    /// `FLOAT`
    Float(f64),
    /// `STRING`
    Text(&'line str),
    /// Any other type, or a value that was not plain.
    Value(Value<'line>),
}

impl Layout {
    /// The layout of a stream whose columns have these slots.
    pub(super) fn new(spec: &SourceSpec, slots: &[usize]) -> Self {
        let columns = spec.columns.iter().zip(spec.schema.fields()).zip(slots).enumerate();
        let columns = columns.map(|(index, ((column, field), &slot))| {
            let kind = match (&field.data_type, &column.time_format) {
                (DataType::Int, _) => Kind::Int,
                (DataType::Float, _) => Kind::Float,
                (DataType::String, _) => Kind::Text,
                (DataType::Timestamp, TimeFormat::Rfc3339) => Kind::Epoch(TimeUnit::Milli),
                (DataType::Timestamp, TimeFormat::Epoch(unit)) => Kind::Epoch(*unit),
                _ => Kind::Other,
            };
            Reader { slot, kind, is_needed: spec.needed[index], not_null: column.not_null }
        });
        Self { columns: columns.collect(), time: spec.time }
    }

    /// Stages an event for this stream and gives its time; without a time column that is `clock`. `None`: it does not plainly fit.
    pub(super) fn stage<'line>(
        &self,
        spec: &'line SourceSpec,
        text: &'line str,
        cells: &[Cell],
        clock: Timestamp,
        staged: &mut Vec<Staged<'line>>,
    ) -> Option<Timestamp> {
        let begin = staged.len();
        for (index, reader) in self.columns.iter().enumerate() {
            let is_null = match &cells[reader.slot] {
                Cell { token: Token::Missing, .. } => {
                    let default = spec.columns[index].default.as_ref();
                    staged.push(match default {
                        Some(default) if reader.is_needed => Staged::Value(default.borrowed()),
                        None if reader.is_needed => Staged::Null,
                        Some(_) | None => Staged::Unneeded,
                    });
                    default.is_none_or(Value::is_null)
                }
                Cell { token: Token::Null, .. } => {
                    staged.push(Staged::Null);
                    true
                }
                cell => {
                    reader.read(cell, text, spec, index, staged)?;
                    if !reader.is_needed && self.time != Some(index) {
                        // It had to fit, and nobody reads it.
                        staged.truncate(begin + index);
                        staged.push(Staged::Unneeded);
                    }
                    false
                }
            };
            if is_null && reader.not_null {
                return None;
            }
        }
        let Some(index) = self.time else { return Some(clock) };
        let at = &mut staged[begin + index];
        let time = match at {
            Staged::Integer(nanos) => Timestamp(*nanos),
            Staged::Value(Value::Timestamp(time)) => *time,
            // A default of a column that nobody needs, or no time at all.
            Staged::Null | Staged::Unneeded | Staged::Float(_) | Staged::Text(_) | Staged::Value(_) => return None,
        };
        if !self.columns[index].is_needed {
            *at = Staged::Unneeded;
        }
        if spec.ahead.is_some_and(|limit| time > clock.saturating_add(limit)) {
            return None;
        }
        Some(time)
    }

    /// Pushes the values that were staged for an event of this stream.
    pub(super) fn push(&self, staged: &[Staged<'_>], rows: &mut SourceRows) {
        // By reference: a value that is moved is copied whole right after its parts were written, which stalls.
        for (builder, value) in rows.columns.iter_mut().zip(staged) {
            match value {
                Staged::Integer(value) => builder.push_integer(*value),
                Staged::Float(value) => builder.push_float(*value),
                Staged::Text(text) => builder.push_text(text),
                Staged::Null => builder.push(Value::Null),
                Staged::Unneeded => {}
                Staged::Value(value) => builder.push(value.borrowed()),
            }
        }
    }

    /// How many columns there are.
    pub(super) fn len(&self) -> usize {
        self.columns.len()
    }
}

impl Reader {
    /// Stages the value of a cell that is there and not null.
    #[inline]
    fn read<'line>(&self, cell: &Cell, text: &'line str, spec: &SourceSpec, index: usize, staged: &mut Vec<Staged<'line>>) -> Option<()> {
        match self.kind {
            Kind::Int => {
                if let Some(value) = cell.token.integer() {
                    staged.push(Staged::Integer(value));
                    return Some(());
                }
            }
            Kind::Float => {
                if let Some(value) = cell.token.float() {
                    staged.push(Staged::Float(value));
                    return Some(());
                }
            }
            Kind::Text => {
                if cell.token == Token::Text {
                    staged.push(Staged::Text(&text[cell.begin + 1..cell.end - 1]));
                    return Some(());
                }
            }
            Kind::Epoch(unit) => {
                if let Some(value) = cell.token.integer() {
                    staged.push(Staged::Integer(Timestamp::from_epoch(value, unit)?.0));
                    return Some(());
                }
            }
            Kind::Other => {}
        }
        let value = convert(&text[cell.begin..cell.end], &spec.schema.fields()[index].data_type, &spec.columns[index].time_format);
        staged.push(Staged::Value(value.ok()?));
        Some(())
    }
}
