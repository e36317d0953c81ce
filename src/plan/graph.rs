//! The operator graph: which operators there are, what feeds what, and what leaves. Built by `lower`, changed by the rules, read by the
//! runtime, which makes it live.
//!
//! An edge leads only to a source or to an earlier node, so the graph is acyclic and the order of the nodes is a topological one. A node's
//! *rank* is its number in that order, from 1: what it derives at a place stands there behind its cause, by rank.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::data::{Duration, Schema};
use crate::expr::Expr;
use crate::semantics::{OrderKey, Output, SourceStream, StreamId, TableFile};
use crate::spec::{CountSpec, EvaluatorChoice, JoinKind, JoinSpec, LookupSpec, PatternSpec, WindowKind, WindowSpec};
use crate::text::Span;

/// The number of a source in the graph.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SourceId(pub u32);

/// The number of a node in the graph.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(pub u32);

/// Where rows come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Edge {
    /// The events of a source, in event-time order.
    Source(SourceId),
    /// The late events of a source, where the watermark stood when they came.
    Late(SourceId),
    /// A port of a node.
    Node(NodeId, usize),
}

/// A source stream.
#[derive(Debug, Clone)]
pub struct SourceNode {
    /// Its number in the program.
    pub stream: StreamId,
    /// Its name.
    pub name: Arc<str>,
    /// Its columns.
    pub schema: Arc<Schema>,
    /// How it is read.
    pub read_as: SourceStream,
    /// Which columns anything looks at.
    pub needed: Vec<bool>,
    /// Whether a node or an output reads it: only then does it hold the watermark back.
    pub is_read: bool,
    /// Nobody wants an event of which this, over its columns, is not true. It makes up no NULLs, and is looked at before events are put in
    /// order.
    pub wanted: Option<Expr>,
}

/// A table that is read from a file.
#[derive(Debug, Clone)]
pub struct TableNode {
    /// Its name.
    pub name: Arc<str>,
    /// Its columns.
    pub schema: Arc<Schema>,
    /// The columns of its primary key, in order.
    pub key: Vec<usize>,
    /// Where its rows are.
    pub file: TableFile,
}

/// What a lookup reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LookupTable {
    /// The file table of this number.
    File(usize),
    /// A view: input 1 has its changes.
    View {
        /// The name of the view.
        name: Arc<str>,
        /// The columns of its key.
        key: Vec<usize>,
    },
}

/// An operator.
#[derive(Debug, Clone)]
pub struct Node {
    /// What it reads.
    pub inputs: Vec<Edge>,
    /// What it does.
    pub spec: OperatorSpec,
    /// Columns of each port.
    pub ports: Vec<Arc<Schema>>,
    /// The statement that it belongs to, from 0 in the order of the text.
    pub statement: usize,
    /// Rows of its ports may be certain later than they stand.
    pub lags: bool,
    /// Where its statement stands.
    pub span: Span,
    /// It can be given the rows that matter to it one by one.
    pub is_choosy: bool,
    /// It shares one look at each event with others, which finds the rows that matter to it.
    pub sharing: Option<Sharing>,
}

/// How an operator that shares its look at events is visited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sharing {
    /// Only where it has rows, or its time has come: nobody reads how far its own rows are complete.
    WhereRowsAre,
    /// In each round.
    InEachRound,
}

/// What an operator does.
#[derive(Debug, Clone)]
pub enum OperatorSpec {
    /// Keeps the rows for which the condition is true.
    Filter(Expr),
    /// Computes columns.
    Project(Vec<Expr>),
    /// Groups and aggregates.
    Window(Box<WindowSpec>),
    /// Joins two inputs.
    Join(Box<JoinSpec>),
    /// Matches a pattern. Port 1, where there is one, has its timeouts.
    Pattern {
        /// What it looks for.
        spec: Arc<PatternSpec>,
        /// The names of the inputs.
        names: Vec<Arc<str>>,
        /// What runs it.
        evaluator: EvaluatorChoice,
    },
    /// Aggregates over the matches of a pattern, by window, without listing them.
    CountMatches {
        /// What it looks for, and what is asked of the matches.
        spec: Box<CountSpec>,
        /// The names of the inputs.
        names: Vec<Arc<str>>,
    },
    /// Orders the rows of each window and keeps the first so many.
    TopOfWindow {
        /// What to order by.
        order: Vec<OrderKey>,
        /// How many stay.
        limit: Option<u64>,
        /// Columns of the window's start and end.
        bounds: (usize, usize),
    },
    /// Ends after so many rows.
    Limit(u64),
    /// The rows of its first input until so many have come by the second: timeouts of a query that has a limit.
    Until(u64),
    /// Holds back rows of equal keys.
    Suppress {
        /// Over the columns of the input.
        keys: Vec<Expr>,
        /// For how long.
        duration: Duration,
    },
    /// The rows of all inputs, in order.
    Union,
    /// Looks rows up in a table.
    Lookup {
        /// How.
        spec: Box<LookupSpec>,
        /// Where.
        table: LookupTable,
    },
    /// Keeps the newest row of each key to be read; its rows go on as they are. The last column says whether the key has a row now.
    View {
        /// Its name.
        name: Arc<str>,
        /// The columns of its key.
        key: Vec<usize>,
    },
}

