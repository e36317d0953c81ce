//! Evaluation over a batch: columns in, a column out, equal to evaluation row by row, counted NULLs included.
//!
//! A node is computed from the columns of its operands: comparisons, arithmetic and logic in loops over Arrow buffers, everything else value by
//! value through the scalar kernels, and conditions over one column of codes once a text. AND, OR, CASE and COALESCE do not evaluate every operand for every row; there a mask says which rows
//! count. Rows outside the mask hold anything, and make up no NULLs.

mod arithmetic;
mod by_code;
mod compare;
mod logic;

use arrow_array::Array;
use arrow_buffer::{BooleanBuffer, Buffer, NullBuffer};

use super::EvalContext;
use super::eval::Row;
use super::functions::Kernel;
use super::tree::{Expr, ExprKind, SlotId};
use crate::data::{Column, ColumnBuilder, EventBatch, Value};
pub(super) use by_code::KnownTexts;

/// The values of an operand: a column, or one constant for all rows.
#[derive(Debug, Clone)]
enum Operand<'e> {
    Column(Column),
    Constant(&'e Value<'static>),
}

impl Operand<'_> {
    fn value(&self, row: usize) -> Value<'_> {
        match self {
            Self::Column(column) => column.value(row),
            Self::Constant(value) => value.borrowed(),
        }
    }
}

/// Columns of equal length and the rows of them that count; all where there is no mask.
#[derive(Clone, Copy)]
struct Rows<'b> {
    columns: &'b [Column],
    len: usize,
    mask: Option<&'b BooleanBuffer>,
    ctx: &'b EvalContext,
}

/// One row of them.
struct Cells<'b> {
    columns: &'b [Column],
    row: usize,
}

impl Row for Cells<'_> {
    fn slot(&self, slot: SlotId) -> Value<'_> {
        self.columns[slot.0 as usize].value(self.row)
    }
}

impl<'b> Rows<'b> {
    fn of(batch: &'b EventBatch, ctx: &'b EvalContext) -> Self {
        Self { columns: batch.columns(), len: batch.len(), mask: None, ctx }
    }

    fn len(self) -> usize {
        self.len
    }

    fn counts(self, row: usize) -> bool {
        self.mask.is_none_or(|mask| mask.value(row))
    }

    fn only(self, mask: &'b BooleanBuffer) -> Self {
        Self { mask: Some(mask), ..self }
    }
}

impl Expr {
    /// The values for all rows of a batch; slot i is column i.
    pub fn eval_batch(&self, batch: &EventBatch, ctx: &EvalContext) -> Column {
        match self.operand(Rows::of(batch, ctx)) {
            Operand::Column(column) => column,
            Operand::Constant(value) => Column::repeat(&self.data_type, value, batch.len()),
        }
    }

    /// The rows of a batch for which the condition is TRUE.
    pub fn select(&self, batch: &EventBatch, ctx: &EvalContext) -> Vec<u32> {
        self.select_rows(batch.columns(), batch.len(), ctx)
    }

    /// The same of columns of so many rows.
    pub fn select_rows(&self, columns: &[Column], len: usize, ctx: &EvalContext) -> Vec<u32> {
        let is_true = self.truth_of_rows(columns, len, ctx);
        is_true.set_indices().map(|row| u32::try_from(row).expect("a batch has less than 2^32 rows")).collect()
    }

    /// For each row of a batch, whether the condition is TRUE.
    pub fn truth(&self, batch: &EventBatch, ctx: &EvalContext) -> BooleanBuffer {
        self.truth_of_rows(batch.columns(), batch.len(), ctx)
    }

    fn truth_of_rows(&self, columns: &[Column], len: usize, ctx: &EvalContext) -> BooleanBuffer {
        match self.operand(Rows { columns, len, mask: None, ctx }) {
            Operand::Column(Column::Bool(array)) => match array.nulls() {
                Some(nulls) => array.values() & nulls.inner(),
                None => array.values().clone(),
            },
            Operand::Constant(Value::Bool(true)) => BooleanBuffer::new_set(len),
            Operand::Column(_) | Operand::Constant(_) => BooleanBuffer::new_unset(len),
        }
    }

    fn operand<'e>(&'e self, rows: Rows<'_>) -> Operand<'e> {
        match &self.kind {
            ExprKind::Literal(value) => Operand::Constant(value),
            ExprKind::Slot(slot) => Operand::Column(rows.columns[slot.0 as usize].clone()),
            _ => Operand::Column(by_code::condition(self, rows).unwrap_or_else(|| self.column(rows))),
        }
    }

