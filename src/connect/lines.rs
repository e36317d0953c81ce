//! An input cut into chunks of whole lines.
//!
//! A chunk is what one read gives, up to its last line end; what is behind waits for the next. The buffer never grows beyond the longest
//! line allowed and one read. A line that is longer is passed over to its end, and only its head is kept. (A long line that one
//! read holds whole stays in its chunk, where the decoder finds it.)

use std::io::{self, Read};
use std::sync::Arc;

use super::ConnectError;
use crate::codec::{BadEvent, Limits};

/// How much is asked for in one read.
const READ: usize = 256 << 10;

/// What comes next of an input.
#[derive(Debug, PartialEq, Eq)]
pub enum Piece<'reader> {
    /// Whole lines.
    Lines(Chunk<'reader>),
    /// A line that is longer than allowed; of its bytes only the head.
    TooLong(BadEvent),
}

/// Whole lines of an input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Chunk<'reader> {
    /// The lines with their ends; the input's last one may have none.
    pub bytes: &'reader [u8],
    /// The number of the first line, from 1.
    pub line: u64,
    /// The offset of the first byte.
    pub offset: u64,
}

/// Cuts an input into chunks of whole lines.
#[derive(Debug)]
pub struct LineReader<R> {
    input: R,
    name: Arc<str>,
    limits: Limits,
    buffer: Vec<u8>,
    /// The end of the bytes that have been read into the buffer.
    filled: usize,
    /// The beginning of those that no chunk has had yet.
    begin: usize,
    /// How far from `begin` the bytes are known to have no line end.
    searched: usize,
    /// The number of the line at `begin`, and its offset in the input.
    line: u64,
    offset: u64,
    is_at_end: bool,
}

impl<R: Read> LineReader<R> {
    /// A reader of this input; its name is for messages.
    pub fn new(input: R, name: &str, limits: Limits) -> Self {
        Self {
            input,
            name: name.into(),
            limits,
            buffer: vec![0; READ],
            filled: 0,
            begin: 0,
            searched: 0,
            line: 1,
            offset: 0,
            is_at_end: false,
        }
    }

