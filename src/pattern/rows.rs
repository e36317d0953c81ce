//! The rows of one partition of MATCH_RECOGNIZE.
//!
//! Starts are decided one after the other, so only one start is looked at at a time: its threads step over the rows that are there, and wait
//! for more until no way that is preferred to the best finished one is left. Then the next start steps over the rows kept since. A row is
//! kept as long as a start, or a PREV, may still reach it.

use std::collections::VecDeque;
use std::sync::Arc;

use super::automaton::Origin;
use super::event::{Candidate, Event};
use super::runs::Bounds;
use super::state::{State, WayKind};
use super::step::{Now, Taking};
use super::terms::{Before, RowsByNumber, Surroundings};
use super::thread::{Entry, Match, Matcher, push_split};
use super::variables::VariableSet;
use crate::data::{Place, Timestamp};
use crate::spec::{AfterMatch, Mode, RowOutput, SlotKind, VariableId, Within};

/// What the patterns of MATCH_RECOGNIZE ask of the rows around a row.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Reach {
    /// Rows that anything looks back (PREV).
    back: u64,
}

impl Reach {
    pub(crate) fn new(matcher: &Matcher) -> Self {
        let spec = matcher.spec();
        let mut reach = Self::default();
        for slot in &spec.slots {
            let (SlotKind::Column { physical, .. } | SlotKind::Classifier { physical, .. }) = &slot.kind else { continue };
            if *physical < 0 {
                reach.back = reach.back.max(physical.unsigned_abs());
            }
        }
        reach
    }
}

/// What a decided start gives.
#[derive(Debug)]
pub(crate) struct Decided {
    /// The start's row.
    pub(crate) row: Arc<Event>,
    /// MATCH_NUMBER()
    pub(crate) number: u64,
    /// The match, which may be empty; `None`: a row of no match (WITH UNMATCHED ROWS).
    pub(crate) found: Option<Match>,
}

/// The rows and the undecided start of one partition.
#[derive(Debug, Default)]
pub(crate) struct RowPartition {
    pub(crate) kept: KeptRows,
    /// The number of the next row to be tried as a start.
    next_start: u64,
    run: Option<RowRun>,
    matches: u64,
    /// Rows before this number are covered by a match.
    covered_until: u64,
    /// No more rows will come.
    ended: bool,
}

/// The start that is being looked at.
#[derive(Debug)]
struct RowRun {
    start: u64,
    /// The next row to step over.
    cursor: u64,
    entries: Vec<Entry>,
    decided: bool,
}

/// Rows by number, a stretch without gaps.
#[derive(Debug, Default)]
pub(crate) struct KeptRows {
    rows: VecDeque<(Arc<Event>, VariableSet)>,
    first: u64,
}

crate::saved!(RowPartition { kept, next_start, run, matches, covered_until, ended });
crate::saved!(RowRun { start, cursor, entries, decided });
crate::saved!(KeptRows { rows, first });

impl KeptRows {
    /// One behind the last number.
    pub(crate) fn end(&self) -> u64 {
        self.first + self.rows.len() as u64
    }

    /// The next row.
    pub(crate) fn push(&mut self, row: Arc<Event>, fits: VariableSet) {
        self.rows.push_back((row, fits));
    }

    /// The row of this number, and the variables whose unary terms hold for it.
    pub(crate) fn get(&self, number: u64) -> Option<&(Arc<Event>, VariableSet)> {
        self.rows.get(usize::try_from(number.checked_sub(self.first)?).ok()?)
    }

    /// Forgets the rows before this number.
    pub(crate) fn forget_before(&mut self, number: u64) {
        while self.first < number && self.rows.pop_front().is_some() {
            self.first += 1;
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }

    pub(crate) fn bytes(&self) -> usize {
        self.rows.iter().map(|(event, _)| event.bytes()).sum()
    }
}

impl RowsByNumber for KeptRows {
    fn row(&self, index: u64) -> Option<&Arc<Event>> {
        self.get(index).map(|(event, _)| event)
    }
}

/// Everything that a partition needs from outside.
pub(crate) struct RowTools<'t> {
    pub(crate) matcher: &'t mut Matcher,
    pub(crate) reach: Reach,
    /// Threads of one start at most; beyond it the least preferred are dropped.
    pub(crate) bounds: Bounds,
    pub(crate) dropped: &'t mut u64,
    pub(crate) skips_failed: &'t mut u64,
    /// Given each decided start in order, with the rows as they are then, and whether no more will come. Gives false where rows that have
    /// not come yet are needed.
    pub(crate) on_decided: &'t mut dyn FnMut(&Decided, &KeptRows, bool) -> bool,
}

impl RowPartition {
    /// The number that the next row gets.
    pub(crate) fn next_number(&self) -> u64 {
        self.kept.end()
    }

    /// The place of the earliest start that is undecided.
    pub(crate) fn undecided_start(&self) -> Option<Place> {
        self.run.as_ref().and_then(|run| self.kept.row(run.start)).map(|row| row.place)
    }

