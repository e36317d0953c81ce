//! The starts of one partition of FROM PATTERN where a start's threads are one state (`determined`): starts in a row that are in one state are
//! a group, and an event steps each group once. Events in, rows out.
//!
//! The rules are those of `runs`. What a match has taken where is looked up when it comes out, from the symbols of its events, which stand in
//! the log; the record of a thread is made of that, and nothing is remembered while a match is under way. Where one gets long, its partition goes
//! on by runs.

use std::collections::VecDeque;

use super::Tools;
use super::compile::Compiler;
use super::determined::{Determined, NOWHERE, START};
use super::log::{Arriving, Log};
use super::machine::{FINISHED, LAST, Machine, Take};
use super::neighbours::Neighbours;
use super::results::Found;
use super::runs::{Run, RunPartition};
use super::table::{NONE, Table};
use crate::data::{Place, Saved, StateError, StateReader, StateWriter};
use crate::pattern::automaton::Origin;
use crate::pattern::terms::Terms;

/// Matches of more events are not looked up in the log: their starts go on as runs that share threads (`runs`), whose events cost the same
/// however long a match is, until none is left.
const LONG: usize = 64;

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
        let determined = Determined::new(&neighbours, table)?;
        let begins = table.row(table.start(Origin::LaterRow)).takes;
        Some(Self { neighbours, determined, begins })
    }
}

/// See the module.
#[derive(Debug)]
pub(super) struct Streaks {
    pub(super) log: Log,
    /// In order, from `gone` on; each stands in the log.
    starts: Vec<u32>,
    gone: usize,
    /// Of these, those in one state; in order.
    groups: Vec<Group>,
    /// How many groups have their match.
    decided: usize,
    /// Starts have gone since it was tidied.
    is_untidy: bool,
}

/// Starts in a row that are in one state.
#[derive(Debug, Clone, Copy)]
struct Group {
    state: u32,
    /// How many.
    starts: u32,
    /// They have their matches, which wait for their turn (SKIP): the last event that matters to them. [`NONE`]: they have none yet.
    decided_by: u32,
}

crate::saved!(Group { state, starts, decided_by });

impl Saved for Streaks {
    fn save(&self, to: &mut StateWriter) {
        let Self { log, starts, gone, groups, decided: _, is_untidy: _ } = self;
        to.put(log);
        to.put(&starts[*gone..].to_vec());
        to.put(groups);
    }

    fn load(from: &mut StateReader<'_>) -> Result<Self, StateError> {
        let (log, starts, groups): (_, _, Vec<Group>) = (from.take()?, from.take()?, from.take()?);
        let decided = groups.iter().filter(|group| group.is_decided()).count();
        Ok(Self { log, starts, gone: 0, groups, decided, is_untidy: true })
    }
}

impl Group {
    fn is_decided(&self) -> bool {
        self.decided_by != NONE
    }
}

impl Streaks {
    pub(super) fn new(log: Log) -> Self {
        Self { log, starts: Vec::new(), gone: 0, groups: Vec::new(), decided: 0, is_untidy: false }
    }

    /// The first start.
    pub(super) fn oldest_start(&self, machine: &Machine) -> Option<Place> {
        self.first().map(|start| self.log.place(&machine.layout, start))
    }

    /// See [`super::FlatEvaluator::touch`].
    pub(super) fn touch(&self, depth: usize) -> usize {
        match depth {
            0 => self.log.len() ^ self.starts.len() ^ self.groups.len(),
            _ => self.log.touch() ^ self.first().map_or(0, |start| start as usize) ^ self.groups.first().map_or(0, |g| g.state as usize),
        }
    }

    /// The event that the first start began with.
    #[inline]
    fn first(&self) -> Option<u32> {
        self.starts.get(self.gone).copied()
    }

