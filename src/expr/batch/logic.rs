//! Three-valued logic on bitmaps: values and validity, 64 rows a word.

use arrow_array::{Array, BooleanArray};
use arrow_buffer::{BooleanBuffer, NullBuffer};

use super::{Operand, Rows};
use crate::data::{Column, Value};
use crate::expr::tree::Expr;

/// AND, which FALSE decides, or OR, which TRUE decides. A term is evaluated for the rows that no term before has decided.
pub(super) fn chain(terms: &[Expr], decides: bool, rows: Rows<'_>) -> Column {
    let len = rows.len();
    let mut open = rows.mask.cloned().unwrap_or_else(|| BooleanBuffer::new_set(len));
    let mut unknown: Option<BooleanBuffer> = None;
    for term in terms {
        if open.count_set_bits() == 0 {
            break;
        }
        let (value, valid) = truth(&term.operand(rows.only(&open)), len);
        // What a term that is known decides is open no longer.
        let mut leaves = if decides { !&value } else { value };
        if let Some(valid) = valid {
            let is_null = !&valid;
            leaves = &leaves | &is_null;
            unknown = Some(unknown.map_or_else(|| is_null.clone(), |unknown| &unknown | &is_null));
        }
        open = &open & &leaves;
    }
    // Decided rows have the deciding value, the others the other; of these some are not known.
    let valid = unknown.map(|unknown| NullBuffer::new(!&(&open & &unknown)));
    Column::Bool(BooleanArray::new(if decides { !&open } else { open }, valid))
}

/// Values of a condition, and validity, where not all are known.
fn truth(operand: &Operand<'_>, len: usize) -> (BooleanBuffer, Option<BooleanBuffer>) {
    let all = |bit: bool| if bit { BooleanBuffer::new_set(len) } else { BooleanBuffer::new_unset(len) };
    match operand {
        Operand::Column(Column::Bool(array)) => (array.values().clone(), array.nulls().map(|nulls| nulls.inner().clone())),
        Operand::Constant(Value::Bool(value)) => (all(*value), None),
        Operand::Column(_) | Operand::Constant(_) => (all(false), Some(all(false))),
    }
}

/// NOT of a column of conditions.
pub(super) fn not(column: &Column) -> Option<Column> {
    match column {
        Column::Bool(array) => Some(Column::Bool(BooleanArray::new(!array.values(), array.nulls().cloned()))),
        _ => None,
    }
}

/// IS TRUE, IS FALSE.
pub(super) fn is_bool(column: &Column, value: bool) -> Option<Column> {
    let Column::Bool(array) = column else { return None };
    let same = if value { array.values().clone() } else { !array.values() };
    let values = array.nulls().map_or_else(|| same.clone(), |nulls| &same & nulls.inner());
    Some(Column::Bool(BooleanArray::new(values, None)))
}

/// IS NULL of any column.
pub(super) fn is_null(column: &Column) -> Column {
    let len = column.len();
    let of = |nulls: Option<&NullBuffer>| nulls.map_or_else(|| BooleanBuffer::new_unset(len), |nulls| !nulls.inner());
    let values = match column {
        Column::Null(_) => BooleanBuffer::new_set(len),
        Column::Bool(a) => of(a.nulls()),
        Column::Int(a) | Column::Timestamp(a) | Column::Duration(a) => of(a.nulls()),
        Column::Float(a) => of(a.nulls()),
        Column::Decimal(a) => of(a.nulls()),
        Column::String(a) | Column::Json(a) => of(a.nulls()),
        Column::Coded(a) => of(a.nulls()),
        Column::Lists(lists) => of(lists.nulls()),
        Column::Nested(_, values) => BooleanBuffer::collect_bool(len, |i| values[i].is_null()),
    };
    Column::Bool(BooleanArray::new(values, None))
}
