//! The row pattern as written to the tree of the spec. All its arrows are strict: rows follow each other without gaps.
//!
//! Recursion is bounded by the depth that the parser allows.

use super::codes;
use super::variables::RowVariables;
use crate::semantics::context::{Context, Reported};
use crate::semantics::pattern::check_quantifier;
use crate::spec::{Arrow, FollowUp, PatternNode};
use crate::syntax::ast::{RowPattern, RowPatternKind};
use crate::text::Span;

/// The tree, and what of its text is looked at later.
#[derive(Debug)]
pub(super) struct Lowered {
    /// The tree.
    pub(super) root: PatternNode,
    /// The first `^`.
    pub(super) start: Option<Span>,
    /// The first `$`.
    pub(super) end: Option<Span>,
    /// The first `{- … -}`.
    pub(super) exclusion: Option<Span>,
}

/// Lowers a row pattern; its variables are added to `variables`.
pub(super) fn lower(cx: &mut Context<'_>, variables: &mut RowVariables, pattern: &RowPattern) -> Result<Lowered, Reported> {
    let mut walk = Walk { variables, start: None, end: None, exclusion: None, failed: None };
    let root = walk.pattern(cx, pattern, false);
    let Walk { start, end, exclusion, failed, .. } = walk;
    failed.map_or(Ok(Lowered { root, start, end, exclusion }), Err)
}

struct Walk<'v> {
    variables: &'v mut RowVariables,
    start: Option<Span>,
    end: Option<Span>,
    exclusion: Option<Span>,
    failed: Option<Reported>,
}

impl Walk<'_> {
    fn all(&mut self, cx: &mut Context<'_>, parts: &[RowPattern], repeats: bool) -> Vec<PatternNode> {
        parts.iter().map(|part| self.pattern(cx, part, repeats)).collect()
    }

    fn pattern(&mut self, cx: &mut Context<'_>, pattern: &RowPattern, repeats: bool) -> PatternNode {
        match &pattern.kind {
            RowPatternKind::Variable(name) => PatternNode::Step(self.variables.stands(name, repeats)),
            RowPatternKind::Empty => PatternNode::Empty,
            RowPatternKind::Start => {
                self.start.get_or_insert(pattern.span);
                PatternNode::PartitionStart
            }
            RowPatternKind::End => {
                self.end.get_or_insert(pattern.span);
                PatternNode::PartitionEnd
            }
            RowPatternKind::Concat(parts) => {
                let nodes = self.all(cx, parts, repeats);
                PatternNode::Sequence(nodes.into_iter().map(|node| FollowUp { arrow: Arrow::Strict, node }).collect())
            }
            RowPatternKind::Either(branches) => PatternNode::Either(self.all(cx, branches, repeats)),
            RowPatternKind::Permute(parts) => PatternNode::Permute(self.all(cx, parts, repeats)),
            RowPatternKind::Exclude(inner) => {
                self.exclusion.get_or_insert(pattern.span);
                PatternNode::Exclude(Box::new(self.pattern(cx, inner, repeats)))
            }
            RowPatternKind::Repeat(inner, quantifier) => {
                if let Err(reported) = check_quantifier(cx, quantifier, codes::QUANTIFIER_RANGE) {
                    self.failed = Some(reported);
                }
                let repeats = repeats || quantifier.max.is_none_or(|max| max > 1);
                PatternNode::Repeat {
                    inner: Box::new(self.pattern(cx, inner, repeats)),
                    min: quantifier.min,
                    max: quantifier.max,
                    greedy: !quantifier.reluctant,
                    inside: Arrow::Strict,
                    until: None,
                }
            }
        }
    }
}
