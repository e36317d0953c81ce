//! Programs through parser and checker: what is right is accepted, and what is wrong is refused with the right message first.

#![allow(clippy::print_stdout, reason = "a test says what it skips")]

use std::path::{Path, PathBuf};

use betide::plan::{PlanOptions, plan};
use betide::semantics::{CheckOptions, check};
use betide::syntax::parse;
use betide::text::{Diagnostics, Source, render};

/// All that parser and checker say of a program, and whether it compiles.
fn compile(program: &str) -> (bool, String) {
    let source = Source::new("case.tide", program);
    let (file, mut diagnostics) = parse(&source);
    if !diagnostics.has_errors() {
        let (_, more): (_, Diagnostics) = check(&file, &CheckOptions::default());
        diagnostics.extend(more);
    }
    (!diagnostics.has_errors(), render(&diagnostics, &source, false))
}

/// The folder beside the repository, or where BETIDE_SHARED says.
fn shared() -> PathBuf {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared");
    std::env::var_os("BETIDE_SHARED").map_or(beside, PathBuf::from)
}

/// The cases of a file of conformance cases, where it is there.
fn cases(name: &str) -> Vec<serde_json::Value> {
    let path = shared().join("conformance").join(name);
    match std::fs::read_to_string(&path) {
        Ok(text) => text.lines().map(|line| serde_json::from_str(line).expect("a case is JSON")).collect(),
        Err(_) => {
            println!("skipped: {} is not there", path.display());
            Vec::new()
        }
    }
}

/// Whether a case must be refused, as far as its file says.
fn is_wrong(case: &serde_json::Value) -> bool {
    case["expect"].get("error").is_some()
}

#[test]
fn programs_with_windows_and_joins_are_accepted() {
    for case in cases("siddhi_window_join.dev.jsonl") {
        let program = case["program"].as_str().expect("a program");
        let (compiles, told) = compile(program);
        assert!(compiles, "{}\n{program}\n{told}", case["id"]);
        assert!(told.is_empty(), "nothing is told of {}\n{program}\n{told}", case["id"]);
    }
}

#[test]
fn wrong_programs_are_refused() {
    for case in cases("siddhi_invalid.dev.jsonl") {
        let program = case["program"].as_str().expect("a program");
        let (compiles, _) = compile(program);
        assert!(!compiles, "{}\n{program}", case["id"]);
    }
}

