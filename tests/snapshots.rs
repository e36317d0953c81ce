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
use support::{cases, mixed, random};

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
    // Where something is under way is found out again.
    stats.shared = None;
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
        let Some(found) = agrees(&mixed::program(seed, 0x0051_4a9e), &options, &input, &all_cuts) else { continue };
        judged += 1;
        rows += found;
    }
    println!("{judged} programs, {rows} rows");
    assert!(judged > 60 && rows > 1000);
}

#[test]
fn an_unfinished_record_of_comma_separated_values_goes_on() {
    let program = "CREATE STREAM E (id STRING, n INT, at TIMESTAMP) TIMESTAMP BY at; SELECT id, n FROM E WHERE n > 1;";
    let input = b"type;id;n;at\nE;\"a \"\"quoted\"\"\nid\";2;1\n\nE;b;x;2\nE;\xc3\xa4;3;3\n\nE;c;4;4";
    let run = |cut: Option<usize>| {
        let mut engine = Engine::with_options(program, &options()).unwrap();
        if let Some(cut) = cut {
            engine.push_csv(&input[..cut]).unwrap();
            let snapshot = engine.snapshot().unwrap();
            engine = Engine::restore(program, &options(), &snapshot).unwrap().0;
            assert_eq!(engine.snapshot().unwrap(), snapshot);
        }
        engine.push_csv(&input[cut.unwrap_or(0)..]).unwrap();
        engine.finish().unwrap();
        let rows: Vec<String> = engine.take_rows().iter().map(betide::OutputRow::to_json).collect();
        (rows, engine.take_bad_events(), without_bytes(engine.stats()))
    };
    let whole = run(None);
    assert_eq!((whole.0.len(), whole.1.len()), (3, 1));
    (0..=input.len()).for_each(|cut| assert_eq!(run(Some(cut)), whole, "cut at {cut}"));
}

const SMALL: &str = "CREATE STREAM P (id STRING, n INT, at TIMESTAMP) TIMESTAMP BY at DELAY 2 seconds;
CREATE STREAM Pairs AS SELECT a.id AS a, b.n AS n FROM PATTERN (P a -> P b) PARTITION BY id WITHIN 1 minute;
CREATE STREAM Sums AS SELECT id, SUM(n) AS n FROM P WINDOW TUMBLING 10s GROUP BY id;";

/// A snapshot of the small program, with events that wait, runs, groups, a bad event and half a line.
fn small() -> Vec<u8> {
    let mut engine = Engine::with_options(SMALL, &options()).unwrap();
    for (n, id) in ["a", "b", "a", "c"].iter().enumerate() {
        engine.push_json(format!("{{\"type\":\"P\",\"id\":\"{id}\",\"n\":{n},\"at\":\"2026-03-01T10:00:0{n}Z\"}}\n").as_bytes()).unwrap();
    }
    engine.push_json(b"{\"type\":\"P\",\"n\":[]}\n{\"type\":\"P\",\"id\":\"d").unwrap();
    engine.snapshot().unwrap()
}

fn is_refused(bytes: &[u8]) -> bool {
    matches!(Engine::restore(SMALL, &options(), bytes), Err(Error::Snapshot(_)))
}

#[test]
fn every_flipped_byte_and_every_missing_end_is_found() {
    let snapshot = small();
    assert!(Engine::restore(SMALL, &options(), &snapshot).is_ok());
    let mut tried = 0;
    for at in 0..snapshot.len() {
        // Each bit of the head and of some bytes, one flip of all others.
        let masks: Vec<u8> = if at < 60 || at % 97 == 0 { (0..8).map(|bit| 1 << bit).chain([0xff]).collect() } else { vec![0x41] };
        for mask in masks {
            let mut damaged = snapshot.clone();
            damaged[at] ^= mask;
            assert!(is_refused(&damaged), "byte {at} with {mask:#x} flipped");
            tried += 1;
        }
        assert!(is_refused(&snapshot[..at]), "cut at {at}");
        tried += 1;
    }
    assert!(is_refused(&[snapshot.clone(), vec![0]].concat()), "one byte more");
    println!("{tried} damages of a snapshot of {} bytes, each found", snapshot.len());
}

