//! A graph from which statements are dropped, where others can be added and dropped: the nodes of the others stay as they are.

use std::collections::BTreeSet;

use super::graph::{Edge, OperatorGraph};
use super::{Fingerprint, Fingerprints};
use crate::semantics::{Output, StreamId};
use crate::text::Span;

/// What is dropped from a program, and how the rest is numbered and written then.
pub(crate) struct Dropped<'d> {
    /// The statements, whose streams nobody else feeds or reads.
    pub(crate) statements: &'d BTreeSet<usize>,
    /// The new number of a stream; none of one that goes.
    pub(crate) stream: &'d dyn Fn(StreamId) -> Option<StreamId>,
    /// Where what stays stands then.
    pub(crate) span: &'d dyn Fn(Span) -> Span,
}

impl Dropped<'_> {
    /// The new number of a statement that stays.
    pub(crate) fn number(&self, statement: usize) -> usize {
        statement - self.statements.range(..statement).count()
    }
}

/// A graph without some statements.
#[derive(Debug)]
pub(crate) struct Thinned {
    /// It.
    pub(crate) graph: OperatorGraph,
    /// And its fingerprints.
    pub(crate) fingerprints: Fingerprints,
    /// By node, which it was before.
    pub(crate) nodes: Vec<usize>,
    /// By output of before, which it is now.
    pub(crate) outputs: Vec<Option<usize>>,
}

/// A graph without the nodes and outputs of statements that are dropped.
pub(crate) fn without(before: &OperatorGraph, fingerprints: &Fingerprints, dropped: &Dropped<'_>) -> Thinned {
    let dead: Vec<bool> = before.nodes().iter().map(|node| dropped.statements.contains(&node.statement)).collect();
    let is_gone = |edge: Edge| matches!(edge, Edge::Node(id, _) if dead[id.0 as usize]);
    let mut graph = before.clone();
    let (mut outputs, mut of_outputs): (Vec<Option<usize>>, Vec<Fingerprint>) = (Vec::new(), Vec::new());
    graph.clear_outputs();
    for (output, &of) in before.outputs().iter().zip(&fingerprints.outputs) {
        outputs.push((!is_gone(output.edge)).then_some(graph.outputs().len()));
        if !is_gone(output.edge) {
            let mut output = output.clone();
            output.statement = dropped.number(output.statement);
            graph.add_output(output);
            of_outputs.push(of);
        }
    }
    if let Some(results) = graph.results_mut() {
        results.made.retain(|made| !dropped.statements.contains(&made.statement));
        for made in &mut results.made {
            made.statement = dropped.number(made.statement);
            if let Output::Stream(stream) = made.output {
                made.output = (dropped.stream)(stream).map_or(Output::Unnamed, Output::Stream);
            }
        }
        for edges in [&mut results.streams, &mut results.views] {
            *edges = edges.iter().filter_map(|(&stream, &edge)| Some(((dropped.stream)(stream)?, edge))).collect();
        }
    }
    for source in graph.sources_mut() {
        source.stream = (dropped.stream)(source.stream).unwrap_or(source.stream);
        source.read_as.late_into = source.read_as.late_into.and_then(dropped.stream);
    }
    graph.remove(&dead);
    for index in 0..graph.nodes().len() {
        let node = &graph.nodes()[index];
        let (statement, span) = (dropped.number(node.statement), (dropped.span)(node.span));
        if (node.statement, node.span) != (statement, span) {
            let node = graph.node_mut(index);
            (node.statement, node.span) = (statement, span);
        }
    }
    let kept = |all: &[Fingerprint]| all.iter().zip(&dead).filter(|(_, dead)| !**dead).map(|(of, _)| *of).collect();
    let fingerprints = Fingerprints {
        sources: fingerprints.sources.clone(),
        nodes: kept(&fingerprints.nodes),
        alone: kept(&fingerprints.alone),
        outputs: of_outputs,
    };
    Thinned { graph, fingerprints, nodes: (0..dead.len()).filter(|&node| !dead[node]).collect(), outputs }
}
