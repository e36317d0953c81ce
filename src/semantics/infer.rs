//! The expression checker: a tree and a way to read names in, a typed expression out, or a told mistake.
//!
//! Types are checked by the smart constructors of `expr`; here their refusals get a place. Both sides of an operator are looked at before
//! either fails, so that one expression tells all its mistakes. Recursion is bounded by the depth that the parser allows.

use super::call;
use super::codes;
use super::constant::fold;
use super::context::{Context, Reported};
use super::literal;
use super::refusal::{Operand, refused};
use super::scope::Names;
use super::types;
use crate::data::{DataType, Duration, Value};
use crate::expr::{CompareOp, Expr, TypeError};
use crate::syntax::ast::{self, BinaryOp, ExprKind, Name, UnaryOp};
use crate::text::{Diagnostic, Span, nearest};

/// The typed expression of a tree.
pub(crate) fn infer(cx: &mut Context<'_>, names: &mut dyn Names, tree: &ast::Expr) -> Result<Expr, Reported> {
    if let Some(whole) = names.whole(cx, tree) {
        if let Ok(expr) = &whole {
            cx.note_place(expr, tree.span);
        }
        return whole;
    }
    let span = tree.span;
    // Each arm is one call, so that the frame of this function, of which there is one a level, stays small.
    let inferred = match &tree.kind {
        ExprKind::Null
        | ExprKind::Bool(_)
        | ExprKind::Int(_)
        | ExprKind::BigInt(_)
        | ExprKind::Float(..)
        | ExprKind::String(_)
        | ExprKind::Timestamp(_)
        | ExprKind::Duration(_)
        | ExprKind::Parameter(_)
        | ExprKind::AllOf(_)
        | ExprKind::Star
        | ExprKind::Subquery(_) => leaf(cx, tree),
        ExprKind::Path(path) => names.path(cx, path, span),
        ExprKind::Call(call) => call::call(cx, names, call, span),
        ExprKind::Unary(op, inner) => unary(cx, names, *op, inner, span),
        ExprKind::And(terms) => chain(cx, names, terms, span, Expr::and),
        ExprKind::Or(terms) => chain(cx, names, terms, span, Expr::or),
        ExprKind::Concat(parts) => chain(cx, names, parts, span, |parts| call::operator("||", parts)),
        ExprKind::Binary(op, place, left, right) => binary(cx, names, *op, place.span, left, right),
        ExprKind::IsNull { expr, negated } => tested(cx, names, expr, *negated, span, |inner| Ok(Expr::is_null(inner))),
        ExprKind::IsDistinct { expr, from, negated } => distinct(cx, names, [expr, from], *negated, span),
        ExprKind::IsBool { expr, value, negated } => tested(cx, names, expr, *negated, span, |inner| Expr::is_bool(inner, *value)),
        ExprKind::In { expr, list, negated } => membership(cx, names, expr, list, *negated, span),
        ExprKind::Between { expr, low, high, negated } => between(cx, names, [expr, low, high], *negated, span),
        ExprKind::Like { .. } => like(cx, names, tree),
        ExprKind::Case { operand, branches, otherwise } => case(cx, names, operand.as_deref(), branches, otherwise.as_deref(), span),
        ExprKind::Cast { expr, to } => cast(cx, names, expr, to, span),
        ExprKind::Extract { part, expr } => call::extract(cx, names, part, expr, span),
        ExprKind::AtTimeZone { expr, zone } => at_time_zone(cx, names, expr, zone, span),
        ExprKind::Index { expr, index } => self::index(cx, names, expr, index, span),
        ExprKind::Field { expr, name } => infer(cx, names, expr).and_then(|inner| fields(cx, inner, std::slice::from_ref(name))),
    };
    let folded = inferred.map(fold)?;
    cx.note_place(&folded, span);
    Ok(folded)
}

