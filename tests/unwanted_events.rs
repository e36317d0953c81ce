//! Events that no statement wants are dropped before they are put in order, and nothing of it shows: rows and counters are those of the same
//! program with one statement more, which wants everything.
#![allow(clippy::unwrap_used, reason = "a broken test should stop")]

use betide::{Engine, Options, Stats};

const STREAM: &str = "CREATE STREAM E (kind STRING, k INT, x FLOAT, n INT, at TIMESTAMP(ns)) TIMESTAMP BY at DELAY 20 ns;\n";
/// Reads the whole stream, so that nothing is dropped.
const ALL: &str = "CREATE STREAM Everything AS SELECT k FROM E; CREATE STREAM Nothing AS SELECT k FROM Everything WHERE k < 0;\n";

/// Statements whose events can be told early, some of them by terms that stand beside failing ones.
const PROGRAMS: [&str; 8] = [
    "SELECT k, x FROM E WHERE kind = 'a' AND x > 5;",
    "SELECT k, n FROM E WHERE kind = 'a' AND 10 / n > 2;",
    "SELECT k, n FROM E WHERE 10 / n > 2 AND kind = 'a';",
    "SELECT k, COUNT(*) AS c, SUM(x) AS s FROM E WHERE kind IN ('a', 'b') AND x < 8 WINDOW HOPPING 40 ns EVERY 10 ns GROUP BY k;",
    "SELECT l.x, r.x AS rx FROM (SELECT * FROM E WHERE kind = 'a') l LEFT JOIN (SELECT * FROM E WHERE kind = 'b' AND x > 3) r ON l.k = r.k WITHIN 15 ns;",
    "SELECT p.x, q.x AS qx FROM PATTERN (E p -> E q) PARTITION BY k WHERE p.kind = 'a' AND p.x > 2 AND q.kind = 'b' AND q.x > p.x WITHIN 50 ns;",
    "SELECT p.x, COUNT(q) AS c FROM PATTERN (E p -> !E r -> E q+ -> E s) WHERE p.kind = 'a' AND r.kind = 'c' AND q.kind = 'b' AND s.kind = 'a' WITHIN 60 ns;",
    "SELECT k FROM E WHERE kind LIKE 'a%' AND x IS NOT NULL; SELECT k, n FROM E WHERE kind = 'b' SUPPRESS BY k FOR 9 ns;",
];

/// Events with NULLs, disorder and lateness.
fn events() -> String {
    let mut state = 0x2545_f491_4f6c_dd1du64;
    let mut below = |bound: u64| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 11) % bound
    };
    let mut text = String::new();
    for i in 0..2500u64 {
        let most = if below(20) == 0 { 30 } else { 20 };
        let at = i + 30 - below(most);
        let kind = ["\"a\"", "\"b\"", "\"c\"", "\"d\"", "null"][usize::try_from(below(5)).unwrap()];
        let number = |v: u64| if v == 0 { "null".to_owned() } else { (v - 1).to_string() };
        text += &format!("{{\"kind\":{kind},\"k\":{},\"x\":{},\"n\":{},\"at\":{at}}}\n", below(4), number(below(12)), number(below(6)));
    }
    text
}

fn run(program: &str, batch_size: usize) -> (String, Stats) {
    let mut engine = Engine::with_options(program, &Options { batch_size, ..Options::default() }).unwrap_or_else(|error| panic!("{error}"));
    engine.push_json(events().as_bytes()).unwrap();
    engine.finish().unwrap();
    let mut out = Vec::new();
    engine.write_rows(&mut out).unwrap();
    (String::from_utf8(out).unwrap(), engine.stats())
}

#[test]
fn nothing_shows_of_what_is_dropped() {
    for program in PROGRAMS {
        let program = format!("{STREAM}{program}");
        let drops = Engine::compile(&program).unwrap().explain();
        // A term that can fail stands in front of all others: there is nothing to ask early.
        assert_eq!(drops.contains("puts in order only events with"), !program.contains("WHERE 10 / n"), "{drops}");
        let whole = format!("{program}{ALL}");
        assert!(!Engine::compile(&whole).unwrap().explain().contains("puts in order only events with"));
        let (expected, expected_stats) = run(&whole, 4096);
        for batch_size in [1, 7, 500, 4096] {
            let (rows, stats) = run(&program, batch_size);
            assert_eq!(rows, expected, "{program} in batches of {batch_size}");
            assert!(rows.lines().count() > 20, "{program} gives {rows}");
            let told = |stats: &Stats| (stats.events, stats.processed, stats.late, stats.bad, stats.eval_nulls, stats.watermark.clone());
            assert_eq!(told(&stats), told(&expected_stats), "{program} in batches of {batch_size}");
            for (own, expected) in stats.operators.iter().zip(&expected_stats.operators) {
                assert_eq!((&own.name, own.rows_in, own.rows_out), (&expected.name, expected.rows_in, expected.rows_out), "{program}");
            }
        }
    }
}
