//! Any bytes as events. Lines of JSON: the fast path gives what the strict one gives. Records of comma-separated values: what they give does
//! not depend on how they were cut, nor on being saved and taken up again; and where the plain reader of the `csv` crate finds records with
//! all cells, there is a row with these texts.

use std::sync::Arc;

use betide::codec::json::JsonDecoder;
use betide::codec::{BadEvent, ChunkStart, ColumnSpec, Condition, CsvDecoder, Decoded, Limits, Records, Route, SourceSpec, TimeFormat};
use betide::data::{DataType, Duration, Field, Schema, StateReader, StateWriter, TimeUnit, Timestamp, Value};

use super::mutate::{self, NUMBERS};
use crate::support::random::Random;

const CLOCK: Timestamp = Timestamp(1_772_366_400_000_000_000);

fn stream(name: &str, columns: &[(&str, DataType)]) -> SourceSpec {
    let fields = columns.iter().map(|(name, data_type)| Field::new(*name, data_type.clone())).collect();
    SourceSpec::new(name, Arc::new(Schema::new(fields)))
}

fn of_type(value: &str) -> Route {
    Route::Type { field: vec!["type".to_owned()], value: value.to_owned() }
}

/// Everything as text.
fn texts() -> SourceSpec {
    stream("Texts", &[("a", DataType::String), ("b", DataType::String), ("type", DataType::String)])
}

/// A stream with a column of every type.
fn types() -> SourceSpec {
    let decimal = DataType::Decimal { precision: 12, scale: 3 };
    let inner = DataType::Struct([Field::new("x", DataType::Int), Field::new("y", DataType::String)].into());
    let mut all = stream(
        "Types",
        &[
            ("a", DataType::Int),
            ("b", DataType::Float),
            ("c", DataType::Bool),
            ("d", decimal),
            ("e", DataType::Duration),
            ("f", DataType::List(Arc::new(DataType::Int))),
            ("g", inner),
            ("h", DataType::Json),
            ("at", DataType::Timestamp),
        ],
    );
    all.time = Some(8);
    all.ahead = Some(Duration(3_600_000_000_000));
    all.columns[0].default = Some(Value::Int(-7));
    all.columns[1].not_null = true;
    all.needed[4] = false;
    all.route = of_type("T");
    all
}

/// Paths, other forms of time, a condition.
fn paths() -> Vec<SourceSpec> {
    let mut deep = stream("Deep", &[("x", DataType::Int), ("y", DataType::String), ("at", DataType::Timestamp)]);
    deep.columns[0].path = vec!["g".to_owned(), "x".to_owned()];
    deep.columns[1] =
        ColumnSpec { path: vec!["g".to_owned(), "y".to_owned()], default: Some(Value::string("none")), ..deep.columns[1].clone() };
    deep.columns[2].time_format = TimeFormat::Epoch(TimeUnit::Second);
    deep.time = Some(2);
    deep.route = of_type("D");
    let mut days = stream("Days", &[("day", DataType::Timestamp), ("n", DataType::Int)]);
    days.columns[0].time_format = TimeFormat::Custom("%Y/%m/%d".to_owned());
    days.time = Some(0);
    days.route = of_type("Y");
    let mut chosen = stream("Chosen", &[("a", DataType::Int), ("h", DataType::String)]);
    chosen.route = Route::When(Condition {
        reads: vec![0],
        holds: Box::new(|row| (matches!(row[0], Value::Int(n) if n % 2 == 0), u64::from(row[0].is_null()))),
    });
    vec![deep, days, chosen]
}

fn specs(kind: u8) -> Vec<SourceSpec> {
    match kind % 5 {
        0 => vec![texts()],
        1 => vec![types()],
        2 => paths(),
        3 => paths().into_iter().chain([types()]).collect(),
        _ => vec![texts(), types()],
    }
}

pub fn run(input: &[u8]) {
    let [kind, cut, chunk @ ..] = input else { return };
    let limits = Limits { max_line: if cut % 16 == 1 { 60 } else { 4096 }, kept_of_long_line: 20, max_depth: 40 };
    if kind & 0x80 == 0 { lines(*kind, chunk, limits) } else { records(*kind, *cut, chunk, limits) }
}

/// Times, arrivals, and each row's values as text.
type SourceRows = (Vec<Timestamp>, Vec<u64>, Vec<Vec<String>>);

/// What was decoded, in a form that is equal where it is the same.
#[derive(Debug, PartialEq)]
struct Given {
    rows: Vec<SourceRows>,
    bad: Vec<BadEvent>,
    counts: (u64, u64, u64, u64),
}

fn given(mut out: Decoded) -> Given {
    let rows = out.take_rows().into_iter().map(|rows| {
        let value = |value: Value<'_>| match value {
            Value::Float(float) => format!("{:x}", float.to_bits()),
            other => format!("{other:?}"),
        };
        let columns = rows.columns.iter().map(|column| (0..column.len()).map(|row| value(column.value(row))).collect()).collect();
        (rows.times.clone(), rows.numbers.clone(), columns)
    });
    let rows = rows.collect();
    Given { rows, counts: (out.events, out.unrouted, out.next_number, out.eval_nulls), bad: out.bad }
}

