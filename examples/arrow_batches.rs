//! Arrow batches in, Arrow batches out: no JSON on the way. `cargo run --example arrow_batches`

use std::error::Error;
use std::io::{Write, stdout};
use std::sync::Arc;

use arrow_array::{ArrayRef, Float64Array, RecordBatch, StringArray, TimestampMillisecondArray};
use betide::{Engine, Options};

fn main() -> Result<(), Box<dyn Error>> {
    let program = "
        CREATE STREAM Trade (symbol STRING, price FLOAT, at TIMESTAMP) TIMESTAMP BY at;
        CREATE STREAM Minute AS
        SELECT symbol, MIN(price) AS low, MAX(price) AS high, START_TIME FROM Trade WINDOW TUMBLING 1 minute GROUP BY symbol;";
    let mut engine = Engine::with_options(program, &Options::default())?;
    let symbols: ArrayRef = Arc::new(StringArray::from(vec!["ADA", "BEL", "ADA", "ADA"]));
    let prices: ArrayRef = Arc::new(Float64Array::from(vec![10.0, 7.5, 12.5, 11.0]));
    let times: ArrayRef = Arc::new(TimestampMillisecondArray::from(vec![1_000, 2_000, 30_000, 61_000]));
    engine.push_batch("Trade", &RecordBatch::try_from_iter([("symbol", symbols), ("price", prices), ("at", times)])?)?;
    engine.finish()?;
    for (stream, batch) in engine.take_batches() {
        writeln!(stdout(), "{}: {} rows of {} columns", stream.unwrap_or_default(), batch.num_rows(), batch.num_columns())?;
        let highs = batch.column_by_name("high").and_then(|high| high.as_any().downcast_ref::<Float64Array>());
        writeln!(stdout(), "highest: {:?}", highs.and_then(|highs| highs.iter().flatten().reduce(f64::max)))?;
    }
    Ok(())
}
