//! An engine that is saved and restored, once or often, at any byte of its input, gives what one gives that was left alone: the same rows,
//! the same bad events, the same counters. In: the conformance cases, the queries, random programs and streams. Out: every difference.
#![allow(clippy::print_stdout, reason = "what is skipped or judged is told")]
#![allow(clippy::unwrap_used, reason = "a broken test should stop")]

mod support;

use std::fs;
use std::path::Path;
use std::sync::Arc;

use betide::{Engine, Error, ManualClock, Options, Stats, Timestamp};
use serde_json::Value as Json;
use support::random::Random;
use support::{cases, joins, random, windows};

/// What a run gives.
#[derive(Debug, PartialEq)]
struct Given {
    rows: Vec<String>,
    bad: Vec<betide::BadEvent>,
    stats: Stats,
}

fn options() -> Options {
    Options { clock: Arc::new(ManualClock::new(Timestamp(1_772_366_400_000_000_000))), ..Options::default() }
}

/// A run over bytes, saved and restored at each of these offsets, which rise. At every second of them rows and bad events are taken.
fn run(program: &str, options: &Options, input: &[u8], cuts: &[usize]) -> Result<Given, Error> {
    let mut engine = Engine::with_options(program, options)?;
    engine.reload_tables()?;
    let (mut rows, mut bad) = (Vec::new(), Vec::new());
    let mut at = 0;
    for (number, &cut) in cuts.iter().enumerate() {
        engine.push_json(&input[at..cut])?;
        at = cut;
        if number.is_multiple_of(2) {
            rows.extend(engine.take_rows().iter().map(betide::OutputRow::to_json));
            bad.extend(engine.take_bad_events());
        }
        let snapshot = engine.snapshot()?;
        let (mut restored, told) = Engine::restore(program, options, &snapshot)?;
        assert_eq!(told, betide::Restored::default(), "it is the same program");
        assert_eq!(without_bytes(restored.stats()), without_bytes(engine.stats()), "counters, restored at {cut}\n{program}");
        let again = restored.snapshot()?;
        let differs = again.iter().zip(&snapshot).skip(52).position(|(a, b)| a != b);
        assert!(again == snapshot, "what was restored is what was saved, at {cut}; byte {differs:?}\n{program}");
        engine = restored;
    }
    engine.push_json(&input[at..])?;
    engine.finish()?;
    rows.extend(engine.take_rows().iter().map(betide::OutputRow::to_json));
    bad.extend(engine.take_bad_events());
    Ok(Given { rows, bad, stats: without_bytes(engine.stats()) })
}

/// How much memory is held depends on how it was come by.
fn without_bytes(mut stats: Stats) -> Stats {
    stats.operators.iter_mut().for_each(|operator| operator.bytes = 0);
    stats
}

/// Some offsets, in order.
fn cuts(random: &mut Random, length: usize, most: usize) -> Vec<usize> {
    let mut cuts: Vec<usize> = (0..1 + random.below(most)).map(|_| random.below(length + 1)).collect();
    cuts.sort_unstable();
    cuts
}

fn bytes_of(events: &[Json]) -> Vec<u8> {
    events.iter().map(|event| format!("{event}\n")).collect::<String>().into_bytes()
}

/// Compares a run that is left alone with runs that are not; nothing where the program is refused.
fn agrees(program: &str, options: &Options, input: &[u8], all_cuts: &[Vec<usize>]) -> Option<usize> {
    let alone = match run(program, options, input, &[]) {
        Ok(alone) => alone,
        Err(Error::Query { .. }) => return None,
        Err(error) => panic!("{error}\n{program}"),
    };
    for cuts in all_cuts {
        let other = run(program, options, input, cuts).unwrap_or_else(|error| panic!("{error}\n{program}"));
        assert_eq!(other, alone, "cut at {cuts:?}\n{program}");
    }
    Some(alone.rows.len())
}

fn conformance(file: &str) {
    let cases = cases::read(file);
    let (mut judged, mut rows) = (0, 0);
    for (number, case) in cases.iter().enumerate() {
        let input = bytes_of(&case.input);
        let random = &mut Random::new(number as u64);
        let Some(found) = agrees(&case.program, &options(), &input, &[cuts(random, input.len(), 3)]) else { continue };
        judged += 1;
        rows += found;
    }
    println!("{file:32} {judged:4} cases of {}, {rows} rows", cases.len());
}

#[test]
fn every_conformance_case_may_be_interrupted() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/conformance");
    let Ok(entries) = fs::read_dir(folder) else {
        println!("the conformance cases are not there, skipped");
        return;
    };
    let mut files: Vec<String> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    files.retain(|name| name.ends_with(".jsonl"));
    files.sort();
    files.iter().for_each(|file| conformance(file));
}

#[test]
fn every_query_may_be_interrupted() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("queries");
    let mut programs = 0;
    for entry in fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|e| e != "tide") {
            continue;
        }
        let program = fs::read_to_string(&path).unwrap();
        let input = fs::read(path.with_extension("events.jsonl")).unwrap();
        let lines: Vec<usize> = memchr::memchr_iter(b'\n', &input).map(|at| at + 1).step_by(5).collect();
        let options = Options { folder: Some(folder.clone()), ..options() };
        let within: Vec<usize> = lines.iter().map(|at| at.saturating_sub(7)).collect();
        assert!(agrees(&program, &options, &input, &[lines, within]).is_some(), "{}", path.display());
        programs += 1;
    }
    assert!(programs >= 20);
}

/// A pattern in every second program, and windows and joins of every kind.
fn program(seed: u64) -> String {
    let pattern = if seed.is_multiple_of(2) { random::pair(seed).program } else { random::sources("") };
    let random = &mut Random::new(seed ^ 0x0051_4a9e);
    let of_window = match seed % 5 {
        0 => windows::rows_pair(random, &[]),
        1 => windows::top_pair(random, &[]),
        _ => windows::window_pair(random, &[]),
    };
    let of_join = match seed % 4 {
        0 => joins::as_of_pair(random, &[]),
        1 => joins::chain_pair(random, &[]),
        _ => joins::join_pair(random, &[]),
    };
    let body = &pattern[random::sources("").len()..];
    format!("{}{body}{}\n{}\n", random::sources(" DELAY 4 seconds"), of_window.0, of_join.0)
}

#[test]
fn random_programs_may_be_interrupted_anywhere() {
    let (mut judged, mut rows) = (0, 0);
    for seed in 0..random::pairs(120) {
        let random = &mut Random::new(seed);
        let mut input = bytes_of(&random::stream(random, 40, &["A", "A", "B", "B", "C", "D"]));
        if seed.is_multiple_of(3) {
            // A line that is no good, and a last one without an end.
            let at = input.len() / 3;
            input.splice(at..at, *b"\n{\"x\":\n");
            input.pop();
        }
        let all_cuts = [cuts(random, input.len(), 2), cuts(random, input.len(), 6)];
        let options = Options { general_evaluators: seed.is_multiple_of(7), batch_size: 1 + random.below(50), ..options() };
        let Some(found) = agrees(&program(seed), &options, &input, &all_cuts) else { continue };
        judged += 1;
        rows += found;
    }
    println!("{judged} programs, {rows} rows");
    assert!(judged > 60 && rows > 1000);
}
