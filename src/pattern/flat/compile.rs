//! Terms and outputs of a pattern to what the machine evaluates: which events threads have to remember, and where each slot is then.

use super::captures::{Captures, Kind, bits};
use super::compare::{Comparison, Quick};
use super::layout::Layout;
use super::machine::{Check, Source, Take};
use super::table::{NONE, Table};
use crate::expr::{Expr, SlotId, WordTerm};
use crate::pattern::terms::Terms;
use crate::spec::{AfterMatch, NavigationBase, PatternSpec, SlotKind, VariableId};

/// Of each variable, those (as bits) that can take an event once it has taken one.
pub(super) fn behind(table: &Table, variables: usize) -> Vec<u64> {
    let mut behind = vec![0; variables];
    for way in table.rows.iter().flat_map(|row| &row.ways).filter(|way| way.next != NONE) {
        behind[way.variable as usize] |= table.row(way.next).reaches;
    }
    behind
}

/// The places of these variables' terms, each once.
pub(super) fn live(reaches: u64, read_at: &[Vec<usize>]) -> Box<[usize]> {
    let mut live: Vec<usize> = (0..).zip(read_at).filter(|(v, _)| reaches >> *v & 1 == 1).flat_map(|(_, read)| read).copied().collect();
    live.sort_unstable();
    live.dedup();
    live.into()
}

/// The terms of a variable that read more than the candidate.
pub(super) fn checks_of<'t>(spec: &'t PatternSpec, terms: &'t Terms, variable: VariableId) -> impl Iterator<Item = &'t Expr> {
    terms.correlated_of(variable).iter().chain(&spec.variables[variable.0 as usize].checks_after_first)
}

/// What threads have to remember, and which columns of their inputs are read.
pub(super) fn needs(spec: &PatternSpec, terms: &Terms) -> (Captures, Vec<(usize, usize)>) {
    let (mut captures, mut columns) = (Captures::default(), Vec::new());
    for at in (0..).map(VariableId).take(spec.variables.len()) {
        for slot in checks_of(spec, terms, at).flat_map(Expr::slots) {
            need(spec, slot, Some(at), &mut captures, &mut columns);
        }
        if !spec.variables[at.0 as usize].checks_after_first.is_empty() && looks_back_in_loop(spec, terms, at) {
            captures.need(bits(&[at]), Kind::LatestInLoop, 1);
        }
    }
    for slot in spec.outputs.iter().chain(&spec.having).flat_map(Expr::slots) {
        need(spec, slot, None, &mut captures, &mut columns);
    }
    match &spec.after_match {
        AfterMatch::SkipToFirst(of) => captures.need(bits(of), Kind::Earliest, 1),
        AfterMatch::SkipToLast(of) => captures.need(bits(of), Kind::Latest, 1),
        _ => {}
    }
    captures.lay_out();
    (captures, columns)
}

/// Whether a term reads something that two starts see differently though they remember the same.
pub(super) fn asks_for_its_start(spec: &PatternSpec, terms: &Terms) -> bool {
    let all = (0..).map(VariableId).take(spec.variables.len()).flat_map(|at| checks_of(spec, terms, at)).flat_map(Expr::slots);
    let mut kinds = all.map(|slot| &spec.slots[slot.0 as usize].kind);
    kinds.any(|kind| matches!(kind, SlotKind::MatchNumber | SlotKind::StartTime))
}

/// Whether any term reads PREV of a variable: then its terms with PREV wait for a first event of it, also where its loop has gone round.
fn looks_back_in_loop(spec: &PatternSpec, terms: &Terms, of: VariableId) -> bool {
    let all = (0..).map(VariableId).take(spec.variables.len()).flat_map(|at| checks_of(spec, terms, at)).flat_map(Expr::slots);
    let mut kinds = all.map(|slot| &spec.slots[slot.0 as usize].kind);
    kinds.any(|kind| matches!(kind, SlotKind::PreviousInLoop { variable, .. } if *variable == of))
}

