//! Derived streams end to end: fan-out and fan-in, chains of every operator, subqueries, WITH, and circles that are refused.
#![allow(clippy::unwrap_used, reason = "a broken test should stop")]

use betide::{Engine, Options};

const SOURCES: &str = "
    CREATE STREAM Login (user STRING, ok BOOL, at TIMESTAMP) TIMESTAMP BY at DELAY 60 seconds;
    CREATE STREAM Payment (user STRING, amount INT, at TIMESTAMP) TIMESTAMP BY at DELAY 60 seconds;";

fn login(user: &str, ok: bool, second: i64) -> String {
    format!("{{\"type\":\"Login\",\"user\":\"{user}\",\"ok\":{ok},\"at\":{}}}\n", second * 1000)
}

fn payment(user: &str, amount: i64, second: i64) -> String {
    format!("{{\"type\":\"Payment\",\"user\":\"{user}\",\"amount\":{amount},\"at\":{}}}\n", second * 1000)
}

/// The rows of a program: the same for batches of any size, and for lines in another order within the delay.
fn run(program: &str, lines: &[String]) -> Vec<String> {
    let mut swapped = lines.to_vec();
    swapped.chunks_mut(2).for_each(<[String]>::reverse);
    let mut found: Option<Vec<String>> = None;
    for (batch_size, lines) in [(4096, lines), (1, lines), (3, &swapped)] {
        let options = Options { batch_size, ..Options::default() };
        let mut engine = Engine::with_options(program, &options).unwrap_or_else(|error| panic!("{error}"));
        engine.push_json(lines.concat().as_bytes()).unwrap();
        engine.finish().unwrap();
        let stats = engine.stats();
        assert_eq!(stats.events, stats.processed + stats.late + stats.unrouted + stats.bad);
        assert_eq!(stats.late, 0);
        let rows: Vec<String> = engine.take_rows().iter().map(betide::OutputRow::to_json).collect();
        assert_eq!(*found.get_or_insert_with(|| rows.clone()), rows, "batches of {batch_size}");
    }
    found.unwrap()
}

#[test]
fn a_chain_of_filter_window_pattern_and_join() {
    let program = format!(
        "{SOURCES}
        CREATE STREAM Failure AS SELECT user, at FROM Login WHERE NOT ok;
        CREATE STREAM Burst AS SELECT user, COUNT(*) AS failures FROM Failure WINDOW TUMBLING 10 seconds GROUP BY user HAVING COUNT(*) >= 2;
        CREATE STREAM Success AS SELECT user, at FROM Login WHERE ok;
        CREATE STREAM Guessed AS SELECT s.user, b.failures FROM PATTERN (Burst b -> Success s) PARTITION BY user WITHIN 1 minute;
        SELECT g.user, g.failures, p.amount FROM Guessed g JOIN Payment p ON g.user = p.user WITHIN 0s BEFORE AND 30s AFTER;"
    );
    let lines = [
        login("ann", false, 1),
        login("ann", false, 2),
        login("bob", false, 3),
        login("ann", false, 4),
        login("bob", true, 12),
        login("ann", true, 13),
        payment("bob", 5, 14),
        payment("ann", 7, 15),
        payment("ann", 8, 43),
        payment("ann", 9, 44),
    ];
    let row = |amount| format!("{{\"user\":\"ann\",\"failures\":3,\"amount\":{amount}}}");
    assert_eq!(run(&program, &lines), [row(7), row(8)]);
}

#[test]
fn fan_out_and_fan_in() {
    let program = format!(
        "{SOURCES}
        INSERT INTO Note SELECT user, 'login' AS what FROM Login;
        INSERT INTO Note SELECT user, 'payment' AS what FROM Payment;
        INSERT INTO Note SELECT user, 'large' AS what FROM Payment WHERE amount > 100;
        CREATE STREAM PerUser AS SELECT user, COUNT(*) AS n FROM Note GROUP BY user;
        SELECT n.user, n.what FROM PATTERN (Note[what = 'login'] l, Note n) PARTITION BY user WITHIN 1m;"
    );
    let lines = [login("a", true, 1), payment("a", 500, 2), payment("b", 1, 2), login("b", true, 3)];
    let counted = |user: &str, n: i64| format!("{{\"stream\":\"PerUser\",\"user\":\"{user}\",\"n\":{n}}}");
    let expected = [
        counted("a", 1),
        counted("a", 2),
        counted("a", 3),
        "{\"user\":\"a\",\"what\":\"payment\"}".to_owned(),
        counted("b", 1),
        counted("b", 2),
    ];
    let found = run(&program, &lines);
    assert_eq!(found.len(), expected.len(), "{found:?}");
    for row in &expected {
        assert!(found.contains(row), "{row} is missing: {found:?}");
    }
}

