//! Reference tables and views by the public face: files, keys, versions, reloads, lookups, and what can be asked of a view.
#![allow(clippy::unwrap_used, reason = "a broken test should stop")]

use std::fs;
use std::path::{Path, PathBuf};

use betide::{Engine, Error, Options, Value};

const PAYMENT: &str = "CREATE STREAM Payment (card STRING, amount INT, at TIMESTAMP) TIMESTAMP BY at DELAY 2 seconds;";

/// A folder of its own for the files of one test.
fn folder(test: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("tables-{test}-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    folder
}

fn engine(program: &str, folder: &Path) -> Engine {
    let options = Options { folder: Some(folder.to_path_buf()), ..Options::default() };
    Engine::with_options(program, &options).unwrap_or_else(|error| panic!("{error}"))
}

fn payment(card: &str, amount: i64, second: i64) -> String {
    format!("{{\"card\":{card:?},\"amount\":{amount},\"at\":{}}}\n", second * 1000)
}

fn rows(engine: &mut Engine) -> Vec<String> {
    engine.take_rows().iter().map(betide::OutputRow::to_json).collect()
}

fn run(program: &str, folder: &Path, input: &str) -> Vec<String> {
    let mut engine = engine(program, folder);
    engine.push_json(input.as_bytes()).unwrap();
    engine.finish().unwrap();
    let stats = engine.stats();
    assert_eq!(stats.events, stats.processed + stats.late + stats.unrouted + stats.bad);
    rows(&mut engine)
}

fn table(engine: &Engine, name: &str) -> Vec<String> {
    engine.table(name).unwrap().rows().iter().map(betide::TableRow::to_json).collect()
}

fn refused(program: &str) -> String {
    Engine::with_options(program, &Options::default()).unwrap_err().to_string()
}

#[test]
fn every_kind_of_join_with_a_table() {
    let folder = folder("kinds");
    fs::write(folder.join("customers.csv"), "tier,id\ngold,a\nsilver,b\n").unwrap();
    let tables = "CREATE TABLE Customer (id STRING PRIMARY KEY, tier STRING) WITH (path = 'customers.csv');";
    let input = payment("a", 1, 1) + &payment("c", 2, 2) + "{\"amount\":3,\"at\":3000}\n" + &payment("b", 4, 4);
    let join = |join: &str| {
        let program = format!("{PAYMENT} {tables} SELECT amount {join};");
        let rows = run(&program, &folder, &input);
        rows.iter().map(|row| row.trim_start_matches("{\"amount\":").trim_end_matches('}').to_owned()).collect::<Vec<_>>()
    };
    let with_tier = |kind: &str| join(&format!(", tier FROM Payment p {kind} JOIN Customer c ON p.card = c.id"));
    assert_eq!(with_tier(""), ["1,\"tier\":\"gold\"", "4,\"tier\":\"silver\""]);
    assert_eq!(with_tier("LEFT"), ["1,\"tier\":\"gold\"", "2,\"tier\":null", "3,\"tier\":null", "4,\"tier\":\"silver\""]);
    assert_eq!(join("FROM Payment p SEMI JOIN Customer c ON p.card = c.id"), ["1", "4"]);
    assert_eq!(join("FROM Payment p ANTI JOIN Customer c ON p.card = c.id"), ["2", "3"]);
    // What else ON asks.
    assert_eq!(join("FROM Payment p ANTI JOIN Customer c ON p.card = c.id AND c.tier = 'gold'"), ["2", "3", "4"]);
    // By another column than the key, and by none: in the order of the file.
    assert_eq!(join(", id FROM Payment p JOIN Customer c ON p.amount < 2"), ["1,\"id\":\"a\"", "1,\"id\":\"b\""]);
    assert_eq!(join(", id FROM Payment p JOIN Customer c ON c.tier = 'silver' AND p.amount = 4"), ["4,\"id\":\"b\""]);
}

#[test]
fn composite_keys_lines_of_json_and_two_tables_in_a_row() {
    let folder = folder("composite");
    fs::write(
        folder.join("limits.jsonl"),
        "{\"tier\":\"gold\",\"land\":\"NL\",\"most\":5}\n\n{\"tier\":\"gold\",\"land\":\"BE\",\"most\":9}\n",
    )
    .unwrap();
    fs::write(folder.join("customers.csv"), "id,tier,land\na,gold,NL\nb,gold,BE\n").unwrap();
    let program = format!(
        "{PAYMENT}
        CREATE TABLE Customer (id STRING PRIMARY KEY, tier STRING, land STRING) WITH (path = 'customers.csv');
        CREATE TABLE Limits (tier STRING PRIMARY KEY, land STRING PRIMARY KEY, most INT) WITH (path = 'limits.jsonl');
        SELECT p.card, p.amount, l.most FROM Payment p JOIN Customer c ON p.card = c.id
        JOIN Limits l ON l.tier = c.tier AND l.land = c.land WHERE p.amount > l.most;"
    );
    let input = payment("a", 7, 1) + &payment("b", 7, 2) + &payment("b", 10, 3);
    assert_eq!(run(&program, &folder, &input), [r#"{"card":"a","amount":7,"most":5}"#, r#"{"card":"b","amount":10,"most":9}"#]);
    let mut engine = engine(&program, &folder);
    engine.reload_tables().unwrap();
    let limits = engine.table("Limits").unwrap();
    assert_eq!(limits.key().collect::<Vec<_>>(), ["tier", "land"]);
    let found = limits.get(&[Value::string("gold"), Value::string("BE")]).unwrap();
    assert_eq!(found.get("most"), Some(&Value::Int(9)));
    assert!(limits.get(&[Value::string("gold")]).is_none());
}

#[test]
fn a_table_with_a_time_column_is_looked_up_as_of_the_row() {
    let folder = folder("versions");
    // Not in the order of time: what counts is the column.
    fs::write(folder.join("rates.csv"), "currency,valid_from,rate\nEUR,20000,3\nEUR,10000,2\nUSD,5000,7\n").unwrap();
    let program = format!(
        "{PAYMENT}
        CREATE TABLE Rate (currency STRING PRIMARY KEY, rate INT, valid_from TIMESTAMP) TIMESTAMP BY valid_from WITH (path = 'rates.csv');
        SELECT p.amount, r.rate FROM Payment p LEFT JOIN Rate r ON p.card = r.currency;"
    );
    let seconds = [9, 10, 19, 20, 99];
    let input: Vec<String> = seconds.iter().map(|&second| payment("EUR", second, second)).collect();
    let expected = [(9, "null"), (10, "2"), (19, "2"), (20, "3"), (99, "3")];
    let expected: Vec<String> = expected.iter().map(|(amount, rate)| format!("{{\"amount\":{amount},\"rate\":{rate}}}")).collect();
    assert_eq!(run(&program, &folder, &input.concat()), expected);
    // Loading it again after the rows that it had is the same: versions are by event time.
    let mut engine = engine(&program, &folder);
    engine.push_json(input[..2].concat().as_bytes()).unwrap();
    fs::write(folder.join("rates.csv"), "currency,valid_from,rate\nEUR,10000,2\nEUR,20000,3\n").unwrap();
    engine.reload_tables().unwrap();
    engine.push_json(input[2..].concat().as_bytes()).unwrap();
    assert_eq!(table(&engine, "Rate"), [r#"{"currency":"EUR","rate":3,"valid_from":"1970-01-01T00:00:20Z"}"#]);
    engine.finish().unwrap();
    assert_eq!(rows(&mut engine), expected);
}

#[test]
fn a_table_without_a_time_column_changes_when_it_is_loaded_again() {
    let folder = folder("reload");
    let path = folder.join("customers.csv");
    fs::write(&path, "id,tier\na,gold\n").unwrap();
    let program = format!(
        "{PAYMENT} CREATE TABLE Customer (id STRING PRIMARY KEY, tier STRING) WITH (path = 'customers.csv');
        SELECT p.amount, c.tier FROM Payment p JOIN Customer c ON p.card = c.id;"
    );
    let mut engine = engine(&program, &folder);
    engine.push_json((payment("a", 1, 1) + &payment("a", 2, 9)).as_bytes()).unwrap();
    assert!(!engine.tables_have_changed());
    fs::write(&path, "id,tier\na,platinum\n").unwrap();
    assert!(engine.tables_have_changed());
    engine.reload_tables().unwrap();
    assert!(!engine.tables_have_changed());
    engine.push_json(payment("a", 3, 10).as_bytes()).unwrap();
    // A file that is no good changes nothing.
    fs::write(&path, "id,tier\na,lead\nb,tin\na,zinc\n").unwrap();
    let Err(Error::Data(error)) = engine.reload_tables() else { panic!("an error of the data") };
    assert!(error.to_string().ends_with("customers.csv, line 4: the key \"a\" is there already, in line 2"), "{error}");
    engine.finish().unwrap();
    let expected = [(1, "gold"), (2, "platinum"), (3, "platinum")];
    assert_eq!(rows(&mut engine), expected.map(|(amount, tier)| format!("{{\"amount\":{amount},\"tier\":\"{tier}\"}}")));
}

#[test]
fn a_file_that_is_no_good_is_told_before_the_first_event() {
    let folder = folder("bad");
    let program = format!(
        "{PAYMENT} CREATE TABLE Customer (id STRING PRIMARY KEY, score INT) WITH (path = 'scores.csv');
        SELECT p.amount, c.score FROM Payment p JOIN Customer c ON p.card = c.id;"
    );
    let mut engine = engine(&program, &folder);
    let Err(Error::Io { .. }) = engine.push_json(payment("a", 1, 1).as_bytes()) else { panic!("the file is not there") };
    assert_eq!(engine.stats().events, 0);
    let told = |engine: &mut Engine, text: &str| {
        fs::write(folder.join("scores.csv"), text).unwrap();
        engine.push_json(payment("a", 1, 1).as_bytes()).unwrap_err().to_string()
    };
    assert!(told(&mut engine, "id,score\na,1\nb,x\n").ends_with("scores.csv, line 3: column `score` (column 2): `x` is no INT"));
    assert!(told(&mut engine, "id,score\n,1\n").ends_with("line 2: column `id` (column 1): there is no value, and there has to be one"));
    // And once it is good, all goes on.
    fs::write(folder.join("scores.csv"), "id,score\na,1\n").unwrap();
    engine.push_json(payment("a", 1, 1).as_bytes()).unwrap();
    engine.finish().unwrap();
    assert_eq!(rows(&mut engine), [r#"{"amount":1,"score":1}"#]);
}

#[test]
fn a_view_has_the_newest_row_of_each_key_as_of_the_watermark() {
    let folder = folder("view");
    let program = format!(
        "{PAYMENT}
        CREATE TABLE Balance AS SELECT card, SUM(amount) AS total, COUNT(*) AS n FROM Payment WHERE amount <> 0 GROUP BY card;
        CREATE TABLE InDebt AS SELECT card, SUM(amount) AS debt FROM Payment GROUP BY card HAVING SUM(amount) < 0;
        CREATE TABLE Total AS SELECT SUM(amount) AS total FROM Payment;"
    );
    let mut engine = engine(&program, &folder);
    assert_eq!(engine.outputs().count(), 0, "a view is no output");
    assert!(engine.table("Balance").unwrap().is_empty());
    assert!(engine.table("Payment").is_none() && engine.table("Nothing").is_none());
    engine.push_json((payment("b", -5, 1) + &payment("a", 3, 2) + &payment("b", 7, 4) + &payment("a", 1, 5)).as_bytes()).unwrap();
    // The watermark is at 3 seconds: the events at 4 and at 5 still wait.
    assert_eq!(table(&engine, "Balance"), [r#"{"card":"a","total":3,"n":1}"#, r#"{"card":"b","total":-5,"n":1}"#]);
    assert_eq!(table(&engine, "InDebt"), [r#"{"card":"b","debt":-5}"#]);
    assert_eq!(table(&engine, "Total"), [r#"{"total":-2}"#]);
    assert_eq!(engine.table("Balance").unwrap().as_of().unwrap().to_string(), "1970-01-01T00:00:03Z");
    engine.finish().unwrap();
    assert_eq!(table(&engine, "Balance"), [r#"{"card":"a","total":4,"n":2}"#, r#"{"card":"b","total":2,"n":2}"#]);
    assert_eq!(table(&engine, "InDebt"), [""; 0], "who is out of debt is out of the table");
    let balance = engine.table("Balance").unwrap();
    assert_eq!(balance.get(&[Value::string("b")]).unwrap().get("total"), Some(&Value::Int(2)));
    assert!(balance.get(&[Value::string("c")]).is_none());
    assert_eq!((balance.len(), balance.as_of()), (2, None));
    assert_eq!(engine.table("Total").unwrap().get(&[]).unwrap().to_json(), r#"{"total":6}"#);
}

#[test]
fn a_windowed_view_has_the_last_closed_window_of_each_key() {
    let folder = folder("windowed");
    let program = format!(
        "{PAYMENT} CREATE TABLE Busy AS SELECT card, COUNT(*) AS n, END_TIME AS until FROM Payment WINDOW TUMBLING 10 seconds
        GROUP BY card HAVING COUNT(*) > 1;"
    );
    let mut engine = engine(&program, &folder);
    engine
        .push_json(
            (payment("a", 1, 1) + &payment("a", 1, 2) + &payment("b", 1, 3) + &payment("b", 1, 11) + &payment("b", 1, 12)).as_bytes(),
        )
        .unwrap();
    assert_eq!(table(&engine, "Busy"), [r#"{"card":"a","n":2,"until":"1970-01-01T00:00:10Z"}"#]);
    engine.push_json((payment("a", 1, 21) + &payment("a", 1, 32)).as_bytes()).unwrap();
    // a's window at 20 has one event: no row any more. b's newest is the one at 10.
    assert_eq!(table(&engine, "Busy"), [r#"{"card":"b","n":2,"until":"1970-01-01T00:00:20Z"}"#]);
}

#[test]
fn a_row_meets_a_view_with_all_events_up_to_its_own() {
    let folder = folder("own");
    // In either order of the text, and for a row that is derived from the event or the event itself.
    let view = "CREATE TABLE Balance AS SELECT card, SUM(amount) AS total FROM Payment GROUP BY card;";
    let read = "CREATE STREAM Big AS SELECT card, amount FROM Payment WHERE amount > 0;
        SELECT 'event' AS what, p.amount, b.total FROM Payment p JOIN Balance b ON p.card = b.card;
        SELECT 'derived' AS what, p.amount, b.total FROM Big p JOIN Balance b ON p.card = b.card;
        SELECT 'none' AS what, p.amount FROM Payment p ANTI JOIN Balance b ON p.card = b.card;";
    let events = [("a", 1, 1), ("b", 10, 2), ("a", 2, 3), ("a", 4, 3), ("a", -7, 4), ("b", 1, 12)];
    let input: String = events.iter().map(|&(card, amount, second)| payment(card, amount, second)).collect();
    let mut expected = Vec::new();
    let mut totals = std::collections::BTreeMap::new();
    for (card, amount, _) in events {
        let total = totals.entry(card).or_insert(0);
        *total += amount;
        for what in ["event", "derived"].iter().take(if amount > 0 { 2 } else { 1 }) {
            expected.push(format!("{{\"what\":\"{what}\",\"amount\":{amount},\"total\":{total}}}"));
        }
    }
    for program in [format!("{PAYMENT} {view} {read}"), format!("{PAYMENT} {read} {view}")] {
        assert_eq!(run(&program, &folder, &input), expected);
        for batch_size in [1, 3] {
            let options = Options { batch_size, ..Options::default() };
            let mut engine = Engine::with_options(&program, &options).unwrap();
            input.split_inclusive('\n').for_each(|line| engine.push_json(line.as_bytes()).unwrap());
            engine.finish().unwrap();
            assert_eq!(rows(&mut engine), expected);
        }
    }
}

#[test]
fn a_view_behind_what_holds_rows_back_keeps_all_views_at_one_place() {
    let folder = folder("held");
    // The left join holds a payment back until no refund can come; the plain view must not run ahead of the one behind it.
    let program = format!(
        "{PAYMENT}
        CREATE STREAM Checked AS SELECT p.card, p.amount FROM Payment p LEFT JOIN Payment q ON p.card = q.card AND q.amount = -p.amount WITHIN 10s;
        CREATE TABLE Plain AS SELECT COUNT(*) AS n FROM Payment;
        CREATE TABLE Behind AS SELECT COUNT(*) AS n FROM Checked;"
    );
    let mut engine = engine(&program, &folder);
    for second in 1..60 {
        engine.push_json(payment("a", second, second).as_bytes()).unwrap();
        assert_eq!(table(&engine, "Plain"), table(&engine, "Behind"), "after {second}");
    }
    engine.finish().unwrap();
    assert_eq!(table(&engine, "Behind"), [r#"{"n":59}"#]);
    assert_eq!(table(&engine, "Plain"), [r#"{"n":59}"#]);
}

#[test]
fn what_cannot_be_a_table_is_refused_with_what_to_write() {
    let told = |program: &str| refused(&format!("{PAYMENT} CREATE TABLE T (k STRING PRIMARY KEY) WITH (path = 't.csv');\n{program}"));
    for (program, text) in [
        ("SELECT k FROM T;", "`T` is a table"),
        ("SELECT t.k FROM T t JOIN Payment p ON p.card = t.k;", "FROM stream s JOIN T t"),
        ("SELECT card FROM PATTERN (Payment a -> T) WITHIN 1m;", "`T` is a table"),
        ("INSERT INTO T SELECT card AS k FROM Payment;", "rows are added to streams"),
        ("SELECT card FROM Payment p RIGHT JOIN T t ON p.card = t.k;", "has no time at which it could come out"),
        ("SELECT card FROM Payment p ASOF JOIN T t ON p.card = t.k;", "write JOIN or LEFT JOIN"),
        ("SELECT card FROM Payment p JOIN T t ON p.card = t.k WITHIN 1m;", "has no WITHIN"),
        ("CREATE TABLE U (k STRING);", "does not say where its rows are"),
        ("CREATE TABLE U (k STRING) WITH (path = 'u.xls');", "`xls` is no format of tables"),
        ("CREATE TABLE U (k STRING) WITH (pth = 'u.csv');", "did you mean `path`"),
        ("CREATE TABLE U (k STRING, t TIMESTAMP) TIMESTAMP BY t WITH (path = 'u.csv');", "needs a PRIMARY KEY"),
        ("CREATE TABLE U (k STRING PRIMARY KEY, t INT) TIMESTAMP BY t WITH (path = 'u.csv');", "TIMESTAMP(ms)"),
        ("CREATE TABLE V AS SELECT card, amount FROM Payment;", "group it"),
        ("CREATE TABLE V AS SELECT SUM(amount) AS n FROM Payment GROUP BY card;", "select it"),
        ("CREATE TABLE V AS SELECT card, SUM(amount) AS n FROM Payment WINDOW SLIDING 1m GROUP BY card;", "would hold old rows"),
        ("CREATE TABLE V AS SELECT card, SUM(amount) AS n FROM Payment GROUP BY card LIMIT 3;", "leave LIMIT away"),
        ("CREATE TABLE V AS SELECT card, COUNT(*) AS n FROM Payment p JOIN V v ON p.card = v.card GROUP BY card;", "V -> V"),
        (
            "CREATE TABLE V AS SELECT card, SUM(amount) AS n FROM W GROUP BY card;
             CREATE STREAM W AS SELECT p.card, p.amount FROM Payment p JOIN V v ON p.card = v.card;",
            "cannot be made of themselves: ",
        ),
    ] {
        let message = told(program);
        assert!(message.contains(text), "{program}\n{message}");
    }
}

#[test]
fn explain_says_what_is_looked_up_where() {
    let program = format!(
        "{PAYMENT} CREATE TABLE Rate (c STRING PRIMARY KEY, rate INT, t TIMESTAMP) TIMESTAMP BY t WITH (path = 'rates.csv');
        CREATE TABLE Balance AS SELECT card, SUM(amount) AS total FROM Payment GROUP BY card;
        SELECT p.card, r.rate, b.total FROM Payment p JOIN Rate r ON p.card = r.c LEFT JOIN Balance b ON b.card = p.card;"
    );
    let text = Engine::compile(&program).unwrap().explain();
    for line in [
        "table Rate\n    read from rates.csv, key (c), each row from its t on",
        "    in Rate, as it is at the time of the row\n    rows with what the table has for them\n    with card = table c\n    state O(1)",
        "    in Balance, as it is behind the row's event\n    rows with what the table has for them, or NULLs\n    with card = table card\n    state O(keys)",
        "    keeps the newest row of each (card) as the table Balance\n    state O(keys)",
    ] {
        assert!(text.contains(line), "{line}\n---\n{text}");
    }
}

#[cfg(feature = "cli")]
#[test]
fn the_command_loads_a_table_again_when_its_file_changes() {
    use std::io::{BufRead, BufReader, Write};
    use std::process::{Command, Stdio};

    let folder = folder("command");
    let path = folder.join("customers.csv");
    fs::write(&path, "id,tier\na,gold\n").unwrap();
    let program = format!(
        "{} CREATE TABLE Customer (id STRING PRIMARY KEY, tier STRING) WITH (path = 'customers.csv');
        SELECT p.amount, c.tier FROM Payment p JOIN Customer c ON p.card = c.id;",
        PAYMENT.replace("DELAY 2 seconds", "")
    );
    // The path of the table starts at the program's folder, not at the working directory.
    fs::write(folder.join("q.tide"), program).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_betide"));
    command.arg("run").arg(folder.join("q.tide")).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    let mut output = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut ask = |amount: i64| {
        input.write_all(payment("a", amount, amount).as_bytes()).unwrap();
        input.flush().unwrap();
        output.next().unwrap().unwrap()
    };
    assert_eq!(ask(1), r#"{"amount":1,"tier":"gold"}"#);
    fs::write(&path, "id,tier\na,platinum\n").unwrap();
    assert_eq!(ask(2), r#"{"amount":2,"tier":"platinum"}"#);
    fs::write(&path, "id,tier\na,lead\na,tin\n").unwrap();
    assert_eq!(ask(3), r#"{"amount":3,"tier":"platinum"}"#);
    drop(input);
    let done = child.wait_with_output().unwrap();
    assert!(done.status.success());
    let told = String::from_utf8(done.stderr).unwrap();
    assert!(told.contains("the tables have been loaded again") && told.contains("the tables stay as they were"), "{told}");
    assert!(told.contains("line 3: the key \"a\" is there already, in line 2"), "{told}");
}
