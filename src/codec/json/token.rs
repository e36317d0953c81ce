//! Tokens of JSON read eight bytes at a time: where a string ends, what a number is, whether a nested value that nobody needs is sound.
//!
//! All functions take bytes and a position, and give the position behind the token. `None` means "not plainly good": the caller leaves the
//! line to the strict parser, which knows why. So these must never accept what that one refuses, and may refuse what it accepts. They
//! stop at a line end by themselves, because it is a control character.
//!
//! Tokens are written where they are to stay: one that is returned is copied in one piece right after it was written in several, which stalls.

use super::swar::{POWERS_OF_TEN, SHIFTS, byte, digits, lowest, string_stops, word};

/// Nested values deeper than this are left to the strict parser.
const MAX_DEPTH: u32 = 60;

/// What a token is. Positions of its text are kept by who reads it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Token {
    /// There is none.
    #[default]
    Missing,
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// A string without escapes, quotes included.
    Text,
    /// A string with escapes that are well formed (half of a surrogate pair may be among them).
    Escaped,
    /// A number whose digits are all in the mantissa: it is mantissa / 10^fraction.
    Number {
        /// The digits.
        mantissa: u64,
        /// How many of them stand behind the point.
        fraction: u8,
        /// Whether there is a minus sign.
        negative: bool,
    },
    /// A number with an exponent or too many digits.
    OtherNumber,
    /// An array or an object.
    Nested,
}

impl Token {
    /// The number as an integer, if it is written as one and 64 bits hold it.
    #[inline]
    pub(super) fn integer(&self) -> Option<i64> {
        match *self {
            Self::Number { mantissa, fraction: 0, negative: false } => i64::try_from(mantissa).ok(),
            Self::Number { mantissa, fraction: 0, negative: true } => 0i64.checked_sub_unsigned(mantissa),
            _ => None,
        }
    }

    /// The number as a float, where one division gives the nearest one: both operands are exact then, and IEEE division rounds once.
    #[inline]
    pub(super) fn float(&self) -> Option<f64> {
        match *self {
            Self::Number { mantissa, fraction, negative } if mantissa <= 1 << 53 => {
                let value = mantissa as f64 / POWERS_OF_TEN.get(usize::from(fraction))?;
                Some(if negative { -value } else { value })
            }
            _ => None,
        }
    }
}

/// A string whose opening quote stands at `at`: behind its closing quote, and whether it has escapes.
#[inline]
pub(super) fn string(bytes: &[u8], at: usize) -> Option<(usize, bool)> {
    rest_of_string(bytes, at + 1)
}

/// The same from behind the opening quote.
#[inline]
pub(super) fn rest_of_string(bytes: &[u8], at: usize) -> Option<(usize, bool)> {
    rest_of::<true>(bytes, at)
}

/// The same where all escapes are of one character each.
#[inline]
pub(super) fn rest_of_text(bytes: &[u8], at: usize) -> Option<(usize, bool)> {
    rest_of::<false>(bytes, at)
}

#[inline]
fn rest_of<const NUMBERS: bool>(bytes: &[u8], mut at: usize) -> Option<(usize, bool)> {
    let mut has_escapes = false;
    loop {
        let stops = string_stops(word(bytes, at));
        if stops == 0 {
            at += 8;
            continue;
        }
        at += lowest(stops);
        match byte(bytes, at) {
            b'"' => return Some((at + 1, has_escapes)),
            b'\\' => {
                at = escape::<NUMBERS>(bytes, at)?;
                has_escapes = true;
            }
            _ => return None,
        }
    }
}

#[inline]
fn escape<const NUMBERS: bool>(bytes: &[u8], at: usize) -> Option<usize> {
    match byte(bytes, at + 1) {
        b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => Some(at + 2),
        b'u' if NUMBERS => bytes.get(at + 2..at + 6)?.iter().all(u8::is_ascii_hexdigit).then_some(at + 6),
        _ => None,
    }
}

/// Digits behind what has been read of a mantissa: the new mantissa, which is wrong beyond 19 digits, and how many digits came.
#[inline(always)]
fn more_digits(bytes: &[u8], from: usize, mut mantissa: u64) -> (u64, usize) {
    let mut count = 0;
    loop {
        let (some, value) = digits(word(bytes, from + count));
        mantissa = mantissa.wrapping_mul(SHIFTS[some]).wrapping_add(value);
        count += some;
        if some < 8 {
            return (mantissa, count);
        }
    }
}