fn lines(kind: u8, chunk: &[u8], limits: Limits) {
    let watched = ["type".to_owned()];
    let mut fast = JsonDecoder::new(specs(kind), limits).watching(&watched);
    let mut strict = JsonDecoder::new(specs(kind), limits).watching(&watched).strict();
    // The second time the fast path knows the keys that come.
    for line in [1, 1000] {
        let start = ChunkStart { line, offset: line - 1, clock: CLOCK };
        let (mut got, mut wanted) = (fast.decoded(), strict.decoded());
        fast.decode(chunk, start, &mut got);
        strict.decode(chunk, start, &mut wanted);
        let (got, wanted) = (given(got), given(wanted));
        assert_eq!(got, wanted, "the fast path and the strict one");
        let (events, unrouted, good, _) = got.counts;
        assert_eq!(events, unrouted + good + got.bad.len() as u64, "every line is counted once");
        assert_eq!(fast.several_types(), strict.several_types());
    }
}

fn records(kind: u8, cut: u8, bytes: &[u8], limits: Limits) {
    let specs = specs(kind);
    let whole = {
        let (mut decoder, mut out) = (CsvDecoder::new(limits), Decoded::new(&specs));
        push(&mut decoder, &specs, bytes, usize::MAX, &mut out);
        decoder.finish(&specs, CLOCK, &mut out);
        given(out)
    };
    let cut_up = {
        let (mut decoder, mut out) = (CsvDecoder::new(limits), Decoded::new(&specs));
        let length = 1 + usize::from(cut) / 4;
        // Each time makes a decoder anew, which takes longer than what it decodes: not more often than 16 times.
        let every = 4.max(bytes.len() / length / 16);
        for (number, piece) in bytes.chunks(length).enumerate() {
            push(&mut decoder, &specs, piece, 1 + usize::from(cut % 3), &mut out);
            if number % every == usize::from(cut) % every {
                decoder = taken_up(&decoder, &specs, limits, &mut out);
            }
        }
        decoder.finish(&specs, CLOCK, &mut out);
        given(out)
    };
    assert_eq!(whole, cut_up, "cut up, saved and taken up again");
    let (events, unrouted, good, _) = whole.counts;
    assert_eq!(events, unrouted + good + whole.bad.len() as u64, "every record is counted once");
    if kind.is_multiple_of(5) && limits.max_line >= bytes.len() {
        as_a_plain_reader(&whole, bytes);
    }
}

/// The texts of a stream that takes all records are those that another reader finds.
fn as_a_plain_reader(found: &Given, bytes: &[u8]) {
    let header = bytes.split(|byte| *byte == b'\n').next().unwrap_or_default();
    // Headers with quotes, blank ones and marks in front are read otherwise by design.
    if !header.is_ascii() || header.contains(&b'"') || header.contains(&b'\r') || header.iter().all(u8::is_ascii_whitespace) {
        return;
    }
    let mut reader = Records::new(bytes).unwrap();
    let Some(names) = reader.next_record().unwrap() else { return };
    let place = |name: &str| names.iter().position(|found| found.trim() == name);
    let places = ["a", "b", "type"].map(place);
    let (mut rows, mut records) = (Vec::new(), 0);
    while let Some(cells) = reader.next_record().unwrap() {
        records += 1;
        let texts = places.map(|place| place.and_then(|place| cells.get(place)).filter(|text| !text.is_empty()));
        let is_text = texts.iter().flatten().all(|text| !text.contains('\u{fffd}'));
        if cells.len() == names.len() && is_text {
            rows.push(texts.map(|text| text.map_or("Null".to_owned(), |text| format!("{:?}", Value::string(text)))));
        }
    }
    assert_eq!(found.counts.0, records, "so many records");
    let is_doubtful = bytes.windows(3).any(|sign| sign == "\u{fffd}".as_bytes());
    let got: Vec<[String; 3]> =
        (0..found.rows[0].0.len()).map(|row| [0, 1, 2].map(|column| found.rows[0].2[column][row].clone())).collect();
    assert!(is_doubtful || got == rows, "a plain reader finds\n{rows:?}\nand not\n{got:?}");
}

fn push(decoder: &mut CsvDecoder, specs: &[SourceSpec], mut bytes: &[u8], most: usize, out: &mut Decoded) {
    while !bytes.is_empty() {
        let used = decoder.decode(specs, bytes, most, CLOCK, out);
        assert!(used > 0, "it goes on");
        bytes = &bytes[used..];
    }
}

fn taken_up(decoder: &CsvDecoder, specs: &[SourceSpec], limits: Limits, out: &mut Decoded) -> CsvDecoder {
    let mut writer = StateWriter::default();
    decoder.save(&mut writer);
    let bytes = writer.finish();
    let mut reader = StateReader::new(&bytes);
    let mut other = CsvDecoder::new(limits);
    other.load(&mut reader, specs, CLOCK, out).unwrap_or_else(|error| panic!("what was saved cannot be taken up: {error}"));
    reader.end().unwrap();
    other
}

