//! The grammar for editors knows every keyword of the language, and its package names files that are there.
#![allow(clippy::unwrap_used, reason = "a broken test should stop")]

use std::fs;
use std::path::Path;

use serde_json::Value as Json;

fn read(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn json(path: &str) -> Json {
    serde_json::from_str(&read(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// All `match` and `begin` texts of a TextMate grammar.
fn expressions(grammar: &Json, into: &mut Vec<String>) {
    match grammar {
        Json::Object(fields) => {
            for (name, value) in fields {
                match value.as_str() {
                    Some(text) if name == "match" || name == "begin" => into.push(text.to_lowercase()),
                    _ => expressions(value, into),
                }
            }
        }
        Json::Array(items) => items.iter().for_each(|item| expressions(item, into)),
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) => {}
    }
}

#[test]
fn every_keyword_is_coloured() {
    let mut found = Vec::new();
    expressions(&json("editors/vscode/syntaxes/tide.tmLanguage.json"), &mut found);
    let words: Vec<&str> = found.iter().flat_map(|text| text.split(|c: char| !c.is_alphanumeric() && c != '_')).collect();
    let grammar = read("grammar/betide.pest");
    let keywords: Vec<&str> = grammar.lines().filter_map(|line| line.strip_prefix("kw_")?.split_whitespace().next()).collect();
    assert!(keywords.len() > 100, "the keywords are found");
    let missing: Vec<&&str> = keywords.iter().filter(|keyword| !words.contains(*keyword)).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn the_package_is_whole() {
    let package = json("editors/vscode/package.json");
    let language = &package["contributes"]["languages"][0];
    let grammar = &package["contributes"]["grammars"][0];
    assert_eq!(language["id"], grammar["language"]);
    assert_eq!(language["extensions"][0], ".tide");
    for path in [&language["configuration"], &grammar["path"]] {
        json(&format!("editors/vscode/{}", path.as_str().unwrap().trim_start_matches("./")));
    }
}
