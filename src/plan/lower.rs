//! Typed program to operator graph: each statement's stages become nodes, once, however many statements read the stream.
//!
//! Statements are taken in an order in which each stream is complete before it is read; of several that could come next the first in the
//! text. A stream that several statements feed becomes a union for those who read it; where it leaves, each feeder leaves on its own, so
//! that rows come out in the order of the statements.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::columns;
use super::graph::{Edge, LookupTable, Made, OperatorGraph, OperatorSpec, OutputNode, Results, SourceId, SourceNode, TableNode};
use crate::data::Schema;
use crate::semantics::{Input, Output, Program, Query, Stage, Statement, StreamDef, StreamId, Table};
use crate::spec::{EvaluatorChoice, LookupSpec};
use crate::text::Span;

/// Why a program cannot be lowered. The checker refuses such programs; only an unknown `--output` gets as far as this.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum LowerError {
    /// Streams are made of each other.
    Cycle,
    /// No stream of this name can be written.
    UnknownOutput(String),
}

/// Which streams leave the program.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Outputs {
    /// Every unnamed output, and every derived stream that no other statement reads.
    #[default]
    Unread,
    /// The streams of these names.
    Named(Vec<String>),
    /// The streams of these names, and perhaps every unnamed output.
    Chosen(BTreeSet<String>, bool),
}

/// Lowers a program; `open`: to one to which statements may be added later.
pub(super) fn lower(program: &Program, outputs: &Outputs, open: bool) -> Result<OperatorGraph, LowerError> {
    let mut lowering = Lowering::new(program, open);
    lowering.statements(0)?;
    lowering.outputs(outputs)?;
    Ok(lowering.finish())
}

/// Lowers the statements of a program from this one on, which feed no stream of those before, behind the graph of these. They stand behind
/// all others in the order of statements, too.
pub(super) fn lower_behind(graph: OperatorGraph, program: &Program, first: usize, outputs: &Outputs) -> Result<OperatorGraph, LowerError> {
    let mut lowering = Lowering::behind(graph, program, first);
    lowering.statements(first)?;
    lowering.graph.clear_outputs();
    lowering.outputs(outputs)?;
    Ok(lowering.finish())
}

struct Lowering<'p> {
    program: &'p Program,
    graph: OperatorGraph,
    sources: BTreeMap<StreamId, SourceId>,
    /// What statements have made so far, in the order of lowering.
    made: Vec<Made>,
    /// By stream, which of them are its.
    made_of: BTreeMap<StreamId, Vec<usize>>,
    /// Late events: which source's go to which stream.
    late: Vec<(StreamId, SourceId)>,
    /// Streams that have been asked for, so that a union is made once.
    streams: BTreeMap<StreamId, Edge>,
    /// Tables that are read from files.
    tables: BTreeMap<StreamId, usize>,
    /// Views that have been lowered: their changes.
    views: BTreeMap<StreamId, Edge>,
    of: (usize, Span),
    /// Statements may be added later.
    is_open: bool,
    /// By statement, where statements may be added later.
    is_lowered: Vec<bool>,
}

impl<'p> Lowering<'p> {
    fn new(program: &'p Program, is_open: bool) -> Self {
        let mut graph = OperatorGraph::default();
        let mut sources = BTreeMap::new();
        let mut late = Vec::new();
        let mut tables = BTreeMap::new();
        for (index, stream) in program.streams.iter().enumerate() {
            let id = StreamId(u32::try_from(index).expect("a program has less than 2^32 streams"));
            if let Some(Table { key, file: Some(file) }) = &stream.table {
                let (name, schema) = (stream.name.clone(), stream.schema.clone());
                tables.insert(id, graph.add_table(TableNode { name, schema, key: key.clone(), file: file.clone() }));
            }
            let Some(read_as) = &stream.source else { continue };
            let source = graph.add_source(SourceNode {
                stream: id,
                name: stream.name.clone(),
                schema: stream.schema.clone(),
                read_as: read_as.clone(),
                needed: vec![true; stream.schema.len()],
                is_read: false,
                wanted: None,
            });
            sources.insert(id, source);
            late.extend(read_as.late_into.map(|into| (into, source)));
        }
        Self {
            program,
            graph,
            sources,
            made: Vec::new(),
            made_of: BTreeMap::new(),
            late,
            streams: BTreeMap::new(),
            tables,
            views: BTreeMap::new(),
            of: (0, Span::default()),
            is_open,
            is_lowered: vec![false; program.statements.len()],
        }
    }

