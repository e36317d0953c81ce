//! An aligned window over the matches of a pattern that nobody else reads takes the pattern's place, where its aggregates follow from how
//! many unfinished matches stand at each step: then no match is listed, and the cost does not grow with their number.
//!
//! What has to hold, so that what comes out is what listing and counting gives:
//!
//! - the pattern is of the class of [`follows_by_any`], has no HAVING, and its rows are certain where they stand;
//! - the window has ends that are bounds of time, and no early rows; its keys are keys of the partition;
//! - the aggregates are COUNT, SUM, AVG, MIN and MAX of columns of single events or of COUNT(v), exact whatever the order of the matches: so
//!   no SUM or AVG of FLOAT, no FILTER, no DISTINCT.

use std::sync::Arc;

use crate::data::{DataType, Schema};
use crate::expr::aggregates::AggregateKind as K;
use crate::expr::{Expr, SlotId};
use crate::plan::graph::{Edge, NodeId, OperatorGraph, OperatorSpec};
use crate::spec::{AggregateCall, CountSpec, MatchCall, MatchTrait, NavigationBase, PatternSpec, SlotKind};
use crate::spec::{WindowKind, WindowOutput, WindowSpec, follows_by_any};

/// Applies the rule to the nodes from this one on.
pub(super) fn apply(graph: &mut OperatorGraph, from: usize) {
    let mut dead = vec![false; graph.nodes().len()];
    for index in from..graph.nodes().len() {
        let Some(found) = counted(graph, index) else { continue };
        found.replaced.iter().for_each(|id| dead[id.0 as usize] = true);
        let node = graph.node_mut(index);
        node.inputs = found.inputs;
        node.spec = OperatorSpec::CountMatches { spec: Box::new(found.spec), names: found.names };
    }
    graph.remove(&dead);
    graph.settle_lags(from);
}

struct Counted {
    spec: CountSpec,
    names: Vec<Arc<str>>,
    inputs: Vec<Edge>,
    /// The nodes whose place it takes.
    replaced: Vec<NodeId>,
}

/// The window of this number over a pattern whose matches need not be listed.
fn counted(graph: &OperatorGraph, index: usize) -> Option<Counted> {
    let node = &graph.nodes()[index];
    let OperatorSpec::Window(window) = &node.spec else { return None };
    let WindowOutput::Aggregates(calls) = &window.output else { return None };
    if !matches!(window.kind, WindowKind::Hopping { .. }) || window.emit_every.is_some() {
        return None;
    }
    let mut edge = node.inputs[0];
    let mut replaced = Vec::new();
    let mut projections: Vec<&[Expr]> = Vec::new();
    loop {
        let Edge::Node(id, 0) = edge else { return None };
        if graph.readers(edge) != 1 || graph.readers(Edge::Node(id, 1)) != 0 {
            return None;
        }
        replaced.push(id);
        let below = &graph.nodes()[id.0 as usize];
        match &below.spec {
            OperatorSpec::Project(exprs) => {
                projections.push(exprs);
                edge = below.inputs[0];
            }
            OperatorSpec::Pattern { spec, names, .. } => {
                let is_certain = below.inputs.iter().all(|&input| !graph.lags(input));
                if !is_certain || spec.having.is_some() || !follows_by_any(spec) {
                    return None;
                }
                let spec = Reader { pattern: spec, projections }.counts(window, calls, graph.schema(node.inputs[0]))?;
                return Some(Counted { spec, names: names.clone(), inputs: below.inputs.clone(), replaced });
            }
            _ => return None,
        }
    }
}

/// Reads what expressions over the rows of the matches are of the matches.
struct Reader<'g> {
    pattern: &'g PatternSpec,
    /// From the window down to the pattern.
    projections: Vec<&'g [Expr]>,
}

