//! Evaluation for one row: the reference that evaluation over batches agrees with.
//!
//! Operands are evaluated from left to right, all of them, except where the language says that some may not matter: AND, OR, CASE, COALESCE.
//! That is fixed because NULLs made up on the way are counted. Recursion is as deep as the expression, which the parser bounds.

use super::functions::{FloatOp, IntOp, Kernel, decimal_of_result};
use super::tree::{Call, CompareOp, Expr, ExprKind, SlotId};
use super::{EvalContext, cast};
use crate::data::{DataType, Duration, EventBatch, Timestamp, Value};

/// Where slots get their values from.
pub trait Row {
    /// The value of a slot, of the type that the expression was built with, or NULL.
    fn slot(&self, slot: SlotId) -> Value<'_>;
}

/// A row of a batch: slot i is column i.
#[derive(Debug, Clone, Copy)]
pub struct BatchRow<'b> {
    /// The batch.
    pub batch: &'b EventBatch,
    /// Which row of it.
    pub row: usize,
}

impl Row for BatchRow<'_> {
    fn slot(&self, slot: SlotId) -> Value<'_> {
        self.batch.value(slot.0 as usize, self.row)
    }
}

/// For expressions that read nothing.
#[derive(Debug, Clone, Copy)]
pub(super) struct NoRow;

impl Expr {
    /// The value for a row.
    pub fn eval<'a>(&'a self, row: &'a dyn Row, ctx: &EvalContext) -> Value<'a> {
        let arg = |i: usize| self.args[i].eval(row, ctx);
        match &self.kind {
            ExprKind::Literal(value) => value.borrowed(),
            ExprKind::Slot(slot) => row.slot(*slot),
            ExprKind::Call(call) => match self.args.len() {
                1 => self.apply(call, &mut [arg(0)], ctx),
                2 => self.apply(call, &mut [arg(0), arg(1)], ctx),
                3 => self.apply(call, &mut [arg(0), arg(1), arg(2)], ctx),
                n => self.apply(call, &mut (0..n).map(arg).collect::<Vec<_>>(), ctx),
            },
            ExprKind::And => self.eval_chain(false, row, ctx),
            ExprKind::Or => self.eval_chain(true, row, ctx),
            ExprKind::Case => self.eval_case(row, ctx),
            ExprKind::Coalesce => self.args.iter().map(|e| e.eval(row, ctx)).find(|v| !v.is_null()).unwrap_or_default(),
            ExprKind::Compare(op) => compare(*op, &arg(0), &arg(1)),
            ExprKind::Not | ExprKind::IsNull | ExprKind::IsBool(_) | ExprKind::Cast | ExprKind::Field(_) => {
                self.apply_node(&mut [arg(0)], ctx)
            }
            ExprKind::IsDistinct => self.apply_node(&mut [arg(0), arg(1)], ctx),
            ExprKind::Between => self.apply_node(&mut [arg(0), arg(1), arg(2)], ctx),
            ExprKind::In(Some(set)) => bool_or_null(set.contains(&arg(0))),
            ExprKind::In(None) | ExprKind::Custom(_) => self.apply_node(&mut (0..self.args.len()).map(arg).collect::<Vec<_>>(), ctx),
        }
    }

    /// Whether the value for a row is TRUE.
    pub fn is_true(&self, row: &dyn Row, ctx: &EvalContext) -> bool {
        self.eval(row, ctx).is_true()
    }

    /// AND (decided by FALSE) and OR (decided by TRUE).
    fn eval_chain<'a>(&'a self, decides: bool, row: &'a dyn Row, ctx: &EvalContext) -> Value<'a> {
        let mut unknown = false;
        for term in &self.args {
            match term.eval(row, ctx) {
                Value::Bool(value) if value == decides => return Value::Bool(decides),
                Value::Bool(_) => {}
                _ => unknown = true,
            }
        }
        if unknown { Value::Null } else { Value::Bool(!decides) }
    }

    fn eval_case<'a>(&'a self, row: &'a dyn Row, ctx: &EvalContext) -> Value<'a> {
        for pair in self.args.chunks(2) {
            match pair {
                [when, then] if when.eval(row, ctx).is_true() => return then.eval(row, ctx),
                [otherwise] => return otherwise.eval(row, ctx),
                _ => {}
            }
        }
        Value::Null
    }

