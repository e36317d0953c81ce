//! Operator graph to running program: the only file that knows both planned and live operators.

use std::path::PathBuf;
use std::sync::Arc;

use super::decoders::Decoders;
use super::limits::Limits;
use super::pipeline::{Counts, Exit, Feed, Pipeline, Stage, Work};
use super::running::{RunOptions, Running};
use super::selective::{Candidate, Selective, Selector, Slot};
use super::shards::{Make, Pool, Sharded, Workers};
use super::tables::{TableSource, Tables, resolved};
use super::view::View;
use crate::codec::json::JsonDecoder;
use crate::codec::{ColumnSpec, Condition, Limits as LineLimits, Route as DecoderRoute, SourceSpec, TableSpec, TimeFormat};
use crate::connect::TableFileFormat;
use crate::data::{Allowance, Duration, Schema, Value};
use crate::expr::{EvalContext, Expr, Row, SlotId};
use crate::operators::{
    Filter, FlatSequence, Limit, Lookup, MatchCounts, NewestRows, Operator, Project, RankSequence, Reader, Reorder, Sequence, SharedTable,
    StepSequence, StreamTiming, Suppress, TopOfWindow, Until, ViewLookup, WaySequence, join, window,
};
use crate::plan::{
    Edge, LookupTable, Node, OperatorGraph, OperatorSpec, OutputNode, Route, Sharing, SourceColumn, SourceNode, TableFormat, TableNode,
    Threads,
};
use crate::spec::{Attention, EvaluatorChoice, PatternSpec, Wanted, attention};

/// How far an event may be ahead of the arrival clock where its stream does not say and the input is live.
const AHEAD_OF_LIVE: Duration = Duration::from_millis(5 * 60 * 1000);

/// What a graph is assembled with besides how it is run.
#[derive(Debug, Clone)]
pub struct AssembleOptions {
    /// The path of the field that says which stream an event is of, where the stream does not say.
    pub type_field: Vec<String>,
    /// The input never ends.
    pub endless: bool,
    /// All events wait for the end of input.
    pub whole_input: bool,
    /// Where relative paths of tables start from; without it, the working directory.
    pub folder: Option<PathBuf>,
}

/// Makes a graph live.
pub fn assemble(graph: &OperatorGraph, options: &AssembleOptions, run: RunOptions) -> Running {
    let timings = graph.sources().iter().enumerate().map(|(index, source)| {
        let keeps_late = edges(graph).any(|edge| matches!(edge, Edge::Late(id) if id.0 as usize == index));
        timing(source, options, keeps_late)
    });
    let reorder = Reorder::new(timings.collect(), run.limits.waiting_events).letting_go(run.limits.round());
    let tables: Vec<TableSource> = graph.tables().iter().map(|table| table_source(table, options)).collect();
    let ranks: Vec<u32> = (0..graph.nodes().len()).map(rank_of).collect();
    let workers = Workers { pool: Arc::new(Pool::new(run.threads)), hand_over_from: run.hand_over_from };
    let pipeline = pipeline(&Parts { graph, ranks: &ranks, tables: &tables, run: &run, workers: &workers, views: &|_| None });
    let decoder = || decoder(graph, options, &run);
    let decoders = (run.threads > 1).then(|| Decoders::new(decoder(), (1..run.threads).map(|_| decoder()).collect()));
    Running::new(decoder(), decoders, reorder, pipeline, Tables::new(tables), (run, workers))
}

/// A decoder of the source streams.
fn decoder(graph: &OperatorGraph, options: &AssembleOptions, run: &RunOptions) -> JsonDecoder {
    let specs: Vec<SourceSpec> = graph.sources().iter().map(|source| source_spec(source, options)).collect();
    let takes_all = matches!(specs.as_slice(), [SourceSpec { route: DecoderRoute::All, .. }]);
    let names_the_type = specs.iter().flat_map(|s| &s.columns).any(|column| column.path == options.type_field);
    let decoder = JsonDecoder::new(specs, line_limits(run));
    if takes_all && !names_the_type { decoder.watching(&options.type_field) } else { decoder }
}

/// What the operators of a graph are made live with.
pub(super) struct Parts<'p> {
    pub(super) graph: &'p OperatorGraph,
    /// The rank of each node: they rise from what is read to who reads it.
    pub(super) ranks: &'p [u32],
    pub(super) tables: &'p [TableSource],
    pub(super) run: &'p RunOptions,
    /// What operators that are cut by their keys are made with.
    pub(super) workers: &'p Workers,
    /// The rows that the view has which this node looks rows up in, where it has been there before.
    pub(super) views: &'p dyn Fn(usize) -> Option<NewestRows>,
}

