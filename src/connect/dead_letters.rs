//! The dead-letter file: one JSON object for every line that was no good.
//!
//! `{"source":…,"line":…,"offset":…,"cause":…,"detail":…,"event":…}` has the line itself as a string; one that is not UTF-8 stands as
//! `"base64"` instead, so that its bytes can be had back. Of a line that was too long only the head is there, as its detail says. A record of
//! comma-separated values has the header of its input with it, without which its cells would have no names.

use std::fmt;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::ConnectError;
use crate::codec::BadEvent;
use crate::codec::json::write_string;

/// Writes dead letters.
pub struct DeadLetters {
    path: Arc<str>,
    file: Box<dyn Write + Send>,
    line: Vec<u8>,
}

impl DeadLetters {
    /// Creates the file, or empties it.
    pub fn create(path: &str) -> Result<Self, ConnectError> {
        let path: Arc<str> = path.into();
        match File::create(&*path) {
            Ok(file) => Ok(Self { path, file: Box::new(BufWriter::new(file)), line: Vec::new() }),
            Err(source) => Err(ConnectError::CreateDeadLetters { path, source: Arc::new(source) }),
        }
    }

    /// Writes to any writer; `path` is its name in messages.
    pub fn new(path: &str, writer: impl Write + Send + 'static) -> Self {
        Self { path: path.into(), file: Box::new(writer), line: Vec::new() }
    }

    /// Writes what is wrong with a line of this input, whose header is this if it has one.
    pub fn write(&mut self, input: &str, header: Option<&[u8]>, bad: &BadEvent) -> Result<(), ConnectError> {
        self.line.clear();
        write_letter(input, header, bad, &mut self.line);
        self.file.write_all(&self.line).map_err(|source| self.failed(source))
    }

    /// The line of a letter, for who writes it himself.
    pub fn letter(input: &str, header: Option<&[u8]>, bad: &BadEvent) -> Vec<u8> {
        let mut line = Vec::new();
        write_letter(input, header, bad, &mut line);
        line
    }

    /// Has everything that was written reach the file.
    pub fn flush(&mut self) -> Result<(), ConnectError> {
        self.file.flush().map_err(|source| self.failed(source))
    }

    fn failed(&self, source: io::Error) -> ConnectError {
        ConnectError::WriteDeadLetter { path: self.path.clone(), source: Arc::new(source) }
    }
}

impl fmt::Debug for DeadLetters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DeadLetters").field("path", &self.path).finish_non_exhaustive()
    }
}

fn write_letter(input: &str, header: Option<&[u8]>, bad: &BadEvent, out: &mut Vec<u8>) {
    let key = |name: &str, out: &mut Vec<u8>| {
        out.push(if out.is_empty() { b'{' } else { b',' });
        write_string(name, out);
        out.push(b':');
    };
    key("source", out);
    write_string(input, out);
    for (name, number) in [("line", bad.line), ("offset", bad.offset)] {
        key(name, out);
        out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
    }
    for (name, text) in [("cause", bad.cause.code()), ("detail", &bad.detail)] {
        key(name, out);
        write_string(text, out);
    }
    if let Some(header) = header {
        key("header", out);
        // The decoder reads the names of columns in the same way.
        write_string(String::from_utf8_lossy(header).trim_end_matches(['\r', '\n']), out);
    }
    match std::str::from_utf8(&bad.bytes) {
        Ok(text) => {
            key("event", out);
            write_string(text, out);
        }
        Err(_) => {
            key("base64", out);
            write_string(&STANDARD.encode(&bad.bytes), out);
        }
    }
    out.extend_from_slice(b"}\n");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::BadCause;

    #[test]
    fn letters_hold_the_line_in_any_encoding() {
        let bad =
            |bytes: &[u8]| BadEvent { line: 3, offset: 40, cause: BadCause::NotJson, detail: "a \"b\"".to_owned(), bytes: bytes.into() };
        let mut out = Vec::new();
        write_letter("in.jsonl", None, &bad(b"{\"x\": \0"), &mut out);
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "{\"source\":\"in.jsonl\",\"line\":3,\"offset\":40,\"cause\":\"not_json\",\"detail\":\"a \\\"b\\\"\",\"event\":\"{\\\"x\\\": \\u0000\"}\n"
        );
        let mut out = Vec::new();
        write_letter("in.jsonl", None, &bad(b"\xff\xfe"), &mut out);
        assert!(out.ends_with(b"\"base64\":\"//4=\"}\n"));
        let record = DeadLetters::letter("in.csv", Some(b"a,b\r\n"), &bad(b"1"));
        assert!(record.ends_with(b"\"header\":\"a,b\",\"event\":\"1\"}\n"));
    }

    #[test]
    fn a_full_disk_is_told_with_its_path() {
        struct Full;
        impl Write for Full {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(io::ErrorKind::StorageFull.into())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let bad = BadEvent { line: 1, offset: 0, cause: BadCause::NoTime, detail: String::new(), bytes: Vec::new() };
        let error = DeadLetters::new("bad.jsonl", Full).write("-", None, &bad).unwrap_err();
        assert!(error.to_string().starts_with("cannot write to the dead-letter file bad.jsonl: "), "{error}");
        assert!(DeadLetters::create("/no/such/folder/bad.jsonl").is_err());
    }
}
