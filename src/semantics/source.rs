//! `CREATE STREAM name (columns) …`: columns, time, and which events are the stream's.

use std::sync::Arc;

use super::codes;
use super::constant::{duration, value_of_type};
use super::context::{Context, Reported};
use super::infer::condition;
use super::refusal::listed;
use super::scope::{Rows, Scope};
use super::typed::{Route, SourceColumn, SourceStream, StreamId};
use super::types;
use crate::data::{DataType, Duration, Field, Schema, TimeUnit, Timestamp, Value};
use crate::syntax::ast::{ColumnDef, CreateSource, Expr, Name, TypeKind, TypeName};
use crate::text::{Diagnostic, Span, Spanned, nearest};

/// The options that a source stream has.
const OPTIONS: [&str; 2] = ["type", "type_field"];

/// A checked source: its columns as far as they are right, and how it is read.
#[derive(Debug)]
pub(crate) struct CheckedSource {
    /// Its columns.
    pub(crate) schema: Arc<Schema>,
    /// How it is read.
    pub(crate) source: SourceStream,
}

/// Checks a source stream. `is_only` says that the program has no other; `late_into` is the stream for its late events.
pub(crate) fn source(
    cx: &mut Context<'_>,
    create: &CreateSource,
    is_only: bool,
    late_into: Option<StreamId>,
) -> Result<CheckedSource, Reported> {
    let columns = self::columns(cx, &create.columns, false);
    let delay = create.delay.as_ref().map(|tree| duration(cx, "DELAY", tree, Duration(0)));
    let idle_after = create.idle_after.as_ref().map(|tree| duration(cx, "IDLE AFTER", tree, Duration(0)));
    let ahead = create.ahead.as_ref().map(|tree| duration(cx, "AHEAD", tree, Duration(0)));
    let times = refuse_without_time(cx, create);
    let schema = columns.as_ref().ok().map(|(schema, _)| schema.clone());
    let time_by = match (&schema, &create.time_by) {
        (Some(schema), Some(names)) => time_by(cx, create, names, schema),
        (Some(_) | None, None) | (None, Some(_)) => Ok((None, Vec::new())),
    };
    let route = route(cx, create, schema.as_ref(), is_only);
    let (schema, columns) = columns?;
    let (time_column, tie_columns) = time_by?;
    times?;
    let source = SourceStream {
        columns,
        time_column,
        tie_columns,
        delay: delay.transpose()?.unwrap_or_default(),
        idle_after: idle_after.transpose()?,
        late_into,
        ahead: ahead.transpose()?,
        route: route?,
    };
    Ok(CheckedSource { schema, source })
}

/// Columns as they are written; only a table has a key.
pub(crate) fn columns(
    cx: &mut Context<'_>,
    definitions: &[ColumnDef],
    is_table: bool,
) -> Result<(Arc<Schema>, Vec<SourceColumn>), Reported> {
    let mut fields: Vec<Field> = Vec::with_capacity(definitions.len());
    let mut columns = Vec::with_capacity(definitions.len());
    let mut failed = None;
    for (i, definition) in definitions.iter().enumerate() {
        let name = &definition.name;
        if let Some(first) = definitions[..i].iter().find(|d| d.name == *name) {
            let diagnostic = Diagnostic::error(codes::DEFINED_TWICE, name.span, format!("the column `{}` is there twice", name.node));
            failed = Some(cx.error(diagnostic.related(first.name.span, "first here")));
            continue;
        }
        match column(cx, definition, is_table) {
            Ok((field, column)) => {
                fields.push(field);
                columns.push(column);
            }
            Err(reported) => failed = Some(reported),
        }
    }
    failed.map_or_else(|| Ok((Arc::new(Schema::new(fields)), columns)), Err)
}

fn column(cx: &mut Context<'_>, definition: &ColumnDef, is_table: bool) -> Result<(Field, SourceColumn), Reported> {
    let mut column = SourceColumn::named(&definition.name.node);
    column.not_null = definition.not_null;
    let typed = column_type(cx, &definition.data_type, &mut column);
    let mut failed = None;
    if definition.primary_key && !is_table {
        let text = "a stream has no PRIMARY KEY; tables have";
        failed = Some(cx.error(Diagnostic::error(codes::CLAUSE_WITHOUT_MEANING, definition.span, text)));
    }
    if let Some(path) = &definition.path {
        match self::path(cx, path) {
            Ok(path) => column.path = path,
            Err(reported) => failed = Some(reported),
        }
    }
    let data_type = typed?;
    if let Some(tree) = &definition.default {
        match value_of_type(cx, "the default of this column", tree, &data_type) {
            Ok(value) => column.default = Some(value).filter(|v| !v.is_null()),
            Err(reported) => failed = Some(reported),
        }
    }
    failed.map_or_else(|| Ok((Field::new(definition.name.node.as_str(), data_type), column)), Err)
}

