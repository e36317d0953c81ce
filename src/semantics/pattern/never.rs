//! Terms that cannot be true when they are checked: a lower bound on COUNT of a variable, in WHERE.
//!
//! A term goes to the last variable that it names and is checked on each of its events. On the first of them COUNT is 1, so that
//! `COUNT(a) >= 3` lets no event in. What is meant is a quantifier, or HAVING.

use super::codes;
use super::variables::Variable;
use crate::data::Value;
use crate::semantics::context::Context;
use crate::semantics::infer::infer;
use crate::semantics::scope::Constants;
use crate::syntax::ast::{self, BinaryOp, ExprKind};
use crate::text::Diagnostic;

/// Warns of a term, checked at this variable alone, that is false on the variable's first event.
pub(super) fn warn(cx: &mut Context<'_>, variable: &Variable<'_>, tree: &ast::Expr) {
    let Some((op, bound)) = bound_of_count(cx, variable, tree) else { return };
    let holds_at_one = match op {
        BinaryOp::Eq => bound == 1,
        BinaryOp::NotEq => bound != 1,
        BinaryOp::Less => 1 < bound,
        BinaryOp::LessEq => 1 <= bound,
        BinaryOp::Greater => 1 > bound,
        BinaryOp::GreaterEq => 1 >= bound,
        BinaryOp::Add | BinaryOp::Sub | BinaryOp::Mul | BinaryOp::Div | BinaryOp::Mod => return,
    };
    if holds_at_one {
        return;
    }
    let name = &variable.name;
    let text = format!("this is checked on each event of `{name}`, and on the first one COUNT({name}) is 1: `{name}` never takes an event");
    let mut diagnostic = Diagnostic::warning(codes::NEVER_TAKEN, tree.span, text);
    let least = match op {
        BinaryOp::Greater => bound.checked_add(1),
        BinaryOp::GreaterEq => Some(bound),
        _ => None,
    };
    if let Some(least) = least {
        diagnostic = diagnostic.hint(format!("at least {least}: write `{name}{{{least},}}` in the pattern"));
    }
    cx.warn(diagnostic.hint("what is to hold for the whole match stands in HAVING"));
}

/// `COUNT(v) op n`, or the same from the other side.
fn bound_of_count(cx: &mut Context<'_>, variable: &Variable<'_>, tree: &ast::Expr) -> Option<(BinaryOp, i64)> {
    let ExprKind::Binary(op, _, left, right) = &tree.kind else { return None };
    let (op, number) = match (counts(left, variable), counts(right, variable)) {
        (true, false) => (*op, right),
        (false, true) => (turned(*op), left),
        (true, true) | (false, false) => return None,
    };
    let number = cx.silently(|cx| infer(cx, &mut Constants { what: "a bound" }, number)).ok()?;
    match number.as_literal() {
        Some(Value::Int(number)) => Some((op, *number)),
        _ => None,
    }
}

/// Whether this is `COUNT(v)`, all events of this variable.
fn counts(tree: &ast::Expr, variable: &Variable<'_>) -> bool {
    let ExprKind::Call(call) = &tree.kind else { return false };
    let is_variable = matches!(call.args.as_slice(), [ast::Expr { kind: ExprKind::Path(path), .. }] if path.len() == 1 && *path[0].node == *variable.name);
    is_variable && !call.quoted && call.filter.is_none() && call.distinct.is_none() && call.name.node.eq_ignore_ascii_case("COUNT")
}

/// The comparison with its sides changed.
fn turned(op: BinaryOp) -> BinaryOp {
    match op {
        BinaryOp::Less => BinaryOp::Greater,
        BinaryOp::LessEq => BinaryOp::GreaterEq,
        BinaryOp::Greater => BinaryOp::Less,
        BinaryOp::GreaterEq => BinaryOp::LessEq,
        same => same,
    }
}
