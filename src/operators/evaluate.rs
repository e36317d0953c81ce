//! How operators evaluate: whole columns of a batch at once, or one condition over two rows side by side.

use crate::data::{Column, EventBatch, Value};
use crate::expr::{EvalContext, Expr, Row, SlotId};

/// A row that an operator keeps.
pub(super) type KeptRow = std::sync::Arc<[Value<'static>]>;

/// One column an expression.
pub(super) fn columns(exprs: &[Expr], batch: &EventBatch, context: &EvalContext) -> Vec<Column> {
    exprs.iter().map(|expr| expr.eval_batch(batch, context)).collect()
}

/// A row of a batch, to be kept.
pub(super) fn row_of(batch: &EventBatch, row: usize) -> KeptRow {
    batch.columns().iter().map(|c| c.value(row).into_owned()).collect()
}

/// The values of one row of some columns.
pub(super) fn values_of(columns: &[Column], row: usize) -> impl Iterator<Item = Value<'_>> {
    columns.iter().map(move |c| c.value(row))
}

/// About how many bytes a kept row takes.
pub(super) fn bytes_of(row: &[Value<'_>]) -> usize {
    let text = |value: &Value<'_>| match value {
        Value::String(text) | Value::Json(text) => text.len(),
        Value::List(items) | Value::Struct(items) => size_of_val(&**items),
        Value::Null | Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::Decimal(_) | Value::Timestamp(_) | Value::Duration(_) => 0,
    };
    size_of_val(row) + row.iter().map(text).sum::<usize>()
}

/// Two rows side by side: the slots of the left one, then those of the right one.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pair<'p> {
    /// The columns of the left input.
    pub(super) left: &'p [Value<'static>],
    /// The columns of the right input.
    pub(super) right: &'p [Value<'static>],
}

impl<'p> Pair<'p> {
    /// The columns of both.
    pub(super) fn values(self) -> impl Iterator<Item = Value<'p>> {
        self.left.iter().chain(self.right).map(Value::borrowed)
    }

    /// Whether a condition holds for them.
    pub(super) fn fits(self, condition: Option<&Expr>, context: &EvalContext) -> bool {
        condition.is_none_or(|c| c.is_true(&self, context))
    }
}

impl Row for Pair<'_> {
    fn slot(&self, slot: SlotId) -> Value<'_> {
        let at = slot.0 as usize;
        match self.left.get(at) {
            Some(value) => value.borrowed(),
            None => self.right[at - self.left.len()].borrowed(),
        }
    }
}
