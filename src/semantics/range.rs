//! Ranges of time in ON: which comparisons bound the distance of the two sides' event times, and how.

use crate::data::Value;
use crate::expr::{CompareOp, Expr, ExprKind, SlotId};

/// Bounds on (time of the right row − time of the left row), in nanoseconds, both inclusive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct TimeRange {
    /// At least.
    pub(crate) low: Option<i128>,
    /// At most.
    pub(crate) high: Option<i128>,
}

impl TimeRange {
    /// What satisfies both.
    pub(crate) fn and(self, other: Self) -> Self {
        let tighter = |a: Option<i128>, b: Option<i128>, pick: fn(i128, i128) -> i128| match (a, b) {
            (Some(a), Some(b)) => Some(pick(a, b)),
            (a, b) => a.or(b),
        };
        Self { low: tighter(self.low, other.low, i128::max), high: tighter(self.high, other.high, i128::min) }
    }

    fn of(op: CompareOp, bound: i128) -> Option<Self> {
        let (low, high) = match op {
            CompareOp::Eq => (Some(bound), Some(bound)),
            CompareOp::NotEq => return None,
            CompareOp::Less => (None, Some(bound - 1)),
            CompareOp::LessEq => (None, Some(bound)),
            CompareOp::Greater => (Some(bound + 1), None),
            CompareOp::GreaterEq => (Some(bound), None),
        };
        Some(Self { low, high })
    }
}

/// The range that a term says, where it is a comparison of the two event times and says nothing else. `side` gives -1 for the left side's
/// event time and 1 for the right side's.
pub(crate) fn time_range(term: &Expr, side: &impl Fn(SlotId) -> Option<i32>) -> Option<TimeRange> {
    match (term.kind(), term.args()) {
        (ExprKind::Compare(op), [a, b]) => compared(*op, a, b, side),
        (ExprKind::Between, [value, low, high]) => {
            let low = compared(CompareOp::GreaterEq, value, low, side)?;
            Some(low.and(compared(CompareOp::LessEq, value, high, side)?))
        }
        _ => None,
    }
}

fn compared(op: CompareOp, a: &Expr, b: &Expr, side: &impl Fn(SlotId) -> Option<i32>) -> Option<TimeRange> {
    match (distance(a), distance(b)) {
        (Some(of), None) => distance_within(op, of, b, side),
        (None, Some(of)) => distance_within(op.flipped(), of, a, side),
        _ => range_of(op, linear(a, side)?.minus(linear(b, side)?)),
    }
}

/// What `ABS(of)` is of.
fn distance(expr: &Expr) -> Option<&Expr> {
    match (expr.kind(), expr.args()) {
        (ExprKind::Call(call), [of]) if call.function().name == "ABS" => Some(of),
        _ => None,
    }
}

/// `ABS(of) <= most` is a bound in both directions.
fn distance_within(op: CompareOp, of: &Expr, most: &Expr, side: &impl Fn(SlotId) -> Option<i32>) -> Option<TimeRange> {
    let (of, most) = (linear(of, side)?, linear(most, side)?);
    match op {
        CompareOp::Less | CompareOp::LessEq => Some(range_of(op, of.minus(most))?.and(range_of(op.flipped(), of.plus(most))?)),
        CompareOp::Eq | CompareOp::NotEq | CompareOp::Greater | CompareOp::GreaterEq => None,
    }
}

/// The range in which this is `op` 0.
fn range_of(op: CompareOp, difference: Linear) -> Option<TimeRange> {
    // right − left + constant, or the same with its sign turned.
    match (difference.left, difference.right) {
        (-1, 1) => TimeRange::of(op, -difference.constant),
        (1, -1) => TimeRange::of(op.flipped(), difference.constant),
        _ => None,
    }
}

/// left · time of the left row + right · time of the right row + constant
#[derive(Debug, Clone, Copy, Default)]
struct Linear {
    left: i32,
    right: i32,
    constant: i128,
}

impl Linear {
    fn plus(self, other: Self) -> Self {
        Self { left: self.left + other.left, right: self.right + other.right, constant: self.constant + other.constant }
    }

    fn minus(self, other: Self) -> Self {
        self.plus(Self { left: -other.left, right: -other.right, constant: -other.constant })
    }
}

fn linear(expr: &Expr, side: &impl Fn(SlotId) -> Option<i32>) -> Option<Linear> {
    match (expr.kind(), expr.args()) {
        (ExprKind::Slot(slot), _) => match side(*slot)? {
            side if side < 0 => Some(Linear { left: 1, ..Linear::default() }),
            _ => Some(Linear { right: 1, ..Linear::default() }),
        },
        (ExprKind::Literal(value), _) => match value {
            Value::Duration(span) => Some(Linear { constant: i128::from(span.0), ..Linear::default() }),
            Value::Timestamp(time) => Some(Linear { constant: i128::from(time.0), ..Linear::default() }),
            _ => None,
        },
        (ExprKind::Call(call), [a, b]) => match call.function().name {
            "+" => Some(linear(a, side)?.plus(linear(b, side)?)),
            "-" => Some(linear(a, side)?.minus(linear(b, side)?)),
            _ => None,
        },
        (ExprKind::Call(call), [a]) if call.function().name == "-" => Some(Linear::default().minus(linear(a, side)?)),
        _ => None,
    }
}
