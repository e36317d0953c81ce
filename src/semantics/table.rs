//! Tables read from files, and joins with tables of any kind.
//!
//! A join with a table looks each row of the stream up as things stand at its place; it needs no WITHIN, because nothing waits for a table.

use std::path::Path;
use std::sync::Arc;

use super::codes;
use super::constant::value_of_type;
use super::context::{Context, Relation, Reported};
use super::join::{add_key, beside, kind, row_schema, terms};
use super::query::{self, Source};
use super::scope::Scope;
use super::source;
use super::typed::{Input, Query, StreamId, Table, TableFile, TableFormat};
use crate::data::{DataType, Schema, Value};
use crate::expr::Expr;
use crate::spec::{JoinKind, LookupSpec};
use crate::syntax::ast::{self, ColumnDef, Name};
use crate::text::{Diagnostic, Span, nearest};

/// The options that a table has.
const OPTIONS: [&str; 2] = ["path", "format"];

/// `CREATE TABLE name (columns) …`, as it is written.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct CreateTable<'f> {
    /// Its name.
    pub(crate) name: &'f Name,
    /// Its columns.
    pub(crate) columns: &'f [ColumnDef],
    /// `TIMESTAMP BY column`
    pub(crate) time_by: Option<&'f [Name]>,
    /// `WITH (key = value)`
    pub(crate) options: &'f [(Name, ast::Expr)],
}

/// Checks a table that is read from a file.
pub(crate) fn table(cx: &mut Context<'_>, create: CreateTable<'_>) -> Result<(Arc<Schema>, Table), Reported> {
    let columns = source::columns(cx, create.columns, true);
    let file = file(cx, create);
    let (schema, mut columns) = columns?;
    let time_column = time_column(cx, create, &schema)?;
    let key: Vec<usize> = (0..create.columns.len()).filter(|&c| create.columns[c].primary_key).collect();
    if let (Some(names), []) = (create.time_by, key.as_slice()) {
        let text = "a table with a time column needs a PRIMARY KEY: it says which rows are versions of one thing";
        let hint = "mark the column: id STRING PRIMARY KEY (several marked columns are one key)";
        return Err(cx.error(Diagnostic::error(codes::BAD_TABLE, names[0].span, text).hint(hint)));
    }
    for &column in &key {
        columns[column].not_null = true;
    }
    let (path, format) = file?;
    Ok((schema, Table { key, file: Some(TableFile { path, format, columns, time_column }) }))
}

fn time_column(cx: &mut Context<'_>, create: CreateTable<'_>, schema: &Schema) -> Result<Option<usize>, Reported> {
    let Some(names) = create.time_by else { return Ok(None) };
    let [name] = names else {
        let text = "the versions of a table are told apart by one time column";
        return Err(cx.error(Diagnostic::error(codes::BAD_TABLE, names[1].span, text).hint("TIMESTAMP BY valid_from")));
    };
    let Some(index) = schema.index_of(&name.node) else {
        return Err(source::unknown_time_column(cx, name, schema));
    };
    let found = &schema.fields()[index].data_type;
    if *found == DataType::Timestamp { Ok(Some(index)) } else { Err(source::not_a_time(cx, create.columns, name, found)) }
}

/// Path and format.
fn file(cx: &mut Context<'_>, create: CreateTable<'_>) -> Result<(String, TableFormat), Reported> {
    let mut options: [Option<(String, Span)>; 2] = [None, None];
    let mut failed = None;
    for (i, (name, value)) in create.options.iter().enumerate() {
        match option(cx, &create.options[..i], name, value) {
            Ok((slot, text)) => options[slot] = Some((text, value.span)),
            Err(reported) => failed = Some(reported),
        }
    }
    let [path, format] = options;
    if let Some(reported) = failed {
        return Err(reported);
    }
    let Some((path, span)) = path else {
        let text = format!("the table `{}` does not say where its rows are", create.name.node);
        let diagnostic = Diagnostic::error(codes::BAD_TABLE, create.name.span, text);
        return Err(cx.error(
            diagnostic
                .hint("name the file: WITH (path = 'customers.csv')")
                .hint("or make it of a stream: CREATE TABLE … AS SELECT … GROUP BY …"),
        ));
    };
    let (written, span) = format.unwrap_or_else(|| (ending(&path), span));
    let format = match written.to_ascii_lowercase().as_str() {
        "csv" => TableFormat::Csv,
        "json" | "jsonl" | "ndjson" => TableFormat::JsonLines,
        _ => {
            let text = format!("`{written}` is no format of tables");
            return Err(cx.error(
                Diagnostic::error(codes::BAD_OPTION, span, text).hint("WITH (path = '…', format = 'csv') or 'json': an object a line"),
            ));
        }
    };
    Ok((path, format))
}

/// The ending of a file's name, before `.gz` where it has that.
fn ending(path: &str) -> String {
    let path = Path::new(path.strip_suffix(".gz").unwrap_or(path));
    path.extension().map_or_else(String::new, |ending| ending.to_string_lossy().into_owned())
}

