//! Behaviour in cases that a user can read and extend without knowing Rust: `tests/suite/**/*.md`.
//!
//! A case is a heading that says what it proves, a sentence or two, a program in a block of `sql`, events in a block of `jsonl`, and the rows
//! that come out in a second block of `jsonl`; or, for a program that is refused or warned of, what is told in a block of `text`, with or without
//! events and rows before it. A block of `explain` has what `betide explain` says of the program's patterns. `BETIDE_FILL=1` writes what comes out and what is told into the files, to be read before it is kept.
//! Each case runs with batches of 1, 7 and 4096 events, and line by line, and must give the same bytes. The folder `errors` is run by
//! `tests/semantics.rs`.

#![allow(clippy::unwrap_used, reason = "a broken case should stop the test")]

mod support;

use std::fs;
use std::path::{Path, PathBuf};

use betide::Engine;
use betide::text::render;
use support::engine::{self, Failure, Feed};

/// A case of a file.
#[derive(Debug)]
struct Case {
    title: String,
    program: String,
    events: Option<String>,
    /// The rows, where the case has events.
    rows: Option<String>,
    /// What is told of the program.
    told: Option<String>,
    /// What `explain` says of its patterns.
    explained: Option<String>,
    /// The blocks as they stand in the file.
    body: String,
}

/// The blocks of a section: their kinds and texts, in order.
fn blocks(section: &str) -> Vec<(String, String)> {
    let mut found: Vec<(String, String)> = Vec::new();
    let mut is_open = false;
    for line in section.lines() {
        match line.strip_prefix("```") {
            Some(kind) if !is_open => {
                found.push((kind.to_owned(), String::new()));
                is_open = true;
            }
            Some(_) => is_open = false,
            None if is_open => {
                let text = &mut found.last_mut().unwrap().1;
                text.push_str(line);
                text.push('\n');
            }
            None => {}
        }
    }
    assert!(!is_open, "a block has no end in\n{section}");
    found
}

fn case(section: &str) -> Case {
    let title = section.lines().next().unwrap_or_default().to_owned();
    let mut case = Case { title, program: String::new(), events: None, rows: None, told: None, explained: None, body: section.to_owned() };
    for (kind, text) in blocks(section) {
        match (kind.as_str(), &case.events, &case.rows) {
            ("sql", None, _) => case.program = text,
            ("jsonl", None, _) => case.events = Some(text),
            ("jsonl", Some(_), None) => case.rows = Some(text),
            ("text", ..) => case.told = Some(text),
            ("explain", ..) => case.explained = Some(text),
            (other, ..) => panic!("{}: a block of `{other}` is not expected here", case.title),
        }
    }
    assert!(!case.program.is_empty(), "{}: no program", case.title);
    assert!(case.events.is_some() == case.rows.is_some(), "{}: events and rows stand together", case.title);
    assert!(case.rows.is_some() || case.told.is_some() || case.explained.is_some(), "{}: nothing is expected", case.title);
    let sentence = section.lines().skip(1).take_while(|line| !line.starts_with("```")).any(|line| !line.trim().is_empty());
    assert!(sentence, "{}: a sentence says what it is about", case.title);
    case
}

