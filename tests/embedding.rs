//! What users of the library bring: functions of their own, types for rows, several engines in one process.
#![allow(clippy::unwrap_used, reason = "a broken test should stop")]

use betide::{DataType, Engine, Error, Options, Value};
use serde::Deserialize;

const STREAM: &str = "CREATE STREAM E (name STRING, x INT);\n";

/// Options with `TWICE(INT)` and with `ODD(INT)`, which gives a value of a wrong type for 7.
fn options() -> Options {
    let mut options = Options::default();
    let twice = |args: &[Value<'_>]| if let Value::Int(x) = args[0] { Value::Int(2 * x) } else { Value::Null };
    options.register_fn("twice", &[DataType::Int], DataType::Int, twice).unwrap();
    let odd = |args: &[Value<'_>]| match args[0] {
        Value::Int(7) => Value::Float(7.0),
        Value::Int(x) => Value::Bool(x % 2 == 1),
        _ => Value::Null,
    };
    options.register_fn("ODD", &[DataType::Int], DataType::Bool, odd).unwrap();
    options
}

fn run(program: &str, events: &str) -> (String, u64) {
    let mut engine = Engine::with_options(&format!("{STREAM}{program}"), &options()).unwrap_or_else(|error| panic!("{error}"));
    engine.push_json(events.as_bytes()).unwrap();
    engine.finish().unwrap();
    let mut rows = Vec::new();
    engine.write_rows(&mut rows).unwrap();
    (String::from_utf8(rows).unwrap(), engine.stats().eval_nulls)
}

fn mistakes(program: &str) -> String {
    match Engine::with_options(&format!("{STREAM}{program}"), &options()) {
        Err(error) => error.to_string(),
        Ok(_) => panic!("it compiles: {program}"),
    }
}

#[test]
fn functions_are_called_wherever_expressions_stand() {
    let events = "{\"x\":1}\n{\"x\":2}\n{\"x\":7}\n{}\n";
    assert_eq!(run("SELECT Twice(x) AS t FROM E WHERE odd(x) OR x = 2;", events), ("{\"t\":2}\n{\"t\":4}\n".to_owned(), 1));
    assert_eq!(run("SELECT SUM(TWICE(x)) AS t, COUNT(*) AS n FROM E WINDOW ROWS 4;", events).0, "{\"t\":20,\"n\":4}\n");
    let pattern = "SELECT b.x FROM PATTERN (E a -> E b) WHERE b.x > TWICE(a.x) WITHIN 1 day AFTER MATCH SKIP PAST LAST EVENT;";
    assert_eq!(run(pattern, events).0, "{\"x\":7}\n");
}

#[test]
fn what_is_wrong_with_a_call_is_told() {
    assert!(mistakes("SELECT TWICE(x, x) AS t FROM E;").contains("1 argument"));
    assert!(mistakes("SELECT TWICE(name) AS t FROM E;").contains("INT"));
    assert!(mistakes("SELECT TWCE(x) AS t FROM E;").contains("did you mean `TWICE`?"));
}

#[test]
fn a_name_is_given_once() {
    let mut options = options();
    let nothing = |_: &[Value<'_>]| Value::Null;
    for taken in ["TWICE", "upper", "Count"] {
        let refused = options.register_fn(taken, &[], DataType::Int, nothing).unwrap_err();
        assert!(refused.to_string().contains("already"), "{taken}: {refused}");
    }
}

#[test]
fn rows_that_do_not_fit_are_errors_in_their_place() {
    #[derive(Debug, Deserialize)]
    struct Row {
        x: u8,
    }
    let mut engine = Engine::compile(&format!("{STREAM}SELECT x FROM E;")).unwrap();
    engine.push_json(b"{\"x\":1}\n{\"x\":1000}\n{\"x\":3}\n").unwrap();
    engine.finish().unwrap();
    let rows: Vec<Result<Row, Error>> = engine.rows().collect();
    assert!(matches!(rows.as_slice(), [Ok(Row { x: 1 }), Err(_), Ok(Row { x: 3 })]), "{rows:?}");
    assert_eq!(engine.rows::<Row>().count(), 0, "each row once");
}

#[test]
fn engines_do_not_know_of_each_other() {
    let mut engines: Vec<Engine> = (0..3).map(|n| Engine::compile(&format!("{STREAM}SELECT x + {n} AS y FROM E;")).unwrap()).collect();
    for engine in &mut engines {
        engine.push_json(b"{\"x\":1}\n").unwrap();
    }
    let rows: Vec<String> = engines.iter_mut().map(|engine| engine.finish().map(|()| engine.take_rows()[0].to_json()).unwrap()).collect();
    assert_eq!(rows, ["{\"y\":1}", "{\"y\":2}", "{\"y\":3}"]);
}
