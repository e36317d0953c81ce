//! How many bytes of state a key and a row that waits cost, as docs/performance.md states it: what operators tell stays within it, and what the
//! process takes does not grow beyond what they tell.
#![allow(clippy::unwrap_used, reason = "a broken test should stop")]

use std::fmt::Write;

use betide::Engine;

/// What `docs/performance.md` states.
const WINDOW_BYTES_A_KEY: u64 = 800;
const JOIN_BYTES_A_ROW: u64 = 250;

/// What an operator tells of its state.
#[derive(Debug)]
struct State {
    keys: u64,
    held: u64,
    bytes: u64,
}

/// The state of the operator of this kind.
fn state_of(engine: &Engine, kind: &str) -> State {
    let operators = engine.stats().operators;
    let operator = operators.iter().find(|operator| operator.name.ends_with(kind)).unwrap();
    State { keys: operator.keys, held: operator.held, bytes: operator.bytes }
}

/// The operator of this kind when so many events have been pushed, of which event `i` is `line(i)`.
fn held(program: &str, kind: &str, events: u64, line: impl Fn(u64) -> String) -> State {
    let mut engine = Engine::compile(program).unwrap_or_else(|told| panic!("{told:?}"));
    let mut text = String::new();
    for i in 0..events {
        writeln!(text, "{}", line(i)).unwrap();
        if i % 4096 == 0 || i + 1 == events {
            engine.push_json(text.as_bytes()).unwrap();
            text.clear();
        }
    }
    state_of(&engine, kind)
}

#[test]
fn a_key_of_a_window_costs_what_is_stated() {
    let program = "CREATE STREAM E (k INT, x FLOAT, at TIMESTAMP) TIMESTAMP BY at;
        SELECT k, COUNT(*) AS n, AVG(x) AS mean, MAX(x) AS most FROM E WINDOW TUMBLING 1 hour GROUP BY k;";
    for keys in [1000, 20_000] {
        let window = held(program, "window", 2 * keys, |i| format!("{{\"k\":{},\"x\":{i}.5,\"at\":{}}}", i % keys, i / 10));
        assert_eq!(window.keys, keys);
        let a_key = window.bytes / window.keys;
        assert!((100..=WINDOW_BYTES_A_KEY).contains(&a_key), "{a_key} bytes a key of {keys}");
    }
}

#[test]
fn rows_of_one_key_in_a_window_cost_nothing_more() {
    let program = "CREATE STREAM E (k INT, x FLOAT, at TIMESTAMP) TIMESTAMP BY at;
        SELECT k, SUM(x) AS total FROM E WINDOW HOPPING 1 hour EVERY 1 minute GROUP BY k;";
    let of = |events: u64| held(program, "window", events, |i| format!("{{\"k\":1,\"x\":{i}.5,\"at\":{}}}", i * 3_000_000 / events)).bytes;
    // As many panes, ten times the rows.
    assert!(of(20_000) <= of(2000) + 64, "{} and {}", of(20_000), of(2000));
}

#[test]
fn a_row_that_waits_for_a_partner_costs_what_is_stated() {
    let program = "CREATE STREAM E (kind STRING, k INT, x FLOAT, at TIMESTAMP) TIMESTAMP BY at;
        SELECT a.x, b.x AS y FROM E a JOIN E b ON a.k = b.k WITHIN 0s BEFORE AND 10m AFTER;";
    for rows in [1000, 20_000] {
        let join = held(program, "join", rows, |i| format!("{{\"kind\":\"a\",\"k\":{i},\"x\":{i}.5,\"at\":{i}}}"));
        assert!(join.held >= rows && join.keys >= rows - 1, "{} rows of {} keys", join.held, join.keys);
        let a_row = join.bytes / join.held;
        assert!((40..=JOIN_BYTES_A_ROW).contains(&a_row), "{a_row} bytes a row of {rows}");
    }
    // Events that come one by one do not leave a batch each.
    let apart = |events: u64| {
        let mut engine = Engine::compile(program).unwrap_or_else(|told| panic!("{told:?}"));
        (0..events).for_each(|i| engine.push_json(format!("{{\"kind\":\"a\",\"k\":{i},\"x\":{i}.5,\"at\":{i}}}\n").as_bytes()).unwrap());
        state_of(&engine, "join")
    };
    let join = apart(3000);
    assert!(join.bytes / join.held <= JOIN_BYTES_A_ROW, "{} bytes a row", join.bytes / join.held);
}

#[test]
fn state_goes_when_time_has_passed_it() {
    let join = "CREATE STREAM E (k INT, x FLOAT, at TIMESTAMP) TIMESTAMP BY at;
        SELECT a.x, b.x AS y FROM E a LEFT JOIN E b ON a.k = b.k WITHIN 0s BEFORE AND 1s AFTER;";
    // Ten thousand rows within a second, then silence but for two events.
    let at = |i: u64| if i < 10_000 { i / 20 } else { i * 1_000_000 };
    let mut engine = Engine::compile(join).unwrap_or_else(|told| panic!("{told:?}"));
    for i in 0..10_002 {
        engine.push_json(format!("{{\"k\":{i},\"x\":1.5,\"at\":{}}}\n", at(i)).as_bytes()).unwrap();
    }
    let join = state_of(&engine, "join");
    assert!(join.held <= 2 && join.keys <= 1 && join.bytes < 20_000, "{join:?}");
}

#[test]
fn events_that_a_later_step_decides_on_are_counted() {
    let program = "CREATE STREAM E (kind STRING, x INT, t STRING, at TIMESTAMP) TIMESTAMP BY at;
        SELECT a.x FROM PATTERN (E[kind = 'a'] a -> !E[kind = 'c'] n -> E[kind = 'b'] b) WHERE n.x < b.x WITHIN 1h;";
    let text = "x".repeat(400);
    let of = |events: u64| {
        held(program, "pattern", events, |i| {
            let kind = if i == 0 { "a" } else { "c" };
            format!("{{\"kind\":\"{kind}\",\"x\":{i},\"t\":\"{text}\",\"at\":{i}}}")
        })
        .bytes
    };
    let (few, many) = (of(2), of(502));
    let an_event = (many - few) / 500;
    assert!((60..2000).contains(&an_event), "{an_event} bytes an event that is held");
}
