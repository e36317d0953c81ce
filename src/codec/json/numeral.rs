//! Numbers to their text: eight digits in a register, for whole numbers and floats of two places; all others by `itoa` and `zmij`.

/// Numbers from here on have more than eight digits.
const NINE_DIGITS: u64 = 100_000_000;

/// Eight digits of a number that has no more, the first one in the lowest byte: halves, then pairs, then single digits side by side.
#[inline(always)]
fn eight_digits(value: u64) -> u64 {
    let halves = (value / 10_000) | ((value % 10_000) << 32);
    // Each of them divided by a hundred.
    let high = (halves.wrapping_mul(10_486) >> 20) & 0x7f_0000_007f;
    let pairs = high | halves.wrapping_sub(high.wrapping_mul(100)) << 16;
    // Each of them divided by ten.
    let high = (pairs.wrapping_mul(103) >> 10) & 0x000f_000f_000f_000f;
    high | pairs.wrapping_sub(high.wrapping_mul(10)) << 8
}

/// The text of a number of at most eight digits, and its length.
#[inline(always)]
fn short_text(value: u64) -> (u64, usize) {
    let digits = eight_digits(value);
    let zeros = (digits.trailing_zeros() / 8).min(7);
    ((digits | 0x3030_3030_3030_3030) >> (8 * zeros), 8 - zeros as usize)
}

/// Puts a piece of which so many bytes count, and gives the place behind those.
#[inline(always)]
pub(super) fn put<const SIZE: usize>(piece: &[u8; SIZE], length: usize, room: &mut [u8], at: usize) -> usize {
    room[at..at.wrapping_add(SIZE)].copy_from_slice(piece);
    at.wrapping_add(length)
}

/// Puts a whole number, and gives the place behind it.
#[inline(always)]
pub(super) fn put_int(value: i64, room: &mut [u8], at: usize) -> usize {
    if value.cast_unsigned() < NINE_DIGITS {
        let (text, length) = short_text(value.cast_unsigned());
        return put(&text.to_le_bytes(), length, room, at);
    }
    put_all(itoa::Buffer::new().format(value).as_bytes(), room, at)
}

/// Puts a float: the shortest text that reads back the same, with a point or an exponent; `null` where it is no number.
#[inline(always)]
pub(super) fn put_float(value: f64, room: &mut [u8], mut at: usize) -> usize {
    let size = value.abs();
    if size < NINE_DIGITS as f64
        && let Some(hundredths) = hundredths(size)
    {
        if value.is_sign_negative() {
            room[at] = b'-';
            at = at.wrapping_add(1);
        }
        let whole = hundredths / 100;
        let cents = hundredths.wrapping_sub(whole.wrapping_mul(100)) as u32;
        let (text, length) = short_text(whole);
        at = put(&text.to_le_bytes(), length, room, at);
        let tenth = cents.wrapping_mul(103) >> 10;
        let hundredth = cents.wrapping_sub(tenth.wrapping_mul(10));
        let fraction = (u32::from(b'.') | 0x30_30_00).wrapping_add(tenth << 8).wrapping_add(hundredth << 16);
        return put(&fraction.to_le_bytes(), 2 + usize::from(hundredth != 0), room, at);
    }
    other_float(value, room, at)
}

#[inline(never)]
fn other_float(value: f64, room: &mut [u8], at: usize) -> usize {
    if value.is_finite() { put_all(zmij::Buffer::new().format_finite(value).as_bytes(), room, at) } else { put(b"null", 4, room, at) }
}

fn put_all(text: &[u8], room: &mut [u8], at: usize) -> usize {
    room[at..at + text.len()].copy_from_slice(text);
    at + text.len()
}

/// Room for any number, with what is put too far behind it.
const ROOM: usize = 40;

/// Appends a whole number.
pub(super) fn write_int(value: i64, out: &mut Vec<u8>) {
    let mut room = [0; ROOM];
    let length = put_int(value, &mut room, 0);
    out.extend_from_slice(&room[..length]);
}

/// Appends a float, as [`put_float`] puts it.
pub(super) fn write_float(value: f64, out: &mut Vec<u8>) {
    let mut room = [0; ROOM];
    let length = put_float(value, &mut room, 0);
    out.extend_from_slice(&room[..length]);
}

/// How many hundredths a number is that is below 2^45, if it is the float nearest to so many: their text reads back the same, and as it has fewer
/// than sixteen digits, no shorter one does.
#[inline(always)]
fn hundredths(size: f64) -> Option<u64> {
    // From here on floats are whole numbers, and those below the next power of two show their digits in their lowest bits.
    const WHOLE: f64 = (1u64 << 52) as f64;
    let count = (size * 100.0 + WHOLE).to_bits() & ((1 << 52) - 1);
    (count.cast_signed() as f64 / 100.0 == size).then_some(count)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of_float(value: f64) -> String {
        let mut out = Vec::new();
        write_float(value, &mut out);
        String::from_utf8(out).expect("ASCII")
    }

    #[test]
    fn whole_numbers_are_those_of_the_standard_library() {
        let powers = (0..19).map(|power| 10i64.pow(power));
        for value in powers.flat_map(|power| [power - 1, power, power + 1, -power, power / 3 * 2, i64::MAX, i64::MIN, 0]) {
            let mut out = b"before".to_vec();
            write_int(value, &mut out);
            assert_eq!(out, format!("before{value}").into_bytes());
        }
    }

    #[test]
    fn floats_are_as_the_general_writer_has_them() {
        let general = |value: f64| zmij::Buffer::new().format_finite(value).to_owned();
        let mut state = 7u64;
        for round in 0..200_000u64 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let value = match round % 4 {
                0 => (state >> 30) as f64 / 100.0,
                1 => (state >> (34 + round % 24)) as f64 / 4.0,
                2 => f64::from_bits((((state >> 40) % 60 + 990) << 52) | state >> 12),
                // Next to one of two places.
                _ => f64::from_bits(((state >> 40) as f64 / 100.0).to_bits() + 1),
            };
            assert_eq!(of_float(value), general(value), "{value:e}");
            assert_eq!(of_float(-value), general(-value), "{value:e}");
        }
        for value in [0.0, -0.0, 0.01, 0.1, 0.29, 1.0, 0.005, 99_999_999.99, 100_000_000.0, 1e15, 1e16, 5e-324, f64::MAX, f64::MIN_POSITIVE]
        {
            assert_eq!(of_float(value), general(value), "{value:e}");
        }
        assert_eq!([of_float(f64::NAN), of_float(f64::INFINITY)], ["null", "null"]);
    }
}
