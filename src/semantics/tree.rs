//! Walking trees of expressions.

use super::call::is_aggregate;
use super::context::Context;
use crate::syntax::ast::{Expr, ExprKind};

/// The expressions directly inside one.
pub(crate) fn children(tree: &Expr) -> Vec<&Expr> {
    match &tree.kind {
        ExprKind::Null
        | ExprKind::Bool(_)
        | ExprKind::Int(_)
        | ExprKind::BigInt(_)
        | ExprKind::Float(..)
        | ExprKind::String(_)
        | ExprKind::Timestamp(_)
        | ExprKind::Duration(_)
        | ExprKind::Parameter(_)
        | ExprKind::Path(_)
        | ExprKind::AllOf(_)
        | ExprKind::Star
        | ExprKind::Subquery(_) => Vec::new(),
        ExprKind::Call(call) => call.args.iter().chain(call.filter.as_deref()).collect(),
        ExprKind::Unary(_, expr)
        | ExprKind::IsNull { expr, .. }
        | ExprKind::IsBool { expr, .. }
        | ExprKind::Cast { expr, .. }
        | ExprKind::Extract { expr, .. }
        | ExprKind::Field { expr, .. } => vec![expr],
        ExprKind::And(all) | ExprKind::Or(all) | ExprKind::Concat(all) => all.iter().collect(),
        ExprKind::Binary(_, _, left, right) => vec![left, right],
        ExprKind::IsDistinct { expr, from, .. } => vec![expr, from],
        ExprKind::In { expr, list, .. } => std::iter::once(&**expr).chain(list).collect(),
        ExprKind::Between { expr, low, high, .. } => vec![expr, low, high],
        ExprKind::Like { expr, pattern, escape, .. } => [&**expr, pattern].into_iter().chain(escape.as_deref()).collect(),
        ExprKind::Case { operand, branches, otherwise } => {
            let branches = branches.iter().flat_map(|(when, then)| [when, then]);
            operand.as_deref().into_iter().chain(branches).chain(otherwise.as_deref()).collect()
        }
        ExprKind::AtTimeZone { expr, zone } => vec![expr, zone],
        ExprKind::Index { expr, index } => vec![expr, index],
    }
}

/// Whether an aggregate is called anywhere in it.
pub(crate) fn has_aggregate(cx: &Context<'_>, tree: &Expr) -> bool {
    let mut open = vec![tree];
    while let Some(tree) = open.pop() {
        if let ExprKind::Call(call) = &tree.kind
            && is_aggregate(cx, call)
        {
            return true;
        }
        open.extend(children(tree));
    }
    false
}
