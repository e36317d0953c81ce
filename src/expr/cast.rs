//! Casts between types: which exist, and what they do to a value. A value that has no counterpart becomes NULL and is counted.
//!
//! An INT and a TIMESTAMP convert by epoch milliseconds, as when JSON is read. A FLOAT becomes the nearest INT, ties away from zero. To text and
//! to JSON everything converts; text is read by the rules of each type, with blanks around it allowed.

use std::borrow::Cow;

use rust_decimal::{Decimal, RoundingStrategy, prelude::ToPrimitive};

use super::EvalContext;
use super::text::{text_of, write_json};
use crate::data::{DataType, Duration, TimeUnit, Timestamp, Value};

/// Whether a cast exists (it may still fail on a value).
pub(super) fn is_castable(from: &DataType, to: &DataType) -> bool {
    use DataType as T;
    match (from, to) {
        (a, b) if a == b => true,
        (T::Null, _) | (_, T::String | T::Json) => true,
        (T::String | T::Json, T::Bool | T::Int | T::Float | T::Decimal { .. }) => true,
        (T::String, T::Timestamp | T::Duration) => true,
        (a, b) if a.is_numeric() && b.is_numeric() => true,
        (T::Bool, T::Int) | (T::Int, T::Bool | T::Timestamp) | (T::Timestamp, T::Int) => true,
        (T::List(a), T::List(b)) => is_castable(a, b),
        (T::Struct(a), T::Struct(b)) => a.len() == b.len() && a.iter().zip(b.iter()).all(|(a, b)| is_castable(&a.data_type, &b.data_type)),
        _ => false,
    }
}

/// The value as another type that it is castable to.
pub(super) fn cast<'a>(value: Value<'a>, from: &DataType, to: &DataType, ctx: &EvalContext) -> Value<'a> {
    if value.is_null() {
        return Value::Null;
    }
    try_cast(value, from, to, ctx).unwrap_or_else(|| {
        ctx.count_nulls(1);
        Value::Null
    })
}

fn try_cast<'a>(value: Value<'a>, from: &DataType, to: &DataType, ctx: &EvalContext) -> Option<Value<'a>> {
    Some(match to {
        DataType::Null => return None,
        DataType::Bool => Value::Bool(to_bool(&value)?),
        DataType::Int => Value::Int(to_int(&value)?),
        DataType::Float => Value::Float(to_float(&value)?),
        DataType::Decimal { precision, scale } => Value::Decimal(fit_decimal(to_decimal(&value)?, *precision, *scale)?),
        DataType::String => Value::String(text_of(value, from)?),
        DataType::Timestamp => Value::Timestamp(match &value {
            Value::Timestamp(at) => *at,
            Value::Int(millis) => Timestamp::from_epoch(*millis, TimeUnit::Milli)?,
            Value::String(text) => Timestamp::parse(text.trim())?,
            _ => return None,
        }),
        DataType::Duration => Value::Duration(match &value {
            Value::Duration(span) => *span,
            Value::String(text) => Duration::parse(text)?,
            _ => return None,
        }),
        DataType::Json => Value::Json(to_json(value, from)?),
        DataType::List(to) => match (&value, from) {
            (Value::List(items), DataType::List(from)) => Value::List(items.iter().map(|item| cast(item.clone(), from, to, ctx)).collect()),
            _ => return None,
        },
        DataType::Struct(to) => match (&value, from) {
            (Value::Struct(items), DataType::Struct(from)) => {
                let types = from.iter().zip(to.iter());
                Value::Struct(items.iter().zip(types).map(|(item, (f, t))| cast(item.clone(), &f.data_type, &t.data_type, ctx)).collect())
            }
            _ => return None,
        },
    })
}

fn to_bool(value: &Value<'_>) -> Option<bool> {
    match value {
        Value::Bool(v) => Some(*v),
        Value::Int(v) => Some(*v != 0),
        Value::String(text) | Value::Json(text) => match text.trim().to_ascii_lowercase().as_str() {
            "true" | "t" | "yes" | "1" => Some(true),
            "false" | "f" | "no" | "0" => Some(false),
            _ => None,
        },
        _ => None,
    }
}

fn to_int(value: &Value<'_>) -> Option<i64> {
    match value {
        Value::Int(v) => Some(*v),
        Value::Bool(v) => Some(i64::from(*v)),
        Value::Float(v) => int_of_float(*v),
        Value::Decimal(v) => v.round_dp_with_strategy(0, RoundingStrategy::MidpointAwayFromZero).to_i64(),
        Value::Timestamp(v) => Some(v.0.div_euclid(TimeUnit::Milli.nanos())),
        Value::String(text) => text.trim().parse().ok(),
        Value::Json(text) => text.trim().parse().ok().or_else(|| int_of_float(text.trim().parse().ok()?)),
        _ => None,
    }
}

/// The nearest whole number, if 64 bits hold it.
pub(super) fn int_of_float(value: f64) -> Option<i64> {
    let whole = value.round();
    // Both bounds are powers of two and exact; NaN fails the comparison.
    (-9_223_372_036_854_775_808.0..9_223_372_036_854_775_808.0).contains(&whole).then_some(whole as i64)
}

