//! The runs of one partition of FROM PATTERN: one for each start, in the order of the starts; their threads behind each other as records.
//!
//! The rules are those of `runs` beside this folder (section 6 of the language page, "Formally"). An event that no state of the partition
//! takes or is ended by is not looked at; what stands before the first run that it concerns stays where it is.

use std::collections::VecDeque;

use super::Tools;
use super::log::{Arriving, Log};
use super::machine::{FINISHED, Machine, Offered, Stepped};
use super::results::{Found, Results};
use super::sharing::catch_up;
use super::sweep::Sweep;
use super::table::NONE;
use crate::data::{Phase, Place, Saved, StateError, StateReader, StateWriter, Timestamp};
use crate::pattern::automaton::Origin;
use crate::spec::{AfterMatch, Runs, Within};

/// The runs of a partition.
#[derive(Debug)]
pub(super) struct RunPartition {
    pub(super) log: Log,
    /// In the order of their starts.
    runs: VecDeque<Run>,
    /// Their threads, as records, from `gone` words on.
    threads: Vec<u32>,
    gone: usize,
    /// Events so far, where WITHIN counts them.
    events: u64,
    /// What any of the runs waits for.
    interest: Interest,
    /// Runs have gone since it was tidied.
    is_untidy: bool,
}

/// All threads of one start.
#[derive(Debug, Clone, Copy)]
pub(super) struct Run {
    /// Its first event.
    pub(super) start: u32,
    /// The number of that event in the partition, where WITHIN counts them.
    index: u64,
    /// How many records.
    pub(super) threads: u32,
    /// It has its match, which waits for its turn (SKIP).
    pub(super) is_decided: bool,
    /// Where it follows another run, which then stands before it and is asked.
    pub(super) interest: Interest,
    /// How many runs right behind it share its thread.
    pub(super) followers: u32,
    /// Where it is one of those: the event from which on.
    pub(super) since: u32,
}

/// Which events can change threads.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Interest {
    /// Those that fit one of these variables.
    takes: u64,
    /// Any.
    any: bool,
}

crate::saved!(Interest { takes, any });

/// Runs are written as if none shared its thread.
impl Saved for RunPartition {
    fn save(&self, to: &mut StateWriter) {
        let Self { log, runs, threads, gone, events, interest, is_untidy: _ } = self;
        let (mut runs, mut threads) = (runs.clone(), threads.clone());
        part_all(log, runs.make_contiguous(), &mut threads[*gone..]);
        to.put(log);
        to.put(&runs);
        to.put(&threads);
        to.put(gone);
        to.put(events);
        to.put(interest);
    }

    fn load(from: &mut StateReader<'_>) -> Result<Self, StateError> {
        let (log, runs, threads) = (from.take()?, from.take()?, from.take()?);
        Ok(Self { log, runs, threads, gone: from.take()?, events: from.take()?, interest: from.take()?, is_untidy: true })
    }
}

impl Saved for Run {
    fn save(&self, to: &mut StateWriter) {
        let Self { start, index, threads, is_decided, interest, followers: _, since: _ } = self;
        to.put(&(*start, *index, *threads, *is_decided));
        to.put(interest);
    }

    fn load(from: &mut StateReader<'_>) -> Result<Self, StateError> {
        let (start, index, threads, is_decided) = from.take()?;
        Ok(Self { start, index, threads, is_decided, interest: from.take()?, followers: 0, since: NONE })
    }
}

impl Interest {
    #[inline]
    pub(super) fn is_in(self, fits: u64) -> bool {
        self.any || self.takes & fits != 0
    }

    #[inline]
    pub(super) fn and(self, other: Self) -> Self {
        Self { takes: self.takes | other.takes, any: self.any || other.any }
    }

    /// Of threads, as records.
    fn of(machine: &Machine, records: &[u32]) -> Self {
        if records.len() == machine.width() && records[0] != FINISHED {
            return Self::of_state(machine, records[0]);
        }
        let live = records.chunks_exact(machine.width()).filter(|record| record[0] != FINISHED);
        live.fold(Self::default(), |interest, record| interest.and(Self::of_state(machine, record[0])))
    }

