//! Which matches come, and in which order, where time alone does not tell: ORDER BY behind the time, WITHIN n EVENTS, HAVING by an alias.
#![allow(clippy::unwrap_used, reason = "a broken test should stop")]

use betide::{Engine, Options};

const SOURCES: &str = "
    CREATE STREAM A (id INT, v INT, at TIMESTAMP(s)) TIMESTAMP BY at;
    CREATE STREAM B (id INT, v INT, at TIMESTAMP(s)) TIMESTAMP BY at;";

/// Events as (stream, id, v, second); the rows without their braces.
fn run(statements: &str, events: &[(&str, i64, i64, i64)]) -> Vec<String> {
    let lines: String =
        events.iter().map(|(stream, id, v, at)| format!("{{\"type\":\"{stream}\",\"id\":{id},\"v\":{v},\"at\":{at}}}\n")).collect();
    let mut found: Option<Vec<String>> = None;
    for batch_size in [4096, 1] {
        let options = Options { batch_size, ..Options::default() };
        let mut engine = Engine::with_options(&format!("{SOURCES} {statements}"), &options).unwrap_or_else(|error| panic!("{error}"));
        engine.push_json(lines.as_bytes()).unwrap();
        engine.finish().unwrap();
        let rows = engine.take_rows();
        let rows: Vec<String> =
            rows.iter().filter(|row| row.stream().is_none()).map(|row| row.to_json().replace(['{', '}', '"'], "")).collect();
        assert_eq!(*found.get_or_insert_with(|| rows.clone()), rows, "batches of {batch_size}");
    }
    found.unwrap()
}

#[test]
fn rows_of_one_time_start_in_the_order_that_order_by_says() {
    let query = "SELECT * FROM A MATCH_RECOGNIZE (ORDER BY at, v DESC MEASURES MATCH_NUMBER() AS mn, FIRST(id) AS f
                 AFTER MATCH SKIP TO NEXT ROW PATTERN (X{2,})) ;";
    let events = [("A", 1, 1, 1), ("A", 2, 2, 1), ("A", 3, 3, 1)];
    assert_eq!(run(query, &events), ["mn:1,f:3", "mn:2,f:2"]);
}

#[test]
fn what_reads_them_sees_them_in_that_order() {
    let stream = "CREATE STREAM X AS SELECT mn, f FROM A MATCH_RECOGNIZE
                  (ORDER BY at, v DESC MEASURES MATCH_NUMBER() AS mn, Y.id AS f PATTERN (Y));";
    let events = [("A", 1, 1, 1), ("A", 2, 2, 1), ("A", 3, 3, 1), ("A", 4, 0, 2)];
    let in_a_window = format!("{stream} SELECT ARRAY_AGG(mn) AS m FROM X WINDOW TUMBLING 10s;");
    assert_eq!(run(&in_a_window, &events), ["m:[1,2,3,4]"]);
    let in_a_pattern = format!("{stream} SELECT x.mn AS x, y.mn AS y FROM PATTERN (X x , X y);");
    assert_eq!(run(&in_a_pattern, &events), ["x:1,y:2", "x:2,y:3", "x:3,y:4"]);
}

#[test]
fn a_match_of_as_many_events_as_may_be_waits_for_its_time() {
    let ends = |pattern: &str, events| run(&format!("SELECT A.id AS id FROM PATTERN ({pattern};"), events);
    let three = [("A", 1, 0, 1), ("A", 2, 0, 2), ("A", 3, 0, 3), ("B", 2, 0, 9)];
    assert_eq!(ends("A -> !B FOR 3s) WITHIN 3 EVENTS", &three), ["id:1", "id:2", "id:3"]);
    assert_eq!(ends("A -> !B FOR 1s) WITHIN 1 EVENTS", &[("A", 1, 0, 1), ("B", 2, 0, 3)]), ["id:1"]);
    // An event beyond them is not taken, and forbids all the same.
    assert_eq!(ends("A -> !B FOR 5s) WITHIN 1 EVENTS", &[("A", 1, 0, 1), ("B", 2, 0, 3)]), [] as [&str; 0]);
    // A step behind the wait would be one event too many.
    let behind = [("A", 1, 0, 1), ("A", 2, 0, 2), ("B", 7, 0, 9), ("B", 8, 0, 10)];
    assert_eq!(ends("A -> !B[id = 8] FOR 3s -> B b) WITHIN 2 EVENTS", &behind), ["id:2"]);
}

