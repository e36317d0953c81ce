//! Lines that are all alike, side by side: one piece of all of them, then the next.
//!
//! What a piece is, and what its value is, is looked at once for a block of lines and not once a line; and where a value ends in one line says
//! nothing about the next, so that the processor reads several at a time. The first line that is not like the template ends the block.

use super::block::{BLOCK, Block, Nulls, null};
use super::scan::To;
use super::sprint::{WINDOW, number, string, word};
use super::stretch::{longer_text, other_float, other_integer};
use super::swar;
use super::template::{AHEAD, Digits, Piece, Template, float, integer, short_text};
use super::token::{rest_of_string, skip};

/// Lines that are read side by side.
#[derive(Debug)]
pub(super) struct Lockstep {
    /// Where each line is being read.
    at: Box<[u32; BLOCK]>,
    /// Behind the end of each line.
    ends: Box<[u32; BLOCK]>,
    /// What is read of values that nobody needs.
    unneeded: Box<[u64; BLOCK]>,
}

/// What was read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rows {
    /// How many lines are like the template.
    pub(super) rows: usize,
    /// The length of the longest line that was looked at, with its end.
    pub(super) longest: usize,
    /// Whether the next line is left because too little stands behind it.
    pub(super) is_at_end: bool,
}

impl Lockstep {
    pub(super) fn new() -> Self {
        Self { at: Box::new([0; BLOCK]), ends: Box::new([0; BLOCK]), unneeded: Box::new([0; BLOCK]) }
    }

    /// Reads lines from `begin` on into the first rows of a block, no more than so many.
    pub(super) fn read(&mut self, template: &mut Template, block: &mut Block, bytes: &[u8], begin: usize, most: usize) -> Rows {
        let (found, longest) = self.find_lines(template, bytes, begin, most);
        let Self { at, ends, unneeded } = self;
        // Without a template none is like it.
        let mut rows = if template.is_empty() { 0 } else { found };
        for piece in template.pieces_mut() {
            let column = match piece.to {
                To::Text(slot) | To::Integer(slot) | To::Float(slot) | To::Null(slot) => block.column_mut(slot),
                To::Skip | To::SkipString | To::End(_) | To::Other => Some((&mut **unneeded, None)),
            };
            let Some((words, nulls)) = column else { return Rows { rows: 0, longest, is_at_end: false } };
            let lines = Lines { bytes, at: &mut *at, words, rows };
            rows = match piece.to {
                To::Text(_) => lines.pass(piece, &mut Text),
                To::Integer(_) => {
                    let mut value = Integer { digits: piece.digits, limit: piece.limit, nulls };
                    let rows = lines.pass(piece, &mut value);
                    piece.digits = value.digits;
                    rows
                }
                To::Float(_) => lines.pass(piece, &mut Float { nulls }),
                To::Null(_) => lines.pass(piece, &mut Null { nulls }),
                To::SkipString => lines.pass(piece, &mut AnyString),
                To::Skip => lines.pass(piece, &mut AnyValue),
                To::End(_) => lines.pass(piece, &mut Nothing),
                To::Other => 0,
            };
        }
        // A line that is not like the template may have been taken together with the next one.
        let is_whole = |row: usize| at[row] == ends[row];
        let rows = (0..rows).position(|row| !is_whole(row)).unwrap_or(rows);
        let is_at_end = rows == found || bytes.len().saturating_sub(at[rows & (BLOCK - 1)] as usize) <= AHEAD;
        Rows { rows, longest, is_at_end }
    }

    /// Finds where lines begin and end; gives how many, and the length of the longest. No line that is like the template is shorter than all
    /// of its pieces, so ends are looked for behind that.
    fn find_lines(&mut self, template: &Template, bytes: &[u8], begin: usize, most: usize) -> (usize, usize) {
        let shortest = template.shortest();
        let (mut from, mut longest) = (begin, 0);
        for row in 0..most.min(BLOCK) {
            let Some(behind) = behind_line_end(bytes, from.wrapping_add(shortest)) else { return (row, longest) };
            (self.at[row], self.ends[row]) = (from as u32, behind as u32);
            longest = longest.max(behind.wrapping_sub(from));
            from = behind;
        }
        (most.min(BLOCK), longest)
    }

    /// Behind the end of this line.
    pub(super) fn end(&self, row: usize) -> usize {
        self.ends[row] as usize
    }
}

