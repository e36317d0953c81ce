//! FROM PATTERN: the tree of a query to the spec of its pattern.
//!
//! `tree` lowers the pattern and finds its variables, `terms` gives each term of WHERE to the variable that checks it, `names` says what
//! names mean, `partition`, `clauses` and `output` do the rest. What is told of state and waiting stands in `lasting`.

mod aggregate;
mod clauses;
mod codes;
mod lasting;
mod names;
mod never;
mod output;
mod partition;
mod shape;
mod slots;
mod terms;
mod tree;
mod variables;

use std::sync::Arc;

pub(crate) use aggregate::{build as build_aggregate, offset as navigation_offset};
pub(crate) use clauses::within;
pub use codes::PATTERN_CODES;
pub(crate) use codes::codes as code_table;
pub(crate) use shape::{can_be_later, matches_empty};
pub(crate) use slots::Slots;
pub(crate) use tree::check_quantifier;

use self::names::{PatternNames, Place};
use self::variables::{Variable, Variables};
use super::context::{Context, Relation, Reported};
use super::infer::condition;
use super::typed::{Input, Query};
use crate::expr::Expr;
use crate::spec::{PatternSpec, RowOutput, SlotKind, VariableSpec};
use crate::syntax::ast;

/// The query of a pattern: its rows are the output columns. LIMIT (without PER PARTITION), SUPPRESS and where the timeout rows go are left
/// to the caller; their columns are the spec's `timeout`.
pub(crate) fn check(cx: &mut Context<'_>, query: &ast::Query, pattern: &ast::Pattern) -> Result<Relation, Reported> {
    let timeout_checked = clauses::check_timeout(cx, query);
    let within = clauses::within(cx, query.within.as_ref());
    let runs = clauses::runs(cx, query.runs.as_ref());
    let keys = clauses::keys(cx, query);
    let limit_per_partition = clauses::limit_per_partition(cx, query.limit.as_ref());
    let tree::Lowered { root, variables, mode } = tree::lower(cx, query, pattern)?;
    let always = shape::always_taken(&root);
    let mut slots = Slots::default();
    let (partition, shared) = match partition::partition(cx, &variables, &always, query.partition_by.as_ref()) {
        Ok((keys, shared)) => (Ok(keys), shared),
        Err(reported) => (Err(reported), Default::default()),
    };
    let placed = terms::place(cx, &variables, &mut slots, &shared, query.filter.as_ref());
    let having = query.having.as_ref().map(|tree| {
        let mut names = PatternNames::new(&variables, &mut slots, &shared, Place::Having).with_items_of(query);
        condition(cx, &mut names, tree, "HAVING")
    });
    let outputs = output::outputs(cx, &variables, &mut slots, &shared, &query.items);
    let after_match = clauses::after_match(cx, &variables, query.after_match.as_ref());
    let timeout = match (&query.timeout_into, &outputs) {
        (Some(into), Ok(outputs)) => output::timeout_schema(cx, &outputs.schema, into).map(Some),
        (Some(_) | None, _) => Ok(None),
    };
    timeout_checked?;
    let (within, runs, placed, outputs) = (within?, runs?, placed?, outputs?);
    lasting::tell(cx, &lasting::Lasting { root: &root, mode, within, runs, span: pattern.span })?;
    let names = variables.inputs.iter().map(|input| Arc::from(input.name.as_str())).collect();
    let inputs: Vec<Query> = variables.inputs.iter().map(|input| input.relation.query.clone()).collect();
    let spec = PatternSpec {
        mode,
        variables: variable_specs(&variables, placed.checks, placed.after_first)?,
        inputs: inputs.iter().map(|input| input.schema.clone()).collect(),
        root,
        slots: slots.into_table(),
        late_checks: placed.late,
        partition: partition?,
        within,
        having: having.transpose()?,
        after_match: after_match?,
        runs,
        keys: keys?,
        limit_per_partition: limit_per_partition?,
        rows: RowOutput::OnePerMatch,
        outputs: outputs.exprs,
        schema: outputs.schema.clone(),
        timeout: timeout?,
        tie_order: Vec::new(),
    };
    let is_end = |expr: &Expr| expr.as_slot().is_some_and(|slot| matches!(spec.slots[slot.0 as usize].kind, SlotKind::EndTime));
    let time_columns = spec.outputs.iter().enumerate().filter(|(_, expr)| is_end(expr)).map(|(index, _)| index).collect();
    let input = Input::Pattern { inputs, spec: Arc::new(spec), names };
    Ok(Relation { query: Query { input, stages: Vec::new(), schema: outputs.schema }, time_columns })
}

fn variable_specs(variables: &Variables<'_>, checks: Vec<Vec<Expr>>, after_first: Vec<Vec<Expr>>) -> Result<Vec<VariableSpec>, Reported> {
    let one = |((variable, checks), checks_after_first): ((&Variable<'_>, _), _)| {
        Ok(VariableSpec {
            name: variable.name.clone(),
            input: variable.input.ok_or_else(Reported::elsewhere)?,
            kind: variable.kind,
            looped: variable.looped,
            checks,
            checks_after_first,
        })
    };
    variables.all.iter().zip(checks).zip(after_first).map(one).collect()
}