/// The number of an option in [`OPTIONS`], and its text.
fn option(cx: &mut Context<'_>, before: &[(Name, ast::Expr)], name: &Name, value: &ast::Expr) -> Result<(usize, String), Reported> {
    let Some(slot) = OPTIONS.iter().position(|known| *known == name.node) else {
        let diagnostic = Diagnostic::error(codes::BAD_OPTION, name.span, format!("unknown option `{}`", name.node));
        let diagnostic = diagnostic.did_you_mean(&nearest(&name.node, OPTIONS));
        return Err(cx.error(diagnostic.hint(format!("a table has the options {}", OPTIONS.join(" and ")))));
    };
    if before.iter().any(|(other, _)| other == name) {
        return Err(cx.error(Diagnostic::error(codes::DEFINED_TWICE, name.span, format!("the option `{}` is there twice", name.node))));
    }
    match value_of_type(cx, "the value of this option", value, &DataType::String)? {
        Value::String(text) => Ok((slot, text.into_owned())),
        _ => Err(cx.error(Diagnostic::error(codes::BAD_OPTION, value.span, format!("the option `{}` needs a text", name.node)))),
    }
}

/// Tells that a table stands where rows have to come.
pub(crate) fn refuse_as_stream(cx: &mut Context<'_>, name: &Name) -> Reported {
    let text = format!("`{}` is a table: it has rows, but none of them comes at a time of its own", name.node);
    let diagnostic = Diagnostic::error(codes::TABLE_AS_STREAM, name.span, text);
    cx.error(diagnostic.hint(format!("look the rows of a stream up in it: FROM stream s JOIN {0} t ON s.column = t.column", name.node)))
}

/// Checks a join whose right side is a table, under the name that its scope gives it.
pub(crate) fn join(cx: &mut Context<'_>, join: &ast::Join, table: StreamId, right: Scope) -> Source {
    let left = query::source(cx, &join.left);
    let width = right.width();
    let scope = match beside(cx, join, &left.scope, right) {
        Ok(scope) => scope,
        Err(reported) => return Source { relation: Err(reported), scope: Scope::of(None, None, None) },
    };
    let kind = kind(join.kind);
    let visible = if matches!(kind, JoinKind::Semi | JoinKind::Anti) { left.scope.clone() } else { scope.clone() };
    let clauses = refuse_clauses(cx, join, kind);
    let terms = terms(cx, join, &scope);
    let relation = left.relation.and_then(|left| {
        clauses?;
        let spec = spec(kind, terms?, left.schema().len(), width);
        let schema = row_schema(&visible);
        let input = Input::Lookup { left: Box::new(left.query), table, spec: Box::new(spec) };
        Ok(Relation { query: Query { input, stages: Vec::new(), schema }, time_columns: left.time_columns })
    });
    Source { relation, scope: visible }
}

fn spec(kind: JoinKind, terms: Vec<Expr>, left_width: usize, width: usize) -> LookupSpec {
    let (mut left_keys, mut right_keys) = (Vec::new(), Vec::new());
    let rest: Vec<Expr> = terms.into_iter().filter_map(|term| add_key(&mut left_keys, &mut right_keys, term, left_width)).collect();
    let residual = (!rest.is_empty()).then(|| Expr::and(rest).expect("terms of ON are conditions"));
    LookupSpec { kind, left_keys, right_keys, residual, width }
}

/// Kinds and clauses that mean nothing where one side is a table.
fn refuse_clauses(cx: &mut Context<'_>, join: &ast::Join, kind: JoinKind) -> Result<(), Reported> {
    let mut result = Ok(());
    let wrong_kind = match kind {
        JoinKind::Inner | JoinKind::Left | JoinKind::Semi | JoinKind::Anti => None,
        JoinKind::Right | JoinKind::Full => Some((
            "a row of a table that nothing is joined to has no time at which it could come out",
            "JOIN, LEFT JOIN, SEMI JOIN or ANTI JOIN",
        )),
        JoinKind::AsOf | JoinKind::LeftAsOf => {
            Some(("every join with a table takes its rows as they are at the time of the stream's row", "write JOIN or LEFT JOIN"))
        }
    };
    if let Some((text, hint)) = wrong_kind {
        result = Err(cx.error(Diagnostic::error(codes::BAD_JOIN, join.kind_span, text).hint(hint)));
    }
    if let Some(within) = &join.within {
        let text = "a join with a table has no WITHIN: nothing waits for a table";
        result = Err(cx.error(Diagnostic::error(codes::BAD_JOIN, within.span, text).hint("leave it away")));
    }
    if let Some(tolerance) = &join.tolerance {
        let text = "a join with a table has no TOLERANCE";
        result = Err(cx.error(Diagnostic::error(codes::BAD_JOIN, tolerance.span, text).hint("compare the time column in ON or WHERE")));
    }
    result
}
