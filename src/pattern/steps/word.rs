//! Comparisons as one question about a word: whether what an unfinished match has stored lies between two bounds.
//!
//! A value becomes a word whose order is that of [`Value::compare`](crate::data::Value::compare): integers are their own, floats are laid out
//! so that integers' order is theirs (NaN above all and equal to itself, -0.0 equal to 0.0). Of text only equality is asked, by a hash, and
//! whoever finds equal hashes asks again.

use crate::data::{Column, KeyRef, Value};
use crate::expr::CompareOp;
pub(super) use crate::spec::WordKind;

impl WordKind {
    /// The word of a row of a column; nothing where it is NULL.
    #[inline]
    pub(super) fn of_row(self, column: &Column, row: usize) -> Option<i64> {
        match self {
            Self::Integer => column.word(row),
            Self::Float => column.word(row).map(float_word),
            Self::TextHash => match column.value(row) {
                Value::String(text) => Some(text_word(&text)),
                _ => None,
            },
        }
    }

    /// The word of a number's eight bytes.
    #[inline]
    pub(super) fn of_word(self, word: i64) -> i64 {
        match self {
            Self::Float => float_word(word),
            Self::Integer | Self::TextHash => word,
        }
    }

    /// The word of a value; nothing where it is NULL.
    pub(super) fn of_value(self, value: &Value<'_>) -> Option<i64> {
        match (self, value) {
            (Self::Integer, Value::Int(v)) => Some(*v),
            (Self::Integer, Value::Timestamp(v)) => Some(v.0),
            (Self::Integer, Value::Duration(v)) => Some(v.0),
            (Self::Float, Value::Float(v)) => Some(float_word(v.to_bits().cast_signed())),
            (Self::TextHash, Value::String(text)) => Some(text_word(text)),
            _ => None,
        }
    }
}

/// From the bits of a float.
#[inline]
fn float_word(bits: i64) -> i64 {
    let value = f64::from_bits(bits.cast_unsigned());
    let one_of_its_kind = if value.is_nan() { f64::NAN.abs() } else { value + 0.0 };
    let bits = one_of_its_kind.to_bits().cast_signed();
    // Of negative floats the larger magnitude is the smaller number.
    bits ^ ((bits >> 63).cast_unsigned() >> 1).cast_signed()
}

fn text_word(text: &str) -> i64 {
    KeyRef::hash_text(text).cast_signed()
}

/// Which stored words make a comparison with a candidate's word true.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Bounds {
    pub(super) low: i64,
    pub(super) high: i64,
    /// Those outside instead.
    pub(super) negated: bool,
}

impl Bounds {
    const NONE: Self = Self { low: i64::MAX, high: i64::MIN, negated: false };

    /// Of `candidate op stored`.
    #[inline]
    pub(super) fn of(op: CompareOp, candidate: i64) -> Self {
        let between = |low, high| Self { low, high, negated: false };
        match op {
            CompareOp::Eq => between(candidate, candidate),
            CompareOp::NotEq => Self { negated: true, ..between(candidate, candidate) },
            CompareOp::Less => candidate.checked_add(1).map_or(Self::NONE, |above| between(above, i64::MAX)),
            CompareOp::LessEq => between(candidate, i64::MAX),
            CompareOp::Greater => candidate.checked_sub(1).map_or(Self::NONE, |below| between(i64::MIN, below)),
            CompareOp::GreaterEq => between(i64::MIN, candidate),
        }
    }

    #[inline]
    pub(super) fn hold(self, stored: i64) -> bool {
        (self.low <= stored && stored <= self.high) != self.negated
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{DataType, Timestamp};

    const OPS: [CompareOp; 6] =
        [CompareOp::Eq, CompareOp::NotEq, CompareOp::Less, CompareOp::LessEq, CompareOp::Greater, CompareOp::GreaterEq];

    fn agree(kind: WordKind, values: &[Value<'_>]) {
        for op in OPS.iter().filter(|op| kind != WordKind::TextHash || **op == CompareOp::Eq) {
            for candidate in values {
                for stored in values {
                    let expected = candidate.compare(stored).is_some_and(|order| op.holds(order));
                    let words = kind.of_value(candidate).zip(kind.of_value(stored));
                    let found = words.is_some_and(|(candidate, stored)| Bounds::of(*op, candidate).hold(stored));
                    assert_eq!(found, expected, "{candidate:?} {} {stored:?}", op.symbol());
                }
            }
        }
    }

    #[test]
    fn words_compare_as_values_do() {
        let floats = [0.0, -0.0, 1.0, -1.0, 5e-324, -5e-324, 1e300, -1e300, f64::INFINITY, f64::NEG_INFINITY, f64::NAN, -f64::NAN];
        agree(WordKind::Float, &floats.map(Value::Float).into_iter().chain([Value::Null]).collect::<Vec<_>>());
        let integers = [0, 1, -1, i64::MAX, i64::MIN, i64::MAX - 1, i64::MIN + 1];
        agree(WordKind::Integer, &integers.map(Value::Int).into_iter().chain([Value::Null]).collect::<Vec<_>>());
        agree(WordKind::Integer, &integers.map(|v| Value::Timestamp(Timestamp(v))));
        agree(WordKind::TextHash, &["", "a", "ab", "b"].map(Value::string).into_iter().chain([Value::Null]).collect::<Vec<_>>());
    }

    #[test]
    fn rows_of_columns_have_the_words_of_their_values() {
        let values = [Value::Float(-2.5), Value::Null, Value::Float(f64::NAN)];
        let column = Column::from_values(&DataType::Float, values.clone());
        for (row, value) in values.iter().enumerate() {
            assert_eq!(WordKind::Float.of_row(&column, row), WordKind::Float.of_value(value));
        }
    }
}
