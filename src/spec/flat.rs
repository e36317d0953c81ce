//! Which patterns flat threads can run: those whose automaton is a small table and whose threads remember a fixed number of events.

use super::pattern::{AfterMatch, Mode, NavigationBase, PatternNode, PatternSpec, RowOutput, Runs, SlotKind, VariableKind};
use crate::expr::Expr;
use crate::expr::aggregates::AggregateKind;

/// How far FIRST and LAST may count: a thread has a place for each event up to there.
const DEPTH_MAX: u32 = 15;

/// How many states the automaton may have, by the estimate of [`states`].
const STATES_MAX: u64 = 2048;

/// Whether flat threads are exact for a pattern.
pub(super) fn fits(spec: &PatternSpec) -> bool {
    let is_plain = spec.mode != Mode::AllMatches
        && spec.variables.len() <= 64
        && spec.inputs.len() <= 64
        && spec.variables.iter().all(|variable| variable.kind == VariableKind::Step)
        && spec.late_checks.is_empty()
        && spec.tie_order.is_empty()
        && spec.drops_keys_beyond().is_none()
        && spec.limit_per_partition.is_none()
        && matches!(spec.runs, Runs::All | Runs::Count(_))
        && spec.after_match != AfterMatch::Consume
        && spec.rows == RowOutput::OnePerMatch;
    let is_table = states(&spec.root).is_some_and(|states| states <= STATES_MAX) && (spec.mode != Mode::Rows || !may_be_empty(&spec.root));
    let checks = || spec.variables.iter().flat_map(|variable| variable.checks.iter().chain(&variable.checks_after_first));
    let results = || spec.outputs.iter().chain(&spec.having);
    is_plain && is_table && checks().all(|term| reads(term, spec, can_check)) && results().all(|term| reads(term, spec, can_give))
}

fn reads(term: &Expr, spec: &PatternSpec, can_read: fn(&SlotKind) -> bool) -> bool {
    term.slots().iter().all(|slot| can_read(&spec.slots[slot.0 as usize].kind))
}

fn is_near(base: NavigationBase) -> bool {
    match base {
        NavigationBase::First(n) | NavigationBase::Last(n) => n <= DEPTH_MAX,
    }
}

/// Whether a term may read this.
fn can_check(slot: &SlotKind) -> bool {
    match slot {
        SlotKind::Column { base, physical, .. } => is_near(*base) && *physical <= 0,
        SlotKind::PreviousInLoop { back, .. } => *back <= DEPTH_MAX,
        SlotKind::MatchNumber | SlotKind::StartTime | SlotKind::EndTime | SlotKind::CurrentRow(_) => true,
        _ => is_count(slot),
    }
}

/// Whether an output may read this.
fn can_give(slot: &SlotKind) -> bool {
    match slot {
        SlotKind::Column { base, physical, .. } => is_near(*base) && *physical == 0,
        SlotKind::MatchNumber | SlotKind::StartTime | SlotKind::EndTime | SlotKind::CurrentRow(_) | SlotKind::WaitingStep => true,
        _ => is_count(slot),
    }
}

/// `COUNT(v)`
fn is_count(slot: &SlotKind) -> bool {
    matches!(slot, SlotKind::Aggregate { call, .. } if call.function.kind() == Some(AggregateKind::Count) && call.args.is_empty() && call.filter.is_none())
}

/// About how many states the automaton has; nothing where a part of the pattern is not for a table.
fn states(node: &PatternNode) -> Option<u64> {
    match node {
        PatternNode::Step(_) => Some(1),
        PatternNode::Empty | PatternNode::PartitionStart => Some(0),
        PatternNode::Sequence(elements) => elements.iter().try_fold(0u64, |sum, e| sum.checked_add(states(&e.node)?)),
        PatternNode::Either(branches) => branches.iter().try_fold(0u64, |sum, b| sum.checked_add(states(b)?)),
        PatternNode::Repeat { inner, min, max, until: None, .. } => states(inner)?.checked_mul(max.unwrap_or((*min).max(2))),
        PatternNode::Exclude(inner) => states(inner),
        PatternNode::Repeat { .. }
        | PatternNode::Both(_)
        | PatternNode::Not(_)
        | PatternNode::NotFor(..)
        | PatternNode::PartitionEnd
        | PatternNode::Permute(_) => None,
    }
}

fn may_be_empty(node: &PatternNode) -> bool {
    match node {
        PatternNode::Step(_) => false,
        PatternNode::Sequence(elements) => elements.iter().all(|e| may_be_empty(&e.node)),
        PatternNode::Either(branches) => branches.iter().any(may_be_empty),
        PatternNode::Repeat { inner, min, .. } => *min == 0 || may_be_empty(inner),
        PatternNode::Exclude(inner) => may_be_empty(inner),
        PatternNode::Both(_)
        | PatternNode::Not(_)
        | PatternNode::NotFor(..)
        | PatternNode::Empty
        | PatternNode::PartitionStart
        | PatternNode::PartitionEnd
        | PatternNode::Permute(_) => true,
    }
}
