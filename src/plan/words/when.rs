//! When a match comes out, in words.
//!
//! Two questions decide it. What can a match end with: a step, a loop that may still grow, a time that must pass? And can one event be taken in two
//! ways, so that a start has several threads of which a less preferred one may have to wait? The second is asked of the pattern as it is asked
//! of deterministic regular expressions: do the steps that can come next exclude each other? Where that cannot be told, the words say so.

use super::Said;
use crate::data::{Duration, Value};
use crate::expr::{CompareOp, Expr, ExprKind};
use crate::spec::{Arrow, Mode, PatternNode, VariableId};

/// What a match can end with.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum End<'a> {
    Taken(VariableId),
    /// A loop of a step that is over with its event of this number.
    Nth(VariableId, u64),
    /// A greedy loop that may take more. `now`: what comes right behind the step before decides whether it begins at all.
    Grows {
        node: &'a PatternNode,
        now: bool,
    },
    /// A negation that lasts until WITHIN is over.
    Absent,
    /// A time without an event.
    Silence(Duration),
    /// All of these, in any order.
    All(Vec<End<'a>>),
}

impl Said<'_> {
    pub(super) fn when(&self) -> String {
        let mut ends = Vec::new();
        collect_ends(&self.spec.root, &mut ends);
        if self.spec.mode == Mode::AllMatches {
            return self.when_all(&ends);
        }
        if self.is_ambiguous() {
            return self.when_undecided(&ends);
        }
        let mut taken: Vec<String> = Vec::new();
        let mut clauses = Vec::new();
        for end in &ends {
            match end {
                End::Taken(_) | End::Nth(..) => taken.push(self.arrival(end)),
                End::All(parts) => clauses.push(self.together(parts)),
                End::Grows { node, now } => clauses.push(self.growing(node, *now)),
                End::Absent => clauses.push(self.closes()),
                End::Silence(duration) => clauses.push(format!("when the {duration} are over")),
            }
        }
        if !taken.is_empty() {
            clauses.insert(0, format!("when {} arrives", taken.join(" or ")));
        }
        format!("Comes out {}.", clauses.join(", or "))
    }

    /// "`b`", "the third `b`"
    fn arrival(&self, end: &End<'_>) -> String {
        match end {
            End::Nth(id, n) => format!("the {} {}", ordinal(*n), self.name(*id)),
            End::Taken(id) => self.name(*id),
            End::Grows { .. } | End::Absent | End::Silence(_) | End::All(_) => "the rest".to_owned(),
        }
    }

    /// The ends of operands of `&`.
    fn together(&self, parts: &[End<'_>]) -> String {
        let grows = parts.iter().find_map(|end| if let End::Grows { node, .. } = end { Some(*node) } else { None });
        if let Some(node) = grows {
            return format!("{}, because one of the operands may still grow{}", self.closes(), hint(node));
        }
        let mut clauses = Vec::new();
        let arrivals: Vec<String> = parts.iter().filter(|e| matches!(e, End::Taken(_) | End::Nth(..))).map(|e| self.arrival(e)).collect();
        match arrivals.as_slice() {
            [] => {}
            [one] => clauses.push(format!("{one} has arrived")),
            several => clauses.push(format!("{} have arrived", several.join(" and "))),
        }
        clauses.extend(parts.iter().filter_map(|end| match end {
            End::Silence(duration) => Some(format!("the {duration} are over")),
            End::All(_) => Some("the group inside is complete".to_owned()),
            End::Absent => Some(self.closes().trim_start_matches("when ").to_owned()),
            End::Taken(_) | End::Nth(..) | End::Grows { .. } => None,
        }));
        format!("when {}", clauses.join(" and "))
    }

    fn when_all(&self, ends: &[End<'_>]) -> String {
        let mut clauses = Vec::new();
        for end in ends {
            let clause = match end {
                End::Taken(_) | End::Nth(..) | End::Grows { .. } | End::All(_) => "when its last event arrives".to_owned(),
                End::Absent => self.closes(),
                End::Silence(duration) => format!("when the {duration} are over"),
            };
            if !clauses.contains(&clause) {
                clauses.push(clause);
            }
        }
        format!("Comes out {}.", clauses.join(", or "))
    }

    /// Where one event can be taken in two ways.
    fn when_undecided(&self, ends: &[End<'_>]) -> String {
        let grows = ends.iter().find_map(|end| if let End::Grows { node, .. } = end { Some(*node) } else { None });
        let latest = self.closes();
        match grows {
            Some(node) => format!("Comes out when no preferred way can take another event, at the latest {latest}{}.", hint(node)),
            None => format!(
                "Comes out when it is complete; while a preferred way that took one of its events otherwise is still open, it waits for that, at \
                 the latest until {}.",
                latest.trim_start_matches("when ")
            ),
        }
    }

    /// "when the window closes (…), because the last step may still grow; write `{3,}?` to get it at the third"
    fn growing(&self, node: &PatternNode, now: bool) -> String {
        let PatternNode::Repeat { inner, max, inside, until, .. } = node else { return self.closes() };
        let mut sooner = Vec::new();
        if let PatternNode::Step(id) = **inner {
            sooner.extend(max.filter(|max| *max > 1).map(|max| format!("when {} has {max} events", self.name(id))));
            sooner.extend(max.filter(|max| *max == 1).map(|_| format!("when {} arrives", self.name(id))));
            sooner.extend(now.then(|| format!("when the very next event is no {}", self.name(id))));
            let breaks = || format!("when an event comes that is not one more {}", self.name(id));
            sooner.extend((*inside == Arrow::Strict && *max != Some(1)).then(breaks));
        }
        sooner.extend(until.map(|until| format!("when {} ends the loop", self.until_name(until))));
        let closes = self.closes();
        let moments = if sooner.is_empty() { closes } else { format!("{}, at the latest {closes}", sooner.join(" or ")) };
        format!("{moments}, because the last step may still grow{}", hint(node))
    }

    fn until_name(&self, id: VariableId) -> String {
        format!("the first {}", self.noun(id))
    }

    /// Whether an event may be taken in two ways by one start.
    pub(super) fn is_ambiguous(&self) -> bool {
        self.ambiguous(&self.spec.root, &[])
    }

    fn ambiguous(&self, node: &PatternNode, follow: &[VariableId]) -> bool {
        match node {
            PatternNode::Step(_)
            | PatternNode::Not(_)
            | PatternNode::NotFor(..)
            | PatternNode::Empty
            | PatternNode::PartitionStart
            | PatternNode::PartitionEnd => false,
            PatternNode::Exclude(inner) => self.ambiguous(inner, follow),
            PatternNode::Sequence(elements) => (0..elements.len())
                .any(|at| self.ambiguous(&elements[at].node, &first_of(elements[at + 1..].iter().map(|e| &e.node), follow))),
            PatternNode::Either(branches) => {
                let firsts: Vec<Vec<VariableId>> = branches.iter().map(|branch| first_of([branch].into_iter(), follow)).collect();
                self.any_two_meet(&firsts) || branches.iter().any(|branch| self.ambiguous(branch, follow))
            }
            PatternNode::Permute(parts) => {
                let firsts: Vec<Vec<VariableId>> = parts.iter().map(|part| first_of([part].into_iter(), &[])).collect();
                let next: Vec<VariableId> = firsts.iter().flatten().chain(follow).copied().collect();
                self.any_two_meet(&firsts) || parts.iter().any(|part| self.ambiguous(part, &next))
            }
            PatternNode::Both(operands) => {
                let goes_on = operands.iter().any(|operand| !is_fixed(operand));
                let inside: Vec<VariableId> = operands.iter().flat_map(all_steps).collect();
                goes_on && self.meet(&inside, follow) || operands.iter().any(|operand| self.ambiguous(operand, &[]))
            }
            PatternNode::Repeat { inner, min, max, .. } => {
                let begins = first_of([&**inner].into_iter(), &[]);
                let next: Vec<VariableId> = if *max == Some(1) { follow.to_vec() } else { begins.iter().chain(follow).copied().collect() };
                *max != Some(*min) && self.meet(&begins, follow) || self.ambiguous(inner, &next)
            }
        }
    }

    fn any_two_meet(&self, sets: &[Vec<VariableId>]) -> bool {
        sets.iter().enumerate().any(|(at, one)| sets[at + 1..].iter().any(|other| self.meet(one, other)))
    }

    /// Whether one event may be taken for a variable of either list.
    fn meet(&self, some: &[VariableId], others: &[VariableId]) -> bool {
        some.iter().any(|a| others.iter().any(|b| !self.exclude_each_other(*a, *b)))
    }

    fn exclude_each_other(&self, a: VariableId, b: VariableId) -> bool {
        let (one, other) = (self.variable(a), self.variable(b));
        let contradict = || one.checks.iter().any(|x| other.checks.iter().any(|y| self.contradict((a, x), (b, y))));
        one.input != other.input || contradict()
    }

    /// Whether two terms over one column of the event itself can never both be true.
    fn contradict(&self, (a, x): (VariableId, &Expr), (b, y): (VariableId, &Expr)) -> bool {
        let (Some((column, x)), Some((other, y))) = (self.range(a, x), self.range(b, y)) else { return false };
        column == other && x.is_apart_from(&y)
    }

    /// The values that a term leaves to a column of its own event, where it says just that.
    fn range(&self, of: VariableId, term: &Expr) -> Option<(usize, Range)> {
        let column =
            |expr: &Expr| {
                let slot = expr.as_slot()?;
                match &self.spec.slots[slot.0 as usize].kind {
                    crate::spec::SlotKind::Column {
                        variables, column, base: crate::spec::NavigationBase::Last(0), physical: 0, ..
                    } if *variables == [of] => Some(*column),
                    _ => None,
                }
            };
        match (term.kind(), term.args()) {
            (ExprKind::Slot(_), _) => Some((column(term)?, Range { op: CompareOp::Eq, value: Value::Bool(true) })),
            (ExprKind::Not, [inner]) => Some((column(inner)?, Range { op: CompareOp::Eq, value: Value::Bool(false) })),
            (ExprKind::IsBool(value), [inner]) => Some((column(inner)?, Range { op: CompareOp::Eq, value: Value::Bool(*value) })),
            (ExprKind::Compare(op), [left, right]) => match right.kind() {
                ExprKind::Literal(value) => Some((column(left)?, Range { op: *op, value: value.clone() })),
                _ => None,
            },
            _ => None,
        }
    }
}

/// The values on one side of a constant.
#[derive(Debug)]
struct Range {
    op: CompareOp,
    value: Value<'static>,
}

impl Range {
    fn is_apart_from(&self, other: &Self) -> bool {
        use std::cmp::Ordering::{Equal, Greater, Less};
        let Some(order) = self.value.compare(&other.value) else { return false };
        match (self.op, other.op) {
            (CompareOp::Eq, CompareOp::Eq) => order != Equal,
            (CompareOp::Eq, CompareOp::NotEq) | (CompareOp::NotEq, CompareOp::Eq) => order == Equal,
            (CompareOp::Eq | CompareOp::LessEq, CompareOp::GreaterEq) | (CompareOp::LessEq, CompareOp::Eq) => order == Less,
            (CompareOp::Eq | CompareOp::GreaterEq, CompareOp::LessEq) | (CompareOp::GreaterEq, CompareOp::Eq) => order == Greater,
            (CompareOp::Eq | CompareOp::LessEq | CompareOp::Less, CompareOp::Greater)
            | (CompareOp::Less, CompareOp::Eq | CompareOp::GreaterEq) => order != Greater,
            (CompareOp::Eq | CompareOp::GreaterEq | CompareOp::Greater, CompareOp::Less)
            | (CompareOp::Greater, CompareOp::Eq | CompareOp::LessEq) => order != Less,
            _ => false,
        }
    }
}

/// The steps that can come first in nodes that follow each other, and then `follow` where all of them may be left out.
fn first_of<'a>(nodes: impl Iterator<Item = &'a PatternNode>, follow: &[VariableId]) -> Vec<VariableId> {
    let mut first = Vec::new();
    for node in nodes {
        add_first(node, &mut first);
        if !may_be_empty(node) {
            return first;
        }
    }
    first.extend(follow);
    first
}

fn add_first(node: &PatternNode, first: &mut Vec<VariableId>) {
    match node {
        PatternNode::Step(id) => first.push(*id),
        PatternNode::Sequence(elements) => first.extend(first_of(elements.iter().map(|e| &e.node), &[])),
        PatternNode::Either(parts) | PatternNode::Both(parts) | PatternNode::Permute(parts) => {
            parts.iter().for_each(|p| add_first(p, first))
        }
        PatternNode::Repeat { inner, .. } | PatternNode::Exclude(inner) => add_first(inner, first),
        PatternNode::Not(_) | PatternNode::NotFor(..) | PatternNode::Empty | PatternNode::PartitionStart | PatternNode::PartitionEnd => {}
    }
}

fn all_steps(node: &PatternNode) -> Vec<VariableId> {
    match node {
        PatternNode::Step(id) => vec![*id],
        PatternNode::Sequence(elements) => elements.iter().flat_map(|e| all_steps(&e.node)).collect(),
        PatternNode::Either(parts) | PatternNode::Both(parts) | PatternNode::Permute(parts) => parts.iter().flat_map(all_steps).collect(),
        PatternNode::Repeat { inner, .. } | PatternNode::Exclude(inner) => all_steps(inner),
        PatternNode::Not(_) | PatternNode::NotFor(..) | PatternNode::Empty | PatternNode::PartitionStart | PatternNode::PartitionEnd => {
            Vec::new()
        }
    }
}

/// Whether it can be passed without an event and without waiting.
pub(super) fn may_be_empty(node: &PatternNode) -> bool {
    match node {
        PatternNode::Step(_) | PatternNode::NotFor(..) => false,
        PatternNode::Not(_) | PatternNode::Empty | PatternNode::PartitionStart | PatternNode::PartitionEnd => true,
        PatternNode::Sequence(elements) => elements.iter().all(|e| may_be_empty(&e.node)),
        PatternNode::Either(parts) => parts.iter().any(may_be_empty),
        PatternNode::Both(parts) | PatternNode::Permute(parts) => parts.iter().all(may_be_empty),
        PatternNode::Repeat { inner, min, .. } => *min == 0 || may_be_empty(inner),
        PatternNode::Exclude(inner) => may_be_empty(inner),
    }
}

/// Whether it takes the same steps in every match.
fn is_fixed(node: &PatternNode) -> bool {
    match node {
        PatternNode::Step(_) | PatternNode::NotFor(..) | PatternNode::Not(_) | PatternNode::Empty => true,
        PatternNode::PartitionStart | PatternNode::PartitionEnd => true,
        PatternNode::Sequence(elements) => elements.iter().all(|e| is_fixed(&e.node)),
        PatternNode::Both(parts) => parts.iter().all(is_fixed),
        PatternNode::Either(_) | PatternNode::Permute(_) => false,
        PatternNode::Repeat { inner, min, max, .. } => *max == Some(*min) && is_fixed(inner),
        PatternNode::Exclude(inner) => is_fixed(inner),
    }
}

/// What a match can end with.
pub(super) fn collect_ends<'a>(node: &'a PatternNode, ends: &mut Vec<End<'a>>) {
    match node {
        PatternNode::Step(id) => push(ends, End::Taken(*id)),
        PatternNode::Sequence(elements) => {
            for (index, element) in elements.iter().enumerate().rev() {
                if let PatternNode::Not(_) = element.node {
                    // What stands before a `!B` at the end comes out with it.
                    if elements[index..].iter().all(|e| matches!(e.node, PatternNode::Not(_))) {
                        push(ends, End::Absent);
                        return;
                    }
                    if elements[index..].iter().any(|e| matches!(e.node, PatternNode::Not(_))) {
                        continue;
                    }
                }
                let before = ends.len();
                collect_ends(&element.node, ends);
                for end in &mut ends[before..] {
                    if let End::Grows { node: PatternNode::Repeat { min: 0, .. }, now } = end {
                        *now |= element.arrow == Arrow::Strict;
                    }
                }
                // What may be left out, but would rather come, is waited for.
                let waits = ends[before..].iter().any(|end| matches!(end, End::Grows { .. }));
                if waits || !may_be_empty(&element.node) {
                    return;
                }
            }
        }
        PatternNode::Either(branches) => branches.iter().for_each(|branch| collect_ends(branch, ends)),
        PatternNode::Both(parts) => {
            let mut of_parts = Vec::new();
            parts.iter().for_each(|part| collect_ends(part, &mut of_parts));
            push(ends, End::All(of_parts));
        }
        PatternNode::Permute(parts) => parts.iter().for_each(|part| collect_ends(part, ends)),
        PatternNode::Repeat { inner, min, max, greedy, .. } => match (*max == Some(*min), greedy, &**inner) {
            (false, true, _) => push(ends, End::Grows { node, now: false }),
            (false, false, _) if *min == 0 => {}
            (_, _, PatternNode::Step(id)) if *min > 1 => push(ends, End::Nth(*id, *min)),
            (true, ..) | (false, false, _) => collect_ends(inner, ends),
        },
        PatternNode::Not(_) => push(ends, End::Absent),
        PatternNode::NotFor(_, duration) => push(ends, End::Silence(*duration)),
        PatternNode::Empty | PatternNode::PartitionStart | PatternNode::PartitionEnd => {}
        PatternNode::Exclude(inner) => collect_ends(inner, ends),
    }
}

