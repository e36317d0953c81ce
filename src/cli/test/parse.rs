//! A test file to its cases.
//!
//! Words at the beginning of a line say what follows, and what is indented belongs to them:
//!
//! ```text
//! program alerts.tide              -- only where it is not the file of the same name
//! set limit = 800                  -- for all tests, or inside of one for it
//! start 2026-03-01T10:00:00Z
//!
//! test three small payments and a large one
//! given
//!     Payment card=4929-1 amount=0.99 @ 10:00:05
//!     Payment card=4929-1 amount=1.20 @ +30s
//! advance 10m
//! expect
//!     CardTesting card=4929-1 probes=3
//! ```
//!
//! Only the form is looked at here; what a value means is told by the column that it is for.

use betide::{Duration, Timestamp};

/// A test file.
#[derive(Debug, Default)]
pub(super) struct TestFile {
    /// The program, where the file says it.
    pub(super) program: Option<String>,
    pub(super) set: Vec<(String, String)>,
    pub(super) cases: Vec<Case>,
}

/// One test.
#[derive(Debug)]
pub(super) struct Case {
    pub(super) name: String,
    /// Its line, from 1, as are all lines here.
    pub(super) line: usize,
    pub(super) set: Vec<(String, String)>,
    pub(super) start: Timestamp,
    pub(super) blocks: Vec<Block>,
}

/// One part of a test.
#[derive(Debug)]
pub(super) struct Block {
    pub(super) line: usize,
    /// The line behind its last one.
    pub(super) end: usize,
    pub(super) kind: BlockKind,
}

#[derive(Debug)]
pub(super) enum BlockKind {
    Given(Vec<Given>),
    /// Events from a file.
    GivenFile(String),
    /// So much time goes by.
    Advance(Duration),
    /// Exactly these rows.
    Expect(Vec<Fields>),
    /// These rows, in this order, among others.
    ExpectSome(Vec<Fields>),
    /// No row like these.
    ExpectNo(Vec<Fields>),
    /// The rows of a golden file.
    ExpectFile(String),
    /// So many late, bad or unrouted events by now.
    ExpectCount(Counted, u64),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Counted {
    Late,
    Bad,
    Unrouted,
}

/// An event.
#[derive(Debug)]
pub(super) struct Given {
    pub(super) line: usize,
    pub(super) event: Event,
    pub(super) at: Option<Moment>,
}

#[derive(Debug)]
pub(super) enum Event {
    Row(Fields),
    /// An object as it stands.
    Json(String),
}

/// A stream, and values of some of its columns.
#[derive(Debug, Clone)]
pub(super) struct Fields {
    pub(super) line: usize,
    /// The stream; `row` in what is expected stands for a query without a name.
    pub(super) stream: String,
    pub(super) values: Vec<(String, Text)>,
    /// A whole row as JSON, instead of all else.
    pub(super) json: Option<String>,
}

/// A value as it is written.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Text {
    pub(super) text: String,
    pub(super) is_quoted: bool,
}

/// When an event is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Moment {
    /// So long after (or before) the event before it.
    After(Duration),
    /// At this time of the day on which the test starts.
    OfDay(Duration),
    At(Timestamp),
}

/// What is wrong with a test file.
#[derive(Debug)]
pub(super) struct Mistake {
    pub(super) line: usize,
    pub(super) what: String,
}

fn mistake<T>(line: usize, what: impl Into<String>) -> Result<T, Mistake> {
    Err(Mistake { line, what: what.into() })
}

