//! Same events, same bytes, on however many threads lines are decoded: rows, bad events and counters.
//! In: the queries, random programs, hostile lines, cut anywhere. Out: what one thread gives.

#![allow(clippy::print_stdout, reason = "what is compared is told")]
#![allow(clippy::unwrap_used, reason = "a broken case should stop the test")]

mod support;

use std::sync::Arc;

use betide::codec::BadEvent;
use betide::data::Timestamp;
use betide::{DataType, Engine, Error, ManualClock, Options, Value};
use support::mixed;
use support::random::{self, Random};

const THREADS: [usize; 4] = [1, 2, 3, 8];

/// All that comes of a run.
#[derive(Debug, PartialEq)]
struct Came {
    rows: String,
    bad: Vec<BadEvent>,
    stats: String,
    error: Option<String>,
}

fn options(threads: usize, batch_size: usize) -> Options {
    Options { threads, batch_size, clock: Arc::new(ManualClock::new(Timestamp(0))), ..Options::default() }
}

/// Runs a program over chunks of one or several inputs; after each chunk rows are taken, now and then a snapshot is gone on from.
fn run(program: &str, inputs: &[Vec<&[u8]>], options: &Options, others: Option<&Options>) -> Came {
    let mut engine = Engine::with_options(program, options).unwrap();
    let (mut rows, mut bad, mut error) = (Vec::new(), Vec::new(), None);
    let mut count = 0;
    'all: for input in inputs {
        for chunk in input {
            if let Err(why) = engine.push_json(chunk) {
                error = Some(why.to_string());
                break 'all;
            }
            bad.extend(engine.take_bad_events());
            engine.write_rows(&mut rows).unwrap();
            count += 1;
            if let Some(others) = others.filter(|_| count % 3 == 0) {
                let state = engine.snapshot().unwrap();
                engine = Engine::restore(program, if count % 2 == 0 { options } else { others }, &state).unwrap().0;
            }
        }
        if let Err(why) = engine.end_input() {
            error = Some(why.to_string());
            break 'all;
        }
    }
    if error.is_none() {
        error = engine.finish().err().map(|error| error.to_string());
    }
    bad.extend(engine.take_bad_events());
    engine.write_rows(&mut rows).unwrap();
    let mut stats = engine.stats();
    assert_eq!(stats.events, stats.processed + stats.late + stats.unrouted + stats.bad, "every event is accounted for");
    // Of a line that is too long more is kept where it came in one piece.
    bad.iter_mut().for_each(|bad: &mut BadEvent| bad.bytes.truncate(options.max_line));
    // How many bytes state takes depends on how much came at a time.
    stats.operators.iter_mut().for_each(|operator| (operator.bytes, operator.shards) = (0, 1));
    stats.threads = 1;
    Came { rows: String::from_utf8(rows).unwrap(), bad, stats: format!("{stats:?}"), error }
}

/// The bytes in random pieces, of up to so many.
fn cut<'b>(mut bytes: &'b [u8], most: usize, random: &mut Random) -> Vec<&'b [u8]> {
    let mut pieces = Vec::new();
    while !bytes.is_empty() {
        let (piece, rest) = bytes.split_at((1 + random.below(most)).min(bytes.len()));
        pieces.push(piece);
        bytes = rest;
    }
    pieces
}

