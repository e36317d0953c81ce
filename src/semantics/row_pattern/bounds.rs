//! What is told of row patterns that are certain only at the end of the input, that match empty, or that remember every key.

use std::collections::BTreeSet;

use super::codes;
use super::tree::Lowered;
use crate::semantics::context::{Context, Reported};
use crate::semantics::pattern::matches_empty;
use crate::spec::{PatternNode, VariableId};
use crate::syntax::ast::{MatchRecognize, RowsPerMatch};
use crate::text::{Diagnostic, Span};

/// Tells them. `anything` are the variables that fit every row.
pub(super) fn tell(
    cx: &mut Context<'_>,
    spec: &MatchRecognize,
    lowered: &Lowered,
    anything: &BTreeSet<VariableId>,
) -> Result<(), Reported> {
    let shows_empty = match spec.rows {
        RowsPerMatch::One | RowsPerMatch::AllShowEmpty | RowsPerMatch::AllWithUnmatched => true,
        RowsPerMatch::AllOmitEmpty => false,
    };
    if shows_empty && matches_empty(&lowered.root) {
        let text = "this pattern can match without a row, so it gives a row for every event that starts no match";
        let diagnostic = Diagnostic::warning(codes::MATCHES_EMPTY, spec.pattern.span, text);
        cx.warn(diagnostic.hint("make one of its variables necessary: `+` for `*`"));
    }
    if let (Some(start), false) = (lowered.start, spec.partition_by.is_empty()) {
        let text = "`^` with PARTITION BY remembers every key for ever, to know which row was its first";
        cx.warn(Diagnostic::warning(codes::REMEMBERS_KEYS, start, text));
    }
    let mut told = Ok(());
    if let Some(end) = lowered.end {
        let text = "`$` is the end of the input, so matches come out when the input ends";
        told = told.and(tell_unbounded(cx, end, text, &["leave `$` out"]));
    }
    if spec.within.is_none() && ends_in_anything(&lowered.root, anything) {
        let text = "this match could never be certain before the input ends: the loop at its end fits every row";
        let hints = ["add `WITHIN 10 minutes` behind the pattern", "or make the last quantifier reluctant: `+?`"];
        told = told.and(tell_unbounded(cx, spec.pattern.span, text, &hints));
    }
    told
}

fn tell_unbounded(cx: &mut Context<'_>, span: Span, text: &str, hints: &[&str]) -> Result<(), Reported> {
    let diagnostic = if cx.options.endless { Diagnostic::error } else { Diagnostic::warning };
    let diagnostic = hints.iter().fold(diagnostic(codes::UNBOUNDED, span, text), |diagnostic, hint| diagnostic.hint(*hint));
    if cx.options.endless {
        return Err(cx.error(diagnostic));
    }
    cx.warn(diagnostic);
    Ok(())
}

/// Whether the pattern can end in a greedy loop without bound that fits every row.
fn ends_in_anything(node: &PatternNode, anything: &BTreeSet<VariableId>) -> bool {
    match node {
        PatternNode::Sequence(elements) => {
            for element in elements.iter().rev() {
                if ends_in_anything(&element.node, anything) {
                    return true;
                }
                if !matches_empty(&element.node) {
                    return false;
                }
            }
            false
        }
        PatternNode::Either(parts) | PatternNode::Both(parts) | PatternNode::Permute(parts) => {
            parts.iter().any(|part| ends_in_anything(part, anything))
        }
        PatternNode::Repeat { inner, max, greedy, .. } => {
            *greedy && max.is_none() && fits_anything(inner, anything) || ends_in_anything(inner, anything)
        }
        PatternNode::Exclude(inner) => ends_in_anything(inner, anything),
        PatternNode::Step(_)
        | PatternNode::Not(_)
        | PatternNode::NotFor(..)
        | PatternNode::Empty
        | PatternNode::PartitionStart
        | PatternNode::PartitionEnd => false,
    }
}

/// Whether some way through the pattern takes rows and fits whatever they are.
fn fits_anything(node: &PatternNode, anything: &BTreeSet<VariableId>) -> bool {
    match node {
        PatternNode::Step(variable) => anything.contains(variable),
        PatternNode::Sequence(elements) => {
            elements.iter().all(|element| matches_empty(&element.node) || fits_anything(&element.node, anything))
                && elements.iter().any(|element| fits_anything(&element.node, anything))
        }
        PatternNode::Permute(parts) | PatternNode::Both(parts) => parts.iter().all(|part| fits_anything(part, anything)),
        PatternNode::Either(branches) => branches.iter().any(|branch| fits_anything(branch, anything)),
        PatternNode::Repeat { inner, .. } | PatternNode::Exclude(inner) => fits_anything(inner, anything),
        PatternNode::Not(_) | PatternNode::NotFor(..) | PatternNode::Empty | PatternNode::PartitionStart | PatternNode::PartitionEnd => {
            false
        }
    }
}
