//! The cases, each with what has to become of it.
#![allow(unreachable_pub, reason = "the cases of one test crate")]

use crate::command::gzip;

/// There are at least so many.
pub const SMALLEST: usize = 180;

/// Columns of all kinds; `z` and others are read by nobody.
const PLAIN: &str = "CREATE STREAM E (id INT NOT NULL, n INT, x FLOAT, s STRING, ok BOOL, tags LIST<STRING>, at TIMESTAMP) TIMESTAMP BY at;
SELECT id, n, x, s, ok, tags FROM E;";
/// Events of one type alone.
const TYPED: &str = "CREATE STREAM E (id INT NOT NULL, at TIMESTAMP) TIMESTAMP BY at WITH (type = 'E'); SELECT id FROM E;";

/// An input and what becomes of it.
#[derive(Debug, Clone)]
pub struct Case {
    pub name: &'static str,
    pub program: &'static str,
    pub bytes: Vec<u8>,
    /// The bytes are those of gzip or Zstandard.
    pub is_packed: bool,
    /// The ids of the rows.
    pub rows: Vec<i64>,
    /// The line and the cause of each bad event.
    pub bad: Vec<(u64, &'static str)>,
    /// How many rows come before the first bad event.
    pub before: usize,
    pub late: usize,
    pub unrouted: usize,
    /// The exit code without `--strict`.
    pub code: i32,
}

/// A whole input.
fn file(name: &'static str, bytes: impl Into<Vec<u8>>, rows: &[i64], bad: &[(u64, &'static str)], before: usize) -> Case {
    let (rows, bad) = (rows.to_vec(), bad.to_vec());
    Case { name, program: PLAIN, bytes: bytes.into(), is_packed: false, rows, bad, before, late: 0, unrouted: 0, code: 0 }
}

/// A good event.
fn good(id: i64) -> String {
    format!("{{\"type\":\"E\",\"id\":{id},\"n\":1,\"x\":0.5,\"s\":\"good\",\"ok\":true,\"tags\":[\"t\"],\"at\":1000}}")
}

/// A line between two good ones.
fn between(line: &[u8]) -> Vec<u8> {
    [good(1).as_bytes(), b"\n", line, b"\n", good(2).as_bytes(), b"\n"].concat()
}

/// A line between two good ones that is bad.
fn bad(name: &'static str, line: impl AsRef<[u8]>, cause: &'static str) -> Case {
    file(name, between(line.as_ref()), &[1, 2], &[(2, cause)], 1)
}

/// A line between two good ones that is an event, of the id -1.
fn used(name: &'static str, line: impl AsRef<[u8]>) -> Case {
    file(name, between(line.as_ref()), &[1, -1, 2], &[], 3)
}

/// A line between two good ones that is nothing.
fn blank(name: &'static str, line: &str) -> Case {
    file(name, between(line.as_bytes()), &[1, 2], &[], 2)
}

/// An event with this behind its first columns.
fn with(rest: &str) -> String {
    format!("{{\"id\":-1,\"at\":1000,{rest}}}")
}

/// An event of this time.
fn at(time: &str) -> String {
    format!("{{\"id\":-1,\"at\":{time}}}")
}

/// Bytes in a text column.
fn text(bytes: &[u8]) -> Vec<u8> {
    [b"{\"id\":-1,\"at\":1000,\"s\":\"", bytes, b"\"}"].concat()
}