/// Lines and records that fit, nearly fit and do not.
pub fn seeds() -> Vec<Vec<u8>> {
    let lines = [
        "{\"type\":\"T\",\"a\":1,\"b\":2.5,\"c\":true,\"d\":19.99,\"e\":\"5m\",\"f\":[1,2],\"g\":{\"x\":1,\"y\":\"z\"},\"h\":{\"k\":[null]},\"at\":1772366400000}\n{\"type\":\"T\",\"a\":-9223372036854775808,\"b\":1e3,\"at\":\"2026-03-01T12:00:00.25+01:00\"}\n",
        "{\"a\":\"x\",\"b\":\"sixteen bytes!!!\",\"type\":\"\\u00e9\\ud83d\\ude00\"}\r\n{ \"b\" : null }\n[]\n\n7\n",
        "{\"type\":\"D\",\"g\":{\"x\":3,\"y\":\"\\t\"},\"at\":1772366400}\n{\"type\":\"Y\",\"day\":\"2026/03/01\",\"n\":0}\n{\"a\":2,\"h\":\"\"}\n",
        "{\"type\":\"D\",\"g\":{},\"at\":1772366400,\"g\":{\"x\":1}}\n{\"type\":\"D\",\"at\":1.5}\n{\"type\":7,\"a\":4,\"h\":[1]}",
    ];
    let records = [
        "a,b,type\nx,\"q\"\"r\",T\r\n\n,,\n\"two\nlines\",y,z\n",
        "type;a;b;c;d;e;h;at\nT;1;2.5;true;19.99;5m;{};1772366400000\nT;x;1;;;;;2026-03-01T10:00:00Z\n",
        "type\tg.x\tg.y\tat\nD\t1\tz\t1772366400\nD\t\t\t\n",
        "type|day|n|a|h\nY|2026/03/01|3||\nq|||2|text",
    ];
    let all = |kinds: std::ops::Range<u8>, mark: u8, texts: &[&str]| -> Vec<Vec<u8>> {
        kinds.flat_map(|kind| texts.iter().map(move |text| [&[kind | mark, kind * 7], text.as_bytes()].concat())).collect()
    };
    [all(0..5, 0, &lines), all(0..5, 0x80, &records)].concat()
}

const PIECES: [&str; 34] = [
    "null",
    "true",
    "\"type\":\"T\"",
    "\"type\":\"D\"",
    "\"type\":\"Y\"",
    "{}",
    "[]",
    "{\"x\":",
    "[[[[[[[[",
    "}",
    "\"\"",
    "\"\\ud800\"",
    "\"\\u0000\"",
    "\"at\":1772366400000",
    "\"2026-03-01T10:00:00Z\"",
    "\"2026-02-30T25:61:61Z\"",
    "\"9999-12-31T23:59:59.999999999Z\"",
    "-0",
    "-0.0",
    "1e999",
    "01",
    "1.",
    "0.30000000000000004",
    "99999999999999999999",
    "\"5m\"",
    "\"1e3\"",
    "\"a\":1,\"a\":2",
    "\u{feff}",
    "\r\n",
    "\n",
    "\t",
    ",",
    ";",
    "\"",
];

pub fn mutate(random: &mut Random, corpus: &[Vec<u8>]) -> Vec<u8> {
    let mut input = corpus[random.below(corpus.len())].clone();
    for _ in 0..1 + random.below(5) {
        if input.len() < 3 || random.chance(40) {
            mutate::bytes(random, &mut input, corpus);
            continue;
        }
        let at = 2 + random.below(input.len() - 2);
        match random.below(4) {
            // A value in the place of another: behind a colon up to the next comma or brace.
            0 => {
                let Some(begin) = input[at..].iter().position(|byte| *byte == b':').map(|colon| at + colon + 1) else { continue };
                let length = input[begin..].iter().position(|byte| matches!(byte, b',' | b'}' | b'\n')).unwrap_or(0);
                let value = if random.chance(50) { NUMBERS[random.below(NUMBERS.len())] } else { PIECES[random.below(PIECES.len())] };
                input.splice(begin..begin + length, value.bytes());
            }
            1 => drop(input.splice(at..at, PIECES[random.below(PIECES.len())].bytes())),
            // A line again, or a line of another.
            2 => {
                let other = &corpus[random.below(corpus.len())];
                let lines: Vec<&[u8]> = other.get(2..).unwrap_or_default().split_inclusive(|byte| *byte == b'\n').collect();
                if !lines.is_empty() {
                    let line = lines[random.below(lines.len())].to_vec();
                    input.splice(at..at, line);
                }
            }
            _ => {
                let signs = b"{}[]\",:\\0e-u nt\xff\r\n;|\t";
                input[at] = signs[random.below(signs.len())];
            }
        }
    }
    input.truncate(4000);
    input
}
