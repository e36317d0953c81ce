//! `+ - * / %`, unary `-` and `||`: numbers, times and lengths of time, text and lists.
//!
//! Numbers meet in their common type. A point minus a point is a length; lengths add, scale and divide. What overflows or divides by zero is
//! NULL and counted. The operations on 64-bit integers and on floats are told apart from the others, because batches run them in tight loops.

use rust_decimal::Decimal;

use super::signature::Signature;
use super::{Category, Form, Function, Kernel, MANY, Prepared, Resolved};
use crate::data::{DataType as T, Duration, Value};
use crate::expr::cast::{fit_decimal, int_of_float};
use crate::expr::text::text_of;
use crate::expr::{EvalContext, TypeError};

/// Operations on 64-bit integers: of INT, and of TIMESTAMP and DURATION, which are such integers too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum IntOp {
    /// `+`
    Add,
    /// `-`
    Sub,
    /// `*`
    Mul,
    /// `/`, toward zero
    Div,
    /// `%`, with the sign of the dividend
    Rem,
}

impl IntOp {
    /// The result, unless it overflows or divides by zero.
    pub fn apply(self, a: i64, b: i64) -> Option<i64> {
        match self {
            Self::Add => a.checked_add(b),
            Self::Sub => a.checked_sub(b),
            Self::Mul => a.checked_mul(b),
            Self::Div => a.checked_div(b),
            // The remainder of the smallest integer by -1 is 0, though the division overflows.
            Self::Rem if b == -1 => Some(0),
            Self::Rem => a.checked_rem(b),
        }
    }
}

/// Operations on floats.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FloatOp {
    /// `+`
    Add,
    /// `-`
    Sub,
    /// `*`
    Mul,
    /// `/`
    Div,
    /// `%`, with the sign of the dividend
    Rem,
}

impl FloatOp {
    /// The result, unless it divides by zero.
    pub fn apply(self, a: f64, b: f64) -> Option<f64> {
        match self {
            Self::Add => Some(a + b),
            Self::Sub => Some(a - b),
            Self::Mul => Some(a * b),
            Self::Div => (b != 0.0).then(|| a / b),
            Self::Rem => (b != 0.0).then(|| a % b),
        }
    }
}

const BASE: Function = Function::of(Category::Operator);

pub(super) const FUNCTIONS: &[Function] = &[
    Function {
        name: "+",
        arity: (2, 2),
        signature: "a + b",
        doc: "The sum of numbers; a TIMESTAMP or DURATION and a DURATION. A sum that overflows is NULL.",
        examples: &[("1 + 2", "3"), ("1 + 0.5", "1.5"), ("1h + 30m", "1h 30m"), ("9223372036854775807 + 1", "NULL")],
        form: Form::Eager(add),
        ..BASE
    },
    Function {
        name: "-",
        arity: (1, 2),
        signature: "a - b, -a",
        doc: "The difference of numbers; a TIMESTAMP less a DURATION; the DURATION between two TIMESTAMPs. With one operand, its negative.",
        examples: &[("5 - 7", "-2"), ("-(1h)", "-1h"), ("TIMESTAMP '2026-03-01T00:01:00Z' - TIMESTAMP '2026-03-01'", "1m")],
        form: Form::Eager(subtract),
        ..BASE
    },
    Function {
        name: "*",
        arity: (2, 2),
        signature: "a * b",
        doc: "The product of numbers, or of a DURATION and a number.",
        examples: &[("6 * 7", "42"), ("10m * 1.5", "15m")],
        form: Form::Eager(multiply),
        ..BASE
    },
    Function {
        name: "/",
        arity: (2, 2),
        signature: "a / b",
        doc: "The quotient. Of two INTs it is an INT, rounded toward zero; of two DURATIONs it is a FLOAT. Division by zero gives NULL.",
        examples: &[("7 / 2", "3"), ("7 / 2.0", "3.5"), ("1h / 4", "15m"), ("1h / 10m", "6.0"), ("1 / 0", "NULL")],
        form: Form::Eager(divide),
        ..BASE
    },
    Function {
        name: "%",
        aliases: &["MOD"],
        arity: (2, 2),
        signature: "a % b, MOD(a, b)",
        doc: "The remainder of the division, with the sign of the dividend.",
        examples: &[("7 % 3", "1"), ("-7 % 3", "-1"), ("MOD(7.5, 2)", "1.5"), ("90m % 1h", "30m")],
        form: Form::Eager(remainder),
        ..BASE
    },
    Function {
        name: "||",
        arity: (2, MANY),
        signature: "a || b",
        doc: "Texts one after the other; what is no text is written as text. Lists one after the other. NULL with anything is NULL.",
        examples: &[("'a' || 'b'", "ab"), ("'n' || 1", "n1"), ("'a' || NULL", "NULL")],
        form: Form::Eager(concat),
        ..BASE
    },
];