/// Inputs whose shape is odd as a whole.
pub fn files() -> Vec<Case> {
    let (one, two, three) = (good(1), good(2), good(3));
    let utf16 = format!("\u{feff}{one}\n{two}\n").encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>();
    let utf16_be = format!("{one}\n").encode_utf16().flat_map(u16::to_be_bytes).collect::<Vec<u8>>();
    let all_bytes: Vec<u8> = (0..=255).collect();
    vec![
        file("an empty file", "", &[], &[], 0),
        file("one line end", "\n", &[], &[], 0),
        file("blanks", " \t\r\n\r\n \n\n", &[], &[], 0),
        file("a mark at the beginning", format!("\u{feff}{one}\n{two}\n"), &[1, 2], &[], 2),
        file("a mark on the second line", format!("{one}\n\u{feff}{two}\n{three}\n"), &[1, 3], &[(2, "not_json")], 1),
        file("CRLF", format!("{one}\r\n{two}\r\n"), &[1, 2], &[], 2),
        file("CRLF and LF mixed", format!("{one}\r\n{two}\n\r\n{three}"), &[1, 2, 3], &[], 3),
        file("CR alone ends no line", format!("{one}\r{two}\n{three}\n"), &[3], &[(1, "not_json")], 0),
        file("blank lines all over", format!("\n\n{one}\n\n \n\t\n{two}\n\n\n"), &[1, 2], &[], 2),
        file("no end of the last line", format!("{one}\n{two}"), &[1, 2], &[], 2),
        file("the last line is cut", format!("{one}\n{{\"id\":2,\"at\":10"), &[1], &[(2, "not_json")], 1),
        file(
            "the last line is cut in a character",
            b"{\"id\":1,\"at\":1000}\n{\"id\":2,\"s\":\"\xe2\x82".to_vec(),
            &[1],
            &[(2, "not_utf8")],
            1,
        ),
        file("every line is bad", "x\n".repeat(25), &[], &(1..=25).map(|line| (line, "not_json")).collect::<Vec<_>>(), 0),
        file(
            "an object over four lines",
            format!("{{\n\"id\":9,\n\"at\":1000\n}}\n{one}\n"),
            &[1],
            &[(1, "not_json"), (2, "not_json"), (3, "not_json"), (4, "not_json")],
            0,
        ),
        file(
            "an array with an event a line",
            format!("[\n{one},\n{two}\n]\n"),
            &[2],
            &[(1, "not_json"), (2, "not_json"), (4, "not_json")],
            0,
        ),
        file("UTF-16, little end first", utf16, &[], &[(1, "not_utf8"), (2, "not_json"), (3, "not_json")], 0),
        file("UTF-16, big end first", utf16_be, &[], &[(1, "not_json")], 0),
        file("a picture", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".to_vec(), &[], &[(1, "not_utf8"), (2, "not_json"), (3, "not_json")], 0),
        file("every byte there is", all_bytes, &[], &[(1, "not_json"), (2, "not_utf8")], 0),
        file("a table", format!("id,at\n1,1000\n{one}\n"), &[1], &[(1, "not_json"), (2, "not_json")], 0),
        file("a log between events", format!("{one}\n[info] started\n10:00 ok\n{two}\n"), &[1, 2], &[(2, "not_json"), (3, "not_json")], 1),
    ]
}

/// Lines that are no JSON.
pub fn no_json() -> Vec<Case> {
    let cases: Vec<(&'static str, String)> = vec![
        ("a brace", "{".into()),
        ("a brace that closes", "}".into()),
        ("two braces that close", "{\"id\":-1,\"at\":1000}}".into()),
        ("cut in a number", "{\"id\":-1,\"at\":10".into()),
        ("cut behind a comma", "{\"id\":-1,".into()),
        ("two objects", "{\"id\":-1,\"at\":1000}{\"id\":-2,\"at\":1000}".into()),
        ("two objects and a comma", "{\"id\":-1,\"at\":1000},{\"id\":-2,\"at\":1000}".into()),
        ("words behind it", "{\"id\":-1,\"at\":1000} end".into()),
        ("a comment behind it", "{\"id\":-1,\"at\":1000} // last".into()),
        ("a comment", "# {\"id\":-1}".into()),
        ("a comment inside", "{\"id\":-1,/* no */\"at\":1000}".into()),
        ("single quotes", "{'id':-1,'at':1000}".into()),
        ("keys without quotes", "{id:-1,at:1000}".into()),
        ("a comma too many", with("\"n\":1,")),
        ("a comma too many in a list", with("\"tags\":[\"a\",]")),
        ("two commas", with("\"n\":1,,\"s\":\"a\"")),
        ("no comma", "{\"id\":-1 \"at\":1000}".into()),
        ("no colon", "{\"id\" -1,\"at\":1000}".into()),
        ("a key alone", "{\"id\"}".into()),
        ("a list that is open", with("\"tags\":[")),
        ("a text that is open", "{\"id\":-1,\"at\":1000,\"s\":\"open}".into()),
        ("NaN", with("\"x\":NaN")),
        ("Infinity", with("\"x\":Infinity")),
        ("minus Infinity", with("\"x\":-Infinity")),
        ("a plus", with("\"n\":+1")),
        ("two minus", with("\"n\":--1")),
        ("a minus alone", with("\"n\":-")),
        ("a zero in front", with("\"n\":01")),
        ("no digit before the point", with("\"x\":.5")),
        ("no digit behind the point", with("\"x\":1.")),
        ("no digit in the exponent", with("\"x\":1e")),
        ("hexadecimal", with("\"n\":0x10")),
        ("digits in groups", with("\"n\":1_000")),
        ("True", with("\"ok\":True")),
        ("None", with("\"s\":None")),
        ("undefined", with("\"s\":undefined")),
        ("an escape that is none", with("\"s\":\"\\x41\"")),
        ("an escape that is cut", with("\"s\":\"\\u12\"")),
        ("an escape of another language", with("\"s\":\"\\u{41}\"")),
        ("a tab in a text", with("\"s\":\"a\tb\"")),
        ("a NUL in a text", with("\"s\":\"a\0b\"")),
        ("a control sign in a key", "{\"i\u{1}d\":-1,\"at\":1000}".into()),
        ("a NUL", "\0".into()),
        ("a NUL behind it", "{\"id\":-1,\"at\":1000}\0".into()),
        ("a vertical tab", "\u{b}".into()),
        ("a space that is none of JSON's", "\u{a0}{\"id\":-1,\"at\":1000}".into()),
        ("markup", "<event id=\"1\"/>".into()),
        ("broken where nobody reads", with("\"z\":[1,,2]")),
    ];
    cases.into_iter().map(|(name, line)| bad(name, line, "not_json")).collect()
}

/// Lines that are JSON and do not fit, or are of another encoding, or too much.
pub fn misfits() -> Vec<Case> {
    let digits = "9".repeat(400);
    let deep = |levels: usize| with(&format!("\"z\":{}{}", "[".repeat(levels), "]".repeat(levels)));
    let of_length = |length: usize| with(&format!("\"s\":\"{}\"", "y".repeat(length - with("\"s\":\"\"").len())));
    vec![
        bad("an array", "[{\"id\":-1,\"at\":1000}]", "not_an_object"),
        bad("null", "null", "not_an_object"),
        bad("a text", "\"{}\"", "not_an_object"),
        bad("a number", "42", "not_an_object"),
        bad("a truth", "true", "not_an_object"),
        bad("2^63", with("\"n\":9223372036854775808"), "wrong_type"),
        bad("2^64", with("\"n\":18446744073709551616"), "wrong_type"),
        bad("400 digits", with(&format!("\"n\":{digits}")), "wrong_type"),
        bad("400 digits for a FLOAT", with(&format!("\"x\":{digits}")), "wrong_type"),
        bad("1e400 for an INT", with("\"n\":1e400"), "wrong_type"),
        bad("1e999 for a FLOAT", with("\"x\":1e999"), "wrong_type"),
        bad("a fraction for an INT", with("\"n\":1.5"), "wrong_type"),
        bad("a text for an INT", with("\"n\":\"1\""), "wrong_type"),
        bad("a text for a FLOAT", with("\"x\":\"1.5\""), "wrong_type"),
        bad("a truth for an INT", with("\"n\":true"), "wrong_type"),
        bad("a number for a BOOL", with("\"ok\":1"), "wrong_type"),
        bad("a list for an INT", with("\"n\":[1]"), "wrong_type"),
        bad("an object for a STRING", with("\"s\":{}"), "wrong_type"),
        bad("a text for a LIST", with("\"tags\":\"a\""), "wrong_type"),
        bad("an object in a LIST", with("\"tags\":[\"a\",{}]"), "wrong_type"),
        bad("the last of two keys does not fit", with("\"n\":1,\"n\":\"2\""), "wrong_type"),
        bad("nothing at all", "{}", "missing_value"),
        bad("no value for NOT NULL", "{\"at\":1000}", "missing_value"),
        bad("null for NOT NULL", "{\"id\":null,\"at\":1000}", "missing_value"),
        bad("a key in capitals is another key", "{\"ID\":-1,\"at\":1000}", "missing_value"),
        bad("no time", "{\"id\":-1}", "no_time"),
        bad("null for the time", at("null"), "no_time"),
        bad("a word for the time", at("\"yesterday\""), "wrong_type"),
        bad("digits in a text for the time", at("\"1000\""), "wrong_type"),
        bad("a day that does not exist", at("\"2026-02-30T00:00:00Z\""), "wrong_type"),
        bad("the 25th hour", at("\"2026-03-01T25:00:00Z\""), "wrong_type"),
        bad("a truth for the time", at("true"), "wrong_type"),
        bad("half a millisecond of a number", at("1000.5"), "wrong_type"),
        bad("the year 9999", at("\"9999-12-31T23:59:59Z\""), "time_out_of_range"),
        bad("2^63 - 1 milliseconds", at("9223372036854775807"), "time_out_of_range"),
        bad("-2^63 milliseconds", at("-9223372036854775808"), "time_out_of_range"),
        bad("1e30 milliseconds", at("1e30"), "time_out_of_range"),
        bad("no UTF-8 in a text", text(b"caf\xe9"), "not_utf8"),
        bad("no UTF-8 in a key", b"{\"id\":-1,\"at\":1000,\"\xff\":1}", "not_utf8"),
        bad("no UTF-8 where nobody reads", b"{\"id\":-1,\"at\":1000,\"z\":\"\xc3\"}", "not_utf8"),
        bad("a character that is cut", text(b"\xe2\x82"), "not_utf8"),
        bad("a NUL in two bytes", text(b"\xc0\x80"), "not_utf8"),
        bad("half a pair as bytes", text(b"\xed\xa0\x80"), "not_utf8"),
        bad("half a pair", text(b"\\ud800"), "lone_surrogate"),
        bad("the other half of a pair", text(b"\\udc00"), "lone_surrogate"),
        bad("a pair the wrong way round", text(b"\\udc00\\ud800"), "lone_surrogate"),
        bad("half a pair in a key", "{\"id\":-1,\"at\":1000,\"\\ud800\":1}", "lone_surrogate"),
        bad("128 lists in an object", deep(128), "too_deep"),
        bad("100,000 lists", deep(100_000), "too_deep"),
        bad("100,000 lists that stay open", "[".repeat(100_000), "too_deep"),
        bad("a byte more than a line may have", of_length((1 << 20) + 1), "line_too_long"),
        bad("a line of 10 MB", of_length(10 << 20), "line_too_long"),
        bad("a line of 10 MB that is no JSON", "x".repeat(10 << 20), "line_too_long"),
    ]
    .into_iter()
    .chain([of_length(1 << 20)].map(|line| used("as many bytes as a line may have", line)))
    .chain([deep(127)].map(|line| used("127 lists in an object", line)))
    .collect()
}

/// Lines that look wrong and are not.
pub fn odd() -> Vec<Case> {
    let many: String = (0..50_000).map(|number| format!("\"k{number}\":0,")).collect();
    let long_key = "k".repeat(500_000);
    // Later than the good one before it, with none behind.
    let later = |name, time: &str| file(name, format!("{}\n{}\n", good(1), at(time)), &[1, -1], &[], 2);
    // Earlier, with the good one behind.
    let earlier = |name, time: &str| file(name, format!("{}\n{}\n", at(time), good(1)), &[-1, 1], &[], 2);
    vec![
        blank("a line end of Windows alone", "\r"),
        blank("blanks between events", "  \t"),
        blank("a form feed", "\u{c}"),
        used("a key twice", with("\"n\":1,\"n\":2")),
        used("the id twice", "{\"id\":7,\"at\":1000,\"id\":-1}"),
        used("minus zero", with("\"n\":-0")),
        used("a whole number with a point", with("\"n\":3.0")),
        used("an exponent for an INT", with("\"n\":1e3")),
        used("-2^63", with("\"n\":-9223372036854775808")),
        used("400 digits behind the point", with(&format!("\"x\":0.{}", "3".repeat(400)))),
        used("too small for a FLOAT", with("\"x\":1e-999")),
        used("1e999 where nobody reads", with("\"z\":1e999")),
        used("a number for a STRING", with("\"s\":17")),
        used("null for everything that may be", with("\"n\":null,\"x\":null,\"s\":null,\"ok\":null,\"tags\":null")),
        used("null in a list", with("\"tags\":[null,\"a\"]")),
        used("a NUL by its number", with("\"s\":\"\\u0000\"")),
        used("half a pair where nobody reads", with("\"z\":\"\\ud800\"")),
        used("a line separator", with("\"s\":\"a\u{2028}b\"")),
        used("a key by numbers", "{\"\\u0069\\u0064\":-1,\"at\":1000}"),
        used("a key of no letters", with("\"\":0")),
        used("keys that others trip over", with("\"__proto__\":{},\"constructor\":0,\"$id\":9")),
        used("50,000 fields", with(&format!("{many}\"z\":0"))),
        used("a key of 500,000 letters", with(&format!("\"{long_key}\":0"))),
        used("blanks all over", " {\t\"id\" : -1 ,\t\"at\" : 1000 } \r"),
        used("a time with an exponent", at("1e3")),
        later("a leap second", "\"2016-12-31T23:59:60Z\""),
        later("a time of another zone", "\"2026-03-01T12:00:00+14:00\""),
        later("the last year", "\"2262-04-11T23:47:16Z\""),
        earlier("before 1970", "-1"),
        earlier("the first year", "\"1677-09-22T00:00:00Z\""),
        // A second of Unix time where milliseconds are told is a time of January 1970.
        Case { late: 1, ..file("a time of another unit", between(at("1").as_bytes()), &[1, 2], &[], 2) },
    ]
}

/// Events whose type is odd, for a program that wants one type.
pub fn typed() -> Vec<Case> {
    let unrouted = |name, line: &str| Case { unrouted: 1, program: TYPED, ..file(name, between(line.as_bytes()), &[1, 2], &[], 2) };
    let used = |name, line: &str| Case { program: TYPED, ..used(name, line) };
    let bad = |name, line: &str, cause| Case { program: TYPED, ..bad(name, line, cause) };
    vec![
        unrouted("an unknown type", "{\"type\":\"X\",\"id\":-1,\"at\":1000}"),
        unrouted("no type", "{\"id\":-1,\"at\":1000}"),
        unrouted("null for the type", "{\"type\":null,\"id\":-1,\"at\":1000}"),
        unrouted("a list for the type", "{\"type\":[\"E\"],\"id\":-1,\"at\":1000}"),
        unrouted("a type in small letters", "{\"type\":\"e\",\"id\":-1,\"at\":1000}"),
        unrouted("a type with a blank", "{\"type\":\"E \",\"id\":-1,\"at\":1000}"),
        unrouted("a misfit of an unknown type", "{\"type\":\"X\",\"id\":\"?\",\"at\":\"?\"}"),
        unrouted("the last of two types is unknown", "{\"type\":\"E\",\"type\":\"X\",\"id\":-1,\"at\":1000}"),
        used("the type by a number", "{\"\\u0074ype\":\"\\u0045\",\"id\":-1,\"at\":1000}"),
        used("the last of two types is known", "{\"type\":\"X\",\"type\":\"E\",\"id\":-1,\"at\":1000}"),
        used("the type at the end", "{\"id\":-1,\"at\":1000,\"z\":{\"type\":\"X\"},\"type\":\"E\"}"),
        bad("a misfit of the type", "{\"type\":\"E\",\"id\":\"?\",\"at\":1000}", "wrong_type"),
        bad("null for NOT NULL of the type", "{\"type\":\"E\",\"id\":null,\"at\":1000}", "missing_value"),
    ]
}

/// A frame of Zstandard with one block of bytes as they are.
fn zstd(bytes: &[u8]) -> Vec<u8> {
    let length = u8::try_from(bytes.len()).expect("a short one");
    let block = (u32::from(length) << 3 | 1).to_le_bytes();
    [&[0x28, 0xb5, 0x2f, 0xfd, 0x20, length], &block[..3], bytes].concat()
}

/// Packed files.
pub fn packed() -> Vec<Case> {
    let line = |id| format!("{}\n", good(id)).into_bytes();
    let (one, two) = (line(1), line(2));
    let both = gzip(&[&one[..], &two].concat());
    let cut = |bytes: &[u8], from_end: usize| bytes[..bytes.len() - from_end].to_vec();
    let whole = |name, bytes: Vec<u8>, rows: &[i64]| Case { is_packed: true, ..file(name, bytes, rows, &[], rows.len()) };
    // What came before the damage is used, and the run says that it could not read on.
    let broken = |name, bytes: Vec<u8>, rows: &[i64]| Case { code: 74, ..whole(name, bytes, rows) };
    let mut flipped = both.clone();
    let crc = flipped.len() - 8;
    flipped[crc] ^= 1;
    let bad_inside = gzip(&[&one[..], b"x\n", &two].concat());
    vec![
        whole("two members", [gzip(&one), gzip(&two)].concat(), &[1, 2]),
        whole("a member of nothing", gzip(b""), &[]),
        whole("a member of nothing in the middle", [gzip(&one), gzip(b""), gzip(&two)].concat(), &[1, 2]),
        whole("a line over two members", [gzip(&one[..20]), gzip(&one[20..])].concat(), &[1]),
        whole("two frames", [zstd(&one), zstd(&two)].concat(), &[1, 2]),
        Case { bad: vec![(2, "not_json")], before: 1, ..whole("a bad line in a member", bad_inside, &[1, 2]) },
        broken("the end of a member is cut", cut(&both, 4), &[1, 2]),
        broken("the second member is cut", [gzip(&one), cut(&gzip(&two), 20)].concat(), &[1]),
        broken("a checksum that is wrong", flipped, &[1, 2]),
        broken("garbage behind a member", [&both[..], b"garbage"].concat(), &[1, 2]),
        broken("a head and nothing else", b"\x1f\x8b\x08\0".to_vec(), &[]),
        broken("the second frame is cut", [zstd(&one), cut(&zstd(&two), 9)].concat(), &[1]),
        broken("garbage behind a frame", [&zstd(&one)[..], b"garbage"].concat(), &[1]),
        file("plain bytes in a file named .gz", between(b"x"), &[1, 2], &[(2, "not_json")], 1).packed_alike(),
    ]
}

impl Case {
    /// The bytes as they are in the file named `.gz` too.
    fn packed_alike(self) -> Self {
        Self { is_packed: true, ..self }
    }
}
