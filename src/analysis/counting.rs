//! The run that counts: the same operators without what makes them quick, with terms that count how often they are asked and true.
//!
//! A term that compares several events is wrapped into a function that counts and gives what it is given; ordered threads ask it where the
//! language says that it is checked. Terms over one event alone, and conditions, are counted by the taps in front of the operators.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::figures::{OperatorFigures, StepFigures, TermFigures};
use super::taps::{FilterTap, PatternTap, StepSeen, UnaryTerm};
use crate::data::{DataType, Value};
use crate::expr::{Expr, ExprKind, ScalarFunction, TypeError};
use crate::operators::{Operator, StepTaken, Transform, Watch};
use crate::pattern::over_columns;
use crate::plan::{Node, OperatorGraph, OperatorSpec, in_words, plainly, term_in_words};
use crate::spec::{PatternSpec, VariableId, VariableKind, is_unary};
use crate::why::WatchedProgram;

/// What a term has been asked.
#[derive(Debug)]
pub(super) struct TermCount {
    /// The step that it belongs to.
    step: Option<String>,
    /// As it is written.
    text: String,
    asked: AtomicU64,
    held: AtomicU64,
}

impl TermCount {
    /// It was asked.
    pub(super) fn count(&self, is_true: bool) {
        self.asked.fetch_add(1, Ordering::Relaxed);
        self.held.fetch_add(is_true.into(), Ordering::Relaxed);
    }

    fn figures(&self) -> TermFigures {
        let read = |number: &AtomicU64| number.load(Ordering::Relaxed);
        TermFigures { step: self.step.clone(), text: self.text.clone(), asked: read(&self.asked), held: read(&self.held) }
    }
}

/// A term that counts: a function that gives what it is given.
#[derive(Debug)]
struct Counted(Arc<TermCount>);

impl ScalarFunction for Counted {
    fn name(&self) -> &str {
        "COUNTED"
    }

    fn resolve(&self, _found: &[DataType]) -> Result<(Vec<DataType>, DataType), TypeError> {
        Ok((vec![DataType::Bool], DataType::Bool))
    }

    fn is_strict(&self) -> bool {
        false
    }

    fn call(&self, args: &[Value<'_>]) -> Value<'static> {
        self.0.count(args[0].is_true());
        args[0].borrowed().into_owned()
    }
}

/// What is counted of one operator.
#[derive(Debug, Default)]
struct NodeCounts {
    terms: Vec<Arc<TermCount>>,
    steps: Vec<Arc<StepSeen>>,
    /// The terms over single events, for the tap.
    unary: Vec<UnaryTerm>,
    /// The AND-ed terms of a filter.
    conditions: Vec<Expr>,
}

/// What is counted of all operators.
#[derive(Debug)]
pub(crate) struct Counting {
    nodes: Vec<NodeCounts>,
}

impl Counting {
    /// The graph that counts, and where it does.
    pub(crate) fn of(graph: &OperatorGraph, program: &WatchedProgram<'_>) -> (OperatorGraph, Self) {
        let mut nodes: Vec<NodeCounts> = graph.nodes().iter().map(|_| NodeCounts::default()).collect();
        let counting = plainly(graph, &mut |index, spec| {
            let node = &graph.nodes()[index];
            let counter = Counter { graph, program, node };
            counter.wrap(spec, &mut nodes[index]);
        });
        (counting, Self { nodes })
    }

    /// Adds what was counted of an operator; `taken` is what its steps took, where that is known.
    pub(crate) fn add_to(&self, node: usize, taken: &[StepTaken], figures: &mut OperatorFigures) {
        let Some(counts) = self.nodes.get(node) else { return };
        figures.terms = counts.terms.iter().map(|term| term.figures()).collect();
        let mut taken = taken.iter();
        figures.steps = counts
            .steps
            .iter()
            .enumerate()
            .map(|(variable, seen)| {
                let of_run = if seen.kind == VariableKind::Step { taken.next() } else { None };
                StepFigures {
                    name: seen.name(),
                    events: seen.events.load(Ordering::Relaxed),
                    fit: seen.fit.load(Ordering::Relaxed),
                    taken: of_run.map(|step| step.taken),
                    runs: of_run.map(|step| step.reached),
                    variable,
                }
            })
            .collect();
    }
}

/// Finds what is to be counted of one operator.
struct Counter<'c> {
    graph: &'c OperatorGraph,
    program: &'c WatchedProgram<'c>,
    node: &'c Node,
}

impl Counter<'_> {
    fn wrap(&self, spec: &mut OperatorSpec, to: &mut NodeCounts) {
        match spec {
            OperatorSpec::Filter(condition) => {
                to.conditions = and_terms(condition);
                to.terms = to.conditions.iter().map(|term| self.count(None, term, self.in_words(term))).collect();
            }
            OperatorSpec::Join(spec) => self.wrap_all(&mut spec.residual, to, &|term| self.in_words(term)),
            OperatorSpec::Lookup { spec, .. } => self.wrap_all(&mut spec.residual, to, &|term| self.in_words(term)),
            OperatorSpec::Pattern { spec, .. } => self.pattern(Arc::make_mut(spec), to),
            OperatorSpec::CountMatches { spec, .. } => self.pattern(&mut spec.pattern, to),
            OperatorSpec::Project(_)
            | OperatorSpec::Window(_)
            | OperatorSpec::TopOfWindow { .. }
            | OperatorSpec::Limit(_)
            | OperatorSpec::Until(_)
            | OperatorSpec::Suppress { .. }
            | OperatorSpec::Union
            | OperatorSpec::View { .. } => {}
        }
    }

