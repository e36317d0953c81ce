//! Which columns of each source anything looks at, found by walking the graph from what leaves back to the sources; and projections compute
//! NULL where nobody reads what they would compute.

use crate::data::Value;
use crate::expr::Expr;
use crate::plan::graph::{Edge, Node, OperatorGraph, OperatorSpec, SourceId};
use crate::spec::{AggregateCall, CountSpec, JoinKind, JoinSpec, LookupSpec, MatchTrait, PatternSpec, SlotKind, WindowOutput, WindowSpec};

/// Which columns of an edge are read.
type Needed = Vec<bool>;

/// What is read of each edge.
struct Reading {
    sources: Vec<Needed>,
    is_read: Vec<bool>,
    /// Of each node, of each of its ports.
    ports: Vec<Vec<Needed>>,
    /// Of each node, what it reads itself of each of its inputs.
    inputs: Vec<Vec<Needed>>,
}

/// Of each node from this one on, which columns of each of its inputs it reads, for itself and for those who read it.
pub(crate) fn columns_read(graph: &OperatorGraph, from: usize) -> Vec<Vec<Vec<bool>>> {
    reading(graph, from).inputs
}

/// Applies the rule to the nodes from this one on. Those that come before and what these read of sources is settled, if there are any.
pub(super) fn apply(graph: &mut OperatorGraph, from: usize) {
    let Reading { sources, is_read, ports: nodes, inputs: _ } = reading(graph, from);
    for (node, needed) in graph.nodes_mut(from).zip(&nodes) {
        if let OperatorSpec::Project(exprs) = &mut node.spec {
            for (expr, _) in exprs.iter_mut().zip(&needed[0]).filter(|(_, needed)| !**needed) {
                *expr = Expr::typed_literal(Value::Null, expr.data_type().clone());
            }
        }
    }
    if from > 0 {
        return;
    }
    for (source, (needed, is_read)) in graph.sources_mut().iter_mut().zip(sources.into_iter().zip(is_read)) {
        source.needed = needed;
        source.is_read = is_read;
        for &tie in &source.read_as.tie_columns {
            source.needed[tie] = true;
        }
        if let crate::semantics::Route::When(condition) = &source.read_as.route {
            read(condition, &mut source.needed, 0);
        }
    }
}

fn reading(graph: &OperatorGraph, from: usize) -> Reading {
    let none = |edge: Edge| vec![false; graph.schema(edge).len()];
    let mut sources: Vec<Needed> = graph.sources().iter().map(|s| vec![false; s.schema.len()]).collect();
    let mut is_read = vec![false; sources.len()];
    let own = &graph.nodes()[from..];
    let mut nodes: Vec<Vec<Needed>> = own.iter().map(|n| n.ports.iter().map(|p| vec![false; p.len()]).collect()).collect();
    let mut mark = |nodes: &mut Vec<Vec<Needed>>, edge: Edge, needed: &[bool]| {
        let into = match edge {
            Edge::Source(id) | Edge::Late(id) => {
                is_read[id.0 as usize] = true;
                &mut sources[id.0 as usize]
            }
            Edge::Node(id, _) if (id.0 as usize) < from => return,
            Edge::Node(id, port) => &mut nodes[id.0 as usize - from][port],
        };
        into.iter_mut().zip(needed).for_each(|(into, needed)| *into |= needed);
    };
    let is_before = |edge: &Edge| matches!(edge, Edge::Node(id, _) if (id.0 as usize) < from);
    let leaving = graph.outputs().iter().map(|output| output.edge);
    for edge in leaving.chain(graph.given()).chain(open_sources(graph)).filter(|edge| !is_before(edge)) {
        mark(&mut nodes, edge, &vec![true; graph.schema(edge).len()]);
    }
    let mut of_nodes: Vec<Vec<Needed>> = vec![Vec::new(); nodes.len()];
    for (index, node) in own.iter().enumerate().rev() {
        let mut inputs: Vec<Needed> = node.inputs.iter().map(|&edge| none(edge)).collect();
        of_inputs(node, &nodes[index], &mut inputs);
        for (&edge, needed) in node.inputs.iter().zip(&inputs) {
            mark(&mut nodes, edge, needed);
        }
        of_nodes[index] = inputs;
    }
    Reading { sources, is_read, ports: nodes, inputs: of_nodes }
}

/// The sources that statements may come to read later.
fn open_sources(graph: &OperatorGraph) -> impl Iterator<Item = Edge> {
    let sources = if graph.is_open() { graph.sources() } else { &[] };
    (0u32..).zip(sources).map(|(number, _)| Edge::Source(SourceId(number)))
}

