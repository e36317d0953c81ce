//! Literals whose value needs more than the tree says: big numbers, times, decimals beside decimals, and parameters.

use rust_decimal::Decimal;

use super::codes;
use super::context::{Context, Parameter, Reported};
use super::scope::Constants;
use crate::data::{DataType, Duration, Timestamp, Value};
use crate::expr::Expr;
use crate::syntax::ast::{self, ExprKind, Name, UnaryOp};
use crate::text::{Diagnostic, Span, Spanned, nearest};

/// A whole number that may not fit 64 bits: then it is a DECIMAL.
pub(crate) fn big_int(cx: &mut Context<'_>, digits: &str, span: Span) -> Result<Expr, Reported> {
    if let Ok(value) = digits.parse::<i64>() {
        return Ok(Expr::literal(Value::Int(value)));
    }
    decimal(digits).ok_or_else(|| {
        let diagnostic = Diagnostic::error(codes::BAD_LITERAL, span, format!("the number {digits} is too large"));
        cx.error(diagnostic.hint("whole numbers have at most 28 digits; a float is written with an exponent: 1e30"))
    })
}

/// A decimal of exactly the digits written, where it fits.
fn decimal(text: &str) -> Option<Expr> {
    let value = Decimal::from_str_exact(text).or_else(|_| Decimal::from_scientific(text)).ok()?;
    let digits = u8::try_from(value.mantissa().unsigned_abs().checked_ilog10().map_or(1, |d| d + 1)).ok()?;
    let scale = u8::try_from(value.scale()).ok()?;
    let precision = digits.max(scale).max(1);
    (precision <= 28).then(|| Expr::typed_literal(Value::Decimal(value), DataType::Decimal { precision, scale }))
}

/// `TIMESTAMP '…'`
pub(crate) fn timestamp(cx: &mut Context<'_>, text: &Spanned<String>) -> Result<Expr, Reported> {
    Timestamp::parse(&text.node).map(|time| Expr::literal(Value::Timestamp(time))).ok_or_else(|| {
        let diagnostic = Diagnostic::error(codes::BAD_LITERAL, text.span, format!("`{}` is no time", text.node));
        cx.error(diagnostic.hint("write it like TIMESTAMP '2026-03-01T10:00:00Z'"))
    })
}

/// Operands where a number with a point that stands beside a DECIMAL is a DECIMAL itself, exactly as written.
pub(crate) fn as_decimals<const N: usize>(trees: [&ast::Expr; N], operands: [Expr; N]) -> [Expr; N] {
    if !has_decimal(&operands) {
        return operands;
    }
    let mut trees = trees.into_iter();
    operands.map(|operand| trees.next().and_then(exact).unwrap_or(operand))
}

/// The same for a list.
pub(crate) fn as_decimals_all(trees: &[&ast::Expr], operands: Vec<Expr>) -> Vec<Expr> {
    if !has_decimal(&operands) {
        return operands;
    }
    trees.iter().zip(operands).map(|(tree, operand)| exact(tree).unwrap_or(operand)).collect()
}

fn has_decimal(operands: &[Expr]) -> bool {
    operands.iter().any(|e| matches!(e.data_type(), DataType::Decimal { .. }))
}

fn exact(tree: &ast::Expr) -> Option<Expr> {
    match &tree.kind {
        ExprKind::Float(_, text) => decimal(&text.replace('_', "")),
        ExprKind::Unary(UnaryOp::Minus, inner) => match &inner.kind {
            ExprKind::Float(_, text) => decimal(&format!("-{}", text.replace('_', ""))),
            _ => None,
        },
        _ => None,
    }
}

/// Tells of a constant zone name that does not exist.
pub(crate) fn check_zone(cx: &mut Context<'_>, zone: &ast::Expr) -> Result<(), Reported> {
    match &zone.kind {
        ExprKind::String(name) => self::zone(cx, &Spanned::new(name.clone(), zone.span)).map(drop),
        _ => Ok(()),
    }
}

/// The time zone of this name.
pub(crate) fn zone(cx: &mut Context<'_>, name: &Spanned<String>) -> Result<chrono_tz::Tz, Reported> {
    name.node.parse::<chrono_tz::Tz>().map_err(|_| {
        let known = chrono_tz::TZ_VARIANTS.iter().map(|zone| zone.name());
        let diagnostic = Diagnostic::error(codes::UNKNOWN_ZONE, name.span, format!("unknown time zone `{}`", name.node));
        let diagnostic = diagnostic.did_you_mean(&nearest(&name.node, known));
        cx.error(if diagnostic.hints.is_empty() { diagnostic.hint("zones have names like 'Europe/Berlin' or 'UTC'") } else { diagnostic })
    })
}

