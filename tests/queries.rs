//! Every program in `queries/` does what it says: its events give the bytes of its expected rows, in batches of any size, and every event
//! is accounted for. A program without events, or without a row to expect, is a mistake.
#![allow(clippy::unwrap_used, reason = "a broken test should stop")]

use std::fs;
use std::path::{Path, PathBuf};

use betide::syntax::format;
use betide::text::Source;
use betide::{Engine, Options};

/// The programs, in the order of their names.
fn programs() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("queries");
    let mut found: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    found.retain(|path| path.extension().is_some_and(|e| e == "tide"));
    found.sort();
    assert!(found.len() >= 20, "there are {} programs", found.len());
    found
}

/// What stands beside a program.
fn beside(program: &Path, what: &str) -> String {
    let path = program.with_extension(what);
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    assert!(!text.trim().is_empty(), "{} is empty", path.display());
    text
}

fn run(program: &Path, batch_size: usize) -> String {
    let name = program.file_name().unwrap().to_string_lossy().into_owned();
    let folder = program.parent().map(Path::to_path_buf);
    let options = Options { name, batch_size, folder, ..Options::default() };
    let mut engine = Engine::with_options(&fs::read_to_string(program).unwrap(), &options).unwrap_or_else(|error| panic!("{error}"));
    assert!(engine.warnings().is_empty(), "{}: {:?}", options.name, engine.warnings());
    let mut rows = Vec::new();
    let account = |engine: &Engine| {
        let stats = engine.stats();
        assert_eq!(stats.events, stats.processed + stats.late + stats.unrouted + stats.bad, "{}", options.name);
        stats
    };
    let events = beside(program, "events.jsonl");
    for line in events.split_inclusive('\n') {
        engine.push_json(line.as_bytes()).unwrap();
        account(&engine);
    }
    engine.finish().unwrap();
    engine.write_rows(&mut rows).unwrap();
    let stats = account(&engine);
    assert_eq!(stats.events, events.lines().count() as u64, "{}", options.name);
    assert_eq!(stats.eval_nulls, 0, "{}", options.name);
    // SUPPRESS keeps a key for as long as its next row has held-back ones to tell of.
    let is_empty = |o: &betide::engine::OperatorStats| o.held == 0 && o.dropped == 0 && (o.keys == 0 || o.name.ends_with("suppress"));
    assert!(stats.operators.iter().all(is_empty), "{}: {:?}", options.name, stats.operators);
    String::from_utf8(rows).unwrap()
}

#[test]
fn every_query_gives_its_expected_rows() {
    for program in programs() {
        let expected = beside(&program, "expected.jsonl");
        for batch_size in [1, 7, 4096] {
            assert_eq!(run(&program, batch_size), expected, "{} in batches of {batch_size}", program.display());
        }
    }
}

#[test]
#[cfg(feature = "cli")]
fn every_query_has_tests_and_they_hold() {
    for program in programs() {
        assert!(beside(&program, "test").lines().filter(|line| line.starts_with("test ")).count() >= 2, "{}", program.display());
    }
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_betide"));
    let output = command.args(["test", "queries"]).current_dir(env!("CARGO_MANIFEST_DIR")).output().unwrap();
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{told}\n{}", String::from_utf8_lossy(&output.stderr));
    assert!(!told.contains("was never reached"), "{told}");
}

#[test]
fn every_query_is_laid_out() {
    for program in programs() {
        let text = fs::read_to_string(&program).unwrap();
        let laid_out = format(&Source::new(program.display().to_string(), text.as_str())).unwrap();
        assert!(laid_out == text, "{}: run betide fmt", program.display());
    }
}

#[test]
fn every_query_says_what_it_finds() {
    for program in programs() {
        let text = fs::read_to_string(&program).unwrap();
        let comment = text.lines().take_while(|line| line.starts_with("-- ")).count();
        assert!((1..=3).contains(&comment), "{} begins with {comment} lines of comment", program.display());
    }
}

#[test]
fn every_file_belongs_to_a_query() {
    for entry in fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("queries")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let stem = name.split_once('.').map_or(&*name, |(stem, _)| stem);
        let expected = ["tide", "events.jsonl", "expected.jsonl", "test"].map(|end| format!("{stem}.{end}"));
        let is_table = name.ends_with(".csv");
        assert!(expected.contains(&name) || is_table, "{name}");
        assert!(Path::new(env!("CARGO_MANIFEST_DIR")).join("queries").join(&expected[0]).exists(), "{name} belongs to no query");
    }
}

#[test]
fn every_query_has_bounded_state_and_so_may_run_for_ever() {
    for program in programs() {
        let options = Options { endless: true, ..Options::default() };
        let engine = Engine::with_options(&fs::read_to_string(&program).unwrap(), &options).unwrap_or_else(|error| panic!("{error}"));
        assert!(engine.warnings().is_empty(), "{}: {:?}", program.display(), engine.warnings());
    }
}
