//! The pattern as written to the tree of the spec and the table of its variables, with all rules that the form alone decides.
//!
//! Each mistake is told where it is found and the walk goes on, so that one check tells all of them. Recursion is bounded by the depth that
//! the parser allows.

use std::sync::Arc;

use super::codes;
use super::shape;
use super::variables::{Fork, Occurrence, PatternInput, Standing, Turn, Variable, Variables};
use crate::data::Duration;
use crate::semantics::constant::{SHORTEST, duration};
use crate::semantics::context::{Context, Reported};
use crate::spec::{Arrow, FollowUp, Mode, PatternNode, VariableId, VariableKind};
use crate::syntax::ast::{self, PatternKind};
use crate::text::{Diagnostic, Span};

/// The largest bound of a quantifier.
pub(crate) const QUANTIFIER_MAX: u64 = 1_000_000;

/// What the walk over the pattern gives.
#[derive(Debug)]
pub(super) struct Lowered<'a> {
    /// The tree.
    pub(super) root: PatternNode,
    /// Variables and inputs.
    pub(super) variables: Variables<'a>,
    /// One match a start, or all.
    pub(super) mode: Mode,
}

/// Lowers the pattern of a query.
pub(super) fn lower<'a>(cx: &mut Context<'_>, query: &ast::Query, pattern: &'a ast::Pattern) -> Result<Lowered<'a>, Reported> {
    let every_way = query.all_matches.or_else(|| every_way(pattern));
    let has_deadline = matches!(query.within, Some(ast::Within::Time(_)));
    let mut walk = Walk { variables: Variables::default(), turns: Vec::new(), placed: 0, every_way, has_deadline, failed: None };
    let edges = Edges { before: None, at_start: true, at_end: true, in_both: false };
    let root = walk.pattern(cx, pattern, edges);
    if !shape::has_step(&root) && walk.failed.is_none() {
        let text = "this pattern consists of negations only, and a match has at least one event";
        let hint = "name an event that must come: `A -> !B`";
        walk.failed = Some(cx.error(Diagnostic::error(codes::ONLY_NEGATIONS, pattern.span, text).hint(hint)));
    }
    let mode = if every_way.is_some() { Mode::AllMatches } else { Mode::OnePerStart };
    match walk.failed {
        Some(reported) => Err(reported),
        None => Ok(Lowered { root, variables: walk.variables, mode }),
    }
}

/// Where the pattern asks for every way to match: at `->>` or `ANY`.
fn every_way(pattern: &ast::Pattern) -> Option<Span> {
    match &pattern.kind {
        PatternKind::Step(_) | PatternKind::Not { .. } => None,
        PatternKind::Sequence { elements, arrows } => {
            let arrow = arrows.iter().find(|arrow| arrow.node == ast::Arrow::Any).map(|arrow| arrow.span);
            arrow.or_else(|| elements.iter().find_map(every_way))
        }
        PatternKind::Either(parts) | PatternKind::Both(parts) => parts.iter().find_map(every_way),
        PatternKind::Repeat { inner, inside, .. } => {
            let any = inside.filter(|inside| inside.node == ast::Inside::Any).map(|inside| inside.span);
            any.or_else(|| every_way(inner))
        }
    }
}

/// What stands around a part of the pattern.
#[derive(Debug, Clone, Copy)]
struct Edges {
    /// The arrow before it; none at the pattern's start.
    before: Option<ast::Arrow>,
    /// Nothing that takes an event stands before it.
    at_start: bool,
    /// Nothing stands behind it.
    at_end: bool,
    /// It is an operand of `&`, or its end is the end of one.
    in_both: bool,
}

struct Walk<'a> {
    variables: Variables<'a>,
    turns: Vec<Turn>,
    placed: usize,
    every_way: Option<Span>,
    has_deadline: bool,
    failed: Option<Reported>,
}

impl<'a> Walk<'a> {
    fn error(&mut self, cx: &mut Context<'_>, diagnostic: Diagnostic) {
        self.failed = Some(cx.error(diagnostic));
    }

    /// Walks a part with one more turn on the way.
    fn turn(&mut self, cx: &mut Context<'_>, fork: Fork, child: usize, pattern: &'a ast::Pattern, edges: Edges) -> PatternNode {
        self.turns.push(Turn { fork, child });
        let node = self.pattern(cx, pattern, edges);
        self.turns.pop();
        node
    }

