//! The fast path against the strict one: on random objects, whole and mangled, both give the same rows, the same bad events, the same counts.
//!
//! `BETIDE_DIFFERENTIAL_LINES` says how many lines; a release build does a million in seconds.

use std::fmt::Write;
use std::sync::Arc;

use super::JsonDecoder;
use super::projection::Projection;
use super::scan::{Cell, Reading, Scanner};
use crate::codec::{ChunkStart, ColumnSpec, Condition, Decoded, Limits, Route, SourceSpec, TimeFormat};
use crate::data::{DataType, Duration, Field, Schema, TimeUnit, Timestamp, Value};

/// Numbers that are random enough and always the same.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 11).expect("64 bits") % bound
    }

    fn one_of<'a>(&mut self, texts: &[&'a str]) -> &'a str {
        texts[self.below(texts.len())]
    }
}

const KEYS: [&str; 14] =
    ["type", "n", "f", "s", "at", "day", "d", "x", "other", "a longer key than sixteen bytes", "gr\u{fc}n", "", "b", "span"];
const SCALARS: [&str; 44] = [
    "null",
    "true",
    "false",
    "0",
    "-0",
    "-0.0",
    "1",
    "12345678",
    "123456789",
    "1700000000123",
    "-5",
    "01",
    "1.",
    "1.5",
    "0.1",
    "123.25",
    "1e3",
    "1E-2",
    "1e999",
    "9007199254740993",
    "9223372036854775807",
    "9223372036854775808",
    "-9223372036854775808",
    "99999999999999999999",
    "0.30000000000000004",
    "3.14159265358979323846",
    "19.99",
    "\"\"",
    "\"a\"",
    "\"b\"",
    "\"sixteen bytes!!!\"",
    "\"seventeen bytes!!\"",
    "\"2026-03-01T10:04:11.25Z\"",
    "\"2026-03-01\"",
    "\"01/02/2026\"",
    "\"tab\\tquote\\\"\"",
    "\"\\u00e9\\ud83d\\ude00\"",
    "\"\\ud800\"",
    "\"gr\u{fc}\u{df}e\"",
    "\"\\x\"",
    "\"tab\there\"",
    "\"5m\"",
    "NaN",
    "nul",
];

fn value(dice: &mut Dice, depth: usize, out: &mut String) {
    match dice.below(if depth > 3 { 8 } else { 10 }) {
        8 => object(dice, depth + 1, out),
        9 => {
            out.push('[');
            for index in 0..dice.below(4) {
                out.push_str(if index > 0 { dice.one_of(&[",", ", "]) } else { "" });
                value(dice, depth + 1, out);
            }
            out.push(']');
        }
        // Most numbers and words of the list are good; the bad ones are to be rare.
        _ => {
            let mut scalar = dice.one_of(&SCALARS);
            if dice.below(4) > 0 && serde_json::from_str::<serde_json::Value>(scalar).is_err() {
                scalar = "7";
            }
            out.push_str(scalar);
        }
    }
}

fn object(dice: &mut Dice, depth: usize, out: &mut String) {
    let (comma, colon) = [(",", ":"), (", ", ": "), (" ,", " : ")][[0, 0, 0, 1, 2][dice.below(5)]];
    // Keys in a fixed order mostly, as real events have them.
    let first = dice.below(KEYS.len());
    out.push('{');
    let count = dice.below(8);
    for index in 0..count {
        let at = if dice.below(8) == 0 { dice.below(KEYS.len()) } else { (first + index) % KEYS.len() };
        write!(out, "{}\"{}\"{colon}", if index > 0 { comma } else { "" }, KEYS[at]).expect("memory");
        if KEYS[at] == "at" && dice.below(8) > 0 {
            write!(out, "{}", 1_700_000_000_000u64 + dice.below(1_000_000) as u64).expect("memory");
        } else {
            value(dice, depth, out);
        }
    }
    out.push('}');
}

