//! Whether a row is the one that is expected: the columns that are named have these values, as values and not as text.

use betide::{DataType, Duration, OutputRow, Timestamp};

use super::parse::{Fields, Text, time_of_day};

/// Why a row is not the expected one; nothing if it is. Times of day are those of the day of `start`.
pub(super) fn difference(row: &OutputRow, expected: &Fields, start: Timestamp) -> Option<String> {
    if let Some(json) = &expected.json {
        let found = row.to_json();
        return (!same_json(&found, json)).then_some(String::new());
    }
    let stream = row.stream().unwrap_or("row");
    if stream != expected.stream {
        return Some(format!("the stream is {stream}"));
    }
    let texts: Vec<Option<String>> = row.texts().collect();
    for (name, value) in &expected.values {
        let Some(index) = row.schema().index_of(name) else {
            let names: Vec<&str> = row.schema().fields().iter().map(|field| &*field.name).collect();
            return Some(format!("{stream} has no column `{name}`: it has {}", names.join(", ")));
        };
        let data_type = &row.schema().fields()[index].data_type;
        if !is_value(texts[index].as_deref(), value, data_type, start) {
            return Some(format!("{name} is {}", texts[index].as_deref().unwrap_or("null")));
        }
    }
    None
}

fn is_value(found: Option<&str>, expected: &Text, data_type: &DataType, start: Timestamp) -> bool {
    let is_null = !expected.is_quoted && expected.text.eq_ignore_ascii_case("null");
    let Some(found) = found else { return is_null };
    let text = expected.text.as_str();
    match data_type {
        _ if is_null => false,
        DataType::Bool => found.eq_ignore_ascii_case(text),
        DataType::Int | DataType::Float | DataType::Decimal { .. } => is_number(found, text),
        DataType::Timestamp => time(text, start).is_some_and(|time| Timestamp::parse(found) == Some(time)),
        DataType::Duration => Duration::parse(text).is_some_and(|length| Duration::parse(found) == Some(length)),
        DataType::List(_) | DataType::Struct(_) | DataType::Json => same_json(found, text),
        DataType::String | DataType::Null => found == text,
    }
}

/// A time as it is written in a test.
pub(super) fn time(text: &str, start: Timestamp) -> Option<Timestamp> {
    let day = Timestamp(start.0 - start.0.rem_euclid(86_400_000_000_000));
    time_of_day(text).map(|in_day| day.saturating_add(in_day)).or_else(|| Timestamp::parse(text))
}

fn is_number(found: &str, expected: &str) -> bool {
    match (found.parse::<i128>(), expected.parse::<i128>()) {
        (Ok(found), Ok(expected)) => found == expected,
        _ => matches!((found.parse::<f64>(), expected.parse::<f64>()), (Ok(found), Ok(expected)) if found == expected),
    }
}

fn same_json(found: &str, expected: &str) -> bool {
    match (serde_json::from_str::<serde_json::Value>(found), serde_json::from_str::<serde_json::Value>(expected)) {
        (Ok(found), Ok(expected)) => found == expected,
        _ => false,
    }
}

/// A row as it would be written in a test.
pub(super) fn written(row: &OutputRow) -> String {
    let mut text = row.stream().unwrap_or("row").to_owned();
    for (field, value) in row.schema().fields().iter().zip(row.texts()) {
        let value = match value {
            None => "null".to_owned(),
            Some(value) => {
                let is_text = field.data_type == DataType::String;
                let is_odd = value.is_empty() || value.contains(char::is_whitespace) || value.starts_with(['\'', '[', '{', '@']);
                let means_null = value.eq_ignore_ascii_case("null");
                if is_text && (is_odd || means_null) || value.contains(' ') && !value.starts_with(['[', '{']) {
                    format!("'{}'", value.replace('\'', "''"))
                } else {
                    value
                }
            }
        };
        let name = &field.name;
        let name = if name.contains(char::is_whitespace) { format!("\"{name}\"") } else { name.to_string() };
        text += &format!(" {name}={value}");
    }
    text
}
