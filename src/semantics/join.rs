//! Joins: ON is taken apart into equal keys, a range of time between the two sides, and the rest.
//!
//! `b.at BETWEEN a.at - 5m AND a.at + 1h` over the event-time columns of both sides says the same as WITHIN and becomes the same. Chains go
//! from left to right; the row of a pair has the time of its later side, so that what is joined further has no event-time column to name.

use std::sync::Arc;

use super::codes;
use super::constant::duration;
use super::context::{Context, Relation, Reported};
use super::infer::{and_terms, condition};
use super::query::{self, Source};
use super::range::{TimeRange, time_range};
use super::scope::{Rows, Scope};
use super::table;
use super::typed::{Input, Query};
use crate::data::{Duration, Field, Schema};
use crate::expr::{CompareOp, Expr, ExprKind, SlotId};
use crate::spec::{JoinKind, JoinSpec};
use crate::syntax::ast;
use crate::text::Diagnostic;

/// Checks a join.
pub(crate) fn join(cx: &mut Context<'_>, join: &ast::Join) -> Source {
    if let ast::Relation::Stream { name, alias } = &join.right
        && let Some((table, schema)) = cx.table(name)
    {
        let hidden = alias.as_ref().map(|_| name.node.as_str());
        let scope = Scope::of(Some(&alias.as_ref().unwrap_or(name).node), hidden, Some(schema));
        return table::join(cx, join, table, scope);
    }
    let left = query::source(cx, &join.left);
    let right = query::source(cx, &join.right);
    let scope = match beside(cx, join, &left.scope, right.scope.clone()) {
        Ok(scope) => scope,
        // The names are of no use; what uses them stays silent.
        Err(reported) => return Source { relation: Err(reported), scope: Scope::of(None, None, None) },
    };
    let kind = kind(join.kind);
    let is_left_only = matches!(kind, JoinKind::Semi | JoinKind::Anti);
    let visible = if is_left_only { left.scope.clone() } else { scope.clone() };
    let sides = Sides {
        width: left.scope.width(),
        left_times: left.relation.as_ref().map(|r| r.time_columns.clone()).unwrap_or_default(),
        right_times: right.relation.as_ref().map(|r| r.time_columns.clone()).unwrap_or_default(),
        are_known: left.relation.is_ok() && right.relation.is_ok(),
    };
    let spec = spec(cx, join, kind, &scope, &sides);
    let relation = left.relation.and_then(|left| Ok(joined(left, right.relation?, spec?, &visible)));
    Source { relation, scope: visible }
}

/// The columns of both sides in a row, each under its name.
pub(crate) fn beside(cx: &mut Context<'_>, join: &ast::Join, left: &Scope, right: Scope) -> Result<Scope, Reported> {
    left.clone().beside(right).map_err(|name| {
        let diagnostic = Diagnostic::error(codes::BAD_JOIN, join.span, format!("two sides of this join are called `{name}`"));
        cx.error(diagnostic.hint(format!("give each a name of its own: {name} a JOIN {name} b")))
    })
}

/// What is known of the two sides.
struct Sides {
    width: usize,
    left_times: Vec<usize>,
    right_times: Vec<usize>,
    are_known: bool,
}

fn joined(left: Relation, right: Relation, spec: JoinSpec, visible: &Scope) -> Relation {
    // What comes out for each left row has its time; a pair has that of the later side.
    let keeps_time = matches!(spec.kind, JoinKind::Semi | JoinKind::Anti | JoinKind::AsOf | JoinKind::LeftAsOf);
    let time_columns = if keeps_time { left.time_columns } else { Vec::new() };
    let schema = row_schema(visible);
    let input = Input::Join { left: Box::new(left.query), right: Box::new(right.query), spec: Box::new(spec) };
    Relation { query: Query { input, stages: Vec::new(), schema }, time_columns }
}

