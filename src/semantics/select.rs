//! SELECT over rows: WHERE, the output columns and their names. Windows and aggregates go on in `aggregate`.

use std::sync::Arc;

use super::aggregate;
use super::codes;
use super::context::{Context, Relation, Reported};
use super::infer::{condition, infer};
use super::query::Source;
use super::row_pattern::NO_OUTPUT_COLUMNS;
use super::scope::{Names, Rows, Scope, column};
use super::typed::{Query, Stage};
use crate::data::{Field, Schema};
use crate::expr::Expr;
use crate::syntax::ast::{self, ExprKind, SelectItem};
use crate::text::{Diagnostic, Span};

/// Checks the SELECT of a query over rows.
pub(crate) fn select(cx: &mut Context<'_>, query: &ast::Query, source: Source) -> Result<Relation, Reported> {
    let Source { relation, scope } = source;
    let filter = query.filter.as_ref().map(|tree| condition(cx, &mut Rows { scope: &scope, place: "WHERE" }, tree, "WHERE")).transpose();
    if aggregate::is_aggregated(cx, query) {
        return aggregate::select(cx, query, relation, &scope, filter);
    }
    let refused = refuse_group_clauses(cx, query);
    let outputs = outputs(cx, &query.items, &mut Rows { scope: &scope, place: "SELECT" }, &scope);
    let mut relation = relation?;
    relation.query.stages.extend(filter?.map(Stage::Filter));
    refused?;
    let outputs = outputs?;
    let is_time = |expr: &Expr| expr.as_slot().is_some_and(|slot| relation.time_columns.contains(&(slot.0 as usize)));
    let time_columns = outputs.exprs.iter().enumerate().filter(|(_, expr)| is_time(expr)).map(|(i, _)| i).collect();
    let query = projected(relation.query, outputs);
    Ok(Relation { query, time_columns })
}

/// The output columns of a query.
#[derive(Debug)]
pub(crate) struct Outputs {
    /// What each computes.
    pub(crate) exprs: Vec<Expr>,
    /// Their names and types.
    pub(crate) schema: Arc<Schema>,
}

impl Outputs {
    /// Adds the column that tells early results from final ones.
    pub(crate) fn push_final(&mut self, cx: &mut Context<'_>, value: Expr, span: Span) -> Result<(), Reported> {
        if self.schema.index_of("final").is_some() {
            let diagnostic =
                Diagnostic::error(codes::DUPLICATE_OUTPUT, span, "EMIT EVERY adds the column `final`, and there is one already");
            return Err(cx.error(diagnostic.hint("give the other one another name by AS")));
        }
        let mut fields = self.schema.fields().to_vec();
        fields.push(Field::new("final", value.data_type().clone()));
        self.exprs.push(value);
        self.schema = Arc::new(Schema::new(fields));
        Ok(())
    }
}

/// A query that gives these columns.
pub(crate) fn projected(mut query: Query, outputs: Outputs) -> Query {
    query.schema = outputs.schema.clone();
    query.stages.push(Stage::Project { exprs: outputs.exprs, schema: outputs.schema });
    query
}

/// The output columns that the items say, read by `names`; `*` spreads the columns of `scope`.
pub(crate) fn outputs(cx: &mut Context<'_>, items: &[SelectItem], names: &mut dyn Names, scope: &Scope) -> Result<Outputs, Reported> {
    let mut columns = Columns::default();
    for item in items {
        match item {
            SelectItem::All(span) => {
                if scope.is_poisoned() {
                    columns.failed = Some(Reported::elsewhere());
                } else if scope.columns().next().is_none() {
                    columns.failed = Some(nothing_to_spread(cx, *span));
                }
                for (index, field) in scope.columns() {
                    columns.add(cx, field.name.to_string(), column(index, field.data_type.clone()), *span, true);
                }
            }
            SelectItem::AllOf(name) => match scope.columns_of(cx, name) {
                Ok(fields) => {
                    for (index, field) in fields {
                        columns.add(cx, field.name.to_string(), column(index, field.data_type), name.span, true);
                    }
                }
                Err(reported) => columns.failed = Some(reported),
            },
            SelectItem::Expr { expr, alias, text } => match infer(cx, names, expr) {
                Ok(value) => {
                    let span = alias.as_ref().map_or(expr.span, |alias| alias.span);
                    columns.add(cx, output_name(expr, alias.as_ref(), text), value, span, false);
                }
                Err(reported) => columns.failed = Some(reported),
            },
        }
    }
    columns.finish()
}