/// Makes the operators of a graph live.
pub(super) fn pipeline(parts: &Parts<'_>) -> Pipeline {
    let graph = parts.graph;
    let (selector, slots) = selector(graph);
    let stages = graph.nodes().iter().enumerate().map(|(index, node)| stage(parts, index, node, slots[index])).collect();
    let exits = graph.outputs().iter().map(|output| Exit { feed: feed(output.edge), statement: order_of(graph, output) }).collect();
    Pipeline::new(stages, exits, selector, &parts.run.limits)
}

/// Orders rows of one moment by their statements. Where the first statement may be dropped, what no statement makes stands before all.
fn order_of(graph: &OperatorGraph, output: &OutputNode) -> usize {
    match output.edge {
        Edge::Node(..) => output.statement + usize::from(graph.is_open()),
        Edge::Source(_) | Edge::Late(_) => 0,
    }
}

/// The decoder's caps.
pub(super) fn line_limits(run: &RunOptions) -> LineLimits {
    LineLimits { max_line: run.max_line, ..LineLimits::default() }
}

fn edges(graph: &OperatorGraph) -> impl Iterator<Item = Edge> {
    graph.nodes().iter().flat_map(|n| n.inputs.iter().copied()).chain(graph.outputs().iter().map(|o| o.edge))
}

fn feed(edge: Edge) -> Feed {
    match edge {
        Edge::Source(id) => Feed::Source(id.0 as usize),
        Edge::Late(id) => Feed::Late(id.0 as usize),
        Edge::Node(id, port) => Feed::Port { stage: id.0 as usize, port },
    }
}

/// What finds the rows of the operators that share their look at events, if any do; and where each of them stands there.
fn selector(graph: &OperatorGraph) -> (Option<Selector>, Vec<Option<Slot>>) {
    let mut slots: Vec<Option<Slot>> = vec![None; graph.nodes().len()];
    let sharing = graph.nodes().iter().enumerate().filter_map(|(index, node)| Some((index, node, node.sharing?)));
    let candidates: Vec<Candidate> = sharing
        .filter_map(|(stage, node, sharing)| {
            let feeds = node.inputs.iter().map(|&edge| feed(edge)).collect();
            Some(Candidate { stage, feeds, reader: reader(node)?, is_lazy: sharing == Sharing::WhereRowsAre })
        })
        .collect();
    if candidates.is_empty() {
        return (None, slots);
    }
    let (selector, taken) = Selector::new(candidates);
    taken.into_iter().for_each(|slot| slots[slot.stage] = Some(slot));
    (Some(selector), slots)
}

/// What an operator looks at.
fn reader(node: &Node) -> Option<Reader> {
    let (attention, keys) = match &node.spec {
        OperatorSpec::Filter(condition) => {
            let wanted = vec![Wanted { input: 0, terms: vec![condition.clone()] }];
            (Attention { wanted, opening: u64::MAX, within: None }, Vec::new())
        }
        OperatorSpec::Pattern { spec, .. } => (attention(spec)?, spec.partition.by_input.clone()),
        _ => return None,
    };
    Some(Reader { edges: Vec::new(), attention, keys })
}

fn stage(parts: &Parts<'_>, index: usize, node: &Node, slot: Option<Slot>) -> Stage {
    let rank = parts.ranks[index];
    let feeds = node.inputs.iter().map(|&edge| feed(edge)).collect();
    let (kind, work) = match (slot, &node.spec) {
        (Some(slot), OperatorSpec::Filter(_)) => ("filter", Work::Selective(Box::new(Selective::filter(slot, node.ports[0].clone())))),
        (Some(slot), OperatorSpec::Pattern { spec, evaluator, .. }) => {
            let planned = PlannedPattern {
                spec: spec.clone(),
                evaluator: evaluator.clone(),
                limits: parts.run.limits,
                rank,
                ports: node.ports.clone(),
            };
            ("pattern", Work::Selective(Box::new(Selective::pattern(slot, planned))))
        }
        _ => work(parts, index, node),
    };
    let name = format!("{} {kind}", index + 1);
    Stage { name, rank, statement: node.statement, ports: node.ports.clone(), feeds, work, counts: Counts::default() }
}

