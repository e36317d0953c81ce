//! Typos in good programs (`tests/corpus/typos.jsonl`: the wrong word, the right one, the program): what was meant is suggested first, few
//! words are suggested, and all mistakes of a file are told at once.
#![allow(clippy::unwrap_used, reason = "a broken test should stop")]

use std::fs;
use std::path::Path;

use betide::Engine;
use serde::Deserialize;

#[derive(Deserialize)]
struct Typo {
    wrong: String,
    right: String,
    program: String,
}

fn corpus() -> Vec<Typo> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus/typos.jsonl");
    let text = fs::read_to_string(path).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// What each "did you mean" of a program suggests, in order.
fn suggestions(program: &str) -> Vec<Vec<String>> {
    let Err(mistakes) = Engine::compile(program) else { panic!("this compiles:\n{program}") };
    let hints = mistakes.iter().flat_map(|mistake| &mistake.hints).filter_map(|hint| hint.strip_prefix("did you mean "));
    hints.map(|hint| hint.split('`').skip(1).step_by(2).map(str::to_owned).collect()).collect()
}

#[test]
fn what_was_meant_is_suggested_first() {
    let corpus = corpus();
    assert!(corpus.len() >= 100, "{} typos", corpus.len());
    let mut missed = Vec::new();
    for typo in &corpus {
        assert!(typo.program.contains(&typo.wrong), "{}", typo.program);
        let found = suggestions(&typo.program);
        assert!(found.iter().all(|words| words.len() <= 3), "{}: {found:?}", typo.wrong);
        if found.first().and_then(|words| words.first()) != Some(&typo.right) {
            missed.push(format!("{} for {}: {found:?}", typo.right, typo.wrong));
        }
    }
    let right = corpus.len() - missed.len();
    assert!(right * 100 >= corpus.len() * 95, "{right} of {}\n{}", corpus.len(), missed.join("\n"));
}

#[test]
fn several_mistakes_are_told_at_once() {
    let program = "CREATE STREAM Login (user STRNG, at TIMESTAMP) TIMESTAMP BY at;\n\
                   SELECT usr FROM Logn;\nSELECT UPER(user) AS u FROM Login;\nSELCT user FROM Login;\nSELECT user FROM Login LIMT 5;";
    let found: Vec<String> = suggestions(program).into_iter().map(|words| words[0].clone()).collect();
    assert_eq!(found, ["STRING", "Login", "UPPER", "SELECT", "LIMIT"]);
}