    /// The terms of a condition that is asked by the operator.
    fn wrap_all(&self, condition: &mut Option<Expr>, to: &mut NodeCounts, words: &dyn Fn(&Expr) -> String) {
        let Some(whole) = condition else { return };
        let terms = and_terms(whole).into_iter().map(|term| {
            let count = self.count(None, &term, words(&term));
            to.terms.push(count.clone());
            wrapped(&term, count)
        });
        if let Ok(counted) = Expr::and(terms.collect()) {
            *whole = counted;
        }
    }

    fn pattern(&self, spec: &mut PatternSpec, to: &mut NodeCounts) {
        let original = spec.clone();
        let words = |term: &Expr| term_in_words(&original, term);
        for (number, variable) in (0u32..).zip(&mut spec.variables) {
            let seen = Arc::new(StepSeen::new(variable));
            let step = seen.name();
            for term in &mut variable.checks {
                let count = self.count(Some(&step), term, words(term));
                to.terms.push(count.clone());
                if is_unary(&original, VariableId(number), term) {
                    to.unary.push(UnaryTerm { step: number as usize, term: over_columns(&original, term), count });
                } else {
                    *term = wrapped(term, count);
                }
            }
            let late = original.late_checks.iter().enumerate().filter(|(_, late)| late.negated == VariableId(number));
            for (index, late) in late {
                let count = self.count(Some(&step), &late.condition, words(&late.condition));
                to.terms.push(count.clone());
                spec.late_checks[index].condition = wrapped(&late.condition, count);
            }
            for term in &mut variable.checks_after_first {
                let count = self.count(Some(&step), term, words(term));
                to.terms.push(count.clone());
                *term = wrapped(term, count);
            }
            to.steps.push(seen);
        }
        self.wrap_all(&mut spec.having, to, &words);
    }

    fn count(&self, step: Option<&String>, term: &Expr, words: String) -> Arc<TermCount> {
        let text = self.program.written(term, self.node.span).unwrap_or(words);
        Arc::new(TermCount { step: step.cloned(), text, asked: AtomicU64::new(0), held: AtomicU64::new(0) })
    }

    fn in_words(&self, term: &Expr) -> String {
        let schemas: Vec<_> = self.node.inputs.iter().map(|&edge| &**self.graph.schema(edge)).collect();
        in_words(term, &schemas)
    }
}

/// The term, counting.
fn wrapped(term: &Expr, count: Arc<TermCount>) -> Expr {
    let function: Arc<dyn ScalarFunction> = Arc::new(Counted(count));
    Expr::custom(function, vec![term.clone()]).unwrap_or_else(|_| term.clone())
}

/// The AND-ed terms of a condition.
fn and_terms(condition: &Expr) -> Vec<Expr> {
    match condition.kind() {
        ExprKind::And => condition.args().iter().flat_map(and_terms).collect(),
        _ => vec![condition.clone()],
    }
}

impl Watch for Counting {
    fn operator(&mut self, node: usize, inner: Box<dyn Operator>) -> Box<dyn Operator> {
        let counts = &mut self.nodes[node];
        if counts.steps.is_empty() {
            return inner;
        }
        Box::new(PatternTap { inner, steps: counts.steps.clone(), terms: std::mem::take(&mut counts.unary) })
    }

    fn transform(&mut self, node: usize, inner: Box<dyn Transform>) -> Box<dyn Transform> {
        let counts = &mut self.nodes[node];
        if counts.conditions.is_empty() {
            return inner;
        }
        let conditions = std::mem::take(&mut counts.conditions);
        Box::new(FilterTap { inner, terms: conditions.into_iter().zip(counts.terms.iter().cloned()).collect() })
    }
}
