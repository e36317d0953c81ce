//! What became of the lines that gave no event of a stream: bad ones, and those whose type is nobody's.

use std::collections::BTreeMap;

use serde_json::Value as Json;

/// Lost lines that are kept.
const LOST_KEPT: usize = 2_000;
/// Types that are told apart.
const TYPES_KEPT: usize = 1_000;

/// A line that was lost.
#[derive(Debug, Clone)]
pub(crate) struct Lost {
    /// Its number over all inputs.
    pub(crate) line: u32,
    /// What it says its type is.
    pub(crate) kind: Option<String>,
    /// The object, where it is one.
    pub(crate) json: Option<Json>,
    /// The line itself, or the beginning of it.
    pub(crate) text: String,
    /// Why it is bad; nothing where it is of no stream.
    pub(crate) bad: Option<String>,
}

/// All that was lost on the way in.
#[derive(Debug, Default)]
pub(crate) struct Intake {
    pub(crate) lost: Vec<Lost>,
    /// Types of events that are of no stream, and how many there were.
    pub(crate) types: BTreeMap<String, u64>,
    pub(crate) unrouted: u64,
    pub(crate) bad: u64,
}

impl Intake {
    /// A line that was no good, or of no stream; `field` is the path of its type.
    pub(crate) fn lose(&mut self, line: u32, bytes: &[u8], field: &[String], bad: Option<String>) {
        let text: String = String::from_utf8_lossy(bytes).trim_end().chars().take(2_000).collect();
        let json: Option<Json> = serde_json::from_slice(bytes).ok().filter(Json::is_object);
        let kind = json.as_ref().and_then(|json| at(json, field)).map(json_text);
        if bad.is_some() {
            self.bad += 1;
        } else {
            self.unrouted += 1;
            let named = kind.clone().unwrap_or_else(|| "(none)".to_owned());
            if self.types.len() < TYPES_KEPT || self.types.contains_key(&named) {
                *self.types.entry(named).or_default() += 1;
            }
        }
        if self.lost.len() < LOST_KEPT {
            self.lost.push(Lost { line, kind, json, text, bad });
        }
    }
}

impl Lost {
    /// Whether a field has this value, as text. Of a line that is no object, whether it has that text in it.
    pub(crate) fn has(&self, path: &[String], value: &str) -> bool {
        match &self.json {
            Some(json) => at(json, path).is_some_and(|found| json_text(found) == value),
            None => self.text.contains(value),
        }
    }
}

fn at<'j>(json: &'j Json, path: &[String]) -> Option<&'j Json> {
    path.iter().try_fold(json, |json, name| json.get(name))
}

fn json_text(json: &Json) -> String {
    match json {
        Json::String(text) => text.clone(),
        other => other.to_string(),
    }
}
