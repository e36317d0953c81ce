//! What the planner does to an operator graph, in this order: constants are folded first, so that a filter may turn out to be TRUE; then
//! filters that follow each other become one; then the columns that nobody reads are dropped, down to the decoder, over what is left; and
//! last the events that nobody wants, once it is known who reads what.

mod drop_unwanted;
mod fold_constants;
mod merge_filters;
mod prune_columns;

use super::graph::OperatorGraph;

/// Applies all rules.
pub(super) fn apply(graph: &mut OperatorGraph) {
    fold_constants::apply(graph);
    merge_filters::apply(graph);
    prune_columns::apply(graph);
    drop_unwanted::apply(graph);
}