    fn pattern(&mut self, cx: &mut Context<'_>, pattern: &'a ast::Pattern, edges: Edges) -> PatternNode {
        match &pattern.kind {
            PatternKind::Step(step) => PatternNode::Step(self.variable(cx, step, VariableKind::Step)),
            PatternKind::Not { step, for_ } => self.negation(cx, step, for_.as_ref(), pattern.span, edges),
            PatternKind::Sequence { elements, arrows } => self.sequence(cx, elements, arrows, edges),
            PatternKind::Either(branches) => {
                let walk = |(child, branch)| self.turn(cx, Fork::Either, child, branch, edges);
                PatternNode::Either(branches.iter().enumerate().map(walk).collect())
            }
            PatternKind::Both(operands) => {
                // The first operand is reached by the arrow before the group, the others by `->`.
                let edges_of =
                    |child| Edges { before: if child == 0 { edges.before } else { Some(ast::Arrow::Next) }, in_both: true, ..edges };
                let walk = |(child, operand)| self.turn(cx, Fork::Both, child, operand, edges_of(child));
                PatternNode::Both(operands.iter().enumerate().map(walk).collect())
            }
            PatternKind::Repeat { inner, quantifier, inside, until } => self.repeat(cx, inner, quantifier, *inside, until.as_ref(), edges),
        }
    }

    fn sequence(
        &mut self,
        cx: &mut Context<'_>,
        elements: &'a [ast::Pattern],
        arrows: &[crate::text::Spanned<ast::Arrow>],
        edges: Edges,
    ) -> PatternNode {
        let mut at_start = edges.at_start;
        let mut follow_ups = Vec::with_capacity(elements.len());
        for (child, element) in elements.iter().enumerate() {
            let arrow = child.checked_sub(1).and_then(|before| arrows.get(before));
            // Behind a negation that opens the pattern there is still no event to follow.
            let before = arrow.filter(|_| !at_start).map(|arrow| arrow.node).or(if child == 0 { edges.before } else { None });
            let last = child + 1 == elements.len();
            let around = Edges { before, at_start, at_end: edges.at_end && last, in_both: edges.in_both && last };
            let node = self.turn(cx, Fork::Sequence, child, element, around);
            at_start = at_start && !shape::has_step(&node);
            follow_ups.push(FollowUp { arrow: arrow.map_or(Arrow::Next, |arrow| lowered(arrow.node)), node });
        }
        PatternNode::Sequence(follow_ups)
    }

    fn negation(&mut self, cx: &mut Context<'_>, step: &'a ast::Step, for_: Option<&ast::Expr>, span: Span, edges: Edges) -> PatternNode {
        if edges.before == Some(ast::Arrow::Any) {
            let text = "`->>` before a negation says nothing: a negation takes no event";
            let hint = format!("write `-> !{}` and put `->>` behind it", step.stream.node);
            self.error(cx, Diagnostic::error(codes::ANY_BEFORE_NEGATION, span, text).hint(hint));
        }
        let variable = self.variable(cx, step, VariableKind::Negated);
        let Some(length) = for_ else {
            if edges.in_both {
                let text = "a negation that is an operand of `&`, or ends one, needs `FOR`: no step behind it says how long it holds";
                self.error(
                    cx,
                    Diagnostic::error(codes::NEGATION_WITHOUT_FOR, span, text)
                        .hint(format!("write `!{} FOR 10 seconds`", step.stream.node)),
                );
            } else if edges.at_end && !edges.at_start && !self.has_deadline {
                let text =
                    "a negation at the end of the pattern holds until `WITHIN` is over, and there is no `WITHIN` with a length of time";
                let hint = format!("add `WITHIN 10 minutes`, or write `!{} FOR 10 minutes`", step.stream.node);
                self.error(cx, Diagnostic::error(codes::ENDLESS_NEGATION, span, text).hint(hint));
            }
            return PatternNode::Not(variable);
        };
        if edges.before == Some(ast::Arrow::Strict) {
            let text = "`,` means the very next event, and a negation with `FOR` waits for none";
            let hint = format!("write `-> !{} FOR …`", step.stream.node);
            self.error(cx, Diagnostic::error(codes::STRICT_BEFORE_FOR, span, text).hint(hint));
        }
        match duration(cx, "the length of FOR", length, SHORTEST) {
            Ok(length) => PatternNode::NotFor(variable, length),
            Err(reported) => {
                self.failed = Some(reported);
                PatternNode::NotFor(variable, Duration(0))
            }
        }
    }