fn work(parts: &Parts<'_>, index: usize, node: &Node) -> (&'static str, Work) {
    let Parts { graph, ranks, tables, run, views, .. } = *parts;
    let rank = ranks[index];
    let schema = node.ports[0].clone();
    let inputs: Vec<Arc<Schema>> = node.inputs.iter().map(|&edge| graph.schema(edge).clone()).collect();
    let lags = node.inputs.iter().any(|&edge| graph.lags(edge));
    // To a pattern each derived row is an event by itself, whichever input it comes by.
    let first_of = |(at, edge): (usize, &Edge)| match node.spec {
        OperatorSpec::Join(_) => node.inputs.iter().position(|other| other == edge).unwrap_or(at),
        _ => at,
    };
    let edges: Vec<usize> = node.inputs.iter().enumerate().map(first_of).collect();
    let allowance = match &node.spec {
        OperatorSpec::Pattern { spec, .. } => run.limits.allowance_of(spec),
        _ => run.limits.allowance(),
    };
    let stateful = |operator| Work::operator(operator, rank, (inputs.clone(), edges.clone(), lags), node.ports.clone(), allowance);
    let keyed = |make: Make| stateful(shards_of(parts, node, rank, make));
    match &node.spec {
        OperatorSpec::Filter(condition) => ("filter", Work::Transform(Box::new(Filter::new(condition.clone())), schema)),
        OperatorSpec::Project(exprs) => ("project", Work::Transform(Box::new(Project::new(exprs.clone(), schema.clone())), schema)),
        OperatorSpec::Limit(rows) => ("limit", Work::Transform(Box::new(Limit::new(*rows)), schema)),
        OperatorSpec::Until(rows) => ("until", Work::Transform(Box::new(Until::new(*rows)), schema)),
        OperatorSpec::TopOfWindow { order, limit, bounds } => {
            ("top of window", Work::Transform(Box::new(TopOfWindow::new(order.clone(), *limit, *bounds)), schema))
        }
        OperatorSpec::Window(spec) => {
            let spec = spec.clone();
            ("window", keyed(Box::new(move || window::new(&spec))))
        }
        OperatorSpec::Join(spec) => {
            let (spec, left, right) = (spec.clone(), inputs[0].clone(), inputs[1].clone());
            ("join", keyed(Box::new(move || join::new((*spec).clone(), &left, &right))))
        }
        OperatorSpec::Suppress { keys, duration } => {
            let (keys, duration) = (keys.clone(), *duration);
            ("suppress", keyed(Box::new(move || Box::new(Suppress::new(keys.clone(), duration)))))
        }
        OperatorSpec::Lookup { spec, table: LookupTable::File(table) } => {
            ("lookup", stateful(Box::new(Lookup::new((**spec).clone(), tables[*table].shared.clone()))))
        }
        OperatorSpec::Lookup { spec, table: LookupTable::View { key, .. } } => {
            ("lookup", stateful(Box::new(ViewLookup::new((**spec).clone(), key.clone(), views(index)))))
        }
        OperatorSpec::View { name, key } => ("view", Work::View(Box::new(View::new(name.clone(), schema, key.clone(), lags)))),
        OperatorSpec::Union => ("union", Work::union(inputs, lags, schema)),
        OperatorSpec::CountMatches { spec, .. } => {
            ("count matches", stateful(Box::new(MatchCounts::new((**spec).clone(), run.limits.pattern_events))))
        }
        OperatorSpec::Pattern { spec, evaluator, .. } => {
            let (spec, evaluator, limits) = (spec.clone(), evaluator.clone(), run.limits);
            ("pattern", keyed(Box::new(move || pattern(&spec, &evaluator, &limits))))
        }
    }
}

/// An operator with keys: several of them with a part of the keys each, where there are several threads and that gives the same.
fn shards_of(parts: &Parts<'_>, node: &Node, rank: u32, make: Make) -> Box<dyn Operator> {
    let Parts { graph, run, workers, .. } = *parts;
    let threads = Threads { number: run.threads, is_statement_bounded: run.limits.statement_memory.is_some() };
    match threads.cut(graph, node) {
        Some(cut) => Box::new(Sharded::new(make, cut, (rank, &node.ports), run.limits.allowance(), workers.clone())),
        None => make(),
    }
}

/// Its number in topological order, from 1.
fn rank_of(index: usize) -> u32 {
    u32::try_from(index + 1).expect("a program has less than 2^32 operators")
}

/// A pattern that is made live when it is needed.
#[derive(Debug)]
pub(super) struct PlannedPattern {
    spec: Arc<PatternSpec>,
    evaluator: EvaluatorChoice,
    limits: Limits,
    pub(super) rank: u32,
    /// Columns of each port.
    pub(super) ports: Vec<Arc<Schema>>,
}

