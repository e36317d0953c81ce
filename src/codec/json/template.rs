//! Lines that are all alike, at full speed: one after the other of what always comes, and the values between.
//!
//! A template is what the scanner expects most of a line (`scan`), laid out flat: no choice is left but whether a line is like it. A piece and
//! its value are looked at through one window, so that bounds are checked once. What ends a number is not looked at: the next piece, which no
//! number can go on with, has to follow it. A line that leaves the template on the way is followed by `stretch` from there.

use super::block::{Block, is_null};
use super::lanes::string_stops;
use super::scan::{START, Step, To};
use super::sprint::{WINDOW, byte_of, leading, number, string, word};
use super::stretch::{longer_text, other_float, other_integer};
use super::swar::{POWERS_OF_TEN, SHIFTS, lowest, non_digits, value_of, values_of};
use super::token::{rest_of_string, skip};
use crate::data::TextWord;

/// Templates of more pieces are none.
const MAX_PIECES: usize = 64;
/// A piece, of less than half of them, and the value behind it.
pub(super) const AHEAD: usize = 2 * WINDOW;

/// What a line is expected to be.
#[derive(Debug, Default)]
pub(super) struct Template {
    /// Ends with the end of the line, if there are any.
    pieces: Vec<Piece>,
    /// The slots that a line has.
    pub(super) slots: u64,
    /// How many bytes its line end has.
    pub(super) ending: usize,
}

/// What comes before a value, and what the value is.
#[derive(Debug)]
pub(super) struct Piece {
    pub(super) words: [u64; WINDOW / 8],
    pub(super) masks: [u64; WINDOW / 8],
    pub(super) length: usize,
    is_long: bool,
    pub(super) to: To,
    step: u16,
    pub(super) limit: u64,
    pub(super) digits: Digits,
}

/// The first eight digits of the last number that had so many, and what they are worth: of times the next one mostly has the same.
pub(super) type Digits = (u64, u64);

/// How far a line went as expected.
#[derive(Debug, Clone, Copy)]
pub(super) enum Read {
    /// To its end, which is here.
    Line(usize),
    /// Up to here, behind the value of the last of so many pieces; its values so far are in these slots.
    Part { pieces: usize, slots: u64, at: usize },
    /// There is a value that is not plain.
    Odd,
}

impl Template {
    /// The template of what is known to follow what first; one without pieces where a line is not known to its end, or not plain.
    pub(super) fn first(steps: &[Step], limit_of: impl Fn(u8) -> u64) -> Self {
        let follower = |step: &u16| Some(steps[usize::from(*step)].followers[0]).filter(|&next| usize::from(next) != START);
        let path: Vec<u16> = std::iter::successors(follower(&(START as u16)), follower).take(MAX_PIECES).collect();
        Self::of(steps, &path, limit_of)
    }

    /// The template of lines that go by these steps; one without pieces where they do not end a line, or not all are plain. Of an integer that is
    /// beyond the limit of its slot, either way, the value is not plain.
    pub(super) fn of(steps: &[Step], path: &[u16], limit_of: impl Fn(u8) -> u64) -> Self {
        let mut template = Self::default();
        for &step in path.iter().take(MAX_PIECES) {
            let Some(piece) = steps.get(usize::from(step)).and_then(|known| Piece::new(known, step, &limit_of)) else { break };
            let bit = match piece.to {
                To::Text(slot) | To::Integer(slot) | To::Float(slot) | To::Null(slot) => 1 << slot,
                To::Skip | To::SkipString => 0,
                To::End(ending) => {
                    template.ending = usize::from(ending);
                    template.pieces.push(piece);
                    return template;
                }
                To::Other => break,
            };
            if template.slots & bit != 0 {
                break;
            }
            template.slots |= bit;
            template.pieces.push(piece);
        }
        Self::default()
    }