    /// The time at whose end the undecided start must be looked at again.
    pub(crate) fn deadline(&self, matcher: &Matcher) -> Option<(Timestamp, Place)> {
        let start = self.undecided_start()?;
        match matcher.spec().within {
            Some(Within::Time(duration)) => Some((start.time().saturating_add(duration), start)),
            Some(Within::Events(_)) | None => None,
        }
    }

    /// Whether nothing of the partition is worth keeping.
    pub(crate) fn is_forgettable(&self, matcher: &Matcher, reach: Reach) -> bool {
        let spec = matcher.spec();
        let numbers = spec.slots.iter().any(|s| matches!(s.kind, SlotKind::MatchNumber));
        let first_row = !Arc::ptr_eq(matcher.automaton.start(Origin::FirstRow), matcher.automaton.start(Origin::LaterRow))
            && matcher.automaton.start(Origin::FirstRow) != matcher.automaton.start(Origin::LaterRow);
        self.run.is_none() && self.next_start >= self.kept.end() && reach.back == 0 && !numbers && !first_row
    }

    /// How many rows and threads there are.
    pub(crate) fn size(&self) -> (usize, usize) {
        (self.kept.len(), self.run.as_ref().map_or(0, |r| r.entries.len()))
    }

    /// A row comes.
    pub(crate) fn row(&mut self, row: Arc<Event>, fits: VariableSet, tools: &mut RowTools<'_>) {
        self.kept.push(row, fits);
        self.decide_starts(None, tools);
    }

    /// A time is over: the undecided start can take no row behind it.
    pub(crate) fn time_over(&mut self, time: Timestamp, tools: &mut RowTools<'_>) {
        self.decide_starts(Some(time), tools);
    }

    /// The input is over.
    pub(crate) fn end(&mut self, tools: &mut RowTools<'_>) {
        self.ended = true;
        self.decide_starts(Some(Timestamp::MAX), tools);
    }

    /// Decides starts in order, as far as the rows allow.
    fn decide_starts(&mut self, over: Option<Timestamp>, tools: &mut RowTools<'_>) {
        loop {
            let Some(mut run) = self.run.take().or_else(|| self.begin(tools)) else { break };
            self.step_rows(&mut run, tools);
            if !run.decided && !self.decide_without_rows(&mut run, over, tools) {
                self.run = Some(run);
                break;
            }
            run.decided = true;
            let found = match run.entries.first() {
                Some(Entry::Finished(found)) => Some(found.clone()),
                Some(Entry::Live(_)) | None => None,
            };
            if !self.finish(run.start, found, tools) {
                self.run = Some(run);
                break;
            }
        }
        let start = self.run.as_ref().map_or(self.next_start, |r| r.start);
        self.kept.forget_before(start.saturating_sub(tools.reach.back));
    }

    /// The next start, if its row is there.
    fn begin(&mut self, tools: &mut RowTools<'_>) -> Option<RowRun> {
        let start = self.next_start;
        let row = self.kept.row(start)?;
        let origin = if start == 0 { Origin::FirstRow } else { Origin::LaterRow };
        let state = tools.matcher.automaton.start(origin).clone();
        let mut entries = Vec::new();
        if !state.ways.is_empty() {
            let thread = tools.matcher.thread(state, row.place);
            push_split(&mut tools.matcher.automaton, &mut entries, thread);
        }
        let mut run = RowRun { start, cursor: start, entries, decided: false };
        run.look();
        Some(run)
    }

    /// Steps the threads over the rows that are there.
    fn step_rows(&mut self, run: &mut RowRun, tools: &mut RowTools<'_>) {
        let Some(start) = self.kept.row(run.start).map(|row| row.place) else { return };
        while !run.decided {
            let Some((row, fits)) = self.kept.get(run.cursor) else { return };
            let (is_in, within_end) = match tools.matcher.spec().within {
                Some(Within::Time(duration)) => {
                    let end = start.time().saturating_add(duration);
                    (row.time() <= end, end)
                }
                Some(Within::Events(n)) => (run.cursor - run.start < n, Timestamp::MAX),
                None => (true, Timestamp::MAX),
            };
            if !is_in {
                run.expire();
                run.decided = true;
                return;
            }
            let before = Before::default();
            let rows_ahead = if self.ended { u64::MAX } else { self.kept.end() - 1 - run.cursor };
            let around =
                Surroundings { start: Some(start), match_number: self.matches + 1, rows: Some(&self.kept), rows_ahead, before: &before };
            let now = Now { time: row.time(), within_end };
            let candidate = Candidate::of_event(row.clone());
            let mut next = Vec::with_capacity(run.entries.len());
            for entry in &run.entries {
                let Entry::Live(thread) = entry else {
                    next.push(entry.clone());
                    break;
                };
                let stepped = tools.matcher.step(thread, &candidate, fits, around, (Taking::One, now));
                let known = stepped.unknown_before.unwrap_or(usize::MAX);
                let (automaton, before) = (&mut tools.matcher.automaton, next.len());
                let cut = stepped.taken.into_iter().take(known).any(|thread| push_split(automaton, &mut next, thread));
                tools.bounds.look(before, next.len());
                if cut {
                    break;
                }
                if stepped.unknown_before.is_some() {
                    // What the open way would give is preferred to all that stands behind it: wait for the rows that will tell.
                    return;
                }
            }
            tools.matcher.merge(&mut next, false, Mode::Rows);
            if next.len() > tools.bounds.threads {
                *tools.dropped += (next.len() - tools.bounds.threads) as u64;
                next.truncate(tools.bounds.threads);
            }
            run.entries = next;
            run.cursor += 1;
            run.look();
        }
    }