/// The type of a column; unit and format of times go to `column`.
fn column_type(cx: &mut Context<'_>, written: &TypeName, column: &mut SourceColumn) -> Result<DataType, Reported> {
    match &written.kind {
        TypeKind::TimestampUnit(unit) => {
            column.unit = time_unit(cx, unit)?;
            Ok(DataType::Timestamp)
        }
        TypeKind::TimestampFormat(format) if Timestamp::is_format(&format.node) => {
            column.format = Some(format.node.clone());
            Ok(DataType::Timestamp)
        }
        TypeKind::TimestampFormat(format) => {
            let diagnostic = Diagnostic::error(codes::BAD_LITERAL, format.span, format!("`{}` is no format of times", format.node));
            Err(cx.error(diagnostic.hint("it is written as for strftime: '%d/%b/%Y:%H:%M:%S %z'")))
        }
        TypeKind::Plain(_) | TypeKind::Text(..) | TypeKind::Decimal(..) | TypeKind::List(_) | TypeKind::Struct(_) => {
            types::data_type(cx, written)
        }
    }
}

fn time_unit(cx: &mut Context<'_>, unit: &Spanned<String>) -> Result<TimeUnit, Reported> {
    match unit.node.to_ascii_lowercase().as_str() {
        "s" => Ok(TimeUnit::Second),
        "ms" => Ok(TimeUnit::Milli),
        "us" => Ok(TimeUnit::Micro),
        "ns" => Ok(TimeUnit::Nano),
        _ => {
            let text = format!("`{}` is no unit of epoch times", unit.node);
            Err(cx.error(
                Diagnostic::error(codes::UNKNOWN_TYPE, unit.span, text).hint("TIMESTAMP(s), TIMESTAMP(ms), TIMESTAMP(us), TIMESTAMP(ns)"),
            ))
        }
    }
}

fn path(cx: &mut Context<'_>, written: &Spanned<String>) -> Result<Vec<String>, Reported> {
    let parts: Vec<String> = written.node.split('.').map(str::to_owned).collect();
    if parts.iter().any(String::is_empty) {
        let text = format!("`{}` is no path: there is an empty part", written.node);
        return Err(cx.error(Diagnostic::error(codes::BAD_OPTION, written.span, text).hint("keys are joined by dots: 'client.device.id'")));
    }
    Ok(parts)
}

/// Clauses that need an event time.
fn refuse_without_time(cx: &mut Context<'_>, create: &CreateSource) -> Result<(), Reported> {
    if create.time_by.is_some() {
        return Ok(());
    }
    let clauses = [
        (create.delay.as_ref().map(|tree| tree.span), "DELAY"),
        (create.ahead.as_ref().map(|tree| tree.span), "AHEAD"),
        (create.late_into.as_ref().map(|name| name.span), "LATE INTO"),
    ];
    let mut result = Ok(());
    for (span, clause) in clauses.into_iter().filter_map(|(span, clause)| span.map(|span| (span, clause))) {
        let text = format!("{clause} has no meaning without TIMESTAMP BY: events are taken in the order of their arrival");
        let hint = "say which column holds the time: TIMESTAMP BY column";
        result = Err(cx.error(Diagnostic::error(codes::CLAUSE_WITHOUT_MEANING, span, text).hint(hint)));
    }
    result
}

fn time_by(cx: &mut Context<'_>, create: &CreateSource, names: &[Name], schema: &Schema) -> Result<(Option<usize>, Vec<usize>), Reported> {
    let mut indexes = Vec::with_capacity(names.len());
    let mut failed = None;
    for (i, name) in names.iter().enumerate() {
        let Some(index) = schema.index_of(&name.node) else {
            failed = Some(unknown_time_column(cx, name, schema));
            continue;
        };
        let found = &schema.fields()[index].data_type;
        if i == 0 && *found != DataType::Timestamp {
            failed = Some(not_a_time(cx, &create.columns, name, found));
        } else if i > 0 && matches!(found, DataType::List(_) | DataType::Struct(_) | DataType::Json) {
            let text = format!("`{}` cannot order events of equal time: it is of type {found}", name.node);
            failed = Some(cx.error(Diagnostic::error(codes::BAD_TIME_COLUMN, name.span, text)));
        } else if indexes.contains(&index) {
            failed = Some(cx.error(Diagnostic::error(codes::DEFINED_TWICE, name.span, format!("`{}` is there twice", name.node))));
        }
        indexes.push(index);
    }
    match (failed, indexes.split_first()) {
        (Some(reported), _) => Err(reported),
        (None, Some((time, ties))) => Ok((Some(*time), ties.to_vec())),
        (None, None) => Ok((None, Vec::new())),
    }
}

