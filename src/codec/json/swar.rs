//! Eight bytes of text at a time, in a register: where a string stops, how many digits come and what they are worth, whole numbers and floats
//! of the common forms.
//!
//! Everything here is exact or says `None`; it reads beyond no slice.

const ONES: u64 = 0x0101_0101_0101_0101;
const HIGHS: u64 = 0x8080_8080_8080_8080;
/// The powers of ten that a float holds exactly.
pub(super) const POWERS_OF_TEN: [f64; 23] =
    [1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22];
/// What a mantissa is multiplied with before up to eight digits are added.
pub(super) const SHIFTS: [u64; 9] = [1, 10, 100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000];

/// The byte there; zero behind the end.
#[inline]
pub(super) fn byte(bytes: &[u8], at: usize) -> u8 {
    bytes.get(at).copied().unwrap_or(0)
}

/// Eight bytes, the first one lowest; zeros behind the end.
#[inline]
pub(super) fn word(bytes: &[u8], at: usize) -> u64 {
    match bytes.get(at..).and_then(<[u8]>::first_chunk) {
        Some(eight) => u64::from_le_bytes(*eight),
        None => last_word(bytes, at),
    }
}

#[cold]
fn last_word(bytes: &[u8], at: usize) -> u64 {
    let rest = bytes.get(at..).unwrap_or_default();
    let mut eight = [0; 8];
    eight[..rest.len()].copy_from_slice(rest);
    u64::from_le_bytes(eight)
}

/// Where a flag is set in the lowest byte that has one.
#[inline]
pub(super) fn lowest(flags: u64) -> usize {
    flags.trailing_zeros() as usize / 8
}

/// Bytes that end the plain part of a string: quotes, backslashes and control characters. Flags above the lowest one may be wrong.
#[inline]
pub(super) fn string_stops(word: u64) -> u64 {
    let is_zero = |x: u64| x.wrapping_sub(ONES) & !x;
    let quote = is_zero(word ^ (ONES * b'"' as u64));
    let backslash = is_zero(word ^ (ONES * b'\\' as u64));
    let control = word.wrapping_sub(ONES * 0x20) & !word;
    (quote | backslash | control) & HIGHS
}

/// The values of the digits of a word; nonsense where there are none.
#[inline(always)]
pub(super) fn values_of(word: u64) -> u64 {
    word ^ (ONES * b'0' as u64)
}

/// Bytes of a word that are no digits. Flags above the lowest one may be wrong, but the next one behind a point is right.
#[inline(always)]
pub(super) fn non_digits(word: u64) -> u64 {
    let values = values_of(word);
    (values.wrapping_add(ONES * 0x76) | values) & HIGHS
}

/// The number of leading digits of a word, at most eight, and their value.
#[inline]
pub(super) fn digits(word: u64) -> (usize, u64) {
    let (values, others) = (values_of(word), non_digits(word));
    if others == 0 {
        return (8, value_of(values));
    }
    let count = lowest(others);
    // Digits move to the high end; the zeros that come in below are leading ones.
    (count, if count == 0 { 0 } else { value_of(values << (64 - 8 * count)) })
}

/// Eight digits, the first one in the lowest byte: neighbours are joined to pairs, then to fours, then to all eight.
#[inline]
pub(super) fn value_of(values: u64) -> u64 {
    const PAIRS: u64 = 0x0000_00ff_0000_00ff;
    let pairs = values.wrapping_mul(10).wrapping_add(values >> 8);
    let first = (pairs & PAIRS).wrapping_mul(100 + (1_000_000 << 32));
    let second = ((pairs >> 16) & PAIRS).wrapping_mul(1 + (10_000 << 32));
    first.wrapping_add(second) >> 32
}

/// An integer of at most 18 digits that begins at `at`, and the position behind it: not one with a point or an exponent.
#[inline]
pub(super) fn plain_integer(bytes: &[u8], at: usize) -> Option<(i64, usize)> {
    let first = word(bytes, at);
    if first as u8 == b'-' {
        let (value, end) = plain_integer_from(bytes, word(bytes, at + 1), at + 1)?;
        return Some((-value, end));
    }
    plain_integer_from(bytes, first, at)
}