fn mangle(dice: &mut Dice, line: &mut Vec<u8>) {
    for _ in 0..=dice.below(2) {
        if line.is_empty() {
            return;
        }
        let at = dice.below(line.len());
        match dice.below(5) {
            0 => line[at] = b"{}[]\",:\\0e-u nt\xff"[dice.below(16)],
            1 => line[at] ^= 1 << dice.below(8),
            2 => drop(line.remove(at)),
            3 => line.insert(at, b" \t\r0\"}\xc3"[dice.below(7)]),
            _ => line.truncate(at),
        }
    }
    line.retain(|byte| *byte != b'\n');
}

/// Streams that differ in routes, types, time columns and what is needed.
fn streams() -> Vec<SourceSpec> {
    let stream = |name: &str, columns: &[(&str, DataType)]| {
        let fields = columns.iter().map(|(name, data_type)| Field::new(*name, data_type.clone())).collect();
        SourceSpec::new(name, Arc::new(Schema::new(fields)))
    };
    let of_type = |value: &str| Route::Type { field: vec!["type".to_owned()], value: value.to_owned() };
    let cents = DataType::Decimal { precision: 8, scale: 2 };
    let mut all = stream("All", &[("n", DataType::Int), ("f", DataType::Float), ("s", DataType::String), ("x", DataType::Json)]);
    all.columns[0].default = Some(Value::Int(-1));
    let mut a = stream("A", &[("at", DataType::Timestamp), ("s", DataType::String), ("d", cents), ("n", DataType::Float)]);
    a.time = Some(0);
    a.needed[0] = false;
    a.columns[3].not_null = true;
    a.route = of_type("a");
    a.ahead = Some(Duration(0));
    let mut b =
        stream("B", &[("at", DataType::Timestamp), ("deep", DataType::Int), ("day", DataType::Timestamp), ("unread", DataType::Int)]);
    b.columns[0].time_format = TimeFormat::Epoch(TimeUnit::Second);
    b.columns[1].path = vec!["x".to_owned(), "b".to_owned()];
    b.columns[2].time_format = TimeFormat::Custom("%d/%m/%Y".to_owned());
    b.columns[3] = ColumnSpec { path: vec!["other".to_owned()], not_null: true, default: Some(Value::Int(1)), ..b.columns[3].clone() };
    b.needed[3] = false;
    b.route = of_type("b");
    let mut spans = stream("Spans", &[("span", DataType::Duration), ("flag", DataType::Bool), ("gr\u{fc}n", DataType::String)]);
    spans.columns[1].path = vec!["x".to_owned(), "x".to_owned(), "n".to_owned()];
    spans.route = of_type("7");
    let mut chosen =
        stream("Chosen", &[("s", DataType::String), ("n", DataType::Int), ("f", DataType::Float), ("at", DataType::Timestamp)]);
    chosen.columns[3].not_null = true;
    chosen.route = Route::When(Condition {
        reads: vec![0, 1],
        holds: Box::new(|row| (matches!(row[1], Value::Int(n) if n > 0) || row[0] == Value::string("a"), u64::from(row[1].is_null()))),
    });
    vec![all, a, b, spans, chosen]
}

