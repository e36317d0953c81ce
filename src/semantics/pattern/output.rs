//! SELECT of FROM PATTERN: one expression over the finished match a column, and the columns' names.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::codes;
use super::names::{PatternNames, Place, SharedColumns};
use super::slots::Slots;
use super::variables::Variables;
use crate::data::{DataType, Field, Schema};
use crate::expr::Expr;
use crate::semantics::codes::DUPLICATE_OUTPUT;
use crate::semantics::context::{Context, Reported};
use crate::semantics::infer::infer;
use crate::spec::{NavigationBase, SlotKind, VariableId, VariableKind};
use crate::syntax::ast::{ExprKind, Name, SelectItem};
use crate::text::{Diagnostic, Span, nearest};

/// The name of the column of a timeout row that says what was waited for.
pub(super) const STEP_COLUMN: &str = "step";

/// The output columns.
#[derive(Debug)]
pub(super) struct Outputs {
    /// One a column.
    pub(super) exprs: Vec<Expr>,
    /// Their names and types.
    pub(super) schema: Arc<Schema>,
}

/// A column with the place that it comes from.
struct Column {
    name: String,
    span: Span,
    expr: Expr,
}

/// The columns of SELECT.
pub(super) fn outputs(
    cx: &mut Context<'_>,
    variables: &Variables<'_>,
    slots: &mut Slots,
    shared: &SharedColumns,
    items: &[SelectItem],
) -> Result<Outputs, Reported> {
    let mut columns = Vec::with_capacity(items.len());
    let mut failed = None;
    for item in items {
        let added = match item {
            SelectItem::All(span) => all_variables(variables, slots, *span, &mut columns),
            SelectItem::AllOf(name) => all_columns(cx, variables, slots, name, &mut columns),
            SelectItem::Expr { expr, alias, text } => {
                let mut names = PatternNames::new(variables, slots, shared, Place::Select);
                infer(cx, &mut names, expr).map(|inferred| {
                    let name = alias.as_ref().map_or_else(|| column_name(&expr.kind, text), |alias| alias.node.clone());
                    columns.push(Column { name, span: alias.as_ref().map_or(expr.span, |alias| alias.span), expr: inferred });
                })
            }
        };
        failed = failed.or(added.err());
    }
    failed = failed.or(duplicate(cx, &columns).err());
    match failed {
        Some(reported) => Err(reported),
        None => {
            let fields = columns.iter().map(|column| Field::new(column.name.as_str(), column.expr.data_type().clone())).collect();
            Ok(Outputs { schema: Arc::new(Schema::new(fields)), exprs: columns.into_iter().map(|column| column.expr).collect() })
        }
    }
}

/// A column without alias is named by the column that it is, else by its text.
fn column_name(kind: &ExprKind, text: &str) -> String {
    match kind {
        ExprKind::Path(path) => path.last().map_or_else(|| text.to_owned(), |name| name.node.clone()),
        ExprKind::Field { name, .. } => name.node.clone(),
        _ => text.to_owned(),
    }
}

/// `*`: one object a step variable, a list of objects for a loop variable.
fn all_variables(variables: &Variables<'_>, slots: &mut Slots, span: Span, columns: &mut Vec<Column>) -> Result<(), Reported> {
    for (id, variable) in variables.steps() {
        let Some(input) = variable.input else { return Err(Reported::elsewhere()) };
        let object = DataType::Struct(Arc::from(variables.inputs[input].relation.schema().fields()));
        let expr = if variable.looped {
            slots.read(SlotKind::Events(id), DataType::List(Arc::new(object)))
        } else {
            slots.read(SlotKind::Event(id), object)
        };
        columns.push(Column { name: variable.name.to_string(), span, expr });
    }
    Ok(())
}

/// `v.*`: the columns of v's last event.
fn all_columns(
    cx: &mut Context<'_>,
    variables: &Variables<'_>,
    slots: &mut Slots,
    name: &Name,
    columns: &mut Vec<Column>,
) -> Result<(), Reported> {
    let step = |id: &VariableId| variables.get(*id).kind == VariableKind::Step;
    let Some(id) = variables.find(&name.node).filter(step) else {
        let steps: Vec<&str> = variables.steps().map(|(_, variable)| &*variable.name).collect();
        let (code, text) = match variables.find(&name.node) {
            Some(_) => (codes::NO_EVENT_TO_READ, format!("`{}` takes no event, so it has no columns to select", name.node)),
            None => (codes::UNKNOWN_VARIABLE, format!("`{}` is no variable of this pattern", name.node)),
        };
        let diagnostic = Diagnostic::error(code, name.span, text).did_you_mean(&nearest(&name.node, steps.iter().copied()));
        return Err(cx.error(diagnostic.hint(format!("steps: {}", steps.join(", ")))));
    };
    let Some(input) = variables.get(id).input else { return Err(Reported::elsewhere()) };
    for (column, field) in variables.inputs[input].relation.schema().fields().iter().enumerate() {
        let kind = SlotKind::Column { variables: vec![id], column, base: NavigationBase::Last(0), physical: 0, is_final: false };
        let expr = slots.read(kind, field.data_type.clone());
        columns.push(Column { name: field.name.to_string(), span: name.span, expr });
    }
    Ok(())
}

fn duplicate(cx: &mut Context<'_>, columns: &[Column]) -> Result<(), Reported> {
    let mut first: BTreeMap<&str, Span> = BTreeMap::new();
    let mut told = Ok(());
    for column in columns {
        if let Some(other) = first.insert(&column.name, column.span) {
            let diagnostic = Diagnostic::error(DUPLICATE_OUTPUT, column.span, format!("two output columns are called `{}`", column.name));
            let diagnostic = diagnostic.related(other, "the other one").hint("give one of them another name: `… AS name`");
            told = told.and(Err(cx.error(diagnostic)));
        }
    }
    told
}

/// The columns of a timeout row: those of SELECT, then the step that was waited for.
pub(super) fn timeout_schema(cx: &mut Context<'_>, schema: &Schema, into: &Name) -> Result<Arc<Schema>, Reported> {
    if schema.index_of(STEP_COLUMN).is_some() {
        let text = format!("the rows of `{}` have a column `{STEP_COLUMN}` of their own: the step that was waited for", into.node);
        let diagnostic = Diagnostic::error(DUPLICATE_OUTPUT, into.span, text);
        return Err(cx.error(diagnostic.hint(format!("give the output column `{STEP_COLUMN}` another name"))));
    }
    let mut fields = schema.fields().to_vec();
    fields.push(Field::new(STEP_COLUMN, DataType::String));
    Ok(Arc::new(Schema::new(fields)))
}
