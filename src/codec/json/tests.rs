//! The decoder as a whole: what fits, what is bad and why, and that every line is counted once.

use std::sync::Arc;

use super::JsonDecoder;
use crate::codec::{BadCause, ChunkStart, ColumnSpec, Condition, Decoded, Limits, Route, SourceSpec, TimeFormat};
use crate::data::{DataType, Duration, Field, Schema, TimeUnit, Timestamp, Value};

const CLOCK: Timestamp = Timestamp(1_800_000_000_000_000_000);

fn stream(name: &str, columns: &[(&str, DataType)]) -> SourceSpec {
    let fields = columns.iter().map(|(name, data_type)| Field::new(*name, data_type.clone())).collect();
    SourceSpec::new(name, Arc::new(Schema::new(fields)))
}

fn decode(decoder: &mut JsonDecoder, text: &[u8]) -> Decoded {
    let mut out = decoder.decoded();
    decoder.decode(text, ChunkStart { line: 1, offset: 0, clock: CLOCK }, &mut out);
    let events = out.next_number + out.unrouted + out.bad.len() as u64;
    assert_eq!(out.events, events, "every line is counted once");
    out
}

/// The value of a column of this type, or the cause.
fn value_as(column: ColumnSpec, data_type: &DataType, json: &str) -> Result<Value<'static>, BadCause> {
    let spec = SourceSpec { columns: vec![column], ..stream("S", &[("v", data_type.clone())]) };
    let mut out = decode(&mut JsonDecoder::new(vec![spec], Limits::default()), format!("{{\"v\":{json}}}").as_bytes());
    match out.bad.pop() {
        Some(bad) => Err(bad.cause),
        None => Ok(out.take_rows()[0].columns[0].value(0).into_owned()),
    }
}

fn value(data_type: &DataType, json: &str) -> Result<Value<'static>, BadCause> {
    value_as(ColumnSpec::named("v"), data_type, json)
}