/// A number that begins at `at`.
#[inline]
fn number(bytes: &[u8], at: usize, token: &mut Token) -> Option<usize> {
    let negative = byte(bytes, at) == b'-';
    let begin = at + usize::from(negative);
    let (mut mantissa, whole) = more_digits(bytes, begin, 0);
    if whole == 0 || (whole > 1 && bytes[begin] == b'0') {
        return None;
    }
    let mut at = begin + whole;
    let mut fraction = 0;
    if byte(bytes, at) == b'.' {
        (mantissa, fraction) = more_digits(bytes, at + 1, mantissa);
        if fraction == 0 {
            return None;
        }
        at += 1 + fraction;
    }
    if matches!(byte(bytes, at), b'e' | b'E') {
        *token = Token::OtherNumber;
        return exponent(bytes, at + 1);
    }
    *token = match u8::try_from(fraction) {
        Ok(fraction) if whole + usize::from(fraction) <= 19 => Token::Number { mantissa, fraction, negative },
        _ => Token::OtherNumber,
    };
    Some(at)
}

fn exponent(bytes: &[u8], at: usize) -> Option<usize> {
    let at = at + usize::from(matches!(byte(bytes, at), b'+' | b'-'));
    let count = bytes[at..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    (count > 0).then_some(at + count)
}

/// `true`, `false` or `null`.
fn literal(bytes: &[u8], at: usize, token: &mut Token) -> Option<usize> {
    let rest = bytes.get(at..)?;
    let (word, length) = if rest.starts_with(b"null") {
        (Token::Null, 4)
    } else if rest.starts_with(b"true") {
        (Token::Bool(true), 4)
    } else if rest.starts_with(b"false") {
        (Token::Bool(false), 5)
    } else {
        return None;
    };
    *token = word;
    Some(at + length)
}

/// Any value that begins at `at`: what it is, and the position behind it. `depth` arrays and objects are open around it.
#[inline]
pub(super) fn value(bytes: &[u8], at: usize, depth: u32, token: &mut Token) -> Option<usize> {
    match byte(bytes, at) {
        b'"' => {
            let (at, has_escapes) = string(bytes, at)?;
            *token = if has_escapes { Token::Escaped } else { Token::Text };
            Some(at)
        }
        b'-' | b'0'..=b'9' => number(bytes, at, token),
        b'{' | b'[' => {
            *token = Token::Nested;
            nested(bytes, at, depth)
        }
        _ => literal(bytes, at, token),
    }
}

/// Any value, passed over.
#[inline]
pub(super) fn skip(bytes: &[u8], at: usize, depth: u32) -> Option<usize> {
    value(bytes, at, depth, &mut Token::Missing)
}

/// Behind the spaces that stand there. (Tabs, which are as rare as they are allowed, are left to the strict parser.)
#[inline]
pub(super) fn spaces(bytes: &[u8], mut at: usize) -> usize {
    while byte(bytes, at) == b' ' {
        at += 1;
    }
    at
}

/// An array or an object that begins at `at`, checked and passed over.
fn nested(bytes: &[u8], mut at: usize, around: u32) -> Option<usize> {
    // The open ones, the innermost lowest; 1 is an object.
    let mut open = 0u64;
    let mut depth = 0u32;
    loop {
        // A value, or the end of an array or object that has none.
        let begin = byte(bytes, at);
        if begin == b'{' || begin == b'[' {
            depth += 1;
            if depth + around > MAX_DEPTH {
                return None;
            }
            open = open << 1 | u64::from(begin == b'{');
            at = spaces(bytes, at + 1);
            if byte(bytes, at) != closing(open) {
                at = if begin == b'{' { key(bytes, at)? } else { at };
                continue;
            }
        } else {
            at = skip(bytes, at, around)?;
            at = spaces(bytes, at);
        }
        while byte(bytes, at) == closing(open) {
            at += 1;
            open >>= 1;
            depth -= 1;
            if depth == 0 {
                return Some(at);
            }
            at = spaces(bytes, at);
        }
        if byte(bytes, at) != b',' {
            return None;
        }
        at = spaces(bytes, at + 1);
        if open & 1 == 1 {
            at = key(bytes, at)?;
        }
    }
}

fn closing(open: u64) -> u8 {
    if open & 1 == 1 { b'}' } else { b']' }
}

/// A key and its colon: where its value begins. An escape in it is the strict parser's business.
fn key(bytes: &[u8], at: usize) -> Option<usize> {
    if byte(bytes, at) != b'"' {
        return None;
    }
    let (at, has_escapes) = string(bytes, at)?;
    let at = spaces(bytes, at);
    (!has_escapes && byte(bytes, at) == b':').then(|| spaces(bytes, at + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The value that the whole text is.
    fn whole(text: &str) -> Option<Token> {
        // What stands behind must neither be looked at nor needed.
        let with_more = format!("{text}\n\"");
        let (mut token, mut again) = (Token::Missing, Token::Missing);
        let end = value(text.as_bytes(), 0, 0, &mut token);
        assert_eq!(end, value(with_more.as_bytes(), 0, 0, &mut again), "{text}");
        assert!(end.is_none() || token == again, "{text}");
        (end == Some(text.len())).then_some(token)
    }

    #[test]
    fn numbers_are_exact_or_left() {
        for text in
            ["0", "-0", "7", "12345678", "123456789", "1700000000123", "9223372036854775807", "-9223372036854775808", "1234567812345678"]
        {
            assert_eq!(whole(text).and_then(|token| token.integer()), text.parse().ok(), "{text}");
        }
        for text in ["9223372036854775808", "-9223372036854775809", "18446744073709551616", "99999999999999999999", "1.0", "1e3"] {
            assert_eq!(whole(text).and_then(|token| token.integer()), None, "{text}");
        }
        for text in ["0.1", "-0.0", "-0", "123.25", "0.000001", "9007199254740992", "123456789.125", "3.141592653589793"] {
            let float = whole(text).and_then(|token| token.float());
            assert_eq!(float.map(f64::to_bits), text.parse().ok().map(f64::to_bits), "{text}");
        }
        for text in ["9007199254740993", "0.30000000000000004", "1e5", "0.00000000000000000000001", "1234567890123456789012"] {
            assert!(whole(text).is_some_and(|token| token.float().is_none()), "{text}");
        }
        for text in ["01", "-", "+1", "1.", ".5", "1e", "1e+", "1.e3", "00", "-01", "0x1", "NaN", "1_0"] {
            assert_eq!(whole(text), None, "{text}");
        }
    }

    #[test]
    fn strings_end_at_their_quote() {
        for length in 0..40 {
            let plain = format!("\"{}\"", "é".repeat(length));
            assert_eq!(whole(&plain), Some(Token::Text));
            assert_eq!(whole(&plain[..plain.len() - 1]), None, "open at the end");
            for (inside, token) in
                [("\\\"", Some(Token::Escaped)), ("\\u00e9", Some(Token::Escaped)), ("\\x", None), ("\t", None), ("\\u12g4", None)]
            {
                assert_eq!(whole(&format!("\"{}{inside}\"", "x".repeat(length))), token, "{length} {inside}");
            }
        }
    }

    #[test]
    fn nested_values_are_checked() {
        for good in ["[]", "{}", "[1, [2,{\"a\":[]}] ,\"x\" ]", "{ \"a\" : {\"b\":null}, \"c\":[true,false]}"] {
            assert_eq!(whole(good), Some(Token::Nested), "{good}");
        }
        for bad in [
            "[",
            "[1,]",
            "[,1]",
            "{\"a\"}",
            "{\"a\":}",
            "{\"a\":1,}",
            "{1:2}",
            "[1}",
            "{\"a\":1]",
            "[1 2]",
            "{\"a\":1 \"b\":2}",
            "[nul]",
            "[\"a]",
        ] {
            assert_eq!(whole(bad), None, "{bad}");
        }
        assert_eq!(whole(&format!("{}{}", "[".repeat(60), "]".repeat(60))), Some(Token::Nested));
        assert_eq!(whole(&format!("{}{}", "[".repeat(61), "]".repeat(61))), None);
    }
}
