//! MATCH_RECOGNIZE: the tree of the clause to the spec of its pattern.
//!
//! `tree` lowers the pattern and finds its variables, `names` says what names mean in MEASURES and DEFINE, `output` makes the result's
//! columns, `bounds` tells what is never certain. The spec has one input, and every variable is of it.

mod bounds;
mod codes;
mod names;
mod output;
mod tree;
mod variables;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

pub(crate) use codes::NO_OUTPUT_COLUMNS;
pub use codes::ROW_PATTERN_CODES;

use self::names::{Place, RowNames};
use self::output::InputColumn;
use self::tree::Lowered;
use self::variables::{RowVariables, Target};
use super::context::{Context, Relation, Reported};
use super::infer::{and_terms, infer};
use super::pattern::{Slots, can_be_later, within};
use super::query::Source;
use super::refusal::{Operand, refused};
use super::scope::{Scope, column};
use super::typed::{Input, Query};
use crate::data::{DataType, Schema, Value};
use crate::expr::Expr;
use crate::spec::{AfterMatch, Mode, PartitionKeys, PatternSpec, RowOutput, Runs, VariableId, VariableKind, VariableSpec};
use crate::syntax::ast::{self, ExprKind, MatchRecognize, RowsPerMatch};
use crate::text::{Diagnostic, Span, Spanned};

/// The rows of a MATCH_RECOGNIZE.
#[derive(Debug)]
pub(crate) struct Matches {
    /// The query that gives them.
    pub(crate) query: Query,
    /// So many columns at the end are START_TIME and END_TIME, which can be named and are not part of `*`.
    pub(crate) bounds: usize,
}

/// Checks a MATCH_RECOGNIZE over these rows.
pub(crate) fn check(cx: &mut Context<'_>, input: Source, spec: &MatchRecognize, column_list: Option<Span>) -> Result<Matches, Reported> {
    let unsupported = refuse_unsupported(cx, spec, column_list);
    let mut variables = RowVariables::default();
    let lowered = tree::lower(cx, &mut variables, &spec.pattern);
    let subsets = subsets(cx, &mut variables, &spec.subsets);
    let within = within(cx, spec.within.as_ref());
    let Source { relation, scope } = input;
    let relation = relation?;
    let schema = relation.schema().clone();
    let mut slots = Slots::default();
    let partition = partition(cx, &scope, &spec.partition_by);
    let order = order(cx, &scope, &relation, &spec.order_by);
    // Where the pattern or a subset is wrong, names may be missing that are not to blame.
    let (lowered, ()) = (lowered?, subsets?);
    let defined = defines(cx, &variables, &schema, &mut slots, &spec.defines);
    let nothing: &[InputColumn] = &[];
    let (partition_columns, order_columns) =
        (partition.as_deref().unwrap_or(nothing), order.as_ref().map_or(nothing, |order| order.columns.as_slice()));
    let outputs = output::outputs(cx, spec, &variables, &schema, &mut slots, partition_columns, order_columns);
    let after_match = after_match(cx, &variables, &lowered, spec.after_match.as_ref());
    let exclusion = check_exclusion(cx, spec, &lowered);
    unsupported.and(exclusion)?;
    let (defined, outputs) = (defined?, outputs?);
    let anything = anything(&variables, &defined);
    bounds::tell(cx, spec, &lowered, &anything)?;
    let keys = partition?.into_iter().map(|(index, _)| column(index, schema.fields()[index].data_type.clone())).collect();
    let pattern = PatternSpec {
        mode: Mode::Rows,
        variables: variable_specs(&variables, defined),
        inputs: vec![schema],
        root: lowered.root,
        slots: slots.into_table(),
        late_checks: Vec::new(),
        partition: PartitionKeys { by_input: vec![keys], null_takes_no_part: false },
        within: within?,
        having: None,
        after_match: after_match?,
        runs: Runs::All,
        keys: None,
        limit_per_partition: None,
        rows: row_output(spec.rows),
        outputs: outputs.exprs,
        schema: outputs.schema.clone(),
        timeout: None,
        tie_order: order?.ties,
    };
    let input = Input::Pattern {
        inputs: vec![relation.query],
        spec: Arc::new(pattern),
        names: vec![Arc::from(scope.name().unwrap_or("subquery"))],
    };
    Ok(Matches { query: Query { input, stages: Vec::new(), schema: outputs.schema }, bounds: outputs.bounds })
}

fn refuse_unsupported(cx: &mut Context<'_>, spec: &MatchRecognize, column_list: Option<Span>) -> Result<(), Reported> {
    let mut told = Ok(());
    if let Some(span) = spec.seek {
        let text = "INITIAL and SEEK belong to row patterns in windows, which betide does not have";
        told =
            Err(cx.error(Diagnostic::error(codes::UNSUPPORTED, span, text).hint("leave the word out; `^` ties a match to the first row")));
    }
    if let Some(span) = column_list {
        let text = "a column list behind the alias is not part of betide";
        told = told.and(Err(cx.error(Diagnostic::error(codes::UNSUPPORTED, span, text).hint("name the measures with AS"))));
    }
    told
}

