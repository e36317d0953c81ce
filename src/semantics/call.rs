//! Calls: scalar functions, and aggregates with DISTINCT and FILTER.

use super::codes;
use super::context::{Context, Reported};
use super::elsewhere::written_here;
use super::infer::{condition, infer, infer_all};
use super::options::CheckOptions;
use super::refusal::refused;
use super::scope::Names;
use crate::data::{DataType, Value};
use crate::expr::aggregates::{self, Aggregate, AggregateKind};
use crate::expr::{AnyAggregate, Expr, RegisteredAggregate, TypeError, functions};
use crate::spec::AggregateCall;
use crate::syntax::ast::{self, ExprKind, Name};
use crate::text::{Diagnostic, Span, nearest};

/// Words that are calls in their place, but no functions of the table.
const WINDOW_FUNCTIONS: [&str; 8] = ["LAG", "LEAD", "ROW_NUMBER", "RANK", "DENSE_RANK", "FIRST_VALUE", "LAST_VALUE", "NTILE"];
/// Words that have a meaning inside a pattern only.
const PATTERN_FUNCTIONS: [&str; 4] = ["PREV", "NEXT", "CLASSIFIER", "MATCH_NUMBER"];

/// The operator of this symbol on its operands.
pub(crate) fn operator(symbol: &str, operands: Vec<Expr>) -> Result<Expr, TypeError> {
    let function = functions::lookup(symbol).ok_or_else(|| TypeError::new(symbol, Vec::new(), "an operator that exists"))?;
    Expr::call(function, operands)
}

/// Whether a call is one of an aggregate, of the language or of the user's own.
pub(crate) fn is_aggregate(cx: &Context<'_>, call: &ast::Call) -> bool {
    !call.quoted && (aggregates::lookup(&call.name.node).is_some() || registered(cx, call).is_some())
}

fn registered<'a>(cx: &Context<'a>, call: &ast::Call) -> Option<&'a RegisteredAggregate> {
    let options: &'a CheckOptions = cx.options;
    options.aggregates.iter().find(|custom| custom.name().eq_ignore_ascii_case(&call.name.node))
}

/// A call: what its place says it is, else a scalar function.
pub(crate) fn call(cx: &mut Context<'_>, names: &mut dyn Names, call: &ast::Call, span: Span) -> Result<Expr, Reported> {
    if let Some(over) = call.over {
        let text = "OVER (…) has no meaning on a stream";
        return Err(cx.error(
            Diagnostic::error(codes::BAD_CALL, over, text).hint("a query has one WINDOW clause: WINDOW SLIDING 10m, WINDOW LAST 100 ROWS"),
        ));
    }
    if let Some(order) = call.order_by {
        let text = "ORDER BY cannot stand in a call: rows come in the order of time";
        return Err(cx.error(
            Diagnostic::error(codes::BAD_CALL, order, text).hint("for the first or last by something else: ARG_MIN(x, by), ARG_MAX(x, by)"),
        ));
    }
    if let Some(result) = names.call(cx, call, span) {
        return result;
    }
    if let Some(mode) = &call.mode {
        let text = "RUNNING and FINAL stand before a navigation or an aggregate of MATCH_RECOGNIZE";
        return Err(cx.error(Diagnostic::error(codes::BAD_CALL, mode.span, text)));
    }
    scalar(cx, names, call, span)
}

fn scalar(cx: &mut Context<'_>, names: &mut dyn Names, call: &ast::Call, span: Span) -> Result<Expr, Reported> {
    let name = call.name.node.as_str();
    let function = if call.quoted { None } else { functions::lookup(name) };
    let args = infer_all(cx, names, &call.args);
    let custom = cx.options.functions.iter().find(|custom| !call.quoted && custom.name().eq_ignore_ascii_case(name)).cloned();
    if let Some(custom) = custom {
        let args = args?;
        let trees: Vec<&ast::Expr> = call.args.iter().collect();
        return Expr::custom(custom, args).map_err(|error| refused(cx, &error, span, &trees));
    }
    let Some(function) = function else {
        return Err(unknown_function(cx, &call.name, call.quoted));
    };
    if let Some(place) = call.distinct {
        let text = format!("DISTINCT stands in an aggregate; `{}` is none", function.name);
        return Err(cx.error(Diagnostic::error(codes::BAD_CALL, place, text)));
    }
    if let Some(filter) = &call.filter {
        let text = format!("FILTER stands behind an aggregate; `{}` is none", function.name);
        return Err(cx.error(Diagnostic::error(codes::BAD_CALL, filter.span, text).hint("a choice is written CASE WHEN … THEN … END")));
    }
    check_arity(cx, function.name, function.signature, function.arity(), call, span)?;
    let trees: Vec<&ast::Expr> = call.args.iter().collect();
    Expr::call(function, args?).map_err(|error| refused(cx, &as_written(function.name, error), span, &trees))
}