    /// Whether there is none.
    pub(super) fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }

    /// The steps of its first pieces.
    pub(super) fn path(&self, pieces: usize) -> impl Iterator<Item = u16> {
        self.pieces.iter().take(pieces).map(|piece| piece.step)
    }

    /// The pieces of a line, if there are any.
    pub(super) fn pieces_mut(&mut self) -> &mut [Piece] {
        &mut self.pieces
    }

    /// Reads a line into a row of the block.
    #[inline(always)]
    pub(super) fn read(&mut self, block: &mut Block, row: usize, bytes: &[u8], mut at: usize) -> Read {
        for number in 0..self.pieces.len() {
            let piece = &mut self.pieces[number];
            let Some(ahead) = bytes.get(at..).and_then(<[u8]>::first_chunk::<AHEAD>).filter(|ahead| piece.begins(ahead)) else {
                return self.part(number, at);
            };
            // Positions are within the text, so nothing here overflows.
            at = at.wrapping_add(piece.length);
            if let To::End(_) = piece.to {
                return Read::Line(at);
            }
            let Some(window) = ahead[piece.length & (WINDOW - 1)..].first_chunk() else { return Read::Odd };
            match piece.value(block, row, window, bytes, at) {
                Some(length) => at = at.wrapping_add(length),
                // What stands before a NULL is the beginning of what stands before a text.
                None if matches!(piece.to, To::Null(_)) => return self.part(number, at.wrapping_sub(self.pieces[number].length)),
                None => return Read::Odd,
            }
        }
        Read::Part { pieces: 0, slots: 0, at }
    }

    #[cold]
    fn part(&self, number: usize, at: usize) -> Read {
        let bit = |piece: &Piece| match piece.to {
            To::Text(slot) | To::Integer(slot) | To::Float(slot) | To::Null(slot) => 1 << slot,
            To::Skip | To::SkipString | To::End(_) | To::Other => 0,
        };
        let slots = self.pieces[..number].iter().fold(0, |slots, piece| slots | bit(piece));
        Read::Part { pieces: number, slots, at }
    }
}

impl Piece {
    fn new(step: &Step, number: u16, limit_of: impl Fn(u8) -> u64) -> Option<Self> {
        let text = &step.literal.text;
        let (mut bytes, mut ones) = ([0; WINDOW], [0; WINDOW]);
        bytes.get_mut(..text.len()).filter(|_| !text.is_empty() && text.len() < WINDOW)?.copy_from_slice(text);
        ones[..text.len()].fill(0xff);
        let words = |bytes: &[u8; WINDOW]| std::array::from_fn(|at| word(bytes, at));
        // Eight digits that are worth what they say.
        let digits = (u64::from_le_bytes(*b"10000000"), 10_000_000);
        let (length, is_long) = (text.len(), text.len() > 16);
        let limit = if let To::Integer(slot) = step.to { limit_of(slot) } else { u64::MAX };
        Some(Self { words: words(&bytes), masks: words(&ones), length, is_long, to: step.to, step: number, limit, digits })
    }

    #[inline(always)]
    fn begins(&self, ahead: &[u8; AHEAD]) -> bool {
        let (words, _) = ahead.as_chunks::<8>();
        let differs = |at: usize| (u64::from_le_bytes(words[at]) ^ self.words[at]) & self.masks[at];
        differs(0) | differs(1) == 0 && (!self.is_long || differs(2) | differs(3) == 0)
    }

