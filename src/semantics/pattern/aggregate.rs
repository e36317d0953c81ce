//! Calls of aggregates and offsets of navigations, alike for both kinds of patterns.

use crate::data::Value;
use crate::expr::{self, Aggregate};
use crate::semantics::call;
use crate::semantics::constant::constant;
use crate::semantics::context::{Context, Reported};
use crate::semantics::infer::condition;
use crate::semantics::scope::{Constants, Names};
use crate::spec::AggregateCall;
use crate::syntax::ast;
use crate::text::{Code, Diagnostic, Span};

/// The largest offset of a navigation: so many events are kept for it.
pub(crate) const OFFSET_MAX: u32 = 10_000;

/// An aggregate; where whole events are counted its argument is a variable or `*`, and there is none in the call that is built.
pub(crate) fn build(
    cx: &mut Context<'_>,
    names: &mut dyn Names,
    call: &ast::Call,
    counts_events: bool,
    span: Span,
) -> Result<AggregateCall, Reported> {
    if !counts_events {
        return call::aggregate(cx, names, call, span);
    }
    let filter = call.filter.as_deref().map(|tree| condition(cx, names, tree, "FILTER")).transpose()?;
    call::typed_aggregate(cx, count(), Vec::new(), &[], false, filter, span)
}

/// The aggregate `COUNT`.
pub(crate) fn count() -> &'static Aggregate {
    expr::aggregates::lookup("COUNT").expect("COUNT is in the table of aggregates")
}

/// The offset of a navigation: a whole number from `least` to [`OFFSET_MAX`].
pub(crate) fn offset(cx: &mut Context<'_>, tree: &ast::Expr, least: u32, code: Code) -> Result<u32, Reported> {
    let found = constant(cx, &mut Constants { what: "the number of a navigation" }, tree)?;
    let number = match found.as_literal() {
        Some(Value::Int(number)) => u32::try_from(*number).ok(),
        _ => None,
    };
    match number.filter(|number| (least..=OFFSET_MAX).contains(number)) {
        Some(number) => Ok(number),
        None => {
            let text =
                format!("the number of a navigation is a whole number from {least} to {OFFSET_MAX}: that many events are kept for it");
            Err(cx.error(Diagnostic::error(code, tree.span, text)))
        }
    }
}