/// IF is built as a CASE, which counts conditions and results apart.
fn as_written(function: &str, error: TypeError) -> TypeError {
    match (function, error.what.as_str()) {
        ("IF", "WHEN") => TypeError { what: String::from("IF"), ..error },
        ("IF", "CASE") => TypeError {
            what: String::from("IF"),
            argument: error.argument.map(|i| i + 1),
            found: [vec![DataType::Bool], error.found].concat(),
            ..error
        },
        _ => error,
    }
}

fn unknown_function(cx: &mut Context<'_>, name: &Name, quoted: bool) -> Reported {
    let upper = name.node.to_uppercase();
    let diagnostic = Diagnostic::error(codes::UNKNOWN_FUNCTION, name.span, format!("unknown function `{}`", name.node));
    if quoted {
        return cx.error(diagnostic.hint("a name in quotes is a column; functions are written without them"));
    }
    if PATTERN_FUNCTIONS.contains(&upper.as_str()) {
        return cx.error(diagnostic.hint(format!("`{upper}` has a meaning in a pattern only: FROM PATTERN, MATCH_RECOGNIZE")));
    }
    if WINDOW_FUNCTIONS.contains(&upper.as_str()) {
        return cx.error(diagnostic.hint("FIRST(x) and LAST(x) over WINDOW LAST 2 ROWS give neighbouring rows"));
    }
    if let Some(here) = written_here(&upper) {
        return cx.error(diagnostic.hint(here));
    }
    let options = cx.options;
    let own = options.functions.iter().map(|f| f.name()).chain(options.aggregates.iter().map(RegisteredAggregate::name));
    let known = functions::all().map(|f| f.name).chain(aggregates::all().map(|a| a.name)).chain(own);
    let known: Vec<&str> = known.filter(|name| name.starts_with(|c: char| c.is_ascii_alphabetic()) && !name.contains(' ')).collect();
    cx.error(diagnostic.did_you_mean(&nearest(&upper, known)))
}

fn check_arity(
    cx: &mut Context<'_>,
    name: &str,
    signature: &str,
    (least, most): (usize, Option<usize>),
    call: &ast::Call,
    span: Span,
) -> Result<(), Reported> {
    let found = call.args.len();
    if found >= least && most.is_none_or(|most| found <= most) {
        return Ok(());
    }
    let plural = |n: usize| if n == 1 { String::from("1 argument") } else { format!("{n} arguments") };
    let expected = match most {
        Some(most) if most == least => plural(least),
        Some(most) => format!("{least} to {}", plural(most)),
        None => format!("at least {}", plural(least)),
    };
    let diagnostic = Diagnostic::error(codes::WRONG_ARITY, span, format!("`{name}` takes {expected}, found {found}"));
    Err(cx.error(diagnostic.hint(format!("it is written {signature}"))))
}

/// An aggregate whose arguments and filter are read by `names`. The call is one ([`is_aggregate`]).
pub(crate) fn aggregate(cx: &mut Context<'_>, names: &mut dyn Names, call: &ast::Call, span: Span) -> Result<AggregateCall, Reported> {
    if let Some(own) = registered(cx, call) {
        return own_aggregate(cx, names, own, call, span);
    }
    let Some(function) = aggregates::lookup(&call.name.node) else { return Err(unknown_function(cx, &call.name, call.quoted)) };
    if let [ast::Expr { kind: ExprKind::Star, span: star }] = call.args.as_slice() {
        return count_star(cx, names, function, call, *star);
    }
    let args = infer_all(cx, names, &call.args);
    let filter = call.filter.as_deref().map(|tree| condition(cx, names, tree, "FILTER")).transpose();
    check_arity(cx, function.name, function.signature, aggregate_arity(function), call, span)?;
    let trees: Vec<&ast::Expr> = call.args.iter().collect();
    typed_aggregate(cx, function, args?, &trees, call.distinct.is_some(), filter?, span)
}

/// An aggregate on typed arguments; `trees` are what they were written as.
pub(crate) fn typed_aggregate(
    cx: &mut Context<'_>,
    function: &'static Aggregate,
    args: Vec<Expr>,
    trees: &[&ast::Expr],
    distinct: bool,
    filter: Option<Expr>,
    span: Span,
) -> Result<AggregateCall, Reported> {
    let types: Vec<DataType> = args.iter().map(|arg| arg.data_type().clone()).collect();
    let data_type = function.resolve(&types, distinct).map_err(|error| refused(cx, &error, span, trees))?;
    if let (AggregateKind::Quantile, [_, share]) = (function.kind, args.as_slice()) {
        check_share(cx, share, trees.get(1).map_or(span, |tree| tree.span))?;
    }
    Ok(AggregateCall { function: function.into(), args, distinct, filter, data_type })
}

