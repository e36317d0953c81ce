//! Events that nobody wants are dropped before they are put in order: what each reader of a source refuses by looking at the event alone.
//!
//! A filter refuses what its condition is not true of. A pattern without contiguity, which counts no events, has no use for an event that no
//! step could take by its terms over that event alone. Whoever else reads the source wants everything, and then nothing is dropped.
//!
//! Nothing of it may show, so only conditions are asked early that make up no NULLs ([`Expr::is_total`]): of a filter the terms before the
//! first that can. The reader asks again; where it asks for nothing but this, all rows that come to it pass.

use crate::expr::{Expr, ExprKind, SlotId};
use crate::plan::graph::{Edge, Node, OperatorGraph, OperatorSpec, SourceId, SourceNode};
use crate::spec::{Arrow, Mode, PatternNode, PatternSpec, SlotKind, VariableId, Within, is_unary};

/// More conditions than this are not asked early: each costs a look at every event, and whoever has many finds its events another way.
const MOST_CONDITIONS: usize = 12;

/// Applies the rule.
pub(super) fn apply(graph: &mut OperatorGraph) {
    // Where statements may be added, they may want what nobody wants now. Where events have tie-breakers, one event in two streams stands where its first row says, so no row may be missing.
    let has_ties = graph.sources().iter().any(|source| !source.read_as.tie_columns.is_empty());
    if graph.is_open() || has_ties && graph.sources().len() > 1 {
        return;
    }
    for index in 0..graph.sources().len() {
        let id = SourceId(u32::try_from(index).expect("a program has less than 2^32 sources"));
        let wanted = wanted(graph, id, &graph.sources()[index]);
        graph.sources_mut()[index].wanted = wanted;
    }
}

/// What somebody wants of a source, if that is not everything.
fn wanted(graph: &OperatorGraph, id: SourceId, source: &SourceNode) -> Option<Expr> {
    let edge = Edge::Source(id);
    let is_read_whole = graph.outputs().iter().any(|output| matches!(output.edge, Edge::Source(of) | Edge::Late(of) if of == id))
        || graph.nodes().iter().any(|node| node.inputs.contains(&Edge::Late(id)));
    if !source.is_read || is_read_whole {
        return None;
    }
    let mut conditions: Vec<Expr> = Vec::new();
    for node in graph.nodes().iter().filter(|node| node.inputs.contains(&edge)) {
        for condition in wanted_by(node, edge)? {
            if !conditions.contains(&condition) {
                conditions.push(condition);
            }
        }
        if conditions.len() > MOST_CONDITIONS {
            return None;
        }
    }
    let mut conditions = least(conditions);
    match conditions.len() {
        0 => None,
        1 => conditions.pop(),
        _ => Expr::or(conditions).ok(),
    }
}

/// Conditions of which one is true exactly where one of these is: `a OR a AND b` is `a`, whatever is NULL. Fewer are asked, and often they
/// read one column alone.
fn least(conditions: Vec<Expr>) -> Vec<Expr> {
    let narrows = |one: &Expr, other: &Expr| terms_of(other).iter().all(|term| terms_of(one).contains(term));
    let mut least: Vec<Expr> = Vec::new();
    for condition in conditions {
        if !least.iter().any(|other| narrows(&condition, other)) {
            least.retain(|other| !narrows(other, &condition));
            least.push(condition);
        }
    }
    least
}

/// What has to hold for a condition to hold.
fn terms_of(condition: &Expr) -> &[Expr] {
    if matches!(condition.kind(), ExprKind::And) { condition.args() } else { std::slice::from_ref(condition) }
}

/// The conditions of which one at least holds for each event that a reader wants; nothing where it wants all.
fn wanted_by(node: &Node, edge: Edge) -> Option<Vec<Expr>> {
    match &node.spec {
        OperatorSpec::Filter(condition) => Some(vec![not_refused(condition)?]),
        OperatorSpec::Pattern { spec, .. } if skips_freely(spec) && is_total(spec) => {
            let mut conditions = Vec::new();
            for (input, _) in node.inputs.iter().enumerate().filter(|(_, of)| **of == edge) {
                for (at, variable) in spec.variables.iter().enumerate().filter(|(_, variable)| variable.input == input) {
                    let id = VariableId(u32::try_from(at).expect("a pattern has less than 2^32 variables"));
                    let unary = variable.checks.iter().filter(|term| is_unary(spec, id, term));
                    let terms: Vec<Expr> = unary.map(|term| term.map_slots(&|slot| column_of(spec, slot))).collect();
                    conditions.push(all_of(terms)?);
                }
            }
            Some(conditions)
        }
        _ => None,
    }
}