/// What a slot needs: of a term checked when `at` takes an event, or (nothing) of an output.
fn need(spec: &PatternSpec, slot: SlotId, at: Option<VariableId>, captures: &mut Captures, columns: &mut Vec<(usize, usize)>) {
    let input_of = |variable: VariableId| spec.variables[variable.0 as usize].input;
    match &spec.slots[slot.0 as usize].kind {
        SlotKind::Column { variables, column, base, .. } => {
            columns.push((input_of(variables[0]), *column));
            let takes = usize::from(at.is_some_and(|at| variables.contains(&at)));
            match *base {
                NavigationBase::Last(n) => captures.need(bits(variables), Kind::Latest, n as usize + 1 - takes),
                NavigationBase::First(n) => captures.need(bits(variables), Kind::Earliest, n as usize + 1),
            }
        }
        SlotKind::PreviousInLoop { variable, column, back } => {
            columns.push((input_of(*variable), *column));
            let takes = usize::from(at == Some(*variable));
            captures.need(bits(&[*variable]), Kind::LatestInLoop, *back as usize + 1 - takes);
        }
        SlotKind::Aggregate { variables, .. } => captures.need(bits(variables), Kind::Count, 1),
        SlotKind::CurrentRow(column) => columns.push((0, *column)),
        _ => {}
    }
}

/// What a pattern's terms and outputs are made with.
#[derive(Debug)]
pub(super) struct Compiler<'a> {
    pub(super) spec: &'a PatternSpec,
    pub(super) captures: &'a Captures,
    pub(super) layout: &'a Layout,
    /// Of each variable, those (as bits) that can take an event once it has taken one.
    pub(super) behind: Vec<u64>,
}

