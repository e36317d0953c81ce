//! All that the threads of a pattern have in common, and one step of one thread.
//!
//! A slot of a term is resolved when the pattern is compiled, for each variable that may take the candidate: to a column of the candidate, of
//! an event that the thread remembers, or of a row beside one. Terms over words are evaluated as such, the others as trees over values.

use std::sync::Arc;

use super::captures::{Captures, Kind, Update, bits};
use super::log::{Layout, Log};
use super::table::{NONE, Table};
use crate::data::{EventBatch, Place, Value};
use crate::expr::{Expr, Row, SlotId, WordTerm, Words};
use crate::pattern::automaton::{Automaton, Origin};
use crate::pattern::terms::Terms;
use crate::spec::{AfterMatch, Mode, NavigationBase, PatternSpec, SlotKind, VariableId};

/// The state of a record that is a finished match.
pub(super) const FINISHED: u32 = u32::MAX - 1;

/// Where a slot's value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Source {
    Null,
    /// A column of the candidate; of a finished match, of its last event.
    Candidate {
        column: usize,
    },
    /// A column of the event at a place of the record.
    Remembered {
        at: usize,
        column: usize,
    },
    /// The same, or of the candidate where it is the next to come to that place.
    RememberedOrCandidate {
        at: usize,
        before: Option<usize>,
        column: usize,
    },
    /// A column of the row so many beside what another source names.
    Beside {
        at: Option<usize>,
        or_candidate: bool,
        before: Option<usize>,
        by: i64,
        column: usize,
    },
    /// How many events, with so many more being taken.
    Count {
        at: usize,
        and: u32,
    },
    MatchNumber,
    StartTime,
    EndTime,
    WaitingStep,
}

/// A term.
#[derive(Debug)]
enum Check {
    Words(WordTerm),
    Tree(Expr),
}

/// What it takes for a variable to take an event, and what that does to a thread.
#[derive(Debug)]
struct Take {
    sources: Box<[Source]>,
    checks: Box<[Check]>,
    checks_after_first: Box<[Check]>,
    /// The place that tells whether the variable has taken an event before.
    previous: Option<usize>,
    updates: Box<[Update]>,
}

/// See the module.
#[derive(Debug)]
pub(super) struct Machine {
    pub(super) spec: Arc<PatternSpec>,
    pub(super) terms: Terms,
    pub(super) table: Table,
    pub(super) layout: Layout,
    /// A thread that has taken nothing, at the first row of a partition and anywhere else.
    initial: [Box<[u32]>; 2],
    width: usize,
    /// By variable; first in its loop or not.
    takes: Vec<[Take; 2]>,
    /// For each state, the places that a later term can read.
    live: Vec<Box<[usize]>>,
    /// What the outputs and HAVING read, by slot.
    pub(super) results: Box<[Source]>,
    /// Where the event stands that SKIP TO a variable goes to.
    pub(super) skip_to: Option<usize>,
    /// Rows before its start that a pattern may look at (PREV).
    pub(super) back: u64,
    /// States, as bits, from which what happens depends on nothing but the rows to come.
    pub(super) bare: u64,
}

/// The slots of a pattern as one thread has them.
#[derive(Debug, Clone, Copy)]
pub(super) struct View<'a> {
    pub(super) log: &'a Log,
    pub(super) layout: &'a Layout,
    pub(super) record: &'a [u32],
    pub(super) sources: &'a [Source],
    pub(super) candidate: u32,
    /// The first event of the match.
    pub(super) start: u32,
    pub(super) match_number: u64,
    /// Where a finished match ends.
    pub(super) end: Option<Place>,
    pub(super) waiting: Option<&'a str>,
}

/// An event that a thread is offered.
#[derive(Debug, Clone, Copy)]
pub(super) struct Offered<'a> {
    pub(super) log: &'a Log,
    pub(super) event: u32,
    pub(super) fits: u64,
    /// The first event of the match, which may be this one.
    pub(super) start: u32,
    pub(super) match_number: u64,
}

/// What an event has done to a thread.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stepped {
    /// It was taken, and what stands behind is less preferred than a finished match.
    Finished,
    Taken,
    Passed,
}

