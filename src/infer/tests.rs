//! What is seen of small streams, and what is written of them.

use super::*;

fn observe(lines: &[&str]) -> Observer {
    let mut observer = Observer::new(None);
    lines.iter().for_each(|line| observer.push_json(line.as_bytes()));
    observer
}

fn statements(lines: &[&str]) -> Vec<String> {
    let declarations = observe(lines).declarations("Event");
    declarations.iter().map(|declaration| declaration.statement(Wanted::All, column(declaration).as_deref())).collect()
}

fn column(declaration: &Declaration) -> Option<String> {
    match declaration.time() {
        TimeChoice::Column(name) => Some(name),
        TimeChoice::Nowhere | TimeChoice::OneOf(_) => None,
    }
}

#[test]
fn kinds_become_types() {
    let found = statements(&[
        r#"{"b":true,"i":1,"f":1,"s":"x","m":1,"l":[1,2],"ll":[[1]],"o":{"p":{"q":1}},"n":null,"w":18446744073709551615,"j":{"a":1}}"#,
        r#"{"b":false,"i":2,"f":0.5,"s":"y","m":"x","l":[],"ll":[],"o":{"p":{"q":2}},"j":[1]}"#,
    ]);
    let expected = "CREATE STREAM Event (
    b     BOOL,
    i     INT,
    f     FLOAT,
    s     STRING,
    m     STRING,
    l     LIST<INT>,
    ll    JSON,
    o_p_q INT FROM 'o.p.q',
    n     STRING,
    w     STRING,
    j     JSON
);";
    assert_eq!(found, [expected]);
}