/// Both decode a chunk: the numbers of good events and of bad ones.
fn compare(fast: &mut JsonDecoder, strict: &mut JsonDecoder, chunk: &[u8], start: ChunkStart) -> (usize, usize) {
    let (mut got, mut wanted) = (fast.decoded(), strict.decoded());
    fast.decode(chunk, start, &mut got);
    strict.decode(chunk, start, &mut wanted);
    let shown = String::from_utf8_lossy(chunk);
    assert_eq!(got.bad, wanted.bad, "{shown}");
    let counts = |out: &Decoded| (out.events, out.unrouted, out.next_number, out.eval_nulls);
    assert_eq!(counts(&got), counts(&wanted), "{shown}");
    assert_eq!(fast.several_types(), strict.several_types(), "{shown}");
    assert_eq!(fast.types_seen(), strict.types_seen(), "{shown}");
    let numbers = (usize::try_from(got.next_number).expect("small"), got.bad.len());
    for (got, wanted) in got.take_rows().iter().zip(wanted.take_rows()) {
        assert_eq!((&got.times, &got.numbers), (&wanted.times, &wanted.numbers), "{shown}");
        for (got, wanted) in got.columns.iter().zip(&wanted.columns) {
            for row in 0..wanted.len() {
                let same = match (got.value(row), wanted.value(row)) {
                    (Value::Float(got), Value::Float(wanted)) => got.to_bits() == wanted.to_bits(),
                    (got, wanted) => got == wanted,
                };
                assert!(same, "{:?} for {:?} in row {row} of {shown}", got.value(row), wanted.value(row));
            }
            assert_eq!(got.len(), wanted.len());
        }
    }
    numbers
}

fn how_many_lines() -> usize {
    std::env::var("BETIDE_DIFFERENTIAL_LINES").ok().and_then(|n| n.parse().ok()).unwrap_or(20_000)
}

/// A fast decoder and a strict one of each set of streams.
fn pairs_of<const N: usize>(sets: [fn() -> Vec<SourceSpec>; N]) -> [(JsonDecoder, JsonDecoder); N] {
    let limits = Limits { max_line: 400, ..Limits::default() };
    let watched = ["type".to_owned()];
    sets.map(|set| {
        let decoder = || JsonDecoder::new(set(), limits).watching(&watched);
        (decoder(), decoder().strict())
    })
}

const CLOCK: Timestamp = Timestamp(1_700_000_500_000_000_000);

#[test]
fn fast_and_strict_agree() {
    let lines = how_many_lines();
    let mut pairs =
        pairs_of([|| streams(), || streams().drain(..1).collect(), || streams().drain(1..3).collect(), || streams().drain(4..).collect()]);
    let mut dice = Dice(0x5eed_cafe);
    let (mut good, mut bad) = (0, 0);
    let mut done = 0;
    while done < lines {
        let mut chunk = Vec::new();
        for _ in 0..=dice.below(30) {
            let mut text = String::new();
            object(&mut dice, 0, &mut text);
            let mut line = text.into_bytes();
            if dice.below(3) == 0 {
                mangle(&mut dice, &mut line);
            }
            chunk.extend_from_slice(&line);
            chunk.extend_from_slice([b"\n".as_slice(), b"\r\n", b" \n", b"\n"][dice.below(4)]);
            done += 1;
        }
        if dice.below(4) == 0 {
            chunk.truncate(dice.below(chunk.len() + 1));
        }
        let start = ChunkStart { line: 1 + dice.below(2) as u64, offset: 7, clock: CLOCK };
        for (fast, strict) in &mut pairs {
            let (some_good, some_bad) = compare(fast, strict, &chunk, start);
            good += some_good;
            bad += some_bad;
        }
    }
    assert!(good > lines / 10 && bad > lines / 10, "{good} good events and {bad} bad ones of {lines} lines");
}

/// Streams whose events are plain as a rule.
fn plain_streams() -> Vec<SourceSpec> {
    let stream = |name: &str, columns: &[(&str, DataType)]| {
        let fields = columns.iter().map(|(name, data_type)| Field::new(*name, data_type.clone())).collect();
        SourceSpec::new(name, Arc::new(Schema::new(fields)))
    };
    let (text, float, integer, time) = (DataType::String, DataType::Float, DataType::Int, DataType::Timestamp);
    let mut all = stream("All", &[("type", text.clone()), ("s", text.clone()), ("f", float.clone()), ("at", time.clone())]);
    all.time = Some(3);
    all.ahead = Some(Duration(900_000_000_000));
    all.needed[0] = false;
    all.columns[2].default = Some(Value::Float(0.5));
    let mut a = stream("A", &[("n", integer.clone()), ("s", text), ("at", time.clone())]);
    a.time = Some(2);
    a.route = Route::Type { field: vec!["type".to_owned()], value: "a".to_owned() };
    a.columns[0].not_null = true;
    let mut b = stream("B", &[("at", time), ("n", integer), ("f", float)]);
    b.time = Some(0);
    b.needed[0] = false;
    b.columns[0].time_format = TimeFormat::Epoch(TimeUnit::Milli);
    b.route = Route::Type { field: vec!["type".to_owned()], value: "b".to_owned() };
    vec![all, a, b]
}

