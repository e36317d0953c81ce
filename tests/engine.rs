//! The engine by its public face: what comes out, in which order, and that every event is accounted for.
#![allow(clippy::unwrap_used, reason = "a broken test should stop")]

use betide::{Engine, Error, Options};

const SOURCES: &str = "
    CREATE STREAM A (id INT, k STRING, x INT, at TIMESTAMP) TIMESTAMP BY at DELAY 2 seconds;
    CREATE STREAM B (id INT, k STRING, x INT, at TIMESTAMP) TIMESTAMP BY at DELAY 2 seconds;
";

fn engine(program: &str, options: &Options) -> Engine {
    Engine::with_options(program, options).unwrap_or_else(|error| panic!("{error}"))
}

fn event(stream: &str, id: i64, key: &str, x: i64, second: i64) -> String {
    format!("{{\"type\":\"{stream}\",\"id\":{id},\"k\":\"{key}\",\"x\":{x},\"at\":{}}}\n", second * 1000)
}

fn run(program: &str, input: &str, options: &Options) -> Vec<String> {
    let mut engine = engine(program, options);
    engine.push_json(input.as_bytes()).unwrap();
    engine.finish().unwrap();
    let stats = engine.stats();
    assert_eq!(stats.events, stats.processed + stats.late + stats.unrouted + stats.bad);
    engine.take_rows().iter().map(betide::OutputRow::to_json).collect()
}