#[test]
fn what_fits_each_type() {
    use BadCause::{LoneSurrogate, TimeOutOfRange, WrongType};
    let cents = DataType::Decimal { precision: 5, scale: 2 };
    let money = |text: &str| Ok(Value::Decimal(text.parse().unwrap()));
    let text = |text: &str| Ok(Value::string(text.to_owned()));
    let at = |nanos| Ok(Value::Timestamp(Timestamp(nanos)));
    let span = |nanos| Ok(Value::Duration(Duration(nanos)));
    let cases: Vec<(DataType, &str, Result<Value<'static>, BadCause>)> = vec![
        (DataType::Bool, "true", Ok(Value::Bool(true))),
        (DataType::Bool, "1", Err(WrongType)),
        (DataType::Bool, "\"true\"", Err(WrongType)),
        (DataType::Bool, "null", Ok(Value::Null)),
        (DataType::Int, "9223372036854775807", Ok(Value::Int(i64::MAX))),
        (DataType::Int, "9223372036854775808", Err(WrongType)),
        (DataType::Int, "18446744073709551615", Err(WrongType)),
        (DataType::Int, "-9223372036854775808", Ok(Value::Int(i64::MIN))),
        (DataType::Int, "1.5e3", Ok(Value::Int(1500))),
        (DataType::Int, "3.0", Ok(Value::Int(3))),
        (DataType::Int, "3.5", Err(WrongType)),
        (DataType::Int, "1e400", Err(WrongType)),
        (DataType::Int, "\"3\"", Err(WrongType)),
        (DataType::Int, "[3]", Err(WrongType)),
        (DataType::Float, "3", Ok(Value::Float(3.0))),
        (DataType::Float, "-1.5E-3", Ok(Value::Float(-0.0015))),
        (DataType::Float, "0.1", Ok(Value::Float(0.1))),
        (DataType::Float, "1e999", Err(WrongType)),
        (DataType::Float, "true", Err(WrongType)),
        (DataType::Float, "\"1.5\"", Err(WrongType)),
        (cents.clone(), "19.9", money("19.90")),
        (cents.clone(), "\"-0.05\"", money("-0.05")),
        (cents.clone(), "1e2", money("100.00")),
        (cents.clone(), "999.99", money("999.99")),
        (cents.clone(), "1000", Err(WrongType)),
        (cents.clone(), "0.001", Err(WrongType)),
        (cents.clone(), "\"ten\"", Err(WrongType)),
        (cents, "false", Err(WrongType)),
        (DataType::String, "\"a\\u00e9\\n\\ud83d\\ude00\"", text("a\u{e9}\n\u{1f600}")),
        (DataType::String, "\"\\u0000\"", text("\0")),
        (DataType::String, "1.50e3", text("1.50e3")),
        (DataType::String, "false", text("false")),
        (DataType::String, "{}", Err(WrongType)),
        (DataType::String, "[1]", Err(WrongType)),
        (DataType::String, "\"\\ud800\"", Err(LoneSurrogate)),
        (DataType::String, "\"\\udc00x\"", Err(LoneSurrogate)),
        (DataType::Timestamp, "\"2026-03-01T10:04:11Z\"", at(1_772_359_451_000_000_000)),
        (DataType::Timestamp, "\"2026-03-01 10:04:11.5\"", at(1_772_359_451_500_000_000)),
        (DataType::Timestamp, "\"2026-03-01T12:04:11+02:00\"", at(1_772_359_451_000_000_000)),
        (DataType::Timestamp, "1772359451000", at(1_772_359_451_000_000_000)),
        (DataType::Timestamp, "1.772359451e12", at(1_772_359_451_000_000_000)),
        (DataType::Timestamp, "-1", at(-1_000_000)),
        (DataType::Timestamp, "1.5", Err(WrongType)),
        (DataType::Timestamp, "\"yesterday\"", Err(WrongType)),
        (DataType::Timestamp, "\"2026-13-01T00:00:00Z\"", Err(WrongType)),
        (DataType::Timestamp, "\"9999-12-31T23:59:59Z\"", Err(TimeOutOfRange)),
        (DataType::Timestamp, "9223372036854775807", Err(TimeOutOfRange)),
        (DataType::Timestamp, "1e30", Err(TimeOutOfRange)),
        (DataType::Timestamp, "true", Err(WrongType)),
        (DataType::Duration, "\"2m 3.5s\"", span(123_500_000_000)),
        (DataType::Duration, "250", span(250_000_000)),
        (DataType::Duration, "0.5", span(500_000)),
        (DataType::Duration, "\"soon\"", Err(WrongType)),
        (DataType::Duration, "1e300", Err(TimeOutOfRange)),
        (DataType::Json, "{ \"a\": [1.50, \"\\ud800\"] }", Ok(Value::Json("{ \"a\": [1.50, \"\\ud800\"] }".into()))),
        (DataType::Json, "null", Ok(Value::Null)),
    ];
    for (data_type, json, expected) in cases {
        assert_eq!(value(&data_type, json), expected, "{data_type} from {json}");
    }
}

#[test]
fn times_of_other_units_and_forms() {
    let column = |time_format| ColumnSpec { time_format, ..ColumnSpec::named("v") };
    let time = |format, json| value_as(column(format), &DataType::Timestamp, json);
    let at = |nanos| Ok(Value::Timestamp(Timestamp(nanos)));
    assert_eq!(time(TimeFormat::Epoch(TimeUnit::Second), "5"), at(5_000_000_000));
    assert_eq!(time(TimeFormat::Epoch(TimeUnit::Micro), "5"), at(5_000));
    assert_eq!(time(TimeFormat::Epoch(TimeUnit::Nano), "5"), at(5));
    assert_eq!(time(TimeFormat::Epoch(TimeUnit::Second), "\"1970-01-01T00:00:05Z\""), at(5_000_000_000));
    assert_eq!(time(TimeFormat::Epoch(TimeUnit::Second), "9223372037"), Err(BadCause::TimeOutOfRange));
    let apache = || TimeFormat::Custom("%d/%b/%Y:%H:%M:%S %z".to_owned());
    assert_eq!(time(apache(), "\"01/Mar/2026:11:04:11 +0100\""), at(1_772_359_451_000_000_000));
    assert_eq!(time(apache(), "\"2026-03-01T10:04:11Z\""), Err(BadCause::WrongType));
    assert_eq!(time(apache(), "5"), Err(BadCause::WrongType));
}