    /// The node on the values of all its operands: every kind that evaluates all of them.
    pub(super) fn apply_node<'a>(&'a self, args: &mut [Value<'a>], ctx: &EvalContext) -> Value<'a> {
        match &self.kind {
            ExprKind::Call(call) => self.apply(call, args, ctx),
            ExprKind::Compare(op) => compare(*op, &args[0], &args[1]),
            ExprKind::Not => match args[0] {
                Value::Bool(value) => Value::Bool(!value),
                _ => Value::Null,
            },
            ExprKind::IsNull => Value::Bool(args[0].is_null()),
            ExprKind::IsDistinct => Value::Bool(args[0].total_cmp(&args[1]).is_ne()),
            ExprKind::IsBool(value) => Value::Bool(args[0] == Value::Bool(*value)),
            ExprKind::Between => {
                let low = compare(CompareOp::GreaterEq, &args[0], &args[1]);
                let high = compare(CompareOp::LessEq, &args[0], &args[2]);
                match (low, high) {
                    (Value::Bool(false), _) | (_, Value::Bool(false)) => Value::Bool(false),
                    (Value::Bool(true), Value::Bool(true)) => Value::Bool(true),
                    _ => Value::Null,
                }
            }
            ExprKind::In(Some(set)) => bool_or_null(set.contains(&args[0])),
            ExprKind::In(None) => is_among(&args[0], &args[1..]),
            ExprKind::Cast => cast::cast(std::mem::take(&mut args[0]), &self.args[0].data_type, &self.data_type, ctx),
            ExprKind::Field(at) => match &args[0] {
                Value::Struct(values) => values.get(*at).cloned().unwrap_or_default(),
                _ => Value::Null,
            },
            ExprKind::Custom(function) => {
                if function.is_strict() && args.iter().any(Value::is_null) {
                    return Value::Null;
                }
                let value = function.call(args);
                if fits(&value, &self.data_type) {
                    return value;
                }
                ctx.count_nulls(1);
                Value::Null
            }
            ExprKind::Literal(_) | ExprKind::Slot(_) | ExprKind::And | ExprKind::Or | ExprKind::Case | ExprKind::Coalesce => {
                unreachable!("these are evaluated on their own")
            }
        }
    }

    fn apply<'a>(&'a self, call: &'a Call, args: &mut [Value<'a>], ctx: &EvalContext) -> Value<'a> {
        if call.function.strict && args.iter().any(Value::is_null) {
            return Value::Null;
        }
        match call.kernel {
            Kernel::Values(kernel) => match kernel(args, &call.prepared, ctx) {
                Value::Decimal(v) => decimal_of_result(v, &self.data_type, ctx),
                other => other,
            },
            Kernel::Int(op) => int_call(op, &args[0], &args[1], &self.data_type, ctx),
            Kernel::Float(op) => float_call(op, &args[0], &args[1], ctx),
        }
    }
}

fn int_call(op: IntOp, a: &Value<'_>, b: &Value<'_>, result: &DataType, ctx: &EvalContext) -> Value<'static> {
    let (Some(a), Some(b)) = (bits(a), bits(b)) else { return Value::Null };
    match (op.apply(a, b), result) {
        (Some(v), DataType::Timestamp) => Value::Timestamp(Timestamp(v)),
        (Some(v), DataType::Duration) => Value::Duration(Duration(v)),
        (Some(v), _) => Value::Int(v),
        (None, _) => {
            ctx.count_nulls(1);
            Value::Null
        }
    }
}

fn float_call(op: FloatOp, a: &Value<'_>, b: &Value<'_>, ctx: &EvalContext) -> Value<'static> {
    let (Value::Float(a), Value::Float(b)) = (a, b) else { return Value::Null };
    match op.apply(*a, *b) {
        Some(v) => Value::Float(v),
        None => {
            ctx.count_nulls(1);
            Value::Null
        }
    }
}

/// The integer that an INT, TIMESTAMP or DURATION is.
fn bits(value: &Value<'_>) -> Option<i64> {
    match value {
        Value::Int(v) => Some(*v),
        Value::Timestamp(v) => Some(v.0),
        Value::Duration(v) => Some(v.0),
        _ => None,
    }
}

pub(super) fn compare(op: CompareOp, a: &Value<'_>, b: &Value<'_>) -> Value<'static> {
    bool_or_null(a.compare(b).map(|order| op.holds(order)))
}

fn bool_or_null(value: Option<bool>) -> Value<'static> {
    value.map_or(Value::Null, Value::Bool)
}

/// `value IN (items)`: TRUE where one is equal, else unknown where one comparison is.
fn is_among(value: &Value<'_>, items: &[Value<'_>]) -> Value<'static> {
    let mut unknown = false;
    for item in items {
        match value.compare(item) {
            Some(order) if order.is_eq() => return Value::Bool(true),
            Some(_) => {}
            None => unknown = true,
        }
    }
    if unknown { Value::Null } else { Value::Bool(false) }
}

/// Whether a value that came from outside is of the type.
pub(super) fn fits(value: &Value<'_>, data_type: &DataType) -> bool {
    match (value, data_type) {
        (Value::Null, _) => true,
        (Value::Decimal(v), DataType::Decimal { precision, scale }) => {
            v.scale() <= u32::from(*scale) && cast::fit_decimal(*v, *precision, *scale).is_some()
        }
        (Value::List(items), DataType::List(item)) => items.iter().all(|v| fits(v, item)),
        (Value::Struct(items), DataType::Struct(fields)) => {
            items.len() == fields.len() && items.iter().zip(fields.iter()).all(|(v, f)| fits(v, &f.data_type))
        }
        (value, data_type) => value.type_of() == *data_type,
    }
}