#[test]
fn a_text_among_numbers_is_told() {
    let mut observer = Observer::new(None);
    for record in [["id", "t"], ["a", "4.5"], ["b", "n/a"], ["c", "7"], ["d", "8"]] {
        observer.push_record(record.into_iter());
    }
    let text = observer.declarations("Reading").remove(0).statement(Wanted::All, None);
    assert_eq!(text, "CREATE STREAM Reading (\n    id STRING,\n    t  STRING -- 3 of 4 are numbers, 'n/a' is not\n);");
    let half = statements(&[r#"{"x":1}"#, r#"{"x":"y"}"#]);
    assert_eq!(half, ["CREATE STREAM Event (\n    x STRING\n);"], "as many texts as numbers are no slip");
}

#[test]
fn times_are_found_by_name_and_shape() {
    let one = |line: &str| {
        let text = statements(&[line]).remove(0);
        text.find("TIMESTAMP").map_or(String::new(), |at| text[at..].to_owned())
    };
    assert_eq!(one(r#"{"x":1,"ts":1772442000}"#), "TIMESTAMP(s)\n) TIMESTAMP BY ts;");
    assert_eq!(one(r#"{"x":1,"eventTime":1772442000123}"#), "TIMESTAMP(ms)\n) TIMESTAMP BY eventTime;");
    assert_eq!(one(r#"{"when":"10/Oct/2025:13:55:36 +0200"}"#), "TIMESTAMP FORMAT '%d/%b/%Y:%H:%M:%S %z'\n) TIMESTAMP BY \"when\";");
    assert_eq!(one(r#"{"@timestamp":"2026-03-01 10:00:00.5"}"#), "TIMESTAMP\n) TIMESTAMP BY \"@timestamp\";");
    assert_eq!(one(r#"{"amount":1772442000}"#), "", "a number that happens to be in range is no time");
    let two = observe(&[r#"{"began":"2026-03-01T10:00:00Z","ended":"2026-03-01T10:00:00Z"}"#]).declarations("E").remove(0);
    assert_eq!(two.time(), TimeChoice::OneOf(vec!["began".into(), "ended".into()]));
    assert_eq!(two.time_named("ended").as_deref(), Some("ended"));
    assert_eq!(two.time_named("other"), None);
}

#[test]
fn day_and_month_are_told_by_what_fits_and_by_order() {
    let both = ["03/04/2026 10:00:00", "04/04/2026 10:00:00", "05/04/2026 10:00:00"].map(|at| format!(r#"{{"at":"{at}"}}"#));
    let found = statements(&both.each_ref().map(String::as_str)).remove(0);
    assert!(found.contains("'%m/%d/%Y %H:%M:%S'"), "both are in order, so the first: {found}");
    let day_first = ["28/03/2026 10:00:00", "01/04/2026 10:00:00"].map(|at| format!(r#"{{"at":"{at}"}}"#));
    let found = statements(&day_first.each_ref().map(String::as_str)).remove(0);
    assert!(found.contains("'%d/%m/%Y %H:%M:%S'"), "{found}");
}

#[test]
fn disorder_becomes_a_round_delay() {
    let lines = ["10:00:10", "10:00:07", "10:00:30"].map(|at| format!(r#"{{"at":"2026-03-01T{at}Z"}}"#));
    let declaration = observe(&lines.each_ref().map(String::as_str)).declarations("Event").remove(0);
    assert!(declaration.statement(Wanted::All, Some("at")).ends_with("TIMESTAMP BY at DELAY 5s;"));
    assert_eq!(
        declaration.comment(Some("at")),
        "-- 3 events, 2026-03-01T10:00:07Z to 2026-03-01T10:00:30Z, 1 of them out of order, by at most 3s"
    );
}

#[test]
fn the_type_field_is_the_one_that_tells_the_keys() {
    let lines = [r#"{"EventID":1,"level":"a","x":1}"#, r#"{"EventID":10,"level":"a","y":1}"#].repeat(20);
    let found = statements(&lines);
    assert_eq!(found.len(), 2);
    assert!(
        found[1].starts_with("CREATE STREAM EventID10 (") && found[1].ends_with(" WITH (type = '10', type_field = 'EventID');"),
        "{}",
        found[1]
    );
    let nested = [r#"{"event":{"kind":"log-in"},"x":1}"#, r#"{"event":{"kind":"out"},"y":1}"#].repeat(20);
    let found = statements(&nested);
    assert!(found[0].starts_with("CREATE STREAM LogIn (") && found[0].ends_with("type_field = 'event.kind');"), "{}", found[0]);
    let plain = [r#"{"user":"a","x":1}"#, r#"{"user":"b","x":1}"#].repeat(20);
    assert_eq!(statements(&plain).len(), 1, "a field with few values is no type where all events have the same keys");
}

#[test]
fn how_the_events_are_cut_into_sample_and_rest_does_not_matter() {
    let lines: Vec<String> = (0..SAMPLE * 2 + 10).map(|i| format!(r#"{{"type":"T{}","n":{i}}}"#, i % 3)).collect();
    let found = statements(&lines.iter().map(String::as_str).collect::<Vec<_>>());
    assert_eq!(found.len(), 3);
    assert!(found[0].starts_with("CREATE STREAM T0 (\n    type STRING,\n    n    INT\n)"), "{}", found[0]);
}

#[test]
fn cells_tell_their_types() {
    let mut observer = Observer::new(None);
    observer.push_record(["id", "zip", "n", "x", "ok", "at", "none"].into_iter());
    observer.push_record(["1", "01234", "7", "1.5", "TRUE", "2026-03-01 10:00:00", ""].into_iter());
    observer.push_record(["2", "80331", "8", "2", "false", "2026-03-01 10:00:01", ""].into_iter());
    let declaration = observer.declarations("Row").remove(0);
    let expected = "CREATE STREAM Row (
    id   INT,
    zip  STRING,
    n    INT,
    x    FLOAT,
    ok   BOOL,
    at   TIMESTAMP,
    none STRING
) TIMESTAMP BY at;";
    assert_eq!(declaration.statement(Wanted::All, Some("at")), expected);
}

#[test]
fn only_what_is_asked_for_is_declared() {
    let declaration = observe(&[r#"{"a":1,"b":{"c":1,"d":{"e":"x"}},"at":"2026-03-01T10:00:00Z"}"#]).declarations("E").remove(0);
    let words = |all: &[&str]| all.iter().map(|word| (*word).to_owned()).collect();
    let text = declaration.statement(Wanted::Words(&words(&["a"])), Some("at"));
    assert_eq!(text, "CREATE STREAM E (\n    a  INT,\n    at TIMESTAMP\n) TIMESTAMP BY at;");
    let text = declaration.statement(Wanted::Words(&words(&["b"])), None);
    assert_eq!(text, "CREATE STREAM E (\n    b STRUCT<c INT, d STRUCT<e STRING>>\n);");
    let text = declaration.statement(Wanted::Words(&words(&["b_d_e"])), None);
    assert_eq!(text, "CREATE STREAM E (\n    b_d_e STRING FROM 'b.d.e'\n);");
    let text = declaration.statement(Wanted::Words(&words(&[])), None);
    assert_eq!(text, "CREATE STREAM E (\n    a INT\n);");
}

#[test]
fn hostile_events_do_not_hurt() {
    let mut observer = observe(&["", "[1]", "{", "nonsense", r#"{"":1,"a.b":{"c.d":2},"\u0000":3,"ü":{"ß":1}}"#]);
    assert_eq!(observer.unread(), 3);
    let deep = format!("{}1{}", r#"{"a":"#.repeat(100), "}".repeat(100));
    observer.push_json(deep.as_bytes());
    let wide = format!("{{{}}}", (0..5000).map(|i| format!("\"k{i}\":1")).collect::<Vec<_>>().join(","));
    observer.push_json(wide.as_bytes());
    assert_eq!(observer.declarations("E").len(), 1);
}
