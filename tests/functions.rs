//! The reference of functions: docs/functions.md is what the tables of the engine say, and every example of the tables is true.
//! `BETIDE_UPDATE=1` writes the page anew.
#![allow(clippy::unwrap_used, reason = "a broken test should stop")]

use std::fmt::Write;
use std::path::Path;

use betide::Engine;
use betide::expr::functions::Category;
use betide::expr::{aggregates, functions};
use serde_json::Value as Json;

/// Families in the order of the page.
const FAMILIES: &[(Category, &str)] = &[
    (Category::Operator, "Operators"),
    (Category::Math, "Numbers"),
    (Category::Text, "Text"),
    (Category::Pattern, "Patterns in text"),
    (Category::Conditional, "Choices"),
    (Category::Time, "Time"),
    (Category::List, "Lists"),
    (Category::Json, "JSON"),
    (Category::Network, "Network addresses and places"),
    (Category::Digest, "Digests"),
];

fn page() -> String {
    let mut page = String::from(
        "# Functions and aggregates

This page is made from the tables that the checker and the evaluator read; `tests/functions.rs` keeps it so, and runs every example.
Names may be written in any case. Unless a line says otherwise, NULL in gives NULL out. Division by zero, overflow and a value that a
function cannot use give NULL and are counted (`eval_nulls` of `--stats`).
In the examples `list` is a column with `[7, 8, 9]` and `tags` one with `['red', 'blue']`.
",
    );
    for (family, title) in FAMILIES {
        write!(page, "\n## {title}\n\n| | | examples |\n|---|---|---|\n").unwrap();
        for function in functions::all().filter(|f| f.category == *family) {
            let examples: Vec<String> = function.examples.iter().map(|(text, value)| format!("`{text}` → `{value}`")).collect();
            let doc = format!("{}{}", function.doc, also(function.aliases));
            row(&mut page, &[&code(function.signature), &doc, &examples.join("<br>")]);
        }
    }
    page += "
Beside these the language has comparison (`=` `<>` `!=` `<` `<=` `>` `>=`), `AND`, `OR`, `NOT`, `BETWEEN`, `IN (…)`, `IS [NOT] NULL`,
`CASE`, `CAST(x AS type)`, `TRY_CAST(x AS type)`, `list[1]` and `struct.field`.

## Aggregates

Over the rows of a window or group, or over the events of a pattern's variable. NULLs do not count, except in `COUNT(*)`, `FIRST`, `LAST`
and `ARRAY_AGG`, which speak of rows. Over no rows `COUNT` is 0 and everything else NULL.

| | |
|---|---|
";
    for aggregate in aggregates::all() {
        row(&mut page, &[&code(aggregate.signature), &format!("{}{}", aggregate.doc, also(aggregate.aliases))]);
    }
    page
}

fn code(text: &str) -> String {
    format!("`{text}`")
}

fn also(aliases: &[&str]) -> String {
    if aliases.is_empty() {
        return String::new();
    }
    let names: Vec<String> = aliases.iter().map(|alias| code(alias)).collect();
    format!(" Also {}.", names.join(", "))
}

fn row(page: &mut String, cells: &[&str]) {
    let cells: Vec<String> = cells.iter().map(|cell| cell.replace('|', "\\|")).collect();
    writeln!(page, "| {} |", cells.join(" | ")).unwrap();
}

#[test]
fn the_page_is_what_the_tables_say() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/functions.md");
    let page = page();
    if std::env::var_os("BETIDE_UPDATE").is_some() {
        std::fs::write(&path, &page).unwrap();
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(kept == page, "docs/functions.md is old: BETIDE_UPDATE=1 cargo test --test functions");
}

#[test]
fn no_function_is_missing_on_the_page() {
    let page = page();
    for function in functions::all() {
        assert!(page.contains(&row_start(function.signature)), "{}", function.name);
    }
}

fn row_start(signature: &str) -> String {
    format!("| `{}` |", signature.replace('|', "\\|"))
}

/// What an expression gives for one event, as the tables write it.
fn value_of(expression: &str) -> Result<String, String> {
    let program = format!("CREATE STREAM E (list LIST<INT>, tags LIST<STRING>); SELECT {expression} AS v FROM E;");
    let mut engine = Engine::with_options(&program, &betide::Options::default()).map_err(|error| error.to_string())?;
    engine.push_json(b"{\"list\":[7,8,9],\"tags\":[\"red\",\"blue\"]}\n").map_err(|error| error.to_string())?;
    engine.finish().map_err(|error| error.to_string())?;
    let row = engine.take_rows().pop().ok_or("no row")?.to_json();
    let value = row.strip_prefix("{\"v\":").and_then(|rest| rest.strip_suffix('}')).ok_or("no value")?;
    Ok(match serde_json::from_str(value).map_err(|error| error.to_string())? {
        Json::Null => "NULL".to_owned(),
        Json::String(text) => text,
        _ => value.to_owned(),
    })
}

#[test]
fn every_example_is_true() {
    let mut wrong = Vec::new();
    let mut tried = 0;
    for function in functions::all() {
        for (expression, expected) in function.examples {
            tried += 1;
            match value_of(expression) {
                Ok(found) if found == *expected => {}
                Ok(found) => wrong.push(format!("{}: {expression} gives {found}, not {expected}", function.name)),
                Err(why) => wrong.push(format!("{}: {expression} fails: {why}", function.name)),
            }
        }
    }
    assert!(tried > 80, "{tried} examples");
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}
