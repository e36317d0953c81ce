//! A panic in one statement ends that statement, and what reads it; all others give the bytes that they give without it. And no panic crosses
//! the edge of the library: not from a forged snapshot, nor from what stands in front of all statements.
#![allow(clippy::unwrap_used, reason = "a broken test should stop")]

mod support;

use betide::engine::EndCause;
use betide::{DataType, Engine, Error, Options, OutputRow, SnapshotError, Value};
use sha2::{Digest, Sha256};
use support::random::Random;

/// `RISKY(n)` is n, and panics at 13.
fn options() -> Options {
    let mut options = Options::default();
    let risky = |args: &[Value<'_>]| match &args[0] {
        Value::Int(13) => panic!("thirteen is not liked"),
        value => value.clone().into_owned(),
    };
    options.register_fn("RISKY", &[DataType::Int], DataType::Int, risky).unwrap();
    options
}

const SOURCES: &str = "CREATE STREAM A (k INT, n INT, at TIMESTAMP) TIMESTAMP BY at;
    CREATE STREAM B (k INT, n INT, at TIMESTAMP) TIMESTAMP BY at DELAY 1s;";

/// Statements that do no harm.
const SOUND: &str = "
    CREATE STREAM Sum AS SELECT k, SUM(n) AS total FROM A WINDOW TUMBLING 10s GROUP BY k;
    CREATE STREAM Pair AS SELECT a.n, b.n AS other FROM PATTERN (A a -> B b) PARTITION BY k WITHIN 20s;
    CREATE STREAM Plain AS SELECT k, n FROM B WHERE n > 3;";

/// One that does, of each kind of operator and of each evaluator of patterns.
const HARM: &[&str] = &[
    "CREATE STREAM Bad AS SELECT RISKY(n) AS n FROM A;",
    "CREATE STREAM Bad AS SELECT n FROM A WHERE RISKY(n) > 2;",
    "CREATE STREAM Bad AS SELECT k, SUM(RISKY(n)) AS s FROM A WINDOW TUMBLING 7s GROUP BY k;",
    "CREATE STREAM Bad AS SELECT k, MAX(n) AS s FROM A WINDOW SESSION 3s GROUP BY k, RISKY(n);",
    "CREATE STREAM Bad AS SELECT k, MAX(RISKY(n)) AS s FROM A WINDOW SLIDING 9s GROUP BY k;",
    "CREATE STREAM Bad AS SELECT a.n FROM A a JOIN B b ON a.k = b.k AND RISKY(a.n) < b.n WITHIN 5s;",
    "CREATE STREAM Bad AS SELECT a.n FROM A a LEFT JOIN B b ON RISKY(a.n) = b.n WITHIN 5s;",
    "CREATE STREAM Bad AS SELECT a.n FROM PATTERN (A a -> B b) PARTITION BY k WHERE RISKY(b.n) > a.n WITHIN 20s;",
    "CREATE STREAM Bad AS SELECT a.n FROM PATTERN (A a ->> B b) PARTITION BY k WHERE RISKY(b.n) > 5 WITHIN 20s;",
    "CREATE STREAM Bad AS SELECT COUNT(b) AS c FROM PATTERN (A a -> B b+ -> A c) PARTITION BY k WHERE b.n > RISKY(a.n) WITHIN 20s;",
    "CREATE STREAM Bad AS SELECT a.n FROM PATTERN (A a -> !B b) PARTITION BY k WHERE RISKY(b.n) > 5 WITHIN 20s;",
    "CREATE STREAM Bad AS SELECT a.n FROM PATTERN (A a -> B b) PARTITION BY k WITHIN 20s HAVING RISKY(b.n) > 3;",
    "CREATE STREAM Bad AS SELECT n FROM A SUPPRESS BY RISKY(n) FOR 5s;",
    "CREATE STREAM Bad AS SELECT k, n FROM A WINDOW TUMBLING 10s ORDER BY RISKY(n) LIMIT 2;",
];

