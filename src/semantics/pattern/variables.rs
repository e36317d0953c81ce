//! The variables of a pattern and where each of them stands, from which follows which of two takes its event later.
//!
//! A place is the list of turns from the root of the pattern to the step. Two places are compared at the first turn where they part: behind
//! each other in a sequence, exclusive in an alternative, in any order in `&`.

use std::sync::Arc;

use crate::semantics::context::Relation;
use crate::spec::{VariableId, VariableKind};
use crate::syntax::ast;
use crate::text::Span;

/// What a turn chooses between.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fork {
    /// Elements behind each other.
    Sequence,
    /// Branches of an alternative.
    Either,
    /// Operands of `&`.
    Both,
    /// A loop: 0 is its inside, 1 its UNTIL.
    Loop {
        /// It can repeat.
        repeats: bool,
    },
}

/// One turn on the way from the root to a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Turn {
    /// What it chooses between.
    pub(super) fork: Fork,
    /// Which way.
    pub(super) child: usize,
}

/// How one place stands to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    /// Its event is taken before the other's.
    Before,
    /// Its event is taken behind the other's.
    Behind,
    /// Only one of the two is taken.
    Exclusive,
    /// In any order; the operands of `&` part at this depth.
    AnyOrder(usize),
    /// It is the same place.
    Same,
}

/// A place where a variable stands.
#[derive(Debug, Clone)]
pub(super) struct Occurrence {
    /// The turns from the root.
    pub(super) turns: Vec<Turn>,
    /// Counts all occurrences in the order of the text.
    pub(super) order: usize,
    /// Where it is written.
    pub(super) span: Span,
}

impl Occurrence {
    /// How this place stands to the other.
    pub(super) fn to(&self, other: &Occurrence) -> Standing {
        for (depth, (mine, theirs)) in self.turns.iter().zip(&other.turns).enumerate() {
            if mine.child == theirs.child {
                continue;
            }
            return match mine.fork {
                Fork::Sequence | Fork::Loop { .. } if mine.child < theirs.child => Standing::Before,
                Fork::Sequence | Fork::Loop { .. } => Standing::Behind,
                Fork::Either => Standing::Exclusive,
                Fork::Both => Standing::AnyOrder(depth),
            };
        }
        Standing::Same
    }

    /// Whether the operand of `&` that begins at this depth takes exactly one event here, in a group that is repeated.
    fn once_a_round(&self, depth: usize) -> bool {
        let loops = |turns: &[Turn]| turns.iter().any(|turn| turn.fork == Fork::Loop { repeats: true });
        let single = self.turns[depth + 1..].iter().all(|turn| turn.fork == Fork::Sequence || turn.fork == Fork::Both);
        loops(&self.turns[..depth]) && single
    }
}

/// A variable while the pattern is being checked.
#[derive(Debug)]
pub(super) struct Variable<'a> {
    /// Its name.
    pub(super) name: Arc<str>,
    /// Its input; `None` where the stream is unknown, which has been told.
    pub(super) input: Option<usize>,
    /// What it is for.
    pub(super) kind: VariableKind,
    /// Whether it can take more than one event.
    pub(super) looped: bool,
    /// Whether terms can name it (the event of `UNTIL (cond)` has no name).
    pub(super) named: bool,
    /// The condition in brackets, or of `UNTIL (cond)`.
    pub(super) condition: Option<&'a ast::Expr>,
    /// The loop variable whose bare columns are this event's, in `UNTIL (cond)`.
    pub(super) stands_for: Option<VariableId>,
    /// Where it stands: more than one place only in branches of alternatives.
    pub(super) occurrences: Vec<Occurrence>,
}

/// A stream that the pattern names.
#[derive(Debug)]
pub(super) struct PatternInput {
    /// Its name.
    pub(super) name: String,
    /// What it reads.
    pub(super) relation: Relation,
}

/// All variables and inputs of a pattern.
#[derive(Debug, Default)]
pub(super) struct Variables<'a> {
    /// In the order of the text; the index is the [`VariableId`].
    pub(super) all: Vec<Variable<'a>>,
    /// One a distinct stream, in the order of first mention.
    pub(super) inputs: Vec<PatternInput>,
}

impl<'a> Variables<'a> {
    /// The variable of this number.
    pub(super) fn get(&self, id: VariableId) -> &Variable<'a> {
        &self.all[id.0 as usize]
    }

    /// The variable of this name.
    pub(super) fn find(&self, name: &str) -> Option<VariableId> {
        let index = self.all.iter().position(|variable| variable.named && &*variable.name == name)?;
        Some(VariableId(u32::try_from(index).expect("a program has fewer than 2^32 variables")))
    }

    /// All, with their numbers.
    pub(super) fn numbered(&self) -> impl Iterator<Item = (VariableId, &Variable<'a>)> {
        (0..).map(VariableId).zip(&self.all)
    }

    /// The variables that take events.
    pub(super) fn steps(&self) -> impl Iterator<Item = (VariableId, &Variable<'a>)> {
        self.numbered().filter(|(_, variable)| variable.kind == VariableKind::Step)
    }

    /// Whether `one` can take an event behind an event of `other`, going by where they stand.
    pub(super) fn can_follow(&self, one: VariableId, other: VariableId) -> bool {
        self.pairs(one, other).any(|(mine, theirs)| match mine.to(theirs) {
            Standing::Behind => true,
            Standing::Before | Standing::Exclusive | Standing::AnyOrder(_) | Standing::Same => false,
        })
    }

    /// Whether a term on both belongs to `one`: it can follow `other`, or stands behind it in the text, in another branch of an alternative.
    pub(super) fn is_later(&self, one: VariableId, other: VariableId) -> bool {
        let elsewhere = |(mine, theirs): (&Occurrence, &Occurrence)| mine.to(theirs) == Standing::Exclusive && mine.order > theirs.order;
        self.can_follow(one, other) || !self.can_follow(other, one) && self.pairs(one, other).any(elsewhere)
    }

    /// Those of `named` that can be the last of them to take an event: one, or several where the order is open.
    pub(super) fn last_of(&self, named: &[VariableId]) -> Vec<VariableId> {
        let comes_last = |one: &VariableId| {
            self.get(*one).occurrences.iter().any(|mine| {
                named.iter().filter(|other| *other != one).all(|other| {
                    self.get(*other).occurrences.iter().any(|theirs| match mine.to(theirs) {
                        Standing::Behind | Standing::AnyOrder(_) => true,
                        Standing::Exclusive => mine.order > theirs.order,
                        Standing::Before | Standing::Same => false,
                    })
                })
            })
        };
        named.iter().copied().filter(comes_last).collect()
    }

    /// Whether both are taken once in each round of a repeated `&`, so that their counts tell which was taken in this round.
    pub(super) fn taken_in_rounds(&self, one: VariableId, other: VariableId) -> bool {
        self.pairs(one, other).any(|(mine, theirs)| match mine.to(theirs) {
            Standing::AnyOrder(depth) => mine.once_a_round(depth) && theirs.once_a_round(depth),
            Standing::Before | Standing::Behind | Standing::Exclusive | Standing::Same => false,
        })
    }

    fn pairs(&self, one: VariableId, other: VariableId) -> impl Iterator<Item = (&Occurrence, &Occurrence)> {
        let theirs = &self.get(other).occurrences;
        self.get(one).occurrences.iter().flat_map(move |mine| theirs.iter().map(move |theirs| (mine, theirs)))
    }
}