/// Rows that a deadline makes, at 7 and 13 seconds.
const WAITED: &str = "CREATE STREAM C (at TIMESTAMP(s)) TIMESTAMP BY at;
    CREATE STREAM W AS SELECT a.id AS n FROM PATTERN (A a -> !C FOR 3s);";

#[test]
fn a_row_of_a_deadline_is_within_a_bound_that_ends_with_it() {
    let of = |query: &str| run(&format!("{WAITED} {query};"), &[("A", 1, 0, 4), ("A", 2, 0, 10)]);
    for arrow in ["->", ",", "->>"] {
        assert_eq!(of(&format!("SELECT x.n AS x, y.n AS y FROM PATTERN (W x {arrow} W y) WITHIN 6s")), ["x:1,y:2"]);
        assert_eq!(of(&format!("SELECT x.id AS x, w.n AS w FROM PATTERN (A x {arrow} W w) WITHIN 3s")), ["x:1,w:1", "x:2,w:2"]);
    }
    assert_eq!(of("SELECT COUNT(*) AS n FROM (SELECT x.n FROM PATTERN (W x ->> W y) WITHIN 6s) WINDOW TUMBLING 1m"), ["n:1"]);
    assert_eq!(of("SELECT ARRAY_AGG(x.n) AS x FROM PATTERN (W x -> !W y FOR 6s)"), ["x:[2]"]);
    assert_eq!(of("SELECT x.id AS x FROM PATTERN (A x -> !W FOR 3s)"), [] as [&str; 0]);
    assert_eq!(of("SELECT x.n AS x, y.n AS y FROM W x LEFT JOIN W y ON x.n < y.n WITHIN 6s"), ["x:1,y:2", "x:2,y:null"]);
    assert_eq!(of("SELECT x.id AS x, w.n AS w FROM A x JOIN W w ON w.n = x.id WITHIN 3s"), ["x:1,w:1", "x:2,w:2"]);
    assert_eq!(of("SELECT COUNT(*) AS n FROM W WINDOW SESSION 6s"), ["n:2"]);
    assert_eq!(of("SELECT COUNT(*) AS n FROM W WINDOW SESSION 5s"), ["n:1", "n:1"]);
    assert_eq!(of("SELECT * FROM W MATCH_RECOGNIZE (MEASURES COUNT(*) AS c PATTERN (P+) WITHIN 6s)"), ["c:2"]);
    assert_eq!(of("SELECT * FROM W MATCH_RECOGNIZE (MEASURES COUNT(*) AS c PATTERN (P+) WITHIN 5s)"), ["c:1", "c:1"]);
    let deeper = "CREATE STREAM V AS SELECT w.n AS n FROM PATTERN (W w -> !B FOR 2s); SELECT x.id AS x, v.n AS v FROM PATTERN (A x -> V v) WITHIN 5s";
    assert_eq!(of(deeper), ["x:1,v:1", "x:2,v:2"]);
}

#[test]
fn having_knows_the_aliases_of_the_matches_columns() {
    let events = [("A", 1, 3, 1), ("A", 2, 4, 2), ("B", 7, 5, 3)];
    let query = "SELECT A.id AS id, A.v + b.v AS total FROM PATTERN (A -> B b) HAVING total > 8 AND b.v = 5;";
    assert_eq!(run(query, &events), ["id:2,total:9"]);
    // A column of a step is that column; the alias of something else does not hide it.
    let query = "SELECT A.id AS first, b.id AS id, A.v AS n FROM PATTERN (A -> B b) HAVING n = 3;";
    assert_eq!(run(query, &events), ["first:1,id:7,n:3"]);
}
