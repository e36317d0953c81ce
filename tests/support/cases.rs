//! Cases as JSON lines, input events in their order, and how rows are compared.
//! In: files of the conformance folder, raw JSON events. Out: typed events in the order that the language page fixes; differences in words.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde_json::Value as Json;

use super::expr::{Event, Value, order};
use super::program::StreamDef;

/// One case of the conformance folder.
#[derive(Debug, Clone)]
pub struct Case {
    pub id: String,
    pub program: String,
    pub input: Vec<Json>,
    pub expect: Json,
    pub columns: Option<Vec<String>>,
    pub certain_after: Option<Vec<Option<usize>>>,
}

/// The conformance folder, if it is there: beside the package, or where `BETIDE_CONFORMANCE` says.
pub fn folder() -> Option<PathBuf> {
    let beside = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/conformance");
    let path = std::env::var_os("BETIDE_CONFORMANCE").map_or(beside, PathBuf::from);
    path.is_dir().then_some(path)
}

/// The cases of one file; none where the file is missing.
pub fn read(file: &str) -> Vec<Case> {
    let Some(text) = folder().and_then(|f| std::fs::read_to_string(f.join(file)).ok()) else { return vec![] };
    text.lines().filter(|line| !line.trim().is_empty()).map(case).collect()
}

fn case(line: &str) -> Case {
    let json: Json = serde_json::from_str(line).unwrap();
    let strings = |v: &Json| v.as_array().unwrap().iter().map(|s| s.as_str().unwrap().to_owned()).collect();
    let counts = |v: &Json| v.as_array().unwrap().iter().map(|n| n.as_u64().map(|n| n as usize)).collect();
    Case {
        id: json["id"].as_str().unwrap().to_owned(),
        program: json["program"].as_str().unwrap().to_owned(),
        input: json.get("input").and_then(|i| i.as_array().cloned()).unwrap_or_default(),
        expect: json["expect"].clone(),
        columns: json["expect"].get("columns").filter(|c| c.is_array()).map(strings),
        certain_after: json["expect"].get("certain_after").filter(|c| c.is_array()).map(counts),
    }
}

/// Reads the input as the streams' events: routed, typed, late ones left out, in order.
pub fn events(streams: &[StreamDef], input: &[Json]) -> Result<Vec<Event>, String> {
    let mut newest: BTreeMap<&str, i64> = BTreeMap::new();
    let mut out: Vec<(i64, Vec<Value>, usize, Event)> = Vec::new();
    for (arrival, json) in input.iter().enumerate() {
        let Some(stream) = route(streams, json) else { continue };
        let event = typed(stream, json)?;
        let newest = newest.entry(stream.name.as_str()).or_insert(event.time);
        if event.time < *newest - stream.delay {
            continue;
        }
        *newest = event.time.max(*newest);
        let ties = stream.ties.iter().map(|t| event.columns[t].clone()).collect();
        out.push((event.time, ties, arrival, event));
    }
    out.sort_by(|a, b| {
        let ties = a.1.iter().zip(&b.1).map(|(x, y)| order(x, y).unwrap_or(std::cmp::Ordering::Equal)).find(|o| o.is_ne());
        a.0.cmp(&b.0).then(ties.unwrap_or(std::cmp::Ordering::Equal)).then(a.2.cmp(&b.2))
    });
    Ok(out.into_iter().map(|row| row.3).collect())
}

fn route<'a>(streams: &'a [StreamDef], json: &Json) -> Option<&'a StreamDef> {
    if let [only] = streams {
        return Some(only);
    }
    streams.iter().find(|s| json["type"] == s.name.as_str())
}

fn typed(stream: &StreamDef, json: &Json) -> Result<Event, String> {
    let mut columns = BTreeMap::new();
    for (name, kind) in &stream.columns {
        columns.insert(name.clone(), value(kind, json.get(name).unwrap_or(&Json::Null))?);
    }
    let Some(Value::Time(time)) = columns.get(&stream.time) else { return Err(format!("the time of {json}")) };
    let names = stream.columns.iter().map(|(n, _)| n.clone()).collect();
    Ok(Event { stream: stream.name.clone(), time: *time, columns, names })
}

fn value(kind: &str, json: &Json) -> Result<Value, String> {
    if json.is_null() {
        return Ok(Value::Null);
    }
    let read = match kind {
        "INT" | "BIGINT" | "INTEGER" => json.as_i64().map(Value::Int),
        "FLOAT" | "DOUBLE" => json.as_f64().map(Value::Float),
        "STRING" | "VARCHAR" | "TEXT" => json.as_str().map(|s| Value::Text(s.to_owned())),
        "BOOL" | "BOOLEAN" => json.as_bool().map(Value::Bool),
        "TIMESTAMP" => match json {
            Json::String(text) => chrono::DateTime::parse_from_rfc3339(text).ok().and_then(|t| t.timestamp_nanos_opt()).map(Value::Time),
            other => other.as_i64().map(|ms| Value::Time(ms * 1_000_000)),
        },
        _ => None,
    };
    read.ok_or_else(|| format!("{json} as {kind}"))
}

/// Whether two JSON values are the same: 1 is 1.0, floats to nine digits, keys in any order.
pub fn same(expected: &Json, found: &Json) -> bool {
    match (expected, found) {
        (Json::Number(a), Json::Number(b)) => {
            let (a, b) = (a.as_f64().unwrap(), b.as_f64().unwrap());
            a == b || (a - b).abs() <= 1e-9 * a.abs().max(b.abs())
        }
        (Json::Array(a), Json::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        (Json::Object(a), Json::Object(b)) => a.len() == b.len() && a.iter().all(|(k, v)| b.get(k).is_some_and(|w| same(v, w))),
        (a, b) => a == b,
    }
}

/// Whether a row is as expected; its `stream` counts only where the expected one has it.
pub fn same_row(expected: &Json, found: &Json) -> bool {
    if expected.get("stream").is_some() || found.get("stream").is_none() {
        return same(expected, found);
    }
    let mut found = found.clone();
    found.as_object_mut().unwrap().remove("stream");
    same(expected, &found)
}

/// The difference between expected and found rows, in words; nothing where they agree.
pub fn difference(expect: &Json, found: &[Json]) -> Option<String> {
    if let Some(count) = expect.get("count").and_then(Json::as_u64) {
        return (count != found.len() as u64).then(|| format!("{count} rows expected, {} found", found.len()));
    }
    let expected = expect["rows"].as_array().unwrap();
    let ordered = expect["ordered"].as_bool().unwrap_or(true);
    let agree = if ordered {
        expected.len() == found.len() && expected.iter().zip(found).all(|(e, f)| same_row(e, f))
    } else {
        same_bag(expected, found)
    };
    let show = |rows: &[Json]| rows.iter().map(Json::to_string).collect::<Vec<_>>().join("\n      ");
    (!agree)
        .then(|| format!("expected{}\n      {}\n    found\n      {}", if ordered { " in order" } else { "" }, show(expected), show(found)))
}

/// Whether two lists hold the same rows, each as often.
pub fn same_bag(expected: &[Json], found: &[Json]) -> bool {
    let mut rest: Vec<&Json> = found.iter().collect();
    expected.len() == found.len()
        && expected.iter().all(|e| match rest.iter().position(|f| same_row(e, f)) {
            Some(at) => {
                rest.swap_remove(at);
                true
            }
            None => false,
        })
}