impl Machine {
    pub(super) fn new(spec: Arc<PatternSpec>) -> Self {
        let terms = Terms::new(spec.clone());
        let (captures, columns) = needs(&spec, &terms);
        let is_marked = spec.mode == Mode::Rows && !asks_for_its_start(&spec, &terms);
        let layout = Layout::new(&spec, columns, is_marked);
        let compiler = Compiler { spec: &spec, captures: &captures, layout: &layout };
        let ids = || (0..).map(VariableId).take(spec.variables.len());
        let takes = ids().map(|id| [false, true].map(|first| compiler.take(&terms, id, first))).collect();
        let leaves_no_trace = ids().map(|id| {
            let variable = &spec.variables[id.0 as usize];
            spec.inputs.len() == 1 && variable.checks.is_empty() && variable.checks_after_first.is_empty() && !captures.remembers(id.0)
        });
        let leaves_no_trace: Vec<bool> = leaves_no_trace.collect();
        let table = Table::new(&spec, &mut Automaton::new(&spec.root), &leaves_no_trace);
        let read_at: Vec<Vec<usize>> = ids().map(|id| compiler.read_at(&terms, id)).collect();
        let live: Vec<Box<[usize]>> = table.rows.iter().map(|row| live(row.reaches, &read_at)).collect();
        let bare = (0..64u32).zip(&live).filter(|(_, live)| live.is_empty()).fold(0, |bits, (state, _)| bits | 1 << state);
        let bare = if is_marked { bare } else { 0 };
        let results = (0..spec.slots.len()).map(|slot| compiler.result(slot)).collect();
        let skip_to = match &spec.after_match {
            AfterMatch::SkipToFirst(of) => captures.at(bits(of), Kind::Earliest),
            AfterMatch::SkipToLast(of) => captures.at(bits(of), Kind::Latest),
            _ => None,
        };
        let back = |slot: &crate::spec::Slot| match &slot.kind {
            SlotKind::Column { physical, .. } if *physical < 0 => physical.unsigned_abs(),
            _ => 0,
        };
        let back = spec.slots.iter().map(back).max().unwrap_or(0);
        let initial = [Origin::FirstRow, Origin::LaterRow].map(|origin| {
            let mut record = captures.initial();
            record[0] = table.start(origin);
            record
        });
        let width = captures.width();
        Self { spec, terms, table, layout, initial, width, takes, live, results, skip_to, back, bare }
    }

    /// A thread that has taken nothing.
    pub(super) fn initial(&self, origin: Origin) -> &[u32] {
        &self.initial[origin as usize]
    }

    /// Words a record.
    pub(super) fn width(&self) -> usize {
        self.width
    }

    /// For each row of each input, the variables whose unary terms hold, as bits.
    pub(super) fn fits(&self, inputs: &[EventBatch]) -> Vec<Vec<u64>> {
        let mut fits: Vec<Vec<u64>> = inputs.iter().map(|batch| vec![0; batch.len()]).collect();
        for (id, variable) in (0..).map(VariableId).zip(&self.spec.variables) {
            let (batch, fits, bit) = (&inputs[variable.input], &mut fits[variable.input], 1 << id.0);
            match self.terms.unary_of(id) {
                [] => fits.iter_mut().for_each(|bits| *bits |= bit),
                [term] => term.select(batch, &self.terms.context).into_iter().for_each(|row| fits[row as usize] |= bit),
                terms => {
                    let mut held = vec![0; batch.len()];
                    for term in terms {
                        term.select(batch, &self.terms.context).into_iter().for_each(|row| held[row as usize] += 1);
                    }
                    fits.iter_mut().zip(held).filter(|(_, held)| *held == terms.len()).for_each(|(bits, _)| *bits |= bit);
                }
            }
        }
        fits
    }

