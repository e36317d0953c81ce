//! Chunks of bytes cut anywhere, to pieces of whole lines; no line is held that is too long to be used.

use memchr::{memchr, memchr_iter, memrchr};

use crate::data::StateError;

/// Whole lines, or one that is too long.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Piece<'c> {
    /// Lines with their ends (the last line of an input may lack it).
    Lines(&'c [u8]),
    /// A line with its end that came in pieces; the lines behind it follow at once.
    Seam(&'c [u8]),
    /// A line of which only the head was kept.
    TooLong {
        /// How many bytes it has without its end.
        length: u64,
        /// Its first bytes.
        head: &'c [u8],
    },
}

/// How much of a piece of whole lines was taken; of a line that is too long always all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Taken {
    pub(super) lines: usize,
    pub(super) bytes: usize,
}

/// Where a piece begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Start {
    /// The number of its first line, from 1.
    pub(super) line: u64,
    /// The offset of its first byte.
    pub(super) offset: u64,
}

/// The unfinished line at the end of what has come so far, and where it begins.
#[derive(Debug)]
pub(super) struct Lines {
    at: Start,
    /// At most `keeps` bytes of the unfinished line.
    partial: Vec<u8>,
    /// How long it really is.
    length: u64,
    keeps: usize,
}

impl Lines {
    /// For an input whose lines may have so many bytes without their ends.
    pub(super) fn new(max_line: usize) -> Self {
        // With its CR and LF the longest line that is allowed still fits.
        Self { at: Start { line: 1, offset: 0 }, partial: Vec::new(), length: 0, keeps: max_line.saturating_add(2) }
    }

    /// The same for an input whose lines may have so many bytes. What was kept of a line that is too long by then stays as it is.
    pub(super) fn keeping(self, max_line: usize) -> Result<Self, StateError> {
        if self.partial.len() as u64 > self.length {
            return Err(StateError::new("a line of fewer bytes than were kept of it"));
        }
        let keeps = max_line.saturating_add(2).max(self.partial.len());
        let is_cut = self.partial.len() as u64 != self.length;
        Ok(Self { keeps: if is_cut { self.partial.len() } else { keeps }, ..self })
    }

    /// Whether no line is unfinished.
    pub(super) fn is_between(&self) -> bool {
        self.length == 0
    }

