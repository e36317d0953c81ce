//! A thread looks at one event: which of the steps that it waits for could take it, and which of their terms are false.

use std::cell::Cell;
use std::sync::Arc;

use crate::data::Value;
use crate::expr::{EvalContext, Expr, ExprKind, Row};
use crate::pattern::automaton::Origin;
use crate::pattern::event::{Candidate, Event};
use crate::pattern::registers::Register;
use crate::pattern::state::{State, Watch, Way, WayKind};
use crate::pattern::terms::{Probe, Surroundings};
use crate::pattern::thread::{Matcher, Thread};
use crate::pattern::variables::VariableSet;
use crate::spec::{Arrow, SlotKind, VariableId, VariableKind, is_unary};

/// A term that was not true, with the values of what it compares.
#[derive(Debug, Clone)]
pub(crate) struct FalseTerm {
    /// The term.
    pub(crate) term: Expr,
    /// Its operands' values, where it compares or tests; else those of the slots that it reads.
    pub(crate) values: Vec<(Expr, Value<'static>)>,
    /// It was unknown: something in it is NULL.
    pub(crate) is_unknown: bool,
    /// How far from true: 0 is nearly so, from 1 on there is no telling.
    pub(crate) distance: f64,
}

/// What a step that is waited for makes of an event.
#[derive(Debug)]
pub(super) enum Verdict {
    /// The event is of another stream.
    OtherStream,
    /// All terms hold.
    Fits,
    /// These do not.
    False(Vec<FalseTerm>),
    /// All terms hold, but an event of this negated variable came before.
    Forbidden(VariableId, Arc<Event>),
}

/// A step that a thread waits for.
#[derive(Debug, Clone)]
pub(super) struct Awaited {
    pub(super) variable: VariableId,
    pub(super) first_in_loop: bool,
    pub(super) arrow: Arrow,
    pub(super) way: Way,
}

/// How far a thread has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(crate) struct Depth {
    /// Different variables that have taken an event.
    pub(crate) variables: u32,
    /// It waits for a step that has taken none.
    pub(crate) waits_for_next: bool,
    /// Events taken.
    pub(crate) events: u32,
}

/// How far a thread has come, and what it waits for.
pub(super) fn depth_of(thread: &Thread, awaited: &[Awaited]) -> Depth {
    let mut seen: Vec<VariableId> = Vec::new();
    let mut events = 0;
    for link in thread.history.iter_back() {
        events += 1;
        if !seen.contains(&link.taking.variable) {
            seen.push(link.taking.variable);
        }
    }
    let waits_for_next = awaited.iter().any(|step| !seen.contains(&step.variable));
    Depth { variables: u32::try_from(seen.len()).unwrap_or(u32::MAX), waits_for_next, events }
}

/// The steps that a thread waits for. A loop that could also be left is not waited for.
pub(super) fn awaited_of(thread: &Thread) -> Vec<Awaited> {
    let mut all = Vec::new();
    collect(&thread.state, None, &mut all);
    let last = thread.history.last().map(|link| link.taking.variable);
    if all.iter().any(|step| Some(step.variable) != last) {
        all.retain(|step| Some(step.variable) != last);
    }
    let mut seen: Vec<VariableId> = Vec::new();
    all.retain(|step| {
        let is_new = !seen.contains(&step.variable);
        seen.push(step.variable);
        is_new
    });
    all
}

fn collect(state: &State, outer: Option<Arrow>, all: &mut Vec<Awaited>) {
    for way in &state.ways {
        let arrow = outer.unwrap_or(way.arrow);
        match &way.kind {
            WayKind::Take { variable, first_in_loop, .. } => {
                all.push(Awaited { variable: *variable, first_in_loop: *first_in_loop, arrow, way: way.clone() })
            }
            WayKind::Both(abreast) => {
                let arrow = abreast.untouched.then_some(way.arrow);
                abreast.operands.iter().for_each(|operand| collect(operand, arrow.or(outer), all));
            }
            WayKind::Wait { .. } | WayKind::Accept | WayKind::AcceptAtEnd => {}
        }
    }
}

/// The variables that a run can begin with.
pub(super) fn first_of(matcher: &Matcher) -> Vec<VariableId> {
    let mut all = Vec::new();
    collect(matcher.automaton.start(Origin::FirstRow), None, &mut all);
    let mut first: Vec<VariableId> = all.into_iter().map(|step| step.variable).collect();
    first.dedup();
    first
}