impl Compiler<'_> {
    pub(super) fn take(&self, terms: &Terms, variable: VariableId, first_in_loop: bool) -> Take {
        let mut sources = vec![Source::Null; self.spec.slots.len()];
        for slot in checks_of(self.spec, terms, variable).flat_map(Expr::slots) {
            sources[slot.0 as usize] = self.source(slot.0 as usize, Some((variable, first_in_loop)));
        }
        let previous =
            looks_back_in_loop(self.spec, terms, variable).then(|| self.captures.at(bits(&[variable]), Kind::LatestInLoop)).flatten();
        let compiled = |term: &Expr| self.check(term, &sources, self.settled_by(variable, term));
        let (sets, updates) = self.captures.updates(variable.0, first_in_loop);
        Take {
            quick: sources.iter().map(|source| Quick::of(*source, self.layout)).collect(),
            checks: terms.correlated_of(variable).iter().map(compiled).collect(),
            checks_after_first: self.spec.variables[variable.0 as usize].checks_after_first.iter().map(compiled).collect(),
            previous,
            sets,
            updates,
            sources: sources.into(),
        }
    }

    /// A term whose slots have these sources; for `settled_by` see [`Compiler::settled_by`].
    pub(super) fn check(&self, term: &Expr, sources: &[Source], settled_by: Option<usize>) -> Check {
        let compare = || Comparison::compile(term, sources, self.layout, settled_by).map(Check::Comparison);
        let words = || WordTerm::compile(term).map(Check::Words);
        compare().or_else(words).unwrap_or_else(|| Check::Tree(term.clone()))
    }

    /// The place that has an event as soon as a term of a variable cannot change any more: that of the first event of the variable, where
    /// the term reads nothing but that one and events of variables that take none from then on.
    pub(super) fn settled_by(&self, variable: VariableId, term: &Expr) -> Option<usize> {
        let at = self.captures.at(bits(&[variable]), Kind::Earliest)?;
        let is_constant = |slot: SlotId| match &self.spec.slots[slot.0 as usize].kind {
            SlotKind::Column { variables, base: NavigationBase::First(0), physical: 0, .. } if variables.as_slice() == [variable] => true,
            SlotKind::Column { variables, physical: 0, .. } => self.behind[variable.0 as usize] & bits(variables) == 0,
            _ => false,
        };
        (term.is_total() && term.slots().into_iter().all(is_constant)).then_some(at)
    }

    pub(super) fn result(&self, slot: usize) -> Source {
        let is_read = self.spec.outputs.iter().chain(&self.spec.having).any(|e| e.slots().contains(&SlotId(slot as u32)));
        if is_read { self.source(slot, None) } else { Source::Null }
    }

    /// Where a slot is: in a term checked when a variable takes the candidate, or (nothing) in an output.
    fn source(&self, slot: usize, at: Option<(VariableId, bool)>) -> Source {
        let column_of = |variable: VariableId, column| self.layout.position(self.spec.variables[variable.0 as usize].input, column);
        match &self.spec.slots[slot].kind {
            SlotKind::Column { variables, column, base, physical, .. } => {
                let takes = at.is_some_and(|(at, _)| variables.contains(&at));
                self.navigate(variables, *base, *physical, takes, column_of(variables[0], *column))
            }
            SlotKind::PreviousInLoop { variable, column, back } => {
                let own = at.filter(|(at, _)| at == variable);
                let places = self.captures.places(bits(&[*variable]), Kind::LatestInLoop);
                let nth = *back as usize - usize::from(own.is_some());
                match own {
                    Some((_, true)) => Source::Null,
                    _ => Source::Remembered { at: places.start + nth, column: column_of(*variable, *column) },
                }
            }
            SlotKind::Aggregate { variables, .. } => {
                let at_place = self.captures.at(bits(variables), Kind::Count).expect("a count that is read is kept");
                Source::Count { at: at_place, and: u32::from(at.is_some_and(|(at, _)| variables.contains(&at))) }
            }
            SlotKind::CurrentRow(column) => Source::Candidate { column: self.layout.position(0, *column) },
            SlotKind::MatchNumber => Source::MatchNumber,
            SlotKind::StartTime => Source::StartTime,
            SlotKind::EndTime => Source::EndTime,
            SlotKind::WaitingStep => Source::WaitingStep,
            _ => unreachable!("the planner gives only slots that flat threads remember"),
        }
    }

    fn navigate(&self, variables: &[VariableId], base: NavigationBase, physical: i64, takes: bool, column: usize) -> Source {
        let (at, or_candidate, before) = match base {
            NavigationBase::Last(0) if takes => (None, true, None),
            NavigationBase::Last(n) => {
                (Some(self.captures.places(bits(variables), Kind::Latest).start + n as usize - usize::from(takes)), false, None)
            }
            NavigationBase::First(n) => {
                let at = self.captures.places(bits(variables), Kind::Earliest).start + n as usize;
                (Some(at), takes, (n > 0).then(|| at - 1))
            }
        };
        match (at, or_candidate) {
            _ if physical != 0 => Source::Beside { at, or_candidate, before, by: physical, column },
            (None, _) => Source::Candidate { column },
            (Some(at), false) => Source::Remembered { at, column },
            (Some(at), true) => Source::RememberedOrCandidate { at, before, column },
        }
    }

    /// The places that the terms of a variable read.
    pub(super) fn read_at(&self, terms: &Terms, variable: VariableId) -> Vec<usize> {
        let read = checks_of(self.spec, terms, variable).flat_map(|term| self.read_by(term));
        read.chain(self.tells_later(variable)).collect()
    }

    /// What the terms of a variable ask of a thread: for each, the places that it reads, and the place that has an event once it cannot
    /// change any more; nothing where a term may make up a NULL, which is counted.
    pub(super) fn questions(&self, terms: &Terms, variable: VariableId) -> Option<Vec<(Option<usize>, Vec<usize>)>> {
        let of_term = |term: &Expr| term.is_total().then(|| (self.settled_by(variable, term), self.read_by(term)));
        let mut all: Vec<_> = checks_of(self.spec, terms, variable).map(of_term).collect::<Option<_>>()?;
        all.push((None, self.tells_later(variable).collect()));
        Some(all)
    }

    fn read_by(&self, term: &Expr) -> Vec<usize> {
        let mut read: Vec<usize> = Vec::new();
        for slot in term.slots() {
            match &self.spec.slots[slot.0 as usize].kind {
                SlotKind::Column { variables, base, .. } => {
                    let kind = if matches!(base, NavigationBase::First(_)) { Kind::Earliest } else { Kind::Latest };
                    read.extend(self.captures.places(bits(variables), kind));
                }
                SlotKind::PreviousInLoop { variable, .. } => read.extend(self.captures.places(bits(&[*variable]), Kind::LatestInLoop)),
                SlotKind::Aggregate { variables, .. } => read.extend(self.captures.places(bits(variables), Kind::Count)),
                _ => {}
            }
        }
        read
    }

    /// The places that tell whether a variable has taken an event, where that matters to its terms.
    fn tells_later(&self, variable: VariableId) -> std::ops::Range<usize> {
        match *self.spec.variables[variable.0 as usize].checks_after_first {
            [] => 0..0,
            _ => self.captures.places(bits(&[variable]), Kind::LatestInLoop),
        }
    }
}
