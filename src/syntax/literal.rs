//! Literals: the text of numbers, strings and durations to values, with their range errors.
//!
//! Durations are exact: a fraction that is no whole number of nanoseconds is an error, never rounded.

use super::ast::ExprKind;

/// Why a literal has no value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BadLiteral {
    /// Beyond what its type holds.
    TooBig,
    /// A part of a nanosecond.
    TooFine,
    /// Not a number at all.
    NotANumber,
}

/// The text inside quotes, doubled quotes made single; a text without quotes is itself.
pub(super) fn unquote(text: &str, quote: char) -> String {
    match text.strip_prefix(quote).and_then(|rest| rest.strip_suffix(quote)) {
        Some(inner) => inner.replace(&format!("{quote}{quote}"), &quote.to_string()),
        None => text.to_owned(),
    }
}

/// A number: whole ones are integers, of any size; one with a fraction or an exponent is a float.
pub(super) fn number(text: &str) -> Result<ExprKind, BadLiteral> {
    let digits = text.replace('_', "");
    if digits.bytes().all(|b| b.is_ascii_digit()) {
        return Ok(digits.parse().map(ExprKind::Int).unwrap_or(ExprKind::BigInt(digits)));
    }
    let value: f64 = digits.parse().map_err(|_| BadLiteral::NotANumber)?;
    if value.is_finite() { Ok(ExprKind::Float(value, digits)) } else { Err(BadLiteral::TooBig) }
}

/// A whole number such as a quantifier's bound.
pub(super) fn whole<T: std::str::FromStr>(text: &str) -> Result<T, BadLiteral> {
    text.replace('_', "").parse().map_err(|_| BadLiteral::TooBig)
}

/// Nanoseconds of an amount like `10` or `1.5` of a unit.
pub(super) fn duration(amount: &str, unit: &str) -> Result<i64, BadLiteral> {
    let amount = amount.trim().replace('_', "");
    let (negative, digits) = match amount.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, amount.strip_prefix('+').unwrap_or(&amount)),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let is_digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
    if !is_digits(whole) || !is_digits(fraction) || whole.is_empty() && fraction.is_empty() {
        return Err(BadLiteral::NotANumber);
    }
    let unit = unit_nanos(unit).ok_or(BadLiteral::NotANumber)?;
    let whole: i128 = if whole.is_empty() { 0 } else { whole.parse().map_err(|_| BadLiteral::TooBig)? };
    let mut nanos = whole.checked_mul(unit).ok_or(BadLiteral::TooBig)?;
    let fraction = fraction.trim_end_matches('0');
    if !fraction.is_empty() {
        // No unit has more than 15 factors of ten, of two or of five, so a longer fraction is never whole.
        let scale = u32::try_from(fraction.len()).ok().filter(|n| *n <= 20).ok_or(BadLiteral::TooFine)?;
        let parts = fraction.parse::<i128>().map_err(|_| BadLiteral::TooFine)? * unit;
        let divisor = 10_i128.pow(scale);
        if parts % divisor != 0 {
            return Err(BadLiteral::TooFine);
        }
        nanos = nanos.checked_add(parts / divisor).ok_or(BadLiteral::TooBig)?;
    }
    i64::try_from(if negative { -nanos } else { nanos }).map_err(|_| BadLiteral::TooBig)
}

/// Nanoseconds of a unit's name, in any case, singular or plural.
fn unit_nanos(unit: &str) -> Option<i128> {
    let lower = unit.to_ascii_lowercase();
    let singular = if lower.len() > 2 { lower.strip_suffix('s').unwrap_or(&lower) } else { &lower };
    Some(match singular {
        "ns" | "nanosecond" => 1,
        "us" | "microsecond" => 1_000,
        "ms" | "millisecond" => 1_000_000,
        "s" | "second" => 1_000_000_000,
        "m" | "minute" => 60 * 1_000_000_000,
        "h" | "hour" => 3_600 * 1_000_000_000,
        "d" | "day" => 86_400 * 1_000_000_000,
        "w" | "week" => 7 * 86_400 * 1_000_000_000,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::{BadLiteral, duration, number, unquote};
    use crate::syntax::ast::ExprKind;

    #[test]
    fn durations_are_exact_or_refused() {
        assert_eq!(duration("10", "minutes"), Ok(600_000_000_000));
        assert_eq!(duration("1.5", "H"), Ok(5_400_000_000_000));
        assert_eq!(duration("1_000", "ms"), Ok(1_000_000_000));
        assert_eq!(duration("0.5", "ns"), Err(BadLiteral::TooFine));
        assert_eq!(duration("1.00", "ns"), Ok(1));
        assert_eq!(duration("0.0000000001", "s"), Err(BadLiteral::TooFine));
        assert_eq!(duration("9999999", "weeks"), Err(BadLiteral::TooBig));
        assert_eq!(duration(&"9".repeat(60), "s"), Err(BadLiteral::TooBig));
        assert_eq!(duration("-1", "day"), Ok(-86_400_000_000_000));
        assert_eq!(duration("x", "s"), Err(BadLiteral::NotANumber));
        assert_eq!(duration(".", "s"), Err(BadLiteral::NotANumber));
    }

    #[test]
    fn whole_numbers_of_any_size_and_floats_of_finite_size() {
        assert_eq!(number("1_000"), Ok(ExprKind::Int(1000)));
        assert_eq!(number("9223372036854775808"), Ok(ExprKind::BigInt("9223372036854775808".into())));
        assert_eq!(number("2e9"), Ok(ExprKind::Float(2e9, "2e9".into())));
        assert_eq!(number("1e999"), Err(BadLiteral::TooBig));
    }

    #[test]
    fn doubled_quotes_are_one() {
        assert_eq!(unquote("'it''s'", '\''), "it's");
        assert_eq!(unquote("\"a\"\"b\"", '"'), "a\"b");
        assert_eq!(unquote("plain", '"'), "plain");
    }
}