fn events() -> Vec<String> {
    let mut random = Random::new(5);
    let event = |i: usize| {
        let (stream, k, n) = (["A", "B"][random.below(2)], random.below(3), random.below(16));
        format!("{{\"type\":\"{stream}\",\"k\":{k},\"n\":{n},\"at\":{}}}\n", 1_000_000 + 500 * i)
    };
    (0..300).map(event).collect()
}

/// The engine at the end of its input, and the rows of the streams that are not left out.
fn run(program: &str, batch_size: usize, without: &[&str]) -> (Engine, Vec<String>) {
    let mut engine = Engine::with_options(program, &Options { batch_size, ..options() }).unwrap_or_else(|told| panic!("{told}"));
    engine.push_json(events().concat().as_bytes()).unwrap();
    engine.finish().unwrap();
    let rows = engine.take_rows();
    let others = rows.iter().filter(|row| !without.contains(&row.stream().unwrap_or_default()));
    let others = others.map(OutputRow::to_json).collect();
    (engine, others)
}

#[test]
fn a_statement_that_panics_ends_alone() {
    betide::record_panics();
    for batch_size in [1, 64, 4096] {
        let (engine, expected) = run(&format!("{SOURCES}{SOUND}"), batch_size, &[]);
        assert!(engine.ended().is_empty() && expected.len() > 100);
        for harm in HARM {
            for program in [format!("{SOURCES}{harm}{SOUND}"), format!("{SOURCES}{SOUND}{harm}")] {
                let (engine, rows) = run(&program, batch_size, &["Bad"]);
                let ended = engine.ended();
                assert_eq!(ended.len(), 1, "{harm}: {ended:?}");
                assert_eq!(ended[0].name.as_deref(), Some("Bad"));
                let EndCause::Panic { message, location } = &ended[0].cause else { panic!("{ended:?}") };
                assert_eq!(message, "thirteen is not liked");
                assert!(location.as_ref().is_some_and(|place| place.contains("isolation.rs")), "{location:?}");
                assert!(rows == expected, "the others give what they give without it: {harm}");
                assert_eq!(engine.stats().ended.len(), 1, "the counters tell it too");
            }
        }
    }
}

#[test]
fn what_reads_it_ends_too_and_nothing_else() {
    let bad = "CREATE STREAM Bad AS SELECT k, RISKY(n) AS n, at FROM A;";
    let readers = "CREATE STREAM OfBad AS SELECT k, COUNT(*) AS n FROM Bad WINDOW TUMBLING 5s GROUP BY k;
        CREATE STREAM OfOf AS SELECT n FROM OfBad;
        CREATE STREAM Both AS SELECT x.n FROM PATTERN (Bad x -> B y) WITHIN 5s;
        CREATE TABLE Seen AS SELECT k, COUNT(*) AS n FROM Bad GROUP BY k;
        CREATE STREAM Asks AS SELECT b.n, s.n AS seen FROM B b JOIN Seen s ON b.k = s.k;";
    let (_, expected) = run(&format!("{SOURCES}{SOUND}"), 64, &[]);
    let (engine, rows) = run(&format!("{SOURCES}{bad}{readers}{SOUND}"), 64, &["Bad", "OfBad", "OfOf", "Both", "Asks"]);
    assert_eq!(rows, expected);
    let names: Vec<String> = engine.ended().iter().map(|ended| ended.title()).collect();
    assert_eq!(names, ["`Bad`", "`OfBad`", "`OfOf`", "`Both`", "`Seen`", "`Asks`"]);
    let reads = |name: &str| EndCause::Reads(name.to_owned());
    assert_eq!(engine.ended()[1].cause, reads("`Bad`"));
    assert_eq!(engine.ended()[2].cause, reads("`OfBad`"));
    assert_eq!(engine.ended()[5].cause, reads("`Seen`"));
    assert!(engine.table("Seen").is_none(), "a view whose statement has ended has nothing to say");
    assert!(!engine.is_over());
}

