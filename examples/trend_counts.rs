//! Times the count of trends without their list: `cargo run --release --example trend_counts [EVENTS]`.
//! In: nothing but the number of events, by default 10,000,000. Out: a table: events a second of CPU, windows, and the largest count.
//!
//! `A ->> B+ ANY ->> C` over events of which six in ten are B, so that a match of the length of WITHIN is one of about 2^60. Events are Arrow
//! batches made beforehand; timed is everything from `push_batch` to the batches that come out. Before that every count is checked against
//! a formula that knows nothing of patterns: a C ends, for each A before it that is not over, 2^b - 1 trends, b being the number of B between.

#![allow(clippy::print_stdout, reason = "a program for the console")]

use std::collections::BTreeMap;
use std::error::Error;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use arrow_array::{Array, ArrayRef, Int64Array, RecordBatch, TimestampNanosecondArray};
use betide::Engine;

use measure::cpu_seconds;

mod measure;

const EVENTS_A_BATCH: usize = 16_384;
const MILLISECOND: i64 = 1_000_000;
/// How long a trend may be, and how long a window is, in events of a millisecond each.
const WITHIN: usize = 90;
const WINDOW: usize = 100;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    A,
    B,
    C,
}

fn main() -> Result<(), Box<dyn Error>> {
    let events = std::env::args().nth(1).map_or(Ok(10_000_000), |text| text.parse())?;
    let kinds = kinds(events);
    let counts = counts(&kinds);
    println!("{:24} {:>12} {:>10} {:>28}  ", "streams", "M events/s", "windows", "largest count");
    let largest = counts.values().max().copied().unwrap_or(0);
    for (name, program, batches) in [one_stream(&kinds)?, three_streams(&kinds)?] {
        check(&run(&program, &batches)?.1, &counts)?;
        let (spent, _) = run(&program, &batches)?;
        println!("{name:24} {:>12.1} {:>10} {largest:>28}", events as f64 / 1e6 / spent, counts.len());
    }
    Ok(())
}

/// A multiplicative generator: the same events everywhere.
fn kinds(events: usize) -> Vec<Kind> {
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        match (state >> 33) % 10 {
            0 => Kind::A,
            1..=6 => Kind::B,
            _ => Kind::C,
        }
    };
    (0..events).map(|_| next()).collect()
}

/// How many trends end in each window that has any.
fn counts(kinds: &[Kind]) -> BTreeMap<usize, u128> {
    let mut counts = BTreeMap::new();
    for (at, _) in kinds.iter().enumerate().filter(|(_, kind)| **kind == Kind::C) {
        let (mut between, mut ended) = (0, 0_u128);
        for &kind in kinds[at.saturating_sub(WITHIN)..at].iter().rev() {
            match kind {
                Kind::A => ended += (1_u128 << between) - 1,
                Kind::B => between += 1,
                Kind::C => {}
            }
        }
        if ended > 0 {
            *counts.entry(at / WINDOW).or_insert(0) += ended;
        }
    }
    counts
}

type Program = (&'static str, String, Vec<(&'static str, RecordBatch)>);

fn select(pattern: &str) -> String {
    format!(
        "SELECT COUNT(*) AS trends, START_TIME FROM (SELECT a.at FROM PATTERN ({pattern}) WITHIN {WITHIN} ms) WINDOW TUMBLING {WINDOW} ms;\n"
    )
}

fn one_stream(kinds: &[Kind]) -> Result<Program, Box<dyn Error>> {
    let mut batches = Vec::new();
    for (number, slice) in kinds.chunks(EVENTS_A_BATCH).enumerate() {
        let times = (number * EVENTS_A_BATCH..).zip(slice).map(|(at, _)| at as i64 * MILLISECOND);
        let times = TimestampNanosecondArray::from_iter_values(times).with_timezone("UTC");
        let column = Int64Array::from_iter_values(slice.iter().map(|kind| *kind as i64));
        batches.push(("Tick", RecordBatch::try_from_iter([("at", Arc::new(times) as ArrayRef), ("kind", Arc::new(column))])?));
    }
    let stream = "CREATE STREAM Tick (at TIMESTAMP, kind INT) TIMESTAMP BY at;\n".to_owned();
    Ok(("one, by a column", stream + &select("Tick[kind = 0] a ->> Tick[kind = 1] b+ ANY ->> Tick[kind = 2] c"), batches))
}

fn three_streams(kinds: &[Kind]) -> Result<Program, Box<dyn Error>> {
    let mut batches = Vec::new();
    for (number, slice) in kinds.chunks(EVENTS_A_BATCH).enumerate() {
        for (name, of) in [("A", Kind::A), ("B", Kind::B), ("C", Kind::C)] {
            let times = (number * EVENTS_A_BATCH..).zip(slice).filter(|(_, kind)| **kind == of).map(|(at, _)| at as i64 * MILLISECOND);
            let times = TimestampNanosecondArray::from_iter_values(times).with_timezone("UTC");
            batches.push((name, RecordBatch::try_from_iter([("at", Arc::new(times) as ArrayRef)])?));
        }
    }
    let streams = ["A", "B", "C"].map(|name| format!("CREATE STREAM {name} (at TIMESTAMP) TIMESTAMP BY at;\n")).concat();
    Ok(("three", streams + &select("A a ->> B b+ ANY ->> C c"), batches))
}

/// Seconds of CPU, and what came out.
fn run(program: &str, batches: &[(&str, RecordBatch)]) -> Result<(f64, Vec<RecordBatch>), Box<dyn Error>> {
    let mut engine = Engine::compile(program).map_err(|_| "the program does not compile")?;
    if !engine.explain().contains("no match is listed") {
        return Err("the matches would be listed".into());
    }
    let mut out = Vec::new();
    let begin = cpu_seconds()?;
    for (stream, batch) in batches {
        engine.push_batch(stream, batch)?;
        out.extend(engine.take_batches().into_iter().map(|(_, batch)| batch));
    }
    engine.finish()?;
    out.extend(engine.take_batches().into_iter().map(|(_, batch)| batch));
    Ok((cpu_seconds()? - begin, out))
}

/// Whether each window has its count, and NULL where that is more than an INT holds.
fn check(out: &[RecordBatch], counts: &BTreeMap<usize, u128>) -> Result<(), Box<dyn Error>> {
    let mut expected = counts.iter();
    for batch in out {
        let trends = batch.column(0).as_primitive::<Int64Type>();
        for row in 0..batch.num_rows() {
            let (window, count) = expected.next().ok_or("more windows than there are")?;
            let found = trends.is_valid(row).then(|| trends.value(row));
            if found != i64::try_from(*count).ok() {
                return Err(format!("window {window}: {found:?}, not {count}").into());
            }
        }
    }
    if expected.next().is_some() { Err("fewer windows than there are".into()) } else { Ok(()) }
}
