//! What `betide check --rate --keys` estimates against what operators tell of themselves when such a stream has come.
#![allow(clippy::unwrap_used, reason = "a broken test should stop")]

use std::fmt::Write;

use betide::Engine;
use betide::engine::Load;

/// An estimate is at most so many times as much, or as little.
const FACTOR: f64 = 2.5;

const SOURCES: &str = "CREATE STREAM A (k STRING, n INT, x FLOAT, at TIMESTAMP) TIMESTAMP BY at;
    CREATE STREAM B (k STRING, n INT, x FLOAT, at TIMESTAMP) TIMESTAMP BY at;\n";

/// Events of A and B by turns at 200 a second, of so many keys, for two minutes.
fn events(keys: u64, seed: u64) -> String {
    let mut state = 0x00be_71de_u64 ^ seed;
    let mut random = move |below: u64| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 32) % below
    };
    let mut text = String::new();
    for i in 0..24_000_u64 {
        let (stream, key, x) = (["A", "B"][usize::from(random(2) == 0)], random(keys), random(1000));
        writeln!(text, "{{\"type\":\"{stream}\",\"k\":\"key {key}\",\"n\":{i},\"x\":{x}.5,\"at\":{}}}", 60_000 + i * 5).unwrap();
    }
    text
}

/// The operator, the query, and how many keys there are.
const CASES: [(&str, &str, u64); 20] = [
    ("window", "SELECT k, COUNT(*) AS c, AVG(x) AS m, MAX(x) AS t FROM A WINDOW TUMBLING 1h GROUP BY k", 2000),
    ("window", "SELECT k, SUM(x) AS m FROM A WINDOW TUMBLING 1h GROUP BY k", 300),
    ("window", "SELECT k, COUNT(*) AS c, SUM(x) AS m FROM A WINDOW HOPPING 60s EVERY 10s GROUP BY k", 500),
    ("window", "SELECT k, COUNT(*) AS c FROM A WINDOW SESSION 20s GROUP BY k", 3000),
    ("window", "SELECT k, AVG(x) AS m FROM A WINDOW SLIDING 30s GROUP BY k", 200),
    ("window", "SELECT COUNT(DISTINCT k) AS c FROM A WINDOW TUMBLING 1h", 3000),
    ("window", "SELECT k, COUNT(DISTINCT x) AS c FROM A WINDOW TUMBLING 1h GROUP BY k", 50),
    ("window", "SELECT k, LAST(x) AS c FROM A WINDOW LAST 10 ROWS GROUP BY k", 300),
    ("join", "SELECT a.n, b.n AS m FROM A a JOIN B b ON a.k = b.k WITHIN 30s", 1000),
    ("join", "SELECT a.n, b.n AS m FROM A a LEFT JOIN B b ON a.k = b.k WITHIN 0s BEFORE AND 60s AFTER", 5000),
    ("join", "SELECT a.n, b.n AS m FROM A a ASOF JOIN B b ON a.k = b.k", 1000),
    ("pattern", "SELECT a.n, b.n AS m FROM PATTERN (A a -> B b) PARTITION BY k WITHIN 30s", 3000),
    ("pattern", "SELECT a.n, b.n AS m FROM PATTERN (A a -> B b) PARTITION BY k WHERE b.x >= a.x - 10000 WITHIN 20s", 2000),
    ("pattern", "SELECT a.n, b.n AS m FROM PATTERN (A a ->> B b) PARTITION BY k WITHIN 30s", 20_000),
    ("pattern", "SELECT a.n, COUNT(b) AS m FROM PATTERN (A a -> B b{2,} -> A c) PARTITION BY k WITHIN 60s", 1000),
    ("pattern", "SELECT a.n, b.n AS m FROM PATTERN (A a -> B b -> !A FOR 5s) PARTITION BY k WITHIN 30s", 2000),
    ("pattern", "SELECT a.n FROM PATTERN (A a -> (B b & A c)) PARTITION BY k WITHIN 30s", 1000),
    (
        "pattern",
        "SELECT * FROM A MATCH_RECOGNIZE (PARTITION BY k ORDER BY at MEASURES LAST(b.n) AS n PATTERN (a b+ c) DEFINE b AS b.x > PREV(b.x)) AS m",
        500,
    ),
    (
        "count matches",
        "SELECT COUNT(*) AS c FROM (SELECT a.n FROM PATTERN (A a ->> B b) PARTITION BY k WITHIN 30s) WINDOW TUMBLING 1m",
        1000,
    ),
    ("suppress", "SELECT k, n FROM A SUPPRESS BY k FOR 30s", 2000),
];

