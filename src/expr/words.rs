//! Terms over words: a condition on INT, TIMESTAMP, DURATION, FLOAT and BOOL values, compiled so that no [`Value`] is made on the way.
//!
//! In: a typed expression whose slots are all of these types. Out: a tree of typed nodes that reads a slot as the eight bytes that
//! [`Column::word`](crate::data::Column::word) gives (a BOOL as 0 or 1). It gives what [`Expr::eval`] gives, NULLs, NaN and counted NULLs
//! included; what is not made of comparisons, arithmetic and logic over such values is refused and stays with the tree evaluator.
//!
//! Evaluators of patterns use it for terms that read more than the candidate, where there is no batch to evaluate over: who implements
//! [`Words`] says what a slot is. To renumber slots, call [`Expr::map_slots`] before compiling.

use super::EvalContext;
use super::functions::{FloatOp, IntOp, Kernel};
use super::tree::{CompareOp, Expr, ExprKind, SlotId};
use crate::data::{DataType, Duration, Timestamp, Value};

/// Where a term's slots get their values from.
pub(crate) trait Words {
    /// The word of a slot; nothing where it is NULL.
    fn word(&self, slot: SlotId) -> Option<i64>;
}

/// A compiled condition.
#[derive(Debug, Clone)]
pub(crate) struct WordTerm(Condition);

impl WordTerm {
    /// Compiles a condition, if it is one over words.
    pub(crate) fn compile(term: &Expr) -> Option<Self> {
        condition(term).map(Self)
    }

    /// Whether the condition is true (neither false nor unknown).
    #[inline]
    pub(crate) fn holds(&self, row: &impl Words, context: &EvalContext) -> bool {
        self.0.value(row, context) == Some(true)
    }
}

#[derive(Debug, Clone)]
enum Condition {
    Constant(Option<bool>),
    Slot(SlotId),
    Ints(CompareOp, Int, Int),
    Floats(CompareOp, Float, Float),
    /// Exact: no integer is rounded.
    Mixed(CompareOp, Int, Float),
    IntBetween(Box<[Int; 3]>),
    FloatBetween(Box<[Float; 3]>),
    All(Box<[Condition]>),
    Any(Box<[Condition]>),
    Not(Box<Condition>),
    IsNullInt(Int),
    IsNullFloat(Float),
    IsNull(Box<Condition>),
    Is(bool, Box<Condition>),
}

/// Of INT, TIMESTAMP or DURATION.
#[derive(Debug, Clone)]
enum Int {
    Constant(Option<i64>),
    Slot(SlotId),
    Op(IntOp, Box<[Int; 2]>),
}

#[derive(Debug, Clone)]
enum Float {
    Constant(Option<f64>),
    Slot(SlotId),
    Op(FloatOp, Box<[Float; 2]>),
    OfInt(Box<Int>),
}

fn is_int(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Int | DataType::Timestamp | DataType::Duration)
}

fn condition(term: &Expr) -> Option<Condition> {
    if *term.data_type() != DataType::Bool {
        return None;
    }
    let args = term.args();
    let parts = || args.iter().map(condition).collect::<Option<Box<[Condition]>>>();
    Some(match term.kind() {
        ExprKind::Literal(Value::Bool(value)) => Condition::Constant(Some(*value)),
        ExprKind::Literal(Value::Null) => Condition::Constant(None),
        ExprKind::Slot(slot) => Condition::Slot(*slot),
        ExprKind::And => Condition::All(parts()?),
        ExprKind::Or => Condition::Any(parts()?),
        ExprKind::Not => Condition::Not(Box::new(condition(&args[0])?)),
        ExprKind::IsBool(value) => Condition::Is(*value, Box::new(condition(&args[0])?)),
        ExprKind::IsNull => match args[0].data_type() {
            DataType::Bool => Condition::IsNull(Box::new(condition(&args[0])?)),
            DataType::Float => Condition::IsNullFloat(float(&args[0])?),
            _ => Condition::IsNullInt(int(&args[0])?),
        },
        ExprKind::Compare(op) => comparison(*op, &args[0], &args[1])?,
        ExprKind::Between => match (int(&args[0]), int(&args[1]), int(&args[2])) {
            (Some(value), Some(low), Some(high)) => Condition::IntBetween(Box::new([value, low, high])),
            _ => Condition::FloatBetween(Box::new([float(&args[0])?, float(&args[1])?, float(&args[2])?])),
        },
        _ => return None,
    })
}

