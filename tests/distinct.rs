//! IS DISTINCT FROM and IS NOT DISTINCT FROM: the naive truth table over every pair of values, NULL among them, wherever a condition stands.
#![allow(clippy::unwrap_used, reason = "a broken test should stop")]

use betide::{Engine, Options};
use serde_json::{Value as Json, json};

/// Values of a type as JSON, the first of them NULL; no two are equal.
fn values() -> Vec<(&'static str, Vec<Json>)> {
    vec![
        ("INT", vec![Json::Null, json!(0), json!(-7), json!(i64::MAX)]),
        ("FLOAT", vec![Json::Null, json!(0.0), json!(0.5), json!(1e300)]),
        ("DECIMAL(9,2)", vec![Json::Null, json!("0.10"), json!("7.25")]),
        ("STRING", vec![Json::Null, json!(""), json!("NULL"), json!("ä")]),
        ("BOOL", vec![Json::Null, json!(true), json!(false)]),
        ("TIMESTAMP", vec![Json::Null, json!("2026-03-01T10:00:00Z"), json!("2026-03-01T10:00:01Z")]),
        ("LIST<INT>", vec![Json::Null, json!([]), json!([1]), json!([1, null]), json!([1, 2])]),
    ]
}

fn rows(program: &str, events: &str, batch_size: usize) -> Vec<Json> {
    let options = Options { batch_size, ..Options::default() };
    let mut engine = Engine::with_options(program, &options).unwrap_or_else(|error| panic!("{program}\n{error}"));
    engine.push_json(events.as_bytes()).unwrap();
    engine.finish().unwrap();
    engine.take_rows().iter().map(|row| serde_json::from_str(&row.to_json()).unwrap()).collect()
}

#[test]
fn the_truth_table() {
    for (data_type, values) in values() {
        let pairs: Vec<(&Json, &Json)> = values.iter().flat_map(|a| values.iter().map(move |b| (a, b))).collect();
        let events: String = pairs.iter().map(|(a, b)| json!({ "a": a, "b": b }).to_string() + "\n").collect();
        let stream = format!("CREATE STREAM S (a {data_type}, b {data_type});\n");
        for batch_size in [1, 4096] {
            let select = "SELECT a IS DISTINCT FROM b AS d, a IS NOT DISTINCT FROM b AS n, NOT a IS DISTINCT FROM b AS m,\n\
                CASE WHEN a IS DISTINCT FROM b THEN 1 ELSE 0 END AS c FROM S;";
            let found = rows(&format!("{stream}{select}"), &events, batch_size);
            let naive = |(a, b): &(&Json, &Json)| {
                let is_distinct = match (a.is_null(), b.is_null()) {
                    (true, true) => false,
                    (true, false) | (false, true) => true,
                    (false, false) => a != b,
                };
                json!({ "d": is_distinct, "n": !is_distinct, "m": !is_distinct, "c": i32::from(is_distinct) })
            };
            assert_eq!(found, pairs.iter().map(naive).collect::<Vec<_>>(), "{data_type}");
            let kept = rows(&format!("{stream}SELECT a, b FROM S WHERE a IS NOT DISTINCT FROM b;"), &events, batch_size);
            assert_eq!(kept.len(), values.len(), "{data_type}: {kept:?}");
        }
    }
}

#[test]
fn constants_and_types_are_those_of_a_comparison() {
    let events = "{\"a\":1,\"t\":\"2026-03-01T10:00:00Z\"}\n{\"a\":null,\"t\":null}\n";
    let of = |condition: &str| rows(&format!("CREATE STREAM S (a INT, t TIMESTAMP); SELECT {condition} AS x FROM S;"), events, 4096);
    let both = |first: bool, second: bool| vec![json!({ "x": first }), json!({ "x": second })];
    assert_eq!(of("a IS DISTINCT FROM 1"), both(false, true));
    assert_eq!(of("a IS DISTINCT FROM 1.5"), both(true, true));
    assert_eq!(of("a IS DISTINCT FROM NULL"), both(true, false));
    assert_eq!(of("a + 1 IS NOT DISTINCT FROM 1 + 1"), both(true, false));
    assert_eq!(of("t IS NOT DISTINCT FROM '2026-03-01T10:00:00Z'"), both(true, false));
    assert_eq!(of("a IS DISTINCT FROM 1 AND t IS NULL OR a = 1"), both(true, true));
    let refused = Engine::compile("CREATE STREAM S (a INT); SELECT a IS DISTINCT FROM 'x' AS x FROM S;").unwrap_err();
    assert!(format!("{refused:?}").contains("IS DISTINCT FROM"), "{refused:?}");
    let unread = Engine::compile("CREATE STREAM S (a INT); SELECT a IS DISTINCT 1 AS x FROM S;").unwrap_err();
    assert!(unread.has_errors());
}

#[test]
fn in_joins_and_patterns() {
    let streams = "CREATE STREAM A (x INT, at TIMESTAMP(s)) TIMESTAMP BY at;\nCREATE STREAM B (x INT, at TIMESTAMP(s)) TIMESTAMP BY at;\n";
    let values = [json!(null), json!(1), json!(2)];
    let event = |stream: &str, at: usize, x: &Json| json!({ "type": stream, "x": x, "at": at }).to_string() + "\n";
    let events: String = values
        .iter()
        .enumerate()
        .map(|(at, x)| event("A", at, x))
        .chain(values.iter().enumerate().map(|(at, x)| event("B", at + 10, x)))
        .collect();
    let pairs = |query: &str| rows(&format!("{streams}{query}"), &events, 3).len();
    assert_eq!(pairs("SELECT a.x, b.x AS y FROM A a JOIN B b ON a.x IS NOT DISTINCT FROM b.x WITHIN 1h;"), 3);
    assert_eq!(pairs("SELECT a.x, b.x AS y FROM A a JOIN B b ON a.x IS DISTINCT FROM b.x WITHIN 1h;"), 6);
    // The first B that is as the A: one for each A.
    assert_eq!(pairs("SELECT a.x, b.x AS y FROM PATTERN (A a -> B b) WHERE b.x IS NOT DISTINCT FROM a.x WITHIN 1h;"), 3);
    assert_eq!(pairs("SELECT a.x, b.x AS y FROM PATTERN (A a ->> B b) WHERE b.x IS DISTINCT FROM a.x WITHIN 1h;"), 6);
}