    /// Goes on behind the graph of the first statements of a program.
    fn behind(graph: OperatorGraph, program: &'p Program, first: usize) -> Self {
        let Results { made, streams, views } = graph.results().cloned().unwrap_or_default();
        let mut made_of: BTreeMap<StreamId, Vec<usize>> = BTreeMap::new();
        for (number, made) in made.iter().enumerate() {
            if let Output::Stream(stream) = made.output {
                made_of.entry(stream).or_default().push(number);
            }
        }
        let sources: BTreeMap<StreamId, SourceId> =
            (0u32..).zip(graph.sources()).map(|(id, source)| (source.stream, SourceId(id))).collect();
        let late = (0u32..).zip(graph.sources()).filter_map(|(id, source)| Some((source.read_as.late_into?, SourceId(id)))).collect();
        let is_file = |(_, stream): &(u32, &StreamDef)| stream.table.as_ref().is_some_and(|table| table.file.is_some());
        let files = (0u32..).zip(&program.streams).filter(is_file);
        let tables = files.enumerate().map(|(number, (id, _))| (StreamId(id), number)).collect();
        let is_lowered = (0..program.statements.len()).map(|statement| statement < first).collect();
        Self { program, graph, sources, made, made_of, late, streams, tables, views, of: (0, Span::default()), is_open: true, is_lowered }
    }

    fn finish(mut self) -> OperatorGraph {
        if self.is_open {
            self.graph.open(Results { made: self.made, streams: self.streams, views: self.views });
        }
        self.graph
    }

    fn statements(&mut self, first: usize) -> Result<(), LowerError> {
        for index in order_of_statements(self.program, first)? {
            self.statement(index, &self.program.statements[index]);
        }
        Ok(())
    }

    fn statement(&mut self, index: usize, statement: &'p Statement) {
        self.of = (index, statement.span);
        let edge = self.query(&statement.query);
        if let Output::Stream(id) = statement.output
            && let StreamDef { name, table: Some(Table { key, .. }), .. } = &self.program.streams[id.0 as usize]
        {
            let ports = vec![self.graph.schema(edge).clone()];
            let view = self.node(vec![edge], OperatorSpec::View { name: name.clone(), key: key.clone() }, ports);
            self.views.insert(id, view);
            return;
        }
        self.made(statement.output, edge, index);
        if let Some(stream) = statement.timeout_into
            && let Some((timeouts, limit)) = self.timeouts_below(edge)
        {
            let timeouts = match limit {
                Some((limited, rows)) => {
                    let schema = self.graph.schema(timeouts).clone();
                    self.node(vec![timeouts, limited], OperatorSpec::Until(rows), vec![schema])
                }
                None => timeouts,
            };
            self.made(Output::Stream(stream), timeouts, index);
        }
        if self.is_open {
            self.unite(index);
        }
    }

    /// Makes the union of a stream that several feed when the last of them is there, read or not: so where it stands in the order of the
    /// operators does not depend on who comes to read it.
    fn unite(&mut self, index: usize) {
        self.is_lowered[index] = true;
        let statements = &self.program.statements;
        for stream in statements[index].feeds() {
            let mut feeders = statements.iter().zip(&self.is_lowered).filter(|(other, _)| other.feeds().any(|fed| fed == stream));
            let is_whole = feeders.all(|(_, is_lowered)| *is_lowered);
            let doors = self.feeders(stream).len() + usize::from(self.sources.contains_key(&stream));
            if is_whole && doors > 1 {
                self.stream(stream);
            }
        }
    }

    fn made(&mut self, output: Output, edge: Edge, statement: usize) {
        if let Output::Stream(stream) = output {
            self.made_of.entry(stream).or_default().push(self.made.len());
        }
        self.made.push(Made { output, edge, statement });
    }

    /// The second port of the pattern that this edge comes from, through whatever stages; and where these end it, its rows and how many.
    fn timeouts_below(&self, mut edge: Edge) -> Option<(Edge, Option<(Edge, u64)>)> {
        let mut limit = None;
        while let Edge::Node(id, _) = edge {
            let node = &self.graph.nodes()[id.0 as usize];
            if matches!(node.spec, OperatorSpec::Pattern { .. }) {
                return (node.ports.len() > 1).then_some((Edge::Node(id, 1), limit));
            }
            if let OperatorSpec::Limit(rows) = node.spec {
                limit = limit.or(Some((edge, rows)));
            }
            edge = *node.inputs.first()?;
        }
        None
    }