/// Any number as a float; text is read.
pub(super) fn to_float(value: &Value<'_>) -> Option<f64> {
    match value {
        Value::Float(v) => Some(*v),
        Value::Int(v) => Some(*v as f64),
        // Through text: the nearest float, which a division of mantissa by power of ten would not always be.
        Value::Decimal(v) => v.to_string().parse().ok(),
        Value::String(text) | Value::Json(text) => text.trim().parse().ok(),
        _ => None,
    }
}

fn to_decimal(value: &Value<'_>) -> Option<Decimal> {
    match value {
        Value::Decimal(v) => Some(*v),
        Value::Int(v) => Some(Decimal::from(*v)),
        Value::Float(v) => decimal_of_text(&format!("{v:e}")),
        Value::String(text) | Value::Json(text) => decimal_of_text(text.trim()),
        _ => None,
    }
}

/// The decimal that a float's shortest text says, if it has at most 28 digits.
pub(super) fn decimal_as_written(value: f64) -> Option<Decimal> {
    let exact = to_decimal(&Value::Float(value))?;
    (to_float(&Value::Decimal(exact)) == Some(value)).then_some(exact)
}

fn decimal_of_text(text: &str) -> Option<Decimal> {
    if text.contains(['e', 'E']) { Decimal::from_scientific(text).ok() } else { text.parse().ok() }
}

/// The decimal at exactly this scale, rounded half away from zero, if its digits fit the precision.
pub(super) fn fit_decimal(value: Decimal, precision: u8, scale: u8) -> Option<Decimal> {
    let scale = u32::from(scale);
    let mut value = value.round_dp_with_strategy(scale, RoundingStrategy::MidpointAwayFromZero);
    value.rescale(scale);
    let limit = 10u128.pow(u32::from(precision));
    (value.scale() == scale && value.mantissa().unsigned_abs() < limit).then_some(value)
}

fn to_json<'a>(value: Value<'a>, from: &DataType) -> Option<Cow<'a, str>> {
    match value {
        Value::Json(text) => Some(text),
        Value::String(text) => serde_json::from_str::<&serde_json::value::RawValue>(&text).is_ok().then_some(text),
        other => {
            let mut out = String::new();
            write_json(&mut out, &other, from);
            Some(Cow::Owned(out))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn casts(value: Value<'static>, to: DataType) -> (Value<'static>, u64) {
        let ctx = EvalContext::new();
        let from = value.type_of();
        assert!(is_castable(&from, &to), "{from} to {to}");
        (cast(value, &from, &to, &ctx).into_owned(), ctx.nulls())
    }

    #[test]
    fn values_convert_or_become_null_and_are_counted() {
        let text = |t: &'static str| Value::string(t);
        let dec = |t: &str| Value::Decimal(t.parse().unwrap());
        let d = |precision, scale| DataType::Decimal { precision, scale };
        let good = [
            (text(" 42 "), DataType::Int, Value::Int(42)),
            (text("-1.5e3"), DataType::Float, Value::Float(-1500.0)),
            (text("YES"), DataType::Bool, Value::Bool(true)),
            (text("2026-03-01"), DataType::Timestamp, Value::Timestamp(Timestamp::parse("2026-03-01T00:00:00Z").unwrap())),
            (text("1h 30m"), DataType::Duration, Value::Duration(Duration(5_400_000_000_000))),
            (Value::Float(2.5), DataType::Int, Value::Int(3)),
            (Value::Float(-2.5), DataType::Int, Value::Int(-3)),
            (Value::Int(1500), DataType::Timestamp, Value::Timestamp(Timestamp(1_500_000_000))),
            (Value::Timestamp(Timestamp(-1)), DataType::Int, Value::Int(-1)),
            (Value::Float(0.1), d(10, 2), dec("0.10")),
            (Value::Float(1e-7), d(10, 2), dec("0.00")),
            (dec("1.005"), d(10, 2), dec("1.01")),
            (dec("0.1"), DataType::Float, Value::Float(0.1)),
            (Value::Float(1.0), DataType::String, text("1.0")),
            (Value::Float(1e300), DataType::String, text("1e+300")),
            (Value::Timestamp(Timestamp(0)), DataType::String, text("1970-01-01T00:00:00Z")),
            (Value::List(vec![Value::string("a\""), Value::Null].into()), DataType::String, text("[\"a\\\"\",null]")),
            (text("{\"a\":1}"), DataType::Json, Value::Json("{\"a\":1}".into())),
            (Value::Null, DataType::Int, Value::Null),
        ];
        for (value, to, expected) in good {
            assert_eq!(casts(value.clone(), to.clone()), (expected, 0), "{value:?} to {to}");
        }
        for (value, to) in [
            (text("1.5"), DataType::Int),
            (text(""), DataType::Int),
            (text("9223372036854775808"), DataType::Int),
            (Value::Float(f64::NAN), DataType::Int),
            (Value::Float(1e19), DataType::Int),
            (text("maybe"), DataType::Bool),
            (text("soon"), DataType::Timestamp),
            (text("{"), DataType::Json),
            (Value::Int(1000), d(3, 0)),
            (Value::Int(i64::MAX), DataType::Timestamp),
        ] {
            assert_eq!(casts(value.clone(), to.clone()), (Value::Null, 1), "{value:?} to {to}");
        }
        assert!(!is_castable(&DataType::Timestamp, &DataType::Bool));
    }
}