#[test]
fn what_is_held_is_within_a_factor_of_what_is_estimated() {
    let mut wrong = String::new();
    for (kind, query, keys) in CASES {
        let mut engine = Engine::compile(&format!("{SOURCES}{query};")).unwrap_or_else(|told| panic!("{query}: {told:?}"));
        engine.push_json(events(keys, keys).as_bytes()).unwrap();
        let sources = engine.explain().matches("source ").count();
        // A full window is asked of windows that are longer than the stream for what has come.
        let load = Load {
            rate: Some(if query.contains(" B ") || query.contains(" B b") { 200.0 } else { 100.0 }),
            keys: Some(keys as f64),
            ..Load::default()
        };
        let query_of_stream = query.replace("TUMBLING 1h", "TUMBLING 2m");
        let state = Engine::compile(&format!("{SOURCES}{query_of_stream};")).unwrap().state(Some(&load));
        let operator = state.statements.iter().flat_map(|s| &s.operators).find(|o| o.name.ends_with(kind)).unwrap();
        let estimate = operator.estimate.unwrap();
        let stats = engine.stats().operators;
        let held = stats.iter().find(|operator| operator.name.ends_with(kind)).unwrap();
        let factor = estimate.bytes / held.bytes as f64;
        let line = format!(
            "{factor:.2} ({sources} sources) {query}\n    estimated {:.0} {} {:.0} keys {:.0} bytes; held {} {} keys {} bytes\n",
            estimate.count, estimate.what, estimate.keys, estimate.bytes, held.held, held.keys, held.bytes
        );
        if std::env::var_os("BETIDE_SHOW").is_some() || !(1.0 / FACTOR..=FACTOR).contains(&factor) {
            wrong += &line;
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
}

#[test]
fn events_that_wait_are_estimated() {
    let sources = SOURCES.replace("BY at;", "BY at DELAY 30s;");
    let mut engine = Engine::compile(&format!("{sources}SELECT a.n FROM A a JOIN B b ON a.k = b.k WITHIN 1s;")).unwrap();
    let load = Load { rate: Some(200.0), keys: Some(100.0), ..Load::default() };
    let state = engine.state(Some(&load));
    engine.push_json(events(100, 1).as_bytes()).unwrap();
    let waiting: u64 = engine.stats().sources.iter().map(|source| source.waiting).sum();
    let estimate: f64 = state.waiting.iter().map(|(_, waiting)| waiting.count).sum();
    assert!((0.9..1.1).contains(&(estimate / waiting as f64)), "{estimate} and {waiting}");
}

#[test]
fn what_never_ends_to_grow_is_told_so() {
    let of = |query: &str, keys: Option<f64>| {
        let load = Load { rate: Some(10.0), keys, ..Load::default() };
        Engine::compile(&format!("{SOURCES}{query};")).unwrap().state(Some(&load)).statements[0].operators[0].estimate.unwrap()
    };
    assert!(of("SELECT k, ARRAY_AGG(n) AS l FROM A GROUP BY k", Some(10.0)).grows);
    assert!(of("SELECT a.n FROM PATTERN (A a -> B b)", Some(10.0)).bytes > 0.0);
    let counts = "SELECT k, COUNT(*) AS c FROM A GROUP BY k";
    assert!(of(counts, None).grows && !of(counts, Some(10.0)).grows);
}

#[test]
fn what_is_wrong_with_a_load_is_told() {
    let check = |flags: &[&str]| {
        let program = format!("{SOURCES}SELECT k, COUNT(*) AS c FROM A WINDOW TUMBLING 1h GROUP BY k;");
        let done = std::process::Command::new(env!("CARGO_BIN_EXE_betide")).args(["check", "-q", &program]).args(flags).output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        (done.status.code(), text(done.stdout), text(done.stderr))
    };
    let (code, said, _) = check(&[]);
    assert!(code == Some(0) && said.contains("line 3: state O(window)") && !said.contains("about"), "{said}");
    let (code, said, _) = check(&["--rate", "A=1000", "--keys", "500"]);
    assert!(code == Some(0) && said.contains("1 window O(window): about 500 groups of 500 keys"), "{said}");
    let wrong = [
        (&["--keys", "5"][..], "--rate"),
        (&["--rate", "many"], "events a second"),
        (&["--rate=-1"], "events a second"),
        (&["--rate", "C=1"], "there is no source `C`; there are A, B"),
        (&["--rate", "1", "--rate", "2"], "twice"),
    ];
    for (flags, what) in wrong {
        let (code, _, told) = check(flags);
        assert!(code == Some(2) && told.contains(what), "{flags:?}: {told}");
    }
}