fn subsets(cx: &mut Context<'_>, variables: &mut RowVariables, subsets: &[(ast::Name, Vec<ast::Name>)]) -> Result<(), Reported> {
    let mut told = Ok(());
    for (name, members) in subsets {
        told = told.and(variables.add_subset(cx, name, members));
    }
    told
}

fn check_exclusion(cx: &mut Context<'_>, spec: &MatchRecognize, lowered: &Lowered) -> Result<(), Reported> {
    match (lowered.exclusion, spec.rows) {
        (Some(exclusion), RowsPerMatch::AllWithUnmatched) => {
            let text = "`{- … -}` takes rows out of the result, and WITH UNMATCHED ROWS asks for all of them";
            let diagnostic = Diagnostic::error(codes::EXCLUSION_UNMATCHED, exclusion, text);
            Err(cx.error(diagnostic.hint("leave one of the two out")))
        }
        (None | Some(_), _) => Ok(()),
    }
}

fn row_output(rows: RowsPerMatch) -> RowOutput {
    match rows {
        RowsPerMatch::One => RowOutput::OnePerMatch,
        RowsPerMatch::AllShowEmpty => RowOutput::AllRows { show_empty: true, with_unmatched: false },
        RowsPerMatch::AllOmitEmpty => RowOutput::AllRows { show_empty: false, with_unmatched: false },
        RowsPerMatch::AllWithUnmatched => RowOutput::AllRows { show_empty: true, with_unmatched: true },
    }
}

/// PARTITION BY: columns of the input.
fn partition(cx: &mut Context<'_>, scope: &Scope, keys: &[ast::Expr]) -> Result<Vec<InputColumn>, Reported> {
    let mut columns: Vec<InputColumn> = Vec::with_capacity(keys.len());
    let mut failed = None;
    for key in keys {
        match plain_column(cx, scope, key) {
            Ok(Some(index)) if columns.iter().any(|(other, _)| *other == index) => {
                let text = "this column stands in PARTITION BY twice";
                failed = Some(cx.error(Diagnostic::error(codes::DUPLICATE_NAME, key.span, text).hint("name it once")));
            }
            Ok(Some(index)) => columns.push((index, Some(key.span))),
            Ok(None) => {
                let text = "PARTITION BY takes columns, not expressions";
                let hint = "compute it before: `FROM (SELECT *, … AS key FROM stream) MATCH_RECOGNIZE (PARTITION BY key …`";
                failed = Some(cx.error(Diagnostic::error(codes::PARTITION_BY, key.span, text).hint(hint)));
            }
            Err(reported) => failed = Some(reported),
        }
    }
    failed.map_or(Ok(columns), Err)
}

/// The column that a tree is; nothing where it is something else.
fn plain_column(cx: &mut Context<'_>, scope: &Scope, tree: &ast::Expr) -> Result<Option<usize>, Reported> {
    let ExprKind::Path(path) = &tree.kind else { return Ok(None) };
    let (index, _, used) = scope.resolve(cx, path)?;
    Ok((used == path.len()).then_some(index))
}

/// ORDER BY: the columns it names, and the order of rows of equal time.
#[derive(Debug, Default)]
struct Order {
    columns: Vec<InputColumn>,
    ties: Vec<(usize, bool, bool)>,
}

fn order(cx: &mut Context<'_>, scope: &Scope, relation: &Relation, items: &[ast::OrderItem]) -> Result<Order, Reported> {
    let mut order = Order::default();
    for (position, item) in items.iter().enumerate() {
        let Some(index) = plain_column(cx, scope, &item.expr)? else {
            let text = "ORDER BY of MATCH_RECOGNIZE takes columns, not expressions";
            return Err(cx.error(Diagnostic::error(codes::ORDER_BY, item.span, text).hint("compute the column in a query before")));
        };
        if position == 0 {
            if item.descending || !relation.time_columns.contains(&index) {
                return Err(not_by_time(cx, relation, item.span));
            }
        } else {
            let nulls_first = item.nulls_first.unwrap_or(false);
            order.ties.push((index, item.descending, nulls_first));
        }
        order.columns.push((index, Some(item.span)));
    }
    Ok(order)
}

fn not_by_time(cx: &mut Context<'_>, relation: &Relation, span: Span) -> Reported {
    let times: Vec<String> = relation.time_columns.iter().map(|column| format!("`{}`", relation.schema().fields()[*column].name)).collect();
    if times.is_empty() {
        let text = "no column of this input is known to be its event time, so it cannot be ordered by one";
        return cx.error(
            Diagnostic::error(codes::ORDER_BY, span, text).hint("leave ORDER BY out: rows are matched in the order of their event time"),
        );
    }
    let text = format!("ORDER BY must begin with the event time {}, ascending", times.join(" or "));
    cx.error(Diagnostic::error(codes::ORDER_BY, span, text).hint("other columns may follow: they order rows of equal time"))
}