/// Compares all numbers of threads; gives what one gave.
fn agree(program: &str, texts: &[&[u8]], random: &mut Random, change: impl Fn(&mut Options)) -> Came {
    let options = |threads, batch_size| {
        let mut options = options(threads, batch_size);
        change(&mut options);
        options
    };
    let expected = run(program, &texts.iter().map(|text| vec![*text]).collect::<Vec<_>>(), &options(1, 4096), None);
    for threads in THREADS {
        let batch_size = [1, 3, 70, 4096][random.below(4)];
        let most = [40, 700, 9_000, 1 << 20][random.below(4)];
        let inputs: Vec<Vec<&[u8]>> = texts.iter().map(|text| cut(text, most, random)).collect();
        let found = run(program, &inputs, &options(threads, batch_size), None);
        found.bad.iter().zip(&expected.bad).for_each(|(found, expected)| assert_eq!(found, expected));
        assert_eq!(found.stats, expected.stats, "{threads} threads, batches of {batch_size}, pieces of up to {most} bytes");
        assert_eq!(found, expected, "{threads} threads, batches of {batch_size}, pieces of up to {most} bytes\n{program}");
        let others = options(THREADS[random.below(4)], 5);
        let resumed = run(program, &inputs, &options(threads, batch_size), Some(&others).filter(|_| expected.error.is_none()));
        assert_eq!(resumed.rows, expected.rows, "{threads} threads, with snapshots between\n{program}");
        assert_eq!(resumed.bad, expected.bad);
    }
    expected
}

#[test]
fn the_queries_give_the_same_on_any_number_of_threads() {
    let random = &mut Random::new(1);
    let mut compared = 0;
    for entry in std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/queries")).unwrap() {
        let path = entry.unwrap().path();
        let events = path.with_extension("events.jsonl");
        if path.extension().is_none_or(|ending| ending != "tide") || !events.exists() {
            continue;
        }
        let program = std::fs::read_to_string(&path).unwrap();
        let text = std::fs::read(&events).unwrap();
        if Engine::with_options(&program, &options(1, 1)).is_err() || text.len() > 200_000 {
            continue;
        }
        agree(&program, &[&text], random, |_| {});
        compared += 1;
    }
    println!("{compared} queries");
    assert!(compared >= 10, "{compared} queries are compared");
}

#[test]
fn random_programs_give_the_same_on_any_number_of_threads() {
    let mut rows = 0;
    for seed in 0..12 {
        let random = &mut Random::new(seed);
        let program = mixed::program(seed, 0x0c0_4e5);
        if Engine::with_options(&program, &options(1, 1)).is_err() {
            continue;
        }
        let events = random::stream(random, 60, &["A", "A", "B", "B", "C", "D"]);
        let text: String = events.iter().map(|event| format!("{event}\n")).collect();
        rows += agree(&program, &[text.as_bytes()], random, |_| {}).rows.lines().count();
    }
    assert!(rows > 50, "{rows} rows");
}

const HOSTILE: &str = "CREATE STREAM A (id STRING NOT NULL, n INT, at TIMESTAMP) TIMESTAMP BY at DELAY 2s WHEN n IS NULL OR 1000 / n > 3;
    CREATE STREAM B (id STRING, at TIMESTAMP) TIMESTAMP BY at DELAY 2s WITH (type = 'B');
    SELECT id, n FROM A;
    SELECT id, COUNT(*) AS many FROM B WINDOW TUMBLING 10s GROUP BY id;
    SELECT a.id, b.id AS other FROM PATTERN (A a -> B b) WHERE b.id = a.id WITHIN 1m;";

fn hostile(lines: usize, random: &mut Random) -> Vec<u8> {
    let mut text = b"\xef\xbb\xbf{\"type\":\"B\",\"id\":\"behind a mark\",\"at\":0}\n".to_vec();
    for n in 0..lines {
        let at = n as i64 * 100 - random.below(4000) as i64;
        let (kind, id) = (["A", "B", "C"][random.below(3)], ["x", "y", "ä long text that is not short", "z"][random.below(4)]);
        let line: Vec<u8> = match random.below(14) {
            0 => b"{\"type\":\"A\",".to_vec(),
            1 => b"\xff\xfe not text".to_vec(),
            2 => Vec::new(),
            3 => format!("{{\"type\":\"A\",\"n\":\"no\",\"id\":\"{id}\",\"at\":{at}}}").into_bytes(),
            4 => format!("{{\"type\":\"A\",\"at\":{at}}}").into_bytes(),
            5 => vec![b'x'; 100 + random.below(900)],
            6 => format!("{{\"type\":\"{kind}\",\"id\":\"{n}\",\"at\":{at}}}\r").into_bytes(),
            _ => format!("{{\"type\":\"{kind}\",\"n\":{n},\"id\":\"{id}\",\"at\":{at}}}").into_bytes(),
        };
        text.extend(line);
        text.push(b'\n');
    }
    text.extend(b"{\"type\":\"A\",\"id\":\"the last has no end\",\"at\":99999999}");
    text
}

