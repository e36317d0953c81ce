//! What the checker says of patterns: the code tables, and every program of the shared cases, accepted or refused as they expect.

use std::path::{Path, PathBuf};

use betide::semantics::{CheckOptions, PATTERN_CODES, ROW_PATTERN_CODES, check};
use betide::syntax::{CodeEntry, parse};
use betide::text::{Diagnostics, Severity, Source};

fn checked(program: &str, endless: bool) -> Diagnostics {
    let (file, mut diagnostics) = parse(&Source::new("program.tide", program));
    if !diagnostics.has_errors() {
        diagnostics.extend(check(&file, &CheckOptions { endless, ..CheckOptions::default() }).1);
    }
    diagnostics
}

fn said(diagnostics: &Diagnostics) -> String {
    diagnostics.iter().map(|d| format!("{} {}", d.code, d.message)).collect::<Vec<_>>().join("; ")
}

fn check_table(table: &[CodeEntry]) {
    let mut wrong = Vec::new();
    for entry in table {
        let of_wrong = checked(entry.wrong, false);
        if of_wrong.iter().next().map(|d| d.code) != Some(entry.code) {
            wrong.push(format!("{}: the wrong program gives [{}]", entry.code, said(&of_wrong)));
        }
        let of_right = checked(entry.right, false);
        if of_right.has_errors() || of_right.iter().any(|d| d.code == entry.code) {
            wrong.push(format!("{}: the right program gives [{}]", entry.code, said(&of_right)));
        }
        for diagnostic in of_wrong.iter() {
            assert!(diagnostic.primary.span.start < diagnostic.primary.span.end, "{} points nowhere", diagnostic.code);
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn each_code_of_from_pattern_has_a_wrong_and_a_right_program() {
    check_table(PATTERN_CODES);
}

#[test]
fn each_code_of_match_recognize_has_a_wrong_and_a_right_program() {
    check_table(ROW_PATTERN_CODES);
}

#[test]
fn codes_are_unique() {
    let mut codes: Vec<_> = PATTERN_CODES.iter().chain(ROW_PATTERN_CODES).map(|entry| entry.code).collect();
    codes.sort();
    let all = codes.len();
    codes.dedup();
    assert_eq!(codes.len(), all);
}

/// The shared cases of a file: their ids, programs and the category of the refusal that is expected, if one is.
fn cases(file: &str) -> Option<Vec<(String, String, Option<String>)>> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared");
    let path = std::env::var_os("BETIDE_SHARED").map_or(beside, PathBuf::from).join("conformance").join(file);
    let Ok(text) = std::fs::read_to_string(&path) else {
        println!("skipped: {} is not here", path.display());
        return None;
    };
    let case = |line: &str| {
        let value: serde_json::Value = serde_json::from_str(line).expect("each line is JSON");
        let text = |value: &serde_json::Value| value.as_str().map(str::to_owned);
        (text(&value["id"]).expect("a case has an id"), text(&value["program"]).expect("and a program"), text(&value["expect"]["error"]))
    };
    Some(text.lines().map(case).collect())
}

fn check_cases(file: &str) {
    let Some(cases) = cases(file) else { return };
    let mut mismatches = Vec::new();
    let all = cases.len();
    for (id, program, refusal) in cases {
        let diagnostics = checked(&program, false);
        let errors: Vec<String> =
            diagnostics.iter().filter(|d| d.severity == Severity::Error).map(|d| format!("{} {}", d.code, d.message)).collect();
        match (&refusal, errors.is_empty()) {
            (Some(category), true) => mismatches.push(format!("{id}: accepted, expected {category}")),
            (None, false) => mismatches.push(format!("{id}: {}", errors.join("; "))),
            (Some(category), false) => println!("{file} {id}: {category}: {}", errors.join("; ")),
            (None, true) => {}
        }
    }
    assert!(mismatches.is_empty(), "{file}: {} of {all}\n{}", mismatches.len(), mismatches.join("\n"));
}

#[test]
fn the_language_page_checks() {
    check_cases("spec.jsonl");
}

#[test]
fn flink_cep_checks() {
    check_cases("flink_cep.dev.jsonl");
}

#[test]
fn siddhi_checks() {
    check_cases("siddhi_pattern.dev.jsonl");
}

#[test]
fn siddhi_refusals_are_refused() {
    check_cases("siddhi_invalid.dev.jsonl");
}

#[test]
fn row_patterns_check() {
    for file in ["trino.dev.jsonl", "mr_spec.dev.jsonl", "mr_random.dev.jsonl", "flink_mr.dev.jsonl"] {
        check_cases(file);
    }
}

#[test]
fn static_row_patterns_are_refused_as_the_page_says() {
    check_cases("mr_static.dev.jsonl");
}
