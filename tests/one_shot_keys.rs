//! Keys that come once and never again leave nothing behind: after they have expired, every operator holds what it held before.
//! `BETIDE_KEYS=10000000` runs the long way.
#![allow(clippy::unwrap_used, reason = "a broken test should stop")]

use std::fmt::Write;

use betide::engine::OperatorStats;
use betide::{Engine, Options};

const PROGRAM: &str = "
    CREATE STREAM A (k INT, x INT, at TIMESTAMP(ms)) TIMESTAMP BY at DELAY 1 second;
    CREATE STREAM B (k INT, x INT, at TIMESTAMP(ms)) TIMESTAMP BY at DELAY 1 second;
    CREATE STREAM Session AS SELECT k, COUNT(*) AS n FROM A WINDOW SESSION 5 seconds GROUP BY k HAVING COUNT(*) > 1;
    CREATE STREAM Pair AS SELECT a.k, b.x FROM A a LEFT JOIN B b ON a.k = b.k AND b.x > 0 WITHIN 5 seconds;
    CREATE STREAM Step AS SELECT a.k FROM PATTERN (A a -> B b -> A c) PARTITION BY k WITHIN 5 seconds;
    CREATE STREAM Missing AS SELECT a.k FROM PATTERN (A a -> !B) PARTITION BY k WITHIN 5 seconds;
    CREATE STREAM Recent AS SELECT k, SUM(x) AS x FROM A WINDOW SLIDING 5 seconds GROUP BY k;
    CREATE STREAM Hop AS SELECT k, SUM(x) AS x FROM A WINDOW HOPPING 4 seconds EVERY 1 second GROUP BY k;
    CREATE STREAM Quote AS SELECT a.k, b.x FROM A a ASOF JOIN B b ON a.k = b.k TOLERANCE 5 seconds;
    CREATE STREAM Once AS SELECT k FROM A SUPPRESS BY k FOR 5 seconds;";

/// Some keys that come again and again, at `from` and from there on each tenth of a second, and one key for each millisecond that never
/// comes again (where `one_shot` says so).
fn push(engine: &mut Engine, from: u64, milliseconds: u64, one_shot: bool) {
    let mut text = String::new();
    for at in from..from + milliseconds {
        if one_shot {
            let stream = if at % 2 == 0 { "A" } else { "B" };
            writeln!(text, "{{\"type\":\"{stream}\",\"k\":{},\"x\":{},\"at\":{at}}}", 1_000 + at, at % 3).unwrap();
        }
        if at % 100 == 0 {
            let stream = if at % 200 == 0 { "A" } else { "B" };
            writeln!(text, "{{\"type\":\"{stream}\",\"k\":{},\"x\":1,\"at\":{at}}}", at / 200 % 5).unwrap();
        }
        if text.len() > 100_000 {
            engine.push_json(text.as_bytes()).unwrap();
            text.clear();
            drain(engine);
        }
    }
    engine.push_json(text.as_bytes()).unwrap();
    drain(engine);
}

fn drain(engine: &mut Engine) {
    engine.write_rows(&mut std::io::sink()).unwrap();
}

#[test]
fn state_after_expiry_is_what_it_was_before() {
    let keys: u64 = std::env::var("BETIDE_KEYS").map_or(100_000, |count| count.parse().unwrap());
    let mut engine = Engine::with_options(PROGRAM, &Options::default()).unwrap();
    // No such key has ever come.
    push(&mut engine, 0, 20_000, false);
    let before = engine.stats();
    push(&mut engine, 20_000, keys, true);
    let during = engine.stats();
    // The same phase of the keys that stay.
    let quiet = 20_000 + keys;
    let quiet = quiet.next_multiple_of(20_000);
    push(&mut engine, quiet, 20_000, false);
    let after = engine.stats();
    assert_eq!(after.events, after.processed + after.late + after.unrouted + after.bad);
    assert_eq!(after.late + after.bad + after.unrouted, 0);
    let sum = |operators: &[OperatorStats], of: fn(&OperatorStats) -> u64| operators.iter().map(of).sum::<u64>();
    assert!(sum(&during.operators, |o| o.keys) > 10_000, "the keys are there while they live");
    for ((before, after), during) in before.operators.iter().zip(&after.operators).zip(&during.operators) {
        let told = format!("\nbefore {before:?}\nduring {during:?}\nafter {after:?}");
        assert!(is_near(before.keys, after.keys), "{told}");
        assert!(is_near(before.held, after.held), "{told}");
        // Tables and queues keep room for a few more than they have, whatever the number of keys was: a step of their size, 4 KiB here.
        assert!(after.bytes <= before.bytes + before.bytes / 100 + 4096, "{told}");
        assert_eq!(after.dropped, 0);
    }
    assert!(before.sources.iter().zip(&after.sources).all(|(before, after)| before.waiting == after.waiting));
}

/// The same within 1 %.
fn is_near(before: u64, after: u64) -> bool {
    before.abs_diff(after) * 100 <= before
}
