//! Where the terms of WHERE belong and when they are checked.
//! In: a query. Out: answers to "does this event fit this step" and "does this event fit this negation".
//! A term belongs to the variable that stands last in the text; between the operands of `&`, to whichever takes its event last.

use std::rc::Rc;

use super::choices::{Cont, in_same_rounds};
use super::expr::{Event, Expr, Scope};
use super::program::{Kind, Node, Query};
use super::reference::History;

/// The way from the root to a step: node, which child, whether the node is `&`.
type Path = Vec<(usize, usize, bool)>;

#[derive(Debug)]
struct Term {
    expr: Expr,
    variables: Vec<String>,
    /// The variables at whose taking it is checked: the last in the text, and those that stand beside it under `&`.
    owners: Vec<String>,
    /// The negated variable that it speaks of.
    negated: Option<String>,
}

/// The terms of a query.
#[derive(Debug)]
pub struct Terms {
    terms: Vec<Term>,
    names: Vec<String>,
}

impl Terms {
    pub fn new(query: &Query) -> Terms {
        let names: Vec<String> = query.steps.iter().map(|s| s.variable.clone()).collect();
        let position = |variable: &String| names.iter().rposition(|n| n == variable).unwrap_or_else(|| panic!("no variable {variable}"));
        let paths: Vec<(String, Path)> = {
            let mut out = Vec::new();
            paths(&query.pattern, query, &mut vec![], &mut out);
            out
        };
        let beside = |a: &str, b: &str| {
            let path = |v: &str| paths.iter().find(|(n, _)| n == v).map(|(_, p)| p.clone()).unwrap_or_default();
            let (a, b) = (path(a), path(b));
            a.iter().zip(&b).find(|(x, y)| x != y).is_some_and(|(x, y)| x.0 == y.0 && x.2)
        };
        let terms = query.terms.iter().map(|expr| {
            let variables = expr.variables(&names);
            let last = variables.iter().max_by_key(|v| position(v)).expect("a term names a variable").clone();
            let owners = variables.iter().filter(|v| **v == last || beside(v, &last)).cloned().collect();
            let is_negated = |v: &&String| query.steps.iter().any(|s| s.negated && s.variable == **v);
            Term { expr: expr.clone(), negated: variables.iter().find(is_negated).cloned(), variables, owners }
        });
        Terms { terms: terms.collect(), names }
    }

    /// The terms of a negation that are judged only when a later variable is taken.
    pub fn late(&self, not: usize) -> Vec<&Expr> {
        let of = |t: &&Term| t.negated.as_ref() == Some(&self.names[not]) && !t.owners.contains(&self.names[not]);
        self.terms.iter().filter(of).map(|t| &t.expr).collect()
    }

    /// Whether the event is one of those that the negated step forbids, as far as can be said now.
    pub fn forbids(&self, query: &Query, events: &[Event], not: usize, taken: &[(String, usize)], event: usize) -> bool {
        let step = &query.steps[not];
        if step.stream != events[event].stream {
            return false;
        }
        let mut with = taken.to_vec();
        with.push((step.variable.clone(), event));
        let scope = Scope { events, taken: &with, bare: Some(event), bounds: None };
        let early = self.terms.iter().filter(|t| t.owners.contains(&step.variable));
        step.condition.as_ref().is_none_or(|c| scope.holds(c)) && early.into_iter().all(|t| Scope { bare: None, ..scope }.holds(&t.expr))
    }

    /// Whether the event (already in the history) fits the step: stream, condition, and every term that can be checked now.
    pub fn fits(&self, query: &Query, events: &[Event], (number, after): (usize, &Cont), history: &History, event: usize) -> bool {
        let step = &query.steps[number];
        if step.stream != events[event].stream {
            return false;
        }
        let scope = Scope { events, taken: &history.taken, bare: Some(event), bounds: None };
        if !step.condition.as_ref().is_none_or(|c| first_of_prev(c, &step.variable, history) || scope.holds(c)) {
            return false;
        }
        let scope = Scope { bare: None, ..scope };
        for term in self.terms.iter().filter(|t| t.negated.is_none() && t.owners.contains(&step.variable)) {
            let has = |v: &String| history.taken.iter().any(|(n, _)| n == v);
            let waits = term.owners.iter().any(|v| !has(v));
            if !waits && !first_of_prev(&term.expr, &step.variable, history) && !scope.holds(&term.expr) {
                return false;
            }
        }
        self.late_negations_allow(query, events, (number, after), history)
    }

    fn late_negations_allow(&self, query: &Query, events: &[Event], (step, after): (usize, &Cont), history: &History) -> bool {
        let variable = query.steps[step].variable.as_str();
        history.between.iter().filter(|(_, _, standing)| in_same_rounds(&standing.0, step, after)).all(|(not, between, _)| {
            let name = &self.names[*not];
            let late: Vec<&Term> = self.terms.iter().filter(|t| t.negated.as_ref() == Some(name) && !t.owners.contains(name)).collect();
            let judge = late.iter().flat_map(|t| &t.owners).max_by_key(|v| query.steps.iter().rposition(|s| s.variable == **v));
            if judge.map(String::as_str) != Some(variable) {
                return true;
            }
            !between.iter().any(|event| {
                let mut with = history.taken.clone();
                with.push((name.clone(), *event));
                late.iter().all(|t| Scope { events, taken: &with, bare: None, bounds: None }.holds(&t.expr))
            })
        })
    }

    /// The terms' variables, for the generator's own checks.
    pub fn variables(&self) -> impl Iterator<Item = &[String]> {
        self.terms.iter().map(|t| t.variables.as_slice())
    }
}

/// A term with PREV is not checked on the loop's first event.
fn first_of_prev(expr: &Expr, variable: &str, history: &History) -> bool {
    expr.has_prev_of(variable) && history.taken.iter().filter(|(v, _)| v == variable).count() < 2
}

/// For each variable the way from the root: node, which child, and whether the node is `&`.
fn paths(node: &Rc<Node>, query: &Query, at: &mut Path, out: &mut Vec<(String, Path)>) {
    let children: Vec<&Rc<Node>> = match &node.kind {
        Kind::Step(step) | Kind::Not(step, _) => {
            out.push((query.steps[*step].variable.clone(), at.clone()));
            return;
        }
        Kind::Sequence(parts, _) | Kind::Either(parts) | Kind::Both(parts) => parts.iter().collect(),
        Kind::Repeat { body, .. } => vec![body],
    };
    for (index, child) in children.into_iter().enumerate() {
        at.push((node.id, index, matches!(node.kind, Kind::Both(_))));
        paths(child, query, at, out);
        at.pop();
    }
}
