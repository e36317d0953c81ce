//! A dead-letter file read back: each line a letter, or why it is none.
//!
//! Who mends a file by hand, cuts it, or takes the wrong one is told by line; nothing else is lost for it. Fields that are not known are
//! passed over, and a letter that says to be of another version than 1 (which says nothing) is refused.

use std::collections::VecDeque;
use std::io::Read;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;

use super::{Chunk, ConnectError, LineReader, Piece};
use crate::codec::{BadCause, Limits};

/// The longest line of a dead-letter file: that of a letter whose event has 10 MiB, each byte written in six.
const MAX_LINE: usize = 64 << 20;

/// One event that was no good.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Letter {
    /// The input that it stood in.
    pub source: String,
    /// The number of its line there, from 1.
    pub line: u64,
    /// The offset of its first byte there.
    pub offset: u64,
    /// Why it was bad, as a code; one of a later version may not be among [`BadCause::ALL`].
    pub cause: String,
    /// The same in words.
    pub detail: String,
    /// The header of its input, if it is a record of comma-separated values.
    pub header: Option<String>,
    /// The line itself, or its head.
    pub bytes: Vec<u8>,
    /// The line of the dead-letter file, without its end.
    pub text: Vec<u8>,
}

impl Letter {
    /// Whether it has no more than the head of a line that was too long.
    pub fn is_only_a_head(&self) -> bool {
        self.cause == BadCause::LineTooLong.code()
    }

    /// Reads a line of a dead-letter file; the error is in words.
    pub fn read(line: &[u8]) -> Result<Self, String> {
        // serde would take the fields from an array too.
        if line.starts_with(b"[") {
            return Err("it is an array, and a letter is an object".to_owned());
        }
        let written: Written = serde_json::from_slice(line).map_err(|error| {
            let message = error.to_string().replace(" at line 1 column ", " at column ");
            if error.is_eof() { format!("the line is cut: {message}") } else { message }
        })?;
        if let Some(version) = written.version.filter(|version| *version != 1) {
            return Err(format!("it is of version {version}, and this betide reads version 1"));
        }
        let bytes = match (written.event, written.base64) {
            (Some(text), None) => text.into_bytes(),
            (None, Some(code)) => STANDARD.decode(&code).map_err(|error| format!("`base64` is none: {error}"))?,
            (Some(_), Some(_)) => return Err("it has an `event` and a `base64`, and one of them is the line".to_owned()),
            (None, None) => return Err("it has neither an `event` nor a `base64`, so there is no line".to_owned()),
        };
        let (source, line_number, offset) = (written.source, written.line, written.offset);
        let (cause, detail, header) = (written.cause, written.detail, written.header);
        Ok(Self { source, line: line_number, offset, cause, detail, header, bytes, text: line.to_vec() })
    }
}

/// A letter as it is written.
#[derive(Deserialize)]
struct Written {
    version: Option<u64>,
    source: String,
    line: u64,
    offset: u64,
    cause: String,
    #[serde(default)]
    detail: String,
    header: Option<String>,
    event: Option<String>,
    base64: Option<String>,
}

/// A line of the file, by its number: a letter, or why it is none.
pub type NumberedLetter = (u64, Result<Letter, String>);

/// Reads letters, one after the other.
#[derive(Debug)]
pub struct Letters<R> {
    lines: LineReader<R>,
    /// Lines that have been read, with their numbers.
    waiting: VecDeque<NumberedLetter>,
}

impl<R: Read> Letters<R> {
    /// The letters in this file; its name is for messages.
    pub fn new(file: R, name: &str) -> Self {
        let limits = Limits { max_line: MAX_LINE, kept_of_long_line: 0, ..Limits::default() };
        Self { lines: LineReader::new(file, name, limits), waiting: VecDeque::new() }
    }

    /// The next line that is not blank, with its number: a letter, or why it is none.
    pub fn next_letter(&mut self) -> Result<Option<NumberedLetter>, ConnectError> {
        while self.waiting.is_empty() {
            match self.lines.next_piece()? {
                None => return Ok(None),
                Some(Piece::TooLong(long)) => self.waiting.push_back((long.line, Err(long.detail))),
                Some(Piece::Lines(chunk)) => self.waiting.extend(letters_of(&chunk)),
            }
        }
        Ok(self.waiting.pop_front())
    }
}

