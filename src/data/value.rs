//! One scalar value, borrowed from a column where that saves a copy.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::sync::Arc;

use rust_decimal::Decimal;

use super::{DataType, Duration, Field, Timestamp};

/// A value of the language. `Value<'static>` owns what it holds; a value read from a column borrows its text.
///
/// `PartialEq` is the derived, structural one (for tests and state); the language's `=` is [`Value::compare`].
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Value<'a> {
    /// Missing or unknown.
    #[default]
    Null,
    /// `BOOL`
    Bool(bool),
    /// `INT`
    Int(i64),
    /// `FLOAT`
    Float(f64),
    /// `DECIMAL`
    Decimal(Decimal),
    /// `STRING`
    String(Cow<'a, str>),
    /// `TIMESTAMP`
    Timestamp(Timestamp),
    /// `DURATION`
    Duration(Duration),
    /// `LIST`: its items in order.
    List(Arc<[Value<'static>]>),
    /// `STRUCT`: its fields' values in the order of the type.
    Struct(Arc<[Value<'static>]>),
    /// `JSON`: the value's text.
    Json(Cow<'a, str>),
}

impl<'a> Value<'a> {
    /// The same value, owning its text.
    pub fn into_owned(self) -> Value<'static> {
        match self {
            Value::Null => Value::Null,
            Value::Bool(v) => Value::Bool(v),
            Value::Int(v) => Value::Int(v),
            Value::Float(v) => Value::Float(v),
            Value::Decimal(v) => Value::Decimal(v),
            Value::String(v) => Value::String(Cow::Owned(v.into_owned())),
            Value::Timestamp(v) => Value::Timestamp(v),
            Value::Duration(v) => Value::Duration(v),
            Value::List(v) => Value::List(v),
            Value::Struct(v) => Value::Struct(v),
            Value::Json(v) => Value::Json(Cow::Owned(v.into_owned())),
        }
    }

    /// The same value, borrowing its text from this one.
    pub fn borrowed(&self) -> Value<'_> {
        match self {
            Value::String(v) => Value::String(Cow::Borrowed(v)),
            Value::Json(v) => Value::Json(Cow::Borrowed(v)),
            other => other.clone(),
        }
    }

    /// Whether the value is NULL.
    pub fn is_null(&self) -> bool {
        matches!(self, Value::Null)
    }

    /// Whether the value is the boolean TRUE (neither FALSE nor NULL).
    pub fn is_true(&self) -> bool {
        matches!(self, Value::Bool(true))
    }

    /// A string value.
    pub fn string(text: impl Into<Cow<'a, str>>) -> Self {
        Value::String(text.into())
    }

    /// How the value stands to another in the language's order, where they are comparable and neither is NULL.
    ///
    /// Numbers of different types compare by their exact values, never through a rounded copy. NaN equals itself and is larger than all
    /// other numbers (as in PostgreSQL), and -0.0 equals 0.0. Lists and structs compare item by item.
    pub fn compare(&self, other: &Value<'_>) -> Option<Ordering> {
        match (self, other) {
            (Value::Bool(a), Value::Bool(b)) => Some(a.cmp(b)),
            (Value::Int(a), Value::Int(b)) => Some(a.cmp(b)),
            (Value::Float(a), Value::Float(b)) => Some(compare_floats(*a, *b)),
            (Value::Decimal(a), Value::Decimal(b)) => Some(a.cmp(b)),
            (Value::Int(a), Value::Float(b)) => Some(compare_int_float(*a, *b)),
            (Value::Float(a), Value::Int(b)) => Some(compare_int_float(*b, *a).reverse()),
            (Value::Int(a), Value::Decimal(b)) => Some(Decimal::from(*a).cmp(b)),
            (Value::Decimal(a), Value::Int(b)) => Some(a.cmp(&Decimal::from(*b))),
            (Value::Decimal(a), Value::Float(b)) => Some(compare_decimal_float(a, *b)),
            (Value::Float(a), Value::Decimal(b)) => Some(compare_decimal_float(b, *a).reverse()),
            (Value::String(a), Value::String(b)) | (Value::Json(a), Value::Json(b)) => Some(a.as_bytes().cmp(b.as_bytes())),
            (Value::Timestamp(a), Value::Timestamp(b)) => Some(a.cmp(b)),
            (Value::Duration(a), Value::Duration(b)) => Some(a.cmp(b)),
            (Value::List(a), Value::List(b)) => compare_items(a, b),
            (Value::Struct(a), Value::Struct(b)) => compare_items(a, b),
            _ => None,
        }
    }

    /// A total order over all values that agrees with [`Value::compare`] wherever that gives one: for ORDER BY and ordered state. NULL comes
    /// first (a caller that wants it last looks before it asks), then the types in the order of their declaration.
    pub fn total_cmp(&self, other: &Value<'_>) -> Ordering {
        match (self, other) {
            (Value::List(a), Value::List(b)) | (Value::Struct(a), Value::Struct(b)) => {
                a.iter().zip(b.iter()).map(|(x, y)| x.total_cmp(y)).find(|o| o.is_ne()).unwrap_or_else(|| a.len().cmp(&b.len()))
            }
            _ => self.compare(other).unwrap_or_else(|| self.rank().cmp(&other.rank())),
        }
    }

    fn rank(&self) -> u8 {
        match self {
            Value::Null => 0,
            Value::Bool(_) => 1,
            Value::Int(_) | Value::Float(_) | Value::Decimal(_) => 2,
            Value::String(_) => 3,
            Value::Timestamp(_) => 4,
            Value::Duration(_) => 5,
            Value::List(_) => 6,
            Value::Struct(_) => 7,
            Value::Json(_) => 8,
        }
    }

    /// The type that the value shows by itself. What a value does not know is filled in: the precision of a decimal is 28, the fields of a
    /// struct are named by their positions from 1, and a list of NULLs is a `LIST<NULL>`.
    pub fn type_of(&self) -> DataType {
        match self {
            Value::Null => DataType::Null,
            Value::Bool(_) => DataType::Bool,
            Value::Int(_) => DataType::Int,
            Value::Float(_) => DataType::Float,
            Value::Decimal(v) => DataType::Decimal { precision: 28, scale: u8::try_from(v.scale()).expect("the scale is at most 28") },
            Value::String(_) => DataType::String,
            Value::Timestamp(_) => DataType::Timestamp,
            Value::Duration(_) => DataType::Duration,
            Value::List(items) => {
                let item = items.iter().fold(DataType::Null, |t, v| t.common(&v.type_of()).unwrap_or(t));
                DataType::List(Arc::new(item))
            }
            Value::Struct(items) => {
                DataType::Struct(items.iter().enumerate().map(|(i, v)| Field::new((i + 1).to_string(), v.type_of())).collect())
            }
            Value::Json(_) => DataType::Json,
        }
    }
}

/// NaN is equal to itself and above all others; -0.0 equals 0.0.
fn compare_floats(a: f64, b: f64) -> Ordering {
    a.partial_cmp(&b).unwrap_or_else(|| a.is_nan().cmp(&b.is_nan()))
}

/// Exact: no `i64` is rounded on the way.
fn compare_int_float(a: i64, b: f64) -> Ordering {
    const TWO_63: f64 = 9_223_372_036_854_775_808.0;
    if b.is_nan() || b >= TWO_63 {
        return Ordering::Less;
    }
    if b < -TWO_63 {
        return Ordering::Greater;
    }
    let whole = b.trunc();
    // The range has been checked, so the cast is exact.
    a.cmp(&(whole as i64)).then_with(|| 0.0_f64.partial_cmp(&(b - whole)).expect("neither is NaN"))
}

/// Exact: whole parts as integers, then the fractions bit by bit.
fn compare_decimal_float(a: &Decimal, b: f64) -> Ordering {
    const LIMIT: f64 = 1e30;
    if b.is_nan() || b >= LIMIT {
        return Ordering::Less;
    }
    if b <= -LIMIT {
        return Ordering::Greater;
    }
    // Of negative numbers the magnitudes are compared: only there is splitting off the fraction exact.
    match (a.mantissa() < 0, b < 0.0) {
        (true, true) => return compare_decimal_float(&-a, -b).reverse(),
        (true, false) => return Ordering::Less,
        (false, true) => return Ordering::Greater,
        (false, false) => {}
    }
    let unit = 10i128.pow(a.scale());
    let floor = b.floor();
    let (whole, mut rest) = (a.mantissa() / unit, a.mantissa() % unit);
    // Below 1e30 a whole float fits 128 bits exactly.
    let order = whole.cmp(&(floor as i128));
    if order.is_ne() {
        return order;
    }
    let mut fraction = b - floor;
    while fraction > 0.0 {
        rest *= 2;
        fraction *= 2.0;
        let (bit_a, bit_b) = (rest >= unit, fraction >= 1.0);
        if bit_a != bit_b {
            return bit_a.cmp(&bit_b);
        }
        if bit_a {
            rest -= unit;
            fraction -= 1.0;
        }
    }
    rest.cmp(&0)
}

fn compare_items(a: &[Value<'_>], b: &[Value<'_>]) -> Option<Ordering> {
    for (x, y) in a.iter().zip(b) {
        match x.compare(y)? {
            Ordering::Equal => {}
            order => return Some(order),
        }
    }
    Some(a.len().cmp(&b.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dec(text: &str) -> Value<'static> {
        Value::Decimal(text.parse().unwrap())
    }

    #[test]
    fn numbers_compare_exactly_across_types() {
        use Ordering::{Equal, Greater, Less};
        let big = (1i64 << 53) + 1;
        assert_eq!(Value::Int(big).compare(&Value::Float((1i64 << 53) as f64)), Some(Greater));
        assert_eq!(Value::Int(i64::MAX).compare(&Value::Float(i64::MAX as f64)), Some(Less));
        assert_eq!(Value::Int(i64::MIN).compare(&Value::Float(i64::MIN as f64)), Some(Equal));
        assert_eq!(Value::Int(-1).compare(&Value::Float(-1.5)), Some(Greater));
        assert_eq!(Value::Float(f64::NAN).compare(&Value::Int(1)), Some(Greater));
        assert_eq!(Value::Float(f64::NAN).compare(&Value::Float(f64::NAN)), Some(Equal));
        assert_eq!(Value::Float(f64::NAN).compare(&Value::Float(f64::INFINITY)), Some(Greater));
        assert_eq!(Value::Float(-0.0).compare(&Value::Float(0.0)), Some(Equal));
        assert_eq!(dec("0.1").compare(&Value::Float(0.1)), Some(Less), "the float is a little more than a tenth");
        assert_eq!(dec("-0.1").compare(&Value::Float(-0.1)), Some(Greater));
        assert_eq!(dec("0.5").compare(&Value::Float(0.5)), Some(Equal));
        assert_eq!(dec("0").compare(&Value::Float(5e-324)), Some(Less));
        assert_eq!(dec("2.50").compare(&dec("2.5")), Some(Equal));
        assert_eq!(Value::Int(2).compare(&dec("2.5")), Some(Less));
        assert_eq!(Value::Float(1e300).compare(&dec("79228162514264337593543950335")), Some(Greater));
    }

    #[test]
    fn null_and_other_types_are_incomparable_but_ordered() {
        assert_eq!(Value::Null.compare(&Value::Null), None);
        assert_eq!(Value::Int(1).compare(&Value::string("1")), None);
        assert_eq!(Value::Null.total_cmp(&Value::Null), Ordering::Equal);
        assert_eq!(Value::Null.total_cmp(&Value::Int(i64::MIN)), Ordering::Less);
        let list = |items: &[i64]| Value::List(items.iter().map(|i| Value::Int(*i)).collect());
        assert_eq!(list(&[1, 2]).compare(&list(&[1, 3])), Some(Ordering::Less));
        assert_eq!(list(&[1]).compare(&list(&[1, 3])), Some(Ordering::Less));
        assert_eq!(list(&[1]).type_of(), DataType::List(Arc::new(DataType::Int)));
    }
}
