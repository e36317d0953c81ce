//! What a program is, in a few bytes a part: to know whether state was saved by the same one.
//!
//! The fingerprint of a part is a digest of what it does, of its columns, and of the fingerprints of all that it reads: equal fingerprints
//! mean equal rows from equal events. What stands beside it in the program does not matter, nor does how it is written.

use sha2::{Digest, Sha256};

use super::graph::{Edge, LookupTable, Node, OperatorGraph, OperatorSpec, OutputNode};
use super::rules::columns_read;

/// A digest of a part of a program.
pub type Fingerprint = [u8; 16];

/// The fingerprints of the parts of a graph.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fingerprints {
    /// One a source: its columns and how it is read.
    pub sources: Vec<Fingerprint>,
    /// One a node: what it does, and what it reads.
    pub nodes: Vec<Fingerprint>,
    /// One a node: what it does, whatever it reads.
    pub alone: Vec<Fingerprint>,
    /// One an output: its name, its columns and what it reads.
    pub outputs: Vec<Fingerprint>,
}

/// The fingerprints of a graph, where `type_field` says which stream an event is of if the stream does not.
pub fn fingerprints(graph: &OperatorGraph, type_field: &str) -> Fingerprints {
    let sources = graph
        .sources()
        .iter()
        .map(|source| digest(&[format!("{:?} {:?} {:?} {type_field}", source.name, source.schema, Shown(&source.read_as)).as_bytes()]))
        .collect();
    let mut all = Fingerprints { sources, nodes: Vec::new(), alone: Vec::new(), outputs: Vec::new() };
    all.nodes_behind(graph);
    all.outputs = graph.outputs().iter().map(|output| all.of_output(output)).collect();
    all
}

/// The fingerprints of a graph that is another one with nodes behind its own, and outputs among its own, which has these fingerprints. For
/// each output of that one, which it is now.
pub fn fingerprints_behind(before: &Fingerprints, old: &OperatorGraph, graph: &OperatorGraph) -> (Fingerprints, Vec<Option<usize>>) {
    let mut all = before.clone();
    all.nodes_behind(graph);
    let mut now: Vec<Option<usize>> = Vec::with_capacity(old.outputs().len());
    all.outputs.clear();
    for (number, output) in graph.outputs().iter().enumerate() {
        let next = now.len();
        let is_next = old.outputs().get(next).is_some_and(|known| known.edge == output.edge && known.name == output.name);
        let of = if is_next { before.outputs[next] } else { all.of_output(output) };
        if is_next {
            now.push(Some(number));
        }
        all.outputs.push(of);
    }
    now.resize(old.outputs().len(), None);
    (all, now)
}

impl Fingerprints {
    /// Adds those of the nodes that have none yet.
    fn nodes_behind(&mut self, graph: &OperatorGraph) {
        let from = self.nodes.len();
        let tables: Vec<String> =
            graph.tables().iter().map(|table| format!("{:?} {:?} {:?}", table.schema, table.key, table.file)).collect();
        for (node, read) in graph.nodes()[from..].iter().zip(&columns_read(graph, from)) {
            // The columns that it reads: what it holds has nothing in others.
            let own = digest(&[what_it_does(node, &tables).as_bytes(), format!("{:?} {read:?}", node.ports).as_bytes()]);
            let inputs: Vec<Vec<u8>> = node.inputs.iter().map(|&edge| of_edge(edge, &self.sources, &self.nodes)).collect();
            let parts: Vec<&[u8]> = std::iter::once(&own[..]).chain(inputs.iter().map(Vec::as_slice)).collect();
            self.nodes.push(digest(&parts));
            self.alone.push(own);
        }
    }

    fn of_output(&self, output: &OutputNode) -> Fingerprint {
        let OutputNode { name, edge, schema, .. } = output;
        digest(&[format!("{name:?} {schema:?}").as_bytes(), &of_edge(*edge, &self.sources, &self.nodes)])
    }
}

/// How a source is read, but for who gets its late events: that is of no matter to it.
struct Shown<'s>(&'s super::SourceStream);

impl std::fmt::Debug for Shown<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let super::SourceStream { columns, time_column, tie_columns, delay, idle_after, late_into: _, ahead, route } = self.0;
        write!(f, "{columns:?} {time_column:?} {tie_columns:?} {delay:?} {idle_after:?} {ahead:?} {route:?}")
    }
}

/// What a node does; a table by what it is and not by its number.
fn what_it_does(node: &Node, tables: &[String]) -> String {
    match &node.spec {
        OperatorSpec::Lookup { spec, table: LookupTable::File(table) } => format!("{spec:?} {}", tables[*table]),
        spec => format!("{spec:?}"),
    }
}

fn of_edge(edge: Edge, sources: &[Fingerprint], nodes: &[Fingerprint]) -> Vec<u8> {
    let (kind, fingerprint, port) = match edge {
        Edge::Source(id) => (0, &sources[id.0 as usize], 0),
        Edge::Late(id) => (1, &sources[id.0 as usize], 0),
        Edge::Node(id, port) => (2, &nodes[id.0 as usize], port),
    };
    [&[kind][..], fingerprint, &(port as u64).to_le_bytes()].concat()
}

fn digest(parts: &[&[u8]]) -> Fingerprint {
    let mut digest = Sha256::new();
    for part in parts {
        digest.update((part.len() as u64).to_le_bytes());
        digest.update(part);
    }
    let whole: [u8; 32] = digest.finalize().into();
    whole[..16].try_into().expect("sixteen bytes of thirty-two")
}
