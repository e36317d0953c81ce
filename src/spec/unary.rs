//! The class of patterns that need no unfinished matches: every way to match is a match, every step follows by `->>`, and every term is
//! decided by the candidate alone. Then what has reached a step is all that matters: rank columns list such matches, counters count them.

use super::choice::is_unary;
use super::pattern::{AfterMatch, Arrow, Mode, PatternNode, PatternSpec, RowOutput, Runs, SlotKind, VariableKind, Within};

/// Beyond so many states a pattern is left to ordered threads.
const MOST_STATES: u64 = 64;

/// Whether a pattern is of the class.
pub fn follows_by_any(spec: &PatternSpec) -> bool {
    let is_plain = spec.mode == Mode::AllMatches
        && spec.runs == Runs::All
        && spec.rows == RowOutput::OnePerMatch
        && spec.keys.is_none()
        && spec.limit_per_partition.is_none()
        && spec.timeout.is_none()
        && spec.late_checks.is_empty()
        && spec.tie_order.is_empty()
        && matches!(spec.after_match, AfterMatch::Everything | AfterMatch::Restart)
        && matches!(spec.within, None | Some(Within::Time(_)));
    let are_unary = || {
        spec.variables.iter().zip(0..).all(|(variable, id)| {
            variable.kind == VariableKind::Step
                && variable.checks_after_first.is_empty()
                && variable.checks.iter().all(|term| is_unary(spec, super::VariableId(id), term))
        })
    };
    is_plain && spec.variables.len() <= 64 && states_of(&spec.root).is_some_and(|states| states <= MOST_STATES) && are_unary()
}

/// Whether way columns list the matches of a pattern: one of the class, of which nothing asks for the event before in the same loop.
pub(super) fn lists_by_ways(spec: &PatternSpec) -> bool {
    let looks_back = spec.slots.iter().any(|slot| matches!(slot.kind, SlotKind::PreviousInLoop { .. }));
    follows_by_any(spec) && !looks_back
}

/// How many states a part of a pattern has at most; nothing where it is anything but steps, groups, alternatives and loops that follow by
/// `->>`. (The arrow before the first element of a sequence is that before the whole.)
fn states_of(node: &PatternNode) -> Option<u64> {
    match node {
        PatternNode::Step(_) => Some(1),
        PatternNode::Empty => Some(0),
        PatternNode::Sequence(elements) => {
            let mut states = 0_u64;
            for (index, element) in elements.iter().enumerate() {
                if index > 0 && element.arrow != Arrow::Any {
                    return None;
                }
                states = states.checked_add(states_of(&element.node)?)?;
            }
            Some(states)
        }
        PatternNode::Either(branches) => branches.iter().try_fold(0_u64, |sum, branch| sum.checked_add(states_of(branch)?)),
        PatternNode::Repeat { inner, min, max, greedy: _, inside, until: None } if *inside == Arrow::Any || *max == Some(1) => {
            // Without a maximum counts stop at the minimum, or at 2, which tells the first iteration from others.
            let counts = max.unwrap_or((*min).max(2));
            states_of(inner)?.checked_mul(counts)
        }
        PatternNode::Repeat { .. }
        | PatternNode::Both(_)
        | PatternNode::Not(_)
        | PatternNode::NotFor(..)
        | PatternNode::PartitionStart
        | PatternNode::PartitionEnd
        | PatternNode::Permute(_)
        | PatternNode::Exclude(_) => None,
    }
}

/// Whether every match of a pattern of the class has an event of this variable.
pub fn always_takes(node: &PatternNode, variable: super::VariableId) -> bool {
    match node {
        PatternNode::Step(step) => *step == variable,
        PatternNode::Sequence(elements) => elements.iter().any(|element| always_takes(&element.node, variable)),
        PatternNode::Either(branches) => branches.iter().all(|branch| always_takes(branch, variable)),
        PatternNode::Repeat { inner, min, .. } => *min > 0 && always_takes(inner, variable),
        PatternNode::Both(_)
        | PatternNode::Not(_)
        | PatternNode::NotFor(..)
        | PatternNode::Empty
        | PatternNode::PartitionStart
        | PatternNode::PartitionEnd
        | PatternNode::Permute(_)
        | PatternNode::Exclude(_) => false,
    }
}
