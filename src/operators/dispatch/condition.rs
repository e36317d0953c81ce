//! The condition of one operator on one event: what is looked up to find the events it may hold for, and what is then asked of them.

use arrow_buffer::BooleanBuffer;

use super::atoms::{word, word_of_constant};
use super::texts::AtomId;
use crate::data::EventBatch;
use crate::expr::{BatchRow, CompareOp, EvalContext, Expr, ExprKind};

/// The number of a condition.
pub(super) type ConditionId = u32;

/// When a condition matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum When {
    /// Whatever is under way.
    Always,
    /// Whatever is under way; something is for this long then, in nanoseconds, in the partition of this group.
    Opens { group: usize, within: i64 },
    /// Only while something is under way.
    Later,
}

/// See the module.
#[derive(Debug)]
pub(super) struct Condition {
    pub(super) edge: usize,
    pub(super) reader: u32,
    pub(super) input: u16,
    /// The variable's bit.
    pub(super) bit: u64,
    pub(super) when: When,
    /// Of the atoms of one of these one holds wherever the condition does.
    pub(super) covers: Vec<Vec<AtomId>>,
    /// All of them hold: that is the condition.
    pub(super) tests: Vec<Test>,
}

/// A term, as it is asked for one row.
#[derive(Debug)]
pub(super) enum Test {
    /// A word compared with a constant.
    Word(usize, CompareOp, i64),
    /// The term of this number, which was evaluated for the whole batch.
    Held(usize),
    /// Any that makes up no NULLs.
    True(Expr),
}

/// A term that is evaluated once for all rows of a batch.
#[derive(Debug)]
pub(super) struct Evaluated {
    pub(super) edge: usize,
    pub(super) expr: Expr,
    /// The rows of the batch for which it is true.
    pub(super) held: BooleanBuffer,
    /// NULLs made up so far.
    pub(super) nulls: u64,
}

impl Test {
    /// Of a term that makes up no NULLs.
    pub(super) fn of(term: Expr) -> Self {
        if let ExprKind::Compare(op) = term.kind() {
            let (left, right) = (&term.args()[0], &term.args()[1]);
            for (op, column, constant) in [(*op, left, right), (op.flipped(), right, left)] {
                if let (Some(slot), Some(word)) = (column.as_slot(), word_of_constant(column.data_type(), constant)) {
                    return Self::Word(slot.0 as usize, op, word);
                }
            }
        }
        Self::True(term)
    }

    #[inline]
    pub(super) fn holds(&self, batch: &EventBatch, row: usize, evaluated: &[Evaluated], context: &EvalContext) -> bool {
        match self {
            Self::Word(column, op, constant) => word(&batch.columns()[*column], row).is_some_and(|word| op.holds(word.cmp(constant))),
            Self::Held(term) => evaluated[*term].held.value(row),
            Self::True(term) => term.is_true(&BatchRow { batch, row }, context),
        }
    }
}

impl Evaluated {
    /// Evaluates the term for a batch.
    pub(super) fn evaluate(&mut self, batch: &EventBatch, context: &EvalContext) {
        let mut held = arrow_buffer::BooleanBufferBuilder::new(batch.len());
        held.append_n(batch.len(), false);
        for row in self.expr.select(batch, context) {
            held.set_bit(row as usize, true);
        }
        self.held = held.finish();
        self.nulls += context.take_nulls();
    }
}
