//! Times the sequences of a benchmark file in the library: `cargo run --release --example core_bench -- core.json EVENTS_DIR [NAME…]`.
//! In: `core.json` (programs with exact row counts and the rate of a known engine) and `EVENTS_DIR/<set>.jsonl`. Out: a table. Events are
//! decoded to Arrow batches beforehand; timed is everything from `push_batch` to the batches that come out. A wrong count ends the run.
//!
//! Batches are of 4,096 events in the order of time, a batch a stream of the program; events of no stream of the program are counted in
//! the rate and not pushed. CPU time is that of the process, user and system, as Linux tells it, the mean of as many runs as take a second.

#![allow(clippy::print_stdout, clippy::exit, reason = "a program for the console")]

use std::collections::BTreeMap;
use std::error::Error;
use std::sync::Arc;

use arrow_array::{ArrayRef, Float64Array, Int64Array, RecordBatch, TimestampNanosecondArray};
use betide::{Engine, Timestamp};
use serde::Deserialize;

use measure::cpu_seconds;

mod measure;

const EVENTS_A_BATCH: usize = 4096;
/// The runs of a case go on until they have taken so many CPU-seconds.
const ENOUGH: f64 = 1.0;

#[derive(Deserialize)]
struct Case {
    name: String,
    events: String,
    program: String,
    rows: u64,
    best_core_kev_per_cpu_s: f64,
}

#[derive(Deserialize)]
struct Event {
    r#type: String,
    ts: i64,
    key: i64,
    val: f64,
}

/// A batch of events: for each type its rows, and the time behind it.
type Slice = (BTreeMap<String, RecordBatch>, Timestamp);

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [core, directory, names @ ..] = args.as_slice() else { return Err("usage: core_bench core.json EVENTS_DIR [NAME…]".into()) };
    let cases: Vec<Case> = serde_json::from_slice(&std::fs::read(core)?)?;
    let mut sets: BTreeMap<String, (usize, Vec<Slice>)> = BTreeMap::new();
    println!("{:24} {:>10} {:>12} {:>12} {:>7}  evaluator", "case", "rows", "kev/CPU s", "known", "ratio");
    let mut ratios: Vec<f64> = Vec::new();
    for case in cases.iter().filter(|case| names.is_empty() || names.iter().any(|name| case.name.starts_with(name.as_str()))) {
        if !sets.contains_key(&case.events) {
            sets.insert(case.events.clone(), decode(&format!("{directory}/{}.jsonl", case.events))?);
        }
        let (events, slices) = &sets[&case.events];
        let (mut spent, mut runs) = (0.0, 0.0);
        let mut evaluator = "";
        while spent < ENOUGH {
            let mut engine = Engine::compile(&case.program).map_err(|_| format!("{} does not compile", case.name))?;
            evaluator = evaluator_of(&engine.explain());
            if evaluator == "threads" && names.is_empty() {
                break;
            }
            let streams: Vec<&String> = slices.iter().flat_map(|(batches, _)| batches.keys()).collect();
            let streams: std::collections::BTreeSet<&String> = streams.into_iter().filter(|s| engine.schema_of(s).is_some()).collect();
            let begin = cpu_seconds()?;
            let rows = run(&mut engine, slices, &streams)?;
            spent += cpu_seconds()? - begin;
            runs += 1.0;
            if rows != case.rows {
                return Err(format!("{}: {rows} rows, not {}", case.name, case.rows).into());
            }
        }
        if runs > 0.0 {
            let rate = *events as f64 / 1000.0 / (spent / runs);
            let ratio = rate / case.best_core_kev_per_cpu_s;
            ratios.push(ratio);
            println!("{:24} {:>10} {rate:>12.0} {:>12} {ratio:>7.1}  {evaluator}", case.name, case.rows, case.best_core_kev_per_cpu_s);
        }
    }
    let mean = (ratios.iter().map(|ratio| ratio.ln()).sum::<f64>() / ratios.len() as f64).exp();
    println!(
        "{} cases, geometric mean of the ratios {mean:.1}, least {:.1}",
        ratios.len(),
        ratios.iter().copied().fold(f64::INFINITY, f64::min)
    );
    Ok(())
}

fn evaluator_of(explained: &str) -> &'static str {
    let is_told = |name: &&'static str| explained.contains(*name);
    ["rank columns", "way columns", "step lists"].into_iter().find(is_told).unwrap_or("threads")
}

fn run(engine: &mut Engine, slices: &[Slice], streams: &std::collections::BTreeSet<&String>) -> Result<u64, Box<dyn Error>> {
    let mut rows = 0;
    let mut take = |engine: &mut Engine| rows += engine.take_batches().iter().map(|(_, batch)| batch.num_rows() as u64).sum::<u64>();
    for (batches, behind) in slices {
        for (stream, batch) in batches.iter().filter(|(stream, _)| streams.contains(stream)) {
            engine.push_batch(stream, batch)?;
        }
        engine.advance_watermark(*behind)?;
        take(engine);
    }
    engine.finish()?;
    take(engine);
    Ok(rows)
}

fn decode(path: &str) -> Result<(usize, Vec<Slice>), Box<dyn Error>> {
    let text = std::fs::read_to_string(path).map_err(|why| format!("{path}: {why}"))?;
    let events: Vec<Event> = text.lines().map(serde_json::from_str).collect::<Result<_, _>>()?;
    let slice = |events: &[Event]| -> Result<Slice, Box<dyn Error>> {
        let mut by_type: BTreeMap<String, Vec<&Event>> = BTreeMap::new();
        events.iter().for_each(|event| by_type.entry(event.r#type.clone()).or_default().push(event));
        let batches = by_type.into_iter().map(|(stream, events)| Ok((stream, batch(&events)?))).collect::<Result<_, Box<dyn Error>>>()?;
        let behind = events.last().map_or(0, |event| event.ts + 1);
        Ok((batches, Timestamp(behind * 1_000_000)))
    };
    Ok((events.len(), events.chunks(EVENTS_A_BATCH).map(slice).collect::<Result<_, _>>()?))
}

fn batch(events: &[&Event]) -> Result<RecordBatch, Box<dyn Error>> {
    let times = TimestampNanosecondArray::from_iter_values(events.iter().map(|event| event.ts * 1_000_000)).with_timezone("UTC");
    let keys = Int64Array::from_iter_values(events.iter().map(|event| event.key));
    let values = Float64Array::from_iter_values(events.iter().map(|event| event.val));
    Ok(RecordBatch::try_from_iter([("ts", Arc::new(times) as ArrayRef), ("key", Arc::new(keys)), ("val", Arc::new(values))])?)
}
