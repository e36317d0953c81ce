//! Which evaluator runs a pattern: the cheapest one that is exact for it. The operators build what this says, and `explain` tells it.
//!
//! Ordered threads are exact for everything. Rank columns are for sequences of which every step follows by `->>` and is decided by the
//! candidate alone: then what has reached a step is all that matters, and no unfinished match need be stored. Way columns are for the same
//! with loops, groups and alternatives (`unary`). Step lists are for the other
//! sequences of single steps: an unfinished match waits at one step, with what that step's terms compare already worked out. Flat threads
//! (`flat`) are for what has loops, alternatives or MATCH_RECOGNIZE, as long as a thread remembers a fixed number of events.

use super::pattern::{AfterMatch, Arrow, Mode, NavigationBase, PatternNode, PatternSpec, RowOutput, Runs, SlotKind};
use super::pattern::{VariableId, VariableKind, Within};
use super::{flat, unary};
use crate::expr::Expr;

/// The evaluator of a pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EvaluatorChoice {
    /// Time-ordered columns of the events that reached each of these steps.
    RankColumns(Vec<VariableId>),
    /// Lists of the unfinished matches that wait at each of these steps, with the arrow before each.
    StepLists(Vec<(VariableId, Arrow)>),
    /// Time-ordered columns of the events that reached each step, where there are loops or alternatives.
    WayColumns,
    /// Threads of a fixed size over an automaton that is a table.
    FlatThreads,
    /// Ordered threads over an automaton.
    Threads,
}

impl EvaluatorChoice {
    /// As `explain` writes it.
    pub fn text(&self) -> &'static str {
        match self {
            Self::RankColumns(_) => "rank columns (every `->>`, unary terms)",
            Self::StepLists(_) => "step lists (single steps: what waits at a step is compared at once)",
            Self::WayColumns => "way columns (every `->>` or `ANY`, unary terms)",
            Self::FlatThreads => "flat threads (an automaton as a table; each thread remembers a few events)",
            Self::Threads => "ordered threads (general)",
        }
    }
}

/// Chooses.
pub fn choose(spec: &PatternSpec) -> EvaluatorChoice {
    of_sequence(spec).unwrap_or_else(|| {
        if unary::lists_by_ways(spec) {
            EvaluatorChoice::WayColumns
        } else if flat::fits(spec) {
            EvaluatorChoice::FlatThreads
        } else {
            EvaluatorChoice::Threads
        }
    })
}

/// The evaluator of a plain sequence of single steps.
fn of_sequence(spec: &PatternSpec) -> Option<EvaluatorChoice> {
    let mut steps = Vec::new();
    if !is_plain(spec) || !gather_steps(&spec.root, Arrow::Next, &mut steps) || !takes_each_variable_once(spec, &steps) {
        return None;
    }
    if is_for_ranks(spec, &steps) {
        return Some(EvaluatorChoice::RankColumns(steps.into_iter().map(|(step, _)| step).collect()));
    }
    is_for_lists(spec, &steps).then_some(EvaluatorChoice::StepLists(steps))
}

/// Whether no clause asks for more than the matches of a sequence.
fn is_plain(spec: &PatternSpec) -> bool {
    matches!(spec.mode, Mode::OnePerStart | Mode::AllMatches)
        && spec.runs == Runs::All
        && spec.rows == RowOutput::OnePerMatch
        && spec.drops_keys_beyond().is_none()
        && spec.limit_per_partition.is_none()
        && spec.timeout.is_none()
        && spec.late_checks.is_empty()
        && spec.tie_order.is_empty()
        && matches!(spec.within, None | Some(Within::Time(_)))
}

fn takes_each_variable_once(spec: &PatternSpec, steps: &[(VariableId, Arrow)]) -> bool {
    let is_once = |step: &VariableId| steps.iter().filter(|(other, _)| other == step).count() == 1;
    let is_single = |step: &VariableId| {
        let variable = &spec.variables[step.0 as usize];
        variable.kind == VariableKind::Step && !variable.looped && variable.checks_after_first.is_empty()
    };
    steps.len() == spec.variables.len() && steps.iter().all(|(step, _)| is_once(step) && is_single(step))
}

fn is_for_ranks(spec: &PatternSpec, steps: &[(VariableId, Arrow)]) -> bool {
    spec.mode == Mode::AllMatches
        && matches!(spec.after_match, AfterMatch::Everything | AfterMatch::Restart)
        && steps[1..].iter().all(|(_, arrow)| *arrow == Arrow::Any)
        && steps.iter().all(|(step, _)| spec.variables[step.0 as usize].checks.iter().all(|term| is_unary(spec, *step, term)))
}

/// How many steps fit the bits that say which of them a row fits.
const LISTS_MAX: usize = 64;

fn is_for_lists(spec: &PatternSpec, steps: &[(VariableId, Arrow)]) -> bool {
    let reads_steps_so_far = |at: usize, term: &Expr| {
        term.slots().iter().all(|slot| {
            let variable = column_of_step(spec, slot.0 as usize).map(|(variable, _)| variable);
            variable.is_some_and(|variable| steps[..=at].iter().any(|(step, _)| *step == variable))
        })
    };
    let terms_are_known = |(at, (step, _)): (usize, &(VariableId, Arrow))| {
        let checks = &spec.variables[step.0 as usize].checks;
        checks.iter().all(|term| is_unary(spec, *step, term) || (at > 0 && reads_steps_so_far(at, term)))
    };
    // A key is looked up only where its row matters, so it must not count NULLs.
    let keys_are_total = spec.partition.by_input.iter().flatten().all(Expr::is_total);
    spec.after_match != AfterMatch::Consume && steps.len() <= LISTS_MAX && keys_are_total && steps.iter().enumerate().all(terms_are_known)
}

/// The variable and the column, if a slot is a column of the only event that a step takes.
pub fn column_of_step(spec: &PatternSpec, slot: usize) -> Option<(VariableId, usize)> {
    match &spec.slots[slot].kind {
        SlotKind::Column { variables, column, base: NavigationBase::Last(0) | NavigationBase::First(0), physical: 0, .. } => {
            match variables.as_slice() {
                [variable] => Some((*variable, *column)),
                _ => None,
            }
        }
        _ => None,
    }
}

/// The steps of a sequence with the arrows before them, in order; false where it is anything but single steps. As deep as the pattern is
/// written.
fn gather_steps(node: &PatternNode, arrow: Arrow, steps: &mut Vec<(VariableId, Arrow)>) -> bool {
    match node {
        PatternNode::Step(variable) => {
            steps.push((*variable, arrow));
            true
        }
        PatternNode::Sequence(elements) => elements.iter().enumerate().all(|(index, element)| {
            // The first element follows as the whole does.
            let arrow = if index == 0 { arrow } else { element.arrow };
            gather_steps(&element.node, arrow, steps)
        }),
        PatternNode::Either(_)
        | PatternNode::Both(_)
        | PatternNode::Repeat { .. }
        | PatternNode::Not(_)
        | PatternNode::NotFor(..)
        | PatternNode::Empty
        | PatternNode::PartitionStart
        | PatternNode::PartitionEnd
        | PatternNode::Permute(_)
        | PatternNode::Exclude(_) => false,
    }
}

/// Whether a term of a variable reads nothing but the candidate.
pub fn is_unary(spec: &PatternSpec, of: VariableId, term: &Expr) -> bool {
    term.slots().iter().all(|slot| match &spec.slots[slot.0 as usize].kind {
        SlotKind::Column { variables, base: NavigationBase::Last(0), physical: 0, .. } => variables.contains(&of),
        _ => false,
    })
}
