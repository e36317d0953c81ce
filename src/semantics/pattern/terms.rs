//! Which variable checks which term: WHERE is split at its ANDs, and each term goes to the variable that is the last of those it names.
//!
//! Where the order is open (the operands of `&`) the term goes to each variable that can be last, behind the guard that the others have
//! their event already. A term on a negated variable that names a later one becomes a late check, at which all such terms of the negated
//! variable are AND-ed: the event between is forbidden where all of them are true.

use std::collections::BTreeSet;

use super::aggregate::count;
use super::codes;
use super::names::{PatternNames, Place, SharedColumns};
use super::slots::{Slots, zero};
use super::variables::Variables;
use crate::expr::{CompareOp, Expr};
use crate::semantics::context::{Context, Reported};
use crate::semantics::infer::{and_terms, condition};
use crate::semantics::refusal::refused;
use crate::spec::{LateCheck, VariableId, VariableKind};
use crate::syntax::ast;
use crate::text::{Diagnostic, Span};

/// Terms by the variable that checks them.
#[derive(Debug)]
pub(super) struct Placed {
    /// For each variable its terms, the cheap ones first.
    pub(super) checks: Vec<Vec<Expr>>,
    /// For each variable those with PREV.
    pub(super) after_first: Vec<Vec<Expr>>,
    /// Terms on negated variables that also name a later one.
    pub(super) late: Vec<LateCheck>,
}

/// A term and what it names.
struct Term {
    expr: Expr,
    span: Span,
    steps: Vec<VariableId>,
    /// Negated variables and those of UNTIL.
    silent: Vec<VariableId>,
    with_prev: BTreeSet<VariableId>,
    cost: usize,
}

/// A late term before it is known at which variable it is checked.
struct LateTerm {
    negated: VariableId,
    later: Vec<VariableId>,
    expr: Expr,
}

struct Placement<'v, 'a> {
    variables: &'v Variables<'a>,
    slots: &'v mut Slots,
    checks: Vec<Vec<(usize, Expr)>>,
    after_first: Vec<Vec<(usize, Expr)>>,
    late: Vec<LateTerm>,
}

/// Places the terms of WHERE and of all conditions in brackets.
pub(super) fn place(
    cx: &mut Context<'_>,
    variables: &Variables<'_>,
    slots: &mut Slots,
    shared: &SharedColumns,
    filter: Option<&ast::Expr>,
) -> Result<Placed, Reported> {
    let nothing = || (0..variables.all.len()).map(|_| Vec::new()).collect();
    let mut placement = Placement { variables, slots, checks: nothing(), after_first: nothing(), late: Vec::new() };
    let mut failed = None;
    for (id, variable) in variables.numbered() {
        for tree in variable.condition.iter().flat_map(|condition| and_terms(condition)) {
            let placed = placement.term(cx, shared, tree, Place::Inline(id)).and_then(|term| placement.inline(cx, id, term));
            failed = failed.or(placed.err());
        }
    }
    for tree in filter.iter().flat_map(|filter| and_terms(filter)) {
        let placed = placement.term(cx, shared, tree, Place::Where).and_then(|term| placement.in_where(cx, term));
        failed = failed.or(placed.err());
    }
    match failed {
        Some(reported) => Err(reported),
        None => placement.finish(cx),
    }
}

impl Placement<'_, '_> {
    fn term(&mut self, cx: &mut Context<'_>, shared: &SharedColumns, tree: &ast::Expr, place: Place) -> Result<Term, Reported> {
        let mut names = PatternNames::new(self.variables, self.slots, shared, place);
        let what = if place == Place::Where { "WHERE" } else { "the condition of a step" };
        let expr = condition(cx, &mut names, tree, what)?;
        let (steps, silent): (Vec<_>, Vec<_>) = names.named.iter().partition(|id| self.variables.get(**id).kind == VariableKind::Step);
        if let ([only], []) = (steps.as_slice(), silent.as_slice())
            && (place == Place::Where || place == Place::Inline(*only))
        {
            super::never::warn(cx, self.variables.get(*only), tree);
        }
        let cost = names.named.len() + if names.with_aggregate { 10 } else { 0 };
        Ok(Term { expr, span: tree.span, steps, silent, with_prev: names.with_prev, cost })
    }

    /// A condition in brackets: the variable's own, and it names earlier ones only.
    fn inline(&mut self, cx: &mut Context<'_>, own: VariableId, mut term: Term) -> Result<(), Reported> {
        if let Some(other) = term.silent.iter().find(|id| **id != own) {
            return Err(self.takes_no_event(cx, *other, term.span));
        }
        let later = |id: &&VariableId| **id != own && self.variables.can_follow(**id, own) && !self.variables.can_follow(own, **id);
        if let Some(later) = term.steps.iter().find(later) {
            let hint = "write the condition in WHERE, where it is checked when the later variable takes its event";
            return Err(self.names_later(cx, own, *later, term.span, hint));
        }
        if self.variables.get(own).kind != VariableKind::Step {
            self.add(own, term);
            return Ok(());
        }
        if !term.steps.contains(&own) {
            term.steps.push(own);
        }
        self.at_last(cx, term, Some(own))
    }