/// What has no expressions inside.
fn leaf(cx: &mut Context<'_>, tree: &ast::Expr) -> Result<Expr, Reported> {
    let span = tree.span;
    match &tree.kind {
        ExprKind::Bool(value) => Ok(Expr::literal(Value::Bool(*value))),
        ExprKind::Int(value) => Ok(Expr::literal(Value::Int(*value))),
        ExprKind::BigInt(digits) => literal::big_int(cx, digits, span),
        ExprKind::Float(value, _) => Ok(Expr::literal(Value::Float(*value))),
        ExprKind::String(text) => Ok(Expr::literal(Value::string(text.clone()))),
        ExprKind::Timestamp(text) => literal::timestamp(cx, text),
        ExprKind::Duration(nanos) => Ok(Expr::literal(Value::Duration(Duration(*nanos)))),
        ExprKind::Parameter(name) => literal::parameter(cx, name, span),
        ExprKind::AllOf(_) | ExprKind::Star => Err(cx
            .error(Diagnostic::error(codes::BAD_CALL, span, "`*` is no value").hint("it may stand in COUNT(*) and as a column of SELECT"))),
        ExprKind::Subquery(_) => {
            let text = "a query cannot stand inside an expression";
            Err(cx.error(
                Diagnostic::error(codes::BAD_CALL, span, text)
                    .hint("join the streams, or give the query a name: CREATE STREAM name AS SELECT …"),
            ))
        }
        // The caller sends nothing else here but NULL.
        _ => Ok(Expr::literal(Value::Null)),
    }
}

fn tested(
    cx: &mut Context<'_>,
    names: &mut dyn Names,
    tree: &ast::Expr,
    negated: bool,
    span: Span,
    build: impl Fn(Expr) -> Result<Expr, TypeError>,
) -> Result<Expr, Reported> {
    let inner = infer(cx, names, tree)?;
    negate(cx, build(inner), negated, span, &[tree])
}

fn distinct(cx: &mut Context<'_>, names: &mut dyn Names, trees: [&ast::Expr; 2], negated: bool, span: Span) -> Result<Expr, Reported> {
    let operands = inferred_array(cx, names, trees)?;
    let [a, b] = literal::as_decimals(trees, operands);
    negate(cx, Expr::is_distinct(a, b), negated, span, &trees)
}

fn between(cx: &mut Context<'_>, names: &mut dyn Names, trees: [&ast::Expr; 3], negated: bool, span: Span) -> Result<Expr, Reported> {
    let operands = inferred_array(cx, names, trees)?;
    let [value, low, high] = literal::as_decimals(trees, operands);
    negate(cx, Expr::between(value, low, high), negated, span, &trees)
}

fn like(cx: &mut Context<'_>, names: &mut dyn Names, tree: &ast::Expr) -> Result<Expr, Reported> {
    let ExprKind::Like { expr, pattern, escape, case_insensitive, negated } = &tree.kind else { return Err(Reported::elsewhere()) };
    let trees: Vec<&ast::Expr> = [&**expr, pattern].into_iter().chain(escape.as_deref()).collect();
    let mut args = infer_all(cx, names, trees.iter().copied())?.into_iter();
    let (Some(value), Some(pattern)) = (args.next(), args.next()) else { return Err(Reported::elsewhere()) };
    negate(cx, Expr::like(value, pattern, args.next(), *case_insensitive), *negated, tree.span, &trees)
}

fn cast(cx: &mut Context<'_>, names: &mut dyn Names, tree: &ast::Expr, to: &ast::TypeName, span: Span) -> Result<Expr, Reported> {
    if let ast::TypeKind::Text(name, length) = &to.kind {
        let text = format!("CAST to {name}({length}) would cut the text in SQL; here a length is not kept to");
        let hint = format!("cut it where that is meant: LEFT(CAST(… AS STRING), {length}); else write CAST(… AS STRING)");
        return Err(cx.error(Diagnostic::error(codes::WRONG_TYPE, to.span, text).hint(hint)));
    }
    let (inner, to) = (infer(cx, names, tree), types::data_type(cx, to));
    let (inner, to) = (inner?, to?);
    let found = Operand::of(tree, inner.data_type()).to_string();
    Expr::cast(inner, &to).map_err(|_| cx.error(Diagnostic::error(codes::WRONG_TYPE, span, format!("{found} cannot be cast to {to}"))))
}

fn at_time_zone(cx: &mut Context<'_>, names: &mut dyn Names, tree: &ast::Expr, zone: &ast::Expr, span: Span) -> Result<Expr, Reported> {
    literal::check_zone(cx, zone)?;
    let args = infer_all(cx, names, [tree, zone])?;
    call::operator("AT TIME ZONE", args).map_err(|error| refused(cx, &error, span, &[tree, zone]))
}

fn index(cx: &mut Context<'_>, names: &mut dyn Names, list: &ast::Expr, index: &ast::Expr, span: Span) -> Result<Expr, Reported> {
    let [value, position] = inferred_array(cx, names, [list, index])?;
    Expr::index(value, position).map_err(|error| refused(cx, &error, span, &[list, index]))
}

