//! Lines that are all alike, side by side: one piece of all of them, then the next.
//!
//! What a piece is, and what its value is, is looked at once for a block of lines and not once a line; and where a value ends in one line says
//! nothing about the next, so that the processor reads several at a time. The first line that is not like the template ends the block.

use memchr::memchr_iter;

use super::scan::To;
use super::sprint::{WINDOW, number, string, word};
use super::stretch::{BLOCK, Block, longer_text, other_float, other_integer};
use super::template::{AHEAD, Piece, Template, float, integer, short_text};
use super::token::{rest_of_string, skip};

/// Lines that are read side by side.
#[derive(Debug)]
pub(super) struct Lockstep {
    /// Where each line is being read.
    at: Vec<u32>,
    /// Behind the end of each line.
    ends: Vec<u32>,
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
    /// Whether the next line is left because nothing stands behind it.
    pub(super) is_at_end: bool,
}

impl Lockstep {
    pub(super) fn new() -> Self {
        Self { at: Vec::with_capacity(BLOCK), ends: Vec::with_capacity(BLOCK), unneeded: Box::new([0; BLOCK]) }
    }

    /// Reads lines from `begin` on into the first rows of a block, no more than so many.
    pub(super) fn read(&mut self, template: &mut Template, block: &mut Block, bytes: &[u8], begin: usize, most: usize) -> Rows {
        let Self { at, ends, unneeded } = self;
        at.clear();
        ends.clear();
        let mut longest = 0;
        let mut from = begin;
        for end in memchr_iter(b'\n', &bytes[begin..]).take(most.min(BLOCK)) {
            at.push(from as u32);
            let end = begin.wrapping_add(end).wrapping_add(1);
            longest = longest.max(end.wrapping_sub(from));
            ends.push(end as u32);
            from = end;
        }
        // Without a template none is like it.
        let mut rows = if template.pieces_mut().is_empty() { 0 } else { at.len() };
        for piece in template.pieces_mut() {
            let Piece { to, limit, .. } = *piece;
            let mut digits = piece.digits;
            let column = match to {
                To::Text(slot) | To::Integer(slot) | To::Float(slot) => match block.column_mut(slot) {
                    Some(column) => column,
                    None => return Rows { rows: 0, longest, is_at_end: false },
                },
                To::Skip | To::SkipString | To::End(_) | To::Other => &mut **unneeded,
            };
            let lines = Lines { bytes, at: &mut at[..rows], words: column };
            rows = match to {
                To::Text(_) => lines.pass(piece, |window, at| match short_text(window) {
                    Some(found) => Some(found),
                    None => longer_text(bytes, at),
                }),
                To::Integer(_) => lines.pass(piece, |window, at| {
                    let (bits, length) = match integer(window, &mut digits) {
                        Some(found) => found,
                        None => other_integer(bytes, at)?,
                    };
                    (bits.cast_signed().unsigned_abs() <= limit).then_some((bits, length))
                }),
                To::Float(_) => lines.pass(piece, |window, at| match float(window) {
                    Some(found) => Some(found),
                    None => other_float(bytes, at),
                }),
                To::SkipString => lines.pass(piece, |window, at| match string(window) {
                    Some(length) => Some((0, length)),
                    None => Some((0, rest_of_string(bytes, at)?.0 - 1 - at)),
                }),
                To::Skip => lines.pass(piece, |window, at| match number(window) {
                    Some(length) => Some((0, length)),
                    None => Some((0, skip(bytes, at, 1)? - at)),
                }),
                To::End(_) => lines.pass(piece, |_, _| Some((0, 0))),
                To::Other => 0,
            };
            piece.digits = digits;
        }
        // Each has come to its own end, as no value has a line end in it.
        debug_assert_eq!(at[..rows], ends[..rows]);
        let is_at_end = at.get(rows).is_none_or(|&at| bytes.len() - at as usize <= AHEAD);
        Rows { rows, longest, is_at_end }
    }

    /// Behind the end of this line.
    pub(super) fn end(&self, row: usize) -> usize {
        self.ends[row] as usize
    }
}

/// Lines, where each is being read, and where the words of their values go.
struct Lines<'l> {
    bytes: &'l [u8],
    at: &'l mut [u32],
    words: &'l mut [u64; BLOCK],
}

impl Lines<'_> {
    /// Reads a piece and its value in each line; gives how many lines go so before one that does not.
    #[inline(always)]
    fn pass(self, piece: &Piece, value: impl FnMut(&[u8; WINDOW], usize) -> Option<(u64, usize)>) -> usize {
        match piece.length {
            0..=8 => self.each::<1>(piece, value),
            9..=16 => self.each::<2>(piece, value),
            _ => self.each::<4>(piece, value),
        }
    }

    #[inline(always)]
    fn each<const WORDS: usize>(self, piece: &Piece, mut value: impl FnMut(&[u8; WINDOW], usize) -> Option<(u64, usize)>) -> usize {
        let (Some(words), Some(masks)) = (piece.words.first_chunk::<WORDS>(), piece.masks.first_chunk::<WORDS>()) else { return 0 };
        let (words, masks) = (*words, *masks);
        let length = piece.length & (WINDOW - 1);
        for (row, (at, to)) in self.at.iter_mut().zip(self.words).enumerate() {
            let begin = *at as usize;
            let Some(ahead) = self.bytes.get(begin..).and_then(<[u8]>::first_chunk::<AHEAD>) else { return row };
            let mut differs = 0;
            for part in 0..WORDS {
                differs |= (word_of(ahead, part) ^ words[part]) & masks[part];
            }
            if differs != 0 {
                return row;
            }
            let Some(window) = ahead[length..].first_chunk() else { return row };
            let begin = begin.wrapping_add(length);
            let Some((bits, length)) = value(window, begin) else { return row };
            *to = bits;
            *at = begin.wrapping_add(length) as u32;
        }
        self.at.len()
    }
}

#[inline(always)]
fn word_of(ahead: &[u8; AHEAD], part: usize) -> u64 {
    let (windows, _) = ahead.as_chunks::<WINDOW>();
    word(&windows[0], part)
}