#[test]
fn lists_and_structs_nest() {
    let fields: Arc<[Field]> = Arc::new([Field::new("x", DataType::Int), Field::new("at", DataType::Timestamp)]);
    let points = DataType::List(Arc::new(DataType::Struct(fields)));
    let point = |x, at: Option<i64>| Value::Struct(vec![x, at.map_or(Value::Null, |at| Value::Timestamp(Timestamp(at)))].into());
    assert_eq!(
        value(&points, r#"[{"at":1,"x":2,"z":{}}, {}, null, {"x":1,"x":3}]"#),
        Ok(Value::List(
            vec![point(Value::Int(2), Some(1_000_000)), point(Value::Null, None), Value::Null, point(Value::Int(3), None)].into()
        ))
    );
    assert_eq!(value(&points, r#"[{"x":"2"}]"#), Err(BadCause::WrongType));
    assert_eq!(value(&points, r#"{"x":2}"#), Err(BadCause::WrongType));
    assert_eq!(value(&points, "[7]"), Err(BadCause::WrongType));
}

#[test]
fn missing_values_defaults_and_not_null() {
    let not_null = || ColumnSpec { not_null: true, path: vec!["w".to_owned()], ..ColumnSpec::named("v") };
    let with_default = || ColumnSpec { default: Some(Value::Int(7)), ..not_null() };
    assert_eq!(value_as(not_null(), &DataType::Int, "1"), Err(BadCause::MissingValue));
    assert_eq!(value_as(with_default(), &DataType::Int, "1"), Ok(Value::Int(7)));
    let under_v = |column: ColumnSpec| ColumnSpec { path: vec!["v".to_owned()], ..column };
    assert_eq!(value_as(under_v(with_default()), &DataType::Int, "null"), Err(BadCause::MissingValue), "null is no missing key");
    assert_eq!(value_as(ColumnSpec { not_null: false, ..under_v(with_default()) }, &DataType::Int, "null"), Ok(Value::Null));
}

#[test]
fn columns_that_nobody_needs_have_to_fit_all_the_same() {
    let mut spec = stream("S", &[("a", DataType::Int), ("b", DataType::Int)]);
    spec.needed = vec![false, true];
    spec.columns[0].not_null = true;
    let mut out = decode(
        &mut JsonDecoder::new(vec![spec], Limits::default()),
        b"{\"a\":\"x\",\"b\":1}\n{\"b\":2}\n{\"a\":null,\"b\":3}\n{\"a\":9,\"b\":4,\"c\":\"\\ud800\"}",
    );
    let bad = [(1, BadCause::WrongType), (2, BadCause::MissingValue), (3, BadCause::MissingValue)];
    assert_eq!(out.bad.iter().map(|b| (b.line, b.cause)).collect::<Vec<_>>(), bad);
    let rows = out.take_rows();
    assert_eq!((rows[0].columns[0].value(0), rows[0].columns[1].value(0)), (Value::Null, Value::Int(4)), "it fits, and is not kept");
}

#[test]
fn events_go_to_the_streams_of_their_type() {
    let route = |field: &str, value: &str| Route::Type { field: field.split('.').map(str::to_owned).collect(), value: value.to_owned() };
    let typed = |name: &str, field: &str, value: &str| SourceSpec { route: route(field, value), ..stream(name, &[("n", DataType::Int)]) };
    let specs = vec![typed("A", "type", "a"), typed("B", "type", "b"), typed("B2", "type", "b"), typed("Seven", "event.kind", "7")];
    let lines = concat!(
        "{\"n\":1,\"type\":\"a\"}\n{\"type\":\"b\",\"n\":2}\n\n{\"type\":\"c\",\"n\":\"x\"}\n",
        "{\"event\":{\"kind\":7},\"n\":3,\"type\":\"\\u0061\"}\n{\"n\":4,\"type\":null}\n{\"type\":\"a\",\"n\":\"bad\"}\n{\"type\":\"b\"}"
    );
    let mut out = decode(&mut JsonDecoder::new(specs, Limits::default()), lines.as_bytes());
    assert_eq!((out.unrouted, out.bad.len(), out.events), (2, 1, 7));
    assert_eq!(out.bad[0].detail, "column `n`: the string \"bad\" is no INT");
    let rows = out.take_rows();
    let numbers: Vec<&[u64]> = rows.iter().map(|r| r.numbers.as_slice()).collect();
    assert_eq!(numbers, [&[0, 2][..], &[1, 3], &[1, 3], &[2]]);
    assert_eq!(rows[0].times, [CLOCK, CLOCK], "without an event-time column time is the time of arrival");
    assert!(out.take_rows().iter().all(crate::data::Arrivals::is_empty));
    assert_eq!(out.next_number, 4, "numbers go on");
}

#[test]
fn conditions_route_and_what_does_not_fit_is_bad_only_where_it_belongs() {
    let over = |limit: i64| {
        let holds = move |row: &[Value<'_>]| (matches!(row[0], Value::Int(n) if n > limit), 1);
        Route::When(Condition { reads: vec![0], holds: Box::new(holds) })
    };
    let columns = [("n", DataType::Int), ("x", DataType::Int)];
    let mut specs = vec![stream("Over1", &columns), stream("Over5", &columns)];
    specs[0].route = over(1);
    specs[1].route = over(5);
    let lines = b"{\"n\":9,\"x\":1}\n{\"n\":2}\n{\"n\":0,\"x\":\"no\"}\n{\"n\":\"no\"}\n{\"n\":2,\"x\":\"no\"}";
    let mut out = decode(&mut JsonDecoder::new(specs, Limits::default()), lines);
    assert_eq!((out.unrouted, out.bad.len(), out.bad[0].line), (2, 1, 5));
    let rows = out.take_rows();
    assert_eq!((&rows[0].numbers[..], &rows[1].numbers[..]), (&[0, 1][..], &[0][..]));
}

#[test]
fn event_times() {
    let mut spec = stream("S", &[("n", DataType::Int), ("at", DataType::Timestamp)]);
    spec.time = Some(1);
    spec.needed = vec![true, false];
    spec.columns[1].not_null = true;
    spec.ahead = Some(Duration::from_millis(1000));
    let clock = CLOCK.0 / 1_000_000;
    let lines = format!(
        "{{\"at\":{clock}}}\n{{}}\n{{\"at\":null}}\n{{\"at\":\"x\"}}\n{{\"at\":1e25}}\n{{\"at\":{}}}\n{{\"at\":{}}}",
        clock + 1000,
        clock + 1001
    );
    let mut out = decode(&mut JsonDecoder::new(vec![spec], Limits::default()), lines.as_bytes());
    let bad: Vec<_> = out.bad.iter().map(|b| (b.line, b.cause.code())).collect();
    assert_eq!(bad, [(2, "no_time"), (3, "no_time"), (4, "wrong_type"), (5, "time_out_of_range"), (7, "ahead_of_clock")]);
    let rows = out.take_rows();
    assert_eq!(rows[0].times, [CLOCK, CLOCK.saturating_add(Duration::from_millis(1000))]);
    assert!(rows[0].columns[1].is_null(0), "nobody reads the column itself");
}

#[test]
fn a_field_with_several_values_is_noticed() {
    let field = ["type".to_owned()];
    let decoder = || JsonDecoder::new(vec![stream("S", &[("n", DataType::Int)])], Limits::default()).watching(&field);
    let mut same = decoder();
    decode(&mut same, b"{\"type\":\"a\"}\n{}\n{\"type\":\"a\"}");
    assert_eq!(same.several_types(), None);
    let mut several = decoder();
    decode(&mut several, b"{\"type\":\"a\"}\n{\"type\":\"b\"}\n{\"type\":\"c\"}");
    assert_eq!(several.several_types(), Some(("a", "b")));
}

/// Lines that are no good, each with the cause that has to be told.
fn hostile_lines() -> Vec<(Vec<u8>, BadCause)> {
    use BadCause::{LineTooLong, LoneSurrogate, NoTime, NotAnObject, NotJson, NotUtf8, TimeOutOfRange, TooDeep, WrongType};
    let deep = |open: &str, close: &str| format!("{{\"n\":1,\"at\":1,\"x\":{}{}}}", open.repeat(10_000), close.repeat(10_000));
    let texts: Vec<(String, BadCause)> = [
        ("{\"n\":1,\"at\":1", NotJson),
        ("{\"n\":1,\"at\":1,", NotJson),
        ("{\"n\":1,\"at\":1,}", NotJson),
        ("{\"n\":1,\"at\":1}}", NotJson),
        ("{\"n\":1,\"at\":1}{\"n\":2,\"at\":2}", NotJson),
        ("{\"n\":1,\"at\":1} # comment", NotJson),
        ("{\"n\":1 \"at\":1}", NotJson),
        ("{\"n\":1,\"at\":1,\"s\":\"open}", NotJson),
        ("{\"n\":1,\"at\":1,\"s\":\"\\x41\"}", NotJson),
        ("{\"n\":1,\"at\":1,\"s\":\"tab\there\"}", NotJson),
        ("{\"n\":1,\"at\":1,\"s\":\"nul\u{0}\"}", NotJson),
        ("\u{0}", NotJson),
        ("{n:1,at:1}", NotJson),
        ("{'n':1,'at':1}", NotJson),
        ("{\"n\":NaN,\"at\":1}", NotJson),
        ("{\"n\":1,\"at\":1,\"f\":Infinity}", NotJson),
        ("{\"n\":1,\"at\":1,\"f\":-Infinity}", NotJson),
        ("{\"n\":0x1F,\"at\":1}", NotJson),
        ("{\"n\":01,\"at\":1}", NotJson),
        ("{\"n\":+1,\"at\":1}", NotJson),
        ("{\"n\":1.,\"at\":1}", NotJson),
        ("{\"n\":.5,\"at\":1}", NotJson),
        ("{\"n\":1,\"at\":1,\"unread\":[1,,2]}", NotJson),
        ("{\"n\":1,\"at\":1,\"unread\":{\"a\"}}", NotJson),
        ("not json at all", NotJson),
        ("n,at", NotJson),
        ("{", NotJson),
        ("}", NotJson),
        ("\u{feff}{\"n\":1,\"at\":1}", NotJson),
        ("[{\"n\":1,\"at\":1}]", NotAnObject),
        ("\"text\"", NotAnObject),
        ("42", NotAnObject),
        ("null", NotAnObject),
        ("true", NotAnObject),
        ("{\"n\":\"1\",\"at\":1}", WrongType),
        ("{\"n\":1,\"n\":true,\"at\":1}", WrongType),
        ("{\"n\":1.5,\"at\":1}", WrongType),
        ("{\"n\":99999999999999999999,\"at\":1}", WrongType),
        ("{\"n\":1e999999999999,\"at\":1}", WrongType),
        ("{\"n\":1,\"at\":1,\"f\":1e999}", WrongType),
        ("{\"n\":1,\"at\":1,\"s\":{\"deep\":1}}", WrongType),
        ("{\"n\":1,\"at\":1,\"s\":\"\\ud800\"}", LoneSurrogate),
        ("{\"n\":1,\"at\":1,\"s\":\"\\udfff tail\"}", LoneSurrogate),
        ("{\"n\":1,\"at\":1,\"s\":\"\\ud83dx\"}", LoneSurrogate),
        ("{\"n\":1,\"at\":1,\"\\ud800\":1}", LoneSurrogate),
        ("{\"n\":1}", NoTime),
        ("{}", NoTime),
        ("{\"n\":1,\"at\":null}", NoTime),
        ("{\"n\":1,\"at\":\"tomorrow\"}", WrongType),
        ("{\"n\":1,\"at\":9223372036854775807}", TimeOutOfRange),
        ("{\"n\":1,\"at\":-99999999999999999999999}", TimeOutOfRange),
        ("{\"n\":1,\"at\":\"9999-12-31T23:59:59Z\"}", TimeOutOfRange),
    ]
    .map(|(text, cause)| (text.to_owned(), cause))
    .into();
    let mut lines: Vec<(Vec<u8>, BadCause)> = texts.into_iter().map(|(text, cause)| (text.into_bytes(), cause)).collect();
    lines.push((deep("[", "]").into_bytes(), TooDeep));
    lines.push((deep("{\"a\":", "}").into_bytes(), TooDeep));
    lines.push(("[".repeat(100_000).into_bytes(), TooDeep));
    lines.push((format!("{{\"n\":1,\"at\":1,\"s\":\"{}\"}}", "x".repeat(70_000)).into_bytes(), LineTooLong));
    lines.push((b"{\"n\":1,\"at\":1,\"s\":\"\xff\xfe\"}".to_vec(), NotUtf8));
    lines.push((b"{\"n\":1,\"at\":1,\"s\":\"\xed\xa0\x80\"}".to_vec(), NotUtf8));
    lines.push((b"{\"n\":1,\"at\":1,\"s\":\"\xc0\xaf\"}".to_vec(), NotUtf8));
    lines.push((b"\xff\xfe{\0\"\0n\0\"\0".to_vec(), NotUtf8));
    lines.push(("{\"n\":1}".encode_utf16().flat_map(u16::to_le_bytes).collect(), NotJson));
    lines.push(("{\"n\":1}".encode_utf16().flat_map(u16::to_be_bytes).collect(), NotJson));
    lines.push((b"\x1f\x8b\x08\x00 gzip".to_vec(), NotUtf8));
    lines
}

#[test]
fn between_hostile_lines_every_good_event_is_used() {
    let hostile = hostile_lines();
    assert!(hostile.len() >= 60);
    let columns = [("n", DataType::Int), ("at", DataType::Timestamp), ("s", DataType::String), ("f", DataType::Float)];
    let spec = || SourceSpec { time: Some(1), ..stream("S", &columns) };
    // A mark, blank lines, CRLF, and good events with duplicate keys and all that may look odd.
    let mut text = b"\xef\xbb\xbf{\"n\":0,\"at\":0}\r\n".to_vec();
    let mut expected_bad = Vec::new();
    let mut line = 1;
    for (index, (bytes, cause)) in hostile.iter().enumerate() {
        expected_bad.push((line + 1, text.len() as u64, *cause));
        text.extend_from_slice(bytes);
        text.extend_from_slice(b"\n \t\r\n\n");
        let ending = if index % 2 == 0 { "\r\n" } else { "\n" };
        let good =
            format!(" {{ \"n\" : 7, \"n\":{}, \"odd\":[[[]],\"\\ud800\"], \"at\":{index}, \"s\":\"\\u0000\\ufeff\" }} {ending}", index + 1);
        text.extend_from_slice(good.as_bytes());
        line += 4;
    }
    text.extend_from_slice(b"{\"n\":-1,\"at\":5}");

    let limits = Limits { max_line: 65_536, ..Limits::default() };
    for chunk_lines in [1usize, 7, 1000] {
        let mut decoder = JsonDecoder::new(vec![spec()], limits);
        let mut out = decoder.decoded();
        let lines: Vec<&[u8]> = text.split_inclusive(|b| *b == b'\n').collect();
        let mut start = ChunkStart { line: 1, offset: 0, clock: CLOCK };
        for chunk in lines.chunks(chunk_lines) {
            let bytes = chunk.concat();
            decoder.decode(&bytes, start, &mut out);
            start.line += chunk.len() as u64;
            start.offset += bytes.len() as u64;
        }
        let bad: Vec<_> = out.bad.iter().map(|b| (b.line, b.offset, b.cause)).collect();
        for (index, (told, wanted)) in bad.iter().zip(&expected_bad).enumerate() {
            let wanted = if hostile[index].0.len() > limits.max_line { (wanted.0, wanted.1, BadCause::LineTooLong) } else { *wanted };
            assert_eq!(
                *told,
                wanted,
                "{}: {}",
                String::from_utf8_lossy(&hostile[index].0[..hostile[index].0.len().min(80)]),
                out.bad[index].detail
            );
            let bytes = &out.bad[index].bytes;
            assert!(hostile[index].0.starts_with(bytes), "the letter holds the line");
            assert!(bytes.len() == hostile[index].0.len() || bytes.len() == limits.kept_of_long_line);
        }
        assert_eq!(bad.len(), expected_bad.len());
        assert_eq!((out.unrouted, out.events), (0, 2 * hostile.len() as u64 + 2));
        let rows = out.take_rows();
        let numbers: Vec<Value<'_>> = (0..rows[0].len()).map(|row| rows[0].columns[0].value(row)).collect();
        let good = i64::try_from(hostile.len()).unwrap();
        assert_eq!(numbers, (0..=good).chain([-1]).map(Value::Int).collect::<Vec<_>>());
    }
}

/// Good lines with bytes changed, cut out and cut off: the decoder agrees with `serde_json`'s own reading of each line.
#[test]
fn mangled_lines_are_read_as_serde_json_reads_them() {
    let seeds: [&[u8]; 4] = [
        br#"{"n":12,"s":"a\u00e9\n","f":1.5e2,"x":{"y":[1,{"z":null}]}}"#,
        br#"{"x":{"y":"deep"},"s":"\ud83d\ude00","n":-0,"n":3}"#,
        br#" { "f" : 12345678901234567890 , "s" : true } "#,
        b"{\"s\":\"gr\xc3\xbc\xc3\x9fe\",\"n\":null}",
    ];
    let mut columns = vec![("n", DataType::Int), ("s", DataType::String), ("f", DataType::Float), ("y", DataType::Json)];
    columns.rotate_left(1);
    let mut spec = stream("S", &columns);
    spec.columns[2].path = vec!["x".to_owned(), "y".to_owned()];
    let mut decoder = JsonDecoder::new(vec![spec], Limits::default());
    let mut noise = 42u64;
    let mut below = |bound: usize| {
        noise ^= noise << 13;
        noise ^= noise >> 7;
        noise ^= noise << 17;
        usize::try_from(noise >> 11).unwrap() % bound
    };
    let (mut good, mut bad) = (0, 0);
    for round in 0..20_000 {
        let mut line = seeds[round % seeds.len()].to_vec();
        for _ in 0..below(3) {
            let at = below(line.len());
            match below(4) {
                0 => line[at] = b"{}[]\",:\\0e-u nt\xff"[below(16)],
                1 => line[at] ^= 1 << below(8),
                2 => drop(line.remove(at)),
                _ => line.truncate(at.max(1)),
            }
        }
        if line.contains(&b'\n') || line.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        let mut out = decode(&mut decoder, &line);
        let shown = String::from_utf8_lossy(&line).into_owned();
        assert_eq!(out.events, 1, "{shown}");
        let parsed = serde_json::from_slice::<serde_json::Value>(&line);
        let rows = out.take_rows();
        if let Some(found) = out.bad.first() {
            bad += 1;
            let is_object = parsed.as_ref().is_ok_and(serde_json::Value::is_object);
            assert!(!is_object || found.cause == BadCause::WrongType, "{}: {shown}", found.detail);
            continue;
        }
        good += 1;
        let Ok(serde_json::Value::Object(object)) = parsed else {
            // Half of a surrogate pair where nobody looks is all that is let through.
            assert!(shown.contains("\\u"), "{shown}");
            continue;
        };
        match (rows[0].columns[3].value(0), object.get("n")) {
            (Value::Null, None | Some(serde_json::Value::Null)) => {}
            (Value::Int(n), Some(number)) => assert!(number.as_i64() == Some(n) || number.as_f64() == Some(n as f64), "{shown}"),
            other => panic!("{other:?}: {shown}"),
        }
        match (rows[0].columns[0].value(0), object.get("s")) {
            (Value::Null, None | Some(serde_json::Value::Null)) => {}
            (Value::String(text), Some(serde_json::Value::String(wanted))) => assert_eq!(text, *wanted, "{shown}"),
            (Value::String(text), Some(scalar)) => assert_eq!(text.parse::<serde_json::Value>().unwrap(), *scalar, "{shown}"),
            other => panic!("{other:?}: {shown}"),
        }
    }
    assert!(good > 2000 && bad > 2000, "{good} good and {bad} bad lines");
}
