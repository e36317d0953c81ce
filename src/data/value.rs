//! One scalar value, borrowed from a column where that saves a copy.

use std::borrow::Cow;
use std::sync::Arc;

use rust_decimal::Decimal;

use super::{Duration, Timestamp};

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
}
