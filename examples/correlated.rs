//! Times sequences whose steps compare values, while 10,000 matches wait: `cargo run --release --example correlated -- [MILLIONS] [NAME…]`.
//! In: nothing; the events are made here, the same in every run, as Arrow batches. Out: a table. Timed is everything from `push_batch` to the
//! batches that come out, on one core; the general evaluator runs over the first events of the same, must give the same rows, and gives the
//! ratio (over these events, in the same run).
//!
//! Every other event begins a match, the others are candidates; WITHIN keeps 10,000 beginnings. What fits is rare, about one match a
//! candidate or less, so that what is timed is the search and not the rows.

#![allow(clippy::print_stdout, reason = "a program for the console")]

use std::error::Error;
use std::sync::Arc;

use arrow_array::{ArrayRef, Float64Array, Int64Array, RecordBatch, TimestampNanosecondArray};
use betide::{Engine, Options, Timestamp};

use measure::cpu_seconds;

mod measure;

const EVENTS_A_BATCH: usize = 4096;
/// How many events the general evaluator gets, so that this takes seconds and not minutes: about 4,000 matches wait at their end, and not
/// 10,000, which flatters it.
const FOR_GENERAL: usize = 2 * EVENTS_A_BATCH;

/// Name, arrow and terms; `WITHIN` is the same for all.
const CASES: &[(&str, &str, &str)] = &[
    ("equal, first", "->", "b.n = a.n"),
    ("equal, all", "->>", "b.n = a.n"),
    ("less, first", "->", "b.x < a.low"),
    ("less, all", "->>", "b.x < a.low"),
    ("scaled, first", "->", "b.x > 2 * a.high"),
    ("between, all", "->>", "b.x BETWEEN a.x AND a.x + 0.0001"),
    ("general, first", "->", "b.n = a.n AND b.x + a.x > 0.5"),
    ("general, all", "->>", "b.x < a.low AND (b.n + a.n) % 2 = 0"),
];

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let millions: usize = args.first().and_then(|text| text.parse().ok()).unwrap_or(2);
    let names: &[String] = args.get(1..).unwrap_or_default();
    let batches = events(millions * 1_000_000)?;
    let few = FOR_GENERAL / EVENTS_A_BATCH;
    println!("{:16} {:>9} {:>8} {:>12} {:>12} {:>7}", "case", "rows", "waiting", "events/CPU s", "general", "ratio");
    for (name, arrow, terms) in CASES.iter().filter(|(name, ..)| names.is_empty() || names.iter().any(|n| name.starts_with(n.as_str()))) {
        let program = format!(
            "CREATE STREAM E (side INT, n INT, x FLOAT, low FLOAT, high FLOAT, at TIMESTAMP) TIMESTAMP BY at;
             SELECT a.n AS n, a.x AS ax, b.x AS bx, a.at AS began FROM PATTERN (E a {arrow} E b)
             WHERE a.side = 0 AND b.side = 1 AND {terms} WITHIN 20s;"
        );
        let all = run(&program, &batches, false)?;
        let (lists, general) = (run(&program, &batches[..few], false)?, run(&program, &batches[..few], true)?);
        if lists.rows != general.rows {
            return Err(format!("{name}: {} rows by step lists, {} by threads", lists.rows, general.rows).into());
        }
        let rate = |run: &Run| run.events as f64 / run.seconds;
        println!(
            "{name:16} {:>9} {:>8} {:>12.0} {:>12.0} {:>7.0}",
            all.rows,
            all.waiting,
            rate(&all),
            rate(&general),
            rate(&all) / rate(&general)
        );
    }
    Ok(())
}

struct Run {
    events: usize,
    rows: usize,
    waiting: u64,
    seconds: f64,
}

fn run(program: &str, batches: &[(RecordBatch, Timestamp)], general: bool) -> Result<Run, Box<dyn Error>> {
    let options = Options { general_evaluators: general, ..Options::default() };
    let mut engine = Engine::with_options(program, &options).map_err(|told| format!("{told}"))?;
    let (mut rows, mut waiting) = (0, 0);
    let begin = cpu_seconds()?;
    for (number, (batch, behind)) in batches.iter().enumerate() {
        engine.push_batch("E", batch)?;
        engine.advance_watermark(*behind)?;
        rows += engine.take_batches().iter().map(|(_, batch)| batch.num_rows()).sum::<usize>();
        if number + 1 == batches.len() {
            waiting = engine.stats().operators.iter().map(|operator| operator.held).max().unwrap_or(0);
        }
    }
    engine.finish()?;
    rows += engine.take_batches().iter().map(|(_, batch)| batch.num_rows()).sum::<usize>();
    let seconds = cpu_seconds()? - begin;
    Ok(Run { events: batches.iter().map(|(batch, _)| batch.num_rows()).sum(), rows, waiting, seconds })
}

/// An event a millisecond, sides in turn. `low` and `high` are such that a candidate fits about one of 20,000.
fn events(count: usize) -> Result<Vec<(RecordBatch, Timestamp)>, Box<dyn Error>> {
    let mut state = 0x00be_71de_u64;
    let mut random = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 11) as f64 / (1_u64 << 53) as f64
    };
    let mut batch = |from: usize| {
        let numbers = from..(from + EVENTS_A_BATCH).min(count);
        let drawn: Vec<(i64, i64, f64)> =
            numbers.clone().map(|number| (i64::from(number % 2 == 1), (random() * 20_000.0) as i64, random())).collect();
        let floats = |of: fn(f64) -> f64| Arc::new(Float64Array::from_iter_values(drawn.iter().map(|(_, _, x)| of(*x)))) as ArrayRef;
        let time = |number: usize| i64::try_from(number).unwrap_or(i64::MAX) * 1_000_000;
        let columns: [(&str, ArrayRef); 6] = [
            ("side", Arc::new(Int64Array::from_iter_values(drawn.iter().map(|(side, ..)| *side)))),
            ("n", Arc::new(Int64Array::from_iter_values(drawn.iter().map(|(_, n, _)| *n)))),
            ("x", floats(|x| x)),
            ("low", floats(|x| x * x * 1e-4)),
            ("high", floats(|x| 0.5 - x * x * 2.5e-5)),
            ("at", Arc::new(TimestampNanosecondArray::from_iter_values(numbers.clone().map(time)).with_timezone("UTC"))),
        ];
        Ok((RecordBatch::try_from_iter(columns)?, Timestamp(time(numbers.end))))
    };
    (0..count).step_by(EVENTS_A_BATCH).map(&mut batch).collect()
}