    /// Reads the value behind the piece, if it is plain, and gives its length (that of a string without its closing quote).
    #[inline(always)]
    fn value(&mut self, block: &mut Block, row: usize, window: &[u8; WINDOW], bytes: &[u8], at: usize) -> Option<usize> {
        match self.to {
            To::Text(slot) => {
                let (bits, length) = match text(window, at) {
                    Some(found) => found,
                    None => longer_text(bytes, at)?,
                };
                block.put(slot, row, bits)?;
                Some(length)
            }
            To::Integer(slot) => {
                let (bits, length) = match integer(window, &mut self.digits) {
                    Some(found) => found,
                    None if is_null(window) => return block.put_null(slot, row).map(|()| 4),
                    None => other_integer(bytes, at)?,
                };
                if bits.cast_signed().unsigned_abs() > self.limit {
                    return None;
                }
                block.put(slot, row, bits)?;
                Some(length)
            }
            To::Float(slot) => {
                let (bits, length) = match float(window) {
                    Some(found) => found,
                    None if is_null(window) => return block.put_null(slot, row).map(|()| 4),
                    None => other_float(bytes, at)?,
                };
                block.put(slot, row, bits)?;
                Some(length)
            }
            To::Null(slot) => is_null(window).then(|| block.put_null(slot, row).map(|()| 4))?,
            To::SkipString => match string(window) {
                Some(length) => Some(length),
                None => Some(rest_of_string(bytes, at)?.0 - 1 - at),
            },
            To::Skip => match number(window) {
                Some(length) => Some(length),
                None => Some(skip(bytes, at, 1)? - at),
            },
            To::End(_) | To::Other => None,
        }
    }
}

/// A whole number without a sign, of at most 15 digits.
#[inline(always)]
pub(super) fn integer(window: &[u8; WINDOW], digits: &mut Digits) -> Option<(u64, usize)> {
    let first = word(window, 0);
    if first != digits.0 {
        let others = non_digits(first);
        if others != 0 {
            let count = lowest(others);
            let is_good = count > 0 && (count == 1 || first as u8 != b'0');
            return is_good.then(|| (leading(values_of(first), count & 7), count));
        }
        if first as u8 == b'0' {
            return None;
        }
        *digits = (first, value_of(values_of(first)));
    }
    let second = word(window, 1);
    let others = non_digits(second);
    if others == 0 {
        return None;
    }
    let count = lowest(others) & 7;
    let value = digits.1.wrapping_mul(SHIFTS[count]).wrapping_add(leading(values_of(second), count));
    Some((value, 8 + count))
}

/// Which bits of a word are those of a text that has so many bytes.
const LOW: [u64; 8] = [0, 0xff, 0xffff, 0xff_ffff, 0xffff_ffff, 0xff_ffff_ffff, 0xffff_ffff_ffff, 0xff_ffff_ffff_ffff];

/// The word of a text of at most fifteen bytes without escapes, which begins there behind its opening quote, and its length.
#[inline(always)]
pub(super) fn text(window: &[u8; WINDOW], at: usize) -> Option<(u64, usize)> {
    let (halves, _) = window.as_chunks();
    let stops = string_stops(&halves[0]);
    let length = stops.trailing_zeros() as usize;
    if stops == 0 || halves[0][length & 15] != b'"' {
        return None;
    }
    let word =
        if length <= TextWord::SHORT { TextWord::short(word(window, 0) & LOW[length & 7], length) } else { TextWord::place(at, length) };
    Some((word.bits(), length))
}

/// The bits of a number without a sign, of at most seven bytes; exact, see [`super::swar::plain_float`].
#[inline(always)]
pub(super) fn float(window: &[u8; WINDOW]) -> Option<(u64, usize)> {
    let word = word(window, 0);
    let others = non_digits(word);
    let whole = lowest(others);
    if others == 0 || whole == 0 || (word as u8 == b'0' && whole > 1) {
        return None;
    }
    let values = values_of(word);
    if byte_of(word, whole) != b'.' {
        return Some(((leading(values, whole & 7) as f64).to_bits(), whole));
    }
    // The point is no digit, and nothing was carried from it into the flags above.
    let others = others & others.wrapping_sub(1);
    let end = lowest(others);
    if others == 0 || end == whole + 1 {
        return None;
    }
    // The digits behind the point move next to those before it.
    let before = 1u64.wrapping_shl(8 * whole as u32).wrapping_sub(1);
    let joined = (values & before) | ((values >> 8) & !before);
    let digits = end.wrapping_sub(1);
    let value = leading(joined, digits & 7) as f64 / POWERS_OF_TEN[digits.wrapping_sub(whole) & 15];
    Some((value.to_bits(), end))
}