    fn repeat(
        &mut self,
        cx: &mut Context<'_>,
        inner: &'a ast::Pattern,
        quantifier: &ast::Quantifier,
        inside: Option<crate::text::Spanned<ast::Inside>>,
        until: Option<&'a ast::Until>,
        edges: Edges,
    ) -> PatternNode {
        if let Err(reported) = check_quantifier(cx, quantifier, codes::QUANTIFIER_RANGE) {
            self.failed = Some(reported);
        }
        if let (true, Some(every_way)) = (quantifier.reluctant, self.every_way) {
            let text = "a preference mark has no meaning where every way to match is a match";
            let diagnostic = Diagnostic::error(codes::PREFERENCE_IN_ALL_MATCHES, quantifier.span, text);
            let diagnostic = diagnostic.related(every_way, "asks for every way to match").hint("leave out the `?` behind the quantifier");
            self.error(cx, diagnostic);
        }
        let repeats = quantifier.max.is_none_or(|max| max > 1);
        let fork = Fork::Loop { repeats };
        let node = self.turn(cx, fork, 0, inner, edges);
        if !shape::has_step(&node) {
            let text = "only negations stand in this loop, and a negation takes no event that could be repeated";
            self.error(cx, Diagnostic::error(codes::REPEATED_NEGATION, inner.span, text).hint("leave out the quantifier"));
        }
        let until = until.and_then(|until| {
            self.turns.push(Turn { fork, child: 1 });
            let variable = self.until(cx, until, &node);
            self.turns.pop();
            variable
        });
        let inside = inside.map_or(Arrow::Next, |inside| match inside.node {
            ast::Inside::Strict => Arrow::Strict,
            ast::Inside::Any => Arrow::Any,
        });
        PatternNode::Repeat {
            inner: Box::new(node),
            min: quantifier.min,
            max: quantifier.max,
            greedy: !quantifier.reluctant,
            inside,
            until,
        }
    }

    fn until(&mut self, cx: &mut Context<'_>, until: &'a ast::Until, inner: &PatternNode) -> Option<VariableId> {
        let condition = match until {
            ast::Until::Step(step) => return Some(self.variable(cx, step, VariableKind::Until)),
            ast::Until::Condition(condition) => condition,
        };
        let mut inside = Vec::new();
        steps_of(inner, &mut inside);
        inside.dedup();
        let first = *inside.first()?;
        let input = self.variables.get(first).input;
        if inside.iter().any(|id| self.variables.get(*id).input != input) {
            let text = "this loop takes events of several streams, so it is open of which of them the condition of UNTIL speaks";
            let hint = "name the stream: `UNTIL Stream[condition]`";
            self.error(cx, Diagnostic::error(codes::UNTIL_OF_SEVERAL_STREAMS, condition.span, text).hint(hint));
        }
        let stands_for = if let [only] = inside.as_slice() { Some(*only) } else { None };
        let variable = Variable {
            name: Arc::from("UNTIL"),
            input,
            kind: VariableKind::Until,
            looped: false,
            named: false,
            condition: Some(condition),
            stands_for,
            occurrences: Vec::new(),
        };
        Some(self.add(variable, condition.span))
    }

    fn occurrence(&mut self, span: Span) -> Occurrence {
        self.placed += 1;
        Occurrence { turns: self.turns.clone(), order: self.placed, span }
    }

    fn add(&mut self, mut variable: Variable<'a>, span: Span) -> VariableId {
        variable.occurrences.push(self.occurrence(span));
        self.variables.all.push(variable);
        VariableId(u32::try_from(self.variables.all.len() - 1).expect("a program has fewer than 2^32 variables"))
    }

    /// The variable of a step: a new one, or one that stands in another branch already.
    fn variable(&mut self, cx: &mut Context<'_>, step: &'a ast::Step, kind: VariableKind) -> VariableId {
        let input = self.input(cx, &step.stream);
        let name = step.alias.as_ref().unwrap_or(&step.stream);
        let looped = self.turns.iter().any(|turn| turn.fork == Fork::Loop { repeats: true });
        let Some(id) = self.variables.find(&name.node) else {
            let variable = Variable {
                name: Arc::from(name.node.as_str()),
                input,
                kind,
                looped: looped && kind == VariableKind::Step,
                named: true,
                condition: step.condition.as_ref(),
                stands_for: None,
                occurrences: Vec::new(),
            };
            return self.add(variable, name.span);
        };
        let occurrence = self.occurrence(name.span);
        if let Some(diagnostic) = self.clash(id, name, input, kind, step, &occurrence) {
            self.error(cx, diagnostic);
        }
        let variable = &mut self.variables.all[id.0 as usize];
        variable.looped |= looped && kind == VariableKind::Step;
        variable.occurrences.push(occurrence);
        id
    }