fn comparison(op: CompareOp, a: &Expr, b: &Expr) -> Option<Condition> {
    Some(match (is_int(a.data_type()), is_int(b.data_type())) {
        (true, true) if a.data_type() == b.data_type() => Condition::Ints(op, int(a)?, int(b)?),
        (true, true) => return None,
        (false, false) => Condition::Floats(op, float(a)?, float(b)?),
        (true, false) if *a.data_type() == DataType::Int => Condition::Mixed(op, int(a)?, float(b)?),
        (false, true) if *b.data_type() == DataType::Int => Condition::Mixed(op.flipped(), int(b)?, float(a)?),
        (true, false) | (false, true) => return None,
    })
}

fn int(expr: &Expr) -> Option<Int> {
    if !is_int(expr.data_type()) {
        return None;
    }
    Some(match expr.kind() {
        ExprKind::Literal(Value::Int(value) | Value::Timestamp(Timestamp(value)) | Value::Duration(Duration(value))) => {
            Int::Constant(Some(*value))
        }
        ExprKind::Literal(Value::Null) => Int::Constant(None),
        ExprKind::Slot(slot) => Int::Slot(*slot),
        ExprKind::Call(call) => match (call.kernel, expr.args()) {
            (Kernel::Int(op), [a, b]) => Int::Op(op, Box::new([int(a)?, int(b)?])),
            _ => return None,
        },
        _ => return None,
    })
}

fn float(expr: &Expr) -> Option<Float> {
    if *expr.data_type() != DataType::Float {
        return None;
    }
    Some(match expr.kind() {
        ExprKind::Literal(Value::Float(value)) => Float::Constant(Some(*value)),
        ExprKind::Literal(Value::Null) => Float::Constant(None),
        ExprKind::Slot(slot) => Float::Slot(*slot),
        ExprKind::Cast if *expr.args()[0].data_type() == DataType::Int => Float::OfInt(Box::new(int(&expr.args()[0])?)),
        ExprKind::Call(call) => match (call.kernel, expr.args()) {
            (Kernel::Float(op), [a, b]) => Float::Op(op, Box::new([float(a)?, float(b)?])),
            _ => return None,
        },
        _ => return None,
    })
}

impl Int {
    #[inline]
    fn value(&self, row: &impl Words, context: &EvalContext) -> Option<i64> {
        match self {
            Self::Constant(value) => *value,
            Self::Slot(slot) => row.word(*slot),
            Self::Op(op, args) => {
                // Both operands are evaluated, whatever the first one gives: NULLs made up on the way are counted.
                let (a, b) = (args[0].value(row, context), args[1].value(row, context));
                counted(op.apply(a?, b?), context)
            }
        }
    }
}

impl Float {
    #[inline]
    fn value(&self, row: &impl Words, context: &EvalContext) -> Option<f64> {
        match self {
            Self::Constant(value) => *value,
            Self::Slot(slot) => row.word(*slot).map(|word| f64::from_bits(word.cast_unsigned())),
            Self::Op(op, args) => {
                let (a, b) = (args[0].value(row, context), args[1].value(row, context));
                counted(op.apply(a?, b?), context)
            }
            Self::OfInt(int) => int.value(row, context).map(|value| value as f64),
        }
    }
}

fn counted<T>(result: Option<T>, context: &EvalContext) -> Option<T> {
    if result.is_none() {
        context.count_nulls(1);
    }
    result
}