impl PlannedPattern {
    /// What it may give.
    pub(super) fn allowance(&self) -> Allowance {
        self.limits.allowance_of(&self.spec)
    }

    /// Columns of each input.
    pub(super) fn inputs(&self) -> Vec<Arc<Schema>> {
        self.spec.inputs.clone()
    }

    /// The operator, which has seen nothing.
    pub(super) fn operator(&self) -> Box<dyn Operator> {
        pattern(&self.spec, &self.evaluator, &self.limits)
    }
}

/// A pattern, run as its planner says.
fn pattern(spec: &Arc<PatternSpec>, evaluator: &EvaluatorChoice, limits: &Limits) -> Box<dyn Operator> {
    match evaluator {
        EvaluatorChoice::RankColumns(steps) => Box::new(RankSequence::new(spec.clone(), steps.clone(), limits.pattern_events)),
        EvaluatorChoice::StepLists(steps) => Box::new(StepSequence::new(spec.clone(), steps, limits.pattern_threads)),
        EvaluatorChoice::WayColumns => Box::new(WaySequence::new(spec.clone(), limits.pattern_events)),
        EvaluatorChoice::FlatThreads => Box::new(FlatSequence::new(spec.clone(), limits.pattern_threads)),
        EvaluatorChoice::Threads => Box::new(Sequence::new(spec.clone(), limits.pattern_threads)),
    }
}

fn timing(source: &SourceNode, options: &AssembleOptions, keeps_late: bool) -> StreamTiming {
    StreamTiming {
        schema: source.schema.clone(),
        delay: if options.whole_input { Duration::MAX } else { source.read_as.delay },
        idle_after: source.read_as.idle_after.filter(|_| !options.whole_input),
        ahead: ahead(source, options),
        ties: source.read_as.tie_columns.clone(),
        is_read: source.is_read,
        keeps_late,
        wanted: source.wanted.clone(),
    }
}

fn ahead(source: &SourceNode, options: &AssembleOptions) -> Option<Duration> {
    source.read_as.ahead.or(options.endless.then_some(AHEAD_OF_LIVE))
}

fn source_spec(source: &SourceNode, options: &AssembleOptions) -> SourceSpec {
    let route = match &source.read_as.route {
        Route::All => DecoderRoute::All,
        Route::Type { field, value } => {
            DecoderRoute::Type { field: field.clone().unwrap_or_else(|| options.type_field.clone()), value: value.clone() }
        }
        Route::When(condition) => DecoderRoute::When(condition_of(condition.clone())),
    };
    SourceSpec {
        name: source.name.clone(),
        schema: source.schema.clone(),
        columns: source.read_as.columns.iter().map(column_spec).collect(),
        time: source.read_as.time_column,
        needed: source.needed.clone(),
        ahead: ahead(source, options),
        route,
    }
}

fn table_source(table: &TableNode, options: &AssembleOptions) -> TableSource {
    let spec = TableSpec {
        name: table.name.clone(),
        schema: table.schema.clone(),
        columns: table.file.columns.iter().map(column_spec).collect(),
        time: table.file.time_column,
    };
    let format = match table.file.format {
        TableFormat::Csv => TableFileFormat::Csv,
        TableFormat::JsonLines => TableFileFormat::JsonLines,
    };
    let path = resolved(&table.file.path, options.folder.as_deref());
    TableSource { spec, format, path, key: table.key.clone(), shared: SharedTable::default() }
}

/// How a column is read, for the decoders.
pub fn column_spec(column: &SourceColumn) -> ColumnSpec {
    let time_format = match &column.format {
        Some(format) => TimeFormat::Custom(format.clone()),
        None => TimeFormat::Epoch(column.unit),
    };
    ColumnSpec { path: column.path.clone(), time_format, not_null: column.not_null, default: column.default.clone() }
}

fn condition_of(condition: Expr) -> Condition {
    let reads = condition.slots().iter().map(|slot| slot.0 as usize).collect();
    let context = EvalContext::new();
    let holds = move |values: &[Value<'_>]| {
        let holds = condition.is_true(&Cells(values), &context);
        (holds, context.take_nulls())
    };
    Condition { reads, holds: Box::new(holds) }
}

/// The values of an event that is being decoded.
struct Cells<'c>(&'c [Value<'c>]);

impl Row for Cells<'_> {
    fn slot(&self, slot: SlotId) -> Value<'_> {
        self.0[slot.0 as usize].borrowed()
    }
}
