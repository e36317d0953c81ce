//! The text of a JSON value to a value of its column.
//!
//! What fits is the language page's table: `null` is NULL everywhere; an `INT` takes an integer in any dress that has no fraction; `STRING`
//! takes numbers and booleans as they are written; `DECIMAL` is exact, from a number or a string; a `DURATION` is the language's text or a
//! number of milliseconds. All else is a [`Misfit`], which says in words what was found.

use rust_decimal::Decimal;
use serde_json::value::RawValue;

use super::number::{Scaled, is_number, scaled};
use super::projection::{items, unescape};
use crate::codec::{BadCause, TimeFormat};
use crate::data::{DataType, Duration, Field, TimeUnit, Timestamp, Value};

/// Why a value does not fit its column.
#[derive(Debug)]
pub(in crate::codec) struct Misfit {
    /// The kind of misfit.
    pub(in crate::codec) cause: BadCause,
    /// What was found, in words.
    pub(in crate::codec) detail: String,
}

impl Misfit {
    fn new(cause: BadCause, detail: impl Into<String>) -> Self {
        Self { cause, detail: detail.into() }
    }

    /// The same, told with the column.
    pub(super) fn in_column(self, name: &str) -> Self {
        Self { detail: format!("column `{name}`: {}", self.detail), ..self }
    }
}

type Converted<'line> = Result<Value<'line>, Misfit>;

/// The value of this type that the text stands for.
// Recursion: one level a LIST or STRUCT in the type, whose nesting the checker bounds.
pub(in crate::codec) fn convert<'line>(text: &'line str, data_type: &DataType, time_format: &TimeFormat) -> Converted<'line> {
    if text == "null" {
        return Ok(Value::Null);
    }
    match data_type {
        DataType::Null => Err(unfit(text, data_type)),
        DataType::Bool => match text {
            "true" => Ok(Value::Bool(true)),
            "false" => Ok(Value::Bool(false)),
            _ => Err(unfit(text, data_type)),
        },
        DataType::Int => integer(text).map(Value::Int),
        DataType::Float => float(text),
        DataType::Decimal { precision, scale } => decimal(text, *precision, *scale),
        DataType::String => match text.as_bytes().first() {
            Some(b'"') => Ok(Value::String(string(text)?)),
            Some(b'{' | b'[') | None => Err(unfit(text, data_type)),
            Some(_) => Ok(Value::string(text)),
        },
        DataType::Timestamp => timestamp(text, time_format).map(Value::Timestamp),
        DataType::Duration => duration(text).map(Value::Duration),
        DataType::List(item) => list(text, item, time_format),
        DataType::Struct(fields) => structure(text, fields, time_format),
        DataType::Json => Ok(Value::Json(text.into())),
    }
}

/// The text of a scalar, as a stream's `type` is compared: of strings what they say, of numbers and booleans how they are written.
pub(super) fn scalar_text(text: &str) -> Option<std::borrow::Cow<'_, str>> {
    match text.as_bytes().first() {
        Some(b'"') => unescape(text).ok(),
        Some(b'{' | b'[' | b'n') | None => None,
        Some(_) => Some(text.into()),
    }
}

/// What the text is, in words, cut short.
fn found(text: &str) -> String {
    const SHOWN: usize = 60;
    let shown = match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    };
    match text.as_bytes().first() {
        Some(b'"') => format!("the string {shown}"),
        Some(b'{') => format!("the object {shown}"),
        Some(b'[') => format!("the array {shown}"),
        Some(b't' | b'f') => shown,
        _ => format!("the number {shown}"),
    }
}

fn unfit(text: &str, data_type: &DataType) -> Misfit {
    Misfit::new(BadCause::WrongType, format!("{} is no {data_type}", found(text)))
}

fn string(text: &str) -> Result<std::borrow::Cow<'_, str>, Misfit> {
    unescape(text).map_err(|_| Misfit::new(BadCause::LoneSurrogate, format!("{} has half of a surrogate pair", found(text))))
}

fn is_number_text(text: &str) -> bool {
    matches!(text.as_bytes().first(), Some(b'-' | b'0'..=b'9'))
}

fn integer(text: &str) -> Result<i64, Misfit> {
    if !is_number_text(text) {
        return Err(unfit(text, &DataType::Int));
    }
    if let Ok(plain) = text.parse() {
        return Ok(plain);
    }
    match scaled(text, 0) {
        Scaled::Exact(value) => i64::try_from(value).ok(),
        Scaled::Fraction => return Err(Misfit::new(BadCause::WrongType, format!("{} has a fraction", found(text)))),
        Scaled::TooBig => None,
    }
    .ok_or_else(|| Misfit::new(BadCause::WrongType, format!("{} does not fit 64 bits", found(text))))
}

fn float(text: &str) -> Converted<'static> {
    let value = if is_number_text(text) { text.parse::<f64>().ok() } else { None };
    match value {
        Some(value) if value.is_finite() => Ok(Value::Float(value)),
        Some(_) => Err(Misfit::new(BadCause::WrongType, format!("{} is beyond the largest FLOAT", found(text)))),
        None => Err(unfit(text, &DataType::Float)),
    }
}

