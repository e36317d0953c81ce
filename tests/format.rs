//! The formatter over all programs there are: it changes no meaning, keeps every comment, and what it has laid out it leaves alone.
#![allow(clippy::unwrap_used, reason = "a broken test should stop")]

use std::fs;
use std::path::{Path, PathBuf};

use betide::syntax::{FormatError, format, parse, print};
use betide::text::Source;

/// The programs of the queries, of the documents, of the tables of codes, and of the conformance files beside the repository.
fn programs() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    let files = |folder: PathBuf, ending: &str| -> Vec<PathBuf> {
        let entries = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
        let mut paths: Vec<PathBuf> = entries.filter(|path| path.extension().is_some_and(|found| found == ending)).collect();
        paths.sort();
        paths
    };
    for path in files(root.join("queries"), "tide") {
        found.push((path.display().to_string(), fs::read_to_string(&path).unwrap()));
    }
    for path in files(root.join("docs"), "md").into_iter().chain([root.join("README.md")]) {
        let text = fs::read_to_string(&path).unwrap();
        let blocks = text.split("\n```sql").skip(1).filter_map(|block| Some(block.split_once('\n')?.1.split("\n```").next()?.to_owned()));
        found.extend(blocks.map(|block| (path.display().to_string(), block)));
    }
    for entry in betide::syntax::CODES.iter().chain(betide::semantics::CODES).chain(betide::semantics::PATTERN_CODES) {
        found.push((entry.code.to_string(), entry.right.to_owned()));
    }
    found.extend(betide::engine::reference::CLAUSES.iter().map(|clause| (clause.name.to_owned(), clause.example.to_owned())));
    let shared = root.join("../shared/conformance");
    for path in files(shared.clone(), "jsonl") {
        // One of seven; all of them where the environment asks for it.
        let step = if std::env::var_os("BETIDE_FORMAT_ALL").is_some() { 1 } else { 7 };
        for line in fs::read_to_string(&path).unwrap().lines().step_by(step) {
            let case: serde_json::Value = serde_json::from_str(line).unwrap();
            let program = ["query", "program", "tide", "sql"].iter().find_map(|key| case.get(*key)?.as_str());
            found.extend(
                program.map(|program| {
                    (format!("{} {}", path.display(), case.get("id").unwrap_or(&serde_json::Value::Null)), program.to_owned())
                }),
            );
        }
    }
    assert!(!shared.exists() || found.len() > 250, "{} programs", found.len());
    assert!(found.len() > 150, "{} programs", found.len());
    found
}

/// The comments of a text, in order, without blanks at their ends.
fn comments(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find(['\'', '"', '-', '/']) {
        rest = &rest[at..];
        let length = match rest.as_bytes()[0] {
            quote @ (b'\'' | b'"') => rest[1..].find(char::from(quote)).map_or(rest.len(), |end| end + 2),
            _ if rest.starts_with("--") => rest.find('\n').unwrap_or(rest.len()),
            _ if rest.starts_with("/*") => rest.find("*/").map_or(rest.len(), |end| end + 2),
            _ => 1,
        };
        if rest.starts_with("--") || rest.starts_with("/*") {
            found.push(rest[..length].trim_end().to_owned());
        }
        rest = &rest[length..];
    }
    found.sort();
    found
}

fn check(name: &str, text: &str) -> Result<bool, String> {
    let source = Source::new(name, text);
    let laid_out = match format(&source) {
        Ok(text) => text,
        Err(FormatError::Wrong(_)) => return Ok(false),
        Err(FormatError::Changed) => return Err(format!("{name}: it would be changed\n{text}")),
    };
    let other = Source::new(name, laid_out.as_str());
    let (before, after) = (parse(&source).0, parse(&other).0);
    if print(&before, &source) != print(&after, &other) {
        return Err(format!("{name}: it is another program\n{text}\n{laid_out}"));
    }
    if comments(text) != comments(&laid_out) {
        return Err(format!("{name}: comments differ\n{text}\n{laid_out}"));
    }
    match format(&other) {
        Ok(again) if again == laid_out => Ok(true),
        Ok(again) => Err(format!("{name}: it is not left alone\n{laid_out}\n{again}")),
        Err(_) => Err(format!("{name}: it cannot be laid out again\n{laid_out}")),
    }
}

#[test]
fn every_program_stays_what_it_is() {
    let programs = programs();
    let mut formatted = 0;
    let mut wrong = Vec::new();
    for (name, text) in &programs {
        match check(name, text) {
            Ok(is_formatted) => formatted += usize::from(is_formatted),
            Err(why) => wrong.push(why),
        }
    }
    assert!(wrong.is_empty(), "{} programs:\n{}", wrong.len(), wrong.iter().take(12).cloned().collect::<Vec<_>>().join("\n"));
    assert!(formatted * 10 > programs.len() * 7, "{formatted} of {} programs", programs.len());
}

#[test]
fn so_does_every_program_on_one_line_and_with_comments_everywhere() {
    let mut wrong = Vec::new();
    let step = if std::env::var_os("BETIDE_FORMAT_ALL").is_some() { 1 } else { 3 };
    for (name, text) in programs().into_iter().step_by(step) {
        if text.contains("--") || text.contains("/*") {
            continue;
        }
        let words: Vec<&str> = text.split_whitespace().collect();
        let in_one_line = words.join(" ");
        // A text in quotes may have had more than one blank.
        if text.contains('\'') && text.lines().count() > 1 {
            continue;
        }
        wrong.extend(check(&name, &in_one_line).err());
        if !text.contains(['\'', '"']) {
            let commented: String = words
                .iter()
                .enumerate()
                .map(|(index, word)| {
                    format!(
                        "{word} {}",
                        if index % 3 == 0 {
                            format!("/* {index} */ ")
                        } else if index % 7 == 1 {
                            format!("-- {index}\n")
                        } else {
                            String::new()
                        }
                    )
                })
                .collect();
            wrong.extend(check(&name, &commented).err());
        }
    }
    assert!(wrong.is_empty(), "{} programs:\n{}", wrong.len(), wrong.iter().take(5).cloned().collect::<Vec<_>>().join("\n"));
}