/// The negations that watch any way on, those that wait for a time among them.
pub(super) fn watches_of(state: &State, all: &mut Vec<Watch>) {
    for way in &state.ways {
        all.extend(way.watches.iter().copied());
        if let WayKind::Both(abreast) = &way.kind {
            abreast.operands.iter().for_each(|operand| watches_of(operand, all));
        }
    }
}

/// A thread and an event, to be asked about each other.
pub(super) struct Sight<'a> {
    pub(super) matcher: &'a Matcher,
    pub(super) thread: &'a Thread,
    pub(super) candidate: &'a Candidate<'a>,
    pub(super) fits: &'a VariableSet,
    pub(super) around: Surroundings<'a>,
}

impl<'a> Sight<'a> {
    fn probe(&self) -> Probe<'a> {
        Probe {
            terms: &self.matcher.terms,
            candidate: self.candidate,
            fits: self.fits,
            registers: &self.thread.registers,
            undecided: &self.thread.undecided,
            around: self.around,
            forgotten: Vec::new(),
            is_unknown: Cell::new(false),
        }
    }

    /// What a step makes of the event.
    pub(super) fn verdict(&self, step: &Awaited) -> Verdict {
        let spec = self.matcher.spec();
        let variable = &spec.variables[step.variable.0 as usize];
        if self.candidate.event().row(variable.input).is_none() {
            return Verdict::OtherStream;
        }
        let probe = self.probe();
        let view = probe.view(step.variable, step.first_in_loop);
        let context = &self.matcher.terms.context;
        let mut terms: Vec<&Expr> = variable.checks.iter().collect();
        if !step.first_in_loop && self.has_previous(step.variable) {
            terms.extend(&variable.checks_after_first);
        }
        let wrong: Vec<FalseTerm> = terms.into_iter().filter_map(|term| false_term(term, &view, context)).collect();
        if !wrong.is_empty() {
            return Verdict::False(wrong);
        }
        if probe.is_allowed(step.variable, step.way.behind()) {
            return Verdict::Fits;
        }
        match self.forbidding(step) {
            Some((negated, event)) => Verdict::Forbidden(negated, event),
            None => Verdict::Fits,
        }
    }

    /// The terms of a variable on the event alone that do not hold.
    pub(super) fn unary_misses(&self, variable: VariableId) -> Vec<FalseTerm> {
        let spec = self.matcher.spec();
        let probe = self.probe();
        let view = probe.view(variable, true);
        let terms = spec.variables[variable.0 as usize].checks.iter().filter(|term| is_unary(spec, variable, term));
        terms.filter_map(|term| false_term(term, &view, &self.matcher.terms.context)).collect()
    }

    fn has_previous(&self, variable: VariableId) -> bool {
        let register = self.matcher.terms.plan.latest_in_loop(variable).map(|register| &self.thread.registers[register]);
        !matches!(register, Some(Register::Events(events)) if events.is_empty())
    }

    /// The event between, or before, that forbids the step to take the event.
    fn forbidding(&self, step: &Awaited) -> Option<(VariableId, Arc<Event>)> {
        let undecided = self.thread.undecided.iter().chain(&step.way.hits).map(|undecided| (undecided.negated, undecided.event.clone()));
        let before = step.way.watches.iter().flat_map(|watch| {
            let of_variable = self.around.before.events.iter().filter(|(negated, _)| *negated == watch.variable);
            of_variable.flat_map(|(negated, events)| events.iter().rev().map(|event| (*negated, event.clone())))
        });
        undecided.chain(before).find(|(_, event)| event.place < self.candidate.place)
    }

    /// The negated variable that the event hits, of these watches.
    pub(super) fn hit(&self, watches: &[Watch]) -> Option<VariableId> {
        watches.iter().find(|watch| self.probe().hits(std::slice::from_ref(watch), &mut Vec::new())).map(|watch| watch.variable)
    }

    /// The UNTIL that the event fits.
    pub(super) fn ended(&self, untils: &[VariableId]) -> Option<VariableId> {
        untils.iter().copied().find(|until| self.probe().ends_loop(*until))
    }
}

