//! Arithmetic on columns of 64 bits. A first loop computes every row and notes whether any failed; only then a second one finds out which, for
//! these rows become NULL and are counted.

use arrow_array::{Float64Array, Int64Array};
use arrow_buffer::{BooleanBuffer, NullBuffer};

use super::{Numbers, Operand, Rows, bits, floats, integers};
use crate::data::{Column, DataType};
use crate::expr::functions::{FloatOp, IntOp};

/// Integer arithmetic, where both operands are integers.
pub(super) fn int(op: IntOp, a: &Operand<'_>, b: &Operand<'_>, result: &DataType, rows: Rows<'_>) -> Option<Column> {
    let ((x, x_nulls), (y, y_nulls)) = (integers(a)?, integers(b)?);
    let (values, any_failed) = match op {
        IntOp::Add => zip(x, y, rows.len(), i64::overflowing_add),
        IntOp::Sub => zip(x, y, rows.len(), i64::overflowing_sub),
        IntOp::Mul => zip(x, y, rows.len(), i64::overflowing_mul),
        IntOp::Div | IntOp::Rem => zip(x, y, rows.len(), |x, y| op.apply(x, y).map_or((0, true), |v| (v, false))),
    };
    let mut nulls = NullBuffer::union(x_nulls, y_nulls);
    if any_failed {
        nulls = without_failed(nulls, &bits(x, y, rows.len(), |x, y| op.apply(x, y).is_none()), rows);
    }
    let array = Int64Array::new(values.into(), nulls);
    Some(match result {
        DataType::Timestamp => Column::Timestamp(array),
        DataType::Duration => Column::Duration(array),
        _ => Column::Int(array),
    })
}

/// Float arithmetic, where both operands are floats.
pub(super) fn float(op: FloatOp, a: &Operand<'_>, b: &Operand<'_>, rows: Rows<'_>) -> Option<Column> {
    let ((x, x_nulls), (y, y_nulls)) = (floats(a)?, floats(b)?);
    let (values, any_failed) = match op {
        FloatOp::Add => zip(x, y, rows.len(), |x, y| (x + y, false)),
        FloatOp::Sub => zip(x, y, rows.len(), |x, y| (x - y, false)),
        FloatOp::Mul => zip(x, y, rows.len(), |x, y| (x * y, false)),
        FloatOp::Div => zip(x, y, rows.len(), |x, y| (x / y, y == 0.0)),
        FloatOp::Rem => zip(x, y, rows.len(), |x, y| (x % y, y == 0.0)),
    };
    let mut nulls = NullBuffer::union(x_nulls, y_nulls);
    if any_failed {
        nulls = without_failed(nulls, &bits(x, y, rows.len(), |x, y| op.apply(x, y).is_none()), rows);
    }
    Some(Column::Float(Float64Array::new(values.into(), nulls)))
}

/// INT as FLOAT, the cast that mixed arithmetic brings; other casts have no loop.
pub(super) fn widen(column: &Column, to: &DataType) -> Option<Column> {
    match (column, to) {
        (Column::Int(array), DataType::Float) => {
            let values: Vec<f64> = array.values().iter().map(|v| *v as f64).collect();
            Some(Column::Float(Float64Array::new(values.into(), arrow_array::Array::nulls(array).cloned())))
        }
        _ => None,
    }
}

/// The results, and whether any row failed (also one that is NULL anyway).
fn zip<T: Copy + Default>(a: Numbers<'_, T>, b: Numbers<'_, T>, len: usize, f: impl Fn(T, T) -> (T, bool)) -> (Vec<T>, bool) {
    let mut any_failed = false;
    let mut note = |(value, failed): (T, bool)| {
        any_failed |= failed;
        value
    };
    let values = match (a, b) {
        (Numbers::Each(a), Numbers::Each(b)) => a.iter().zip(b).map(|(a, b)| note(f(*a, *b))).collect(),
        (Numbers::Each(a), Numbers::Same(b)) => a.iter().map(|a| note(f(*a, b))).collect(),
        (Numbers::Same(a), Numbers::Each(b)) => b.iter().map(|b| note(f(a, *b))).collect(),
        (Numbers::Same(a), Numbers::Same(b)) => vec![note(f(a, b)); len],
    };
    (values, any_failed)
}

/// The failed rows become NULL; those that were none before, and count, are counted.
fn without_failed(nulls: Option<NullBuffer>, failed: &BooleanBuffer, rows: Rows<'_>) -> Option<NullBuffer> {
    let made_up = match &nulls {
        Some(nulls) => failed & nulls.inner(),
        None => failed.clone(),
    };
    let counted = rows.mask.map_or_else(|| made_up.count_set_bits(), |mask| (&made_up & mask).count_set_bits());
    rows.ctx.count_nulls(counted as u64);
    NullBuffer::union(nulls.as_ref(), Some(&NullBuffer::new(!failed)))
}
