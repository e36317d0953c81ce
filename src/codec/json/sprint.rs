//! The part of a line that goes on exactly as lines before went, at full speed: literal after literal, value after value.
//!
//! Every piece is looked at through a window of 32 bytes, so that its bounds are checked once. Strings that end in it, numbers of the plain
//! forms: anything else is a pause, and the caller goes on from there.

use super::lanes::string_stops;
use super::scan::{Action, Cell, Found, Reading, Step, bit};
use super::swar::{POWERS_OF_TEN, SHIFTS, lowest, non_digits, value_of, values_of};

/// How many bytes are looked at in one go.
pub(super) const WINDOW: usize = 32;

/// Where a sprint ended.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pause {
    /// The last step that was taken.
    pub(super) step: usize,
    /// Before its value, or behind it.
    pub(super) at: usize,
    pub(super) is_before_value: bool,
}

/// Goes on from behind the value of a step. Values that are taken are noted in the cells, and plain ones in the bits.
#[inline]
pub(super) fn sprint(steps: &[Step], cells: &mut [Cell], plain: &mut u64, bytes: &[u8], mut step: usize, mut at: usize) -> Pause {
    loop {
        let Some(window) = window(bytes, at) else { return Pause { step, at, is_before_value: false } };
        let followers = &steps[step].followers;
        let mut next = usize::from(followers[0]);
        if next == 0 || !steps[next].literal.begins(window) {
            let others = followers[1..].iter().map(|&follower| usize::from(follower)).take_while(|&follower| follower != 0);
            match others.into_iter().find(|&follower| steps[follower].literal.begins(window)) {
                Some(follower) => next = follower,
                None => return Pause { step, at, is_before_value: false },
            }
        }
        let known = &steps[next];
        (step, at) = (next, at.wrapping_add(known.length));
        match value(known.action, cells, plain, bytes, at) {
            Some(length) => at = at.wrapping_add(length),
            None => return Pause { step, at, is_before_value: true },
        }
    }
}

#[inline(always)]
pub(super) fn window(bytes: &[u8], at: usize) -> Option<&[u8; WINDOW]> {
    bytes.get(at..)?.first_chunk()
}

/// Reads a value, if it is one that can be read here, and gives its length (that of a string without its closing quote).
#[inline(always)]
fn value(action: Action, cells: &mut [Cell], plain: &mut u64, bytes: &[u8], at: usize) -> Option<usize> {
    let window = window(bytes, at)?;
    let (slot, cell, length) = match action {
        Action::SkipString => return string(window),
        Action::TakeString(slot, Reading::Text) => {
            let length = string(window)?;
            let (begin, end) = (at.wrapping_sub(1), at.wrapping_add(length + 1));
            (slot as usize, Cell { found: Found::Text, begin, end, word: 0 }, length)
        }
        Action::Take(slot, Reading::Integer) => {
            let (word, length) = integer(window)?;
            (slot as usize, Cell { found: Found::Number, begin: at, end: at.wrapping_add(length), word }, length)
        }
        Action::Take(slot, Reading::Float) => {
            let (value, length) = float(window)?;
            let word = value.to_bits().cast_signed();
            (slot as usize, Cell { found: Found::Number, begin: at, end: at.wrapping_add(length), word }, length)
        }
        Action::Skip | Action::Take(..) | Action::TakeString(..) | Action::Enter(_) | Action::End(_) => return None,
    };
    let place = cells.get_mut(slot)?;
    if place.found != Found::Missing {
        return None;
    }
    *place = cell;
    *plain |= bit(slot);
    Some(length)
}

#[inline(always)]
pub(super) fn word(window: &[u8; WINDOW], number: usize) -> u64 {
    let (words, _) = window.as_chunks::<8>();
    u64::from_le_bytes(words[number])
}

/// The byte at this place of a word.
#[inline(always)]
pub(super) fn byte_of(word: u64, at: usize) -> u8 {
    word.wrapping_shr(8 * at as u32) as u8
}

/// The length of a string without escapes, from behind its opening quote.
#[inline(always)]
pub(super) fn string(window: &[u8; WINDOW]) -> Option<usize> {
    let length = plain_part(window);
    (length < WINDOW && window[length & (WINDOW - 1)] == b'"').then_some(length)
}

/// How many bytes of a window are a string's plain part.
#[inline(always)]
pub(super) fn plain_part(window: &[u8; WINDOW]) -> usize {
    let (halves, _) = window.as_chunks();
    let stops = string_stops(&halves[0]);
    if stops != 0 {
        return stops.trailing_zeros() as usize;
    }
    match string_stops(&halves[1]) {
        0 => WINDOW,
        stops => 16 + stops.trailing_zeros() as usize,
    }
}

/// What may stand behind a number here.
#[inline(always)]
fn ends_number(byte: u8) -> bool {
    byte == b',' || byte == b'}'
}

/// The value of so many leading digits, of which there are fewer than eight.
#[inline(always)]
pub(super) fn leading(values: u64, count: usize) -> u64 {
    // In two steps, because none at all would shift by 64.
    value_of(values.wrapping_shl(8 * (7 - count as u32)) << 8)
}

