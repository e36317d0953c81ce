//! The language, looked up: functions, aggregates, clauses, and what the codes of messages mean.
//!
//! Functions and codes come from the tables that the checker reads; the clauses stand in `clauses`. A word is looked for as a name, then as
//! a part of names; so nothing has to be known to begin.

mod clauses;

use std::fmt::Write;

use crate::expr::{aggregates, functions};
use crate::plan;
use crate::semantics::{CODES, PATTERN_CODES, ROW_PATTERN_CODES};
use crate::syntax::{self, CodeEntry};
pub use clauses::{CLAUSES, Clause};

/// A function, aggregate, clause or code, as it is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Topic {
    /// What it is called.
    pub name: String,
    /// What it is: `function`, `aggregate`, `clause`, `error` or `warning`.
    pub kind: &'static str,
    /// Other names of it.
    pub aliases: Vec<String>,
    /// In a few words.
    pub short: String,
    /// In full, ready to be printed.
    pub text: String,
}

/// Everything there is to look up, kind by kind.
pub fn topics() -> Vec<Topic> {
    let clauses = CLAUSES.iter().map(of_clause);
    let functions = functions::all().map(of_function);
    let aggregates = aggregates::all().map(of_aggregate);
    let tables = [syntax::CODES, CODES, PATTERN_CODES, ROW_PATTERN_CODES];
    let codes = tables.into_iter().flatten().map(of_code);
    let of_plan = plan::CODE_MEANINGS.iter().map(|(code, meaning)| plain_code(code.0, meaning, ""));
    clauses.chain(functions).chain(aggregates).chain(codes).chain(of_plan).collect()
}

/// The topics of this name in any case; where there are none, those whose name begins with it, then those that have it in their names.
pub fn find(name: &str) -> Vec<Topic> {
    let wanted = name.trim().to_uppercase();
    let all = topics();
    let names = |topic: &Topic| std::iter::once(&topic.name).chain(&topic.aliases).map(|name| name.to_uppercase()).collect::<Vec<_>>();
    let matching = |fits: &dyn Fn(&str) -> bool| -> Vec<Topic> {
        all.iter().filter(|topic| names(topic).iter().any(|name| fits(name))).cloned().collect()
    };
    let tries: [&dyn Fn(&str) -> bool; 3] = [&|name| name == wanted, &|name| name.starts_with(&wanted), &|name| name.contains(&wanted)];
    tries.into_iter().map(matching).find(|found| !found.is_empty()).unwrap_or_default()
}

fn of_clause(clause: &Clause) -> Topic {
    let text = format!("{}\n\n{}\n\nExample:\n{}\n", clause.form, wrapped(clause.text), indented(clause.example));
    let aliases = clause.aliases.iter().map(|alias| (*alias).to_owned()).collect();
    Topic { name: clause.name.to_owned(), kind: "clause", aliases, short: first_sentence(clause.text), text }
}

fn of_function(function: &functions::Function) -> Topic {
    let mut text = format!("{}\n\n{}\n", function.signature, wrapped(&format!("{}{}", function.doc, also(function.aliases))));
    if !function.examples.is_empty() {
        text.push_str("\nExamples:\n");
        let width = function.examples.iter().map(|(call, _)| call.chars().count()).max().unwrap_or(0);
        for (call, value) in function.examples {
            let blanks = " ".repeat(width - call.chars().count());
            let _ = writeln!(text, "    {call}{blanks} → {value}");
        }
    }
    topic(function.name, "function", function.aliases, function.doc, text)
}

fn of_aggregate(aggregate: &aggregates::Aggregate) -> Topic {
    let text = format!("{}\n\n{}\n", aggregate.signature, wrapped(&format!("{}{}", aggregate.doc, also(aggregate.aliases))));
    topic(aggregate.name, "aggregate", aggregate.aliases, aggregate.doc, text)
}

fn topic(name: &str, kind: &'static str, aliases: &[&str], doc: &str, text: String) -> Topic {
    let aliases = aliases.iter().map(|alias| (*alias).to_owned()).collect();
    Topic { name: name.to_owned(), kind, aliases, short: first_sentence(doc), text }
}

fn of_code(entry: &CodeEntry) -> Topic {
    let is_long = entry.wrong.len() > 400;
    let programs = match (entry.wrong, entry.right) {
        ("", _) => String::new(),
        _ if is_long => format!("\nRight:\n{}\n", indented(&lines_of(entry.right))),
        (wrong, right) => format!("\nWrong:\n{}\n\nRight:\n{}\n", indented(&lines_of(wrong)), indented(&lines_of(right))),
    };
    plain_code(entry.code.0, entry.meaning, &programs)
}

fn plain_code(code: &str, meaning: &str, programs: &str) -> Topic {
    let kind = if code.starts_with('W') { "warning" } else { "error" };
    Topic {
        name: code.to_owned(),
        kind,
        aliases: Vec::new(),
        short: meaning.trim_end_matches('.').to_owned(),
        text: format!("{kind} {code}\n\n{}\n{programs}", wrapped(meaning)),
    }
}

/// A program of one line, a statement a line.
fn lines_of(program: &str) -> String {
    program.replace("; ", ";\n")
}

fn also(aliases: &[&str]) -> String {
    if aliases.is_empty() { String::new() } else { format!(" Also {}.", aliases.join(", ")) }
}

fn first_sentence(text: &str) -> String {
    text.split(['.', ';', ':']).next().unwrap_or(text).trim().to_owned()
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("    {line}")).collect::<Vec<_>>().join("\n")
}

/// A text in lines of at most 100 characters.
fn wrapped(text: &str) -> String {
    let mut lines: Vec<String> = vec![String::new()];
    for word in text.split_whitespace() {
        let line = lines.last_mut().expect("there is a line");
        if !line.is_empty() && line.chars().count() + 1 + word.chars().count() > 100 {
            lines.push(word.to_owned());
        } else {
            line.push_str(if line.is_empty() { "" } else { " " });
            line.push_str(word);
        }
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_in_any_case_and_in_part() {
        assert_eq!(find("round").iter().map(|topic| topic.name.as_str()).collect::<Vec<_>>(), ["ROUND"]);
        assert_eq!(find("e0202")[0].kind, "error");
        assert!(find("regexp").len() >= 3);
        assert!(find("tumbl")[0].text.contains("WINDOW TUMBLING"));
        assert!(find("no such thing").is_empty());
    }

    #[test]
    fn the_example_of_every_clause_compiles_without_a_warning() {
        for clause in CLAUSES {
            let engine = crate::Engine::compile(clause.example);
            let engine = engine.unwrap_or_else(|told| panic!("{}: {told:?}", clause.name));
            assert!(engine.warnings().is_empty(), "{}: {:?}", clause.name, engine.warnings());
        }
    }

    #[test]
    fn every_topic_has_a_name_of_its_own_and_says_something() {
        let topics = topics();
        let mut names: Vec<(&str, &str)> = topics.iter().map(|topic| (topic.kind, topic.name.as_str())).collect();
        names.sort_unstable();
        let count = names.len();
        names.dedup();
        assert!(names.len() == count && count > 200, "{count}");
        assert!(topics.iter().all(|topic| !topic.short.is_empty() && topic.text.len() > 20));
    }
}
