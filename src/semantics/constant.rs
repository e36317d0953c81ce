//! Constants: expressions without columns, computed while the program is checked.

use super::codes;
use super::context::{Context, Reported};
use super::infer::infer;
use super::refusal::Operand;
use super::scope::{Constants, Names};
use crate::data::{DataType, Duration, Value};
use crate::expr::Expr;
use crate::syntax::ast;
use crate::text::Diagnostic;

/// An expression as the constant that it is, where its operands are constants and it can be computed without a made-up NULL (which is
/// counted when it is run).
pub(crate) fn fold(expr: Expr) -> Expr {
    if !expr.args().is_empty() && expr.args().iter().all(|arg| arg.as_literal().is_some()) { expr.fold() } else { expr }
}

/// A tree that must be a constant, as a literal.
pub(crate) fn constant(cx: &mut Context<'_>, names: &mut Constants, tree: &ast::Expr) -> Result<Expr, Reported> {
    let what = names.what;
    let found = infer(cx, names as &mut dyn Names, tree)?;
    match found.as_literal() {
        Some(_) => Ok(found),
        None => Err(cx.error(Diagnostic::error(
            codes::OUT_OF_RANGE,
            tree.span,
            format!("{what} cannot be computed: a division by zero or an overflow"),
        ))),
    }
}

/// A length of time that must be constant and at least `least`.
pub(crate) fn duration(cx: &mut Context<'_>, what: &'static str, tree: &ast::Expr, least: Duration) -> Result<Duration, Reported> {
    let found = constant(cx, &mut Constants { what }, tree)?;
    match found.as_literal() {
        Some(Value::Duration(span)) if *span >= least => Ok(*span),
        Some(Value::Duration(span)) => {
            let bound = if least.0 > 0 { "must be longer than nothing" } else { "must not be negative" };
            Err(cx.error(Diagnostic::error(codes::OUT_OF_RANGE, tree.span, format!("{what} {bound}, found {span}"))))
        }
        _ => {
            let text = format!("{what} is a length of time, found {}", Operand::of(tree, found.data_type()));
            let diagnostic = Diagnostic::error(codes::WRONG_TYPE, tree.span, text);
            let hint = match found.as_literal() {
                Some(Value::Int(n)) => format!("with its unit: {n} seconds, {n}m, {n} ms"),
                Some(Value::String(text)) => {
                    Duration::parse(text).map_or(String::from("like 10 minutes, 1h 30m, 250 ms"), |_| format!("without quotes: {text}"))
                }
                _ => String::from("like 10 minutes, 1h 30m, 250 ms"),
            };
            Err(cx.error(diagnostic.hint(hint)))
        }
    }
}

/// The shortest length of time that is longer than nothing.
pub(crate) const SHORTEST: Duration = Duration(1);

/// A whole number that must be constant and at least `least`.
pub(crate) fn count(cx: &mut Context<'_>, what: &'static str, tree: &ast::Expr, least: u64) -> Result<u64, Reported> {
    let found = constant(cx, &mut Constants { what }, tree)?;
    match found.as_literal() {
        Some(Value::Int(n)) => match u64::try_from(*n) {
            Ok(n) if n >= least => Ok(n),
            _ => Err(cx.error(Diagnostic::error(codes::OUT_OF_RANGE, tree.span, format!("{what} must be at least {least}, found {n}")))),
        },
        _ => {
            let text = format!("{what} is a whole number, found {}", Operand::of(tree, found.data_type()));
            Err(cx.error(Diagnostic::error(codes::WRONG_TYPE, tree.span, text)))
        }
    }
}

/// A constant as a value of a type: a default, an option.
pub(crate) fn value_of_type(
    cx: &mut Context<'_>,
    what: &'static str,
    tree: &ast::Expr,
    wanted: &DataType,
) -> Result<Value<'static>, Reported> {
    let found = constant(cx, &mut Constants { what }, tree)?;
    let widens = found.data_type().common(wanted).as_ref() == Some(wanted);
    let is_text_of_time = *found.data_type() == DataType::String && matches!(wanted, DataType::Timestamp | DataType::Duration);
    let is_exact =
        matches!((found.data_type(), wanted), (DataType::Float | DataType::Int | DataType::Decimal { .. }, DataType::Decimal { .. }));
    let converted = if widens || is_text_of_time || is_exact { Expr::cast(found.clone(), wanted).ok().map(fold) } else { None };
    match converted.as_ref().and_then(Expr::as_literal) {
        Some(value) => Ok(value.clone()),
        None => {
            let text = format!("{what} must be of type {wanted}, found {}", Operand::of(tree, found.data_type()));
            Err(cx.error(Diagnostic::error(codes::WRONG_TYPE, tree.span, text)))
        }
    }
}
