//! What the tests of all families share: a call on constants, built and evaluated as any other.

use super::lookup;
use crate::data::Value;
use crate::expr::{EvalContext, Expr, TypeError};

fn build(name: &str, args: &[Value<'static>]) -> Result<Expr, TypeError> {
    let function = lookup(name).unwrap_or_else(|| panic!("{name} is a function"));
    Expr::call(function, args.iter().cloned().map(Expr::literal).collect())
}

fn run(name: &str, args: &[Value<'static>]) -> (Value<'static>, u64) {
    let ctx = EvalContext::new();
    let expr = build(name, args).unwrap_or_else(|error| panic!("{error}"));
    let value = expr.constant_value(&ctx).expect("it is constant");
    (value, ctx.nulls())
}

/// The value of a call that makes up no NULL.
pub(super) fn call(name: &str, args: &[Value<'static>]) -> Value<'static> {
    let (value, nulls) = run(name, args);
    assert_eq!(nulls, 0, "{name} {args:?} makes up a NULL");
    value
}

/// Whether the call gives NULL and counts it.
pub(super) fn failed(name: &str, args: &[Value<'static>]) -> bool {
    run(name, args) == (Value::Null, 1)
}

/// Why the call cannot be built.
pub(super) fn refused(name: &str, args: &[Value<'static>]) -> TypeError {
    build(name, args).expect_err("it is refused")
}