impl Condition {
    fn value(&self, row: &impl Words, context: &EvalContext) -> Option<bool> {
        match self {
            Self::Constant(value) => *value,
            Self::Slot(slot) => row.word(*slot).map(|word| word != 0),
            Self::Ints(op, a, b) => {
                let (a, b) = (a.value(row, context), b.value(row, context));
                Some(op.holds(a?.cmp(&b?)))
            }
            Self::Floats(op, a, b) => {
                let (a, b) = (a.value(row, context), b.value(row, context));
                floats_compare(*op, a?, b?)
            }
            Self::Mixed(op, a, b) => {
                let (a, b) = (a.value(row, context), b.value(row, context));
                Value::Int(a?).compare(&Value::Float(b?)).map(|order| op.holds(order))
            }
            Self::IntBetween(args) => {
                let [value, low, high] = args.each_ref().map(|arg| arg.value(row, context));
                both(value.zip(low).map(|(value, low)| value >= low), value.zip(high).map(|(value, high)| value <= high))
            }
            Self::FloatBetween(args) => {
                let [value, low, high] = args.each_ref().map(|arg| arg.value(row, context));
                let holds = |op, end: Option<f64>| value.zip(end).and_then(|(value, end)| floats_compare(op, value, end));
                both(holds(CompareOp::GreaterEq, low), holds(CompareOp::LessEq, high))
            }
            Self::All(parts) => chain(parts, false, row, context),
            Self::Any(parts) => chain(parts, true, row, context),
            Self::Not(part) => part.value(row, context).map(|value| !value),
            Self::IsNullInt(part) => Some(part.value(row, context).is_none()),
            Self::IsNullFloat(part) => Some(part.value(row, context).is_none()),
            Self::IsNull(part) => Some(part.value(row, context).is_none()),
            Self::Is(value, part) => Some(part.value(row, context) == Some(*value)),
        }
    }
}

/// AND (decided by false) and OR (decided by true), from left to right.
fn chain(parts: &[Condition], decides: bool, row: &impl Words, context: &EvalContext) -> Option<bool> {
    let mut is_known = true;
    for part in parts {
        match part.value(row, context) {
            Some(value) if value == decides => return Some(decides),
            Some(_) => {}
            None => is_known = false,
        }
    }
    is_known.then_some(!decides)
}

fn both(a: Option<bool>, b: Option<bool>) -> Option<bool> {
    match (a, b) {
        (Some(false), _) | (_, Some(false)) => Some(false),
        (Some(true), Some(true)) => Some(true),
        _ => None,
    }
}

#[inline]
fn floats_compare(op: CompareOp, a: f64, b: f64) -> Option<bool> {
    match a.partial_cmp(&b) {
        Some(order) => Some(op.holds(order)),
        None => Value::Float(a).compare(&Value::Float(b)).map(|order| op.holds(order)),
    }
}

/// The column and the factor, where an expression is a FLOAT column times a constant.
pub(crate) fn scaled_slot(expr: &Expr) -> Option<(SlotId, f64)> {
    let ExprKind::Call(call) = expr.kind() else { return None };
    let (Kernel::Float(FloatOp::Mul), [a, b]) = (call.kernel, expr.args()) else { return None };
    if *a.data_type() != DataType::Float || *b.data_type() != DataType::Float {
        return None;
    }
    match (a.kind(), b.kind()) {
        (ExprKind::Literal(Value::Float(factor)), ExprKind::Slot(slot))
        | (ExprKind::Slot(slot), ExprKind::Literal(Value::Float(factor))) => Some((*slot, *factor)),
        _ => None,
    }
}

