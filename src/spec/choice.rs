//! Which evaluator runs a pattern: the cheapest one that is exact for it. The operators build what this says, and `explain` tells it.
//!
//! Ordered threads are exact for everything. Rank columns are for sequences of which every step follows by `->>` and is decided by the
//! candidate alone: then what has reached a step is all that matters, and no unfinished match need be stored.

use super::flat;
use super::pattern::{AfterMatch, Arrow, Mode, NavigationBase, PatternNode, PatternSpec, RowOutput, Runs, SlotKind};
use super::pattern::{VariableId, VariableKind, Within};
use crate::expr::Expr;

/// The evaluator of a pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EvaluatorChoice {
    /// Time-ordered columns of the events that reached each of these steps.
    RankColumns(Vec<VariableId>),
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
            Self::FlatThreads => "flat threads (an automaton as a table; each thread remembers a few events)",
            Self::Threads => "ordered threads (general)",
        }
    }
}

/// Chooses.
pub fn choose(spec: &PatternSpec) -> EvaluatorChoice {
    let otherwise = || if flat::fits(spec) { EvaluatorChoice::FlatThreads } else { EvaluatorChoice::Threads };
    let is_plain = spec.mode == Mode::AllMatches
        && spec.runs == Runs::All
        && spec.rows == RowOutput::OnePerMatch
        && spec.limit_per_partition.is_none()
        && spec.timeout.is_none()
        && spec.late_checks.is_empty()
        && spec.tie_order.is_empty()
        && matches!(spec.after_match, AfterMatch::Everything | AfterMatch::Restart)
        && matches!(spec.within, None | Some(Within::Time(_)));
    let mut steps = Vec::new();
    if !is_plain || !gather_steps(&spec.root, &mut steps) || steps.is_empty() {
        return otherwise();
    }
    let is_once = |step: &VariableId| steps.iter().filter(|other| *other == step).count() == 1;
    let takes_all_variables = steps.len() == spec.variables.len() && steps.iter().all(is_once);
    let are_unary = |step: &VariableId| {
        let variable = &spec.variables[step.0 as usize];
        variable.kind == VariableKind::Step
            && !variable.looped
            && variable.checks_after_first.is_empty()
            && variable.checks.iter().all(|term| is_unary(spec, *step, term))
    };
    if takes_all_variables && steps.iter().all(are_unary) { EvaluatorChoice::RankColumns(steps) } else { otherwise() }
}

/// The steps of a sequence, in order; false where it is anything but steps that follow by `->>`. As deep as the pattern is written.
fn gather_steps(node: &PatternNode, steps: &mut Vec<VariableId>) -> bool {
    match node {
        PatternNode::Step(variable) => {
            steps.push(*variable);
            true
        }
        PatternNode::Sequence(elements) => elements.iter().enumerate().all(|(index, element)| {
            let follows = index == 0 || element.arrow == Arrow::Any;
            follows && gather_steps(&element.node, steps)
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
