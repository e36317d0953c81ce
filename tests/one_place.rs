//! Rows that were derived at one place are events of their own to the pattern behind them: what it finds is what it would find in a source
//! stream of the same rows, one after the other at the same times.
#![allow(clippy::unwrap_used, reason = "a broken test should stop")]

use betide::{Engine, Options};

const SOURCES: &str = "
    CREATE STREAM A (id INT, k STRING, at TIMESTAMP) TIMESTAMP BY at;
    CREATE STREAM B (id INT, k STRING, at TIMESTAMP) TIMESTAMP BY at;";

/// Streams `D (id, k, w, at)` of which several rows stand at one place.
const DERIVED: [&str; 5] = [
    // One event makes rows by several statements.
    "CREATE STREAM D AS SELECT id, k, 'p' AS w, at FROM A;
     INSERT INTO D SELECT id, k, 'q' AS w, at FROM A WHERE id % 2 = 0;
     INSERT INTO D SELECT id, k, 'p' AS w, at FROM A WHERE id % 3 = 0;",
    // A window closes with several groups.
    "CREATE STREAM D AS SELECT COUNT(*) AS id, k, IF(COUNT(*) % 2 = 0, 'q', 'p') AS w, END_TIME AS at FROM A WINDOW TUMBLING 4s GROUP BY k;",
    // An event ends several matches.
    "CREATE STREAM D AS SELECT x.id AS id, y.k AS k, IF(x.id % 2 = 0, 'q', 'p') AS w, y.at AS at FROM PATTERN (A x ->> A y) WITHIN 3s;",
    // An event has several partners.
    "CREATE STREAM C AS SELECT id, k, at FROM A WHERE k = 'c';
     CREATE STREAM D AS SELECT x.id AS id, y.k AS k, IF(x.id % 2 = 0, 'q', 'p') AS w, GREATEST(x.at, y.at) AS at
     FROM A x JOIN C y ON x.id <> y.id WITHIN 3s;",
    // A deadline makes them, at whole seconds, at which bounds of who reads them end too.
    "CREATE STREAM C (id INT, k STRING, at TIMESTAMP) TIMESTAMP BY at;
     CREATE STREAM D AS SELECT a.id AS id, a.k AS k, IF(a.id % 2 = 0, 'q', 'p') AS w, a.at + 2s AS at FROM PATTERN (A a -> !C FOR 2s);",
];

/// What is asked of `D`.
const PATTERNS: [&str; 27] = [
    "(D d)",
    "(D x , D y)",
    "(D x -> D y)",
    "(D[w = 'p'] x -> D[w = 'q'] y)",
    "(D x ->> D y) WITHIN 4s",
    "(D x , D y , D z)",
    "(D d+) WITHIN 4s",
    "(D d+) WITHIN 3 EVENTS",
    "(D d{2}) WITHIN 2 EVENTS",
    "(D d{2,3}) WITHIN 6s AFTER MATCH SKIP PAST LAST EVENT",
    "(D d+) WITHIN 5s AFTER MATCH SKIP PAST LAST EVENT",
    "(D d+) WITHIN 5s AFTER MATCH SKIP TO NEXT EVENT",
    "(D x -> B?) WITHIN 3s",
    "(D x -> !B) WITHIN 3s",
    "(D x -> !B FOR 2s)",
    "(D x -> !B FOR 2s) AFTER MATCH SKIP PAST LAST EVENT",
    "(D x -> !D[w = 'q'] FOR 2s)",
    "(D x -> B y) WITHIN 9s RUNS LATEST",
    "(D d{2} -> B y) WITHIN 9s RUNS LATEST",
    "(D x -> B y) WITHIN 9s AFTER MATCH CONSUME",
    "(D x -> D[w = 'p'] y) WITHIN 9s AFTER MATCH RESTART",
    "(!D[w = 'q'] -> D x)",
    "(!D[w = 'q'] FOR 3s -> D x)",
    "(D x -> !D[w = 'q'] -> B y) WITHIN 9s",
    "(D[w = 'p'] x+ , D[w = 'q'] y) WITHIN 9s",
    "(D x+ ANY -> B y) WITHIN 4s",
    "((D[w = 'p'] x | D[w = 'q'] y) -> B z) WITHIN 6s",
];

fn event(stream: &str, id: usize, key: &str, at: usize) -> String {
    format!("{{\"type\":\"{stream}\",\"id\":{id},\"k\":\"{key}\",\"at\":{at}}}\n")
}

/// Events of A at whole seconds, several at some; of B between them.
fn events(mut state: u64) -> Vec<String> {
    let mut below = |bound: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(state >> 33).unwrap() % bound
    };
    let mut second = 0;
    let mut made = Vec::new();
    for id in 1..=14 {
        second += below(3);
        made.push((second * 1000, event("A", id, ["a", "b", "c"][below(3)], second * 1000)));
        if below(4) == 0 {
            let at = second * 1000 + 100 + id;
            made.push((at, event("B", 100 + id, ["a", "b", "c"][below(3)], at)));
        }
    }
    made.sort_by_key(|(at, _)| *at);
    made.into_iter().map(|(_, line)| line).collect()
}

/// The rows of a program in order, the same for any batches and for two threads.
fn run(program: &str, lines: &[String]) -> Vec<serde_json::Value> {
    let mut found: Option<Vec<String>> = None;
    for (batch_size, threads) in [(4096, 1), (3, 2)] {
        let options = Options { batch_size, threads, ..Options::default() };
        let mut engine = Engine::with_options(program, &options).unwrap_or_else(|error| panic!("{error}"));
        engine.push_json(lines.concat().as_bytes()).unwrap();
        engine.finish().unwrap();
        let rows: Vec<String> = engine.take_rows().iter().filter(|row| row.stream().is_none()).map(betide::OutputRow::to_json).collect();
        assert_eq!(*found.get_or_insert_with(|| rows.clone()), rows, "batches of {batch_size} on {threads} threads: {program}");
    }
    found.unwrap().iter().map(|row| serde_json::from_str(row).unwrap()).collect()
}