#[test]
fn a_filter_and_a_projection() {
    let program = format!("{SOURCES} SELECT id, x * 2 AS twice FROM A WHERE x > 1;");
    let input = event("A", 1, "p", 1, 1) + &event("A", 2, "p", 5, 2) + &event("B", 3, "p", 9, 3) + &event("A", 4, "p", 7, 2);
    assert_eq!(run(&program, &input, &Options::default()), [r#"{"id":2,"twice":10}"#, r#"{"id":4,"twice":14}"#]);
}

#[test]
fn derived_streams_chain_in_any_order_of_the_text_and_only_the_last_leaves() {
    let program = format!(
        "{SOURCES}
        CREATE STREAM Third AS SELECT id, x + 1 AS x FROM Second;
        CREATE STREAM Second AS SELECT id, x + 1 AS x FROM First WHERE x > 10;
        CREATE STREAM First AS SELECT id, x * 10 AS x FROM A;"
    );
    let input = event("A", 1, "p", 1, 1) + &event("A", 2, "p", 5, 2);
    assert_eq!(run(&program, &input, &Options::default()), [r#"{"stream":"Third","id":2,"x":52}"#]);
    let chosen = Options { outputs: vec!["First".to_owned()], ..Options::default() };
    assert_eq!(run(&program, &input, &chosen).len(), 2);
}

#[test]
fn several_statements_feed_one_stream_in_the_order_of_events_and_then_of_statements() {
    let program = format!(
        "{SOURCES}
        CREATE STREAM All_ AS SELECT 'b' AS what, id FROM B;
        INSERT INTO All_ SELECT 'a' AS what, id FROM A;
        INSERT INTO All_ SELECT 'a again' AS what, id FROM A WHERE x > 1;"
    );
    let input = event("A", 1, "p", 1, 3) + &event("B", 2, "p", 5, 2) + &event("A", 3, "p", 5, 2);
    let expected = [("b", 2), ("a", 3), ("a again", 3), ("a", 1)];
    let expected: Vec<String> = expected.iter().map(|(what, id)| format!(r#"{{"stream":"All_","what":"{what}","id":{id}}}"#)).collect();
    assert_eq!(run(&program, &input, &Options::default()), expected);
    // The same through a reader of the stream.
    let read = format!("{program} SELECT what, id FROM All_;");
    let expected: Vec<String> = expected.iter().map(|row| row.replace(r#""stream":"All_","#, "")).collect();
    assert_eq!(run(&read, &input, &Options::default()), expected);
}

#[test]
fn every_event_is_accounted_for() {
    let program = format!("{SOURCES} SELECT id FROM A; SELECT id FROM B;");
    let mut engine = engine(&program, &Options::default());
    engine.push_json((event("A", 1, "p", 1, 10) + &event("B", 2, "p", 1, 10) + &event("A", 3, "p", 1, 1)).as_bytes()).unwrap();
    engine.push_json(b"not json\n{\"type\":\"C\"}\n\n{\"type\":\"A\",\"id\":\"x\",\"at\":1}\n{\"type\":\"A\",\"id\":4").unwrap();
    let stats = engine.stats();
    assert_eq!((stats.events, stats.processed, stats.late, stats.unrouted, stats.bad), (6, 2, 1, 1, 2));
    assert_eq!(stats.held_back_by.as_deref(), Some("A"));
    let bad = engine.take_bad_events();
    assert_eq!(bad.iter().map(|b| b.line).collect::<Vec<_>>(), [4, 7]);
    engine.push_json(b",\"at\":11000}").unwrap();
    engine.finish().unwrap();
    let stats = engine.stats();
    assert_eq!((stats.events, stats.processed, stats.rows), (7, 3, 3));
    assert!(matches!(engine.push_json(b"{}"), Err(Error::Data(betide::DataError::Finished))));
}

#[test]
fn late_events_go_where_they_are_sent() {
    let program = "
        CREATE STREAM A (id INT, at TIMESTAMP) TIMESTAMP BY at LATE INTO LateA;
        SELECT id FROM A;";
    let line = |id: i64, second: i64| format!("{{\"id\":{id},\"at\":{}}}\n", second * 1000);
    let input = line(1, 5) + &line(2, 9) + &line(3, 7) + &line(4, 12);
    for batch_size in [1, 2, 4096] {
        let options = Options { batch_size, ..Options::default() };
        let rows = run(program, &input, &options);
        let late = r#"{"stream":"LateA","id":3,"at":"1970-01-01T00:00:07Z"}"#;
        assert_eq!(rows, [r#"{"id":1}"#, r#"{"id":2}"#, late, r#"{"id":4}"#], "batch size {batch_size}");
    }
}

#[test]
fn an_event_gives_its_rows_at_once() {
    let program = "CREATE STREAM A (id INT, at TIMESTAMP) TIMESTAMP BY at; SELECT id FROM A;";
    let mut engine = engine(program, &Options::default());
    for id in 0..5_i64 {
        engine.push_json(format!("{{\"id\":{id},\"at\":{}}}\n", id * 1000).as_bytes()).unwrap();
        assert_eq!(engine.take_rows().len(), 1);
    }
}

#[test]
fn a_strict_run_stops_at_the_first_bad_event() {
    let program = "CREATE STREAM A (id INT, at TIMESTAMP) TIMESTAMP BY at; SELECT id FROM A;";
    let mut engine = engine(program, &Options { strict: true, ..Options::default() });
    let error = engine.push_json(b"{\"id\":1,\"at\":1}\n{\"id\":\"x\",\"at\":2}\n{\"id\":3,\"at\":3}\n").unwrap_err();
    assert!(error.to_string().contains("line 2"), "{error}");
    assert_eq!(engine.take_rows().len(), 1);
}

#[test]
fn a_wrong_program_is_told_with_its_text() {
    let Err(error) = Engine::with_options("SELECT nothing FROM Nowhere;", &Options::default()) else { panic!("it compiles") };
    assert!(error.to_string().contains("Nowhere"), "{error}");
}

#[test]
fn values_batches_and_lines_mix() {
    use std::sync::Arc;

    use arrow_array::{ArrayRef, Int64Array, RecordBatch, StringArray, TimestampMillisecondArray};

    let mut engine = engine(&format!("{SOURCES} SELECT id, k, x FROM A;"), &Options::default());
    engine.push_json(event("A", 1, "p", 1, 1).as_bytes()).unwrap();
    engine.push_value(&serde_json::json!({"type": "A", "id": 2, "k": "q", "x": 2, "at": 2000})).unwrap();
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("id", Arc::new(Int64Array::from(vec![3, 4]))),
        ("k", Arc::new(StringArray::from(vec![Some("r"), None]))),
        ("at", Arc::new(TimestampMillisecondArray::from(vec![Some(3000), None]))),
    ];
    let batch = RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(name, array)| (name, array, true))).unwrap();
    engine.push_batch("A", &batch).unwrap();
    assert!(engine.push_batch("Nowhere", &batch).unwrap_err().to_string().contains("Nowhere"));
    engine.finish().unwrap();
    assert_eq!(engine.take_bad_events()[0].cause.code(), "no_time");
    let stats = engine.stats();
    assert_eq!((stats.events, stats.processed, stats.bad), (4, 3, 1));
    #[derive(serde::Deserialize, PartialEq, Debug)]
    #[serde(deny_unknown_fields)]
    struct Row {
        id: i64,
        k: Option<String>,
        x: Option<i64>,
    }
    let rows: Vec<Row> = engine.take_rows().iter().map(|row| row.deserialize().unwrap()).collect();
    let row = |id, k: &str, x| Row { id, k: Some(k.to_owned()), x };
    assert_eq!(rows, [row(1, "p", Some(1)), row(2, "q", Some(2)), row(3, "r", None)]);
}

#[test]
fn nulls_that_had_to_be_made_up_are_counted_wherever_they_were() {
    let of = |query: &str| {
        let mut engine = engine(&format!("{SOURCES} {query}"), &Options::default());
        engine.push_json((event("A", 1, "p", 0, 1) + &event("A", 2, "p", 0, 2)).as_bytes()).unwrap();
        engine.finish().unwrap();
        engine.stats().eval_nulls
    };
    assert_eq!(of("SELECT id / x AS y FROM A;"), 2);
    assert_eq!(of("SELECT id FROM A WHERE id / x > 1;"), 2);
    assert_eq!(of("SELECT SUM(id / x) AS y FROM A;"), 2);
    assert_eq!(of("SELECT a.id / a.x AS y FROM PATTERN (A a);"), 2);
    assert!(of("SELECT a.id FROM PATTERN (A a -> A b) WHERE b.id / b.x > a.id WITHIN 9s;") > 0);
}

#[test]
fn rows_leave_as_batches() {
    let mut engine = engine(&format!("{SOURCES} CREATE STREAM Out AS SELECT id, x FROM A; SELECT k FROM A;"), &Options::default());
    engine.push_json((event("A", 1, "p", 1, 1) + &event("A", 2, "q", 2, 2)).as_bytes()).unwrap();
    engine.finish().unwrap();
    let batches = engine.take_batches();
    let shape: Vec<_> = batches.iter().map(|(name, batch)| (name.as_deref(), batch.num_rows(), batch.num_columns())).collect();
    assert_eq!(shape, [(None, 2, 1), (Some("Out"), 2, 2)]);
    assert!(engine.take_rows().is_empty(), "each row leaves once");
}

#[test]
fn a_silent_stream_holds_the_watermark_until_it_is_idle_or_time_is_moved() {
    use betide::{ManualClock, Timestamp};

    let clock = ManualClock::new(Timestamp(0));
    let program = "
        CREATE STREAM A (id INT, at TIMESTAMP) TIMESTAMP BY at;
        CREATE STREAM B (id INT, at TIMESTAMP) TIMESTAMP BY at IDLE AFTER 30 seconds;
        SELECT id FROM A; SELECT id FROM B;";
    let mut engine = engine(program, &Options { clock: std::sync::Arc::new(clock.clone()), ..Options::default() });
    engine.push_json(b"{\"type\":\"A\",\"id\":1,\"at\":1000}\n").unwrap();
    assert!(engine.take_rows().is_empty());
    assert_eq!(engine.stats().held_back_by.as_deref(), Some("B"));
    clock.set(Timestamp(31_000_000_000));
    engine.push_json(b"{\"type\":\"A\",\"id\":2,\"at\":2000}\n").unwrap();
    assert_eq!(engine.take_rows().len(), 2);
    assert!(engine.stats().sources[1].idle);
    engine.push_json(b"{\"type\":\"B\",\"id\":3,\"at\":9000}\n").unwrap();
    assert!(engine.take_rows().is_empty());
    engine.advance_watermark(Timestamp(10_000_000_000)).unwrap();
    assert_eq!(engine.take_rows().len(), 1);
}

#[test]
fn bad_events_beyond_the_cap_are_only_counted() {
    let limits = betide::Limits { kept_bad_events: 2, ..betide::Limits::default() };
    let mut engine = engine(&format!("{SOURCES} SELECT id FROM A;"), &Options { limits, max_line: 20, ..Options::default() });
    engine.push_json(b"{\n[\n1\n").unwrap();
    engine.push_json(&[b'x'; 1000]).unwrap();
    engine.push_json(b"\n").unwrap();
    assert_eq!(engine.take_bad_events().len(), 2);
    let stats = engine.stats();
    assert_eq!((stats.bad, stats.bad_not_kept, stats.bad_by_cause["line_too_long"]), (4, 2, 1));
}

#[test]
fn too_many_rows_that_wait_for_another_input_are_told() {
    let limits = betide::Limits { waiting_rows: 3, ..betide::Limits::default() };
    let program = format!(
        "{SOURCES} CREATE STREAM S AS SELECT k, COUNT(*) AS n FROM A WINDOW SESSION 1h GROUP BY k;
        SELECT s.n FROM S s JOIN B b ON s.k = b.k WITHIN 1s;"
    );
    let mut engine = engine(&program, &Options { limits, ..Options::default() });
    let mut input = event("A", 1, "p", 1, 1);
    for id in 2..9 {
        input += &event("B", id, "p", 1, id);
        input += &event("A", id + 100, "q", 1, id);
    }
    let error = engine.push_json(input.as_bytes()).and_then(|()| engine.finish()).unwrap_err();
    assert!(error.to_string().contains("the limit is 3"), "{error}");
}

/// Numbers that look random and are the same in every run.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: i64) -> i64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        i64::try_from(self.0 >> 33).unwrap() % limit
    }
}

/// Queries whose rows are certain where they stand, and queries whose rows are certain later, each read by some other.
const CHAINS: &[&str] = &[
    "CREATE STREAM F AS SELECT id, k, x FROM A WHERE x > 2; SELECT id, x FROM F; SELECT k, COUNT(*) AS n FROM F WINDOW TUMBLING 3s GROUP BY k;",
    "CREATE STREAM S AS SELECT k, COUNT(*) AS n, START_TIME AS t FROM A WINDOW SESSION 2s GROUP BY k;
     SELECT s.k, s.n, b.id FROM S s JOIN B b ON s.k = b.k WITHIN 4s;",
    "CREATE STREAM S AS SELECT k, COUNT(*) AS n FROM A WINDOW SESSION 2s GROUP BY k;
     CREATE STREAM T AS SELECT k, n, COUNT(*) AS m FROM S WINDOW SESSION 3s GROUP BY k, n;
     SELECT k, n, m FROM T; SELECT t.k, b.id FROM T t LEFT JOIN B b ON t.k = b.k WITHIN 3s;",
    "CREATE STREAM J AS SELECT a.id AS a, b.id AS b, a.k AS k FROM A a LEFT JOIN B b ON a.k = b.k WITHIN 2s;
     SELECT k, COUNT(*) AS n, COUNT(b) AS hits FROM J WINDOW TUMBLING 4s GROUP BY k; SELECT a, b FROM J WHERE b IS NULL;",
    "CREATE STREAM J AS SELECT a.id AS id, a.k AS k FROM A a ANTI JOIN B b ON a.k = b.k WITHIN 2s;
     INSERT INTO J SELECT id, k FROM B WHERE x > 5;
     SELECT k, COUNT(*) AS n FROM J GROUP BY k; SELECT id FROM A WHERE x = 1;",
    "CREATE STREAM Q AS SELECT a.id AS id, b.x AS x FROM A a LEFT ASOF JOIN B b ON a.k = b.k;
     SELECT id, x FROM Q; SELECT SUM(x) AS s, START_TIME AS t FROM Q WINDOW SESSION 1s;",
    "CREATE STREAM A5 AS SELECT id, k FROM A SUPPRESS BY k FOR 3s; SELECT k, COUNT(*) AS n FROM A5 WINDOW HOPPING 4s EVERY 2s GROUP BY k;
     SELECT id FROM A5 LIMIT 3;",
    "CREATE STREAM M AS SELECT a.id AS a, COUNT(b) AS n, c.id AS c, a.k AS k FROM PATTERN (A a -> B b+ -> A c) PARTITION BY k WITHIN 8s;
     SELECT m.a, m.n, b.id FROM M m LEFT JOIN B b ON m.k = b.k WITHIN 2s; SELECT k, COUNT(*) AS n FROM M WINDOW SESSION 2s GROUP BY k;",
    "CREATE STREAM S AS SELECT k, COUNT(*) AS n FROM A WINDOW SESSION 2s GROUP BY k;
     SELECT s.k, s.n, b.id FROM PATTERN (S s -> B b) PARTITION BY k WITHIN 10s;
     CREATE STREAM Quiet AS SELECT a.id, a.k FROM PATTERN (A a -> !B b) PARTITION BY k WITHIN 3s;
     SELECT q.id AS first, r.id AS second FROM PATTERN (Quiet q -> Quiet r) WITHIN 20s;",
    "CREATE STREAM M AS SELECT a.id AS a, b.id AS b FROM PATTERN (A a{1,3} -> B b) WITHIN 6s AFTER MATCH SKIP PAST LAST EVENT;
     SELECT m.a, m.b, x.id FROM PATTERN (M m -> A x) WITHIN 5s; SELECT id FROM B;",
];

#[test]
fn no_row_depends_on_how_the_input_was_cut() {
    let mut random = Random(0x00be_71de);
    let mut rows_seen = vec![0; CHAINS.len()];
    for round in 0..20 {
        let mut input = String::new();
        let mut second = 0;
        for id in 0..40 {
            second += random.below(3);
            let at = second - random.below(4);
            let stream = ["A", "B"][usize::try_from(random.below(2)).unwrap()];
            let key = ["p", "q"][usize::try_from(random.below(2)).unwrap()];
            input += &event(stream, id, key, random.below(10), at.max(0));
        }
        for (number, chain) in CHAINS.iter().enumerate() {
            let program = format!("{SOURCES}{chain}");
            let whole = run(&program, &input, &Options::default());
            rows_seen[number] += whole.len();
            for batch_size in [1, 7] {
                let rows = run(&program, &input, &Options { batch_size, ..Options::default() });
                assert_eq!(rows, whole, "round {round}, batch size {batch_size}: {chain}\n{input}");
            }
            let mut engine = engine(&program, &Options::default());
            for bytes in input.as_bytes().chunks(101) {
                engine.push_json(bytes).unwrap();
                engine.tick().unwrap();
            }
            engine.finish().unwrap();
            let mut text = Vec::new();
            engine.write_rows(&mut text).unwrap();
            assert_eq!(String::from_utf8(text).unwrap().lines().collect::<Vec<_>>(), whole, "round {round}: {chain}");
        }
    }
    assert!(rows_seen.iter().all(|&rows| rows > 20), "every chain gives rows: {rows_seen:?}");
}
