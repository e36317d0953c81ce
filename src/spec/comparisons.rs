//! Which terms of a sequence's step compare the candidate with earlier events as words: what step lists compare at once and find by indexes,
//! and `explain` tells.
//!
//! `candidate op earlier` is one, where one side reads the candidate alone and the other earlier steps alone. A term may also need such
//! comparisons without being one ([`near`](super::near)). What stands behind a term that may count NULLs is evaluated only where that one is
//! true, so nothing behind it is compared beforehand.

use super::choice::{column_of_step, is_unary};
use super::near::Distance;
use super::pattern::{PatternSpec, VariableId};
use crate::data::DataType;
use crate::expr::{CompareOp, Expr, ExprKind};

/// A term that names earlier steps.
#[derive(Debug)]
pub struct ComparedTerm {
    /// As it is written.
    pub term: Expr,
    /// What holds wherever it does.
    pub comparisons: Vec<Comparison>,
    /// Where they hold, it does.
    pub is_all: bool,
}

/// `candidate op earlier`
#[derive(Debug)]
pub struct Comparison {
    /// How they are compared.
    pub op: CompareOp,
    /// As what.
    pub kind: WordKind,
    /// Reads the candidate alone, and never makes up a NULL.
    pub candidate: Expr,
    /// Reads earlier steps alone.
    pub earlier: Expr,
}

/// How values become words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WordKind {
    /// INT, TIMESTAMP, DURATION
    Integer,
    /// FLOAT
    Float,
    /// Equal values have equal words; not the other way round.
    TextHash,
}

impl WordKind {
    /// The kind in which two values of these types are compared by this operator.
    pub fn of(op: CompareOp, a: &DataType, b: &DataType) -> Option<Self> {
        match (a, b) {
            (DataType::Int, DataType::Int) | (DataType::Timestamp, DataType::Timestamp) | (DataType::Duration, DataType::Duration) => {
                Some(Self::Integer)
            }
            (DataType::Float, DataType::Float) => Some(Self::Float),
            (DataType::String, DataType::String) if op == CompareOp::Eq => Some(Self::TextHash),
            _ => None,
        }
    }
}

impl Comparison {
    /// Whether an index answers it.
    pub fn is_found(&self) -> bool {
        self.op != CompareOp::NotEq
    }
}

/// The terms of the step at this number that name earlier ones, in their order.
pub fn compared_terms(spec: &PatternSpec, steps: &[VariableId], at: usize) -> Vec<ComparedTerm> {
    let step = Step { spec, steps, at };
    let variable = steps[at];
    let mut counts_are_open = false;
    let mut terms = Vec::new();
    for term in spec.variables[variable.0 as usize].checks.iter().filter(|term| !is_unary(spec, variable, term)) {
        let words = if counts_are_open { None } else { step.comparisons(term) };
        let is_all = words.is_some();
        let comparisons = words.unwrap_or_else(|| {
            let needed = if counts_are_open || !term.is_total() { Vec::new() } else { step.needed(term) };
            counts_are_open |= !term.is_total();
            needed
        });
        terms.push(ComparedTerm { term: term.clone(), comparisons, is_all });
    }
    terms
}

struct Step<'s> {
    spec: &'s PatternSpec,
    steps: &'s [VariableId],
    at: usize,
}

impl Step<'_> {
    /// A term as comparisons of words, if it is some.
    fn comparisons(&self, term: &Expr) -> Option<Vec<Comparison>> {
        match (term.kind(), term.args()) {
            (ExprKind::Compare(op), [a, b]) if self.is_candidate(a) => Some(vec![self.comparison(*op, a, b)?]),
            (ExprKind::Compare(op), [a, b]) => Some(vec![self.comparison(op.flipped(), b, a)?]),
            (ExprKind::Between, [value, low, high]) => {
                let above = self.comparison(CompareOp::GreaterEq, value, low)?;
                Some(vec![above, self.comparison(CompareOp::LessEq, value, high)?])
            }
            _ => None,
        }
    }

    /// What holds wherever a term does.
    fn needed(&self, term: &Expr) -> Vec<Comparison> {
        let needed = Distance::of(term).map(|distance| distance.needs(|expr| self.is_candidate(expr))).unwrap_or_default();
        needed.iter().filter_map(|needed| self.comparison(needed.op, needed.candidate, &needed.earlier)).collect()
    }

    fn comparison(&self, op: CompareOp, candidate: &Expr, earlier: &Expr) -> Option<Comparison> {
        let kind = WordKind::of(op, candidate.data_type(), earlier.data_type())?;
        let is_compared = self.is_candidate(candidate) && candidate.is_total() && self.is_earlier(earlier) && !may_vary(earlier);
        is_compared.then(|| Comparison { op, kind, candidate: candidate.clone(), earlier: earlier.clone() })
    }

    fn is_candidate(&self, expr: &Expr) -> bool {
        self.reads(expr, |step| step == self.at)
    }

    fn is_earlier(&self, expr: &Expr) -> bool {
        self.reads(expr, |step| step < self.at)
    }

    /// Whether an expression reads columns of these steps, and nothing else.
    fn reads(&self, expr: &Expr, is_one: impl Fn(usize) -> bool) -> bool {
        let step_of = |slot: usize| {
            let (variable, _) = column_of_step(self.spec, slot)?;
            self.steps.iter().position(|step| *step == variable)
        };
        let slots = expr.slots();
        !slots.is_empty() && slots.iter().all(|slot| step_of(slot.0 as usize).is_some_and(&is_one))
    }
}

fn may_vary(expr: &Expr) -> bool {
    let mut varies = false;
    expr.visit(&mut |node| varies |= matches!(node.kind(), ExprKind::Custom(_)));
    varies
}