/// A call of an aggregate that the user of the library brought, which says itself what it takes.
fn own_aggregate(
    cx: &mut Context<'_>,
    names: &mut dyn Names,
    own: &RegisteredAggregate,
    call: &ast::Call,
    span: Span,
) -> Result<AggregateCall, Reported> {
    if let [ast::Expr { kind: ExprKind::Star, span: star }] = call.args.as_slice() {
        return Err(lone_star(cx, own.name(), *star));
    }
    let args = infer_all(cx, names, &call.args);
    let filter = call.filter.as_deref().map(|tree| condition(cx, names, tree, "FILTER")).transpose();
    let trees: Vec<&ast::Expr> = call.args.iter().collect();
    let (args, filter) = (args?, filter?);
    let (found, args) = own.call(args, call.distinct.is_some()).map_err(|error| refused(cx, &error, span, &trees))?;
    let data_type = found.result().clone();
    Ok(AggregateCall { function: AnyAggregate::Custom(cx.own_call(found)), args, distinct: call.distinct.is_some(), filter, data_type })
}

fn lone_star(cx: &mut Context<'_>, name: &str, star: Span) -> Reported {
    cx.error(Diagnostic::error(codes::BAD_CALL, star, format!("`{name}` takes a value; `*` stands in COUNT(*) only")))
}

/// How many arguments an aggregate takes.
fn aggregate_arity(function: &Aggregate) -> (usize, Option<usize>) {
    let count = match function.kind {
        AggregateKind::Quantile | AggregateKind::ArgMin | AggregateKind::ArgMax => 2,
        AggregateKind::Count
        | AggregateKind::Sum
        | AggregateKind::Avg
        | AggregateKind::Min
        | AggregateKind::Max
        | AggregateKind::First
        | AggregateKind::Last
        | AggregateKind::Stddev
        | AggregateKind::Variance
        | AggregateKind::StddevPop
        | AggregateKind::VarPop
        | AggregateKind::Median
        | AggregateKind::ArrayAgg
        | AggregateKind::BoolAnd
        | AggregateKind::BoolOr => 1,
    };
    (count, Some(count))
}

/// The share of QUANTILE is a constant from 0 to 1.
fn check_share(cx: &mut Context<'_>, share: &Expr, span: Span) -> Result<(), Reported> {
    let value = match share.as_literal() {
        Some(Value::Int(v @ 0..=1)) => Some(*v as f64),
        Some(Value::Float(v)) => Some(*v),
        Some(Value::Decimal(v)) => v.to_string().parse().ok(),
        _ => None,
    };
    match value {
        Some(v) if (0.0..=1.0).contains(&v) => Ok(()),
        _ => {
            let text = "the share of QUANTILE is a constant from 0 to 1";
            Err(cx.error(Diagnostic::error(codes::OUT_OF_RANGE, span, text).hint("the median is QUANTILE(x, 0.5)")))
        }
    }
}

fn count_star(
    cx: &mut Context<'_>,
    names: &mut dyn Names,
    function: &'static Aggregate,
    call: &ast::Call,
    star: Span,
) -> Result<AggregateCall, Reported> {
    if function.name != "COUNT" {
        return Err(lone_star(cx, function.name, star));
    }
    if let Some(place) = call.distinct {
        let text = "COUNT(DISTINCT *) says nothing: say which column's values are counted once";
        return Err(cx.error(Diagnostic::error(codes::BAD_CALL, place, text).hint("COUNT(DISTINCT column)")));
    }
    let filter = call.filter.as_deref().map(|tree| condition(cx, names, tree, "FILTER")).transpose()?;
    typed_aggregate(cx, function, Vec::new(), &[], false, filter, star)
}

/// `EXTRACT(part FROM a)`
pub(crate) fn extract(cx: &mut Context<'_>, names: &mut dyn Names, part: &Name, tree: &ast::Expr, span: Span) -> Result<Expr, Reported> {
    let inner = infer(cx, names, tree)?;
    let part_tree = ast::Expr { kind: ExprKind::String(part.node.clone()), span: part.span };
    operator("EXTRACT", vec![Expr::literal(Value::string(part.node.clone())), inner])
        .map_err(|error| refused(cx, &error, span, &[&part_tree, tree]))
}
