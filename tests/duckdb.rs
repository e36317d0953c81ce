//! Windows and as-of joins against a batch database: what DuckDB computed once from the same events is in `tests/duckdb/`, with its SQL.
//! In: events of our own generator, in disorder. Out: the same rows. `BETIDE_MARKET=FILE` writes the events for whoever computes it again.
#![allow(clippy::unwrap_used, reason = "a broken test should stop")]

mod support;

use std::path::Path;

use serde_json::Value as Json;
use support::cases::same_bag;
use support::engine::{self, Feed};
use support::market;

const SOURCES: &str = "
CREATE STREAM Trade (id INT, symbol STRING, price INT, size INT, at TIMESTAMP) TIMESTAMP BY at DELAY 5 seconds;
CREATE STREAM Quote (id INT, symbol STRING, bid INT, at TIMESTAMP) TIMESTAMP BY at DELAY 5 seconds;
";

fn lines() -> Vec<String> {
    market::events().iter().map(Json::to_string).collect()
}

/// Runs a query with several batch sizes and compares its rows, in any order, with those of a file.
fn agrees(query: &str, file: &str, at_least: usize) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/duckdb").join(file);
    let expected: Vec<Json> = std::fs::read_to_string(path).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(expected.len() >= at_least, "{file} has {} rows", expected.len());
    for batch_size in [1, 7, 4096] {
        let output = engine::run(&format!("{SOURCES}{query}"), &lines(), Feed::Whole(Some(batch_size))).unwrap();
        let found: Vec<Json> = output.rows.iter().map(|row| serde_json::from_str(row).unwrap()).collect();
        assert_eq!(found.len(), expected.len(), "{file}");
        let missing = expected.iter().find(|row| !found.contains(row));
        assert!(same_bag(&expected, &found), "{file}: {missing:?} is not there");
    }
}

#[test]
fn the_generator_makes_disorder_within_the_delay() {
    let events = market::events();
    if let Some(path) = std::env::var_os("BETIDE_MARKET") {
        std::fs::write(path, lines().join("\n") + "\n").unwrap();
    }
    let mut newest = i64::MIN;
    let mut back = 0;
    for event in &events {
        let at = event["at"].as_i64().unwrap();
        back += usize::from(at < newest);
        assert!(at >= newest.saturating_sub(market::DELAY_MS), "{event} is late");
        newest = newest.max(at);
    }
    assert!(back > 300, "{back} events arrive out of order");
}

#[test]
fn hopping_windows_agree() {
    agrees(
        "SELECT symbol, COUNT(*) AS trades, SUM(size) AS volume, MIN(price) AS low, MAX(price) AS high, AVG(price) AS mean,
            MEDIAN(price) AS middle, COUNT(DISTINCT size) AS sizes, STDDEV(price) AS spread, START_TIME AS opens
        FROM Trade WINDOW HOPPING 1 minute EVERY 20 seconds GROUP BY symbol HAVING COUNT(*) > 1;",
        "hopping.jsonl",
        500,
    );
}

#[test]
fn sessions_agree() {
    agrees(
        "SELECT symbol, COUNT(*) AS trades, SUM(price * size) AS turnover, START_TIME AS first, END_TIME AS last
        FROM Trade WINDOW SESSION 15 seconds GROUP BY symbol;",
        "session.jsonl",
        100,
    );
}

#[test]
fn as_of_joins_agree() {
    agrees("SELECT t.id, t.price, q.id AS quote, q.bid FROM Trade t LEFT ASOF JOIN Quote q ON t.symbol = q.symbol;", "asof.jsonl", 500);
}

#[test]
fn as_of_joins_with_tolerance_agree() {
    agrees(
        "SELECT t.id, q.id AS quote FROM Trade t ASOF JOIN Quote q ON t.symbol = q.symbol TOLERANCE 10 seconds;",
        "asof_tolerance.jsonl",
        250,
    );
}