/// Reads a test file.
pub(super) fn parse(text: &str) -> Result<TestFile, Mistake> {
    let mut file = TestFile::default();
    let mut start = Timestamp::parse("2026-01-01T00:00:00Z").unwrap_or_default();
    for (number, line) in (1..).zip(text.lines()) {
        let content = line.trim();
        if content.is_empty() || content.starts_with("--") {
            continue;
        }
        if line.starts_with([' ', '\t']) {
            inside(&mut file, number, content)?;
            continue;
        }
        let (word, rest) = content.split_once(char::is_whitespace).unwrap_or((content, ""));
        let rest = rest.trim();
        match (word, file.cases.last_mut()) {
            ("test", _) if rest.is_empty() => return mistake(number, "a test has a name: test NAME"),
            ("test", _) => {
                file.cases.push(Case { name: rest.to_owned(), line: number, set: Vec::new(), start, blocks: Vec::new() });
            }
            ("program", None) => file.program = Some(rest.to_owned()),
            ("program", Some(_)) => return mistake(number, "`program` stands before the first test"),
            ("set", case) => {
                let Some((name, value)) = rest.split_once('=') else { return mistake(number, "`set` takes NAME = VALUE") };
                let set = case.map_or(&mut file.set, |case| &mut case.set);
                set.push((name.trim().trim_start_matches('$').to_owned(), value.trim().trim_matches('\'').to_owned()));
            }
            ("start", case) => match (Timestamp::parse(rest), case) {
                (Some(time), None) => start = time,
                (Some(time), Some(case)) if case.blocks.is_empty() => case.start = time,
                (Some(_), Some(_)) => return mistake(number, "`start` stands before the events of its test"),
                (None, _) => return mistake(number, format!("`{rest}` is no time: 2026-03-01T10:00:00Z")),
            },
            ("given" | "advance" | "expect", Some(case)) => case.blocks.push(block(number, word, rest)?),
            ("given" | "advance" | "expect", None) => return mistake(number, format!("`{word}` belongs to a test: test NAME")),
            _ => return mistake(number, unknown(word)),
        }
    }
    for case in &file.cases {
        if !case.blocks.iter().any(|block| block.kind.is_expectation()) {
            return mistake(case.line, format!("the test `{}` expects nothing: write `expect`, or `expect nothing`", case.name));
        }
    }
    if file.cases.is_empty() {
        return mistake(1, "there is no test: test NAME, then given, then expect");
    }
    Ok(file)
}

const WORDS: [&str; 7] = ["test", "given", "expect", "advance", "set", "start", "program"];

fn unknown(word: &str) -> String {
    let near = betide::text::nearest(word, WORDS);
    let hint = near.first().map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
    format!("`{word}` is not known here{hint} (events and rows are indented; words that begin a line are {})", WORDS.join(", "))
}

fn block(line: usize, word: &str, rest: &str) -> Result<Block, Mistake> {
    let (first, behind) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
    let behind = behind.trim();
    let kind = match (word, first) {
        ("given", "") => BlockKind::Given(Vec::new()),
        ("given", "file") if !behind.is_empty() => BlockKind::GivenFile(behind.to_owned()),
        ("given", _) => {
            return mistake(line, "behind `given` stands nothing, or `file PATH`; events follow on lines of their own, indented");
        }
        ("advance", _) => match Duration::parse(rest.trim_start_matches('+')) {
            Some(length) if length.0 > 0 => BlockKind::Advance(length),
            _ => return mistake(line, format!("`{rest}` is no length of time: advance 10m")),
        },
        (_, "" | "nothing") => BlockKind::Expect(Vec::new()),
        (_, "some") if behind.is_empty() => BlockKind::ExpectSome(Vec::new()),
        (_, "no") if behind.is_empty() => BlockKind::ExpectNo(Vec::new()),
        (_, "no") => BlockKind::ExpectNo(vec![fields(line, behind)?]),
        (_, "file") if !behind.is_empty() => BlockKind::ExpectFile(behind.to_owned()),
        (_, "late" | "bad" | "unrouted") => {
            let counted = match first {
                "late" => Counted::Late,
                "bad" => Counted::Bad,
                _ => Counted::Unrouted,
            };
            match behind.parse() {
                Ok(count) => BlockKind::ExpectCount(counted, count),
                Err(_) => return mistake(line, format!("`expect {first}` takes a number")),
            }
        }
        _ => {
            let known = "nothing, some, no, file PATH, late N, bad N or unrouted N";
            return mistake(line, format!("`expect {rest}` is not known: behind `expect` stands nothing, or {known}"));
        }
    };
    Ok(Block { line, end: line + 1, kind })
}

/// An indented line.
fn inside(file: &mut TestFile, line: usize, content: &str) -> Result<(), Mistake> {
    let Some(block) = file.cases.last_mut().and_then(|case| case.blocks.last_mut()) else {
        return mistake(line, "this line is indented, and belongs to nothing: `given` or `expect` stands before it");
    };
    block.end = line + 1;
    match &mut block.kind {
        BlockKind::Given(events) => events.push(given(line, content)?),
        BlockKind::Expect(rows) | BlockKind::ExpectSome(rows) | BlockKind::ExpectNo(rows) => rows.push(fields(line, content)?),
        BlockKind::GivenFile(_) | BlockKind::Advance(_) | BlockKind::ExpectFile(_) | BlockKind::ExpectCount(..) => {
            return mistake(line, "nothing can follow here on lines of its own");
        }
    }
    Ok(())
}

