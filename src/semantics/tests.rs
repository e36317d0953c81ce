//! What right programs become.

use super::{CheckOptions, Input, Output, Program, Query, Route, Stage, StreamId, check};
use crate::data::{DataType, Duration};
use crate::spec::{JoinSpec, WindowKind, WindowOutput};
use crate::syntax::parse;
use crate::text::{Source, render};

fn told(program: &str) -> (Program, String) {
    let source = Source::new("q.tide", program);
    let (file, errors) = parse(&source);
    assert!(errors.is_empty(), "{}", render(&errors, &source, false));
    let (program, diagnostics) = check(&file, &CheckOptions::default());
    (program, render(&diagnostics, &source, false))
}

fn program(text: &str) -> Program {
    let (program, told) = told(text);
    assert!(told.is_empty(), "{told}");
    program
}

/// The query of the last statement.
fn query(text: &str) -> Query {
    program(text).statements.pop().expect("a statement").query.clone()
}

fn columns(query: &Query) -> Vec<String> {
    query.schema.fields().iter().map(|f| format!("{} {}", f.name, f.data_type)).collect()
}

/// The stages in short.
fn stages(query: &Query) -> Vec<String> {
    let all = query.stages.iter().map(|stage| match stage {
        Stage::Filter(condition) => format!("filter {condition}"),
        Stage::Project { exprs, .. } => format!("project {}", exprs.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")),
        Stage::Window(spec) => match &spec.output {
            WindowOutput::Aggregates(calls) => format!("window {} keys, {} aggregates", spec.keys.len(), calls.len()),
            WindowOutput::Rows => String::from("window of rows"),
        },
        Stage::TopOfWindow { order, limit, bounds } => format!("top {limit:?} of {bounds:?} by {}", order[0].expr),
        Stage::Limit(rows) => format!("limit {rows}"),
        Stage::Suppress { keys, .. } => format!("suppress by {}", keys[0]),
    });
    all.collect()
}

const PAYMENT: &str = "CREATE STREAM Payment (card STRING, amount FLOAT, n INT, at TIMESTAMP) TIMESTAMP BY at;\n";
const TWO: &str = "CREATE STREAM L (id INT, k STRING, x FLOAT, at TIMESTAMP) TIMESTAMP BY at;\n\
                   CREATE STREAM R (id INT, k STRING, y INT, t TIMESTAMP) TIMESTAMP BY t;\n";

fn join(on: &str) -> JoinSpec {
    match query(&format!("{TWO}SELECT L.id FROM L JOIN R ON {on};")).input {
        Input::Join { spec, .. } => *spec,
        other => panic!("a join, found {other:?}"),
    }
}

const MINUTE: i64 = 60_000_000_000;

#[test]
fn which_events_are_a_streams() {
    let route = |text: &str| match &program(text).streams[0].source.as_ref().expect("a source").route {
        Route::All => String::from("all"),
        Route::Type { field, value } => format!("{field:?} = {value}"),
        Route::When(condition) => format!("when {condition}"),
    };
    assert_eq!(route("CREATE STREAM A (x INT);"), "all");
    assert_eq!(route("CREATE STREAM A (x INT); CREATE STREAM B (x INT);"), "None = A");
    assert_eq!(route("CREATE STREAM A (x INT) WITH (type = 'a');"), "None = a");
    assert_eq!(route("CREATE STREAM A (x INT) WITH (type_field = 'event.kind');"), "Some([\"event\", \"kind\"]) = A");
    assert!(route("CREATE STREAM A (x INT) WHEN x = 10;").starts_with("when "));
}

#[test]
fn a_source_with_all_its_clauses() {
    let text = "CREATE STREAM S (x VARCHAR DEFAULT 'none', y BIGINT NOT NULL FROM 'a.b', at TIMESTAMP(s), seq INT)
        TIMESTAMP BY (at, seq) DELAY 5 seconds IDLE AFTER 30s LATE INTO Late AHEAD 5m; SELECT x FROM Late;";
    let program = program(text);
    let source = program.streams[0].source.as_ref().expect("a source");
    assert_eq!((source.time_column, source.tie_columns.as_slice()), (Some(2), &[3][..]));
    assert_eq!((source.delay, source.ahead), (Duration(5_000_000_000), Some(Duration(5 * MINUTE))));
    assert_eq!(source.late_into, Some(StreamId(1)));
    assert_eq!(source.columns[1].path, ["a", "b"]);
    assert!(source.columns[1].not_null && source.columns[0].default.is_some());
    assert_eq!(program.streams[1].schema, program.streams[0].schema, "late events have the same columns");
}

#[test]
fn names_of_output_columns() {
    let text = "CREATE STREAM S (card STRING, device STRUCT<os STRING>, n INT); SELECT card AS c, S.card, device.os, n  +  1, COALESCE(n, 0) FROM S;";
    assert_eq!(columns(&query(text)), ["c STRING", "card STRING", "os STRING", "n + 1 INT", "COALESCE(n, 0) INT"]);
    assert_eq!(columns(&query(&format!("{PAYMENT}SELECT * FROM Payment;"))), ["card STRING", "amount FLOAT", "n INT", "at TIMESTAMP"]);
}

#[test]
fn statements_stand_in_any_order() {
    let program = program(&format!("SELECT c FROM Big; CREATE STREAM Big AS SELECT card AS c FROM Payment; {PAYMENT}"));
    assert_eq!(program.statements[0].output, Output::Unnamed);
    assert_eq!(program.statements[1].output, Output::Stream(StreamId(0)));
    assert_eq!(columns(&program.statements[0].query), ["c STRING"]);
}

#[test]
fn a_long_chain_of_streams_is_checked_without_recursion() {
    let mut text = String::from("CREATE STREAM S0 (x INT);\n");
    for i in (1..3_000).rev() {
        text += &format!("CREATE STREAM S{i} AS SELECT x FROM S{};\n", i - 1);
    }
    assert_eq!(program(&text).statements.len(), 2_999);
}

#[test]
fn statements_that_feed_one_stream_widen_its_columns() {
    let text =
        format!("{PAYMENT}INSERT INTO A SELECT n AS v FROM Payment; INSERT INTO A SELECT amount AS v FROM Payment; SELECT v FROM A;");
    let program = program(&text);
    assert_eq!(columns(&program.statements[2].query), ["v FLOAT"]);
    assert_eq!(program.statements[0].query.stages.len(), 2, "the INT is cast");
    assert_eq!(program.statements[1].query.stages.len(), 1);
    assert_eq!(columns(&program.statements[0].query), ["v FLOAT"]);
}

#[test]
fn groups_are_read_by_their_keys_and_aggregates_once() {
    let text = format!(
        "{PAYMENT}SELECT DATE_TRUNC('hour', at) AS h, COUNT(*) AS n, COUNT(*) + 1 AS m, START_TIME FROM Payment WHERE amount > 1
         WINDOW TUMBLING 1h GROUP BY h, card HAVING n > 3 AND SUM(amount) > 5 ORDER BY m DESC LIMIT 2;"
    );
    let query = query(&text);
    assert_eq!(columns(&query), ["h TIMESTAMP", "n INT", "m INT", "START_TIME TIMESTAMP"]);
    let stages = stages(&query);
    assert_eq!(stages.len(), 5, "{stages:?}");
    assert_eq!(stages[1], "window 2 keys, 2 aggregates");
    assert!(stages[3].starts_with("top Some(2) of (4, 5)"), "{stages:?}");
    let Stage::Project { exprs, .. } = &query.stages[4] else { panic!("{stages:?}") };
    let slots: Vec<Vec<u32>> = exprs.iter().map(|e| e.slots().iter().map(|s| s.0).collect()).collect();
    assert_eq!(slots, [vec![0], vec![2], vec![2], vec![4]]);
}

#[test]
fn an_expression_that_is_grouped_by_can_be_written_again() {
    let text = format!("{PAYMENT}SELECT UPPER(card) || '!' AS c, COUNT(*) AS n FROM Payment GROUP BY UPPER(card);");
    assert_eq!(columns(&query(&text)), ["c STRING", "n INT"]);
}

#[test]
fn windows_without_aggregates_give_rows() {
    let query = query(&format!("{PAYMENT}SELECT card, END_TIME FROM Payment WINDOW TUMBLING 1m OFFSET 15s ORDER BY amount;"));
    let stages = stages(&query);
    assert_eq!(stages[0], "window of rows");
    assert!(stages[1].starts_with("top None of (4, 5)"), "{stages:?}");
    let Stage::Window(spec) = &query.stages[0] else { panic!("{stages:?}") };
    assert_eq!(
        spec.kind,
        WindowKind::Hopping { size: Duration(MINUTE), every: Duration(MINUTE), offset: Duration(MINUTE / 4), zone: None }
    );
}

#[test]
fn early_results_say_that_they_are() {
    let query = query(&format!("{PAYMENT}SELECT COUNT(*) AS n FROM Payment WINDOW SESSION 1m EMIT EVERY 10s;"));
    assert_eq!(columns(&query), ["n INT", "final BOOL"]);
}

#[test]
fn an_aggregate_without_a_window_runs() {
    let query = query(&format!("{PAYMENT}SELECT card, SUM(n) FILTER (WHERE amount > 1) AS total FROM Payment GROUP BY card LIMIT 5;"));
    let Stage::Window(spec) = &query.stages[0] else { panic!("a window") };
    assert_eq!(spec.kind, WindowKind::Running);
    assert!(matches!(query.stages.last(), Some(Stage::Limit(5))));
}

#[test]
fn suppress_comes_before_limit_and_adds_a_column() {
    let query = query(&format!("{PAYMENT}SELECT card, n FROM Payment SUPPRESS BY card FOR 5m LIMIT 3;"));
    assert_eq!(columns(&query), ["card STRING", "n INT", "suppressed INT"]);
    assert!(stages(&query)[1].starts_with("suppress"));
    assert_eq!(stages(&query)[2], "limit 3");
}

#[test]
fn ranges_of_time_in_on_mean_the_same_as_within() {
    let bounds = |on: &str| {
        let spec = join(on);
        assert!(spec.residual.is_none(), "{on}: {:?}", spec.residual);
        (spec.before.0, spec.after.0)
    };
    assert_eq!(bounds("L.k = R.k WITHIN 1m"), (MINUTE, MINUTE));
    assert_eq!(bounds("L.k = R.k WITHIN 0s BEFORE AND 1m AFTER"), (0, MINUTE));
    assert_eq!(bounds("L.k = R.k AND t BETWEEN at - 1m AND at + 2m"), (MINUTE, 2 * MINUTE));
    assert_eq!(bounds("R.t >= L.at AND R.t < L.at + 1m"), (0, MINUTE - 1));
    assert_eq!(bounds("L.at <= R.t AND R.t - L.at <= 1m"), (0, MINUTE));
    assert_eq!(bounds("L.at - R.t BETWEEN -2m AND 1m"), (MINUTE, 2 * MINUTE));
    assert_eq!(bounds("R.t >= L.at WITHIN 1m"), (0, MINUTE));
    assert_eq!(bounds("TRUE WITHIN 1m"), (MINUTE, MINUTE));
}

#[test]
fn a_range_without_equal_times_stays_a_condition_too() {
    let spec = join("L.k = R.k AND R.t > L.at + 1m WITHIN 5m");
    assert_eq!((spec.before, spec.after), (Duration(0), Duration(5 * MINUTE)));
    assert!(spec.residual.is_some());
}

#[test]
fn equalities_become_keys() {
    let spec = join("R.k = L.k AND L.id + 1 = R.id AND L.x > R.y WITHIN 1m");
    assert_eq!((spec.left_keys.len(), spec.right_keys.len()), (2, 2));
    assert_eq!(spec.right_keys[0].slots()[0].0, 1, "right keys are over the right's own columns");
    assert_eq!(spec.residual.expect("a comparison").slots().iter().map(|s| s.0).collect::<Vec<_>>(), [2, 6]);
    let mixed = join("L.x = R.y WITHIN 1m");
    assert_eq!((mixed.left_keys[0].data_type(), mixed.right_keys[0].data_type()), (&DataType::Float, &DataType::Float));
    assert!(mixed.residual.is_some(), "the exact comparison stays");
}

#[test]
fn the_distance_of_two_times_bounds_a_join_both_ways() {
    let bounds = |on: &str| {
        let spec = join(on);
        assert!(spec.residual.is_none(), "{on}: nothing is left to check");
        (spec.before.0, spec.after.0)
    };
    let second = 1_000_000_000;
    assert_eq!(bounds("L.k = R.k AND ABS(t - at) <= 5s"), (5 * second, 5 * second));
    assert_eq!(bounds("L.k = R.k AND 5s > ABS(at - t)"), (5 * second - 1, 5 * second - 1));
    assert_eq!(bounds("L.k = R.k AND ABS(t - at - 2s) <= 5s"), (3 * second, 7 * second));
}

#[test]
fn joins_show_the_columns_of_their_sides() {
    let text = |kind: &str, rest: &str| query(&format!("{TWO}SELECT * FROM L {kind} JOIN R ON L.k = R.k {rest};"));
    assert_eq!(columns(&text("SEMI", "WITHIN 1m")), ["id INT", "k STRING", "x FLOAT", "at TIMESTAMP"]);
    let as_of = query(&format!("{TWO}SELECT y FROM L ASOF JOIN R ON L.k = R.k TOLERANCE 5s;"));
    let Input::Join { spec, .. } = as_of.input else { panic!("a join") };
    assert_eq!((spec.before, spec.after), (Duration(5_000_000_000), Duration(0)));
    let three = format!("{TWO}SELECT a.id, c.x FROM L a JOIN R b ON a.k = b.k WITHIN 1m JOIN L c ON c.k = b.k WITHIN 2m;");
    assert_eq!(columns(&query(&three)), ["id INT", "x FLOAT"]);
}

#[test]
fn a_derived_stream_keeps_its_event_time_where_it_keeps_the_column() {
    let text = format!(
        "{TWO}CREATE STREAM D AS SELECT id, at AS moment FROM L WHERE x > 1; SELECT D.id FROM D JOIN R ON t BETWEEN moment AND moment + 1m;"
    );
    assert_eq!(columns(&query(&text)), ["id INT"]);
}

#[test]
fn names_of_with_hide_streams() {
    let text = format!("{PAYMENT}WITH Payment AS (SELECT card AS c FROM Payment) SELECT c FROM Payment;");
    assert_eq!(columns(&query(&text)), ["c STRING"]);
    let text = format!("{PAYMENT}SELECT s.c FROM (SELECT card AS c FROM Payment WHERE n > 1) s WHERE s.c <> '';");
    assert_eq!(columns(&query(&text)), ["c STRING"]);
}

#[test]
fn numbers_beside_decimals_are_exact() {
    let query = query(
        "CREATE STREAM S (price DECIMAL(10, 2)); SELECT price FROM S WHERE price > 0.1 OR price IN (-0.3, 2) OR price = 10000000000000000000;",
    );
    let Stage::Filter(condition) = &query.stages[0] else { panic!("a filter") };
    condition.visit(&mut |e| assert_ne!(*e.data_type(), DataType::Float, "{condition}"));
}

#[test]
fn constants_are_worked_out() {
    let query = query(&format!("SET least = 2; {PAYMENT}SELECT card FROM Payment WHERE n > $least * 3 + 1;"));
    assert!(stages(&query)[0].contains('7'), "{:?}", stages(&query));
}

#[test]
fn a_mistake_is_told_once() {
    let (_, told) = told(
        "CREATE STREAM A AS SELECT x FROM Nowhere; CREATE STREAM B AS SELECT y FROM A WHERE z > 1; SELECT q.w FROM B q JOIN A ON q.u = A.v WITHIN 1m;",
    );
    assert_eq!(told.matches("error[").count(), 1, "{told}");
}

#[test]
fn all_mistakes_are_told() {
    let (_, told) = told(&format!(
        "{PAYMENT}SELECT crd, NOPE(n) AS x FROM Payment WHERE amout > 1 AND card = 5; SELECT n FROM Paymnt; CREATE STREAM Z (x STRNG);"
    ));
    assert_eq!(told.matches("error[").count(), 6, "{told}");
}

#[test]
fn a_stream_that_is_defined_twice_is_told_once() {
    let (_, told) = told(&format!("{PAYMENT}CREATE STREAM X AS SELECT card FROM Payment; CREATE STREAM X (a INT); SELECT a FROM X;"));
    assert_eq!(told.matches("error[").count(), 1, "{told}");
}

#[test]
fn the_deepest_expressions_fit_a_small_stack() {
    let nested = |open: &str, close: &str, inner: &str| format!("{}{inner}{}", open.repeat(110), close.repeat(110));
    let shapes = [
        nested("ABS(", ")", "n"),
        nested("CASE WHEN n > 1 THEN ", " END", "n"),
        nested("- ", "", "n"),
        nested("COALESCE(", ", 1)", "n"),
        nested("(1 + ", ")", "n"),
    ];
    for shape in shapes {
        let texts = [
            format!("{PAYMENT}SELECT {shape} AS x FROM Payment;"),
            format!("{PAYMENT}SELECT {shape} AS x, COUNT(*) AS c FROM Payment WINDOW TUMBLING 1m GROUP BY {shape};"),
        ];
        for text in texts {
            let small = std::thread::Builder::new().stack_size(1 << 20);
            let checked = small.spawn(move || drop(query(&text))).expect("a thread");
            assert!(checked.join().is_ok(), "{shape}");
        }
    }
}
