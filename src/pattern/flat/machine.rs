//! All that the threads of a pattern have in common, and one step of one thread.
//!
//! A slot of a term is resolved when the pattern is compiled, for each variable that may take the candidate: to a column of the candidate, of
//! an event that the thread remembers, or of a row beside one. Terms over words are evaluated as such, the others as trees over values.

use std::sync::Arc;

use super::captures::{Kind, Update, bits};
use super::compare::{Comparison, Quick};
use super::compile::{Compiler, asks_for_its_start, behind, live, needs};
use super::layout::Layout;
use super::log::Log;
use super::sharing::Sharing;
use super::streaks::Strict;
use super::table::{NONE, Row as State, Table, Way};
use crate::data::{EventBatch, Place, Value};
use crate::expr::{EvalContext, Expr, Row, SlotId, WordTerm, Words};
use crate::pattern::automaton::{Automaton, Origin};
use crate::pattern::terms::Terms;
use crate::spec::{AfterMatch, Mode, PatternSpec, SlotKind, VariableId};

/// The state of a record that is a finished match.
pub(super) const FINISHED: u32 = u32::MAX - 1;

/// The place of a record where the event stands that a thread took last.
pub(super) const LAST: usize = 1;

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
pub(super) enum Check {
    Comparison(Comparison),
    Words(WordTerm),
    Tree(Expr),
}

/// What it takes for a variable to take an event, and what that does to a thread.
#[derive(Debug)]
pub(super) struct Take {
    pub(super) sources: Box<[Source]>,
    /// Those of them that are words in the log.
    pub(super) quick: Box<[Option<Quick>]>,
    pub(super) checks: Box<[Check]>,
    pub(super) checks_after_first: Box<[Check]>,
    /// The place that tells whether the variable has taken an event before.
    pub(super) previous: Option<usize>,
    /// Places where the event stands then.
    pub(super) sets: Box<[usize]>,
    pub(super) updates: Box<[Update]>,
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
    pub(super) sharing: Sharing,
    /// What the outputs and HAVING read, by slot.
    pub(super) results: Box<[Source]>,
    pub(super) quick_results: Box<[Option<Quick>]>,
    /// Where the event stands that SKIP TO a variable goes to.
    pub(super) skip_to: Option<usize>,
    /// Rows before its start that a pattern may look at (PREV).
    pub(super) back: u64,
    /// No state has more ways than fit the bits of a word.
    pub(super) has_few_ways: bool,
    /// Where every step follows at once, and terms read the event before at most.
    pub(super) strict: Option<Strict>,
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
    /// Sources that are known to be words in the log.
    pub(super) quick: &'a [Option<Quick>],
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
    /// The words of the event.
    pub(super) row: &'a [i64],
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

/// What an event does to a thread that is the only one of its start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Alone {
    /// It was taken, or not, and the thread is still the only one.
    Stays(bool),
    /// Nothing is left.
    Gone,
    /// The thread is as it was; these of its ways (as bits) take the event, and it becomes several, or is finished.
    Spreads(u64),
}

impl Check {
    /// Whether it is true of what a thread and a candidate are in a view; a comparison is made elsewhere.
    #[inline(never)]
    pub(super) fn is_true_of(&self, view: &View<'_>, context: &EvalContext) -> bool {
        match self {
            Self::Words(term) => term.holds(view, context),
            Self::Tree(term) => term.is_true(view, context),
            Self::Comparison(_) => unreachable!("it has been made"),
        }
    }
}

impl Take {
    /// Whether its variable takes any event that fits it.
    fn is_free(&self) -> bool {
        self.checks.is_empty() && self.checks_after_first.is_empty()
    }
}