/// The columns of both sides in a row. Columns of one name are told apart by the relation's; nobody sees these names but `explain`.
pub(crate) fn row_schema(visible: &Scope) -> Arc<Schema> {
    let mut fields: Vec<Field> = Vec::with_capacity(visible.width());
    for (owner, field) in visible.qualified_columns() {
        let mut name = field.name.to_string();
        if fields.iter().any(|f| *f.name == *name) {
            name = format!("{}.{name}", owner.unwrap_or("right"));
        }
        while fields.iter().any(|f| *f.name == *name) {
            name.push('\'');
        }
        fields.push(Field::new(name, field.data_type.clone()));
    }
    Arc::new(Schema::new(fields))
}

fn spec(cx: &mut Context<'_>, join: &ast::Join, kind: JoinKind, scope: &Scope, sides: &Sides) -> Result<JoinSpec, Reported> {
    let is_as_of = matches!(kind, JoinKind::AsOf | JoinKind::LeftAsOf);
    let within = within(cx, join, is_as_of);
    let tolerance = tolerance(cx, join, is_as_of);
    let terms = terms(cx, join, scope);
    let (within, tolerance, terms) = (within?, tolerance?, terms?);
    if !sides.are_known {
        return Err(Reported::elsewhere());
    }
    let mut spec = JoinSpec { kind, left_keys: Vec::new(), right_keys: Vec::new(), before: tolerance, after: Duration(0), residual: None };
    let mut range = within.unwrap_or_default();
    let (mut times, mut rest) = (Vec::new(), Vec::new());
    for term in terms {
        match time_range(&term, &|slot| sides.time(slot)).filter(|_| !is_as_of) {
            Some(found) => {
                range = range.and(found);
                times.push(term);
            }
            None => rest.extend(add_key(&mut spec.left_keys, &mut spec.right_keys, term, sides.width)),
        }
    }
    if !is_as_of {
        let (low, high) = bounds(cx, join, range)?;
        (spec.before, spec.after) = (Duration(low.saturating_neg().max(0)), Duration(high.max(0)));
        // A range that leaves out equal times is more than the two lengths can say.
        if low > 0 || high < 0 {
            rest.extend(times);
        }
    }
    if !rest.is_empty() {
        spec.residual = Some(Expr::and(rest).expect("terms of ON are conditions"));
    }
    Ok(spec)
}

impl Sides {
    /// Which side's event time a slot is: -1 left, 1 right.
    fn time(&self, slot: SlotId) -> Option<i32> {
        let index = slot.0 as usize;
        match index.checked_sub(self.width) {
            None => self.left_times.contains(&index).then_some(-1),
            Some(index) => self.right_times.contains(&index).then_some(1),
        }
    }
}

fn within(cx: &mut Context<'_>, join: &ast::Join, is_as_of: bool) -> Result<Option<TimeRange>, Reported> {
    let Some(within) = &join.within else { return Ok(None) };
    if is_as_of {
        let text = "an ASOF JOIN takes the latest row before, and has no WITHIN";
        return Err(cx.error(Diagnostic::error(codes::BAD_JOIN, within.span, text).hint("its age is bounded by TOLERANCE 5s")));
    }
    let before = duration(cx, "WITHIN", &within.before, Duration(0));
    let after = if within.before == within.after { before } else { duration(cx, "WITHIN", &within.after, Duration(0)) };
    Ok(Some(TimeRange { low: Some(-i128::from(before?.0)), high: Some(i128::from(after?.0)) }))
}

fn tolerance(cx: &mut Context<'_>, join: &ast::Join, is_as_of: bool) -> Result<Duration, Reported> {
    match &join.tolerance {
        None => Ok(Duration(i64::MAX)),
        Some(tree) if is_as_of => duration(cx, "TOLERANCE", tree, Duration(0)),
        Some(tree) => {
            let diagnostic =
                Diagnostic::error(codes::BAD_JOIN, tree.span, "TOLERANCE bounds an ASOF JOIN; other joins are bounded by WITHIN");
            Err(cx.error(diagnostic))
        }
    }
}

