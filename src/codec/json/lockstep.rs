//! Lines that are all alike, side by side: one piece of all of them, then the next.
//!
//! What a piece is, and what its value is, is looked at once for a block of lines and not once a line; and where a value ends in one line says
//! nothing about the next, so that the processor reads several at a time. The first line that is not like the template ends the block.

use super::block::{BLOCK, Block, Nulls, null};
use super::lanes::{SPAN, line_ends};
use super::scan::To;
use super::sprint::{WINDOW, number, string, word};
use super::stretch::{longer_text, other_float, other_integer};
use super::template::{AHEAD, Digits, Piece, Template, float, integer, text};
use super::token::{rest_of_string, skip};

/// Lines that are read side by side.
#[derive(Debug)]
pub(super) struct Lockstep {
    /// Where each line is being read.
    at: Box<[u32; BLOCK]>,
    /// Behind the end of each line.
    ends: Box<[u32; BLOCK]>,
}

/// What was read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rows {
    /// How many lines are like the template.
    pub(super) rows: usize,
    /// Whether a line that was looked at is longer than lines may be.
    pub(super) is_too_long: bool,
    /// Whether the next line is left because too little stands behind it.
    pub(super) is_at_end: bool,
}

impl Lockstep {
    pub(super) fn new() -> Self {
        Self { at: Box::new([0; BLOCK]), ends: Box::new([0; BLOCK]) }
    }

    /// Reads lines from `begin` on into the first rows of a block, no more than so many; no line may have more bytes than `max_line`.
    pub(super) fn read(
        &mut self,
        template: &mut Template,
        block: &mut Block,
        bytes: &[u8],
        (begin, most): (usize, usize),
        max_line: usize,
    ) -> Rows {
        let found = self.find_lines(bytes, begin, most);
        let is_too_long = self.has_longer_than(max_line, begin, found);
        let Self { at, ends } = self;
        // Without a template none is like it.
        let mut rows = if template.is_empty() || is_too_long { 0 } else { found };
        for piece in template.pieces_mut() {
            let column = match piece.to {
                To::Text(slot) | To::Integer(slot) | To::Float(slot) | To::Null(slot) => block.column_mut(slot),
                To::Skip | To::SkipString | To::End(_) | To::Other => None,
            };
            let lines = Lines { bytes, at: &mut *at, rows };
            rows = match (piece.to, column) {
                (To::Text(_), Some((words, _))) => lines.pass(piece, &mut Text { words }),
                (To::Integer(_), Some((words, nulls))) => {
                    let mut value = Integer { words, digits: piece.digits, limit: piece.limit, nulls };
                    let rows = lines.pass(piece, &mut value);
                    piece.digits = value.digits;
                    rows
                }
                (To::Float(_), Some((words, nulls))) => lines.pass(piece, &mut Float { words, nulls }),
                (To::Null(_), Some((words, nulls))) => lines.pass(piece, &mut Null { words, nulls }),
                (To::SkipString, _) => lines.pass(piece, &mut AnyString),
                (To::Skip, _) => lines.pass(piece, &mut AnyValue),
                (To::End(_), _) => lines.pass(piece, &mut End { ends }),
                (To::Text(_) | To::Integer(_) | To::Float(_) | To::Null(_) | To::Other, _) => 0,
            };
        }
        let is_at_end = rows == found || bytes.len().saturating_sub(at[rows & (BLOCK - 1)] as usize) <= AHEAD;
        Rows { rows, is_too_long, is_at_end }
    }

    /// Finds where lines begin and end; gives how many.
    fn find_lines(&mut self, bytes: &[u8], begin: usize, most: usize) -> usize {
        let most = most.min(BLOCK);
        let (mut rows, mut base) = (0, begin);
        'bytes: while let Some(rest) = bytes.get(base..).filter(|rest| !rest.is_empty()) {
            let mut found = match rest.first_chunk() {
                Some(part) => line_ends(part),
                None => {
                    let mut part = [0; SPAN];
                    part[..rest.len()].copy_from_slice(rest);
                    line_ends(&part)
                }
            };
            while found != 0 {
                if rows >= most {
                    break 'bytes;
                }
                // Positions are within the text, so nothing here overflows.
                self.ends[rows] = base.wrapping_add(found.trailing_zeros() as usize).wrapping_add(1) as u32;
                rows += 1;
                found &= found.wrapping_sub(1);
            }
            base = base.wrapping_add(SPAN);
        }
        self.at[0] = begin as u32;
        self.at[1..].copy_from_slice(&self.ends[..BLOCK - 1]);
        rows
    }

    /// Whether one of the lines that were found, of which the first begins here, has more bytes than that.
    fn has_longer_than(&self, most: usize, begin: usize, found: usize) -> bool {
        let ends = self.ends.get(..found).unwrap_or_default();
        // Mostly all together have not so many.
        ends.last().is_some_and(|&end| (end as usize).wrapping_sub(begin) > most)
            && self.at.iter().zip(ends).any(|(&at, &end)| end.wrapping_sub(at) as usize > most)
    }

    /// Behind the end of this line.
    pub(super) fn end(&self, row: usize) -> usize {
        self.ends[row] as usize
    }
}

/// How a value is read.
trait Value {
    /// Puts its word into a row and gives its length (that of a string without its closing quote), if it is plain; the window begins with it.
    fn read(&mut self, window: &[u8; WINDOW], bytes: &[u8], at: usize, row: usize) -> Option<usize>;
}