    /// What is wrong with a second use of a name, if anything is.
    fn clash(
        &self,
        id: VariableId,
        name: &ast::Name,
        input: Option<usize>,
        kind: VariableKind,
        step: &ast::Step,
        occurrence: &Occurrence,
    ) -> Option<Diagnostic> {
        let variable = self.variables.get(id);
        let first = variable.occurrences.first().map_or(name.span, |first| first.span);
        let exclusive = variable.occurrences.iter().all(|other| occurrence.to(other) == Standing::Exclusive);
        if !exclusive || variable.kind != kind {
            let text = format!("the name `{}` is taken by another step of this pattern", name.node);
            let hint = format!("give this step an alias: `{} {}2`", step.stream.node, name.node.to_lowercase());
            return Some(Diagnostic::error(codes::NAME_TAKEN, name.span, text).related(first, "the other step").hint(hint));
        }
        if let (Some(this), Some(other)) = (input, variable.input)
            && this != other
        {
            let streams = (&self.variables.inputs[this].name, &self.variables.inputs[other].name);
            let text = format!("`{}` is of the stream `{}` here, and of `{}` in another branch", name.node, streams.0, streams.1);
            let diagnostic = Diagnostic::error(codes::DIFFERENT_STREAMS, name.span, text).related(first, "the other branch");
            return Some(diagnostic.hint("give the steps different aliases, and take the one that matched with `COALESCE(a.x, b.x)`"));
        }
        if variable.condition.is_some() || step.condition.is_some() {
            let text =
                format!("`{}` stands in several branches, so a condition in brackets would not hold for all of them alike", name.node);
            let hint = "give the steps different aliases, or write the condition in WHERE, where it holds in every branch";
            return Some(Diagnostic::error(codes::CONDITION_IN_BRANCH, name.span, text).related(first, "the other branch").hint(hint));
        }
        None
    }

    fn input(&mut self, cx: &mut Context<'_>, stream: &ast::Name) -> Option<usize> {
        if let Some(index) = self.variables.inputs.iter().position(|input| input.name == stream.node) {
            return Some(index);
        }
        match cx.relation(stream) {
            Ok(relation) => {
                self.variables.inputs.push(PatternInput { name: stream.node.clone(), relation });
                Some(self.variables.inputs.len() - 1)
            }
            Err(reported) => {
                self.failed = Some(reported);
                None
            }
        }
    }
}

/// Tells a quantifier whose bounds are out of range.
pub(crate) fn check_quantifier(cx: &mut Context<'_>, quantifier: &ast::Quantifier, code: crate::text::Code) -> Result<(), Reported> {
    let (text, hint) = match (quantifier.min, quantifier.max) {
        (_, Some(0)) => ("the upper bound of this quantifier is 0, so it would never match an event".to_owned(), "leave the step out"),
        (min, Some(max)) if min > max => (format!("the lower bound {min} is above the upper bound {max}"), "swap the bounds"),
        (min, max) if min > QUANTIFIER_MAX || max.is_some_and(|max| max > QUANTIFIER_MAX) => {
            (format!("a bound of a quantifier is at most {QUANTIFIER_MAX}"), "write a smaller bound, or none: `+`, `{n,}`")
        }
        _ => return Ok(()),
    };
    Err(cx.error(Diagnostic::error(code, quantifier.span, text).hint(hint)))
}

fn lowered(arrow: ast::Arrow) -> Arrow {
    match arrow {
        ast::Arrow::Next => Arrow::Next,
        ast::Arrow::Any => Arrow::Any,
        ast::Arrow::Strict => Arrow::Strict,
    }
}

/// The variables of the steps in a part of the pattern, each once.
fn steps_of(node: &PatternNode, out: &mut Vec<VariableId>) {
    match node {
        PatternNode::Step(variable) => {
            if !out.contains(variable) {
                out.push(*variable);
            }
        }
        PatternNode::Sequence(elements) => elements.iter().for_each(|element| steps_of(&element.node, out)),
        PatternNode::Both(parts) | PatternNode::Permute(parts) | PatternNode::Either(parts) => {
            parts.iter().for_each(|part| steps_of(part, out))
        }
        PatternNode::Repeat { inner, .. } | PatternNode::Exclude(inner) => steps_of(inner, out),
        PatternNode::Not(_) | PatternNode::NotFor(..) | PatternNode::Empty | PatternNode::PartitionStart | PatternNode::PartitionEnd => {}
    }
}
