//! The variables of a row pattern: the primary ones, in the order of the pattern, and the subsets.

use std::sync::Arc;

use super::codes;
use crate::semantics::context::{Context, Reported};
use crate::spec::VariableId;
use crate::syntax::ast::Name;
use crate::text::{Diagnostic, Span, nearest};

/// What a column or a navigation is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Target {
    /// All rows of the match.
    AllRows,
    /// The primary variable of this number.
    Primary(usize),
    /// The subset of this number.
    Subset(usize),
}

/// A primary variable.
#[derive(Debug)]
pub(super) struct Primary {
    /// Its name.
    pub(super) name: Arc<str>,
    /// Where it first stands.
    pub(super) span: Span,
    /// Whether it can take more than one row.
    pub(super) looped: bool,
}

/// A subset.
#[derive(Debug)]
struct Subset {
    name: String,
    span: Span,
    members: Vec<VariableId>,
}

/// All variables of a row pattern.
#[derive(Debug, Default)]
pub(super) struct RowVariables {
    /// In the order of the pattern; the index is the [`VariableId`].
    pub(super) primary: Vec<Primary>,
    subsets: Vec<Subset>,
}

/// The number of a variable.
pub(super) fn id(index: usize) -> VariableId {
    VariableId(u32::try_from(index).expect("a program has fewer than 2^32 variables"))
}

impl RowVariables {
    /// The number of a primary variable, which is new or stands in the pattern already.
    pub(super) fn stands(&mut self, name: &Name, repeats: bool) -> VariableId {
        if let Some(index) = self.find_primary(&name.node) {
            self.primary[index].looped = true;
            return id(index);
        }
        self.primary.push(Primary { name: Arc::from(name.node.as_str()), span: name.span, looped: repeats });
        id(self.primary.len() - 1)
    }

    /// The primary variable of this name.
    pub(super) fn find_primary(&self, name: &str) -> Option<usize> {
        self.primary.iter().position(|variable| &*variable.name == name)
    }

    /// The variable or subset of this name.
    pub(super) fn find(&self, name: &str) -> Option<Target> {
        let subset = || self.subsets.iter().position(|subset| subset.name == name).map(Target::Subset);
        self.find_primary(name).map(Target::Primary).or_else(subset)
    }

    /// The primary variables that a target stands for.
    pub(super) fn members(&self, target: Target) -> Vec<VariableId> {
        match target {
            Target::AllRows => (0..self.primary.len()).map(id).collect(),
            Target::Primary(index) => vec![id(index)],
            Target::Subset(index) => self.subsets[index].members.clone(),
        }
    }

    /// How messages name a target.
    pub(super) fn show(&self, target: Target) -> String {
        match target {
            Target::AllRows => "all rows".to_owned(),
            Target::Primary(index) => format!("`{}`", self.primary[index].name),
            Target::Subset(index) => format!("`{}`", self.subsets[index].name),
        }
    }

    /// Adds `SUBSET name = (members)`.
    pub(super) fn add_subset(&mut self, cx: &mut Context<'_>, name: &Name, members: &[Name]) -> Result<(), Reported> {
        let mut told = Ok(());
        if let Some(target) = self.find(&name.node) {
            let first = match target {
                Target::Primary(index) => self.primary[index].span,
                Target::Subset(index) => self.subsets[index].span,
                Target::AllRows => name.span,
            };
            let diagnostic = Diagnostic::error(codes::DUPLICATE_NAME, name.span, format!("the name `{}` is taken", name.node));
            told = Err(cx.error(diagnostic.related(first, "here").hint("give the subset a name of its own")));
        }
        let mut found: Vec<VariableId> = Vec::with_capacity(members.len());
        for member in members {
            match self.find_primary(&member.node).map(id) {
                Some(variable) if found.contains(&variable) => {}
                Some(variable) => found.push(variable),
                None => told = told.and(Err(self.unknown(cx, member))),
            }
        }
        found.sort_unstable();
        if told.is_ok() {
            self.subsets.push(Subset { name: name.node.clone(), span: name.span, members: found });
        }
        told
    }

    /// Tells a name that is no variable.
    pub(super) fn unknown(&self, cx: &mut Context<'_>, name: &Name) -> Reported {
        let known: Vec<&str> =
            self.primary.iter().map(|variable| &*variable.name).chain(self.subsets.iter().map(|subset| subset.name.as_str())).collect();
        let text = format!("`{}` is no variable of this pattern", name.node);
        let diagnostic =
            Diagnostic::error(codes::UNKNOWN_VARIABLE, name.span, text).did_you_mean(&nearest(&name.node, known.iter().copied()));
        cx.error(diagnostic.hint(format!("variables: {}", known.join(", "))))
    }
}