#[inline(always)]
fn plain_integer_from(bytes: &[u8], first: u64, at: usize) -> Option<(i64, usize)> {
    let (count, mut value) = digits(first);
    let mut end = at + count;
    if count == 8 {
        let (more, low) = digits(word(bytes, end));
        value = value * SHIFTS[more] + low;
        end += more;
        if more == 8 {
            let (last, low) = digits(word(bytes, end));
            if last > 2 {
                return None;
            }
            value = value * SHIFTS[last] + low;
            end += last;
        }
    }
    let begins_with_zero = first as u8 == b'0' && end - at > 1;
    if count == 0 || begins_with_zero || matches!(byte(bytes, end), b'.' | b'e' | b'E') {
        return None;
    }
    Some((value.cast_signed(), end))
}

/// A number of at most eight bytes that begins at `at`, as a float, and the position behind it: not one with a sign or an exponent.
///
/// Mantissa and power of ten are exact then, and IEEE division rounds once: it is the nearest float.
#[inline]
pub(super) fn plain_float(bytes: &[u8], at: usize) -> Option<(f64, usize)> {
    let word = word(bytes, at);
    let (values, others) = (values_of(word), non_digits(word));
    let whole = lowest(others);
    if others == 0 || whole == 0 || (word as u8 == b'0' && whole > 1) {
        return None;
    }
    let behind = (word >> (8 * whole)) as u8;
    if behind != b'.' {
        let value = value_of(values << (64 - 8 * whole));
        return (behind | 0x20 != b'e').then_some((value as f64, at + whole));
    }
    // The point is no digit, and nothing was carried from it into the flags above.
    let others = others & (others - 1);
    let end = lowest(others);
    if others == 0 || end == whole + 1 || (word >> (8 * end)) as u8 | 0x20 == b'e' {
        return None;
    }
    // The digits behind the point move next to those before it.
    let before = (1 << (8 * whole)) - 1;
    let joined = (values & before) | ((values >> 8) & !before);
    let mantissa = value_of(joined << (64 - 8 * (end - 1)));
    Some((mantissa as f64 / POWERS_OF_TEN[end - 1 - whole], at + end))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the standard library makes of the number that the text begins with, and its length; the rest is behind it.
    fn number(text: &str) -> Option<(&str, usize)> {
        let is_part = |byte: u8| byte.is_ascii_digit() || b"+-.eE".contains(&byte);
        let length = text.bytes().take_while(|&byte| is_part(byte)).count();
        let number = &text[..length];
        serde_json::from_str::<f64>(number).is_ok().then_some((number, length))
    }

    #[test]
    fn plain_numbers_are_those_of_the_standard_library() {
        let mut taken = 0;
        let parts = ["0", "1", "12", "123", "1234567", "12345678", "99999999", "123456789012345678", "1234567890123456789", "00", "01", ""];
        for whole in parts {
            for sign in ["", "-"] {
                for fraction in ["", ".", ".0", ".5", ".25", ".125", ".000001", ".1234567", "e1", "E2", ".5e1"] {
                    for rest in ["", ",", "}\n", " ", ",\"price\":1.5", "\u{fc}", "-", "."] {
                        let text = format!("{sign}{whole}{fraction}{rest}");
                        let wanted = number(&text);
                        if let Some((value, end)) = plain_integer(text.as_bytes(), 0) {
                            let digits = &text[..end];
                            assert_eq!(digits.parse(), Ok(value), "{text}");
                            assert!(wanted.is_none_or(|(_, length)| length == end), "{text}");
                            assert!(!digits.trim_start_matches('-').starts_with('0') || digits.trim_start_matches('-') == "0", "{text}");
                            taken += 1;
                        }
                        if let Some((value, end)) = plain_float(text.as_bytes(), 0) {
                            assert_eq!(text[..end].parse::<f64>().map(f64::to_bits), Ok(value.to_bits()), "{text}");
                            assert!(wanted.is_none_or(|(_, length)| length == end), "{text}");
                            assert!(serde_json::from_str::<f64>(&text[..end]).is_ok(), "{text}");
                            taken += 1;
                        }
                    }
                }
            }
        }
        assert!(taken > 200, "{taken}");
        assert_eq!(plain_float(b"221.50,\"volume\"", 0), Some((221.5, 6)));
        assert_eq!(plain_integer(b"1700000000049}\n", 0), Some((1_700_000_000_049, 13)));
    }
}
