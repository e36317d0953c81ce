//! What can be looked up for a row without looking at each rule: an equality, a threshold, a text that stands in a text.
//!
//! In: a condition. Out: its *covers*. A cover is a list of atoms of which one holds wherever the condition is true, so whoever looks its
//! atoms up finds every row that the condition may hold for.

use crate::data::{Column, DataType, Value};
use crate::expr::{CompareOp, Expr, ExprKind};

/// Something about one column that is looked up.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Atom {
    /// The word of the column is this one.
    Word(usize, i64),
    /// It is at least this one.
    AtLeast(usize, i64),
    /// It is at most this one.
    AtMost(usize, i64),
    /// The text of the column is this one.
    Text(usize, Box<str>),
    /// The text of the column (in lower case, if that is said) has this one in it.
    Contains {
        /// The column.
        column: usize,
        /// What stands in its text.
        text: Box<str>,
        /// In lower case.
        folded: bool,
    },
    /// The term of this number, which is evaluated for all rows of a batch, is true.
    Evaluated(usize),
    /// Always.
    Always,
}

impl Atom {
    /// The term that it is.
    pub(super) fn term(&self) -> Option<usize> {
        match self {
            Self::Evaluated(term) => Some(*term),
            _ => None,
        }
    }

    /// In how many rows it is thought to hold before any have been seen.
    pub(super) fn guess(&self) -> f64 {
        match self {
            Self::Text(..) | Self::Contains { .. } => 0.0005,
            Self::Word(..) => 0.02,
            Self::AtLeast(..) | Self::AtMost(..) => 0.25,
            Self::Evaluated(_) => 0.5,
            Self::Always => 1.0,
        }
    }
}

/// The covers of a condition that makes up no NULLs; none where it has none.
pub(super) fn covers(condition: &Expr) -> Vec<Vec<Atom>> {
    match condition.kind() {
        ExprKind::And => condition.args().iter().flat_map(covers).collect(),
        ExprKind::Or => {
            let cheapest = |part: &Expr| covers(part).into_iter().min_by(|a, b| guess(a).total_cmp(&guess(b)));
            let parts: Option<Vec<Vec<Atom>>> = condition.args().iter().map(cheapest).collect();
            parts.map(|parts| parts.concat()).into_iter().collect()
        }
        ExprKind::Compare(op) => {
            let (left, right) = (&condition.args()[0], &condition.args()[1]);
            comparison(*op, left, right).or_else(|| comparison(op.flipped(), right, left)).map(|atom| vec![atom]).into_iter().collect()
        }
        ExprKind::In(_) => {
            let (value, items) = condition.args().split_first().expect("IN has a value");
            // An item that is NULL makes nothing true.
            let items = items.iter().filter(|item| !item.as_literal().is_some_and(Value::is_null));
            let atoms: Option<Vec<Atom>> = items.map(|item| comparison(CompareOp::Eq, value, item)).collect();
            atoms.into_iter().collect()
        }
        ExprKind::Between => {
            let (value, low, high) = (&condition.args()[0], &condition.args()[1], &condition.args()[2]);
            let bounds = [comparison(CompareOp::GreaterEq, value, low), comparison(CompareOp::LessEq, value, high)];
            bounds.into_iter().flatten().map(|atom| vec![atom]).collect()
        }
        _ => condition
            .needle()
            .map(|needle| vec![Atom::Contains { column: needle.slot.0 as usize, text: needle.text.into(), folded: needle.folded }])
            .into_iter()
            .collect(),
    }
}

/// In how many rows one of these holds, at most.
fn guess(atoms: &[Atom]) -> f64 {
    atoms.iter().map(Atom::guess).sum()
}