fn given(line: usize, content: &str) -> Result<Given, Mistake> {
    let (content, at) = match split_moment(content) {
        Some((before, moment)) => (before, Some(parse_moment(line, moment)?)),
        None => (content, None),
    };
    let event = if content.starts_with('{') { Event::Json(content.to_owned()) } else { Event::Row(fields(line, content)?) };
    if matches!(event, Event::Json(_)) && at.is_some() {
        return mistake(line, "an event in JSON has its time inside");
    }
    Ok(Given { line, event, at })
}

/// Cuts the time off, which stands behind a `@` outside of quotes, before which there is a blank.
fn split_moment(content: &str) -> Option<(&str, &str)> {
    if content.starts_with('{') {
        return None;
    }
    let mut is_quoted = false;
    let mut before = ' ';
    for (at, c) in content.char_indices() {
        is_quoted ^= c == '\'';
        if c == '@' && !is_quoted && before.is_whitespace() {
            return Some((content[..at].trim_end(), content[at + 1..].trim()));
        }
        before = c;
    }
    None
}

fn parse_moment(line: usize, text: &str) -> Result<Moment, Mistake> {
    let moment = match text.split_at_checked(1) {
        Some(("+", length)) => Duration::parse(length).map(Moment::After),
        Some(("-", length)) => Duration::parse(length).map(|length| Moment::After(Duration(-length.0))),
        _ => time_of_day(text).map(Moment::OfDay).or_else(|| Timestamp::parse(text).map(Moment::At)),
    };
    match moment {
        Some(moment) => Ok(moment),
        None => mistake(line, format!("`@ {text}` is no time: write @ +30s, @ 10:04:11, or @ 2026-03-01T10:04:11Z")),
    }
}

/// `10:04`, `10:04:11`, `10:04:11.5`
pub(super) fn time_of_day(text: &str) -> Option<Duration> {
    let is_time = text.contains(':') && text.chars().all(|c| c.is_ascii_digit() || c == ':' || c == '.');
    let full = if text.matches(':').count() == 1 { format!("{text}:00") } else { text.to_owned() };
    let padded = if full.find(':') == Some(1) { format!("0{full}") } else { full };
    let time = Timestamp::parse(&format!("1970-01-01T{padded}Z")).filter(|_| is_time)?;
    Some(Duration(time.0))
}

/// `Stream column=value …`, or one object.
fn fields(line: usize, content: &str) -> Result<Fields, Mistake> {
    if content.starts_with('{') {
        if serde_json::from_str::<serde_json::Value>(content).is_err() {
            return mistake(line, "this is no JSON object");
        }
        return Ok(Fields { line, stream: String::new(), values: Vec::new(), json: Some(content.to_owned()) });
    }
    let (stream, mut rest) = content.split_once(char::is_whitespace).unwrap_or((content, ""));
    if stream.contains('=') {
        return mistake(line, format!("the stream stands first: Stream {content}"));
    }
    let mut values: Vec<(String, Text)> = Vec::new();
    loop {
        rest = rest.trim_start();
        if rest.is_empty() {
            return Ok(Fields { line, stream: stream.to_owned(), values, json: None });
        }
        let (name, behind) = match rest.split_once('=') {
            Some((name, behind)) if !name.trim().is_empty() && !name.trim().contains(char::is_whitespace) => {
                (name.trim().trim_matches('"'), behind)
            }
            _ if WORDS.contains(&stream) => return mistake(line, format!("`{stream}` is indented; it begins its line: {stream} {rest}")),
            _ => return mistake(line, format!("`{rest}` is no column=value; a value with blanks stands in '…'")),
        };
        if values.iter().any(|(known, _)| known == name) {
            return mistake(line, format!("`{name}` is there twice"));
        }
        let (value, behind) = value(line, behind.trim_start())?;
        values.push((name.to_owned(), value));
        rest = behind;
    }
}

