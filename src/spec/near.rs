//! What a term about a distance asks of a candidate at least: `ABS(candidate - earlier) < c` holds only for candidates between
//! `earlier - c` and `earlier + c`. The term itself is asked where that holds, for a sum is rounded at another place than a difference.
//!
//! Of FLOAT alone, whose differences are never NULL. Where the rounded difference is below `c`, so is the exact one, for rounding keeps the
//! order and `c` is a FLOAT; then the candidate is below the exact sum, and not above the rounded one. A difference that may be `c` is below
//! the next larger number. Where the difference is NaN, which is above all, the term is false.

use crate::data::{DataType, Value};
use crate::expr::{CompareOp, Expr, ExprKind};

/// A term `|one - other| < most`, or without the bars.
#[derive(Debug)]
pub(super) struct Distance<'e> {
    one: &'e Expr,
    other: &'e Expr,
    most: f64,
    is_absolute: bool,
}

/// What is needed: the candidate's side, and what it is compared with.
#[derive(Debug)]
pub(super) struct Needed<'e> {
    pub(super) op: CompareOp,
    pub(super) candidate: &'e Expr,
    pub(super) earlier: Expr,
}

impl<'e> Distance<'e> {
    pub(super) fn of(term: &'e Expr) -> Option<Self> {
        let (ExprKind::Compare(op), [a, b]) = (term.kind(), term.args()) else { return None };
        let (op, distance, most) = match (a.as_literal(), b.as_literal()) {
            (None, Some(most)) => (*op, a, most),
            (Some(most), None) => (op.flipped(), b, most),
            _ => return None,
        };
        let most = match most {
            Value::Float(most) => *most,
            Value::Int(most) => f64::from(i32::try_from(*most).ok()?),
            _ => return None,
        };
        let most = match op {
            CompareOp::Less => most,
            CompareOp::LessEq => most.next_up(),
            _ => return None,
        };
        let inside = arguments(distance, "ABS", 1);
        let [one, other] = arguments(inside.map_or(distance, |inside| &inside[0]), "-", 2)? else { return None };
        let is_float = |expr: &Expr| *expr.data_type() == DataType::Float;
        let is_known = most.is_finite() && is_float(one) && is_float(other);
        is_known.then_some(Self { one, other, most, is_absolute: inside.is_some() })
    }

    /// What is needed of the candidate, where one side reads it alone.
    pub(super) fn needs(&self, is_candidate: impl Fn(&Expr) -> bool) -> Vec<Needed<'e>> {
        let (candidate, earlier, is_below) = match (is_candidate(self.one), is_candidate(self.other)) {
            (true, false) => (self.one, self.other, true),
            (false, true) => (self.other, self.one, false),
            _ => return Vec::new(),
        };
        let needed = |op: CompareOp, sign: &str| {
            let most = Expr::literal(Value::Float(self.most));
            let earlier = Expr::call(crate::expr::functions::lookup(sign)?, vec![earlier.clone(), most]).ok()?;
            Some(Needed { op, candidate, earlier })
        };
        let above = (!is_below || self.is_absolute).then(|| needed(CompareOp::GreaterEq, "-"));
        let below = (is_below || self.is_absolute).then(|| needed(CompareOp::LessEq, "+"));
        above.into_iter().chain(below).flatten().collect()
    }
}

/// The arguments of a call of this function with so many.
fn arguments<'e>(expr: &'e Expr, name: &str, count: usize) -> Option<&'e [Expr]> {
    match expr.kind() {
        ExprKind::Call(call) if call.function().name == name && expr.args().len() == count => Some(expr.args()),
        _ => None,
    }
}