#[test]
fn one_of_several_feeders_of_a_stream_ends_alone_and_who_reads_the_stream_ends() {
    let sound = "CREATE STREAM All AS SELECT n FROM B WHERE n > 5;";
    let bad = "INSERT INTO All SELECT RISKY(n) AS n FROM A;";
    let (_, expected) = run(&format!("{SOURCES}{sound}"), 64, &[]);
    let (engine, rows) = run(&format!("{SOURCES}{sound}{bad}"), 64, &[]);
    assert_eq!(engine.ended().len(), 1);
    // What the other had given before it ended stands among them.
    let of_b: Vec<String> = rows.iter().filter(|row| expected.contains(row)).cloned().collect();
    assert!(of_b.len() >= expected.len() && !expected.is_empty());
    let reader = "CREATE STREAM Reader AS SELECT SUM(n) AS c FROM All WINDOW TUMBLING 5s;";
    let (engine, _) = run(&format!("{SOURCES}{sound}{bad}{reader}"), 64, &[]);
    let names: Vec<String> = engine.ended().iter().map(|ended| ended.title()).collect();
    assert_eq!(names, ["`All`", "`Reader`"]);
    assert!(engine.is_over(), "nothing is left that gives rows");
}

#[test]
fn operators_that_share_their_look_at_events_end_together_or_one_by_one_and_the_others_go_on() {
    let rule = |i: usize, condition: &str| {
        format!("CREATE STREAM R{i} AS SELECT a.n FROM PATTERN (A a -> B b) PARTITION BY k WHERE a.n + 20 > {i} AND {condition} WITHIN 9s;")
    };
    let rules: String = (0..20).map(|i| rule(i, "b.n < 14")).collect();
    let other = "CREATE STREAM Other AS SELECT COUNT(*) AS c FROM B WINDOW TUMBLING 5s;";
    let (_, expected) = run(&format!("{SOURCES}{other}"), 64, &[]);
    // A term over one event is looked up for all rules at once; one over two is its own rule's.
    for (condition, is_shared) in [("RISKY(b.n) > 3", true), ("RISKY(b.n) > a.n", false)] {
        let (engine, rows) = run(&format!("{SOURCES}{rules}{}{other}", rule(20, condition)), 64, &[]);
        let ended = engine.ended();
        assert!(ended.iter().any(|ended| ended.name.as_deref() == Some("R20")), "{condition}");
        assert!(is_shared || ended.len() == 1, "{condition}: {ended:?}");
        assert!(ended.iter().all(|ended| matches!(ended.cause, EndCause::Panic { .. })), "all that share it are named with the panic");
        let others: Vec<String> = rows.into_iter().filter(|row| row.contains("Other")).collect();
        assert_eq!(others, expected, "{condition}");
    }
}

#[test]
fn an_ended_statement_stays_ended_in_a_snapshot() {
    let bad = "CREATE STREAM Bad AS SELECT RISKY(n) AS n FROM A;";
    let program = format!("{SOURCES}{bad}{SOUND}");
    let lines = events();
    let (_, expected) = run(&program, 64, &["Bad"]);
    for cut in [200, 250, 299] {
        let mut engine = Engine::with_options(&program, &options()).unwrap();
        engine.push_json(lines[..cut].concat().as_bytes()).unwrap();
        let mut rows = engine.take_rows();
        let snapshot = engine.snapshot().unwrap();
        assert_eq!(engine.ended().len(), 1);
        let (mut restored, _) = Engine::restore(&program, &options(), &snapshot).unwrap();
        assert_eq!(restored.ended(), engine.ended());
        assert!(restored.snapshot().unwrap() == snapshot);
        restored.push_json(lines[cut..].concat().as_bytes()).unwrap();
        restored.finish().unwrap();
        rows.extend(restored.take_rows());
        let others = rows.iter().filter(|row| row.stream() != Some("Bad")).map(OutputRow::to_json);
        assert_eq!(others.collect::<Vec<_>>(), expected, "cut at {cut}");
        // What is new and reads it ends at once; without the statement it is forgotten.
        let reader = "CREATE STREAM New AS SELECT SUM(n) AS c FROM Bad WINDOW TUMBLING 5s;";
        let names = |engine: &Engine| engine.ended().iter().map(|ended| ended.title()).collect::<Vec<_>>();
        let (with, _) = Engine::restore(&format!("{program}{reader}"), &options(), &snapshot).unwrap();
        assert_eq!(names(&with), ["`Bad`", "`New`"]);
        let (without, _) = Engine::restore(&format!("{SOURCES}{SOUND}"), &options(), &snapshot).unwrap();
        assert!(without.ended().is_empty());
    }
}

