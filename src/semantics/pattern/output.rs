//! SELECT of FROM PATTERN: one expression over the finished match a column, and the columns' names.

use std::sync::Arc;

use super::codes;
use super::names::{PatternNames, Place, SharedColumns};
use super::slots::Slots;
use super::variables::Variables;
use crate::data::{DataType, Field, Schema};
use crate::semantics::codes::DUPLICATE_OUTPUT;
use crate::semantics::context::{Context, Reported};
use crate::semantics::infer::infer;
use crate::semantics::select::{Columns, Outputs, output_name};
use crate::spec::{NavigationBase, SlotKind, VariableId, VariableKind};
use crate::syntax::ast::{Name, SelectItem};
use crate::text::{Diagnostic, Span, nearest};

/// The name of the column of a timeout row that says what was waited for.
pub(super) const STEP_COLUMN: &str = "step";

/// The columns of SELECT.
pub(super) fn outputs(
    cx: &mut Context<'_>,
    variables: &Variables<'_>,
    slots: &mut Slots,
    shared: &SharedColumns,
    items: &[SelectItem],
) -> Result<Outputs, Reported> {
    let mut columns = Columns::default();
    for item in items {
        let added = match item {
            SelectItem::All(span) => all_variables(cx, variables, slots, *span, &mut columns),
            SelectItem::AllOf(name) => all_columns(cx, variables, slots, name, &mut columns),
            SelectItem::Expr { expr, alias, text } => {
                let mut names = PatternNames::new(variables, slots, shared, Place::Select);
                infer(cx, &mut names, expr).map(|inferred| {
                    let span = alias.as_ref().map_or(expr.span, |alias| alias.span);
                    columns.add(cx, output_name(expr, alias.as_ref(), text), inferred, span, false);
                })
            }
        };
        columns.failed = columns.failed.or(added.err());
    }
    columns.finish()
}

/// `*`: one object a step variable, a list of objects for a loop variable.
fn all_variables(
    cx: &mut Context<'_>,
    variables: &Variables<'_>,
    slots: &mut Slots,
    span: Span,
    columns: &mut Columns,
) -> Result<(), Reported> {
    for (id, variable) in variables.steps() {
        let Some(input) = variable.input else { return Err(Reported::elsewhere()) };
        let object = DataType::Struct(Arc::from(variables.inputs[input].relation.schema().fields()));
        let expr = if variable.looped {
            slots.read(SlotKind::Events(id), DataType::List(Arc::new(object)))
        } else {
            slots.read(SlotKind::Event(id), object)
        };
        columns.add(cx, variable.name.to_string(), expr, span, true);
    }
    Ok(())
}

/// `v.*`: the columns of v's last event.
fn all_columns(
    cx: &mut Context<'_>,
    variables: &Variables<'_>,
    slots: &mut Slots,
    name: &Name,
    columns: &mut Columns,
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
        columns.add(cx, field.name.to_string(), expr, name.span, true);
    }
    Ok(())
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