impl Machine {
    pub(super) fn new(spec: Arc<PatternSpec>) -> Self {
        let terms = Terms::new(spec.clone());
        let (captures, columns) = needs(&spec, &terms);
        let asks_for_its_start = asks_for_its_start(&spec, &terms);
        let is_marked = spec.mode == Mode::Rows && !asks_for_its_start;
        let mut layout = Layout::new(&spec, columns, is_marked);
        let ids = || (0..).map(VariableId).take(spec.variables.len());
        let leaves_no_trace = ids().map(|id| {
            let variable = &spec.variables[id.0 as usize];
            spec.inputs.len() == 1 && variable.checks.is_empty() && variable.checks_after_first.is_empty() && !captures.remembers(id.0)
        });
        let leaves_no_trace: Vec<bool> = leaves_no_trace.collect();
        let table = Table::new(&spec, &mut Automaton::new(&spec.root), &leaves_no_trace);
        let compiler = Compiler { spec: &spec, captures: &captures, layout: &layout, behind: behind(&table, spec.variables.len()) };
        let takes: Vec<[Take; 2]> = ids().map(|id| [false, true].map(|first| compiler.take(&terms, id, first))).collect();
        let read_at: Vec<Vec<usize>> = ids().map(|id| compiler.read_at(&terms, id)).collect();
        let live: Vec<Box<[usize]>> = table.rows.iter().map(|row| live(row.reaches, &read_at)).collect();
        let sharing = Sharing::new(&compiler, &terms, &table, spec.mode != Mode::Rows && !asks_for_its_start);
        let bare = (0..64u32).zip(&live).filter(|(_, live)| live.is_empty()).fold(0, |bits, (state, _)| bits | 1 << state);
        let bare = if is_marked { bare } else { 0 };
        let results: Box<[Source]> = (0..spec.slots.len()).map(|slot| compiler.result(slot)).collect();
        let quick_results = results.iter().map(|source| Quick::of(*source, &layout)).collect();
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
        let has_few_ways = table.rows.iter().all(|row| row.ways.len() <= 64);
        let strict = Strict::of(&compiler, &terms, &table, &takes);
        if bare == 0 {
            layout.leave_marks_out();
        }
        Self {
            spec,
            terms,
            table,
            layout,
            initial,
            width,
            takes,
            live,
            sharing,
            results,
            quick_results,
            skip_to,
            back,
            has_few_ways,
            strict,
            bare,
        }
    }