/// Numbers, as their common type: with the kernels for each.
fn numbers(s: &Signature<'_>, int: IntOp, float: FloatOp) -> Option<Resolved> {
    let (a, b) = (s.at(0), s.at(1));
    let number_or_null = |t: &T| t.is_numeric() || *t == T::Null;
    if !number_or_null(a) || !number_or_null(b) {
        return None;
    }
    let common = match a.common(b)? {
        T::Null => T::Int,
        other => other,
    };
    let (result, kernel) = match &common {
        T::Int => (T::Int, Kernel::Int(int)),
        T::Float => (T::Float, Kernel::Float(float)),
        _ => return Some(decimals(a, b, float)),
    };
    Some(Resolved { args: vec![common.clone(), common], result, kernel })
}

/// Decimals keep their own precision and scale as operands; the result's follow from the operation.
fn decimals(a: &T, b: &T, op: FloatOp) -> Resolved {
    let as_decimal = |t: &T| match t {
        T::Decimal { precision, scale } => (*precision, *scale),
        _ => (19, 0),
    };
    let ((p, s), (q, r)) = (as_decimal(a), as_decimal(b));
    let (precision, scale) = match op {
        FloatOp::Add | FloatOp::Sub => ((p - s).max(q - r) + s.max(r) + 1, s.max(r)),
        FloatOp::Rem => (28, s.max(r)),
        FloatOp::Mul => (p + q, s + r),
        FloatOp::Div => (28, division_scale(s.max(r))),
    };
    // Where 28 digits do not hold all, the whole digits go first and at least six stay behind the point.
    let scale = if precision > 28 { scale.min((28 - (precision - scale).min(28)).max(6)) } else { scale };
    let kernel = Kernel::Values(match op {
        FloatOp::Add => |v, p, c| decimal(v, p, c, Decimal::checked_add),
        FloatOp::Sub => |v, p, c| decimal(v, p, c, Decimal::checked_sub),
        FloatOp::Mul => |v, p, c| decimal(v, p, c, Decimal::checked_mul),
        FloatOp::Div => |v, p, c| decimal(v, p, c, Decimal::checked_div),
        FloatOp::Rem => |v, p, c| decimal(v, p, c, Decimal::checked_rem),
    });
    let keep = |t: &T| if matches!(t, T::Decimal { .. }) { t.clone() } else { T::Decimal { precision: 28, scale: 0 } };
    Resolved { args: vec![keep(a), keep(b)], result: T::Decimal { precision: precision.min(28), scale }, kernel }
}

/// How many digits a quotient (or mean) of decimals keeps behind the point.
pub(in crate::expr) fn division_scale(scale: u8) -> u8 {
    scale.max(6)
}

/// A decimal brought to its result type; counted and NULL if it does not fit.
pub(in crate::expr) fn decimal_of_result(value: Decimal, result: &T, ctx: &EvalContext) -> Value<'static> {
    let fitted = match result {
        T::Decimal { precision, scale } => fit_decimal(value, *precision, *scale),
        _ => Some(value),
    };
    counted(fitted.map(Value::Decimal), ctx)
}

