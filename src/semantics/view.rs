//! `CREATE TABLE name AS SELECT …`: which queries can be kept as a table, what its key is, and when a row leaves it.
//!
//! A view has a row a group: the newest one that the query gives for it. HAVING must not only keep a row back but take the one before away,
//! so here it becomes a last column of what the query gives, which says whether the group has a row now.

use std::sync::Arc;

use super::codes;
use super::context::{Context, Relation, Reported};
use super::typed::Stage;
use crate::data::{DataType, Field, Schema, Value};
use crate::expr::Expr;
use crate::spec::{WindowKind, WindowOutput, WindowSpec};
use crate::syntax::ast;
use crate::text::{Diagnostic, Span};

/// A view's query, whose last stage gives the view's columns and behind them whether the row's key has a row now; and the key's columns.
/// The schema of the relation is the view's.
pub(crate) fn view(cx: &mut Context<'_>, tree: &ast::Query, mut relation: Relation) -> Result<(Relation, Vec<usize>), Reported> {
    refuse_clauses(cx, tree)?;
    let (mut exprs, having, spec) = match taken_apart(&mut relation.query.stages) {
        Some(parts) => parts,
        None => return Err(refuse_rows(cx, tree)),
    };
    refuse_window(cx, tree, &spec)?;
    let key = key(cx, tree, &spec, &exprs)?;
    let mut fields = relation.query.schema.fields().to_vec();
    fields.push(Field::new(free_name(&fields), DataType::Bool));
    exprs.push(having.unwrap_or_else(|| Expr::literal(Value::Bool(true))));
    relation.query.stages.push(Stage::Window(spec));
    relation.query.stages.push(Stage::Project { exprs, schema: Arc::new(Schema::new(fields)) });
    Ok((Relation::timeless(relation.query), key))
}

/// Takes the output columns, HAVING and the window from the end of the stages.
fn taken_apart(stages: &mut Vec<Stage>) -> Option<(Vec<Expr>, Option<Expr>, Box<WindowSpec>)> {
    let Some(Stage::Project { exprs, .. }) = stages.pop() else { return None };
    let (having, window) = match stages.pop()? {
        Stage::Filter(having) => (Some(having), stages.pop()?),
        other => (None, other),
    };
    match window {
        Stage::Window(spec) => Some((exprs, having, spec)),
        Stage::Filter(_) | Stage::Project { .. } | Stage::TopOfWindow { .. } | Stage::Limit(_) | Stage::Suppress { .. } => None,
    }
}

/// Nobody sees this name but `explain`.
fn free_name(fields: &[Field]) -> String {
    let mut name = String::from("is there");
    while fields.iter().any(|f| *f.name == *name) {
        name.push('\'');
    }
    name
}

fn refuse(cx: &mut Context<'_>, span: Span, text: &str, hint: &str) -> Reported {
    cx.error(Diagnostic::error(codes::BAD_VIEW, span, text).hint(hint))
}

fn refuse_rows(cx: &mut Context<'_>, tree: &ast::Query) -> Reported {
    let text = "a table has one row a key, and this query gives row after row";
    refuse(cx, tree.select_span, text, "group it: SELECT key, LAST(x) AS x FROM … GROUP BY key")
}

fn refuse_clauses(cx: &mut Context<'_>, tree: &ast::Query) -> Result<(), Reported> {
    let clauses = [
        (tree.order_by.first().map(|item| item.span), "a table has no order", "leave ORDER BY away"),
        (
            tree.limit.as_ref().map(|limit| limit.span),
            "a table that stops changing after some rows is nothing to look things up in",
            "leave LIMIT away",
        ),
        (
            tree.suppress.as_ref().map(|suppress| suppress.span),
            "SUPPRESS would leave rows in the table that are not true any more",
            "leave SUPPRESS away",
        ),
    ];
    let mut result = Ok(());
    for (span, text, hint) in clauses {
        if let Some(span) = span {
            result = Err(refuse(cx, span, text, hint));
        }
    }
    result
}

fn refuse_window(cx: &mut Context<'_>, tree: &ast::Query, spec: &WindowSpec) -> Result<(), Reported> {
    let span = tree.window.as_ref().map_or(tree.select_span, |window| window.span);
    match (&spec.output, &spec.kind) {
        (WindowOutput::Rows, _) => Err(refuse_rows(cx, tree)),
        (WindowOutput::Aggregates(_), WindowKind::Sliding(_)) => {
            let text = "a SLIDING window changes as time passes, but gives a row only when an event comes: the table would hold old rows";
            Err(refuse(
                cx,
                span,
                text,
                "take a window that closes (TUMBLING, HOPPING, SESSION): the table has the last closed one of each key",
            ))
        }
        (
            WindowOutput::Aggregates(_),
            WindowKind::Running | WindowKind::Hopping { .. } | WindowKind::Session { .. } | WindowKind::Rows(_) | WindowKind::LastRows(_),
        ) => Ok(()),
    }
}

/// Which output columns are the keys of GROUP BY, in the order of these.
fn key(cx: &mut Context<'_>, tree: &ast::Query, spec: &WindowSpec, exprs: &[Expr]) -> Result<Vec<usize>, Reported> {
    let mut columns = Vec::with_capacity(spec.keys.len());
    for number in 0..spec.keys.len() {
        let is_key = |expr: &Expr| expr.as_slot().is_some_and(|slot| slot.0 as usize == number);
        match exprs.iter().position(is_key) {
            Some(column) => columns.push(column),
            None => {
                let span = tree.group_by.get(number).map_or(tree.select_span, |key| key.span);
                let text = "this key is no column of the table: its rows could not be told apart";
                return Err(refuse(cx, span, text, "select it"));
            }
        }
    }
    Ok(columns)
}