/// `*` of a MATCH_RECOGNIZE whose rows have no columns.
fn nothing_to_spread(cx: &mut Context<'_>, span: Span) -> Reported {
    let text = "`*` stands for no column here: the rows have neither partition columns nor measures";
    cx.error(Diagnostic::error(NO_OUTPUT_COLUMNS, span, text).hint("add MEASURES, or ALL ROWS PER MATCH"))
}

/// The select item of this alias.
pub(crate) fn aliased<'q>(query: &'q ast::Query, name: &str) -> Option<&'q ast::Expr> {
    query.items.iter().find_map(|item| match item {
        SelectItem::Expr { expr, alias: Some(alias), .. } if alias.node == name => Some(expr),
        SelectItem::Expr { .. } | SelectItem::All(_) | SelectItem::AllOf(_) => None,
    })
}

/// The name of an output column: its alias, else its column's name, else its text.
pub(crate) fn output_name(expr: &ast::Expr, alias: Option<&ast::Name>, text: &str) -> String {
    match (alias, &expr.kind) {
        (Some(alias), _) => alias.node.clone(),
        (None, ExprKind::Path(path)) => path.last().map_or_else(|| text.to_owned(), |name| name.node.clone()),
        (None, ExprKind::Field { name, .. }) => name.node.clone(),
        (None, _) => text.to_owned(),
    }
}

/// Output columns as they are collected.
#[derive(Debug, Default)]
pub(crate) struct Columns {
    exprs: Vec<Expr>,
    fields: Vec<Field>,
    spans: Vec<Span>,
    /// One of them is wrong.
    pub(crate) failed: Option<Reported>,
}

impl Columns {
    /// Adds a column; two of one name are told.
    pub(crate) fn add(&mut self, cx: &mut Context<'_>, name: String, expr: Expr, span: Span, is_spread: bool) {
        if let Some(first) = self.fields.iter().position(|f| *f.name == *name) {
            let mut diagnostic = Diagnostic::error(codes::DUPLICATE_OUTPUT, span, format!("two output columns are called `{name}`"));
            if self.spans[first] != span {
                diagnostic = diagnostic.related(self.spans[first], "the first");
            }
            let hint = if is_spread {
                "write the columns one by one, and give one of the two another name by AS"
            } else {
                "give one another name by AS"
            };
            self.failed = Some(cx.error(diagnostic.hint(hint)));
            return;
        }
        let data_type = expr.data_type().clone();
        self.exprs.push(expr);
        self.fields.push(Field::new(name, data_type));
        self.spans.push(span);
    }

    /// All of them, if none is wrong.
    pub(crate) fn finish(self) -> Result<Outputs, Reported> {
        match self.failed {
            Some(reported) => Err(reported),
            None => Ok(Outputs { exprs: self.exprs, schema: Arc::new(Schema::new(self.fields)) }),
        }
    }
}

/// Clauses that need groups or windows.
fn refuse_group_clauses(cx: &mut Context<'_>, query: &ast::Query) -> Result<(), Reported> {
    let mut result = Ok(());
    if let Some(having) = &query.having {
        let text = "HAVING is checked on groups, and there are none here";
        result = Err(cx.error(Diagnostic::error(codes::CLAUSE_WITHOUT_MEANING, having.span, text).hint("write the condition in WHERE")));
    }
    if let Some(item) = query.order_by.first() {
        let text = "ORDER BY orders the rows of a window, and there is none here: rows come in the order of time";
        result =
            Err(cx.error(Diagnostic::error(codes::CLAUSE_WITHOUT_MEANING, item.span, text).hint("WINDOW TUMBLING 1 minute … ORDER BY …")));
    }
    if let Some(tree) = &query.emit_every {
        result = super::window::emit_every(cx, tree, None).map(drop);
    }
    result
}