/// `$name`: a literal of its value.
pub(crate) fn parameter(cx: &mut Context<'_>, name: &str, span: Span) -> Result<Expr, Reported> {
    if cx.parameter(name).is_none() {
        let outside = cx.options.parameters.get(name);
        let Some(text) = outside else { return Err(unknown_parameter(cx, name, span)) };
        let found = match literal_of_text(text) {
            Some(value) => Parameter::Known(value),
            None => {
                let message = format!("the value of `${name}` from outside is no literal: {text}");
                let hint =
                    format!("quote a text: --set {name}=\"'{text}'\"; or give the parameter a type by its default: SET {name} = '…'");
                cx.error(Diagnostic::error(codes::BAD_PARAMETER, span, message).hint(hint));
                Parameter::Poisoned
            }
        };
        cx.define_parameter(name, found);
    }
    match cx.parameter(name) {
        Some(Parameter::Known(value)) => Ok(value.clone()),
        Some(Parameter::Poisoned) | None => Err(Reported::elsewhere()),
    }
}

fn unknown_parameter(cx: &mut Context<'_>, name: &str, span: Span) -> Reported {
    let known: Vec<String> = cx.parameter_names().map(str::to_owned).collect();
    let near: Vec<String> = nearest(name, known.iter().map(String::as_str)).iter().map(|near| format!("${near}")).collect();
    let diagnostic = Diagnostic::error(codes::UNKNOWN_PARAMETER, span, format!("the parameter `${name}` has no value"));
    let diagnostic = diagnostic.did_you_mean(&near.iter().map(String::as_str).collect::<Vec<_>>());
    cx.error(diagnostic.hint(format!("give it a default: SET {name} = …; or a value for this run: --set {name}=…")))
}

/// `SET name = value`: the default, or the text from outside as its type.
pub(crate) fn set(cx: &mut Context<'_>, name: &Name, value: &ast::Expr) {
    let default = super::constant::constant(cx, &mut Constants { what: "the default of a parameter" }, value);
    let parameter = match (default, cx.options.parameters.get(&name.node)) {
        (Err(Reported { .. }), _) => Parameter::Poisoned,
        (Ok(default), None) => Parameter::Known(default),
        (Ok(default), Some(text)) => match value_of_text(text, default.data_type()) {
            Some(value) => Parameter::Known(value),
            None => {
                let message = format!("the value of `${}` from outside is no {}: {text}", name.node, default.data_type());
                cx.error(Diagnostic::error(codes::BAD_PARAMETER, name.span, message).related(value.span, "its default says the type"));
                Parameter::Poisoned
            }
        },
    };
    cx.define_parameter(&name.node, parameter);
}

/// A text from outside as a value of a type.
fn value_of_text(text: &str, data_type: &DataType) -> Option<Expr> {
    let text = text.trim();
    let value = match data_type {
        DataType::Null => return literal_of_text(text),
        DataType::Bool => Value::Bool(bool_of_text(text)?),
        DataType::Int => Value::Int(text.replace('_', "").parse().ok()?),
        DataType::Float => Value::Float(text.replace('_', "").parse().ok()?),
        DataType::Decimal { .. } => return decimal(&text.replace('_', "")),
        DataType::String => Value::string(text.to_owned()),
        DataType::Timestamp => Value::Timestamp(Timestamp::parse(text)?),
        DataType::Duration => Value::Duration(Duration::parse(text)?),
        DataType::Json => Value::Json(text.to_owned().into()),
        DataType::List(_) | DataType::Struct(_) => return None,
    };
    Some(Expr::literal(value))
}

fn bool_of_text(text: &str) -> Option<bool> {
    match text.to_ascii_uppercase().as_str() {
        "TRUE" => Some(true),
        "FALSE" => Some(false),
        _ => None,
    }
}

/// A text from outside as a literal of the language.
fn literal_of_text(text: &str) -> Option<Expr> {
    let text = text.trim();
    let quoted = |text: &str| Some(text.strip_prefix('\'')?.strip_suffix('\'')?.replace("''", "'"));
    if let Some(inner) = quoted(text) {
        return Some(Expr::literal(Value::string(inner)));
    }
    if text.eq_ignore_ascii_case("NULL") {
        return Some(Expr::literal(Value::Null));
    }
    if let Some(value) = bool_of_text(text) {
        return Some(Expr::literal(Value::Bool(value)));
    }
    let head = text.get(..9).filter(|head| head.eq_ignore_ascii_case("TIMESTAMP"));
    if let Some(time) = head.and_then(|_| quoted(text[9..].trim_start())) {
        return Timestamp::parse(&time).map(|time| Expr::literal(Value::Timestamp(time)));
    }
    let digits = text.replace('_', "");
    if let Ok(value) = digits.parse::<i64>() {
        return Some(Expr::literal(Value::Int(value)));
    }
    let is_number = digits.starts_with(|c: char| c.is_ascii_digit() || c == '-');
    match digits.parse::<f64>() {
        Ok(value) if is_number && value.is_finite() => Some(Expr::literal(Value::Float(value))),
        _ => Duration::parse(text).map(|value| Expr::literal(Value::Duration(value))),
    }
}
