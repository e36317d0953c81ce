//! Numbers from their JSON text, exactly: `1.50e3` is 1500 and never a float on the way.

/// A number times a power of ten, as an integer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scaled {
    /// It is this integer.
    Exact(i128),
    /// It has a fraction.
    Fraction,
    /// It is an integer that 127 bits do not hold.
    TooBig,
}

/// Whether this text is a number as JSON writes it (a plus sign is no part of it).
pub(super) fn is_number(text: &str) -> bool {
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (unsigned, None),
    };
    let (whole, fraction) = match mantissa.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (mantissa, None),
    };
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    digits(whole)
        && (whole.len() == 1 || !whole.starts_with('0'))
        && fraction.is_none_or(digits)
        && exponent.is_none_or(|e| digits(e.strip_prefix(['+', '-']).unwrap_or(e)))
}

/// The number of this JSON text times 10^`power`.
pub(super) fn scaled(text: &str, power: u8) -> Scaled {
    let (negative, unsigned) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent_of(exponent)),
        None => (unsigned, 0),
    };
    let (value, dropped_zeros) = significant(mantissa);
    let fraction_digits = mantissa.split_once('.').map_or(0, |(_, fraction)| fraction.len());
    if value == Some(0) {
        return Scaled::Exact(0);
    }
    let count = |n: usize| i64::try_from(n).unwrap_or(i64::MAX);
    let shift = exponent.saturating_add(i64::from(power)).saturating_add(count(dropped_zeros)).saturating_sub(count(fraction_digits));
    if shift < 0 {
        return Scaled::Fraction;
    }
    let factor = u32::try_from(shift).ok().and_then(|shift| 10i128.checked_pow(shift));
    match value.and_then(|value| value.checked_mul(factor?)) {
        Some(value) => Scaled::Exact(if negative { -value } else { value }),
        None => Scaled::TooBig,
    }
}

/// The digits as one integer without its trailing zeros, and how many those were; no integer where there are too many digits.
fn significant(mantissa: &str) -> (Option<i128>, usize) {
    let mut value = Some(0i128);
    let mut zeros = 0usize;
    for digit in mantissa.bytes().filter(u8::is_ascii_digit) {
        if digit == b'0' {
            zeros += usize::from(value != Some(0));
            continue;
        }
        let factor = u32::try_from(zeros + 1).ok().and_then(|n| 10i128.checked_pow(n));
        value = value.and_then(|v| v.checked_mul(factor?)?.checked_add(i128::from(digit - b'0')));
        zeros = 0;
    }
    (value, zeros)
}

/// The exponent; one that no number of interest reaches is cut off at a billion.
fn exponent_of(text: &str) -> i64 {
    const FAR: i64 = 1_000_000_000;
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let size = digits.bytes().fold(0i64, |size, digit| (size * 10 + i64::from(digit - b'0')).min(FAR));
    if negative { -size } else { size }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_in_any_dress() {
        for (text, power, expected) in [
            ("0", 0, 0),
            ("-0", 0, 0),
            ("0.000", 0, 0),
            ("0e999999999999999999999", 0, 0),
            ("42", 0, 42),
            ("1.0", 0, 1),
            ("1e3", 0, 1000),
            ("1.50E+3", 0, 1500),
            ("1500e-2", 0, 15),
            ("-9223372036854775808", 0, i128::from(i64::MIN)),
            ("9007199254740993.0", 0, 9_007_199_254_740_993),
            ("0.001", 3, 1),
            ("19.99", 2, 1999),
            ("1.5", 6, 1_500_000),
        ] {
            assert_eq!(scaled(text, power), Scaled::Exact(expected), "{text} · 10^{power}");
        }
    }

    #[test]
    fn fractions_and_giants() {
        assert_eq!(scaled("1.5", 0), Scaled::Fraction);
        assert_eq!(scaled("1e-1", 0), Scaled::Fraction);
        assert_eq!(scaled("19.999", 2), Scaled::Fraction);
        assert_eq!(scaled(&format!("0.{}1", "0".repeat(5000)), 0), Scaled::Fraction);
        assert_eq!(scaled("1e40", 0), Scaled::TooBig);
        assert_eq!(scaled("1e999999999999999999999", 0), Scaled::TooBig);
        assert_eq!(scaled(&"9".repeat(50), 0), Scaled::TooBig);
        assert_eq!(scaled(&format!("{}.5", "9".repeat(50)), 0), Scaled::Fraction);
    }

    #[test]
    fn what_a_number_looks_like() {
        for yes in ["0", "-1", "10.25", "1e5", "1E-5", "1.5e+5"] {
            assert!(is_number(yes), "{yes}");
        }
        for no in ["", "-", "+1", "01", "1.", ".5", "1e", "1e+", "NaN", "Infinity", "0x1", "1 ", "1,5"] {
            assert!(!is_number(no), "{no}");
        }
    }
}
