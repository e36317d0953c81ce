//! Operators that count what comes to them: each does what the one in its place does.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::counting::TermCount;
use crate::data::{Entry, EventBatch, Inbox, Place, StateError, StateReader, StateWriter, Value};
use crate::expr::{BatchRow, EvalContext, Expr};
use crate::operators::{Held, Operator, Outbox, Plain, StepTaken, Transform};
use crate::spec::{VariableKind, VariableSpec};

/// What has come to a step of a pattern.
#[derive(Debug)]
pub(super) struct StepSeen {
    variable: Arc<str>,
    pub(super) kind: VariableKind,
    input: usize,
    /// Events of its stream.
    pub(super) events: AtomicU64,
    /// Those that fit by themselves.
    pub(super) fit: AtomicU64,
}

/// A term over one event.
#[derive(Debug)]
pub(super) struct UnaryTerm {
    /// The number of its step.
    pub(super) step: usize,
    /// Over the columns of the step's stream.
    pub(super) term: Expr,
    pub(super) count: Arc<TermCount>,
}

impl StepSeen {
    pub(super) fn new(variable: &VariableSpec) -> Self {
        let (events, fit) = (AtomicU64::new(0), AtomicU64::new(0));
        Self { variable: variable.name.clone(), kind: variable.kind, input: variable.input, events, fit }
    }

    /// The step as it is told.
    pub(super) fn name(&self) -> String {
        match self.kind {
            VariableKind::Step => self.variable.to_string(),
            VariableKind::Negated => format!("!{}", self.variable),
            VariableKind::Until => format!("until {}", self.variable),
        }
    }
}

/// A pattern in front of which events and their terms are counted.
#[derive(Debug)]
pub(super) struct PatternTap {
    pub(super) inner: Box<dyn Operator>,
    pub(super) steps: Vec<Arc<StepSeen>>,
    /// In the order of the steps.
    pub(super) terms: Vec<UnaryTerm>,
}

impl PatternTap {
    fn see(&self, input: usize, batch: &EventBatch, row: usize) {
        let context = EvalContext::new();
        let view = BatchRow { batch, row };
        for (number, step) in self.steps.iter().enumerate().filter(|(_, step)| step.input == input) {
            step.events.fetch_add(1, Ordering::Relaxed);
            let mut fits = true;
            for term in self.terms.iter().filter(|term| term.step == number) {
                let is_true = term.term.eval(&view, &context).is_true();
                term.count.count(is_true);
                fits &= is_true;
            }
            step.fit.fetch_add(fits.into(), Ordering::Relaxed);
        }
    }
}

impl Operator for PatternTap {
    fn advance(&mut self, inbox: &Inbox, out: &mut Outbox) {
        if inbox.is_plain {
            let batch = &inbox.inputs[0];
            (0..batch.len()).for_each(|row| self.see(0, batch, row));
        } else {
            for entry in &inbox.entries {
                if let Entry::Row { input, row, .. } = *entry {
                    self.see(input.into(), &inbox.inputs[usize::from(input)], row as usize);
                }
            }
        }
        self.inner.advance(inbox, out);
    }

    fn takes_plain(&self) -> Plain {
        self.inner.takes_plain()
    }

    fn keys(&self) -> usize {
        self.inner.keys()
    }

    fn forget_idle(&mut self, at: Place) {
        self.inner.forget_idle(at);
    }

    fn held(&self) -> Held {
        self.inner.held()
    }

    fn steps_taken(&self) -> Vec<StepTaken> {
        self.inner.steps_taken()
    }

    fn lags(&self) -> bool {
        self.inner.lags()
    }

    fn take_nulls(&mut self) -> u64 {
        self.inner.take_nulls()
    }

    fn save(&self, to: &mut StateWriter) {
        self.inner.save(to);
    }

    fn load(&mut self, from: &mut StateReader<'_>) -> Result<(), StateError> {
        self.inner.load(from)
    }
}

/// A filter whose terms are counted: from left to right, up to the first that is false.
#[derive(Debug)]
pub(super) struct FilterTap {
    pub(super) inner: Box<dyn Transform>,
    pub(super) terms: Vec<(Expr, Arc<TermCount>)>,
}

impl Transform for FilterTap {
    fn apply(&mut self, batch: &EventBatch) -> EventBatch {
        let context = EvalContext::new();
        for row in 0..batch.len() {
            let view = BatchRow { batch, row };
            for (term, count) in &self.terms {
                let value = term.eval(&view, &context);
                count.count(value.is_true());
                if value == Value::Bool(false) {
                    break;
                }
            }
        }
        self.inner.apply(batch)
    }

    fn is_done(&self) -> bool {
        self.inner.is_done()
    }

    fn take_nulls(&mut self) -> u64 {
        self.inner.take_nulls()
    }
}
