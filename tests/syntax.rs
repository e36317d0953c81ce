//! The parser over whole programs: the conformance programs where they are present, deep ones, long ones, and broken ones.

use std::path::{Path, PathBuf};

use betide::syntax::{self, ast};
use betide::text::{Source, render};

/// The programs of the conformance and benchmark files beside the repository (or where BETIDE_SHARED says), each with its id and whether its form is wrong.
fn shared_programs() -> Vec<(String, String, bool)> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared");
    let shared = std::env::var_os("BETIDE_SHARED").map_or(beside, PathBuf::from);
    let files = |folder: &str, ending: &str| -> Vec<PathBuf> {
        let Ok(entries) = std::fs::read_dir(shared.join(folder)) else { return Vec::new() };
        let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
        paths.retain(|path| path.extension().is_some_and(|found| found == ending));
        paths.sort();
        paths
    };
    let mut programs = Vec::new();
    for path in files("conformance", "jsonl") {
        for line in std::fs::read_to_string(path).unwrap().lines() {
            let case: serde_json::Value = serde_json::from_str(line).unwrap();
            let is_wrong = case["expect"]["error"] == "syntax";
            programs.push((case["id"].as_str().unwrap().to_owned(), case["program"].as_str().unwrap().to_owned(), is_wrong));
        }
    }
    for path in files("bench", "json") {
        let cases: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
        for case in cases.as_array().unwrap() {
            programs.push((case["name"].as_str().unwrap().to_owned(), case["program"].as_str().unwrap().to_owned(), false));
        }
    }
    if programs.is_empty() {
        println!("skipped: ../shared is not there");
    }
    programs
}

fn parse(text: &str) -> (ast::File, String) {
    let source = Source::new("test.tide", text);
    let (file, diagnostics) = syntax::parse(&source);
    let mut told = render(&diagnostics, &source, false);
    if !diagnostics.is_empty() && told.is_empty() {
        told = format!("{diagnostics:#?}");
    }
    (file, told)
}

#[test]
fn every_shared_program_parses() {
    let mut wrong = Vec::new();
    for (id, program, is_wrong) in shared_programs() {
        let (file, told) = parse(&program);
        if !is_wrong && (!told.is_empty() || file.statements.len() != program.matches(';').count()) {
            wrong.push(format!("{id}\n{program}\n{told}"));
        }
    }
    assert!(wrong.is_empty(), "{} programs do not parse:\n{}", wrong.len(), wrong.join("\n"));
}
