//! What one deadline makes certain in several partitions comes out in the order of the starts, whatever evaluator runs the pattern.

#![allow(clippy::unwrap_used, reason = "a broken case should stop the test")]

use betide::{Engine, Options};

const SOURCE: &str = "CREATE STREAM E (side INT, k INT, n INT, at TIMESTAMP(s)) TIMESTAMP BY at;\n";

/// Of both keys the first start finds nothing until its WITHIN is over, at one time; the matches of later starts wait for that.
fn events() -> String {
    let start = |k: i64, n: i64, at: i64| format!("{{\"side\":0,\"k\":{k},\"n\":{n},\"at\":{at}}}\n");
    let end = |k: i64, at: i64| format!("{{\"side\":1,\"k\":{k},\"n\":50,\"at\":{at}}}\n");
    [
        start(1, 100, 0),
        start(2, 100, 0),
        start(1, 1, 1),
        start(2, 2, 1),
        start(3, 3, 1),
        start(1, 4, 1),
        start(2, 5, 2),
        end(2, 3),
        end(1, 3),
        start(4, 100, 11),
        start(4, 100, 12),
    ]
    .concat()
}

fn rows(query: &str, evaluator: &str, general_evaluators: bool, cut: usize) -> Vec<String> {
    let options = Options { general_evaluators, ..Options::default() };
    let mut engine = Engine::with_options(&format!("{SOURCE}{query};"), &options).unwrap();
    assert!(general_evaluators || engine.explain().contains(evaluator), "{query}: {}", engine.explain());
    let mut rows = Vec::new();
    for line in events().as_bytes().chunks(cut) {
        engine.push_json(line).unwrap();
        rows.extend(engine.take_rows().iter().map(betide::OutputRow::to_json));
    }
    engine.finish().unwrap();
    rows.extend(engine.take_rows().iter().map(betide::OutputRow::to_json));
    rows
}

#[test]
fn rows_of_several_partitions_come_in_the_order_of_their_starts() {
    let queries = [
        ("step lists", "(E a -> E b)", "AFTER MATCH SKIP TO NEXT EVENT"),
        ("flat threads", "(E a -> E b+?)", "AFTER MATCH SKIP TO NEXT EVENT"),
        ("ordered threads", "(E a -> E b+? & E c?)", "AFTER MATCH SKIP TO NEXT EVENT"),
    ];
    for (evaluator, pattern, after) in queries {
        let query =
            format!("SELECT a.n FROM PATTERN {pattern} PARTITION BY k WHERE a.side = 0 AND b.side = 1 AND b.n > a.n WITHIN 10s {after}");
        for (general, cut) in [(false, 4096), (true, 4096), (false, 20), (true, 7)] {
            let expected = [1, 2, 4, 5].map(|n| format!("{{\"n\":{n}}}"));
            assert_eq!(rows(&query, evaluator, general, cut), expected, "{query}, general evaluators {general}, cut by {cut}");
        }
    }
}