/// What leaves the program.
#[derive(Debug, Clone)]
pub struct OutputNode {
    /// The stream's name; an unnamed output has none.
    pub name: Option<Arc<str>>,
    /// Where its rows come from.
    pub edge: Edge,
    /// Orders rows that are certain at one moment. (Of one statement, timeouts stand behind matches.)
    pub statement: usize,
    /// Its columns.
    pub schema: Arc<Schema>,
}

/// The operator graph of a program.
#[derive(Debug, Clone, Default)]
pub struct OperatorGraph {
    sources: Vec<SourceNode>,
    tables: Vec<TableNode>,
    nodes: Vec<Arc<Node>>,
    outputs: Vec<OutputNode>,
    /// What statements give, where others may come to read it later.
    results: Option<Results>,
}

/// What the statements of a program give, for those that come later.
#[derive(Debug, Clone, Default)]
pub(super) struct Results {
    /// In the order of lowering.
    pub(super) made: Vec<Made>,
    /// What is read as a stream, where that is known.
    pub(super) streams: BTreeMap<StreamId, Edge>,
    /// What has the changes of a view.
    pub(super) views: BTreeMap<StreamId, Edge>,
}

/// Rows of a statement: where they go, and through which edge.
#[derive(Debug, Clone, Copy)]
pub(super) struct Made {
    pub(super) output: Output,
    pub(super) edge: Edge,
    pub(super) statement: usize,
}

impl Results {
    fn edges_mut(&mut self) -> impl Iterator<Item = &mut Edge> {
        self.made.iter_mut().map(|made| &mut made.edge).chain(self.streams.values_mut()).chain(self.views.values_mut())
    }
}

impl OperatorGraph {
    /// The sources.
    pub fn sources(&self) -> &[SourceNode] {
        &self.sources
    }

    /// The tables that are read from files.
    pub fn tables(&self) -> &[TableNode] {
        &self.tables
    }

    /// The operators in topological order; the rank of each is its index and one.
    pub fn nodes(&self) -> &[Arc<Node>] {
        &self.nodes
    }

    /// What leaves.
    pub fn outputs(&self) -> &[OutputNode] {
        &self.outputs
    }

    /// The columns of an edge.
    pub fn schema(&self, edge: Edge) -> &Arc<Schema> {
        match edge {
            Edge::Source(id) | Edge::Late(id) => &self.sources[id.0 as usize].schema,
            Edge::Node(id, port) => &self.nodes[id.0 as usize].ports[port],
        }
    }

    /// Whether rows of an edge may be certain later than they stand.
    pub fn lags(&self, edge: Edge) -> bool {
        match edge {
            Edge::Source(_) | Edge::Late(_) => false,
            Edge::Node(id, _) => self.nodes[id.0 as usize].lags,
        }
    }

    pub(super) fn add_source(&mut self, source: SourceNode) -> SourceId {
        self.sources.push(source);
        SourceId(number(self.sources.len() - 1))
    }

    pub(super) fn add_table(&mut self, table: TableNode) -> usize {
        self.tables.push(table);
        self.tables.len() - 1
    }

    pub(super) fn add_node(&mut self, inputs: Vec<Edge>, spec: OperatorSpec, ports: Vec<Arc<Schema>>, of: (usize, Span)) -> NodeId {
        for input in &inputs {
            let known = match input {
                Edge::Source(id) | Edge::Late(id) => (id.0 as usize) < self.sources.len(),
                Edge::Node(id, port) => self.nodes.get(id.0 as usize).is_some_and(|n| *port < n.ports.len()),
            };
            assert!(known, "a node reads what stands before it");
        }
        let lags = holds_rows_back(&spec) || inputs.iter().any(|&edge| self.lags(edge));
        self.nodes.push(Arc::new(Node { inputs, spec, ports, statement: of.0, lags, span: of.1, is_choosy: false, sharing: None }));
        NodeId(number(self.nodes.len() - 1))
    }

    pub(super) fn add_output(&mut self, output: OutputNode) {
        self.outputs.push(output);
    }

    pub(super) fn clear_outputs(&mut self) {
        self.outputs.clear();
    }

    /// Whatever statements give may come to be read later, and so may all sources.
    pub(super) fn open(&mut self, results: Results) {
        self.results = Some(results);
    }

    /// Whether statements may be added later.
    pub fn is_open(&self) -> bool {
        self.results.is_some()
    }

    /// What statements give, where others may come to read it later.
    pub(super) fn results(&self) -> Option<&Results> {
        self.results.as_ref()
    }

    pub(super) fn results_mut(&mut self) -> Option<&mut Results> {
        self.results.as_mut()
    }

