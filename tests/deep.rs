//! Programs that nest as deep as the language lets them, from text to rows, on a stack of 1 MiB: checker, planner, explanation, evaluation and
//! the dropping of all that recurse along a tree must have frames small enough, in a debug build too.
#![allow(clippy::unwrap_used, reason = "a broken test should stop")]

use betide::{Engine, Options};

/// How deep the cases nest: the limit is 128, and what stands around counts too.
const DEPTH: usize = 110;

const SOURCE: &str = "CREATE STREAM A (x INT, y FLOAT, s STRING, b BOOL, l LIST<INT>, at TIMESTAMP) TIMESTAMP BY at;
CREATE STREAM B (x INT, y FLOAT, s STRING, b BOOL, l LIST<INT>, at TIMESTAMP) TIMESTAMP BY at;\n";

const EVENTS: &str = "{\"type\":\"A\",\"x\":1,\"y\":1.5,\"s\":\"t\",\"b\":true,\"l\":[1],\"at\":1000}
{\"type\":\"B\",\"x\":1,\"y\":1.5,\"s\":\"t\",\"b\":true,\"l\":[1],\"at\":2000}
{\"type\":\"A\",\"x\":1,\"y\":1.5,\"s\":\"t\",\"b\":true,\"l\":[1],\"at\":3000}
{\"type\":\"B\",\"x\":1,\"y\":1.5,\"s\":\"t\",\"b\":true,\"l\":[1],\"at\":4000}
";

fn nested(depth: usize, before: &str, middle: &str, after: &str) -> String {
    format!("{}{middle}{}", before.repeat(depth), after.repeat(depth))
}

fn around(before: &str, middle: &str, after: &str) -> String {
    nested(DEPTH, before, middle, after)
}

/// Expressions of the columns of `A`, all true.
fn conditions() -> Vec<(&'static str, String)> {
    vec![
        ("parentheses", around("(", "b", ")")),
        ("operators", around("(1 + ", "x", ")") + " > 0"),
        ("chains", around("", "x", " + x") + " > 0"),
        ("minus", around("- ", "x", "") + " <> 0"),
        ("not", around("NOT ", "b", "") + " IS NOT NULL"),
        ("calls", around("GREATEST(x, ", "x", ")") + " > 0"),
        ("texts", around("CONCAT(s, ", "s", ")") + " LIKE 't%'"),
        ("casts", around("CAST(", "x", " AS INT)") + " > 0"),
        ("case", around("CASE WHEN ", "b", " THEN TRUE END")),
        ("case else", around("CASE WHEN NOT b THEN b ELSE ", "b", " END")),
        ("is null", around("", "b", " IS NOT NULL")),
        ("is distinct", around("b IS DISTINCT FROM (", "b", ")")),
        ("in", around("b IN (", "b", ")")),
        ("and or", nested(DEPTH / 2, "(b AND (b OR ", "b", "))")),
        ("between", around("(x BETWEEN 0 AND 9 AND ", "b", ")")),
        ("coalesce", around("COALESCE(NULL, ", "b", ")")),
        ("if", around("IF(b, ", "b", ", FALSE)")),
        ("indexes", around("l[", "1", "]") + " = 1"),
    ]
}

fn programs() -> Vec<(String, String)> {
    let mut all = Vec::new();
    for (name, condition) in conditions() {
        let queries = [
            ("WHERE", format!("SELECT {condition} AS d FROM A WHERE {condition};")),
            ("aggregate", format!("SELECT BOOL_AND({condition}) AS d FROM A WINDOW TUMBLING 1m;")),
            ("HAVING", format!("SELECT b, x, y, s, l FROM A WINDOW TUMBLING 1m GROUP BY b, x, y, s, l HAVING {condition};")),
            ("GROUP BY", format!("SELECT {condition} AS d, COUNT(*) AS n FROM A WINDOW TUMBLING 1m GROUP BY {condition};")),
            ("ON", format!("SELECT A.x FROM A JOIN (SELECT x AS z, at AS t FROM B) c ON A.x = c.z AND {condition} WITHIN 1m;")),
            ("pattern", format!("SELECT a.x FROM PATTERN (A[{condition}] a -> B c) WITHIN 1m;")),
            ("DEFINE", format!("SELECT * FROM A MATCH_RECOGNIZE (ORDER BY at MEASURES P.x AS p PATTERN (P) DEFINE P AS {condition});")),
        ];
        all.extend(queries.into_iter().map(|(place, query)| (format!("{name} in {place}"), query)));
    }
    let pattern = |pattern: String| format!("SELECT COUNT(*) AS n FROM PATTERN ({pattern}) WITHIN 1m;");
    let rows = |pattern: String| format!("SELECT * FROM A MATCH_RECOGNIZE (ORDER BY at MEASURES COUNT(*) AS n PATTERN ({pattern}));");
    let patterns = [
        ("groups", pattern(around("(", "A", ")"))),
        ("loops", pattern(around("(", "A", ")+"))),
        ("reluctant loops", pattern(around("(", "A", ")+?"))),
        ("options", pattern(around("(", "A", ")?") + " -> B")),
        ("branches", pattern(around("(B c -> B d | ", "A", ")"))),
        ("row groups", rows(around("(", "P", ")"))),
        ("row loops", rows(around("(", "P", ")+"))),
        ("exclusions", rows(around("{- ", "P", " -}") + " Q")),
        ("subqueries", around("SELECT x FROM (", "SELECT x FROM A", ")") + ";"),
    ];
    all.extend(patterns.into_iter().map(|(name, program)| (name.to_owned(), program)));
    all
}

/// The number of rows that a program gives.
fn run(name: &str, program: &str) -> usize {
    let mut engine = Engine::with_options(&format!("{SOURCE}{program}"), &Options::default())
        .unwrap_or_else(|error| panic!("{name}: {}", error.to_string().chars().take(3_000).collect::<String>()));
    assert!(!engine.explain().is_empty());
    engine.push_json(EVENTS.as_bytes()).unwrap();
    engine.finish().unwrap();
    engine.take_rows().len()
}

/// Groups in groups, each with a step of its own; they need more events than there are.
fn groups_of_steps(arrow: &str) -> String {
    let groups: String = (0..DEPTH).map(|level| format!("(A a{level} {arrow} ")).collect();
    format!("SELECT COUNT(*) AS n FROM PATTERN ({groups}B{}) WITHIN 1m;", ")".repeat(DEPTH))
}

#[test]
fn what_nests_to_the_limit_runs_on_a_small_stack() {
    let on_small_stack = || {
        for arrow in ["->", "->>", ",", "|", "&"] {
            let rows = run(arrow, &groups_of_steps(arrow));
            assert_eq!(rows > 0, arrow == "|", "{arrow}");
        }
        for (name, program) in programs() {
            assert!(run(&name, &program) > 0, "{name} gives a row");
        }
    };
    std::thread::Builder::new().stack_size(1 << 20).spawn(on_small_stack).unwrap().join().unwrap();
}