    /// Offers an event to a thread. The threads that it becomes by taking it are appended to `out`, the most preferred first; a thread that
    /// lets it pass is left to the caller.
    #[inline]
    pub(super) fn step(&self, record: &[u32], offered: &Offered<'_>, out: &mut Vec<u32>) -> Stepped {
        let row = self.table.row(record[0]);
        let mut stepped = Stepped::Passed;
        if row.takes & offered.fits == 0 {
            return stepped;
        }
        for way in &row.ways {
            if offered.fits >> way.variable & 1 == 0 {
                continue;
            }
            let take = &self.takes[way.variable as usize][usize::from(way.first_in_loop)];
            if !self.holds(take, record, offered, way.first_in_loop) {
                continue;
            }
            stepped = Stepped::Taken;
            let begin = out.len();
            out.extend_from_slice(record);
            let taken = &mut out[begin..];
            take.updates.iter().for_each(|update| update.apply(taken, offered.event));
            taken[1] = offered.event;
            taken[0] = way.next;
            match (way.next != NONE, way.finishes) {
                (true, true) => out.extend_from_within(begin..),
                (false, false) => out.truncate(begin),
                (true, false) | (false, true) => {}
            }
            if way.finishes {
                let last = out.len() - self.width;
                out[last] = FINISHED;
                return Stepped::Finished;
            }
        }
        stepped
    }

    #[inline]
    fn holds(&self, take: &Take, record: &[u32], offered: &Offered<'_>, first_in_loop: bool) -> bool {
        if take.checks.is_empty() && take.checks_after_first.is_empty() {
            return true;
        }
        let view = View {
            log: offered.log,
            layout: &self.layout,
            record,
            sources: &take.sources,
            candidate: offered.event,
            start: offered.start,
            match_number: offered.match_number,
            end: None,
            waiting: None,
        };
        let holds = |check: &Check| match check {
            Check::Words(term) => term.holds(&view, &self.terms.context),
            Check::Tree(term) => term.is_true(&view, &self.terms.context),
        };
        let is_late = !first_in_loop && take.previous.is_none_or(|at| record[at] != NONE);
        take.checks.iter().all(holds) && (!is_late || take.checks_after_first.iter().all(holds))
    }

    /// Of the records from `begin` on, which are threads of one start in order, those go that can do nothing that an earlier one cannot.
    pub(super) fn merge(&self, records: &mut Vec<u32>, begin: usize) {
        if records.len() - begin <= self.width {
            return;
        }
        let mut kept = begin;
        let mut seen = Seen::default();
        for at in (begin..records.len()).step_by(self.width) {
            if records[at] == FINISHED || seen.is_new(&records[begin..kept], &records[at..at + self.width], self.width, &self.live) {
                records.copy_within(at..at + self.width, kept);
                kept += self.width;
            }
        }
        records.truncate(kept);
    }
}

/// Threads of one start that have been seen: a scan while they are few, a hash table beyond.
#[derive(Default)]
struct Seen {
    table: hashbrown::HashTable<usize>,
}

impl Seen {
    fn is_new(&mut self, kept: &[u32], record: &[u32], width: usize, live: &[Box<[usize]>]) -> bool {
        const FEW: usize = 16;
        let is_equal = |other: &[u32]| record[0] == other[0] && live[record[0] as usize].iter().all(|&at| record[at] == other[at]);
        if kept.len() <= FEW * width {
            return !kept.chunks_exact(width).any(is_equal);
        }
        let hasher = ahash::RandomState::with_seeds(1, 2, 3, 4);
        let hash = |record: &[u32]| {
            let places = live.get(record[0] as usize).map_or(&[][..], |live| live);
            hasher.hash_one((record[0], places.iter().map(|&at| record[at]).collect::<Vec<_>>()))
        };
        let of = |at: usize| &kept[at..at + width];
        let known = self.table.len() * width;
        for at in (known..kept.len()).step_by(width) {
            self.table.insert_unique(hash(of(at)), at, |&at| hash(of(at)));
        }
        self.table.find(hash(record), |&at| is_equal(of(at))).is_none()
    }
}

impl View<'_> {
    fn event_of(&self, source: Source) -> Option<u32> {
        let there = |at: usize| Some(self.record[at]).filter(|event| *event != NONE);
        match source {
            Source::Candidate { .. } => Some(self.candidate),
            Source::Remembered { at, .. } => there(at),
            Source::RememberedOrCandidate { at, before, .. } => {
                there(at).or_else(|| before.is_none_or(|before| self.record[before] != NONE).then_some(self.candidate))
            }
            Source::Beside { at, or_candidate, before, by, .. } => {
                let candidate = || or_candidate && before.is_none_or(|before| self.record[before] != NONE);
                let event = at.and_then(there).or_else(|| candidate().then_some(self.candidate))?;
                self.log.beside(self.layout, event, by)
            }
            _ => None,
        }
    }
}

