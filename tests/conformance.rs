//! The conformance cases through the engine: accepted or refused, the right rows, in time, and the same bytes however they are fed.
//! In: `../shared/conformance/*.jsonl` (skipped where it is not there). Out: a summary line a file, and every failure in words.
//! `KNOWN` names the cases that may fail, each with its reason; one that does not fail any more must leave the list.

#![allow(clippy::print_stdout, reason = "what is skipped or judged is told")]
#![allow(clippy::unwrap_used, reason = "a broken case should stop the test")]

mod support;

use serde_json::Value as Json;
use support::cases::{self, Case};
use support::engine::{self, Failure, Feed, Output};

/// Cases that are known to fail, and why.
const KNOWN: &[(&str, &str)] = &[];

/// Why a case fails; nothing where it is well.
fn failure(case: &Case) -> Option<String> {
    let lines: Vec<String> = case.input.iter().map(Json::to_string).collect();
    let whole = engine::run(&case.program, &lines, Feed::Whole(None));
    if let Some(category) = case.expect.get("error") {
        return match whole {
            Err(Failure::Refused(_)) => None,
            Err(Failure::Failed(why)) => Some(format!("to be refused ({category}), but it ran and failed: {why}")),
            Ok(_) => Some(format!("to be refused: {category}")),
        };
    }
    let output = match whole {
        Ok(output) => output,
        Err(Failure::Refused(why)) => return Some(format!("refused: {why}")),
        Err(Failure::Failed(why)) => return Some(format!("failed: {why}")),
    };
    let rows: Vec<Json> = output.rows.iter().map(|row| serde_json::from_str(row).unwrap()).collect();
    if let Some(difference) = cases::difference(&case.expect, &rows) {
        return Some(difference);
    }
    wrong_columns(case, &output).or_else(|| fed_otherwise(case, &lines, &output))
}

/// Checks the order of keys.
fn wrong_columns(case: &Case, output: &Output) -> Option<String> {
    let expected = case.columns.as_ref()?;
    let row = output.rows.first()?;
    let found: Vec<String> = keys_in_order(row).into_iter().filter(|k| k != "stream" || expected.contains(k)).collect();
    (*expected != found).then(|| format!("columns {expected:?} expected, {found:?} found"))
}

/// The keys of a JSON object as they stand in its text.
fn keys_in_order(row: &str) -> Vec<String> {
    let keys: std::cell::RefCell<Vec<String>> = Default::default();
    struct Keys<'a>(&'a std::cell::RefCell<Vec<String>>);
    impl<'de> serde::de::Visitor<'de> for Keys<'_> {
        type Value = ();
        fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("an object")
        }
        fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
            while let Some((key, _)) = map.next_entry::<String, serde::de::IgnoredAny>()? {
                self.0.borrow_mut().push(key);
            }
            Ok(())
        }
    }
    use serde::Deserializer;
    serde_json::Deserializer::from_str(row).deserialize_map(Keys(&keys)).unwrap();
    keys.into_inner()
}

/// Feeds the case in other portions: the same bytes must come out, and each row in time.
fn fed_otherwise(case: &Case, lines: &[String], whole: &Output) -> Option<String> {
    for feed in [Feed::OneByOne, Feed::Whole(Some(1)), Feed::Whole(Some(7)), Feed::Whole(Some(4096))] {
        let other = match engine::run(&case.program, lines, feed) {
            Ok(other) => other,
            Err(why) => return Some(format!("fed {feed:?}: {why:?}")),
        };
        if other.rows != whole.rows {
            return Some(format!(
                "fed {feed:?} gives\n      {}\n    instead of\n      {}",
                other.rows.join("\n      "),
                whole.rows.join("\n      ")
            ));
        }
        if feed == Feed::OneByOne
            && let Some(late) = too_late(case, &other)
        {
            return Some(late);
        }
    }
    None
}

/// Whether a row came later than it was certain.
fn too_late(case: &Case, output: &Output) -> Option<String> {
    let certain = case.certain_after.as_ref()?;
    let expected = case.expect["rows"].as_array()?;
    let mut free: Vec<usize> = (0..output.rows.len()).collect();
    for (row, certain) in expected.iter().zip(certain) {
        let at = free.iter().position(|i| cases::same_row(row, &serde_json::from_str(&output.rows[*i]).unwrap()))?;
        let found = output.after[free.remove(at)];
        let late = match (certain, found) {
            (None, _) => false,
            (Some(_), None) => true,
            (Some(certain), Some(found)) => found > *certain,
        };
        if late {
            return Some(format!("{row} is certain after {certain:?} events, but came after {found:?}"));
        }
    }
    None
}

fn file(name: &str) {
    let cases = cases::read(name);
    if cases.is_empty() {
        println!("{name}: not there, skipped");
        return;
    }
    let known = |id: &str| KNOWN.iter().find(|(known, _)| *known == id);
    let (mut failed, mut excused, mut healed) = (vec![], 0, vec![]);
    for case in &cases {
        match (failure(case), known(&case.id)) {
            (None, None) => {}
            (None, Some(_)) => healed.push(case.id.clone()),
            (Some(_), Some(_)) => excused += 1,
            (Some(why), None) => failed.push(format!("{}\n{}\n    {why}", case.id, case.program)),
        }
    }
    println!("{name:32} {:4} cases {:4} failed {excused:4} known to fail", cases.len(), failed.len());
    assert!(failed.is_empty(), "{name}: {} of {} failed\n{}", failed.len(), cases.len(), failed.join("\n"));
    assert!(healed.is_empty(), "{name}: these do not fail any more, take them from the list: {healed:?}");
}

#[test]
fn known_failures_have_reasons() {
    assert!(KNOWN.iter().all(|(id, why)| !id.is_empty() && why.len() > 10));
}

macro_rules! files {
    ($($test:ident $file:literal)*) => { $(#[test] fn $test() { file($file); })* };
}

files! {
    the_language_page "spec.jsonl"
    flink_patterns "flink_cep.dev.jsonl"
    siddhi_patterns "siddhi_pattern.dev.jsonl"
    siddhi_windows_and_joins "siddhi_window_join.dev.jsonl"
    siddhi_refusals "siddhi_invalid.dev.jsonl"
    trino_row_patterns "trino.dev.jsonl"
    trino_statics "mr_static.dev.jsonl"
    flink_row_patterns "flink_mr.dev.jsonl"
    row_patterns_by_hand "mr_spec.dev.jsonl"
    row_patterns_generated "mr_random.dev.jsonl"
}
