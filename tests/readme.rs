//! Every block of the documents is true: commands are run and their output compared, programs are compiled, code is the code of a file.
//! In: README.md, ARCHITECTURE.md, CHANGELOG.md, docs/*.md, benches/README.md. `BETIDE_UPDATE=1` writes what commands say into the documents instead; read
//! it before you keep it.
//!
//! | block | what must hold |
//! |---|---|
//! | `console` | each `$ command` gives the lines below it, standard error among them; times of summaries may differ |
//! | `sql` | it is a program, and it compiles without a warning |
//! | `sql,fragment` | it is a part of one, not tried |
//! | `sql NAME`, `json NAME` | the same, or lines of JSON; the commands of the document find it under this name |
//! | `sql queries/NAME` | it is this file of the repository |
//! | `csv NAME` | a table for the programs of the document |
//! | `tide-test NAME` | tests for a program of the document, which a command runs |
//! | `tide-test` | a part of some |
//! | `sql,wrong NAME` | it does not compile |
//! | `rust` | it is what a file of `examples/` has behind its head |
//! | `text` | a picture |
#![cfg(feature = "cli")]
#![allow(clippy::unwrap_used, reason = "a broken test should stop")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use betide::Engine;

/// Commands of the documents that are not run, because they are this very test, or change the machine.
const NOT_RUN: &[&str] =
    &["cargo test", "cargo install --path .", "cargo bench", "BETIDE_UPDATE=1 cargo test", "cargo doc --open", ".ci/run"];

/// How the documents run the binary from the repository.
const FROM_REPOSITORY: &str = "cargo run --release --quiet -- ";

/// One fenced block.
#[derive(Debug)]
struct Block<'t> {
    kind: &'t str,
    /// The number of its first line inside, from 1.
    line: usize,
    text: String,
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn documents() -> Vec<PathBuf> {
    let mut found = Vec::new();
    for folder in [root().to_path_buf(), root().join("docs"), root().join("benches")] {
        let Ok(entries) = fs::read_dir(folder) else { continue };
        found.extend(entries.map(|entry| entry.unwrap().path()).filter(|path| path.extension().is_some_and(|e| e == "md")));
    }
    found.sort();
    assert!(found.iter().any(|path| path.ends_with("README.md")));
    found
}

fn blocks(document: &str) -> Vec<Block<'_>> {
    let mut found: Vec<Block<'_>> = Vec::new();
    let mut is_open = false;
    for (index, line) in document.lines().enumerate() {
        match line.strip_prefix("```") {
            Some(kind) if !is_open => {
                found.push(Block { kind, line: index + 2, text: String::new() });
                is_open = true;
            }
            Some(rest) => {
                assert!(rest.is_empty(), "line {}: a block ends with ``` alone", index + 1);
                is_open = false;
            }
            None if is_open => {
                let block = found.last_mut().unwrap();
                block.text += line;
                block.text.push('\n');
            }
            None => {}
        }
    }
    assert!(!is_open, "the last block has no end");
    found
}