impl Words for View<'_> {
    #[inline]
    fn word(&self, slot: SlotId) -> Option<i64> {
        let source = self.sources[slot.0 as usize];
        match source {
            Source::Candidate { column } => self.log.word(self.layout, self.candidate, column),
            Source::Remembered { at, column } => {
                let event = self.record[at];
                if event == NONE { None } else { self.log.word(self.layout, event, column) }
            }
            Source::RememberedOrCandidate { column, .. } | Source::Beside { column, .. } => {
                self.event_of(source).and_then(|event| self.log.word(self.layout, event, column))
            }
            _ => crate::expr::word_of(&self.slot(slot)),
        }
    }
}

impl Row for View<'_> {
    fn slot(&self, slot: SlotId) -> Value<'_> {
        let source = self.sources[slot.0 as usize];
        match source {
            Source::Candidate { column }
            | Source::Remembered { column, .. }
            | Source::RememberedOrCandidate { column, .. }
            | Source::Beside { column, .. } => {
                self.event_of(source).map_or(Value::Null, |event| self.log.value(self.layout, event, column))
            }
            Source::Count { at, and } => Value::Int(i64::from(self.record[at]) + i64::from(and)),
            Source::MatchNumber => Value::Int(i64::try_from(self.match_number).unwrap_or(i64::MAX)),
            Source::StartTime => Value::Timestamp(self.log.time(self.layout, self.start)),
            Source::EndTime => Value::Timestamp(self.end.map_or_else(|| self.log.time(self.layout, self.candidate), Place::time)),
            Source::WaitingStep => self.waiting.map_or(Value::Null, Value::string),
            Source::Null => Value::Null,
        }
    }
}

/// The places of these variables' terms, each once.
fn live(reaches: u64, read_at: &[Vec<usize>]) -> Box<[usize]> {
    let mut live: Vec<usize> = (0..).zip(read_at).filter(|(v, _)| reaches >> *v & 1 == 1).flat_map(|(_, read)| read).copied().collect();
    live.sort_unstable();
    live.dedup();
    live.into()
}

fn checks_of<'t>(spec: &'t PatternSpec, terms: &'t Terms, variable: VariableId) -> impl Iterator<Item = &'t Expr> {
    terms.correlated_of(variable).iter().chain(&spec.variables[variable.0 as usize].checks_after_first)
}

/// What threads have to remember, and which columns of their inputs are read.
fn needs(spec: &PatternSpec, terms: &Terms) -> (Captures, Vec<(usize, usize)>) {
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
fn asks_for_its_start(spec: &PatternSpec, terms: &Terms) -> bool {
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

struct Compiler<'a> {
    spec: &'a PatternSpec,
    captures: &'a Captures,
    layout: &'a Layout,
}

impl Compiler<'_> {
    fn take(&self, terms: &Terms, variable: VariableId, first_in_loop: bool) -> Take {
        let compiled = |term: &Expr| WordTerm::compile(term).map_or_else(|| Check::Tree(term.clone()), Check::Words);
        let mut sources = vec![Source::Null; self.spec.slots.len()];
        for slot in checks_of(self.spec, terms, variable).flat_map(Expr::slots) {
            sources[slot.0 as usize] = self.source(slot.0 as usize, Some((variable, first_in_loop)));
        }
        let previous =
            looks_back_in_loop(self.spec, terms, variable).then(|| self.captures.at(bits(&[variable]), Kind::LatestInLoop)).flatten();
        Take {
            sources: sources.into(),
            checks: terms.correlated_of(variable).iter().map(compiled).collect(),
            checks_after_first: self.spec.variables[variable.0 as usize].checks_after_first.iter().map(compiled).collect(),
            previous,
            updates: self.captures.updates(variable.0, first_in_loop),
        }
    }

    fn result(&self, slot: usize) -> Source {
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
    fn read_at(&self, terms: &Terms, variable: VariableId) -> Vec<usize> {
        let mut read: Vec<usize> = Vec::new();
        for slot in checks_of(self.spec, terms, variable).flat_map(Expr::slots) {
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
        if !self.spec.variables[variable.0 as usize].checks_after_first.is_empty() {
            read.extend(self.captures.places(bits(&[variable]), Kind::LatestInLoop));
        }
        read
    }
}
