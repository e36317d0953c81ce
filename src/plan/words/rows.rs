//! MATCH_RECOGNIZE in words: the row pattern as it is written, what its variables mean, and when a match is certain.

use super::Said;
use super::when::{End, collect_ends, hint, may_be_empty, quantifier};
use crate::expr::Expr;
use crate::spec::{PatternNode, SlotKind, VariableId, VariableKind};

impl Said<'_> {
    pub(super) fn whole_row_pattern(&self) -> String {
        let steps = (0..).map(VariableId).zip(&self.spec.variables).filter(|(_, v)| v.kind == VariableKind::Step);
        let defined: Vec<String> = steps
            .map(|(id, _)| match self.terms_of(id) {
                Some(terms) => format!("{} has {terms}", self.name(id)),
                None => format!("{} is any row", self.name(id)),
            })
            .collect();
        let of = self.names.first().map_or_else(String::new, |name| format!(" of {name}"));
        format!("rows{of}, one right after the other, that match `{}`, where {}", text(self, &self.spec.root, false), defined.join(", "))
    }

    pub(super) fn when_rows(&self) -> String {
        let mut lines = vec![self.rows_certain()];
        if self.looks_ahead() {
            lines.push("It waits for the rows that NEXT looks at.".to_owned());
        }
        lines.push("Starts are decided one after the other, so a match waits until those before it are decided.".to_owned());
        lines.join(" ")
    }

    fn rows_certain(&self) -> String {
        let mut ends = Vec::new();
        collect_ends(&self.spec.root, &mut ends);
        let latest = self.closes();
        if needs_the_end(&self.spec.root) {
            return "Comes out when the input ends: only then is `$` certain.".to_owned();
        }
        let grows = ends.iter().find_map(|end| if let End::Grows { node, .. } = end { Some(*node) } else { None });
        match grows {
            _ if self.is_ambiguous() || may_be_empty(&self.spec.root) => {
                let hint = grows.map(hint).unwrap_or_default();
                format!("Comes out as soon as no preferred way could take another row, at the latest {latest}{hint}.")
            }
            Some(node @ PatternNode::Repeat { inner, .. }) => match **inner {
                PatternNode::Step(id) if self.terms_of(id).is_none() => {
                    format!("Comes out {latest}, because {} fits every row and may still grow{}.", self.name(id), hint(node))
                }
                _ => format!("Comes out at the first row that the last step cannot take, at the latest {latest}{}.", hint(node)),
            },
            Some(_) | None => "Comes out with its last row.".to_owned(),
        }
    }

    fn looks_ahead(&self) -> bool {
        let checks = self.spec.variables.iter().flat_map(|v| &v.checks);
        checks.chain(&self.spec.outputs).any(|expr| self.reads_ahead(expr))
    }

    fn reads_ahead(&self, expr: &Expr) -> bool {
        expr.slots().iter().any(|slot| match &self.spec.slots[slot.0 as usize].kind {
            SlotKind::Column { physical, .. } | SlotKind::Classifier { physical, .. } => *physical > 0,
            SlotKind::AggregateOverSlots { call, .. } => call.args.iter().any(|arg| self.reads_ahead(arg)),
            _ => false,
        })
    }
}

/// Whether `$` stands somewhere in it.
fn needs_the_end(node: &PatternNode) -> bool {
    match node {
        PatternNode::PartitionEnd => true,
        PatternNode::Sequence(elements) => elements.iter().any(|e| needs_the_end(&e.node)),
        PatternNode::Either(parts) | PatternNode::Both(parts) | PatternNode::Permute(parts) => parts.iter().any(needs_the_end),
        PatternNode::Repeat { inner, .. } | PatternNode::Exclude(inner) => needs_the_end(inner),
        PatternNode::Step(_) | PatternNode::Not(_) | PatternNode::NotFor(..) | PatternNode::Empty | PatternNode::PartitionStart => false,
    }
}

/// The row pattern as it is written; in parentheses where it must be one thing.
fn text(said: &Said<'_>, node: &PatternNode, whole: bool) -> String {
    let joined = |parts: &[PatternNode], between: &str| parts.iter().map(|p| text(said, p, true)).collect::<Vec<_>>().join(between);
    let grouped = |text: String| if whole { format!("({text})") } else { text };
    match node {
        PatternNode::Step(id) => said.variable(*id).name.to_string(),
        PatternNode::Sequence(elements) => grouped(elements.iter().map(|e| text(said, &e.node, true)).collect::<Vec<_>>().join(" ")),
        PatternNode::Either(parts) => grouped(joined(parts, " | ")),
        PatternNode::Both(parts) => grouped(joined(parts, " & ")),
        PatternNode::Permute(parts) => format!("PERMUTE({})", parts.iter().map(|p| text(said, p, false)).collect::<Vec<_>>().join(", ")),
        PatternNode::Exclude(inner) => format!("{{- {} -}}", text(said, inner, false)),
        PatternNode::Repeat { inner, min, max, greedy, .. } => {
            let of = text(said, inner, true);
            let of = if matches!(**inner, PatternNode::Repeat { .. }) { format!("({of})") } else { of };
            format!("{of}{}{}", quantifier(*min, *max), if *greedy { "" } else { "?" })
        }
        PatternNode::Empty => "()".to_owned(),
        PatternNode::PartitionStart => "^".to_owned(),
        PatternNode::PartitionEnd => "$".to_owned(),
        PatternNode::Not(id) | PatternNode::NotFor(id, _) => format!("!{}", said.variable(*id).name),
    }
}
