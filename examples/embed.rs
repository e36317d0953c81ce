//! betide inside another program: compile a query, push values, take rows. `cargo run --example embed`

use std::error::Error;
use std::io::{Write, stdout};

use betide::{Engine, Options};
use serde::{Deserialize, Serialize};

#[derive(Serialize)]
struct Payment<'a> {
    card: &'a str,
    amount: f64,
    at: &'a str,
}

#[derive(Debug, Deserialize)]
struct Spent {
    card: String,
    total: f64,
}

fn main() -> Result<(), Box<dyn Error>> {
    let program = "
        CREATE STREAM Payment (card STRING, amount FLOAT, at TIMESTAMP) TIMESTAMP BY at;
        CREATE STREAM Spent AS
        SELECT card, SUM(amount) AS total FROM Payment WINDOW TUMBLING 1 minute GROUP BY card HAVING SUM(amount) > 100;";
    let mut engine = Engine::with_options(program, &Options::default())?;
    for (card, amount, at) in [("a", 70.0, "10:00:05"), ("b", 30.0, "10:00:20"), ("a", 50.0, "10:00:40"), ("a", 10.0, "10:01:10")] {
        engine.push_value(&Payment { card, amount, at: &format!("2026-03-01T{at}Z") })?;
    }
    engine.finish()?;
    for row in engine.take_rows() {
        let spent: Spent = row.deserialize()?;
        writeln!(stdout(), "{} spent {} in a minute", spent.card, spent.total)?;
    }
    Ok(())
}