    /// How many starts.
    fn len(&self) -> usize {
        self.starts.len() - self.gone
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Starts, and bytes, about.
    pub(super) fn size(&self) -> (usize, usize) {
        (self.len(), self.log.bytes() + self.starts.capacity() * 4 + self.groups.capacity() * size_of::<Group>())
    }

    /// Whether what has been read can be.
    pub(super) fn check(&self, machine: &Machine) -> Result<(), StateError> {
        let wrong = Err(StateError::new("starts in states that are none"));
        let Some(strict) = &machine.strict else { return wrong };
        let mut starts = self.starts.iter();
        let mut behind = self.log.index(self.log.first());
        for group in &self.groups {
            for _ in 0..group.starts {
                let Some(index) = starts.next().map(|&start| self.log.index(start)).filter(|index| *index >= behind) else { return wrong };
                behind = index + 1;
            }
            let is_held = behind <= self.log.end()
                && (!group.is_decided() || (behind - 1..self.log.end()).contains(&self.log.index(group.decided_by)));
            if group.starts == 0 || group.state as usize >= strict.determined.len() || !is_held {
                return wrong;
            }
        }
        let has_classes = self.log.fits_of_all(&machine.layout).all(|class| class < strict.determined.width() as u64);
        if starts.next().is_none() && has_classes { Ok(()) } else { wrong }
    }

    /// Handles the next event. Gives whether it was of any use.
    pub(super) fn event(&mut self, event: &Arriving<'_>, tools: &mut Tools<'_>) -> bool {
        let (machine, Some(strict)) = (tools.machine, &tools.machine.strict) else { return false };
        let is_under_way = self.groups.len() > self.decided;
        let may_start = strict.begins & event.fits != 0;
        if !is_under_way && !may_start {
            return false;
        }
        // Each start that is under way has taken the event before this one, so that one stands last in the log.
        let before = is_under_way.then(|| self.log.last());
        let candidate = self.log.push(&machine.layout, event);
        let class = strict.determined.class(strict.neighbours.symbol(machine, &self.log, event.fits, is_under_way));
        self.log.set_last_fits(&machine.layout, class as u64);
        let mut is_taken = false;
        if let Some(before) = before {
            is_taken = self.step(class, before, candidate, strict, tools);
        }
        if may_start {
            is_taken |= self.begin(class, candidate, strict, tools);
        }
        if !is_taken {
            self.log.pop(&machine.layout);
        }
        if self.groups.first().is_some_and(Group::is_decided) {
            self.let_out_in_turn(strict, tools);
        }
        if self.len() * (machine.table.rows.len() + 1) > tools.threads_max {
            self.keep_to_bounds(strict, tools);
        }
        true
    }

    /// Steps all groups under way. Gives whether any took the event.
    fn step(&mut self, class: usize, before: u32, candidate: u32, strict: &Strict, tools: &mut Tools<'_>) -> bool {
        let (mut kept, mut at, mut to, mut is_taken) = (0, self.gone, self.gone, false);
        let mut nth = 0;
        while let Some(&(mut group)) = self.groups.get(nth) {
            nth += 1;
            let mut starts = group.starts as usize;
            let begin = at;
            at += starts;
            if !group.is_decided() {
                let step = strict.determined.step(group.state, class);
                is_taken |= step.takes();
                group.state = step.to();
                if step.is_done() {
                    group.decided_by = if step.takes() { candidate } else { before };
                    starts = self.settle(begin, &group, strict, tools);
                    group.starts = u32::try_from(starts).expect("no more than they were");
                    self.decided += usize::from(starts > 0);
                }
                if group.state == NOWHERE || starts == 0 {
                    continue;
                }
            }
            if begin != to {
                self.starts.copy_within(begin..begin + starts, to);
            }
            to += starts;
            match self.groups[..kept].last_mut() {
                Some(last) if (last.state, last.decided_by) == (group.state, group.decided_by) => {
                    last.starts += group.starts;
                    self.decided -= usize::from(group.is_decided());
                }
                _ => {
                    self.groups[kept] = group;
                    kept += 1;
                }
            }
        }
        self.is_untidy |= to < self.starts.len();
        self.starts.truncate(to);
        self.groups.truncate(kept);
        is_taken
    }

    /// Each start of a group has a match, which comes out, or waits for its turn. Gives how many of the starts wait; they stand from `at` on, as
    /// all did.
    fn settle(&mut self, at: usize, group: &Group, strict: &Strict, tools: &mut Tools<'_>) -> usize {
        let waits = tools.machine.spec.after_match.is_skip();
        if waits && !tools.results.has_having() {
            return group.starts as usize;
        }
        let mut left = 0;
        for nth in at..at + group.starts as usize {
            let start = self.starts[nth];
            let found = self.found(start, group.decided_by, strict, tools);
            let Some(found) = found.filter(|found| tools.results.accepts(tools.machine, &self.log, found)) else { continue };
            if waits {
                self.starts[at + left] = start;
                left += 1;
            } else {
                tools.found.push(found);
            }
        }
        left
    }

    /// Starts at an event that may be the first of a match. Gives whether it took it.
    fn begin(&mut self, class: usize, candidate: u32, strict: &Strict, tools: &mut Tools<'_>) -> bool {
        let step = strict.determined.step(START, class);
        if step.to() == NOWHERE {
            return false;
        }
        let decided_by = if step.is_done() { candidate } else { NONE };
        let group = Group { state: step.to(), starts: 1, decided_by };
        let end = self.starts.len();
        self.starts.push(candidate);
        if step.is_done() && self.settle(end, &group, strict, tools) == 0 {
            self.starts.truncate(end);
            self.is_untidy = true;
            return true;
        }
        match self.groups.last_mut() {
            Some(last) if (last.state, last.decided_by) == (group.state, decided_by) => last.starts += 1,
            _ => {
                self.groups.push(group);
                self.decided += usize::from(step.is_done());
            }
        }
        true
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
        let (Some(&group), Some(start)) = (self.groups.first(), self.first()) else { return };
        if group.is_decided() {
            return;
        }
        if strict.determined.threads(group.state).last() != Some(&FINISHED) {
            return self.drop_first(1);
        }
        // What is under way has taken the last event of all.
        let decided_by = self.log.last();
        let waits = tools.machine.spec.after_match.is_skip();
        if !waits || tools.results.has_having() {
            let found = self.found(start, decided_by, strict, tools);
            let found = found.filter(|found| tools.results.accepts(tools.machine, &self.log, found));
            if found.is_none() || !waits {
                tools.found.extend(found);
                return self.drop_first(1);
            }
        }
        self.decided += 1;
        match group.starts {
            1 => self.groups[0].decided_by = decided_by,
            starts => {
                self.groups[0].starts = starts - 1;
                self.groups.insert(0, Group { starts: 1, decided_by, ..group });
            }
        }
    }

    /// SKIP: decided matches come out as long as no earlier start is undecided, and drop the starts that they cover.
    fn let_out_in_turn(&mut self, strict: &Strict, tools: &mut Tools<'_>) {
        let machine = tools.machine;
        while let (Some(&group), Some(start)) = (self.groups.first(), self.first())
            && group.is_decided()
        {
            let found = self.found(start, group.decided_by, strict, tools);
            self.drop_first(1);
            let Some(found) = found else { continue };
            let target = found.next_start(machine, &self.log, tools.skips_failed);
            tools.found.push(found);
            let covered =
                target.map_or(0, |target| self.starts[self.gone..].iter().take_while(|start| self.log.index(**start) < target).count());
            self.drop_first(covered);
        }
    }

    /// Drops the oldest starts.
    fn drop_first(&mut self, count: usize) {
        self.is_untidy |= count > 0;
        let mut left = count.min(self.len());
        self.gone += left;
        let mut gone = 0;
        for group in &mut self.groups {
            let starts = (group.starts as usize).min(left);
            group.starts -= starts as u32;
            left -= starts;
            if group.starts > 0 {
                break;
            }
            self.decided -= usize::from(group.is_decided());
            gone += 1;
        }
        self.groups.drain(..gone);
    }

    /// Drops the oldest starts where their threads are too many; each is counted.
    fn keep_to_bounds(&mut self, strict: &Strict, tools: &mut Tools<'_>) {
        let threads = |group: &Group| if group.is_decided() { 1 } else { strict.determined.threads(group.state).len() };
        let mut count: usize = self.groups.iter().map(|group| group.starts as usize * threads(group)).sum();
        while count > tools.threads_max && self.len() > 1 {
            count -= self.groups.first().map_or(0, threads);
            self.drop_first(1);
            *tools.dropped += 1;
        }
    }

    /// The match of a start that is finished once it has taken the event `to`.
    fn found(&self, start: u32, to: u32, strict: &Strict, tools: &mut Tools<'_>) -> Option<Found> {
        let Tools { machine, results, scratch, .. } = tools;
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
        for class in classes.clone() {
            scratch.push(state);
            state = determined.step(state, class as usize).to();
        }
        let threads = determined.threads(state);
        let mut thread = which(threads)?;
        let (record, states) = scratch.split_at_mut(machine.width());
        record[0] = threads[thread];
        let mut event = to;
        for (&state, class) in states.iter().zip(classes).rev() {
            let (from, way) = determined.origin(state, class as usize, thread);
            if let Some(way) = determined.way(way) {
                machine.take_before(way, record, event);
                record[LAST] = if record[LAST] == NONE { event } else { record[LAST] };
            }
            (thread, event) = (from, Log::before(event));
        }
        Some(record)
    }

    /// Whether matches could be too long to be looked up.
    pub(super) fn is_long(&self) -> bool {
        self.first().is_some_and(|start| self.log.len_from(start) > LONG)
    }

    /// The same, each start by itself.
    pub(super) fn into_runs(self, machine: &Machine, strict: &Strict) -> RunPartition {
        let (mut runs, mut threads, mut scratch) = (VecDeque::new(), Vec::new(), Vec::new());
        let groups = self.groups.iter().flat_map(|group| std::iter::repeat_n(group, group.starts as usize));
        for (&start, group) in self.starts[self.gone..].iter().zip(groups) {
            let to = if group.is_decided() { group.decided_by } else { self.log.last() };
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
    pub(super) fn tidy(&mut self, machine: &Machine) {
        if !std::mem::take(&mut self.is_untidy) {
            return;
        }
        match self.first() {
            None => {
                self.log.clear();
                self.starts.clear();
                self.gone = 0;
            }
            Some(start) => self.log.forget_before(&machine.layout, start),
        }
        if self.gone > 64 && self.gone * 2 > self.starts.len() {
            self.starts.drain(..self.gone);
            self.gone = 0;
        }
        if self.starts.capacity() > 64 + 4 * self.starts.len() {
            self.starts.shrink_to(2 * self.starts.len());
        }
    }
}