/// Behind the first line end from there on, eight bytes at a time.
#[inline(always)]
fn behind_line_end(bytes: &[u8], mut at: usize) -> Option<usize> {
    while let Some(eight) = bytes.get(at..).and_then(<[u8]>::first_chunk) {
        let ends = swar::line_ends(u64::from_le_bytes(*eight));
        if ends != 0 {
            return Some(at.wrapping_add(swar::lowest(ends)).wrapping_add(1));
        }
        at = at.wrapping_add(8);
    }
    memchr::memchr(b'\n', bytes.get(at..)?).map(|end| at.wrapping_add(end).wrapping_add(1))
}

/// How a value is read.
trait Value {
    /// Its word and its length (that of a string without its closing quote), if it is plain; the window begins with it.
    fn read(&mut self, window: &[u8; WINDOW], bytes: &[u8], at: usize, row: usize) -> Option<(u64, usize)>;
}

struct Text;
struct Integer<'b> {
    digits: Digits,
    limit: u64,
    nulls: Option<&'b mut Nulls>,
}
struct Float<'b> {
    nulls: Option<&'b mut Nulls>,
}
struct Null<'b> {
    nulls: Option<&'b mut Nulls>,
}
struct AnyString;
struct AnyValue;
struct Nothing;

impl Value for Text {
    #[inline(always)]
    fn read(&mut self, window: &[u8; WINDOW], bytes: &[u8], at: usize, _: usize) -> Option<(u64, usize)> {
        match short_text(window) {
            Some(found) => Some(found),
            None => longer_text(bytes, at),
        }
    }
}

impl Value for Integer<'_> {
    #[inline(always)]
    fn read(&mut self, window: &[u8; WINDOW], bytes: &[u8], at: usize, row: usize) -> Option<(u64, usize)> {
        let (bits, length) = match integer(window, &mut self.digits) {
            Some(found) => found,
            None => null(window, self.nulls.as_deref_mut(), row).or_else(|| other_integer(bytes, at))?,
        };
        if bits.cast_signed().unsigned_abs() > self.limit { None } else { Some((bits, length)) }
    }
}

impl Value for Float<'_> {
    #[inline(always)]
    fn read(&mut self, window: &[u8; WINDOW], bytes: &[u8], at: usize, row: usize) -> Option<(u64, usize)> {
        match float(window) {
            Some(found) => Some(found),
            None => null(window, self.nulls.as_deref_mut(), row).or_else(|| other_float(bytes, at)),
        }
    }
}

impl Value for Null<'_> {
    #[inline(always)]
    fn read(&mut self, window: &[u8; WINDOW], _: &[u8], _: usize, row: usize) -> Option<(u64, usize)> {
        null(window, self.nulls.as_deref_mut(), row)
    }
}

impl Value for AnyString {
    #[inline(always)]
    fn read(&mut self, window: &[u8; WINDOW], bytes: &[u8], at: usize, _: usize) -> Option<(u64, usize)> {
        match string(window) {
            Some(length) => Some((0, length)),
            None => Some((0, rest_of_string(bytes, at)?.0 - 1 - at)),
        }
    }
}

impl Value for AnyValue {
    #[inline(always)]
    fn read(&mut self, window: &[u8; WINDOW], bytes: &[u8], at: usize, _: usize) -> Option<(u64, usize)> {
        match number(window) {
            Some(length) => Some((0, length)),
            None => Some((0, skip(bytes, at, 1)? - at)),
        }
    }
}

impl Value for Nothing {
    #[inline(always)]
    fn read(&mut self, _: &[u8; WINDOW], _: &[u8], _: usize, _: usize) -> Option<(u64, usize)> {
        Some((0, 0))
    }
}

/// Lines, where each is being read, and where the words of their values go.
struct Lines<'l> {
    bytes: &'l [u8],
    at: &'l mut [u32; BLOCK],
    words: &'l mut [u64; BLOCK],
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
        let Self { bytes, at, words: to, rows } = self;
        let rows = rows.min(BLOCK);
        for row in 0..rows {
            let begin = at[row] as usize;
            let Some(ahead) = bytes.get(begin..).and_then(<[u8]>::first_chunk::<AHEAD>) else { return row };
            let mut differs = 0;
            for part in 0..WORDS {
                differs |= (word_of(ahead, part) ^ words[part]) & masks[part];
            }
            if differs != 0 {
                return row;
            }
            let Some(window) = ahead[piece_length..].first_chunk() else { return row };
            let begin = begin.wrapping_add(piece_length);
            let Some((bits, length)) = value.read(window, bytes, begin, row) else { return row };
            to[row] = bits;
            at[row] = begin.wrapping_add(length) as u32;
        }
        rows
    }
}

#[inline(always)]
fn word_of(ahead: &[u8; AHEAD], part: usize) -> u64 {
    let (windows, _) = ahead.as_chunks::<WINDOW>();
    word(&windows[0], part)
}