type Words<'b> = &'b mut [u64; BLOCK];

struct Text<'b> {
    words: Words<'b>,
}
struct Integer<'b> {
    words: Words<'b>,
    digits: Digits,
    limit: u64,
    nulls: Option<&'b mut Nulls>,
}
struct Float<'b> {
    words: Words<'b>,
    nulls: Option<&'b mut Nulls>,
}
struct Null<'b> {
    words: Words<'b>,
    nulls: Option<&'b mut Nulls>,
}
struct AnyString;
struct AnyValue;
/// No value, but the end of the line.
struct End<'b> {
    ends: &'b [u32; BLOCK],
}

impl Value for Text<'_> {
    #[inline(always)]
    fn read(&mut self, window: &[u8; WINDOW], bytes: &[u8], at: usize, row: usize) -> Option<usize> {
        let (word, length) = match text(window, at) {
            Some(found) => found,
            None => longer_text(bytes, at)?,
        };
        self.words[row] = word;
        Some(length)
    }
}

impl Value for Integer<'_> {
    #[inline(always)]
    fn read(&mut self, window: &[u8; WINDOW], bytes: &[u8], at: usize, row: usize) -> Option<usize> {
        let (word, length) = match integer(window, &mut self.digits) {
            Some(found) => found,
            None => {
                let (word, length) = null(window, self.nulls.as_deref_mut(), row).or_else(|| other_integer(bytes, at))?;
                if word.cast_signed().unsigned_abs() > self.limit {
                    return None;
                }
                self.words[row] = word;
                return Some(length);
            }
        };
        // It has no sign.
        if word > self.limit {
            return None;
        }
        self.words[row] = word;
        Some(length)
    }
}

impl Value for Float<'_> {
    #[inline(always)]
    fn read(&mut self, window: &[u8; WINDOW], bytes: &[u8], at: usize, row: usize) -> Option<usize> {
        let (word, length) = match float(window) {
            Some(found) => found,
            None => null(window, self.nulls.as_deref_mut(), row).or_else(|| other_float(bytes, at))?,
        };
        self.words[row] = word;
        Some(length)
    }
}

impl Value for Null<'_> {
    #[inline(always)]
    fn read(&mut self, window: &[u8; WINDOW], _: &[u8], _: usize, row: usize) -> Option<usize> {
        let (word, length) = null(window, self.nulls.as_deref_mut(), row)?;
        self.words[row] = word;
        Some(length)
    }
}

impl Value for AnyString {
    #[inline(always)]
    fn read(&mut self, window: &[u8; WINDOW], bytes: &[u8], at: usize, _: usize) -> Option<usize> {
        match string(window) {
            Some(length) => Some(length),
            None => Some(rest_of_string(bytes, at)?.0 - 1 - at),
        }
    }
}

impl Value for AnyValue {
    #[inline(always)]
    fn read(&mut self, window: &[u8; WINDOW], bytes: &[u8], at: usize, _: usize) -> Option<usize> {
        match number(window) {
            Some(length) => Some(length),
            None => Some(skip(bytes, at, 1)? - at),
        }
    }
}

impl Value for End<'_> {
    /// A line that is not like the template may have been taken together with the next one.
    #[inline(always)]
    fn read(&mut self, _: &[u8; WINDOW], _: &[u8], at: usize, row: usize) -> Option<usize> {
        (self.ends[row] as usize == at).then_some(0)
    }
}

/// Lines, and where each is being read.
struct Lines<'l> {
    bytes: &'l [u8],
    at: &'l mut [u32; BLOCK],
    rows: usize,
}

impl Lines<'_> {
    /// Reads a piece and its value in each line; gives how many lines go so before one that does not.
    #[inline(always)]
    fn pass(self, piece: &Piece, value: &mut impl Value) -> usize {
        match piece.length {
            0..=8 => self.each::<1>(piece, value),
            9..=16 => self.each::<2>(piece, value),
            _ => self.each::<4>(piece, value),
        }
    }

    #[inline(never)]
    fn each<const WORDS: usize>(self, piece: &Piece, value: &mut impl Value) -> usize {
        let (Some(words), Some(masks)) = (piece.words.first_chunk::<WORDS>(), piece.masks.first_chunk::<WORDS>()) else { return 0 };
        let (words, masks) = (*words, *masks);
        let piece_length = piece.length & (WINDOW - 1);
        let Self { bytes, at, rows } = self;
        let rows = rows.min(BLOCK);
        for (row, at) in at.iter_mut().enumerate().take(rows) {
            let begin = *at as usize;
            let Some(ahead) = bytes.get(begin..begin.wrapping_add(AHEAD)).and_then(<[u8]>::first_chunk::<AHEAD>) else { return row };
            let mut differs = 0;
            for part in 0..WORDS {
                differs |= (word_of(ahead, part) ^ words[part]) & masks[part];
            }
            if differs != 0 {
                return row;
            }
            let Some(window) = ahead[piece_length..].first_chunk() else { return row };
            let begin = begin.wrapping_add(piece_length);
            let Some(length) = value.read(window, bytes, begin, row) else { return row };
            *at = begin.wrapping_add(length) as u32;
        }
        rows
    }
}

#[inline(always)]
fn word_of(ahead: &[u8; AHEAD], part: usize) -> u64 {
    let (windows, _) = ahead.as_chunks::<WINDOW>();
    word(&windows[0], part)
}
