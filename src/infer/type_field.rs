//! Which field says what an event is: the one whose values best tell which keys the event has.
//!
//! A field that has the names that are looked for is taken at once, then `type` where it is text. Other fields have to have few values, in nearly every event. Of those, the field is taken
//! that foretells best, for every key that only some events have, whether an event has it; a name that means "kind of event" counts a
//! little for it. Where all events have the same keys, only such a name decides.

use std::collections::{BTreeMap, BTreeSet};

use super::event::{Event, Seen};

/// Names of fields that say what an event is, in lower case without signs between.
const NAMES: [&str; 16] = [
    "type",
    "eventtype",
    "eventid",
    "eventname",
    "eventkind",
    "kind",
    "event",
    "eventaction",
    "messagetype",
    "msgtype",
    "recordtype",
    "topic",
    "action",
    "eventcategory",
    "category",
    "name",
];
/// Values beyond this many are no types.
const VALUES_MAX: usize = 200;
/// How much a name is worth, as a part of keys foretold.
const BONUS: f64 = 0.05;

/// The path of the field, if there is one.
pub(super) fn choose(sample: &[Event], names: &[String]) -> Option<Vec<String>> {
    if let Some(path) = with_names(sample, names) {
        return Some(path);
    }
    let plain = vec!["type".to_owned()];
    if sample.iter().any(|event| matches!(&event.0, Seen::Object(fields) if fields.iter().any(is_type))) {
        return Some(plain);
    }
    let keys = keys_of_some(sample);
    let mut best: Option<(f64, Vec<String>)> = None;
    for path in candidates(sample) {
        let Some(values) = values_of(sample, &path) else { continue };
        let rank = rank(&path);
        if keys.is_empty() && rank.is_none() {
            continue;
        }
        let bonus = rank.map_or(0.0, |rank| BONUS - rank as f64 / 1000.0);
        let score = foretold(sample, &keys, &values) + bonus;
        if best.as_ref().is_none_or(|(found, _)| score > *found) {
            best = Some((score, path));
        }
    }
    // A field that foretells little is only a field.
    best.filter(|(score, path)| *score > 0.9 || keys.is_empty() && rank(path).is_some()).map(|(_, path)| path)
}

/// The field that has the most of these names as values; of several the first.
fn with_names(sample: &[Event], names: &[String]) -> Option<Vec<String>> {
    if names.is_empty() {
        return None;
    }
    let found = candidates(sample).into_iter().map(|path| {
        let values: BTreeSet<String> = sample.iter().filter_map(|event| event.text_at(&path)).collect();
        let is_plain = path == ["type"];
        (names.iter().filter(|name| values.contains(*name)).count() * 2 + usize::from(is_plain), path)
    });
    let best = found.reduce(|best, next| if next.0 > best.0 { next } else { best });
    best.filter(|(count, _)| *count >= 2).map(|(_, path)| path)
}

fn is_type((name, value): &(String, Seen)) -> bool {
    name == "type" && value.text().is_some() && !matches!(value, Seen::Int(_))
}

/// The place of a path among the names.
fn rank(path: &[String]) -> Option<usize> {
    let word: String = path.concat().chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase();
    NAMES.iter().position(|name| *name == word)
}

/// Paths of scalars at the top and one level below, in the order of their first coming.
fn candidates(sample: &[Event]) -> Vec<Vec<String>> {
    let mut known = BTreeSet::new();
    let mut found = Vec::new();
    let mut add = |path: Vec<String>| {
        if known.len() < 1000 && known.insert(path.clone()) {
            found.push(path);
        }
    };
    for event in sample {
        let Seen::Object(fields) = &event.0 else { continue };
        for (name, value) in fields {
            match value {
                Seen::Text(_) | Seen::Cell(_) | Seen::Int(_) => add(vec![name.clone()]),
                Seen::Object(inner) => {
                    inner.iter().filter(|(_, value)| value.text().is_some()).for_each(|(key, _)| add(vec![name.clone(), key.clone()]));
                }
                Seen::Null | Seen::Bool | Seen::Wide | Seen::Float | Seen::List(_) => {}
            }
        }
    }
    // A key with a dot cannot be written in a path.
    found.retain(|path| path.iter().all(|key| !key.is_empty() && !key.contains('.')));
    found
}

/// The value of each event, if they can be types: in nearly every event, few, and each more than once on average.
fn values_of(sample: &[Event], path: &[String]) -> Option<Vec<Option<String>>> {
    let values: Vec<Option<String>> = sample.iter().map(|event| event.text_at(path)).collect();
    let present = values.iter().flatten().count();
    let distinct: BTreeSet<&String> = values.iter().flatten().collect();
    // Of a few events any field could be one, unless it is named so.
    let most = if rank(path).is_some() { sample.len() / 2 + 1 } else { sample.len() / 8 };
    let few = distinct.len() <= VALUES_MAX.min(most) && distinct.iter().all(|value| value.len() <= 100);
    (few && present * 20 >= sample.len() * 19 && (distinct.len() > 1 || rank(path).is_some())).then_some(values)
}

/// For each key at the top that some events have and some have not: whether each has it.
fn keys_of_some(sample: &[Event]) -> Vec<Vec<bool>> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    let keys = |event: &'_ Event| -> BTreeSet<String> {
        let Seen::Object(fields) = &event.0 else { return BTreeSet::new() };
        fields
            .iter()
            .filter(|(_, value)| !matches!(value, Seen::Null) && *value != Seen::Cell(String::new()))
            .map(|f| f.0.clone())
            .collect()
    };
    let all: Vec<BTreeSet<String>> = sample.iter().map(keys).collect();
    for keys in &all {
        keys.iter().for_each(|key| *counts.entry(key).or_default() += 1);
    }
    let varying = counts.iter().filter(|(_, count)| **count * 50 > sample.len() && **count * 50 < sample.len() * 49).take(200);
    varying.map(|(key, _)| all.iter().map(|keys| keys.contains(*key)).collect()).collect()
}

/// How large a part of the keys is told by the value, on average.
fn foretold(sample: &[Event], keys: &[Vec<bool>], values: &[Option<String>]) -> f64 {
    let total: usize = keys
        .iter()
        .map(|has| {
            let mut by_value: BTreeMap<&Option<String>, (usize, usize)> = BTreeMap::new();
            for (value, has) in values.iter().zip(has) {
                let counts = by_value.entry(value).or_default();
                if *has { counts.0 += 1 } else { counts.1 += 1 }
            }
            by_value.values().map(|(with, without)| with.max(without)).sum::<usize>()
        })
        .sum();
    if keys.is_empty() { 0.0 } else { total as f64 / (keys.len() * sample.len()) as f64 }
}