fn decimal<'a>(args: &mut [Value<'a>], _: &Prepared, ctx: &EvalContext, op: fn(Decimal, Decimal) -> Option<Decimal>) -> Value<'a> {
    let (Value::Decimal(a), Value::Decimal(b)) = (&args[0], &args[1]) else { return Value::Null };
    counted(op(*a, *b).map(Value::Decimal), ctx)
}

/// NULL, counted, where there is no value.
pub(super) fn counted<'a>(value: Option<Value<'a>>, ctx: &EvalContext) -> Value<'a> {
    value.unwrap_or_else(|| {
        ctx.count_nulls(1);
        Value::Null
    })
}

fn int_op(a: T, b: T, result: T, op: IntOp) -> Result<Resolved, TypeError> {
    Ok(Resolved { args: vec![a, b], result, kernel: Kernel::Int(op) })
}

fn misfit(s: &Signature<'_>, expected: &str) -> TypeError {
    TypeError::new(s.name, s.found.to_vec(), expected)
}

fn add(s: Signature<'_>) -> Result<Resolved, TypeError> {
    if let Some(resolved) = numbers(&s, IntOp::Add, FloatOp::Add) {
        return Ok(resolved);
    }
    match (s.at(0), s.at(1)) {
        (T::Timestamp, T::Duration | T::Null) => int_op(T::Timestamp, T::Duration, T::Timestamp, IntOp::Add),
        (T::Duration | T::Null, T::Timestamp) => int_op(T::Duration, T::Timestamp, T::Timestamp, IntOp::Add),
        (T::Duration, T::Duration | T::Null) | (T::Null, T::Duration) => int_op(T::Duration, T::Duration, T::Duration, IntOp::Add),
        (T::String, _) | (_, T::String) => Err(misfit(&s, "numbers, or a time and a DURATION (texts are joined by ||)")),
        _ => Err(misfit(&s, "numbers, or a time and a DURATION")),
    }
}

fn subtract(s: Signature<'_>) -> Result<Resolved, TypeError> {
    if s.found.len() == 1 {
        return negate(s);
    }
    if let Some(resolved) = numbers(&s, IntOp::Sub, FloatOp::Sub) {
        return Ok(resolved);
    }
    match (s.at(0), s.at(1)) {
        (T::Timestamp, T::Timestamp) | (T::Null, T::Timestamp) => int_op(T::Timestamp, T::Timestamp, T::Duration, IntOp::Sub),
        (T::Timestamp, T::Duration | T::Null) => int_op(T::Timestamp, T::Duration, T::Timestamp, IntOp::Sub),
        (T::Duration, T::Duration | T::Null) | (T::Null, T::Duration) => int_op(T::Duration, T::Duration, T::Duration, IntOp::Sub),
        _ => Err(misfit(&s, "numbers, two times, or a time and a DURATION")),
    }
}

fn negate(s: Signature<'_>) -> Result<Resolved, TypeError> {
    let s = if *s.at(0) == T::Duration { s.any() } else { s.number()? };
    let result = s.wanted(0);
    s.gives(result, |args, _, ctx| {
        let negative = match &args[0] {
            Value::Int(v) => v.checked_neg().map(Value::Int),
            Value::Duration(v) => v.0.checked_neg().map(Duration).map(Value::Duration),
            Value::Float(v) => Some(Value::Float(-v)),
            Value::Decimal(v) => Some(Value::Decimal(-v)),
            _ => None,
        };
        counted(negative, ctx)
    })
}