/// A value and what stands behind it: in quotes, a list or object in JSON, or up to the next blank.
fn value(line: usize, text: &str) -> Result<(Text, &str), Mistake> {
    if let Some(quoted) = text.strip_prefix('\'') {
        let mut value = String::new();
        let mut rest = quoted;
        loop {
            let Some(end) = rest.find('\'') else { return mistake(line, "a quote is open") };
            value.push_str(&rest[..end]);
            rest = &rest[end + 1..];
            match rest.strip_prefix('\'') {
                Some(behind) => rest = behind,
                None => return Ok((Text { text: value, is_quoted: true }, rest)),
            }
            value.push('\'');
        }
    }
    if text.starts_with(['[', '{']) {
        let mut values = serde_json::Deserializer::from_str(text).into_iter::<serde_json::Value>();
        if !matches!(values.next(), Some(Ok(_))) {
            return mistake(line, format!("`{text}` does not begin with a list or object in JSON"));
        }
        let end = values.byte_offset();
        return Ok((Text { text: text[..end].to_owned(), is_quoted: false }, &text[end..]));
    }
    let end = text.find(char::is_whitespace).unwrap_or(text.len());
    Ok((Text { text: text[..end].to_owned(), is_quoted: false }, &text[end..]))
}

impl BlockKind {
    /// Whether it looks at what has come out.
    pub(super) fn is_expectation(&self) -> bool {
        match self {
            Self::Given(_) | Self::GivenFile(_) | Self::Advance(_) => false,
            Self::Expect(_) | Self::ExpectSome(_) | Self::ExpectNo(_) | Self::ExpectFile(_) | Self::ExpectCount(..) => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_read_as_it_is_meant() {
        let text = "
-- a comment
set limit = 5
start 2026-03-01T10:00:00Z
test one
given
    Payment card='a ''b' amount=1.5 tags=[1, 2] ok=true @ +1m 30s
    {\"type\":\"Payment\"}
advance 10m
expect some
    Alert card=x
expect no Alert card=y
test two
set limit = 7
given file a.jsonl
expect nothing
expect late 2";
        let file = parse(text).unwrap();
        assert_eq!(file.set, [("limit".to_owned(), "5".to_owned())]);
        assert_eq!(file.cases[1].set, [("limit".to_owned(), "7".to_owned())]);
        let BlockKind::Given(events) = &file.cases[0].blocks[0].kind else { panic!() };
        let Event::Row(row) = &events[0].event else { panic!() };
        let values: Vec<&str> = row.values.iter().map(|(_, value)| value.text.as_str()).collect();
        assert_eq!(values, ["a 'b", "1.5", "[1, 2]", "true"]);
        assert_eq!(events[0].at, Some(Moment::After(Duration::from_millis(90_000))));
        assert!(matches!(file.cases[0].blocks[1].kind, BlockKind::Advance(_)));
        assert_eq!((file.cases[0].blocks[2].line, file.cases[0].blocks[2].end), (10, 12));
        assert!(matches!(file.cases[1].blocks[2].kind, BlockKind::ExpectCount(Counted::Late, 2)));
        assert_eq!(time_of_day("9:30"), Some(Duration::from_millis(34_200_000)));
    }

    #[test]
    fn what_is_wrong_is_told_with_its_line() {
        for (text, line, what) in [
            ("", 1, "there is no test"),
            ("test a\n", 1, "expects nothing"),
            ("test a\nexpct\n", 2, "did you mean `expect`?"),
            ("test a\nexpect\n  A x=\"1", 3, ""),
            ("test a\nexpect\n  A x='1", 3, "a quote is open"),
            ("test a\nexpect\n  A x", 3, "is no column=value"),
            ("test a\ngiven\n  A x=1\n  advance 10m\nexpect nothing", 4, "it begins its line: advance 10m"),
            ("test a\ngiven\n  A x=1 @ soon\nexpect nothing", 3, "is no time"),
            ("test a\ngiven\n  A x=1 x=2\nexpect nothing", 3, "`x` is there twice"),
            ("  A x=1\n", 1, "belongs to nothing"),
            ("given\n", 1, "belongs to a test"),
            ("test a\nexpect late many\n", 2, "takes a number"),
        ] {
            match parse(text) {
                Err(found) => assert!(found.line == line && found.what.contains(what), "{text}: {} {}", found.line, found.what),
                Ok(_) => assert!(what.is_empty(), "{text}"),
            }
        }
    }
}