#[test]
fn a_snapshot_of_another_version_says_so() {
    let mut snapshot = small();
    snapshot[8] = 99;
    let error = Engine::restore(SMALL, &options(), &snapshot).unwrap_err();
    assert!(error.to_string().contains("version 99"), "{error}");
}

/// What is said of a snapshot of the small program by another one.
fn told_by(program: &str) -> Result<betide::Restored, String> {
    Engine::restore(program, &options(), &small()).map(|(_, told)| told).map_err(|error| error.to_string())
}

#[test]
fn a_statement_that_does_something_else_is_named() {
    let error = told_by(&SMALL.replace("WITHIN 1 minute", "WITHIN 2 minutes")).unwrap_err();
    assert!(error.contains("`Pairs` does something else") && !error.contains("Sums"), "{error}");
    let error = told_by(&SMALL.replace("SUM(n)", "MAX(n)")).unwrap_err();
    assert!(error.contains("`Sums` does something else") && !error.contains("Pairs"), "{error}");
    let error = told_by(&SMALL.replace("DELAY 2 seconds", "DELAY 3 seconds")).unwrap_err();
    assert!(error.contains("`P` is defined otherwise"), "{error}");
    let error = told_by("CREATE STREAM Q (x INT, at TIMESTAMP) TIMESTAMP BY at; SELECT x FROM Q;").map(|told| told.removed);
    assert_eq!(error.unwrap(), ["`Pairs`", "`Sums`"], "nothing is left of it, and that is told");
}

#[test]
fn statements_may_come_and_go_beside_others() {
    let added = format!(
        "CREATE STREAM First AS SELECT n FROM P WHERE n > 2;\n{}\nCREATE STREAM Later AS SELECT COUNT(*) AS xs FROM P WINDOW ROWS 2;",
        SMALL.replace("SELECT a.id", "SELECT\n  a.id")
    );
    assert_eq!(told_by(&added).unwrap().added, ["`First`", "`Later`"]);
    let removed: String = SMALL.lines().take(2).collect::<Vec<_>>().join("\n");
    assert_eq!(told_by(&removed).unwrap().removed, ["`Sums`"]);
    // The old statements go on as if nothing had happened beside them.
    let rest = b"\",\"n\":9,\"at\":\"2026-03-01T10:00:05Z\"}\n{\"type\":\"P\",\"id\":\"b\",\"n\":5,\"at\":\"2026-03-01T10:00:07Z\"}\n";
    let rows = |program: &str| {
        let (mut engine, _) = Engine::restore(program, &options(), &small()).unwrap();
        engine.push_json(rest).unwrap();
        engine.finish().unwrap();
        let rows = engine.take_rows();
        rows.iter().filter(|row| ["Pairs", "Sums"].contains(&row.stream().unwrap())).map(betide::OutputRow::to_json).collect::<Vec<_>>()
    };
    let whole = rows(SMALL);
    assert!(whole.len() > 5, "{whole:?}");
    assert_eq!(rows(&added), whole);
    let pairs: Vec<String> = whole.into_iter().filter(|row| row.contains("\"Pairs\"")).collect();
    assert_eq!(rows(&removed), pairs);
}

#[test]
fn a_column_that_events_which_wait_have_come_without_is_named() {
    let program =
        "CREATE STREAM P (id STRING, n INT, m INT, at TIMESTAMP) TIMESTAMP BY at DELAY 2 seconds; CREATE STREAM A AS SELECT n FROM P;";
    let mut engine = Engine::with_options(program, &options()).unwrap();
    engine.push_json(b"{\"type\":\"P\",\"n\":1,\"m\":2,\"at\":5}\n").unwrap();
    let snapshot = engine.snapshot().unwrap();
    let reads_more = format!("{program} CREATE STREAM B AS SELECT m FROM P;");
    let error = Engine::restore(&reads_more, &options(), &snapshot).unwrap_err().to_string();
    assert!(error.contains("`m` of `P` is read now, and 1 events that wait have come without it"), "{error}");
}