    /// The edges of what statements give, where others may come to read them later.
    pub(super) fn given(&self) -> impl Iterator<Item = Edge> {
        self.results.iter().flat_map(|results| &results.made).map(|made| made.edge)
    }

    /// How many nodes and outputs read an edge, those that may come later counted as one.
    pub(super) fn readers(&self, edge: Edge) -> usize {
        let nodes = self.nodes.iter().flat_map(|n| &n.inputs).filter(|&&input| input == edge).count();
        let later = self.given().filter(|&given| given == edge).count();
        nodes + self.outputs.iter().filter(|o| o.edge == edge).count() + later
    }

    /// Whoever reads `from` reads `to` instead, which stands before it.
    pub(super) fn redirect(&mut self, from: Edge, to: Edge) {
        for node in self.nodes.iter_mut().filter(|node| node.inputs.contains(&from)) {
            Arc::make_mut(node).inputs.iter_mut().filter(|input| **input == from).for_each(|input| *input = to);
        }
        let others = self.outputs.iter_mut().map(|o| &mut o.edge).chain(self.results.iter_mut().flat_map(Results::edges_mut));
        others.filter(|edge| **edge == from).for_each(|edge| *edge = to);
    }

    /// Removes these nodes, which nobody reads any more, and numbers the others anew.
    pub(super) fn remove(&mut self, dead: &[bool]) {
        let Some(first) = dead.iter().position(|dead| *dead) else { return };
        let mut next = 0;
        let renumbered: Vec<u32> = dead
            .iter()
            .map(|&dead| {
                let id = next;
                next += u32::from(!dead);
                id
            })
            .collect();
        let renumber = |edge: &mut Edge| {
            if let Edge::Node(id, _) = edge {
                debug_assert!(!dead[id.0 as usize], "a node that is read stays");
                *id = NodeId(renumbered[id.0 as usize]);
            }
        };
        let mut index = 0;
        self.nodes.retain(|_| {
            index += 1;
            !dead[index - 1]
        });
        // Nodes before the first that goes read nothing that gets another number.
        self.nodes[first..].iter_mut().flat_map(|node| &mut Arc::make_mut(node).inputs).for_each(renumber);
        self.outputs.iter_mut().map(|o| &mut o.edge).for_each(renumber);
        self.results.iter_mut().flat_map(Results::edges_mut).for_each(renumber);
    }

    /// Finds anew which nodes from this one on lag, after operators have been replaced.
    pub(super) fn settle_lags(&mut self, from: usize) {
        for index in from..self.nodes.len() {
            let lags = holds_rows_back(&self.nodes[index].spec) || self.nodes[index].inputs.iter().any(|&edge| self.lags(edge));
            self.node_mut(index).lags = lags;
        }
    }

    /// Has every column of every source read, for who wants to see events whole.
    pub(crate) fn need_all_columns(&mut self) {
        self.sources.iter_mut().for_each(|source| source.needed.fill(true));
    }

    pub(super) fn sources_mut(&mut self) -> &mut [SourceNode] {
        &mut self.sources
    }

    pub(super) fn node_mut(&mut self, index: usize) -> &mut Node {
        Arc::make_mut(&mut self.nodes[index])
    }

    /// The nodes from this one on.
    pub(super) fn nodes_mut(&mut self, from: usize) -> impl Iterator<Item = &mut Node> {
        self.nodes[from..].iter_mut().map(Arc::make_mut)
    }
}

/// Whether an operator's rows can be certain later than they stand, whatever its inputs do.
fn holds_rows_back(spec: &OperatorSpec) -> bool {
    match spec {
        OperatorSpec::Pattern { .. } => true,
        OperatorSpec::Window(window) => match window.kind {
            WindowKind::Session { .. } => true,
            WindowKind::Running | WindowKind::Hopping { .. } | WindowKind::Sliding(_) | WindowKind::Rows(_) | WindowKind::LastRows(_) => {
                false
            }
        },
        OperatorSpec::Join(join) => match join.kind {
            JoinKind::Inner => false,
            JoinKind::Left | JoinKind::Right | JoinKind::Full | JoinKind::Semi | JoinKind::Anti | JoinKind::AsOf | JoinKind::LeftAsOf => {
                true
            }
        },
        // A row meets a view as it is behind its whole event.
        OperatorSpec::Lookup { table: LookupTable::View { .. }, .. } => true,
        OperatorSpec::Lookup { table: LookupTable::File(_), .. }
        | OperatorSpec::View { .. }
        | OperatorSpec::Filter(_)
        | OperatorSpec::Project(_)
        | OperatorSpec::CountMatches { .. }
        | OperatorSpec::TopOfWindow { .. }
        | OperatorSpec::Limit(_)
        | OperatorSpec::Until(_)
        | OperatorSpec::Suppress { .. }
        | OperatorSpec::Union => false,
    }
}

fn number(index: usize) -> u32 {
    u32::try_from(index).expect("a program has less than 2^32 operators")
}
