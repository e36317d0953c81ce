//! Which streams a query names, before anything is known of them. Names of WITH hide streams.

use crate::syntax::ast::{From, Name, Pattern, PatternKind, Query, Relation, Step, Until};
use crate::text::Span;

/// The names of streams that a query reads, each once, in the order of the text.
pub(crate) fn names(query: &Query) -> Vec<&str> {
    let mut unique: Vec<&str> = Vec::new();
    for name in all(query) {
        if !unique.contains(&name.node.as_str()) {
            unique.push(&name.node);
        }
    }
    unique
}

/// Where a query first names a stream.
pub(crate) fn first_place(query: &Query, name: &str) -> Option<Span> {
    all(query).into_iter().find(|n| n.node == name).map(|n| n.span)
}

fn all(query: &Query) -> Vec<&Name> {
    let mut visit = Visit { hidden: Vec::new(), found: Vec::new() };
    visit.query(query);
    visit.found
}

struct Visit<'f> {
    hidden: Vec<&'f str>,
    found: Vec<&'f Name>,
}

impl<'f> Visit<'f> {
    fn query(&mut self, query: &'f Query) {
        let depth = self.hidden.len();
        for (name, inner) in &query.with {
            self.query(inner);
            self.hidden.push(&name.node);
        }
        match &query.from {
            From::Nothing(_) => {}
            From::Relation(relation) => self.relation(relation),
            From::Pattern(pattern, _) => self.pattern(pattern),
        }
        self.hidden.truncate(depth);
    }

    fn name(&mut self, name: &'f Name) {
        if !self.hidden.contains(&name.node.as_str()) {
            self.found.push(name);
        }
    }

    fn relation(&mut self, relation: &'f Relation) {
        match relation {
            Relation::Stream { name, .. } => self.name(name),
            Relation::Subquery { query, .. } => self.query(query),
            Relation::MatchRecognize { input, .. } => self.relation(input),
            Relation::Join(join) => {
                self.relation(&join.left);
                self.relation(&join.right);
            }
        }
    }

    fn pattern(&mut self, pattern: &'f Pattern) {
        match &pattern.kind {
            PatternKind::Step(step) | PatternKind::Not { step, .. } => self.step(step),
            PatternKind::Sequence { elements: parts, .. } | PatternKind::Either(parts) | PatternKind::Both(parts) => {
                parts.iter().for_each(|part| self.pattern(part));
            }
            PatternKind::Repeat { inner, until, .. } => {
                self.pattern(inner);
                match until {
                    Some(Until::Step(step)) => self.step(step),
                    Some(Until::Condition(_)) | None => {}
                }
            }
        }
    }

    fn step(&mut self, step: &'f Step) {
        self.name(&step.stream);
    }
}