/// A whole number without a sign, of at most 15 digits.
#[inline(always)]
pub(super) fn integer(window: &[u8; WINDOW]) -> Option<(i64, usize)> {
    let first = word(window, 0);
    let others = non_digits(first);
    if others != 0 {
        let count = lowest(others);
        let is_good = count > 0 && (count == 1 || first as u8 != b'0') && ends_number(byte_of(first, count));
        return is_good.then(|| (leading(values_of(first), count & 7).cast_signed(), count));
    }
    let second = word(window, 1);
    let others = non_digits(second);
    let count = lowest(others);
    if others == 0 || first as u8 == b'0' || !ends_number(byte_of(second, count)) {
        return None;
    }
    let count = count & 7;
    let value = value_of(values_of(first)).wrapping_mul(SHIFTS[count]).wrapping_add(leading(values_of(second), count));
    Some((value.cast_signed(), 8 + count))
}

/// A number without a sign, of at most seven bytes; exact, see [`super::swar::plain_float`].
#[inline(always)]
pub(super) fn float(window: &[u8; WINDOW]) -> Option<(f64, usize)> {
    let word = word(window, 0);
    let others = non_digits(word);
    let whole = lowest(others);
    if others == 0 || whole == 0 || (word as u8 == b'0' && whole > 1) {
        return None;
    }
    let values = values_of(word);
    let behind = byte_of(word, whole);
    if behind != b'.' {
        return ends_number(behind).then(|| (leading(values, whole & 7) as f64, whole));
    }
    // The point is no digit, and nothing was carried from it into the flags above.
    let others = others & others.wrapping_sub(1);
    let end = lowest(others);
    if others == 0 || end == whole + 1 || !ends_number(byte_of(word, end)) {
        return None;
    }
    // The digits behind the point move next to those before it.
    let before = 1u64.wrapping_shl(8 * whole as u32).wrapping_sub(1);
    let joined = (values & before) | ((values >> 8) & !before);
    let digits = end.wrapping_sub(1);
    Some((leading(joined, digits & 7) as f64 / POWERS_OF_TEN[digits.wrapping_sub(whole) & 15], end))
}

/// The length of a number without a sign, of at most seven bytes.
#[inline(always)]
pub(super) fn number(window: &[u8; WINDOW]) -> Option<usize> {
    let word = word(window, 0);
    let others = non_digits(word);
    let whole = lowest(others);
    if others == 0 || whole == 0 || (word as u8 == b'0' && whole > 1) {
        return None;
    }
    let behind = byte_of(word, whole);
    if behind != b'.' {
        return ends_number(behind).then_some(whole);
    }
    let others = others & others.wrapping_sub(1);
    let end = lowest(others);
    (others != 0 && end != whole + 1 && ends_number(byte_of(word, end))).then_some(end)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::json::swar::{plain_float, plain_integer};

    /// The window that begins with this text; what stands behind is of the next value.
    fn window_of(text: &str) -> [u8; WINDOW] {
        let mut window = *b"\"},\"x\":1.5e7,\"y\":\"0123456789\"}\n9";
        window[..text.len()].copy_from_slice(text.as_bytes());
        window
    }

    #[test]
    fn numbers_of_a_window_are_the_plain_ones() {
        let (mut integers, mut floats) = (0, 0);
        for whole in
            ["", "0", "7", "12", "00", "01", "1234567", "12345678", "123456781", "1700000000049", "123456789012345", "1234567890123456"]
        {
            for fraction in ["", ".", ".0", ".5", ".25", ".125", ".000001", "e1", ".5e1", "x", " "] {
                for rest in [",", "}", "]", " ", "\"", "-", ".", "\u{fc}"] {
                    let text = format!("{whole}{fraction}{rest}");
                    let window = window_of(&text);
                    if let Some(found) = integer(&window) {
                        assert_eq!(Some(found), plain_integer(&window, 0), "{text}");
                        assert_eq!(text[..found.1].parse(), Ok(found.0), "{text}");
                        integers += 1;
                    }
                    assert_eq!(number(&window), float(&window).map(|(_, length)| length), "{text}");
                    if let Some((value, length)) = float(&window) {
                        assert_eq!(Some((value, length)), plain_float(&window, 0), "{text}");
                        assert_eq!(text[..length].parse::<f64>().map(f64::to_bits), Ok(value.to_bits()), "{text}");
                        floats += 1;
                    }
                }
            }
        }
        assert!(integers >= 16 && floats >= 20, "{integers} and {floats}");
    }

    #[test]
    fn strings_of_a_window_end_at_their_quote() {
        for length in 0..40 {
            let mut text = vec![b'x'; length];
            text.extend_from_slice(b"\",\"y\":1}\n                                        ");
            let window = *text.first_chunk().expect("long enough");
            assert_eq!(string(&window), Some(length).filter(|&length| length < WINDOW));
            for stop in *b"\\\n\t\0" {
                let mut other = window;
                if length < WINDOW {
                    other[length] = stop;
                    assert_eq!(string(&other), None, "{length}");
                }
            }
        }
    }
}
