//! The bound of keys is kept to the row: the statement ends at the row whose key is one too many, and what was certain before comes out, however
//! the input was cut and on how many threads.
#![allow(clippy::unwrap_used, reason = "a broken test should stop")]

mod support;

use betide::engine::EndCause;
use betide::{Engine, Limits, Options};
use support::random::Random;

const SOURCES: &str = "CREATE STREAM A (k INT, s STRING, n INT, at TIMESTAMP) TIMESTAMP BY at DELAY 2s;
    CREATE STREAM B (k INT, s STRING, n INT, at TIMESTAMP) TIMESTAMP BY at DELAY 2s;\n";

/// Statements of every kind of operator that has keys.
const STATEMENTS: &[&str] = &[
    "SELECT k, COUNT(*) AS c FROM A GROUP BY k",
    "SELECT s, COUNT(*) AS c FROM A WINDOW TUMBLING 5s GROUP BY s",
    "SELECT k, SUM(n) AS c FROM A WINDOW HOPPING 6s EVERY 2s GROUP BY k",
    "SELECT k, COUNT(*) AS c FROM A WINDOW SLIDING 4s GROUP BY k",
    "SELECT s, COUNT(*) AS c FROM A WINDOW SESSION 2s GROUP BY s",
    "SELECT k, COUNT(*) AS c FROM A WINDOW LAST 2 ROWS GROUP BY k",
    "SELECT k, n FROM A SUPPRESS BY k FOR 4s",
    "SELECT a.n, b.n AS m FROM A a JOIN B b ON a.k = b.k WITHIN 3s",
    "SELECT a.n, b.n AS m FROM A a FULL JOIN B b ON a.s = b.s WITHIN 3s",
    "SELECT a.n, b.n AS m FROM A a LEFT ASOF JOIN B b ON a.k = b.k TOLERANCE 5s",
    "SELECT a.n, b.n AS m FROM PATTERN (A a -> B b) PARTITION BY k WITHIN 4s",
    "SELECT a.n, b.n AS m FROM PATTERN (A a -> B b) PARTITION BY s",
    "SELECT a.n, b.n AS m FROM PATTERN (A a ->> B b) PARTITION BY k WITHIN 4s",
    "SELECT a.n, b.n AS m FROM PATTERN (A a ->> A c ->> B b) PARTITION BY s WITHIN 4s",
    "SELECT a.n, COUNT(c) AS m FROM PATTERN (A a -> A c+ -> B b) PARTITION BY s WHERE c.n > a.n WITHIN 4s",
    "SELECT a.n, LAST(c.n) AS m FROM PATTERN (A a -> (A c | B c2)* -> B b) PARTITION BY k WITHIN 4s RUNS LATEST",
    "SELECT a.n FROM PATTERN (A a -> !B b) PARTITION BY k WITHIN 3s",
    "SELECT COUNT(*) AS c FROM (SELECT a.n FROM PATTERN (A a ->> B b) PARTITION BY k WITHIN 4s) WINDOW TUMBLING 5s",
    "SELECT k, MAX(c) AS m FROM (SELECT k, COUNT(*) AS c FROM A GROUP BY k) WINDOW TUMBLING 3s GROUP BY k",
];

fn events(seed: u64, count: usize) -> String {
    let mut random = Random::new(seed);
    let mut now = 0;
    let mut text = String::new();
    for n in 0..count {
        now += [0, 100, 400, 1500][random.below(4)];
        // Keys that come again, and a few that are new.
        let key = if random.chance(70) { random.below(4) } else { 4 + n / 8 + random.below(3) };
        let stream = if random.chance(60) { "A" } else { "B" };
        let at = now - [0, 0, 700][random.below(3)];
        text += &format!("{{\"type\":\"{stream}\",\"k\":{key},\"s\":\"t{key}\",\"n\":{n},\"at\":{}}}\n", at.max(0));
    }
    text
}

