//! One query: its WITH names, what it reads, and what then happens to the rows. FROM PATTERN and MATCH_RECOGNIZE have modules of their own.

use std::sync::Arc;

use super::codes;
use super::constant::{SHORTEST, count, duration};
use super::context::{Context, Relation, Reported};
use super::infer::infer;
use super::join;
use super::scope::{Rows, Scope};
use super::select;
use super::typed::{Input, Query, Stage};
use crate::data::{DataType, Field, Schema};
use crate::syntax::ast::{self, Limit, Suppress};
use crate::text::{Diagnostic, Span};

/// What FROM gives: rows, and the names that can be used for their columns. The names are there even where the rows are not, so that the
/// rest of the query is still checked.
#[derive(Debug)]
pub(crate) struct Source {
    /// The rows.
    pub(crate) relation: Result<Relation, Reported>,
    /// The names.
    pub(crate) scope: Scope,
}

/// A query that is a statement of its own: it may have TIMEOUT INTO.
pub(crate) fn statement(cx: &mut Context<'_>, query: &ast::Query) -> Result<Relation, Reported> {
    whole(cx, query)
}

/// A query inside another one.
pub(crate) fn nested(cx: &mut Context<'_>, query: &ast::Query) -> Result<Relation, Reported> {
    let refused = query.timeout_into.as_ref().map(|name| {
        let text = "TIMEOUT INTO stands in a statement of its own, not in a query inside another";
        cx.error(
            Diagnostic::error(codes::CLAUSE_WITHOUT_MEANING, name.span, text).hint("name the inner query: CREATE STREAM … AS SELECT …"),
        )
    });
    let checked = whole(cx, query);
    refused.map_or(checked, Err)
}

/// The columns of the timeout rows of a query that has some.
pub(crate) fn timeout_schema(query: &Query) -> Option<Arc<Schema>> {
    match &query.input {
        Input::Pattern { spec, .. } => spec.timeout.clone(),
        Input::Stream(_) | Input::Query(_) | Input::Join { .. } | Input::Lookup { .. } => None,
    }
}

fn whole(cx: &mut Context<'_>, query: &ast::Query) -> Result<Relation, Reported> {
    let depth = cx.with_depth();
    for (i, (name, inner)) in query.with.iter().enumerate() {
        if let Some((first, _)) = query.with[..i].iter().find(|(other, _)| other == name) {
            let diagnostic = Diagnostic::error(codes::DEFINED_TWICE, name.span, format!("`{}` is defined twice", name.node));
            cx.error(diagnostic.related(first.span, "first here"));
        }
        let relation = nested(cx, inner);
        cx.enter_with(&name.node, relation);
    }
    let relation = body(cx, query);
    cx.leave_with(depth);
    relation
}

fn body(cx: &mut Context<'_>, query: &ast::Query) -> Result<Relation, Reported> {
    let refused = refuse_distinct(cx, query);
    let relation = match &query.from {
        ast::From::Nothing(span) => {
            let diagnostic = Diagnostic::error(codes::NO_FROM, *span, "a query reads from a stream: FROM is missing");
            Err(cx.error(diagnostic.hint("SELECT … FROM stream")))
        }
        ast::From::Pattern(pattern, _) => {
            let refused = refuse_row_clauses(cx, query);
            let checked = super::pattern::check(cx, query, pattern);
            refused.and(checked)
        }
        ast::From::Relation(relation) => {
            let refused = refuse_pattern_clauses(cx, query);
            let source = source(cx, relation);
            let checked = select::select(cx, query, source);
            refused.and(checked)
        }
    };
    let mut relation = tail(cx, query, relation)?;
    refused?;
    if !relation.time_columns.iter().all(|column| *column < relation.query.schema.len()) {
        relation.time_columns.clear();
    }
    Ok(relation)
}

/// What a relation of FROM gives.
pub(crate) fn source(cx: &mut Context<'_>, relation: &ast::Relation) -> Source {
    match relation {
        ast::Relation::Stream { name, alias } => {
            let found = cx.relation(name);
            let shown = alias.as_ref().unwrap_or(name);
            let hidden = alias.as_ref().map(|_| name.node.as_str());
            named(found, Some(&shown.node), hidden)
        }
        ast::Relation::Subquery { query, alias, .. } => {
            let found = nested(cx, query);
            named(found, alias.as_ref().map(|a| a.node.as_str()), None)
        }
        ast::Relation::MatchRecognize { input, spec, alias, column_list } => {
            let input = source(cx, input);
            let found = super::row_pattern::check(cx, input, spec, *column_list);
            let bounds = found.as_ref().map_or(0, |matches| matches.bounds);
            let found = named(found.map(|matches| Relation::timeless(matches.query)), alias.as_ref().map(|a| a.node.as_str()), None);
            Source { scope: found.scope.with_bounds(bounds), ..found }
        }
        ast::Relation::Join(join) => join::join(cx, join),
    }
}

fn named(relation: Result<Relation, Reported>, name: Option<&str>, hidden: Option<&str>) -> Source {
    let schema = relation.as_ref().ok().map(|r| r.schema().clone());
    Source { relation, scope: Scope::of(name, hidden, schema) }
}

fn refuse_distinct(cx: &mut Context<'_>, query: &ast::Query) -> Result<(), Reported> {
    let Some(span) = query.distinct else { return Ok(()) };
    let diagnostic = Diagnostic::error(codes::SELECT_DISTINCT, span, "SELECT DISTINCT would have to remember all rows for ever");
    let diagnostic = diagnostic.hint("once in each window: WINDOW TUMBLING 1 minute GROUP BY the columns");
    Err(cx.error(diagnostic.hint("not again for a while: SUPPRESS BY the columns FOR 10 minutes")))
}

