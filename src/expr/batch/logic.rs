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
    let mut decided = BooleanBuffer::new_unset(len);
    let mut unknown = BooleanBuffer::new_unset(len);
    for term in terms {
        if open.count_set_bits() == 0 {
            break;
        }
        let (value, valid) = truth(&term.operand(rows.only(&open)), len);
        let deciding = if decides { &value & &valid } else { &!&value & &valid };
        decided = &decided | &(&deciding & &open);
        unknown = &unknown | &!&valid;
        open = &open & &!&decided;
    }
    // Decided rows have the deciding value, known ones the other.
    let values = if decides { decided.clone() } else { !&decided };
    let valid = &decided | &!&unknown;
    Column::Bool(BooleanArray::new(values, Some(NullBuffer::new(valid))))
}

/// Values and validity of a condition.
fn truth(operand: &Operand<'_>, len: usize) -> (BooleanBuffer, BooleanBuffer) {
    let all = |bit: bool| if bit { BooleanBuffer::new_set(len) } else { BooleanBuffer::new_unset(len) };
    match operand {
        Operand::Column(Column::Bool(array)) => {
            let valid = array.nulls().map_or_else(|| all(true), |nulls| nulls.inner().clone());
            (array.values().clone(), valid)
        }
        Operand::Constant(Value::Bool(value)) => (all(*value), all(true)),
        Operand::Column(_) | Operand::Constant(_) => (all(false), all(false)),
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
