//! Bounds of keys, of the runs of a key and of the rows of one event are kept to the row: the statement ends at the row whose key, run or match
//! is one too many, and what was certain before comes out, however the input was cut and on how many threads.
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

/// As [`bounded`], with a bound of keys.
fn run(statement: &str, events: &str, keys: usize, cut: &Options) -> Outcome {
    bounded(statement, events, Limits { keys, ..Limits::default() }, cut)
}

/// The rows of both statements, and why the first has ended, at which event time.
type Outcome = (Vec<String>, Option<(String, i64)>);

fn bounded(statement: &str, events: &str, limits: Limits, cut: &Options) -> Outcome {
    let program = format!("{SOURCES}CREATE STREAM R AS {statement};\nSELECT COUNT(*) AS other FROM A;");
    let options = Options { limits, ..cut.clone() };
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

/// What `A a -> B b` of each key gives where at most so many keys have a run, as it would be done by hand; and how many keys were given up.
fn by_hand(events: &[(char, i64, i64, i64)], within: i64, most: usize) -> (Vec<(i64, i64)>, u64) {
    // Each key with the starts that wait, in the order in which the keys began.
    let mut open: Vec<(i64, Vec<(i64, i64)>)> = Vec::new();
    let (mut rows, mut dropped) = (Vec::new(), 0);
    for &(stream, key, n, at) in events {
        open.iter_mut().for_each(|(_, starts)| starts.retain(|(_, start)| at - start <= within));
        open.retain(|(_, starts)| !starts.is_empty());
        let known = open.iter().position(|(of, _)| *of == key);
        match (stream, known) {
            ('A', Some(known)) => open[known].1.push((n, at)),
            ('A', None) => open.push((key, vec![(n, at)])),
            (_, Some(known)) => rows.extend(open.remove(known).1.iter().map(|(start, _)| (*start, n))),
            (_, None) => {}
        }
        if open.len() > most {
            open.remove(0);
            dropped += 1;
        }
    }
    (rows, dropped)
}

#[test]
fn a_pattern_gives_up_the_key_that_began_first() {
    let mut all_dropped = 0;
    for seed in 0..6 {
        let mut random = Random::new(seed + 50);
        let mut now = 0;
        let events: Vec<(char, i64, i64, i64)> = (0..150)
            .map(|n| {
                now += [0, 1, 2, 900][random.below(4)];
                (if random.chance(70) { 'A' } else { 'B' }, random.below(7) as i64, n, now)
            })
            .collect();
        let line = |(stream, k, n, at): &(char, i64, i64, i64)| format!("{{\"type\":\"{stream}\",\"k\":{k},\"n\":{n},\"at\":{at}}}\n");
        let lines: Vec<String> = events.iter().map(line).collect();
        for most in [1, 2, 4] {
            let (expected, given_up) = by_hand(&events, 4000, most);
            all_dropped += given_up;
            let program = format!(
                "{}CREATE STREAM R AS SELECT a.n, b.n AS m FROM PATTERN (A a -> B b) PARTITION BY k WITHIN 4s KEYS {most} ON OVERFLOW DROP OLDEST;",
                SOURCES.replace(" DELAY 2s", "")
            );
            for (batch_size, threads, cut) in [(1, 1, 0), (4096, 1, 0), (16, 3, 0), (4096, 1, 70)] {
                let options = Options { batch_size, threads, hand_over_from: 1, ..Options::default() };
                let mut engine = Engine::with_options(&program, &options).unwrap();
                engine.push_json(lines[..cut].concat().as_bytes()).unwrap();
                let mut rows = engine.take_rows();
                if cut > 0 {
                    let state = engine.snapshot().unwrap();
                    engine = Engine::restore(&program, &options, &state).unwrap().0;
                }
                engine.push_json(lines[cut..].concat().as_bytes()).unwrap();
                engine.finish().unwrap();
                rows.extend(engine.take_rows());
                let number = |row: &betide::OutputRow, name: &str| {
                    let row: serde_json::Value = serde_json::from_str(&row.to_json()).unwrap();
                    row[name].as_i64().unwrap()
                };
                let found: Vec<(i64, i64)> = rows.iter().map(|row| (number(row, "n"), number(row, "m"))).collect();
                assert_eq!(found, expected, "seed {seed}, {most} keys, {batch_size} lines, {threads} threads, cut at {cut}");
                let dropped: u64 = engine.stats().operators.iter().map(|operator| operator.dropped).sum();
                assert_eq!(dropped, given_up, "seed {seed}, {most} keys, cut at {cut}");
            }
        }
    }
    assert!(all_dropped > 50, "{all_dropped}");
}

#[test]
fn a_pattern_may_say_itself_at_how_many_keys_its_statement_ends() {
    let statement = "SELECT a.n, b.n AS m FROM PATTERN (A a -> B b) PARTITION BY k WITHIN 4s KEYS 3 ON OVERFLOW ERROR";
    let events = events(11, 200);
    let said = run(statement, &events, usize::MAX, &Options::default());
    let plain = statement.replace(" KEYS 3 ON OVERFLOW ERROR", "");
    assert_eq!(said, run(&plain, &events, 3, &Options::default()));
    assert_eq!(said.1.unwrap().0, "more than 3 keys");
}

/// Statements whose bound of runs is said in them, or that give several rows for one event, with the event rows that they may give.
const OTHERS: &[(&str, usize)] = &[
    ("SELECT a.n, b.n AS m FROM PATTERN (A a -> B b) PARTITION BY k WITHIN 9s RUNS 2 ON OVERFLOW ERROR", usize::MAX),
    ("SELECT a.n, LAST(c.n) AS m FROM PATTERN (A a -> A c* -> B b) PARTITION BY s WITHIN 9s RUNS 3 ON OVERFLOW ERROR", usize::MAX),
    ("SELECT a.n FROM PATTERN (A a -> !B b) WITHIN 3s RUNS 7 ON OVERFLOW ERROR", usize::MAX),
    ("SELECT a.n, b.n AS m FROM PATTERN (A a -> B b) WITHIN 8s TIMEOUT INTO T RUNS 7 ON OVERFLOW ERROR", usize::MAX),
    ("SELECT a.n, b.n AS m FROM PATTERN (A a ->> B b) PARTITION BY k WITHIN 9s", 3),
    ("SELECT a.n, b.n AS m FROM PATTERN (A a -> B b) WITHIN 4s", 4),
    ("SELECT a.n, b.n AS m FROM PATTERN (A a -> B b) WHERE b.n > 2 * a.n WITHIN 9s", 1),
    ("SELECT a.n, COUNT(c) AS m FROM PATTERN (A a ->> A c* ANY ->> B b) PARTITION BY s WITHIN 3s", 4),
    ("SELECT a.n, COUNT(c) AS m FROM PATTERN (A a -> A c+ -> B b) PARTITION BY s WITHIN 9s", 1),
    ("SELECT a.n, b.n AS m FROM A a JOIN B b ON a.k = b.k WITHIN 9s", 3),
    ("SELECT a.n, b.n AS m FROM A a FULL JOIN B b ON a.s = b.s WITHIN 6s", 3),
    ("SELECT s, COUNT(*) AS c FROM A WINDOW TUMBLING 5s GROUP BY s", 3),
    ("SELECT k, COUNT(*) AS c FROM A WINDOW SESSION 2s GROUP BY k", 1),
    ("SELECT a.n FROM PATTERN (A a -> !B b) PARTITION BY k WITHIN 3s", 1),
];

#[test]
fn bounds_of_runs_and_of_the_rows_of_one_event_are_kept_to_the_row_too() {
    let cut = |batch_size, threads| Options { batch_size, threads, hand_over_from: 2, ..Options::default() };
    let mut ended = Vec::new();
    for (number, &(statement, event_rows)) in OTHERS.iter().enumerate() {
        let limits = Limits { event_rows, ..Limits::default() };
        ended.push(0);
        for seed in 0..4 {
            let events = events(seed * 100 + number as u64, 160);
            let (rows, why) = bounded(statement, &events, limits, &cut(1, 1));
            ended[number] += usize::from(why.is_some());
            let without = statement.split_once(" RUNS ").map_or(statement, |(before, _)| before);
            let all = bounded(without, &events, Limits::default(), &cut(4096, 1)).0;
            let of = |rows: &[String]| rows.iter().filter(|row| row.contains("\"R\"")).cloned().collect::<Vec<_>>();
            assert!(of(&all).starts_with(&of(&rows)), "what comes out is the beginning of what comes without a bound: {statement}");
            assert!(why.is_some() || all == rows, "{statement}");
            for (batch_size, threads) in [(7, 1), (64, 1), (4096, 1), (64, 3), (4096, 2)] {
                let other = bounded(statement, &events, limits, &cut(batch_size, threads));
                assert_eq!(other, (rows.clone(), why.clone()), "{statement}, {batch_size} lines, {threads} threads, seed {seed}");
            }
        }
    }
    assert!(ended.iter().all(|ended| *ended > 0), "each has ended once at least: {ended:?}");
}
