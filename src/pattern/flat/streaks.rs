//! The starts of one partition of FROM PATTERN where a start's threads are one state (`determined`): starts in a row that are in one state are
//! a group, a bit a start, and an event steps each group once. Events in, rows out.
//!
//! The rules are those of `runs`. What a match has taken where is looked up when it comes out, from the symbols of its events, which stand in
//! the log; the record of a thread is made of that, and nothing is remembered while a match is under way. Where one gets long, its partition goes
//! on by runs.

use std::collections::VecDeque;

use super::Tools;
use super::compile::Compiler;
use super::determined::{Came, Determined, NOWHERE, START};
use super::log::{Arriving, Log, Stretch};
use super::machine::{FINISHED, LAST, Machine, Take};
use super::neighbours::Neighbours;
use super::results::Found;
use super::runs::{Run, RunPartition};
use super::table::{NONE, Table};
use crate::data::{Place, Saved, StateError, StateReader, StateWriter};
use crate::pattern::automaton::Origin;
use crate::pattern::terms::Terms;

/// A group says of which of so many last events its starts are. Matches of as many are not looked up in the log: their starts go on as runs that
/// share threads (`runs`), whose events cost the same however long a match is, until none is left.
const LONG: u32 = u64::BITS;

/// So many words of a log are kept though it has none: all events of a partition that a batch brings stand in it for a while.
const FEW: usize = 256;

/// Patterns of this kind: their terms, and their automaton.
#[derive(Debug)]
pub(super) struct Strict {
    pub(super) neighbours: Neighbours,
    pub(super) determined: Determined,
    /// Variables, as bits, of which an event may be the first of a match.
    begins: u64,
}

impl Strict {
    /// Of a pattern that is one of these.
    pub(super) fn of(compiler: &Compiler<'_>, terms: &Terms, table: &Table, takes: &[[Take; 2]]) -> Option<Self> {
        let neighbours = Neighbours::of(compiler, terms, table, takes)?;
        let determined = Determined::new(&neighbours, table, takes, compiler.captures.width())?;
        let begins = table.row(table.start(Origin::LaterRow)).takes;
        Some(Self { neighbours, determined, begins })
    }

    /// Writes the class of its symbol into each event of a log from an index on. Of what follows nothing, or what no match has taken, the terms
    /// are asked in vain: no first step has any.
    #[inline]
    fn note_classes(&self, machine: &Machine, log: &mut Log, from: usize) {
        self.neighbours.note_terms(machine, log, from);
        let class = |before: Option<&[i64]>, row: &[i64]| self.determined.class(self.neighbours.symbol(before, row)) as u64;
        log.change_fits(&machine.layout, from, class);
    }
}

/// See the module. An event that is held is known by its age: how many are held that came behind it.
#[derive(Debug)]
pub(super) struct Streaks {
    pub(super) log: Log,
    /// Where in the log the events end that have been handled: what lies behind them is about to be.
    end: usize,
    /// The oldest starts first. Between events the first has no match yet.
    groups: Vec<Group>,
    /// Something may have become of no use since it was tidied.
    is_untidy: bool,
}

/// Starts in a row that are in one state.
#[derive(Debug, Clone, Copy)]
struct Group {
    state: u32,
    /// They have their matches, which wait for their turn (SKIP): the age of the last event that matters to them. [`NONE`]: they have none yet.
    decided_by: u32,
    /// The ages of their first events, as bits.
    starts: u64,
}

crate::saved!(Group { state, decided_by, starts });

impl Saved for Streaks {
    fn save(&self, to: &mut StateWriter) {
        let Self { log, groups, end: _, is_untidy: _ } = self;
        to.put(log);
        to.put(groups);
    }

    fn load(from: &mut StateReader<'_>) -> Result<Self, StateError> {
        let (log, groups) = (from.take()?, from.take()?);
        Ok(Self { log, end: 0, groups, is_untidy: true })
    }
}

impl Group {
    #[inline]
    fn is_decided(&self) -> bool {
        self.decided_by != NONE
    }