#[test]
fn the_report_says_what_where_when_and_how_to_have_it_again() {
    betide::record_panics();
    let (engine, _) = run(&format!("{SOURCES}\nCREATE STREAM Bad AS SELECT RISKY(n) AS n FROM A;{SOUND}"), 64, &[]);
    let report = engine.ended()[0].to_string();
    for part in [
        "`Bad` (line 3) has ended after",
        "what: thirteen",
        "where: operator 1",
        "isolation.rs:",
        "when: in the events from",
        "--output Bad",
    ] {
        assert!(report.contains(part), "{part} in\n{report}");
    }
}

#[test]
fn a_panic_in_front_of_all_statements_is_an_error_and_stays_one() {
    let program = "CREATE STREAM A (n INT) WHEN RISKY(n) > 0; SELECT n FROM A;";
    let mut engine = Engine::with_options(program, &options()).unwrap();
    engine.push_json(b"{\"n\":1}\n").unwrap();
    for _ in 0..2 {
        let told = engine.push_json(b"{\"n\":13}\n");
        assert!(matches!(&told, Err(Error::Bug(what)) if what.contains("thirteen is not liked")), "{told:?}");
    }
    assert!(matches!(engine.snapshot(), Err(Error::Bug(_))));
}

/// A body with the head that makes it whole.
fn sealed(snapshot: &[u8], body: &[u8]) -> Vec<u8> {
    let head = [&snapshot[..12], &(body.len() as u64).to_le_bytes()[..]].concat();
    let digest: [u8; 32] = Sha256::new().chain_update(&head).chain_update(body).finalize().into();
    [&head[..], &digest, body].concat()
}

/// Whoever forges a snapshot gets an error, or an engine that has some state; and never a panic.
#[test]
fn forged_snapshots_do_not_panic() {
    betide::record_panics();
    let lines = events();
    let mut random = Random::new(77);
    let programs: Vec<String> = HARM.iter().map(|harm| format!("{SOURCES}{}{SOUND}", harm.replace("RISKY", "ABS"))).collect();
    let (mut refused, mut taken) = (0, 0);
    for program in &programs {
        let mut engine = Engine::with_options(program, &options()).unwrap_or_else(|told| panic!("{told}"));
        engine.push_json(lines[..150].concat().as_bytes()).unwrap();
        let snapshot = engine.snapshot().unwrap();
        let body = &snapshot[52..];
        assert_eq!(sealed(&snapshot, body), snapshot, "the head is made as the engine makes it");
        for _ in 0..40 {
            let mut forged = body.to_vec();
            for _ in 0..=random.below(3) {
                // Most of the end of the body is state; its beginning says what program it is of.
                let at = random.below(forged.len());
                match random.below(4) {
                    0 => forged[at] = u8::try_from(random.below(256)).unwrap(),
                    1 => forged[at] ^= 1 << random.below(8),
                    2 => forged.truncate(at.max(1)),
                    _ => forged.insert(at, u8::try_from(random.below(256)).unwrap()),
                }
            }
            match Engine::restore(program, &options(), &sealed(&snapshot, &forged)) {
                Ok((mut engine, _)) => {
                    taken += 1;
                    // What it goes on to is of no meaning; it may be an error, and it ends.
                    let _ = engine.push_json(lines[150..200].concat().as_bytes());
                    let _ = engine.finish();
                    let _ = engine.take_rows();
                }
                Err(Error::Snapshot(SnapshotError::Damaged(_) | SnapshotError::Differs(_))) => refused += 1,
                Err(other) => panic!("{other}"),
            }
        }
    }
    assert!(refused > 100 && taken > 20, "{refused} refused, {taken} taken");
}