/// How values are written in a run of lines: of forty so many are NULL, and so many texts have escapes.
#[derive(Clone, Copy)]
struct Manner {
    nulls: usize,
    escapes: usize,
}

const PARTS: [&str; 10] =
    ["\\\\", "\\\"", "\\n", "\\/", "\\t\\b\\f\\r", "C:\\\\Windows\\\\", "gr\u{fc}n", "sixteen bytes!!!", "x", "\\u00e9"];

/// A value as its key has it almost always.
fn usual_value(dice: &mut Dice, key: &str, manner: Manner, out: &mut String) {
    if key != "at" && key != "type" && dice.below(40) < manner.nulls {
        return out.push_str("null");
    }
    let written = match (dice.below(40), key) {
        (0, _) => return value(dice, 2, out),
        (number, "s" | "x") if number < manner.escapes => {
            let known = &PARTS[..PARTS.len() - usize::from(number > 1)];
            let text: String = (0..=dice.below(4)).map(|_| dice.one_of(known)).collect();
            write!(out, "\"{text}\"")
        }
        (1, "s" | "x") => write!(out, "\"{}\"", "long ".repeat(dice.below(20))),
        (1, "n") => write!(out, "-{}", dice.below(1 << 40)),
        (1, "f") => write!(out, "-{}.{}", dice.below(1 << 30), dice.below(1 << 30)),
        (1, "at") => write!(out, "\"2023-11-14T22:13:{:02}Z\"", dice.below(60)),
        (2, "at") => write!(out, "{}", 9_223_372_036_000u64 + dice.below(2000) as u64),
        (_, "type") => write!(out, "\"{}\"", dice.one_of(&["a", "b", "b", "other"])),
        (_, "n") => {
            let bound = [10, 100_000_000, 1 << 50][dice.below(3)];
            write!(out, "{}", dice.below(bound))
        }
        (_, "f") => write!(out, "{}.{:02}", dice.below(2000), dice.below(100)),
        (_, "at") => write!(out, "{}", 1_700_000_000_000u64 + dice.below(1_500_000) as u64),
        (_, "other") => write!(out, "{}", dice.one_of(&["1", "12.5", "123456789", "null", "true", "{\"n\":[1]}", "\"x\"", "-1e3"])),
        _ => write!(out, "\"{}{}\"", dice.one_of(&["C", "gr\u{fc}n", "eight by", "sixteen bytes!! "]), dice.below(200)),
    };
    written.expect("memory");
}

/// Lines with keys in one order, but for some; each line with its end.
fn run_of_lines(dice: &mut Dice, lines: usize, out: &mut Vec<u8>) {
    let (comma, colon) = [(",", ":"), (", ", ": ")][dice.below(2)];
    let mut keys = ["type", "s", "n", "f", "at", "other", "x"];
    for at in (1..keys.len()).rev().filter(|_| dice.0 & 1 == 0).collect::<Vec<_>>() {
        keys.swap(at, dice.below(at + 1));
    }
    let end = ["\n", "\n", "\r\n"][dice.below(3)];
    let manner = Manner { nulls: [0, 0, 2, 20, 38][dice.below(5)], escapes: [0, 0, 2, 20, 40][dice.below(5)] };
    for _ in 0..lines {
        let mut text = String::new();
        let odd = (dice.below(12) == 0).then(|| (dice.below(keys.len()), dice.below(3)));
        for (index, key) in keys.iter().enumerate() {
            let key = match odd {
                Some((at, 0)) if at == index => continue,
                Some((at, 1)) if at == index => keys[dice.below(keys.len())],
                _ => *key,
            };
            write!(text, "{}\"{key}\"{colon}", if text.is_empty() { "{" } else { comma }).expect("memory");
            usual_value(dice, key, manner, &mut text);
        }
        text.push('}');
        let mut line = text.into_bytes();
        if dice.below(30) == 0 {
            mangle(dice, &mut line);
        }
        out.extend_from_slice(&line);
        out.extend_from_slice(end.as_bytes());
    }
}