/// The typed terms of ON that are joined by AND; those that are always true are left out.
pub(crate) fn terms(cx: &mut Context<'_>, join: &ast::Join, scope: &Scope) -> Result<Vec<Expr>, Reported> {
    let Some(on) = &join.on else {
        let diagnostic = Diagnostic::error(codes::BAD_JOIN, join.kind_span, "a join says by ON which rows belong together");
        return Err(cx.error(diagnostic.hint("ON a.id = b.id; for every pair that is near in time ON TRUE")));
    };
    let names = &mut Rows { scope, place: "ON" };
    let typed: Vec<Result<Expr, Reported>> = and_terms(on).into_iter().map(|term| condition(cx, names, term, "ON")).collect();
    let typed = typed.into_iter().collect::<Result<Vec<_>, _>>()?;
    Ok(typed.into_iter().filter(|term| !term.as_literal().is_some_and(crate::data::Value::is_true)).collect())
}

/// Makes a term a key, where it is an equality of something of the left with something of the right. What is left to check comes back.
pub(crate) fn add_key(left_keys: &mut Vec<Expr>, right_keys: &mut Vec<Expr>, term: Expr, width: usize) -> Option<Expr> {
    let (ExprKind::Compare(CompareOp::Eq), [a, b]) = (term.kind(), term.args()) else { return Some(term) };
    let (left, right) = match (side(a, width), side(b, width)) {
        (Some(Side::Left), Some(Side::Right)) => (a, b),
        (Some(Side::Right), Some(Side::Left)) => (b, a),
        _ => return Some(term),
    };
    let Some(common) = left.data_type().common(right.data_type()) else { return Some(term) };
    let right = right.map_slots(&|slot| SlotId(slot.0 - u32::try_from(width).expect("fewer than 2^32 columns fit a program text")));
    let (Ok(left_key), Ok(right_key)) = (Expr::cast(left.clone(), &common), Expr::cast(right.clone(), &common)) else { return Some(term) };
    // Numbers of different types are compared exactly; their common type may round, so the term itself stays too.
    let is_exact = left.data_type() == right.data_type();
    left_keys.push(left_key);
    right_keys.push(right_key);
    (!is_exact).then_some(term)
}

enum Side {
    Left,
    Right,
}

/// The one side whose columns an expression reads.
fn side(expr: &Expr, width: usize) -> Option<Side> {
    let slots = expr.slots();
    let is_left = |slot: &SlotId| (slot.0 as usize) < width;
    if slots.is_empty() {
        None
    } else if slots.iter().all(is_left) {
        Some(Side::Left)
    } else if !slots.iter().any(is_left) {
        Some(Side::Right)
    } else {
        None
    }
}

/// How far the right row may lie from the left one, at least and at most.
fn bounds(cx: &mut Context<'_>, join: &ast::Join, range: TimeRange) -> Result<(i64, i64), Reported> {
    let missing = match (range.low, range.high) {
        (Some(low), Some(high)) if low <= high => {
            let nanos = |bound: i128| i64::try_from(bound).unwrap_or(if bound < 0 { -i64::MAX } else { i64::MAX });
            return Ok((nanos(low), nanos(high)));
        }
        (Some(_), Some(_)) => {
            let diagnostic = Diagnostic::error(codes::OUT_OF_RANGE, join.span, "no pair can satisfy the bounds in time of this join");
            return Err(cx.error(diagnostic));
        }
        (Some(_), None) => ": it does not say how much later the right row may be",
        (None, Some(_)) => ": it does not say how much earlier the right row may be",
        (None, None) => "",
    };
    let text = format!("this join of two streams has no bound in time{missing}, and would keep all rows for ever");
    let diagnostic = Diagnostic::error(codes::UNBOUNDED_JOIN, join.kind_span, text);
    Err(cx.error(diagnostic.hint("add WITHIN 10 minutes behind ON").hint("for the latest row before each: ASOF JOIN")))
}

pub(crate) fn kind(kind: ast::JoinKind) -> JoinKind {
    match kind {
        ast::JoinKind::Inner => JoinKind::Inner,
        ast::JoinKind::Left => JoinKind::Left,
        ast::JoinKind::Right => JoinKind::Right,
        ast::JoinKind::Full => JoinKind::Full,
        ast::JoinKind::Semi => JoinKind::Semi,
        ast::JoinKind::Anti => JoinKind::Anti,
        ast::JoinKind::AsOf => JoinKind::AsOf,
        ast::JoinKind::LeftAsOf => JoinKind::LeftAsOf,
    }
}