    /// The left spine of joins and subqueries is walked in a loop: it is as long as a program likes, while all else nests in parentheses.
    fn query(&mut self, query: &'p Query) -> Edge {
        let mut spine = vec![query];
        let mut edge = loop {
            match &spine[spine.len() - 1].input {
                Input::Query(inner) => spine.push(inner),
                Input::Join { left, .. } | Input::Lookup { left, .. } => spine.push(left),
                Input::Stream(stream) => break self.stream(*stream),
                Input::Pattern { inputs, spec, names } => {
                    let inputs = inputs.iter().map(|q| self.query(q)).collect();
                    let ports = std::iter::once(spec.schema.clone()).chain(spec.timeout.clone()).collect();
                    let spec = OperatorSpec::Pattern { spec: spec.clone(), names: names.clone(), evaluator: EvaluatorChoice::Threads };
                    break self.node(inputs, spec, ports);
                }
            }
        };
        while let Some(query) = spine.pop() {
            if let Input::Join { right, spec, .. } = &query.input {
                let right = self.query(right);
                let schema = columns::of_join(spec.kind, self.graph.schema(edge), self.graph.schema(right));
                edge = self.node(vec![edge, right], OperatorSpec::Join(spec.clone()), vec![schema]);
            }
            if let Input::Lookup { table, spec, .. } = &query.input {
                edge = self.lookup(edge, *table, spec);
            }
            edge = self.stages(query, edge);
        }
        edge
    }

    fn lookup(&mut self, left: Edge, table: StreamId, spec: &LookupSpec) -> Edge {
        let definition = &self.program.streams[table.0 as usize];
        let schema = columns::of_join(spec.kind, self.graph.schema(left), &definition.schema);
        let (inputs, looked_up) = match (self.tables.get(&table), self.views.get(&table)) {
            (Some(&file), _) => (vec![left], LookupTable::File(file)),
            (None, view) => {
                let view = *view.expect("a view is lowered before it is read");
                let key = definition.table.as_ref().map(|t| t.key.clone()).unwrap_or_default();
                (vec![left, view], LookupTable::View { name: definition.name.clone(), key })
            }
        };
        self.node(inputs, OperatorSpec::Lookup { spec: Box::new(spec.clone()), table: looked_up }, vec![schema])
    }

    fn stages(&mut self, query: &'p Query, mut edge: Edge) -> Edge {
        for stage in &query.stages {
            let input = self.graph.schema(edge).clone();
            let (spec, schema) = match stage {
                Stage::Filter(condition) => (OperatorSpec::Filter(condition.clone()), input),
                Stage::Project { exprs, schema } => (OperatorSpec::Project(exprs.clone()), schema.clone()),
                Stage::Window(spec) => (OperatorSpec::Window(spec.clone()), columns::of_window(spec, &input)),
                Stage::TopOfWindow { order, limit, bounds } => {
                    (OperatorSpec::TopOfWindow { order: order.clone(), limit: *limit, bounds: *bounds }, input)
                }
                Stage::Limit(rows) => (OperatorSpec::Limit(*rows), input),
                Stage::Suppress { keys, duration } => {
                    (OperatorSpec::Suppress { keys: keys.clone(), duration: *duration }, columns::with_suppressed(&input))
                }
            };
            edge = self.node(vec![edge], spec, vec![schema]);
        }
        edge
    }

    fn node(&mut self, inputs: Vec<Edge>, spec: OperatorSpec, ports: Vec<Arc<Schema>>) -> Edge {
        Edge::Node(self.graph.add_node(inputs, spec, ports, self.of), 0)
    }

    /// The rows of a stream, all of whose feeders have been lowered.
    fn stream(&mut self, stream: StreamId) -> Edge {
        if let Some(&edge) = self.streams.get(&stream) {
            return edge;
        }
        let feeders: Vec<Edge> = self.feeders(stream).into_iter().map(|(edge, _)| edge).collect();
        let edge = match (self.sources.get(&stream), feeders.as_slice()) {
            (Some(&source), []) => Edge::Source(source),
            (None, [one]) => *one,
            (source, _) => {
                let inputs = source.map(|&id| Edge::Source(id)).into_iter().chain(feeders).collect();
                let schema = self.program.streams[stream.0 as usize].schema.clone();
                self.node(inputs, OperatorSpec::Union, vec![schema])
            }
        };
        self.streams.insert(stream, edge);
        edge
    }

    /// What feeds a stream besides its source, with the statements, in the order of these. Late events come before all of them.
    fn feeders(&self, stream: StreamId) -> Vec<(Edge, usize)> {
        let late = self.late.iter().filter(|(into, _)| *into == stream).map(|&(_, source)| (Edge::Late(source), 0));
        let mut made: Vec<(Edge, usize)> = Vec::new();
        let own = self.made_of.get(&stream).into_iter().flatten().map(|&made| &self.made[made]);
        made.extend(own.map(|m| (m.edge, m.statement)));
        made.sort_by_key(|&(_, statement)| statement);
        late.chain(made).collect()
    }