/// A condition: the tree as BOOL.
pub(crate) fn condition(cx: &mut Context<'_>, names: &mut dyn Names, tree: &ast::Expr, place: &str) -> Result<Expr, Reported> {
    let inferred = infer(cx, names, tree)?;
    match inferred.data_type() {
        DataType::Bool | DataType::Null => Expr::and(vec![inferred]).map_err(|error| refused(cx, &error, tree.span, &[tree])),
        other => {
            let text = format!("{place} takes a condition (BOOL), found {}", Operand::of(tree, other));
            Err(cx.error(Diagnostic::error(codes::NOT_A_CONDITION, tree.span, text)))
        }
    }
}

/// All trees, or the mistakes of all of them.
pub(crate) fn infer_all<'t>(
    cx: &mut Context<'_>,
    names: &mut dyn Names,
    trees: impl IntoIterator<Item = &'t ast::Expr>,
) -> Result<Vec<Expr>, Reported> {
    let all: Vec<Result<Expr, Reported>> = trees.into_iter().map(|tree| infer(cx, names, tree)).collect();
    all.into_iter().collect()
}

/// The fields of a struct, one in the other, behind a column.
pub(crate) fn fields(cx: &mut Context<'_>, base: Expr, path: &[Name]) -> Result<Expr, Reported> {
    path.iter().try_fold(base, |inner, name| {
        let known: Vec<String> = match inner.data_type() {
            DataType::Struct(fields) => fields.iter().map(|f| f.name.to_string()).collect(),
            _ => Vec::new(),
        };
        let found = inner.data_type().clone();
        Expr::field(inner, &name.node).map_err(|_| {
            let text = match &found {
                DataType::Struct(_) => format!("unknown field `{}`", name.node),
                other => format!("`.{}` takes a STRUCT, found {other}", name.node),
            };
            let mut diagnostic = Diagnostic::error(codes::UNKNOWN_FIELD, name.span, text)
                .did_you_mean(&nearest(&name.node, known.iter().map(String::as_str)));
            if found == DataType::Json {
                diagnostic = diagnostic.hint(format!("a JSON value is read by JSON_VALUE(…, '$.{}')", name.node));
            } else if !known.is_empty() {
                diagnostic = diagnostic.hint(format!("fields: {}", known.join(", ")));
            }
            cx.error(diagnostic)
        })
    })
}

/// The terms that are joined by AND on the outside of a condition.
pub(crate) fn and_terms(tree: &ast::Expr) -> Vec<&ast::Expr> {
    match &tree.kind {
        ExprKind::And(terms) => terms.iter().flat_map(and_terms).collect(),
        _ => vec![tree],
    }
}

fn inferred_array<const N: usize>(cx: &mut Context<'_>, names: &mut dyn Names, trees: [&ast::Expr; N]) -> Result<[Expr; N], Reported> {
    let all = infer_all(cx, names, trees)?;
    <[Expr; N]>::try_from(all).map_err(|_| Reported::elsewhere())
}

fn chain(
    cx: &mut Context<'_>,
    names: &mut dyn Names,
    trees: &[ast::Expr],
    span: Span,
    build: impl Fn(Vec<Expr>) -> Result<Expr, TypeError>,
) -> Result<Expr, Reported> {
    let parts = infer_all(cx, names, trees)?;
    build(parts).map_err(|error| refused(cx, &error, span, &trees.iter().collect::<Vec<_>>()))
}

fn negate(cx: &mut Context<'_>, built: Result<Expr, TypeError>, negated: bool, span: Span, trees: &[&ast::Expr]) -> Result<Expr, Reported> {
    let negated = built.and_then(|expr| if negated { Expr::not(expr) } else { Ok(expr) });
    negated.map_err(|error| refused(cx, &error, span, trees))
}

fn unary(cx: &mut Context<'_>, names: &mut dyn Names, op: UnaryOp, tree: &ast::Expr, span: Span) -> Result<Expr, Reported> {
    if let (UnaryOp::Minus, ExprKind::BigInt(digits)) = (op, &tree.kind) {
        return literal::big_int(cx, &format!("-{digits}"), span);
    }
    let inner = infer(cx, names, tree)?;
    let built = match op {
        UnaryOp::Not => Expr::not(inner),
        UnaryOp::Minus => call::operator("-", vec![inner]),
        UnaryOp::Plus => match inner.data_type() {
            DataType::Int | DataType::Float | DataType::Decimal { .. } | DataType::Duration | DataType::Null => Ok(inner),
            other => Err(TypeError::new("+", vec![other.clone()], "a number").at(0)),
        },
    };
    built.map_err(|error| refused(cx, &error, span, &[tree]))
}

