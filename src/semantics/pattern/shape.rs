//! What can be read off the tree of a pattern alone: which variables always take an event, whether it matches without one, how it ends.
//!
//! Used by both kinds of patterns. Nothing is reported here.

use std::collections::BTreeSet;

use crate::spec::{Arrow, PatternNode, VariableId};

/// The variables that take an event in every match.
pub(crate) fn always_taken(node: &PatternNode) -> BTreeSet<VariableId> {
    match node {
        PatternNode::Step(variable) => BTreeSet::from([*variable]),
        PatternNode::Sequence(elements) => elements.iter().flat_map(|element| always_taken(&element.node)).collect(),
        PatternNode::Both(parts) | PatternNode::Permute(parts) => parts.iter().flat_map(always_taken).collect(),
        PatternNode::Either(branches) => {
            let mut sets = branches.iter().map(always_taken);
            let first = sets.next().unwrap_or_default();
            sets.fold(first, |all, set| all.intersection(&set).copied().collect())
        }
        PatternNode::Repeat { inner, min, .. } if *min > 0 => always_taken(inner),
        PatternNode::Exclude(inner) => always_taken(inner),
        PatternNode::Repeat { .. }
        | PatternNode::Not(_)
        | PatternNode::NotFor(..)
        | PatternNode::Empty
        | PatternNode::PartitionStart
        | PatternNode::PartitionEnd => BTreeSet::new(),
    }
}

/// Whether the pattern matches without taking an event.
pub(crate) fn matches_empty(node: &PatternNode) -> bool {
    match node {
        PatternNode::Step(_) => false,
        PatternNode::Sequence(elements) => elements.iter().all(|element| matches_empty(&element.node)),
        PatternNode::Both(parts) | PatternNode::Permute(parts) => parts.iter().all(matches_empty),
        PatternNode::Either(branches) => branches.iter().any(matches_empty),
        PatternNode::Repeat { inner, min, .. } => *min == 0 || matches_empty(inner),
        PatternNode::Exclude(inner) => matches_empty(inner),
        PatternNode::Not(_) | PatternNode::NotFor(..) | PatternNode::Empty | PatternNode::PartitionStart | PatternNode::PartitionEnd => {
            true
        }
    }
}

/// Whether the pattern has a step at all.
pub(crate) fn has_step(node: &PatternNode) -> bool {
    match node {
        PatternNode::Step(_) => true,
        PatternNode::Sequence(elements) => elements.iter().any(|element| has_step(&element.node)),
        PatternNode::Both(parts) | PatternNode::Permute(parts) | PatternNode::Either(parts) => parts.iter().any(has_step),
        PatternNode::Repeat { inner, .. } | PatternNode::Exclude(inner) => has_step(inner),
        PatternNode::Not(_) | PatternNode::NotFor(..) | PatternNode::Empty | PatternNode::PartitionStart | PatternNode::PartitionEnd => {
            false
        }
    }
}

/// The variables that can take an event that is not the match's first.
pub(crate) fn can_be_later(node: &PatternNode) -> BTreeSet<VariableId> {
    fn collect(node: &PatternNode, at_start: bool, out: &mut BTreeSet<VariableId>) {
        match node {
            PatternNode::Step(variable) => {
                if !at_start {
                    out.insert(*variable);
                }
            }
            PatternNode::Sequence(elements) => {
                let mut at_start = at_start;
                for element in elements {
                    collect(&element.node, at_start, out);
                    at_start = at_start && !has_step(&element.node);
                }
            }
            PatternNode::Either(branches) => branches.iter().for_each(|branch| collect(branch, at_start, out)),
            PatternNode::Both(parts) | PatternNode::Permute(parts) => {
                for (index, part) in parts.iter().enumerate() {
                    let alone = parts.iter().enumerate().all(|(other, part)| other == index || !has_step(part));
                    collect(part, at_start && alone, out);
                }
            }
            PatternNode::Repeat { inner, max, .. } => {
                collect(inner, at_start, out);
                if max.is_none_or(|max| max > 1) {
                    collect(inner, false, out);
                }
            }
            PatternNode::Exclude(inner) => collect(inner, at_start, out),
            PatternNode::Not(_)
            | PatternNode::NotFor(..)
            | PatternNode::Empty
            | PatternNode::PartitionStart
            | PatternNode::PartitionEnd => {}
        }
    }
    let mut out = BTreeSet::new();
    collect(node, true, &mut out);
    out
}

/// Whether a started match can wait: a step behind the first event is reached by an arrow that skips events.
pub(crate) fn can_wait(node: &PatternNode) -> bool {
    match node {
        PatternNode::Sequence(elements) => {
            let mut started = false;
            elements.iter().any(|element| {
                // One with a length of its own is over when that is.
                let negation = matches!(element.node, PatternNode::Not(_) | PatternNode::NotFor(..));
                let waits = started && !negation && element.arrow != Arrow::Strict || can_wait(&element.node);
                started |= has_step(&element.node);
                waits
            })
        }
        PatternNode::Either(branches) => branches.iter().any(can_wait),
        PatternNode::Both(parts) | PatternNode::Permute(parts) => parts.len() > 1 || parts.iter().any(can_wait),
        PatternNode::Repeat { inner, max, inside, .. } => can_wait(inner) || *inside != Arrow::Strict && max.is_none_or(|max| max > 1),
        PatternNode::Exclude(inner) => can_wait(inner),
        PatternNode::Step(_)
        | PatternNode::Not(_)
        | PatternNode::NotFor(..)
        | PatternNode::Empty
        | PatternNode::PartitionStart
        | PatternNode::PartitionEnd => false,
    }
}

/// Whether the pattern can end in a greedy loop that waits for more, by an arrow that skips events, without bound.
pub(crate) fn ends_in_waiting_loop(node: &PatternNode) -> bool {
    match node {
        PatternNode::Sequence(elements) => {
            for element in elements.iter().rev() {
                let optional_wait = waits_for_optional(&element.node, element.arrow);
                if ends_in_waiting_loop(&element.node) || optional_wait {
                    return true;
                }
                if !matches_empty(&element.node) {
                    return false;
                }
            }
            false
        }
        PatternNode::Either(branches) => branches.iter().any(ends_in_waiting_loop),
        PatternNode::Both(parts) | PatternNode::Permute(parts) => parts.iter().any(ends_in_waiting_loop),
        PatternNode::Repeat { inner, min, max, greedy, inside, until } => {
            let more = max.is_none_or(|max| max > 1 && max > *min);
            *greedy && more && until.is_none() && *inside != Arrow::Strict || ends_in_waiting_loop(inner)
        }
        PatternNode::Exclude(inner) => ends_in_waiting_loop(inner),
        PatternNode::Step(_)
        | PatternNode::Not(_)
        | PatternNode::NotFor(..)
        | PatternNode::Empty
        | PatternNode::PartitionStart
        | PatternNode::PartitionEnd => false,
    }
}

/// An optional greedy element behind a skipping arrow: the match could be complete without it, and waits for it all the same.
fn waits_for_optional(node: &PatternNode, arrow: Arrow) -> bool {
    matches!(node, PatternNode::Repeat { min: 0, greedy: true, until: None, .. }) && arrow != Arrow::Strict
}
