//! How much an operator can come to hold: its state class, and what to write where nothing bounds it.

use super::graph::{LookupTable, Node, OperatorSpec};
use crate::data::Duration;
use crate::spec::{Arrow, JoinKind, Mode, PatternNode, PatternSpec, Runs, WindowKind, WindowOutput, WindowSpec};

/// How state grows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum StateClass {
    /// It does not.
    Constant,
    /// With the number of keys.
    Keys,
    /// With the number of rows in a bounded stretch of time or count.
    Window,
    /// With the rows in a stretch of time, times the steps of the pattern.
    WindowSteps,
    /// With the input, for ever.
    Unbounded(Growth),
}

/// What grows for ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Growth {
    /// A pattern without WITHIN.
    Pattern,
    /// An aggregate that keeps every value, without a window.
    Aggregate,
    /// A join that waits for ever.
    Join,
}

impl StateClass {
    /// As `explain` writes it.
    pub fn text(self) -> &'static str {
        match self {
            Self::Constant => "O(1)",
            Self::Keys => "O(keys)",
            Self::Window => "O(window)",
            Self::WindowSteps => "O(window × steps)",
            Self::Unbounded(_) => "unbounded",
        }
    }
}

/// The class of a node.
pub fn class_of(node: &Node) -> StateClass {
    match &node.spec {
        OperatorSpec::Filter(_) | OperatorSpec::Project(_) | OperatorSpec::Limit(_) | OperatorSpec::Until(_) => StateClass::Constant,
        OperatorSpec::Lookup { table: LookupTable::File(_), .. } => StateClass::Constant,
        OperatorSpec::View { key, .. } | OperatorSpec::Lookup { table: LookupTable::View { key, .. }, .. } => {
            if key.is_empty() {
                StateClass::Constant
            } else {
                StateClass::Keys
            }
        }
        OperatorSpec::Union if node.lags => StateClass::Window,
        OperatorSpec::Union => StateClass::Constant,
        OperatorSpec::TopOfWindow { .. } => StateClass::Window,
        OperatorSpec::Suppress { keys, .. } if keys.is_empty() => StateClass::Constant,
        OperatorSpec::Suppress { .. } => StateClass::Window,
        OperatorSpec::Window(spec) => of_window(spec),
        OperatorSpec::Join(spec) => {
            let is_endless = |bound: Duration| bound.0 == i64::MAX;
            match spec.kind {
                JoinKind::AsOf | JoinKind::LeftAsOf if is_endless(spec.before) => StateClass::Keys,
                _ if is_endless(spec.before) || is_endless(spec.after) => StateClass::Unbounded(Growth::Join),
                _ => StateClass::Window,
            }
        }
        OperatorSpec::Pattern { spec, .. } => of_pattern(spec),
        // Without WITHIN there are numbers alone, for each key and window.
        OperatorSpec::CountMatches { spec, .. } if spec.pattern.within.is_none() => StateClass::Window,
        OperatorSpec::CountMatches { .. } => StateClass::WindowSteps,
    }
}

fn of_window(spec: &WindowSpec) -> StateClass {
    match spec.kind {
        WindowKind::Running => match &spec.output {
            WindowOutput::Aggregates(calls) if calls.iter().all(|c| !c.distinct && !c.function.grows()) => {
                if spec.keys.is_empty() {
                    StateClass::Constant
                } else {
                    StateClass::Keys
                }
            }
            WindowOutput::Aggregates(_) | WindowOutput::Rows => StateClass::Unbounded(Growth::Aggregate),
        },
        WindowKind::Hopping { .. } | WindowKind::Sliding(_) | WindowKind::Session { .. } => StateClass::Window,
        WindowKind::Rows(_) | WindowKind::LastRows(_) if spec.keys.is_empty() => StateClass::Window,
        WindowKind::Rows(_) | WindowKind::LastRows(_) => StateClass::Keys,
    }
}

fn of_pattern(spec: &PatternSpec) -> StateClass {
    let per_key = if spec.partition.by_input.iter().all(Vec::is_empty) { StateClass::Constant } else { StateClass::Keys };
    let loops_grow = spec.variables.iter().any(|v| v.looped);
    match (spec.within, spec.runs) {
        (Some(_), _) => StateClass::WindowSteps,
        (None, Runs::Latest | Runs::Count(_) | Runs::DropOldest(_) | Runs::OrEnd(_)) if !loops_grow => per_key,
        // Starts that wait for the end of a `FOR`.
        (None, _) if longest(&spec.root, spec.mode == Mode::Rows).is_some() && waits_for_time(&spec.root) => StateClass::Window,
        // Steps that follow each other without gaps end where one does not fit, so a start lives as long as the pattern is.
        (None, _) if longest(&spec.root, spec.mode == Mode::Rows).is_some() => per_key,
        (None, _) => StateClass::Unbounded(Growth::Pattern),
    }
}

/// How many events a run of this pattern can take, where its own form bounds how long it lives: every step but the first follows at once,
/// or is a negation for a length of time.
fn longest(node: &PatternNode, all_strict: bool) -> Option<u64> {
    match node {
        PatternNode::Step(_) => Some(1),
        PatternNode::Not(_) | PatternNode::NotFor(..) => Some(0),
        PatternNode::Empty | PatternNode::PartitionStart | PatternNode::PartitionEnd => Some(0),
        PatternNode::Sequence(items) => {
            let mut sum = 0_u64;
            let mut has_begun = false;
            for item in items {
                // A negation takes no event: the step behind it says how long it is waited for, or its own length does.
                let is_negation = matches!(item.node, PatternNode::Not(_) | PatternNode::NotFor(..));
                if has_begun && !is_negation && !all_strict && item.arrow != Arrow::Strict {
                    return None;
                }
                has_begun |= !is_negation;
                sum = sum.saturating_add(longest(&item.node, all_strict)?);
            }
            Some(sum)
        }
        PatternNode::Either(items) => items.iter().map(|n| longest(n, all_strict)).try_fold(0, |most, n| Some(most.max(n?))),
        PatternNode::Permute(items) => items.iter().map(|n| longest(n, all_strict)).try_fold(0_u64, |sum, n| Some(sum.saturating_add(n?))),
        PatternNode::Exclude(inner) => longest(inner, all_strict),
        PatternNode::Repeat { inner, max: Some(max), inside, .. } if all_strict || *inside == Arrow::Strict || *max == 1 => {
            Some(longest(inner, all_strict)?.saturating_mul(*max))
        }
        PatternNode::Repeat { .. } | PatternNode::Both(_) => None,
    }
}

/// Whether a negation has a length of time of its own.
fn waits_for_time(node: &PatternNode) -> bool {
    match node {
        PatternNode::NotFor(..) => true,
        PatternNode::Sequence(items) => items.iter().any(|item| waits_for_time(&item.node)),
        PatternNode::Either(items) | PatternNode::Permute(items) | PatternNode::Both(items) => items.iter().any(waits_for_time),
        PatternNode::Exclude(inner) | PatternNode::Repeat { inner, .. } => waits_for_time(inner),
        PatternNode::Step(_) | PatternNode::Not(_) => false,
        PatternNode::Empty | PatternNode::PartitionStart | PatternNode::PartitionEnd => false,
    }
}