fn binary(
    cx: &mut Context<'_>,
    names: &mut dyn Names,
    op: BinaryOp,
    place: Span,
    left: &ast::Expr,
    right: &ast::Expr,
) -> Result<Expr, Reported> {
    let trees = [left, right];
    warn_of_null(cx, op, place, trees);
    let operands = inferred_array(cx, names, trees)?;
    let [a, b] = literal::as_decimals(trees, operands);
    let built = match op {
        BinaryOp::Eq => Expr::compare(CompareOp::Eq, a, b),
        BinaryOp::NotEq => Expr::compare(CompareOp::NotEq, a, b),
        BinaryOp::Less => Expr::compare(CompareOp::Less, a, b),
        BinaryOp::LessEq => Expr::compare(CompareOp::LessEq, a, b),
        BinaryOp::Greater => Expr::compare(CompareOp::Greater, a, b),
        BinaryOp::GreaterEq => Expr::compare(CompareOp::GreaterEq, a, b),
        BinaryOp::Add => call::operator("+", vec![a, b]),
        BinaryOp::Sub => call::operator("-", vec![a, b]),
        BinaryOp::Mul => call::operator("*", vec![a, b]),
        BinaryOp::Div => call::operator("/", vec![a, b]),
        BinaryOp::Mod => call::operator("%", vec![a, b]),
    };
    built.map_err(|error| refused(cx, &error, place, &trees))
}

/// Tells a comparison with a written NULL, which is never true.
fn warn_of_null(cx: &mut Context<'_>, op: BinaryOp, place: Span, trees: [&ast::Expr; 2]) {
    let instead = match op {
        BinaryOp::Eq => Some("write `IS NULL`"),
        BinaryOp::NotEq => Some("write `IS NOT NULL`"),
        BinaryOp::Less | BinaryOp::LessEq | BinaryOp::Greater | BinaryOp::GreaterEq => None,
        BinaryOp::Add | BinaryOp::Sub | BinaryOp::Mul | BinaryOp::Div | BinaryOp::Mod => return,
    };
    if trees.iter().any(|tree| matches!(tree.kind, ExprKind::Null)) {
        let diagnostic = Diagnostic::warning(codes::COMPARED_WITH_NULL, place, "a comparison with NULL is never true");
        cx.warn(instead.into_iter().fold(diagnostic, Diagnostic::hint));
    }
}

fn membership(
    cx: &mut Context<'_>,
    names: &mut dyn Names,
    value: &ast::Expr,
    list: &[ast::Expr],
    negated: bool,
    span: Span,
) -> Result<Expr, Reported> {
    let trees: Vec<&ast::Expr> = std::iter::once(value).chain(list).collect();
    let all = infer_all(cx, names, trees.iter().copied())?;
    let mut all = literal::as_decimals_all(&trees, all).into_iter();
    let Some(value) = all.next() else { return Err(Reported::elsewhere()) };
    negate(cx, Expr::in_list(value, all.collect()), negated, span, &trees)
}

fn case(
    cx: &mut Context<'_>,
    names: &mut dyn Names,
    operand: Option<&ast::Expr>,
    branches: &[(ast::Expr, ast::Expr)],
    otherwise: Option<&ast::Expr>,
    span: Span,
) -> Result<Expr, Reported> {
    let subject = operand.map(|tree| infer(cx, names, tree)).transpose();
    let whens = infer_all(cx, names, branches.iter().map(|(when, _)| when));
    let results = infer_all(cx, names, branches.iter().map(|(_, then)| then).chain(otherwise));
    let (subject, whens, mut results) = (subject?, whens?, results?);
    let last = if otherwise.is_some() { results.pop() } else { None };
    let built = Expr::case(subject, whens.into_iter().zip(results).collect(), last);
    built.map_err(|error| {
        // The argument that is meant counts among the results, or among the conditions; beside an operand each is compared with it.
        let is_result = error.expected.ends_with("as before");
        let trees: Vec<&ast::Expr> = match operand {
            _ if is_result => branches.iter().map(|(_, then)| then).chain(otherwise).collect(),
            None => branches.iter().map(|(when, _)| when).collect(),
            Some(operand) => std::iter::once(operand).chain(branches.iter().map(|(when, _)| when)).collect(),
        };
        let shift = usize::from(operand.is_some() && !is_result);
        let error = TypeError { argument: error.argument.map(|i| i + shift), ..error };
        refused(cx, &error, span, &trees)
    })
}