    /// Where starts in one state are stepped together: a bound that could cut the threads of one start short needs these one by one.
    pub(super) fn strict_within(&self, threads_max: usize) -> Option<&Strict> {
        self.strict.as_ref().filter(|_| threads_max > self.table.rows.len())
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
            if !self.is_taken(way, record, offered) {
                continue;
            }
            stepped = Stepped::Taken;
            if self.push_taken(way, record, offered.event, out) {
                return Stepped::Finished;
            }
        }
        stepped
    }

    /// Appends what a thread becomes by a way. Gives whether it is finished then.
    #[inline]
    fn push_taken(&self, way: &Way, record: &[u32], event: u32, out: &mut Vec<u32>) -> bool {
        let begin = out.len();
        out.extend_from_slice(record);
        self.take(way, &mut out[begin..], event);
        match (way.next != NONE, way.finishes) {
            (true, true) => out.extend_from_within(begin..),
            (false, false) => out.truncate(begin),
            (true, false) | (false, true) => {}
        }
        if way.finishes {
            let last = out.len() - self.width;
            out[last] = FINISHED;
        }
        way.finishes
    }

    /// Lets a thread go a way with an event.
    #[inline]
    fn take(&self, way: &Way, record: &mut [u32], event: u32) {
        let take = &self.takes[way.variable as usize][usize::from(way.first_in_loop)];
        take.sets.iter().for_each(|&at| record[at] = event);
        take.updates.iter().for_each(|update| update.apply(record, event));
        record[LAST] = event;
        record[0] = way.next;
    }

    /// Notes in the record of a thread, which knows what comes behind, that it has gone a way with an event before.
    #[inline]
    pub(super) fn take_before(&self, way: &Way, record: &mut [u32], event: u32) {
        let take = &self.takes[way.variable as usize][usize::from(way.first_in_loop)];
        for &at in &take.sets {
            let place = &mut record[at];
            *place = if *place == NONE { event } else { *place };
        }
        take.updates.iter().for_each(|update| update.apply_before(record, event));
    }

    /// Whether a thread only waits, and an event that it is offered leaves it as it is.
    #[inline]
    pub(super) fn waits_on(&self, record: &[u32], offered: &Offered<'_>) -> bool {
        let row = self.table.row(record[0]);
        let leaves = |way: &Way| !way.waits && offered.fits >> way.variable & 1 == 1 && self.is_taken(way, record, offered);
        row.waits && (row.leaves_by & offered.fits == 0 || !row.ways.iter().any(leaves))
    }

    /// Offers an event to the only thread of a start, and changes it where it lies.
    #[inline]
    pub(super) fn step_alone(&self, record: &mut [u32], offered: &Offered<'_>) -> Alone {
        let row = self.table.row(record[0]);
        let takes = self.ways_that_take(row, record, offered);
        if takes == 0 {
            record[0] = row.kept;
            return if row.kept == NONE { Alone::Gone } else { Alone::Stays(false) };
        }
        let way = &row.ways[takes.trailing_zeros() as usize];
        if takes & (takes - 1) != 0 || way.finishes || way.next == NONE {
            return Alone::Spreads(takes);
        }
        self.take(way, record, offered.event);
        Alone::Stays(true)
    }

    /// What a thread becomes by those of its ways that take an event.
    pub(super) fn spread(&self, record: &[u32], takes: u64, event: u32, out: &mut Vec<u32>) {
        for (at, way) in self.table.row(record[0]).ways.iter().enumerate() {
            if takes >> at & 1 == 1 && self.push_taken(way, record, event, out) {
                return;
            }
        }
    }

    /// The ways that take an event, as bits, up to the first that finishes: no state that is stepped so has more than 64.
    #[inline]
    fn ways_that_take(&self, row: &State, record: &[u32], offered: &Offered<'_>) -> u64 {
        let mut takes = 0;
        if row.takes & offered.fits != 0 {
            for (at, way) in row.ways.iter().enumerate() {
                if offered.fits >> way.variable & 1 == 1 && self.is_taken(way, record, offered) {
                    takes |= 1 << at;
                    if way.finishes {
                        break;
                    }
                }
            }
        }
        takes
    }

    #[inline(always)]
    fn is_taken(&self, way: &Way, record: &[u32], offered: &Offered<'_>) -> bool {
        let take = &self.takes[way.variable as usize][usize::from(way.first_in_loop)];
        take.is_free() || self.holds(take, record, offered, way.first_in_loop)
    }

    fn holds(&self, take: &Take, record: &[u32], offered: &Offered<'_>, first_in_loop: bool) -> bool {
        for check in &take.checks {
            if !self.is_true(check, take, record, offered) {
                return false;
            }
        }
        let is_late = !take.checks_after_first.is_empty() && !first_in_loop && take.previous.is_none_or(|at| record[at] != NONE);
        if is_late {
            for check in &take.checks_after_first {
                if !self.is_true(check, take, record, offered) {
                    return false;
                }
            }
        }
        true
    }

    #[inline(always)]
    fn is_true(&self, check: &Check, take: &Take, record: &[u32], offered: &Offered<'_>) -> bool {
        match check {
            Check::Comparison(comparison) => comparison.holds(&self.layout, record, offered),
            Check::Words(_) | Check::Tree(_) => check.is_true_of(&self.view(take, record, offered), &self.terms.context),
        }
    }

    fn view<'a>(&'a self, take: &'a Take, record: &'a [u32], offered: &Offered<'a>) -> View<'a> {
        View {
            log: offered.log,
            layout: &self.layout,
            record,
            sources: &take.sources,
            quick: &take.quick,
            candidate: offered.event,
            start: offered.start,
            match_number: offered.match_number,
            end: None,
            waiting: None,
        }
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
                self.log.beside(event, by)
            }
            _ => None,
        }
    }
}

impl Words for View<'_> {
    #[inline]
    fn word(&self, slot: SlotId) -> Option<i64> {
        if let Some(Some(quick)) = self.quick.get(slot.0 as usize) {
            return quick.word(self.log, self.layout, self.record, self.candidate);
        }
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
