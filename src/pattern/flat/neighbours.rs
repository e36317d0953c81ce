//! Patterns of which each event of a match stands right behind the one before it, and whose terms read nothing but these two: `,` and STRICT
//! loops with comparisons to PREV, or to the last event of the step before.
//!
//! There a term is a fact about two rows, whichever start asks. So all that an event means to a partition is a *symbol*: which variables it
//! fits, and which of the terms hold of it and the event before it. Over symbols the pattern is a regular expression (`determined`).
//!
//! What a term reads is known by the state of the thread that asks: of `s , d+ STRICT` with `FIRST(d.price) < s.price` the event before the
//! first d is s, and a later d need not be asked, because the term is settled.

use super::captures::{Captures, Kind, Update, bits};
use super::compare::{Comparison, Quick};
use super::compile::{Compiler, checks_of};
use super::layout::FITS;
use super::log::Log;
use super::machine::{Check, LAST, Machine, Source, Take, View};
use super::table::{NONE, Row, Table, Way};
use crate::expr::Expr;
use crate::pattern::automaton::Origin;
use crate::pattern::terms::Terms;
use crate::spec::{AfterMatch, Mode, Runs, VariableId, Within};

/// How many bits a symbol may have.
const BITS_MAX: usize = 12;

/// See the module.
#[derive(Debug)]
pub(super) struct Neighbours {
    /// Bits of a symbol before those of the terms: a variable each.
    variables: usize,
    /// How many bits of terms.
    count: usize,
    /// Comparisons, those of the same two words together.
    orders: Vec<Orders>,
    /// Other terms.
    terms: Vec<Term>,
    /// By state and way, the bits that a symbol must have for the way to take the event; no ways where no thread comes to the state.
    needs: Vec<Box<[u64]>>,
}

/// Comparisons of two words of an event and the one before it.
#[derive(Debug)]
struct Orders {
    /// One of them.
    comparison: Comparison,
    /// By how the words stand, the bits of those that are true then.
    bits: [u64; 3],
}

/// Another term over an event and the one before it.
#[derive(Debug)]
struct Term {
    /// Its bit.
    at: usize,
    check: Check,
    sources: Box<[Source]>,
    quick: Box<[Option<Quick>]>,
}

/// What is known of the threads in a state, as bits of variables.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Known {
    /// Those that may have taken the last event; none: no event has been taken.
    last: u64,
    /// Those that may have taken an event, and those that have.
    may: u64,
    must: u64,
    /// Those that may have taken one before the last.
    before: u64,
}

impl Neighbours {
    /// Those of a pattern, if it is one of these.
    pub(super) fn of(compiler: &Compiler<'_>, terms: &Terms, table: &Table, takes: &[[Take; 2]]) -> Option<Self> {
        let spec = compiler.spec;
        let is_plain = spec.mode == Mode::OnePerStart
            && spec.inputs.len() == 1
            && spec.runs == Runs::All
            && spec.timeout.is_none()
            && matches!(spec.within, None | Some(Within::Time(_)))
            && !matches!(spec.after_match, AfterMatch::Restart | AfterMatch::Consume);
        let start = table.start(Origin::LaterRow);
        let is_plain =
            is_plain && !takes.iter().flatten().flat_map(|take| &take.updates).any(|update| matches!(update, Update::FirstInLoop { .. }));
        if !is_plain || start == NONE || table.is_reached(start) || spec.variables.len() > BITS_MAX {
            return None;
        }
        let known = known(table, start);
        let mut found = Self { variables: spec.variables.len(), count: 0, orders: Vec::new(), terms: Vec::new(), needs: Vec::new() };
        for (known, row) in known.iter().zip(&table.rows) {
            let Some(known) = known else {
                found.needs.push([].into());
                continue;
            };
            if known.last != 0 && row.kept != NONE {
                return None;
            }
            let needs = row.ways.iter().map(|way| found.needs_of(compiler, terms, takes, *known, way)).collect::<Option<_>>()?;
            found.needs.push(needs);
        }
        (found.bits() <= BITS_MAX).then_some(found)
    }

    /// Bits of a symbol.
    pub(super) fn bits(&self) -> usize {
        self.variables + self.count
    }

    /// The bits that a symbol must have for each way of a state.
    pub(super) fn needs(&self, state: u32) -> &[u64] {
        &self.needs[state as usize]
    }

    /// Adds to what events of a log fit, from an index on, the bits of terms that are no comparisons.
    #[inline]
    pub(super) fn note_terms(&self, machine: &Machine, log: &mut Log, from: usize) {
        for term in &self.terms {
            for index in from.max(log.begin() + 1)..log.end() {
                let bit = u64::from(term.holds(machine, log, index)) << term.at;
                log.change_fits_at(&machine.layout, index, |fits| fits | bit);
            }
        }
    }

    /// The symbol of an event whose terms that are no comparisons have been noted, and that follows another.
    #[inline(always)]
    pub(super) fn symbol(&self, before: Option<&[i64]>, row: &[i64]) -> usize {
        let fits = row[FITS].cast_unsigned();
        let Some(before) = before else { return fits as usize };
        self.orders.iter().fold(fits, |symbol, Orders { comparison, bits }| symbol | comparison.of_neighbours(before, row, bits)) as usize
    }

