//! A filter that reads nothing but another filter, which nobody else reads, takes its condition over; a filter that keeps every row goes.
//!
//! The conditions stay in their order: the first one may guard the second.

use crate::expr::Expr;
use crate::plan::graph::{Edge, NodeId, OperatorGraph, OperatorSpec};

/// Applies the rule to the nodes from this one on.
pub(super) fn apply(graph: &mut OperatorGraph, from: usize) {
    let mut dead = vec![false; graph.nodes().len()];
    for index in from..graph.nodes().len() {
        let OperatorSpec::Filter(condition) = &graph.nodes()[index].spec else { continue };
        let input = graph.nodes()[index].inputs[0];
        if condition.as_literal().is_some_and(crate::data::Value::is_true) {
            graph.redirect(Edge::Node(id(index), 0), input);
            dead[index] = true;
            continue;
        }
        let Edge::Node(first, _) = input else { continue };
        let OperatorSpec::Filter(before) = &graph.nodes()[first.0 as usize].spec else { continue };
        if graph.readers(input) != 1 {
            continue;
        }
        let Ok(both) = Expr::and(vec![before.clone(), condition.clone()]) else { continue };
        let beyond = graph.nodes()[first.0 as usize].inputs[0];
        let node = graph.node_mut(index);
        node.spec = OperatorSpec::Filter(both);
        node.inputs = vec![beyond];
        dead[first.0 as usize] = true;
    }
    graph.remove(&dead);
}

fn id(index: usize) -> NodeId {
    NodeId(u32::try_from(index).expect("a program has less than 2^32 operators"))
}
