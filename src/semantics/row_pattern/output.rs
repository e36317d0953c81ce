//! The columns of a match's rows: partition columns and measures; for ALL ROWS also the ORDER BY columns and the rest of the input.
//!
//! Columns of the input are read as the current row's; measures are everything else, so that an evaluator can tell them apart.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::codes;
use super::names::{Place, RowNames};
use super::variables::RowVariables;
use crate::data::{DataType, Field, Schema};
use crate::expr::Expr;
use crate::semantics::context::{Context, Reported};
use crate::semantics::infer::infer;
use crate::semantics::pattern::Slots;
use crate::spec::SlotKind;
use crate::syntax::ast::{MatchRecognize, RowsPerMatch};
use crate::text::{Diagnostic, Span};

/// The columns behind the result's own that hold the match's bounds, so that a query around it can name them.
pub(crate) const BOUNDS: [&str; 2] = ["START_TIME", "END_TIME"];

/// A column of the input with the place that names it, where one does.
pub(super) type InputColumn = (usize, Option<Span>);

/// The output columns.
#[derive(Debug)]
pub(super) struct Outputs {
    /// One a column.
    pub(super) exprs: Vec<Expr>,
    /// Their names and types.
    pub(super) schema: Arc<Schema>,
    /// How many of them, at the end, are bounds that `*` does not spread.
    pub(super) bounds: usize,
}

#[derive(Default)]
struct Columns {
    exprs: Vec<Expr>,
    fields: Vec<Field>,
    spans: BTreeMap<String, Span>,
    failed: Option<Reported>,
}

impl Columns {
    fn add(&mut self, cx: &mut Context<'_>, name: &str, span: Span, expr: Expr) {
        if let Some(first) = self.spans.get(name) {
            let diagnostic = Diagnostic::error(codes::DUPLICATE_NAME, span, format!("two columns of the result are called `{name}`"));
            let diagnostic = if *first == span { diagnostic } else { diagnostic.related(*first, "the other one") };
            self.failed = Some(cx.error(diagnostic.hint("give the measure another name: `… AS name`")));
            return;
        }
        self.spans.insert(name.to_owned(), span);
        self.fields.push(Field::new(name, expr.data_type().clone()));
        self.exprs.push(expr);
    }
}

/// The columns of the result.
pub(super) fn outputs(
    cx: &mut Context<'_>,
    spec: &MatchRecognize,
    variables: &RowVariables,
    schema: &Schema,
    slots: &mut Slots,
    partition: &[InputColumn],
    order: &[InputColumn],
) -> Result<Outputs, Reported> {
    let all_rows = match spec.rows {
        RowsPerMatch::One => false,
        RowsPerMatch::AllShowEmpty | RowsPerMatch::AllOmitEmpty | RowsPerMatch::AllWithUnmatched => true,
    };
    let mut columns = Columns::default();
    let mut taken = Vec::new();
    let mut input_column = |columns: &mut Columns, cx: &mut Context<'_>, slots: &mut Slots, column: usize, span: Span| {
        if !taken.contains(&column) {
            taken.push(column);
            let field = &schema.fields()[column];
            columns.add(cx, &field.name, span, slots.read(SlotKind::CurrentRow(column), field.data_type.clone()));
        }
    };
    let named = |list: &[InputColumn]| list.iter().map(|(column, span)| (*column, span.unwrap_or(spec.span))).collect::<Vec<_>>();
    for (column, span) in named(partition) {
        input_column(&mut columns, cx, slots, column, span);
    }
    if all_rows {
        for (column, span) in named(order) {
            input_column(&mut columns, cx, slots, column, span);
        }
    }
    let place = if all_rows { Place::RunningMeasure } else { Place::FinalMeasure };
    for (tree, name) in &spec.measures {
        let inferred = infer(cx, &mut RowNames::new(variables, schema, slots, place), tree);
        match (inferred, name) {
            (Ok(expr), Some(name)) => columns.add(cx, &name.node, name.span, expr),
            (Err(reported), Some(_)) => columns.failed = Some(reported),
            (_, None) => {
                let diagnostic = Diagnostic::error(codes::UNNAMED_MEASURE, tree.span, "a measure needs a name");
                columns.failed = Some(cx.error(diagnostic.hint("write `… AS name` behind it")));
            }
        }
    }
    if all_rows {
        for column in 0..schema.len() {
            input_column(&mut columns, cx, slots, column, spec.span);
        }
    }
    finish(columns, slots)
}

fn finish(mut columns: Columns, slots: &mut Slots) -> Result<Outputs, Reported> {
    if let Some(reported) = columns.failed {
        return Err(reported);
    }
    let mut bounds = 0;
    for (name, kind) in BOUNDS.into_iter().zip([SlotKind::StartTime, SlotKind::EndTime]) {
        // A column of the result that is called so hides the bound.
        if !columns.fields.iter().any(|field| &*field.name == name) {
            columns.exprs.push(slots.read(kind, DataType::Timestamp));
            columns.fields.push(Field::new(name, DataType::Timestamp));
            bounds += 1;
        }
    }
    Ok(Outputs { exprs: columns.exprs, schema: Arc::new(Schema::new(columns.fields)), bounds })
}