/// Tells that a time column does not exist.
pub(crate) fn unknown_time_column(cx: &mut Context<'_>, name: &Name, schema: &Schema) -> Reported {
    let known: Vec<&str> = schema.fields().iter().map(|f| &*f.name).collect();
    let diagnostic = Diagnostic::error(codes::UNKNOWN_COLUMN, name.span, format!("unknown column `{}`", name.node));
    let times: Vec<&str> = schema.fields().iter().filter(|f| f.data_type == DataType::Timestamp).map(|f| &*f.name).collect();
    let diagnostic = diagnostic.did_you_mean(&nearest(&name.node, known.iter().copied()));
    cx.error(if times.is_empty() { diagnostic } else { diagnostic.hint(format!("TIMESTAMP columns: {}", listed(&times))) })
}

/// Tells that a time column is of another type.
pub(crate) fn not_a_time(cx: &mut Context<'_>, columns: &[ColumnDef], name: &Name, found: &DataType) -> Reported {
    let text = format!("TIMESTAMP BY takes a TIMESTAMP column; `{}` is of type {found}", name.node);
    let mut diagnostic = Diagnostic::error(codes::BAD_TIME_COLUMN, name.span, text);
    if let Some(column) = columns.iter().find(|c| c.name == *name) {
        diagnostic = diagnostic.related(column.data_type.span, "its type");
    }
    let hint = match found {
        DataType::Int => format!("for epoch milliseconds write `{} TIMESTAMP(ms)`; for other units TIMESTAMP(s), (us), (ns)", name.node),
        DataType::String => format!("write `{} TIMESTAMP`; for texts that are not RFC 3339, TIMESTAMP FORMAT '…'", name.node),
        _ => String::from("name a column of type TIMESTAMP"),
    };
    cx.error(diagnostic.hint(hint))
}

fn route(cx: &mut Context<'_>, create: &CreateSource, schema: Option<&Arc<Schema>>, is_only: bool) -> Result<Route, Reported> {
    let when = create.when.as_ref().map(|tree| {
        let scope = Scope::of(Some(&create.name.node), None, schema.cloned());
        condition(cx, &mut Rows { scope: &scope, place: "WHEN" }, tree, "WHEN").map(|condition| (condition, tree.span))
    });
    let mut options: [Option<(String, Span)>; 2] = [None, None];
    let mut failed = None;
    for (i, (name, value)) in create.options.iter().enumerate() {
        match option(cx, &create.options[..i], name, value) {
            Ok((slot, text)) => options[slot] = Some((text, name.span)),
            Err(reported) => failed = Some(reported),
        }
    }
    let when = when.transpose()?;
    if let Some(reported) = failed {
        return Err(reported);
    }
    let [type_, type_field] = options;
    if let (Some((_, when)), Some((_, option))) = (&when, type_.as_ref().or(type_field.as_ref())) {
        let text = "this option and WHEN both say which events are the stream's";
        let diagnostic = Diagnostic::error(codes::BAD_OPTION, *option, text).related(*when, "WHEN");
        return Err(cx.error(diagnostic.hint("leave the option away, or compare the field in WHEN")));
    }
    if let Some((condition, _)) = when {
        return Ok(Route::When(condition));
    }
    if is_only && type_.is_none() && type_field.is_none() {
        return Ok(Route::All);
    }
    let field = match type_field {
        Some((text, span)) => Some(path(cx, &Spanned::new(text, span))?),
        None => None,
    };
    Ok(Route::Type { field, value: type_.map_or_else(|| create.name.node.clone(), |(text, _)| text) })
}

/// The number of an option in [`OPTIONS`], and its text.
fn option(cx: &mut Context<'_>, before: &[(Name, Expr)], name: &Name, value: &Expr) -> Result<(usize, String), Reported> {
    let Some(slot) = OPTIONS.iter().position(|known| *known == name.node) else {
        let diagnostic = Diagnostic::error(codes::BAD_OPTION, name.span, format!("unknown option `{}`", name.node));
        let diagnostic = diagnostic.did_you_mean(&nearest(&name.node, OPTIONS));
        return Err(cx.error(diagnostic.hint(format!("a stream has the options {}", OPTIONS.join(" and ")))));
    };
    if before.iter().any(|(other, _)| other == name) {
        return Err(cx.error(Diagnostic::error(codes::DEFINED_TWICE, name.span, format!("the option `{}` is there twice", name.node))));
    }
    match value_of_type(cx, "the value of this option", value, &DataType::String)? {
        Value::String(text) => Ok((slot, text.into_owned())),
        _ => Err(cx.error(Diagnostic::error(codes::BAD_OPTION, value.span, format!("the option `{}` needs a text", name.node)))),
    }
}
