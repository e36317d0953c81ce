//! Rules that come and go while events flow. `cargo run --example dynamic_rules`

use std::error::Error;
use std::io::{Write, stdout};

use betide::{Engine, Options};

/// A minute of logins: who, whether it went well, and the second.
fn minute(engine: &mut Engine, first: i64) -> Result<(), betide::Error> {
    for (user, ok, second) in [("ann", false, 1), ("bob", true, 2), ("ann", false, 3), ("ann", false, 5), ("ann", true, 8)] {
        let line = format!("{{\"user\":\"{user}\",\"ok\":{ok},\"at\":{}}}\n", first + second);
        engine.push_json(line.as_bytes())?;
    }
    Ok(())
}

fn main() -> Result<(), Box<dyn Error>> {
    let declared = "
        CREATE STREAM Login (user STRING, ok BOOL, at TIMESTAMP(s)) TIMESTAMP BY at;
        CREATE STREAM Logins AS SELECT COUNT(*) AS n, START_TIME FROM Login WINDOW TUMBLING 1 minute;";
    let mut engine = Engine::with_options(declared, &Options { open: true, ..Options::default() })?;
    let mut found = Vec::new();

    minute(&mut engine, 0)?;
    let rule = "
        CREATE STREAM Guessed AS SELECT s.user, COUNT(fail) AS fails
        FROM PATTERN (Login[NOT ok] fail{3,} -> Login[ok] s) PARTITION BY user
        WITHIN 1 minute AFTER MATCH SKIP PAST LAST EVENT;";
    let guessed = engine.add(rule)?;
    minute(&mut engine, 60)?;
    engine.replace(&guessed, &rule.replace("{3,}", "{4,}"))?;
    minute(&mut engine, 120)?;
    if let Err(refused) = engine.add("CREATE STREAM Login (user STRING);") {
        writeln!(stdout(), "{refused}")?;
    }
    for statement in engine.statements() {
        writeln!(stdout(), "statement {} makes {}", statement.id, statement.stream.unwrap_or("rows"))?;
    }
    engine.drop_stream("Guessed")?;
    minute(&mut engine, 180)?;
    engine.finish()?;
    found.extend(engine.take_rows().iter().map(|row| row.to_json()));

    // The rule that was there for the second minute saw it, and nothing else; who was there before was not touched.
    let count = |minute: &str| format!(r#"{{"stream":"Logins","n":5,"START_TIME":"1970-01-01T00:{minute}:00Z"}}"#);
    let guess = r#"{"stream":"Guessed","user":"ann","fails":3}"#.to_owned();
    let expected = [count("00"), guess, count("01"), count("02"), count("03")];
    assert_eq!(found, expected, "the rows that the rules are to give");
    found.iter().try_for_each(|row| writeln!(stdout(), "{row}"))?;
    stdout().flush()?;
    Ok(())
}