#[test]
fn stretches_of_lines_are_as_strict() {
    let lines = how_many_lines();
    let mut pairs = pairs_of([
        || plain_streams(),
        || plain_streams().drain(..1).collect(),
        || plain_streams().drain(1..).collect(),
        || streams().drain(1..3).collect(),
    ]);
    let mut dice = Dice(0x0dd_ba11);
    let (mut good, mut bad, mut done) = (0, 0, 0);
    while done < lines {
        let mut chunk = Vec::new();
        let most = [10, 100, 700][dice.below(3)];
        let count = 1 + dice.below(most);
        run_of_lines(&mut dice, count, &mut chunk);
        done += count;
        if dice.below(4) == 0 {
            chunk.truncate(dice.below(chunk.len() + 1));
        }
        for (fast, strict) in &mut pairs {
            let (some_good, some_bad) = compare(fast, strict, &chunk, ChunkStart { line: 2, offset: 7, clock: CLOCK });
            good += some_good;
            bad += some_bad;
        }
    }
    assert!(good > lines && bad > lines / 20, "{good} good events and {bad} bad ones of {lines} lines");
}

/// Lines that are all alike but for a few.
fn lines_alike(dice: &mut Dice, lines: usize, out: &mut Vec<u8>) {
    let end = ["\n", "\n", "\r\n"][dice.below(3)];
    let every = [30, 200, 2000][dice.below(3)];
    let texts =
        ["", "C1", "gr\u{fc}n", "seven b", "eight by", "more than sixteen bytes", "C:\\\\Temp\\\\more than that", "\\n", "a\\/\\\"b"];
    let texts = &texts[..texts.len() - [0, 3][dice.below(2)]];
    let nulls = dice.below(5);
    for _ in 0..lines {
        let (kind, s) = (dice.one_of(&["a", "b"]), dice.one_of(texts));
        let bound = [10, 100_000_000, 1 << 50][dice.below(3)];
        let n = dice.below(bound);
        let f = if dice.below(4) < nulls { "null".to_owned() } else { format!("{}.{:02}", dice.below(2000), dice.below(100)) };
        let at = 1_700_000_000_000u64 + dice.below(700_000) as u64;
        let mut line =
            format!("{{\"type\":\"{kind}\",\"s\":\"{s}\",\"x\":{n},\"a key of many bytes\":\"{n}\",\"n\":{n},\"f\":{f},\"at\":{at}}}")
                .into_bytes();
        let mut end = end;
        if dice.below(every) == 0 {
            match dice.below(6) {
                0 => mangle(dice, &mut line),
                1 => line = b"{}".to_vec(),
                2 => line.clear(),
                3 => end = dice.one_of(&["\r\n", "\n\n", " \n", "\n"]),
                4 => run_of_lines(dice, 1, out),
                // Too late for 64 bits of nanoseconds.
                _ => line = String::from_utf8_lossy(&line).replace("\"at\":1700", "\"at\":9700").into_bytes(),
            }
        }
        out.extend_from_slice(&line);
        out.extend_from_slice(end.as_bytes());
    }
}