/// The rows of both statements, and why the first has ended, at which event time.
fn run(statement: &str, events: &str, keys: usize, cut: &Options) -> (Vec<String>, Option<(String, i64)>) {
    let program = format!("{SOURCES}CREATE STREAM R AS {statement};\nSELECT COUNT(*) AS other FROM A;");
    let options = Options { limits: Limits { keys, ..Limits::default() }, ..cut.clone() };
    let mut engine = Engine::with_options(&program, &options).unwrap_or_else(|e| panic!("{e}"));
    engine.push_json(events.as_bytes()).unwrap();
    engine.finish().unwrap();
    let rows = engine.take_rows().iter().map(betide::OutputRow::to_json).collect();
    let ended = engine.ended();
    assert!(ended.len() <= 1, "{ended:?}");
    let why = ended.first().map(|ended| {
        let EndCause::Full(why) = &ended.cause else { panic!("{ended:?}") };
        (why.clone(), ended.between.unwrap().0.0)
    });
    (rows, why)
}

#[test]
fn a_statement_ends_at_the_same_row_however_its_input_is_cut() {
    let cut = |batch_size, threads| Options { batch_size, threads, hand_over_from: 2, ..Options::default() };
    let mut ended = 0;
    for (number, statement) in STATEMENTS.iter().enumerate() {
        for seed in 0..2 {
            let events = events(seed * 100 + number as u64, 160);
            for keys in [1, 3, 7] {
                let (rows, why) = run(statement, &events, keys, &cut(1, 1));
                ended += usize::from(why.is_some());
                let all = run(statement, &events, usize::MAX, &cut(4096, 1)).0;
                let of = |rows: &[String]| rows.iter().filter(|row| row.contains("\"R\"")).cloned().collect::<Vec<_>>();
                assert!(
                    of(&all).starts_with(&of(&rows)),
                    "what comes out is the beginning of what comes without a bound: {statement}, {keys}"
                );
                assert!(why.is_some() || all == rows, "{statement}, {keys}");
                for (batch_size, threads) in [(7, 1), (64, 1), (4096, 1), (64, 3), (4096, 2)] {
                    let other = run(statement, &events, keys, &cut(batch_size, threads));
                    assert_eq!(other, (rows.clone(), why.clone()), "{statement}, {keys} keys, {batch_size} lines, {threads} threads");
                }
            }
        }
    }
    assert!(ended > 60, "{ended}");
}

#[test]
fn the_row_of_the_key_that_is_too_many_is_the_first_that_does_not_come_out() {
    let event = |k: usize, n: usize| format!("{{\"type\":\"A\",\"k\":{k},\"n\":{n},\"at\":{}}}\n", n * 1000);
    let events: String = [1, 2, 1, 3, 2, 4, 1, 5].iter().enumerate().map(|(n, &k)| event(k, n)).collect();
    let (rows, why) = run("SELECT k, COUNT(*) AS c FROM A GROUP BY k", &events, 3, &Options::default());
    let rows: Vec<&String> = rows.iter().filter(|row| row.contains("\"R\"")).collect();
    assert_eq!(rows.len(), 5, "{rows:?}");
    assert_eq!(why, Some(("more than 3 keys".to_owned(), 5_000_000_000)));
}

#[test]
fn many_statements_that_share_a_look_at_each_event_end_at_the_row_too() {
    let rules: String = (0..40)
        .map(|i| {
            format!(
                "CREATE STREAM R{i} AS SELECT a.n, b.n AS m FROM PATTERN (A a -> B b) PARTITION BY k WHERE a.n % 40 >= {i} WITHIN 4s;\n"
            )
        })
        .collect();
    let events = events(7, 600);
    let run = |batch_size| {
        let options = Options { batch_size, limits: Limits { keys: 4, ..Limits::default() }, ..Options::default() };
        let mut engine = Engine::with_options(&format!("{SOURCES}{rules}"), &options).unwrap();
        engine.push_json(events.as_bytes()).unwrap();
        engine.finish().unwrap();
        let ended: Vec<_> = engine.ended().iter().map(|ended| (ended.title(), ended.between)).collect();
        (engine.take_rows().iter().map(betide::OutputRow::to_json).collect::<Vec<_>>(), ended)
    };
    let whole = run(4096);
    assert!(whole.1.len() > 10 && whole.1.len() < 40 && whole.0.len() > 50, "{} ended, {} rows", whole.1.len(), whole.0.len());
    for batch_size in [1, 13, 200] {
        let mut other = run(batch_size);
        let mut whole = whole.clone();
        // Statements that end in one round are told in its order.
        other.1.sort();
        whole.1.sort();
        assert!(other == whole, "{batch_size} lines");
    }
}