#[test]
fn bad_and_late_events_are_told_in_the_order_of_their_lines() {
    for seed in 0..2 {
        let random = &mut Random::new(seed);
        let texts = [hostile(250, random), hostile(50, random), Vec::new(), hostile(10, random)];
        let texts: Vec<&[u8]> = texts.iter().map(Vec::as_slice).collect();
        let came = agree(HOSTILE, &texts, random, |options| options.max_line = 600);
        assert!(came.bad.len() > 30 && came.rows.lines().count() > 30, "{} bad, {} rows", came.bad.len(), came.rows.lines().count());
        let few = agree(HOSTILE, &texts, random, |options| {
            options.max_line = 600;
            options.strict = true;
        });
        assert!(few.error.is_some(), "a strict run ends");
    }
}

#[test]
fn several_types_are_the_first_two_in_order() {
    let program = "CREATE STREAM Any (n INT); SELECT n FROM Any;";
    let random = &mut Random::new(7);
    let text: String = (0..3000).map(|n| format!("{{\"type\":\"t{}\",\"n\":{n}}}\n", if n < 2000 { 0 } else { n })).collect();
    let came = agree(program, &[text.as_bytes()], random, |_| {});
    assert!(came.stats.contains(r#"several_types: Some(("t0", "t2000"))"#), "{}", came.stats);
}

#[test]
fn texts_beyond_the_dictionaries_are_the_same() {
    let program = "CREATE STREAM S (key STRING, n INT, at TIMESTAMP) TIMESTAMP BY at;
        SELECT key, COUNT(*) AS many FROM S WINDOW TUMBLING 1s GROUP BY key; SELECT key, n FROM S WHERE key LIKE '%77';";
    let mut text = String::new();
    for n in 0..150_000 {
        let key = if n % 3 == 2 { n - 1 } else { n };
        text += &format!("{{\"key\":\"k{}\",\"n\":{n},\"at\":{n}}}\n", key % 90_000);
    }
    let whole = |threads| run(program, &[text.as_bytes().chunks(256 << 10).collect()], &options(threads, 4096), None);
    let expected = whole(1);
    assert!(expected.rows.lines().count() > 500);
    for threads in [2, 3] {
        assert_eq!(whole(threads), expected, "{threads} threads");
    }
}

#[test]
fn a_panic_of_a_decoding_thread_is_an_error() {
    for threads in [2, 8] {
        let mut options = options(threads, 4);
        let call = |args: &[Value<'_>]| match args[0] {
            Value::Int(13) => panic!("unlucky"),
            ref value => value.borrowed().into_owned(),
        };
        options.register_fn("LUCKY", &[DataType::Int], DataType::Int, call).unwrap();
        let program = "CREATE STREAM S (n INT) WHEN LUCKY(n) >= 0; SELECT n FROM S;";
        let mut engine = Engine::with_options(program, &options).unwrap();
        let text: String = (0..60).map(|n| format!("{{\"n\":{n}}}\n")).collect();
        let pushed = engine.push_json(text.as_bytes()).and_then(|()| engine.catch_up());
        assert!(matches!(&pushed, Err(Error::Bug(what)) if what.contains("unlucky")), "{pushed:?}");
        assert!(matches!(engine.push_json(b"{\"n\":1}\n"), Err(Error::Bug(_))), "and stays one");
        assert!(engine.take_rows().len() <= 13, "nothing behind it came out");
    }
}