#[test]
fn lines_side_by_side_are_as_strict() {
    let lines = how_many_lines();
    let mut pairs = pairs_of([
        || plain_streams(),
        || plain_streams().drain(..1).collect(),
        || plain_streams().drain(1..).collect(),
        || plain_streams().drain(..1).map(|all| SourceSpec { ahead: None, ..all }).collect(),
    ]);
    let mut dice = Dice(0xa11_a11e);
    let (mut good, mut bad, mut done) = (0, 0, 0);
    while done < 2 * lines {
        let mut chunk = Vec::new();
        let count = 1 + dice.below(1200);
        lines_alike(&mut dice, count, &mut chunk);
        done += count;
        if dice.below(4) == 0 {
            chunk.truncate(dice.below(chunk.len() + 1));
        }
        for (fast, strict) in &mut pairs {
            let (some_good, some_bad) = compare(fast, strict, &chunk, ChunkStart { line: 2, offset: 7, clock: CLOCK });
            good += some_good;
            bad += some_bad;
        }
    }
    assert!(good > lines && bad > 0, "{good} good events and {bad} bad ones of {done} lines");
    let side_by_side: Vec<u64> = pairs.iter().map(|(fast, _)| fast.lines_side_by_side()).collect();
    assert!(side_by_side.iter().all(|&count| count > lines as u64 / 8), "{side_by_side:?} of {done} lines");
}

#[test]
fn a_chunk_may_end_at_any_byte() {
    let mut dice = Dice(0xcafe);
    let mut chunk = Vec::new();
    run_of_lines(&mut dice, 300, &mut chunk);
    for (fast, strict) in &mut pairs_of([|| plain_streams(), || plain_streams().drain(..1).collect()]) {
        let start = ChunkStart { line: 2, offset: 7, clock: CLOCK };
        compare(fast, strict, &chunk, start);
        for end in 0..600 {
            compare(fast, strict, &chunk[..end], start);
        }
    }
}

/// What the whole of a text has in these slots; none where it is left to the strict parser.
fn scanned(scanner: &mut Scanner, projection: &Projection, text: &str) -> Option<Vec<Option<String>>> {
    let mut cells = vec![Cell::default(); projection.slots()];
    scanner.scan(projection, text, 0, &mut cells)?;
    Some(cells.iter().map(|cell| cell.text(text).map(str::to_owned)).collect())
}

#[test]
fn plain_lines_take_the_fast_path() {
    let mut projection = Projection::new();
    for path in [&["a"][..], &["b", "c"], &["a longer key than sixteen bytes"]] {
        projection.slot(&path.iter().map(|key| (*key).to_owned()).collect::<Vec<_>>());
    }
    let mut scanner = Scanner::new(&projection, vec![Reading::Integer, Reading::Float, Reading::Text], 128);
    let some = |text: &str| Some(text.to_owned());
    for _ in 0..3 {
        for (text, wanted) in [
            (r#"{"a":1,"x":"skipped \" \u00e9","b":{"c":"d","e":[{}]}}"#, [some("1"), some("\"d\""), None]),
            (
                r#"{ "b" : { "e":1, "c" :2.50 }, "a longer key than sixteen bytes" : true , "a": null }"#,
                [some("null"), some("2.50"), some("true")],
            ),
            (r#"{"a":[1, {"a":2}],"b":3}"#, [some("[1, {\"a\":2}]"), None, None]),
            ("{ }", [None, None, None]),
        ] {
            assert_eq!(scanned(&mut scanner, &projection, text).as_deref(), Some(&wanted[..]), "{text}");
        }
    }
    for text in
        [r#"{"a":1,"a":2}"#, r#"{"b":{"c":1},"b":{}}"#, r#"{"\u0061":1}"#, "{\t}", r#"{"a":1}}"#, r#"{"a":1"#, r#"[1]"#, "{\"a\":\"\n\"}"]
    {
        assert_eq!(scanned(&mut scanner, &projection, text), None, "{text}");
    }
    for key in 0..5000 {
        let text = format!("{{\"{key}\":0,\"a\":{key}}}");
        assert_eq!(
            scanned(&mut scanner, &projection, &text).and_then(|cells| cells[0].clone()),
            some(&key.to_string()),
            "keys that never repeat"
        );
    }
}
