//! The steps of a pattern and the ways between them: which can be first, which can follow which and by what arrow, which can be last.
//!
//! This is Glushkov's construction (1961) over the tree of the pattern: every step is one box, however often a loop takes it.

use super::{Arrow, Group, Shape, Shown};
use crate::plan::NodeNotes;
use crate::spec::{Arrow as By, FollowUp, PatternNode, PatternSpec, VariableId};

/// What a part of a pattern looks like from outside.
#[derive(Debug, Clone, Default)]
struct Part {
    /// It can be passed without an event.
    is_optional: bool,
    first: Vec<VariableId>,
    last: Vec<VariableId>,
    /// Watched before it: negations that stand at its beginning.
    watched: Vec<String>,
}

struct Steps<'p> {
    spec: &'p PatternSpec,
    ways: Vec<(VariableId, VariableId, String)>,
}

/// The inside of a pattern; `prefix` makes its boxes unique.
pub(super) fn group(prefix: &str, title: &str, spec: &PatternSpec, notes: Option<&NodeNotes>) -> Group {
    let mut steps = Steps { spec, ways: Vec::new() };
    let whole = steps.part(&spec.root);
    let id = |variable: VariableId| format!("{prefix}v{}", variable.0);
    let (start, end) = (format!("{prefix}start"), format!("{prefix}end"));
    let arrow = |from: String, to: String, label: String| Arrow { from, to, label, forbids: false };
    let mut arrows: Vec<Arrow> = whole.first.iter().map(|&v| arrow(start.clone(), id(v), whole.watched.join(", "))).collect();
    arrows.extend(steps.ways.iter().map(|(from, to, label)| arrow(id(*from), id(*to), label.clone())));
    let negated_at_end = negations_at_end(&spec.root, spec).join(", ");
    arrows.extend(whole.last.iter().map(|&v| arrow(id(v), end.clone(), negated_at_end.clone())));
    arrows.iter_mut().for_each(|arrow| arrow.forbids = arrow.label.contains('!'));
    let mut seen: Vec<VariableId> = Vec::new();
    for v in whole.first.iter().chain(&whole.last).copied().chain(steps.ways.iter().flat_map(|(from, to, _)| [*from, *to])) {
        if !seen.contains(&v) {
            seen.push(v);
        }
    }
    seen.sort_unstable();
    let figures = |v: VariableId| notes.map_or_else(Vec::new, |notes| notes.step(v).to_vec());
    let step = |&v: &VariableId| Shown { id: id(v), title: steps.name(v), lines: Vec::new(), figures: figures(v), shape: Shape::Step };
    let point = |id: &str, title: &str| Shown {
        id: id.to_owned(),
        title: title.to_owned(),
        lines: Vec::new(),
        figures: Vec::new(),
        shape: Shape::Point,
    };
    let mut boxes = vec![point(&start, "start")];
    boxes.extend(seen.iter().map(step));
    boxes.push(point(&end, "match"));
    Group { id: prefix.to_owned(), title: title.to_owned(), boxes, arrows }
}