fn comparison(op: CompareOp, column: &Expr, constant: &Expr) -> Option<Atom> {
    let slot = column.as_slot()?.0 as usize;
    if let (DataType::String, Value::String(text), CompareOp::Eq) = (column.data_type(), constant.as_literal()?, op) {
        return Some(Atom::Text(slot, text.as_ref().into()));
    }
    let word = word_of_constant(column.data_type(), constant)?;
    match op {
        CompareOp::Eq => Some(Atom::Word(slot, word)),
        CompareOp::GreaterEq => Some(Atom::AtLeast(slot, word)),
        CompareOp::LessEq => Some(Atom::AtMost(slot, word)),
        CompareOp::Greater => word.checked_add(1).map(|word| Atom::AtLeast(slot, word)),
        CompareOp::Less => word.checked_sub(1).map(|word| Atom::AtMost(slot, word)),
        CompareOp::NotEq => None,
    }
}

/// A constant beside a column of this type as a word: words order and equal as the values do.
pub(super) fn word_of_constant(column: &DataType, constant: &Expr) -> Option<i64> {
    match (column, constant.as_literal()?) {
        (DataType::Int, Value::Int(v)) => Some(*v),
        (DataType::Timestamp, Value::Timestamp(v)) => Some(v.0),
        (DataType::Duration, Value::Duration(v)) => Some(v.0),
        (DataType::Float, Value::Float(v)) => Some(word_of_float(*v)),
        _ => None,
    }
}

/// The word of a row; nothing where it is NULL, or the column has none.
#[inline]
pub(super) fn word(column: &Column, row: usize) -> Option<i64> {
    match column {
        Column::Int(_) | Column::Timestamp(_) | Column::Duration(_) => column.word(row),
        Column::Float(_) => column.word(row).map(|bits| word_of_float(f64::from_bits(bits.cast_unsigned()))),
        _ => None,
    }
}

/// Floats as integers of the same order: NaN above all and equal to itself, -0.0 equal to 0.0.
fn word_of_float(value: f64) -> i64 {
    if value.is_nan() {
        return i64::MAX - 1;
    }
    let bits = (value + 0.0).to_bits().cast_signed();
    bits ^ ((bits >> 63).cast_unsigned() >> 1).cast_signed()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::expr::SlotId;

    #[test]
    fn words_of_floats_are_in_order() {
        let values = [f64::NEG_INFINITY, -1.5, -0.0, 0.0, 1e-300, 2.0, f64::INFINITY, f64::NAN];
        for pair in values.windows(2) {
            let order = Value::Float(pair[0]).compare(&Value::Float(pair[1])).unwrap();
            assert_eq!(word_of_float(pair[0]).cmp(&word_of_float(pair[1])), order, "{pair:?}");
        }
        assert_eq!(word_of_float(f64::NAN), word_of_float(-f64::NAN));
    }

    #[test]
    fn covers_of_conditions() {
        let text = || Expr::slot(SlotId(0), DataType::String);
        let number = || Expr::slot(SlotId(1), DataType::Int);
        let string = |s: &'static str| Expr::literal(Value::string(s));
        let int = |v| Expr::literal(Value::Int(v));
        let is = |s| Expr::compare(CompareOp::Eq, text(), string(s)).unwrap();
        let above = |v| Expr::compare(CompareOp::Less, int(v), number()).unwrap();
        let and = Expr::and(vec![is("a"), above(7)]).unwrap();
        assert_eq!(covers(&and), [vec![Atom::Text(0, "a".into())], vec![Atom::AtLeast(1, 8)]]);
        let or = Expr::or(vec![and, Expr::like(text(), string("%xy%"), None, true).unwrap()]).unwrap();
        let contains = Atom::Contains { column: 0, text: "xy".into(), folded: true };
        assert_eq!(covers(&or), [vec![Atom::Text(0, "a".into()), contains]]);
        let other = Expr::compare(CompareOp::NotEq, number(), int(1)).unwrap();
        assert!(covers(&other).is_empty());
        assert!(covers(&Expr::or(vec![is("a"), other]).unwrap()).is_empty());
        let among = Expr::in_list(number(), vec![int(1), int(2), Expr::literal(Value::Null)]).unwrap();
        assert_eq!(covers(&among), [vec![Atom::Word(1, 1), Atom::Word(1, 2)]]);
    }
}