    #[inline]
    pub(super) fn of_state(machine: &Machine, state: u32) -> Self {
        let row = machine.table.row(state);
        Self { takes: row.takes, any: row.is_strict }
    }
}

impl Run {
    /// The run of a start that has these threads, where WITHIN does not count events.
    pub(super) fn of(machine: &Machine, start: u32, is_decided: bool, records: &[u32]) -> Self {
        let threads = u32::try_from(records.len() / machine.width()).expect("threads of a run are bounded");
        let interest = if is_decided { Interest::default() } else { Interest::of(machine, records) };
        Self { start, index: 0, threads, is_decided, interest, followers: 0, since: NONE }
    }
}

impl RunPartition {
    /// Of these runs, in the order of their starts, and their threads.
    pub(super) fn of(log: Log, runs: VecDeque<Run>, threads: Vec<u32>) -> Self {
        let interest = runs.iter().fold(Interest::default(), |interest, run| interest.and(run.interest));
        Self { log, runs, threads, gone: 0, events: 0, interest, is_untidy: true }
    }

    pub(super) fn new(log: Log) -> Self {
        Self { log, runs: VecDeque::new(), threads: Vec::new(), gone: 0, events: 0, interest: Interest::default(), is_untidy: false }
    }

    /// The start of the oldest run.
    pub(super) fn oldest_start(&self, machine: &Machine) -> Option<Place> {
        self.runs.front().map(|run| self.log.place(&machine.layout, run.start))
    }