/// All files of the suite but those of `errors`.
fn files() -> Vec<PathBuf> {
    let mut open = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/suite")];
    let mut found = Vec::new();
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() && !path.ends_with("errors") {
                open.push(path);
            } else if path.extension().is_some_and(|e| e == "md") && !path.ends_with("README.md") {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

/// What is told of a program: its mistakes, or what it is warned of.
fn told(program: &str) -> String {
    let engine = Engine::with_options(program.trim_end(), &betide::Options { name: "q.tide".to_owned(), ..Default::default() });
    let text = match engine {
        Ok(engine) => render(engine.warnings(), engine.source(), false),
        Err(refused) => refused.to_string(),
    };
    let text = text.trim_end();
    if text.is_empty() { String::new() } else { format!("{text}\n") }
}

/// The sentences on the patterns of a program.
fn explained(program: &str) -> String {
    let Ok(engine) = Engine::compile(program) else { return String::new() };
    let text = engine.explain();
    let is_pattern = |part: &&str| part.split_once(' ').is_some_and(|(_, rest)| rest.starts_with("pattern"));
    let parts = text.split("\n").collect::<Vec<_>>();
    let blocks = parts.chunk_by(|_, next| next.starts_with("    "));
    let of_patterns = blocks.filter(|block| is_pattern(&block[0]));
    let lines = of_patterns.flat_map(|block| block[1..].iter().take_while(|line| !line.starts_with("    evaluator")));
    lines.map(|line| format!("{}\n", line.trim())).collect()
}

/// The rows of a program, which are the same however the events are fed.
fn rows(case: &Case, events: &str) -> Result<String, String> {
    let lines: Vec<String> = events.lines().map(str::to_owned).collect();
    let mut first: Option<String> = None;
    for feed in [Feed::Whole(Some(4096)), Feed::Whole(Some(7)), Feed::Whole(Some(1)), Feed::OneByOne] {
        let output = engine::run(&case.program, &lines, feed).map_err(|failure| match failure {
            Failure::Refused(why) => format!("refused: {why}"),
            Failure::Failed(why) => format!("failed: {why}"),
        })?;
        let rows: String = output.rows.iter().map(|row| format!("{row}\n")).collect();
        match &first {
            Some(first) if *first != rows => return Err(format!("fed {feed:?} it gives\n{rows}instead of\n{first}")),
            Some(_) => {}
            None => first = Some(rows),
        }
    }
    Ok(first.unwrap_or_default())
}

/// How a case goes wrong, and its text as it should be.
fn judge(case: &Case) -> (Option<String>, String) {
    let mut wrong = String::new();
    let mut body = case.body.clone();
    let mut differs = |what: &str, kind: &str, before: &str, expected: Option<&str>, found: &str| {
        if expected.unwrap_or_default() == found {
            return;
        }
        wrong += &format!("{what} expected:\n{}found:\n{found}", expected.unwrap_or_default());
        body = match expected {
            Some(expected) => body.replacen(&format!("{before}```{kind}\n{expected}```"), &format!("{before}```{kind}\n{found}```"), 1),
            None => format!("{}\n\n```{kind}\n{found}```\n", body.trim_end()),
        };
    };
    if let (Some(events), Some(expected)) = (&case.events, &case.rows) {
        match rows(case, events) {
            Ok(found) => differs("rows", "jsonl", &format!("{events}```\n\n"), Some(expected), &found),
            Err(why) => return (Some(why), case.body.clone()),
        }
    }
    if let Some(expected) = &case.explained {
        differs("explained", "explain", "", Some(expected), &explained(&case.program));
    }
    differs("told", "text", "", case.told.as_deref(), &told(&case.program));
    ((!wrong.is_empty()).then_some(wrong), body)
}

#[test]
fn every_case_of_the_suite_is_true() {
    let fill = std::env::var_os("BETIDE_FILL").is_some();
    let (mut count, mut wrong) = (0, String::new());
    for path in files() {
        let text = fs::read_to_string(&path).unwrap();
        let mut filled = text.clone();
        for section in text.split("\n## ").skip(1) {
            let case = case(section);
            count += 1;
            let (why, body) = judge(&case);
            if let Some(why) = why {
                wrong += &format!("{}: {}\n{why}\n", path.display(), case.title);
                filled = filled.replacen(section, &body, 1);
            }
        }
        if fill && filled != text {
            fs::write(&path, filled).unwrap();
        }
    }
    assert!(count >= 150, "{count} cases");
    assert!(wrong.is_empty(), "\n{wrong}");
}

#[test]
fn titles_say_different_things() {
    let texts: Vec<String> = files().iter().map(|path| fs::read_to_string(path).unwrap()).collect();
    let mut titles: Vec<&str> = texts.iter().flat_map(|t| t.split("\n## ").skip(1)).filter_map(|s| s.lines().next()).collect();
    titles.sort_unstable();
    let twice: Vec<&&str> = titles.windows(2).filter(|pair| pair[0] == pair[1]).map(|pair| &pair[0]).collect();
    assert!(twice.is_empty(), "{twice:?}");
}

#[test]
fn a_wrong_case_is_noticed() {
    let right = "a filter\n\nOne row.\n\n```sql\nCREATE STREAM A (x INT, at TIMESTAMP) TIMESTAMP BY at;\nSELECT x FROM A;\n```\n\n\
                 ```jsonl\n{\"x\":1,\"at\":1}\n```\n\n```jsonl\n{\"x\":1}\n```\n";
    assert_eq!(judge(&case(right)).0, None);
    let wrong = right.replace("{\"x\":1}", "{\"x\":2}");
    let (why, body) = judge(&case(&wrong));
    assert!(why.is_some());
    assert_eq!(body, right, "filling puts it right");
    let warned =
        right.replace("\"at\":1}\n```\n\n```jsonl\n{\"x\":1}\n```", "\"at\":1}\n```\n\n```jsonl\n{\"x\":1}\n```\n\n```text\nwarning\n```");
    assert!(judge(&case(&warned)).0.is_some(), "a warning that is not told");
}

/// Queries of the table "How do I say … in betide".
#[test]
fn every_query_of_the_table_for_users_of_other_engines_compiles() {
    let page = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/patterns.md")).unwrap();
    let table = page.split("## How do I say").nth(1).unwrap();
    let rows: Vec<&str> = table.lines().filter(|line| line.starts_with("| ") && line.ends_with("` |")).collect();
    assert!(rows.len() >= 25, "{} rows", rows.len());
    for engine in ["Flink CEP", "Flink SQL", "Esper", "Siddhi", "EQL", "SASE+"] {
        assert!(rows.iter().any(|row| row.starts_with(&format!("| {engine} |"))), "{engine}");
    }
    let streams = ["A", "B", "C"].map(|name| format!("CREATE STREAM {name} (k STRING, x INT, at TIMESTAMP) TIMESTAMP BY at;\n")).concat();
    for row in rows {
        let query = row.trim_end_matches("` |").rsplit_once('`').unwrap().1.replace("\\|", "|");
        let program = format!("{streams}{query};");
        let error = told(&program);
        assert!(!error.starts_with("error"), "{query}\n{error}");
    }
}
