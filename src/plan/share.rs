//! Many operators on the same streams share one look at each event.
//!
//! Patterns for which only events count that fit one of their variables, and filters behind which nothing but columns and the way out
//! stand, can be given the rows that matter to them by one table of all their terms. With a handful of operators it is quicker to let each
//! look at whole columns; from [`MANY`] on they share.

use super::graph::{Edge, OperatorGraph, OperatorSpec, Sharing};
use crate::spec::{EvaluatorChoice, attention};

/// From so many operators on they share.
const MANY: usize = 8;

/// Finds which operators from this one on can share, and marks all that do, if there are many.
pub(super) fn apply(graph: &mut OperatorGraph, from: usize) {
    for node in graph.nodes_mut(from) {
        node.is_choosy = match &node.spec {
            OperatorSpec::Filter(_) => true,
            OperatorSpec::Pattern { spec, evaluator, .. } => takes_chosen_rows(evaluator) && attention(spec).is_some(),
            _ => false,
        };
    }
    let ends = ends_of(graph);
    let mut is_prompt: Vec<bool> = Vec::with_capacity(ends.len());
    let mut sharing: Vec<Option<Sharing>> = Vec::with_capacity(ends.len());
    for (index, node) in graph.nodes().iter().enumerate() {
        let reads_prompt = node.inputs.iter().all(|edge| match edge {
            Edge::Source(_) | Edge::Late(_) => true,
            Edge::Node(id, _) => is_prompt[id.0 as usize],
        });
        let shares = match &node.spec {
            OperatorSpec::Filter(_) if ends[index] => Some(Sharing::WhereRowsAre),
            OperatorSpec::Pattern { .. } if node.is_choosy => Some(if ends[index] { Sharing::WhereRowsAre } else { Sharing::InEachRound }),
            _ => None,
        };
        let shares = shares.filter(|_| reads_prompt);
        let is_transform = matches!(node.spec, OperatorSpec::Filter(_) | OperatorSpec::Project(_) | OperatorSpec::Limit(_));
        is_prompt.push(is_transform && reads_prompt && shares.is_none());
        sharing.push(shares);
    }
    let are_many = sharing.iter().flatten().count() >= MANY;
    for (index, sharing) in sharing.into_iter().enumerate() {
        let sharing = sharing.filter(|_| are_many);
        if graph.nodes()[index].sharing != sharing {
            graph.node_mut(index).sharing = sharing;
        }
    }
}

/// Whether the operator of this evaluator can be given rows one by one, with what is known of its terms.
fn takes_chosen_rows(evaluator: &EvaluatorChoice) -> bool {
    match evaluator {
        EvaluatorChoice::RankColumns(_) | EvaluatorChoice::StepLists(_) | EvaluatorChoice::FlatThreads | EvaluatorChoice::Threads => true,
        // They look at whole columns.
        EvaluatorChoice::WayColumns => false,
    }
}

/// Of each operator, whether nothing stands behind it but columns, limits and the way out: nobody reads how far its rows are complete.
fn ends_of(graph: &OperatorGraph) -> Vec<bool> {
    let mut ends = vec![true; graph.nodes().len()];
    for (index, node) in graph.nodes().iter().enumerate().rev() {
        let passes = match node.spec {
            OperatorSpec::Filter(_) | OperatorSpec::Project(_) | OperatorSpec::Limit(_) | OperatorSpec::TopOfWindow { .. } => ends[index],
            OperatorSpec::Window(_)
            | OperatorSpec::Join(_)
            | OperatorSpec::Pattern { .. }
            | OperatorSpec::CountMatches { .. }
            | OperatorSpec::Suppress { .. }
            | OperatorSpec::Until(_)
            | OperatorSpec::Union
            | OperatorSpec::Lookup { .. }
            | OperatorSpec::View { .. } => false,
        };
        for edge in &node.inputs {
            if let Edge::Node(id, _) = edge {
                ends[id.0 as usize] &= passes;
            }
        }
    }
    ends
}
