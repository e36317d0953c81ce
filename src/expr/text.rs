//! Values as text, as `CAST(x AS STRING)`, `||` and CONCAT give it: the same text that the row writer shows, without quotes around strings.

use std::borrow::Cow;

use serde_json::Value as Json;

use crate::data::{DataType, Value};

/// The value's text; NULL has none. The type names the fields of structs.
pub(super) fn text_of<'a>(value: Value<'a>, data_type: &DataType) -> Option<Cow<'a, str>> {
    Some(match value {
        Value::Null => return None,
        Value::String(text) | Value::Json(text) => text,
        Value::Bool(v) => Cow::Borrowed(if v { "true" } else { "false" }),
        Value::Int(v) => Cow::Owned(itoa::Buffer::new().format(v).to_owned()),
        Value::Float(v) => Cow::Owned(float_text(v)),
        Value::Decimal(v) => Cow::Owned(v.to_string()),
        Value::Timestamp(v) => Cow::Owned(v.to_string()),
        Value::Duration(v) => Cow::Owned(v.to_string()),
        list_or_struct @ (Value::List(_) | Value::Struct(_)) => {
            let mut out = String::new();
            write_json(&mut out, &list_or_struct, data_type);
            Cow::Owned(out)
        }
    })
}

/// The shortest text that reads back the same.
pub(super) fn float_text(value: f64) -> String {
    if value.is_nan() {
        "NaN".to_owned()
    } else if value.is_infinite() {
        if value > 0.0 { "Infinity" } else { "-Infinity" }.to_owned()
    } else {
        zmij::Buffer::new().format(value).to_owned()
    }
}

/// The value as JSON text. It nests as deep as its type does.
pub(super) fn write_json(out: &mut String, value: &Value<'_>, data_type: &DataType) {
    match (value, data_type) {
        (Value::Null, _) => out.push_str("null"),
        (Value::Float(v), _) if !v.is_finite() => out.push_str("null"),
        (Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::Decimal(_) | Value::Json(_), _) => {
            out.push_str(&text_of(value.borrowed(), data_type).expect("it is not NULL"));
        }
        (Value::String(_) | Value::Timestamp(_) | Value::Duration(_), _) => {
            let text = text_of(value.borrowed(), data_type).expect("it is not NULL");
            out.push_str(&Json::String(text.into_owned()).to_string());
        }
        (Value::List(items), _) => {
            let item_type = if let DataType::List(item) = data_type { item } else { &DataType::Null };
            write_items(out, ['[', ']'], items.iter().map(|item| (None, item, item_type)));
        }
        (Value::Struct(items), DataType::Struct(fields)) => {
            write_items(out, ['{', '}'], fields.iter().zip(items.iter()).map(|(f, item)| (Some(&*f.name), item, &f.data_type)));
        }
        (Value::Struct(items), _) => write_items(out, ['[', ']'], items.iter().map(|item| (None, item, &DataType::Null))),
    }
}

fn write_items<'v>(out: &mut String, brackets: [char; 2], items: impl Iterator<Item = (Option<&'v str>, &'v Value<'v>, &'v DataType)>) {
    out.push(brackets[0]);
    for (i, (name, item, data_type)) in items.enumerate() {
        if i > 0 {
            out.push(',');
        }
        if let Some(name) = name {
            out.push_str(&Json::String(name.to_owned()).to_string());
            out.push(':');
        }
        write_json(out, item, data_type);
    }
    out.push(brackets[1]);
}