/// The term with its values, if it is not true.
pub(super) fn false_term(term: &Expr, row: &dyn Row, context: &EvalContext) -> Option<FalseTerm> {
    let value = term.eval(row, context);
    if value.is_true() {
        return None;
    }
    let is_unknown = value.is_null();
    let operands: Vec<Expr> = match term.kind() {
        ExprKind::Compare(_) | ExprKind::IsDistinct => term.args().to_vec(),
        ExprKind::Between | ExprKind::In(_) | ExprKind::IsNull => term.args()[..1].to_vec(),
        _ => slots_of(term),
    };
    let shown = operands.into_iter().filter(|operand| operand.as_literal().is_none());
    let mut values: Vec<(Expr, Value<'static>)> = Vec::new();
    for operand in shown {
        let operand = without_cast(operand);
        let value = operand.eval(row, context).into_owned();
        if !values.iter().any(|(known, _)| *known == operand) {
            values.push((operand, value));
        }
    }
    let distance = if is_unknown { 2.0 } else { distance_of(term, row, context) };
    Some(FalseTerm { term: term.clone(), values, is_unknown, distance })
}

/// Those of some terms that are not true of a row.
pub(crate) fn false_terms(terms: &[Expr], row: &dyn Row, context: &EvalContext) -> Vec<FalseTerm> {
    terms.iter().filter_map(|term| false_term(term, row, context)).collect()
}

/// A cast that the checker has put in is nothing that a user has written.
fn without_cast(expr: Expr) -> Expr {
    match expr.kind() {
        ExprKind::Cast if expr.args()[0].as_slot().is_some() => expr.args()[0].clone(),
        _ => expr,
    }
}

fn slots_of(term: &Expr) -> Vec<Expr> {
    let mut slots = Vec::new();
    term.visit(&mut |expr| {
        if expr.as_slot().is_some() && !slots.contains(expr) {
            slots.push(expr.clone());
        }
    });
    slots
}

/// How far the sides of a comparison lie apart, as a part of the larger one.
fn distance_of(term: &Expr, row: &dyn Row, context: &EvalContext) -> f64 {
    let number = |expr: &Expr| match expr.eval(row, context) {
        Value::Int(value) => Some(value as f64),
        Value::Float(value) => Some(value),
        Value::Decimal(value) => value.to_string().parse().ok(),
        Value::Duration(value) => Some(value.0 as f64),
        _ => None,
    };
    let (left, right) = match (term.kind(), term.args()) {
        (ExprKind::Compare(_), [left, right]) => (number(left), number(right)),
        (ExprKind::Between, [value, low, high]) => {
            let value = number(value);
            let below = value.zip(number(low)).is_some_and(|(value, low)| value < low);
            (value, number(if below { low } else { high }))
        }
        _ => (None, None),
    };
    let Some((left, right)) = left.zip(right) else { return 1.0 };
    let scale = left.abs().max(right.abs());
    if scale > 0.0 { ((left - right).abs() / scale).min(1.0) } else { 0.0 }
}

/// The columns of each input that the terms and keys of a pattern read, for showing events.
pub(crate) fn columns_shown(matcher: &crate::spec::PatternSpec) -> Vec<Vec<usize>> {
    let spec = matcher;
    let mut shown: Vec<Vec<usize>> = vec![Vec::new(); spec.inputs.len()];
    let mut note = |input: usize, column: usize| {
        if !shown[input].contains(&column) {
            shown[input].push(column);
        }
    };
    for (input, keys) in spec.partition.by_input.iter().enumerate() {
        keys.iter().flat_map(Expr::slots).for_each(|slot| note(input, slot.0 as usize));
    }
    let of_variables = spec.variables.iter().flat_map(|variable| variable.checks.iter().chain(&variable.checks_after_first));
    let late = spec.late_checks.iter().map(|late| &late.condition);
    for slot in of_variables.chain(late).chain(&spec.having).flat_map(Expr::slots) {
        match &spec.slots[slot.0 as usize].kind {
            SlotKind::Column { variables, column, .. } => {
                for variable in variables {
                    note(spec.variables[variable.0 as usize].input, *column);
                }
            }
            SlotKind::PreviousInLoop { variable, column, .. } => note(spec.variables[variable.0 as usize].input, *column),
            SlotKind::Aggregate { variables, call, .. } => {
                let input = spec.variables[variables[0].0 as usize].input;
                call.args.iter().flat_map(Expr::slots).for_each(|slot| note(input, slot.0 as usize));
            }
            _ => {}
        }
    }
    shown
}

/// Whether a variable takes events of matches.
pub(super) fn is_step(matcher: &Matcher, variable: VariableId) -> bool {
    matcher.spec().variables[variable.0 as usize].kind == VariableKind::Step
}
