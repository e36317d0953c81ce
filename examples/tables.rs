//! Views asked by a program: balances of accounts as of the watermark. `cargo run --example tables`

use std::error::Error;
use std::io::{Write, stdout};

use betide::{Engine, Options, Value};

fn main() -> Result<(), Box<dyn Error>> {
    let program = "
        CREATE STREAM Transfer (source STRING, target STRING, amount INT, at TIMESTAMP) TIMESTAMP BY at DELAY 1 minute;
        INSERT INTO Entry SELECT source AS account, 0 - amount AS amount FROM Transfer;
        INSERT INTO Entry SELECT target AS account, amount FROM Transfer;
        CREATE TABLE Balance AS SELECT account, SUM(amount) AS total FROM Entry GROUP BY account;
        CREATE TABLE Overdrawn AS SELECT account, SUM(amount) AS total FROM Entry GROUP BY account HAVING SUM(amount) < 0;";
    let mut engine = Engine::with_options(program, &Options::default())?;
    for (source, target, amount, minute) in
        [("bank", "ann", 50, "00"), ("ann", "bob", 70, "02"), ("bank", "ann", 30, "01"), ("bob", "ann", 1, "05")]
    {
        let line =
            format!("{{\"source\":\"{source}\",\"target\":\"{target}\",\"amount\":{amount},\"at\":\"2026-03-01T10:{minute}:00Z\"}}\n");
        engine.push_json(line.as_bytes())?;
    }
    let balance = engine.table("Balance").ok_or("there is no such table")?;
    if let Some(time) = balance.as_of() {
        writeln!(stdout(), "as of {time}")?;
    }
    for row in balance.rows() {
        writeln!(stdout(), "{}", row.to_json())?;
    }
    let bob = balance.get(&[Value::string("bob")]);
    writeln!(stdout(), "bob has {:?}", bob.and_then(|row| row.get("total").cloned()))?;
    writeln!(stdout(), "{} overdrawn", engine.table("Overdrawn").map_or(0, |table| table.len()))?;
    Ok(())
}
