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

/// Appends so many bytes of a piece.
#[inline(always)]
pub(super) fn put<const SIZE: usize>(piece: &[u8; SIZE], length: usize, out: &mut Vec<u8>) {
    let end = out.len().wrapping_add(length);
    out.extend_from_slice(piece);
    out.truncate(end);
}

/// Appends a whole number.
#[inline]
pub(super) fn write_int(value: i64, out: &mut Vec<u8>) {
    if value.cast_unsigned() < NINE_DIGITS {
        let (text, length) = short_text(value.cast_unsigned());
        put(&text.to_le_bytes(), length, out);
    } else {
        out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
    }
}

/// Appends a float: the shortest text that reads back the same, with a point or an exponent; `null` where it is no number.
#[inline]
pub(super) fn write_float(value: f64, out: &mut Vec<u8>) {
    let size = value.abs();
    if size < NINE_DIGITS as f64
        && let Some(hundredths) = hundredths(size)
    {
        if value.is_sign_negative() {
            out.push(b'-');
        }
        let (text, length) = short_text(hundredths / 100);
        let (tenth, hundredth) = (hundredths / 10 % 10, hundredths % 10);
        let fraction = u64::from(b'.') | (tenth | 0x30) << 8 | (hundredth | 0x30) << 16;
        let text = u128::from(text) | u128::from(fraction) << (8 * length);
        put(&text.to_le_bytes(), length + 2 + usize::from(hundredth != 0), out);
    } else if value.is_finite() {
        out.extend_from_slice(zmij::Buffer::new().format_finite(value).as_bytes());
    } else {
        out.extend_from_slice(b"null");
    }
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