    /// The age of its oldest start.
    #[inline]
    fn oldest(&self) -> u32 {
        debug_assert!(self.starts != 0, "a group without a start is none");
        (LONG - 1).wrapping_sub(self.starts.leading_zeros())
    }

    /// The ages of its starts, the oldest first.
    fn ages(&self) -> impl Iterator<Item = u32> + use<> {
        let mut left = *self;
        std::iter::from_fn(move || {
            let age = (left.starts != 0).then(|| left.oldest())?;
            left.starts &= !(1 << age);
            Some(age)
        })
    }

    /// An event has been put behind all others.
    #[inline]
    fn grow_older(&mut self) {
        self.starts <<= 1;
        self.decided_by = if self.is_decided() { self.decided_by.wrapping_add(1) } else { NONE };
    }

    /// Takes in the starts of a group behind it, if they are in the same state.
    #[inline]
    fn joins(&mut self, behind: &Self) -> bool {
        let is_same = (self.state, self.decided_by) == (behind.state, behind.decided_by);
        self.starts |= if is_same { behind.starts } else { 0 };
        is_same
    }
}

impl Streaks {
    pub(super) fn new(log: Log) -> Self {
        Self { end: log.end(), log, groups: Vec::new(), is_untidy: false }
    }

    /// The first start.
    pub(super) fn oldest_start(&self, machine: &Machine) -> Option<Place> {
        self.groups.first().map(|group| self.log.place(&machine.layout, self.aged(group.oldest())))
    }

    /// The event of that age.
    #[inline]
    fn aged(&self, age: u32) -> u32 {
        self.log.number_at(self.end.wrapping_sub(1).wrapping_sub(age as usize))
    }