impl Reader<'_> {
    fn counts(&self, window: &WindowSpec, calls: &[AggregateCall], columns: &Arc<Schema>) -> Option<CountSpec> {
        let keys = window.keys.iter().map(|key| self.key(key)).collect::<Option<Vec<_>>>()?;
        let mut traits = Vec::new();
        let calls = calls.iter().map(|call| self.call(call, &mut traits)).collect::<Option<Vec<_>>>()?;
        let (pattern, window, columns) = (self.pattern.clone(), window.clone(), columns.clone());
        Some(CountSpec { pattern, window, columns, keys, traits, calls })
    }

    /// What a column of the rows is in the pattern.
    fn slot_of(&self, expr: &Expr) -> Option<&SlotKind> {
        let mut slot = expr.as_slot()?;
        for exprs in &self.projections {
            slot = exprs[slot.0 as usize].as_slot()?;
        }
        let SlotId(slot) = self.pattern.outputs[slot.0 as usize].as_slot()?;
        Some(&self.pattern.slots[slot as usize].kind)
    }

    /// Which key of the partition an expression is.
    fn key(&self, expr: &Expr) -> Option<usize> {
        // Of a loop variable too, all events have the key; one that may have taken none has it or NULL.
        let SlotKind::Column { variables, column, base: NavigationBase::First(0) | NavigationBase::Last(0), physical: 0, .. } =
            self.slot_of(expr)?
        else {
            return None;
        };
        let [variable] = variables.as_slice() else { return None };
        if !crate::spec::always_takes(&self.pattern.root, *variable) {
            return None;
        }
        let input = self.pattern.variables[variable.0 as usize].input;
        // Zero has two signs, and a key keeps one of them.
        let is_exact = *expr.data_type() != DataType::Float;
        let of_input = self.pattern.partition.by_input.get(input).filter(|_| is_exact)?;
        of_input.iter().position(|key| key.as_slot().is_some_and(|slot| slot.0 as usize == *column))
    }

    fn call(&self, call: &AggregateCall, traits: &mut Vec<MatchTrait>) -> Option<MatchCall> {
        if call.distinct || call.filter.is_some() {
            return None;
        }
        let arg = match call.args.as_slice() {
            [] if call.function.kind() == Some(K::Count) => return Some(MatchCall::Matches),
            [arg] => arg,
            _ => return None,
        };
        let of = self.trait_of(arg)?;
        let is_column = matches!(of, MatchTrait::Column { .. });
        let number = traits.iter().position(|known| *known == of).unwrap_or_else(|| {
            traits.push(of);
            traits.len() - 1
        });
        match call.function.kind()? {
            K::Count => Some(MatchCall::Values(number)),
            K::Sum => Some(MatchCall::Sum(number)),
            K::Avg => Some(MatchCall::Avg(number)),
            K::Min if is_column => Some(MatchCall::Min(number)),
            K::Max if is_column => Some(MatchCall::Max(number)),
            _ => None,
        }
    }

    fn trait_of(&self, arg: &Expr) -> Option<MatchTrait> {
        match self.slot_of(arg)? {
            SlotKind::Column {
                variables, column, base: base @ (NavigationBase::First(0) | NavigationBase::Last(0)), physical: 0, ..
            } => {
                let [variable] = variables.as_slice() else { return None };
                let of = &self.pattern.variables[variable.0 as usize];
                if *base == NavigationBase::First(0) && of.looped {
                    return None;
                }
                let data_type = self.pattern.inputs[of.input].fields()[*column].data_type.clone();
                let is_exact = matches!(data_type, DataType::Int | DataType::Timestamp | DataType::Duration | DataType::Decimal { .. });
                is_exact.then_some(MatchTrait::Column { variable: *variable, column: *column, data_type })
            }
            SlotKind::Aggregate { variables, call, .. } => {
                let [variable] = variables.as_slice() else { return None };
                let is_count = call.function.kind() == Some(K::Count) && call.args.is_empty() && call.filter.is_none();
                is_count.then_some(MatchTrait::Events(*variable))
            }
            _ => None,
        }
    }
}