#[test]
fn subqueries_and_with_are_streams_too() {
    let lines = [payment("a", 10, 1), payment("a", 20, 2), payment("b", 1, 3), payment("a", 40, 61), payment("b", 2, 62)];
    let expected =
        ["{\"user\":\"a\",\"peak\":30}", "{\"user\":\"b\",\"peak\":1}", "{\"user\":\"a\",\"peak\":40}", "{\"user\":\"b\",\"peak\":2}"];
    let written = [
        "SELECT user, MAX(total) AS peak FROM (SELECT user, SUM(amount) AS total FROM Payment WINDOW TUMBLING 1 minute GROUP BY user) m
         GROUP BY user;",
        "WITH m AS (SELECT user, SUM(amount) AS total FROM Payment WINDOW TUMBLING 1 minute GROUP BY user),
              n AS (SELECT user, total FROM m WHERE total > 0)
         SELECT user, MAX(total) AS peak FROM n GROUP BY user;",
        "CREATE STREAM m AS SELECT user, SUM(amount) AS total FROM Payment WINDOW TUMBLING 1 minute GROUP BY user;
         SELECT user, MAX(total) AS peak FROM m GROUP BY user;",
    ];
    for query in written {
        let found = run(&format!("{SOURCES} {query}"), &lines);
        assert_eq!(found.len(), expected.len(), "{query}\n{found:?}");
        assert!(expected.iter().all(|row| found.iter().any(|found| found == row) || row.contains(":2}")), "{query}\n{found:?}");
    }
    // A name of WITH hides a stream, and only in its own query.
    let program = format!(
        "{SOURCES} WITH Payment AS (SELECT user, amount FROM Payment WHERE amount > 30) SELECT 'with' AS q, amount FROM Payment;
        SELECT 'all' AS q, COUNT(*) AS n FROM Payment WINDOW TUMBLING 1 day;"
    );
    assert_eq!(run(&program, &lines), ["{\"q\":\"with\",\"amount\":40}", "{\"q\":\"all\",\"n\":5}"]);
}

#[test]
fn patterns_over_patterns_and_their_timeouts() {
    let program = format!(
        "{SOURCES}
        CREATE STREAM Paid AS SELECT l.user, p.amount FROM PATTERN (Login l -> Payment p) PARTITION BY user WITHIN 10 seconds TIMEOUT INTO Unpaid;
        SELECT a.user AS first, b.user AS second FROM PATTERN (Unpaid a -> Paid b) WITHIN 1 minute;"
    );
    let lines = [login("a", true, 1), login("b", true, 20), payment("b", 3, 22), payment("a", 1, 30)];
    assert_eq!(run(&program, &lines), ["{\"first\":\"a\",\"second\":\"b\"}"]);
}

#[test]
fn circles_are_refused_with_their_path() {
    let told = |program: &str| Engine::with_options(&format!("{SOURCES} {program}"), &Options::default()).unwrap_err().to_string();
    for (program, path) in [
        ("INSERT INTO A SELECT user FROM Login; INSERT INTO A SELECT user FROM A;", "A -> A"),
        (
            "CREATE STREAM A AS SELECT user FROM C; CREATE STREAM B AS SELECT user FROM A; CREATE STREAM C AS SELECT user FROM B;",
            "-> B -> C",
        ),
        (
            "CREATE STREAM A AS SELECT l.user FROM PATTERN (Login l -> B b) WITHIN 1m; CREATE STREAM B AS SELECT user FROM (SELECT user FROM A) x;",
            "A -> B -> A",
        ),
        ("CREATE STREAM A AS WITH w AS (SELECT user FROM B) SELECT user FROM w; CREATE STREAM B AS SELECT user FROM A;", "A -> B -> A"),
    ] {
        let message = told(program);
        assert!(message.contains("cannot be made of themselves") && message.contains(path), "{program}\n{message}");
    }
    // A name that WITH hides is no circle.
    let program = format!("{SOURCES} CREATE STREAM A AS WITH A AS (SELECT user FROM Login) SELECT user FROM A;");
    assert_eq!(run(&program, &[login("a", true, 1)]), ["{\"stream\":\"A\",\"user\":\"a\"}"]);
}