    /// See [`super::FlatEvaluator::touch`].
    pub(super) fn touch(&self, depth: usize) -> usize {
        match depth {
            0 => self.log.len() ^ self.groups.len(),
            _ => self.log.touch() ^ self.groups.first().map_or(0, |group| group.state as usize),
        }
    }

    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.groups.is_empty()
    }

    /// Starts, and bytes, about.
    pub(super) fn size(&self) -> (usize, usize) {
        let starts = self.groups.iter().map(|group| group.starts.count_ones() as usize).sum();
        (starts, self.log.bytes() + self.groups.capacity() * size_of::<Group>())
    }

    /// Whether what has been read can be.
    pub(super) fn check(&mut self, machine: &Machine) -> Result<(), StateError> {
        self.end = self.log.end();
        let wrong = Err(StateError::new("starts in states that are none"));
        let Some(strict) = &machine.strict else { return wrong };
        // Each start is younger than all before it, and the next event still finds room.
        let mut younger_than = (LONG - 1).min(u32::try_from(self.log.len()).unwrap_or(LONG));
        for group in &self.groups {
            let is_held = group.starts != 0 && group.oldest() < younger_than;
            younger_than = group.starts.trailing_zeros();
            let is_decided = !group.is_decided() || group.decided_by <= younger_than;
            if !is_held || !is_decided || group.state as usize >= strict.determined.len() {
                return wrong;
            }
        }
        let is_first_open = self.groups.first().is_none_or(|group| !group.is_decided());
        let has_classes = self.log.fits_of_all(&machine.layout).all(|class| class < strict.determined.width() as u64);
        if has_classes && is_first_open { Ok(()) } else { wrong }
    }

    /// Handles the next event. Gives whether it was of any use.
    pub(super) fn event(&mut self, event: &Arriving<'_>, tools: &mut Tools<'_>) -> bool {
        let (machine, Some(strict)) = (tools.machine, &tools.machine.strict) else { return false };
        if self.groups.is_empty() && strict.begins & event.fits == 0 {
            return false;
        }
        self.log.push(&machine.layout, event);
        strict.note_classes(machine, &mut self.log, self.end);
        self.handle(event.fits, strict, tools);
        true
    }

    /// Handles events, which are these rows, as far as there is room behind the first start. Behind each of them `after` is told which it was,
    /// how much has been found in all, and the first start. Gives how many they were.
    pub(super) fn events(
        &mut self,
        stretch: &Stretch<'_>,
        rows: &[u32],
        tools: &mut Tools<'_>,
        mut after: impl FnMut(u32, usize, Option<Place>),
    ) -> usize {
        let (machine, Some(strict)) = (tools.machine, &tools.machine.strict) else { return 0 };
        self.log.extend(&machine.layout, stretch, rows);
        strict.note_classes(machine, &mut self.log, self.end);
        let (mut first, mut stands_at) = (NONE, None);
        for (nth, &row) in rows.iter().enumerate() {
            self.handle(stretch.fits[row as usize], strict, tools);
            let now = self.groups.first().map_or(NONE, |group| self.aged(group.oldest()));
            if now != first {
                (first, stands_at) = (now, self.oldest_start(machine));
            }
            after(row, tools.found.len(), stands_at);
            if self.is_long() {
                self.log.truncate(&machine.layout, self.end);
                return nth + 1;
            }
        }
        rows.len()
    }

    /// Handles the next event of the log, which fits these variables.
    #[inline]
    fn handle(&mut self, fits: u64, strict: &Strict, tools: &mut Tools<'_>) {
        let machine = tools.machine;
        let class = self.log.fits_at(&machine.layout, self.end) as usize;
        self.end = self.end.wrapping_add(1);
        self.step(class, strict, tools);
        if strict.begins & fits != 0 {
            self.begin(class, strict, tools);
        }
        // What nothing has taken is of no use either.
        self.is_untidy |= self.is_empty();
        if self.groups.first().is_some_and(Group::is_decided) {
            self.let_out_in_turn(strict, tools);
        }
        if LONG as usize * (machine.table.rows.len() + 1) > tools.threads_max {
            self.keep_to_bounds(strict, tools);
            // The first may have been what others waited for.
            self.let_out_in_turn(strict, tools);
        }
    }

    /// Steps all groups under way.
    #[inline]
    fn step(&mut self, class: usize, strict: &Strict, tools: &mut Tools<'_>) {
        let mut groups = std::mem::take(&mut self.groups);
        let mut kept = 0_usize;
        // No group is nowhere.
        let mut last = Group { state: NOWHERE, decided_by: NONE, starts: 0 };
        for nth in 0..groups.len() {
            let mut group = groups[nth];
            group.grow_older();
            if !group.is_decided() {
                let step = strict.determined.step(group.state, class);
                group.state = step.to();
                if step.is_done() {
                    group.decided_by = u32::from(!step.takes());
                    group.starts = self.settle(&group, strict, tools);
                }
                if group.state == NOWHERE || group.starts == 0 {
                    continue;
                }
            }
            if last.joins(&group) {
                groups[kept.wrapping_sub(1)] = last;
            } else {
                groups[kept] = group;
                kept = kept.wrapping_add(1);
                last = group;
            }
        }
        // Some have joined others, or are over.
        self.is_untidy |= kept < groups.len();
        groups.truncate(kept);
        self.groups = groups;
    }

    /// Each start of a group has a match, which comes out, or waits for its turn. Gives those of the starts that wait.
    fn settle(&self, group: &Group, strict: &Strict, tools: &mut Tools<'_>) -> u64 {
        let waits = tools.machine.spec.after_match.is_skip();
        if waits && !tools.results.has_having() {
            return group.starts;
        }
        let mut left = 0;
        for age in group.ages() {
            let Some(found) = self.accepted(age, group.decided_by, strict, tools) else { continue };
            if waits {
                left |= 1 << age;
            } else {
                tools.found.push(found);
            }
        }
        left
    }

    /// Starts at an event that may be the first of a match.
    #[inline]
    fn begin(&mut self, class: usize, strict: &Strict, tools: &mut Tools<'_>) {
        let step = strict.determined.step(START, class);
        if step.to() == NOWHERE {
            return;
        }
        let mut group = Group { state: step.to(), decided_by: NONE, starts: 1 };
        if step.is_done() {
            group.decided_by = 0;
            group.starts = self.settle(&group, strict, tools);
        }
        if group.starts != 0 && !self.groups.last_mut().is_some_and(|last| last.joins(&group)) {
            self.groups.push(group);
        }
    }

    /// WITHIN is over for the oldest start.
    pub(super) fn time_over(&mut self, tools: &mut Tools<'_>) {
        let Some(strict) = &tools.machine.strict else { return };
        self.end_front(strict, tools);
        if tools.machine.spec.after_match.is_skip() {
            self.let_out_in_turn(strict, tools);
        }
    }

    /// The input is over: what is finished comes out.
    pub(super) fn end(&mut self, tools: &mut Tools<'_>) {
        let Some(strict) = &tools.machine.strict else { return };
        let is_skip = tools.machine.spec.after_match.is_skip();
        while !self.is_empty() {
            self.end_front(strict, tools);
            if is_skip {
                self.let_out_in_turn(strict, tools);
            }
        }
    }

    /// WITHIN, or the end of the input, ends the oldest start, which with SKIP may then be decided and stay.
    fn end_front(&mut self, strict: &Strict, tools: &mut Tools<'_>) {
        let Some(&group) = self.groups.first().filter(|group| !group.is_decided()) else { return };
        if strict.determined.threads(group.state).last() != Some(&FINISHED) {
            return self.drop_first();
        }
        // What is under way has taken the last event of all.
        let (age, decided_by) = (group.oldest(), 0);
        let waits = tools.machine.spec.after_match.is_skip();
        if !waits || tools.results.has_having() {
            let found = self.accepted(age, decided_by, strict, tools);
            if found.is_none() || !waits {
                tools.found.extend(found);
                return self.drop_first();
            }
        }
        let starts = 1 << age;
        if group.starts == starts {
            self.groups[0].decided_by = decided_by;
        } else {
            self.groups[0].starts &= !starts;
            self.groups.insert(0, Group { decided_by, starts, ..group });
        }
    }

    /// SKIP: decided matches come out as long as no earlier start is undecided, and drop the starts that they cover.
    fn let_out_in_turn(&mut self, strict: &Strict, tools: &mut Tools<'_>) {
        let machine = tools.machine;
        while let Some(&group) = self.groups.first().filter(|group| group.is_decided()) {
            let found = self.found(group.oldest(), group.decided_by, strict, tools);
            self.drop_first();
            let Some(found) = found else { continue };
            let target = found.next_start(machine, &self.log, tools.skips_failed);
            tools.found.push(found);
            if let Some(target) = target {
                self.drop_before(target);
            }
        }
    }

    /// Drops the oldest start.
    fn drop_first(&mut self) {
        if let Some(first) = self.groups.first_mut() {
            first.starts &= !(1 << first.oldest());
            self.drop_empty();
        }
    }

    /// Drops the starts before that index of the log.
    fn drop_before(&mut self, index: usize) {
        let ages = self.end.saturating_sub(index);
        let kept = u32::try_from(ages).ok().and_then(|ages| 1_u64.checked_shl(ages)).map_or(u64::MAX, |end| end - 1);
        for group in &mut self.groups {
            if group.starts & !kept == 0 {
                break;
            }
            group.starts &= kept;
        }
        self.drop_empty();
    }

    /// Lets the first groups go as far as none of their starts is left.
    fn drop_empty(&mut self) {
        self.is_untidy = true;
        let gone = self.groups.iter().take_while(|group| group.starts == 0).count();
        self.groups.drain(..gone);
    }

    /// Drops the oldest starts where their threads are too many; each is counted.
    #[inline(never)]
    fn keep_to_bounds(&mut self, strict: &Strict, tools: &mut Tools<'_>) {
        let threads = |group: &Group| if group.is_decided() { 1 } else { strict.determined.threads(group.state).len() };
        let mut count: usize = self.groups.iter().map(|group| group.starts.count_ones() as usize * threads(group)).sum();
        while count > tools.threads_max
            && let Some(&first) = self.groups.first()
            && (self.groups.len() > 1 || first.starts.count_ones() > 1)
        {
            count -= threads(&first);
            self.drop_first();
            *tools.dropped += 1;
        }
    }

    /// The match of a start of that age, if it is accepted.
    fn accepted(&self, age: u32, decided_by: u32, strict: &Strict, tools: &mut Tools<'_>) -> Option<Found> {
        let found = self.found(age, decided_by, strict, tools);
        found.filter(|found| tools.results.accepts(tools.machine, &self.log, found))
    }

    /// The match of a start of that age, which is finished once it has taken the event of the other.
    fn found(&self, age: u32, decided_by: u32, strict: &Strict, tools: &mut Tools<'_>) -> Option<Found> {
        let Tools { machine, results, scratch, .. } = tools;
        let (start, to) = (self.aged(age), self.aged(decided_by));
        let finished = |threads: &[u32]| threads.iter().position(|thread| *thread == FINISHED);
        let record = self.record(start, to, finished, (machine, strict), scratch)?;
        Some(results.found(machine, &self.log, start, record))
    }

    /// The record of one of the threads of a start once it has taken the event `to`; `which` gives its number of those.
    fn record<'s>(
        &self,
        start: u32,
        to: u32,
        which: impl FnOnce(&[u32]) -> Option<usize>,
        (machine, Strict { determined, .. }): (&Machine, &Strict),
        scratch: &'s mut Vec<u32>,
    ) -> Option<&'s [u32]> {
        let classes = self.log.fits_between(&machine.layout, start, to);
        scratch.clear();
        scratch.extend_from_slice(machine.initial(Origin::LaterRow));
        let mut state = START;
        scratch.extend(classes.clone().map(|class| {
            let before = state;
            state = determined.step(before, class as usize).to();
            before
        }));
        let threads = determined.threads(state);
        let mut thread = which(threads)?;
        let (record, states) = scratch.split_at_mut(machine.width());
        record[0] = threads[thread];
        let (mut event, mut open) = (to, u64::MAX);
        for (&state, class) in states.iter().zip(classes).rev() {
            let Came { from, way } = determined.came(state, class as usize, thread);
            if let Some(fills) = determined.fills(way) {
                open = fills.fill(record, event, open);
            } else if let Some(way) = determined.way(way) {
                machine.take_before(way, record, event);
                record[LAST] = if record[LAST] == NONE { event } else { record[LAST] };
            }
            (thread, event) = (from as usize, Log::before(event));
        }
        Some(record)
    }

    /// Whether there would be no room for another event behind the first start.
    #[inline]
    pub(super) fn is_long(&self) -> bool {
        self.groups.first().is_some_and(|group| group.oldest() == LONG - 1)
    }

    /// The same, each start by itself.
    pub(super) fn into_runs(self, machine: &Machine, strict: &Strict) -> RunPartition {
        let (mut runs, mut threads, mut scratch) = (VecDeque::new(), Vec::new(), Vec::new());
        for (group, age) in self.groups.iter().flat_map(|group| group.ages().map(move |age| (group, age))) {
            let (start, to) = (self.aged(age), self.aged(if group.is_decided() { group.decided_by } else { 0 }));
            let all = strict.determined.threads(group.state).len();
            let begin = threads.len();
            for nth in 0..if group.is_decided() { 1 } else { all } {
                let of_match = |threads: &[u32]| threads.iter().position(|thread| *thread == FINISHED);
                let which =
                    |threads: &[u32]| if group.is_decided() { of_match(threads) } else { Some(nth).filter(|nth| *nth < threads.len()) };
                threads.extend_from_slice(self.record(start, to, which, (machine, strict), &mut scratch).unwrap_or_default());
            }
            runs.push_back(Run::of(machine, start, group.is_decided(), &threads[begin..]));
        }
        RunPartition::of(self.log, runs, threads)
    }

    /// Lets go what nothing holds any more, once what was found has been written.
    #[inline]
    pub(super) fn tidy(&mut self, machine: &Machine) {
        if !std::mem::take(&mut self.is_untidy) {
            return;
        }
        match self.groups.first() {
            None => self.log.clear(),
            Some(group) => self.log.forget_before(&machine.layout, self.aged(group.oldest())),
        }
        self.log.fit(FEW);
        self.end = self.log.end();
    }
}