/// The terms of each variable, and whether it has a DEFINE at all.
struct Defined {
    checks: Vec<Vec<Expr>>,
}

fn defines(
    cx: &mut Context<'_>,
    variables: &RowVariables,
    schema: &Schema,
    slots: &mut Slots,
    defines: &[(ast::Name, ast::Expr)],
) -> Result<Defined, Reported> {
    let mut checks = vec![Vec::new(); variables.primary.len()];
    let mut first: BTreeMap<&str, Span> = BTreeMap::new();
    let mut told = Ok(());
    for (name, tree) in defines {
        if let Some(other) = first.insert(&name.node, name.span) {
            let diagnostic = Diagnostic::error(codes::DUPLICATE_NAME, name.span, format!("`{}` is defined twice", name.node));
            told = told.and(Err(cx.error(diagnostic.related(other, "here").hint("join both conditions by AND"))));
        }
        let Some(index) = variables.find_primary(&name.node) else {
            told = told.and(Err(variables.unknown(cx, name)));
            continue;
        };
        for term in and_terms(tree) {
            let mut names = RowNames::new(variables, schema, slots, Place::Define);
            match condition(cx, &mut names, term) {
                Ok(expr) => checks[index].push(expr),
                Err(reported) => told = told.and(Err(reported)),
            }
        }
    }
    told.map(|()| Defined { checks })
}

/// A term of a DEFINE.
fn condition(cx: &mut Context<'_>, names: &mut RowNames<'_>, tree: &ast::Expr) -> Result<Expr, Reported> {
    let inferred = infer(cx, names, tree)?;
    match inferred.data_type() {
        DataType::Bool | DataType::Null => Expr::and(vec![inferred]).map_err(|error| refused(cx, &error, tree.span, &[tree])),
        other => {
            let text = format!("DEFINE takes a condition (BOOL), found {}", Operand::of(tree, other));
            Err(cx.error(Diagnostic::error(codes::NOT_A_CONDITION, tree.span, text).hint("compare it with something")))
        }
    }
}

/// The variables that fit every row.
fn anything(variables: &RowVariables, defined: &Defined) -> BTreeSet<VariableId> {
    let is_true = |expr: &Expr| matches!(expr.as_literal(), Some(Value::Bool(true)));
    let open = (0..variables.primary.len()).filter(|index| defined.checks[*index].iter().all(is_true));
    open.map(variables::id).collect()
}

fn variable_specs(variables: &RowVariables, defined: Defined) -> Vec<VariableSpec> {
    let one = |(variable, checks): (&variables::Primary, _)| VariableSpec {
        name: variable.name.clone(),
        input: 0,
        kind: VariableKind::Step,
        looped: variable.looped,
        checks,
        checks_after_first: Vec::new(),
    };
    variables.primary.iter().zip(defined.checks).map(one).collect()
}

fn after_match(
    cx: &mut Context<'_>,
    variables: &RowVariables,
    lowered: &Lowered,
    clause: Option<&Spanned<ast::AfterMatch>>,
) -> Result<AfterMatch, Reported> {
    let Some(clause) = clause else { return Ok(AfterMatch::SkipPastLast) };
    match &clause.node {
        ast::AfterMatch::SkipPastLast => Ok(AfterMatch::SkipPastLast),
        ast::AfterMatch::SkipToNext => Ok(AfterMatch::SkipToNext),
        ast::AfterMatch::SkipToFirst(name) => Ok(AfterMatch::SkipToFirst(skip_target(cx, variables, lowered, name)?)),
        ast::AfterMatch::SkipToLast(name) => Ok(AfterMatch::SkipToLast(skip_target(cx, variables, lowered, name)?)),
        ast::AfterMatch::SkipToLastEvent | ast::AfterMatch::Restart | ast::AfterMatch::Consume => {
            let text = "this form of AFTER MATCH is part of FROM PATTERN";
            let hint = "write SKIP PAST LAST ROW, SKIP TO NEXT ROW, or SKIP TO [FIRST | LAST] v";
            Err(cx.error(Diagnostic::error(codes::UNSUPPORTED, clause.span, text).hint(hint)))
        }
    }
}

fn skip_target(cx: &mut Context<'_>, variables: &RowVariables, lowered: &Lowered, name: &ast::Name) -> Result<Vec<VariableId>, Reported> {
    let target: Target = variables.find(&name.node).ok_or_else(|| variables.unknown(cx, name))?;
    let members = variables.members(target);
    let later = can_be_later(&lowered.root);
    if members.iter().any(|member| later.contains(member)) {
        return Ok(members);
    }
    let text = format!("`{0}` can only be the first row of a match, so SKIP TO {0} would never move on", name.node);
    Err(cx.error(Diagnostic::error(codes::SKIP_TARGET, name.span, text).hint("write SKIP TO NEXT ROW, or skip to a later variable")))
}
