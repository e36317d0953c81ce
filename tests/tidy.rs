//! Habits that a tool can keep: heads, lengths, words that must not stay, paths of one machine, codes that mean one thing.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// The longest file.
const LINES_MAX: usize = 600;

/// Files that are longer, each with its reason.
const LONGER: &[(&str, &str)] = &[("src/syntax/ast.rs", "the whole tree in one place, and no logic")];

/// What must not stay in the sources.
const UNFINISHED: &[&str] = &["todo!(", "unimplemented!(", "dbg!(", "TODO", "FIXME", "XXX"];

/// All files of the repository with this ending, by their paths in it.
fn files(ending: &str) -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut open: Vec<PathBuf> =
        ["src", "tests", "benches", "examples", "grammar", "queries", "docs", ".ci"].map(|folder| root.join(folder)).into();
    let mut found = Vec::new();
    let mut take = |path: &Path| {
        let name = path.strip_prefix(root).unwrap_or(path).to_string_lossy().replace('\\', "/");
        if name.ends_with(ending)
            && let Ok(text) = fs::read_to_string(path)
        {
            found.push((name, text));
        }
    };
    for entry in fs::read_dir(root).into_iter().flatten().flatten().filter(|entry| entry.path().is_file()) {
        take(&entry.path());
    }
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            if entry.path().is_dir() { open.push(entry.path()) } else { take(&entry.path()) }
        }
    }
    found.sort();
    found
}

fn sources() -> Vec<(String, String)> {
    let found: Vec<_> = files(".rs").into_iter().filter(|(name, _)| name.starts_with("src/")).collect();
    assert!(found.len() > 100, "the sources are found");
    found
}

fn all_well(wrong: &[String]) {
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn every_file_begins_with_what_it_is() {
    let without = files(".rs").into_iter().filter(|(_, text)| !text.starts_with("//! "));
    all_well(&without.map(|(name, _)| format!("{name} does not begin with `//! `")).collect::<Vec<_>>());
}

#[test]
fn no_source_is_too_long() {
    let mut wrong = Vec::new();
    for (name, text) in sources() {
        let is_excused = LONGER.iter().any(|(excused, _)| *excused == name);
        let lines = text.lines().count();
        if lines > LINES_MAX && !is_excused {
            wrong.push(format!("{name} has {lines} lines: find its second idea"));
        }
        if lines <= LINES_MAX && is_excused {
            wrong.push(format!("{name} needs no excuse any more"));
        }
    }
    all_well(&wrong);
}

#[test]
fn nothing_is_left_unfinished() {
    let mut wrong = Vec::new();
    for (name, text) in sources() {
        for (number, line) in text.lines().enumerate() {
            let found = UNFINISHED.iter().find(|word| line.contains(*word));
            wrong.extend(found.map(|word| format!("{name}:{}: `{word}`", number + 1)));
        }
    }
    all_well(&wrong);
}

#[test]
fn no_path_of_one_machine_is_named() {
    // Written in two parts, so that this file does not find itself.
    let paths = [
        ["/", "work/"].concat(),
        ["/", "home/"].concat(),
        ["/", "Users/"].concat(),
        ["/", "root/"].concat(),
        ["shared/", "design"].concat(),
    ];
    let mut wrong = Vec::new();
    for ending in [".rs", ".md", ".toml", ".tide", ".pest", "run"] {
        for (name, text) in files(ending) {
            for (number, line) in text.lines().enumerate() {
                let found = paths.iter().find(|path| line.contains(path.as_str()));
                wrong.extend(found.map(|path| format!("{name}:{}: `{path}`", number + 1)));
            }
        }
    }
    all_well(&wrong);
}

#[test]
fn a_code_of_a_message_means_one_thing() {
    let mut places: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (name, text) in sources() {
        let code = text.split("#[cfg(test)]").next().unwrap_or_default();
        for line in code.lines() {
            let defined = line.split_once(" = \"").or_else(|| line.split_once("Code(\""));
            let Some((_, rest)) = defined.filter(|(before, _)| !before.trim_start().starts_with("//")) else { continue };
            let found: String = rest.chars().take_while(|c| *c != '"').collect();
            if found.len() == 5 && found.starts_with(['E', 'W']) && found[1..].bytes().all(|b| b.is_ascii_digit()) {
                places.entry(found).or_default().push(format!("{name}: {}", line.trim()));
            }
        }
    }
    assert!(places.len() > 60, "the codes are found: {}", places.len());
    let twice = places.iter().filter(|(_, places)| places.len() > 1);
    all_well(&twice.map(|(code, places)| format!("{code} is defined by\n  {}", places.join("\n  "))).collect::<Vec<_>>());
}