    fn column(&self, rows: Rows<'_>) -> Column {
        match &self.kind {
            ExprKind::And => return logic::chain(&self.args, false, rows),
            ExprKind::Or => return logic::chain(&self.args, true, rows),
            // Which operand a row needs is known only row by row.
            ExprKind::Case | ExprKind::Coalesce => return self.row_by_row(rows),
            _ => {}
        }
        let operands: Vec<Operand<'_>> = self.args.iter().map(|arg| arg.operand(rows)).collect();
        let fast = match (&self.kind, operands.as_slice()) {
            (ExprKind::Compare(op), [a, b]) => compare::compare(*op, a, b, rows.len()),
            (ExprKind::Call(call), [a, b]) => match call.kernel {
                Kernel::Int(op) => arithmetic::int(op, a, b, &self.data_type, rows),
                Kernel::Float(op) => arithmetic::float(op, a, b, rows),
                Kernel::Values(_) => None,
            },
            (ExprKind::Not, [Operand::Column(column)]) => logic::not(column),
            (ExprKind::IsNull, [Operand::Column(column)]) => Some(logic::is_null(column)),
            (ExprKind::IsBool(value), [Operand::Column(column)]) => logic::is_bool(column, *value),
            (ExprKind::Cast, [Operand::Column(column)]) => arithmetic::widen(column, &self.data_type),
            _ => None,
        };
        fast.unwrap_or_else(|| self.value_by_value(&operands, rows))
    }

    /// Through the scalar kernels, over the values of operands that are columns already.
    fn value_by_value(&self, operands: &[Operand<'_>], rows: Rows<'_>) -> Column {
        let mut builder = ColumnBuilder::new(&self.data_type, rows.len());
        let mut values = Vec::with_capacity(operands.len());
        for row in 0..rows.len() {
            if !rows.counts(row) {
                builder.push(Value::Null);
                continue;
            }
            values.clear();
            values.extend(operands.iter().map(|operand| operand.value(row)));
            builder.push(self.apply_node(&mut values, rows.ctx));
        }
        builder.finish()
    }

    /// The whole term for one row after the other.
    fn row_by_row(&self, rows: Rows<'_>) -> Column {
        let mut builder = ColumnBuilder::new(&self.data_type, rows.len());
        for row in 0..rows.len() {
            let at = Cells { columns: rows.columns, row };
            builder.push(if rows.counts(row) { self.eval(&at, rows.ctx) } else { Value::Null });
        }
        builder.finish()
    }
}

/// The values of an operand of 64 bits: a slice, or one value for all rows.
#[derive(Debug, Clone, Copy)]
enum Numbers<'v, T> {
    Each(&'v [T]),
    Same(T),
}

/// An integer operand (INT, TIMESTAMP, DURATION); a constant NULL is none.
fn integers<'v>(operand: &'v Operand<'_>) -> Option<(Numbers<'v, i64>, Option<&'v NullBuffer>)> {
    Some(match operand {
        Operand::Column(Column::Int(a) | Column::Timestamp(a) | Column::Duration(a)) => (Numbers::Each(a.values()), a.nulls()),
        Operand::Constant(Value::Int(v)) => (Numbers::Same(*v), None),
        Operand::Constant(Value::Timestamp(v)) => (Numbers::Same(v.0), None),
        Operand::Constant(Value::Duration(v)) => (Numbers::Same(v.0), None),
        _ => return None,
    })
}

/// A FLOAT operand; a constant NULL is none.
fn floats<'v>(operand: &'v Operand<'_>) -> Option<(Numbers<'v, f64>, Option<&'v NullBuffer>)> {
    Some(match operand {
        Operand::Column(Column::Float(a)) => (Numbers::Each(a.values()), a.nulls()),
        Operand::Constant(Value::Float(v)) => (Numbers::Same(*v), None),
        _ => return None,
    })
}

/// A bit a row from two operands.
fn bits<A: Copy, B: Copy>(a: Numbers<'_, A>, b: Numbers<'_, B>, len: usize, f: impl Fn(A, B) -> bool) -> BooleanBuffer {
    match (a, b) {
        (Numbers::Each(a), Numbers::Each(b)) => {
            let (a, b) = (&a[..len], &b[..len]);
            BooleanBuffer::collect_bool(len, |i| f(a[i], b[i]))
        }
        (Numbers::Each(a), Numbers::Same(b)) => bits_of(&a[..len], |a| f(a, b)),
        (Numbers::Same(a), Numbers::Each(b)) => bits_of(&b[..len], |b| f(a, b)),
        (Numbers::Same(a), Numbers::Same(b)) => {
            if f(a, b) {
                BooleanBuffer::new_set(len)
            } else {
                BooleanBuffer::new_unset(len)
            }
        }
    }
}

/// A bit a value, 64 of them at a time.
fn bits_of<T: Copy>(values: &[T], f: impl Fn(T) -> bool) -> BooleanBuffer {
    let (blocks, rest) = values.as_chunks::<64>();
    let mut words = Vec::with_capacity(blocks.len() + 1);
    words.extend(blocks.iter().map(|block| {
        let mut flags = [0; 64];
        block.iter().zip(&mut flags).for_each(|(&value, flag)| *flag = u8::from(f(value)));
        let (eights, _) = flags.as_chunks::<8>();
        // The multiplication moves the lowest bits of eight bytes next to each other, into the highest byte.
        let bits = |eight: &[u8; 8]| u64::from_le_bytes(*eight).wrapping_mul(0x0102_0408_1020_4080) >> 56;
        eights.iter().rev().fold(0, |word, eight| word << 8 | bits(eight))
    }));
    if !rest.is_empty() {
        words.push(rest.iter().rev().fold(0u64, |word, &value| word << 1 | u64::from(f(value))));
    }
    BooleanBuffer::new(Buffer::from_vec(words), 0, values.len())
}

#[cfg(test)]
mod tests;