    fn outputs(&mut self, outputs: &Outputs) -> Result<(), LowerError> {
        if let Outputs::Named(names) = outputs {
            let known = |name: &String| self.program.streams.iter().any(|s| s.table.is_none() && *s.name == **name);
            if let Some(unknown) = names.iter().find(|name| !known(name)) {
                return Err(LowerError::UnknownOutput(unknown.clone()));
            }
        } else if !matches!(outputs, Outputs::Chosen(_, false)) {
            let unnamed: Vec<(Edge, usize)> =
                self.made.iter().filter(|m| m.output == Output::Unnamed).map(|m| (m.edge, m.statement)).collect();
            for (edge, statement) in unnamed {
                self.output(None, edge, statement);
            }
        }
        let read = if *outputs == Outputs::Unread { streams_read(self.program) } else { BTreeSet::new() };
        for (index, stream) in self.program.streams.iter().enumerate() {
            let id = StreamId(u32::try_from(index).expect("a program has less than 2^32 streams"));
            let is_chosen = match outputs {
                Outputs::Unread => stream.source.is_none() && !read.contains(&id),
                Outputs::Named(names) => names.iter().any(|name| **name == *stream.name),
                Outputs::Chosen(names, _) => names.contains(&*stream.name),
            };
            if !is_chosen || stream.table.is_some() {
                continue;
            }
            let source = self.sources.get(&id).map(|&source| (Edge::Source(source), 0));
            for (edge, statement) in source.into_iter().chain(self.feeders(id)).collect::<Vec<_>>() {
                self.output(Some(stream), edge, statement);
            }
        }
        Ok(())
    }

    /// The columns are named as the stream declares them, or as the statement does: inside the graph only positions count.
    fn output(&mut self, stream: Option<&StreamDef>, edge: Edge, statement: usize) {
        // A stream of late events alone has no statement.
        let schema = stream.map_or_else(|| &self.program.statements[statement].query.schema, |s| &s.schema);
        let name = stream.map(|s| s.name.clone());
        self.graph.add_output(OutputNode { name, edge, statement, schema: schema.clone() });
    }
}

/// The streams that some statement reads.
fn streams_read(program: &Program) -> BTreeSet<StreamId> {
    program.statements.iter().flat_map(|s| streams_of(&s.query)).collect()
}

/// The streams and tables that a query reads.
pub fn streams_of(query: &Query) -> Vec<StreamId> {
    let mut found = Vec::new();
    let mut open = vec![query];
    while let Some(query) = open.pop() {
        match &query.input {
            Input::Stream(stream) => found.push(*stream),
            Input::Query(inner) => open.push(inner),
            Input::Join { left, right, .. } => open.extend([&**left, &**right]),
            Input::Lookup { left, table, .. } => {
                found.push(*table);
                open.push(left);
            }
            Input::Pattern { inputs, .. } => open.extend(inputs),
        }
    }
    found
}

/// The statements from this one on, each behind those that feed what it reads; of several that could come next, the first in the text.
fn order_of_statements(program: &Program, first: usize) -> Result<Vec<usize>, LowerError> {
    let statements = &program.statements[first..];
    let mut feeders: BTreeMap<StreamId, Vec<usize>> = BTreeMap::new();
    for (index, statement) in statements.iter().enumerate() {
        for stream in statement.feeds() {
            feeders.entry(stream).or_default().push(index);
        }
    }
    let mut readers: Vec<Vec<usize>> = vec![Vec::new(); statements.len()];
    let mut waits_for = vec![0_usize; statements.len()];
    for (reader, statement) in statements.iter().enumerate() {
        for feeder in streams_of(&statement.query).iter().filter_map(|stream| feeders.get(stream)).flatten() {
            readers[*feeder].push(reader);
            waits_for[reader] += 1;
        }
    }
    let mut ready: BTreeSet<usize> = (0..waits_for.len()).filter(|&s| waits_for[s] == 0).collect();
    let mut order = Vec::with_capacity(waits_for.len());
    while let Some(next) = ready.pop_first() {
        order.push(first + next);
        for &reader in &readers[next] {
            waits_for[reader] -= 1;
            if waits_for[reader] == 0 {
                ready.insert(reader);
            }
        }
    }
    if order.len() == waits_for.len() { Ok(order) } else { Err(LowerError::Cycle) }
}