/// Which columns of its inputs a node reads, given which of its own are read.
fn of_inputs(node: &Node, own: &[Needed], inputs: &mut [Needed]) {
    match &node.spec {
        OperatorSpec::Filter(condition) => {
            pass(&own[0], 0, &mut inputs[0]);
            read(condition, &mut inputs[0], 0);
        }
        OperatorSpec::Project(exprs) => {
            for (expr, _) in exprs.iter().zip(&own[0]).filter(|(_, needed)| **needed) {
                read(expr, &mut inputs[0], 0);
            }
        }
        OperatorSpec::Window(spec) => of_window(spec, &own[0], &mut inputs[0]),
        OperatorSpec::Join(spec) => of_join(spec, &own[0], inputs),
        OperatorSpec::Pattern { spec, .. } => of_pattern(spec, inputs),
        OperatorSpec::CountMatches { spec, .. } => of_counts(spec, inputs),
        OperatorSpec::TopOfWindow { order, bounds, limit: _ } => {
            pass(&own[0], 0, &mut inputs[0]);
            order.iter().for_each(|key| read(&key.expr, &mut inputs[0], 0));
            inputs[0][bounds.0] = true;
            inputs[0][bounds.1] = true;
        }
        OperatorSpec::Limit(_) | OperatorSpec::Until(_) => pass(&own[0], 0, &mut inputs[0]),
        OperatorSpec::Suppress { keys, duration: _ } => {
            pass(&own[0], 0, &mut inputs[0]);
            keys.iter().for_each(|key| read(key, &mut inputs[0], 0));
        }
        OperatorSpec::Lookup { spec, .. } => of_lookup(spec, &own[0], inputs),
        // Whoever asks for the table gets all of its columns.
        OperatorSpec::View { .. } => inputs[0].fill(true),
        OperatorSpec::Union => inputs.iter_mut().for_each(|input| pass(&own[0], 0, input)),
    }
}

/// Columns that go through, from position `from` of the node's own on.
fn pass(own: &[bool], from: usize, input: &mut [bool]) {
    for (input, own) in input.iter_mut().zip(&own[from.min(own.len())..]) {
        *input |= own;
    }
}

/// Columns that an expression reads, whose slots begin with number `from`.
fn read(expr: &Expr, input: &mut [bool], from: usize) {
    for slot in expr.slots() {
        if let Some(column) = (slot.0 as usize).checked_sub(from)
            && let Some(needed) = input.get_mut(column)
        {
            *needed = true;
        }
    }
}

fn read_aggregate(call: &AggregateCall, input: &mut [bool]) {
    call.args.iter().chain(&call.filter).for_each(|expr| read(expr, input, 0));
}

fn of_window(spec: &WindowSpec, own: &[bool], input: &mut [bool]) {
    spec.keys.iter().for_each(|key| read(key, input, 0));
    match &spec.output {
        WindowOutput::Aggregates(calls) => calls.iter().for_each(|call| read_aggregate(call, input)),
        WindowOutput::Rows => pass(own, 0, input),
    }
}

fn of_join(spec: &JoinSpec, own: &[bool], inputs: &mut [Needed]) {
    let split = inputs[0].len();
    pass(own, 0, &mut inputs[0]);
    match spec.kind {
        JoinKind::Semi | JoinKind::Anti => {}
        JoinKind::Inner | JoinKind::Left | JoinKind::Right | JoinKind::Full | JoinKind::AsOf | JoinKind::LeftAsOf => {
            pass(own, split, &mut inputs[1]);
        }
    }
    spec.left_keys.iter().for_each(|key| read(key, &mut inputs[0], 0));
    spec.right_keys.iter().for_each(|key| read(key, &mut inputs[1], 0));
    if let Some(residual) = &spec.residual {
        read(residual, &mut inputs[0], 0);
        read(residual, &mut inputs[1], split);
    }
}

fn of_lookup(spec: &LookupSpec, own: &[bool], inputs: &mut [Needed]) {
    pass(&own[..inputs[0].len()], 0, &mut inputs[0]);
    spec.left_keys.iter().chain(&spec.residual).for_each(|expr| read(expr, &mut inputs[0], 0));
    if let Some(view) = inputs.get_mut(1) {
        view.fill(true);
    }
}

/// Keys, terms, and what aggregates are over; the outputs of the pattern are not looked at.
fn of_counts(spec: &CountSpec, inputs: &mut [Needed]) {
    let pattern = &spec.pattern;
    for (input, keys) in inputs.iter_mut().zip(&pattern.partition.by_input) {
        keys.iter().for_each(|key| read(key, input, 0));
    }
    for variable in &pattern.variables {
        for slot in variable.checks.iter().flat_map(Expr::slots) {
            if let SlotKind::Column { column, .. } = &pattern.slots[slot.0 as usize].kind {
                inputs[variable.input][*column] = true;
            }
        }
    }
    for of in &spec.traits {
        if let MatchTrait::Column { variable, column, .. } = of {
            inputs[pattern.variables[variable.0 as usize].input][*column] = true;
        }
    }
}

/// A pattern computes all of its columns: which of them are read is not looked at.
fn of_pattern(spec: &PatternSpec, inputs: &mut [Needed]) {
    for (input, keys) in inputs.iter_mut().zip(&spec.partition.by_input) {
        keys.iter().for_each(|key| read(key, input, 0));
    }
    for &(column, ..) in &spec.tie_order {
        inputs[0][column] = true;
    }
    for slot in &spec.slots {
        match &slot.kind {
            SlotKind::Column { variables, column, .. } => {
                variables.iter().for_each(|v| inputs[spec.variables[v.0 as usize].input][*column] = true);
            }
            SlotKind::PreviousInLoop { variable, column, .. } => inputs[spec.variables[variable.0 as usize].input][*column] = true,
            SlotKind::Aggregate { variables, call, .. } => {
                variables.iter().for_each(|v| read_aggregate(call, &mut inputs[spec.variables[v.0 as usize].input]));
            }
            SlotKind::Event(variable) | SlotKind::Events(variable) => inputs[spec.variables[variable.0 as usize].input].fill(true),
            SlotKind::CurrentRow(column) => inputs[0][*column] = true,
            SlotKind::AggregateOverSlots { .. }
            | SlotKind::Classifier { .. }
            | SlotKind::MatchNumber
            | SlotKind::StartTime
            | SlotKind::EndTime
            | SlotKind::WaitingStep => {}
        }
    }
}
