//! What the planner does to an operator graph, in this order: constants are folded first, so that a filter may turn out to be TRUE; then
//! filters that follow each other become one; then windows over matches take the place of their patterns; then the columns that nobody
//! reads are dropped, down to the decoder, over what is left; and last the events that nobody wants, once it is known who reads what.

mod count_matches;
mod drop_unwanted;
mod fold_constants;
mod merge_filters;
mod prune_columns;

pub(super) use prune_columns::columns_read;

use super::graph::OperatorGraph;

/// Applies all rules to the nodes from this one on, before which none has a use for another reader; `general`: patterns list their matches,
/// whatever is asked of them.
pub(super) fn apply(graph: &mut OperatorGraph, from: usize, general: bool) {
    fold_constants::apply(graph, from);
    merge_filters::apply(graph, from);
    if !general {
        count_matches::apply(graph, from);
    }
    prune_columns::apply(graph, from);
    drop_unwanted::apply(graph);
}