/// Tells of each clause that is there and has no meaning.
fn refuse_clauses(
    cx: &mut Context<'_>,
    clauses: impl IntoIterator<Item = (Option<Span>, &'static str, &'static str)>,
) -> Result<(), Reported> {
    let mut result = Ok(());
    for (span, text, hint) in clauses {
        if let Some(span) = span {
            result = Err(cx.error(Diagnostic::error(codes::CLAUSE_WITHOUT_MEANING, span, text).hint(hint)));
        }
    }
    result
}

fn refuse_row_clauses(cx: &mut Context<'_>, query: &ast::Query) -> Result<(), Reported> {
    let around = "put it around the pattern: SELECT … FROM (SELECT … FROM PATTERN …) WINDOW …";
    let order_by = query.order_by.first().map(|item| item.span);
    refuse_clauses(
        cx,
        [
            (query.window.as_ref().map(|w| w.span), "a WINDOW has no meaning at FROM PATTERN; its length is WITHIN", around),
            (query.group_by.first().map(|tree| tree.span), "GROUP BY has no meaning at FROM PATTERN; its keys are PARTITION BY", around),
            (order_by, "ORDER BY has no meaning at FROM PATTERN: matches come in the order of time", around),
            (query.emit_every.as_ref().map(|tree| tree.span), "EMIT EVERY has no meaning at FROM PATTERN", around),
        ],
    )
}

fn refuse_pattern_clauses(cx: &mut Context<'_>, query: &ast::Query) -> Result<(), Reported> {
    let within = query.within.as_ref().map(|within| match within {
        ast::Within::Time(tree) | ast::Within::Events(tree) => tree.span,
    });
    let pattern = "it belongs to FROM PATTERN ( … )";
    let per_partition = query.limit.as_ref().filter(|limit| limit.per_partition).map(|limit| limit.span);
    refuse_clauses(
        cx,
        [
            (query.partition_by.as_ref().map(|p| p.span), "PARTITION BY belongs to FROM PATTERN", "the groups of a window are GROUP BY"),
            (
                within,
                "WITHIN belongs to FROM PATTERN or to a JOIN",
                "the length of a window is WINDOW TUMBLING 10m; a join's WITHIN stands behind its ON",
            ),
            (query.after_match.as_ref().map(|a| a.span), "AFTER MATCH belongs to a pattern", pattern),
            (query.runs.as_ref().map(|r| r.span), "RUNS belongs to a pattern", pattern),
            (
                query.keys.as_ref().map(|keys| keys.span),
                "KEYS belongs to FROM PATTERN with PARTITION BY: a group or a partner that is given up would make wrong sums and pairs",
                "bound the keys of windows and joins by their time, or end the statement with --max-keys",
            ),
            (query.timeout_into.as_ref().map(|n| n.span), "TIMEOUT INTO belongs to a pattern", pattern),
            (query.all_matches, "ALL MATCHES belongs to a pattern", pattern),
            (
                per_partition,
                "PER PARTITION belongs to FROM PATTERN",
                "the whole query ends after LIMIT n; rows of each window: ORDER BY … LIMIT n",
            ),
        ],
    )
}

/// SUPPRESS and LIMIT, which any query may have at its end.
fn tail(cx: &mut Context<'_>, query: &ast::Query, relation: Result<Relation, Reported>) -> Result<Relation, Reported> {
    let is_for_windows = query.window.is_some() || !query.order_by.is_empty();
    let limit = query.limit.as_ref().filter(|limit| !limit.per_partition && !is_for_windows);
    let limit = limit.map(|Limit { count: tree, .. }| count(cx, "LIMIT", tree, 0)).transpose();
    let suppress = query.suppress.as_ref().map(|suppress| self::suppress(cx, suppress, relation.as_ref().ok())).transpose();
    let mut relation = relation?;
    if let Some((stage, schema)) = suppress? {
        relation.query.stages.push(stage);
        relation.query.schema = schema;
    }
    relation.query.stages.extend(limit?.map(Stage::Limit));
    Ok(relation)
}

fn suppress(cx: &mut Context<'_>, suppress: &Suppress, relation: Option<&Relation>) -> Result<(Stage, Arc<Schema>), Reported> {
    let length = duration(cx, "SUPPRESS … FOR", &suppress.duration, SHORTEST);
    let scope = Scope::of(None, None, relation.map(|r| r.schema().clone()));
    let keys: Vec<_> = suppress.by.iter().map(|tree| infer(cx, &mut Rows { scope: &scope, place: "SUPPRESS BY" }, tree)).collect();
    let keys = keys.into_iter().collect::<Result<Vec<_>, _>>()?;
    let duration = length?;
    let Some(relation) = relation else { return Err(Reported::elsewhere()) };
    if relation.schema().index_of("suppressed").is_some() {
        let diagnostic =
            Diagnostic::error(codes::DUPLICATE_OUTPUT, suppress.span, "SUPPRESS adds the column `suppressed`, and there is one already");
        return Err(cx.error(diagnostic.hint("give the other one another name by AS")));
    }
    let mut fields = relation.schema().fields().to_vec();
    fields.push(Field::new("suppressed", DataType::Int));
    Ok((Stage::Suppress { keys, duration }, Arc::new(Schema::new(fields))))
}