    /// Takes a chunk and gives its whole lines away, as many at once as there are; `take` says how many of them it took, and is given the rest
    /// again. After an error the rest of the chunk is lost.
    pub(super) fn push<E>(&mut self, mut chunk: &[u8], take: &mut impl FnMut(Start, Piece<'_>) -> Result<Taken, E>) -> Result<(), E> {
        if self.length > 0 {
            let Some(end) = memchr(b'\n', chunk) else {
                self.keep(chunk);
                return Ok(());
            };
            self.keep(&chunk[..=end]);
            chunk = &chunk[end + 1..];
            self.end_line(chunk.contains(&b'\n'), take)?;
        }
        let whole = memrchr(b'\n', chunk).map_or(0, |end| end + 1);
        let (mut lines, rest) = chunk.split_at(whole);
        while !lines.is_empty() {
            let start = self.at;
            let taken = take(start, Piece::Lines(lines))?;
            debug_assert!(taken.bytes > 0, "a taker takes something");
            self.at = Start { line: start.line + taken.lines as u64, offset: start.offset + taken.bytes as u64 };
            lines = &lines[taken.bytes..];
        }
        self.keep(rest);
        Ok(())
    }

    /// The end of an input: gives its last line away, if that has no end, and begins to count anew.
    pub(super) fn finish<E>(&mut self, take: &mut impl FnMut(Start, Piece<'_>) -> Result<Taken, E>) -> Result<(), E> {
        let taken = if self.length > 0 { self.end_line(false, take) } else { Ok(()) };
        self.at = Start { line: 1, offset: 0 };
        taken
    }

    fn keep(&mut self, bytes: &[u8]) {
        let room = self.keeps - self.partial.len();
        self.partial.extend_from_slice(&bytes[..bytes.len().min(room)]);
        self.length += bytes.len() as u64;
    }

    fn end_line<E>(&mut self, is_followed: bool, take: &mut impl FnMut(Start, Piece<'_>) -> Result<Taken, E>) -> Result<(), E> {
        let partial = std::mem::take(&mut self.partial);
        let length = std::mem::take(&mut self.length);
        let start = self.at;
        self.at = Start { line: start.line + 1, offset: start.offset + length };
        if length == partial.len() as u64 {
            take(start, if is_followed { Piece::Seam(&partial) } else { Piece::Lines(&partial) })?;
        } else {
            // What was not kept ends with the line's end, but for the last line of an input, where it may have none.
            take(start, Piece::TooLong { length: length - 1, head: &partial })?;
        }
        Ok(())
    }
}

impl Taken {
    /// The first of some lines, at most so many. A line without its end is all there is.
    pub(super) fn most_of(lines: &[u8], most: usize) -> Self {
        let (lines, end) = whole_lines(lines, most.max(1)).unwrap_or((1, lines.len() - 1));
        Self { lines, bytes: end + 1 }
    }
}

/// How many whole lines a chunk begins with, at most so many, and where the end of the last one stands.
fn whole_lines(chunk: &[u8], most: usize) -> Option<(usize, usize)> {
    // Line ends of a block are counted many at a time; only in the last one their places matter.
    const BLOCK: usize = 4096;
    let mut count = 0;
    for (block, begin) in chunk.chunks(BLOCK).zip((0..).step_by(BLOCK)) {
        let more = memchr_iter(b'\n', block).count();
        if count + more >= most {
            return memchr_iter(b'\n', block).nth(most - count - 1).map(|at| (most, begin + at));
        }
        count += more;
    }
    memrchr(b'\n', chunk).map(|end| (count, end))
}

crate::saved!(Start { line, offset });
crate::saved!(Lines { at, partial, length, keeps });

#[cfg(test)]
mod tests {
    use super::{Lines, Piece, Start, Taken};

    /// What comes of these chunks: (line, offset, text or length).
    fn cut(chunks: &[&[u8]], most: usize, max_line: usize) -> Vec<(u64, u64, String)> {
        let mut lines = Lines::new(max_line);
        let mut found = Vec::new();
        let mut take = |start: Start, piece: Piece<'_>| {
            let (text, taken) = match piece {
                Piece::Lines(bytes) | Piece::Seam(bytes) => {
                    let taken = Taken::most_of(bytes, most);
                    (String::from_utf8_lossy(&bytes[..taken.bytes]).into_owned(), taken)
                }
                Piece::TooLong { length, head } => (format!("{length} bytes, {}", head.len()), Taken { lines: 1, bytes: 0 }),
            };
            found.push((start.line, start.offset, text));
            Ok::<Taken, ()>(taken)
        };
        for chunk in chunks {
            lines.push(chunk, &mut take).expect("taking does not fail");
        }
        lines.finish(&mut take).expect("taking does not fail");
        found
    }

    #[test]
    fn any_cut_gives_the_same_lines() {
        let text = b"one\ntwo\r\n\nfour\nfive";
        let whole = cut(&[text], 1, 100);
        assert_eq!(whole.len(), 5);
        assert_eq!(whole[3], (4, 10, "four\n".to_owned()));
        for at in 0..=text.len() {
            assert_eq!(cut(&[&text[..at], &text[at..]], 1, 100), whole, "cut at {at}");
        }
        let bytes: Vec<&[u8]> = text.chunks(1).collect();
        assert_eq!(cut(&bytes, 1, 100), whole);
    }

    #[test]
    fn a_piece_has_at_most_so_many_lines() {
        let found = cut(&[b"1\n2\n3\n4\n5\n"], 2, 100);
        let texts: Vec<&str> = found.iter().map(|f| f.2.as_str()).collect();
        assert_eq!(texts, ["1\n2\n", "3\n4\n", "5\n"]);
        assert_eq!(found[2].0, 5);
    }

    #[test]
    fn pieces_of_many_lines_are_the_same_at_every_size() {
        let text: String = (0..4000).map(|n| "x".repeat(n % 13) + "\n").collect();
        let whole = cut(&[text.as_bytes()], 1, 100);
        assert_eq!(whole.len(), 4000);
        for most in [2, 511, 512, 3999, 4000, 4001] {
            let found = cut(&[text.as_bytes()], most, 100);
            assert_eq!(found.len(), 4000usize.div_ceil(most));
            assert_eq!(found.iter().map(|piece| piece.2.as_str()).collect::<String>(), text);
            for piece in &found {
                assert!(piece.2.lines().count() <= most);
                assert_eq!(whole[usize::try_from(piece.0 - 1).expect("small")].1, piece.1, "{most}");
            }
        }
    }

    #[test]
    fn a_line_that_is_too_long_is_not_held() {
        let long = [b'x'; 50];
        let found = cut(&[b"a\n", &long, &long, b"\nb\n"], 10, 8);
        assert_eq!(found, [(1, 0, "a\n".to_owned()), (2, 2, "100 bytes, 10".to_owned()), (3, 103, "b\n".to_owned())]);
    }
}
