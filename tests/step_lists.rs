//! What step lists hold: so many bytes for a match that waits, at most so many matches, and nothing of what is over.
//! That their rows are right is held by `tests/evaluators_agree.rs`.

#![allow(clippy::unwrap_used, reason = "a broken case should stop the test")]

use betide::engine::OperatorStats;
use betide::{Engine, Limits, Options};

const SOURCE: &str = "CREATE STREAM E (side INT, k INT, n INT, x FLOAT, at TIMESTAMP(ms)) TIMESTAMP BY at;\n";

fn engine(query: &str, limits: Limits) -> Engine {
    let options = Options { limits, ..Options::default() };
    let engine = Engine::with_options(&format!("{SOURCE}{query};"), &options).unwrap();
    assert!(engine.explain().contains("step lists"), "{query}");
    engine
}

/// Pushes events a millisecond apart. Gives the rows that came.
fn push(engine: &mut Engine, from: i64, events: impl Iterator<Item = (i64, i64, i64, f64)>) -> Vec<String> {
    let lines = events.zip(from..).map(|((side, k, n, x), at)| format!("{{\"side\":{side},\"k\":{k},\"n\":{n},\"x\":{x},\"at\":{at}}}\n"));
    engine.push_json(lines.collect::<String>().as_bytes()).unwrap();
    engine.take_rows().iter().map(|row| row.to_json()).collect()
}

fn pattern(engine: &Engine) -> OperatorStats {
    engine.stats().operators.iter().find(|operator| operator.name.contains("pattern")).unwrap().clone()
}

const QUERY: &str = "SELECT a.n AS a, b.n AS b, a.at AS began FROM PATTERN (E a -> E b)
    WHERE a.side = 0 AND b.side = 1 AND b.x > 2 * a.x WITHIN 1h";

/// docs/performance.md states it: 24 bytes a waiting match and 8 for each value that is compared; of each event 16 and 8 for each column that
/// is read again; and vectors and indexes that may have grown to twice that.
#[test]
fn a_waiting_match_takes_the_bytes_that_are_stated() {
    let mut engine = engine(QUERY, Limits::default());
    let waiting = 20_000;
    push(&mut engine, 1_000, (0..waiting).map(|n| (0, 0, n, n as f64)));
    let held = pattern(&engine);
    assert!(held.held >= waiting as u64 - 1, "{} wait", held.held);
    let each = held.bytes / held.held;
    assert!((48..=220).contains(&each), "{each} bytes for each of {}", held.held);
}

#[test]
fn beyond_the_bound_the_oldest_go_and_are_counted() {
    let mut engine = engine(QUERY, Limits { pattern_threads: 1000, ..Limits::default() });
    push(&mut engine, 1_000, (0..5000).map(|n| (0, 0, n, 1.0)));
    let held = pattern(&engine);
    assert!(held.held <= 1000 && held.held >= 800, "{} wait", held.held);
    assert_eq!(held.dropped + held.held, 5000);
    let rows = push(&mut engine, 6_000, [(1, 0, 9, 3.0), (1, 0, 9, 0.0)].into_iter());
    assert_eq!(rows.len() as u64, held.held, "those that are left are the newest, and go on");
    assert!(rows.last().unwrap().starts_with("{\"a\":4999,"), "{rows:?}");
    assert_eq!(pattern(&engine).held, 0);
}

#[test]
fn of_a_single_start_the_furthest_ways_stay() {
    let query = "SELECT ALL MATCHES a.n AS a, b.n AS b, c.n AS c FROM PATTERN (E a ->> E b ->> E c)
        WHERE a.side = 0 AND b.side = 1 AND c.side = 2 AND b.x >= a.x AND c.x > b.x WITHIN 1h";
    let mut engine = engine(query, Limits { pattern_threads: 100, ..Limits::default() });
    let events = [(0, 0, 0, 0.0)].into_iter().chain((1..500).map(|n| (1, 0, n, 0.0)));
    push(&mut engine, 1_000, events);
    let held = pattern(&engine);
    assert!(held.held <= 100 && held.dropped > 0, "{held:?}");
    let rows = push(&mut engine, 2_000, [(2, 0, 9, 3.0), (3, 0, 9, 0.0)].into_iter());
    assert!(rows.len() > 50, "{rows:?}");
}

/// Keys that come once leave nothing when their time is over; nor do events of matches that are over, whatever comes of other keys.
#[test]
fn what_is_over_leaves_nothing() {
    let query = "SELECT a.n AS a, b.n AS b FROM PATTERN (E a -> E b) PARTITION BY k
        WHERE a.side = 0 AND b.side = 1 AND b.x > a.x WITHIN 1s";
    let mut engine = engine(query, Limits::default());
    for round in 0..4 {
        let from = 1_000 + round * 20_000;
        push(&mut engine, from, (0..20_000).map(|n| (0, round * 20_000 + n, n, 1.0)));
        let held = pattern(&engine);
        assert!(held.held < 2_500 && held.keys < 2_500, "{held:?}");
        assert!(held.bytes < 4_000_000, "{held:?}");
    }
    engine.advance_watermark(betide::Timestamp(200_000 * 1_000_000)).unwrap();
    let held = pattern(&engine);
    assert_eq!((held.held, held.keys), (0, 0), "{held:?}");
}
