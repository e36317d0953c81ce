//! Modules import one way only. The table below is the law; a line of it is the first thing to look at when this test fails.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// A module and what it may name, each behind those that it names. Tests inside a module may name anything.
const LAYERS: &[(&str, &[&str])] = &[
    ("text", &[]),
    ("data", &[]),
    ("syntax", &["text"]),
    ("expr", &["data"]),
    ("spec", &["data", "expr"]),
    ("pattern", &["data", "expr", "spec"]),
    ("operators", &["data", "expr", "spec", "pattern"]),
    ("codec", &["data"]),
    ("connect", &["data", "codec"]),
    ("infer", &["data", "syntax"]),
    ("semantics", &["text", "data", "syntax", "expr", "spec"]),
    ("plan", &["text", "data", "expr", "spec", "semantics"]),
    ("runtime", &["data", "expr", "spec", "pattern", "operators", "codec", "connect", "plan"]),
    ("why", &["text", "data", "expr", "spec", "pattern", "operators", "semantics", "plan"]),
    ("analysis", &["text", "data", "expr", "spec", "pattern", "operators", "plan", "why"]),
    (
        "engine",
        &[
            "text",
            "data",
            "syntax",
            "expr",
            "spec",
            "pattern",
            "operators",
            "codec",
            "connect",
            "semantics",
            "plan",
            "runtime",
            "why",
            "analysis",
        ],
    ),
    ("assist", &["text", "data", "syntax", "expr", "semantics", "engine"]),
    ("cli", &["engine", "assist"]),
];

/// What only one place may name.
const ONLY_IN: &[(&str, &str)] =
    &[("pest", "syntax"), ("clap", "cli"), ("SystemTime", "runtime/clock.rs"), ("Instant::now", "cli/summary.rs")];

#[test]
fn the_table_itself_goes_one_way() {
    let mut seen: Vec<&str> = Vec::new();
    for (layer, below) in LAYERS {
        for name in *below {
            assert!(seen.contains(name), "`{layer}` may name `{name}`, which stands behind it in the table");
        }
        seen.push(layer);
    }
}

#[test]
fn every_module_names_only_what_the_table_allows() {
    let table: BTreeMap<&str, &[&str]> = LAYERS.iter().copied().collect();
    let mut wrong = Vec::new();
    for (path, code) in sources() {
        let layer = path.split(['/', '.']).next().unwrap_or_default();
        if path == "lib.rs" || path == "main.rs" {
            continue;
        }
        let Some(allowed) = table.get(layer) else {
            wrong.push(format!("{path}: `{layer}` is not in the table"));
            continue;
        };
        for name in named_modules(&code) {
            if name != layer && table.contains_key(name.as_str()) && !allowed.contains(&name.as_str()) {
                wrong.push(format!("{path}: `{layer}` must not name `{name}`"));
            }
        }
        if code.contains("super::super") {
            wrong.push(format!("{path}: `super::super` hides where an import leads"));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn what_belongs_to_one_place_stays_there() {
    let mut wrong = Vec::new();
    for (path, code) in sources() {
        for (name, place) in ONLY_IN {
            let named = code.match_indices(name).any(|(at, _)| {
                let before = code[..at].chars().next_back();
                let after = code[at + name.len()..].chars().next();
                let is_word = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
                !is_word(before) && !is_word(after)
            });
            if named && !path.starts_with(place) {
                wrong.push(format!("{path}: `{name}` belongs to {place}"));
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

/// The files below `src` by their paths, without comments and without tests.
fn sources() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut open = vec![root.clone()];
    let mut found = Vec::new();
    while let Some(folder) = open.pop() {
        let entries = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
        let mut paths: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry of a folder can be read").path()).collect();
        paths.sort();
        for path in paths {
            if path.is_dir() {
                open.push(path);
                continue;
            }
            let name = path.strip_prefix(&root).expect("the file is below the root").to_string_lossy().replace('\\', "/");
            let is_test = name.ends_with("/tests.rs") || name.contains("/tests/") || name.contains("test_support");
            if name.ends_with(".rs") && !is_test {
                let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{name}: {error}"));
                found.push((name, code_of(&text)));
            }
        }
    }
    assert!(found.len() > 50, "the sources are found");
    found
}

/// The text up to the tests of the file, without line comments.
fn code_of(text: &str) -> String {
    let code = text.split("\n#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    let lines = code.lines().map(|line| line.split("//").next().unwrap_or_default());
    lines.collect::<Vec<_>>().join("\n")
}

/// The first names behind `crate::`, also of groups: `crate::{a::b, c}` gives a and c.
fn named_modules(code: &str) -> Vec<String> {
    let mut names = Vec::new();
    for (at, _) in code.match_indices("crate::") {
        let rest = &code[at + "crate::".len()..];
        let Some(group) = rest.strip_prefix('{') else {
            names.push(word(rest));
            continue;
        };
        let mut depth = 0;
        let mut is_start = true;
        for (index, c) in group.char_indices() {
            match c {
                '{' => depth += 1,
                '}' if depth == 0 => break,
                '}' => depth -= 1,
                ',' if depth == 0 => is_start = true,
                c if is_start && !c.is_whitespace() => {
                    names.push(word(&group[index..]));
                    is_start = false;
                }
                _ => {}
            }
        }
    }
    names
}

fn word(text: &str) -> String {
    text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
}

#[test]
fn the_reader_of_imports_sees_groups() {
    assert_eq!(named_modules("use crate::data::{A, B}; use crate::{plan::{x, y}, text};"), ["data", "plan", "text"]);
}
