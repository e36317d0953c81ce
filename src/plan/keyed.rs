//! Which operators keep state that belongs to no key: a program without them can be cut by keys.

use super::graph::{LookupTable, Node, OperatorGraph, OperatorSpec};

/// The statements of operators whose state belongs to no key.
pub fn statements_without_key(graph: &OperatorGraph) -> Vec<usize> {
    let mut found: Vec<usize> = graph.nodes().iter().filter(|node| !is_keyed(node)).map(|node| node.statement).collect();
    found.dedup();
    found
}

/// Whether all that an operator keeps belongs to keys, or it keeps nothing.
fn is_keyed(node: &Node) -> bool {
    match &node.spec {
        // LIMIT: patterns that share one look at each event (eight and more) are not put together again.
        OperatorSpec::Pattern { .. } if node.sharing.is_some() => false,
        OperatorSpec::Filter(_)
        | OperatorSpec::Project(_)
        | OperatorSpec::Union
        | OperatorSpec::Lookup { table: LookupTable::File(_), .. } => true,
        OperatorSpec::Window(spec) => !spec.keys.is_empty(),
        OperatorSpec::Join(spec) => !spec.left_keys.is_empty(),
        OperatorSpec::Suppress { keys, .. } => !keys.is_empty(),
        OperatorSpec::View { key, .. } => !key.is_empty(),
        OperatorSpec::Pattern { spec, .. } => {
            let keys = &spec.partition.by_input;
            !keys.is_empty() && keys.iter().all(|keys| !keys.is_empty())
        }
        // What a slice has come to, the rows of a window side by side, a count of rows, a view that is read by another key.
        OperatorSpec::CountMatches { .. }
        | OperatorSpec::TopOfWindow { .. }
        | OperatorSpec::Limit(_)
        | OperatorSpec::Until(_)
        | OperatorSpec::Lookup { table: LookupTable::View { .. }, .. } => false,
    }
}