#[test]
fn tables_with_other_rows_are_told() {
    let folder = std::env::temp_dir().join(format!("betide-snapshot-tables-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("names.csv"), "id,name\na,Ann\n").unwrap();
    let program = "CREATE TABLE Names (id STRING PRIMARY KEY, name STRING) WITH (path = 'names.csv');
        CREATE STREAM P (id STRING, at TIMESTAMP) TIMESTAMP BY at; SELECT p.id, n.name FROM P AS p JOIN Names AS n ON p.id = n.id;";
    let options = Options { folder: Some(folder.clone()), ..options() };
    let mut engine = Engine::with_options(program, &options).unwrap();
    engine.push_json(b"{\"type\":\"P\",\"id\":\"a\",\"at\":1}\n").unwrap();
    let snapshot = engine.snapshot().unwrap();
    assert_eq!(Engine::restore(program, &options, &snapshot).unwrap().1, betide::Restored::default());
    fs::write(folder.join("names.csv"), "id,name\na,Anne\n").unwrap();
    assert_eq!(Engine::restore(program, &options, &snapshot).unwrap().1.tables_changed, ["Names"]);
    fs::remove_dir_all(folder).unwrap();
}

/// All statements have the key `k`: patterns with and without SKIP, windows, a join, SUPPRESS, a view.
const KEYED: &str = "CREATE STREAM A (k STRING, n INT, at TIMESTAMP) TIMESTAMP BY at;
CREATE STREAM B (k STRING, n INT, at TIMESTAMP) TIMESTAMP BY at;
CREATE STREAM Steps AS SELECT x.n AS x, y.n AS y FROM PATTERN (A x -> B y) WHERE y.n > x.n PARTITION BY k WITHIN 30 seconds;
CREATE STREAM Ranks AS SELECT x.n AS x, y.n AS y, z.n AS z FROM PATTERN (A x ->> B y ->> A z) WHERE y.n > 3 PARTITION BY k WITHIN 20 seconds;
CREATE STREAM Loops AS SELECT COUNT(x.n) AS xs, y.n AS y FROM PATTERN (A x+ -> B y) PARTITION BY k WITHIN 20 seconds AFTER MATCH SKIP PAST LAST EVENT;
CREATE STREAM Absent AS SELECT x.n AS x FROM PATTERN (A x -> !B y) PARTITION BY k WITHIN 10 seconds;
CREATE STREAM Sums AS SELECT k, SUM(n) AS n, COUNT(*) AS c FROM A WINDOW HOPPING 20s EVERY 10s GROUP BY k;
CREATE STREAM Sessions AS SELECT k, COUNT(*) AS c FROM B WINDOW SESSION 5s GROUP BY k;
CREATE STREAM Slides AS SELECT k, COUNT(DISTINCT n) AS d, MEDIAN(n) AS m FROM A WINDOW SLIDING 15s GROUP BY k;
CREATE STREAM Joined AS SELECT a.k, a.n AS a, b.n AS b FROM A AS a LEFT JOIN B AS b ON a.k = b.k WITHIN 10 seconds;
CREATE STREAM Quiet AS SELECT k, n FROM A SUPPRESS BY k FOR 5 seconds;
CREATE TABLE Newest AS SELECT k, LAST(n) AS n FROM B GROUP BY k;";

#[test]
fn state_is_cut_by_keys_and_put_together_again() {
    use betide::data::{Key, KeyRange};
    let random = &mut Random::new(11);
    let begin = 1_772_366_400_000_i64;
    let events: Vec<(String, i64, String)> = (0..900)
        .map(|n| {
            let (stream, key, at) = (["A", "B"][random.below(2)], format!("k{}", random.below(30)), begin + n * 300);
            let line = format!("{{\"type\":\"{stream}\",\"k\":\"{key}\",\"n\":{},\"at\":{at}}}\n", random.below(9));
            (key, at, line)
        })
        .collect();
    let in_range = |range: KeyRange, key: &str| range.contains(Key::encode([betide::Value::string(key)].into_iter()).as_ref());
    let push = |engine: &mut Engine, events: &[(String, i64, String)], range: KeyRange, rows: &mut Vec<String>| {
        for (key, at, line) in events {
            if in_range(range, key) {
                engine.push_json(line.as_bytes()).unwrap();
            }
            engine.advance_watermark(Timestamp(at * 1_000_000)).unwrap();
        }
        rows.extend(engine.take_rows().iter().map(betide::OutputRow::to_json));
    };
    let finish = |mut engine: Engine, mut rows: Vec<String>| {
        engine.finish().unwrap();
        rows.extend(engine.take_rows().iter().map(betide::OutputRow::to_json));
        rows.sort();
        (rows, engine.stats())
    };
    let mut alone = Engine::with_options(KEYED, &options()).unwrap();
    let mut expected = Vec::new();
    push(&mut alone, &events, KeyRange::ALL, &mut expected);
    let view = |engine: &Engine| engine.table("Newest").unwrap().rows().iter().map(betide::TableRow::to_json).collect::<Vec<_>>();
    let newest = view(&alone);
    let (expected, expected_stats) = finish(alone, expected);
    assert!(expected.len() > 1500 && newest.len() == 30, "{} rows", expected.len());
    for parts in [1, 2, 3, 5] {
        let mut rows = Vec::new();
        let mut engine = Engine::with_options(KEYED, &options()).unwrap();
        push(&mut engine, &events[..300], KeyRange::ALL, &mut rows);
        let ranges: Vec<KeyRange> = (0..parts).map(|part| KeyRange::part(part, parts)).collect();
        let cut: Vec<Vec<u8>> = ranges.iter().map(|&range| engine.snapshot_range(range).unwrap()).collect();
        let saved: Vec<Vec<u8>> = ranges
            .iter()
            .zip(&cut)
            .map(|(&range, part)| {
                let (mut engine, _) = Engine::restore(KEYED, &options(), part).unwrap();
                push(&mut engine, &events[300..600], range, &mut rows);
                engine.snapshot_range(KeyRange::ALL).unwrap()
            })
            .collect();
        let saved: Vec<&[u8]> = saved.iter().map(Vec::as_slice).collect();
        let (mut engine, _) = Engine::restore_parts(KEYED, &options(), &saved).unwrap();
        push(&mut engine, &events[600..], KeyRange::ALL, &mut rows);
        assert_eq!(view(&engine), newest, "{parts} parts");
        let (rows, stats) = finish(engine, rows);
        let only = |of: &[String], other: &[String]| of.iter().filter(|row| !other.contains(row)).cloned().collect::<Vec<_>>();
        let (more, less) = (only(&rows, &expected), only(&expected, &rows));
        assert!(rows == expected, "{parts} parts: {} rows of {}; more {more:?}, less {less:?}", rows.len(), expected.len());
        let counts =
            |stats: &Stats| (stats.events, stats.rows, stats.operators.iter().map(|o| (o.rows_in, o.rows_out)).collect::<Vec<_>>());
        assert_eq!(counts(&stats), counts(&expected_stats), "{parts} parts");
    }
}

#[test]
fn what_cannot_be_cut_says_why() {
    use betide::data::KeyRange;
    let cut = |program: &str, waits: bool| {
        let mut engine = Engine::with_options(program, &options()).unwrap();
        if waits {
            engine.push_json(b"{\"type\":\"P\",\"id\":\"a\",\"n\":1,\"at\":5000}\n").unwrap();
        }
        engine.snapshot_range(KeyRange::part(0, 2)).map(drop).map_err(|error| error.to_string())
    };
    assert!(cut(SMALL, true).unwrap_err().contains("1 events wait for the watermark"));
    assert!(cut(SMALL, false).is_ok());
    let error = cut(&format!("{SMALL} CREATE STREAM All AS SELECT COUNT(*) AS c FROM P WINDOW TUMBLING 5s;"), false).unwrap_err();
    assert!(error.contains("`All` keeps state that cannot be cut by keys"), "{error}");
}