    /// The input's name.
    pub fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// How many bytes have been given out in chunks or passed over.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// The next lines, as soon as there is one; `None` at the end of input.
    pub fn next_piece(&mut self) -> Result<Option<Piece<'_>>, ConnectError> {
        loop {
            let pending = &self.buffer[self.begin..self.filled];
            if let Some(end) = memchr::memrchr(b'\n', &pending[self.searched..]) {
                let length = self.searched + end + 1;
                return Ok(Some(Piece::Lines(self.give(length))));
            }
            self.searched = pending.len();
            // One more than a line may have, for the CR of a CRLF that is still to come.
            if pending.len() > self.limits.max_line + 1 {
                return self.pass_over_line().map(|long| Some(Piece::TooLong(long)));
            }
            if self.is_at_end {
                let rest = pending.len();
                return Ok(if rest == 0 { None } else { Some(Piece::Lines(self.give(rest))) });
            }
            self.read_more()?;
        }
    }

    /// The chunk of the next `length` bytes.
    fn give(&mut self, length: usize) -> Chunk<'_> {
        let (begin, line, offset) = (self.begin, self.line, self.offset);
        self.begin += length;
        self.searched = 0;
        self.offset += length as u64;
        let bytes = &self.buffer[begin..begin + length];
        self.line += memchr::memchr_iter(b'\n', bytes).count() as u64;
        Chunk { bytes, line, offset }
    }

    fn read_more(&mut self) -> Result<(), ConnectError> {
        if self.begin > 0 && self.filled + READ > self.buffer.len() {
            self.buffer.copy_within(self.begin..self.filled, 0);
            self.filled -= self.begin;
            self.begin = 0;
        }
        if self.filled + READ > self.buffer.len() {
            self.buffer.resize(self.filled + READ, 0);
        }
        let room = self.filled..self.filled + READ;
        let read = loop {
            match self.input.read(&mut self.buffer[room.clone()]) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                other => break other,
            }
        };
        let offset = self.offset + (self.filled - self.begin) as u64;
        let read = read.map_err(|source| ConnectError::Read { input: self.name.clone(), offset, source: Arc::new(source) })?;
        self.filled += read;
        self.is_at_end = read == 0;
        Ok(())
    }

    /// Reads to the end of the line that begins here, and keeps its head. On entry the buffer has no line end.
    fn pass_over_line(&mut self) -> Result<BadEvent, ConnectError> {
        let (line, offset) = (self.line, self.offset);
        let pending = &self.buffer[self.begin..self.filled];
        let head = pending[..self.limits.kept_of_long_line.min(pending.len())].to_vec();
        let mut length = 0u64;
        let mut ends_with_return = false;
        loop {
            let pending = &self.buffer[self.begin..self.filled];
            let end = memchr::memchr(b'\n', pending);
            let part = &pending[..end.unwrap_or(pending.len())];
            ends_with_return = part.last().map_or(ends_with_return, |last| *last == b'\r');
            length += part.len() as u64;
            let passed = part.len() + usize::from(end.is_some());
            self.begin += passed;
            self.offset += passed as u64;
            if end.is_some() || self.is_at_end {
                break;
            }
            self.read_more()?;
        }
        self.line += 1;
        self.searched = 0;
        Ok(BadEvent::too_long(line, offset, length - u64::from(ends_with_return), head, self.limits))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::BadCause;

    /// Gives its bytes a few at a time, and fails at the end if told so.
    struct Dripping<'bytes>(&'bytes [u8], usize, bool);

    impl Read for Dripping<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            if self.0.is_empty() && self.2 {
                return Err(io::Error::other("the cable is cut"));
            }
            let length = self.1.min(self.0.len()).min(buffer.len());
            buffer[..length].copy_from_slice(&self.0[..length]);
            self.0 = &self.0[length..];
            Ok(length)
        }
    }

    /// Every line as (number, offset, text), a long one as its length.
    fn lines_of(bytes: &[u8], step: usize, max_line: usize) -> Vec<(u64, u64, String)> {
        let limits = Limits { max_line, kept_of_long_line: 4, ..Limits::default() };
        let mut reader = LineReader::new(Dripping(bytes, step, false), "test", limits);
        let mut lines = Vec::new();
        while let Some(piece) = reader.next_piece().unwrap() {
            match piece {
                Piece::TooLong(long) => {
                    assert_eq!((long.cause, long.bytes.len()), (BadCause::LineTooLong, 4));
                    lines.push((long.line, long.offset, long.detail));
                }
                Piece::Lines(chunk) => {
                    let mut offset = chunk.offset;
                    for (line, text) in (chunk.line..).zip(chunk.bytes.split_inclusive(|b| *b == b'\n')) {
                        lines.push((line, offset, String::from_utf8(text.to_vec()).unwrap().trim_end().to_owned()));
                        offset += text.len() as u64;
                    }
                }
            }
        }
        assert_eq!(reader.offset(), bytes.len() as u64);
        lines
    }

    #[test]
    fn lines_keep_numbers_and_offsets_however_they_drip_in() {
        let text = b"one\n\ntwo\r\nthree\nno end";
        let expected: Vec<_> = [(1, 0, "one"), (2, 4, ""), (3, 5, "two"), (4, 10, "three"), (5, 16, "no end")]
            .map(|(line, offset, text)| (line, offset, text.to_owned()))
            .into();
        for step in [1, 2, 3, 5, 100] {
            assert_eq!(lines_of(text, step, 100), expected, "{step} bytes a read");
        }
        assert_eq!(lines_of(b"", 1, 10), []);
    }

    #[test]
    fn a_long_line_is_passed_over_and_told() {
        let mut text = b"a\n".to_vec();
        text.extend(vec![b'x'; 3 * READ]);
        text.extend(b"\r\nb\n");
        text.extend(vec![b'y'; 2 * READ]);
        let told = |length: usize| format!("the line has {length} bytes, 10 are allowed");
        let after = 2 + 3 * READ as u64 + 2;
        let expected = vec![(1, 0, "a".to_owned()), (2, 2, told(3 * READ)), (3, after, "b".to_owned()), (4, after + 2, told(2 * READ))];
        for step in [1000, READ - 1, READ, 10 * READ] {
            assert_eq!(lines_of(&text, step, 10), expected, "{step} bytes a read");
        }
    }

    #[test]
    fn memory_stays_flat_over_a_line_of_64_megabytes() {
        let limits = Limits::default();
        let mut reader = LineReader::new(io::repeat(b'x').take(64 << 20), "test", limits);
        let Some(Piece::TooLong(long)) = reader.next_piece().unwrap() else { panic!("the line is too long") };
        assert_eq!(long.bytes.len(), limits.kept_of_long_line);
        assert!(long.detail.contains("67108864 bytes"), "{}", long.detail);
        assert!(reader.buffer.len() <= limits.max_line + 3 * READ, "{} bytes of buffer", reader.buffer.len());
        assert_eq!(reader.next_piece().unwrap(), None);
    }

    #[test]
    fn a_failing_read_says_where() {
        let mut reader = LineReader::new(Dripping(b"one\ntwo", 100, true), "pipe", Limits::default());
        assert!(matches!(reader.next_piece(), Ok(Some(Piece::Lines(Chunk { bytes: b"one\n", .. })))));
        assert_eq!(reader.next_piece().unwrap_err().to_string(), "cannot read pipe after 7 bytes: the cable is cut");
    }
}
