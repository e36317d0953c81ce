//! Patterns that make other engines explode end here: threads that can no longer be told apart are one, and what cannot be merged keeps to a
//! bound that is counted. Nothing is timed: a pattern that were exponential, or quadratic at these sizes, would simply not end.

#![allow(clippy::unwrap_used, reason = "a broken case should stop the test")]

use std::fmt::Write;

use betide::{Engine, Options};

/// A row pattern over rows with these values of x; what it gives.
fn rows_of(pattern: &str, define: &str, values: impl Iterator<Item = u32>) -> Vec<String> {
    let program = format!(
        "CREATE STREAM E (x INT, at TIMESTAMP) TIMESTAMP BY at;
         SELECT n FROM E MATCH_RECOGNIZE (ORDER BY at MEASURES COUNT(*) AS n PATTERN ({pattern}) DEFINE {define});"
    );
    let mut engine = Engine::compile(&program).unwrap_or_else(|told| panic!("{program}\n{told:?}"));
    push(&mut engine, values.map(|x| ("E", x)));
    engine.finish().unwrap();
    assert_eq!(engine.stats().operators.iter().map(|o| o.dropped).sum::<u64>(), 0, "nothing is given up");
    engine.take_rows().iter().map(|row| row.to_json()).collect()
}

fn push<'a>(engine: &mut Engine, events: impl Iterator<Item = (&'a str, u32)>) {
    let mut text = String::new();
    for (at, (stream, x)) in events.enumerate() {
        writeln!(text, "{{\"type\":\"{stream}\",\"x\":{x},\"at\":{at}}}").unwrap();
    }
    engine.push_json(text.as_bytes()).unwrap();
}

/// So many rows of 1, and a last one.
fn ones(count: usize, last: u32) -> impl Iterator<Item = u32> {
    std::iter::repeat_n(1, count).chain([last])
}

const AB: &str = "A AS x = 1, B AS x = 2";

#[test]
fn nested_plus_over_120_000_rows() {
    assert_eq!(rows_of("^(A+)+B$", AB, ones(120_000, 2)), ["{\"n\":120001}"]);
}

#[test]
fn nested_plus_that_fails_at_the_last_of_120_000_rows() {
    assert!(rows_of("^(A+)+B$", AB, ones(120_000, 3)).is_empty());
}

#[test]
fn every_row_is_a_start_and_all_fail_at_the_last_of_100_000() {
    for pattern in ["A+ B", "(A | A A)+ B", "A A* A B", "A{2,} (B | B B)"] {
        assert!(rows_of(pattern, AB, ones(100_000, 3)).is_empty(), "{pattern}");
    }
    // The first start succeeds, and those behind the gap are not fooled by what the ones before have learnt.
    let values = ones(2_000, 3).chain(ones(2_000, 2)).chain(ones(2_000, 3)).chain(ones(3, 2));
    assert_eq!(rows_of("A+ B", AB, values), ["{\"n\":2001}", "{\"n\":4}"]);
}

#[test]
fn nested_and_repeated_stars() {
    for pattern in ["^(A*)*B", "^((A+)+)+B", "^((A*)*)*B", "^(A|A)*B", "^A* A* A* B", "^(A* A*)* B", "^(A | A A)* B", "^(A{1,3}){1,}B"] {
        assert_eq!(rows_of(pattern, AB, ones(5_000, 2)), ["{\"n\":5001}"], "{pattern}");
        assert!(rows_of(pattern, AB, ones(5_000, 3)).is_empty(), "{pattern}");
    }
}

#[test]
fn optional_ones_before_as_many() {
    assert_eq!(rows_of("^(A?){30} A{30} B", AB, ones(30, 2)), ["{\"n\":31}"]);
    assert_eq!(rows_of("^(A?){30} A{30} B", AB, ones(60, 2)), ["{\"n\":61}"]);
    assert!(rows_of("^(A?){30} A{30} B", AB, ones(29, 2)).is_empty());
    assert_eq!(rows_of("^((A?){30} A{30})* B", AB, ones(300, 2)), ["{\"n\":301}"]);
}

#[test]
fn twenty_alternatives_that_all_fit() {
    let names: Vec<String> = (0..20).map(|i| format!("V{i}")).collect();
    let define: Vec<String> = names.iter().map(|name| format!("{name} AS x = 1")).collect();
    let define = format!("{}, B AS x = 2", define.join(", "));
    assert_eq!(rows_of(&format!("^({})+ B", names.join(" | ")), &define, ones(3_000, 2)), ["{\"n\":3001}"]);
    assert!(rows_of(&format!("^({})+ B", names.join(" | ")), &define, ones(3_000, 3)).is_empty());
}

#[test]
fn permutations_of_six() {
    let define = "P AS x > 0, Q AS x > 0, R AS x > 0, S AS x > 0, T AS x > 0, U AS x = 2";
    assert!(rows_of("PERMUTE(P, Q, R, S, T, U)", define, ones(1_000, 3)).is_empty());
    assert_eq!(rows_of("^PERMUTE(P, Q, R, S, T, U)+ V", "V AS x = 2", ones(1_200, 2)), ["{\"n\":1201}"]);
}

#[test]
fn terms_on_the_history_merge_where_they_agree() {
    let define = "P AS x = 1 AND (PREV(x) IS NULL OR x >= PREV(x)), Q AS x = 1, B AS x = 2 AND COUNT(P.x) = 100";
    // Which of 200 rows were P and which Q cannot be told apart but by their number.
    assert_eq!(rows_of("^(Q | P)* B", define, ones(200, 2)), ["{\"n\":201}"]);
}

#[test]
fn ten_thousand_open_runs_of_one_key() {
    let program = "CREATE STREAM A (x INT, at TIMESTAMP) TIMESTAMP BY at; CREATE STREAM B (x INT, at TIMESTAMP) TIMESTAMP BY at;
                   SELECT a.x FROM PATTERN (A a -> B b) WITHIN 1h;";
    let mut options = Options::default();
    options.limits.pattern_threads = 1_000;
    let mut engine = Engine::with_options(program, &options).unwrap();
    push(&mut engine, (0..10_000).map(|x| ("A", x)).chain([("B", 0)]));
    engine.finish().unwrap();
    let rows: Vec<String> = engine.take_rows().iter().map(|row| row.to_json()).collect();
    assert_eq!(rows.len(), 1_000, "the newest runs stay");
    assert_eq!((rows[0].as_str(), rows[999].as_str()), ("{\"x\":9000}", "{\"x\":9999}"));
    assert_eq!(engine.stats().operators.iter().map(|o| o.dropped).sum::<u64>(), 9_000, "what was given up is counted");
}

#[test]
fn every_combination_keeps_to_the_bound() {
    let program = "CREATE STREAM A (x INT, at TIMESTAMP) TIMESTAMP BY at; CREATE STREAM B (x INT, at TIMESTAMP) TIMESTAMP BY at;
                   SELECT COUNT(a) AS n FROM PATTERN (A a+ ANY -> B b) WITHIN 1h;";
    let mut options = Options::default();
    options.limits.pattern_threads = 500;
    let mut engine = Engine::with_options(program, &options).unwrap();
    push(&mut engine, (0..200).map(|x| ("A", x)));
    assert!(engine.stats().operators.iter().all(|o| o.held <= 500), "what is held is bounded: {:?}", engine.stats().operators);
    engine.finish().unwrap();
    assert!(engine.stats().operators.iter().any(|o| o.dropped > 0), "what was given up is counted");
}
