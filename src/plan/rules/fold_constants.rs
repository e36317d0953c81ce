//! Works out what does not depend on any row. A part that would make up a NULL (`1 / 0`) stays, so that it is counted row by row.

use std::sync::Arc;

use crate::expr::Expr;
use crate::plan::graph::{OperatorGraph, OperatorSpec};
use crate::spec::{AggregateCall, PatternSpec, WindowOutput};

/// Applies the rule to the nodes from this one on.
pub(super) fn apply(graph: &mut OperatorGraph, from: usize) {
    for node in graph.nodes_mut(from) {
        match &mut node.spec {
            OperatorSpec::Filter(condition) => fold(condition),
            OperatorSpec::Project(exprs) => exprs.iter_mut().for_each(fold),
            OperatorSpec::Window(spec) => {
                spec.keys.iter_mut().for_each(fold);
                match &mut spec.output {
                    WindowOutput::Aggregates(calls) => calls.iter_mut().for_each(fold_aggregate),
                    WindowOutput::Rows => {}
                }
            }
            OperatorSpec::Join(spec) => {
                let keys = spec.left_keys.iter_mut().chain(&mut spec.right_keys);
                keys.chain(&mut spec.residual).for_each(fold);
            }
            OperatorSpec::Pattern { spec, .. } => fold_pattern(spec),
            // Windows take the place of patterns later, and their parts have been folded by then.
            OperatorSpec::CountMatches { .. } => {}
            OperatorSpec::TopOfWindow { order, .. } => order.iter_mut().for_each(|key| fold(&mut key.expr)),
            OperatorSpec::Suppress { keys, .. } => keys.iter_mut().for_each(fold),
            OperatorSpec::Lookup { spec, .. } => {
                let keys = spec.left_keys.iter_mut().chain(&mut spec.right_keys);
                keys.chain(&mut spec.residual).for_each(fold);
            }
            OperatorSpec::Limit(_) | OperatorSpec::Until(_) | OperatorSpec::Union | OperatorSpec::View { .. } => {}
        }
    }
}

fn fold(expr: &mut Expr) {
    *expr = expr.fold();
}

fn fold_aggregate(call: &mut AggregateCall) {
    call.args.iter_mut().chain(&mut call.filter).for_each(fold);
}

/// A pattern of which nothing folds stays shared with the program.
fn fold_pattern(shared: &mut Arc<PatternSpec>) {
    let mut spec = PatternSpec::clone(shared);
    if fold_parts(&mut spec) {
        *shared = Arc::new(spec);
    }
}

/// Folds; gives whether that changed anything.
fn fold_parts(spec: &mut PatternSpec) -> bool {
    let of_variables = spec.variables.iter_mut().flat_map(|v| v.checks.iter_mut().chain(&mut v.checks_after_first));
    let late = spec.late_checks.iter_mut().map(|check| &mut check.condition);
    let keys = spec.partition.by_input.iter_mut().flatten();
    let mut changed = false;
    for expr in of_variables.chain(late).chain(keys).chain(&mut spec.having).chain(&mut spec.outputs) {
        let folded = expr.fold();
        if folded != *expr {
            *expr = folded;
            changed = true;
        }
    }
    changed
}