    fn in_where(&mut self, cx: &mut Context<'_>, mut term: Term) -> Result<(), Reported> {
        let silent = match term.silent.as_slice() {
            [] => {
                if term.steps.is_empty() {
                    // A constant term holds for all events or for none.
                    term.steps = self.variables.steps().map(|(id, _)| id).collect();
                    for id in term.steps.clone() {
                        self.checks[id.0 as usize].push((0, term.expr.clone()));
                    }
                    return Ok(());
                }
                return self.at_last(cx, term, None);
            }
            [silent] => *silent,
            [one, other, ..] => {
                let (one, other) = (&self.variables.get(*one).name, &self.variables.get(*other).name);
                let text = format!("this term names `{one}` and `{other}`, and neither takes an event, so there are never two to compare");
                return Err(cx.error(Diagnostic::error(codes::TWO_NEGATED, term.span, text).hint("write a term for each of them")));
            }
        };
        let kind = self.variables.get(silent).kind;
        let is_later = |id: &VariableId| match kind {
            VariableKind::Negated => self.variables.is_later(*id, silent),
            VariableKind::Until | VariableKind::Step => self.variables.can_follow(*id, silent),
        };
        let later: Vec<VariableId> = term.steps.iter().copied().filter(is_later).collect();
        match (later.first(), kind) {
            (None, _) | (_, VariableKind::Step) => self.add(silent, term),
            (Some(_), VariableKind::Negated) => self.late.push(LateTerm { negated: silent, later, expr: term.expr }),
            (Some(later), VariableKind::Until) => {
                let hint = "an UNTIL is decided at once; name earlier variables only";
                return Err(self.names_later(cx, silent, *later, term.span, hint));
            }
        }
        Ok(())
    }

    /// Puts a term where the last of its steps takes its event.
    fn at_last(&mut self, cx: &mut Context<'_>, term: Term, own: Option<VariableId>) -> Result<(), Reported> {
        let mut last = self.variables.last_of(&term.steps);
        if let Some(own) = own.filter(|own| !last.contains(own)) {
            last.push(own);
        }
        for id in &last {
            let mut guards = Vec::with_capacity(last.len());
            for other in last.iter().filter(|other| *other != id) {
                guards.push(self.has_no_event_yet(*other, *id));
            }
            let guarded = guards.into_iter().chain([Ok(term.expr.clone())]).collect::<Result<Vec<_>, _>>().and_then(Expr::or);
            let expr = guarded.map_err(|error| refused(cx, &error, term.span, &[]))?;
            let cost = term.cost + last.len() - 1;
            let list = if term.with_prev.contains(id) { &mut self.after_first } else { &mut self.checks };
            list[id.0 as usize].push((cost, expr));
        }
        Ok(())
    }

    /// That `other` has not taken its event, seen when `at` takes one. In a repeated `&` it is the event of this round.
    fn has_no_event_yet(&mut self, other: VariableId, at: VariableId) -> Result<Expr, crate::expr::TypeError> {
        if self.variables.taken_in_rounds(other, at) {
            let mine = self.slots.count(vec![at], count());
            return self.slots.compare_count(other, count(), CompareOp::Less, mine);
        }
        self.slots.compare_count(other, count(), CompareOp::Eq, zero())
    }

    fn add(&mut self, id: VariableId, term: Term) {
        self.checks[id.0 as usize].push((term.cost, term.expr));
    }

    fn takes_no_event(&self, cx: &mut Context<'_>, id: VariableId, span: Span) -> Reported {
        let text = format!("`{}` takes no event, so a condition in brackets cannot read it", self.variables.get(id).name);
        cx.error(
            Diagnostic::error(codes::NO_EVENT_TO_READ, span, text)
                .hint("write the condition in WHERE: it then says which events are forbidden"),
        )
    }

    fn names_later(&self, cx: &mut Context<'_>, own: VariableId, later: VariableId, span: Span, hint: &str) -> Reported {
        let (own, later) = (&self.variables.get(own).name, &self.variables.get(later).name);
        let own = if self.variables.find(own).is_some() { format!("`{own}`") } else { own.to_string() };
        let text = format!("`{later}` takes its event behind {own}, so it cannot be read there");
        cx.error(Diagnostic::error(codes::NAMES_LATER, span, text).hint(hint))
    }

    fn finish(mut self, cx: &mut Context<'_>) -> Result<Placed, Reported> {
        let late = self.late_checks(cx)?;
        let cheap_first = |mut terms: Vec<(usize, Expr)>| {
            terms.sort_by_key(|(cost, _)| *cost);
            terms.into_iter().map(|(_, expr)| expr).collect()
        };
        let checks = self.checks.into_iter().map(cheap_first).collect();
        let after_first = self.after_first.into_iter().map(cheap_first).collect();
        Ok(Placed { checks, after_first, late })
    }

    /// One late check a negated variable and last variable of those that its late terms name.
    fn late_checks(&mut self, cx: &mut Context<'_>) -> Result<Vec<LateCheck>, Reported> {
        let late = std::mem::take(&mut self.late);
        let negated: BTreeSet<VariableId> = late.iter().map(|term| term.negated).collect();
        let mut out = Vec::with_capacity(negated.len());
        for negated in negated {
            let terms = || late.iter().filter(|term| term.negated == negated);
            let later: BTreeSet<VariableId> = terms().flat_map(|term| term.later.iter().copied()).collect();
            let last = self.variables.last_of(&later.into_iter().collect::<Vec<_>>());
            for at in &last {
                let mut parts: Vec<Expr> = terms().map(|term| term.expr.clone()).collect();
                for other in last.iter().filter(|other| *other != at) {
                    let open = self.has_no_event_yet(*other, *at).and_then(Expr::not);
                    parts.push(open.map_err(|error| refused(cx, &error, Span::default(), &[]))?);
                }
                let condition = Expr::and(parts).map_err(|error| refused(cx, &error, Span::default(), &[]))?;
                out.push(LateCheck { negated, at: *at, condition });
            }
        }
        Ok(out)
    }
}