fn letters_of(chunk: &Chunk<'_>) -> impl Iterator<Item = NumberedLetter> {
    let is_first = chunk.line == 1;
    let lines = (chunk.line..).zip(chunk.bytes.split(|byte| *byte == b'\n'));
    let lines = lines.map(move |(number, line)| (number, line.strip_prefix(b"\xef\xbb\xbf").filter(|_| is_first).unwrap_or(line)));
    let lines = lines.map(|(number, line)| (number, line.trim_ascii())).filter(|(_, line)| !line.is_empty());
    lines.map(|(number, line)| (number, Letter::read(line)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::BadEvent;
    use crate::connect::DeadLetters;

    #[test]
    fn what_is_written_is_read_back_whatever_the_bytes() {
        let lines: [&[u8]; 6] = [b"", b"{\"a\": \"\\ud800\"}", b"\xff\x00\n", b"caf\xc3\xa9 \"x\" \\", b"\xed\xa0\x80", b"a,\"b\nc\""];
        let mut file = Vec::new();
        for (number, bytes) in (1..).zip(lines) {
            let bad =
                BadEvent { line: number, offset: 7, cause: BadCause::NotJson, detail: "no \"good\"".to_owned(), bytes: bytes.to_vec() };
            file.extend(DeadLetters::letter("in \u{1f600}", (number == 6).then_some(&b"x,y"[..]), &bad));
        }
        let mut letters = Letters::new(&file[..], "bad.jsonl");
        for (number, bytes) in (1..).zip(lines) {
            let (at, letter) = letters.next_letter().unwrap().unwrap();
            let letter = letter.unwrap();
            assert_eq!((at, letter.line, &letter.bytes[..], &*letter.source), (number, number, bytes, "in \u{1f600}"));
            assert_eq!((letter.cause.as_str(), letter.header.is_some()), ("not_json", number == 6));
        }
        assert_eq!(letters.next_letter().unwrap(), None);
    }

    #[test]
    fn a_line_that_is_no_letter_is_told_and_the_next_one_read() {
        let good = r#"{"source":"a","line":1,"offset":0,"cause":"not_json","detail":"","event":"x"}"#;
        let file = format!(
            "{good}\n\n{}\nnonsense\n{}\n{}\n{}\n[1]\n{}\n{}\r\n",
            &good[..40],
            good.replace("\"event\":\"x\"", "\"base64\":\"?\""),
            good.replace(",\"event\":\"x\"", ""),
            good.replace("\"line\":1", "\"version\":2,\"line\":1"),
            good.replace("\"line\":1", "\"line\":-1"),
            good.replace("\"line\":1", "\"later\":{},\"version\":1,\"line\":1"),
        );
        let mut letters = Letters::new(file.as_bytes(), "bad.jsonl");
        let mut found = Vec::new();
        while let Some((number, letter)) = letters.next_letter().unwrap() {
            found.push((number, letter.err().unwrap_or_default()));
        }
        let expected = [
            (1, ""),
            (3, "the line is cut: "),
            (4, "expected ident at column 2"),
            (5, "`base64` is none: "),
            (6, "it has neither an `event` nor a `base64`"),
            (7, "it is of version 2, and this betide reads version 1"),
            (8, "it is an array, and a letter is an object"),
            (9, "invalid value: integer `-1`"),
            (10, ""),
        ];
        assert_eq!(found.len(), expected.len(), "{found:?}");
        for ((number, told), (line, begin)) in found.iter().zip(expected) {
            assert!(*number == line && told.starts_with(begin) && told.is_empty() == begin.is_empty(), "{number}: {told}");
        }
    }

    #[test]
    fn every_cut_of_a_letter_is_told_and_none_panics() {
        let bad = BadEvent { line: 1, offset: 0, cause: BadCause::NotUtf8, detail: "byte 1".to_owned(), bytes: b"\xff\xfe".to_vec() };
        let whole = DeadLetters::letter("in.jsonl", None, &bad);
        let whole = whole.trim_ascii();
        assert!(Letter::read(whole).is_ok());
        for end in 1..whole.len() {
            assert!(Letter::read(&whole[..end]).is_err(), "cut at {end}");
        }
        for at in 0..whole.len() {
            for bit in 0..8 {
                let mut damaged = whole.to_vec();
                damaged[at] ^= 1 << bit;
                // Many a flipped bit leaves a letter, if another one. None may panic.
                let _ = Letter::read(&damaged);
            }
        }
    }
}