    /// Decides a start for which no further row can count: WITHIN is over, or the input is. Gives whether it did.
    fn decide_without_rows(&self, run: &mut RowRun, over: Option<Timestamp>, tools: &RowTools<'_>) -> bool {
        if run.cursor < self.kept.end() {
            return false;
        }
        if self.ended {
            run.accept_at_end();
            run.expire();
            run.decided = true;
            return true;
        }
        let full = match (tools.matcher.spec().within, self.kept.row(run.start)) {
            (Some(Within::Time(duration)), Some(row)) => over.is_some_and(|over| row.time().saturating_add(duration) <= over),
            (Some(Within::Events(n)), _) => run.cursor - run.start >= n,
            (Some(Within::Time(_)) | None, _) => false,
        };
        if full {
            run.wait_for_the_end();
        }
        run.decided
    }

    /// A start is decided: lets its rows out and finds the next start. Gives false where an output looks at a row that has not come yet.
    fn finish(&mut self, start: u64, found: Option<Match>, tools: &mut RowTools<'_>) -> bool {
        let row = self.kept.row(start).expect("the row of an undecided start is kept").clone();
        let spec = tools.matcher.spec().clone();
        let Some(found) = found else {
            self.next_start = start + 1;
            let wanted = matches!(spec.rows, RowOutput::AllRows { with_unmatched: true, .. });
            return !wanted
                || start < self.covered_until
                || (tools.on_decided)(&Decided { row, number: 0, found: None }, &self.kept, self.ended);
        };
        let decided = Decided { row, number: self.matches + 1, found: Some(found) };
        if !(tools.on_decided)(&decided, &self.kept, self.ended) {
            return false;
        }
        self.matches += 1;
        let found = decided.found.as_ref().expect("it is a match");
        self.next_start = match found.history.last().map(|l| l.taking.event.index) {
            None => start + 1,
            Some(last) => {
                self.covered_until = self.covered_until.max(last + 1);
                next_start(&spec.after_match, found, start, last, tools.skips_failed)
            }
        };
        true
    }
}

impl RowRun {
    /// Whether the most preferred way is finished, or none is left.
    fn look(&mut self) {
        self.decided = !matches!(self.entries.first(), Some(Entry::Live(_)));
    }

    /// No further row can be taken.
    fn expire(&mut self) {
        self.entries.retain(|entry| matches!(entry, Entry::Finished(_)));
    }

    /// No further row can be taken, but what needs the end of the partition may still have it.
    fn wait_for_the_end(&mut self) {
        self.entries.retain(|entry| match entry {
            Entry::Finished(_) => true,
            Entry::Live(thread) => accepts_at_end(&thread.state),
        });
        self.look();
    }

    /// The end of the partition is here: `$` holds.
    fn accept_at_end(&mut self) {
        for entry in &mut self.entries {
            if let Entry::Live(thread) = entry
                && accepts_at_end(&thread.state)
            {
                *entry = Entry::Finished(Match { history: thread.history.clone(), end: thread.end });
            }
        }
    }
}

fn accepts_at_end(state: &State) -> bool {
    state.ways.iter().any(|w| w.kind == WayKind::AcceptAtEnd)
}

/// AFTER MATCH SKIP: the number of the next row to start at.
fn next_start(clause: &AfterMatch, found: &Match, start: u64, last: u64, skips_failed: &mut u64) -> u64 {
    let numbers = |of: &[VariableId]| -> Vec<u64> {
        found.history.iter_back().filter(|l| of.contains(&l.taking.variable)).map(|l| l.taking.event.index).collect()
    };
    let target = match clause {
        AfterMatch::SkipPastLast => return last + 1,
        AfterMatch::SkipToFirst(of) => numbers(of).last().copied(),
        AfterMatch::SkipToLast(of) => numbers(of).first().copied(),
        AfterMatch::SkipToLastEvent => Some(last),
        AfterMatch::SkipToNext | AfterMatch::Everything | AfterMatch::Restart | AfterMatch::Consume => return start + 1,
    };
    match target {
        Some(target) if target > start => target,
        Some(_) | None => {
            *skips_failed += 1;
            start + 1
        }
    }
}
