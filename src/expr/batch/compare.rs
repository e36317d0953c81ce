//! Comparisons of columns, by the order of [`Value::compare`](crate::data::Value::compare): NaN above all and equal to itself, INT against FLOAT exact.

use arrow_array::{Array, BooleanArray, StringArray};
use arrow_buffer::{BooleanBuffer, NullBuffer};

use super::{Numbers, Operand, bits, floats, integers};
use crate::data::{CodedText, Column, Value};
use crate::expr::tree::CompareOp;

/// The comparison, where there is a loop for these operands.
pub(super) fn compare(op: CompareOp, a: &Operand<'_>, b: &Operand<'_>, len: usize) -> Option<Column> {
    if let (Some((x, x_nulls)), Some((y, y_nulls))) = (integers(a), integers(b)) {
        let values = by_order(op, x, y, len, |x, y| x == y, |x, y| x < y);
        return Some(column(values, x_nulls, y_nulls));
    }
    if let (Some((x, x_nulls)), Some((y, y_nulls))) = (floats(a), floats(b)) {
        // Without branches, so that several are compared at a time.
        let equal = |x: f64, y: f64| (x == y) | (x.is_nan() & y.is_nan());
        let less = |x: f64, y: f64| (x < y) | (!x.is_nan() & y.is_nan());
        return Some(column(by_order(op, x, y, len, equal, less), x_nulls, y_nulls));
    }
    if let (Some((x, x_nulls)), Some((y, y_nulls))) = (integers(a), floats(b)) {
        return Some(column(mixed(op, x, y, len), x_nulls, y_nulls));
    }
    if let (Some((x, x_nulls)), Some((y, y_nulls))) = (floats(a), integers(b)) {
        return Some(column(mixed(op.flipped(), y, x, len), x_nulls, y_nulls));
    }
    texts(op, a, b)
}

fn column(values: BooleanBuffer, a: Option<&NullBuffer>, b: Option<&NullBuffer>) -> Column {
    Column::Bool(BooleanArray::new(values, NullBuffer::union(a, b)))
}

/// The operator is looked at once, and each of its loops compiled for itself.
fn by_order<T: Copy>(
    op: CompareOp,
    a: Numbers<'_, T>,
    b: Numbers<'_, T>,
    len: usize,
    equal: impl Fn(T, T) -> bool,
    less: impl Fn(T, T) -> bool,
) -> BooleanBuffer {
    match op {
        CompareOp::Eq => bits(a, b, len, equal),
        CompareOp::NotEq => bits(a, b, len, |x, y| !equal(x, y)),
        CompareOp::Less => bits(a, b, len, less),
        CompareOp::LessEq => bits(a, b, len, |x, y| !less(y, x)),
        CompareOp::Greater => bits(a, b, len, |x, y| less(y, x)),
        CompareOp::GreaterEq => bits(a, b, len, |x, y| !less(x, y)),
    }
}

fn mixed(op: CompareOp, ints: Numbers<'_, i64>, floats: Numbers<'_, f64>, len: usize) -> BooleanBuffer {
    bits(ints, floats, len, |x, y| Value::Int(x).compare(&Value::Float(y)).is_some_and(|order| op.holds(order)))
}

fn texts(op: CompareOp, a: &Operand<'_>, b: &Operand<'_>) -> Option<Column> {
    match (a, b) {
        (Operand::Column(Column::Coded(a)), Operand::Column(Column::Coded(b))) => {
            let (x, y) = (a.codes().values(), b.codes().values());
            let values = match op {
                CompareOp::Eq if a.shares_dictionary(b) => BooleanBuffer::collect_bool(a.len(), |i| x[i] == y[i]),
                CompareOp::NotEq if a.shares_dictionary(b) => BooleanBuffer::collect_bool(a.len(), |i| x[i] != y[i]),
                // The code of a NULL has no text.
                _ => BooleanBuffer::collect_bool(a.len(), |i| {
                    !a.is_null(i) && !b.is_null(i) && op.holds(a.value(i).as_bytes().cmp(b.value(i).as_bytes()))
                }),
            };
            Some(column(values, a.nulls(), b.nulls()))
        }
        (Operand::Column(Column::Coded(a)), Operand::Column(Column::String(b))) => Some(coded_with_plain(op, a, b)),
        (Operand::Column(Column::String(a)), Operand::Column(Column::Coded(b))) => Some(coded_with_plain(op.flipped(), b, a)),
        (Operand::Column(Column::String(a)), Operand::Column(Column::String(b))) => {
            let values = BooleanBuffer::collect_bool(a.len(), |i| op.holds(a.value(i).as_bytes().cmp(b.value(i).as_bytes())));
            Some(column(values, a.nulls(), b.nulls()))
        }
        (Operand::Column(Column::String(a)), Operand::Constant(Value::String(b))) => Some(text_with_constant(op, a, b)),
        (Operand::Constant(Value::String(a)), Operand::Column(Column::String(b))) => Some(text_with_constant(op.flipped(), b, a)),
        _ => None,
    }
}

fn coded_with_plain(op: CompareOp, coded: &CodedText, plain: &StringArray) -> Column {
    let holds = |i| !coded.is_null(i) && op.holds(coded.value(i).as_bytes().cmp(plain.value(i).as_bytes()));
    column(BooleanBuffer::collect_bool(coded.len(), holds), coded.nulls(), plain.nulls())
}

fn text_with_constant(op: CompareOp, array: &StringArray, constant: &str) -> Column {
    let constant = constant.as_bytes();
    let values = match op {
        CompareOp::Eq => BooleanBuffer::collect_bool(array.len(), |i| array.value(i).as_bytes() == constant),
        CompareOp::NotEq => BooleanBuffer::collect_bool(array.len(), |i| array.value(i).as_bytes() != constant),
        CompareOp::Less | CompareOp::LessEq | CompareOp::Greater | CompareOp::GreaterEq => {
            BooleanBuffer::collect_bool(array.len(), |i| op.holds(array.value(i).as_bytes().cmp(constant)))
        }
    };
    column(values, array.nulls(), None)
}