fn multiply(s: Signature<'_>) -> Result<Resolved, TypeError> {
    if let Some(resolved) = numbers(&s, IntOp::Mul, FloatOp::Mul) {
        return Ok(resolved);
    }
    match (s.at(0), s.at(1)) {
        (T::Duration, T::Int | T::Null) => int_op(T::Duration, T::Int, T::Duration, IntOp::Mul),
        (T::Int | T::Null, T::Duration) => int_op(T::Int, T::Duration, T::Duration, IntOp::Mul),
        (T::Duration, T::Float | T::Decimal { .. }) => s.duration()?.float()?.gives(T::Duration, scale),
        (T::Float | T::Decimal { .. }, T::Duration) => s.float()?.duration()?.gives(T::Duration, |args, prepared, ctx| {
            args.swap(0, 1);
            scale(args, prepared, ctx)
        }),
        _ => Err(misfit(&s, "numbers, or a DURATION and a number")),
    }
}

fn scale<'a>(args: &mut [Value<'a>], _: &Prepared, ctx: &EvalContext) -> Value<'a> {
    let (Value::Duration(span), Value::Float(factor)) = (&args[0], &args[1]) else { return Value::Null };
    counted(int_of_float(span.0 as f64 * factor).map(Duration).map(Value::Duration), ctx)
}

fn divide(s: Signature<'_>) -> Result<Resolved, TypeError> {
    if let Some(resolved) = numbers(&s, IntOp::Div, FloatOp::Div) {
        return Ok(resolved);
    }
    match (s.at(0), s.at(1)) {
        (T::Duration, T::Int | T::Null) => int_op(T::Duration, T::Int, T::Duration, IntOp::Div),
        (T::Duration, T::Float | T::Decimal { .. }) => s.duration()?.float()?.gives(T::Duration, |args, _, ctx| {
            let (Value::Duration(span), Value::Float(divisor)) = (&args[0], &args[1]) else { return Value::Null };
            let quotient = FloatOp::Div.apply(span.0 as f64, *divisor).and_then(int_of_float);
            counted(quotient.map(Duration).map(Value::Duration), ctx)
        }),
        (T::Duration | T::Null, T::Duration) => s.duration()?.duration()?.gives(T::Float, |args, _, ctx| {
            let (Value::Duration(a), Value::Duration(b)) = (&args[0], &args[1]) else { return Value::Null };
            counted(FloatOp::Div.apply(a.0 as f64, b.0 as f64).map(Value::Float), ctx)
        }),
        _ => Err(misfit(&s, "numbers, or a DURATION and a number or DURATION")),
    }
}

fn remainder(s: Signature<'_>) -> Result<Resolved, TypeError> {
    if let Some(resolved) = numbers(&s, IntOp::Rem, FloatOp::Rem) {
        return Ok(resolved);
    }
    match (s.at(0), s.at(1)) {
        (T::Duration, T::Duration | T::Null) | (T::Null, T::Duration) => int_op(T::Duration, T::Duration, T::Duration, IntOp::Rem),
        _ => Err(misfit(&s, "numbers or DURATIONs")),
    }
}

fn concat(s: Signature<'_>) -> Result<Resolved, TypeError> {
    if s.found.iter().any(|t| matches!(t, T::List(_))) {
        let (s, common) = s.alike()?;
        return s.gives(common, |args, _, _| {
            let items = args.iter().filter_map(|arg| if let Value::List(items) = arg { Some(items.iter().cloned()) } else { None });
            Value::List(items.flatten().collect())
        });
    }
    if !s.found.iter().any(|t| matches!(t, T::String | T::Null | T::Json)) {
        return Err(misfit(&s, "a STRING among its operands"));
    }
    let args = vec![T::String; s.found.len()];
    Ok(Resolved { args, result: T::String, kernel: Kernel::Values(join_texts) })
}

fn join_texts<'a>(args: &mut [Value<'a>], _: &Prepared, _: &EvalContext) -> Value<'a> {
    let mut joined = String::new();
    for arg in args {
        joined.push_str(&text_of(std::mem::take(arg), &T::String).unwrap_or_default());
    }
    Value::String(joined.into())
}