impl Steps<'_> {
    fn name(&self, variable: VariableId) -> String {
        self.spec.variables[variable.0 as usize].name.to_string()
    }

    /// Ways from each of these to each of those, once.
    fn join(&mut self, from: &[VariableId], to: &[VariableId], label: &str) {
        for &from in from {
            for &to in to {
                if !self.ways.iter().any(|(f, t, _)| (*f, *t) == (from, to)) {
                    self.ways.push((from, to, label.to_owned()));
                }
            }
        }
    }

    /// A part of the pattern; as deep as the pattern is written.
    fn part(&mut self, node: &PatternNode) -> Part {
        match node {
            PatternNode::Step(variable) => Part { first: vec![*variable], last: vec![*variable], ..Part::default() },
            PatternNode::Sequence(elements) => self.sequence(elements),
            PatternNode::Either(all) => {
                let parts: Vec<Part> = all.iter().map(|node| self.part(node)).collect();
                Part { is_optional: parts.iter().any(|part| part.is_optional), ..merged(&parts) }
            }
            PatternNode::Both(all) | PatternNode::Permute(all) => {
                let parts: Vec<Part> = all.iter().map(|node| self.part(node)).collect();
                for (index, part) in parts.iter().enumerate() {
                    let others = parts.iter().enumerate().filter(|(other, _)| *other != index);
                    others.for_each(|(_, other)| self.join(&part.last, &other.first, "&"));
                }
                Part { is_optional: parts.iter().all(|part| part.is_optional), ..merged(&parts) }
            }
            PatternNode::Repeat { inner, min, max, inside, until, .. } => {
                let mut part = self.part(inner);
                if *max != Some(1) {
                    let until = until.map_or_else(String::new, |until| format!(" until {}", self.name(until)));
                    let label = format!("{} {}{until}", sign(*inside), times(*min, *max));
                    let (last, first) = (part.last.clone(), part.first.clone());
                    self.join(&last, &first, &label);
                }
                part.is_optional |= *min == 0;
                part
            }
            PatternNode::Exclude(inner) => self.part(inner),
            PatternNode::Not(_) | PatternNode::NotFor(..) => {
                Part { is_optional: true, watched: negation(node, self.spec).into_iter().collect(), ..Part::default() }
            }
            PatternNode::Empty | PatternNode::PartitionStart | PatternNode::PartitionEnd => Part { is_optional: true, ..Part::default() },
        }
    }

    fn sequence(&mut self, elements: &[FollowUp]) -> Part {
        let mut whole = Part { is_optional: true, ..Part::default() };
        let mut watched: Vec<String> = Vec::new();
        for element in elements {
            let part = self.part(&element.node);
            watched.extend(part.watched.iter().cloned());
            if part.first.is_empty() {
                continue;
            }
            let signs: Vec<String> = std::iter::once(sign(element.arrow).to_owned()).chain(watched.iter().cloned()).collect();
            self.join(&whole.last, &part.first, &signs.join(" "));
            if whole.is_optional {
                whole.first.extend(&part.first);
                whole.watched.append(&mut watched);
            }
            if part.is_optional {
                whole.last.extend(&part.last);
            } else {
                whole.last = part.last;
                watched.clear();
            }
            whole.is_optional &= part.is_optional;
        }
        whole
    }
}

fn merged(parts: &[Part]) -> Part {
    let all = |of: fn(&Part) -> &Vec<VariableId>| parts.iter().flat_map(of).copied().collect();
    Part { is_optional: false, first: all(|part| &part.first), last: all(|part| &part.last), watched: Vec::new() }
}

/// What must not come behind the last step.
fn negations_at_end(node: &PatternNode, spec: &PatternSpec) -> Vec<String> {
    let PatternNode::Sequence(elements) = node else { return Vec::new() };
    let behind: Vec<String> = elements.iter().rev().map_while(|element| negation(&element.node, spec)).collect();
    behind.into_iter().rev().collect()
}

fn negation(node: &PatternNode, spec: &PatternSpec) -> Option<String> {
    let name = |variable: &VariableId| &spec.variables[variable.0 as usize].name;
    match node {
        PatternNode::Not(variable) => Some(format!("!{}", name(variable))),
        PatternNode::NotFor(variable, length) => Some(format!("!{} for {length}", name(variable))),
        _ => None,
    }
}

fn sign(arrow: By) -> &'static str {
    match arrow {
        By::Next => "->",
        By::Any => "->>",
        By::Strict => ",",
    }
}

fn times(min: u64, max: Option<u64>) -> String {
    match (min, max) {
        (0, None) => "*".to_owned(),
        (1, None) => "+".to_owned(),
        (min, None) => format!("{{{min},}}"),
        (min, Some(max)) if min == max => format!("{{{min}}}"),
        (min, Some(max)) => format!("{{{min},{max}}}"),
    }
}
