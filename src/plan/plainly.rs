//! The same program without what makes it quick: for who wants to see every row come to every operator.

use super::graph::{OperatorGraph, OperatorSpec};
use crate::spec::EvaluatorChoice;

/// The same operators under the same numbers, with the same rows: patterns are run by the general evaluator, each operator looks at events by
/// itself, and no event is dropped before it comes to who does not want it. `change` may put in other expressions that mean the same.
pub(crate) fn plainly(graph: &OperatorGraph, change: &mut dyn FnMut(usize, &mut OperatorSpec)) -> OperatorGraph {
    let mut graph = graph.clone();
    graph.sources_mut().iter_mut().for_each(|source| source.wanted = None);
    for (index, node) in graph.nodes_mut(0).enumerate() {
        node.sharing = None;
        if let OperatorSpec::Pattern { evaluator, .. } = &mut node.spec {
            *evaluator = EvaluatorChoice::Threads;
        }
        change(index, &mut node.spec);
    }
    graph
}