    /// See [`super::FlatEvaluator::touch`].
    pub(super) fn touch(&self, depth: usize) -> usize {
        match depth {
            0 => self.log.len() ^ self.runs.len() ^ self.threads.len() ^ self.gone,
            _ => {
                self.log.touch() ^ self.runs.front().map_or(0, |run| run.start as usize) ^ self.threads.last().map_or(0, |&at| at as usize)
            }
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.runs.is_empty()
    }

    /// Runs, and bytes, about.
    pub(super) fn size(&self) -> (usize, usize) {
        (self.runs.len(), self.log.bytes() + self.runs.capacity() * size_of::<Run>() + self.threads.capacity() * 4)
    }

    /// Handles the next event. Gives whether it was of any use.
    pub(super) fn event(&mut self, event: &Arriving<'_>, tools: &mut Tools<'_>) -> bool {
        let machine = tools.machine;
        let counts = matches!(machine.spec.within, Some(Within::Events(_)));
        let index = self.events;
        self.events += u64::from(counts);
        let start = machine.table.start(Origin::LaterRow);
        let may_start = start != NONE && machine.table.row(start).takes & event.fits != 0 && self.has_room(machine);
        let concerns = self.interest.is_in(event.fits);
        if !concerns && !may_start && !counts {
            return false;
        }
        let found_before = tools.found.len();
        let mut is_taken = false;
        if concerns || may_start {
            let candidate = self.log.push(&machine.layout, event);
            if concerns {
                is_taken |= self.step_runs(candidate, event.fits, tools);
            }
            if may_start {
                is_taken |= self.begin(candidate, event.fits, index, tools);
            }
            if !is_taken {
                self.log.truncate(&machine.layout, self.log.end() - 1);
            }
        }
        if counts && let Some(Within::Events(n)) = machine.spec.within {
            self.end_full_runs(n, index, event.place, tools);
            tools.found[found_before..].sort_by_key(|found| found.start);
        }
        if machine.spec.after_match == AfterMatch::Restart && tools.found.len() > found_before {
            self.clear();
        }
        if self.runs.front().is_some_and(|run| run.is_decided) {
            self.let_out_in_turn(tools);
        }
        if self.threads.len() - self.gone > tools.threads_max.saturating_mul(machine.width()) {
            self.keep_to_bounds(tools);
        }
        true
    }

    /// RUNS n: whether one more run may start.
    fn has_room(&self, machine: &Machine) -> bool {
        match machine.spec.runs {
            Runs::All | Runs::Latest | Runs::DropOldest(_) | Runs::OrEnd(_) => true,
            Runs::Count(n) => (self.runs.iter().filter(|run| !run.is_decided).count() as u64) < n,
        }
    }

    /// Steps the runs that an event concerns. Gives whether any took it.
    fn step_runs(&mut self, event: u32, fits: u64, tools: &mut Tools<'_>) -> bool {
        let Self { log, runs, threads, gone, .. } = self;
        let words = threads.len();
        let sweep = Sweep {
            machine: tools.machine,
            log,
            event,
            fits,
            runs: runs.make_contiguous(),
            threads,
            at: 0,
            from: *gone,
            kept: 0,
            to: *gone,
            is_aside: false,
            leader: None,
            interest: Interest::default(),
            is_taken: false,
            tools,
        };
        let (kept, interest, is_taken) = sweep.go();
        self.is_untidy |= kept < self.runs.len() || self.threads.len() < words;
        self.runs.truncate(kept);
        self.interest = interest;
        is_taken
    }

    /// Starts a run at an event that may be the first of a match. Gives whether it took it.
    fn begin(&mut self, candidate: u32, fits: u64, index: u64, tools: &mut Tools<'_>) -> bool {
        let machine = tools.machine;
        let offered = Offered {
            log: &self.log,
            event: candidate,
            row: self.log.row(&machine.layout, candidate),
            fits,
            start: candidate,
            match_number: 0,
        };
        let begin = self.threads.len();
        if machine.step(machine.initial(Origin::LaterRow), &offered, &mut self.threads) == Stepped::Passed {
            return false;
        }
        let mut run =
            Run { start: candidate, index, threads: 0, is_decided: false, interest: Interest::default(), followers: 0, since: NONE };
        if self.threads.len() == begin + machine.width() && self.threads[begin] != FINISHED {
            // What most starts are: nothing to merge, nothing to look at.
            (run.threads, run.interest) = (1, Interest::of_state(machine, self.threads[begin]));
        } else {
            machine.merge(&mut self.threads, begin);
            if !settle(machine, &mut run, &self.log, &mut self.threads, begin, tools.results, tools.found) {
                self.is_untidy = true;
                return true;
            }
        }
        self.interest = self.interest.and(run.interest);
        self.runs.push_back(run);
        true
    }

    /// The time `time` is over for the oldest run: WITHIN ends it, and with RESTART all that end at this time.
    pub(super) fn time_over(&mut self, time: Timestamp, tools: &mut Tools<'_>) {
        let machine = tools.machine;
        let restarts = machine.spec.after_match == AfterMatch::Restart;
        let found_before = tools.found.len();
        let end = Place::bound(time, Phase::After);
        let mut is_first = true;
        while let Some(run) = self.runs.front()
            && (is_first || restarts && self.deadline(machine, run) == Some(time))
        {
            is_first = false;
            self.end_front_run(end, tools);
        }
        if restarts && tools.found.len() > found_before {
            while let Some(run) = self.runs.front()
                && self.log.time(&machine.layout, run.start) <= time
            {
                self.drop_front(machine);
            }
        }
        if machine.spec.after_match.is_skip() {
            self.let_out_in_turn(tools);
        }
    }

    /// The input is over: what is finished comes out.
    pub(super) fn end(&mut self, tools: &mut Tools<'_>) {
        let machine = tools.machine;
        let found_before = tools.found.len();
        let is_skip = machine.spec.after_match.is_skip();
        while !self.runs.is_empty() {
            self.end_front_run(Place::MAX, tools);
            if is_skip {
                self.let_out_in_turn(tools);
            }
        }
        if !matches!(machine.spec.within, Some(Within::Time(_))) {
            // Without WITHIN nothing has timed out: there was no time.
            let mut at = 0;
            tools.found.retain(|found| {
                at += 1;
                at <= found_before || found.port == 0
            });
        }
    }

    fn deadline(&self, machine: &Machine, run: &Run) -> Option<Timestamp> {
        match machine.spec.within {
            Some(Within::Time(span)) => Some(self.log.time(&machine.layout, run.start).saturating_add(span)),
            Some(Within::Events(_)) | None => None,
        }
    }

    /// WITHIN, or the end of the input, ends the oldest run, which with SKIP may then be decided and stay.
    fn end_front_run(&mut self, end: Place, tools: &mut Tools<'_>) {
        let machine = tools.machine;
        let Some(run) = self.runs.front_mut() else { return };
        if run.is_decided {
            return;
        }
        let width = machine.width();
        let records = &mut self.threads[self.gone..self.gone + run.threads as usize * width];
        let Some(at) = records.chunks_exact(width).position(|record| record[0] == FINISHED) else {
            if machine.spec.timeout.is_some() {
                tools.found.push(tools.results.timed_out(machine, &self.log, run.start, &records[..width], end));
            }
            return self.drop_front(machine);
        };
        records.copy_within(at * width..(at + 1) * width, 0);
        let found = tools.results.found(machine, &self.log, run.start, &records[..width]);
        let is_match = tools.results.accepts(machine, &self.log, &found);
        if !is_match || !machine.spec.after_match.is_skip() {
            tools.found.extend(is_match.then_some(found));
            return self.drop_front(machine);
        }
        // What stood behind the match stays in the way until the run goes: it is put behind the match as if it were the same.
        run.is_decided = true;
        run.interest = Interest::default();
    }

    /// `WITHIN n EVENTS`: runs that n events have come for end.
    fn end_full_runs(&mut self, n: u64, index: u64, end: Place, tools: &mut Tools<'_>) {
        let machine = tools.machine;
        if !machine.spec.after_match.is_skip() {
            while self.runs.front().is_some_and(|run| index - run.index + 1 >= n) {
                self.end_front_run(end, tools);
            }
            return;
        }
        while self.runs.front().is_some_and(|run| !run.is_decided && index - run.index + 1 >= n) {
            self.end_front_run(end, tools);
            self.let_out_in_turn(tools);
        }
    }

    /// SKIP: decided matches come out as long as no earlier start is undecided, and drop the starts that they cover.
    fn let_out_in_turn(&mut self, tools: &mut Tools<'_>) {
        let machine = tools.machine;
        while let Some(&run) = self.runs.front()
            && run.is_decided
        {
            let record = &self.threads[self.gone..self.gone + machine.width()];
            let found = tools.results.found(machine, &self.log, run.start, record);
            self.drop_front(machine);
            let target = found.next_start(machine, &self.log, tools.skips_failed);
            tools.found.push(found);
            let is_covered = |run: &Run| target.is_some_and(|target| self.log.index(run.start) < target);
            let covered = self.runs.iter().take_while(|run| is_covered(run)).count();
            self.drop_first(covered, machine);
        }
    }

    fn drop_front(&mut self, machine: &Machine) {
        self.drop_first(1, machine);
    }

    /// Drops the oldest runs. One that followed them leads those behind it.
    fn drop_first(&mut self, count: usize, machine: &Machine) {
        self.is_untidy = true;
        let width = machine.width();
        let (mut leader, mut led, mut interest) = (self.gone, 0, Interest::default());
        for run in self.runs.drain(..count.min(self.runs.len())) {
            if run.since == NONE {
                (leader, led, interest) = (self.gone, run.followers, run.interest);
            } else {
                led -= 1;
            }
            self.gone += run.threads as usize * width;
        }
        match self.runs.front_mut() {
            None => self.clear(),
            Some(run) if run.since != NONE => {
                let (before, thread) = self.threads.split_at_mut(self.gone);
                catch_up(&self.log, &mut thread[..width], run.since, &before[leader..leader + width]);
                (run.since, run.followers, run.interest) = (NONE, led - 1, interest);
            }
            Some(_) => {}
        }
    }

    fn clear(&mut self) {
        self.is_untidy = true;
        self.runs.clear();
        self.threads.clear();
        self.gone = 0;
        self.interest = Interest::default();
    }

    fn count(&self, machine: &Machine) -> usize {
        (self.threads.len() - self.gone) / machine.width()
    }

    /// Drops the oldest runs, and of a single run the least preferred threads, where there are too many; each is counted.
    fn keep_to_bounds(&mut self, tools: &mut Tools<'_>) {
        let machine = tools.machine;
        while self.count(machine) > tools.threads_max && self.runs.len() > 1 {
            self.drop_front(machine);
            *tools.dropped += 1;
        }
        let over = self.count(machine).saturating_sub(tools.threads_max);
        if let (Some(run), true) = (self.runs.front_mut(), over > 0) {
            *tools.dropped += over as u64;
            run.threads = u32::try_from(tools.threads_max).unwrap_or(u32::MAX);
            self.threads.truncate(self.gone + tools.threads_max * machine.width());
        }
    }

    /// Lets go what nothing holds any more, once what was found has been written.
    pub(super) fn tidy(&mut self, machine: &Machine) {
        if !std::mem::take(&mut self.is_untidy) {
            return;
        }
        match self.runs.front() {
            None => self.log.clear(),
            Some(run) => self.log.forget_before(&machine.layout, run.start),
        }
        if self.gone > 64 && self.gone * 2 > self.threads.len() {
            self.threads.drain(..self.gone);
            self.gone = 0;
        }
        if self.threads.capacity() > 256 + 4 * self.threads.len() {
            self.threads.shrink_to(2 * self.threads.len());
        }
        if self.runs.capacity() > 16 + 4 * self.runs.len() {
            self.runs.shrink_to(2 * self.runs.len());
        }
    }
}

/// The variables of events that may change anything, where others break no contiguity and are not counted.
pub(super) fn heeds(machine: &Machine) -> Option<u64> {
    let start = machine.table.start(Origin::LaterRow);
    let mut behind = machine.table.rows.iter().enumerate().filter(|(id, _)| *id != start as usize || machine.table.is_reached(start));
    let counts = matches!(machine.spec.within, Some(Within::Events(_)));
    let is_patient = !counts && !behind.any(|(_, row)| row.is_strict);
    is_patient.then(|| machine.table.rows.iter().fold(0, |bits, row| bits | row.takes))
}

/// Looks at what an event has made of a run, whose records stand from `begin` on: a match comes out, or waits for its turn. Gives whether
/// anything is left of the run.
pub(super) fn settle(
    machine: &Machine,
    run: &mut Run,
    log: &Log,
    records: &mut Vec<u32>,
    begin: usize,
    results: &Results,
    found: &mut Vec<Found>,
) -> bool {
    if records.len() == begin {
        return false;
    }
    let width = machine.width();
    if records[begin] == FINISHED {
        records.truncate(begin + width);
        let record = &records[begin..];
        let is_match = !results.has_having() || results.accepts(machine, log, &results.found(machine, log, run.start, record));
        if is_match && machine.spec.after_match.is_skip() {
            (run.is_decided, run.threads, run.interest) = (true, 1, Interest::default());
            return true;
        }
        if is_match {
            found.push(results.found(machine, log, run.start, record));
        }
        records.truncate(begin);
        return false;
    }
    run.threads = u32::try_from((records.len() - begin) / width).expect("threads of a run are bounded");
    run.interest = Interest::of(machine, &records[begin..]);
    true
}

/// Puts runs that share a thread on their own.
fn part_all(log: &Log, runs: &mut [Run], threads: &mut [u32]) {
    let records: usize = runs.iter().map(|run| run.threads as usize).sum();
    let width = threads.len().checked_div(records).unwrap_or(0);
    let (mut leader, mut interest, mut at) = (0, Interest::default(), 0);
    for run in runs {
        if run.since == NONE {
            (leader, interest) = (at, run.interest);
        } else {
            let (before, thread) = threads.split_at_mut(at);
            catch_up(log, &mut thread[..width], run.since, &before[leader..leader + width]);
            run.interest = interest;
        }
        at += run.threads as usize * width;
    }
}