#[test]
fn every_block_of_the_documents_is_true() {
    let update = std::env::var_os("BETIDE_UPDATE").is_some();
    let mut wrong = Vec::new();
    for path in documents() {
        let document = fs::read_to_string(&path).unwrap();
        let name = path.strip_prefix(root()).unwrap().display().to_string();
        let folder = folder_for(&name);
        let mut updated = document.clone();
        for block in blocks(&document) {
            if let Err(why) = check(&block, &folder, &mut updated) {
                wrong.push(format!("{name}, line {}: {why}", block.line));
            }
        }
        fs::remove_dir_all(&folder).unwrap();
        if update && updated != document {
            fs::write(&path, updated).unwrap();
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

/// Every page of the guide is a chapter of the book, and every link between documents leads to a file.
#[test]
fn the_guide_is_whole() {
    let summary = fs::read_to_string(root().join("docs/SUMMARY.md")).unwrap();
    let mut wrong = Vec::new();
    for path in documents() {
        let text = fs::read_to_string(&path).unwrap();
        let folder = path.parent().unwrap();
        for link in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let file = link.split('#').next().unwrap_or_default();
            let is_local = !file.is_empty() && !link.contains("://") && !link.contains(char::is_whitespace);
            if is_local && !folder.join(file).exists() {
                wrong.push(format!("{}: {link} leads nowhere", path.display()));
            }
        }
        let name = path.file_name().unwrap().to_string_lossy();
        if folder.ends_with("docs") && name != "SUMMARY.md" && !summary.contains(&format!("({name})")) {
            wrong.push(format!("{name} is no chapter of docs/SUMMARY.md"));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

/// A folder with the repository's queries, for the commands of one document.
fn folder_for(document: &str) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("{}-{}", document.replace('/', "-"), std::process::id()));
    let queries = folder.join("queries");
    fs::create_dir_all(&queries).unwrap();
    for entry in fs::read_dir(root().join("queries")).unwrap() {
        let from = entry.unwrap().path();
        fs::copy(&from, queries.join(from.file_name().unwrap())).unwrap();
    }
    folder
}

fn check(block: &Block<'_>, folder: &Path, updated: &mut String) -> Result<(), String> {
    match block.kind.split_once(' ') {
        Some((_, file)) if file.starts_with("queries/") => {
            let is_the_file = fs::read_to_string(root().join(file)).is_ok_and(|text| text == block.text);
            if is_the_file { Ok(()) } else { Err(format!("it is not what stands in {file}")) }
        }
        Some((language, file)) => {
            fs::write(folder.join(file), &block.text).unwrap();
            match language {
                "sql" => compiles(&block.text),
                "sql,wrong" => Engine::compile(&block.text).map_or(Ok(()), |_| Err("it compiles".to_owned())),
                "json" => block.text.lines().try_for_each(is_json),
                "csv" | "tide-test" => Ok(()),
                other => Err(format!("no file of kind `{other}` is known")),
            }
        }
        None => match block.kind {
            "console" => says(block, folder, updated),
            "sql" => compiles(&block.text),
            "sql,fragment" | "tide-test" | "text" => Ok(()),
            "rust" => is_an_example(&block.text),
            other => Err(format!("blocks of kind `{other}` are not known")),
        },
    }
}

fn compiles(program: &str) -> Result<(), String> {
    let engine = Engine::with_options(program, &betide::Options::default()).map_err(|error| error.to_string())?;
    if engine.warnings().is_empty() {
        return Ok(());
    }
    Err(betide::text::render(engine.warnings(), engine.source(), false))
}

fn is_json(line: &str) -> Result<(), String> {
    serde_json::from_str::<serde_json::Value>(line).map(|_| ()).map_err(|error| format!("{line}: {error}"))
}

fn is_an_example(code: &str) -> Result<(), String> {
    let mut examples = fs::read_dir(root().join("examples")).unwrap().map(|entry| fs::read_to_string(entry.unwrap().path()).unwrap());
    let is_there = examples.any(|example| example.split_once("\n\n").is_some_and(|(head, rest)| head.starts_with("//!") && rest == code));
    if is_there { Ok(()) } else { Err("the code is not that of a file in examples/".to_owned()) }
}

/// Runs the commands of a block and compares what they say.
fn says(block: &Block<'_>, folder: &Path, updated: &mut String) -> Result<(), String> {
    let mut said = String::new();
    for (command, expected) in commands(&block.text)? {
        said += &format!("$ {command}\n");
        if NOT_RUN.contains(&command) {
            said += &expected;
            continue;
        }
        said += &run(command, folder);
    }
    if std::env::var_os("BETIDE_UPDATE").is_some() {
        *updated = updated.replacen(&block.text, &said, 1);
        return Ok(());
    }
    let (said, shown) = (without_times(&said), without_times(&block.text));
    if said == shown { Ok(()) } else { Err(format!("the document shows\n{shown}\nand this is said\n{said}")) }
}

/// Each command of a block with the lines below it.
fn commands(text: &str) -> Result<Vec<(&str, String)>, String> {
    let mut found: Vec<(&str, String)> = Vec::new();
    for line in text.lines() {
        match (line.strip_prefix("$ "), found.last_mut()) {
            (Some(command), _) => found.push((command, String::new())),
            (None, Some((_, output))) => {
                output.push_str(line);
                output.push('\n');
            }
            (None, None) => return Err("a console block begins with `$ `".to_owned()),
        }
    }
    Ok(found)
}

/// What a command says on standard output and standard error.
fn run(command: &str, folder: &Path) -> String {
    if let Some(example) = command.strip_prefix("cargo run --quiet --example ") {
        return run_example(example);
    }
    let command = command.replace(FROM_REPOSITORY, "betide ");
    let binaries = Path::new(env!("CARGO_BIN_EXE_betide")).parent().unwrap();
    let path = format!("{}:{}", binaries.display(), std::env::var("PATH").unwrap_or_default());
    let output = Command::new("sh").args(["-c", &format!("exec 2>&1; {command}")]).current_dir(folder).env("PATH", path).output().unwrap();
    String::from_utf8(output.stdout).unwrap()
}

fn run_example(name: &str) -> String {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["run", "--quiet", "--example", name]).current_dir(root());
    if !cfg!(debug_assertions) {
        cargo.arg("--release");
    }
    let output = cargo.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// The text with the time of every summary line as 0.
fn without_times(text: &str) -> String {
    let time = regex::Regex::new(r"(?m)^((?:read|\d+ tests?:) .* · )\d+\.\d\d s$").unwrap();
    time.replace_all(text, "${1}0.00 s").into_owned()
}

#[test]
fn the_first_two_commands_are_the_set_up() {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let commands: Vec<&str> = readme.lines().filter_map(|line| line.strip_prefix("$ ")).collect();
    assert_eq!(commands[0], format!("{FROM_REPOSITORY}run queries/card_testing.tide queries/card_testing.events.jsonl"));
    assert_eq!(commands[1], "cargo test");
}

#[test]
fn blocks_are_read_as_they_stand() {
    let found = blocks("a\n```sql\nSELECT\n```\nb\n```console\n$ x\ny\n```\n");
    assert_eq!((found[0].kind, found[0].line, found[0].text.as_str()), ("sql", 3, "SELECT\n"));
    assert_eq!(commands(&found[1].text).unwrap(), [("x", "y\n".to_owned())]);
    assert!(commands("y\n").is_err());
    let unknown = Block { kind: "yaml", line: 1, text: String::new() };
    assert!(check(&unknown, Path::new("."), &mut String::new()).is_err());
}