fn push<'a>(ends: &mut Vec<End<'a>>, end: End<'a>) {
    if !ends.contains(&end) {
        ends.push(end);
    }
}

/// "; write `{3,}?` to get it at the third"
pub(super) fn hint(node: &PatternNode) -> String {
    let PatternNode::Repeat { min, max, until: None, .. } = node else { return String::new() };
    let at = match min {
        0 => "without it".to_owned(),
        n => format!("at the {}", ordinal(*n)),
    };
    format!("; write `{}?` to get it {at}", quantifier(*min, *max))
}

/// "third", "21st"
fn ordinal(n: u64) -> String {
    match n {
        1 => "first".to_owned(),
        2 => "second".to_owned(),
        3 => "third".to_owned(),
        n if !(11..=13).contains(&(n % 100)) && (1..=3).contains(&(n % 10)) => format!("{n}{}", ["st", "nd", "rd"][(n % 10 - 1) as usize]),
        n => format!("{n}th"),
    }
}

/// A quantifier as it is written.
pub(super) fn quantifier(min: u64, max: Option<u64>) -> String {
    match (min, max) {
        (0, None) => "*".to_owned(),
        (1, None) => "+".to_owned(),
        (0, Some(1)) => "?".to_owned(),
        (n, None) => format!("{{{n},}}"),
        (n, Some(m)) if n == m => format!("{{{n}}}"),
        (n, Some(m)) => format!("{{{n},{m}}}"),
    }
}