fn decimal(text: &str, precision: u8, scale: u8) -> Converted<'static> {
    let data_type = || DataType::Decimal { precision, scale };
    let inner;
    let number = if text.starts_with('"') {
        inner = string(text)?;
        inner.trim()
    } else {
        text
    };
    if !is_number(number) {
        return Err(unfit(text, &data_type()));
    }
    let mantissa = match scaled(number, scale) {
        Scaled::Exact(mantissa) => Some(mantissa).filter(|m| m.unsigned_abs() < 10u128.pow(u32::from(precision))),
        Scaled::Fraction => {
            return Err(Misfit::new(BadCause::WrongType, format!("{} has more than {scale} digits behind the point", found(text))));
        }
        Scaled::TooBig => None,
    };
    mantissa
        .and_then(|m| Decimal::try_from_i128_with_scale(m, u32::from(scale)).ok())
        .map(Value::Decimal)
        .ok_or_else(|| Misfit::new(BadCause::WrongType, format!("{} has too many digits for {}", found(text), data_type())))
}

fn duration(text: &str) -> Result<Duration, Misfit> {
    if text.starts_with('"') {
        return Duration::parse(&string(text)?).ok_or_else(|| unfit(text, &DataType::Duration));
    }
    if !is_number_text(text) {
        return Err(unfit(text, &DataType::Duration));
    }
    let nanos = match scaled(text, 6) {
        Scaled::Exact(nanos) => i64::try_from(nanos).ok(),
        Scaled::Fraction => return Err(Misfit::new(BadCause::WrongType, format!("{} is finer than a nanosecond", found(text)))),
        Scaled::TooBig => None,
    };
    nanos
        .map(Duration)
        .ok_or_else(|| Misfit::new(BadCause::TimeOutOfRange, format!("{} milliseconds do not fit 64 bits of nanoseconds", found(text))))
}

fn timestamp(text: &str, format: &TimeFormat) -> Result<Timestamp, Misfit> {
    if text.starts_with('"') {
        let inner = string(text)?;
        let parsed = match format {
            TimeFormat::Rfc3339 | TimeFormat::Epoch(_) => Timestamp::parse(inner.trim()),
            TimeFormat::Custom(format) => Timestamp::parse_with_format(&inner, format),
        };
        return parsed.ok_or_else(|| match format {
            TimeFormat::Custom(format) => Misfit::new(BadCause::WrongType, format!("{} is no time of the form '{format}'", found(text))),
            TimeFormat::Rfc3339 | TimeFormat::Epoch(_) if is_far_away(inner.trim()) => out_of_range(text),
            TimeFormat::Rfc3339 | TimeFormat::Epoch(_) => Misfit::new(BadCause::WrongType, format!("{} is no RFC 3339 time", found(text))),
        });
    }
    let unit = match format {
        TimeFormat::Rfc3339 => TimeUnit::Milli,
        TimeFormat::Epoch(unit) => *unit,
        TimeFormat::Custom(_) => return Err(unfit(text, &DataType::Timestamp)),
    };
    if !is_number_text(text) {
        return Err(unfit(text, &DataType::Timestamp));
    }
    match scaled(text, 0) {
        Scaled::Exact(value) => i64::try_from(value).ok().and_then(|v| Timestamp::from_epoch(v, unit)),
        Scaled::Fraction => return Err(Misfit::new(BadCause::WrongType, format!("{} has a fraction", found(text)))),
        Scaled::TooBig => None,
    }
    .ok_or_else(|| out_of_range(text))
}

fn out_of_range(text: &str) -> Misfit {
    Misfit::new(BadCause::TimeOutOfRange, format!("{} lies outside of the years 1678 to 2261", found(text)))
}

/// Whether the text would be a time, were its year nearer.
fn is_far_away(text: &str) -> bool {
    text.get(4..)
        .is_some_and(|rest| text.as_bytes()[..4].iter().all(u8::is_ascii_digit) && Timestamp::parse(&format!("2000{rest}")).is_some())
}

fn list<'line>(text: &'line str, item: &DataType, time_format: &TimeFormat) -> Converted<'line> {
    if !text.starts_with('[') {
        return Err(Misfit::new(BadCause::WrongType, format!("{} is no LIST<{item}>", found(text))));
    }
    let texts = items(text).map_err(|e| Misfit::new(BadCause::NotJson, e.to_string()))?;
    texts
        .into_iter()
        .map(|text| convert(text.get(), item, time_format).map(Value::into_owned))
        .collect::<Result<Vec<_>, _>>()
        .map(|values| Value::List(values.into()))
}

fn structure<'line>(text: &'line str, fields: &[Field], time_format: &TimeFormat) -> Converted<'line> {
    if !text.starts_with('{') {
        return Err(Misfit::new(BadCause::WrongType, format!("{} is no STRUCT", found(text))));
    }
    let texts: std::collections::HashMap<String, &RawValue> =
        serde_json::from_str(text).map_err(|e| Misfit::new(BadCause::LoneSurrogate, e.to_string()))?;
    fields
        .iter()
        .map(|field| match texts.get(&*field.name) {
            None => Ok(Value::Null),
            Some(text) => convert(text.get(), &field.data_type, time_format)
                .map(Value::into_owned)
                .map_err(|misfit| Misfit { detail: format!("field `{}`: {}", field.name, misfit.detail), ..misfit }),
        })
        .collect::<Result<Vec<_>, _>>()
        .map(|values| Value::Struct(values.into()))
}