/// What is left of a filter's condition when only terms that cannot fail are asked: true wherever the condition may be true, or may fail.
fn not_refused(condition: &Expr) -> Option<Expr> {
    if condition.is_total() {
        return Some(condition.clone());
    }
    let first: Vec<Expr> = terms_of(condition).iter().take_while(|term| term.is_total()).cloned().collect();
    // An unknown term leaves the later ones to be asked: only FALSE ends it.
    let is_refused = Expr::is_bool(all_of(first)?, false).ok()?;
    Expr::not(is_refused).ok()
}

fn all_of(mut terms: Vec<Expr>) -> Option<Expr> {
    match terms.len() {
        0 => None,
        1 => terms.pop(),
        _ => Expr::and(terms).ok(),
    }
}

/// Whether events that no step can take change nothing: none has to follow another at once, and none is counted.
fn skips_freely(spec: &PatternSpec) -> bool {
    let is_plain = matches!(spec.mode, Mode::OnePerStart | Mode::AllMatches) && spec.tie_order.is_empty();
    is_plain && !matches!(spec.within, Some(Within::Events(_))) && !has_contiguity(&spec.root)
}

/// As deep as the pattern is written.
fn has_contiguity(node: &PatternNode) -> bool {
    match node {
        PatternNode::Step(_) | PatternNode::Not(_) | PatternNode::NotFor(..) | PatternNode::Empty => false,
        PatternNode::Sequence(elements) => {
            let follows_at_once = elements.iter().skip(1).any(|element| element.arrow == Arrow::Strict);
            follows_at_once || elements.iter().any(|element| has_contiguity(&element.node))
        }
        PatternNode::Either(nodes) | PatternNode::Both(nodes) => nodes.iter().any(has_contiguity),
        PatternNode::Repeat { inner, inside, .. } => *inside == Arrow::Strict || has_contiguity(inner),
        PatternNode::PartitionStart | PatternNode::PartitionEnd | PatternNode::Permute(_) | PatternNode::Exclude(_) => true,
    }
}

/// Whether nothing that a pattern evaluates when an event comes can fail.
fn is_total(spec: &PatternSpec) -> bool {
    let of_variables = spec.variables.iter().flat_map(|variable| variable.checks.iter().chain(&variable.checks_after_first));
    let mut terms = of_variables.chain(spec.late_checks.iter().map(|check| &check.condition));
    // Sums of the events so far may overflow.
    let reads_columns = |term: &Expr| {
        let kinds = term.slots().into_iter().map(|slot| &spec.slots[slot.0 as usize].kind);
        kinds.into_iter().all(|kind| matches!(kind, SlotKind::Column { physical: 0, .. } | SlotKind::PreviousInLoop { .. }))
    };
    terms.all(|term| term.is_total() && reads_columns(term)) && spec.partition.by_input.iter().flatten().all(Expr::is_total)
}

/// The column of the candidate that a slot of a unary term reads.
fn column_of(spec: &PatternSpec, slot: SlotId) -> SlotId {
    match &spec.slots[slot.0 as usize].kind {
        SlotKind::Column { column, .. } => SlotId(u32::try_from(*column).expect("a stream has less than 2^32 columns")),
        _ => unreachable!("unary terms read columns alone"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{DataType, Value};
    use crate::expr::CompareOp;

    #[test]
    fn what_another_condition_lets_through_is_not_asked_for() {
        let term = |slot: u32| {
            let kind = Expr::slot(SlotId(slot), DataType::Int);
            Expr::compare(CompareOp::Greater, kind, Expr::literal(Value::Int(0))).unwrap()
        };
        let all = |slots: &[u32]| Expr::and(slots.iter().map(|slot| term(*slot)).collect()).unwrap();
        let left = |conditions: &[&[u32]]| least(conditions.iter().map(|slots| all(slots)).collect());
        assert_eq!(left(&[&[0, 1], &[0], &[2]]), [all(&[0]), all(&[2])]);
        assert_eq!(left(&[&[0], &[1, 0], &[0, 2, 1]]), [all(&[0])]);
        assert_eq!(left(&[&[0, 1], &[1, 2], &[2, 0, 1]]), [all(&[0, 1]), all(&[1, 2])]);
        // Of two that are one but for their order, one stays.
        assert_eq!(left(&[&[0, 1], &[1, 0]]), [all(&[0, 1])]);
    }
}
