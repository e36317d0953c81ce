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

/// Runs on a thread with a stack of 1 MiB.
fn on_small_stack<T: Send + 'static>(run: impl FnOnce() -> T + Send + 'static) -> T {
    std::thread::Builder::new().stack_size(1 << 20).spawn(run).unwrap().join().unwrap()
}

/// Programs that nest to a depth, each with a name.
fn nested(depth: usize) -> Vec<(&'static str, String)> {
    let around = |before: &str, middle: &str, after: &str| format!("{}{middle}{}", before.repeat(depth), after.repeat(depth));
    let select = |expr: String| format!("SELECT {expr} FROM S;");
    let pattern = |pattern: String| format!("SELECT a FROM PATTERN ({pattern});");
    let rows = |pattern: String| format!("SELECT a FROM S MATCH_RECOGNIZE (PATTERN ({pattern}));");
    vec![
        ("parentheses", select(around("(", "a", ")"))),
        ("operators", select(around("(1 + ", "a", ")"))),
        ("calls", select(around("f(b, ", "a", ")"))),
        ("casts", select(around("CAST(", "a", " AS INT)"))),
        ("indexes", select(around("a[", "1", "]"))),
        ("case", select(around("CASE WHEN ", "a", " THEN 1 END"))),
        ("case else", select(around("CASE WHEN a THEN b ELSE ", "a", " END"))),
        ("in", select(around("a IN (", "1", ")"))),
        ("not", select(around("NOT ", "a", ""))),
        ("minus", select(around("- ", "a", ""))),
        ("sum", select(around("a + ", "a", ""))),
        ("is null", select(around("", "a", " IS NULL"))),
        ("groups", pattern(around("(", "A", ")"))),
        ("loops", pattern(around("(", "A", ")+"))),
        ("row groups", rows(around("(", "A", ")"))),
        ("row loops", rows(around("(", "A", ")+"))),
        ("exclusions", rows(around("{- ", "A", " -}"))),
        ("lists", format!("CREATE STREAM S (a {});", around("LIST<", "INT", ">"))),
        ("structs", format!("CREATE STREAM S (a {});", around("STRUCT<b ", "INT", ">"))),
        ("subqueries", around("SELECT a FROM (", "SELECT a FROM S", ")") + ";"),
        ("expression subqueries", around("SELECT (", "SELECT a FROM S", ")") + ";"),
    ]
}

#[test]
fn what_nests_up_to_the_limit_is_read_on_a_small_stack() {
    // The parentheses of PATTERN and MATCH_RECOGNIZE, and a leaf of a call, count too.
    on_small_stack(|| {
        for (name, program) in nested(120) {
            let (file, told) = parse(&program);
            assert!(told.is_empty() && file.statements.len() == 1, "{name}: {}", &told[..told.len().min(2000)]);
        }
        let (_, told) = parse(&format!("SELECT {}a{} FROM S;", "(".repeat(128), ")".repeat(128)));
        assert_eq!(told, "");
    });
}

#[test]
fn what_nests_deeper_is_told_and_never_overflows() {
    on_small_stack(|| {
        for depth in [200, 100_000] {
            for (name, program) in nested(depth) {
                let source = Source::new("deep.tide", program);
                let (_, diagnostics) = syntax::parse(&source);
                let codes: Vec<&str> = diagnostics.iter().map(|d| d.code.0).collect();
                assert_eq!(codes, ["E0104"], "{name} at {depth}");
            }
        }
    });
}

#[test]
fn every_code_has_its_examples() {
    for entry in syntax::CODES {
        let codes: Vec<&str> = syntax::parse(&Source::new("q.tide", entry.wrong)).1.iter().map(|d| d.code.0).collect();
        let (_, told) = parse(entry.right);
        assert_eq!(told, "", "{} right", entry.code);
        if entry.wrong.is_empty() {
            assert_eq!(entry.code.0, "E0113", "only a program of 4 GiB is too long to be shown");
        } else {
            assert_eq!(codes, [entry.code.0], "{}", entry.wrong);
        }
    }
}

/// A small generator of pseudo-random numbers: the same program mutations every run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % n as u64).unwrap()
    }
}

#[test]
fn mutated_programs_give_a_tree_or_diagnostics_with_spans_inside() {
    let mut programs: Vec<String> = shared_programs().into_iter().map(|(_, program, _)| program).collect();
    programs.extend(nested(5).into_iter().map(|(_, program)| program));
    programs.extend(syntax::CODES.iter().map(|entry| entry.right.to_owned()));
    let odd = [
        "(", ")", "'", "\"", ";", "CASE", "END", "[", "{", "->", "!", "é", "“", "/*", "--", "10", "9e999", "NOT", "\u{0}", "a.b", "LIST <",
        "$", ",",
    ];
    let mut dice = Dice(0x9E37_79B9_7F4A_7C15);
    programs.retain(|program| !program.is_empty());
    for program in &programs {
        for _ in 0..3 {
            let mut tokens: Vec<&str> = program.split_inclusive(|c: char| !c.is_alphanumeric()).collect();
            for _ in 0..=dice.below(3) {
                let at = dice.below(tokens.len());
                match dice.below(4) {
                    0 => drop(tokens.remove(at)),
                    1 => tokens.insert(at, tokens[at]),
                    2 => tokens[at] = odd[dice.below(odd.len())],
                    _ => tokens.truncate(at + 1),
                }
                if tokens.is_empty() {
                    tokens.push("");
                }
            }
            let text = tokens.concat();
            let source = Source::new("mutated.tide", text.as_str());
            let (file, diagnostics) = syntax::parse(&source);
            for span in diagnostics.iter().map(|d| d.primary.span).chain(file.statements.iter().map(|s| s.span)) {
                assert!(text.get(span.start as usize..span.end as usize).is_some(), "{span:?} in {text}");
            }
            assert!(diagnostics.is_empty() || !render(&diagnostics, &source, false).is_empty());
        }
    }
}