#[test]
fn all_programs_are_accepted_or_refused_as_they_should_be() {
    let files = [
        "spec.jsonl",
        "flink_cep.dev.jsonl",
        "flink_mr.dev.jsonl",
        "mr_random.dev.jsonl",
        "mr_spec.dev.jsonl",
        "mr_static.dev.jsonl",
        "siddhi_pattern.dev.jsonl",
        "trino.dev.jsonl",
    ];
    let mut wrong = String::new();
    for case in files.into_iter().flat_map(cases) {
        let program = case["program"].as_str().expect("a program");
        let (compiles, told) = compile(program);
        if compiles == is_wrong(&case) {
            wrong += &format!("{} ({})\n{program}\n{told}\n", case["id"], case["expect"]["error"]);
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn programs_of_the_benchmarks_are_accepted() {
    for name in ["core.json", "market.json"] {
        let Ok(text) = std::fs::read_to_string(shared().join("bench").join(name)) else { continue };
        let cases: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        for case in cases.as_array().expect("a list of cases") {
            let program = case["program"].as_str().expect("a program");
            let (compiles, told) = compile(program);
            assert!(compiles, "{}\n{program}\n{told}", case["name"]);
        }
    }
}

#[test]
fn a_program_with_many_mistakes_is_checked_in_one_go() {
    let sources: String = (0..2_000).map(|i| format!("CREATE STREAM Stream{i} (x INT);\n")).collect();
    let wrong: String = (0..2_000).map(|i| format!("SELECT y{i}, LOWER(x) FROM Stream{i}; SELECT x FROM Strom{i};\n")).collect();
    let (file, told) = parse(&Source::new("q.tide", sources + &wrong));
    assert!(told.is_empty());
    assert_eq!(check(&file, &CheckOptions::default()).1.iter().count(), 6_000);
}

/// A case of `tests/suite/errors/*.md`: a heading, a program, and the first thing that is told.
struct ErrorCase {
    name: String,
    program: String,
    expected: String,
}

/// The cases of a file: `## name`, then a block of `sql`, then a block of `text`.
fn error_cases(text: &str) -> Vec<ErrorCase> {
    let block = |section: &str, language: &str| {
        let open = format!("```{language}\n");
        let start = section.find(&open).expect("a block of each kind in each case") + open.len();
        let end = start + section[start..].find("```").expect("each block is closed");
        section[start..end].to_owned()
    };
    let sections = text.split("\n## ").skip(1);
    let case = |section: &str| ErrorCase {
        name: section.lines().next().unwrap_or_default().to_owned(),
        program: block(section, "sql"),
        expected: block(section, "text"),
    };
    sections.map(case).collect()
}

/// The first thing that is told of a program, as a person sees it.
fn first_told(program: &str) -> String {
    let source = Source::new("q.tide", program.trim_end());
    let (file, mut diagnostics) = parse(&source);
    if !diagnostics.has_errors() {
        let (typed, found) = check(&file, &CheckOptions::default());
        if !found.has_errors() {
            diagnostics.extend(plan(&typed, &PlanOptions::default()).map_or_else(|errors| errors, |(_, warnings)| warnings));
        }
        diagnostics.extend(found);
        diagnostics.sort();
    }
    let mut first = Diagnostics::default();
    diagnostics.iter().take(1).for_each(|d| first.push(d.clone()));
    format!("{}\n", render(&first, &source, false).trim_end())
}

/// With `BETIDE_FILL=1` the expected texts are written anew, to be read before they are kept.
#[test]
fn wrong_programs_give_the_right_message_first() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/suite/errors");
    let fill = std::env::var_os("BETIDE_FILL").is_some();
    let mut count = 0;
    let mut wrong = String::new();
    let mut files: Vec<_> = std::fs::read_dir(&folder).expect("the cases").map(|entry| entry.expect("an entry").path()).collect();
    files.sort();
    for path in files {
        let text = std::fs::read_to_string(&path).expect("a readable file");
        let mut filled = text.clone();
        for case in error_cases(&text) {
            count += 1;
            let found = first_told(&case.program);
            if found != case.expected {
                wrong += &format!("{}: {}\nexpected:\n{}\nfound:\n{found}\n", path.display(), case.name, case.expected);
                let before = format!("## {}\n\n```sql\n{}```\n\n```text\n", case.name, case.program);
                filled = filled.replace(&format!("{before}{}```", case.expected), &format!("{before}{found}```"));
            }
        }
        if fill {
            std::fs::write(&path, filled).expect("a writable file");
        }
    }
    assert!(count >= 60, "{count} cases");
    assert!(fill || wrong.is_empty(), "{wrong}");
}

/// Codes that no program text alone can give, each with its reason.
const NOT_SHOWN: &[(&str, &str)] = &[
    ("E0113", "a program of 4 GiB"),
    ("E0502", "the checker tells circles first, as E0218, with their path"),
    ("E0211", "a value from outside, below"),
    ("W0201", "a value from outside, below"),
    ("E0501", "a name from outside, below"),
];

/// The texts that the cases under `tests/suite` show, wherever they stand.
fn suite_texts(folder: &Path) -> String {
    let mut texts = String::new();
    for path in std::fs::read_dir(folder).expect("the cases").map(|entry| entry.expect("an entry").path()) {
        texts += &if path.is_dir() { suite_texts(&path) } else { std::fs::read_to_string(&path).expect("a readable file") };
    }
    texts
}

#[test]
fn every_code_is_shown_as_a_person_sees_it() {
    let texts = suite_texts(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/suite"));
    let tables = [betide::syntax::CODES, betide::semantics::CODES, betide::semantics::PATTERN_CODES, betide::semantics::ROW_PATTERN_CODES];
    let codes = tables.into_iter().flatten().map(|entry| entry.code.0).chain(betide::plan::CODES.iter().map(|code| code.0));
    for code in codes {
        let is_shown = ["error", "warning"].iter().any(|level| texts.contains(&format!("\n{level}[{code}]: ")));
        let is_excused = NOT_SHOWN.iter().any(|(known, _)| *known == code);
        assert!(is_shown != is_excused, "{code}: shown {is_shown}, excused {is_excused}");
    }
}

#[test]
fn what_is_wrong_outside_of_the_text_points_to_no_place_in_it() {
    let told = |set: &[(&str, &str)], outputs: &[&str]| {
        let options = betide::Options {
            set: set.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
            outputs: outputs.iter().map(|name| (*name).to_owned()).collect(),
            ..betide::Options::default()
        };
        let program = "SET least = 5;\nCREATE STREAM S (x INT);\nCREATE STREAM Big AS SELECT x FROM S WHERE x > $least;";
        match betide::Engine::with_options(program, &options) {
            Ok(engine) => render(engine.warnings(), engine.source(), false),
            Err(error) => error.to_string(),
        }
    };
    assert_eq!(
        told(&[("leest", "8")], &[]),
        "warning[W0201]: the program has no parameter `$leest`\n |\n = help: did you mean `$least`?\n"
    );
    assert_eq!(told(&[], &["Bog"]), "error[E0501]: no stream `Bog` to write\n |\n = help: did you mean `Big`?\n");
    assert_eq!(told(&[], &["Weather"]), "error[E0501]: no stream `Weather` to write\n |\n = help: there are: S, Big\n");
    assert!(told(&[("least", "eight")], &[]).starts_with("error[E0211]: "), "{}", told(&[("least", "eight")], &[]));
    assert_eq!(told(&[("least", "8")], &["Big"]), "");
}

#[test]
fn what_feeds_a_stream_may_stand_before_it() {
    let sources = "CREATE STREAM S (x INT); CREATE STREAM U (x INT);";
    let [insert, create] = ["INSERT INTO T SELECT x FROM S;", "CREATE STREAM T AS SELECT x FROM U;"];
    let [source, late] = ["CREATE STREAM T (x INT);", "CREATE STREAM T (x INT, at TIMESTAMP) TIMESTAMP BY at LATE INTO L;"];
    for (first, second, compiles) in [
        (insert, create, true),
        (insert, source, false),
        ("INSERT INTO L SELECT x FROM S;", late, false),
        ("SELECT a.x FROM PATTERN (S a -> U b) WITHIN 1m TIMEOUT INTO T;", source, false),
        (insert, "CREATE TABLE T AS SELECT x, COUNT(*) AS n FROM U GROUP BY x;", false),
    ] {
        let (one, other) = (compile(&format!("{sources}{first}{second}")), compile(&format!("{sources}{second}{first}")));
        let title = |text: &str| text.lines().next().unwrap_or_default().to_owned();
        assert_eq!((one.0, title(&one.1)), (compiles, title(&other.1)), "{first}");
        assert_eq!(one.0, other.0);
    }
}

#[test]
fn each_code_has_a_program_that_gives_it_and_one_that_does_not() {
    for entry in betide::semantics::CODES.iter().filter(|entry| !entry.wrong.is_empty()) {
        let codes = |program: &str| {
            let (file, told) = parse(&Source::new("q.tide", program));
            assert!(told.is_empty(), "{program}");
            check(&file, &CheckOptions::default()).1.iter().map(|d| d.code).collect::<Vec<_>>()
        };
        assert_eq!(codes(entry.wrong).first(), Some(&entry.code), "{}", entry.wrong);
        assert!(codes(entry.right).is_empty(), "{}: {:?}", entry.right, codes(entry.right));
    }
}

#[test]
fn values_from_outside() {
    let told = |program: &str, name: &str, value: &str| {
        let options = CheckOptions { parameters: [(name.to_owned(), value.to_owned())].into(), ..CheckOptions::default() };
        let (file, _) = parse(&Source::new("q.tide", program));
        check(&file, &options).1.iter().map(|d| d.code.0).collect::<Vec<_>>()
    };
    let typed = "SET least = 5; CREATE STREAM S (x INT); SELECT x FROM S WHERE x > $least;";
    let untyped = "CREATE STREAM S (x INT); SELECT x FROM S WHERE x > $least;";
    let length = "SET size = 1 minute; CREATE STREAM S (x INT); SELECT COUNT(*) AS n FROM S WINDOW TUMBLING $size;";
    assert!(told(typed, "least", "8").is_empty());
    assert_eq!(told(typed, "least", "eight"), ["E0211"]);
    assert!(told(untyped, "least", "8").is_empty());
    assert_eq!(told(untyped, "least", "'8'"), ["E0207"], "a quoted text is a STRING");
    assert_eq!(told(untyped, "least", "eight"), ["E0211"]);
    assert!(told(length, "size", "1h 30m").is_empty());
    assert_eq!(told(typed, "leest", "8"), ["W0201"]);
}

/// What each function of other languages is said to be here, on the columns below.
#[test]
fn what_is_written_here_instead_can_be_written() {
    let names = "NOW RANDOM DATEDIFF DATE_ADD STRFTIME STRPTIME FROM_UNIXTIME TO_UNIXTIME YEAR DATE TUMBLE LEN INSTR SUBSTRING_INDEX ISNULL COUNT_IF SUM_IF \
                 STRING_AGG COUNT_DISTINCT PERCENTILE ANY_VALUE JSON_EXTRACT LIST_CONTAINS ARRAY_SIZE CONVERT IFF HAVERSINE EXISTS";
    let columns = "CREATE STREAM T (x INT, t STRING, a TIMESTAMP, b TIMESTAMP, j JSON, l LIST<INT>) TIMESTAMP BY a;";
    let told = |program: &str| {
        let (file, mut diagnostics) = parse(&Source::new("q.tide", program));
        diagnostics.extend(check(&file, &CheckOptions::default()).1);
        diagnostics.iter().map(|d| (d.message.clone(), d.hints.clone())).next()
    };
    let mut tried = 0;
    for name in names.split_whitespace() {
        let (message, hints) = told(&format!("{columns} SELECT {name}(x) AS r FROM T;")).expect("no such function");
        assert_eq!((message.as_str(), hints.len()), (format!("unknown function `{name}`").as_str(), 1));
        for here in hints[0].split('`').skip(1).step_by(2) {
            tried += 1;
            let query = if here.starts_with("WINDOW") {
                format!("SELECT COUNT(*) AS r FROM T {here}")
            } else {
                format!("SELECT {here} AS r FROM T")
            };
            assert_eq!(told(&format!("{columns} {query};")), None, "{name}: {here}");
        }
    }
    assert!(tried > 20, "{tried}");
}