/// The rows of D, and B, as lines of source streams, and how many rows stand where another does.
fn as_events(derived: &str, lines: &[String]) -> (Vec<String>, usize) {
    let rows = run(&format!("{SOURCES} {derived} SELECT id, k, w, at FROM D;"), lines);
    let time = |row: &serde_json::Value| chrono::DateTime::parse_from_rfc3339(row["at"].as_str().unwrap()).unwrap().timestamp_millis();
    let of_d = |row: &serde_json::Value| {
        let at = time(row);
        (at, format!("{{\"type\":\"D\",\"id\":{},\"k\":{},\"w\":{},\"at\":{at}}}\n", row["id"], row["k"], row["w"]))
    };
    let mut all: Vec<(i64, String)> = rows.iter().map(of_d).collect();
    let beside = all.windows(2).filter(|pair| pair[0].0 == pair[1].0).count();
    let of_b = lines.iter().filter(|line| line.contains("\"B\"")).map(|line| {
        let parsed: serde_json::Value = serde_json::from_str(line).unwrap();
        (parsed["at"].as_i64().unwrap(), line.clone())
    });
    all.extend(of_b);
    all.sort_by_key(|(at, _)| *at);
    (all.into_iter().map(|(_, line)| line).collect(), beside)
}

/// The question, of all variables of a pattern.
fn select(pattern: &str, partition: &str) -> String {
    let (behind_from, clauses) = pattern.split_once(") ").map_or((pattern, ""), |_| {
        let end = pattern.rfind(')').unwrap();
        (&pattern[..=end], &pattern[end + 1..])
    });
    let of = |name: &str| behind_from.contains(&format!(" {name}")) || behind_from.contains(&format!(" {name}+"));
    let names: Vec<&str> = ["d", "x", "y", "z"].into_iter().filter(|name| of(name)).collect();
    let listed: Vec<String> = names.iter().map(|name| format!("ARRAY_AGG({name}.id) AS {name}")).collect();
    format!("SELECT {} FROM PATTERN {behind_from} {partition} {clauses};", listed.join(", "))
}

#[test]
fn a_pattern_over_rows_of_one_place_is_one_over_events() {
    // A few in the normal run; `BETIDE_PAIRS` asks for more.
    let seeds = std::env::var("BETIDE_PAIRS").map_or(1, |pairs| pairs.parse::<u64>().unwrap().div_ceil(216));
    let (mut compared, mut together) = (0, 0);
    for (number, derived) in DERIVED.iter().enumerate() {
        for seed in 0..seeds {
            let lines = events(seed * 7919 + number as u64 + 3);
            let (as_events, beside) = as_events(derived, &lines);
            together += beside;
            for (at, pattern) in PATTERNS.iter().enumerate() {
                for partition in ["", "PARTITION BY k"].into_iter().skip((at + number) % 2).take(1 + usize::from(seeds > 1)) {
                    let question = select(pattern, partition);
                    let found = run(&format!("{SOURCES} {derived} {question}"), &lines);
                    let source = "CREATE STREAM D (id INT, k STRING, w STRING, at TIMESTAMP) TIMESTAMP BY at;";
                    let expected = run(&format!("{SOURCES} {source} {question}"), &as_events);
                    assert_eq!(found, expected, "seed {seed}, {derived} {question}");
                    compared += found.len();
                }
            }
        }
    }
    assert!(compared > 300 && together > 20, "{compared} rows compared, {together} rows stood where another did");
}

/// Joins of D with itself: each of its rows meets itself, as an event does.
const SELF_JOINS: [&str; 6] = [
    "SELECT x.id, y.id AS other FROM D x JOIN D y ON x.k = y.k WITHIN 3s;",
    "SELECT x.id, y.id AS other FROM D x JOIN D y ON x.w = y.w AND x.id < y.id WITHIN 2s;",
    "SELECT x.id, y.id AS other FROM D x LEFT JOIN D y ON x.k = y.k AND x.id <> y.id WITHIN 2s;",
    "SELECT x.id, y.id AS other FROM D x FULL JOIN D y ON x.id = y.id AND x.w <> y.w WITHIN 2s;",
    "SELECT x.id FROM D x SEMI JOIN D y ON x.k = y.k AND x.id <> y.id WITHIN 2s;",
    "SELECT x.id, y.id AS other FROM D x JOIN D y ON TRUE WITHIN 0s;",
];

#[test]
fn a_stream_that_is_joined_with_itself_gives_pairs_in_the_order_of_its_rows() {
    let (mut compared, mut together) = (0, 0);
    for (number, derived) in DERIVED.iter().enumerate() {
        let lines = events(number as u64 * 31 + 5);
        let (as_events, beside) = as_events(derived, &lines);
        together += beside;
        for question in SELF_JOINS {
            let found = run(&format!("{SOURCES} {derived} {question}"), &lines);
            let source = "CREATE STREAM D (id INT, k STRING, w STRING, at TIMESTAMP) TIMESTAMP BY at;";
            let expected = run(&format!("{SOURCES} {source} {question}"), &as_events);
            assert_eq!(found, expected, "{derived} {question}");
            compared += found.len();
        }
    }
    assert!(compared > 300 && together > 20, "{compared} rows compared, {together} rows stood where another did");
}
