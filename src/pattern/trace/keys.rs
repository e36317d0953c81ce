//! Keys of the partitions that are followed, by number, and whether an event or a key has a value that is asked for.

use std::cmp::Ordering;
use std::sync::Arc;

use super::Asked;
use crate::data::{KeyBuffer, KeyTable, Value};
use crate::expr::{EvalContext, Expr, Row, SlotId};
use crate::pattern::event::RowOf;
use crate::pattern::registers::Taking;
use crate::spec::PatternSpec;

/// The keys that have come, by number. None is ever forgotten, since a story may be told of each; so there are at most so many, and besides
/// them those that are asked for.
#[derive(Debug)]
pub(super) struct Keys {
    spec: Arc<PatternSpec>,
    asked: Vec<(String, String)>,
    most: usize,
    table: KeyTable,
    buffer: KeyBuffer,
    context: EvalContext,
}

/// Whose a row is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Numbered {
    /// Of the partition of this number.
    Key(u32),
    /// Of none: a NULL in the key.
    TakesNoPart,
    /// Of one that is not followed: there are too many.
    Beyond,
}

/// The columns of one row of a batch.
struct Columns<'a>(&'a RowOf<'a>);

impl Row for Columns<'_> {
    fn slot(&self, slot: SlotId) -> Value<'_> {
        self.0.batch.value(slot.0 as usize, self.0.row)
    }
}

impl Keys {
    pub(super) fn new(spec: Arc<PatternSpec>, asked: &Asked) -> Self {
        let (most, asked) = (asked.keys, asked.key.clone());
        Self { spec, asked, most, table: KeyTable::new(), buffer: KeyBuffer::new(), context: EvalContext::new() }
    }

    /// Whether there is but one partition.
    pub(super) fn is_one(&self) -> bool {
        self.spec.partition.by_input.iter().all(Vec::is_empty)
    }

    fn exprs(&self, input: usize) -> &[Expr] {
        self.spec.partition.by_input.get(input).map_or(&[], Vec::as_slice)
    }

    /// The number of a row's partition.
    pub(super) fn number(&mut self, row: &RowOf<'_>) -> Numbered {
        let values = self.values_of(row);
        if self.spec.partition.null_takes_no_part && values.iter().any(Value::is_null) {
            return Numbered::TakesNoPart;
        }
        let is_full = self.table.len() >= self.most && !self.is_asked(&values);
        let key = self.buffer.encode(values.iter().map(Value::borrowed));
        let number = if is_full { self.table.get(key) } else { Some(self.table.intern(key)) };
        number.map_or(Numbered::Beyond, Numbered::Key)
    }

    /// The number of a row's partition, if it has come before.
    pub(super) fn known(&mut self, row: &RowOf<'_>) -> Option<u32> {
        let values = self.values_of(row);
        self.table.get(self.buffer.encode(values.iter().map(Value::borrowed)))
    }

    /// Whether a key is asked for by name.
    fn is_asked(&self, key: &[Value<'static>]) -> bool {
        self.asked.iter().any(|(name, value)| self.has(key, name, value))
    }

    /// The key of a row.
    pub(super) fn values_of(&self, row: &RowOf<'_>) -> Arc<[Value<'static>]> {
        self.exprs(row.input).iter().map(|expr| expr.eval(&Columns(row), &self.context).into_owned()).collect()
    }

    /// The key of a number.
    pub(super) fn values(&self, number: u32) -> Arc<[Value<'static>]> {
        self.table.key(number).map(|key| key.decode().into()).unwrap_or_default()
    }

    /// Whether a part of a key that is a column of this name has this value.
    pub(super) fn has(&self, key: &[Value<'static>], name: &str, value: &str) -> bool {
        self.spec.partition.by_input.iter().zip(&self.spec.inputs).any(|(exprs, schema)| {
            exprs.iter().zip(key).any(|(expr, part)| {
                let is_named = expr.as_slot().is_some_and(|slot| is_name(&schema.fields()[slot.0 as usize].name, name));
                is_named && is_text(part, value)
            })
        })
    }
}

/// Whether an event that a run has taken has this value in the column of this name.
pub(super) fn has(spec: &PatternSpec, taking: &Taking, name: &str, value: &str) -> bool {
    let input = spec.variables[taking.variable.0 as usize].input;
    let columns = spec.inputs[input].fields().iter().enumerate();
    columns.filter(|(_, field)| is_name(&field.name, name)).any(|(column, _)| is_text(&taking.event.value(input, column), value))
}

/// `card` and `a.card` name the column `card`.
fn is_name(column: &str, asked: &str) -> bool {
    column == asked || asked.rsplit_once('.').is_some_and(|(_, last)| column == last)
}

/// Whether a value is written so.
fn is_text(value: &Value<'_>, text: &str) -> bool {
    match value {
        Value::String(known) | Value::Json(known) => known == text,
        Value::Timestamp(time) => time.to_string() == text,
        Value::Duration(span) => span.to_string() == text,
        other => Expr::literal(other.borrowed().into_owned()).to_string().eq_ignore_ascii_case(text),
    }
}

/// The order of rows of one time, as ORDER BY says.
pub(super) fn compare_ties(a: &[Value<'_>], b: &[Value<'_>], order: &[(usize, bool, bool)]) -> Ordering {
    let keys = a.iter().zip(b).zip(order);
    let one = |((a, b), (_, descending, nulls_first)): ((&Value<'_>, &Value<'_>), &(usize, bool, bool))| match (a.is_null(), b.is_null()) {
        (true, true) => Ordering::Equal,
        (true, false) if *nulls_first => Ordering::Less,
        (true, false) => Ordering::Greater,
        (false, true) if *nulls_first => Ordering::Greater,
        (false, true) => Ordering::Less,
        (false, false) if *descending => b.total_cmp(a),
        (false, false) => a.total_cmp(b),
    };
    keys.map(one).find(|order| order.is_ne()).unwrap_or(Ordering::Equal)
}