/// The word that a value is, where its type is one of these.
pub(crate) fn word_of(value: &Value<'_>) -> Option<i64> {
    match value {
        Value::Int(value) | Value::Timestamp(Timestamp(value)) | Value::Duration(Duration(value)) => Some(*value),
        Value::Float(value) => Some(value.to_bits().cast_signed()),
        Value::Bool(value) => Some(i64::from(*value)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::expr::Row;
    use crate::expr::functions::lookup;

    /// Slots 0 and 1 are INT, 2 and 3 FLOAT, 4 BOOL, 5 and 6 TIMESTAMP.
    struct Values([Value<'static>; 7]);

    impl Row for Values {
        fn slot(&self, slot: SlotId) -> Value<'_> {
            self.0[slot.0 as usize].borrowed()
        }
    }

    /// The words of a row of values.
    struct WordsOf<'a>(&'a dyn Row);

    impl Words for WordsOf<'_> {
        fn word(&self, slot: SlotId) -> Option<i64> {
            word_of(&self.0.slot(slot))
        }
    }

    /// A generator of numbers that are not random at all.
    struct Mix(u64);

    impl Mix {
        fn below(&mut self, n: usize) -> usize {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (self.0 >> 33) as usize % n
        }

        fn row(&mut self) -> Values {
            let ints = [0, 1, -1, 3, 7, i64::MAX, i64::MIN, (1 << 53) + 1];
            let floats = [0.0, -0.0, 1.0, 2.5, -3.0, f64::NAN, f64::INFINITY, 9_007_199_254_740_992.0, 1e300];
            let or_null = |mix: &mut Self, value| if mix.below(5) == 0 { Value::Null } else { value };
            let int = |mix: &mut Self| Value::Int(ints[mix.below(ints.len())]);
            let float = |mix: &mut Self| Value::Float(floats[mix.below(floats.len())]);
            let time = |mix: &mut Self| Value::Timestamp(Timestamp(ints[mix.below(ints.len())]));
            let all = [int(self), int(self), float(self), float(self), Value::Bool(self.below(2) == 0), time(self), time(self)];
            Values(all.map(|value| or_null(self, value)))
        }

        fn number(&mut self, depth: usize) -> Expr {
            let slot = |n: u32, data_type| Expr::slot(SlotId(n), data_type);
            match self.below(if depth == 0 { 6 } else { 9 }) {
                0 | 1 => slot(u32::try_from(self.below(2)).unwrap(), DataType::Int),
                2 | 3 => slot(2 + u32::try_from(self.below(2)).unwrap(), DataType::Float),
                4 => Expr::literal(Value::Int(4)),
                5 => Expr::literal(Value::Float(0.5)),
                _ => {
                    let op = ["+", "-", "*", "/", "%"][self.below(5)];
                    let args = vec![self.number(depth - 1), self.number(depth - 1)];
                    Expr::call(lookup(op).unwrap(), args).unwrap()
                }
            }
        }

        fn condition(&mut self, depth: usize) -> Expr {
            const OPS: [CompareOp; 6] =
                [CompareOp::Eq, CompareOp::NotEq, CompareOp::Less, CompareOp::LessEq, CompareOp::Greater, CompareOp::GreaterEq];
            let op = OPS[self.below(OPS.len())];
            match self.below(if depth == 0 { 5 } else { 10 }) {
                0..=2 => Expr::compare(op, self.number(2), self.number(2)).unwrap(),
                3 => {
                    let time = |n| Expr::slot(SlotId(n), DataType::Timestamp);
                    let lag = Expr::call(lookup("-").unwrap(), vec![time(5), time(6)]).unwrap();
                    Expr::compare(op, lag, Expr::literal(Value::Duration(Duration(5)))).unwrap()
                }
                4 => Expr::slot(SlotId(4), DataType::Bool),
                5 => Expr::and(vec![self.condition(depth - 1), self.condition(depth - 1)]).unwrap(),
                6 => Expr::or(vec![self.condition(depth - 1), self.condition(depth - 1)]).unwrap(),
                7 => Expr::not(self.condition(depth - 1)).unwrap(),
                8 => Expr::is_null(self.number(1)),
                _ => Expr::between(self.number(1), self.number(1), self.number(1)).unwrap(),
            }
        }
    }

    #[test]
    fn compiled_terms_give_what_the_tree_gives_and_count_the_same_nulls() {
        let mut mix = Mix(7);
        let (mut compiled, mut held) = (0, 0);
        for _ in 0..4000 {
            let term = mix.condition(3);
            let Some(words) = WordTerm::compile(&term) else { continue };
            compiled += 1;
            for _ in 0..8 {
                let row = mix.row();
                let (tree, fast) = (EvalContext::new(), EvalContext::new());
                let expected = term.is_true(&row, &tree);
                assert_eq!(words.holds(&WordsOf(&row), &fast), expected, "{term:?} over {:?}", row.0);
                assert_eq!(fast.nulls(), tree.nulls(), "{term:?} over {:?}", row.0);
                held += usize::from(expected);
            }
        }
        assert!(compiled > 3000 && held > 5000, "{compiled} of 4000 terms compile, {held} times they hold");
    }

    #[test]
    fn what_is_no_word_is_refused() {
        let text = |n| Expr::slot(SlotId(n), DataType::String);
        assert!(WordTerm::compile(&Expr::compare(CompareOp::Eq, text(0), text(1)).unwrap()).is_none());
        let decimal = Expr::slot(SlotId(0), DataType::Decimal { precision: 9, scale: 2 });
        assert!(WordTerm::compile(&Expr::compare(CompareOp::Less, decimal, Expr::literal(Value::Int(3))).unwrap()).is_none());
    }
}