    /// The bits that a way needs of a symbol; nothing where a term of it reads more than two events.
    fn needs_of(&mut self, compiler: &Compiler<'_>, terms: &Terms, takes: &[[Take; 2]], known: Known, way: &Way) -> Option<u64> {
        let variable = VariableId(way.variable);
        let take = &takes[way.variable as usize][usize::from(way.first_in_loop)];
        let own = bits(&[variable]);
        let later = &compiler.spec.variables[way.variable as usize].checks_after_first;
        let is_late = match take.previous {
            _ if later.is_empty() || way.first_in_loop => false,
            Some(_) if known.may & own == 0 => false,
            Some(_) if known.last != own => return None,
            Some(_) | None => true,
        };
        let mut needs = own;
        for (at, term) in checks_of(compiler.spec, terms, variable).enumerate() {
            if at >= terms.correlated_of(variable).len() && !is_late {
                continue;
            }
            if compiler.settled_by(variable, term).is_some() {
                if known.must & own != 0 {
                    continue;
                }
                if known.may & own != 0 {
                    return None;
                }
            }
            needs |= 1 << self.number_of(compiler, term, take, known)?;
        }
        Some(needs)
    }

    /// The bit of a term, as threads of which so much is known ask it.
    fn number_of(&mut self, compiler: &Compiler<'_>, term: &Expr, take: &Take, known: Known) -> Option<usize> {
        if !term.is_total() || known.last == 0 {
            return None;
        }
        let mut sources = vec![Source::Null; take.sources.len()];
        for slot in term.slots() {
            sources[slot.0 as usize] = known.nearby(compiler.captures, take.sources[slot.0 as usize])?;
        }
        Some(match compiler.check(term, &sources, None) {
            Check::Comparison(comparison) => self.bit_of(comparison),
            check => {
                let quick = sources.iter().map(|source| Quick::of(*source, compiler.layout)).collect();
                let at = self.next_bit();
                self.terms.push(Term { at, check, quick, sources: sources.into() });
                at
            }
        })
        .filter(|at| *at < BITS_MAX)
    }

    /// The bit of a comparison: one that says the same has it already.
    fn bit_of(&mut self, comparison: Comparison) -> usize {
        let accepted = |order: &usize| comparison.accepts(*order);
        let there = self.orders.iter().position(|orders| orders.comparison.is_beside(&comparison));
        let at = there.unwrap_or(self.orders.len());
        if let Some(orders) = self.orders.get(at) {
            let all = orders.bits[0] | orders.bits[1] | orders.bits[2];
            let mut bits = (0..64).filter(|bit| all >> bit & 1 == 1);
            if let Some(bit) = bits.find(|bit| (0..3).all(|order| (orders.bits[order] >> bit & 1 == 1) == accepted(&order))) {
                return bit;
            }
        }
        let bit = self.next_bit();
        let own = [0, 1, 2].map(|order| u64::from(accepted(&order)) << bit);
        match self.orders.get_mut(at) {
            Some(orders) => orders.bits.iter_mut().zip(own).for_each(|(bits, own)| *bits |= own),
            None => self.orders.push(Orders { comparison, bits: own }),
        }
        bit
    }

    fn next_bit(&mut self) -> usize {
        self.count += 1;
        self.variables + self.count - 1
    }
}

impl Term {
    /// Whether it is true of the event of a log that lies there, and of the one before it.
    #[inline(never)]
    fn holds(&self, machine: &Machine, log: &Log, index: usize) -> bool {
        let candidate = log.number_at(index);
        let record = [NONE, log.beside(candidate, -1).unwrap_or(NONE)];
        let view = View {
            log,
            layout: &machine.layout,
            record: &record,
            sources: &self.sources,
            quick: &self.quick,
            candidate,
            start: candidate,
            match_number: 0,
            end: None,
            waiting: None,
        };
        self.check.is_true_of(&view, &machine.terms.context)
    }
}

impl Known {
    /// What is known of a thread once a variable has taken the next event.
    fn after(self, variable: u32) -> Self {
        let own = 1 << variable;
        Self { last: own, may: self.may | own, must: self.must | own, before: self.may }
    }

    /// What is known of two kinds of threads.
    fn or(self, other: Self) -> Self {
        Self { last: self.last | other.last, may: self.may | other.may, must: self.must & other.must, before: self.before | other.before }
    }

    /// Where a source is for threads of which this is known: at the candidate, at the last event, or nowhere.
    fn nearby(self, captures: &Captures, source: Source) -> Option<Source> {
        match source {
            Source::Candidate { .. } => Some(source),
            Source::Remembered { at, column } => {
                let (variables, kind) = captures.kept_at(at)?;
                if variables & self.may == 0 {
                    return Some(Source::Null);
                }
                let is_last = match kind {
                    Kind::Latest | Kind::LatestInLoop => self.last & !variables == 0,
                    Kind::Earliest => self.last & !variables == 0 && self.before & variables == 0,
                    Kind::Count => false,
                };
                is_last.then_some(Source::Remembered { at: LAST, column })
            }
            Source::RememberedOrCandidate { at, before: None, column } => {
                let (variables, _) = captures.kept_at(at)?;
                if variables & self.may == 0 {
                    return Some(Source::Candidate { column });
                }
                self.nearby(captures, Source::Remembered { at, column })
            }
            _ => None,
        }
    }
}

/// What is known of the threads in each state; nothing of those that no thread comes to.
fn known(table: &Table, start: u32) -> Vec<Option<Known>> {
    let mut known: Vec<Option<Known>> = vec![None; table.rows.len()];
    known[start as usize] = Some(Known { last: 0, may: 0, must: 0, before: 0 });
    let mut is_done = false;
    while !is_done {
        is_done = true;
        for (at, Row { ways, .. }) in table.rows.iter().enumerate() {
            let Some(here) = known[at] else { continue };
            for way in ways.iter().filter(|way| way.next != NONE) {
                let there = &mut known[way.next as usize];
                let new = here.after(way.variable);
                let new = there.map_or(new, |old| old.or(new));
                is_done &= *there == Some(new);
                *there = Some(new);
            }
        }
    }
    known
}
